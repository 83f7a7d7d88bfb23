//! The proof of a log, and how it is told.

use std::path::Path;

use data_encoding::HEXLOWER;
use serde::Serialize;
use sigillo_base::{Tell, Timestamp, said};
use sigillo_pec::log::{Expected, Proof, Verifier};
use sigillo_smime::{Certificate, Crl, Trust};

use super::source::{Query, Source};
use super::{Error, Period};
use crate::Lang;
use crate::api::LogSegment;

/// Findings shown to a person; JSON has them all.
const SHOWN: usize = 50;

/// What was proven.
#[derive(Debug, Clone)]
pub(super) struct Proven {
    pub proof: Proof,
    /// Lines compared with the chain, and lines that wait for their place in it; only where there are rows.
    pub audit: Option<(u64, u64)>,
}

/// The same in JSON.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'p> {
    holds: bool,
    segments: u64,
    first: Option<u64>,
    last: Option<u64>,
    open: Option<u64>,
    lines: u64,
    stamped: u64,
    stamps: Vec<ShownStamp>,
    unjudged: &'p [u64],
    unstamped: &'p [u64],
    compared: Option<u64>,
    waiting: Option<u64>,
    messages: u64,
    messages_open: u64,
    messages_cut: u64,
    found: u64,
    findings: Vec<String>,
}

/// A time stamp in JSON.
#[derive(Debug, Serialize)]
struct ShownStamp {
    segment: u64,
    /// ISO 8601, legal time.
    time: String,
    /// More than a day after the segment was closed.
    late: bool,
}

/// Whom to believe time stamps: certificates and revocation lists of a PEM file.
pub(super) fn trust(path: &Path) -> Result<Trust, Error> {
    let pem = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let refused = |e: sigillo_smime::Error| Error::Refused(e.said().about(path.display()));
    let anchors = Certificate::from_pem(&pem).map_err(refused)?;
    let lists = pem.windows(9).any(|w| w == b"X509 CRL-");
    Ok(Trust::new(anchors, if lists { Crl::from_pem(&pem).map_err(refused)? } else { Vec::new() }))
}

/// Where a period cuts: nowhere when the log begins with it.
pub(super) fn cut(first: u64, day: &str) -> Option<Timestamp> {
    if first <= 1 { None } else { Timestamp::legal_day(day).map(|(from, _)| from) }
}

/// Proves the segments that touch a period, and that the lines of the period are where the chain says.
pub(super) async fn prove(source: &mut impl Source, period: &Period, trust: Option<&Trust>) -> Result<Proven, Error> {
    let mut chosen = Vec::new();
    let mut after = 0;
    loop {
        let page = source.segments(after).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        chosen.extend(page.into_iter().filter(|s| touches(s, period)));
    }
    let first = chosen.first().and_then(|s| cut(s.number, &s.day));
    let mut verifier = Verifier::new(first, None, trust);
    for segment in &chosen {
        read(source, &mut verifier, segment).await?;
    }
    let (mut lines, mut waiting, mut place) = (0, 0, None);
    loop {
        let page = source.audit(&Query::new(None, period), place.as_deref()).await?;
        lines += page.lines;
        waiting += page.waiting;
        page.findings.into_iter().for_each(|what| verifier.finding(what));
        match page.next {
            Some(next) => place = Some(next),
            None => break,
        }
    }
    Ok(Proven { proof: verifier.finish(), audit: Some((lines, waiting)) })
}

fn touches(segment: &LogSegment, period: &Period) -> bool {
    let too_early = period.from.as_deref().is_some_and(|from| segment.last_day().is_some_and(|last| last < from));
    let too_late = period.to.as_deref().is_some_and(|to| segment.day.as_str() > to);
    !too_early && !too_late
}

