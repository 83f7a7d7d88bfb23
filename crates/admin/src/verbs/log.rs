//! `sigillo log show|export|count|verify`: the legal log of a provider that is in service, of one that is stopped
//! (`--store`), and of exported files (`verify --files`).

mod extract;
mod files;
mod source;
mod verify;

use std::io::Write;
use std::path::{Path, PathBuf};

use sigillo_base::{Complaint, Said, Timestamp, said};
use sigillo_pec::log::{Count, Entry, SegmentReader};
use sigillo_smime::timestamp;

use super::{Error, Where, header, json, table};
use crate::Lang;
use crate::api::{LogLines, LogSegment};
pub use source::{Query, Source};

/// Where the log is.
#[derive(Debug, Clone, clap::Args)]
pub struct From {
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
    /// Cartella dell'archivio di un gestore fermo, invece del socket
    #[arg(long, value_name = "CARTELLA")]
    pub store: Option<PathBuf>,
}

/// A period in legal days, both ends with it; without one, from the beginning or to the end.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Period {
    /// Primo giorno legale, AAAA-MM-GG
    #[arg(long, value_name = "GIORNO", value_parser = day)]
    pub from: Option<String>,
    /// Ultimo giorno legale, AAAA-MM-GG
    #[arg(long, value_name = "GIORNO", value_parser = day)]
    pub to: Option<String>,
}

/// What can be done with the log.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Mostra le righe su un messaggio o di un periodo
    Show {
        /// Identificativo del messaggio
        #[arg(long, value_name = "IDENTIFICATIVO", conflicts_with_all = ["from", "to"])]
        id: Option<String>,
        /// Which days.
        #[command(flatten)]
        period: Period,
        /// Where the log is.
        #[command(flatten)]
        log: From,
    },
    /// Scrive il file di un segmento e, accanto, la sua marca temporale (FILE.tsr)
    Export {
        /// Giorno legale del segmento, AAAA-MM-GG
        #[arg(long, value_name = "GIORNO", value_parser = day, required_unless_present = "segment")]
        day: Option<String>,
        /// Numero del segmento
        #[arg(long, value_name = "N", conflicts_with = "day")]
        segment: Option<u64>,
        /// Il file da scrivere; non deve esserci
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Where the log is.
        #[command(flatten)]
        log: From,
    },
    /// Conta i nove eventi del servizio
    Count {
        /// Which days.
        #[command(flatten)]
        period: Period,
        /// Where the log is.
        #[command(flatten)]
        log: From,
    },
    /// Scrive gli accessi di un mese alle caselle di un'amministrazione, o gli atti di amministrazione che la riguardano
    Extract {
        /// Which extract.
        #[command(flatten)]
        wanted: extract::Args,
        /// Where the log is.
        #[command(flatten)]
        log: From,
    },
    /// Prova che il log è integro e coerente: catena, impronte, marche temporali, regole
    Verify {
        /// Which days.
        #[command(flatten)]
        period: Period,
        /// Certificati (e liste di revoca) in PEM delle autorità di marcatura temporale
        #[arg(long, value_name = "FILE")]
        tsa_ca: Option<PathBuf>,
        /// Vale come provato anche un segmento chiuso senza marca temporale verificata
        #[arg(long)]
        allow_unstamped: bool,
        /// Cartella di segmenti esportati (*.log, *.log.tsr), invece di un gestore
        #[arg(long, value_name = "CARTELLA", conflicts_with = "store")]
        files: Option<PathBuf>,
        /// Where the log is.
        #[command(flatten)]
        log: From,
    },
}

impl Verb {
    /// Where the log is.
    pub fn log(&self) -> &From {
        match self {
            Self::Show { log, .. }
            | Self::Export { log, .. }
            | Self::Count { log, .. }
            | Self::Extract { log, .. }
            | Self::Verify { log, .. } => log,
        }
    }
}

/// Carries out the verb over a log and gives what is to be told to `say`, line by line. `false`: what was to be proven is
/// not.
///
/// # Errors
/// The log cannot be read, or a file not be written.
pub async fn run(verb: &Verb, source: &mut impl Source, lang: Lang, say: &mut dyn FnMut(&str)) -> Result<bool, Error> {
    match verb {
        Verb::Show { id, period, log } => show(source, &Query::new(id.as_deref(), period), log.at.json, say).await,
        Verb::Export { day, segment, out, .. } => {
            let chosen = choose(source, day.as_deref(), *segment).await?;
            let stamped = export(source, &chosen, out).await?;
            let kept = match (chosen.closed.is_some(), stamped) {
                (true, true) => lang.pick("con marca temporale", "with its time stamp"),
                (true, false) => lang.pick("senza marca temporale", "without a time stamp"),
                (false, _) => lang.pick("ancora aperto", "still open"),
            };
            let segment = lang.pick("segmento", "segment");
            say(&format!("{}: {segment} {} ({}), {kept}", out.display(), chosen.number, chosen.day));
            Ok(true)
        }
        Verb::Count { period, log } => count(source, period, log.at.json, lang, say).await,
        Verb::Extract { log: From { store: Some(_), .. }, .. } => Err(Error::Refused(said!(
            "un estratto lo dà un gestore in servizio: togliere --store",
            "an extract is given by a provider in service: leave --store out"
        ))),
        Verb::Extract { wanted, log } => {
            say(&extract::run(wanted, &log.at.client(), lang).await?);
            Ok(true)
        }
        Verb::Verify { period, tsa_ca, allow_unstamped, files, log } => {
            let trust = tsa_ca.as_deref().map(verify::trust).transpose()?;
            let proof = match files {
                Some(folder) => files::prove(folder, period, trust.as_ref())?,
                None => verify::prove(source, period, trust.as_ref()).await?,
            };
            let holds = proof.proof.holds(*allow_unstamped);
            say(&if log.at.json { json(&proof.shown(holds))? } else { proof.page(holds, lang) });
            Ok(holds)
        }
    }
}

