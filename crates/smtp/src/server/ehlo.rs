//! EHLO (RFC 5321 §4.1.1.1): the client's name, and what we offer.

use super::{Role, Server};
use crate::Reply;

impl Server {
    pub(super) fn ehlo(&mut self, argument: &str) {
        if !self.name(argument) {
            return;
        }
        self.extended = true;
        let mut lines = vec![self.config.host.clone(), "PIPELINING".into(), format!("SIZE {}", self.config.size_limit)];
        if !self.tls && self.config.role != Role::SubmissionTls {
            lines.push("STARTTLS".into());
        }
        if self.offers_auth() {
            lines.push(format!("AUTH {}", self.offer.mechanisms().join(" ")));
        }
        if self.is_reception() {
            lines.extend(["8BITMIME", "SMTPUTF8", "DSN"].map(Into::into));
        }
        if self.offers_require_tls() {
            lines.push("REQUIRETLS".into());
        }
        lines.push("CHUNKING".into());
        lines.push(format!("LIMITS RCPTMAX={}", self.config.max_recipients));
        lines.push("ENHANCEDSTATUSCODES".into());
        self.say(&Reply { code: 250, enhanced: None, text: lines });
    }

    /// Takes the name of EHLO or HELO, and drops the transaction; says the refusal itself. The name goes into the
    /// Received field: nothing that could look like more than a name is let in.
    pub(super) fn name(&mut self, argument: &str) -> bool {
        let fine = !argument.is_empty()
            && argument.len() <= 255
            && argument.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
        if !fine {
            self.bad(&Reply::new(501, (5, 5, 4), "A host name is needed"));
            return false;
        }
        self.reset();
        argument.clone_into(&mut self.peer);
        true
    }

    pub(super) fn offers_auth(&self) -> bool {
        self.tls && self.config.role.is_submission()
    }

    /// What other servers may say and our users may not: an 8-bit original could not be wrapped as the rules want it
    /// (RFC 6109 §4.3), no certified address is outside ASCII, and certified mail has receipts of its own in the place
    /// of delivery status notifications (pec rule 6).
    pub(super) fn is_reception(&self) -> bool {
        self.config.role == Role::Reception
    }

    /// Only where the message itself comes by TLS (RFC 8689 §3).
    pub(super) fn offers_require_tls(&self) -> bool {
        self.tls
    }
}
