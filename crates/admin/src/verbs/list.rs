//! `sigillo list list|set|unit|apply|remove|undelete`: distribution lists.

use std::path::{Path, PathBuf};

use sigillo_base::Tell;

use super::how::count;
use super::{Asked, Destroys, Error, Where, Writes, apply, header, json, load, table};
use crate::Lang;
use crate::api::{List, Members, list_path};
use crate::csv;

/// What can be done with lists.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca le liste di distribuzione
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Crea una lista o ne sostituisce i membri
    Set {
        /// Indirizzo della lista, in un dominio del gestore
        address: String,
        /// I membri: indirizzi di qualunque dominio, anche altre liste
        #[arg(required_unless_present = "file")]
        members: Vec<String>,
        /// I membri in un file, uno per riga; righe vuote e dopo «#» non contano
        #[arg(long, value_name = "FILE", conflicts_with = "members")]
        file: Option<PathBuf>,
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
    /// Dice di quale struttura della sua amministrazione è una lista; senza --unit è di nessuna
    Unit {
        /// Indirizzo della lista
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
    /// Crea, cambia o elimina le liste di un file; ripetuto, cambia solo ciò che manca
    Apply(apply::Args),
    /// Cancella una lista: la si può riavere finché dura il tempo per ripensarci
    Remove {
        /// Indirizzo della lista
        address: String,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
    /// Riprende una lista cancellata, com'era
    Undelete {
        /// Indirizzo della lista
        address: String,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
}

/// Asks and gives the text to print; `progress` hears how far a file is, in lines done of all.
pub async fn run(verb: &Verb, lang: Lang, progress: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    match verb {
        Verb::List { at } => {
            let found = at.client().lists().await?;
            at.tell(&found, |found| show(&found.lists, lang))
        }
        Verb::Set { address, members, file, unit, asked, at } => {
            let members = match file {
                Some(file) => read_members(file)?,
                None => members.clone(),
            };
            let list = asked.client(at).set_list(address, &Members { members, unit: *unit }).await?;
            at.tell(&list, |list| show(std::slice::from_ref(list), lang))
        }
        Verb::Unit { address, unit, asked, at } => {
            let of = asked.client(at).set_list_unit(address, *unit).await?;
            at.tell(&of, |of| match (of.unit, lang) {
                (Some(id), Lang::It) => format!("{address} è della struttura {id}"),
                (Some(id), Lang::En) => format!("{address} belongs to unit {id}"),
                (None, Lang::It) => format!("{address} non è di nessuna struttura"),
                (None, Lang::En) => format!("{address} belongs to no unit"),
            })
        }
        Verb::Apply(args) => apply::lists(args, lang, progress).await,
        Verb::Remove { address, asked, at } => {
            at.confirmed(async || {
                let list: List = at.client().get(&list_path(address)).await?;
                let members = list.members.len() as u64;
                Ok(match lang {
                    Lang::It => format!(
                        "la lista {address}, {}, non riceverebbe più, e dopo il tempo di ripensamento si elimina",
                        count(members, ("membro", "membri"))
                    ),
                    Lang::En => format!(
                        "the list {address}, {}, would receive no more, and go after the time of grace",
                        count(members, ("member", "members"))
                    ),
                })
            })
            .await?;
            let list = asked.client(at).remove_list(address).await?;
            if at.json {
                return json(&list);
            }
            let until = list.cancelled_until.as_deref().unwrap_or_default();
            Ok(match lang {
                Lang::It => format!("cancellata la lista {}: la si può riavere fino a {until}", list.address),
                Lang::En => format!("cancelled the list {}: it can be called back until {until}", list.address),
            })
        }
        Verb::Undelete { address, asked, at } => {
            let list = asked.client(at).undelete_list(address).await?;
            at.tell(&list, |list| show(std::slice::from_ref(list), lang))
        }
    }
}

fn show(lists: &[List], lang: Lang) -> String {
    let columns = [
        ("lista", "list"),
        ("membri", "members"),
        ("struttura", "unit"),
        ("creata", "created"),
        ("cancellata, fino a", "cancelled, until"),
    ];
    let mut rows = table(&header(lang, &columns));
    for list in lists {
        let unit = list.unit.map(|unit| unit.to_string()).unwrap_or_default();
        let until = list.cancelled_until.as_deref().unwrap_or_default();
        rows.add_row([&list.address, &list.members.join("\n"), &unit, &list.created, until]);
    }
    rows.to_string()
}

fn read_members(file: &Path) -> Result<Vec<String>, Error> {
    let bytes = load(file)?;
    let text = csv::text(&bytes).map_err(|e| Error::Refused(e.said().about(file.display())))?;
    let member = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    Ok(text.lines().map(member).filter(|m| !m.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_one_a_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# consiglio\nanna@a.example\n\n bruno@b.example # presidente\n").unwrap();
        assert_eq!(read_members(file.path()).unwrap(), ["anna@a.example", "bruno@b.example"]);
        std::fs::write(file.path(), b"anna@a.example\nbruno@b.example # citt\xe0\n").unwrap();
        let latin = read_members(file.path()).unwrap_err().to_string();
        assert!(latin.contains("riga 2: non è UTF-8 dal carattere 23"), "{latin}");
        let gone = read_members(Path::new("assente.txt")).unwrap_err().to_string();
        assert!(gone.contains("assente.txt"), "{gone}");
    }
}
