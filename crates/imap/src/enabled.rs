//! What a client has switched on for the rest of its session (RFC 5161), and what is switched off for it.

use crate::command::Without;

/// Switches that change what is taken and sent. Nothing switches one off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Enabled {
    /// FETCH responses of changes carry mod-sequences (RFC 7162 §3.1).
    pub condstore: bool,
    /// VANISHED takes the place of EXPUNGE, and changes carry UIDs (RFC 7162 §3.2).
    pub qresync: bool,
    /// `UTF8=ACCEPT`: names and headers are UTF-8 both ways, and SEARCH names no charset (RFC 6855).
    pub utf8: bool,
    /// `IMAP4rev2`: the same of names and headers, and the answers are those of RFC 9051.
    pub rev2: bool,
    /// What is switched off, for all or for the account: nothing of it can be switched on, or asked for.
    pub without: Without,
}

/// The switch of a name, and what it brings along.
type Switch = fn(&mut Enabled);

/// The names that ENABLE takes, as they are told.
const SWITCHES: [(&str, Switch); 4] = [
    ("CONDSTORE", |on| on.condstore = true),
    ("QRESYNC", |on| {
        on.condstore = true;
        on.qresync = true;
    }),
    ("UTF8=ACCEPT", |on| on.utf8 = true),
    ("IMAP4rev2", |on| on.rev2 = true),
];

impl Enabled {
    /// Nothing on, nothing off.
    pub const NOTHING: Self =
        Self { condstore: false, qresync: false, utf8: false, rev2: false, without: Without::NOTHING };

    /// The same without these capabilities.
    pub fn of(without: &[String]) -> Self {
        Self { without: Without::of(without.iter().map(String::as_str)), ..Self::NOTHING }
    }

    /// Switches a name on, in any case, if it is one of a switch and not switched off; gives it as it is told, if it is on now and was not
    /// before.
    pub fn switch_on(&mut self, name: &str) -> Option<&'static str> {
        let before = *self;
        let fits = |known: &str| known.eq_ignore_ascii_case(name) && !self.without.holds(known);
        let (known, switch) = SWITCHES.iter().find(|(known, _)| fits(known))?;
        switch(self);
        (*self != before).then_some(known)
    }

    /// Names of folders travel as UTF-8, and a header may hold it.
    pub const fn takes_utf8(self) -> bool {
        self.utf8 || self.rev2
    }

    /// Changes that are told carry the UID (RFC 7162 §3.2.6, RFC 9051 §7.5.2).
    pub const fn tells_uids(self) -> bool {
        self.qresync || self.rev2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_switched_on_once_and_others_never() {
        let mut on = Enabled::default();
        assert_eq!(on.switch_on("MOVE"), None);
        assert_eq!(on.switch_on("QRESYNC"), Some("QRESYNC"));
        assert!(on.condstore && !on.takes_utf8());
        let mut less = Enabled { without: Without::of(["condstore"]), ..Enabled::default() };
        assert_eq!((less.switch_on("QRESYNC"), less.switch_on("CONDSTORE")), (None, None), "one rests on the other");
        assert_eq!((on.switch_on("QRESYNC"), on.switch_on("CONDSTORE")), (None, None));
        assert_eq!(on.switch_on("IMAP4REV2"), Some("IMAP4rev2"));
        assert!(on.takes_utf8() && !on.utf8);
    }
}
