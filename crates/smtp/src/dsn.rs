//! What a sender wants to hear about his message (RFC 3461): the parameters of MAIL and RCPT.

/// How much of the message a report returns (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    /// All of it, if the report is about a failure.
    Full,
    /// Its header.
    Headers,
}

/// When a report is wanted (RFC 3461 §4.1). `NEVER` is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notify {
    /// When it was delivered.
    pub success: bool,
    /// When it never will be.
    pub failure: bool,
    /// When it has to wait.
    pub delay: bool,
}

/// `ORCPT`: who was written to in the first place, as the sender's server spelled it (RFC 3461 §4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalRecipient {
    /// The kind of address, in lower case: `rfc822`, `utf-8`.
    pub kind: String,
    /// The address, printable ASCII.
    pub address: String,
}

impl Ret {
    /// `FULL` or `HDRS`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value.to_ascii_uppercase().as_str() {
            "FULL" => Some(Self::Full),
            "HDRS" => Some(Self::Headers),
            _ => None,
        }
    }
}

impl Notify {
    /// `NEVER`, or some of the others, each once.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut notify = Self::default();
        if value.eq_ignore_ascii_case("NEVER") {
            return Some(notify);
        }
        for word in value.split(',') {
            let wish = match word.to_ascii_uppercase().as_str() {
                "SUCCESS" => &mut notify.success,
                "FAILURE" => &mut notify.failure,
                "DELAY" => &mut notify.delay,
                _ => return None,
            };
            if std::mem::replace(wish, true) {
                return None;
            }
        }
        Some(notify)
    }
}

impl OriginalRecipient {
    /// `type;xtext`, at most 500 octets.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (kind, address) = value.split_once(';').filter(|_| value.len() <= 500)?;
        let fine = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let address = xtext(address).filter(|text| fine && !text.is_empty())?;
        Some(Self { kind: kind.to_ascii_lowercase(), address })
    }
}

/// `ENVID`: at most 100 octets of xtext.
pub(crate) fn envid(value: &str) -> Option<String> {
    xtext(value).filter(|_| value.len() <= 100)
}

/// Takes `+41` for `A` (RFC 3461 §4). What it stands for must be printable: it goes into the header of a report.
fn xtext(text: &str) -> Option<String> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    };
    let mut out = String::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let b = if b == b'+' { digit(bytes.next()?)? * 16 + digit(bytes.next()?)? } else { b };
        if !(0x20..0x7f).contains(&b) {
            return None;
        }
        out.push(char::from(b));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_words_each_once() {
        let all = Notify { success: true, failure: true, delay: true };
        assert_eq!(Notify::parse("success,DELAY,failure"), Some(all));
        assert_eq!(Notify::parse("never"), Some(Notify::default()));
        for bad in ["", "NEVER,SUCCESS", "SUCCESS,NEVER", "SUCCESS,SUCCESS", "SUCCESS,", "ALL"] {
            assert_eq!(Notify::parse(bad), None, "{bad}");
        }
        assert_eq!(
            (Ret::parse("full"), Ret::parse("HDRS"), Ret::parse("BODY")),
            (Some(Ret::Full), Some(Ret::Headers), None)
        );
    }

    #[test]
    fn xtext_hides_nothing_that_could_end_a_line() {
        assert_eq!(envid("QQ+2B1+3D").as_deref(), Some("QQ+1="));
        let orcpt = OriginalRecipient::parse("RFC822;anna+40x.example").unwrap();
        assert_eq!((orcpt.kind.as_str(), orcpt.address.as_str()), ("rfc822", "anna@x.example"));
        for bad in ["+0D+0A", "+0d", "+4", "+", "+FF", "+00"] {
            assert_eq!(envid(bad), None, "{bad}");
        }
        assert_eq!(envid(&"x".repeat(101)), None);
        for bad in ["rfc822", ";a", "rfc822;", "rf c;a", "rfc822;+0A", &format!("rfc822;{}", "x".repeat(500))] {
            assert_eq!(OriginalRecipient::parse(bad), None, "{bad}");
        }
    }
}
