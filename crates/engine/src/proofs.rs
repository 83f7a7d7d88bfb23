//! What a sender's own copy shows of its evidence: keywords on the message that his client put into a folder, found by its
//! Message-ID. To the sessions they are keywords as any other (RFC 3501 §2.3.2), and nothing is proven by them: evidence
//! is in the receipts.
//!
//! A row of the mailbox under the Message-ID knows the certified message and the copies, whichever came first. A copy is
//! a stored message: its links say in which folders it lies, so that nobody who moves it has to know of this. The words
//! are always all that is true now, so that one that was missed comes with the next evidence.

use std::fmt::Display;

use serde::{Deserialize, Serialize};
use sigillo_base::{MailboxId, MsgId, PecId, Timestamp};
use sigillo_imap::{Flags, StoreOp, Summary, System};
use sigillo_mime::Header;
use sigillo_pec::access::client_msgid;
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, tag, transact};

use crate::fronts::Transaction;
use crate::rows::{DispatchRow, Outcome, decode, encode, sent_key};
use crate::{ATTEMPTS, Engine, Error, folder, keepers};

/// The acceptance was issued.
const ACCEPTED: &str = "$PECAccepted";
/// Every certified recipient has it.
const DELIVERED: &str = "$PECDelivered";
/// A recipient does not get it.
const FAILED: &str = "$PECFailed";

/// How long a row is kept after a copy or an acceptance, in milliseconds: thirty days.
const TERM: i64 = 30 * 24 * 3_600_000;
/// Copies under one Message-ID; an earlier one than these is left as it is.
const COPIES: usize = 4;
/// Places of one copy that are looked at.
const PLACES: usize = 100;

/// What is known under a Message-ID.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ProofRow {
    /// Stored messages that clients put there, in order.
    copies: Vec<u128>,
    /// The message that was accepted last.
    pec_id: Option<String>,
    /// When one of both came last, in milliseconds.
    at: i64,
}

fn proof_key(mailbox: MailboxId, msgid: &str) -> KeyBuilder {
    KeyBuilder::new(tag::PROOF).mailbox(mailbox).bytes(&sigillo_smime::sha256(msgid.as_bytes()))
}

/// Whose row it is, and what it says.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(MailboxId, ProofRow), StoreError> {
    let mut reader = KeyReader::new(key, tag::PROOF)?;
    let mailbox = reader.mailbox()?;
    reader.bytes()?;
    reader.end()?;
    Ok((mailbox, decode(key, value)?))
}

/// Whether its term is over.
pub(crate) fn ends(key: &[u8], value: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    Ok(read(key, value)?.1.at.saturating_add(TERM) < now.as_millis())
}

/// The row for change, as if it were empty where it does not read: nothing waits for a keyword.
fn open<S: Store>(tx: &mut Transaction<'_, S>, key: &KeyBuilder) -> ProofRow {
    let row = tx.get(key).and_then(|value| value.map(|value| decode(key, &value)).transpose());
    row.unwrap_or_else(without).unwrap_or_default()
}

/// What goes wrong here stops nothing of what it is about.
fn without<T: Default>(error: impl Display) -> T {
    tracing::warn!(%error, "evidence is not shown on the sender's own copy");
    T::default()
}

/// Notes, in the commit of its acceptance, which message has this Message-ID now. Gives whether it has copies.
pub(crate) fn accepted<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    msgid: &str,
    id: &PecId,
    now: Timestamp,
) -> bool {
    let key = proof_key(mailbox, msgid);
    let copies = open(tx, &key).copies;
    let waited = !copies.is_empty();
    tx.put(&key, encode(&ProofRow { copies, pec_id: Some(id.as_str().into()), at: now.as_millis() }));
    waited
}

/// The Message-ID under which a message that comes into a folder may be a copy: no draft, and not of long ago.
pub(crate) fn copy_of(flags: &Flags, date: Timestamp, summary: &Summary, now: Timestamp) -> Option<String> {
    let young = date.as_millis().saturating_add(TERM) >= now.as_millis();
    let header = (young && !flags.has(System::Draft)).then(|| Header::parse_tolerant(&summary.header))?;
    client_msgid(&header)
}

