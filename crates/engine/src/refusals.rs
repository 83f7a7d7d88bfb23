//! Failed logins (AUD-01): each is on record with who, how, from where and when, and guessers fill no disk by it. A mailbox has
//! so many of a day one by one. What comes beyond that, of who is locked out, and by names that no mailbox has, is counted: in
//! a row for each minute, place and name, and without the name, or the place, where these are too many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sigillo_accounts::{CredentialName, LoginName};
use sigillo_base::{MailboxId, TenantId, Timestamp};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, tag, transact};

use crate::accesses::{self, Access, EventRow, counted};
use crate::fronts::Transaction;
use crate::meter::LoginResult;
use crate::rows::{decode, encode};
use crate::tenants::number;
use crate::{ATTEMPTS, Engine, Error, Origin};

/// Failed logins of one mailbox that are written one by one in a day.
const SINGLE_A_DAY: u32 = 1_000;
/// Rows of a day that count those of one mailbox, or those of nobody in the domains of one administration; then one a minute.
const COUNTING_A_DAY: u32 = 1_000;
/// Names that one place has a row of their own for in a minute.
const NAMES_A_MINUTE: usize = 10;
/// Characters of a name that are kept.
const MOST_NAME: usize = 320;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Where others come from than those that have a row.
const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Where somebody failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Mailbox(MailboxId),
    /// By a name that no mailbox has; the administration whose domain it names, or 0.
    Nobody(u64),
}

/// What was written down.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Written>);

#[derive(Default)]
struct Written {
    day: i64,
    single: HashMap<MailboxId, u32>,
    counting: HashMap<At, u32>,
    minute: i64,
    /// Of this minute, the names that have a row.
    names: HashMap<(At, Origin), Vec<String>>,
}

impl Written {
    fn renew(&mut self, now: Timestamp) {
        let (day, minute) = (now.as_millis().div_euclid(DAY_MS), now.as_millis().div_euclid(MINUTE_MS));
        if self.day != day {
            *self = Self { day, ..Self::default() };
        }
        if self.minute != minute {
            self.minute = minute;
            self.names.clear();
        }
    }
}

impl Refusals {
    /// Whether one more of this mailbox is written by itself.
    fn room(&self, mailbox: MailboxId, now: Timestamp) -> bool {
        let mut all = self.0.lock();
        all.renew(now);
        let written = all.single.entry(mailbox).or_default();
        let room = *written < SINGLE_A_DAY;
        *written += u32::from(room);
        room
    }

    /// From where and by which name one more is counted.
    fn row(&self, at: At, from: Origin, name: String, now: Timestamp) -> (IpAddr, String) {
        let mut all = self.0.lock();
        all.renew(now);
        let known = all.names.get(&(at, from)).map_or(&[][..], Vec::as_slice);
        let name = if known.contains(&name) || known.len() < NAMES_A_MINUTE { name } else { String::new() };
        if known.contains(&name) {
            return (from.ip(), name);
        }
        let rows = all.counting.entry(at).or_default();
        if *rows >= COUNTING_A_DAY {
            return (ANYWHERE, String::new());
        }
        *rows += 1;
        all.names.entry((at, from)).or_default().push(name.clone());
        (from.ip(), name)
    }
}

/// A page of failed logins, each with the name that was said, and where the next begins.
pub type StrangerPage = (Vec<(String, Access)>, Option<Vec<u8>>);

/// Failed logins of a minute by a name that no mailbox has.
#[derive(Clone, Serialize, Deserialize)]
struct StrangerRow {
    name: String,
    protocol: String,
    from: IpAddr,
    outcome: String,
    times: u64,
}

