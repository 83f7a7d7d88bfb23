//! The register of operations (*registro delle operazioni*: BOX-12, HD-27): one record for each, in the commit of what it
//! tells of. Records are numbered within their legal month, and none is ever changed.

use std::fmt;

use sigillo_accounts::{Act, Operation, PersonName, Request, Target};
use sigillo_base::{Tell, Timestamp, said};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, Transaction, key, tag};

use crate::rows::{decode, decode_more, encode, encode_more};
use crate::{Engine, Error, persons};

/// The number of a record: `202611-17`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationId {
    /// The legal month in which it was done, `2026-11`.
    pub month: String,
    /// From 1.
    pub number: u64,
}

impl OperationId {
    /// Reads what [`fmt::Display`] shows.
    pub fn parse(text: &str) -> Option<Self> {
        let (month, number) = text.split_once('-')?;
        let (year, month) = month.split_at_checked(4)?;
        let month = format!("{year}-{month}");
        Timestamp::legal_day(&format!("{month}-01"))?;
        Some(Self { month, number: number.parse().ok().filter(|number| *number > 0)? })
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.month.replace('-', ""), self.number)
    }
}

fn row_key(id: &OperationId) -> KeyBuilder {
    KeyBuilder::new(tag::OPERATION).text(&id.month).u64(id.number)
}

/// Refuses what is said to be confirmed by somebody who may not do it himself (WEB-03).
///
/// # Errors
/// [`Error::Invalid`]; the store's fault.
pub(crate) fn confirmed<S: Store>(
    tx: &mut Transaction<'_, S>,
    request: &Request,
    act: Act,
    target: &Target,
) -> Result<(), Error> {
    if request.executed.is_none() {
        return Ok(());
    }
    let (by, act_name) = (&request.confirmed_by, act.name());
    let name = PersonName::parse(by).map_err(|e| Error::Invalid(e.said().about("confirmed_by")))?;
    if persons::working(tx, &name)?.1.may(act, target) {
        return Ok(());
    }
    Err(Error::Invalid(said!(
        "{by} non può confermarlo: gli manca il permesso «{act_name}»",
        "{by} may not confirm it: the permission “{act_name}” is wanting"
    )))
}

/// Writes a record.
///
/// # Errors
/// As [`confirmed`].
pub(crate) fn record<S: Store>(tx: &mut Transaction<'_, S>, operation: &Operation) -> Result<(), Error> {
    let request = &operation.request;
    confirmed(tx, request, operation.done.needs(), &operation.target())?;
    let day = operation.request.now().legal().iso_day;
    let month = day.get(..7).unwrap_or(&day).to_owned();
    let counter = KeyBuilder::new(tag::COUNTER).text("operation").text(&month);
    let number = tx.get(&counter)?.map_or(Ok(0), |value| decode::<u64>(&counter, &value))? + 1;
    tx.put(&counter, encode(&number));
    tx.put(row_key(&OperationId { month, number }), encode_more(operation, request.executed.as_ref()));
    Ok(())
}

/// A record with its number.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(OperationId, Operation), StoreError> {
    let mut reader = KeyReader::new(key, tag::OPERATION)?;
    let id = OperationId { month: reader.text()?, number: reader.u64()? };
    reader.end()?;
    let (mut operation, executed): (Operation, _) = decode_more(key, value)?;
    operation.request.executed = executed;
    Ok((id, operation))
}

impl<S: Store> Engine<S> {
    /// At most `limit` records after this one, of one legal month or of all, the earliest first.
    ///
    /// # Errors
    /// The store's fault.
    pub fn operations(
        &self,
        month: Option<&str>,
        after: Option<&OperationId>,
        limit: usize,
    ) -> Result<Vec<(OperationId, Operation)>, Error> {
        let all = KeyBuilder::new(tag::OPERATION);
        let (first, to) = month.map_or(all.clone(), |month| all.text(month)).range();
        let from = after.map_or(first.clone(), |id| key::successor(row_key(id)));
        Ok(self.sound(&from.max(first), &to, limit, read)?)
    }

    /// A record by its number.
    ///
    /// # Errors
    /// The store's fault.
    pub fn operation(&self, id: &OperationId) -> Result<Option<Operation>, Error> {
        let key = row_key(id);
        let found = self.store.get(key.as_ref())?.map(|value| read(key.as_ref(), &value)).transpose()?;
        Ok(found.map(|(_, operation)| operation))
    }
}

#[cfg(test)]
mod tests {
    use sigillo_accounts::{Done, Executed, Request};

    use super::*;

    #[test]
    fn a_number_is_read_as_it_is_shown_and_nothing_else_is_one() {
        let id = OperationId { month: "2026-11".into(), number: 17 };
        assert_eq!(id.to_string(), "202611-17");
        assert_eq!(OperationId::parse("202611-17"), Some(id));
        for bad in ["", "17", "202613-1", "202611-0", "202611-", "2026-11-1", "è0261-1", "202611-x"] {
            assert_eq!(OperationId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_behind_a_row_is_read_and_passed_over_by_who_does_not_know_it() {
        let key = row_key(&OperationId { month: "2026-11".into(), number: 17 });
        let plain = Operation {
            done: Done::MailboxBlock,
            object: "anna@comune.example".into(),
            mailbox: Some(1),
            tenant: Some(2),
            unit: None,
            detail: String::new(),
            request: Request::own(Timestamp::from_millis(7)),
        };
        let mut done = plain.clone();
        done.request.executed = Some(Executed { confirmed: 5, by: "h.desk".into(), how: "token".into() });
        let row = |of: &Operation| encode_more(of, of.request.executed.as_ref());
        assert_eq!(row(&plain), encode(&plain), "as it always was");
        for operation in [&plain, &done] {
            assert_eq!(read(key.as_ref(), &row(operation)).map(|(_, operation)| operation).as_ref(), Ok(operation));
        }
        assert_eq!(decode(&key, &row(&done)).as_ref(), Ok(&plain), "by a release before");
        assert!(read(key.as_ref(), &row(&done)[..row(&done).len() - 1]).is_err());
    }
}
