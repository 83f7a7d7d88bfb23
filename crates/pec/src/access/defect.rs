//! Why a submission is refused.

use std::fmt;

use sigillo_base::Address;

use crate::texts::refused;

/// One formal defect. `Display` is the Italian reason, as it stands in the notice after "a causa di".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// The header section is not one (step 3); the parser's words.
    Unreadable(String),
    /// A field with bytes above 127: there is no SMTPUTF8 in certified mail (step 3).
    NotAscii(String),
    /// A line longer than 998 octets, or an identifier too long to be repeated in other fields (step 3).
    LongLine(String),
    /// A field that may stand once stands several times (step 3).
    Repeated(String),
    /// An address field that cannot be read (step 3).
    BadAddresses {
        /// Its name.
        field: String,
        /// The parser's words.
        why: String,
    },
    /// No From, or an empty one (step 4).
    NoFrom,
    /// More than one mailbox in From (step 4).
    ManyFrom(usize),
    /// From holds a group (step 4).
    GroupFrom,
    /// No To, or no address in it (step 5).
    NoTo,
    /// From is not MAIL FROM (step 6).
    FromDiffers {
        /// The header's address.
        from: Address,
        /// The envelope's address.
        mail_from: Address,
    },
    /// No RCPT TO at all (step 7).
    NoRecipient,
    /// A distribution list without members (step 7).
    EmptyList(Address),
    /// A recipient that neither To nor Cc names (step 7).
    NotInHeader(Address),
    /// An address of To or Cc that is no recipient (step 7, when the policy says so).
    NotRecipient(Address),
    /// Bcc has a value (step 8).
    Bcc,
    /// Larger than the provider takes (step 9); bytes.
    TooLarge {
        /// The message's size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// More recipients than the provider takes (step 9).
    TooManyRecipients {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Size × recipients over the limit (step 9); bytes.
    TooMuch {
        /// The product.
        product: u64,
        /// The limit.
        limit: u64,
    },
    /// A recipient of ordinary mail, where the sender's administration exchanges none (PEC-06).
    Inhibited(Address),
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::Unreadable(why) => refused::unreadable(why),
            Self::NotAscii(field) => refused::not_ascii(field),
            Self::LongLine(field) => refused::long_line(field),
            Self::Repeated(field) => refused::repeated(field),
            Self::BadAddresses { why, .. } => refused::bad_addresses(why),
            Self::NoFrom => refused::no_from(),
            Self::ManyFrom(count) => refused::many_from(*count),
            Self::GroupFrom => refused::group_from(),
            Self::NoTo => refused::no_to(),
            Self::FromDiffers { from, mail_from } => refused::from_differs(from, mail_from),
            Self::NoRecipient => refused::no_recipient(),
            Self::EmptyList(address) => refused::empty_list(address),
            Self::NotInHeader(address) => refused::not_in_header(address),
            Self::NotRecipient(address) => refused::not_recipient(address),
            Self::Bcc => refused::bcc(),
            Self::TooLarge { size, limit } => refused::too_large(*size, *limit),
            Self::TooManyRecipients { count, limit } => refused::too_many(*count, *limit),
            Self::TooMuch { product, limit } => refused::too_much(*product, *limit),
            Self::Inhibited(address) => refused::inhibited(address),
        })
    }
}
