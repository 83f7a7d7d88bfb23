//! Texts in header fields: unfolding (RFC 5322 §2.2.3) and encoded words (RFC 2047).

use std::borrow::Cow;

use crate::decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use memchr::memmem;

/// A field's value without its folds: a line end before a blank goes, the blank stays. Line ends elsewhere (only a
/// tolerant reader meets them) become a blank, so that no line end ever comes out.
pub(crate) fn unfold(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        out.extend_from_slice(&rest[..at]);
        let end = if rest[at..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[at + end..];
        if !matches!(rest.first(), Some(b' ' | b'\t')) {
            out.push(b' ');
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Decodes the encoded words of an unfolded text (RFC 2047), in every charset known. Text between them is UTF-8, or
/// windows-1252 where it is not. Control characters, whoever wrote them, become blanks: nothing that was encoded
/// can end a line. Work is linear in the length.
pub fn decode_words(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut joined: Option<(Vec<u8>, Vec<u8>)> = None; // charset and octets of the words read and not yet converted
    let (mut done, mut from) = (0, 0);
    while let Some(start) = memmem::find(&raw[from..], b"=?").map(|i| from + i) {
        let Some(word) = Word::at(raw, start) else {
            from = start + 1;
            continue;
        };
        let gap = &raw[done..start];
        let adjacent = joined.is_some() && gap.iter().all(|b| matches!(b, b' ' | b'\t'));
        match &mut joined {
            Some((charset, bytes)) if adjacent && word.joins(charset) => bytes.extend(word.bytes()),
            _ => {
                flush(&mut joined, &mut out);
                if !adjacent {
                    out.push_str(&plain(gap));
                }
                joined = Some((word.charset.to_ascii_lowercase(), word.bytes()));
            }
        }
        (done, from) = (word.end, word.end);
    }
    flush(&mut joined, &mut out);
    out.push_str(&plain(&raw[done..]));
    clean(&out).into_owned()
}

fn flush(joined: &mut Option<(Vec<u8>, Vec<u8>)>, out: &mut String) {
    if let Some((charset, bytes)) = joined.take() {
        out.push_str(&convert(&charset, &bytes));
    }
}

/// Text of no declared charset.
pub(crate) fn plain(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => convert(b"windows-1252", bytes),
    }
}

/// Octets of a named charset; an unknown one is read as UTF-8, what cannot be read becomes U+FFFD.
pub(crate) fn convert(charset: &[u8], bytes: &[u8]) -> String {
    match charset_decoder(charset) {
        Some(decoder) if !charset.is_empty() => decoder(bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Control characters (C0, DEL, C1, line and paragraph separators) become blanks.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if bad(c) { ' ' } else { c }).collect()
}

/// One encoded word: `=?charset*language?encoding?text?=`.
struct Word<'a> {
    charset: &'a [u8],
    base64: bool,
    text: &'a [u8],
    end: usize,
}

impl<'a> Word<'a> {
    /// The word that begins at `start`. Each part runs to the next `?`, so that all attempts on one text together
    /// look at each octet a few times at most.
    fn at(raw: &'a [u8], start: usize) -> Option<Self> {
        let charset_at = raw[start..].starts_with(b"=?").then_some(start + 2)?;
        let charset_end = charset_at + memchr::memchr(b'?', &raw[charset_at..])?;
        let charset = &raw[charset_at..charset_end];
        if charset.is_empty() || !charset.iter().all(|&b| is_token(b)) {
            return None;
        }
        let base64 = match raw.get(charset_end + 1)? {
            b'B' | b'b' => true,
            b'Q' | b'q' => false,
            _ => return None,
        };
        if raw.get(charset_end + 2) != Some(&b'?') {
            return None;
        }
        let text_at = charset_end + 3;
        let text_end = text_at + memchr::memchr(b'?', &raw[text_at..])?;
        if raw.get(text_end + 1) != Some(&b'=') {
            return None;
        }
        let charset = charset.split(|&b| b == b'*').next().unwrap_or_default();
        Some(Self { charset, base64, text: &raw[text_at..text_end], end: text_end + 2 })
    }

    fn bytes(&self) -> Vec<u8> {
        if self.base64 { decode::base64_words(self.text) } else { decode::q_word(self.text) }
    }

    /// Whether this word's octets may be joined to those before it: writers cut characters of several octets in two
    /// (against RFC 2047 §5). Charsets with a state across octets begin anew in each word.
    fn joins(&self, charset: &[u8]) -> bool {
        self.charset.eq_ignore_ascii_case(charset) && (charset == b"utf-8" || !charset.starts_with(b"utf"))
    }
}

/// Where the encoded word that begins at `start` ends, if there is one and it holds no blank.
pub(crate) fn word_end(raw: &[u8], start: usize) -> Option<usize> {
    let word = Word::at(raw, start)?;
    let solid = !raw[start..word.end].iter().any(|b| *b <= b' ' || matches!(b, b'"' | 0x7f));
    solid.then_some(word.end)
}

fn is_token(b: u8) -> bool {
    b.is_ascii_graphic() && !b"()<>@,;\"/[]?=".contains(&b)
}

#[cfg(test)]
mod tests;
