//! `sigillo mailbox import|export`: mail in files, or in an account of another server, into a mailbox, and into files
//! (MIG-01, MIG-10).
//!
//! The client reads and writes the files, with the rights of who calls it; the service is asked over its socket, so that
//! it goes on meanwhile and keeps its own limits. A message is the same where folder, bytes and INTERNALDATE, by the
//! second, are: so a second run adds what is missing, wherever the first ended.

mod accounts;
mod remote;
mod report;
mod source;
mod target;

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use sigillo_base::{Complaint, Timestamp, said};

use self::remote::Account;
use self::report::{Report, Told, is_whole, told};
use self::source::{Folder, Form, Found, Place};
use self::target::Target;
use super::super::{Error, Where, json};
use super::read_password;
use crate::api::{Filing, Message, NewFolder};
use crate::{Client, Lang};

/// What `sigillo mailbox import` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportArgs {
    /// Indirizzo della casella
    #[arg(required_unless_present = "accounts")]
    address: Option<String>,
    /// Da dove: mbox:FILE, mboxo:FILE, maildir:CARTELLA, eml:CARTELLA; imaps://UTENTE@HOST[:PORTA]/ da un altro server, imap://
    /// con STARTTLS
    #[arg(long, value_name = "FORMA:PERCORSO", required_unless_present = "accounts")]
    from: Option<Origin>,
    /// Molti conti di altri server, ognuno nella sua casella: file CSV con le colonne casella, server, utente e password o
    /// file_password
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "from", "folder", "password_file"])]
    accounts: Option<PathBuf>,
    /// Con --accounts: quanti conti per volta
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=accounts::MOST))]
    jobs: u8,
    /// Da una Maildir o da più mbox soltanto questa cartella; per un solo mbox e per eml, quella di destinazione
    #[arg(long, value_name = "CARTELLA")]
    folder: Option<String>,
    /// Dice soltanto che cosa aggiungerebbe
    #[arg(long)]
    dry_run: bool,
    /// Da un altro server: file che ricorda ciò che è già arrivato; con lo stesso si riprende e si ripassa. Con --accounts una
    /// cartella
    #[arg(long, value_name = "PERCORSO")]
    state: Option<PathBuf>,
    /// Da un altro server: file con la password sulla prima riga; «-» è l'ingresso standard
    #[arg(long, value_name = "FILE", default_value = "-")]
    password_file: PathBuf,
    /// Da un altro server: autorità di cui fidarsi per il suo certificato, PEM
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    ca: PathBuf,
    /// Con imap:// verso questa stessa macchina: senza TLS
    #[arg(long)]
    plaintext: bool,
    /// Where to ask.
    #[command(flatten)]
    at: Where,
}

/// What `sigillo mailbox export` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ExportArgs {
    /// Indirizzo della casella
    address: String,
    /// Dove: mbox:CARTELLA o maildir:CARTELLA, nuova o vuota
    #[arg(long, value_name = "FORMA:PERCORSO")]
    to: Place,
    /// Soltanto questa cartella
    #[arg(long, value_name = "CARTELLA")]
    folder: Option<String>,
    /// Where to ask.
    #[command(flatten)]
    at: Where,
}

/// Where messages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Files(Place),
    Account(Account),
}

impl FromStr for Origin {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        if Account::is_meant(text) { text.parse().map(Self::Account) } else { text.parse().map(Self::Files) }
    }
}

/// What makes a message the same: SHA-256 of its bytes and the second of its INTERNALDATE.
type Mark = ([u8; 32], i64);
/// How many of each there are.
type Marks = HashMap<Mark, u64>;

fn mark(bytes: &[u8], date: Timestamp) -> Mark {
    (sigillo_smime::sha256(bytes), date.as_secs())
}

fn mark_of(message: &Message) -> Option<Mark> {
    let hash = data_encoding::HEXLOWER.decode(message.sha256.as_ref()?.as_bytes()).ok()?;
    Some((hash.try_into().ok()?, Timestamp::from_iso(&message.date)?.as_secs()))
}

/// How many of these marks are not among the others.
fn lacking(these: &Marks, others: &Marks) -> u64 {
    these.iter().map(|(mark, n)| n.saturating_sub(others.get(mark).copied().unwrap_or(0))).sum()
}

