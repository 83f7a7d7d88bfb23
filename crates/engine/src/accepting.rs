//! Whether mail is taken at all. Somebody outside decides (a clock that is off certifies nothing: DM 2-11-2005 art. 9;
//! what cannot be stored is not promised); what was taken before goes on, and mailboxes stay open for reading.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use sigillo_store::Store;

use crate::{Engine, Rejected};

/// What keeps an engine from taking mail. Each has one owner outside, who alone sets it and takes it away; while
/// several hold, peers hear of the first in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// Too little room on the disk: 452 4.3.1.
    Disk,
    /// The store does not commit: 451 4.3.0.
    Store,
    /// The clock is off: 451 4.3.2. Users may still file their own messages.
    Clock,
}

impl Obstacle {
    /// All of them, in order.
    pub const ALL: &[Self] = &[Self::Disk, Self::Store, Self::Clock];

    /// The word of figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Store => "store",
            Self::Clock => "clock",
        }
    }

    const fn reply(self) -> (u16, (u8, u8, u8)) {
        match self {
            Self::Disk => (452, (4, 3, 1)),
            Self::Store => (451, (4, 3, 0)),
            Self::Clock => (451, (4, 3, 2)),
        }
    }
}

/// The sentences for peers while nothing is taken, one for each obstacle.
#[derive(Debug, Default)]
pub(crate) struct Accepting(RwLock<BTreeMap<Obstacle, String>>);

impl<S: Store> Engine<S> {
    /// Removes an obstacle, or puts it in the way with a sentence for peers. An engine begins without any.
    pub fn set_accepting(&self, obstacle: Obstacle, accepting: Result<(), String>) {
        let mut obstacles = self.accepting.0.write();
        match accepting {
            Ok(()) => obstacles.remove(&obstacle),
            Err(why) => obstacles.insert(obstacle, why),
        };
    }

    /// What is in the way now, with the sentence for peers.
    pub fn obstacles(&self) -> BTreeMap<Obstacle, String> {
        self.accepting.0.read().clone()
    }

    /// Whether mail is taken now, from users and from other providers.
    ///
    /// # Errors
    /// The reply of the first [`Obstacle`] with its sentence: the peer comes again.
    pub fn accepting(&self) -> Result<(), Rejected> {
        match self.accepting.0.read().first_key_value() {
            Some((obstacle, why)) => {
                let (code, enhanced) = obstacle.reply();
                Err(Rejected::refused(code, enhanced, why))
            }
            None => Ok(()),
        }
    }

    /// Whether the store has room for what users file themselves (APPEND, COPY): the clock does not matter to that.
    ///
    /// # Errors
    /// The sentence of the obstacle.
    pub(crate) fn may_file(&self) -> Result<(), String> {
        let obstacles = self.accepting.0.read();
        let found = [Obstacle::Disk, Obstacle::Store].iter().find_map(|o| obstacles.get(o));
        found.map_or(Ok(()), |why| Err(why.clone()))
    }
}
