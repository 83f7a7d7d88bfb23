//! From a line to the command that it asks for.

use super::{Role, Server};
use crate::Reply;

impl Server {
    pub(super) fn command(&mut self, line: &[u8]) {
        let Ok(text) = std::str::from_utf8(line) else {
            return self.bad(&Reply::new(500, (5, 5, 2), "Not a command"));
        };
        let (verb, argument) = text.split_once(' ').unwrap_or((text, ""));
        let (verb, argument) = (verb.to_ascii_uppercase(), argument.trim_matches(' '));
        if verb == "BDAT" {
            return self.bdat(argument); // whose octets follow, whatever the answer
        }
        if self.wants_tls_first(&verb) {
            return self.bad(&Reply::new(530, (5, 7, 0), "Prima STARTTLS / Must issue a STARTTLS command first"));
        }
        match verb.as_str() {
            "EHLO" => self.ehlo(argument),
            "HELO" => self.helo(argument),
            "STARTTLS" => self.starttls(argument),
            "AUTH" => self.auth(argument),
            "MAIL" => self.mail(argument),
            "RCPT" => self.rcpt(argument),
            "DATA" => self.data(argument),
            "RSET" => self.rset(),
            "NOOP" => self.noop(),
            "VRFY" => self.vrfy(argument),
            "HELP" => self.help(),
            "QUIT" => self.quit(),
            "EXPN" | "ETRN" | "TURN" | "SEND" | "SOML" | "SAML" => {
                self.bad(&Reply::new(502, (5, 5, 1), "Command not implemented"));
            }
            // A browser made to talk to us: what follows is a page's work, not a mail client's.
            "GET" | "POST" | "PUT" | "CONNECT" | "OPTIONS" => {
                self.say(&Reply::new(421, (4, 7, 0), "This is a mail server"));
                self.hang_up();
            }
            _ => self.bad(&Reply::new(500, (5, 5, 1), "Command unrecognized")),
        }
    }

    /// RFC 3207 §4: where TLS is demanded, little may be said before it. AUTH has a refusal of its own.
    pub(super) fn wants_tls_first(&self, verb: &str) -> bool {
        self.config.role == Role::Submission
            && !self.tls
            && matches!(verb, "MAIL" | "RCPT" | "DATA" | "RSET" | "VRFY" | "HELP" | "EXPN" | "ETRN" | "TURN" | "BDAT")
    }

    /// Commands without argument refuse one (RFC 5321 §4.1.1.4); true when it was refused.
    pub(super) fn refuse_argument(&mut self, argument: &str) -> bool {
        if !argument.is_empty() {
            self.bad(&Reply::new(501, (5, 5, 4), "No argument allowed"));
        }
        !argument.is_empty()
    }

    /// Commands of a transaction need a greeting first (RFC 5321 §4.1.4); true when it is missing.
    pub(super) fn refuse_unnamed(&mut self) -> bool {
        if self.peer.is_empty() {
            self.bad(&Reply::new(503, (5, 5, 1), "Say EHLO first"));
        }
        self.peer.is_empty()
    }
}
