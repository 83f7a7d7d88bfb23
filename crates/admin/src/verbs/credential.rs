//! `sigillo credential list|add|remove|state|rotate`: the applications and persons that use a mailbox.

use std::path::{Path, PathBuf};

use sigillo_base::Secret;

use super::mailbox::read_password;
use super::{Destroys, Error, Where, Writes, header, json, table, yes};
use crate::Lang;
use crate::api::{Credential, Credentials, MadeCredential, NewCredential, NewSecret, Standing};

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
        at: Where<Writes>,
    },
    /// Revoca una credenziale, per sempre: le sue sessioni aperte finiscono al prossimo comando
    Remove {
        /// Indirizzo della casella
        address: String,
        /// Nome della credenziale
        name: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
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
        at: Where<Writes>,
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
        at: Where<Writes>,
    },
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
        Verb::Remove { address, name, at } => {
            at.confirmed(async || {
                let found = at.client().credentials(address).await?.credentials;
                let known = found.iter().find(|known| known.name == *name);
                Ok(known.map_or_else(|| name.clone(), |known| ended(known, lang)))
            })
            .await?;
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

/// What would end.
fn ended(Credential { login, rights, last_used, .. }: &Credential, lang: Lang) -> String {
    let (rights, used) = (rights.join(","), last_used.as_deref().unwrap_or(lang.pick("mai", "never")));
    match lang {
        Lang::It => format!("la credenziale {login} ({rights}; ultimo uso: {used}) finirebbe per sempre"),
        Lang::En => format!("the credential {login} ({rights}; last used: {used}) would end for ever"),
    }
}

fn given(file: Option<&Path>) -> Result<Option<Secret>, Error> {
    file.map(read_password).transpose()
}

fn made(made: &MadeCredential, at: &Where<Writes>, lang: Lang) -> Result<String, Error> {
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
