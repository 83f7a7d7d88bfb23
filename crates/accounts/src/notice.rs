//! What a provider tells people outside of certified mail: by which way, and what it is about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sigillo_base::{Address, Complaint, MailboxId, Phone, Said, Tell, TenantId, said};

/// Where a person is told something. As a text it is `sms:+393331234567` or `mailto:anna@x.example`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Channel {
    /// By short message.
    Sms(Phone),
    /// By ordinary mail.
    Mail(Address),
}

impl Channel {
    /// So much of it as recognises it for who knows it: what logs show.
    pub fn masked(&self) -> String {
        match self {
            Self::Sms(phone) => format!("sms:{}", phone.masked()),
            Self::Mail(address) => {
                let first: String = address.local().chars().take(1).collect();
                format!("mailto:{first}…@{}", address.domain())
            }
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sms(phone) => write!(f, "sms:{phone}"),
            Self::Mail(address) => write!(f, "mailto:{address}"),
        }
    }
}

impl FromStr for Channel {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let wrong = |why: Said| Complaint(why.about(text));
        match text.split_once(':') {
            Some(("sms", number)) => Phone::parse(number).map(Self::Sms).map_err(|e| wrong(e.said())),
            Some(("mailto", address)) => Address::parse(address).map(Self::Mail).map_err(|e| wrong(e.said())),
            _ => {
                Err(wrong(said!("non è sms:+39… né mailto:nome@dominio", "is neither sms:+39… nor mailto:name@domain")))
            }
        }
    }
}

impl TryFrom<String> for Channel {
    type Error = Complaint;
    fn try_from(text: String) -> Result<Self, Complaint> {
        text.parse()
    }
}

impl From<Channel> for String {
    fn from(channel: Channel) -> Self {
        channel.to_string()
    }
}

/// What a notice says. New ones come last: rows keep the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoticeKind {
    /// The secret with which a password is set anew (PWD-01).
    Reset,
    /// Certified mail came in (NOT-01).
    Alert,
    /// The code by which somebody shows that an address is his.
    Confirm,
    /// The copy of a certified message (NOT-02).
    Forward,
    /// A certificate of the provider was replaced (NOT-03).
    Certificate,
    /// A certificate of the provider ends soon (NOT-03).
    Expiry,
    /// A password or a contact of a mailbox was changed (PWD-01).
    Changed,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Reset, Self::Alert, Self::Confirm, Self::Forward, Self::Certificate, Self::Expiry, Self::Changed];

    /// The word of the administrative interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Alert => "alert",
            Self::Confirm => "confirm",
            Self::Forward => "forward",
            Self::Certificate => "certificate",
            Self::Expiry => "expiry",
            Self::Changed => "changed",
        }
    }

    /// Whether that it was told stays in the register for good: what the contract wants shown (NOT-03).
    pub const fn stays(self) -> bool {
        matches!(self, Self::Certificate | Self::Expiry)
    }
}

/// Whom a notice concerns: whose administrators see what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u8, u64)", into = "(u8, u64)")]
pub enum Concern {
    /// The provider.
    Service,
    /// An administration.
    Tenant(TenantId),
    /// Who holds a mailbox.
    Mailbox(MailboxId),
}

impl From<(u8, u64)> for Concern {
    fn from((what, number): (u8, u64)) -> Self {
        match what {
            1 => Self::Tenant(TenantId(number)),
            2 => Self::Mailbox(MailboxId(number)),
            _ => Self::Service,
        }
    }
}

impl From<Concern> for (u8, u64) {
    fn from(concern: Concern) -> Self {
        match concern {
            Concern::Service => (0, 0),
            Concern::Tenant(id) => (1, id.0),
            Concern::Mailbox(id) => (2, id.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_read_as_it_is_written_and_hides_in_logs() {
        for (text, masked) in
            [("sms:+393331234567", "sms:+39…567"), ("mailto:anna@casa.example", "mailto:a…@casa.example")]
        {
            let channel: Channel = text.parse().unwrap();
            assert_eq!((channel.to_string(), channel.masked()), (text.to_owned(), masked.to_owned()));
        }
        for bad in ["", "anna@x.example", "sms:", "sms:06123", "mailto:anna", "tel:+393331234567"] {
            assert!(bad.parse::<Channel>().is_err(), "{bad}");
        }
    }
}
