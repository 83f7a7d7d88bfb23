//! Mailboxes, lists and entries of address books by file (WEB-08): how each is to be, line by line. A line is done in one commit or not at all, and stops
//! no other; what is so already is left alone, so that a file may be given again.

mod of_entries;
mod of_lists;
mod of_mailboxes;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::bail;
use axum::Extension;
use axum::extract::{Path, State};
use sigillo_accounts::{Act, Request, Target, Verifier};
use sigillo_admin::api;
use sigillo_base::{Address, Complaint, Said, TenantId, Timestamp, UnitId, said};
use sigillo_engine::Batch;
use sigillo_pec::log::{ServiceEvent, Stage};
use sigillo_store_rocks::RocksStore;

use super::requests::Asking;
use super::steps::{Steps, steps};
use super::{At, Fail, alive, not_among, tenants, work};
use crate::http::actor::Actor;
use crate::http::authority::MOST_OBJECT;
use crate::http::extract::{Sent, Tried};
use crate::http::named::Named;
use crate::http::table::{On, Row, post};
use crate::provider::House;

/// Octets of a request: a file of [`api::APPLY_LIMIT`] lines.
const MOST_BYTES: u64 = 32 << 20;
const ENTRIES: &str = "/v1/tenants/{tenant}/address-book/apply";
/// Passwords hashed before their lines are done.
const AHEAD: usize = 64;
/// Of these at once: each takes a core, and memory.
const AT_ONCE: usize = 8;

pub(super) fn rows() -> Vec<Row> {
    vec![
        post(api::MAILBOXES_APPLY, (Act::MailboxChange, On::Each), "brings mailboxes to what a file says", mailboxes)
            .up_to(MOST_BYTES)
            .silent(),
        post(api::LISTS_APPLY, (Act::ListMembers, On::Each), "brings lists to what a file says", lists)
            .up_to(MOST_BYTES)
            .silent(),
        post(ENTRIES, (Act::AddressBookWrite, On::Tenant), "brings an address book to what a file says", entries)
            .up_to(MOST_BYTES)
            .silent(),
    ]
}

/// Why a line came to nothing.
struct Wrong {
    field: &'static str,
    why: Said,
    /// He may not.
    denied: Option<Act>,
}

impl Wrong {
    fn new(field: &'static str, why: impl Into<Said>) -> Self {
        Self { field, why: why.into(), denied: None }
    }

    /// Of who may not do this, or not read what he named: the log says no more than he hears.
    fn denied(act: Act) -> impl Fn(Fail) -> Self {
        move |fail| Self { denied: Some(fail.hides().unwrap_or(act)), ..Self::from(fail) }
    }
}

impl From<sigillo_engine::Error> for Wrong {
    fn from(error: sigillo_engine::Error) -> Self {
        Self::new("", error)
    }
}

impl From<Fail> for Wrong {
    fn from(fail: Fail) -> Self {
        Self::new("", fail.detail)
    }
}

/// The error of a field.
fn of<E: Into<Said>>(field: &'static str) -> impl Fn(E) -> Wrong {
    move |error| Wrong::new(field, error)
}

/// What a line came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Created,
    Changed,
    Unchanged,
}

/// A line of a file, of whatever.
trait Line: Send + 'static {
    /// The collection that it is of: `mailboxes`.
    const KIND: &str;
    /// Within what all lines of a file are.
    type Of: Copy + Send + 'static;
    fn number(&self) -> usize;
    fn object(&self) -> &str;
    /// What it is about, as the log has it.
    fn path(&self, _: Self::Of) -> String {
        format!("/v1/{}/{}", Self::KIND, api::escaped(self.object()))
    }
    /// Its own ticket and time.
    fn asked(&self) -> (Option<&str>, Option<&str>);
    /// The passwords that are new, hashed; given back in the order of the lines.
    fn hashed(_: (&House, &Actor), lines: &[Self], _: bool) -> Vec<Result<Option<Verifier>, Said>>
    where
        Self: Sized,
    {
        lines.iter().map(|_| Ok(None)).collect()
    }
    fn apply(
        &self,
        work: &mut Work<'_, Self::Of>,
        address: &Address,
        verifier: Option<&Verifier>,
        request: &Request,
    ) -> Result<Outcome, Wrong>;
}

/// What lines are done with.
struct Work<'e, O = ()> {
    of: O,
    engine: &'e House,
    batch: Batch<'e, Arc<RocksStore>>,
    actor: Actor,
}

/// Refuses who may not; to who may not read it, it is not there.
fn need_named(engine: &House, actor: &Actor, act: Act, target: &Target, named: Named<'_>) -> Result<(), Wrong> {
    if !actor.may(act, target) {
        named.need_seen(engine, actor).map_err(Wrong::denied(act))?;
    }
    need(actor, act, target)
}

/// Refuses who may not.
fn need(actor: &Actor, act: Act, target: &Target) -> Result<(), Wrong> {
    actor.need(act, target).map_err(Wrong::denied(act))
}

/// What the log says of a line that is done.
fn told(actor: &Actor, act: Act, path: &str) -> ServiceEvent {
    event(actor, act, Stage::Asked, path)
}

fn event(actor: &Actor, act: Act, stage: Stage, object: &str) -> ServiceEvent {
    let (by, object) = (actor.name(), object.chars().take(MOST_OBJECT).collect());
    ServiceEvent::Admin {
        act: act.name().to_owned(),
        stage,
        by,
        method: "POST".to_owned(),
        object,
        token: actor.token(),
        from: actor.ip().map(|ip| ip.to_string()),
        content: None,
    }
}

