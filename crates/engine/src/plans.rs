//! What an administration ordered, and how much of it is in use (WEB-04, WEB-11). Mailboxes that count are counted by
//! domain, and within it by unit, in the commit that makes one count or no longer, so that two at once never pass what was
//! ordered. What an administration has in use is the sum over the domains that are its own, of a unit too: a domain's counts go
//! with it to another one, and come back with it. A domain that was never counted is counted when it is asked for first.

use std::collections::BTreeMap;

use sigillo_accounts::{Mailbox, Plan, Quantities};
use sigillo_base::{Address, Domain, MailboxId, Said, Tell, TenantId, Timestamp, UnitId, said};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, skim, tag, transact};

use crate::fronts::Transaction;
use crate::rows::{decode, encode};
use crate::tenants::{living, living_unit, mailbox_unit_key, named, owner_in};
use crate::{ATTEMPTS, Engine, Error};

/// Mailboxes read at once.
const PAGE: usize = 1_000;
/// Versions of one plan.
const MAX_VERSIONS: usize = 1_000;
/// Units with quantities of their own.
const MAX_UNITS: usize = 1_000;
/// The number of no version: which one counts.
const APPROVED: u64 = 0;

fn plan_key(tenant: TenantId, version: u64) -> KeyBuilder {
    KeyBuilder::new(tag::PLAN).u64(tenant.0).u64(version)
}

/// A mailbox that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    domain: Domain,
    /// Administration and unit.
    unit: Option<(u64, u64)>,
    profile: String,
}

impl Counted {
    /// As which a mailbox counts, if it does.
    pub(crate) fn of(row: &Mailbox, unit: Option<(u64, u64)>) -> Option<Self> {
        let domain = Address::parse(&row.address).ok()?.domain().clone();
        row.counts().then(|| Self { domain, unit, profile: row.profile.name().to_owned() })
    }

    fn parts(&self) -> impl Iterator<Item = Part> {
        let unit = self.unit.map(|(tenant, unit)| Part::Unit(self.domain.clone(), tenant, unit));
        [Some(Part::Domain(self.domain.clone())), unit].into_iter().flatten()
    }
}

/// What is counted by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// All of a domain. Where it has a row, each of its units that has mailboxes has one.
    Domain(Domain),
    /// What is of a domain in a unit of an administration, whose the domain need not be any more.
    Unit(Domain, u64, u64),
}

/// As they were counted before: a domain by itself, a unit over all domains. Nobody reads them.
const FORMER_DOMAIN: u8 = 0;
const FORMER_UNIT: u8 = 1;
const DOMAIN: u8 = 2;
const UNIT: u8 = 3;

impl Part {
    pub(crate) fn key(&self) -> KeyBuilder {
        let key = KeyBuilder::new(tag::COUNTED);
        match self {
            Self::Domain(domain) => key.u8(DOMAIN).text(domain.as_str()),
            Self::Unit(domain, tenant, unit) => units_of(domain, *tenant).u64(*unit),
        }
    }

    fn domain(&self) -> &Domain {
        match self {
            Self::Domain(domain) | Self::Unit(domain, ..) => domain,
        }
    }
}

/// The units of an administration within a domain.
fn units_of(domain: &Domain, tenant: u64) -> KeyBuilder {
    KeyBuilder::new(tag::COUNTED).u8(UNIT).text(domain.as_str()).u64(tenant)
}

/// A row of the counts; `None`: as they were counted before.
pub(crate) fn read_counted(key: &[u8], value: &[u8]) -> Result<Option<(Part, Quantities)>, StoreError> {
    let mut reader = KeyReader::new(key, tag::COUNTED)?;
    let domain = |reader: &mut KeyReader<'_>| {
        Domain::parse(&reader.text()?).map_err(|e| StoreError::corrupt(key, e.to_string()))
    };
    let part = match reader.u8()? {
        FORMER_DOMAIN => domain(&mut reader).map(|_| None)?,
        FORMER_UNIT => {
            reader.u64()?;
            reader.u64()?;
            None
        }
        DOMAIN => Some(Part::Domain(domain(&mut reader)?)),
        UNIT => Some(Part::Unit(domain(&mut reader)?, reader.u64()?, reader.u64()?)),
        _ => return Err(StoreError::corrupt(key, "no count")),
    };
    reader.end()?;
    let counts = decode(key, value)?;
    Ok(part.map(|part| (part, counts)))
}

