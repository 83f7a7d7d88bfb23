//! The published vectors of SMTP smuggling: none of them ends a message, and no message that holds one is taken.

use sigillo_wire::Session;

use super::stub::Scripted;
use crate::server::{Action, Role};

pub(super) const VECTORS: [&str; 20] = [
    "\n.\n",
    "\r.\r",
    "\n.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\r.\r\n",
    "\n.\r",
    "\r.\n",
    "\r\r\n.\r\r\n",
    "\r\n.\r\r\n",
    "\n\n.\n\n",
    "\r\r.\r\r",
    "\n\r.\n\r",
    "\r\n\0.\r\n",
    "\r\n.\0\n",
    "\r\n.\0\r\n",
    "\n\0.\r\n",
    "\r\0\n.\r\n",
    "\0\r\n.\n",
    "\r\n.\r\0\n",
];

const SMUGGLED: &str = "MAIL FROM:<evil@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nsmuggled\r\n.\r\n";

#[test]
fn no_vector_ends_a_message() {
    for vector in VECTORS {
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
            assert_eq!(s.actions.last(), Some(&Action::Reset), "{vector:?}");
            s.run(
                "S: 220 …\nS+ 250\nS: 250 2.1.0 Ok\nS: 250 2.1.5 Ok
                S: 354 …\nS: 554 5.6.0 …\nS: 250 2.0.0 Ok",
            );
        }
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
