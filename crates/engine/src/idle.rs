//! That a mailbox is not in use, as it is told wherever it is: since when, until when, and to who administrates what ends it.

use sigillo_accounts::{Mailbox, State};
use sigillo_base::Timestamp;

use crate::Error;

/// An instant for people.
pub(crate) fn told(at: Timestamp) -> String {
    let legal = at.legal();
    format!("{} alle {}", legal.day, legal.time)
}

/// Since when a mailbox is not in use: *è bloccata dal 13/03/2026 alle 10:15:01*.
pub(crate) fn idle(row: &Mailbox) -> String {
    let at = |ms| told(Timestamp::from_millis(ms));
    match &row.state {
        State::Active => "è in uso".to_owned(),
        State::Blocked(block) => match block.until {
            Some(until) => format!("è bloccata dal {} al {}", at(block.since), at(until)),
            None => format!("è bloccata dal {}", at(block.since)),
        },
        State::Inactive(idle) => format!("è disattivata dal {}", at(idle.since)),
        State::Cancelled(gone) => format!("è cancellata dal {}", at(gone.since)),
        State::Gone(gone) => format!("non c'è più dal {}", at(gone.since)),
    }
}

/// The same for who administrates, with what ends it.
pub(crate) fn refused(row: &Mailbox) -> Error {
    let address = &row.address;
    let verb = match row.state {
        State::Blocked(_) => "unblock",
        State::Inactive(_) => "activate",
        State::Cancelled(_) => "undelete",
        State::Active | State::Gone(_) => return Error::Invalid(format!("la casella {address} {}", idle(row))),
    };
    Error::Invalid(format!("la casella {address} {}: `sigillo mailbox {verb} {address}`", idle(row)))
}

#[cfg(test)]
mod tests {
    use sigillo_accounts::{Block, Cancelled, Inactive, OrdinaryMail, Profile};

    use super::*;

    #[test]
    fn whoever_is_told_that_a_mailbox_is_not_in_use_hears_since_when_and_what_ends_it() {
        let since = 1_773_306_901_000;
        let until = since + 24 * 3_600_000;
        for (state, said) in [
            (
                State::Blocked(Block { since, until: Some(until), reason: "mora".into() }),
                "è bloccata dal 12/03/2026 alle 10:15:01 al 13/03/2026 alle 10:15:01: `sigillo mailbox unblock a@x.example`",
            ),
            (
                State::Blocked(Block { since, until: None, reason: "mora".into() }),
                "è bloccata dal 12/03/2026 alle 10:15:01: `sigillo mailbox unblock a@x.example`",
            ),
            (
                State::Inactive(Inactive { since }),
                "è disattivata dal 12/03/2026 alle 10:15:01: `sigillo mailbox activate a@x.example`",
            ),
            (
                State::Cancelled(Cancelled { since, until, before: Box::new(State::Active) }),
                "è cancellata dal 12/03/2026 alle 10:15:01: `sigillo mailbox undelete a@x.example`",
            ),
        ] {
            let row = Mailbox {
                id: 1,
                address: "a@x.example".into(),
                profile: Profile::Standard.into(),
                state,
                created: 0,
                ordinary: OrdinaryMail::Refuse,
                without: Vec::new(),
            };
            let text = refused(&row).to_string();
            assert_eq!(text, format!("la casella a@x.example {said}"));
            assert!(!text.contains("mora"), "why is for the provider's own people");
        }
    }
}
