//! Which credential of a mailbox sent what (BOX-08, XCT-07).

use serde::{Deserialize, Serialize};
use sigillo_accounts::CredentialName;
use sigillo_base::{MailboxId, Timestamp};
use sigillo_store::{KeyBuilder, KeyReader, Store, Transaction, tag};

use crate::rows::{decode, encode};
use crate::{Engine, Error};

/// A message that was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// The certified identifier of its transaction.
    pub id: String,
    /// By whom.
    pub credential: CredentialName,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Recipients, after lists were opened.
    pub recipients: u32,
    /// Octets of the message.
    pub bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct SentRow {
    credential: String,
    accepted: bool,
    recipients: u32,
    bytes: u64,
}

/// Rows read at once.
const PAGE: usize = 1_000;

impl<S: Store> Engine<S> {
    /// At most `limit` messages that a mailbox submitted from `from` up to `to`, the earliest first; of one credential
    /// only, where it is named.
    ///
    /// # Errors
    /// The store's fault.
    pub fn trail(
        &self,
        id: MailboxId,
        credential: Option<&CredentialName>,
        (from, to): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<Sent>, Error> {
        let key = |at| KeyBuilder::new(tag::TRAIL).mailbox(id).time(at).done();
        let (mut from, to) = (key(from), key(to));
        let mut found = Vec::new();
        loop {
            let page = self.sound(&from, &to, PAGE, |key, value| Ok((key.to_vec(), read(key, value)?.1)))?;
            let Some((last, _)) = page.last() else { break };
            from = sigillo_store::key::successor(last);
            found.extend(
                page.into_iter().map(|(_, sent)| sent).filter(|s| credential.is_none_or(|c| s.credential == *c)),
            );
            if found.len() >= limit {
                found.truncate(limit);
                break;
            }
        }
        Ok(found)
    }
}

/// Writes who submitted a message, in its commit.
pub(crate) fn put<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId, sent: &Sent) {
    let key = KeyBuilder::new(tag::TRAIL).mailbox(mailbox).time(sent.at).text(&sent.id);
    let Sent { credential, accepted, recipients, bytes, .. } = sent;
    let credential = credential.as_str().to_owned();
    tx.put(key, encode(&SentRow { credential, accepted: *accepted, recipients: *recipients, bytes: *bytes }));
}

pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(MailboxId, Sent), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::TRAIL)?;
    let (mailbox, at, id) = (reader.mailbox()?, reader.time()?, reader.text()?);
    reader.end()?;
    let SentRow { credential, accepted, recipients, bytes } = decode(key, value)?;
    let credential = match credential.as_str() {
        "" => CredentialName::owner(),
        name => CredentialName::parse(name).map_err(|e| sigillo_store::Error::corrupt(key, e.to_string()))?,
    };
    Ok((mailbox, Sent { at, id, credential, accepted, recipients, bytes }))
}
