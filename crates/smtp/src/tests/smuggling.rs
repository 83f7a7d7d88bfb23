//! The published vectors of SMTP smuggling: none of them ends a message, and no message that holds one is taken.

use sigillo_wire::{Session, transcript};

use super::stub::Scripted;
use crate::server::{Action, Role};

pub(super) fn vectors() -> impl Iterator<Item = String> {
    let lines = include_str!("../../../../tests/fixtures/smuggling.txt").lines().filter(|l| !l.starts_with('#'));
    lines.map(|line| String::from_utf8(transcript::unescape(line)).unwrap())
}

const SMUGGLED: &str = "MAIL FROM:<evil@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nsmuggled\r\n.\r\n";

#[test]
fn no_vector_ends_a_message() {
    assert!(vectors().count() > 20);
    for vector in vectors() {
        for whole in [true, false] {
            let mut s = Scripted::new(Role::Reception, |_| ());
            let stream = format!(
                "EHLO b\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<a@y.example>\r\nDATA\r\nhello{vector}{SMUGGLED}NOOP\r\n"
            );
            for piece in stream.as_bytes().chunks(if whole { stream.len() } else { 1 }) {
                s.server.input(s.now, piece);
                s.drive();
            }
            let mails = s.actions.iter().filter(|a| matches!(a, Action::Mail(_))).count();
            assert_eq!((mails, s.message()), (1, None), "{vector:?}");
            // Behind a stray line end what follows is nobody's; a NUL moves no line end.
            assert!(s.closed || vector.contains('\0'), "{vector:?}");
            let after = if s.closed { "" } else { "\nS: 250 2.0.0 Ok" };
            s.run(&format!("S: 220 …\nS+ 250\nS: 250 2.1.0 Ok\nS: 250 2.1.5 Ok\nS: 354 …\nS: 554 5.6.0 …{after}"));
            assert!(s.actions.contains(&Action::Reset), "{vector:?}");
        }
    }
}

/// In a chunk nothing ends the message but its size; what DATA refuses is refused there too.
#[test]
fn no_vector_passes_in_a_chunk() {
    for vector in vectors() {
        let mut s = Scripted::new(Role::Reception, |_| ());
        let message = format!("hello{vector}{SMUGGLED}");
        let head = "EHLO b\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<a@y.example>\r\n";
        s.server.input(s.now, format!("{head}BDAT {} LAST\r\n{message}NOOP\r\n", message.len()).as_bytes());
        s.run("S: 220 …\nS+ 250\nS: 250 2.1.0 Ok\nS: 250 2.1.5 Ok\nS: 554 5.6.0 …\nS: 250 2.0.0 Ok");
        let mails = s.actions.iter().filter(|a| matches!(a, Action::Mail(_))).count();
        assert_eq!((mails, s.message()), (1, None), "{vector:?}");
    }
}

#[test]
fn no_vector_separates_commands() {
    for end in ["\n", "\r", "\r\0\n", "\n\r"] {
        let mut s = Scripted::new(Role::Reception, |_| ());
        s.server.input(s.now, format!("EHLO b\r\nMAIL FROM:<a@x.example>{end}RCPT TO:<b@y.example>\r\n").as_bytes());
        s.drive();
        assert_eq!(s.actions, [], "{end:?}");
    }
}
