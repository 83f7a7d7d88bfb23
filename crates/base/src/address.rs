//! Mail addresses and domains as SMTP carries them (RFC 5321 §4.1.2).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::{Said, Tell, said, told};

/// Why a text is not an address. The text is what a person should read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// No `@` between a local part and a domain.
    NoAt,
    /// The local part is empty, too long (64 octets) or holds a character that must not be there.
    Local,
    /// The domain is empty, too long (255 octets) or not made of DNS labels.
    Domain,
}

impl Tell for AddressError {
    fn said(&self) -> Said {
        match self {
            Self::NoAt => said!("manca la chiocciola fra nome e dominio", "there is no @ between a name and a domain"),
            Self::Local => said!("la parte prima della chiocciola non è valida", "the part before the @ is not valid"),
            Self::Domain => said!("il dominio non è valido", "the domain is not valid"),
        }
    }
}

told!(AddressError);

/// A DNS domain in lower case, without a trailing dot. Address literals (`[127.0.0.1]`) are refused: a certified
/// domain is always a name (RFC 6109 §1.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(String);

impl Domain {
    /// Parses a domain name; letters are folded to lower case.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if text.is_empty() || text.len() > 255 || !text.split('.').all(label) {
            return Err(AddressError::Domain);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Domain {
    type Err = AddressError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

/// A mailbox address (`local@domain`), ASCII unless it was read by [`Address::parse_utf8`]. It keeps the spelling it was given, because certification data repeat
/// it as it was, and compares without case, because certified mailboxes are the same in either case
/// (RFC 6109 §2.2.1; pec rule 1.4.6).
#[derive(Debug, Clone)]
pub struct Address {
    text: String,
    at: usize,
    domain: Domain,
}

impl Address {
    /// Parses an addr-spec without angle brackets: a dot-atom or quoted-string local part, and a domain name.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let address = Self::parse_utf8(text)?;
        match text.is_ascii() {
            true => Ok(address),
            false if address.local().is_ascii() => Err(AddressError::Domain),
            false => Err(AddressError::Local),
        }
    }

    /// The same where UTF-8 may stand outside ASCII (RFC 6531 §3.3). No mailbox and no certified sender has such an
    /// address; ordinary mail may come from one.
    pub fn parse_utf8(text: &str) -> Result<Self, AddressError> {
        let at = text.rfind('@').ok_or(AddressError::NoAt)?;
        let (local, domain) = (&text[..at], &text[at + 1..]);
        if !is_local_part(local) {
            return Err(AddressError::Local);
        }
        let domain = if domain.is_ascii() {
            Domain::parse(domain)?
        } else {
            Domain::parse(&idna::domain_to_ascii_strict(domain).map_err(|_| AddressError::Domain)?)?
        };
        Ok(Self { domain, text: text.to_owned(), at })
    }

    /// Whether it can stand where nobody announced SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// The part before the `@`, as it was spelled.
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// The domain, in lower case, as the DNS has it.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The whole address, as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form under which equal addresses are equal texts: lower case. Use it as a key.
    pub fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }
}

fn is_local_part(local: &str) -> bool {
    if local.is_empty() || local.len() > 64 {
        return false;
    }
    if let Some(inner) = local.strip_prefix('"').and_then(|l| l.strip_suffix('"')) {
        return is_quoted_content(inner);
    }
    // RFC 6531 §3.3 lets all of UTF-8 in; blanks and control characters of any script stay out.
    let utf8 = |c: char| !c.is_ascii() && !c.is_control() && !c.is_whitespace();
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || utf8(c);
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext))
}

fn is_quoted_content(inner: &str) -> bool {
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            _ if c.is_control() => return false,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return false,
            _ => {}
        }
    }
    !escaped
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn same_without_case_but_spelled_as_given() {
        let a = Address::parse("USER1@Comune.example").unwrap();
        let b = Address::parse("user1@comune.EXAMPLE").unwrap();
        assert_eq!(a, b);
        assert_eq!(a.as_str(), "USER1@Comune.example");
        assert_eq!(a.domain().as_str(), "comune.example");
        assert_eq!(a.key(), b.key());
    }

    #[test]
    fn what_is_no_address() {
        for (text, why) in [
            ("anna", AddressError::NoAt),
            ("@x.example", AddressError::Local),
            ("a b@x.example", AddressError::Local),
            ("a..b@x.example", AddressError::Local),
            ("\"a\"b\"@x.example", AddressError::Local),
            ("a@", AddressError::Domain),
            ("a@-x.example", AddressError::Domain),
            ("a@x..example", AddressError::Domain),
            ("a@[127.0.0.1]", AddressError::Domain),
            ("a\r\n@x.example", AddressError::Local),
            ("è@x.example", AddressError::Local),
            ("a@bücher.example", AddressError::Domain),
        ] {
            assert_eq!(Address::parse(text).unwrap_err(), why, "{text:?}");
        }
        assert!(Address::parse("\"a b\\\"\"@x.example").is_ok());
        assert!(Address::parse("\"a\\\r\"@x.example").is_err(), "an escape hides no line end");
    }

    #[test]
    fn an_international_address_keeps_its_spelling_and_knows_its_dns_name() {
        let address = Address::parse_utf8("niccolò.è@Bücher.example").unwrap();
        assert_eq!((address.local(), address.as_str()), ("niccolò.è", "niccolò.è@Bücher.example"));
        assert_eq!(address.domain().as_str(), "xn--bcher-kva.example");
        assert!(!address.is_ascii() && Address::parse_utf8("a@x.example").unwrap().is_ascii());
        for bad in [
            "è\u{2028}@x.example",
            "è\u{85}a@x.example",
            "a@\u{202e}x.example",
            "è @x.example",
            "\"è\u{9f}\"@x.example",
        ] {
            assert!(Address::parse_utf8(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_round_trips(text in ".{0,80}") {
            if let Ok(a) = Address::parse(&text) {
                prop_assert_eq!(a.as_str(), text.as_str());
                prop_assert!(!text.contains(['\r', '\n']));
            }
        }
    }
}
