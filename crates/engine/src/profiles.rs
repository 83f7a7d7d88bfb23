//! The profiles of mailboxes: choosing another, and which one a mailbox had when (BOX-10).

use std::sync::Arc;

use sigillo_accounts::{Choice, Mailbox, Profiles, Request};
use sigillo_base::{MailboxId, Timestamp, said};
use sigillo_store::{KeyBuilder, KeyReader, Store, Transaction, key, tag};

use crate::rows::{decode, encode, mailbox_key};
use crate::{Change, Engine, Error};

/// Mailboxes that are named when their profile is gone.
const SHOWN: usize = 10;

/// Since when a mailbox had a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSince {
    /// From then on, up to the next.
    pub at: Timestamp,
    /// Its name.
    pub profile: String,
}

impl<S: Store> Engine<S> {
    /// The provider's own profiles.
    pub fn profiles(&self) -> Arc<Profiles> {
        Arc::clone(&self.current.read().profiles)
    }

    /// Takes other profiles; they are valid from the next message on.
    ///
    /// # Errors
    /// [`Error::Invalid`] when one that is gone is some mailbox's still: it names mailboxes; nothing is changed then.
    pub fn replace_profiles(&self, profiles: Profiles) -> Result<(), Error> {
        all_known(&self.store, &profiles)?;
        self.current.write().profiles = Arc::new(profiles);
        Ok(())
    }

    /// Gives a mailbox another profile, at once: messages, windows and counts stay.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox, or one of the two profiles is that of the service mailbox.
    pub fn set_profile(&self, id: MailboxId, profile: &Choice, now: Timestamp) -> Result<(), Error> {
        self.change(id, &Change::Profile(profile.clone()), &Request::own(now)).map(drop)
    }

    /// The profiles that a mailbox had, the earliest first.
    ///
    /// # Errors
    /// The store's fault.
    pub fn profile_history(&self, id: MailboxId) -> Result<Vec<ProfileSince>, Error> {
        let (from, to) = KeyBuilder::new(tag::PROFILE_HISTORY).mailbox(id).range();
        Ok(self.sound(&from, &to, usize::MAX, |key, value| {
            Ok(ProfileSince { at: read_history(key)?.1, profile: decode(key, value)? })
        })?)
    }
}

/// Writes that a mailbox has its profile from now on.
pub(crate) fn began<S: Store>(tx: &mut Transaction<'_, S>, mailbox: &Mailbox, now: Timestamp) {
    let id = MailboxId(mailbox.id);
    if let Some(name) = &mailbox.profile.custom {
        tx.put(use_key(name, id), []);
    }
    tx.put(KeyBuilder::new(tag::PROFILE_HISTORY).mailbox(id).time(now), encode(&mailbox.profile.name()));
}

/// Who has a profile of the provider's own.
pub(crate) fn use_key(name: &str, id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::PROFILE_USE).text(name).mailbox(id)
}

/// The profile and the mailbox in such a key.
pub(crate) fn read_use(key: &[u8]) -> Result<(String, MailboxId), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::PROFILE_USE)?;
    let found = (reader.text()?, reader.mailbox()?);
    reader.end()?;
    Ok(found)
}

/// The mailbox and the time in the key of a change of profile.
pub(crate) fn read_history(key: &[u8]) -> Result<(MailboxId, Timestamp), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::PROFILE_HISTORY)?;
    let found = (reader.mailbox()?, reader.time()?);
    reader.end()?;
    Ok(found)
}

/// Refuses profiles among which one is missing that a mailbox has. It costs a look for each name, not for each mailbox.
pub(crate) fn all_known<S: Store>(store: &S, profiles: &Profiles) -> Result<(), Error> {
    let (mut from, to) = KeyBuilder::new(tag::PROFILE_USE).range();
    while let Some((first, _)) = store.scan(&from, &to, 1)?.first() {
        let (name, _) = read_use(first)?;
        let (begin, end) = KeyBuilder::new(tag::PROFILE_USE).text(&name).range();
        if profiles.find(&name).is_none() {
            let mut boxes = Vec::new();
            for (key, _) in store.scan(&begin, &end, SHOWN + 1)? {
                let id = read_use(&key)?.1;
                let key = mailbox_key(id);
                let row = store.get(key.as_ref())?.map(|value| decode::<Mailbox>(&key, &value)).transpose()?;
                boxes.push(row.map_or_else(|| id.0.to_string(), |row| row.address));
            }
            if boxes.len() > SHOWN {
                boxes[SHOWN] = "…".into();
            }
            let boxes = boxes.join(", ");
            return Err(Error::Invalid(said!(
                "il profilo «{name}» non è più nella configurazione, ma lo hanno ancora: {boxes}; rimettere [[profile]] \
                 name = \"{name}\" o cambiare prima il loro profilo (`sigillo mailbox set --profile`)",
                "the profile “{name}” is no longer in the configuration, but these still have it: {boxes}; put [[profile]] \
                 name = \"{name}\" back, or change their profile first (`sigillo mailbox set --profile`)"
            )));
        }
        from = key::prefix_end(&begin);
    }
    Ok(())
}
