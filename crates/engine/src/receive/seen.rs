//! What was received before: the same bytes for the same recipient, after a lost answer, are stored once.

use sigillo_base::{Address, Timestamp};
use sigillo_store::{Store, Transaction};

use crate::rows::{ReceivedRow, decode, encode, received_key};
use crate::{Engine, Error};

/// Recipients for whom a message is new, and the message's hash.
pub(super) struct Fresh {
    pub rcpts: Vec<Address>,
    pub hash: [u8; 32],
}

impl<S: Store> Engine<S> {
    /// The recipients for whom this message is new. What makes it this message is its name (the Message-ID) and the part
    /// that was signed: the same one that took another way, with other trace lines on top, is the same. The same name
    /// with another content is another message: nothing is lost to a name.
    pub(super) fn fresh(&self, to: &[Address], name: &str, signed: &[u8]) -> Result<Fresh, Error> {
        let hash = sigillo_smime::sha256(signed);
        let mut rcpts: Vec<Address> = Vec::new();
        for rcpt in to {
            let key = received_key(name, rcpt);
            let before: Option<ReceivedRow> =
                self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose()?;
            if !before.is_some_and(|row| row.hashes.contains(&hash)) && !rcpts.contains(rcpt) {
                rcpts.push(rcpt.clone());
            }
        }
        Ok(Fresh { rcpts, hash })
    }
}

/// Remembers that this message was taken for this recipient; two commits of the same message meet here.
pub(super) fn mark<S: Store>(
    tx: &mut Transaction<'_, S>,
    name: &str,
    rcpt: &Address,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<(), Error> {
    let key = received_key(name, rcpt);
    let mut hashes = match tx.get(&key)? {
        Some(value) => decode::<ReceivedRow>(&key, &value)?.hashes,
        None => Vec::new(),
    };
    if hashes.contains(hash) {
        // Two connections carried the same message at once: the other one has won; the peer's retry finds it.
        return Err(sigillo_store::Error::Temporary("the same message is being received".into()).into());
    }
    hashes.push(*hash);
    tx.put(&key, encode(&ReceivedRow { hashes, at: Some(now.as_millis()) }));
    Ok(())
}
