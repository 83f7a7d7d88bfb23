//! `sigillo mailbox credential add|list|revoke|rotate|state`, `sigillo mailbox trail`.

use std::path::{Path, PathBuf};

use sigillo_base::Secret;

use super::read_password;
use crate::Lang;
use crate::api::{Credentials, MadeCredential, NewCredential, NewSecret, Period, Standing, Trail};
use crate::verbs::{Error, Where, header, json, table, yes};

/// What can be done with the credentials of a mailbox.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca le credenziali di una casella, anche quelle revocate
    List {
        /// Indirizzo della casella
        address: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Crea una credenziale; la password la genera il gestore e si vede una sola volta. Si accede come INDIRIZZO/NOME
    Add {
        /// Indirizzo della casella
        address: String,
        /// Nome nella casella: lettere, cifre, «.», «_», «-»; non si dà mai due volte
        name: String,
        /// application (un programma) o personal (una persona; solo per caselle strutturate)
        #[arg(long, default_value = "application", value_name = "application|personal")]
        kind: String,
        /// A che serve: send, read o tutti e due
        #[arg(long, value_delimiter = ',', default_value = "send,read", value_name = "send,read")]
        rights: Vec<String>,
        /// File con la password sulla prima riga, al posto di una generata; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Revoca una credenziale, per sempre: le sue sessioni aperte finiscono al prossimo comando
    Revoke {
        /// Indirizzo della casella
        address: String,
        /// Nome della credenziale
        name: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Dice se una password va cambiata prima di valere, e fino a quando vale; un'altra password comincia da capo
    State {
        /// Indirizzo della casella
        address: String,
        /// Nome della credenziale; senza, quella del titolare
        name: Option<String>,
        /// Se va cambiata prima che qualcuno entri
        #[arg(long, value_name = "SÌ|NO", action = clap::ArgAction::Set, value_parser = clap::builder::BoolishValueParser::new())]
        must_change: Option<bool>,
        /// Fino a quando vale: AAAA-MM-GG oppure AAAA-MM-GGThh:mm; «never» per sempre
        #[arg(long, value_name = "QUANDO|never")]
        expires: Option<String>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Dà a una credenziale un'altra password; quella di prima smette subito di valere
    Rotate {
        /// Indirizzo della casella
        address: String,
        /// Nome della credenziale
        name: String,
        /// File con la password sulla prima riga, al posto di una generata; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Which messages of a mailbox.
#[derive(Debug, Clone, clap::Args)]
pub struct TrailArgs {
    /// Indirizzo della casella
    pub address: String,
    /// Solo di questa credenziale
    #[arg(long, value_name = "NOME")]
    pub credential: Option<String>,
    /// Da quando: AAAA-MM-GG oppure AAAA-MM-GGThh:mm; senza, da 30 giorni
    #[arg(long, value_name = "QUANDO")]
    pub from: Option<String>,
    /// Fino a quando, escluso; senza, adesso
    #[arg(long, value_name = "QUANDO")]
    pub to: Option<String>,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { address, at } => {
            let found = at.client().credentials(address).await?;
            if at.json { json(&found) } else { Ok(show(found, lang)) }
        }
        Verb::Add { address, name, kind, rights, password_file, at } => {
            let new = NewCredential {
                name: name.clone(),
                kind: kind.clone(),
                rights: rights.clone(),
                password: given(password_file.as_deref())?,
            };
            made(&at.client().add_credential(address, &new).await?, at, lang)
        }
        Verb::Revoke { address, name, at } => {
            let ended = at.client().revoke_credential(address, name).await?;
            if at.json {
                return json(&ended);
            }
            Ok(format!("{} {}", lang.pick("revocata la credenziale", "revoked the credential"), ended.login))
        }
        Verb::State { address, name, must_change, expires, at } => {
            let name = name.clone().unwrap_or_default();
            let standing = Standing { name, must_change: *must_change, expires: expires.clone() };
            let now = at.client().set_standing(address, &standing).await?;
            if at.json { json(&now) } else { Ok(show(Credentials { credentials: vec![now], next: None }, lang)) }
        }
        Verb::Rotate { address, name, password_file, at } => {
            let new = NewSecret { password: given(password_file.as_deref())? };
            made(&at.client().rotate_credential(address, name, &new).await?, at, lang)
        }
    }
}

/// Asks which credential sent what, and gives the text to print.
pub async fn trail(args: &TrailArgs, lang: Lang) -> Result<String, Error> {
    let period = Period { from: args.from.clone(), to: args.to.clone() };
    let found = args.at.client().trail(&args.address, &period, args.credential.as_deref()).await?;
    if args.at.json { json(&found) } else { Ok(show_trail(found, lang)) }
}

fn given(file: Option<&Path>) -> Result<Option<Secret>, Error> {
    file.map(read_password).transpose()
}

fn made(made: &MadeCredential, at: &Where, lang: Lang) -> Result<String, Error> {
    if at.json {
        return json(made);
    }
    let mut text = format!("{}: {}", lang.pick("utente", "user"), made.credential.login);
    if let Some(password) = &made.password {
        let told = lang.pick("password (non si vedrà più)", "password (not shown again)");
        text += &format!("\n{told}: {}", password.expose());
    }
    Ok(text)
}

fn show(found: Credentials, lang: Lang) -> String {
    let columns = [
        ("utente", "user"),
        ("genere", "kind"),
        ("diritti", "rights"),
        ("SCRAM", "SCRAM"),
        ("creata", "created"),
        ("ultimo uso", "last used"),
        ("revocata", "revoked"),
        ("da cambiare", "to be changed"),
        ("scade", "expires"),
    ];
    let mut rows = table(&header(lang, &columns));
    for c in found.credentials {
        let (used, revoked) = (c.last_used.unwrap_or_default(), c.revoked.unwrap_or_default());
        let (rights, expires) = (c.rights.join(","), c.expires.unwrap_or_default());
        let change = yes(lang, c.must_change);
        // While there are no keys, what the password came as says why.
        let scram = if c.scram { yes(lang, true).to_owned() } else { format!("no ({})", c.hash) };
        rows.add_row([&c.login, &c.kind, &rights, &scram, &c.created, &used, &revoked, change, &expires]);
    }
    rows.to_string()
}

fn show_trail(found: Trail, lang: Lang) -> String {
    let columns = [
        ("quando", "when"),
        ("credenziale", "credential"),
        ("accettato", "accepted"),
        ("destinatari", "recipients"),
        ("ottetti", "octets"),
        ("identificativo", "identificativo"),
    ];
    let mut rows = table(&header(lang, &columns));
    for sent in found.sent {
        let name = if sent.credential.is_empty() { lang.pick("titolare", "owner") } else { &sent.credential };
        let (recipients, bytes) = (sent.recipients.to_string(), sent.bytes.to_string());
        rows.add_row([&sent.at, name, yes(lang, sent.accepted), &recipients, &bytes, &sent.id]);
    }
    rows.to_string()
}
