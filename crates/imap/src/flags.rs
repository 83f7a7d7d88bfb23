//! Message flags (RFC 3501 §2.3.2).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::cursor::Cursor;

/// The system flags a session can change. `\Recent` is not among them: no folder here keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum System {
    /// `\Seen`
    Seen = 1,
    /// `\Answered`
    Answered = 2,
    /// `\Flagged`
    Flagged = 4,
    /// `\Deleted`
    Deleted = 8,
    /// `\Draft`
    Draft = 16,
}

impl System {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Answered, Self::Flagged, Self::Deleted, Self::Seen, Self::Draft];

    /// As the protocol writes it, with the backslash.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "\\Seen",
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Draft => "\\Draft",
        }
    }

    /// Reads a name with its backslash, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str().eq_ignore_ascii_case(name))
    }
}

/// A set of system flags and keywords. Keywords keep their spelling and compare without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    system: u8,
    /// Shared between the messages of a folder by whoever reads many.
    keywords: Vec<Arc<str>>,
}

/// What STORE does with the flags it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreOp {
    /// `FLAGS`: these and no others.
    Set,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

impl Flags {
    /// Keywords of one message, and of one command: more are refused.
    pub const MAX_KEYWORDS: usize = 100;
    /// What they may come to, in octets: a folder of many messages has to be told, and kept in memory.
    pub const MAX_KEYWORD_OCTETS: usize = 2_000;

    /// No flag.
    pub const fn new() -> Self {
        Self { system: 0, keywords: Vec::new() }
    }

    /// The five system flags.
    pub const fn all_system() -> Self {
        Self { system: 31, keywords: Vec::new() }
    }

    /// From the bits of [`Flags::bits`] (unknown bits are dropped) and keywords.
    pub fn from_parts<K: AsRef<str> + Into<Arc<str>>>(bits: u8, keywords: impl IntoIterator<Item = K>) -> Self {
        let mut flags = Self { system: bits & 31, keywords: Vec::new() };
        for keyword in keywords {
            flags.insert_keyword(keyword);
        }
        flags
    }

    /// All that these have.
    pub fn all<'f>(sets: impl IntoIterator<Item = &'f Self>) -> Self {
        let (mut all, mut known) = (Self::new(), HashSet::new());
        for set in sets {
            all.system |= set.system;
            let new = set.keywords.iter().filter(|keyword| known.insert(&***keyword));
            new.for_each(|keyword| all.insert_keyword(Arc::clone(keyword)));
        }
        all
    }

    /// Reads names between blanks, as [`Flags`] displays them; `None` when one is no flag, or there are too many.
    pub fn parse(names: &str) -> Option<Self> {
        let list = format!("({})", names.trim());
        let mut cursor = Cursor::new(list.as_bytes());
        cursor.flag_list().ok().filter(|_| cursor.rest().is_empty())
    }

    /// The system flags as bits, stable for storage: Seen 1, Answered 2, Flagged 4, Deleted 8, Draft 16.
    pub const fn bits(&self) -> u8 {
        self.system
    }

    /// The keywords, sorted without case.
    pub fn keywords(&self) -> &[Arc<str>] {
        &self.keywords
    }

    /// The same as texts of their own, for storage.
    pub fn keyword_texts(&self) -> Vec<String> {
        self.keywords.iter().map(|keyword| keyword.to_string()).collect()
    }

    /// This set with one flag more.
    #[must_use]
    pub fn with(mut self, flag: System) -> Self {
        self.insert(flag);
        self
    }

    /// Whether the system flag is in the set.
    pub const fn has(&self, flag: System) -> bool {
        self.system & flag as u8 != 0
    }

    /// Adds a system flag.
    pub const fn insert(&mut self, flag: System) {
        self.system |= flag as u8;
    }

    /// Whether the keyword is in the set, in any case.
    pub fn has_keyword(&self, keyword: &str) -> bool {
        self.position(keyword).is_ok()
    }

    /// Adds a keyword, if it is not there.
    pub fn insert_keyword<K: AsRef<str> + Into<Arc<str>>>(&mut self, keyword: K) {
        if let Err(at) = self.position(keyword.as_ref()) {
            self.keywords.insert(at, keyword.into());
        }
    }

    /// What the keywords come to, in octets.
    pub fn keyword_octets(&self) -> usize {
        self.keywords.iter().map(|keyword| keyword.len()).sum()
    }

    /// No flag and no keyword.
    pub const fn is_empty(&self) -> bool {
        self.system == 0 && self.keywords.is_empty()
    }

    /// What the set becomes after a STORE.
    #[must_use]
    pub fn after(&self, op: StoreOp, named: &Self) -> Self {
        match op {
            StoreOp::Set => named.clone(),
            StoreOp::Add => {
                let mut sum = self.clone();
                sum.system |= named.system;
                for keyword in &named.keywords {
                    sum.insert_keyword(keyword.clone());
                }
                sum
            }
            StoreOp::Remove => Self {
                system: self.system & !named.system,
                keywords: self.keywords.iter().filter(|k| !named.has_keyword(k)).cloned().collect(),
            },
        }
    }

    /// Whether they are more than a message may carry.
    pub fn is_too_much(&self) -> bool {
        self.keywords.len() > Self::MAX_KEYWORDS || self.keyword_octets() > Self::MAX_KEYWORD_OCTETS
    }

    fn position(&self, keyword: &str) -> Result<usize, usize> {
        let wanted = keyword.to_ascii_lowercase();
        self.keywords.binary_search_by(|k| k.to_ascii_lowercase().cmp(&wanted))
    }
}

impl fmt::Display for Flags {
    /// The names between blanks, without parentheses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = System::ALL.into_iter().filter(|s| self.has(*s)).map(|s| s.as_str());
        for (i, name) in system.chain(self.keywords.iter().map(|keyword| &**keyword)).enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_operations() {
        let now = Flags::from_parts(1, ["Work".to_owned(), "a".to_owned()]);
        let named = Flags::from_parts(4, ["WORK".to_owned(), "b".to_owned()]);
        assert_eq!(now.after(StoreOp::Add, &named).to_string(), "\\Flagged \\Seen a b Work");
        assert_eq!(now.after(StoreOp::Remove, &named).to_string(), "\\Seen a");
        assert_eq!(now.after(StoreOp::Set, &named), named);
        assert!(now.has_keyword("wORK") && !now.has_keyword("b"));
        assert_eq!(System::parse("\\sEEN"), Some(System::Seen));
        assert_eq!(System::parse("\\Recent"), None);
        assert_eq!(Flags::parse(&now.to_string()).as_ref(), Some(&now));
        assert_eq!(Flags::parse(""), Some(Flags::new()));
        assert!(["a b(c", "\\Odd", "a) x", "è"].into_iter().all(|bad| Flags::parse(bad).is_none()));
    }
}
