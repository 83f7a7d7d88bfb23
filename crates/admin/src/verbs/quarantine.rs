//! `sigillo quarantine list|export`: the virus store.

use std::path::PathBuf;

use super::{Error, Where, header, json, table};
use crate::Lang;
use crate::api::{QUARANTINE_LIMIT, Quarantine};

/// What can be done with infected messages.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca i messaggi infetti conservati, dal più vecchio
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Scrive un messaggio infetto in un file, com'è arrivato: È PERICOLOSO
    Export {
        /// Il nome nel deposito virus, come lo dà «list»
        id: String,
        /// Il file da scrivere; non deve esistere
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { at } => {
            let found = all(at).await?;
            if at.json { json(&found) } else { Ok(show(&found, lang)) }
        }
        Verb::Export { id, out, at } => {
            let bytes = at.client().quarantined(id).await?;
            let file = |source| Error::File { path: out.clone(), source };
            let mut written = private().open(out).map_err(file)?;
            std::io::Write::write_all(&mut written, &bytes).map_err(file)?;
            written.sync_all().map_err(file)?;
            let text =
                lang.pick("scritto (attenzione: contiene codice pericoloso)", "written (beware: it is dangerous)");
            Ok(format!("{text}: {}", out.display()))
        }
    }
}

/// A new file that only its owner reads: what is in it is dangerous, and somebody's mail.
fn private() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
    options
}

async fn all(at: &Where) -> Result<Quarantine, Error> {
    let mut found = at.client().quarantine(None).await?;
    let mut page = found.messages.len();
    while page == QUARANTINE_LIMIT {
        let last = found.messages.last().map(|m| m.id.clone());
        let more = at.client().quarantine(last.as_deref()).await?;
        page = more.messages.len();
        found.messages.extend(more.messages);
    }
    Ok(found)
}

fn show(found: &Quarantine, lang: Lang) -> String {
    let columns = [
        ("nome", "name"),
        ("quando", "when"),
        ("dove", "where"),
        ("contenuto", "malware"),
        ("da", "from"),
        ("a", "to"),
        ("identificativo", "identificativo"),
        ("antivirus", "antivirus"),
    ];
    let mut rows = table(&header(lang, &columns));
    for m in &found.messages {
        rows.add_row([&m.id, &m.at, &m.point, &m.malware, &m.from, &m.to.join("\n"), &m.identificativo, &m.engine]);
    }
    rows.to_string()
}
