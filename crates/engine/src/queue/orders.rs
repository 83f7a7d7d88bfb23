//! What an administrator orders about items of the queue. Each order is an event of the log in the commit that carries it
//! out: who, what, why. Deadlines run on whatever is ordered, and nobody is dropped in silence.

use sigillo_base::{Address, MsgId, Said, Timestamp, said};
use sigillo_pec::compose::NonDelivery;
use sigillo_pec::log::{QueueOrder, ServiceEvent};
use sigillo_store::{Store, transact};

use super::{end_of_life, item, make_due, remove, reschedule};
use crate::failed::Failed;
use crate::fronts::Transaction;
use crate::leases::{self, Lease};
use crate::rows::{Carried, HoldRow, ItemRow, Work, encode, item_key};
use crate::{ATTEMPTS, Engine, Error, notices};

/// What becomes of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// It is not tried any more until it is released, or its time is over.
    Hold,
    /// It is tried again.
    Release,
    /// It is due now.
    Retry,
    /// It goes to this server, `host:port`; `None`: where mail for its domain goes.
    Reroute(Option<String>),
    /// It is given up: every recipient ends as if he had been refused.
    Drop,
}

impl Order {
    fn name(&self) -> QueueOrder {
        match self {
            Self::Hold => QueueOrder::Hold,
            Self::Release => QueueOrder::Release,
            Self::Retry => QueueOrder::Retry,
            Self::Reroute(_) => QueueOrder::Reroute,
            Self::Drop => QueueOrder::Drop,
        }
    }
}

impl<S: Store> Engine<S> {
    /// Carries out an order about an item; `by` and `why` go into the log.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it cannot be carried out: the item is gone, is held already, or is in work;
    /// the store's or the signer's fault.
    pub fn order(&self, id: u128, order: &Order, by: &str, why: &str, now: Timestamp) -> Result<(), Error> {
        let event = |row: &ItemRow| ServiceEvent::Queue {
            what: order.name(),
            id: row.pec_id.clone(),
            item: format!("{id:032x}"),
            by: by.to_owned(),
            why: match order {
                Order::Reroute(Some(route)) => format!("{why} (verso {route})"),
                _ => why.to_owned(),
            },
        };
        if *order == Order::Drop {
            let row = item(&mut Transaction::new(&self.store), id)?.ok_or_else(gone)?;
            let why = format!("554 5.7.1 eliminato dalla coda dal gestore: {why}");
            self.give_up(id, &row, &why, now, |tx, first| {
                if leases::is_in_work(tx, id, now)? {
                    return Err(in_work());
                }
                if first {
                    self.log_event(tx, event(&row), now);
                }
                Ok(())
            })?;
        } else {
            let hold = HoldRow { since: now.as_millis(), by: by.into(), why: why.into() };
            transact(&self.store, ATTEMPTS, |tx| {
                let row = item(tx, id)?.ok_or_else(gone)?;
                self.log_event(tx, event(&row), now);
                let at_work = leases::is_in_work(tx, id, now)?;
                change(tx, id, row, order, at_work, hold.clone())
            })?;
        }
        tracing::warn!(item = %format_args!("{id:032x}"), ?order, by, why, "ordered by an administrator");
        Ok(())
    }

    /// An item that is held was due: its worker is heard of no more, or its time is over.
    pub(super) fn keep_held(&self, row: &ItemRow, lease: &Lease, now: Timestamp) -> Result<(), Error> {
        let ends = end_of_life(row);
        if now < ends {
            return transact(&self.store, ATTEMPTS, |tx| {
                tx.later();
                if let (Some(row), true) = (item(tx, lease.item)?, lease.holds(tx)?) {
                    reschedule(tx, lease.item, row, ends);
                    leases::end(tx, lease.item);
                }
                Ok(())
            });
        }
        let why = row.held.as_ref().map(|hold| hold.why.as_str()).unwrap_or_default();
        let why = format!("554 5.4.7 tempo massimo di consegna superato: trattenuto dal gestore: {why}");
        self.give_up(lease.item, row, &why, now, |_, _| Ok(()))
    }

    /// Every recipient of an item ends here. `also` is asked in each commit, and told whether it is the first.
    fn give_up(
        &self,
        id: u128,
        row: &ItemRow,
        why: &str,
        now: Timestamp,
        also: impl Fn(&mut Transaction<'_, S>, bool) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match &row.work {
            Work::Relay { what: Carried::Envelope, rcpts, .. } => {
                for (n, rcpt) in rcpts.iter().enumerate() {
                    let bad = |_| sigillo_store::Error::corrupt(item_key(id), "a recipient is not an address");
                    let rcpt = Address::parse(rcpt).map_err(bad)?;
                    let failed = Failed { rcpt, why: why.to_owned(), replied: false };
                    self.fail(id, row, &failed, now, |tx| also(tx, n == 0))?;
                }
                Ok(())
            }
            // Of receipts and notices nobody is told (RFC 6109 §3.3.3): the event says it.
            Work::Relay { .. } => transact(&self.store, ATTEMPTS, |tx| {
                also(tx, true)?;
                notices::end(tx, id, Some(why), now)?;
                if let Some(row) = item(tx, id)? {
                    remove(tx, id, &row)?;
                }
                Ok(())
            }),
            Work::Deliver { msg, rcpt, .. } => {
                let why = NonDelivery::refused(why);
                self.refuse_delivery(id, (MsgId(*msg), rcpt), why, now, |tx| also(tx, true))
            }
        }
    }
}

/// Writes what an order changes in an item. What is in work is left to its worker, and told by what he then does.
fn change<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: u128,
    mut row: ItemRow,
    order: &Order,
    at_work: bool,
    hold: HoldRow,
) -> Result<(), Error> {
    let invalid = |why: Said| Err(Error::Invalid(why));
    match order {
        Order::Hold if row.held.is_some() => return invalid(said!("è già trattenuto", "it is held already")),
        Order::Hold => {
            row.held = Some(hold);
            if !at_work {
                leases::end(tx, id);
                let ends = end_of_life(&row);
                reschedule(tx, id, row, ends);
                return Ok(());
            }
        }
        Order::Release if row.held.is_none() => return invalid(said!("non è trattenuto", "it is not held")),
        Order::Release => row.held = None,
        Order::Retry if row.held.is_some() => {
            return invalid(said!("è trattenuto: prima va rilasciato (release)", "it is held: release it first"));
        }
        Order::Retry if at_work => return Err(in_work()),
        Order::Retry | Order::Drop => {}
        Order::Reroute(route) => match &row.work {
            Work::Relay { local: false, .. } => row.route.clone_from(route),
            _ => {
                return invalid(said!(
                    "si consegna in questo gestore: non ha una rotta",
                    "it is delivered within this provider: it has no route"
                ));
            }
        },
    }
    if at_work || row.held.is_some() {
        tx.put(item_key(id), encode(&row)); // its place in the index stays
        return Ok(());
    }
    leases::end(tx, id);
    Ok(make_due(tx, id, row)?)
}

fn gone() -> Error {
    Error::Invalid(said!("non è più in coda", "it is no longer in the queue"))
}

fn in_work() -> Error {
    Error::Invalid(said!(
        "è in consegna in questo momento: trattenerlo (hold) e riprovare",
        "it is being delivered at this moment: hold it and try again"
    ))
}
