//! `sigillo mailbox list|add|set|unit|block|unblock|activate|deactivate|cancel|undelete|responsible|apply|password|reset|log|contact|
//! rights|alert|forward|trail|accesses|usage|history|import|import-hashes|export`.

mod accesses;
mod contact;
mod hashes;
mod life;
mod outside;
mod person;
mod rates;
mod trail;
mod transfer;

use std::io::Read;
use std::path::{Path, PathBuf};

use sigillo_base::Secret;

use super::{Asked, Destroys, Error, Where, Writes, apply, header, json, table};
use crate::Lang;
use crate::api::{HolderEvent, HolderLog, Mailbox, MailboxChange, Mailboxes, NewMailbox, NewPassword, Period};

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
        /// Il profilo, vedi «sigillo profile list»
        #[arg(long, default_value = "standard")]
        profile: String,
        /// File con la password sulla prima riga; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE", default_value = "-")]
        password_file: PathBuf,
        /// Invece della password, il suo hash fatto da un altro sistema: file con l'hash sulla prima riga; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
        password_hash_file: Option<PathBuf>,
        /// Il numero della struttura a cui appartiene, fra quelle dell'amministrazione del dominio
        #[arg(long, value_name = "NUMERO")]
        unit: Option<u64>,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Cambia le scelte di una casella, o il suo profilo
    Set {
        /// Indirizzo della casella
        address: String,
        /// Posta ordinaria in arrivo: refuse (rifiutata) o accept (consegnata in busta di anomalia)
        #[arg(long, value_name = "refuse|accept", required_unless_present_any = ["profile", "without", "receipts"])]
        ordinary_mail: Option<String>,
        /// Un altro profilo, vedi «sigillo profile list»: i limiti valgono subito, messaggi e conteggi restano
        #[arg(long, value_name = "PROFILO")]
        profile: Option<String>,
        /// Capacità IMAP da non offrire ai suoi programmi di posta, separate da virgole; vuoto: tutte offerte
        #[arg(long, value_delimiter = ',', value_name = "CAPACITÀ")]
        without: Option<Vec<String>>,
        /// Cartella in cui mettere le ricevute e gli avvisi che arrivano, creata se manca; INBOX: come di consueto
        #[arg(long, value_name = "CARTELLA")]
        receipts: Option<String>,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Dice di quale struttura della sua amministrazione è una casella; senza --unit è di nessuna
    Unit {
        /// Indirizzo della casella
        address: String,
        /// Il numero della struttura
        #[arg(long, value_name = "NUMERO")]
        unit: Option<u64>,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
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
    /// Dove si raggiunge chi tiene una casella, fuori di essa; con --phone e --mail lo cambia
    Contact(contact::Args),
    /// Manda a chi tiene una casella un codice con cui si imposta la password; chi lo chiede non lo vede
    Reset {
        /// Indirizzo della casella
        address: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Blocca una casella: nessuno vi accede e non riceve
    Block(person::BlockArgs),
    /// Sblocca una casella
    Unblock {
        /// Indirizzo della casella
        address: String,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Rimette in uso una casella disattivata
    Activate(life::Args),
    /// Mette fuori uso una casella: conserva ciò che contiene, nessuno vi accede, non riceve e non si paga
    Deactivate(life::Args),
    /// Cancella una casella: per un tempo si può riavere com'era, poi il suo contenuto si elimina
    Cancel(life::Args<Destroys>),
    /// Riprende una casella cancellata, com'era
    Undelete(life::Args),
    /// Dice chi risponde di una casella
    Responsible(life::ResponsibleArgs),
    /// Crea, cambia, attiva, disattiva o cancella le caselle di un file; ripetuto, cambia solo ciò che manca
    Apply(apply::Args),
    /// Che cosa può fare ciascuno nelle cartelle di una casella; con --person e --set glieli cambia
    Rights(person::RightsArgs),
    /// Avvisa chi tiene una casella, per SMS o posta ordinaria, quando arriva qualcosa; senza opzioni mostra com'è
    Alert(outside::AlertArgs),
    /// Manda una copia di ciò che arriva in una casella a un indirizzo di posta ordinaria; senza opzioni mostra com'è
    Forward(outside::ForwardArgs),
    /// Chi è entrato in una casella, quante volte e come, e chi è stato respinto
    Accesses(accesses::Args),
    /// Porta in una casella i messaggi di una Maildir++, di un mbox, di file .eml o di un altro server; ripetuto, aggiunge ciò che manca
    Import(transfer::ImportArgs),
    /// Dà alle caselle di un elenco le password che avevano altrove, come hash; ripetuto, non tocca chi ne ha già una qui
    ImportHashes(hashes::Args),
    /// Scrive i messaggi di una casella in una Maildir++ o in mbox, con flag e date, e li rilegge
    Export(transfer::ExportArgs),
    /// Quale credenziale ha inviato che cosa
    Trail(trail::Args),
    /// I limiti di una casella, quanto ne ha usato e quando li ha superati
    Usage {
        /// Indirizzo della casella
        address: String,
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
        /// Invece della password, il suo hash fatto da un altro sistema: file con l'hash sulla prima riga; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
        password_hash_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
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
        Verb::Add { address, profile, password_file, password_hash_file, unit, asked, at } => {
            let (password, password_hash) = read_either(password_file, password_hash_file.as_deref())?;
            let (address, profile) = (address.clone(), profile.clone());
            let new = NewMailbox { address, profile, password, password_hash, unit: *unit };
            let made = asked.client(at).add_mailbox(&new).await?;
            if at.json {
                return json(&made);
            }
            let text = lang.pick("creata la casella", "created the mailbox");
            Ok(format!("{text} {} ({})", made.address, made.profile))
        }
        Verb::Set { address, ordinary_mail, profile, without, receipts, asked, at } => {
            let without = without.clone().map(|words| words.into_iter().filter(|word| !word.is_empty()).collect());
            let (ordinary_mail, profile, receipts) = (ordinary_mail.clone(), profile.clone(), receipts.clone());
            let change = MailboxChange { ordinary_mail, profile, without, receipts };
            let changed = asked.client(at).change_mailbox(address, &change).await?;
            if at.json { json(&changed) } else { Ok(show(Mailboxes { mailboxes: vec![changed], next: None }, lang)) }
        }
        Verb::Alert(args) => outside::alert(args, lang).await,
        Verb::Forward(args) => outside::forward(args, lang).await,
        Verb::Log { address, from, to, at } => {
            let period = Period { from: from.clone(), to: to.clone() };
            let found = at.client().holder_log(address, &period).await?;
            if at.json { json(&found) } else { Ok(events(&found, lang)) }
        }
        Verb::Unit { address, unit, asked, at } => belongs(address, *unit, (asked, at), lang).await,
        Verb::Block(args) => person::block(args, lang).await,
        Verb::Unblock { address, asked, at } => person::unblock(address, asked, at, lang).await,
        Verb::Activate(args) => life::activate(args, true, lang).await,
        Verb::Deactivate(args) => life::activate(args, false, lang).await,
        Verb::Cancel(args) => life::cancel(args, lang).await,
        Verb::Undelete(args) => life::undelete(args, lang).await,
        Verb::Responsible(args) => life::responsible(args, lang).await,
        Verb::Apply(args) => apply::mailboxes(args, lang, progress).await,
        Verb::Rights(args) => person::rights(args, lang).await,
        Verb::Accesses(args) => accesses::run(args, lang).await,
        Verb::Contact(args) => contact::run(args, lang).await,
        Verb::Reset { address, at } => contact::reset(address, at, lang).await,
        Verb::Import(args) => transfer::import(args, lang, progress).await,
        Verb::ImportHashes(args) => hashes::run(args, lang, progress).await,
        Verb::Export(args) => transfer::export(args, lang, progress).await,
        Verb::Trail(args) => trail::run(args, lang).await,
        Verb::Usage { address, at } => rates::usage(address, at, lang).await,
        Verb::History { address, day, at } => rates::history(address, day.as_deref(), at, lang).await,
        Verb::Password { address, password_file, password_hash_file, at } => {
            let (password, password_hash) = read_either(password_file, password_hash_file.as_deref())?;
            let new = NewPassword { password, password_hash };
            let changed = at.client().set_password(address, &new).await?;
            if at.json {
                return json(&changed);
            }
            Ok(format!("{} {}", lang.pick("cambiata la password di", "changed the password of"), changed.address))
        }
    }
}

async fn belongs(
    address: &str,
    unit: Option<u64>,
    (asked, at): (&Asked, &Where<Writes>),
    lang: Lang,
) -> Result<String, Error> {
    let of = asked.client(at).set_unit(address, unit).await?;
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

/// The mailboxes as a table.
pub fn show(found: Mailboxes, lang: Lang) -> String {
    let columns = [
        ("casella", "mailbox"),
        ("profilo", "profile"),
        ("posta ordinaria", "ordinary mail"),
        ("stato", "state"),
        ("struttura", "unit"),
        ("responsabile", "responsible"),
        ("senza", "without"),
        ("ricevute", "receipts"),
    ];
    let mut rows = table(&header(lang, &columns));
    for mailbox in found.mailboxes {
        let state = state(&mailbox, lang);
        let unit = mailbox.unit.map(|unit| unit.to_string()).unwrap_or_default();
        let responsible = mailbox.responsible.join(", ");
        let without = mailbox.without.join(",");
        let Mailbox { address, profile, ordinary_mail, receipts, .. } = mailbox;
        rows.add_row([address, profile, ordinary_mail, state, unit, responsible, without, receipts]);
    }
    rows.to_string()
}

fn state(mailbox: &Mailbox, lang: Lang) -> String {
    match (&mailbox.blocked, &mailbox.cancelled_until) {
        (Some(block), _) => {
            let until = block.until.as_deref().map(|until| format!("–{until}")).unwrap_or_default();
            format!("{} {}{until}: {}", lang.pick("bloccata", "blocked"), block.since, block.reason)
        }
        (_, Some(until)) => {
            format!("{} {until}", lang.pick("cancellata, si può riavere fino a", "cancelled, back until"))
        }
        (None, None) if mailbox.state == "inactive" => lang.pick("disattivata", "inactive").to_owned(),
        (None, None) => String::new(),
    }
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

/// The password, or the hash of one where a file of it is named.
fn read_either(password: &Path, hash: Option<&Path>) -> Result<(Option<Secret>, Option<Secret>), Error> {
    Ok(match hash {
        Some(hash) => (None, Some(read_password(hash)?)),
        None => (Some(read_password(password)?), None),
    })
}

pub(super) fn read_password(file: &Path) -> Result<Secret, Error> {
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
        #[arg(long, global = true, default_value = "it")]
        lang: Lang,
        #[command(subcommand)]
        verb: Verb,
    }

    #[test]
    fn a_password_is_no_argument() {
        assert!(Cli::try_parse_from(["x", "add", "a@b.example", "--password", "p"]).is_err());
        assert!(Cli::try_parse_from(["x", "add", "a@b.example", "segreta"]).is_err());
        let cli = Cli::try_parse_from(["x", "add", "a@b.example", "--socket", "/s", "--lang", "en"]).unwrap();
        assert!(matches!(cli.verb, Verb::Add { profile, at, .. } if profile == "standard" && at.lang == cli.lang));
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
