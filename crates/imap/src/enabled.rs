//! What a client has switched on for the rest of its session (RFC 5161).

/// Switches that change what is sent. Nothing switches one off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Enabled {
    /// FETCH responses of changes carry mod-sequences (RFC 7162 §3.1).
    pub condstore: bool,
    /// VANISHED takes the place of EXPUNGE, and changes carry UIDs (RFC 7162 §3.2).
    pub qresync: bool,
}

/// The switch of a name, and what it brings along.
type Switch = fn(&mut Enabled);

/// The names that ENABLE takes.
const SWITCHES: [(&str, Switch); 2] = [
    ("CONDSTORE", |on| on.condstore = true),
    ("QRESYNC", |on| {
        on.condstore = true;
        on.qresync = true;
    }),
];

impl Enabled {
    /// Switches a name on, if it is one of a switch; whether it is on now and was not before.
    pub fn switch_on(&mut self, name: &str) -> bool {
        let before = *self;
        if let Some((_, switch)) = SWITCHES.iter().find(|(known, _)| *known == name) {
            switch(self);
        }
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_switched_on_once_and_others_never() {
        let mut on = Enabled::default();
        assert!(!on.switch_on("MOVE"));
        assert!(on.switch_on("QRESYNC") && on.condstore);
        assert!(!on.switch_on("QRESYNC") && !on.switch_on("CONDSTORE"));
    }
}
