//! Who keeps a message: one link for each row that refers to it, so that it goes when the last of them goes.
//!
//! A link is written and removed in the commit of its referrer. Whoever removes one leaves the message in doubt, unless
//! the archive keeps it; [`Engine::sweep_messages`] looks at the doubt afterwards, and removes what nobody keeps.
//! A new link is made only where the message is stored, or where another referrer of it was read in the same transaction:
//! so a message that has no link in one look will never have one again.

use sigillo_base::{MailboxId, MsgId, Timestamp};
use sigillo_store::{BodyId, KeyBuilder, KeyReader, Store, Transaction, body, tag, transact};

use crate::rows::{MessageRow, Work, arrival_key, decode, message_key, remove_large, summary_key};
use crate::text_index::grams_key;
use crate::{ATTEMPTS, Engine, Error, notices};

/// Notes that the row `referrer` keeps this message.
pub(crate) fn link<S: Store>(tx: &mut Transaction<'_, S>, msg: MsgId, referrer: impl AsRef<[u8]>) {
    tx.put(link_key(msg).raw(referrer), []);
}

/// Notes that the row `referrer` keeps this message no longer.
pub(crate) fn unlink<S: Store>(
    tx: &mut Transaction<'_, S>,
    msg: MsgId,
    referrer: impl AsRef<[u8]>,
) -> Result<(), sigillo_store::Error> {
    tx.delete(link_key(msg).raw(&referrer));
    let (from, to) = link_key(msg).u8(tag::ARCHIVE).range();
    // Expected, not just seen: if the archive lets go of it meanwhile, one of the two leaves the doubt.
    let archived = match tx.scan(&from, &to, 1)?.first() {
        Some((key, _)) => tx.get(key)?.is_some(),
        None => false,
    };
    if !archived {
        tx.put(doubt_key(msg), []);
    }
    Ok(())
}

pub(crate) fn link_key(msg: MsgId) -> KeyBuilder {
    KeyBuilder::new(tag::MESSAGE_LINK).msg(msg)
}

pub(crate) fn doubt_key(msg: MsgId) -> KeyBuilder {
    KeyBuilder::new(tag::MESSAGE_DOUBT).msg(msg)
}

/// The message and the referrer that a link's key names.
pub(crate) fn read_link_key(key: &[u8]) -> Result<(MsgId, &[u8]), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::MESSAGE_LINK)?;
    Ok((reader.msg()?, reader.rest()))
}

/// Whether a row keeps this message.
pub(crate) fn is_kept<S: Store>(store: &S, msg: MsgId) -> Result<bool, sigillo_store::Error> {
    let (from, to) = link_key(msg).range();
    Ok(!store.scan(&from, &to, 1)?.is_empty())
}

impl<S: Store> Engine<S> {
    /// Looks at no more than `limit` messages after `after` that lost a referrer, and removes those that have no other,
    /// with their bodies. Gives where to go on; `None` at the end.
    ///
    /// # Errors
    /// The store's fault. A damaged message stays, is counted, and stops nobody.
    pub fn sweep_messages(&self, after: Option<MsgId>, limit: usize) -> Result<Option<MsgId>, Error> {
        let (first, to) = KeyBuilder::new(tag::MESSAGE_DOUBT).range();
        let from = after.map_or(first, |msg| sigillo_store::key::successor(doubt_key(msg)));
        let doubted = self.sound(&from, &to, limit, |key, _| KeyReader::new(key, tag::MESSAGE_DOUBT)?.msg())?;
        for msg in &doubted {
            match self.settle_doubt(*msg) {
                Err(Error::Store(sigillo_store::Error::Corrupt { key, what })) => self.damaged.note(&key, &what),
                Err(Error::Store(sigillo_store::Error::Conflict)) => {} // somebody is at it: another time
                settled => settled?,
            }
        }
        Ok(doubted.last().copied().filter(|_| doubted.len() == limit))
    }

    fn settle_doubt(&self, msg: MsgId) -> Result<(), Error> {
        let bodies = transact(&self.store, ATTEMPTS, |tx| {
            // What a power cut takes of this comes back whole, the doubt with it.
            tx.later();
            if tx.get(doubt_key(msg))?.is_none() {
                return Ok(Vec::new());
            }
            tx.delete(doubt_key(msg));
            if is_kept(tx.store(), msg)? { Ok(Vec::new()) } else { forget(tx, msg) }
        })?;
        bodies.into_iter().try_for_each(|id| self.collect_body(id))
    }

    /// Removes, among the bodies after `after`, those that nobody refers to: what is left when a crash comes between a
    /// message's end and its bodies'. Gives where to go on; `None` at the end.
    ///
    /// # Errors
    /// The store's fault.
    pub fn sweep_bodies(&self, after: Option<BodyId>, limit: usize) -> Result<Option<BodyId>, Error> {
        let (unlinked, next) = body::unlinked(&self.store, after, limit)?;
        unlinked.into_iter().try_for_each(|id| self.collect_body(id))?;
        Ok(next)
    }

    fn collect_body(&self, id: BodyId) -> Result<(), Error> {
        if body::links(&self.store, id, 1)?.is_empty() {
            body::collect(&self.store, id)?;
        }
        Ok(())
    }
}

pub(crate) fn begin_key() -> KeyBuilder {
    KeyBuilder::new(tag::META).text("archive-begins")
}

/// When what the archive keeps begins, by its row: what came before may be gone.
pub(crate) fn archive_begins(row: Option<Vec<u8>>) -> Result<Timestamp, sigillo_store::Error> {
    Ok(Timestamp::from_millis(row.map_or(Ok(i64::MIN), |value| decode(begin_key(), &value))?))
}

/// The message that a row of the archive names.
pub(crate) fn archived(key: &[u8]) -> Result<MsgId, sigillo_store::Error> {
    Ok(read_archive_key(key)?.2)
}

/// Whose archive it is, since when it has what.
pub(crate) fn read_archive_key(key: &[u8]) -> Result<(MailboxId, Timestamp, MsgId), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::ARCHIVE)?;
    Ok((reader.mailbox()?, reader.time()?, reader.msg()?))
}

/// The message that this row keeps, if it is of a kind that keeps one.
pub(crate) fn kept_by(key: &[u8], value: &[u8]) -> Result<Option<MsgId>, sigillo_store::Error> {
    Ok(match key.first() {
        // What follows in these rows depends on their version.
        Some(&tag::FOLDER_ENTRY) => Some(MsgId(decode::<(u128,)>(key, value)?.0)),
        Some(&tag::ARCHIVE) => Some(archived(key)?),
        Some(&tag::ARRIVED) => notices::kept(key)?,
        Some(&tag::QUEUE_ITEM) => Some(decode::<(Work,)>(key, value)?.0.message()),
        _ => None,
    })
}

/// Removes a message; gives the bodies that it no longer refers to.
fn forget<S: Store>(tx: &mut Transaction<'_, S>, msg: MsgId) -> Result<Vec<BodyId>, Error> {
    let key = message_key(msg);
    let Some(value) = tx.get(&key)? else { return Ok(Vec::new()) };
    let bodies = decode::<MessageRow>(&key, &value)?.rope(&key)?.bodies();
    for id in &bodies {
        body::unlink(tx, *id, key.as_ref());
    }
    tx.delete(&key);
    remove_large(tx, &arrival_key(msg))?;
    remove_large(tx, &summary_key(msg))?;
    remove_large(tx, &grams_key(msg))?;
    Ok(bodies)
}
