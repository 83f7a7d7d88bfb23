//! The legal log of a provider, read and proven.

use sigillo_base::Timestamp;
use sigillo_engine::Engine;
use sigillo_pec::log::{Entry, Expected, Proof, Verifier};
use sigillo_smime::Trust;
use sigillo_store::Store;

/// Every line of the log, in the order of its chain.
///
/// # Errors
/// What the engine says, or a line that is no entry.
pub fn entries<S: Store>(engine: &Engine<S>, now: Timestamp) -> Result<Vec<Entry>, String> {
    engine.chain_log(now).map_err(|e| e.to_string())?;
    let mut entries = Vec::new();
    for segment in engine.ledger().segments(0, usize::MAX).map_err(|e| e.to_string())? {
        for line in file(engine, segment.number)?.lines() {
            let (text, _) = line.rsplit_once(": catena=").ok_or("a line without its chain")?;
            entries.push(Entry::parse_line(text).map_err(|e| format!("{e}: {line}"))?);
        }
    }
    Ok(entries)
}

/// A segment's file.
///
/// # Errors
/// What the engine says.
pub fn file<S: Store>(engine: &Engine<S>, segment: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    engine.export_segment(segment, &mut |piece| bytes.extend_from_slice(piece)).map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}

/// Links what waits, then proves the whole log: chain, digests, rules; every line once.
///
/// # Errors
/// What the engine says.
pub fn prove<S: Store>(engine: &Engine<S>, now: Timestamp) -> Result<Proof, String> {
    engine.chain_log(now).map_err(|e| e.to_string())?;
    prove_as_it_is(engine, now, None)
}

/// The same without linking anything, with time stamps judged by `trust`.
///
/// # Errors
/// What the engine says when it cannot even list the segments.
pub fn prove_as_it_is<S: Store>(engine: &Engine<S>, now: Timestamp, trust: Option<&Trust>) -> Result<Proof, String> {
    let log = engine.ledger();
    let mut verifier = Verifier::new(None, Some(now), trust);
    let mut linked = 0;
    for segment in log.segments(0, usize::MAX).map_err(|e| e.to_string())? {
        verifier.begin(&segment.file_name());
        if let Err(error) = engine.export_segment(segment.number, &mut |bytes| verifier.feed(bytes)) {
            verifier.finding(error.to_string());
        }
        let (before, head, sha256) = (segment.before, segment.head, segment.sha256);
        let expected = Expected { before, head, sha256, closed: segment.closed.is_some() };
        let stamp = log.stamp(segment.number).map_err(|e| e.to_string())?;
        linked += verifier.end(Some(&expected), stamp.as_deref()).map_or(0, |s| s.lines);
    }
    let (mut after, mut lines) = (None, 0);
    loop {
        let page = log.audit(Timestamp::default(), Timestamp::from_millis(i64::MAX), after, 100);
        let page = page.map_err(|e| e.to_string())?;
        lines += page.lines - page.waiting;
        page.findings.into_iter().for_each(|what| verifier.finding(what));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if lines != linked {
        verifier.finding(format!("{lines} lines are said to be linked, {linked} are"));
    }
    Ok(verifier.finish())
}
