//! `sigillo address-book list|show|set|remove|clear|apply|export`: the address book of an administration (BOX-15).

pub(super) mod sheet;
mod vcard;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::how::count;
use super::{Asked, Destroys, Error, Where, Writes, apply, header, json, table};
use crate::Lang;
use crate::api::{AddressBook, BookEntry, BookFilter, EntryChange};

/// What can be done with an address book.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca la rubrica di un'amministrazione, in ordine di indirizzo
    List {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Which entries.
        #[command(flatten)]
        which: Which,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Mostra una voce della rubrica
    Show {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// L'indirizzo, anche di posta ordinaria
        address: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Scrive una voce nella rubrica o la cambia: ciò che non è nominato resta, un testo vuoto si toglie
    Set {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// L'indirizzo, anche di posta ordinaria
        address: String,
        /// Di chi è l'indirizzo, una persona o un ufficio; serve a una voce nuova
        #[arg(long, value_name = "NOME")]
        name: Option<String>,
        /// L'organizzazione a cui appartiene
        #[arg(long, value_name = "TESTO")]
        organisation: Option<String>,
        /// Il suo ufficio
        #[arg(long, value_name = "TESTO")]
        office: Option<String>,
        /// Il suo telefono, scritto come si vuole, anche con l'interno
        #[arg(long, value_name = "TESTO", allow_hyphen_values = true)]
        phone: Option<String>,
        /// Che altro c'è da dire, su una riga
        #[arg(long, value_name = "TESTO", allow_hyphen_values = true)]
        note: Option<String>,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Toglie una voce dalla rubrica
    Remove {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// L'indirizzo, anche di posta ordinaria
        address: String,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
    /// Toglie tutte le voci dalla rubrica
    Clear {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// On whose request.
        #[command(flatten)]
        asked: Asked,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
    /// Scrive, cambia o toglie le voci di un file; ripetuto, cambia solo ciò che manca
    Apply {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Which file, how.
        #[command(flatten)]
        args: apply::Args,
    },
    /// Scrive la rubrica come testo: una tabella CSV che apply rilegge, o vCard 4.0 per altri programmi
    Export {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Come: csv oppure vcard
        #[arg(long, value_name = "FORMATO", value_parser = ["csv", "vcard"], hide_possible_values = true, default_value = "csv")]
        format: String,
        /// Il file in cui si scrive (nuovo, modo 0600), invece di mostrarla
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Which entries.
        #[command(flatten)]
        which: Which,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Which entries.
#[derive(Debug, Clone, clap::Args)]
pub struct Which {
    /// Solo le voci che hanno questo testo nell'indirizzo o in un campo, maiuscolo o minuscolo
    #[arg(long = "match", value_name = "TESTO")]
    text: Option<String>,
    /// Solo l'anagrafica degli utenti: le voci delle caselle dell'amministrazione
    #[arg(long)]
    own: bool,
}

impl Which {
    fn filter(&self) -> BookFilter {
        BookFilter { text: self.text.clone(), own: self.own.then_some(true), ..BookFilter::default() }
    }
}

/// Asks and gives the text to print; `progress` hears how far a file is, in lines done of all.
pub async fn run(verb: &Verb, lang: Lang, progress: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    match verb {
        Verb::List { tenant, which, at } => {
            let entries = at.client().whole_address_book(*tenant, &which.filter()).await?;
            at.tell(&AddressBook { entries, next: None }, |book| show(&book.entries, lang))
        }
        Verb::Show { tenant, address, at } => {
            let entry = at.client().book_entry(*tenant, address).await?;
            at.tell(&entry, |entry| one(entry, lang))
        }
        Verb::Set { tenant, address, name, organisation, office, phone, note, asked, at } => {
            let change = EntryChange {
                name: name.clone(),
                organisation: organisation.clone(),
                office: office.clone(),
                phone: phone.clone(),
                note: note.clone(),
            };
            let entry = asked.client(at).change_book_entry(*tenant, address, &change).await?;
            at.tell(&entry, |entry| one(entry, lang))
        }
        Verb::Remove { tenant, address, asked, at } => {
            at.confirmed(async || {
                let BookEntry { address, name, .. } = at.client().book_entry(*tenant, address).await?;
                let text = lang.pick("si toglierebbe dalla rubrica la voce", "the address book would lose the entry");
                Ok(format!("{text} {address} ({name})"))
            })
            .await?;
            let entry = asked.client(at).remove_book_entry(*tenant, address).await?;
            at.tell(&entry, |entry| {
                format!("{} {}", lang.pick("tolta dalla rubrica la voce", "removed the entry"), entry.address)
            })
        }
        Verb::Clear { tenant, asked, at } => {
            at.confirmed(async || {
                let held = at.client().whole_address_book(*tenant, &BookFilter::default()).await?.len() as u64;
                Ok(match lang {
                    Lang::It => format!(
                        "la rubrica dell'amministrazione {tenant} si svuoterebbe: {}",
                        count(held, ("voce", "voci"))
                    ),
                    Lang::En => format!(
                        "the address book of administration {tenant} would be emptied: {}",
                        count(held, ("entry", "entries"))
                    ),
                })
            })
            .await?;
            let gone = asked.client(at).clear_address_book(*tenant).await?;
            at.tell(&gone, |gone| format!("{}: {}", lang.pick("voci tolte", "entries removed"), gone.entries))
        }
        Verb::Apply { tenant, args } => apply::entries(*tenant, args, lang, progress).await,
        Verb::Export { tenant, format, out, which, at } => {
            let entries = at.client().whole_address_book(*tenant, &which.filter()).await?;
            export(*tenant, entries, format, out.as_deref(), at.json, lang)
        }
    }
}

fn export(
    tenant: u64,
    entries: Vec<BookEntry>,
    format: &str,
    out: Option<&Path>,
    as_json: bool,
    lang: Lang,
) -> Result<String, Error> {
    let text = if format == "vcard" { vcard::cards(tenant, &entries) } else { sheet::written(&entries) };
    let Some(path) = out else {
        let shown = || Ok(text.trim_end().to_owned());
        return if as_json { json(&AddressBook { entries, next: None }) } else { shown() };
    };
    let wrong = |source| Error::File { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(wrong)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
    if as_json {
        return json(&serde_json::json!({ "file": path, "entries": entries.len() }));
    }
    Ok(format!("{} {}: {}", lang.pick("scritto", "wrote"), path.display(), entries.len()))
}

fn show(entries: &[BookEntry], lang: Lang) -> String {
    let columns = [
        ("indirizzo", "address"),
        ("nome", "name"),
        ("organizzazione", "organisation"),
        ("ufficio", "office"),
        ("telefono", "phone"),
        ("utente", "user"),
    ];
    let mut rows = table(&header(lang, &columns));
    for e in entries {
        let own = if e.own { super::yes(lang, true) } else { "" };
        rows.add_row([&*e.address, &e.name, &e.organisation, &e.office, &e.phone, own]);
    }
    rows.to_string()
}

fn one(e: &BookEntry, lang: Lang) -> String {
    let fields = [
        ("indirizzo", "address", &*e.address),
        ("nome", "name", &e.name),
        ("organizzazione", "organisation", &e.organisation),
        ("ufficio", "office", &e.office),
        ("telefono", "phone", &e.phone),
        ("nota", "note", &e.note),
        ("utente dell'amministrazione", "user of the administration", super::yes(lang, e.own)),
        ("scritta", "written", &e.created),
        ("cambiata", "changed", &e.changed),
    ];
    let mut rows = table(&[]);
    rows.add_rows(fields.map(|(italian, english, value)| [lang.pick(italian, english).to_owned(), value.to_owned()]));
    rows.to_string()
}
