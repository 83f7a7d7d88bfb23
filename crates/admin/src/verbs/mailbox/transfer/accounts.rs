//! `sigillo mailbox import --accounts`: many accounts of other servers, one on each line of a file (MIG-01).
//!
//! Each line is a pass of its own, with its state; several run at once. What is wrong with one stops no other.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Serialize;
use sigillo_base::{Address, Said, Secret, Tell, said};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::{JoinSet, LocalSet};

use super::remote::{self, Account, Order};
use super::report::{Report, is_whole};
use super::{ImportArgs, read_password};
use crate::Lang;
use crate::api::escaped;
use crate::csv::Table;
use crate::verbs::{Error, header, json, load, table};

/// Passes at once, at the most.
pub const MOST: i64 = 16;
/// Characters of a mailbox's name in that of its state.
const SHOWN: usize = 100;

/// The columns, in whatever order, by either name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Mailbox,
    Server,
    User,
    Password,
    PasswordFile,
}

const COLUMNS: [(Column, &str, &str); 5] = [
    (Column::Mailbox, "casella", "mailbox"),
    (Column::Server, "server", "server"),
    (Column::User, "utente", "user"),
    (Column::Password, "password", "password"),
    (Column::PasswordFile, "file_password", "password_file"),
];

/// An account and where it goes.
#[derive(Debug)]
struct Entry {
    account: Account,
    mailbox: String,
    password: Secret,
}

/// A line by its number, and the account on it or why there is none.
type Line = (usize, Result<Entry, String>);

/// What became of a line.
#[derive(Debug, Serialize)]
struct Told {
    line: usize,
    /// The account and the mailbox, where they can be told.
    account: String,
    mailbox: String,
    /// Why there is no report.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
}

/// What became of a file.
#[derive(Debug, Serialize)]
struct All {
    dry_run: bool,
    accounts: Vec<Told>,
    totals: Totals,
}

/// The sums of all lines.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Totals {
    /// Lines, and those of which everything came.
    lines: u64,
    whole: u64,
    found: u64,
    already: u64,
    added: u64,
    wrong: u64,
    missing: u64,
}

/// Brings in what the accounts of a file have and their mailboxes lack.
pub async fn import(
    args: &ImportArgs,
    file: &Path,
    lang: Lang,
    heard: &mut dyn FnMut(u64, u64),
) -> Result<String, Error> {
    let folder = states(args.state.as_deref())?;
    let mut told = Vec::new();
    let mut work = JoinSet::new();
    let (places, mut mailboxes) = (Rc::new(Semaphore::new(usize::from(args.jobs))), HashMap::new());
    let tasks = LocalSet::new();
    let entries = read(file, lang)?;
    let total = entries.len() as u64;
    for (line, entry) in entries {
        let Entry { account, mailbox, password } = match entry {
            Ok(entry) => entry,
            Err(why) => {
                let (account, mailbox) = (String::new(), String::new());
                told.push(Told { line, account, mailbox, error: Some(why), report: None });
                continue;
            }
        };
        // Two accounts for one mailbox come one after the other: each is compared with what the other brought.
        let turn = Rc::clone(mailboxes.entry(mailbox.to_lowercase()).or_insert_with(|| Rc::new(Mutex::new(()))));
        let state = folder.join(state_name(&account, &mailbox));
        let order = Order::of(args, (account, mailbox), password, state);
        let places = Rc::clone(&places);
        work.spawn_local_on(
            async move {
                let _turn = turn.lock().await;
                let _place = places.acquire().await;
                let done = remote::pass(&order, lang, &mut |_, _| {}).await;
                let (account, mailbox) = (order.account.to_string(), order.address.clone());
                let (error, report) = match done {
                    Ok(report) => (None, Some(report)),
                    Err(error) => (Some(error.said().pick(lang).to_owned()), None),
                };
                Told { line, account, mailbox, error, report }
            },
            &tasks,
        );
    }
    heard(told.len() as u64, total);
    let finish = async {
        while let Some(done) = work.join_next().await {
            let broken = |e: tokio::task::JoinError| {
                Error::Refused(said!("un passaggio si è interrotto: {e}", "a pass broke off: {e}"))
            };
            told.push(done.map_err(broken)?);
            heard(told.len() as u64, total);
        }
        Ok::<_, Error>(told)
    };
    let mut accounts = tasks.run_until(finish).await?;
    accounts.sort_by_key(|told| told.line);
    let all = All { dry_run: args.dry_run, totals: Totals::of(&accounts), accounts };
    let text = if args.at.json { json(&all)? } else { show(&all, lang) };
    if all.totals.whole == all.totals.lines { Ok(text) } else { Err(Error::Shown(text)) }
}

