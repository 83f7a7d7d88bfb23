//! Distribution lists (*liste di distribuzione*, BOX-11): addresses of ours that stand for others. They are expanded at
//! the access point, before acceptance, so that each member is a recipient of the certified message and yields a receipt
//! of his own; a list that forwarded an envelope would lose its certification.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Done, Operation, Request};
use sigillo_base::limits::MAX_RECIPIENTS;
use sigillo_base::{Address, Timestamp, UnitId, said};
use sigillo_pec::access;
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};

use crate::fronts::Transaction;
use crate::rows::{address_key, decode, encode, get_large, get_large_in, list_key, put_large, remove_large};
use crate::tenants::{list_unit_key, owner_in};
use crate::{ATTEMPTS, Engine, Error, operations};

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
    /// Until when it can be called back, where it was cancelled: nothing is sent to it.
    pub cancelled_until: Option<Timestamp>,
}

/// A list as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewList {
    /// Its address.
    pub address: Address,
    /// See [`List::members`].
    pub members: Vec<Address>,
    /// The unit of its administration that it is of, or none; `None`: as it is.
    pub unit: Option<Option<UnitId>>,
}

#[derive(Serialize, Deserialize)]
struct ListRow {
    address: String,
    members: Vec<String>,
    created: i64,
}

/// That a list was cancelled, beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct CancelledRow {
    since: i64,
    until: i64,
}

fn cancelled_key(list: &Address) -> KeyBuilder {
    KeyBuilder::new(tag::LIST_CANCELLED).text(&list.key())
}

/// Which list was cancelled, by its address in lower case, and until when it can be called back.
pub(crate) fn read_cancelled(key: &[u8], value: &[u8]) -> Result<(String, Timestamp), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::LIST_CANCELLED)?;
    let list = reader.text()?;
    reader.end()?;
    Ok((list, Timestamp::from_millis(decode::<CancelledRow>(key, value)?.until)))
}

/// Until when a list can be called back, where it was cancelled.
fn cancelled<S: Store>(tx: &mut Transaction<'_, S>, list: &Address) -> Result<Option<Timestamp>, Error> {
    let key = cancelled_key(list);
    let value = tx.get(&key)?;
    Ok(value.map(|value| read_cancelled(key.as_ref(), &value)).transpose()?.map(|(_, until)| until))
}

/// The administration and unit that a list was put into.
fn unit_of<S: Store>(tx: &mut Transaction<'_, S>, list: &Address) -> Result<Option<(u64, u64)>, Error> {
    let key = list_unit_key(list);
    Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?)
}

/// The list in a row, by that alone.
pub(crate) fn read<S: Store>(store: &S, key: &[u8], value: &[u8]) -> Result<List, sigillo_store::Error> {
    crate::rows::large::<S, ListRow>(store, key, value)?.list(key)
}

/// Refuses what is no list.
fn there<S: Store>(tx: &mut Transaction<'_, S>, list: &Address) -> Result<(), Error> {
    let missing = || Error::Invalid(said!("la lista {list} non esiste", "there is no list {list}"));
    tx.get(list_key(list))?.map(drop).ok_or_else(missing)
}

/// Refuses a list that was cancelled.
fn in_use<S: Store>(tx: &mut Transaction<'_, S>, list: &Address) -> Result<(), Error> {
    let Some(until) = cancelled(tx, list)? else { return Ok(()) };
    Err(Error::Invalid(said!(
        "la lista {list} è cancellata, e fino a {until} la si può solo riavere: `sigillo list undelete`",
        "the list {list} is cancelled, and until {until} can only be called back: `sigillo list undelete`"
    )))
}

impl ListRow {
    fn list(self, key: impl AsRef<[u8]>) -> Result<List, sigillo_store::Error> {
        let bad = |text: &str| sigillo_store::Error::corrupt(key.as_ref(), format!("not an address: {text}"));
        let parse = |text: &String| Address::parse(text).map_err(|_| bad(text));
        Ok(List {
            address: parse(&self.address)?,
            members: self.members.iter().map(parse).collect::<Result<_, _>>()?,
            created: Timestamp::from_millis(self.created),
            cancelled_until: None,
        })
    }
}

impl<S: Store> Engine<S> {
    /// Makes a list, or gives an existing one other members.
    ///
    /// # Errors
    /// See [`put_list`](Self::put_list).
    pub fn set_list(&self, address: &Address, members: &[Address], now: Timestamp) -> Result<(), Error> {
        let new = NewList { address: address.clone(), members: members.to_vec(), unit: None };
        self.put_list(&new, &Request::own(now)).map(drop)
    }

    /// Makes a list, or changes an existing one; `false` when it was so already.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the domain is not ours, the address is a mailbox or a list that was cancelled, the members are
    /// too many or include the list itself, or its administration has no such unit.
    pub fn put_list(&self, new: &NewList, request: &Request) -> Result<bool, Error> {
        let changed = transact(&self.store, ATTEMPTS, |tx| self.put_list_in(tx, new, request))?;
        if changed {
            tracing::info!(list = %new.address, members = new.members.len(), "distribution list set");
        }
        Ok(changed)
    }