/// A row of a plan.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    let mut reader = KeyReader::new(key, tag::PLAN)?;
    reader.u64()?;
    match reader.u64()? {
        APPROVED => decode::<u64>(key, value).map(drop)?,
        _ => decode::<Plan>(key, value).map(drop)?,
    }
    reader.end()
}

/// Whether a mailbox counted from a time on.
pub(crate) fn read_standing(key: &[u8], value: &[u8]) -> Result<(MailboxId, Timestamp, bool), StoreError> {
    let mut reader = KeyReader::new(key, tag::STANDING)?;
    let found = (reader.mailbox()?, reader.time()?, decode(key, value)?);
    reader.end()?;
    Ok(found)
}

/// How many mailboxes of each profile an administration had at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// When.
    pub at: Timestamp,
    /// How many, by profile.
    pub active: Quantities,
}

/// The versions of a plan by number, and which one counts.
pub type Versions = (Vec<(u64, Plan)>, Option<u64>);

impl<S: Store> Engine<S> {
    /// Writes another version of an administration's plan; it counts once it is approved.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such administration, unit or profile.
    pub fn add_plan(&self, tenant: TenantId, plan: &Plan) -> Result<u64, Error> {
        if !plan.note.is_empty() {
            named(said!("nota del piano", "note of the plan"), &plan.note)?;
        }
        if plan.units.len() > MAX_UNITS {
            return Err(Error::Invalid(said!(
                "al più {MAX_UNITS} strutture con quantità proprie",
                "at most {MAX_UNITS} units with quantities of their own"
            )));
        }
        let profiles = self.profiles();
        for name in plan.quantities.keys().chain(plan.units.values().flat_map(|own| own.keys())) {
            profiles.choose(name).map_err(|e| Error::Invalid(e.said()))?;
        }
        transact(&self.store, ATTEMPTS, |tx| {
            living(tx, tenant)?;
            for unit in plan.units.keys() {
                living_unit(tx, tenant, UnitId(*unit))?;
            }
            let counter = KeyBuilder::new(tag::COUNTER).text("plan").u64(tenant.0);
            let version = tx.get(&counter)?.map_or(Ok(0), |value| decode::<u64>(&counter, &value))? + 1;
            if version > MAX_VERSIONS as u64 {
                return Err(Error::Invalid(said!(
                    "il piano ha già avuto {MAX_VERSIONS} versioni",
                    "the plan has had {MAX_VERSIONS} versions already"
                )));
            }
            tx.put(&counter, encode(&version));
            tx.put(plan_key(tenant, version), encode(&Plan { approved: None, ..plan.clone() }));
            Ok(version)
        })
    }

