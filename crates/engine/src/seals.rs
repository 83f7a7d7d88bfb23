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
use crate::{ATTEMPTS, Access, Engine, Error};

/// A day is sealed so long after its end, when all of it is written.
const GRACE: Duration = Duration::from_secs(5 * 60);
/// Mailboxes and accesses read at once.
const PAGE: usize = 1_000;

/// The seal of one administration's accesses of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSeal {
    /// How many.
    pub rows: u64,
    /// SHA-256 of their [lines](access_line), each ended by a line feed, in the order of mailboxes and of time; hexadecimal.
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
    let fields = [mailbox, person.as_str(), protocol, &at, &since, &from, outcome, what];
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

fn seal_key(tenant: u64, day: &str) -> KeyBuilder {
    KeyBuilder::new(tag::ACCESS_SEAL).u64(tenant).text(day)
}

/// The day that was sealed last.
fn last_key() -> KeyBuilder {
    KeyBuilder::new(tag::COUNTER).text("accesses")
}

/// The day of a seal.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(String, AccessSeal), StoreError> {
    let mut reader = KeyReader::new(key, tag::ACCESS_SEAL)?;
    let (_, day) = (reader.u64()?, reader.text()?);
    reader.end()?;
    Ok((day, decode(key, value)?))
}

impl<S: Store> Engine<S> {
    /// Seals the accesses of all days that are over and were not sealed; gives how many days. The first time it is yesterday:
    /// what was written before has no seal.
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
        let sums = self.sums(day)?;
        transact(&self.store, ATTEMPTS, |tx| {
            let last = last_key();
            let before: Option<String> = tx.get(&last)?.map(|value| decode(&last, &value)).transpose()?;
            if before.is_some_and(|before| before.as_str() >= day) {
                return Ok(());
            }
            for (tenant, (rows, sha256)) in &sums {
                let (day, tenant_number) = (day.to_owned(), (*tenant > 0).then_some(*tenant));
                let key = seal_key(*tenant, &day);
                let (rows, sha256) = (*rows, sha256.clone());
                let event = ServiceEvent::Accesses { day, tenant: tenant_number, rows, sha256: sha256.clone() };
                let line = self.log_event(tx, event, now);
                tx.put(key, encode(&AccessSeal { rows, sha256, line }));
            }
            tx.put(&last, encode(&day.to_owned()));
            Ok::<_, Error>(())
        })
    }

    /// How many accesses there are of a day, and their sum, by administration.
    fn sums(&self, day: &str) -> Result<BTreeMap<u64, (u64, String)>, Error> {
        let Some(period) = Timestamp::legal_day(day) else { return Ok(BTreeMap::new()) };
        let mut sums: BTreeMap<u64, (u64, Hasher)> = BTreeMap::new();
        let mut after = MailboxId(0);
        loop {
            let page = self.mailboxes(after, PAGE)?;
            for row in &page {
                after = MailboxId(row.id);
                let owners = Address::parse(&row.address).ok().map(|of| self.owners(of.domain())).transpose()?;
                let mut next = None;
                loop {
                    let (found, more) = self.accesses(after, period, next.as_deref(), PAGE)?;
                    for access in &found {
                        let owner = owners.as_ref().and_then(|owners| owners.at(access.at));
                        let sum = sums.entry(number(owner)).or_insert_with(|| (0, Hasher::new()));
                        sum.0 += 1;
                        sum.1.update(access_line(&row.address, access).as_bytes());
                        sum.1.update(b"\n");
                    }
                    next = more;
                    if next.is_none() {
                        break;
                    }
                }
            }
            if page.len() < PAGE {
                break;
            }
        }
        let told = |(tenant, (rows, sum)): (u64, (u64, Hasher))| (tenant, (rows, HEXLOWER.encode(&sum.finish())));
        Ok(sums.into_iter().map(told).collect())
    }

    /// The seals of an administration's accesses in `[from, to)`, by day.
    ///
    /// # Errors
    /// The store's fault.
    pub fn access_seals(
        &self,
        tenant: TenantId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<(String, AccessSeal)>, Error> {
        let day = |at: Timestamp| at.legal().iso_day;
        let (from, to) = (seal_key(tenant.0, &day(from)).done(), seal_key(tenant.0, &day(to)).done());
        Ok(self.sound(&from, &to, usize::MAX, read)?)
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