/// Notes a copy in the commit that stores it, and gives its flags with the words that are true now. The caller holds the
/// mailbox's lane, as for all here.
pub(crate) fn copied<S: Store>(
    tx: &mut Transaction<'_, S>,
    mailbox: MailboxId,
    msgid: &str,
    (msg, flags): (MsgId, &Flags),
    now: Timestamp,
) -> Flags {
    let key = proof_key(mailbox, msgid);
    let mut row = open(tx, &key);
    row.copies.push(msg.0);
    let more = row.copies.len().saturating_sub(COPIES);
    row.copies.drain(..more);
    row.at = now.as_millis();
    let words = row.pec_id.as_deref().and_then(PecId::parse).map(|id| words(tx, &id));
    tx.put(&key, encode(&row));
    match words.transpose().unwrap_or_else(without).flatten() {
        Some(words) => worded(flags, &words),
        None => flags.clone(),
    }
}

/// These flags with these words, and without the others of ours.
fn worded(flags: &Flags, words: &Flags) -> Flags {
    let all = Flags::from_parts(0, [ACCEPTED, DELIVERED, FAILED].map(str::to_owned));
    flags.after(StoreOp::Remove, &all).after(StoreOp::Add, words)
}

/// The words that are true of a message; `None` when nothing is known of it any more.
fn words<S: Store>(tx: &Transaction<'_, S>, id: &PecId) -> Result<Option<Flags>, StoreError> {
    let (from, to) = KeyBuilder::new(tag::DISPATCH).text(id.as_str()).range();
    let sent = sent_key(id);
    let (mut known, mut certified, mut delivered, mut failed) = (false, 0, 0, false);
    for (key, value) in tx.scan(&from, &to, usize::MAX)? {
        if key == sent.as_ref() {
            known = true;
            continue;
        }
        let row: DispatchRow = decode(&key, &value)?;
        certified += usize::from(row.certified);
        delivered += usize::from(row.certified && row.outcome == Some(Outcome::Delivered));
        failed |= matches!(row.outcome, Some(Outcome::Failed | Outcome::PresumedFailed));
    }
    let told = [(ACCEPTED, true), (DELIVERED, certified > 0 && delivered == certified), (FAILED, failed)];
    let true_now = told.into_iter().filter(|(_, is)| *is).map(|(word, _)| word.to_owned());
    Ok(known.then(|| Flags::from_parts(0, true_now)))
}

/// Where a copy lies in its mailbox, by folder and UID.
fn places<S: Store>(tx: &Transaction<'_, S>, mailbox: MailboxId, msg: MsgId) -> Result<Vec<(u32, u32)>, StoreError> {
    let (from, to) = keepers::link_key(msg).u8(tag::FOLDER_ENTRY).mailbox(mailbox).range();
    let links = tx.scan(&from, &to, PLACES)?;
    let place = |key: &[u8]| {
        let mut entry = KeyReader::new(keepers::read_link_key(key)?.1, tag::FOLDER_ENTRY)?;
        entry.mailbox()?;
        Ok((entry.u32()?, entry.uid()?.0))
    };
    links.iter().map(|(key, _)| place(key)).collect()
}

impl<S: Store> Engine<S> {
    /// Gives each copy of a message the words that are true now, after the commit of what changed them, and in one of its
    /// own: a receipt neither waits for its keyword nor fails with it. The caller rings the bell.
    pub(crate) fn show_proofs(&self, mailbox: MailboxId, msgid: Option<&str>, id: &PecId) {
        if let Some(key) = msgid.map(|msgid| proof_key(mailbox, msgid)) {
            self.show_under(mailbox, &key, id).unwrap_or_else(without);
        }
    }

    fn show_under(&self, mailbox: MailboxId, key: &KeyBuilder, id: &PecId) -> Result<(), Error> {
        let row: Option<ProofRow> = self.store.get(key.as_ref())?.map(|value| decode(key, &value)).transpose()?;
        // Most senders keep no copy here: of them no more is read.
        let of_it = |row: &ProofRow| !row.copies.is_empty() && row.pec_id.as_deref() == Some(id.as_str());
        let Some(row) = row.filter(of_it) else { return Ok(()) };
        transact(&self.store, ATTEMPTS, |tx| {
            let Some(words) = words(tx, id)? else { return Ok(()) };
            let mut shown = false;
            for copy in &row.copies {
                for (number, uid) in places(tx, mailbox, MsgId(*copy))? {
                    let (relabelled, _) = folder::relabel(tx, mailbox, number, &[uid], |_, entry| {
                        let flags = Flags::from_parts(entry.flags, entry.keywords.clone());
                        Some(worded(&flags, &words)).filter(|after| *after != flags)
                    })?;
                    shown |= !relabelled.is_empty();
                }
            }
            if !shown {
                tx.later(); // nothing to wait for
            }
            Ok(())
        })
    }
}
