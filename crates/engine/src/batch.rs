//! Many mailboxes, lists and entries of address books, one after the other (WEB-08): what belongs together is done in one transaction; in a trial all of it
//! in one that is dropped, so that each sees what the ones before would have done.

use sigillo_accounts::{BookChange, Choice, Credential, Done, Mailbox, PersonName, Request, Verifier};
use sigillo_base::{Address, MailboxId, TenantId, Timestamp, UnitId};
use sigillo_pec::log::ServiceEvent;
use sigillo_store::{Error as StoreError, Store, transact};

use crate::directory::New;
use crate::fronts::Transaction;
use crate::rows::{address_key, decode, mailbox_key};
use crate::{ATTEMPTS, Change, Engine, Error, NewList, credentials};

/// Many, one after the other.
pub struct Batch<'e, S: Store> {
    engine: &'e Engine<S>,
    trial: Option<Transaction<'e, S>>,
}

/// One of them: everything that is done here is done at once, or not at all.
pub struct Entry<'t, 's, S: Store> {
    engine: &'t Engine<S>,
    tx: &'t mut Transaction<'s, S>,
    changed: &'t mut Vec<MailboxId>,
}

/// An error of whoever asks, which a fault of the store becomes.
struct Theirs<E>(E);

impl<E: From<Error>> From<StoreError> for Theirs<E> {
    fn from(fault: StoreError) -> Self {
        Self(E::from(fault.into()))
    }
}

impl<S: Store> Engine<S> {
    /// Begins; in a `trial` nothing is ever done.
    pub fn batch(&self, trial: bool) -> Batch<'_, S> {
        Batch { engine: self, trial: trial.then(|| Transaction::new(&self.store)) }
    }
}

impl<S: Store> Batch<'_, S> {
    /// Does one entry. `f` may run again: it must have no effect but on its entry.
    ///
    /// # Errors
    /// What `f` returns, and the store's fault; nothing was done then.
    pub fn entry<T, E: From<Error>>(
        &mut self,
        mut f: impl FnMut(&mut Entry<'_, '_, S>) -> Result<T, E>,
    ) -> Result<T, E> {
        let engine = self.engine;
        let mut changed = Vec::new();
        if let Some(tx) = &mut self.trial {
            let before = tx.fork();
            let done = f(&mut Entry { engine, tx, changed: &mut changed });
            if done.is_err() {
                *tx = before;
            }
            return done;
        }
        let done = transact(&engine.store, ATTEMPTS, |tx| {
            changed.clear();
            f(&mut Entry { engine, tx, changed: &mut changed }).map_err(Theirs)
        });
        changed.into_iter().for_each(|id| engine.bell.mailbox_changed(id));
        done.map_err(|theirs| theirs.0)
    }
}

impl<S: Store> Entry<'_, '_, S> {
    /// The mailbox of an address, as it is by now.
    ///
    /// # Errors
    /// The store's fault.
    pub fn mailbox(&mut self, address: &Address) -> Result<Option<Mailbox>, Error> {
        let key = address_key(address);
        let Some(value) = self.tx.get(&key)? else { return Ok(None) };
        let key = mailbox_key(MailboxId(decode(&key, &value)?));
        Ok(self.tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?)
    }

    /// See [`Engine::add_mailbox_to`].
    ///
    /// # Errors
    /// The same.
    pub fn add_mailbox(
        &mut self,
        address: &Address,
        unit: Option<UnitId>,
        profile: &Choice,
        password: &Verifier,
        request: &Request,
    ) -> Result<MailboxId, Error> {
        let owner: Credential = credentials::owner(password.clone(), request.done);
        let new = New { address: address.clone(), unit, profile: profile.clone(), owner };
        self.engine.add_in(self.tx, &new, request)
    }

    /// See [`Engine::change`].
    ///
    /// # Errors
    /// The same.
    pub fn change(&mut self, id: MailboxId, change: &Change, request: &Request) -> Result<bool, Error> {
        let changed = self.engine.change_in(self.tx, id, change, request)?;
        self.changed.extend(changed.then_some(id));
        Ok(changed)
    }

    /// See [`Engine::set_responsible`].
    ///
    /// # Errors
    /// The same.
    pub fn set_responsible(&mut self, id: MailboxId, person: &PersonName, request: &Request) -> Result<bool, Error> {
        self.engine.set_responsible_in(self.tx, id, Some(person), request)
    }

    /// See [`Engine::put_list`].
    ///
    /// # Errors
    /// The same.
    pub fn put_list(&mut self, new: &NewList, request: &Request) -> Result<bool, Error> {
        self.engine.put_list_in(self.tx, new, request)
    }

    /// Writes an event of the legal log in the commit of what it tells of.
    pub fn log(&mut self, event: ServiceEvent, now: Timestamp) {
        self.engine.log_event(self.tx, event, now);
    }

    /// See [`Engine::cancel_list`].
    ///
    /// # Errors
    /// The same.
    pub fn cancel_list(&mut self, address: &Address, request: &Request) -> Result<bool, Error> {
        self.engine.cancel_list_in(self.tx, address, request)
    }

    /// See [`Engine::undelete_list`].
    ///
    /// # Errors
    /// The same.
    pub fn undelete_list(&mut self, address: &Address, request: &Request) -> Result<bool, Error> {
        self.engine.undelete_list_in(self.tx, address, request)
    }

    /// See [`Engine::put_book_entry`].
    ///
    /// # Errors
    /// The same.
    pub fn put_book_entry(
        &mut self,
        of: (TenantId, &Address),
        change: &BookChange,
        request: &Request,
    ) -> Result<Option<Done>, Error> {
        self.engine.put_book_entry_in(self.tx, of, change, request)
    }

    /// See [`Engine::remove_book_entry`].
    ///
    /// # Errors
    /// The same.
    pub fn remove_book_entry(&mut self, of: (TenantId, &Address), request: &Request) -> Result<(), Error> {
        self.engine.remove_book_entry_in(self.tx, of, request)
    }
}
