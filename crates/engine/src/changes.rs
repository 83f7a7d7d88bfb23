//! The life of a mailbox: one change, one transaction, one record of it (BOX-12). What is so already is left alone and is no
//! operation.

use sigillo_accounts::{
    Block, Cancelled, Choice, Done, Inactive, Mailbox, Operation, OrdinaryMail, Profile, Request, State,
};
use sigillo_base::{MailboxId, Said, Timestamp, UnitId, said};
use sigillo_store::{Store, transact};

use crate::directory::address_of;
use crate::fronts::Transaction;
use crate::plans::Counted;
use crate::rows::{decode, encode, mailbox_key};
use crate::tenants::{owner_in, unit_row};
use crate::{ATTEMPTS, Engine, Error, idle, operations, profiles, purge, rates};

/// Capabilities that one mailbox can be without.
const MAX_WITHOUT: usize = 50;

/// What is to become of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is used again.
    Activate,
    /// It keeps what it holds, and neither logs in nor receives nor counts.
    Deactivate,
    /// It neither logs in nor receives; it counts.
    Block(Block),
    /// It does again.
    Unblock,
    /// It ends, after a time of grace.
    Cancel,
    /// It is called back within that time, as it was.
    Undelete,
    /// It has another profile: messages, windows and counts stay.
    Profile(Choice),
    /// It is of this unit of its administration; of none.
    Unit(Option<UnitId>),
    /// What it does with ordinary mail.
    Ordinary(OrdinaryMail),
    /// Capabilities that its clients are not offered, from their next login on.
    Without(Vec<String>),
    /// Into which of its folders receipts go, by name.
    Receipts(String),
}

/// What a change comes to.
struct Next {
    row: Mailbox,
    done: Done,
    detail: String,
}

impl<S: Store> Engine<S> {
    /// Changes a mailbox; `false` when it was so already.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox, its state does not allow this, or the plan leaves no room for it.
    pub fn change(&self, id: MailboxId, change: &Change, request: &Request) -> Result<bool, Error> {
        let changed = transact(&self.store, ATTEMPTS, |tx| self.change_in(tx, id, change, request))?;
        if changed {
            self.bell.mailbox_changed(id); // who waits for mail wakes, and hears that he is out
        }
        Ok(changed)
    }

    /// The same in a transaction; where it fails it wrote nothing.
    pub(crate) fn change_in(
        &self,
        tx: &mut Transaction<'_, S>,
        id: MailboxId,
        change: &Change,
        request: &Request,
    ) -> Result<bool, Error> {
        let missing = || Error::Invalid(said!("la casella non esiste", "there is no such mailbox"));
        let key = mailbox_key(id);
        let before: Mailbox = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
        let unit = unit_row(tx, id)?;
        if let Change::Unit(to) = change {
            return self.change_unit(tx, &before, (unit, *to), request);
        }
        if let Change::Receipts(folder) = change {
            alive(&before)?;
            return self.change_receipts(tx, &before, unit, folder, request);
        }
        let Some(Next { row, done, detail }) = self.next(&before, change, request)? else { return Ok(false) };
        let counted = (Counted::of(&before, unit), Counted::of(&row, unit));
        self.recount(tx, (id, request.now()), counted.0.as_ref(), counted.1.as_ref())?;
        tx.put(&key, encode(&row));
        purge::schedule(tx, &before, &row);
        if let Change::Profile(profile) = change {
            if let Some(name) = &before.profile.custom {
                tx.delete(profiles::use_key(name, id));
            }
            profiles::began(tx, &row, request.now());
            rates::unblock(tx, id, &self.profiles().of(profile).1, request.now())?;
        }
        self.record(tx, &row, unit, done, detail, request)?;
        Ok(true)
    }

    /// Writes the record of what was done to a mailbox.
    pub(crate) fn record(
        &self,
        tx: &mut Transaction<'_, S>,
        row: &Mailbox,
        unit: Option<(u64, u64)>,
        done: Done,
        detail: String,
        request: &Request,
    ) -> Result<(), Error> {
        let address = address_of(row)?;
        let tenant = owner_in(tx, address.domain())?.map(|tenant| tenant.0);
        let unit = unit.filter(|(of, _)| Some(*of) == tenant).map(|(_, unit)| unit);
        let (object, mailbox, request) = (row.address.clone(), Some(row.id), request.clone());
        operations::record(tx, &Operation { done, object, mailbox, tenant, unit, detail, request })?;
        Ok(())
    }

    fn change_unit(
        &self,
        tx: &mut Transaction<'_, S>,
        row: &Mailbox,
        (from, to): (Option<(u64, u64)>, Option<UnitId>),
        request: &Request,
    ) -> Result<bool, Error> {
        alive(row)?;
        let id = MailboxId(row.id);
        let address = address_of(row)?;
        let to = to.map(|unit| self.own_unit(tx, address.domain(), unit)).transpose()?;
        if from == to {
            return Ok(false);
        }
        let counted = (Counted::of(row, from), Counted::of(row, to));
        self.recount(tx, (id, request.now()), counted.0.as_ref(), counted.1.as_ref())?;
        crate::tenants::put_unit(tx, id, to);
        let shown = |unit: Option<(u64, u64)>| unit.map_or("—".to_owned(), |(_, unit)| unit.to_string());
        self.record(tx, row, to, Done::MailboxUnit, format!("{} → {}", shown(from), shown(to)), request)?;
        Ok(true)
    }

