//! MAIL (RFC 5321 §4.1.1.2) with SIZE (RFC 1870 §6), BODY (RFC 6152), AUTH (RFC 4954 §5), SMTPUTF8 (RFC 6531 §3.4),
//! RET and ENVID (RFC 3461) and REQUIRETLS (RFC 8689).

use sigillo_base::Address;

use super::{Action, MailFrom, Question, Server};
use crate::Reply;
use crate::dsn::{self, Ret};
use crate::path::{self, Path};

impl Server {
    pub(super) fn mail(&mut self, argument: &str) {
        if self.refuse_unnamed() {
            return;
        }
        if self.config.role.is_submission() && self.user.is_none() {
            return self.bad(&Reply::new(530, (5, 7, 0), "Serve l'autenticazione / Authentication required"));
        }
        if self.open {
            return self.bad(&Reply::new(503, (5, 5, 1), "Nested MAIL command"));
        }
        match self.read_mail(argument) {
            Ok(mail) => {
                self.recipients = 0;
                self.open = true;
                self.refused = false;
                self.utf8 = mail.utf8;
                self.ask(Question::Mail, Action::Mail(mail));
            }
            Err(reply) if reply.code / 10 == 50 => self.bad(&reply),
            Err(reply) => self.refuse(&reply),
        }
    }

    fn read_mail(&self, argument: &str) -> Result<MailFrom, Reply> {
        let syntax = || Reply::new(501, (5, 1, 7), "MAIL FROM:<address> is needed");
        let path = after_keyword(argument, "FROM:").ok_or_else(syntax)?;
        let (path, rest) = path::parse(path).map_err(|_| syntax())?;
        let from = match path {
            Path::Mailbox(address) => Some(address),
            Path::Null if self.config.role.is_submission() => {
                let text = "Manca il mittente / A null sender is not allowed at submission";
                return Err(Reply::new(550, (5, 7, 1), text));
            }
            Path::Null => None,
            Path::Postmaster => return Err(syntax()),
        };
        let mut mail = MailFrom { from, ..MailFrom::default() };
        let parameters = path::parameters(rest).ok_or_else(|| Reply::new(501, (5, 5, 4), "Malformed parameters"))?;
        for (key, value) in parameters {
            self.parameter(&mut mail, &key, value)?;
        }
        refuse_unannounced(mail.from.as_ref(), mail.utf8)?;
        Ok(mail)
    }

    fn parameter(&self, mail: &mut MailFrom, key: &str, value: Option<&str>) -> Result<(), Reply> {
        let malformed = || Reply::new(501, (5, 5, 4), format!("Malformed {key} parameter"));
        match (key, value) {
            ("SIZE", Some(digits)) if digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                let size = digits.parse().unwrap_or(u64::MAX);
                if size > self.config.size_limit {
                    return Err(self.too_big());
                }
                mail.size = Some(size);
            }
            ("BODY", Some(value)) if self.is_reception() => {
                mail.eight_bit = match value.to_ascii_uppercase().as_str() {
                    "7BIT" => false,
                    "8BITMIME" => true,
                    _ => return Err(malformed()),
                };
            }
            // Must be accepted where AUTH is offered, and may be ignored (RFC 4954 §5): the user is known anyway.
            ("AUTH", Some(_)) if self.offers_auth() => {}
            ("SMTPUTF8", None) if self.is_reception() => mail.utf8 = true,
            ("REQUIRETLS", None) if self.offers_require_tls() => mail.require_tls = true,
            ("RET", Some(value)) if self.is_reception() => {
                mail.ret = Some(Ret::parse(value).ok_or_else(malformed)?);
            }
            ("ENVID", Some(value)) if self.is_reception() => {
                mail.envid = Some(dsn::envid(value).ok_or_else(malformed)?);
            }
            ("SIZE", _) => return Err(malformed()),
            ("BODY" | "SMTPUTF8" | "RET" | "ENVID", _) if self.is_reception() => return Err(malformed()),
            ("REQUIRETLS", _) if self.offers_require_tls() => return Err(malformed()),
            ("REQUIRETLS", _) => {
                return Err(Reply::new(530, (5, 7, 0), "REQUIRETLS needs STARTTLS first"));
            }
            _ => return Err(Reply::new(555, (5, 5, 4), format!("Unsupported parameter {key}"))),
        }
        Ok(())
    }

    pub(super) fn too_big(&self) -> Reply {
        let limit = self.config.size_limit;
        let text = format!("Messaggio troppo grande / Message size exceeds the limit of {limit} octets");
        Reply::new(552, (5, 3, 4), text)
    }
}

/// An address outside ASCII needs SMTPUTF8 at MAIL (RFC 6531 §3.4).
pub(super) fn refuse_unannounced(address: Option<&Address>, utf8: bool) -> Result<(), Reply> {
    match address {
        Some(address) if !utf8 && !address.is_ascii() => {
            Err(Reply::new(553, (5, 6, 7), "An address outside ASCII needs SMTPUTF8"))
        }
        _ => Ok(()),
    }
}

/// The text after `FROM:` or `TO:`, in any case.
pub(super) fn after_keyword<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let head = argument.get(..keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then(|| &argument[keyword.len()..])
}