impl<S: Store> Engine<S> {
    /// Writes that somebody did not come in.
    pub(crate) fn turned_away(&self, user: &str, from: (&str, IpAddr), why: LoginResult, now: Timestamp) {
        let name = LoginName::parse(user);
        let found = name.as_ref().map(|name| self.find_mailbox(&name.address)).transpose();
        let noted = match (found.map(Option::flatten), name) {
            (Ok(Some(row)), Some(name)) => return self.refused(MailboxId(row.id), name.credential, from, why, now),
            (Ok(_), None) => self.count_stranger(None, user, from, why, now),
            (Ok(_), Some(name)) => {
                let owner = self.owner(name.address.domain());
                owner.and_then(|owner| self.count_stranger(owner, user, from, why, now))
            }
            (Err(error), _) => Err(error),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, user, "a failed login is not written down");
        }
    }

    /// The same at a mailbox that there is.
    pub(crate) fn refused(
        &self,
        id: MailboxId,
        person: CredentialName,
        (protocol, from): (&str, IpAddr),
        why: LoginResult,
        now: Timestamp,
    ) {
        let (protocol, outcome) = (protocol.to_owned(), why.as_str().to_owned());
        let noted = if why != LoginResult::Locked && self.refusals.room(id, now) {
            let access = Access { at: now, protocol, from, person, outcome, since: None, what: String::new() };
            self.note_access(Transaction::new(&self.store), id, &access)
        } else {
            let (from, person) = self.refusals.row(At::Mailbox(id), from.into(), person.as_str().to_owned(), now);
            let key = row_key(accesses::of(id), now, [&protocol, &from.to_string(), &person, &outcome]);
            let first = EventRow::Refused { protocol, from, person, outcome, times: 0 };
            self.count_refusal(&key, first, |row| {
                if let EventRow::Refused { times, .. } = row {
                    *times += 1;
                }
            })
        };
        if let Err(error) = noted {
            tracing::warn!(%error, mailbox = id.0, "a failed login is not written down");
        }
    }

    fn count_stranger(
        &self,
        tenant: Option<TenantId>,
        user: &str,
        (protocol, from): (&str, IpAddr),
        why: LoginResult,
        now: Timestamp,
    ) -> Result<(), Error> {
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        let name = user.trim().to_lowercase().chars().map(shown).take(MOST_NAME).collect();
        let (from, name) = self.refusals.row(At::Nobody(number(tenant)), from.into(), name, now);
        let (protocol, outcome) = (protocol.to_owned(), why.as_str().to_owned());
        let key = row_key(part(number(tenant)), now, [&protocol, &from.to_string(), &name, &outcome]);
        let first = StrangerRow { name, protocol, from, outcome, times: 0 };
        self.count_refusal(&key, first, |row: &mut StrangerRow| row.times += 1)
    }

    /// Counts one more in a row. It waits for no disk.
    fn count_refusal<R: Serialize + DeserializeOwned + Clone>(
        &self,
        key: &KeyBuilder,
        first: R,
        one_more: impl Fn(&mut R),
    ) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            let mut row = tx.get(key)?.map_or_else(|| Ok(first.clone()), |value| decode(key, &value))?;
            one_more(&mut row);
            tx.put(key, encode(&row));
            Ok(())
        })
    }

    /// At most `limit` of the rows that count, from `from` up to `to`, failed logins by names that no mailbox has, and are an
    /// administration's by their domain or, of every other domain, the provider's: each with the name, empty for many. And
    /// where to go on.
    ///
    /// # Errors
    /// The store's fault.
    pub fn strangers(
        &self,
        tenant: Option<TenantId>,
        (from, to): (Timestamp, Timestamp),
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<StrangerPage, Error> {
        let of = part(number(tenant));
        let period = (of.clone().time(from).done(), of.time(to).done());
        self.page(period, after, limit, |key, value| Ok(read(key, value)?.1))
    }
}

/// The row of a minute for what has all this in common.
fn row_key(of: KeyBuilder, now: Timestamp, common: [&str; 4]) -> KeyBuilder {
    let minute = Timestamp::from_millis(now.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS);
    let hash = sigillo_smime::sha256(common.join("\n").as_bytes());
    let number = hash.iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte));
    of.time(minute).u128(number)
}

/// The part of the table that is in order of time.
pub(crate) fn part(tenant: u64) -> KeyBuilder {
    KeyBuilder::new(tag::STRANGER).u64(tenant)
}

/// The administration's number of a row, the name, and what came of it.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(u64, (String, Access)), StoreError> {
    let mut reader = KeyReader::new(key, tag::STRANGER)?;
    let (tenant, at, _) = (reader.u64()?, reader.time()?, reader.u128()?);
    reader.end()?;
    let StrangerRow { name, protocol, from, outcome, times } = decode(key, value)?;
    let (person, what) = (CredentialName::owner(), counted(times));
    Ok((tenant, (name, Access { at, protocol, from, person, outcome, since: None, what })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tries_many_names_from_many_places_has_a_bounded_number_of_rows() {
        let refusals = Refusals::default();
        let (at, now) = (At::Nobody(1), Timestamp::from_millis(0));
        let place = |n: u32| Origin::from(IpAddr::from(n.to_be_bytes()));
        let row = |from, name: &str, now| refusals.row(at, place(from), name.to_owned(), now);
        let names: Vec<String> = (0..20).map(|n| row(7, &n.to_string(), now).1).collect();
        assert_eq!(names[..10], (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
        assert!(names[10..].iter().all(String::is_empty) && row(7, "3", now).1 == "3");
        let mut rows: Vec<_> = (0..50_000).map(|n| row(1_000 + n % 5_000, &n.to_string(), now)).collect();
        assert_eq!(rows.last(), Some(&(ANYWHERE, String::new())));
        rows.sort();
        rows.dedup();
        assert_eq!(rows.len(), COUNTING_A_DAY as usize - 11 + 1, "eleven were of place 7");
        assert_eq!(row(9, "x", Timestamp::from_millis(DAY_MS)).1, "x", "another day");
        let ipv6 = |last: u16| Origin::from(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]));
        assert_eq!(
            refusals.row(At::Nobody(2), ipv6(1), "a".into(), now),
            refusals.row(At::Nobody(2), ipv6(2), "a".into(), now)
        );
        let of_box = (0..2_000).filter(|_| refusals.room(MailboxId(1), now)).count();
        assert_eq!(of_box, SINGLE_A_DAY as usize);
    }
}
