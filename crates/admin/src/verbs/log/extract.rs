//! `sigillo log extract`: what an administration is given of a month, as a file with its proof beside it (REP-04, REP-05).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;
use sigillo_base::{Complaint, Timestamp, said};
use sigillo_smime::sha256;

use crate::api::{self, LogSegment};
use crate::report::field;
use crate::verbs::Error;
use crate::{Client, Lang};

/// What is extracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Accesses to all mailboxes (AUD-02).
    Accesses,
    /// Administrative acts (AUD-03).
    Administration,
}

impl FromStr for Kind {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "accesses" => Ok(Self::Accesses),
            "administration" => Ok(Self::Administration),
            _ => Err(Complaint(said!("vale accesses o administration", "accesses or administration is meant"))),
        }
    }
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line for each fact.
    Csv,
    /// An object for each fact.
    Json,
}

impl FromStr for Form {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            _ => Err(Complaint(said!("vale csv o json", "csv or json is meant"))),
        }
    }
}

/// Which extract.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Numero dell'amministrazione; 0, il gestore stesso
    #[arg(long, value_name = "N")]
    pub tenant: u64,
    /// Mese legale, AAAA-MM
    #[arg(long, value_name = "MESE")]
    pub month: String,
    /// Che cosa: accesses, gli accessi a tutte le caselle; administration, gli atti di amministrazione che la riguardano e che cosa si è letto
    #[arg(long, value_name = "COSA")]
    pub kind: Kind,
    /// In quale forma: csv, json
    #[arg(long, value_name = "FORMA", default_value = "csv", hide_default_value = true)]
    pub format: Form,
    /// Il file da scrivere, che non deve esserci; accanto, FILE.prova.json
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What lies beside the file.
#[derive(Debug, Serialize)]
struct Proof {
    tenant: u64,
    month: String,
    kind: Kind,
    /// Facts in the file.
    rows: usize,
    /// SHA-256 of the file, hexadecimal.
    sha256: String,
    /// How often somebody came in, by mailbox and protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    mailboxes: Option<BTreeMap<String, Counted>>,
    /// The days of the month with accesses, or with something that was read, each against its seal in the legal log.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<Vec<Day>>,
    /// The segments of the legal log in which the lines stand: `sigillo log export --segment N`, `sigillo log verify`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    segments: Vec<LogSegment>,
}

/// The rows of a day that are no lines of the legal log: the sum of their lines, each ended by a line feed, and that of the legal log.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Day {
    day: String,
    rows: u64,
    sha256: String,
    /// Whether both are the same; none while the day has no seal.
    sealed: Option<bool>,
    /// The line of the legal log.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
}

/// The accesses to one mailbox.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counted {
    /// By protocol.
    logins: BTreeMap<String, u64>,
    /// Turned away.
    failures: u64,
    /// The last one in the month.
    last: Option<String>,
}

/// Asks, writes both files, and says what they are.
///
/// # Errors
/// The service refuses, or a file cannot be written.
pub async fn run(args: &Args, client: &Client, lang: Lang) -> Result<String, Error> {
    let (tenant, month, kind) = (args.tenant, args.month.clone(), args.kind);
    let mut proof = Proof {
        tenant,
        month,
        kind,
        rows: 0,
        sha256: String::new(),
        mailboxes: None,
        days: None,
        segments: Vec::new(),
    };
    let bytes = match args.kind {
        Kind::Accesses => {
            let (accesses, boxes, seals) = accesses(args, client).await?;
            let rows = accesses.iter().map(|found| (found.access.at.as_str(), found.line.as_str()));
            (proof.rows, proof.mailboxes, proof.days) = (accesses.len(), Some(boxes), Some(days(rows, seals)));
            form(args.format, &accesses, access_line, ACCESS_HEAD)?
        }
        Kind::Administration => {
            let (mut acts, segments) = acts(args, client).await?;
            let (readings, seals) = readings(args, client).await?;
            proof.days = Some(days(readings.iter().map(|read| (read.at.as_str(), read.line.as_str())), seals));
            acts.extend(readings);
            acts.sort_by_key(|act| Timestamp::from_iso(&act.at));
            (proof.rows, proof.segments) = (acts.len(), segments);
            form(args.format, &acts, act_line, ACT_HEAD)?
        }
    };
    proof.sha256 = data_encoding::HEXLOWER.encode(&sha256(&bytes));
    write(&args.out, &bytes)?;
    let mut beside = args.out.clone().into_os_string();
    beside.push(".prova.json");
    write(Path::new(&beside), &serde_json::to_vec_pretty(&proof)?)?;
    let broken: Vec<&str> =
        proof.days.iter().flatten().filter(|day| day.sealed == Some(false)).map(|day| day.day.as_str()).collect();
    if !broken.is_empty() {
        let text = lang.pick(
            "le righe di questi giorni non sono quelle che il registro legale ha sigillato",
            "the rows of these days are not those that the legal log has sealed",
        );
        return Err(Error::Shown(format!("{}: {text}: {}", args.out.display(), broken.join(", "))));
    }
    let said = lang.pick("righe", "rows");
    Ok(format!("{}: {} {said}, SHA-256 {}", args.out.display(), proof.rows, proof.sha256))
}

