//! `sigillo mailbox list|add|set|block|unblock|password|log|credential|rights|trail|accesses|usage|profile|history|
//! import|export`.

mod accesses;
mod credential;
mod person;
mod rates;
mod transfer;

use std::io::Read;
use std::path::{Path, PathBuf};

use sigillo_base::Secret;

use super::{Error, Where, header, json, table};
use crate::Lang;
use crate::api::{HolderEvent, HolderLog, MailboxChange, Mailboxes, NewMailbox, NewPassword, Period};

/// What can be done with mailboxes.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca le caselle del gestore
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Crea una casella; la password si legge dall'ingresso standard, mai dagli argomenti
    Add {
        /// Indirizzo della casella, in un dominio del gestore
        address: String,
        /// standard, structured, massive-small, massive-medium, massive-large, massive-extra-large, service, o uno del gestore
        #[arg(long, default_value = "standard")]
        profile: String,
        /// File con la password sulla prima riga; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE", default_value = "-")]
        password_file: PathBuf,
        /// Il numero della struttura a cui appartiene, fra quelle dell'amministrazione del dominio
        #[arg(long, value_name = "NUMERO")]
        unit: Option<u64>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Cambia le scelte di una casella
    Set {
        /// Indirizzo della casella
        address: String,
        /// Posta ordinaria in arrivo: refuse (rifiutata) o accept (consegnata in busta di anomalia)
        #[arg(long, value_name = "refuse|accept", required_unless_present = "without")]
        ordinary_mail: Option<String>,
        /// Capacità IMAP da non offrire ai suoi programmi di posta, separate da virgole; vuoto: tutte offerte
        #[arg(long, value_delimiter = ',', value_name = "CAPACITÀ")]
        without: Option<Vec<String>>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Dice di quale struttura della sua amministrazione è una casella; senza --unit è di nessuna
    Unit {
        /// Indirizzo della casella
        address: String,
        /// Il numero della struttura
        #[arg(long, value_name = "NUMERO")]
        unit: Option<u64>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Il registro legale di una casella come può leggerlo chi la tiene, se il suo dominio lo consente
    Log {
        /// Indirizzo della casella
        address: String,
        /// Da quando: AAAA-MM-GG oppure AAAA-MM-GGThh:mm; senza, da 30 giorni
        #[arg(long, value_name = "QUANDO")]
        from: Option<String>,
        /// Fino a quando, escluso; senza, adesso
        #[arg(long, value_name = "QUANDO")]
        to: Option<String>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Le credenziali di una casella: applicazioni e persone che la usano, ognuna con la sua password
    Credential {
        /// What to do.
        #[command(subcommand)]
        verb: credential::Verb,
    },
    /// Blocca una casella: nessuno vi accede e non riceve
    Block(person::BlockArgs),
    /// Sblocca una casella
    Unblock {
        /// Indirizzo della casella
        address: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Che cosa può fare ciascuno nelle cartelle di una casella; con --person e --set glieli cambia
    Rights(person::RightsArgs),
    /// Chi è entrato in una casella, quante volte e come, e chi è stato respinto
    Accesses(accesses::Args),
    /// Porta in una casella i messaggi di una Maildir++, di un mbox, di file .eml o di un altro server; ripetuto, aggiunge ciò che manca
    Import(transfer::ImportArgs),
    /// Scrive i messaggi di una casella in una Maildir++ o in mbox, con flag e date, e li rilegge
    Export(transfer::ExportArgs),
    /// Quale credenziale ha inviato che cosa
    Trail(credential::TrailArgs),
    /// I limiti di una casella, quanto ne ha usato e quando li ha superati
    Usage {
        /// Indirizzo della casella
        address: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Dà a una casella un altro profilo: i limiti valgono subito, messaggi e conteggi restano
    Profile {
        /// Indirizzo della casella
        address: String,
        /// Il profilo: vedi `sigillo mailbox add --help`
        profile: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// I profili che una casella ha avuto
    History {
        /// Indirizzo della casella
        address: String,
        /// Solo quelli di un giorno: AAAA-MM-GG
        #[arg(long, value_name = "GIORNO")]
        day: Option<String>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Cambia la password di una casella; si legge dall'ingresso standard, mai dagli argomenti
    Password {
        /// Indirizzo della casella
        address: String,
        /// File con la password sulla prima riga; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE", default_value = "-")]
        password_file: PathBuf,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print; `progress` hears how far long work is, in messages
/// done of all.
pub async fn run(verb: &Verb, lang: Lang, progress: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    match verb {
        Verb::List { at } => {
            let found = at.client().mailboxes().await?;
            if at.json { json(&found) } else { Ok(show(found, lang)) }
        }
        Verb::Add { address, profile, password_file, unit, at } => {
            let password = read_password(password_file)?;
            let new = NewMailbox { address: address.clone(), profile: profile.clone(), password, unit: *unit };
            let made = at.client().add_mailbox(&new).await?;
            if at.json {
                return json(&made);
            }
            let text = lang.pick("creata la casella", "created the mailbox");
            Ok(format!("{text} {} ({})", made.address, made.profile))
        }
        Verb::Set { address, ordinary_mail, without, at } => {
            let without = without.clone().map(|words| words.into_iter().filter(|word| !word.is_empty()).collect());
            let change = MailboxChange { ordinary_mail: ordinary_mail.clone(), without, ..MailboxChange::default() };
            let changed = at.client().change_mailbox(address, &change).await?;
            if at.json { json(&changed) } else { Ok(show(Mailboxes { mailboxes: vec![changed] }, lang)) }
        }
        Verb::Log { address, from, to, at } => {
            let period = Period { from: from.clone(), to: to.clone() };
            let found = at.client().holder_log(address, &period).await?;
            if at.json { json(&found) } else { Ok(events(&found, lang)) }
        }
        Verb::Unit { address, unit, at } => {
            let of = at.client().set_unit(address, *unit).await?;
            if at.json {
                return json(&of);
            }
            Ok(match (of.unit, lang) {
                (Some(id), Lang::It) => format!("{address} è della struttura {id}"),
                (Some(id), Lang::En) => format!("{address} belongs to unit {id}"),
                (None, Lang::It) => format!("{address} non è di nessuna struttura"),
                (None, Lang::En) => format!("{address} belongs to no unit"),
            })
        }
        Verb::Block(args) => person::block(args, lang).await,
        Verb::Unblock { address, at } => person::unblock(address, at, lang).await,
        Verb::Rights(args) => person::rights(args, lang).await,
        Verb::Accesses(args) => accesses::run(args, lang).await,
        Verb::Credential { verb } => credential::run(verb, lang).await,
        Verb::Import(args) => transfer::import(args, lang, progress).await,
        Verb::Export(args) => transfer::export(args, lang, progress).await,
        Verb::Trail(args) => credential::trail(args, lang).await,
        Verb::Usage { address, at } => rates::usage(address, at, lang).await,
        Verb::Profile { address, profile, at } => rates::profile(address, profile, at, lang).await,
        Verb::History { address, day, at } => rates::history(address, day.as_deref(), at, lang).await,
        Verb::Password { address, password_file, at } => {
            let new = NewPassword { password: read_password(password_file)? };
            let changed = at.client().set_password(address, &new).await?;
            if at.json {
                return json(&changed);
            }
            Ok(format!("{} {}", lang.pick("cambiata la password di", "changed the password of"), changed.address))
        }
    }
}

/// The mailboxes as a table.
pub fn show(found: Mailboxes, lang: Lang) -> String {
    let columns = [
        ("casella", "mailbox"),
        ("profilo", "profile"),
        ("posta ordinaria", "ordinary mail"),
        ("bloccata", "blocked"),
        ("senza", "without"),
    ];
    let mut rows = table(&header(lang, &columns));
    for mailbox in found.mailboxes {
        let blocked = mailbox.blocked.map_or_else(String::new, |block| {
            let until = block.until.map(|until| format!("–{until}")).unwrap_or_default();
            format!("{}{until}: {}", block.since, block.reason)
        });
        let without = mailbox.without.join(",");
        rows.add_row([mailbox.address, mailbox.profile, mailbox.ordinary_mail, blocked, without]);
    }
    rows.to_string()
}

fn events(found: &HolderLog, lang: Lang) -> String {
    let columns = [
        ("quando", "when"),
        ("evento", "event"),
        ("da", "from"),
        ("per", "about"),
        ("oggetto", "subject"),
        ("identificativo", "identificativo"),
    ];
    let mut rows = table(&header(lang, &columns));
    for HolderEvent { identificativo, sender, subject, evidence } in &found.events {
        let (about, subject) = (evidence.about.join("\n"), subject.clone().unwrap_or_default());
        rows.add_row([&evidence.at, &evidence.label, sender, &about, &subject, identificativo]);
    }
    rows.to_string()
}

fn read_password(file: &Path) -> Result<Secret, Error> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(4096).read_to_string(&mut text).map_err(Error::Password)?;
    } else {
        text = std::fs::read_to_string(file).map_err(Error::Password)?;
    }
    let first = text.lines().next().unwrap_or_default().to_owned();
    if first.is_empty() { Err(Error::NoPassword) } else { Ok(Secret::new(first)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        verb: Verb,
    }

    #[test]
    fn a_password_is_no_argument() {
        assert!(Cli::try_parse_from(["x", "add", "a@b.example", "--password", "p"]).is_err());
        assert!(Cli::try_parse_from(["x", "add", "a@b.example", "segreta"]).is_err());
        let cli = Cli::try_parse_from(["x", "add", "a@b.example", "--socket", "/s"]).unwrap();
        assert!(matches!(cli.verb, Verb::Add { profile, .. } if profile == "standard"));
    }

    #[test]
    fn the_first_line_is_the_password() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "pippo\naltro\n").unwrap();
        assert_eq!(read_password(file.path()).unwrap().expose(), "pippo");
        std::fs::write(file.path(), "\n").unwrap();
        assert!(matches!(read_password(file.path()), Err(Error::NoPassword)));
    }
}
