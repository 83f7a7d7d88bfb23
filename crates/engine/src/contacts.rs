//! How the holders of mailboxes are reached outside of them. Who changes that can set a password anew, so that it is written
//! down, and told where he was reached before.

use std::time::Duration;

use sigillo_accounts::{Channel, Concern, Contact, NoticeKind};
use sigillo_base::{Address, MailboxId, Secret, Timestamp, said};
use sigillo_pec::log::{ProofEvent, ServiceEvent};
use sigillo_store::{KeyBuilder, Store, tag, transact};

use crate::fronts::Transaction;
use crate::notices::Notice;
use crate::rows::{decode, encode};
use crate::{ATTEMPTS, Engine, Error};

/// Later it is of no use.
const TOLD_WITHIN: Duration = Duration::from_secs(3 * 24 * 3600);

fn contact_key(id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::CONTACT).mailbox(id)
}

/// How the holder of a mailbox is reached, in a transaction that does something about it.
pub(crate) fn contact_in<S: Store>(tx: &mut Transaction<'_, S>, id: MailboxId) -> Result<Contact, Error> {
    let key = contact_key(id);
    Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?.unwrap_or_default())
}

impl<S: Store> Engine<S> {
    /// How the holder of a mailbox is reached.
    ///
    /// # Errors
    /// The store's fault.
    pub fn contact(&self, id: MailboxId) -> Result<Contact, Error> {
        let key = contact_key(id);
        Ok(self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose()?.unwrap_or_default())
    }

    /// Says how the holder of a mailbox is reached from now on; `by` is who says so.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address is one of ours: who cannot open his mailbox cannot read there either.
    pub fn set_contact(
        &self,
        (id, address): (MailboxId, &Address),
        contact: &Contact,
        by: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| self.set_contact_in(tx, (id, address), contact, by, now))
    }

    /// Tells the holder that something was changed, so that he sees it who did not change it.
    pub(crate) fn changed_notice(&self, id: MailboxId, to: Channel, what: String, now: Timestamp) -> Notice {
        let help = self.rules.help.as_deref().map_or("al proprio gestore".to_owned(), |help| format!("a {help}"));
        Notice {
            kind: NoticeKind::Changed,
            to,
            about: Concern::Mailbox(id),
            subject: "Accesso alla casella PEC".to_owned(),
            text: Secret::new(format!("{}: {what} Chi non l'ha chiesto si rivolga {help}.", self.provider.name)),
            not_after: now.plus(TOLD_WITHIN),
        }
    }

    /// Tells it wherever he is reached.
    pub(crate) fn tell_holder(
        &self,
        tx: &mut Transaction<'_, S>,
        id: MailboxId,
        what: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        for to in contact_in(tx, id)?.channels() {
            self.tell_in(tx, &self.changed_notice(id, to, what.to_owned(), now), now)?;
        }
        Ok(())
    }

    pub(crate) fn set_contact_in(
        &self,
        tx: &mut Transaction<'_, S>,
        (id, address): (MailboxId, &Address),
        contact: &Contact,
        by: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        if let Some(mail) = contact.mail.as_ref().filter(|mail| self.is_local(mail.domain())) {
            return Err(Error::Invalid(said!(
                "{mail} è una casella di questo gestore: serve un indirizzo di posta ordinaria, altrove",
                "{mail} is a mailbox of this provider: give an address of ordinary mail, elsewhere"
            )));
        }
        let key = contact_key(id);
        let had = contact_in(tx, id)?;
        if had == *contact {
            return Ok(());
        }
        if *contact == Contact::default() {
            tx.delete(&key);
        } else {
            tx.put(&key, encode(contact));
        }
        for old in had.channels().into_iter().filter(|old| !contact.channels().contains(old)) {
            self.tell_in(
                tx,
                &self.changed_notice(
                    id,
                    old,
                    format!(
                        "Dove si raggiunge chi tiene la casella {address} è cambiato: questo recapito non vale più."
                    ),
                    now,
                ),
                now,
            )?;
        }
        let (what, credential) = (ProofEvent::Contacts, String::new());
        let event = ServiceEvent::Proof { what, address: address.as_str().into(), credential, by: by.into() };
        self.log_event(tx, event, now);
        Ok(())
    }
}