/// Each day that has rows, given as their time and line, or a seal.
fn days<'r>(rows: impl Iterator<Item = (&'r str, &'r str)>, seals: Vec<api::AccessSeal>) -> Vec<Day> {
    let mut of_day: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for (at, line) in rows {
        let (rows, lines) = of_day.entry(at.get(..10).unwrap_or(at).to_owned()).or_default();
        *rows += 1;
        lines.push_str(line);
        lines.push('\n');
    }
    let mut sealed: BTreeMap<String, api::AccessSeal> =
        seals.into_iter().map(|seal| (seal.day.clone(), seal)).collect();
    for day in sealed.keys() {
        of_day.entry(day.clone()).or_default();
    }
    let told = |(day, (rows, lines)): (String, (u64, String))| {
        let sha256 = data_encoding::HEXLOWER.encode(&sha256(lines.as_bytes()));
        let seal = sealed.remove(&day);
        let same = seal.as_ref().map(|seal| seal.rows == rows && seal.sha256 == sha256);
        Day { day, rows, sha256, sealed: same, line: seal.map(|seal| seal.line) }
    };
    of_day.into_iter().map(told).collect()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()).map_err(failed)
}

type Boxes = BTreeMap<String, Counted>;

async fn accesses(
    args: &Args,
    client: &Client,
) -> Result<(Vec<api::MailboxAccess>, Boxes, Vec<api::AccessSeal>), Error> {
    let (mut all, mut boxes, mut seals, mut after) = (Vec::new(), Boxes::new(), Vec::new(), None);
    let mut known = BTreeSet::new();
    loop {
        let page = client.tenant_accesses(args.tenant, &args.month, after.as_deref()).await?;
        for address in page.mailboxes {
            boxes.entry(address.clone()).or_default();
            known.insert(address);
        }
        for found in &page.accesses {
            count(boxes.entry(found.mailbox.clone()).or_default(), &found.access);
        }
        all.extend(page.accesses);
        seals.extend(page.seals);
        after = page.next;
        if after.is_none() {
            // Whoever failed by a name that no mailbox has makes none of it.
            boxes.retain(|address, _| known.contains(address));
            return Ok((all, boxes, seals));
        }
    }
}

fn count(of: &mut Counted, access: &api::Access) {
    match access.outcome.as_str() {
        "ok" => {
            *of.logins.entry(access.protocol.clone()).or_default() += 1;
            of.last = Some(access.at.clone());
        }
        "left" | "read" | "removed" => {}
        _ => of.failures += access.times(),
    }
}

async fn acts(args: &Args, client: &Client) -> Result<(Vec<api::AdminAct>, Vec<LogSegment>), Error> {
    let (mut all, mut segments, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = client.acts(args.tenant, &args.month, after.as_deref()).await?;
        all.extend(page.acts);
        segments.extend(page.segments);
        after = page.next;
        if after.is_none() {
            return Ok((all, segments));
        }
    }
}

