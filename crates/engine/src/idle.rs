//! That a mailbox is not in use, as it is told wherever it is: since when, until when, and to who administrates what ends it.

use sigillo_accounts::{Mailbox, State};
use sigillo_base::{Said, Timestamp, said};

use crate::Error;

/// An instant for people.
pub(crate) fn told(at: Timestamp) -> Said {
    let legal = at.legal();
    said!("{} alle {}", "{} at {}", legal.day, legal.time)
}

/// Since when a mailbox is not in use: *è bloccata dal 13/03/2026 alle 10:15:01*.
pub(crate) fn idle(row: &Mailbox) -> Said {
    let at = |ms| told(Timestamp::from_millis(ms));
    match &row.state {
        State::Active => said!("è in uso", "is in use"),
        State::Blocked(block) => {
            let since = at(block.since);
            match block.until.map(at) {
                Some(until) => Said::new(
                    format!("è bloccata dal {} al {}", since.it, until.it),
                    format!("is blocked from {} to {}", since.en, until.en),
                ),
                None => self::since(since, "è bloccata", "is blocked"),
            }
        }
        State::Inactive(idle) => since(at(idle.since), "è disattivata", "is out of use"),
        State::Cancelled(gone) => since(at(gone.since), "è cancellata", "is cancelled"),
        State::Gone(gone) => since(at(gone.since), "non c'è più", "is gone"),
    }
}

fn since(at: Said, it: &str, en: &str) -> Said {
    Said::new(format!("{it} dal {}", at.it), format!("{en} since {}", at.en))
}

/// The same for who administrates, with what ends it.
pub(crate) fn refused(row: &Mailbox) -> Error {
    let (address, Said { it, en }) = (&row.address, idle(row));
    let verb = match row.state {
        State::Blocked(_) => "unblock",
        State::Inactive(_) => "activate",
        State::Cancelled(_) => "undelete",
        State::Active | State::Gone(_) => {
            return Error::Invalid(said!("la casella {address} {it}", "mailbox {address} {en}"));
        }
    };
    Error::Invalid(said!(
        "la casella {address} {it}: `sigillo mailbox {verb} {address}`",
        "mailbox {address} {en}: `sigillo mailbox {verb} {address}`"
    ))
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