    /// Approves a version: it counts from now on, in the place of the one before.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such version, or it counts already.
    pub fn approve_plan(&self, tenant: TenantId, version: u64, by: &str, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            living(tx, tenant)?;
            let missing =
                || Error::Invalid(said!("il piano non ha una versione {version}", "the plan has no version {version}"));
            let key = plan_key(tenant, version);
            let value = tx.get(&key)?.filter(|_| version != APPROVED).ok_or_else(missing)?;
            if approved(tx, tenant)?.is_some_and(|(counts, _)| counts == version) {
                return Err(Error::Invalid(said!(
                    "la versione {version} vale già",
                    "version {version} counts already"
                )));
            }
            let row = Plan { approved: Some((now.as_millis(), by.to_owned())), ..decode(&key, &value)? };
            tx.put(&key, encode(&row));
            tx.put(plan_key(tenant, APPROVED), encode(&version));
            Ok(())
        })
    }

    /// Every version of a plan by number, and which one counts.
    ///
    /// # Errors
    /// The store's fault.
    pub fn plans(&self, tenant: TenantId) -> Result<Versions, Error> {
        let (_, to) = KeyBuilder::new(tag::PLAN).u64(tenant.0).range();
        let from = plan_key(tenant, APPROVED + 1);
        let versions = self.sound(from.as_ref(), &to, MAX_VERSIONS, |key, value| {
            let mut reader = KeyReader::new(key, tag::PLAN)?;
            reader.u64()?;
            Ok((reader.u64()?, decode::<Plan>(key, value)?))
        })?;
        let counts = approved(&mut Transaction::new(&self.store), tenant)?.map(|(version, _)| version);
        Ok((versions, counts))
    }

    /// How many mailboxes of an administration count now, by profile: all of it, and each of its units.
    ///
    /// # Errors
    /// The store's fault.
    pub fn in_use(&self, tenant: TenantId) -> Result<(Quantities, BTreeMap<u64, Quantities>), Error> {
        let mut look = Transaction::new(&self.store);
        let (mut all, mut units) = (Quantities::new(), BTreeMap::new());
        units.extend(self.units(tenant)?.into_iter().map(|(unit, _)| (unit.0, Quantities::new())));
        for domain in self.own(&mut look, tenant)? {
            let (from, to) = units_of(&domain, tenant.0).range();
            for (key, value) in look.scan(&from, &to, usize::MAX)? {
                if let Some((Part::Unit(.., unit), counts)) = read_counted(&key, &value)?
                    && let Some(sum) = units.get_mut(&unit)
                {
                    add(sum, counts);
                }
            }
            add(&mut all, self.counts(&mut look, &Part::Domain(domain))?);
        }
        Ok((all, units))
    }

    /// How many mailboxes of each profile an administration had on the 15th of a month (`2026-11`), at 23:59:59 in Rome
    /// (BIL-02, X-16). A domain's are those of whom it belongs to today.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no month, or when its 15th is not over.
    pub fn consistency(&self, tenant: TenantId, month: &str, now: Timestamp) -> Result<Consistency, Error> {
        let bad = || Error::Invalid(said!("«{month}» non è un mese AAAA-MM", "“{month}” is no month YYYY-MM"));
        let (_, over) = Timestamp::legal_day(&format!("{month}-15")).ok_or_else(bad)?;
        if over > now {
            return Err(Error::Invalid(said!(
                "il 15 di {month} non è ancora passato",
                "the 15th of {month} is not over yet"
            )));
        }
        let at = over.minus(std::time::Duration::from_millis(1));
        let (mut active, mut after) = (Quantities::new(), MailboxId(0));
        loop {
            let page = self.mailboxes(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(Consistency { at, active }) };
            after = MailboxId(last.id);
            for row in page {
                let Ok(address) = Address::parse(&row.address) else { continue };
                if self.owner(address.domain())? == Some(tenant)
                    && let Some(profile) = self.counted_at(&row, at)?
                {
                    *active.entry(profile).or_default() += 1;
                }
            }
        }
    }

    /// The profile as which a mailbox counted at this time, if it did.
    fn counted_at(&self, row: &Mailbox, at: Timestamp) -> Result<Option<String>, Error> {
        if row.created > at.as_millis() {
            return Ok(None);
        }
        let (from, to) = KeyBuilder::new(tag::STANDING).mailbox(MailboxId(row.id)).range();
        let standing = self.sound(&from, &to, usize::MAX, read_standing)?;
        // Before releases that wrote this down every mailbox counted.
        let counted = standing.into_iter().take_while(|(_, since, _)| *since <= at).last().is_none_or(|(.., is)| is);
        let profiles = self.profile_history(MailboxId(row.id))?;
        let then = profiles.into_iter().take_while(|since| since.at <= at).last().map(|since| since.profile);
        Ok(counted.then(|| then.unwrap_or_else(|| row.profile.name().to_owned())))
    }

    /// Writes that a mailbox, which counted as `before`, counts as `after`, where the plan leaves room for that.
    /// Nothing is written when it does not.
    pub(crate) fn recount(
        &self,
        tx: &mut Transaction<'_, S>,
        (id, now): (MailboxId, Timestamp),
        before: Option<&Counted>,
        after: Option<&Counted>,
    ) -> Result<(), Error> {
        if before == after {
            return Ok(());
        }
        if let Some(after) = after {
            self.admit(tx, before, after)?;
        }
        for (counted, more) in [(before, false), (after, true)] {
            for part in counted.into_iter().flat_map(|counted| counted.parts()) {
                let mut counts = self.counts(tx, &part)?;
                let profile = counted.map(|counted| counted.profile.clone()).unwrap_or_default();
                let n = counts.entry(profile).or_default();
                *n = if more { *n + 1 } else { n.saturating_sub(1) };
                counts.retain(|_, n| *n > 0);
                tx.put(part.key(), encode(&counts));
            }
        }
        if before.is_some() != after.is_some() {
            tx.put(KeyBuilder::new(tag::STANDING).mailbox(id).time(now), encode(&after.is_some()));
        }
        Ok(())
    }

    /// Refuses a mailbox more than was ordered.
    fn admit(&self, tx: &mut Transaction<'_, S>, before: Option<&Counted>, after: &Counted) -> Result<(), Error> {
        let Some(tenant) = owner_in(tx, &after.domain)? else { return Ok(()) };
        let Some((version, plan)) = approved(tx, tenant)? else { return Ok(()) };
        let profile = after.profile.as_str();
        let before = before.filter(|before| before.profile == profile);
        let had = |counts: &Quantities| counts.get(profile).copied().unwrap_or_default();
        let full = |Said { it, en }: Said, limit: u64, had: u64| {
            let left = limit.saturating_sub(had);
            Err(Error::Invalid(said!(
                "il piano dei fabbisogni (versione {version}) prevede per {it} {limit} caselle «{profile}», {had} \
                 sono in uso: ne restano {left}",
                "the plan (version {version}) has {limit} mailboxes “{profile}” for {en}, {had} are in use: {left} are left"
            )))
        };
        if before.is_none() {
            let (limit, had) = (plan.of(profile), had(&self.counts_of(tx, tenant, None)?));
            if had >= limit {
                return full(said!("l'amministrazione {}", "the administration {}", tenant.0), limit, had);
            }
        }
        // A unit of whom the domain belonged to before has no part in this plan.
        if let Some((_, unit)) = after.unit.filter(|(of, _)| *of == tenant.0)
            && let Some(limit) = plan.of_unit(unit, profile)
            && before.is_none_or(|before| before.unit != after.unit)
        {
            let had = had(&self.counts_of(tx, tenant, Some(unit))?);
            if had >= limit {
                return full(said!("la struttura {unit}", "the unit {unit}"), limit, had);
            }
        }
        Ok(())
    }

    /// Refuses a domain with more mailboxes than an administration, or a unit of it, has left of what it ordered.
    pub(crate) fn admit_domain(
        &self,
        tx: &mut Transaction<'_, S>,
        domain: &Domain,
        tenant: TenantId,
    ) -> Result<(), Error> {
        let Some((version, plan)) = approved(tx, tenant)? else { return Ok(()) };
        let brought = self.counts(tx, &Part::Domain(domain.clone()))?;
        let had = self.counts_of(tx, tenant, None)?;
        let mut over = beyond((Said::default(), |profile: &str| plan.of(profile)), &had, &brought);
        for (unit, ordered) in &plan.units {
            // What was of this unit when the domain was its administration's before is so again.
            let brought = self.counts(tx, &Part::Unit(domain.clone(), tenant.0, *unit))?;
            if !brought.is_empty() {
                let of = said!("struttura {unit}, ", "unit {unit}, ");
                let may = |profile: &str| ordered.get(profile).copied().unwrap_or_default();
                over.extend(beyond((of, may), &self.counts_of(tx, tenant, Some(*unit))?, &brought));
            }
        }
        let (it, en): (Vec<String>, Vec<String>) = over.into_iter().map(|said| (said.it, said.en)).unzip();
        if it.is_empty() {
            return Ok(());
        }
        Err(Error::Invalid(Said::new(
            format!(
                "il piano dei fabbisogni (versione {version}) dell'amministrazione {} non ha posto per il dominio {domain}: {}",
                tenant.0,
                it.join("; ")
            ),
            format!(
                "the plan of needs (version {version}) of administration {} has no room for the domain {domain}: {}",
                tenant.0,
                en.join("; ")
            ),
        )))
    }

    /// What an administration, or a unit of it, has in use. Expected to be so still when this is committed: of every domain, so
    /// that none passes the others.
    fn counts_of(&self, tx: &mut Transaction<'_, S>, tenant: TenantId, unit: Option<u64>) -> Result<Quantities, Error> {
        let mut sum = Quantities::new();
        for domain in self.own(tx, tenant)? {
            let part = match unit {
                None => Part::Domain(domain),
                Some(unit) => Part::Unit(domain, tenant.0, unit),
            };
            add(&mut sum, self.counts(tx, &part)?);
        }
        Ok(sum)
    }

    /// The domains of an administration, counted.
    fn own(&self, tx: &mut Transaction<'_, S>, tenant: TenantId) -> Result<Vec<Domain>, Error> {
        let mut own = Vec::new();
        for domain in self.domains() {
            if owner_in(tx, &domain)? == Some(tenant) {
                own.push(domain);
            }
        }
        self.know(tx, &own)?;
        Ok(own)
    }

    fn counts(&self, tx: &mut Transaction<'_, S>, part: &Part) -> Result<Quantities, Error> {
        self.know(tx, std::slice::from_ref(part.domain()))?;
        let key = part.key();
        Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?.unwrap_or_default())
    }

    /// Counts those of these domains that were never counted, or before units were counted within them, all in one walk: from
    /// then on a unit without a row has no mailbox.
    fn know(&self, tx: &mut Transaction<'_, S>, domains: &[Domain]) -> Result<(), Error> {
        let mut unknown = Vec::new();
        for domain in domains {
            // Whoever makes a mailbox count meanwhile writes the row: it is expected to be absent still.
            if tx.get(Part::Domain(domain.clone()).key())?.is_none() {
                unknown.push(domain.clone());
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let mut counts = count_anew(&self.store, &unknown)?.0;
        for domain in unknown {
            tx.delete(KeyBuilder::new(tag::COUNTED).u8(FORMER_DOMAIN).text(domain.as_str()));
            counts.entry(Part::Domain(domain)).or_default();
        }
        for (part, counts) in counts {
            tx.put(part.key(), encode(&counts));
        }
        Ok(())
    }
}

fn add(sum: &mut Quantities, more: Quantities) {
    for (profile, n) in more {
        *sum.entry(profile).or_default() += n;
    }
}

/// What a domain brings beyond what was ordered, by profile.
fn beyond((of, may): (Said, impl Fn(&str) -> u64), had: &Quantities, brought: &Quantities) -> Vec<Said> {
    let over = brought.iter().filter_map(|(profile, n)| {
        let (limit, had) = (may(profile), had.get(profile).copied().unwrap_or_default());
        let more = (had + n).checked_sub(limit).filter(|more| *more > 0)?;
        let Said { it, en } = &of;
        Some(said!(
            "{it}«{profile}»: {n} nel dominio, {had} in uso, {limit} previste, {more} di troppo",
            "{en}“{profile}”: {n} in the domain, {had} in use, {limit} ordered, {more} too many"
        ))
    });
    over.collect()
}

/// Counts the mailboxes of domains one by one, and says whether it could read all there are.
fn count_anew<S: Store>(store: &S, domains: &[Domain]) -> Result<(BTreeMap<Part, Quantities>, bool), StoreError> {
    let (mut counts, mut whole) = (BTreeMap::<Part, Quantities>::new(), true);
    let (mut from, to) = KeyBuilder::new(tag::MAILBOX).range();
    loop {
        let page = skim(store, &from, &to, PAGE)?;
        whole &= page.gaps.is_empty();
        for (key, value) in &page.rows {
            match counted(store, key, value) {
                Ok(Some(counted)) if domains.contains(&counted.domain) => {
                    for part in counted.parts() {
                        *counts.entry(part).or_default().entry(counted.profile.clone()).or_default() += 1;
                    }
                }
                Ok(_) => {}
                Err(StoreError::Corrupt { .. }) => whole = false,
                Err(fault) => return Err(fault),
            }
        }
        match page.next {
            Some(next) => from = next,
            None => return Ok((counts, whole)),
        }
    }
}

/// As which the mailbox of this row counts, if it does.
fn counted<S: Store>(store: &S, key: &[u8], value: &[u8]) -> Result<Option<Counted>, StoreError> {
    let row: Mailbox = decode(key, value)?;
    let unit = mailbox_unit_key(MailboxId(row.id));
    let unit = store.get(unit.as_ref())?.map(|value| decode(&unit, &value)).transpose()?;
    Ok(Counted::of(&row, unit))
}

/// What a row of the counts is to say, and what those of the units of its domain are; `None` where that cannot be known: a
/// mailbox cannot be read, which is told of itself.
pub(crate) type Recounted = Option<(Quantities, Vec<(Vec<u8>, Vec<u8>)>)>;

/// Counts again what a row of the counts says.
pub(crate) fn compare<S: Store>(store: &S, part: &Part) -> Result<Recounted, StoreError> {
    let (mut counts, whole) = count_anew(store, std::slice::from_ref(part.domain()))?;
    let held = counts.remove(part).unwrap_or_default();
    let units = matches!(part, Part::Domain(_)).then_some(counts).into_iter().flatten();
    let units = units.map(|(part, counts)| (part.key().done(), encode(&counts))).collect();
    Ok(whole.then_some((held, units)))
}

/// The version that counts.
fn approved<S: Store>(tx: &mut Transaction<'_, S>, tenant: TenantId) -> Result<Option<(u64, Plan)>, Error> {
    let key = plan_key(tenant, APPROVED);
    let Some(value) = tx.get(&key)? else { return Ok(None) };
    let version = decode(&key, &value)?;
    let key = plan_key(tenant, version);
    let row = tx.get(&key)?.ok_or_else(|| StoreError::corrupt(&key, "the approved version is missing"))?;
    Ok(Some((version, decode(&key, &row)?)))
}
