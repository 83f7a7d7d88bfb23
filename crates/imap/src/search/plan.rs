//! Whether a message is what SEARCH looks for. Rows decide first; bytes are read only when they must be.

use sigillo_base::Timestamp;

use crate::fetch::header::{self, Header};
use crate::search::casemap::fold;
use crate::search::grams::Needle;
use crate::search::texts::{Texts, holds};
use crate::view::View;
use crate::{Criteria, Key, Refusal, Row, SequenceSet, Summary, date, view};

/// Criteria made ready for one folder at one time: sets resolved, cheap tests before dear ones.
#[derive(Debug)]
pub struct Plan {
    tests: Vec<Test>,
}

#[derive(Debug)]
enum Test {
    Numbers(Vec<(u32, u32)>),
    Uids(Vec<(u32, u32)>),
    /// INTERNALDATE not after this, or not before it.
    Until(Timestamp),
    From(Timestamp),
    /// In the body, or anywhere.
    Text(Sought),
    Key(Key),
    Not(Box<Test>),
    Or(Box<Test>, Box<Test>),
    And(Vec<Test>),
}

#[derive(Debug)]
struct Sought {
    text: String,
    needle: Needle,
    body: bool,
}

/// What can be read of a message, the cheaper first. `None` when it is gone.
pub trait Source {
    /// What is kept of it.
    fn summary(&mut self) -> Result<Option<Summary>, Refusal>;
    /// Whether it may hold a text; `true` when that is not known.
    fn may_hold(&mut self, needle: &Needle) -> Result<bool, Refusal>;
    /// All texts of it; it has so many octets.
    fn texts(&mut self, octets: u32) -> Result<Option<Texts>, Refusal>;
}

/// A message as far as it has been read.
pub struct Candidate<'a> {
    /// Sequence number less one.
    pub index: usize,
    /// What is known without reading.
    pub row: &'a Row,
    source: &'a mut dyn Source,
    summary: Option<Summary>,
    texts: Option<Texts>,
}

impl Plan {
    /// For a folder as it is seen at this time.
    pub fn new(criteria: &Criteria, view: &View, now: Timestamp) -> Self {
        Self { tests: Making { view, now }.ready(&criteria.0) }
    }

    /// Whether all criteria hold. A message that is gone does not match.
    pub fn matches(&self, candidate: &mut Candidate<'_>) -> Result<bool, Refusal> {
        all(&self.tests, candidate)
    }
}

/// Where and when a plan is made.
struct Making<'v> {
    view: &'v View,
    now: Timestamp,
}

impl Making<'_> {
    fn ready(&self, keys: &[Key]) -> Vec<Test> {
        let mut tests: Vec<Test> = keys.iter().map(|k| self.one(k)).collect();
        tests.sort_by_key(Test::cost);
        tests
    }

    fn one(&self, key: &Key) -> Test {
        let ago = |seconds: &u32| self.now.minus(std::time::Duration::from_secs(u64::from(*seconds)));
        match key {
            Key::Set(set) => {
                let last = u32::try_from(self.view.len()).unwrap_or(u32::MAX);
                self.with_saved(set, Test::Numbers(set.resolve(last)))
            }
            Key::Uid(set) => self.with_saved(set, Test::Uids(set.resolve(self.view.last_uid()))),
            Key::Older(seconds) => Test::Until(ago(seconds)),
            Key::Younger(seconds) => Test::From(ago(seconds)),
            Key::Body(text) => Test::Text(Sought { text: text.clone(), needle: Needle::new(text), body: true }),
            Key::Text(text) => Test::Text(Sought { text: text.clone(), needle: Needle::new(text), body: false }),
            Key::Not(inner) => Test::Not(Box::new(self.one(inner))),
            Key::Or(a, b) => {
                let (a, b) = (self.one(a), self.one(b));
                let (first, second) = if a.cost() > b.cost() { (b, a) } else { (a, b) };
                Test::Or(Box::new(first), Box::new(second))
            }
            Key::And(keys) => Test::And(self.ready(keys)),
            other => Test::Key(other.clone()),
        }
    }

    /// `$` in a set stands for what an earlier search saved.
    fn with_saved(&self, set: &SequenceSet, test: Test) -> Test {
        if set.names_saved() {
            return Test::Or(Box::new(test), Box::new(Test::Uids(self.view.saved().to_vec())));
        }
        test
    }
}

