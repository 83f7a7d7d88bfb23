//! CAPABILITY (RFC 3501 §6.1.1), and the one list of what is announced.

use sigillo_wire::sasl::Offer;

use crate::command::Command;
use crate::cursor::{Cursor, Read};

/// When a capability is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// In every state.
    Always,
    /// After login.
    Inside,
    /// Before login, as long as TLS can still be started.
    Open,
    /// Before login, where no password is taken.
    Barred,
}

/// Every capability, in the order of the announcement: only what is complete, with its row in `docs/imap.md`. The
/// mechanisms of AUTHENTICATE follow (`AUTH=…`).
const CAPABILITIES: [(&str, When); 50] = [
    ("IMAP4rev2", When::Always),
    (BASE, When::Always),
    ("LITERAL+", When::Always),
    ("SASL-IR", When::Always),
    ("ID", When::Always),
    ("ENABLE", When::Always),
    ("IDLE", When::Always),
    ("NOTIFY", When::Always),
    ("NAMESPACE", When::Always),
    ("UIDPLUS", When::Always),
    ("UNSELECT", When::Always),
    ("MOVE", When::Always),
    ("CHILDREN", When::Always),
    ("SPECIAL-USE", When::Always),
    ("CREATE-SPECIAL-USE", When::Always),
    ("QUOTA", When::Always),
    ("QUOTA=RES-STORAGE", When::Always),
    ("QUOTA=RES-MESSAGE", When::Always),
    ("ACL", When::Always),
    ("RIGHTS=kxte", When::Always),
    ("LIST-MYRIGHTS", When::Always),
    ("METADATA", When::Always),
    ("CONDSTORE", When::Always),
    ("QRESYNC", When::Always),
    ("LIST-EXTENDED", When::Always),
    ("LIST-STATUS", When::Always),
    ("STATUS=SIZE", When::Always),
    ("OBJECTID", When::Always),
    ("SAVEDATE", When::Always),
    ("INPROGRESS", When::Always),
    ("UTF8=ACCEPT", When::Always),
    ("UNAUTHENTICATE", When::Inside),
    ("ESEARCH", When::Always),
    ("SEARCHRES", When::Always),
    ("WITHIN", When::Always),
    ("I18NLEVEL=1", When::Always),
    ("SORT", When::Always),
    ("SORT=DISPLAY", When::Always),
    ("ESORT", When::Always),
    ("THREAD=ORDEREDSUBJECT", When::Always),
    ("THREAD=REFERENCES", When::Always),
    ("THREAD=X-CONVERSATION", When::Always),
    ("BINARY", When::Always),
    ("CATENATE", When::Always),
    ("MULTIAPPEND", When::Always),
    ("PREVIEW", When::Always),
    ("REPLACE", When::Always),
    ("COMPRESS=DEFLATE", When::Inside),
    ("STARTTLS", When::Open),
    ("LOGINDISABLED", When::Barred),
];

/// The commands that come with a capability: where it is switched off, they are refused too, since who does that has a
/// reason (RFC 8437 §8). Those of UID stand without it.
const COMMANDS: [(&str, &str); 24] = [
    ("COMPRESS", "COMPRESS=DEFLATE"),
    ("DELETEACL", "ACL"),
    ("ENABLE", "ENABLE"),
    ("GETACL", "ACL"),
    ("GETMETADATA", "METADATA"),
    ("GETQUOTA", "QUOTA"),
    ("GETQUOTAROOT", "QUOTA"),
    ("ID", "ID"),
    ("IDLE", "IDLE"),
    ("LISTRIGHTS", "ACL"),
    ("MOVE", "MOVE"),
    ("MYRIGHTS", "ACL"),
    ("NAMESPACE", "NAMESPACE"),
    ("NOTIFY", "NOTIFY"),
    ("REPLACE", "REPLACE"),
    ("SETACL", "ACL"),
    ("SETMETADATA", "METADATA"),
    ("SETQUOTA", "QUOTA"),
    ("SORT", "SORT"),
    ("THREAD ORDEREDSUBJECT", "THREAD=ORDEREDSUBJECT"),
    ("THREAD REFERENCES", "THREAD=REFERENCES"),
    ("THREAD X-CONVERSATION", "THREAD=X-CONVERSATION"),
    ("UNAUTHENTICATE", "UNAUTHENTICATE"),
    ("UNSELECT", "UNSELECT"),
];

