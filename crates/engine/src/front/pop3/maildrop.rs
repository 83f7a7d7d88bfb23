//! The INBOX as a maildrop: listed at the login, read piece by piece, emptied by QUIT.

use sigillo_base::{MailboxId, Timestamp, Uid};
use sigillo_imap::Deed;
use sigillo_pop3::{LoginRefusal, Maildrop, Message, PIECE, Piece, Refusal};
use sigillo_store::{Store, Transaction, transact};

use super::Front;
use crate::deeds::Visitor;
use crate::directory::INBOX;
use crate::front::login::in_inbox;
use crate::{ATTEMPTS, Engine, Error, Login, LoginError, folder};

/// Messages read at once.
const PAGE: usize = 1000;
/// Messages removed in one commit; a QUIT of more takes several.
const MOST: usize = 2000;

/// What lies in the INBOX now.
pub(super) fn opened<S: Store>(engine: &Engine<S>, mailbox: MailboxId) -> Result<Maildrop, LoginRefusal> {
    listed(engine, mailbox).map_err(|error| {
        tracing::error!(%error, "the maildrop cannot be opened");
        LoginRefusal::Unavailable
    })
}

fn listed<S: Store>(engine: &Engine<S>, mailbox: MailboxId) -> Result<Maildrop, Error> {
    let uid_validity = folder::open(&mut Transaction::new(&engine.store), mailbox, INBOX)?.uid_validity;
    let mut messages: Vec<Message> = Vec::new();
    loop {
        let after = messages.last().map_or(Uid(0), |last| Uid(last.uid));
        let page = engine.inbox(mailbox, after, PAGE)?;
        if page.is_empty() {
            return Ok(Maildrop { uid_validity, messages });
        }
        messages.extend(page.iter().map(|filed| Message { uid: filed.uid.0, size: filed.size }));
    }
}

impl<S: Store> Front<S> {
    /// Whether this login may do this in the INBOX now: rights are given and taken while a session is open.
    pub(super) fn may(&self, login: &Login, deed: Deed) -> Result<(), Refusal> {
        match in_inbox(&self.engine, login.clone(), deed) {
            Ok(_) => Ok(()),
            Err(LoginError::Fault(error)) => Err(fault(error)),
            Err(_) => Err(Refusal::Denied),
        }
    }

    /// The next piece of a message. Its rope is looked up with the first one: what is being read is read to its end, also
    /// when somebody removes it meanwhile.
    pub(super) fn piece(&mut self, mailbox: MailboxId, uid: u32, from: u64) -> Result<Piece, Refusal> {
        if from == 0 || self.reading.as_ref().is_none_or(|(held, _)| *held != uid) {
            let entry = folder::entry(&mut Transaction::new(&self.engine.store), mailbox, INBOX, uid).map_err(fault)?;
            let msg = sigillo_base::MsgId(entry.ok_or(Refusal::Gone)?.msg);
            self.reading = Some((uid, self.engine.expect_message(msg).map_err(fault)?));
        }
        let Some((_, rope)) = &self.reading else { return Err(Refusal::Gone) };
        let bytes = self.engine.read(rope, from, PIECE as u64).map_err(fault)?;
        let last = from + bytes.len() as u64 >= rope.len();
        Ok(Piece { bytes, last })
    }

    /// Removes messages as IMAP's EXPUNGE does; the archive keeps its own reference to each. What somebody else removed
    /// before is removed. A delivery waits for one page at the most; no other POP3 session is there meanwhile. Who removes is
    /// written down in the same commit.
    pub(super) fn remove(
        &self,
        mailbox: MailboxId,
        uids: &[u32],
        (visitor, now): (&Visitor, Timestamp),
    ) -> Result<(), Refusal> {
        let removed = uids.chunks(MOST).try_for_each(|page| {
            let _lane = self.engine.lanes.hold(&[mailbox]);
            transact(&self.engine.store, ATTEMPTS, |tx| {
                let taken = folder::take_out(tx, mailbox, INBOX, page, |_| true)?;
                let gone = taken.iter().map(|(uid, _)| *uid);
                self.engine.has_removed(tx, (mailbox, INBOX), gone, visitor, now)
            })
        });
        self.engine.bell.mailbox_changed(mailbox);
        removed.map_err(fault)
    }
}

/// A fault of ours: logged here, told by its kind.
fn fault(error: impl Into<Error>) -> Refusal {
    let error = error.into();
    tracing::error!(%error, "maildrop request failed");
    match error {
        Error::Store(sigillo_store::Error::Corrupt { .. }) => Refusal::Permanent,
        _ => Refusal::Temporary,
    }
}
