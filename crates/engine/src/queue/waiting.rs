//! The queue as people see it.

use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_store::{KeyBuilder, KeyReader, Store, key, tag};

use super::end_of_life;
use crate::rows::{HoldRow, ItemRow, LeaseRow, Work, decode, item_key, lease_key};
use crate::{Engine, Error};

/// Items read for one page: what a filter leaves out must not make an answer slow.
const READ: usize = 5_000;

/// Who holds an item back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// When it was ordered.
    pub since: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub why: String,
}

/// A line of the queue, for people.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Number of the item.
    pub id: u128,
    /// `relay` or `deliver`.
    pub work: &'static str,
    /// Where it goes: a domain or a mailbox.
    pub to: String,
    /// Recipients still open.
    pub rcpts: Vec<String>,
    /// The sender of the transaction it belongs to.
    pub owner: String,
    /// When it was queued.
    pub created: Timestamp,
    /// When it is tried next; for what is in work, when its worker is given up.
    pub due: Timestamp,
    /// Whether its time has come, and it waits for its turn.
    pub is_due: bool,
    /// Attempts begun.
    pub attempts: u32,
    /// Why the last one failed; empty when there was none.
    pub last_error: String,
    /// The certified identifier it belongs to.
    pub transaction: String,
    /// The server that works at it now.
    pub worker: Option<String>,
    /// Who holds it back.
    pub held: Option<Hold>,
    /// Where it is handed over instead.
    pub route: Option<String>,
    /// When it is given up.
    pub ends: Timestamp,
}

/// What an item is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Waiting for its time or its turn.
    Waiting,
    /// Being delivered or handed over.
    InWork,
    /// Held back by an administrator.
    Held,
}

/// Which items are meant; what is `None` leaves nothing out.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The destination domain.
    pub to: Option<String>,
    /// The sender's address.
    pub from: Option<String>,
    /// Queued at least so long ago.
    pub older_than: Option<Duration>,
    /// What it is doing.
    pub state: Option<Wanted>,
    /// The number of an item in hexadecimal, or a certified identifier.
    pub id: Option<String>,
}

impl Waiting {
    /// What it is doing.
    pub fn state(&self) -> Wanted {
        match (&self.worker, &self.held) {
            (Some(_), _) => Wanted::InWork,
            (None, Some(_)) => Wanted::Held,
            (None, None) => Wanted::Waiting,
        }
    }
}

impl Filter {
    fn takes(&self, item: &Waiting, domain: &str, now: Timestamp) -> bool {
        let id = |id: &String| *id == item.transaction || *id == format!("{:032x}", item.id);
        self.to.as_ref().is_none_or(|to| to.eq_ignore_ascii_case(domain))
            && self.from.as_ref().is_none_or(|from| from.eq_ignore_ascii_case(&item.owner))
            && self.older_than.is_none_or(|age| now.since(item.created) >= age)
            && self.state.is_none_or(|state| state == item.state())
            && self.id.as_ref().is_none_or(id)
    }

    /// The number of the one item that is meant.
    fn number(&self) -> Option<u128> {
        u128::from_str_radix(self.id.as_deref()?, 16).ok()
    }
}

impl<S: Store> Engine<S> {
    /// At most `limit` items of the queue after this number that the filter takes, and after which number the next page
    /// begins, if there may be one: a page may be short, or empty, and not the last.
    ///
    /// # Errors
    /// The store's fault.
    pub fn queue_page(
        &self,
        filter: &Filter,
        after: Option<u128>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Waiting>, Option<u128>), Error> {
        let (first, end) = KeyBuilder::new(tag::QUEUE_ITEM).range();
        // The number of one item leads to it at once.
        let (mut from, to) = match (filter.number(), after) {
            (Some(id), None) => (item_key(id).done(), key::successor(item_key(id))),
            (Some(_), Some(_)) => return Ok((Vec::new(), None)),
            (None, after) => (after.map_or(first, |after| key::successor(item_key(after))), end),
        };
        let (mut found, mut read, mut last) = (Vec::new(), 0, None);
        while read < READ {
            let page = self.sound(&from, &to, 256, |key, value| self.waiting(key, value))?;
            let Some((item, _)) = page.last() else { return Ok((found, None)) };
            read += page.len();
            from = key::successor(item_key(item.id));
            for (item, domain) in page {
                last = Some(item.id);
                if filter.takes(&item, &domain, now) {
                    found.push(item);
                    if found.len() == limit {
                        return Ok((found, last));
                    }
                }
            }
        }
        Ok((found, last))
    }

    fn waiting(&self, key: &[u8], value: &[u8]) -> Result<(Waiting, String), sigillo_store::Error> {
        let row: ItemRow = decode(key, value)?;
        let id = KeyReader::new(key, tag::QUEUE_ITEM)?.u128()?;
        let lease = self.store.get(lease_key(id).as_ref())?;
        let lease: Option<LeaseRow> = lease.map(|value| decode(lease_key(id), &value)).transpose()?;
        let (domain, ends) = (row.work.destination().to_owned(), end_of_life(&row));
        let (work, to, rcpts) = match row.work {
            Work::Relay { domain, rcpts, .. } => ("relay", domain, rcpts),
            Work::Deliver { rcpt, .. } => ("deliver", rcpt.clone(), vec![rcpt]),
        };
        let hold = |HoldRow { since, by, why }| Hold { since: Timestamp::from_millis(since), by, why };
        let waiting = Waiting {
            id,
            work,
            to,
            rcpts,
            owner: row.owner,
            created: Timestamp::from_millis(row.created),
            due: Timestamp::from_millis(row.due),
            is_due: row.turn.is_some(),
            attempts: row.attempts,
            last_error: row.last_error,
            transaction: row.pec_id,
            worker: lease.map(|lease| lease.server),
            held: row.held.map(hold),
            route: row.route,
            ends,
        };
        Ok((waiting, domain))
    }
}