async fn readings(args: &Args, client: &Client) -> Result<(Vec<api::AdminAct>, Vec<api::AccessSeal>), Error> {
    let (mut all, mut seals, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = client.readings(args.tenant, &args.month, after.as_deref()).await?;
        all.extend(page.acts);
        seals.extend(page.seals);
        after = page.next;
        if after.is_none() {
            return Ok((all, seals));
        }
    }
}

fn form<T: Serialize>(form: Form, rows: &[T], line: fn(&T) -> String, head: &str) -> Result<Vec<u8>, Error> {
    if form == Form::Json {
        return Ok(serde_json::to_vec_pretty(rows)?);
    }
    let mut text = format!("{head}\r\n");
    for row in rows {
        text += &line(row);
        text += "\r\n";
    }
    Ok(text.into_bytes())
}

const ACCESS_HEAD: &str = "casella,credenziale,protocollo,quando,dal,indirizzo,esito,cosa";
const ACT_HEAD: &str = "quando,chi,credenziale,indirizzo,permesso,esito,metodo,oggetto,contenuto,riga";

fn joined(fields: &[&str]) -> String {
    fields.iter().map(|text| field(text)).collect::<Vec<_>>().join(",")
}

fn access_line(found: &api::MailboxAccess) -> String {
    found.line.clone()
}

fn act_line(a: &api::AdminAct) -> String {
    let (token, from) = (a.token.as_deref().unwrap_or_default(), a.from.as_deref().unwrap_or_default());
    let content = a.content.as_deref().unwrap_or_default();
    joined(&[&a.at, &a.by, token, from, &a.act, &a.stage, &a.method, &a.object, content, &a.line])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_are_counted_by_protocol_and_what_ends_is_none() {
        let access = |at: &str, protocol: &str, outcome: &str| api::Access {
            at: at.into(),
            protocol: protocol.into(),
            from: "192.0.2.1".into(),
            person: String::new(),
            outcome: outcome.into(),
            since: None,
            what: String::new(),
        };
        let mut counted = Counted::default();
        for one in [
            access("1", "imap", "ok"),
            access("2", "imap", "left"),
            access("3", "pop3", "ok"),
            access("4", "imap", "wrong"),
        ] {
            count(&mut counted, &one);
        }
        assert_eq!(counted.logins, BTreeMap::from([("imap".into(), 1), ("pop3".into(), 1)]));
        assert_eq!((counted.failures, counted.last.as_deref()), (1, Some("3")));
        let line = "a@b.example,,imap,1,,192.0.2.1,ok,".to_owned();
        let row = api::MailboxAccess { mailbox: "a@b.example".into(), access: access("1", "imap", "ok"), line };
        let text = form(Form::Csv, &[row], access_line, ACCESS_HEAD).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            format!("{ACCESS_HEAD}\r\na@b.example,,imap,1,,192.0.2.1,ok,\r\n")
        );
    }

    #[test]
    fn a_day_is_sealed_while_its_lines_make_the_sum_of_the_log() {
        let sum = |text: &str| data_encoding::HEXLOWER.encode(&sha256(text.as_bytes()));
        let seal = |day: &str, rows, text: &str| api::AccessSeal {
            day: day.into(),
            rows,
            sha256: sum(text),
            line: "PEC_Access".into(),
        };
        let at = |day: u8| format!("2026-11-0{day}T10:00:00.000+01:00");
        let (first, second, fourth) = (at(1), at(2), at(4));
        let rows = [(&*first, "uno"), (&*first, "due"), (&*second, "tre"), (&*fourth, "x")];
        let seals = vec![
            seal("2026-11-01", 2, "uno\ndue\n"),
            seal("2026-11-02", 2, "tre\nquattro\n"),
            seal("2026-11-03", 1, "tolta\n"),
        ];
        let told: Vec<_> =
            days(rows.into_iter(), seals).into_iter().map(|day| (day.day, day.rows, day.sealed)).collect();
        let day = |n: u8| format!("2026-11-0{n}");
        let wanted = [(day(1), 2, Some(true)), (day(2), 1, Some(false)), (day(3), 0, Some(false)), (day(4), 1, None)];
        assert_eq!(told, wanted);
    }
}