/// Everything in a folder of the mailbox.
async fn lying(client: &Client, address: &str, folder: &str) -> Result<Vec<Message>, Error> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let after = all.last().map_or(0, |message| message.uid);
        let page = client.messages(address, folder, after).await?.messages;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn marks(messages: &[Message]) -> Marks {
    let mut marks = Marks::new();
    messages.iter().filter_map(mark_of).for_each(|mark| *marks.entry(mark).or_default() += 1);
    marks
}

/// How far the work is.
struct Progress<'p> {
    done: u64,
    total: u64,
    heard: &'p mut dyn FnMut(u64, u64),
}

impl Progress<'_> {
    fn step(&mut self) {
        self.done += 1;
        (self.heard)(self.done, self.total);
    }
}

/// A folder of the source beside that of the mailbox.
struct Pass {
    folder: Folder,
    /// What is in the source.
    wanted: Marks,
    /// What must come, and how many octets that is.
    missing: Marks,
    missing_bytes: u64,
}

/// Brings messages in.
pub async fn import(args: &ImportArgs, lang: Lang, heard: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    let ImportArgs { address, from, accounts, folder, dry_run, at, .. } = args;
    let (address, from) = match (accounts, address, from) {
        (Some(file), ..) => return accounts::import(args, file, lang, heard).await,
        (_, Some(address), Some(Origin::Account(account))) => {
            return remote::import(args, (account, address), lang, heard).await;
        }
        (_, Some(address), Some(Origin::Files(place))) => (address, place),
        _ => {
            return Err(Error::Refused(said!(
                "servono la casella e --from, oppure --accounts",
                "the mailbox and --from are needed, or --accounts"
            )));
        }
    };
    let client = at.client();
    let there = client.folders(address).await?.folders;
    let mut report = Report { address: address.clone(), dry_run: *dry_run, ..Report::default() };
    let mut passes = Vec::new();
    for folder in source::folders(from, folder.as_deref())? {
        let held = match there.contains(&folder.name) {
            true => marks(&lying(&client, address, &folder.name).await?),
            false => Marks::new(),
        };
        passes.push(compare(folder, held, &mut report, lang)?);
    }
    if !dry_run {
        room(&client, address, passes.iter().map(|p| p.missing_bytes).sum()).await?;
        let total = passes.iter().flat_map(|p| p.missing.values()).sum();
        let mut progress = Progress { done: 0, total, heard };
        for (at, pass) in passes.iter_mut().enumerate() {
            bring(&client, address, pass, (&mut report, at), &mut progress).await?;
        }
    }
    finish(report, at.json, lang)
}

/// Reads a folder of the source, and what of it the mailbox lacks.
fn compare(folder: Folder, mut held: Marks, report: &mut Report, lang: Lang) -> Result<Pass, Error> {
    let mut told = Told { folder: folder.name.clone(), ..Told::default() };
    let (mut wanted, mut missing, mut missing_bytes) = (Marks::new(), Marks::new(), 0);
    for Found { place, date, bytes, .. } in folder.messages()? {
        told.found += 1;
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(why) => {
                told.wrong += 1;
                report.wrong(&folder.name, place, why.pick(lang).to_owned());
                continue;
            }
        };
        let mark = mark(&bytes, date);
        *wanted.entry(mark).or_default() += 1;
        told.bytes += bytes.len() as u64;
        match held.get_mut(&mark).filter(|n| **n > 0) {
            Some(n) => {
                *n -= 1;
                told.already += 1;
            }
            None => {
                *missing.entry(mark).or_default() += 1;
                missing_bytes += bytes.len() as u64;
                told.missing += 1;
            }
        }
    }
    report.folders.push(told);
    Ok(Pass { folder, wanted, missing, missing_bytes })
}

/// Refuses an import for which the mailbox has no room, before it begins.
async fn room(client: &Client, address: &str, more: u64) -> Result<(), Error> {
    let usage = client.usage(address).await?;
    let free = usage.box_limit.saturating_sub(usage.box_bytes);
    if more > free {
        return Err(Error::Refused(said!(
            "la casella {address} ha posto per {free} byte e ne servirebbero {more}: niente è importato",
            "the mailbox {address} has room for {free} bytes and {more} would be needed: nothing is imported"
        )));
    }
    Ok(())
}

