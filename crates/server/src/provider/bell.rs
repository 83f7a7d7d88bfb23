//! The engine's bell, rung on the program's.

use std::sync::Arc;

use sigillo_base::MailboxId;
use sigillo_engine::Bell;
use sigillo_engine::meter::Part;

use crate::bell::Bells;

pub(super) struct RingBells(pub(super) Arc<Bells>);

impl Bell for RingBells {
    fn mailbox_changed(&self, mailbox: MailboxId) {
        self.0.ring_mailbox(mailbox);
    }

    fn queue_changed(&self, part: Part) {
        self.0.ring_queue(part);
    }
}
