//! `sigillo store check|repair`: whether the rows of a store belong together, and putting right what can be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::{Confirm, Error, Where, json};
use crate::api::{self, CheckPage, Finding, Repair};
use crate::{Client, Lang};

/// Arguments of `sigillo store check`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// Legge anche ogni corpo e lo confronta con la sua impronta
    #[arg(long)]
    pub deep: bool,
    /// Cartella dell'archivio di un gestore fermo, invece del socket
    #[arg(long, value_name = "CARTELLA")]
    pub store: Option<PathBuf>,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Arguments of `sigillo store repair` and `migrate`.
#[derive(Debug, Clone, clap::Args)]
pub struct WriteArgs {
    /// Cartella dell'archivio di un gestore fermo
    #[arg(long, value_name = "CARTELLA")]
    pub store: PathBuf,
    /// Whether it is written.
    #[command(flatten)]
    pub confirm: Confirm,
    /// Risponde in JSON
    #[arg(long)]
    pub json: bool,
}

/// A store that can be checked page by page.
pub trait Source {
    /// A page from where the one before ended.
    fn page(&mut self, from: Option<&str>, deep: bool) -> impl Future<Output = Result<CheckPage, Error>>;
}

impl Source for Client {
    async fn page(&mut self, from: Option<&str>, deep: bool) -> Result<CheckPage, Error> {
        let from = from.map(|from| format!("&from={from}")).unwrap_or_default();
        Ok(self.get(&format!("{}?deep={deep}{from}", api::STORE_CHECK)).await?)
    }
}

/// What a check found, for `--json`.
#[derive(Debug, Default, Serialize)]
struct Checked {
    rows: BTreeMap<String, u64>,
    errors: usize,
    notes: usize,
    findings: Vec<Finding>,
}

/// Checks everything; `say` hears the result, `progress` how far it is (in per cent). `false`: something is wrong.
///
/// # Errors
/// The store cannot be read.
pub async fn check(
    args: &CheckArgs,
    source: &mut impl Source,
    lang: Lang,
    say: &mut dyn FnMut(&str),
    progress: &mut dyn FnMut(u8),
) -> Result<bool, Error> {
    let mut checked = Checked::default();
    let mut from: Option<String> = None;
    loop {
        let page = source.page(from.as_deref(), args.deep).await?;
        progress(page.percent);
        for (tag, rows) in page.rows {
            *checked.rows.entry(tag).or_default() += rows;
        }
        for finding in page.findings {
            *(if finding.severity == "note" { &mut checked.notes } else { &mut checked.errors }) += 1;
            if args.at.json {
                checked.findings.push(finding);
            } else {
                say(&shown(&finding, lang));
            }
        }
        match page.next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    if args.at.json {
        say(&json(&checked)?);
    } else {
        let rows: u64 = checked.rows.values().sum();
        say(&match lang {
            Lang::It => format!("{rows} righe, {} errori, {} note", checked.errors, checked.notes),
            Lang::En => format!("{rows} rows, {} errors, {} notes", checked.errors, checked.notes),
        });
    }
    Ok(checked.errors == 0)
}

/// Tells what a repair did, or would do. `false`: something is left that only a backup can give back.
///
/// # Errors
/// It cannot be written as JSON.
pub fn repaired(args: &WriteArgs, repair: &Repair, lang: Lang, say: &mut dyn FnMut(&str)) -> Result<bool, Error> {
    let whole = repair.left.iter().all(|f| f.severity == "note");
    if args.json {
        say(&json(repair)?);
        return Ok(whole);
    }
    for finding in repair.done.iter().chain(&repair.left) {
        say(&shown(finding, lang));
    }
    if let Some(damaged) = &repair.damaged {
        let text = lang.pick("l'archivio danneggiato è conservato in", "the damaged store is kept in");
        say(&format!("{text} {damaged}"));
    }
    let (done, left) = (repair.done.len(), repair.left.len());
    say(&match (lang, repair.written) {
        (Lang::It, true) => format!("{done} messe a posto, {left} restano"),
        (Lang::En, true) => format!("{done} put right, {left} left"),
        (Lang::It, false) => format!("{done} da mettere a posto, {left} resterebbero; con --yes si scrive"),
        (Lang::En, false) => format!("{done} to put right, {left} would be left; --yes writes"),
    });
    Ok(whole)
}

fn shown(finding: &Finding, lang: Lang) -> String {
    let severity = match finding.severity.as_str() {
        "note" => lang.pick("nota", "note"),
        _ => lang.pick("ERRORE", "ERROR"),
    };
    let remedy = match finding.remedy.as_str() {
        "rebuild" => lang.pick("repair la riscrive", "repair writes it anew"),
        "set-aside" => lang.pick("repair la mette da parte", "repair moves it aside"),
        "backup" => lang.pick("serve una copia di sicurezza", "a backup is needed"),
        _ => lang.pick("niente da fare", "nothing to do"),
    };
    let files = if finding.files.is_empty() { String::new() } else { format!(" [{}]", finding.files.join(", ")) };
    format!("{severity} {}: {}{files} ({remedy})", finding.row, finding.what)
}

#[cfg(test)]
mod tests {
    use super::super::Reads;
    use super::*;

    struct Pages(Vec<CheckPage>);

    impl Source for Pages {
        async fn page(&mut self, from: Option<&str>, _: bool) -> Result<CheckPage, Error> {
            let number: usize = from.map_or(0, |from| from.parse().unwrap());
            Ok(self.0[number].clone())
        }
    }

    fn finding(severity: &str) -> Finding {
        Finding {
            severity: severity.into(),
            problem: "unreadable".into(),
            tag: "body".into(),
            key: "40".into(),
            row: "body 00".into(),
            about: None,
            what: "illeggibile".into(),
            remedy: "backup".into(),
            files: vec!["/db/7.blob".into()],
        }
    }

    #[tokio::test]
    async fn pages_are_added_up_and_errors_decide() {
        let page = |findings: Vec<Finding>, next: Option<&str>| CheckPage {
            rows: BTreeMap::from([("body".to_owned(), 2)]),
            findings,
            next: next.map(Into::into),
            percent: 50,
        };
        let (socket, lang, how) = ("x".into(), Lang::It, Reads {});
        let at = Where { socket, server: None, ca_file: None, token_file: None, json: false, lang, how };
        let args = CheckArgs { deep: true, store: None, at };
        let mut told = Vec::new();
        let mut pages = Pages(vec![page(vec![finding("error")], Some("1")), page(vec![finding("note")], None)]);
        let clean =
            check(&args, &mut pages, Lang::It, &mut |line| told.push(line.to_owned()), &mut |_| ()).await.unwrap();
        assert!(!clean);
        assert_eq!(told[0], "ERRORE body 00: illeggibile [/db/7.blob] (serve una copia di sicurezza)");
        assert_eq!(told[2], "4 righe, 1 errori, 1 note");
        let mut notes = Pages(vec![page(vec![finding("note")], None)]);
        assert!(check(&args, &mut notes, Lang::En, &mut |_| (), &mut |_| ()).await.unwrap());
    }
}
