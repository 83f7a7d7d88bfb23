//! What an import or export came to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::super::{header, table};
use super::Marks;
use crate::Lang;

/// The whole of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The mailbox.
    pub address: String,
    /// The account of another server, if the messages come from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// By folder.
    pub folders: Vec<Told>,
    /// What was left out.
    pub wrong: Vec<Wrong>,
    /// What the service told of the folders that are taken out.
    #[serde(skip)]
    pub expected: BTreeMap<String, Marks>,
}

/// A folder.
#[derive(Debug, Default, Serialize)]
pub struct Told {
    /// Its full name.
    pub folder: String,
    /// Its name at the source, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Messages in the source.
    pub found: u64,
    /// Octets of them.
    pub bytes: u64,
    /// Of these, those that were there before.
    pub already: u64,
    /// Those that came.
    pub added: u64,
    /// Those that are no messages, or cannot be read.
    pub wrong: u64,
    /// Those that were there before and whose flags changed in the account since the last pass.
    pub flags: u64,
    /// Those of earlier passes that are in the account no more; here they stay.
    pub gone: u64,
    /// Those that are not there by the end, counted and compared by hash and date.
    pub missing: u64,
}

/// Something left out.
#[derive(Debug, Serialize)]
pub struct Wrong {
    /// The folder.
    pub folder: String,
    /// The file, or the message.
    pub place: String,
    /// Why.
    pub why: String,
}

impl Report {
    /// Notes something that is left out.
    pub fn wrong(&mut self, folder: &str, place: String, why: String) {
        self.wrong.push(Wrong { folder: folder.to_owned(), place, why });
    }
}

/// Whether nothing is wrong, and nothing is missing.
pub fn is_whole(report: &Report) -> bool {
    report.wrong.is_empty() && (report.dry_run || report.folders.iter().all(|told| told.missing == 0))
}

/// The report as a table, with a line for each thing left out.
pub fn told(report: &Report, lang: Lang) -> String {
    let mut columns = vec![
        ("cartella", "folder"),
        ("trovati", "found"),
        ("byte", "bytes"),
        ("già presenti", "already there"),
        ("aggiunti", "added"),
        ("errati", "wrong"),
        if report.dry_run { ("da aggiungere", "to be added") } else { ("mancanti", "missing") },
    ];
    if report.source.is_some() {
        columns.extend([("flag cambiati", "flags changed"), ("tolti all'origine", "gone at the source")]);
    }
    let mut rows = table(&header(lang, &columns));
    for Told { folder, source, found, bytes, already, added, wrong, flags, gone, missing } in &report.folders {
        let name = source.as_ref().map_or_else(|| folder.clone(), |source| format!("{folder} ({source})"));
        let figures = [found, bytes, already, added, wrong, missing, flags, gone].map(u64::to_string);
        rows.add_row(std::iter::once(name).chain(figures.into_iter().take(columns.len() - 1)));
    }
    let mut text = rows.to_string();
    for wrong in &report.wrong {
        text += &format!("\n{}: {}: {}", wrong.folder, wrong.place, wrong.why);
    }
    let missing: u64 = report.folders.iter().map(|told| told.missing).sum();
    text += "\n";
    text += match (report.dry_run, missing) {
        (true, _) => lang.pick("prova: niente è stato scritto", "dry run: nothing was written"),
        (_, 0) => lang.pick("verificato per numero e SHA-256", "verified by count and SHA-256"),
        _ => lang.pick("ci sono messaggi mancanti", "messages are missing"),
    };
    text
}