    /// The same in a transaction; where it fails it wrote nothing.
    pub(crate) fn put_list_in(
        &self,
        tx: &mut Transaction<'_, S>,
        new: &NewList,
        request: &Request,
    ) -> Result<bool, Error> {
        let NewList { address, members, unit } = new;
        if !self.is_local(address.domain()) {
            return Err(Error::Invalid(said!(
                "il dominio {} non è servito da questo gestore",
                "the domain {} is not served by this provider",
                address.domain()
            )));
        }
        if members.contains(address) {
            return Err(Error::Invalid(said!(
                "la lista {address} non può contenere se stessa",
                "the list {address} cannot hold itself"
            )));
        }
        let mut seen = HashSet::new();
        let members: Vec<String> =
            members.iter().filter(|m| seen.insert(m.key())).map(|m| m.as_str().to_owned()).collect();
        if members.len() > MAX_RECIPIENTS {
            return Err(Error::Invalid(said!(
                "la lista {address} avrebbe {} membri, al più {MAX_RECIPIENTS}",
                "the list {address} would have {} members, at most {MAX_RECIPIENTS}",
                members.len()
            )));
        }
        if tx.get(address_key(address))?.is_some() {
            return Err(Error::Invalid(said!("{address} è già una casella", "{address} is a mailbox already")));
        }
        in_use(tx, address)?;
        let key = list_key(address);
        let before = get_large_in::<_, ListRow>(tx, &key)?.map(|row| row.list(&key)).transpose()?;
        let was = unit_of(tx, address)?;
        let unit = match unit {
            Some(unit) => unit.map(|unit| self.own_unit(tx, address.domain(), unit)).transpose()?,
            None => was,
        };
        let same = |list: &List| list.members.iter().map(Address::as_str).eq(members.iter().map(String::as_str));
        if before.as_ref().is_some_and(same) && was == unit {
            return Ok(false);
        }
        let had = before.as_ref().map_or(0, |list| list.members.len());
        let (done, detail) = match &before {
            None => (Done::ListCreate, format!("{} membri", members.len())),
            Some(_) => (Done::ListChange, format!("{had} → {} membri", members.len())),
        };
        let created = before.map_or(request.now(), |list| list.created).as_millis();
        remove_large(tx, &key)?;
        put_large(tx, &key, &ListRow { address: address.as_str().into(), members, created })?;
        match unit {
            Some(unit) => tx.put(list_unit_key(address), encode(&unit)),
            None => tx.delete(list_unit_key(address)),
        }
        self.record_list(tx, address, unit, done, detail, request)?;
        Ok(true)
    }