impl Test {
    /// 0 for what the row decides, 1 for what the header section does, 2 for what needs the message.
    fn cost(&self) -> u8 {
        match self {
            Self::Text(_) => 2,
            Self::Key(Key::SentBefore(_) | Key::SentOn(_) | Key::SentSince(_) | Key::Header(..)) => 1,
            Self::Numbers(_) | Self::Uids(_) | Self::Until(_) | Self::From(_) | Self::Key(_) => 0,
            Self::Not(inner) => inner.cost(),
            Self::Or(a, b) => a.cost().max(b.cost()),
            Self::And(tests) => tests.iter().map(Self::cost).max().unwrap_or(0),
        }
    }

    fn holds(&self, c: &mut Candidate<'_>) -> Result<bool, Refusal> {
        Ok(match self {
            Self::Numbers(ranges) => view::holds(ranges, c.index),
            Self::Uids(ranges) => crate::set::holds(ranges, c.row.uid),
            Self::Until(time) => c.row.date <= *time,
            Self::From(time) => c.row.date >= *time,
            Self::Text(sought) => c.has(sought)?,
            Self::Not(inner) => !inner.holds(c)?,
            Self::Or(a, b) => a.holds(c)? || b.holds(c)?,
            Self::And(tests) => all(tests, c)?,
            Self::Key(key) => match by_row(key, c.row) {
                Some(answer) => answer,
                None => c.summary()?.is_some_and(|s| by_header(key, &s.header)),
            },
        })
    }
}

fn all(tests: &[Test], c: &mut Candidate<'_>) -> Result<bool, Refusal> {
    for test in tests {
        if !test.holds(c)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the row alone decides.
fn by_row(key: &Key, row: &Row) -> Option<bool> {
    let day = || row.date.legal().iso_day;
    let saved = || row.saved.legal().iso_day;
    Some(match key {
        Key::All => true,
        Key::Recent => false,
        Key::Flag(flag, wanted) => row.flags.has(*flag) == *wanted,
        Key::Keyword(keyword, wanted) => row.flags.has_keyword(keyword) == *wanted,
        Key::Before(d) => day() < *d,
        Key::On(d) => day() == *d,
        Key::Since(d) => day() >= *d,
        Key::EmailId(id) => *id == Some(row.email),
        Key::SavedBefore(d) => saved() < *d,
        Key::SavedOn(d) => saved() == *d,
        Key::SavedSince(d) => saved() >= *d,
        Key::Larger(n) => u64::from(row.size) > *n,
        Key::Smaller(n) => u64::from(row.size) < *n,
        Key::ModSeq(n) => row.modseq >= *n,
        _ => return None,
    })
}

impl<'a> Candidate<'a> {
    /// Nothing of it read yet.
    pub fn new(index: usize, row: &'a Row, source: &'a mut dyn Source) -> Self {
        Self { index, row, source, summary: None, texts: None }
    }

    /// What is kept of it.
    pub fn summary(&mut self) -> Result<Option<&Summary>, Refusal> {
        if self.summary.is_none() {
            self.summary = self.source.summary()?;
        }
        Ok(self.summary.as_ref())
    }

    fn has(&mut self, sought: &Sought) -> Result<bool, Refusal> {
        if self.texts.is_none() {
            if sought.needle.tells() && !self.source.may_hold(&sought.needle)? {
                return Ok(false);
            }
            self.texts = self.source.texts(self.row.size)?;
        }
        let found = |t: &Texts| if sought.body { t.in_body(&sought.text) } else { t.anywhere(&sought.text) };
        Ok(self.texts.as_ref().is_some_and(found))
    }
}

/// What the header section decides.
fn by_header(key: &Key, message: &[u8]) -> bool {
    let section = &message[..header::end(message)];
    let sent = || date::sent_day(&String::from_utf8_lossy(&Header::of(section).first("Date")?));
    match key {
        Key::SentBefore(d) => sent().is_some_and(|s| s < *d),
        Key::SentOn(d) => sent().is_some_and(|s| s == *d),
        Key::SentSince(d) => sent().is_some_and(|s| s >= *d),
        Key::Header(name, text) => {
            let holds = |v: &Vec<u8>| holds(&fold(&sigillo_mime::decode_words(v)), text);
            Header::of(section).all(name).iter().any(holds)
        }
        _ => false,
    }
}
