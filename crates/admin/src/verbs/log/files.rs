//! Exported segments in a folder.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sigillo_pec::log::{Entry, ServiceEvent, Verifier};
use sigillo_smime::{Trust, timestamp};

use super::Period;
use super::verify::Proven;
use crate::verbs::Error;

/// Longest first line that is looked at for the segment's number, in octets.
const FIRST: u64 = 1 << 20;
/// Longest time stamp, in octets.
const STAMP: u64 = 1 << 20;

/// The file with the time stamp of a file: its name and `.tsr`.
pub(super) fn stamp_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".tsr");
    name.into()
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

/// Proves the segments in a folder, in the order of their numbers.
pub(super) fn prove(folder: &Path, period: &Period, trust: Option<&Trust>) -> Result<Proven, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.extension().is_some_and(|e| e == "log") {
            let (number, day) = begins(&path)?;
            found.push((number, day, path));
        }
    }
    found.sort();
    let after = |day: &str| period.from.as_deref().is_some_and(|from| day < from);
    let before = |day: &str| period.to.as_deref().is_some_and(|to| day > to);
    // Without a day it must be read to say what is wrong with it.
    found.retain(|(_, day, _)| day.is_empty() || (!after(day) && !before(day)));
    let first = found.first().map(|(number, day, _)| (*number, day.as_str()));
    let mut verifier = Verifier::new(first.and_then(|(n, day)| super::verify::cut(n, day)), None, trust);
    for (_, _, path) in &found {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        verifier.begin(&name);
        let mut file = File::open(path).map_err(failed(path))?;
        let mut piece = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut piece).map_err(failed(path))?;
            if read == 0 {
                break;
            }
            verifier.feed(&piece[..read]);
        }
        let token = match stamp(path)? {
            None => None,
            Some(answer) => match timestamp::answered(&answer) {
                Ok(token) => Some(token.der().to_vec()),
                Err(error) => {
                    verifier.finding(format!("{name}.tsr: marca temporale: {error}"));
                    None
                }
            },
        };
        verifier.end(None, token.as_deref());
    }
    Ok(Proven { proof: verifier.finish(), audit: None })
}

/// The bytes beside a file.
fn stamp(file: &Path) -> Result<Option<Vec<u8>>, Error> {
    let path = stamp_of(file);
    let mut bytes = Vec::new();
    match File::open(&path) {
        Ok(file) => file.take(STAMP).read_to_end(&mut bytes).map(|_| Some(bytes)).map_err(failed(&path)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(&path)(e)),
    }
}

/// Number and day of a segment from its first line; 0 and nothing when that is not what it should be.
fn begins(path: &Path) -> Result<(u64, String), Error> {
    let mut line = Vec::new();
    let file = File::open(path).map_err(failed(path))?;
    BufReader::new(file).take(FIRST).read_until(b'\n', &mut line).map_err(failed(path))?;
    let text = String::from_utf8_lossy(&line);
    let entry = text.rsplit_once(": catena=").and_then(|(line, _)| Entry::parse_line(line).ok());
    Ok(match entry {
        Some(Entry::Service(service)) => match service.event {
            ServiceEvent::Open { segment, day, .. } => (segment, day),
            _ => (0, String::new()),
        },
        _ => (0, String::new()),
    })
}
