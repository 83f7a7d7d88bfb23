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

/// Capabilities that are nothing without others: where one of these is switched off, so are they. Those of IMAP4rev2 are
/// what RFC 9051 took in (appendix E), whose clients do not look for it in the announcement.
const REST_ON: [(&str, &[&str]); 12] = [
    ("CREATE-SPECIAL-USE", &["SPECIAL-USE"]),
    ("QUOTA=RES-STORAGE", &["QUOTA"]),
    ("QUOTA=RES-MESSAGE", &["QUOTA"]),
    ("RIGHTS=kxte", &["ACL"]),
    ("LIST-MYRIGHTS", &["ACL", "LIST-EXTENDED"]),
    ("QRESYNC", &["CONDSTORE", "ENABLE"]),
    ("LIST-STATUS", &["LIST-EXTENDED"]),
    ("UTF8=ACCEPT", &["ENABLE"]),
    ("SEARCHRES", &["ESEARCH"]),
    ("SORT=DISPLAY", &["SORT"]),
    ("ESORT", &["SORT", "ESEARCH"]),
    (
        "IMAP4rev2",
        &[
            "LITERAL+",
            "SASL-IR",
            "ENABLE",
            "IDLE",
            "NAMESPACE",
            "UIDPLUS",
            "UNSELECT",
            "MOVE",
            "CHILDREN",
            "SPECIAL-USE",
            "LIST-EXTENDED",
            "LIST-STATUS",
            "STATUS=SIZE",
            "ESEARCH",
            "SEARCHRES",
            "BINARY",
        ],
    ),
];

/// Capabilities that are switched off, a bit for each place in the announcement: not announced, and whatever they add is
/// `BAD`, as on a server that never had them. Who does that has a reason (RFC 8437 §8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Without(u64);

impl Without {
    /// Everything is there.
    pub const NOTHING: Self = Self(0);

    /// Without these, in any case, and what rests on them. Names of nothing, and of the protocol itself, are passed over.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let named = names.into_iter().filter(|name| !name.eq_ignore_ascii_case(BASE));
        let mut off = Self(named.map(bit).fold(0, |all, bit| all | bit));
        loop {
            let resting = REST_ON.iter().filter(|(_, others)| others.iter().any(|other| off.holds(other)));
            let more = Self(resting.fold(off.0, |all, (name, _)| all | bit(name)));
            if more == off {
                return off;
            }
            off = more;
        }
    }

    /// Without these and those.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether this one is switched off.
    pub fn holds(self, name: &str) -> bool {
        self.0 & bit(name) != 0
    }
}

/// The bit of a capability; none of a name that is nothing.
fn bit(name: &str) -> u64 {
    CAPABILITIES.iter().position(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(0, |place| 1 << place)
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
    /// What is switched off, for all and for the account.
    pub without: Without,
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
        now && !self.without.holds(name)
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
    fn what_rests_on_others_goes_with_them() {
        let every = REST_ON.iter().flat_map(|(name, others)| others.iter().chain([name]));
        assert!(every.clone().all(|name| switchable().any(|known| known == *name)));
        assert!(switchable().count() < 64, "a bit for each");
        let off = |name| switchable().filter(|known| Without::of([name]).holds(known)).collect::<Vec<_>>();
        assert_eq!(off("esearch"), ["IMAP4rev2", "ESEARCH", "SEARCHRES", "ESORT"]);
        assert_eq!(off("WITHIN"), ["WITHIN"]);
        assert_eq!(off("X-Nothing"), [""; 0]);
        assert_eq!(off(BASE), [""; 0], "nobody switches it off");
    }

    #[test]
    fn what_is_switched_off_is_not_announced() {
        let line = |off: &[&str]| {
            let without = Without::of(off.iter().copied());
            Announced { tls: true, offer: None, logged_in: true, without }.line()
        };
        assert!(line(&[]).contains(" MOVE "));
        let less = line(&[]).replace(" PREVIEW", "").replace(" CREATE-SPECIAL-USE", "");
        assert_eq!(line(&["preview", "IMAP4rev1", "CREATE-SPECIAL-USE"]), less);
    }
}