/// Brings in what is missing in a folder, and verifies it against the source.
async fn bring(
    client: &Client,
    address: &str,
    pass: &mut Pass,
    (report, at): (&mut Report, usize),
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let name = pass.folder.name.clone();
    let new = NewFolder { name: name.clone(), special_use: None, subscribed: None };
    if let Err(crate::Error::Refused(problem)) = client.make_folder(address, &new).await {
        report.wrong(&name, pass.folder.name.clone(), problem.detail);
        return Ok(());
    }
    for Found { place, date, flags, bytes } in pass.folder.messages()? {
        let Ok(bytes) = bytes else { continue };
        let Some(left) = pass.missing.get_mut(&mark(&bytes, date)).filter(|n| **n > 0) else { continue };
        *left -= 1;
        let date = Timestamp::from_millis(date.as_secs() * 1000);
        let filing = Filing { folder: name.clone(), date: date.to_string(), flags: flags.join(" ") };
        match client.file_message(address, &filing, bytes).await {
            Ok(_) => report.folders[at].added += 1,
            // This message alone; what concerns them all ends the import.
            Err(crate::Error::Refused(problem)) if problem.status < 500 => report.wrong(&name, place, problem.detail),
            Err(error) => return Err(error.into()),
        }
        progress.step();
    }
    let held = marks(&lying(client, address, &name).await?);
    report.folders[at].missing = lacking(&pass.wanted, &held);
    Ok(())
}

/// Takes messages out.
pub async fn export(args: &ExportArgs, lang: Lang, heard: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    let ExportArgs { address, to, folder, at } = args;
    if to.form == Form::Eml {
        return Err(Error::Refused(said!(
            "si esporta in mbox: o maildir:, che tengono flag e date",
            "exports go into mbox: or maildir:, which keep flags and dates"
        )));
    }
    let client = at.client();
    let mut folders = client.folders(address).await?.folders;
    folders.retain(|name| folder.as_ref().is_none_or(|chosen| chosen == name));
    if folders.is_empty() {
        return Err(Error::Refused(said!(
            "la casella {address} non ha questa cartella",
            "the mailbox {address} has no such folder"
        )));
    }
    target::begin(to)?;
    let mut report = Report { address: address.clone(), ..Report::default() };
    for name in &folders {
        take(&client, address, name, (to, &mut report), lang, heard).await?;
    }
    for folder in source::folders(to, None)? {
        reread(&folder, &mut report)?;
    }
    finish(report, at.json, lang)
}

/// Takes a folder out.
async fn take(
    client: &Client,
    address: &str,
    name: &str,
    (to, report): (&Place, &mut Report),
    lang: Lang,
    heard: &mut dyn FnMut(u64, u64),
) -> Result<(), Error> {
    let messages = lying(client, address, name).await?;
    let mut target = Target::open(to, name, messages.iter().flat_map(|message| &message.flags))?;
    let mut told = Told { folder: name.to_owned(), found: messages.len() as u64, ..Told::default() };
    let mut progress = Progress { done: 0, total: told.found, heard };
    for message in &messages {
        let date = Timestamp::from_iso(&message.date).unwrap_or_default();
        let place = format!("UID {}", message.uid);
        match client.message(address, name, message.uid).await {
            Ok(bytes) => {
                told.bytes += bytes.len() as u64;
                told.added += 1;
                let left = target.put(&bytes, date, message.uid, &message.flags)?;
                if !left.is_empty() {
                    let left = left.join(" ");
                    let why = said!("più di 26 etichette: senza {left}", "more than 26 keywords: without {left}");
                    report.wrong(name, place, why.pick(lang).to_owned());
                }
            }
            Err(crate::Error::Refused(problem)) => {
                told.wrong += 1;
                report.wrong(name, place, problem.detail);
            }
            Err(error) => return Err(error.into()),
        }
        progress.step();
    }
    target.end()?;
    report.expected.insert(name.to_owned(), marks(&messages));
    report.folders.push(told);
    Ok(())
}

/// Reads what was written, and verifies it against what the service told.
fn reread(folder: &Folder, report: &mut Report) -> Result<(), Error> {
    let mut written = Marks::new();
    for Found { date, bytes, .. } in folder.messages()? {
        if let Ok(bytes) = bytes {
            *written.entry(mark(&bytes, date)).or_default() += 1;
        }
    }
    let expected = report.expected.get(&folder.name).map_or(0, |expected| lacking(expected, &written));
    if let Some(told) = report.folders.iter_mut().find(|told| told.folder == folder.name) {
        told.missing = expected;
    }
    Ok(())
}

/// The report as text; an error where something is missing or wrong.
fn finish(report: Report, as_json: bool, lang: Lang) -> Result<String, Error> {
    let text = if as_json { json(&report)? } else { told(&report, lang) };
    if is_whole(&report) { Ok(text) } else { Err(Error::Shown(text)) }
}
