//! Replays every file of fuzz/corpus through the function that its fuzz target runs, so that what fuzzing once found
//! stays found, on stable and without a fuzzer. The seeds themselves are tried cut short and with bits turned, too.

#![allow(clippy::expect_used, reason = "a test: what cannot be read is a failure")]

#[path = "fuzz_corpus/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/targets.rs"]
mod targets;

use sigillo_pec::incoming::Judgement;
use sigillo_pec::log::{Entry, SegmentReader};
use sigillo_smime::timestamp::{self, Token};
use sigillo_smime::{Error, SignedData, sha256};
use std::path::{Path, PathBuf};

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fuzz_folder().join("corpus").join(target);
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
fn proxy_corpus() {
    replay("proxy");
}

#[test]
fn password_hash_corpus() {
    replay("password_hash");
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
        return seeds::write(&fuzz_folder());
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

/// Seeds named `stored-…` are copies as mail programs keep them, and genuine.
#[test]
fn inspect_corpus() {
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        return; // written by `incoming_corpus`
    }
    for (path, data) in corpus("inspect") {
        let genuine = targets::report(&data).genuine();
        let stored = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("stored-"));
        assert!(genuine || !stored, "{}: {:?}", path.display(), targets::report(&data).checks);
    }
    replay("inspect");
}

#[test]
fn signed_data_corpus() {
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        return seeds::write_signatures(&fuzz_folder());
    }
    for (path, data) in corpus("signed_data") {
        let signed = SignedData::parse(&data).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(signed.verify(signed.content().unwrap_or(targets::SIGNED)), Ok(()), "{}", path.display());
    }
    replay("signed_data");
}

#[test]
fn timestamp_corpus() {
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        return seeds::write_time_stamps(&fuzz_folder());
    }
    for (path, data) in corpus("timestamp") {
        let answer = timestamp::response(&data, &sha256(targets::SIGNED), targets::NONCE);
        let token = Token::parse(&data);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let as_named = match name.split('-').next() {
            Some("token") => token.is_ok_and(|token| targets::believed(&token).is_ok()),
            Some("granted") => answer.is_ok_and(|token| targets::believed(&token).is_ok()),
            Some("refused") => matches!(answer, Err(Error::Refused(_))),
            _ => true, // found by fuzzing
        };
        assert!(as_named, "{name}");
    }
    replay("timestamp");
}

#[test]
fn smtp_corpus() {
    replay("smtp");
}

#[test]
fn smtp_client_corpus() {
    replay("smtp_client");
}

#[test]
fn imap_corpus() {
    replay("imap");
}

#[test]
fn imap_command_corpus() {
    replay("imap_command");
}

#[test]
fn pop3_corpus() {
    replay("pop3");
}

#[test]
fn rspamd_corpus() {
    replay("rspamd");
}

#[test]
fn sts_corpus() {
    replay("sts");
}

#[test]
fn log_corpus() {
    for (path, data) in corpus("log") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let lines = String::from_utf8_lossy(&data).lines().all(|line| Entry::parse_line(line).is_ok());
        let mut reader = SegmentReader::new(&name, Some([0; 32]));
        let segment = reader.feed(&data, &mut |_| ()).and_then(|()| reader.finish());
        let as_named = match name.split('-').next() {
            Some("lines") => lines,
            Some("segment") => segment.is_ok_and(|s| s.closed == name.ends_with("closed")),
            _ => true, // found by fuzzing
        };
        assert!(as_named, "{name}");
    }
    replay("log");
}
