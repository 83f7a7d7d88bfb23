//! What SEARCH, SORT and THREAD look for (RFC 3501 §6.4.4), whether a message is it, and how what was found is told.

pub mod casemap;
pub mod found;
pub mod grams;
pub mod job;
pub mod plan;
pub mod texts;

use crate::sort::Criterion;
use crate::thread::Algorithm;
use crate::{SequenceSet, System};

/// SEARCH, SORT or THREAD: which messages, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is told of the messages found.
    pub wanted: Wanted,
    /// Which messages; `None` when they were asked for in a charset that is not known.
    pub criteria: Option<Criteria>,
}

/// What is told of the messages found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// SEARCH: their numbers.
    Numbers(Option<Returns>),
    /// SORT (RFC 5256): their numbers in this order.
    Sorted(Vec<Criterion>, Option<Returns>),
    /// THREAD (RFC 5256): who answers whom.
    Threads(Algorithm),
}

impl Wanted {
    /// What stands behind RETURN, if anything does.
    pub const fn returns(&self) -> Option<Returns> {
        match self {
            Self::Numbers(returns) | Self::Sorted(_, returns) => *returns,
            Self::Threads(_) => None,
        }
    }
}

/// `RETURN (…)` of RFC 4731, with RFC 5182's SAVE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Returns {
    /// `MIN`: the first of them.
    pub min: bool,
    /// `MAX`: the last of them.
    pub max: bool,
    /// `ALL`
    pub all: bool,
    /// `COUNT`
    pub count: bool,
    /// `SAVE`: keep them as `$`.
    pub save: bool,
}

/// All of these must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Criteria(pub Vec<Key>);

/// A day as `2026-03-12`.
pub type Day = String;

/// One search key. Texts are folded ([`casemap::fold`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// `ALL`
    All,
    /// A sequence set.
    Set(SequenceSet),
    /// `UID`
    Uid(SequenceSet),
    /// `SEEN`, `UNSEEN` and the like.
    Flag(System, bool),
    /// `EMAILID` (RFC 8474): [`Row::email`](crate::Row::email), if it is one of ours.
    EmailId(Option<u128>),
    /// `SAVEDBEFORE` (RFC 8514)
    SavedBefore(Day),
    /// `SAVEDON`
    SavedOn(Day),
    /// `SAVEDSINCE`
    SavedSince(Day),
    /// `KEYWORD`, `UNKEYWORD`
    Keyword(String, bool),
    /// `RECENT`, `NEW`: no folder here keeps `\Recent`, so neither ever holds, and `OLD` always does ([`Key::All`]).
    Recent,
    /// `BEFORE`, by INTERNALDATE.
    Before(Day),
    /// `ON`
    On(Day),
    /// `SINCE`
    Since(Day),
    /// `SENTBEFORE`, by the Date field.
    SentBefore(Day),
    /// `SENTON`
    SentOn(Day),
    /// `SENTSINCE`
    SentSince(Day),
    /// `LARGER`
    Larger(u64),
    /// `SMALLER`
    Smaller(u64),
    /// `HEADER`, `FROM`, `SUBJECT` and the like: field name and text, which may be empty.
    Header(String, String),
    /// `BODY`
    Body(String),
    /// `TEXT`
    Text(String),
    /// `MODSEQ` (RFC 7162 §3.1.5): changed since. Flags have no mod-sequence of their own here, so that the one of the
    /// message stands for each.
    ModSeq(u64),
    /// `OLDER` (RFC 5032): came so many seconds ago, or before.
    Older(u32),
    /// `YOUNGER`: came within so many seconds.
    Younger(u32),
    /// `NOT`
    Not(Box<Key>),
    /// `OR`
    Or(Box<Key>, Box<Key>),
    /// Keys in parentheses.
    And(Vec<Key>),
}

impl Criteria {
    /// Whether mod-sequences are asked about, so that they are told too (RFC 7162 §3.1.5).
    pub fn ask_modseq(&self) -> bool {
        self.any(|key| matches!(key, Key::ModSeq(_)))
    }

    /// Whether messages are named by their sequence numbers, so that these have to stay as they are also in a UID SEARCH
    /// (RFC 7162 §3.2.10.2, RFC 9051 §7.5.1).
    pub fn name_numbers(&self) -> bool {
        self.any(|key| matches!(key, Key::Set(_)))
    }

    fn any(&self, is: fn(&Key) -> bool) -> bool {
        fn inside(key: &Key, is: fn(&Key) -> bool) -> bool {
            match key {
                Key::Not(inner) => inside(inner, is),
                Key::Or(a, b) => inside(a, is) || inside(b, is),
                Key::And(keys) => keys.iter().any(|key| inside(key, is)),
                key => is(key),
            }
        }
        self.0.iter().any(|key| inside(key, is))
    }
}
