//! EHLO, and HELO for servers that know no better (RFC 5321 §3.2).

use super::{Client, Failure, State};
use crate::Reply;

/// What a server offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 6152.
    pub eight_bit: bool,
    /// RFC 1870: offered, and the limit in octets if one is told.
    pub size: Option<Option<u64>>,
    /// RFC 6531.
    pub utf8: bool,
    /// RFC 8689.
    pub require_tls: bool,
    /// AUTH with PLAIN among its mechanisms (RFC 4954).
    pub auth_plain: bool,
}

impl Extensions {
    fn read(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.text.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "PIPELINING" => found.pipelining = true,
                "STARTTLS" => found.starttls = true,
                "8BITMIME" => found.eight_bit = true,
                "SMTPUTF8" => found.utf8 = true,
                "REQUIRETLS" => found.require_tls = true,
                "AUTH" => found.auth_plain |= words.any(|m| m.eq_ignore_ascii_case("PLAIN")),
                // Zero is "no fixed limit" (RFC 1870 §3).
                "SIZE" => found.size = Some(words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0)),
                _ => {}
            }
        }
        found
    }
}

impl Client {
    pub(super) fn ehlo(&mut self) {
        let command = format!("EHLO {}", self.config.host);
        self.send(&command, State::Ehlo);
    }

    pub(super) fn ehlo_answered(&mut self, reply: Reply) {
        match reply.code {
            250 => {
                self.extensions = Extensions::read(&reply);
                self.named();
            }
            500..=599 => {
                self.extensions = Extensions::default();
                let command = format!("HELO {}", self.config.host);
                self.send(&command, State::Helo);
            }
            _ => self.turned_away(Failure::from_reply(reply)),
        }
    }

    /// Who refuses both names refuses us, here and now: that says no more of the message than a refusal for a greeting.
    pub(super) fn helo_answered(&mut self, reply: Reply) {
        match reply.code {
            250 => self.named(),
            _ => self.unwelcome(reply),
        }
    }

    /// Both sides know each other: TLS comes before anything else.
    fn named(&mut self) {
        if self.tls {
            self.log_in();
        } else if self.extensions.starttls && (self.config.try_tls || self.config.require_tls) {
            self.send("STARTTLS", State::StartTls);
        } else if self.config.require_tls {
            self.turned_away(Failure::local(false, "il server non offre un canale cifrato (STARTTLS)"));
        } else {
            self.log_in();
        }
    }
}
