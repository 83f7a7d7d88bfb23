//! What a backup consists of: one line for each file, closed by a digest of the lines before it.
//!
//! ```text
//! sigillo-backup 1
//! store 5f6a1c52-…
//! time 2026-03-12T10:05:01.000+01:00
//! sequence 4711
//! file BLAKE3 LENGTH MODIFIED NAME
//! end BLAKE3
//! ```

use std::fmt;
use std::path::PathBuf;

use super::Backup;

const FIRST: &str = "sigillo-backup 1";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    /// Which store it is of: a name that RocksDB gave it when it was made.
    pub(super) store: String,
    pub(super) time: String,
    pub(super) sequence: u64,
    pub(super) entries: Vec<Entry>,
}

/// A file as it was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) len: u64,
    /// When the store last wrote it, in nanoseconds since 1970. A store that was restored gives old numbers to new
    /// files: name and length alone do not tell a file.
    pub(super) modified: i128,
    pub(super) digest: blake3::Hash,
}

impl Manifest {
    /// The entry of a file that never changes once it is written, if this is that file.
    pub(super) fn immutable(&self, name: &str, len: u64, modified: i128) -> Option<&Entry> {
        let kind = name.ends_with(".sst") || name.ends_with(".blob");
        let same = |e: &&Entry| e.name == name && e.len == len && e.modified == modified;
        kind.then(|| self.entries.iter().find(same)).flatten()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries.iter().map(|e| e.len).sum()
    }

    pub(super) fn backup(self, number: u64, path: PathBuf, copied_bytes: u64, removed: Vec<u64>) -> Backup {
        let (files, bytes) = (self.entries.len(), self.bytes());
        Backup { number, path, time: self.time, sequence: self.sequence, files, bytes, copied_bytes, removed }
    }

    /// Reads a manifest back; `None` when a byte of it is another.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (body, end) = text.strip_suffix('\n')?.rsplit_once("end ")?;
        if blake3::hash(body.as_bytes()) != blake3::Hash::from_hex(end).ok()? {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != FIRST {
            return None;
        }
        let store = lines.next()?.strip_prefix("store ")?.to_owned();
        let time = lines.next()?.strip_prefix("time ")?.to_owned();
        let sequence = lines.next()?.strip_prefix("sequence ")?.parse().ok()?;
        let entries = lines.map(Entry::parse).collect::<Option<_>>()?;
        Some(Self { store, time, sequence, entries })
    }

    fn body(&self) -> String {
        let Self { store, time, sequence, .. } = self;
        let mut text = format!("{FIRST}\nstore {store}\ntime {time}\nsequence {sequence}\n");
        for e in &self.entries {
            text += &format!("file {} {} {} {}\n", e.digest, e.len, e.modified, e.name);
        }
        text
    }
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("file ")?.splitn(4, ' ');
        let digest = blake3::Hash::from_hex(words.next()?).ok()?;
        let (len, modified) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let name = words.next()?.to_owned();
        // A name never leads out of the backup.
        (!name.contains('/')).then_some(Self { name, len, modified, digest })
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body();
        writeln!(f, "{body}end {}", blake3::hash(body.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_back_and_any_changed_byte_is_noticed() {
        let entry = |name: &str, n: u8| Entry {
            name: name.to_owned(),
            len: 10,
            modified: 1_773_306_901_000_000_000,
            digest: blake3::hash(&[n]),
        };
        let manifest = Manifest {
            store: "5f6a1c52".into(),
            time: "2026-03-12T10:05:01.000+01:00".into(),
            sequence: 4711,
            entries: vec![entry("000012.sst", 1), entry("CURRENT", 2)],
        };
        let text = manifest.to_string();
        assert_eq!(Manifest::parse(&text), Some(manifest.clone()));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let spoilt = String::from_utf8(bytes).unwrap();
            assert_eq!(Manifest::parse(&spoilt), None, "{spoilt}");
        }
        let modified = manifest.entries[0].modified;
        assert!(manifest.immutable("000012.sst", 10, modified).is_some());
        assert!(manifest.immutable("000012.sst", 10, modified + 1).is_none(), "another file of that name");
        assert!(manifest.immutable("CURRENT", 10, modified).is_none(), "this one changes");
    }
}
