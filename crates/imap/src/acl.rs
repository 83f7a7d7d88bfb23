//! Rights on folders (RFC 4314): one letter each, and which of them each command needs.

use std::fmt;

use crate::{Flags, StoreOp, System};

/// What somebody may do in a folder: a set of letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FolderRights(u16);

/// The standard rights, in the order of their bits (RFC 4314 §2.1): that order is kept in stores.
const LETTERS: &[u8; 11] = b"lrswipkxtea";
/// The rights of RFC 2086 that stand for several of today (RFC 4314 §2.1.1).
const OLD: [(char, &str); 2] = [('c', "kx"), ('d', "te")];

impl FolderRights {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self((1 << LETTERS.len()) - 1);
    /// `l`: the folder is shown.
    pub const LOOKUP: Self = Self::of(b"l");
    /// `s`: `\Seen` is changed.
    pub const SEEN: Self = Self::of(b"s");
    /// `w`: flags other than `\Seen` and `\Deleted` are changed.
    pub const WRITE: Self = Self::of(b"w");
    /// `t`: `\Deleted` is changed.
    pub const DELETE: Self = Self::of(b"t");
    /// `e`: messages are expunged.
    pub const EXPUNGE: Self = Self::of(b"e");
    /// `a`: rights are changed.
    pub const ADMINISTER: Self = Self::of(b"a");
    /// With one of these at least somebody may ask which rights he has (RFC 4314 §4).
    pub const ASKING: Self = Self::of(b"lrikxa");
    /// With one of these, and `l`, annotations are read and private ones set (RFC 5464 §3.3).
    const NOTING: Self = Self::of(b"rswip");
    /// With one of these at least a folder is not read-only (RFC 4314 §5.2).
    pub const CHANGING: Self = Self::of(b"swite");

    /// Of letters known to be rights.
    const fn of(letters: &[u8]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < letters.len() {
            let mut bit = 0;
            while bit < LETTERS.len() {
                if LETTERS[bit] == letters[at] {
                    bits |= 1 << bit;
                }
                bit += 1;
            }
            at += 1;
        }
        Self(bits)
    }

    /// Reads letters, in lower case; `None` when one is no right.
    pub fn parse(letters: &str) -> Option<Self> {
        letters.chars().try_fold(Self::NONE, |all, letter| {
            let old =
                OLD.iter().find(|(name, _)| *name == letter).map(|(_, stands_for)| Self::of(stands_for.as_bytes()));
            let one = old.or_else(|| u8::try_from(letter).ok().map(|byte| Self::of(&[byte])));
            one.filter(|one| *one != Self::NONE).map(|one| all.and(one))
        })
    }

    /// As they are kept.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From what is kept; bits that are no right are dropped.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Whether all of these are among them.
    pub const fn has(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }

    /// Whether one of these is among them.
    pub const fn has_any(self, some: Self) -> bool {
        self.0 & some.0 != 0
    }

    /// With these too.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Without these.
    #[must_use]
    pub const fn without(self, less: Self) -> Self {
        Self(self.0 & !less.0)
    }

    /// Each of them alone.
    pub fn each(self) -> impl Iterator<Item = Self> {
        (0..LETTERS.len()).map(|bit| Self(1 << bit)).filter(move |one| self.has(*one))
    }

    /// The system flags that they cover; `w` covers keywords too.
    pub fn flags(self) -> Flags {
        let right = |flag| match flag {
            System::Seen => Self::SEEN,
            System::Deleted => Self::DELETE,
            _ => Self::WRITE,
        };
        System::ALL.into_iter().filter(|flag| self.has(right(*flag))).fold(Flags::new(), Flags::with)
    }

    /// Of a change of flags, what they cover: the other flags stay as they were (RFC 4314 §4).
    pub fn cover(self, before: &Flags, after: &Flags) -> Flags {
        let mine = self.flags().bits();
        let keywords = if self.has(Self::WRITE) { after.keywords() } else { before.keywords() };
        Flags::from_parts(after.bits() & mine | before.bits() & !mine, keywords.iter().cloned())
    }

    /// Whether they cover any of the flags that STORE names.
    pub fn reach(self, op: StoreOp, named: &Flags) -> bool {
        match op {
            StoreOp::Set => Deed::Flag.allowed(self),
            StoreOp::Add | StoreOp::Remove => named.is_empty() || !self.cover(&Flags::new(), named).is_empty(),
        }
    }

    /// As the protocol tells them: with the letters of RFC 2086 where one of what they stand for is among them.
    pub fn told(self) -> String {
        let old = OLD.iter().filter(|(_, stands_for)| self.has_any(Self::of(stands_for.as_bytes())));
        self.to_string() + &old.map(|(letter, _)| *letter).collect::<String>()
    }
}

impl fmt::Display for FolderRights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = LETTERS.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0);
        letters.try_for_each(|(_, letter)| write!(f, "{}", char::from(*letter)))
    }
}

/// What SETACL does with the rights it names (RFC 4314 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightsChange {
    /// These and no others; none at all is DELETEACL.
    Set(FolderRights),
    /// `+`
    Add(FolderRights),
    /// `-`
    Remove(FolderRights),
}

