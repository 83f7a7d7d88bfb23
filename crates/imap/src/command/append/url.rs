//! URLs of CATENATE (RFC 5092, RFC 4469): octets of the user's own messages.

use crate::cursor::{Cursor, inbox};
use crate::{Section, SectionText, command::fetch};

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// The folder; `None` is the selected one.
    pub mailbox: Option<String>,
    /// The folder's UIDVALIDITY must be this.
    pub uid_validity: Option<u32>,
    /// The message.
    pub uid: u32,
    /// What of it.
    pub section: Section,
    /// First octet and the greatest number of octets.
    pub partial: Option<(u64, u64)>,
}

/// A URL as it can be repeated in a response code: what is no plain ASCII is written as a percent sign and two digits.
pub fn shown(url: &str) -> String {
    let plain = |b: u8| (0x21..0x7f).contains(&b) && !matches!(b, b'"' | b'\\' | b']');
    url.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

impl Url {
    /// Reads a URL relative to this server (`/INBOX;UIDVALIDITY=7/;UID=20/;SECTION=1.2/;PARTIAL=0.100`), or to the selected
    /// folder (`/;UID=20`, `;UID=20`). `None` when it names anything else, or anything elsewhere.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let at = lower.find(";uid=")?;
        let (folder, message) = (&text[..at], &text[at + 1..]);
        let mut url = Self { mailbox: None, uid_validity: None, uid: 0, section: Section::default(), partial: None };
        if !matches!(folder, "" | "/") {
            let folder = folder.strip_suffix('/')?.strip_prefix('/')?;
            let (name, validity) = match folder.to_ascii_lowercase().find(";uidvalidity=") {
                Some(at) => (&folder[..at], Some(&folder[at + ";uidvalidity=".len()..])),
                None => (folder, None),
            };
            url.uid_validity = validity.map(|v| number(v).ok_or(())).transpose().ok()?;
            // An empty name would be another server's, or none.
            let name = decoded(name).filter(|name| !name.is_empty() && !name.starts_with('/'))?;
            url.mailbox = Some(inbox(&name));
        }
        for (i, word) in message.split("/;").enumerate() {
            let (name, value) = word.split_once('=')?;
            match (i, name.to_ascii_uppercase().as_str()) {
                (0, "UID") => url.uid = number(value)?,
                (1, "SECTION") => url.section = section(&decoded(value)?)?,
                (1 | 2, "PARTIAL") if url.partial.is_none() => url.partial = Some(partial(value)?),
                _ => return None,
            }
        }
        Some(url)
    }
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten().filter(|n| *n > 0)
}

/// `0.100`, or `5` for everything behind.
fn partial(text: &str) -> Option<(u64, u64)> {
    let (first, most) = text.split_once('.').map_or((text, None), |(first, most)| (first, Some(most)));
    let first = if first == "0" { 0 } else { number(first)? };
    Some((first.into(), most.map_or(Some(u32::MAX), number)?.into()))
}

fn section(text: &str) -> Option<Section> {
    let mut cursor = Cursor::new(text.as_bytes());
    let section = fetch::section_text(&mut cursor).ok()?;
    let whole = section.part.is_empty() && section.text == SectionText::All;
    (cursor.rest().is_empty() && (text.is_empty() || !whole)).then_some(section)
}

/// Without percent signs; `None` when it is not UTF-8 then.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let mut digit = || bytes.next().and_then(|d| char::from(d).to_digit(16)).map(|d| d as u8);
        out.push(if b == b'%' { digit()? << 4 | digit()? } else { b });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls() {
        let url = Url::parse("/inbox/Perch%C3%A9;UIDVALIDITY=7/;UID=20/;section=1.2/;Partial=5.100").unwrap();
        assert_eq!(url.mailbox.as_deref(), Some("INBOX/Perch\u{e9}"));
        assert_eq!((url.uid_validity, url.uid, url.partial), (Some(7), 20, Some((5, 100))));
        assert_eq!(url.section.part, [1, 2]);
        assert_eq!(Url::parse("/;UID=1").unwrap().mailbox, None);
        assert_eq!(
            Url::parse("/A/;uid=1/;SECTION=HEADER.FIELDS%20(To%20Cc)").unwrap().section.text,
            SectionText::Fields(vec!["To".into(), "Cc".into()])
        );
        for bad in [
            "",
            "/INBOX",
            "/INBOX/;UID=0",
            "/INBOX/;UID=x",
            "imap://h/INBOX/;UID=1",
            "//h/INBOX/;UID=1",
            "/INBOX/;UID=1/;URLAUTH=x",
            "/INBOX/;UID=1/;SECTION=x",
            "/%FF/;UID=1",
            "/INBOX;UID=1",
            "/INBOX/;UID=1/;PARTIAL=1.0",
            "/INBOX/;UID=1/;PARTIAL=0.1/;SECTION=1",
            "/A/;UID=1?SUBJECT",
        ] {
            assert_eq!(Url::parse(bad), None, "{bad}");
        }
        assert_eq!(shown("/a\"b]\u{e8} c"), "/a%22b%5D%C3%A8%20c");
    }

    proptest! {
        #[test]
        fn never_panics(text in "(/|;UID=|1|;SECTION=|%|[ -~\u{e8}]|;PARTIAL=|;UIDVALIDITY=){0,20}") {
            if let Some(url) = Url::parse(&text) {
                prop_assert!(url.uid > 0);
            }
        }
    }
}
