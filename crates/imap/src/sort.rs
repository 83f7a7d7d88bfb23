//! SORT (RFC 5256), by what is kept of each message.

pub mod subject;

use std::cmp::Ordering;

use sigillo_mime::decode_words;

use crate::fetch::address;
use crate::fetch::header::Header;
use crate::search::casemap::{fold, fold_bytes};
use crate::search::found::Found;
use crate::search::plan::Candidate;
use crate::{Code, Refusal, Row, date};

/// One key of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criterion {
    /// By what.
    pub by: By,
    /// `REVERSE`: the greatest first.
    pub reverse: bool,
}

/// What messages are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// `ARRIVAL`: INTERNALDATE.
    Arrival,
    /// `DATE`: when it was sent.
    Date,
    /// `SIZE`
    Size,
    /// `SUBJECT`: the base subject.
    Subject,
    /// `FROM`, `TO`, `CC`: the local part of the field's first address.
    Mailbox(&'static str),
    /// `DISPLAYFROM`, `DISPLAYTO` (RFC 5957): the name of the field's first address.
    Display(&'static str),
}

/// Octets of texts that an order is made of.
const MOST: usize = 64 << 20;

/// An order in the making.
#[derive(Debug)]
pub struct Sorter {
    criteria: Vec<Criterion>,
    /// In the order in which the messages came.
    keys: Vec<Vec<Value>>,
    octets: usize,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(i64),
    Text(String),
}

impl Sorter {
    /// By these.
    pub fn new(criteria: &[Criterion]) -> Self {
        Self { criteria: criteria.to_vec(), keys: Vec::new(), octets: 0 }
    }

    /// Takes a message that was found; `false` when it is gone.
    pub fn take(&mut self, candidate: &mut Candidate<'_>) -> Result<bool, Refusal> {
        let row = candidate.row;
        let rows_do = self.criteria.iter().all(|c| matches!(c.by, By::Arrival | By::Size));
        let keys = if rows_do {
            self.criteria.iter().map(|c| value(c.by, row, &Header::of(b""))).collect::<Vec<_>>()
        } else {
            let Some(summary) = candidate.summary()? else { return Ok(false) };
            let header = Header::of(&summary.header);
            self.criteria.iter().map(|c| value(c.by, row, &header)).collect()
        };
        let texts = keys.iter().map(|key| if let Value::Text(text) = key { text.len() } else { 0 });
        self.octets += texts.sum::<usize>();
        if self.octets > MOST {
            return Err(too_much());
        }
        self.keys.push(keys);
        Ok(true)
    }

    /// The messages taken, in order; those that are alike stay by their numbers.
    pub fn sorted(self, found: Vec<Found>) -> Vec<Found> {
        let mut both: Vec<(Vec<Value>, Found)> = self.keys.into_iter().zip(found).collect();
        both.sort_by(|(a, _), (b, _)| compare(&self.criteria, a, b));
        both.into_iter().map(|(_, found)| found).collect()
    }
}

/// More is asked of one command than it may take.
pub fn too_much() -> Refusal {
    Refusal::new(Code::Limit, "Troppi testi da ordinare in una volta: restringere la ricerca")
}

fn compare(criteria: &[Criterion], a: &[Value], b: &[Value]) -> Ordering {
    let each = criteria.iter().zip(a.iter().zip(b));
    let mut orders = each.map(|(c, (a, b))| if c.reverse { b.cmp(a) } else { a.cmp(b) });
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn value(by: By, row: &Row, header: &Header<'_>) -> Value {
    match by {
        By::Arrival => Value::Number(row.date.as_millis()),
        By::Date => Value::Number(sent(row, header)),
        By::Size => Value::Number(i64::from(row.size)),
        By::Subject => Value::Text(subject::Base::of(&header.first("Subject").unwrap_or_default()).text),
        By::Mailbox(field) => {
            Value::Text(first(header, field, |entry| fold_bytes(entry.mailbox.as_deref().unwrap_or_default())))
        }
        By::Display(field) => Value::Text(first(header, field, display)),
    }
}

/// When it was sent (RFC 5256 §2.2), in milliseconds: by its Date field, or else when it came.
pub fn sent(row: &Row, header: &Header<'_>) -> i64 {
    let field = header.first("Date").unwrap_or_default();
    date::sent_time(&String::from_utf8_lossy(&field)).unwrap_or(row.date).as_millis()
}

fn first(header: &Header<'_>, field: &str, f: impl Fn(&address::Entry) -> String) -> String {
    let entries = address::parse(&header.first(field).unwrap_or_default());
    entries.first().map(f).unwrap_or_default()
}

/// What is shown of an address (RFC 5957 §3): its name, or the address itself; a group's name.
fn display(entry: &address::Entry) -> String {
    let name = entry.name.as_ref().map(|n| fold(&decode_words(n))).filter(|n| !n.is_empty());
    name.unwrap_or_else(|| {
        let mailbox = fold(&decode_words(entry.mailbox.as_deref().unwrap_or_default()));
        match entry.host.as_deref().filter(|host| !host.is_empty()) {
            Some(host) => format!("{mailbox}@{}", fold_bytes(host)),
            None => mailbox,
        }
    })
}

#[cfg(test)]
mod tests;