async fn read(source: &mut impl Source, verifier: &mut Verifier<'_>, segment: &LogSegment) -> Result<(), Error> {
    verifier.begin(&segment.file);
    let mut from = 0;
    // What was linked since the segment was listed is not waited for.
    while from < segment.lines {
        let lines = match source.file(segment.number, from).await {
            Ok(lines) if !lines.is_empty() => lines,
            Ok(_) => break,
            // A damaged row is a finding; a service that does not answer is none.
            Err(Error::Client(crate::Error::Refused(problem))) => {
                verifier.finding(format!("{}: {}", segment.file, problem.detail));
                break;
            }
            Err(Error::Refused(what)) => {
                verifier.finding(what.about(&segment.file).it);
                break;
            }
            Err(fault) => return Err(fault),
        };
        for line in lines.iter().take(usize::try_from(segment.lines - from).unwrap_or(usize::MAX)) {
            verifier.feed(line.as_bytes());
            verifier.feed(b"\n");
        }
        from += lines.len() as u64;
    }
    let hash = |text: &str| HEXLOWER.decode(text.as_bytes()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
    let (before, head) = (hash(&segment.before), hash(&segment.head));
    let (Some(before), Some(head)) = (before, head) else {
        return Err(Error::Refused(said!(
            "{}: le impronte non si leggono",
            "{}: the hashes cannot be read",
            segment.file
        )));
    };
    let sha256 = segment.sha256.as_deref().and_then(hash);
    let expected = Expected { before, head, sha256, closed: segment.closed.is_some() };
    let stamp = source.stamp(segment.number).await?;
    verifier.end(Some(&expected), stamp.as_deref());
    Ok(())
}

impl Proven {
    fn findings(&self) -> impl Iterator<Item = String> {
        let rules = self.proof.rules.findings.iter().map(ToString::to_string);
        self.proof.findings.iter().cloned().chain(rules)
    }

    fn found(&self) -> u64 {
        self.proof.found + self.proof.rules.findings.len() as u64
    }

    pub(super) fn shown(&self, holds: bool) -> Shown<'_> {
        let p = &self.proof;
        Shown {
            holds,
            segments: p.segments,
            first: p.numbers.map(|(first, _)| first),
            last: p.numbers.map(|(_, last)| last),
            open: p.open,
            lines: p.lines,
            stamped: p.stamped,
            stamps: p
                .stamps
                .iter()
                .map(|s| ShownStamp { segment: s.segment, time: s.time.to_string(), late: s.late })
                .collect(),
            unjudged: &p.unjudged,
            unstamped: &p.unstamped,
            compared: self.audit.map(|(lines, _)| lines),
            waiting: self.audit.map(|(_, waiting)| waiting),
            messages: p.rules.messages,
            messages_open: p.rules.open,
            messages_cut: p.rules.cut,
            found: self.found(),
            findings: self.findings().collect(),
        }
    }

    /// A page for a person.
    pub(super) fn page(&self, holds: bool, lang: Lang) -> String {
        let p = &self.proof;
        let mut page = Vec::new();
        let mut row = |it: &str, en: &str, text: String| page.push(format!("{:<14}{text}", lang.pick(it, en)));
        let numbers = p.numbers.map(|(first, last)| format!(" ({first}–{last})")).unwrap_or_default();
        let lines = lang.pick("righe", "lines");
        row("segmenti", "segments", format!("{}{numbers}, {} {lines}", p.segments, p.lines));
        if let Some(open) = p.open {
            let text = lang.pick("ancora aperto, provato dalla sola catena", "still open, proven by its chain alone");
            row("", "", format!("{open}: {text}"));
        }
        let stamps = lang.pick("verificate", "verified");
        row("marche", "time stamps", format!("{} {stamps}", p.stamped));
        for stamp in p.stamps.iter().take(SHOWN) {
            let late = if stamp.late { lang.pick(" (marca tardiva)", " (late)") } else { "" };
            row("", "", format!("{}: {}{late}", stamp.segment, stamp.time));
        }
        if p.stamps.len() > SHOWN {
            row("", "", format!("… ({})", lang.pick("tutte con --json", "all of them with --json")));
        }
        if !p.unjudged.is_empty() {
            let text = lang.pick("non verificate, manca --tsa-ca", "not verified, --tsa-ca is missing");
            row("", "", format!("{}: {text}", ranges(&p.unjudged)));
        }
        if !p.unstamped.is_empty() {
            row("", "", format!("{}: {}", ranges(&p.unstamped), lang.pick("senza marca", "without a time stamp")));
        }
        if let Some((compared, waiting)) = self.audit {
            let text = lang.pick("confrontate con la catena", "compared with the chain");
            let waits = lang.pick("in attesa di entrarvi", "waiting for their place");
            row("righe", "lines", format!("{compared} {text}, {waiting} {waits}"));
        }
        let (open, cut) = (lang.pick("aperti", "open"), lang.pick("cominciati prima", "begun before"));
        row("messaggi", "messages", format!("{}, {} {open}, {} {cut}", p.rules.messages, p.rules.open, p.rules.cut));
        row("rilievi", "findings", self.found().to_string());
        page.extend(self.findings().take(SHOWN).map(|finding| format!("  {finding}")));
        if self.found() > SHOWN as u64 {
            page.push(format!("  … ({})", lang.pick("tutti con --json", "all of them with --json")));
        }
        page.push(match (holds, p.segments) {
            (_, 0) => lang.pick("Nessun segmento nel periodo.", "No segment in the period.").to_owned(),
            (true, _) => lang.pick("Il log è integro e coerente.", "The log is whole and consistent.").to_owned(),
            (false, _) => lang.pick("Il log NON è provato.", "The log is NOT proven.").to_owned(),
        });
        page.join("\n")
    }
}