impl RightsChange {
    /// Reads rights with the sign before them; `None` when one is none.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(more) = text.strip_prefix('+') {
            FolderRights::parse(more).map(Self::Add)
        } else if let Some(less) = text.strip_prefix('-') {
            FolderRights::parse(less).map(Self::Remove)
        } else {
            FolderRights::parse(text).map(Self::Set)
        }
    }

    /// What becomes of these.
    pub const fn of(self, before: FolderRights) -> FolderRights {
        match self {
            Self::Set(rights) => rights,
            Self::Add(rights) => before.and(rights),
            Self::Remove(rights) => before.without(rights),
        }
    }
}

/// What is done with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// LIST, LSUB, SUBSCRIBE.
    Show,
    /// SELECT, EXAMINE, STATUS, FETCH, SEARCH, COPY out of it, GETQUOTAROOT.
    Read,
    /// GETMETADATA, and SETMETADATA of what only the user sees: who may do anything with its messages.
    Note,
    /// Flags: those that the rights do not cover stay as they are; without any of the three rights nothing is done.
    Flag,
    /// APPEND; COPY and MOVE into it.
    Fill,
    /// EXPUNGE.
    Expunge,
    /// MOVE out of it (RFC 6851 §4).
    Empty,
    /// CREATE and RENAME below it.
    Branch,
    /// DELETE, RENAME.
    Remove,
    /// GETACL, SETACL, DELETEACL, LISTRIGHTS.
    Administer,
    /// SETMETADATA of what everybody sees.
    Annotate,
}

impl Deed {
    /// The rights that it needs, all of them (RFC 4314 §4; RFC 5464 §3.3 for annotations, and more for those that everybody
    /// sees); for [`Deed::Flag`] each changes other flags, and one is enough; [`Deed::Note`] needs one more of several.
    pub const fn needs(self) -> FolderRights {
        FolderRights::of(match self {
            Self::Show => b"l",
            Self::Read => b"r",
            Self::Note => b"l",
            Self::Flag => b"swt",
            Self::Fill => b"i",
            Self::Expunge => b"e",
            Self::Empty => b"rte",
            Self::Branch => b"k",
            Self::Remove => b"x",
            Self::Administer => b"a",
            Self::Annotate => b"lrw",
        })
    }

    /// Whether who has these rights may do it.
    pub fn allowed(self, rights: FolderRights) -> bool {
        match self {
            Self::Flag => rights.has_any(self.needs()),
            Self::Note => rights.has(self.needs()) && rights.has_any(FolderRights::NOTING),
            _ => rights.has(self.needs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_and_told() {
        let read = |text| FolderRights::parse(text).map(|r| (r.to_string(), r.told()));
        let is = |plain: &str, told: &str| Some((plain.to_owned(), told.to_owned()));
        assert_eq!(read("lr"), is("lr", "lr"));
        assert_eq!(read(""), is("", ""));
        assert_eq!(read("rld"), is("lrte", "lrted"), "what it stands for, and itself");
        assert_eq!(read("k"), is("k", "kc"));
        assert_eq!(read("aetxkpiwsrlcd"), is("lrswipkxtea", "lrswipkxteacd"));
        for bad in ["L", "lq", "l r", "0", "è"] {
            assert_eq!(FolderRights::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let some = FolderRights::parse("lsta").unwrap();
        assert_eq!(FolderRights::from_bits(some.bits()), some);
        assert_eq!(FolderRights::from_bits(u16::MAX), FolderRights::ALL);
        assert_eq!(FolderRights::parse("l").unwrap().bits(), 1, "the order of the bits is a format");
        assert_eq!(FolderRights::parse("a").unwrap().bits(), 1 << 10);
    }

    #[test]
    fn flags_out_of_reach_stay() {
        let rights = |text| FolderRights::parse(text).unwrap();
        let flags = |bits, keyword: &str| Flags::from_parts(bits, (!keyword.is_empty()).then(|| keyword.to_owned()));
        let (before, after) = (flags(1 | 4, "x"), flags(8 | 2, "y"));
        assert_eq!(rights("s").cover(&before, &after), flags(4, "x"));
        assert_eq!(rights("t").cover(&before, &after), flags(1 | 4 | 8, "x"));
        assert_eq!(rights("w").cover(&before, &after), flags(1 | 2, "y"));
        assert_eq!(FolderRights::ALL.cover(&before, &after), after);
        assert_eq!(rights("lr").cover(&before, &after), before);
        assert!(rights("s").reach(StoreOp::Add, &flags(1 | 4, "")) && !rights("s").reach(StoreOp::Add, &flags(4, "x")));
        assert!(rights("t").reach(StoreOp::Set, &flags(1, "")) && !rights("lr").reach(StoreOp::Set, &flags(1, "")));
    }

    #[test]
    fn changes() {
        let rights = |text| FolderRights::parse(text).unwrap();
        assert_eq!(RightsChange::Set(rights("r")).of(rights("lw")), rights("r"));
        assert_eq!(RightsChange::Add(rights("r")).of(rights("lw")), rights("lrw"));
        assert_eq!(RightsChange::Remove(rights("wd")).of(rights("lwte")), rights("l"));
    }
}
