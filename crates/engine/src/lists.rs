//! Distribution lists (*liste di distribuzione*, BOX-11): addresses of ours that stand for others. They are expanded at
//! the access point, before acceptance, so that each member is a recipient of the certified message and yields a receipt
//! of his own; a list that forwarded an envelope would lose its certification.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sigillo_base::limits::MAX_RECIPIENTS;
use sigillo_base::{Address, Timestamp};
use sigillo_pec::access;
use sigillo_store::{KeyBuilder, Store, tag, transact};

use crate::rows::{address_key, get_large, list_key, put_large, remove_large};
use crate::{ATTEMPTS, Engine, Error};

/// Lists inside lists are followed this deep.
const MAX_DEPTH: usize = 8;
/// Addresses looked at for one list: circles and lists of lists end.
const MAX_LOOKED_AT: usize = 4 * MAX_RECIPIENTS;

/// A distribution list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its address, in a domain of ours.
    pub address: Address,
    /// Who gets what is sent to it, in the order given; addresses of any domain, and other lists of ours.
    pub members: Vec<Address>,
    /// When it was made.
    pub created: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct ListRow {
    address: String,
    members: Vec<String>,
    created: i64,
}

/// The list in a row.
pub(crate) fn read<S: Store>(store: &S, key: &[u8], value: &[u8]) -> Result<List, sigillo_store::Error> {
    crate::rows::large::<S, ListRow>(store, key, value)?.list(key)
}

impl ListRow {
    fn list(self, key: impl AsRef<[u8]>) -> Result<List, sigillo_store::Error> {
        let bad = |text: &str| sigillo_store::Error::corrupt(key.as_ref(), format!("not an address: {text}"));
        let parse = |text: &String| Address::parse(text).map_err(|_| bad(text));
        Ok(List {
            address: parse(&self.address)?,
            members: self.members.iter().map(parse).collect::<Result<_, _>>()?,
            created: Timestamp::from_millis(self.created),
        })
    }
}

impl<S: Store> Engine<S> {
    /// Makes a list, or gives an existing one other members.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the domain is not ours, the address is a mailbox, or the members are too many or include
    /// the list itself.
    pub fn set_list(&self, address: &Address, members: &[Address], now: Timestamp) -> Result<(), Error> {
        if !self.is_local(address.domain()) {
            return Err(Error::Invalid(format!("il dominio {} non è servito da questo gestore", address.domain())));
        }
        if members.contains(address) {
            return Err(Error::Invalid(format!("la lista {address} non può contenere se stessa")));
        }
        let mut seen = HashSet::new();
        let members: Vec<String> =
            members.iter().filter(|m| seen.insert(m.key())).map(|m| m.as_str().to_owned()).collect();
        if members.len() > MAX_RECIPIENTS {
            let text = format!("la lista {address} avrebbe {} membri, al più {MAX_RECIPIENTS}", members.len());
            return Err(Error::Invalid(text));
        }
        transact(&self.store, ATTEMPTS, |tx| {
            let before = self.find_list(address)?;
            let created = before.map_or(now, |list| list.created).as_millis();
            if tx.get(address_key(address))?.is_some() {
                return Err(Error::Invalid(format!("{address} è già una casella")));
            }
            remove_large(tx, &list_key(address))?;
            put_large(
                tx,
                &list_key(address),
                &ListRow { address: address.as_str().into(), members: members.clone(), created },
            )?;
            Ok(())
        })?;
        tracing::info!(list = %address, members = members.len(), "distribution list set");
        Ok(())
    }

    /// Removes a list; what was sent to it stays with its members.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none.
    pub fn remove_list(&self, address: &Address) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            if !remove_large(tx, &list_key(address))? {
                return Err(Error::Invalid(format!("la lista {address} non esiste")));
            }
            Ok(())
        })?;
        tracing::info!(list = %address, "distribution list removed");
        Ok(())
    }

    /// The list of an address, if there is one.
    ///
    /// # Errors
    /// The store's fault.
    pub fn find_list(&self, address: &Address) -> Result<Option<List>, Error> {
        let key = list_key(address);
        let row: Option<ListRow> = get_large(&self.store, &key)?;
        Ok(row.map(|row| row.list(&key)).transpose()?)
    }

    /// At most `limit` lists after this address, in the order of their addresses.
    ///
    /// # Errors
    /// The store's fault.
    pub fn lists(&self, after: Option<&Address>, limit: usize) -> Result<Vec<List>, Error> {
        let (first, to) = KeyBuilder::new(tag::LIST).range();
        let from = after.map_or(first, |a| sigillo_store::key::successor(list_key(a)));
        Ok(self.sound(&from, &to, limit, |key, value| read(&self.store, key, value))?)
    }

    /// The lists of ours among these recipients, with their members; lists inside lists are opened. Once there are more
    /// members than a message may have recipients the rest is not opened: the message will be refused for that.
    pub(crate) fn lists_among(&self, rcpts: &[Address]) -> Result<Vec<access::List>, Error> {
        let (mut found, mut room) = (Vec::new(), MAX_RECIPIENTS + 1);
        for rcpt in rcpts.iter().filter(|rcpt| self.is_local(rcpt.domain())) {
            if room == 0 {
                break;
            }
            if let Some(list) = self.find_list(rcpt)? {
                let members = self.members(list, room)?;
                room = room.saturating_sub(members.len());
                found.push(access::List { address: rcpt.clone(), members });
            }
        }
        Ok(found)
    }

    /// At most `room` members.
    fn members(&self, list: List, room: usize) -> Result<Vec<Address>, Error> {
        let (mut members, mut opened) = (Vec::new(), HashSet::from([list.address.key()]));
        let mut open: Vec<(Address, usize)> = list.members.into_iter().rev().map(|m| (m, 1)).collect();
        while let Some((member, depth)) = open.pop() {
            if members.len() == room || opened.len() > MAX_LOOKED_AT {
                break;
            }
            if !opened.insert(member.key()) {
                continue;
            }
            match self.find_list(&member)? {
                Some(inner) if depth < MAX_DEPTH => {
                    open.extend(inner.members.into_iter().rev().map(|m| (m, depth + 1)));
                }
                _ => members.push(member),
            }
        }
        Ok(members)
    }
}
