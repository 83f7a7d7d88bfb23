//! Accesses, sealed (AUD-01, SEC-03): what was written of a legal day, of each administration, is one line of the legal log when
//! the day is over. The log's chain and time stamps are then theirs: an access that is taken out, added or altered afterwards
//! no longer makes the sum that stands there. A chain of their own would have every login wait for every other.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sigillo_base::{Address, MailboxId, TenantId, Timestamp};
use sigillo_pec::log::ServiceEvent;
use sigillo_smime::Hasher;
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, tag, transact};

use crate::rows::{decode, encode};
use crate::tenants::number;
use crate::{ATTEMPTS, Access, Engine, Error, Reading};

/// A day is sealed so long after its end, when all of it is written.
const GRACE: Duration = Duration::from_secs(5 * 60);
/// Mailboxes and accesses read at once.
const PAGE: usize = 1_000;

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Register {
    /// Accesses to mailboxes.
    Accesses,
    /// What was read over the administrative interface.
    Readings,
}

/// The seal of one administration's rows of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSeal {
    /// How many.
    pub rows: u64,
    /// SHA-256 of their lines ([`access_line`], [`reading_line`]), each ended by a line feed, in the order of mailboxes and of
    /// time, behind them those of nobody; hexadecimal.
    pub sha256: String,
    /// The line of the legal log.
    pub line: String,
}

/// An access as it is counted into a seal, and as it stands in an extract: fields of CSV (RFC 4180). Names of mailboxes and
/// folders are free: what a spreadsheet would take for a formula begins with an apostrophe.
pub fn access_line(mailbox: &str, access: &Access) -> String {
    let Access { at, protocol, from, person, outcome, since, what } = access;
    let (at, since) = (at.to_string(), since.map(|since| since.to_string()).unwrap_or_default());
    let from = from.to_string();
    line([mailbox, person.as_str(), protocol, &at, &since, &from, outcome, what])
}

/// The same of what was read over the administrative interface.
pub fn reading_line(reading: &Reading) -> String {
    let Reading { at, by, token, from, act, object, status } = reading;
    let from = from.map(|from| from.to_string()).unwrap_or_default();
    line([&at.to_string(), by, token.as_deref().unwrap_or_default(), &from, act, object, &status.to_string()])
}

fn line<const N: usize>(fields: [&str; N]) -> String {
    let quoted = |field: &str| {
        let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
        let field = if formula { format!("'{field}") } else { field.to_owned() };
        match field.contains(['"', ',', '\r', '\n']) {
            true => format!("\"{}\"", field.replace('"', "\"\"")),
            false => field,
        }
    };
    fields.map(quoted).join(",")
}

/// The mark of the second register; the first had its keys when there was none beside it.
const READINGS: u8 = 1;

fn of_day(tenant: u64, day: &str) -> KeyBuilder {
    KeyBuilder::new(tag::ACCESS_SEAL).u64(tenant).text(day)
}

fn seal_key(tenant: u64, day: &str, register: Register) -> KeyBuilder {
    match register {
        Register::Accesses => of_day(tenant, day),
        Register::Readings => of_day(tenant, day).u8(READINGS),
    }
}

/// The day that was sealed last.
fn last_key() -> KeyBuilder {
    KeyBuilder::new(tag::COUNTER).text("accesses")
}

/// The day of a seal, and of which register it is.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(String, Register, AccessSeal), StoreError> {
    let mut reader = KeyReader::new(key, tag::ACCESS_SEAL)?;
    let (_, day) = (reader.u64()?, reader.text()?);
    let register = match reader.rest() {
        [] => Register::Accesses,
        [READINGS] => Register::Readings,
        _ => return Err(StoreError::corrupt(key, "no register")),
    };
    Ok((day, register, decode(key, value)?))
}

/// How many rows and their sum, by administration and register.
type Summed = BTreeMap<(u64, Register), (u64, String)>;

/// The counts and sums of a day, by administration and register.
#[derive(Default)]
struct Sums(BTreeMap<(u64, Register), (u64, Hasher)>);

impl Sums {
    fn add(&mut self, tenant: Option<TenantId>, register: Register, line: &str) {
        let (rows, sum) = self.0.entry((number(tenant), register)).or_insert_with(|| (0, Hasher::new()));
        *rows += 1;
        sum.update(line.as_bytes());
        sum.update(b"\n");
    }

    fn done(self) -> Summed {
        self.0.into_iter().map(|(of, (rows, sum))| (of, (rows, HEXLOWER.encode(&sum.finish())))).collect()
    }
}

/// Goes through all pages.
fn each<T>(
    page: impl Fn(Option<&[u8]>) -> Result<(Vec<T>, Option<Vec<u8>>), Error>,
    mut to: impl FnMut(T),
) -> Result<(), Error> {
    let mut next: Option<Vec<u8>> = None;
    loop {
        let (found, more) = page(next.as_deref())?;
        found.into_iter().for_each(&mut to);
        next = more;
        if next.is_none() {
            return Ok(());
        }
    }
}

