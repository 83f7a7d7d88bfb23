//! The legal log for those who read it: as pages of the administrative interface, from a store that lies still, and as
//! files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sigillo_admin::api;
use sigillo_admin::verbs::{self, log::Query, log::Source};
use sigillo_base::{Complaint, Said, Tell, Timestamp, said, told};
use sigillo_engine::{LegalLog, LogSegment, Logged, Place};
use sigillo_smime::timestamp;
use sigillo_store::Store;
use sigillo_store_rocks::{Options, RocksStore};

use crate::complaint::Context as _;

/// Lines and rows in one answer.
const PAGE: usize = 1_000;
/// Segments in one answer.
pub const SEGMENTS: usize = 100;

/// Why a page cannot be given.
#[derive(Debug)]
pub enum Error {
    /// What was asked for makes no sense.
    Asked(Said),
    /// The log cannot be read.
    Engine(sigillo_engine::Error),
}

impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::Asked(why) => why.clone(),
            Self::Engine(fault) => fault.said(),
        }
    }
}

told!(Error);

impl From<sigillo_engine::Error> for Error {
    fn from(fault: sigillo_engine::Error) -> Self {
        Self::Engine(fault)
    }
}

/// The segments after a number.
///
/// # Errors
/// The store's fault.
pub fn segments<S: Store>(log: &LegalLog<'_, S>, after: u64) -> Result<Vec<api::LogSegment>, Error> {
    Ok(log.segments(after, SEGMENTS)?.into_iter().map(segment).collect())
}

fn segment(s: LogSegment) -> api::LogSegment {
    let hex = |hash: &[u8; 32]| data_encoding::HEXLOWER.encode(hash);
    api::LogSegment {
        number: s.number,
        file: s.file_name(),
        opened: s.opened.to_string(),
        closed: s.closed.map(|at| at.to_string()),
        lines: s.lines,
        before: hex(&s.before),
        head: hex(&s.head),
        sha256: s.sha256.as_ref().map(hex),
        stamped: s.stamped.map(|at| at.to_string()),
        day: s.day,
    }
}

/// A page of lines, about one message or of a period.
///
/// # Errors
/// No day or place; the store's fault.
pub fn lines<S: Store>(log: &LegalLog<'_, S>, query: &Query, after: Option<&str>) -> Result<api::LogLines, Error> {
    let after = place(after)?;
    let found = match &query.id {
        Some(id) => log.of(id, after, PAGE)?,
        None => {
            let (from, to) = period(query)?;
            log.between(from, to, after, PAGE)?
        }
    };
    let next = if found.len() == PAGE { found.last().map(|l: &Logged| l.place.to_string()) } else { None };
    Ok(api::LogLines { lines: found.into_iter().map(|l| l.line).collect(), next })
}

/// A page of the comparison of lines and chain.
///
/// # Errors
/// No day or place; the store's fault.
pub fn audit<S: Store>(log: &LegalLog<'_, S>, query: &Query, after: Option<&str>) -> Result<api::LogAudit, Error> {
    let (from, to) = period(query)?;
    let page = log.audit(from, to, place(after)?, PAGE)?;
    let next = page.next.map(|place| place.to_string());
    Ok(api::LogAudit { lines: page.lines, waiting: page.waiting, findings: page.findings, next })
}

/// The segments in which lines of a period stand, by when they were opened and closed.
///
/// # Errors
/// The store's fault.
pub fn segments_of<S: Store>(
    log: &LegalLog<'_, S>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<api::LogSegment>, Error> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = log.segments(after, SEGMENTS)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.number;
        let within = |s: &LogSegment| s.opened < to && s.closed.is_none_or(|closed| closed >= from);
        found.extend(page.into_iter().filter(within).map(segment));
    }
}

/// Where a page begins.
///
/// # Errors
/// It is no place.
pub fn place(after: Option<&str>) -> Result<Option<Place>, Error> {
    after
        .map(|text| text.parse().map_err(|why: Complaint| Error::Asked(why.0.about(format_args!("after={text}")))))
        .transpose()
}

/// From the first instant of the first day to the last of the last.
fn period(query: &Query) -> Result<(Timestamp, Timestamp), Error> {
    let day = |text: &Option<String>| match text {
        None => Ok((Timestamp::default(), Timestamp::from_millis(i64::MAX))),
        Some(text) => {
            Timestamp::legal_day(text).ok_or_else(|| Error::Asked(said!("{text}: non è un giorno", "{text}: no day")))
        }
    };
    Ok((day(&query.from)?.0, day(&query.to)?.1))
}

/// What there is to say where a store is looked for in vain.
pub fn no_store(path: &Path) -> Said {
    said!("{}: qui non c'è un archivio", "{}: there is no store here", path.display())
}

/// The log of a provider that does not run, in its store.
pub struct Still(RocksStore);

impl Still {
    /// Opens the store in a provider's folder, or in the one that holds the database itself. Nothing is written to it.
    ///
    /// # Errors
    /// It is not there, or in use: then the service itself is to be asked.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let inside = folder.join("db");
        let path = if inside.is_dir() { inside } else { folder.to_owned() };
        // Opening makes a store where none is.
        anyhow::ensure!(path.join("CURRENT").exists(), Complaint(no_store(&path)));
        let named = || said!("archivio {}", "store {}", path.display());
        let store = RocksStore::open(&path, &Options::default()).told(named)?;
        sigillo_store::schema::check(&store).told(named)?;
        Ok(Self(store))
    }

    fn log(&self) -> LegalLog<'_, RocksStore> {
        LegalLog::new(&self.0)
    }
}

