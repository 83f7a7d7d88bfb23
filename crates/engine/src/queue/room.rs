//! What work of this provider itself takes of the memory, known before it is taken: who waits for memory holds no lease.

use sigillo_base::MsgId;
use sigillo_store::{Error as StoreError, Store};

use crate::rows::{ItemRow, Work, decode, item_key};
use crate::spool::COPIES;
use crate::{Engine, Error};

/// What came of a look at what is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ran {
    /// Pieces of work that were done.
    pub done: usize,
    /// Bytes of memory that the first piece wants which was passed over for want of room.
    pub wants: Option<usize>,
}

impl<S: Store> Engine<S> {
    /// Whether this item can be done within so much memory; `wants` hears of the first that cannot. What does not read is
    /// taken all the same: then it is told what is wrong with it.
    pub(super) fn fits(&self, item: u128, room: usize, wants: &mut Option<usize>) -> Option<()> {
        let weight = if room == usize::MAX { 0 } else { self.item_weight(item).unwrap_or(0) };
        if weight <= room {
            return Some(());
        }
        wants.get_or_insert(weight);
        None
    }

    /// Bytes of memory that working on it takes: its message as it is, and as it will lie in the mailbox.
    fn item_weight(&self, item: u128) -> Result<usize, Error> {
        let key = item_key(item);
        let Some(value) = self.store.get(key.as_ref())? else { return Ok(0) };
        let size = match decode::<ItemRow>(&key, &value)?.work {
            Work::Relay { size, .. } => size,
            Work::Deliver { msg, .. } => self.message(MsgId(msg))?.map_or(0, |rope| rope.len()),
        };
        let size = usize::try_from(size).map_err(|_| StoreError::corrupt(&key, "no message is so long"))?;
        Ok(size.saturating_mul(COPIES))
    }
}
