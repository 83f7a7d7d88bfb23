//! What SEARCH looks for (RFC 3501 §6.4.4), and whether a message is it.

pub mod plan;

use crate::{SequenceSet, System};

/// All of these must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Criteria(pub Vec<Key>);

/// A day as `2026-03-12`.
pub type Day = String;

/// One search key. Texts are in lower case.
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
    Larger(u32),
    /// `SMALLER`
    Smaller(u32),
    /// `HEADER`, `FROM`, `SUBJECT` and the like: field name and text, which may be empty.
    Header(String, String),
    /// `BODY`
    Body(String),
    /// `TEXT`
    Text(String),
    /// `NOT`
    Not(Box<Key>),
    /// `OR`
    Or(Box<Key>, Box<Key>),
    /// Keys in parentheses.
    And(Vec<Key>),
}