fn refused(error: impl Tell) -> verbs::Error {
    verbs::Error::Refused(error.said())
}

impl Source for Still {
    async fn segments(&mut self, after: u64) -> Result<Vec<api::LogSegment>, verbs::Error> {
        segments(&self.log(), after).map_err(refused)
    }

    async fn file(&mut self, segment: u64, from: u64) -> Result<Vec<String>, verbs::Error> {
        self.log().lines(segment, from).map_err(refused)
    }

    async fn stamp(&mut self, segment: u64) -> Result<Option<Vec<u8>>, verbs::Error> {
        self.log().stamp(segment).map_err(refused)
    }

    async fn lines(&mut self, query: &Query, after: Option<&str>) -> Result<api::LogLines, verbs::Error> {
        lines(&self.log(), query, after).map_err(refused)
    }

    async fn audit(&mut self, query: &Query, after: Option<&str>) -> Result<api::LogAudit, verbs::Error> {
        audit(&self.log(), query, after).map_err(refused)
    }
}

/// Writes the file of every segment into a folder, the open one's as far as it goes, and beside each its time stamp
/// (`….log.tsr`); `sigillo log verify --files` proves them. Gives the files of the segments.
///
/// # Errors
/// The log cannot be read, or a file not be written.
pub fn export_all<S: Store>(log: &LegalLog<'_, S>, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    crate::files::folder(folder).with_context(|| folder.display().to_string())?;
    let mut written = Vec::new();
    loop {
        let after = written.len() as u64;
        let page = log.segments(after, SEGMENTS)?;
        if page.is_empty() {
            return Ok(written);
        }
        for segment in page {
            let path = folder.join(segment.file_name());
            let named = || path.display().to_string();
            let mut file = BufWriter::new(File::create(&path).with_context(named)?);
            let mut failed = None;
            log.export(segment.number, &mut |bytes| {
                if failed.is_none() {
                    failed = file.write_all(bytes).err();
                }
            })?;
            failed.map_or_else(|| file.flush(), Err).with_context(named)?;
            if let Some(token) = log.stamp(segment.number)? {
                let mut beside = path.clone().into_os_string();
                beside.push(".tsr");
                std::fs::write(&beside, timestamp::answer(&token)).with_context(named)?;
            }
            written.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    use sigillo_engine::{Engine, Setup};
    use sigillo_pec::log::{SegmentReader, ServiceEvent};
    use sigillo_smime::authority::Authority;
    use sigillo_smime::{Identity, Trust};
    use sigillo_store::MemoryStore;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn engine(now: Timestamp) -> Engine<MemoryStore> {
        let service_address = sigillo_base::Address::parse("posta-certificata@pec.alfa.example").unwrap();
        let provider = sigillo_pec::Provider { name: "Alfa".into(), service_address, english: false };
        let authority = Authority::new("CA", now, now.plus(DAY * 365)).unwrap();
        let issued = authority.issue_pec("Alfa", &provider.service_address, now, now.plus(DAY * 300)).unwrap();
        let identity = Identity { certificate: issued.certificate(), chain: vec![authority.certificate()] };
        let setup = Setup {
            provider,
            host: "mx.pec.alfa.example".into(),
            identity,
            signer: Arc::new(issued.signer().unwrap()),
            trust: Arc::new(Trust::new(vec![authority.certificate()], Vec::new())),
            index: Arc::new(sigillo_pec::index::Index::new(Vec::new())),
            ids: Arc::new(crate::ids::RandomIds),
            bell: Arc::new(()),
            meter: Arc::new(()),
            local_domains: Vec::new(),
            antivirus: None,
            screener: None,
            dkim: None,
            rules: Default::default(),
            doors: Default::default(),
            profiles: Default::default(),
        };
        Engine::open(MemoryStore::new(), setup).unwrap()
    }

    #[test]
    fn every_segment_becomes_a_file_that_follows_the_one_before() {
        let now = Timestamp::from_millis(1_773_306_901_000);
        let engine = engine(now);
        for day in 0..3 {
            engine.log_service(ServiceEvent::IndexUpdate(Ok(())), now.plus(DAY * day)).unwrap();
            engine.close_segments(now.plus(DAY * day)).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let files = export_all(&engine.ledger(), &folder.path().join("log")).unwrap();
        let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect();
        let days = ["1-2026-03-12", "2-2026-03-13", "3-2026-03-14"];
        assert_eq!(names, days.map(|day| format!("PEC-00000{day}.log")));
        let mut head = Some([0; 32]);
        for (n, file) in files.iter().enumerate() {
            let mut reader = SegmentReader::new(&names[n], head);
            reader.feed(&std::fs::read(file).unwrap(), &mut |_| ()).unwrap();
            let read = reader.finish().unwrap();
            assert_eq!((read.number, read.closed), (n as u64 + 1, n < 2));
            head = Some(read.head);
        }
    }

    #[test]
    fn a_question_with_no_day_or_place_is_refused() {
        let (store, asked) = (MemoryStore::new(), |from: &str| Query { from: Some(from.into()), ..Query::default() });
        let log = LegalLog::new(&store);
        assert!(matches!(lines(&log, &asked("ieri"), None), Err(Error::Asked(_))));
        assert!(matches!(lines(&log, &asked("2026-03-12"), Some("x")), Err(Error::Asked(_))));
        assert!(matches!(audit(&log, &asked("2026-02-30"), None), Err(Error::Asked(_))));
        assert!(lines(&log, &asked("2026-03-12"), None).unwrap().lines.is_empty());
        assert!(Still::open(tempfile::tempdir().unwrap().path()).is_err(), "no store is made where none is");
    }
}
