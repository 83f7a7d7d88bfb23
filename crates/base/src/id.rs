//! Identifiers. None is ever made here out of nothing: randomness comes in through [`IdSource`].

use std::fmt;

/// Where fresh identifiers come from: the operating system's randomness in service, a seed in the simulation.
pub trait IdSource: Send + Sync {
    /// 128 bits that never come twice.
    fn next_id(&self) -> u128;
}

/// The number of a mailbox. Never reused, and never implied by the address: an address deleted and created again is
/// another mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxId(pub u64);

/// The number of an administration (*amministrazione*) that the provider serves. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub u64);

/// The number of a unit (*struttura periferica*) of an administration. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitId(pub u64);

/// The number of somebody who administrates: one human being each (SEC-06). Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub u64);

/// The number of a stored message, unique in one store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MsgId(pub u128);

impl fmt::Debug for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A message's number in one IMAP folder (RFC 9051 §2.3.1.1): ascending, never reused, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(pub u32);

/// The certified identifier (*identificativo*) that the access point gives to a message (RFC 6109 §2.2.1):
/// `alphanumerics@provider-domain`, without angle brackets, unique for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PecId(String);

impl PecId {
    /// A new identifier out of 128 fresh bits, under the provider's service domain.
    pub fn new(bits: u128, domain: &crate::Domain) -> Self {
        Self(format!("sg{}@{domain}", alphanumeric(bits)))
    }

    /// Takes an identifier as another provider wrote it: printable ASCII with one `@`, at most 250 octets, no angle
    /// brackets. `None` otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let fine = text.len() <= 250
            && text.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'<' && b != b'>')
            && text.split('@').filter(|p| !p.is_empty()).count() == 2
            && text.matches('@').count() == 1;
        fine.then(|| Self(text.to_owned()))
    }

    /// The identifier, without angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as a Message-ID field carries it: in angle brackets.
    pub fn bracketed(&self) -> String {
        format!("<{}>", self.0)
    }
}

impl fmt::Display for PecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 26 lower-case letters and digits for 128 bits (base 32 without the letters people misread).
fn alphanumeric(bits: u128) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    (0..26).rev().map(|i| ALPHABET[(bits >> (i * 5)) as usize & 31] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pec_id_is_alphanumeric_at_domain() {
        let domain = crate::Domain::parse("pec.alfa.example").unwrap();
        let id = PecId::new(u128::MAX, &domain);
        assert_eq!(id.as_str(), "sg7zzzzzzzzzzzzzzzzzzzzzzzzz@pec.alfa.example");
        assert_ne!(PecId::new(1, &domain), PecId::new(2, &domain));
        assert_eq!(PecId::parse(id.as_str()).unwrap(), id);
        for bad in ["", "a", "a@", "@b", "<a@b>", "a@b@c", "a b@c", "a@b\r\n"] {
            assert!(PecId::parse(bad).is_none(), "{bad:?}");
        }
    }
}