    /// What becomes of a mailbox; `None`: it is so already.
    fn next(&self, row: &Mailbox, change: &Change, request: &Request) -> Result<Option<Next>, Error> {
        if *change != Change::Undelete && *change != Change::Cancel {
            alive(row)?;
        }
        let to = |state: State, done, detail: &str| {
            let row = Mailbox { state, ..row.clone() };
            Ok(Some(Next { row, done, detail: detail.to_owned() }))
        };
        let no = |Said { it, en }: Said| {
            let address = &row.address;
            Err(Error::Invalid(said!("la casella {address} {it}", "mailbox {address} {en}")))
        };
        let service = row.profile.base == Profile::Service;
        let since = request.done;
        match (change, &row.state) {
            (Change::Activate, State::Active)
            | (Change::Unblock, State::Active)
            | (Change::Deactivate, State::Inactive(_))
            | (Change::Cancel, State::Cancelled(_)) => Ok(None),
            (Change::Activate, State::Inactive(_)) => to(State::Active, Done::MailboxActivate, ""),
            (Change::Activate, _) => Err(idle::refused(row)),
            (Change::Deactivate | Change::Cancel, _) if service => {
                no(said!("è la casella di servizio: resta in uso", "is the service mailbox: it stays in use"))
            }
            (Change::Deactivate, _) => to(State::Inactive(Inactive { since }), Done::MailboxDeactivate, ""),
            (Change::Block(_) | Change::Unblock, State::Inactive(_)) => Err(idle::refused(row)),
            (Change::Block(block), _) => to(State::Blocked(block.clone()), Done::MailboxBlock, &block.reason),
            (Change::Unblock, _) => to(State::Active, Done::MailboxUnblock, ""),
            (Change::Cancel, State::Gone(_)) => Err(idle::refused(row)),
            (Change::Cancel, before) => {
                let until = request.now().plus(self.rules.grace);
                let cancelled = Cancelled { since, until: until.as_millis(), before: Box::new(before.clone()) };
                to(State::Cancelled(cancelled), Done::MailboxCancel, &format!("ripensamento fino a {until}"))
            }
            (Change::Undelete, State::Cancelled(cancelled)) if cancelled.until > since => {
                to((*cancelled.before).clone(), Done::MailboxUndelete, "")
            }
            (Change::Undelete, State::Cancelled(Cancelled { until: over, .. })) => {
                let Said { it, en } = idle::told(Timestamp::from_millis(*over));
                no(said!(
                    "è stata cancellata e il tempo per ripensarci è finito il {it}",
                    "was cancelled, and the time to call it back was over on {en}"
                ))
            }
            (Change::Undelete, State::Gone(_)) => Err(idle::refused(row)),
            (Change::Undelete, _) => Ok(None),
            _ => attribute(row, change),
        }
    }
}

/// A change of what a mailbox is like, not of whether it is in use.
fn attribute(row: &Mailbox, change: &Change) -> Result<Option<Next>, Error> {
    let mut next = row.clone();
    let (done, detail) = match change {
        Change::Profile(to) => {
            if *to != row.profile && (row.profile.base == Profile::Service || to.base == Profile::Service) {
                return Err(Error::Invalid(said!(
                    "una casella di servizio lo è dall'inizio alla fine",
                    "a service mailbox is one from beginning to end"
                )));
            }
            next.profile = to.clone();
            (Done::MailboxProfile, format!("{} → {}", row.profile.name(), to.name()))
        }
        Change::Ordinary(ordinary) => {
            next.ordinary = *ordinary;
            (Done::MailboxChange, format!("posta ordinaria: {:?} → {ordinary:?}", row.ordinary).to_lowercase())
        }
        Change::Without(capabilities) => {
            next.without = without(capabilities)?;
            (Done::MailboxChange, format!("senza: {}", next.without.join(", ")))
        }
        _ => return Ok(None),
    };
    Ok((next != *row).then_some(Next { row: next, done, detail }))
}

fn without(capabilities: &[String]) -> Result<Vec<String>, Error> {
    let mut without: Vec<String> = capabilities.iter().map(|word| word.to_ascii_uppercase()).collect();
    without.sort_unstable();
    without.dedup();
    let fine = |word: &String| (1..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic());
    if without.len() > MAX_WITHOUT || !without.iter().all(fine) {
        return Err(Error::Invalid(said!(
            "non più di {MAX_WITHOUT} capacità, ognuna una parola",
            "at most {MAX_WITHOUT} capabilities, each one word"
        )));
    }
    // What nobody announces is a mistake in writing, and what was meant would stay.
    let known = |word: &str| sigillo_imap::capabilities().any(|name| name.eq_ignore_ascii_case(word));
    if let Some(unknown) = without.iter().find(|word| !known(word)) {
        let known = sigillo_imap::capabilities().collect::<Vec<_>>().join(", ");
        return Err(Error::Invalid(said!(
            "«{unknown}» non è una capacità di IMAP che si possa togliere: {known}",
            "“{unknown}” is no IMAP capability that can be taken away: {known}"
        )));
    }
    Ok(without)
}

/// Refuses to change what was cancelled.
fn alive(row: &Mailbox) -> Result<(), Error> {
    match &row.state {
        State::Cancelled(_) | State::Gone(_) => Err(idle::refused(row)),
        State::Active | State::Blocked(_) | State::Inactive(_) => Ok(()),
    }
}