/// The capability that a command comes with, by the text behind its tag; `None` of one that is always there.
pub fn behind(after_tag: &[u8]) -> Option<&'static str> {
    let mut words = after_tag.split(|b| *b == b' ');
    let mut word = || String::from_utf8_lossy(words.next().unwrap_or_default()).to_ascii_uppercase();
    let mut name = word();
    if name == "UID" {
        name = word();
        if name == "EXPUNGE" {
            return Some("UIDPLUS");
        }
    }
    if name == "THREAD" {
        name = format!("{name} {}", word());
    }
    COMMANDS.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// The names that can be switched off, in the order of the announcement.
pub fn switchable() -> impl Iterator<Item = &'static str> {
    CAPABILITIES.into_iter().map(|(name, _)| name).filter(|name| *name != BASE)
}

/// The protocol itself, which nobody switches off.
const BASE: &str = "IMAP4rev1";

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Capability)
}

/// What the announcement follows from.
#[derive(Debug, Clone, Copy)]
pub struct Announced<'a> {
    /// TLS stands.
    pub tls: bool,
    /// The mechanisms, where a login may be tried.
    pub offer: Option<&'a Offer>,
    /// Somebody has logged in.
    pub logged_in: bool,
    /// Names that are switched off, for all and for the account.
    pub without: [&'a [String]; 2],
}

impl Announced<'_> {
    /// The names between blanks. Before TLS, nothing that takes a password.
    pub fn line(&self) -> String {
        let mut all: Vec<String> =
            CAPABILITIES.into_iter().filter(|row| self.tells(*row)).map(|(name, _)| name.to_owned()).collect();
        if let Some(offer) = self.offer.filter(|_| !self.logged_in) {
            all.extend(offer.mechanisms().into_iter().map(|name| format!("AUTH={name}")));
        }
        all.join(" ")
    }

    fn tells(&self, (name, when): (&str, When)) -> bool {
        let now = match when {
            When::Always => true,
            When::Inside => self.logged_in,
            When::Open => !self.logged_in && !self.tls,
            When::Barred => !self.logged_in && self.offer.is_none(),
        };
        now && (name == BASE || !self.without.concat().iter().any(|off| off.eq_ignore_ascii_case(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_is_listed_once_and_documented() {
        let page = include_str!("../../../../docs/imap.md");
        for (i, (name, _)) in CAPABILITIES.iter().enumerate() {
            assert!(CAPABILITIES[..i].iter().all(|row| row.0 != *name), "{name} twice");
            assert!(page.contains(&format!("| `{name}` |")), "{name} has no row in docs/imap.md");
        }
    }

    #[test]
    fn commands_come_with_capabilities_that_there_are() {
        for (command, capability) in COMMANDS {
            assert!(switchable().any(|name| name == capability), "{capability}");
            assert_eq!(behind(format!("{command} x").to_lowercase().as_bytes()), Some(capability));
        }
        assert_eq!(behind(b"uid Move 1 x"), Some("MOVE"));
        assert_eq!(behind(b"UID EXPUNGE 1"), Some("UIDPLUS"));
        assert_eq!(behind(b"IDLE"), Some("IDLE"));
        assert!(
            [&b"EXPUNGE"[..], b"UID COPY 1 x", b"NOOP", b"UID", b""].into_iter().all(|text| behind(text).is_none())
        );
        assert!(switchable().all(|name| name != BASE));
    }

    #[test]
    fn what_is_switched_off_is_not_announced() {
        let line = |off: &[&str]| {
            let without: Vec<String> = off.iter().map(|name| (*name).to_owned()).collect();
            Announced { tls: true, offer: None, logged_in: true, without: [&without, &[]] }.line()
        };
        assert!(line(&[]).contains(" MOVE "));
        assert_eq!(
            line(&["move", "IMAP4rev1", "CREATE-SPECIAL-USE"]),
            line(&[]).replace(" MOVE", "").replace(" CREATE-SPECIAL-USE", "")
        );
    }
}
