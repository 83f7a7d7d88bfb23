//! Who is told that something changed: IDLE connections about a mailbox, the workers about the queue.

use std::collections::HashMap;

use parking_lot::Mutex;
use sigillo_base::MailboxId;
use sigillo_engine::meter::Part;
use tokio::sync::{Notify, watch};

/// The bells of one provider.
#[derive(Debug, Default)]
pub struct Bells {
    mailboxes: Mutex<HashMap<MailboxId, watch::Sender<u64>>>,
    /// Rings for the worker of local deliveries and deadlines.
    pub worker: Notify,
    /// Rings for the worker of what takes much memory.
    pub heavy: Notify,
    /// Rings for the relay.
    pub relay: Notify,
    /// Rings for who tells people by short message.
    pub texts: Notify,
    /// Rings for who tells them by mail.
    pub letters: Notify,
}

impl Bells {
    /// Hears of every later change of a mailbox; several changes may ring once.
    pub fn watch(&self, mailbox: MailboxId) -> watch::Receiver<u64> {
        let mut mailboxes = self.mailboxes.lock();
        mailboxes.entry(mailbox).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Rings the bell of a mailbox.
    pub fn ring_mailbox(&self, mailbox: MailboxId) {
        let mut mailboxes = self.mailboxes.lock();
        if let Some(bell) = mailboxes.get(&mailbox) {
            if bell.receiver_count() == 0 {
                mailboxes.remove(&mailbox);
            } else {
                bell.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
    }

    /// Rings for who works at this part of the queue.
    pub fn ring_queue(&self, part: Part) {
        match part {
            Part::Local => self.worker.notify_one(),
            Part::Relay => self.relay.notify_one(),
            Part::Notices => {
                self.texts.notify_one();
                self.letters.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rings_for_its_mailbox_only_and_forgets_who_left() {
        let bells = Bells::default();
        let mut one = bells.watch(MailboxId(1));
        bells.ring_mailbox(MailboxId(2));
        assert!(!one.has_changed().unwrap());
        bells.ring_mailbox(MailboxId(1));
        bells.ring_mailbox(MailboxId(1));
        one.changed().await.unwrap();
        assert!(!one.has_changed().unwrap());
        drop(one);
        bells.ring_mailbox(MailboxId(1));
        assert!(bells.mailboxes.lock().is_empty());
    }

    #[tokio::test]
    async fn a_ring_before_the_wait_is_not_lost() {
        let bells = Bells::default();
        bells.ring_queue(Part::Local);
        bells.ring_queue(Part::Relay);
        tokio::join!(bells.worker.notified(), bells.relay.notified());
    }
}
