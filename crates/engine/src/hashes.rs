//! Passwords that come as hashes of another system, so that who moves here keeps his own (PWD-06). What becomes of one when its
//! password is said is in [`credentials`](crate::credentials).

use sigillo_accounts::{Act, Credential, CredentialName, PasswordHash, Request};
use sigillo_base::{MailboxId, said};
use sigillo_store::{Store, transact};

use crate::credentials::give;
use crate::rows::{credential_key, credential_use_key, decode, encode};
use crate::{ATTEMPTS, Engine, Error, operations};

/// What became of a hash that a list gives to a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashGiven {
    /// It is the owner's now.
    Given,
    /// It was already.
    Same,
    /// The owner has a password of his own here, which stays: he has come in with it, or somebody gave it to him.
    Kept,
}

impl<S: Store> Engine<S> {
    /// Gives a mailbox's owner the hash that a list has for him, so that the list can be given again at any time: never in the
    /// place of a password that was set, or said, here. The password that the mailbox was made with counts as none until
    /// somebody has come in with it. Whoever brings a hash may know its word: the register has it, and the holder hears of it
    /// where he is reached.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox, or it is confirmed by somebody who may not do it himself.
    pub fn give_hash(&self, id: MailboxId, hash: &PasswordHash, request: &Request) -> Result<HashGiven, Error> {
        let name = CredentialName::owner();
        let given = transact(&self.store, ATTEMPTS, |tx| {
            let key = credential_key(id, &name);
            let missing = || Error::Invalid(said!("la casella non esiste", "there is no such mailbox"));
            let mut row: Credential = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
            if row.verifier.hash == *hash {
                return Ok(HashGiven::Same);
            }
            let untouched = row.changed == row.created && tx.get(credential_use_key(id, &name))?.is_none();
            if row.verifier.hash.is_own() && !untouched {
                return Ok(HashGiven::Kept);
            }
            give(&mut row, &hash.clone().into(), request.now());
            tx.put(&key, encode(&row));
            // Its record is that of a password, which some may give who may give no hash.
            let target = self.target_then(&self.mailbox(id)?.ok_or_else(missing)?, request.now())?;
            operations::confirmed(tx, request, Act::MailboxCreate, &target)?;
            self.record_password(tx, id, "dato l'hash di un altro sistema", request)?;
            let what = "la password è da ora un'altra, data come hash da chi amministra la casella.";
            self.tell_holder(tx, id, what, request.now())?;
            Ok::<_, Error>(HashGiven::Given)
        })?;
        if given == HashGiven::Given {
            self.bell.mailbox_changed(id);
        }
        Ok(given)
    }
}