/// `1–3, 7`.
fn ranges(numbers: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &n in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == n => *last = n,
            _ => ranges.push((n, n)),
        }
    }
    let show = |(a, b): &(u64, u64)| if a == b { a.to_string() } else { format!("{a}–{b}") };
    ranges.iter().map(show).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1–3, 7, 9–10");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn a_segment_touches_a_period_with_any_of_its_days() {
        let segment = |day: &str, closed: Option<&str>| LogSegment {
            number: 1,
            file: String::new(),
            day: day.into(),
            opened: String::new(),
            closed: closed.map(|d| format!("{d}T00:05:01.000+01:00")),
            lines: 2,
            before: String::new(),
            head: String::new(),
            sha256: None,
            stamped: None,
        };
        let period = |from: &str, to: &str| Period { from: Some(from.into()), to: Some(to.into()) };
        let long = segment("2026-03-12", Some("2026-03-16"));
        assert!(touches(&long, &period("2026-03-14", "2026-03-14")) && touches(&long, &Period::default()));
        assert!(!touches(&long, &period("2026-03-01", "2026-03-11")));
        assert!(!touches(&long, &period("2026-03-17", "2026-03-18")));
        assert!(touches(&segment("2026-03-12", None), &period("2026-04-01", "2026-04-01")), "the open one reaches on");
    }

    #[test]
    fn nothing_read_is_nothing_proven() {
        let proven = Proven { proof: Proof::default(), audit: None };
        assert!(!proven.proof.holds(true));
        assert!(proven.page(false, Lang::It).ends_with("Nessun segmento nel periodo."));
        let proof = Proof { segments: 1, unstamped: vec![1], ..Proof::default() };
        assert!(!proof.holds(false) && proof.holds(true), "an unstamped one must be allowed");
        let unjudged = Proof { segments: 1, unjudged: vec![1], ..Proof::default() };
        assert!(!unjudged.holds(false) && unjudged.holds(true));
        let found = Proof { segments: 1, found: 1, findings: vec!["x".into()], ..Proof::default() };
        assert!(!found.holds(true));
    }
}
