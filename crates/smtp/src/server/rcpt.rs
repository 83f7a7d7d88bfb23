//! RCPT (RFC 5321 §4.1.1.3).

use sigillo_base::Address;

use super::mail::after_keyword;
use super::{Action, Question, Server};
use crate::Reply;
use crate::path::{self, Path, PathError};

impl Server {
    pub(super) fn rcpt(&mut self, argument: &str) {
        if !self.open {
            return self.bad(&Reply::new(503, (5, 5, 1), "MAIL first"));
        }
        match self.read_rcpt(argument) {
            Ok(_) if self.recipients >= self.config.max_recipients => {
                self.say(&Reply::new(452, (4, 5, 3), "Troppi destinatari / Too many recipients"));
            }
            Ok(address) => self.ask(Question::Rcpt, Action::Rcpt(address)),
            Err(reply) if reply.code / 10 == 50 => self.bad(&reply),
            Err(reply) => self.say(&reply),
        }
    }

    fn read_rcpt(&self, argument: &str) -> Result<Address, Reply> {
        let syntax = || Reply::new(501, (5, 1, 3), "RCPT TO:<address> is needed");
        let path = after_keyword(argument, "TO:").ok_or_else(syntax)?;
        let (path, rest) = path::parse(path).map_err(|error| match error {
            PathError::Syntax => syntax(),
            PathError::NonAscii => Reply::new(553, (5, 6, 7), "SMTPUTF8 is not offered"),
        })?;
        let parameters = path::parameters(rest).ok_or_else(|| Reply::new(501, (5, 5, 4), "Malformed parameters"))?;
        if let Some((key, _)) = parameters.first() {
            return Err(Reply::new(555, (5, 5, 4), format!("Unsupported parameter {key}")));
        }
        match path {
            Path::Mailbox(address) => Ok(address),
            Path::Null => Err(syntax()),
            Path::Postmaster => Address::parse(&format!("postmaster@{}", self.config.host))
                .map_err(|_| Reply::new(550, (5, 1, 1), "No postmaster without a domain here")),
        }
    }
}
