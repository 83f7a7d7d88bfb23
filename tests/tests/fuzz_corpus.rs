//! Replays every file of fuzz/corpus through the function that its fuzz target runs, so that what fuzzing once found
//! stays found, on stable and without a fuzzer. The seeds themselves are tried cut short and with bits turned, too.

#![allow(clippy::expect_used, reason = "a test: what cannot be read is a failure")]

#[path = "fuzz_corpus/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/targets.rs"]
mod targets;

use sigillo_pec::incoming::Judgement;
use std::path::{Path, PathBuf};

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let list = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = list.map(|entry| entry.expect("a corpus file").path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("a corpus file can be read"))).collect()
}

fn replay(target: &str) {
    let run =
        targets::ALL.iter().find(|(name, _)| *name == target).map(|(_, run)| *run).expect("a target of this name");
    let files = corpus(target);
    assert!(files.len() >= 3, "{target}: only {} seeds", files.len());
    for (path, data) in files {
        // The name of the file is in the output of a failure.
        println!("{}", path.display());
        run(&data);
        for turn in 0..64_usize {
            let mut bent = data.clone();
            let at = turn.wrapping_mul(2_654_435_761) % bent.len().max(1);
            if let Some(byte) = bent.get_mut(at) {
                *byte ^= 1 << (turn % 8);
            }
            run(&bent);
            bent.truncate(at);
            run(&bent);
        }
    }
}

#[test]
fn mime_corpus() {
    replay("mime");
}

#[test]
fn brief_corpus() {
    replay("brief");
}

#[test]
fn certification_corpus() {
    replay("certification");
}

/// `UPDATE_SEEDS=1` signs the seeds anew (and proves nothing: the next run has them compiled in). Without it they must
/// still be what their names say, or the fuzzer starts from nothing.
#[test]
fn incoming_corpus() {
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        return seeds::write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz"));
    }
    for (path, data) in corpus("incoming") {
        let judged = targets::judge(&data);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let as_named = match name.split('-').next() {
            Some("envelope") => matches!(judged, Judgement::Envelope(_)),
            Some("receipt") => matches!(judged, Judgement::Receipt(_)),
            _ => true, // found by fuzzing
        };
        assert!(as_named, "{name}: {judged:?}");
    }
    replay("incoming");
}

#[test]
fn index_corpus() {
    replay("index");
}

#[test]
fn smtp_corpus() {
    replay("smtp");
}

#[test]
fn imap_corpus() {
    replay("imap");
}
