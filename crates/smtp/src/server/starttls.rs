//! STARTTLS (RFC 3207).

use super::{Action, Role, Server, State};
use crate::Reply;

impl Server {
    pub(super) fn starttls(&mut self, argument: &str) {
        if self.tls || self.config.role == Role::SubmissionTls {
            return self.bad(&Reply::new(503, (5, 5, 1), "TLS already active"));
        }
        if self.refuse_argument(argument) {
            return;
        }
        self.reset();
        self.say(&Reply::new(220, (2, 0, 0), "Ready to start TLS"));
        self.queue.push_back(Action::StartTls);
        // Whatever was sent along in clear, anybody on the way may have added (CVE-2011-0411).
        self.lines.clear();
        self.enter(State::Tls);
    }
}
