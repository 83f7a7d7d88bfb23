//! What is recorded without waiting for the disk: that a certified provider has taken a message. Were it forgotten by a
//! power cut, the message would be handed over once more, and be recognised there.

use std::sync::atomic::Ordering;

use sigillo_store::{Batch, Durability, Store};

use crate::fronts::Transaction;
use crate::{Engine, Error};

impl<S: Store> Engine<S> {
    /// Lets a commit be durable by the next one that is, or by [`Engine::persist`].
    pub(super) fn soon(&self, tx: &mut Transaction<'_, S>) {
        tx.later();
        self.unsettled.store(true, Ordering::SeqCst);
    }

    /// Whether something waits for [`Engine::persist`].
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.load(Ordering::SeqCst)
    }

    /// Makes durable what was recorded without waiting for the disk. To be called a moment after
    /// [`Engine::is_unsettled`] says that there is something.
    ///
    /// # Errors
    /// The store's fault.
    pub fn persist(&self) -> Result<(), Error> {
        if self.unsettled.swap(false, Ordering::SeqCst)
            && let Err(fault) = self.store.commit(&Batch::new(), Durability::Synced)
        {
            self.unsettled.store(true, Ordering::SeqCst);
            return Err(fault.into());
        }
        Ok(())
    }
}