impl<S: Store> Engine<S> {
    /// Seals the accesses and readings of all days that are over and were not sealed; gives how many days. The first time it is
    /// yesterday: what was written before has no seal.
    ///
    /// # Errors
    /// The store's fault; days that were sealed stay so.
    pub fn seal_accesses(&self, now: Timestamp) -> Result<usize, Error> {
        let today = now.minus(GRACE).legal().iso_day;
        let mut sealed = 0;
        while let Some(day) = self.next_unsealed(&today)? {
            self.seal_day(&day, now)?;
            sealed += 1;
        }
        Ok(sealed)
    }

    /// The first day before this one that has no seal.
    fn next_unsealed(&self, today: &str) -> Result<Option<String>, Error> {
        let key = last_key();
        let last: Option<String> = self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose()?;
        let bad = || StoreError::corrupt(&key, "not a day");
        let next = match last {
            Some(last) => Timestamp::legal_day(&last).ok_or_else(bad)?.1,
            None => Timestamp::legal_day(today).ok_or_else(bad)?.0.minus(Duration::from_secs(1)),
        };
        Ok(Some(next.legal().iso_day).filter(|next| next.as_str() < today))
    }

    fn seal_day(&self, day: &str, now: Timestamp) -> Result<(), Error> {
        let sums = match Timestamp::legal_day(day) {
            Some(period) => self.sums(period)?,
            None => BTreeMap::new(),
        };
        transact(&self.store, ATTEMPTS, |tx| {
            let last = last_key();
            let before: Option<String> = tx.get(&last)?.map(|value| decode(&last, &value)).transpose()?;
            if before.is_some_and(|before| before.as_str() >= day) {
                return Ok(());
            }
            for (&(tenant, register), (rows, sha256)) in &sums {
                let (rows, sha256) = (*rows, sha256.clone());
                let event = ServiceEvent::Accesses {
                    day: day.to_owned(),
                    tenant: (tenant > 0).then_some(tenant),
                    readings: register == Register::Readings,
                    rows,
                    sha256: sha256.clone(),
                };
                let line = self.log_event(tx, event, now);
                tx.put(seal_key(tenant, day, register), encode(&AccessSeal { rows, sha256, line }));
            }
            tx.put(&last, encode(&day.to_owned()));
            Ok::<_, Error>(())
        })
    }

    /// How many rows there are of a day, and their sum.
    fn sums(&self, period: (Timestamp, Timestamp)) -> Result<Summed, Error> {
        let mut sums = Sums::default();
        self.add_accesses(period, &mut sums)?;
        for tenant in self.administrations_in(tag::STRANGER)? {
            let page = |after: Option<&[u8]>| self.strangers(tenant, period, after, PAGE);
            each(page, |(name, access)| sums.add(tenant, Register::Accesses, &access_line(&name, &access)))?;
        }
        for tenant in self.administrations_in(tag::READING)? {
            let page = |after: Option<&[u8]>| self.readings(tenant, period, after, PAGE);
            each(page, |reading| sums.add(tenant, Register::Readings, &reading_line(&reading)))?;
        }
        Ok(sums.done())
    }

    fn add_accesses(&self, period: (Timestamp, Timestamp), sums: &mut Sums) -> Result<(), Error> {
        let mut after = MailboxId(0);
        loop {
            let page = self.mailboxes(after, PAGE)?;
            for row in &page {
                after = MailboxId(row.id);
                let owners = Address::parse(&row.address).ok().map(|of| self.owners(of.domain())).transpose()?;
                let page = |next: Option<&[u8]>| self.accesses(after, period, next, PAGE);
                each(page, |access| {
                    let owner = owners.as_ref().and_then(|owners| owners.at(access.at));
                    sums.add(owner, Register::Accesses, &access_line(&row.address, &access));
                })?;
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// The seals of an administration's days in `[from, to)`.
    ///
    /// # Errors
    /// The store's fault.
    pub fn access_seals(
        &self,
        tenant: Option<TenantId>,
        wanted: Register,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<(String, AccessSeal)>, Error> {
        let day = |at: Timestamp| of_day(number(tenant), &at.legal().iso_day).done();
        let found = self.sound(&day(from), &day(to), usize::MAX, read)?;
        Ok(found.into_iter().filter(|(_, of, _)| *of == wanted).map(|(day, _, seal)| (day, seal)).collect())
    }
}

#[cfg(test)]
mod tests {
    use sigillo_accounts::CredentialName;

    use super::*;

    #[test]
    fn a_line_is_one_row_whatever_names_there_are_and_no_formula() {
        let access = Access {
            at: Timestamp::from_millis(1_773_306_901_000),
            protocol: "imap".into(),
            from: [192, 0, 2, 7].into(),
            person: CredentialName::owner(),
            outcome: "removed".into(),
            since: None,
            what: "=1+1, \"x\" 4:9".into(),
        };
        let at = "2026-03-12T10:15:01.000+01:00";
        let wanted = format!("'=a@b.example,,imap,{at},,192.0.2.7,removed,\"'=1+1, \"\"x\"\" 4:9\"");
        assert_eq!(access_line("=a@b.example", &access), wanted);
    }
}
