//! The engine's bell, rung on the program's.

use std::sync::Arc;

use sigillo_base::MailboxId;
use sigillo_engine::Bell;

use crate::bell::Bells;

pub(super) struct RingBells(pub(super) Arc<Bells>);

impl Bell for RingBells {
    fn mailbox_changed(&self, mailbox: MailboxId) {
        self.0.ring_mailbox(mailbox);
    }

    fn queue_changed(&self) {
        self.0.ring_queue();
    }
}