async fn show(source: &mut impl Source, query: &Query, json: bool, say: &mut dyn FnMut(&str)) -> Result<bool, Error> {
    let mut after = None;
    loop {
        let LogLines { lines, next } = source.lines(query, after.as_deref()).await?;
        for line in &lines {
            say(&if json { serde_json::to_string(line)? } else { line.clone() });
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(true),
        }
    }
}

async fn count(
    source: &mut impl Source,
    period: &Period,
    as_json: bool,
    lang: Lang,
    say: &mut dyn FnMut(&str),
) -> Result<bool, Error> {
    let (mut count, mut after, mut settled) = (Count::default(), None, String::new());
    loop {
        let LogLines { lines, next } = source.lines(&Query::new(None, period), after.as_deref()).await?;
        for line in &lines {
            // A damaged line is the affair of `verify`; here it would hide all the others.
            let Ok(Entry::Event(record)) = Entry::parse_line(line) else { continue };
            count.add(&record);
            let day = record.at.legal().iso_day;
            if day > settled {
                count.settle(record.at);
                settled = day;
            }
        }
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if as_json {
        let row = |(event, times): (sigillo_pec::log::Event, u64)| (event.label_it().to_owned(), times.into());
        let rows: serde_json::Map<String, serde_json::Value> = count.rows().into_iter().map(row).collect();
        say(&json(&rows)?);
        return Ok(true);
    }
    let mut rows = table(&header(lang, &[("evento", "event"), ("numero", "count")]));
    for (event, times) in count.rows() {
        rows.add_row([event.label_it().to_owned(), times.to_string()]);
    }
    say(&rows.to_string());
    Ok(true)
}

/// The segment that holds a day, or the one with a number.
async fn choose(source: &mut impl Source, day: Option<&str>, number: Option<u64>) -> Result<LogSegment, Error> {
    let mut after = number.map_or(0, |n| n.saturating_sub(1));
    loop {
        let page = source.segments(after).await?;
        let Some(last) = page.last().map(|s| s.number) else { break };
        let holds = |s: &LogSegment| match day {
            Some(day) => s.day.as_str() <= day && s.last_day().is_none_or(|last| day < last || s.day == day),
            None => Some(s.number) == number,
        };
        // Of two that touch a day the one that began on it.
        let found = page.into_iter().rfind(holds);
        if let Some(found) = found {
            return Ok(found);
        }
        after = last;
    }
    Err(Error::Refused(match day {
        Some(day) => said!("il giorno {day} non è nel log", "the day {day} is not in the log"),
        None => {
            let number = number.unwrap_or_default();
            said!("il segmento {number} non è nel log", "the segment {number} is not in the log")
        }
    }))
}

/// Writes a segment's file and its time stamp; tells whether there was one.
async fn export(source: &mut impl Source, segment: &LogSegment, out: &Path) -> Result<bool, Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    let create = |path: &Path| std::fs::File::create_new(path).map_err(failed(path));
    let mut file = std::io::BufWriter::new(create(out)?);
    let mut reader = SegmentReader::new(out.display().to_string(), None);
    let mut broken = None;
    let mut from = 0;
    while from < segment.lines {
        let lines = source.file(segment.number, from).await?;
        if lines.is_empty() {
            break;
        }
        for line in lines.iter().take(usize::try_from(segment.lines - from).unwrap_or(usize::MAX)) {
            let line = format!("{line}\n");
            file.write_all(line.as_bytes()).map_err(failed(out))?;
            broken = broken.or_else(|| reader.feed(line.as_bytes(), &mut |_| ()).err());
        }
        from += lines.len() as u64;
    }
    file.into_inner().map_err(|e| e.into_error()).and_then(|f| f.sync_all()).map_err(failed(out))?;
    // What does not hold together is written all the same, as evidence, and is not passed off as whole.
    broken.map_or_else(|| reader.finish(), Err).map_err(|b| Error::Refused(Said::verbatim(b)))?;
    let Some(token) = source.stamp(segment.number).await? else { return Ok(false) };
    let beside = files::stamp_of(out);
    let mut file = create(&beside)?;
    file.write_all(&timestamp::answer(&token)).and_then(|()| file.sync_all()).map_err(failed(&beside))?;
    Ok(true)
}

/// A legal day that is one.
fn day(text: &str) -> Result<String, Complaint> {
    let fine = Timestamp::legal_day(text).is_some();
    fine.then(|| text.to_owned())
        .ok_or_else(|| Complaint(said!("vale un giorno come 2026-03-12", "a day like 2026-03-12 is meant")))
}
