//! What a part says of itself: Content-Type, Content-Disposition, Content-Transfer-Encoding (RFC 2045 §5, 2183, 2231).
//! Read tolerantly: a field that cannot be read counts as absent, and absent fields have the RFC's defaults.

use crate::{decode, text};
use std::collections::BTreeMap;

/// A media type with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    /// `text`, in lower case.
    pub kind: String,
    /// `plain`, in lower case.
    pub sub: String,
    /// Parameters in order: names in lower case, values joined and decoded (RFC 2231; in `name` and `filename` also
    /// RFC 2047, which writers use against its letter), without control characters.
    pub params: Vec<(String, String)>,
}

/// How a part wants to be shown (RFC 2183).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// `inline`, `attachment` or another word, in lower case.
    pub kind: String,
    /// Parameters, as in [`ContentType::params`].
    pub params: Vec<(String, String)>,
}

/// A transfer encoding (RFC 2045 §6.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Encoding {
    /// `7bit`, the default.
    #[default]
    SevenBit,
    /// `8bit`.
    EightBit,
    /// `binary`.
    Binary,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `base64`.
    Base64,
    /// Any other word, in lower case.
    Other(String),
}

impl ContentType {
    /// Reads a field's raw value; `None` when it names no type.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let value = text::unfold(raw);
        let mut rest = blanks(&value);
        let kind = token(&mut rest)?;
        rest = blanks(rest).strip_prefix(b"/")?;
        rest = blanks(rest);
        let sub = token(&mut rest)?;
        Some(Self { kind, sub, params: params(rest) })
    }

    /// `text/plain`, what a part without a readable type is (RFC 2045 §5.2).
    pub fn text_plain() -> Self {
        Self { kind: "text".into(), sub: "plain".into(), params: Vec::new() }
    }

    /// `message/rfc822`, what a part of a digest is (RFC 2046 §5.1.5).
    pub fn message() -> Self {
        Self { kind: "message".into(), sub: "rfc822".into(), params: Vec::new() }
    }

    /// A parameter's value; the name in any case.
    pub fn param(&self, name: &str) -> Option<&str> {
        param(&self.params, name)
    }

    /// `message/rfc822`, or `message/global`, whose header may hold UTF-8 (RFC 6532 §3.7).
    pub fn is_message(&self) -> bool {
        self.is("message/rfc822") || self.is("message/global")
    }

    /// Whether this is the given type (`multipart/signed`), in any case.
    pub fn is(&self, full: &str) -> bool {
        full.split_once('/')
            .is_some_and(|(k, s)| k.eq_ignore_ascii_case(&self.kind) && s.eq_ignore_ascii_case(&self.sub))
    }
}

impl Disposition {
    /// Reads a field's raw value; `None` when it names no disposition.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let value = text::unfold(raw);
        let mut rest = blanks(&value);
        let kind = token(&mut rest)?;
        Some(Self { kind, params: params(rest) })
    }

    /// A parameter's value; the name in any case.
    pub fn param(&self, name: &str) -> Option<&str> {
        param(&self.params, name)
    }
}

impl Encoding {
    /// Reads a field's raw value.
    pub fn parse(raw: &[u8]) -> Self {
        let value = text::unfold(raw);
        let mut rest = blanks(&value);
        let Some(word) = token(&mut rest) else { return Self::SevenBit };
        match word.as_str() {
            "7bit" => Self::SevenBit,
            "8bit" => Self::EightBit,
            "binary" => Self::Binary,
            "quoted-printable" => Self::QuotedPrintable,
            "base64" => Self::Base64,
            _ => Self::Other(word),
        }
    }

    /// Whether the body is its own octets.
    pub fn is_identity(&self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }

    /// The word, as the field has it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
            Self::Other(word) => word,
        }
    }
}

fn param<'p>(params: &'p [(String, String)], name: &str) -> Option<&'p str> {
    params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

/// One parameter as written: `name*1*=value`.
struct Written {
    section: Option<u32>,
    extended: bool,
    value: Vec<u8>,
}

/// The parameters after a type. Each octet is looked at a few times, sections are put in order by a map: however
/// many continuations a peer sends, work stays about linear.
fn params(mut rest: &[u8]) -> Vec<(String, String)> {
    let mut names: Vec<String> = Vec::new();
    let mut written: BTreeMap<String, Vec<Written>> = BTreeMap::new();
    while let Some(at) = memchr::memchr(b';', rest) {
        rest = blanks(&rest[at + 1..]);
        let Some((name, value)) = one(&mut rest) else { continue };
        let Some((base, section, extended)) = split_name(&name) else { continue };
        let all = written.entry(base.clone()).or_default();
        if all.is_empty() {
            names.push(base);
        }
        all.push(Written { section, extended, value });
    }
    let value = |name: String| {
        let value = text::clean(&join(&name, written.remove(&name)?)?).into_owned();
        Some((name, value))
    };
    names.into_iter().filter_map(value).collect()
}