/// The folder of the states, made if it is not there.
fn states(folder: Option<&Path>) -> Result<PathBuf, Error> {
    let Some(folder) = folder else {
        return Err(Error::Refused(said!(
            "serve --state CARTELLA, dove ricordare ciò che è già arrivato: con la stessa si riprende e si ripassa",
            "--state FOLDER is needed, to remember what has come: by the same folder passes go on, and others follow"
        )));
    };
    if folder.exists() && !folder.is_dir() {
        let why = said!("con --accounts è una cartella", "with --accounts it is a folder");
        return Err(Error::Refused(why.about(format_args!("--state {}", folder.display()))));
    }
    let failed = |source| Error::File { path: folder.to_owned(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    Ok(folder.to_owned())
}

/// One state for each pair of account and mailbox, whose name can be read.
fn state_name(account: &Account, mailbox: &str) -> String {
    let pair = sigillo_smime::sha256(format!("{account}\0{mailbox}").as_bytes());
    let shown: String = escaped(mailbox).chars().take(SHOWN).collect();
    format!("{shown}.{}", data_encoding::HEXLOWER.encode(&pair[..8]))
}

/// The lines of the file, each with its number.
fn read(file: &Path, lang: Lang) -> Result<Vec<Line>, Error> {
    let refused = |why: Said| Error::Refused(why.about(file.display()));
    let table = Table::read(&load(file)?).map_err(|e| refused(e.said()))?;
    let mut rows = table.rows.into_iter();
    let first = rows.next().ok_or_else(|| refused(said!("è vuoto", "it is empty")))?;
    let columns = columns(&first.fields.map_err(|why| refused(why.said()))?).map_err(refused)?;
    if columns.contains(&Column::Password) {
        closed(file).map_err(refused)?;
    }
    let beside = file.parent().unwrap_or(Path::new(""));
    let (mut seen, mut entries) = (BTreeMap::new(), Vec::new());
    for row in rows {
        let entry = row.fields.map_err(Said::from).and_then(|fields| entry(&columns, fields, beside));
        let entry = entry.and_then(|entry| {
            match seen.insert((entry.account.to_string(), entry.mailbox.to_lowercase()), row.line) {
                None => Ok(entry),
                Some(line) => Err(said!("è la stessa della riga {line}", "it is the same as line {line}")),
            }
        });
        entries.push((row.line, entry.map_err(|why| why.pick(lang).to_owned())));
    }
    Ok(entries)
}

/// What the first line names. It is not repeated where it is none: it may hold a password.
fn columns(names: &[String]) -> Result<Vec<Column>, Said> {
    let known = |lang: Lang| COLUMNS.map(|(_, italian, english)| lang.pick(italian, english)).join(", ");
    let mut columns = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let found = COLUMNS.iter().find(|(_, it, en)| name.eq_ignore_ascii_case(it) || name.eq_ignore_ascii_case(en));
        match found.filter(|(column, ..)| !columns.contains(column)) {
            Some((column, ..)) => columns.push(*column),
            None => {
                let (number, it, en) = (at + 1, known(Lang::It), known(Lang::En));
                return Err(said!(
                    "la prima riga deve nominare le colonne, ognuna una volta; non si capisce la {number}. {it}",
                    "the first line must name the columns, each once; not understood: number {number}. {en}"
                ));
            }
        }
    }
    let has = |column| columns.contains(&column);
    if has(Column::Mailbox) && has(Column::Server) && (has(Column::Password) || has(Column::PasswordFile)) {
        return Ok(columns);
    }
    Err(said!(
        "servono le colonne casella, server, e password o file_password",
        "the columns mailbox, server, and password or password_file are needed"
    ))
}

/// Refuses passwords that others can read.
fn closed(file: &Path) -> Result<(), Said> {
    if file == Path::new("-") {
        return Ok(());
    }
    let mode = std::fs::metadata(file).map_err(Said::verbatim)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(said!(
        "contiene password e altri lo leggono ({mode:o}): chmod 600",
        "it holds passwords and others can read it ({mode:o}): chmod 600"
    ))
}

fn entry(columns: &[Column], fields: Vec<String>, beside: &Path) -> Result<Entry, Said> {
    if fields.len() > columns.len() {
        return Err(said!("più campi che colonne", "more fields than columns"));
    }
    let mut by: BTreeMap<Column, String> = columns.iter().copied().zip(fields).collect();
    let mut take = |column| by.remove(&column).filter(|text| !text.is_empty());
    let without = |column: Column| {
        let (_, it, en) = COLUMNS[column as usize];
        said!("manca {it}", "missing: {en}")
    };
    let mailbox = take(Column::Mailbox).ok_or_else(|| without(Column::Mailbox))?;
    Address::parse(&mailbox).map_err(|e| {
        let Said { it, en } = e.said();
        said!("casella: {it}", "mailbox: {en}")
    })?;
    let server = take(Column::Server).ok_or_else(|| without(Column::Server))?;
    let user = take(Column::User).unwrap_or_else(|| mailbox.clone());
    let (scheme, host) = server.split_once("://").unwrap_or(("imaps", &server));
    if host.contains('@') {
        return Err(said!("nel server non c'è l'utente: ha la sua colonna", "no user in server: it has a column"));
    }
    let account = format!("{scheme}://{}@{host}", escaped(&user)).parse::<Account>()?;
    let password = match (take(Column::Password), take(Column::PasswordFile)) {
        (Some(password), None) => Secret::new(password),
        (None, Some(file)) => {
            let path = beside.join(file);
            read_password(&path).map_err(|e| e.said().about(path.display()))?
        }
        (None, None) => return Err(without(Column::Password)),
        (Some(_), Some(_)) => {
            return Err(said!("password e file_password insieme", "both password and password_file"));
        }
    };
    Ok(Entry { account, mailbox, password })
}

impl Totals {
    fn of(accounts: &[Told]) -> Self {
        let mut all = Self { lines: accounts.len() as u64, ..Self::default() };
        for report in accounts.iter().filter_map(|told| told.report.as_ref()) {
            all.add(report);
        }
        all
    }

    fn add(&mut self, report: &Report) {
        self.whole += u64::from(is_whole(report));
        for told in &report.folders {
            self.found += told.found;
            self.already += told.already;
            self.added += told.added;
            self.wrong += told.wrong;
            self.missing += told.missing;
        }
    }
}

fn show(all: &All, lang: Lang) -> String {
    let columns = [
        ("riga", "line"),
        ("da", "from"),
        ("casella", "mailbox"),
        ("trovati", "found"),
        ("già presenti", "already there"),
        ("aggiunti", "added"),
        ("errati", "wrong"),
        if all.dry_run { ("da aggiungere", "to be added") } else { ("mancanti", "missing") },
    ];
    let figures = |t: &Totals| [t.found, t.already, t.added, t.wrong, t.missing].map(|n| n.to_string());
    let mut rows = table(&header(lang, &columns));
    let mut below = String::new();
    for Told { line, account, mailbox, error, report } in &all.accounts {
        let mut sums = Totals::default();
        if let Some(report) = report {
            sums.add(report);
            for wrong in &report.wrong {
                below += &format!("\n{line}: {}: {}: {}", wrong.folder, wrong.place, wrong.why);
            }
        }
        if let Some(error) = error {
            below += &format!("\n{} {line}: {error}", lang.pick("riga", "line"));
        }
        let row = [line.to_string(), account.clone(), mailbox.clone()];
        rows.add_row(row.into_iter().chain(if report.is_some() { figures(&sums) } else { Default::default() }));
    }
    let total = [String::new(), lang.pick("in tutto", "all").to_owned(), String::new()];
    rows.add_row(total.into_iter().chain(figures(&all.totals)));
    let (whole, lines) = (all.totals.whole, all.totals.lines);
    let told = lang.pick("conti arrivati interi", "accounts came whole");
    let trial = if all.dry_run {
        lang.pick(" (prova: niente è stato scritto)", " (dry run: nothing was written)")
    } else {
        ""
    };
    format!("{rows}{below}\n{told}: {whole}/{lines}{trial}")
}

#[cfg(test)]
mod tests;
