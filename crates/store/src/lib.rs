//! The seam of the store: one ordered space of keys, small atomic transactions, and bodies cut into chunks.
//!
//! Knows: what a commit promises, how keys are encoded, which tags exist, how a body and a rope are laid out.
//! Must never know: which engine stands behind it, what a message or a mailbox means, clocks, files.
//! Entry points: [`Store`], [`transact`], [`body`], [`Rope`], [`MemoryStore`].
//! Sources: ARCHITECTURE.md, "The seams", Store and Rope; RFC 6109 §3.1.4 (a receipt speaks of facts that last).
//! Invariants, each shown for every engine by [`conformance`]:
//! - a batch is applied wholly or not at all, and never when one of its expectations fails (`conformance::run`);
//! - of two transactions that read and write the same key, one meets [`Error::Conflict`]; no update is lost
//!   (`conformance::run`, counter under eight threads);
//! - what a [`Durability::Synced`] commit wrote, and everything committed before it, outlives a power cut
//!   (`conformance::survives`);
//! - keys sort as their parts do (`key::tests`); a body is read back byte for byte or reported as corrupt
//!   (`body::tests`); a body with a link is never collected (`body::tests`);
//! - a damaged row hides no row that the engine can still read (`conformance::survives_damage`).

mod batch;
pub mod body;
pub mod conformance;
mod error;
pub mod key;
pub mod memory;
mod overlay;
pub mod rope;
mod salvage;
pub mod schema;
mod skim;
pub mod tag;
mod transaction;

use std::sync::Arc;

pub use batch::Batch;
pub use body::BodyId;
pub use error::Error;
pub use key::{KeyBuilder, KeyReader};
pub use memory::MemoryStore;
pub use overlay::Overlay;
pub use rope::{Rope, Segment};
pub use salvage::salvage;
pub use skim::{Gap, Skimmed, skim};
pub use transaction::{Transaction, transact};

/// The longest key, in bytes.
pub const MAX_KEY: usize = 1024;

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

/// What one batch may write (keys and values, without chunks of bodies), in bytes.
pub const MAX_BATCH: usize = 1024 * 1024;

/// What the chunks of bodies in one batch may come to (keys and values), in bytes: they ride beside [`MAX_BATCH`].
pub const MAX_RIDING: usize = 1024 * 1024;

/// A row as a scan gives it: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When it lies on stable storage, with every earlier commit. Nobody can see it before that.
    Synced,
    /// At once; a power cut may take it, until a `Synced` commit follows. Only for what a later commit publishes
    /// (chunks of a body that goes ahead).
    Later,
}

/// An ordered store of rows with atomic commits. Its calls may block; call them on a worker thread.
pub trait Store: Send + Sync + 'static {
    /// The value of a key.
    ///
    /// # Errors
    /// [`Error::Temporary`] when the store cannot answer now, [`Error::Corrupt`] when the row is damaged.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// At most `limit` rows with keys in `[from, to)`, ascending. A range lies inside one key tag (see
    /// [`key::check_range`]); an empty or reversed range gives no rows.
    ///
    /// # Errors
    /// As [`get`](Self::get), for damage among the rows it would give and no other ([`skim`] reads around it);
    /// [`Error::Range`] when the range leaves its tag.
    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error>;

    /// Checks every expectation of the batch and applies its writes, all or nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] when an expectation fails, [`Error::TooLarge`] past the limits: nothing was written.
    /// After [`Error::Temporary`] the batch is wholly there or wholly absent, and only reading tells which: run the
    /// transaction again, with expectations that notice.
    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        (**self).get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        (**self).scan(from, to, limit)
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        (**self).commit(batch, durability)
    }
}
