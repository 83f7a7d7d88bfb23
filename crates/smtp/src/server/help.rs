//! HELP (RFC 5321 §4.1.1.8).

use super::Server;
use crate::Reply;

impl Server {
    pub(super) fn help(&mut self) {
        self.say(&Reply::new(214, (2, 0, 0), "EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT"));
    }
}
