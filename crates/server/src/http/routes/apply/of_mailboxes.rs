//! How a mailbox is to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use data_encoding::BASE64;
use parking_lot::Mutex;
use sigillo_accounts::{
    Act, Choice, Mailbox, OrdinaryMail, PasswordHash, PersonName, Request, State, Target, Verifier,
};
use sigillo_admin::api::{MailboxLine, mailbox_path};
use sigillo_base::{Address, MailboxId, Said, UnitId, said};
use sigillo_engine::{Change, Entry};
use sigillo_store_rocks::RocksStore;

use super::{AT_ONCE, Line, Outcome, Work, Wrong, need, need_named, of, told};
use crate::http::actor::Actor;
use crate::http::named::Named;
use crate::http::routes::credentials::kept;
use crate::http::routes::life::{may_answer, named};
use crate::http::routes::{broken_off, not_among};
use crate::ids::random;
use crate::provider::House;

/// Who hashes the passwords of a file; the others wait.
static HASHING: Mutex<()> = Mutex::new(());
/// The profile of a mailbox for which none is named.
const STANDARD: &str = "standard";

/// Whether it is to be in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Active,
    Inactive,
    Cancelled,
}

/// What a line wants; what is absent stays.
struct Wish {
    standing: Option<Use>,
    profile: Option<Choice>,
    unit: Option<Option<UnitId>>,
    responsible: Option<PersonName>,
    ordinary: Option<OrdinaryMail>,
}

impl Wish {
    fn read(line: &MailboxLine, work: &Work<'_>, unit: Option<Option<UnitId>>) -> Result<Self, Wrong> {
        let standing = match line.state.as_deref() {
            None => None,
            Some("active") => Some(Use::Active),
            Some("inactive") => Some(Use::Inactive),
            Some("cancelled") => Some(Use::Cancelled),
            Some(other) => {
                let why = not_among(other, "active, inactive o cancelled", "active, inactive or cancelled");
                return Err(Wrong::new("state", why));
            }
        };
        let ordinary = match line.ordinary_mail.as_deref() {
            None => None,
            Some("refuse") => Some(OrdinaryMail::Refuse),
            Some("accept") => Some(OrdinaryMail::Accept),
            Some(other) => {
                return Err(Wrong::new("ordinary_mail", not_among(other, "refuse o accept", "refuse or accept")));
            }
        };
        let profiles = work.engine.profiles();
        let profile = line.profile.as_deref().map(|name| profiles.choose(name)).transpose().map_err(of("profile"))?;
        let person =
            |name: &str| named(work.engine, &work.actor, name).map_err(|fail| Wrong::new("responsible", fail.detail));
        let responsible = line.responsible.as_deref().map(person).transpose()?;
        if let Some(name) = &responsible
            && work.engine.person(name)?.is_none_or(|(_, person)| person.ended.is_some())
        {
            return Err(Wrong::new("responsible", Named::Person(name.as_str()).missing().detail));
        }
        Ok(Self { standing, profile, unit, responsible, ordinary })
    }
}

impl Line for MailboxLine {
    const KIND: &str = "mailboxes";
    type Of = ();

    fn number(&self) -> usize {
        self.line
    }

    fn object(&self) -> &str {
        &self.address
    }

    fn asked(&self) -> (Option<&str>, Option<&str>) {
        (self.ticket.as_deref(), self.requested_at.as_deref())
    }

    fn hashed((engine, actor): (&House, &Actor), lines: &[Self], trial: bool) -> Vec<Result<Option<Verifier>, Said>> {
        // Of all files at once: each hash takes a core, and memory.
        let _turn = HASHING.lock();
        let threads = thread::available_parallelism().map_or(1, usize::from).min(AT_ONCE);
        let next = AtomicUsize::new(0);
        let mut made: Vec<_> = lines.iter().map(|_| Err(broken_off().detail)).collect();
        let hash = || {
            let mut own = Vec::new();
            loop {
                let at = next.fetch_add(1, Relaxed);
                let Some(line) = lines.get(at) else { return own };
                own.push((at, first_verifier((engine, actor), line, trial)));
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(hash)).collect();
            for (at, verifier) in workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()) {
                made[at] = verifier;
            }
        });
        made
    }

    fn apply(
        &self,
        work: &mut Work<'_>,
        address: &Address,
        verifier: Option<&Verifier>,
        request: &Request,
    ) -> Result<Outcome, Wrong> {
        let target = work.engine.target(address)?;
        let named = Named::Mailbox(address.as_str());
        let unit = work.unit(&target, self.unit.as_deref(), (Act::MailboxCreate, named))?;
        // Before anything is said about what the line wants.
        let (act, at) = match work.engine.find_mailbox(address)? {
            Some(_) => (Act::MailboxRead, target),
            None => (Act::MailboxCreate, Target { unit: unit.flatten(), ..target }),
        };
        need_named(work.engine, &work.actor, act, &at, named)?;
        let wish = Wish::read(self, work, unit)?;
        let (engine, actor) = (work.engine, work.actor.clone());
        work.batch.entry(|entry| {
            let there = entry.mailbox(address)?;
            let mut hand = Hand { engine, actor: &actor, entry, address, target, request, changed: false };
            match there {
                None => hand.make(&wish, verifier),
                Some(row) => hand.change(&wish, &row),
            }
        })
    }
}