    /// Says of which unit of its administration a list is, or of none; `false` when it was so already. Its members are what they
    /// are when this is committed, whoever changes them meanwhile.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such list in use, or its administration has no such unit.
    pub fn set_list_unit(&self, address: &Address, unit: Option<UnitId>, request: &Request) -> Result<bool, Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            there(tx, address)?;
            in_use(tx, address)?;
            let was = unit_of(tx, address)?;
            let unit = unit.map(|unit| self.own_unit(tx, address.domain(), unit)).transpose()?;
            if was == unit {
                return Ok(false);
            }
            match unit {
                Some(unit) => tx.put(list_unit_key(address), encode(&unit)),
                None => tx.delete(list_unit_key(address)),
            }
            let shown = |unit: Option<(u64, u64)>| unit.map_or("—".to_owned(), |(_, unit)| unit.to_string());
            let detail = format!("struttura: {} → {}", shown(was), shown(unit));
            self.record_list(tx, address, unit, Done::ListChange, detail, request)?;
            Ok(true)
        })
    }

    fn record_list(
        &self,
        tx: &mut Transaction<'_, S>,
        address: &Address,
        unit: Option<(u64, u64)>,
        done: Done,
        detail: String,
        request: &Request,
    ) -> Result<(), Error> {
        let tenant = owner_in(tx, address.domain())?.map(|tenant| tenant.0);
        let unit = unit.filter(|(of, _)| Some(*of) == tenant).map(|(_, unit)| unit);
        let (object, request) = (address.as_str().to_owned(), request.clone());
        operations::record(tx, &Operation { done, object, mailbox: None, tenant, unit, detail, request })?;
        Ok(())
    }

    /// Cancels a list; `false` when it was so already. What was sent to it stays with its members; within its grace it can be
    /// called back, and its address is nobody else's.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none.
    pub fn cancel_list(&self, address: &Address, request: &Request) -> Result<bool, Error> {
        let changed = transact(&self.store, ATTEMPTS, |tx| self.cancel_list_in(tx, address, request))?;
        if changed {
            tracing::info!(list = %address, "distribution list cancelled");
        }
        Ok(changed)
    }

    pub(crate) fn cancel_list_in(
        &self,
        tx: &mut Transaction<'_, S>,
        address: &Address,
        request: &Request,
    ) -> Result<bool, Error> {
        there(tx, address)?;
        if cancelled(tx, address)?.is_some() {
            return Ok(false);
        }
        let until = request.now().plus(self.rules.grace);
        let row = CancelledRow { since: request.done, until: until.as_millis() };
        tx.put(cancelled_key(address), encode(&row));
        let unit = unit_of(tx, address)?;
        let detail = format!("ripensamento fino a {until}");
        self.record_list(tx, address, unit, Done::ListCancel, detail, request)?;
        Ok(true)
    }

    /// Calls a list back that was cancelled, as it was; `false` when it is in use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none, or its grace is over.
    pub fn undelete_list(&self, address: &Address, request: &Request) -> Result<bool, Error> {
        transact(&self.store, ATTEMPTS, |tx| self.undelete_list_in(tx, address, request))
    }

    pub(crate) fn undelete_list_in(
        &self,
        tx: &mut Transaction<'_, S>,
        address: &Address,
        request: &Request,
    ) -> Result<bool, Error> {
        there(tx, address)?;
        let Some(until) = cancelled(tx, address)? else { return Ok(false) };
        if until <= request.now() {
            return Err(Error::Invalid(said!(
                "la lista {address} è stata cancellata e il tempo per ripensarci è finito",
                "the list {address} was cancelled, and the time to call it back is over"
            )));
        }
        tx.delete(cancelled_key(address));
        let unit = unit_of(tx, address)?;
        self.record_list(tx, address, unit, Done::ListUndelete, String::new(), request)?;
        Ok(true)
    }

    /// Ends the first list whose grace is over: its members go, and its address may be given again; `false` when there is none.
    pub(crate) fn purge_list(&self, now: Timestamp) -> Result<bool, Error> {
        let (from, to) = KeyBuilder::new(tag::LIST_CANCELLED).range();
        for (list, until) in self.sound(&from, &to, usize::MAX, read_cancelled)? {
            let Some(address) = Address::parse(&list).ok().filter(|_| until <= now) else { continue };
            return transact(&self.store, ATTEMPTS, |tx| {
                // Called back meanwhile, perhaps.
                if cancelled(tx, &address)?.is_some_and(|until| until <= now) {
                    let unit = unit_of(tx, &address)?;
                    remove_large(tx, &list_key(&address))?;
                    tx.delete(cancelled_key(&address));
                    tx.delete(list_unit_key(&address));
                    self.record_list(tx, &address, unit, Done::ListPurge, String::new(), &Request::own(now))?;
                }
                Ok::<_, Error>(true)
            });
        }
        Ok(false)
    }

    /// The list of an address, if there is one, also one that was cancelled.
    ///
    /// # Errors
    /// The store's fault.
    pub fn find_list(&self, address: &Address) -> Result<Option<List>, Error> {
        let key = list_key(address);
        let row: Option<ListRow> = get_large(&self.store, &key)?;
        row.map(|row| self.with_end(row.list(&key)?)).transpose()
    }

    fn with_end(&self, list: List) -> Result<List, Error> {
        let key = cancelled_key(&list.address);
        let value = self.store.get(key.as_ref())?;
        let cancelled = value.map(|value| read_cancelled(key.as_ref(), &value)).transpose()?;
        Ok(List { cancelled_until: cancelled.map(|(_, until)| until), ..list })
    }

    /// The list that something is sent to.
    fn list_in_use(&self, address: &Address) -> Result<Option<List>, Error> {
        Ok(self.find_list(address)?.filter(|list| list.cancelled_until.is_none()))
    }

    /// At most `limit` lists after this address, in the order of their addresses, those that were cancelled included.
    ///
    /// # Errors
    /// The store's fault.
    pub fn lists(&self, after: Option<&Address>, limit: usize) -> Result<Vec<List>, Error> {
        let (first, to) = KeyBuilder::new(tag::LIST).range();
        let from = after.map_or(first, |a| sigillo_store::key::successor(list_key(a)));
        let found = self.sound(&from, &to, limit, |key, value| read(&self.store, key, value))?;
        found.into_iter().map(|list| self.with_end(list)).collect()
    }

    /// The lists of ours among these recipients, with their members; lists inside lists are opened. Once there are more
    /// members than a message may have recipients the rest is not opened: the message will be refused for that.
    pub(crate) fn lists_among(&self, rcpts: &[Address]) -> Result<Vec<access::List>, Error> {
        let (mut found, mut room) = (Vec::new(), MAX_RECIPIENTS + 1);
        for rcpt in rcpts.iter().filter(|rcpt| self.is_local(rcpt.domain())) {
            if room == 0 {
                break;
            }
            if let Some(list) = self.list_in_use(rcpt)? {
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
            match self.list_in_use(&member)? {
                Some(inner) if depth < MAX_DEPTH => {
                    open.extend(inner.members.into_iter().rev().map(|m| (m, depth + 1)));
                }
                _ => members.push(member),
            }
        }
        Ok(members)
    }
}