impl<O> Work<'_, O> {
    /// The unit that a field names: by number or name, or none. Who may not do this in the whole administration hears only that.
    fn unit(
        &self,
        target: &Target,
        text: Option<&str>,
        (act, named): (Act, Named<'_>),
    ) -> Result<Option<Option<UnitId>>, Wrong> {
        let found = self.unit_of(target, text);
        if found.is_err() {
            need_named(self.engine, &self.actor, act, target, named)?;
        }
        found
    }

    fn unit_of(&self, target: &Target, text: Option<&str>) -> Result<Option<Option<UnitId>>, Wrong> {
        let Some(text) = text else { return Ok(None) };
        if text == "-" {
            return Ok(Some(None));
        }
        let wrong = || {
            Wrong::new("unit", not_among(text, "una struttura dell'amministrazione", "a unit of the administration"))
        };
        let units = self.engine.units(target.tenant.ok_or_else(wrong)?)?;
        let named = |(id, unit): &&(UnitId, sigillo_accounts::Unit)| {
            id.0.to_string() == text || unit.name.eq_ignore_ascii_case(text)
        };
        units.iter().find(named).map(|(id, _)| Some(Some(*id))).ok_or_else(wrong)
    }
}

async fn mailboxes(
    at: At,
    actor: Extension<Actor>,
    tried: Tried,
    asking: Asking,
    Sent(order): Sent<api::Apply<api::MailboxLine>>,
) -> Result<Steps<api::Applied>, Fail> {
    apply(at, actor, tried, (asking, ()), order)
}

async fn lists(
    at: At,
    actor: Extension<Actor>,
    tried: Tried,
    asking: Asking,
    Sent(order): Sent<api::Apply<api::ListLine>>,
) -> Result<Steps<api::Applied>, Fail> {
    apply(at, actor, tried, (asking, ()), order)
}

async fn entries(
    at: At,
    actor: Extension<Actor>,
    Path(tenant): Path<u64>,
    tried: Tried,
    asking: Asking,
    Sent(order): Sent<api::Apply<api::BookLine>>,
) -> Result<Steps<api::Applied>, Fail> {
    let tenant = TenantId(tenant);
    work(&*alive(&at.0)?, move |engine| tenants::living(engine, tenant).map(drop)).await?;
    apply(at, actor, tried, (asking, tenant), order)
}

fn apply<L: Line>(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Tried(dry_run): Tried,
    (asking, of): (Asking, L::Of),
    api::Apply { lines }: api::Apply<L>,
) -> Result<Steps<api::Applied>, Fail> {
    if lines.len() > api::APPLY_LIMIT {
        return Err(Fail::bad(said!(
            "lines: al più {} righe per volta",
            "lines: at most {} lines at a time",
            api::APPLY_LIMIT
        )));
    }
    let provider = alive(&provider)?;
    asking.request(provider.clock.now())?;
    let (engine, clock) = (Arc::clone(&provider.engine), Arc::clone(&provider.clock));
    Ok(steps(provider.down(), asking.lang(), move |progress| {
        let now = || clock.now();
        all(&engine, &actor, (&asking, of), (&lines, dry_run), now, progress)
    }))
}

fn all<L: Line>(
    engine: &House,
    actor: &Actor,
    (asking, of): (&Asking, L::Of),
    (lines, dry_run): (&[L], bool),
    now: impl Fn() -> Timestamp,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> anyhow::Result<api::Applied> {
    let mut work = Work { of, engine, batch: engine.batch(dry_run), actor: actor.clone() };
    let mut applied = api::Applied { dry_run, ..api::Applied::default() };
    let (mut seen, mut done) = (HashSet::new(), 0);
    for page in lines.chunks(AHEAD) {
        let hashed = L::hashed((engine, actor), page, dry_run);
        for (line, verifier) in page.iter().zip(hashed) {
            match one(&mut work, asking, line, verifier, &mut seen, now()) {
                Ok(Outcome::Created) => applied.created += 1,
                Ok(Outcome::Changed) => applied.changed += 1,
                Ok(Outcome::Unchanged) => applied.unchanged += 1,
                Err(Wrong { field, why, denied }) => {
                    if let Some(act) = denied.filter(|_| !dry_run) {
                        engine.log_service(event(actor, act, Stage::Denied, &line.path(of)), now())?;
                    }
                    let (field, object) = (field.to_owned(), line.object().to_owned());
                    let why = why.pick(asking.lang()).to_owned();
                    applied.wrong.push(api::WrongLine { line: line.number(), object, field, why });
                }
            }
            done += 1;
            if progress(done, lines.len() as u64).is_break() {
                bail!(Complaint(said!(
                    "interrotto alla riga {}: ridare il file, ciò che è fatto resta com'è",
                    "broken off at line {}: give the file again, what is done stays as it is",
                    line.number()
                )));
            }
        }
    }
    Ok(applied)
}

fn one<L: Line>(
    work: &mut Work<'_, L::Of>,
    asking: &Asking,
    line: &L,
    verifier: Result<Option<Verifier>, Said>,
    seen: &mut HashSet<String>,
    now: Timestamp,
) -> Result<Outcome, Wrong> {
    let address = Address::parse(line.object()).map_err(of("address"))?;
    if !seen.insert(address.key()) {
        return Err(Wrong::new(
            "address",
            said!("sta già in una riga prima di questa", "it is in a line before this one already"),
        ));
    }
    let (ticket, at) = line.asked();
    let request = asking.asked(ticket, at, now).map_err(|fail| Wrong::new("requested_at", fail.detail))?;
    let verifier = verifier.map_err(of("password"))?;
    line.apply(work, &address, verifier.as_ref(), &request)
}
