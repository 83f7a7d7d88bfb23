//! VRFY (RFC 5321 §3.5.3): never tells whether a mailbox exists.

use super::Server;
use crate::Reply;

impl Server {
    pub(super) fn vrfy(&mut self, argument: &str) {
        if argument.is_empty() {
            return self.bad(&Reply::new(501, (5, 5, 4), "VRFY address"));
        }
        self.say(&Reply::new(252, (2, 5, 0), "Cannot VRFY user, but will accept message and attempt delivery"));
    }
}
