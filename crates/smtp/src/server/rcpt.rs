//! RCPT (RFC 5321 §4.1.1.3) with NOTIFY and ORCPT (RFC 3461).

use sigillo_base::Address;

use super::mail::{after_keyword, refuse_unannounced};
use super::{Action, Question, RcptTo, Server};
use crate::Reply;
use crate::dsn::{Notify, OriginalRecipient};
use crate::path::{self, Path};

impl Server {
    pub(super) fn rcpt(&mut self, argument: &str) {
        if !self.open {
            return self.pointless(&Reply::new(503, (5, 5, 1), "MAIL first"));
        }
        if self.body.is_some() {
            return self.bad(&Reply::new(503, (5, 5, 1), "The message has begun"));
        }
        match self.read_rcpt(argument) {
            Ok(_) if self.recipients >= self.config.max_recipients => {
                self.refuse(&Reply::new(452, (4, 5, 3), "Troppi destinatari / Too many recipients"));
            }
            Ok(rcpt) => self.ask(Question::Rcpt, Action::Rcpt(rcpt)),
            Err(reply) if reply.code / 10 == 50 => self.bad(&reply),
            Err(reply) => self.refuse(&reply),
        }
    }

    fn read_rcpt(&self, argument: &str) -> Result<RcptTo, Reply> {
        let syntax = || Reply::new(501, (5, 1, 3), "RCPT TO:<address> is needed");
        let path = after_keyword(argument, "TO:").ok_or_else(syntax)?;
        let (path, rest) = path::parse(path).map_err(|_| syntax())?;
        let parameters = path::parameters(rest).ok_or_else(|| Reply::new(501, (5, 5, 4), "Malformed parameters"))?;
        let address = match path {
            Path::Mailbox(address) => address,
            Path::Null => return Err(syntax()),
            Path::Postmaster => Address::parse(&format!("postmaster@{}", self.config.host))
                .map_err(|_| Reply::new(550, (5, 1, 1), "No postmaster without a domain here"))?,
        };
        refuse_unannounced(Some(&address), self.utf8)?;
        let mut rcpt = RcptTo { address, notify: None, orcpt: None };
        for (key, value) in parameters {
            let malformed = || Reply::new(501, (5, 5, 4), format!("Malformed {key} parameter"));
            match key.as_str() {
                "NOTIFY" if self.is_reception() => {
                    rcpt.notify = Some(value.and_then(Notify::parse).ok_or_else(malformed)?);
                }
                "ORCPT" if self.is_reception() => {
                    rcpt.orcpt = Some(value.and_then(OriginalRecipient::parse).ok_or_else(malformed)?);
                }
                _ => return Err(Reply::new(555, (5, 5, 4), format!("Unsupported parameter {key}"))),
            }
        }
        Ok(rcpt)
    }
}