/// The verifier of a mailbox that is not there yet. Of who may make none there nothing is hashed: neither what is wrong with
/// a password nor the time it takes tells him whether there is one.
fn first_verifier(
    (engine, actor): (&House, &Actor),
    line: &MailboxLine,
    trial: bool,
) -> Result<Option<Verifier>, Said> {
    // What is wrong with an address is said of its line, later.
    let Ok(address) = Address::parse(&line.address) else { return Ok(None) };
    let makes = match engine.owner(address.domain())? {
        Some(tenant) => actor.may_within(engine, Act::MailboxCreate, tenant).map_err(|fail| fail.detail)?,
        None => actor.may(Act::MailboxCreate, &Target::SERVICE),
    };
    if !makes {
        return Ok(None);
    }
    let there = engine.find_mailbox(&address)?.is_some();
    let cancelled = line.state.as_deref() == Some("cancelled");
    match (&line.password, &line.password_hash) {
        _ if there || cancelled => Ok(None),
        (Some(_), None) if trial => locked().map(Some),
        (None, None) => locked().map(Some),
        (password, hash) => {
            kept(engine, &address, password.as_ref(), hash.as_ref()).map(Some).map_err(|fail| fail.detail)
        }
    }
}

/// Of no password at all: 32 random bytes in the place of a digest.
fn locked() -> Result<Verifier, Said> {
    let hash = format!("{{SSHA256}}{}", BASE64.encode(&random::<40>()));
    Ok(PasswordHash::parse(&hash).map(Verifier::from)?)
}

/// Does what a line wants.
struct Hand<'h, 't, 's> {
    engine: &'h House,
    actor: &'h Actor,
    entry: &'h mut Entry<'t, 's, Arc<RocksStore>>,
    address: &'h Address,
    target: Target,
    request: &'h Request,
    changed: bool,
}

impl Hand<'_, '_, '_> {
    fn make(&mut self, wish: &Wish, verifier: Option<&Verifier>) -> Result<Outcome, Wrong> {
        if wish.standing == Some(Use::Cancelled) {
            return Err(Wrong::new("address", said!("la casella non c'è", "there is no such mailbox")));
        }
        let unit = wish.unit.flatten();
        need(self.actor, Act::MailboxCreate, &Target { unit, ..self.target })?;
        let gone = || said!("la casella c'era fino a un momento fa", "the mailbox was there until a moment ago");
        let verifier = verifier.ok_or_else(|| Wrong::new("password", gone()))?;
        let profile = match &wish.profile {
            Some(profile) => profile.clone(),
            None => self.engine.profiles().choose(STANDARD).map_err(of("profile"))?,
        };
        let id = self.entry.add_mailbox(self.address, unit, &profile, verifier, self.request).map_err(of("address"))?;
        self.target = Target { unit, mailbox: Some(id), ..self.target };
        self.log(Act::MailboxCreate);
        if wish.standing == Some(Use::Inactive) {
            self.act(id, Act::MailboxActivate, "state", &Change::Deactivate)?;
        }
        self.attributes(wish, id)?;
        Ok(Outcome::Created)
    }

    fn change(&mut self, wish: &Wish, row: &Mailbox) -> Result<Outcome, Wrong> {
        let id = MailboxId(row.id);
        need(self.actor, Act::MailboxRead, &self.target)?;
        match (wish.standing, &row.state) {
            (Some(Use::Cancelled), _) => {
                self.act(id, Act::MailboxCancel, "state", &Change::Cancel)?;
                return Ok(self.outcome());
            }
            (Some(Use::Active), State::Cancelled(cancelled)) => {
                self.act(id, Act::MailboxCancel, "state", &Change::Undelete)?;
                if matches!(*cancelled.before, State::Inactive(_)) {
                    self.act(id, Act::MailboxActivate, "state", &Change::Activate)?;
                }
            }
            (Some(Use::Active), State::Inactive(_)) => {
                self.act(id, Act::MailboxActivate, "state", &Change::Activate)?;
            }
            // A blocked one is in use: a file unblocks nobody.
            (Some(Use::Active) | None, _) => {}
            (Some(Use::Inactive), _) => self.act(id, Act::MailboxActivate, "state", &Change::Deactivate)?,
        }
        if let Some(profile) = wish.profile.as_ref().filter(|profile| **profile != row.profile) {
            self.act(id, Act::MailboxProfile, "profile", &Change::Profile(profile.clone()))?;
        }
        if let Some(unit) = wish.unit.filter(|unit| *unit != self.target.unit) {
            // Which unit it is of is its administration's to say, not a unit's.
            self.target.unit = None;
            self.act(id, Act::UnitWrite, "unit", &Change::Unit(unit))?;
            self.target.unit = unit;
        }
        self.attributes(wish, id)?;
        Ok(self.outcome())
    }

    fn attributes(&mut self, wish: &Wish, id: MailboxId) -> Result<(), Wrong> {
        if let Some(ordinary) = wish.ordinary {
            self.act(id, Act::MailboxChange, "ordinary_mail", &Change::Ordinary(ordinary))?;
        }
        let Some(person) = &wish.responsible else { return Ok(()) };
        if self.engine.responsible(id)? == [person.as_str()] {
            return Ok(());
        }
        may_answer(self.actor, id, &self.target, Some(person))
            .map_err(|fail| Wrong { denied: Some(Act::PersonWrite), ..Wrong::new("responsible", fail.detail) })?;
        if self.entry.set_responsible(id, person, self.request).map_err(of("responsible"))? {
            self.changed = true;
            self.log(Act::PersonWrite);
        }
        Ok(())
    }

    fn act(&mut self, id: MailboxId, act: Act, field: &'static str, change: &Change) -> Result<(), Wrong> {
        need(self.actor, act, &self.target)?;
        if self.entry.change(id, change, self.request).map_err(of(field))? {
            self.changed = true;
            self.log(act);
        }
        Ok(())
    }

    fn log(&mut self, act: Act) {
        self.entry.log(told(self.actor, act, &mailbox_path(self.address.as_str())), self.request.now());
    }

    fn outcome(&self) -> Outcome {
        if self.changed { Outcome::Changed } else { Outcome::Unchanged }
    }
}
