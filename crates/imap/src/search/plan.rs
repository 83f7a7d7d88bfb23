//! Whether a message is what SEARCH looks for. Rows decide first; bytes are read only when they must be.

use std::cell::OnceCell;

use sigillo_mime::Part;

use crate::fetch::header::{self, Header};
use crate::fetch::render;
use crate::{Criteria, Key, Refusal, Row, date, view};

/// Criteria made ready for one folder: sets resolved, cheap tests before dear ones.
#[derive(Debug)]
pub struct Plan {
    tests: Vec<Test>,
}

#[derive(Debug)]
enum Test {
    Numbers(Vec<(u32, u32)>),
    Uids(Vec<(u32, u32)>),
    Key(Key),
    Not(Box<Test>),
    Or(Box<Test>, Box<Test>),
    And(Vec<Test>),
}

/// A message as far as it has been read.
pub struct Candidate<'a> {
    /// Sequence number less one.
    pub index: usize,
    /// What is known without reading.
    pub row: &'a Row,
    /// Gives the message's bytes, or only its header section when `false`; `None` when it is gone.
    pub read: &'a mut dyn FnMut(bool) -> Result<Option<Vec<u8>>, Refusal>,
    /// The header section once read.
    pub header: Option<Vec<u8>>,
    /// The bytes once read, with their structure.
    pub message: Option<Message>,
}

/// A message that was read.
pub struct Message {
    bytes: Vec<u8>,
    /// Its texts, decoded and in lower case, once they were asked for.
    texts: OnceCell<Vec<String>>,
}

impl Plan {
    /// For a folder with so many messages and this highest UID.
    pub fn new(criteria: &Criteria, messages: usize, last_uid: u32) -> Self {
        let last = u32::try_from(messages).unwrap_or(u32::MAX);
        Self { tests: ready(&criteria.0, last, last_uid) }
    }

    /// Whether all criteria hold. A message that is gone does not match.
    pub fn matches(&self, candidate: &mut Candidate<'_>) -> Result<bool, Refusal> {
        all(&self.tests, candidate)
    }
}

fn ready(keys: &[Key], last: u32, last_uid: u32) -> Vec<Test> {
    let mut tests: Vec<Test> = keys.iter().map(|k| one(k, last, last_uid)).collect();
    tests.sort_by_key(Test::cost);
    tests
}

fn one(key: &Key, last: u32, last_uid: u32) -> Test {
    match key {
        Key::Set(set) => Test::Numbers(set.resolve(last)),
        Key::Uid(set) => Test::Uids(set.resolve(last_uid)),
        Key::Not(inner) => Test::Not(Box::new(one(inner, last, last_uid))),
        Key::Or(a, b) => {
            let (a, b) = (one(a, last, last_uid), one(b, last, last_uid));
            let (first, second) = if a.cost() > b.cost() { (b, a) } else { (a, b) };
            Test::Or(Box::new(first), Box::new(second))
        }
        Key::And(keys) => Test::And(ready(keys, last, last_uid)),
        other => Test::Key(other.clone()),
    }
}

impl Test {
    /// 0 for what the row decides, 1 for what the header section does, 2 for what needs the message.
    fn cost(&self) -> u8 {
        match self {
            Self::Numbers(_) | Self::Uids(_) => 0,
            Self::Key(Key::Body(_) | Key::Text(_)) => 2,
            Self::Key(Key::SentBefore(_) | Key::SentOn(_) | Key::SentSince(_) | Key::Header(..)) => 1,
            Self::Key(_) => 0,
            Self::Not(inner) => inner.cost(),
            Self::Or(a, b) => a.cost().max(b.cost()),
            Self::And(tests) => tests.iter().map(Self::cost).max().unwrap_or(0),
        }
    }

    fn holds(&self, c: &mut Candidate<'_>) -> Result<bool, Refusal> {
        Ok(match self {
            Self::Numbers(ranges) => view::holds(ranges, c.index),
            Self::Uids(ranges) => crate::set::holds(ranges, c.row.uid),
            Self::Not(inner) => !inner.holds(c)?,
            Self::Or(a, b) => a.holds(c)? || b.holds(c)?,
            Self::And(tests) => all(tests, c)?,
            Self::Key(key) => match by_row(key, c.row) {
                Some(answer) => answer,
                None if matches!(key, Key::Body(_) | Key::Text(_)) => c.message()?.is_some_and(|m| m.matches(key)),
                None => c.header()?.is_some_and(|h| by_header(key, h)),
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
    Some(match key {
        Key::All => true,
        Key::Recent => false,
        Key::Flag(flag, wanted) => row.flags.has(*flag) == *wanted,
        Key::Keyword(keyword, wanted) => row.flags.has_keyword(keyword) == *wanted,
        Key::Before(d) => day() < *d,
        Key::On(d) => day() == *d,
        Key::Since(d) => day() >= *d,
        Key::Larger(n) => row.size > *n,
        Key::Smaller(n) => row.size < *n,
        _ => return None,
    })
}

impl Candidate<'_> {
    fn message(&mut self) -> Result<Option<&Message>, Refusal> {
        if self.message.is_none() {
            self.message = (self.read)(true)?.map(Message::new);
        }
        Ok(self.message.as_ref())
    }

    fn header(&mut self) -> Result<Option<&[u8]>, Refusal> {
        if let Some(message) = &self.message {
            return Ok(Some(message.top()));
        }
        if self.header.is_none() {
            self.header = (self.read)(false)?;
        }
        Ok(self.header.as_deref())
    }
}

impl Message {
    /// A message just read.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, texts: OnceCell::new() }
    }

    /// Whether a text is there.
    pub fn matches(&self, key: &Key) -> bool {
        match key {
            Key::Body(text) => self.body(text),
            Key::Text(text) => holds(&header_text(self.top()), text) || self.body(text),
            _ => false,
        }
    }

    fn top(&self) -> &[u8] {
        &self.bytes[..header::end(&self.bytes)]
    }

    fn body(&self, text: &str) -> bool {
        self.texts.get_or_init(|| self.read_texts()).iter().any(|hay| holds(hay, text))
    }

    /// Every text, and the headers of messages inside: the original of a certified message is one.
    fn read_texts(&self) -> Vec<String> {
        let tree = render::tree(&self.bytes);
        let text = |part: &Part| {
            if part.is("message/rfc822") {
                let inner = part.children.first()?;
                return Some(header_text(&self.bytes[inner.header.start..inner.body.start]));
            }
            let limit = part.body.len().saturating_mul(4).saturating_add(4096);
            let text = if part.content_type.kind == "text" { part.text(&self.bytes, limit).ok() } else { None };
            text.map(|t| t.to_lowercase())
        };
        tree.walk().filter_map(text).collect()
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
            let holds = |v: &Vec<u8>| holds(&sigillo_mime::decode_words(v).to_lowercase(), text);
            Header::of(section).all(name).iter().any(holds)
        }
        _ => false,
    }
}

/// All fields with their names, decoded, in lower case, a line each.
fn header_text(section: &[u8]) -> String {
    let mut out = String::new();
    for field in header::fields(section) {
        let value = sigillo_mime::decode_words(&header::unfolded(&section[field.value]));
        let name = String::from_utf8_lossy(&section[field.name]);
        out.push_str(&format!("{name}: {value}\n").to_lowercase());
    }
    out
}

/// Both in lower case; a text of nothing is everywhere.
fn holds(hay: &str, text: &str) -> bool {
    memchr::memmem::find(hay.as_bytes(), text.as_bytes()).is_some()
}