/// One `name=value`; leaves `rest` where the next semicolon can be looked for.
fn one(rest: &mut &[u8]) -> Option<(String, Vec<u8>)> {
    let name = token(rest)?;
    let after = blanks(rest).strip_prefix(b"=")?;
    *rest = blanks(after);
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let (value, after) = unquoted(quoted);
        *rest = after;
        return Some((name, value));
    }
    // Unquoted names with blanks exist; a comment after a blank is none of the value.
    let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
    let (value, next) = rest.split_at(end);
    let value = value.windows(2).position(|w| w == b" (").map_or(value, |i| &value[..i]);
    *rest = next;
    Some((name, value.trim_ascii().to_vec()))
}

/// What stands before the quote that ends it, and what comes after that; without one, everything.
fn unquoted(mut rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    loop {
        let at = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        value.extend_from_slice(&rest[..at]);
        match rest.get(at..) {
            Some([b'\\', escaped, after @ ..]) => {
                value.push(*escaped);
                rest = after;
            }
            Some([b'\\']) => {
                value.push(b'\\');
                return (value, b"");
            }
            found => return (value, found.and_then(|f| f.get(1..)).unwrap_or_default()),
        }
    }
}

/// `title*1*` is the name `title`, section 1, extended (RFC 2231 §3, §4).
fn split_name(name: &str) -> Option<(String, Option<u32>, bool)> {
    let (base, mut tail) = name.split_once('*').unwrap_or((name, ""));
    let mut extended = name.ends_with('*');
    let mut section = None;
    if extended {
        tail = tail.strip_suffix('*').unwrap_or(tail);
    }
    if !tail.is_empty() {
        let canonical = tail == "0" || (!tail.starts_with('0') && tail.bytes().all(|b| b.is_ascii_digit()));
        section = Some(tail.parse().ok().filter(|_| canonical)?);
    } else if base.len() == name.len() {
        extended = false;
    }
    (!base.is_empty()).then(|| (base.to_owned(), section, extended))
}

/// The value of one name: the extended form before the continued, the continued before the plain (RFC 2231 §4.1);
/// of equals the first. Sections count from 0 and end at the first gap.
fn join(name: &str, all: Vec<Written>) -> Option<String> {
    if let [Written { section: None, extended: false, value }] = &all[..] {
        return Some(simple(name, value));
    }
    let mut sections: BTreeMap<u32, Written> = BTreeMap::new();
    let (mut plain, mut whole) = (None, None);
    for w in all {
        match (w.section, w.extended) {
            (Some(n), _) => {
                sections.entry(n).or_insert(w);
            }
            (None, true) => whole = whole.or(Some(w)),
            (None, false) => plain = plain.or(Some(w)),
        }
    }
    if let Some(w) = whole {
        return Some(joined(std::iter::once(w)));
    }
    if sections.contains_key(&0) {
        let run = (0..).zip(sections).take_while(|(i, (n, _))| i == n).map(|(_, (_, w))| w);
        return Some(joined(run));
    }
    plain.map(|w| simple(name, &w.value))
}

/// A value that neither continues nor names its charset.
fn simple(name: &str, value: &[u8]) -> String {
    let encoded = matches!(name, "name" | "filename") && memchr::memmem::find(value, b"=?").is_some();
    if encoded { text::decode_words(value) } else { text::plain(value) }
}

/// The first section names the charset (`utf-8'it'…`) for all of them.
fn joined(run: impl Iterator<Item = Written>) -> String {
    let mut charset = Vec::new();
    let mut bytes = Vec::new();
    for (i, w) in run.enumerate() {
        let mut value = w.value.as_slice();
        if i == 0 && w.extended {
            let mut split = value.splitn(3, |&b| b == b'\'');
            if let (Some(named), Some(_), Some(rest)) = (split.next(), split.next(), split.next()) {
                charset = named.to_vec();
                value = rest;
            }
        }
        if w.extended {
            decode::unescape(value, b'%', &mut bytes);
        } else {
            bytes.extend_from_slice(value);
        }
    }
    if charset.is_empty() { text::plain(&bytes) } else { text::convert(&charset, &bytes) }
}

/// Skips blanks and comments; an unclosed comment takes the rest.
fn blanks(text: &[u8]) -> &[u8] {
    let (mut depth, mut i) = (0usize, 0);
    while let Some(&b) = text.get(i) {
        match b {
            b' ' | b'\t' => {}
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b'\\' if depth > 0 => i += 1,
            _ if depth > 0 => {}
            _ => break,
        }
        i += 1;
    }
    text.get(i..).unwrap_or_default()
}

/// A token in lower case (RFC 2045 §5.1).
fn token(rest: &mut &[u8]) -> Option<String> {
    let good = |b: &u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(b);
    let end = rest.iter().position(|b| !good(b)).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    (end > 0).then(|| String::from_utf8_lossy(word).to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
