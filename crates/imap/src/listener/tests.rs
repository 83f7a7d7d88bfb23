//! The grammar beside imap-codec's: what both know they take or refuse alike, and mean the same by. Where they differ on
//! purpose, [`differences`] says so with the clause.

mod differences;
mod grammar;
mod meaning;

use super::*;
use differences::{REFUSED, TAKEN};
use imap_codec::CommandCodec;
use imap_codec::decode::Decoder;
use proptest::prelude::*;

/// What came of the same octets.
struct Both<'a> {
    bytes: &'a [u8],
    /// The octets as text, in upper case, whatever is no UTF-8 replaced.
    raw: String,
    ours: Option<Heard>,
    /// Theirs as ours would be, and as it prints.
    theirs: Option<(Option<Command>, String)>,
}

/// Which exception explains that two parsers do not agree; nothing when they agree.
type Explained = Result<Option<&'static str>, String>;

fn both(bytes: &[u8]) -> Both<'_> {
    let decoded = CommandCodec::default().decode(bytes).ok();
    Both {
        bytes,
        raw: String::from_utf8_lossy(bytes).to_ascii_uppercase(),
        ours: Listener::new(&[]).hear(bytes).into_iter().next(),
        theirs: decoded.map(|(_, command)| (meaning::of(&command.body), format!("{command:?}"))),
    }
}

fn compare(bytes: &[u8]) -> Explained {
    let both = both(bytes);
    let said = both.ours.as_ref().map(|heard| &heard.said);
    match (said, &both.theirs) {
        // NO: understood, and refused for what it means.
        (None | Some(Err(_)), None) | (Some(Err(Problem::No(_))), Some(_)) => Ok(None),
        (Some(Ok(ours)), Some((Some(theirs), _))) if meaning::is_same(ours, theirs) => Ok(None),
        (Some(Ok(ours)), None) => {
            let why = TAKEN.iter().find(|(_, _, holds)| holds(&both, &format!("{ours:?}")));
            why.map(|why| Some(why.0)).ok_or_else(|| format!("taken here alone: {ours:?}"))
        }
        (None | Some(Err(_)), Some((_, theirs))) => {
            let why = REFUSED.iter().find(|(_, _, holds)| holds(&both, theirs));
            why.map(|why| Some(why.0)).ok_or_else(|| format!("taken there alone: {theirs}"))
        }
        (Some(Ok(ours)), Some((theirs, text))) => Err(format!("ours {ours:?}\ntheirs {theirs:?}\nas {text}")),
    }
}

#[test]
fn every_difference_has_its_example() {
    for (list, name) in [(TAKEN, "taken"), (REFUSED, "refused")] {
        for (clause, example, _) in list {
            let bytes = [example, &b"\r\n"[..]].concat();
            let text = String::from_utf8_lossy(example);
            match compare(&bytes) {
                Ok(Some(why)) => assert_eq!(why, *clause, "{name}: {text}"),
                other => panic!("{name}: {clause}: {text}: {other:?}"),
            }
        }
    }
}

/// What was wrong once.
#[test]
fn what_no_grammar_has_is_refused() {
    for bad in [
        "a STORE 1 ++FLAGS (\\Seen)",
        "a STORE 1 +-FLAGS (\\Seen)",
        "a LIST  *",
        "a LSUB \"\" ",
        "a SEARCH ON 31-Feb-2026",
        "a SELECT INBOX (QRESYNC (0 9))",
        "a SEARCH RETURN (MIN ) ALL",
        "a LIST (SUBSCRIBED ) \"\" *",
        "a REPLACE 0 INBOX {1+}\r\nx",
    ] {
        let heard = Listener::new(&[]).hear(format!("{bad}\r\n").as_bytes());
        assert!(matches!(heard[..], [Heard { said: Err(Problem::Bad(_)), .. }]), "{bad}: {heard:?}");
    }
    for good in
        ["a ENABLE CONDSTORE X!/Y", "a SETMETADATA INBOX (/shared/x ~{3+}\r\na\0b)", "a REPLACE * INBOX {1+}\r\nx"]
    {
        let heard = Listener::new(&[]).hear(format!("{good}\r\n").as_bytes());
        assert!(matches!(heard[..], [Heard { said: Ok(_), .. }]), "{good}: {heard:?}");
    }
}

proptest! {
    /// The other parser does not know NOTIFY (RFC 5465): of this grammar it says nothing.
    #[test]
    fn notify_is_taken_as_its_grammar_has_it(
        command in grammar::notify(),
        edits in prop::collection::vec(grammar::edit(), 1..4),
    ) {
        let hear = |bytes: &[u8]| Listener::new(&[]).hear(bytes).into_iter().next().map(|heard| heard.said);
        let text = String::from_utf8_lossy(&command).into_owned();
        let said = hear(&command);
        prop_assert!(matches!(said, Some(Ok(Command::Request(crate::Request::Notify { .. })))), "{text}: {said:?}");
        // Bent, it is one, or none, or another command; it is never half of one.
        let bent = edits.iter().fold(command, |command, edit| edit.of(command));
        let mut listener = Listener::new(&[]);
        let whole = listener.hear(&bent);
        let single: Vec<Heard> = {
            let mut listener = Listener::new(&[]);
            bent.iter().flat_map(|byte| listener.hear(&[*byte])).collect()
        };
        prop_assert_eq!(whole, single);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn both_take_what_the_grammar_has(command in grammar::command()) {
        let text = String::from_utf8_lossy(&command).into_owned();
        let said = Listener::new(&[]).hear(&command).into_iter().next().map(|heard| heard.said);
        prop_assert!(matches!(said, Some(Ok(_))), "{text}: {said:?}");
        prop_assert_eq!(compare(&command), Ok(None), "{}", text);
    }

    #[test]
    fn both_refuse_alike_what_was_bent(
        command in grammar::command(),
        edits in prop::collection::vec(grammar::edit(), 1..4),
    ) {
        let bent = edits.iter().fold(command, |command, edit| edit.of(command));
        let outcome = compare(&bent);
        prop_assert!(outcome.is_ok(), "{}: {outcome:?}", String::from_utf8_lossy(&bent));
    }
}
