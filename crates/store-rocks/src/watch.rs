//! Whether a store can be trusted with more: one look a second, one judgement.
//!
//! RocksDB comes back from most faults by itself, but its figures only grow and its last error stays where nobody
//! writes any more. So after a fault nothing counts but a commit that works: the watch makes one of its own.

use sigillo_store::{Batch, Durability, Store};

use crate::{Health, RocksStore};

/// What must stay free on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// Bytes.
    pub bytes: u64,
    /// Inodes, where the file system counts them.
    pub inodes: u64,
}

/// Why a store should not be given more now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Less is free than the reserve.
    #[error("{free} bytes are free, the reserve is {reserve}")]
    Space {
        /// Free bytes.
        free: u64,
        /// What must stay free, in bytes.
        reserve: u64,
    },
    /// Fewer inodes are free than the reserve.
    #[error("{free} inodes are free, the reserve is {reserve}")]
    Inodes {
        /// Free inodes.
        free: u64,
        /// What must stay free.
        reserve: u64,
    },
    /// A commit of the watch itself failed, after others had.
    #[error("commits fail: {0}")]
    Commits(String),
    /// Flushes or compactions failed during the last minute.
    #[error("{0} background errors since the start, the last within a minute: see the file LOG of the store")]
    Background(u64),
    /// Writes stand still until compactions catch up, for three looks and more.
    #[error("writes are stopped until compactions catch up")]
    Stalled,
}

/// Looks without a new background error after which the last one is past.
const QUIET: u32 = 60;
/// Looks in a row that find writes stopped before it counts: a moment's stop is how RocksDB breathes.
const STOPPED: u32 = 3;
/// The row that the watch writes: a tag that the seam leaves to engines.
const ROW: [u8; 1] = [0xf0];

/// Judges a store look by look, one look a second.
#[derive(Debug)]
pub struct Watch {
    reserve: Reserve,
    errors: u64,
    /// Looks since background errors grew; [`QUIET`] when they have not.
    quiet: u32,
    stopped: u32,
    in_doubt: bool,
}

impl Watch {
    /// A watch that finds nothing wrong yet.
    pub fn new(reserve: Reserve) -> Self {
        Self { reserve, errors: 0, quiet: QUIET, stopped: 0, in_doubt: false }
    }

    /// Reads the figures and judges them. May block as long as a commit may.
    pub fn look(&mut self, store: &RocksStore) -> (Health, Option<Trouble>) {
        let health = store.health();
        let mut row = Batch::new();
        row.put(ROW, health.background_errors.to_be_bytes());
        let trouble = self.judge(&health, || store.commit(&row, Durability::Synced));
        (health, trouble)
    }

    /// `commit` is tried only where there is doubt.
    fn judge(&mut self, health: &Health, commit: impl FnOnce() -> Result<(), sigillo_store::Error>) -> Option<Trouble> {
        let Reserve { bytes, inodes } = self.reserve;
        self.quiet = if health.background_errors > self.errors { 0 } else { (self.quiet + 1).min(QUIET) };
        self.errors = health.background_errors;
        self.stopped = if health.write_stopped { self.stopped.saturating_add(1) } else { 0 };
        self.in_doubt |= health.failing || self.quiet == 0;
        if health.free_bytes < bytes {
            return Some(Trouble::Space { free: health.free_bytes, reserve: bytes });
        }
        if health.free_inodes < inodes {
            return Some(Trouble::Inodes { free: health.free_inodes, reserve: inodes });
        }
        if self.in_doubt {
            if let Err(error) = commit() {
                return Some(Trouble::Commits(error.to_string()));
            }
            self.in_doubt = false;
        }
        if self.quiet < QUIET {
            return Some(Trouble::Background(self.errors));
        }
        (self.stopped >= STOPPED).then_some(Trouble::Stalled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigillo_store::Error;

    const RESERVE: Reserve = Reserve { bytes: 100, inodes: 10 };

    fn well() -> Health {
        Health { free_bytes: 100, free_inodes: 10, ..Health::default() }
    }

    fn fails() -> Result<(), Error> {
        Err(Error::Temporary("the disk".into()))
    }

    fn untried() -> Result<(), Error> {
        panic!("nothing is written while all is well");
    }

    #[test]
    fn a_disk_below_its_reserve_is_trouble_until_there_is_room() {
        let mut watch = Watch::new(RESERVE);
        assert_eq!(watch.judge(&well(), untried), None);
        let full = Health { free_bytes: 99, ..well() };
        assert_eq!(watch.judge(&full, untried), Some(Trouble::Space { free: 99, reserve: 100 }));
        let crowded = Health { free_inodes: 9, ..well() };
        assert_eq!(watch.judge(&crowded, untried), Some(Trouble::Inodes { free: 9, reserve: 10 }));
        assert_eq!(watch.judge(&well(), untried), None);
    }

    #[test]
    fn after_a_refused_commit_only_one_that_works_ends_the_doubt() {
        let mut watch = Watch::new(RESERVE);
        let failing = Health { failing: true, ..well() };
        for _ in 0..3 {
            assert!(matches!(watch.judge(&failing, fails), Some(Trouble::Commits(_))));
        }
        assert!(matches!(watch.judge(&well(), fails), Some(Trouble::Commits(_))), "somebody else's luck is no proof");
        assert_eq!(watch.judge(&well(), || Ok(())), None);
        assert_eq!(watch.judge(&well(), untried), None);
    }

    #[test]
    fn background_errors_are_past_after_a_quiet_minute() {
        let mut watch = Watch::new(RESERVE);
        let errors = |n| Health { background_errors: n, ..well() };
        assert_eq!(watch.judge(&errors(2), || Ok(())), Some(Trouble::Background(2)));
        assert_eq!(watch.judge(&errors(3), || Ok(())), Some(Trouble::Background(3)));
        for _ in 1..QUIET {
            assert_eq!(watch.judge(&errors(3), untried), Some(Trouble::Background(3)));
        }
        assert_eq!(watch.judge(&errors(3), untried), None, "the count stays, the trouble does not");
    }

    #[test]
    fn writes_that_stop_for_a_moment_are_no_trouble() {
        let mut watch = Watch::new(RESERVE);
        let stopped = Health { write_stopped: true, ..well() };
        let looks = [&stopped, &stopped, &well(), &stopped, &stopped, &stopped].map(|h| watch.judge(h, untried));
        assert_eq!(looks, [None, None, None, None, None, Some(Trouble::Stalled)]);
    }

    #[test]
    fn a_store_whose_disk_has_room_is_well_and_its_free_space_is_the_disks() {
        let (_dir, store) = crate::tests::store();
        let mut watch = Watch::new(Reserve { bytes: 1, inodes: 1 });
        let (health, trouble) = watch.look(&store);
        assert_eq!(trouble, None);
        let df = std::process::Command::new("stat").args(["-f", "-c", "%a %S"]).arg(store.path()).output().unwrap();
        let df = String::from_utf8(df.stdout).unwrap();
        let (blocks, size) = df.trim().split_once(' ').unwrap();
        let free = blocks.parse::<u64>().unwrap() * size.parse::<u64>().unwrap();
        assert!(health.free_bytes.abs_diff(free) < 1 << 30, "{} and stat says {free}", health.free_bytes);
        let mut watch = Watch::new(Reserve { bytes: u64::MAX, inodes: 1 });
        assert!(matches!(watch.look(&store).1, Some(Trouble::Space { .. })));
    }
}
