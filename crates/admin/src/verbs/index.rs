//! `sigillo index update`, and how the provider index is shown.

use super::{Error, Where, header, json, table};
use crate::Lang;
use crate::api::{Directory, IndexStatus};

/// Arguments of `sigillo index update`.
#[derive(Debug, Clone, clap::Args)]
pub struct Update {
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Makes the service look for a newer index and gives the text to print.
pub async fn update(args: &Update, lang: Lang) -> Result<String, Error> {
    let update = args.at.client().update_index().await?;
    if args.at.json {
        return json(&update);
    }
    let outcome = if update.replaced {
        lang.pick("in uso una copia nuova", "a newer copy is in use")
    } else {
        lang.pick("la copia in uso è la più recente", "the copy in use is the newest")
    };
    Ok(format!("{outcome}: {}", brief(&update.index, lang)))
}

/// The index that the service works with, as a table or in JSON.
pub async fn in_use(at: &Where, lang: Lang) -> Result<String, Error> {
    let directory = at.client().index().await?;
    if at.json { json(&directory) } else { Ok(show(&directory, lang)) }
}

/// An index as JSON.
pub fn as_json(directory: &Directory) -> Result<String, Error> {
    json(directory)
}

/// An index as a table: a row for each environment.
pub fn show(directory: &Directory, lang: Lang) -> String {
    let columns = [
        ("gestore", "provider"),
        ("ambiente", "environment"),
        ("casella di servizio", "service mailbox"),
        ("certificati (SHA-1, scadenza)", "certificates (SHA-1, end)"),
        ("domini", "domains"),
    ];
    let mut rows = table(&header(lang, &columns));
    for entry in &directory.entries {
        let certificate = |c: &crate::api::DirectoryCertificate| format!("{} → {}", c.sha1, c.not_after);
        let certificates = entry.certificates.iter().map(certificate).collect::<Vec<_>>().join("\n");
        rows.add_row([
            entry.name.clone(),
            entry.unit.clone().unwrap_or_default(),
            entry.mail_receipt.clone(),
            certificates,
            entry.domains.join("\n"),
        ]);
    }
    let signed = directory.signed_at.as_deref().unwrap_or("?");
    format!("{rows}\n{}: {signed}", lang.pick("firmato", "signed"))
}

/// The state of the index on one line.
pub(super) fn brief(index: &IndexStatus, lang: Lang) -> String {
    let counts = format!(
        "{} {}, {} {}",
        index.entries,
        lang.pick("ambienti", "environments"),
        index.domains,
        lang.pick("domini", "domains")
    );
    let signed = index.signed_at.as_deref().unwrap_or("?");
    let mut text = format!("{} ({counts}; {} {signed})", index.file, lang.pick("firmato", "signed"));
    if index.stale {
        text += lang.pick("; TROPPO VECCHIO", "; TOO OLD");
    }
    if let Some(error) = &index.last_error {
        text += &format!("; {} ({}): {error}", lang.pick("errore", "error"), index.failures);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_index_and_its_last_error_are_seen_at_a_glance() {
        let mut index = IndexStatus {
            file: "/i.p7m".into(),
            source: "https://igpec.example/i.p7m".into(),
            entries: 2,
            domains: 5,
            signed_at: Some("2026-03-12T10:00:00.000+01:00".into()),
            age_s: Some(9),
            stale: false,
            checked_at: None,
            failures: 0,
            last_error: None,
        };
        let fine = brief(&index, Lang::It);
        assert!(fine.contains("2 ambienti, 5 domini") && !fine.contains("VECCHIO"), "{fine}");
        (index.stale, index.failures, index.last_error) = (true, 3, Some("connessione non riuscita".into()));
        let alarming = brief(&index, Lang::It);
        assert!(alarming.contains("TROPPO VECCHIO") && alarming.contains("(3): connessione"), "{alarming}");
    }
}
