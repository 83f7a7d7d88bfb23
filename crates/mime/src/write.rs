//! Building blocks for headers and parts: CRLF line ends, 7-bit octets, short lines.

use crate::text::clean;
use data_encoding::BASE64;

/// A line of text should not be longer than this, CRLF not counted (RFC 5322 §2.1.1).
const LINE: usize = 78;

/// A quoted string up to this length is not folded.
const QUOTED: usize = 70;

/// A line that holds an encoded word must not be longer than this (RFC 2047 §2).
const LINE_OF_WORDS: usize = 76;

/// An encoded word must not be longer than this (RFC 2047 §2).
const WORD: usize = 75;

/// A run without blanks longer than this cannot go out as it is: a line must stay below 998 octets.
const SOLID: usize = 500;

/// A structured header field, folded at blanks so that lines stay within 78 octets where they can, its CRLF included.
/// Control characters in the value become blanks, so that no value can add a line; what is not ASCII becomes `?` (use
/// [`unstructured`] or [`phrase`] for texts). Blanks at both ends go; all others are kept.
pub fn field(name: &str, value: &str) -> String {
    let mut out: String = name.chars().filter(|c| c.is_ascii_graphic() && *c != ':').collect();
    out.push(':');
    let plain = |c: char| match c {
        _ if c.is_control() => ' ',
        _ if !c.is_ascii() => '?',
        _ => c,
    };
    let value: String = value.chars().map(plain).collect();
    let limit = if value.contains("=?") { LINE_OF_WORDS } else { LINE };
    let mut column = out.len();
    let mut rest = value.trim();
    let mut first = true;
    while !rest.is_empty() {
        // A chunk is a run of blanks and the solid run after it; a line may break before the chunk.
        let solid = rest.find(|c| c != ' ').unwrap_or(rest.len());
        let end = solid_end(rest.as_bytes(), solid);
        let (chunk, after) = rest.split_at(end);
        let width = chunk.len() + usize::from(first);
        if !first && column + width > limit {
            out.push_str("\r\n");
            column = 0;
        }
        if first {
            out.push(' ');
        }
        out.push_str(chunk);
        column += width;
        (rest, first) = (after, false);
    }
    out.push_str("\r\n");
    out
}

/// Where the solid run at `at` ends: at a blank, but not at one in a quoted string, if that fits a line. A fold there
/// would be right (RFC 5322 §3.2.4), but there are readers that keep its line end.
fn solid_end(text: &[u8], at: usize) -> usize {
    let mut at = at;
    while at < text.len() && text[at] != b' ' {
        let quoted = &text[at..text.len().min(at + QUOTED)];
        at += match quoted {
            [b'"', inner @ ..] => inner.iter().position(|&b| b == b'"').map_or(1, |i| i + 2),
            _ => 1,
        };
    }
    at
}

/// A header field that holds a text for people, such as Subject. ASCII stays as it is; from the first word that is not
/// to the last, it goes into encoded words (RFC 2047, UTF-8), so that an ASCII beginning stays readable to all.
/// Control characters become blanks.
pub fn unstructured(name: &str, text: &str) -> String {
    let text = clean(text);
    let text = text.trim();
    let needs = |w: &str| !w.is_ascii() || w.contains("=?") || w.len() > SOLID;
    let mut spans = words(text).filter(|&(start, end)| needs(&text[start..end]));
    let Some((start, first_end)) = spans.next() else { return field(name, text) };
    let end = spans.last().map_or(first_end, |(_, end)| end);
    // Of several blanks around the encoded words one stays outside, the others are encoded: they survive any folding.
    let start = if start == 0 { 0 } else { text[..start].trim_end_matches(' ').len() + 1 };
    let end = text.len() - text[end..].trim_start_matches(' ').len();
    let end = if end == text.len() { end } else { end - 1 };
    let column = if start == 0 { name.len() + 2 } else { 1 };
    field(name, &format!("{}{}{}", &text[..start], encoded_words(&text[start..end], column), &text[end..]))
}

/// A display name: a quoted string when it is ASCII, encoded words otherwise. Control characters become blanks.
pub fn phrase(text: &str) -> String {
    let text = clean(text);
    if !text.is_ascii() || text.contains("=?") || words(&text).any(|(start, end)| end - start > SOLID) {
        return encoded_words(text.trim(), "Reply-To: ".len());
    }
    quoted(&text)
}

/// A parameter of a structured field, to be put after `; `: a quoted string when the value is ASCII, RFC 2231 in UTF-8
/// otherwise, in sections when it is long. Control characters become blanks.
pub fn parameter(name: &str, value: &str) -> String {
    let value = clean(value);
    if value.is_ascii() && value.len() <= SOLID && !value.contains("=?") {
        return format!("{name}={}", quoted(&value));
    }
    // Sections are cut between characters: there are readers that decode each by itself.
    let room = 60usize.saturating_sub(name.len()).max(12);
    let mut sections = vec![String::new()];
    let mut escaped = String::new();
    for c in value.chars() {
        escaped.clear();
        for &b in c.encode_utf8(&mut [0; 4]).as_bytes() {
            match b {
                b if b.is_ascii_alphanumeric() || b"-._".contains(&b) => escaped.push(char::from(b)),
                b => push_escaped(&mut escaped, '%', b),
            }
        }
        match sections.last_mut().filter(|s| s.len() + escaped.len() <= room) {
            Some(section) => section.push_str(&escaped),
            None => sections.push(escaped.clone()),
        }
    }
    if let [whole] = &sections[..] {
        return format!("{name}*=UTF-8''{whole}");
    }
    let charset = |i: usize| if i == 0 { "UTF-8''" } else { "" };
    let written = sections.iter().enumerate().map(|(i, s)| format!("{name}*{i}*={}{s}", charset(i)));
    written.collect::<Vec<_>>().join("; ")
}

/// ISO-8859-1; what it does not have becomes `?`, but dashes, quotation marks and ellipses of typography first become
/// their plain forms.
pub fn latin1(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push(b'-'),
            '\u{2018}'..='\u{201b}' | '\u{2032}' => out.push(b'\''),
            '\u{201c}'..='\u{201f}' | '\u{2033}' => out.push(b'"'),
            '\u{2026}' => out.extend_from_slice(b"..."),
            _ => out.push(u8::try_from(u32::from(c)).unwrap_or(b'?')),
        }
    }
    out
}

/// A text in quoted-printable (RFC 2045 §6.7): lines of the input end in LF or CRLF, lines of the output in CRLF and
/// within 76 octets. What relays are known to harm (`From ` and a dot at a line's beginning, blanks at its end) is
/// escaped too, for what is written may be signed.
pub fn quoted_printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 8);
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let content = line.strip_suffix(b"\n").map_or(line, |l| l.strip_suffix(b"\r").unwrap_or(l));
        let mut column = 0;
        for (i, &b) in content.iter().enumerate() {
            let last = i + 1 == content.len();
            let escape = |column: usize| match b {
                b' ' | b'\t' => last,
                b'=' => true,
                b'.' => column == 0,
                b'F' => column == 0 && content[i..].starts_with(b"From "),
                _ => !b.is_ascii_graphic(),
            };
            // A soft break's own `=` needs a column too, except after the last octet.
            let width = if escape(column) { 3 } else { 1 };
            if column + width > 75 + usize::from(last) {
                out.push_str("=\r\n");
                column = 0;
            }
            if escape(column) {
                push_escaped(&mut out, '=', b);
                column += 3;
            } else {
                out.push(char::from(b));
                column += 1;
            }
        }
        if content.len() < line.len() {
            out.push_str("\r\n");
        }
    }
    out
}

/// Base64 in lines of 76 octets, each with its CRLF (RFC 2045 §6.8).
pub fn base64_lines(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() / 57 * 78 + 80);
    for line in bytes.chunks(57) {
        BASE64.encode_append(line, &mut out);
        out.push_str("\r\n");
    }
    out
}

/// A quoted string (RFC 5322 §3.2.4).
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Encoded words in UTF-8, each within 75 octets and made of whole characters, one blank between them (which readers
/// drop). Q, which people can half read, or B where more than half would be escapes; Q only with what may stand in a
/// display name (RFC 2047 §5). The first begins at `column` of its line, and is shorter for it.
fn encoded_words(text: &str, column: usize) -> String {
    let q = |b: u8| if b == b' ' || is_q_plain(b) { 1 } else { 3 };
    let base64 = text.bytes().map(q).sum::<usize>() > text.len() * 2;
    let octets = |word: usize| {
        let room = word - "=?UTF-8?Q??=".len();
        if base64 { room / 4 * 3 } else { room }
    };
    let mut room = octets(LINE_OF_WORDS.saturating_sub(column).clamp(40, WORD));
    let mut out = String::new();
    let (mut start, mut used) = (0, 0);
    for (at, c) in text.char_indices() {
        let width = if base64 { c.len_utf8() } else { text[at..at + c.len_utf8()].bytes().map(q).sum() };
        if used + width > room {
            push_word(&mut out, &text[start..at], base64);
            (start, used) = (at, 0);
            room = octets(WORD);
        }
        used += width;
    }
    push_word(&mut out, &text[start..], base64);
    out
}

fn push_word(out: &mut String, text: &str, base64: bool) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(if base64 { "=?UTF-8?B?" } else { "=?UTF-8?Q?" });
    if base64 {
        BASE64.encode_append(text.as_bytes(), out);
    } else {
        for b in text.bytes() {
            match b {
                b' ' => out.push('_'),
                b if is_q_plain(b) => out.push(char::from(b)),
                b => push_escaped(out, '=', b),
            }
        }
    }
    out.push_str("?=");
}

fn is_q_plain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!*+-/".contains(&b)
}

fn push_escaped(out: &mut String, mark: char, b: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push(mark);
    out.push(char::from(HEX[usize::from(b >> 4)]));
    out.push(char::from(HEX[usize::from(b & 15)]));
}

/// The runs between blanks: where each begins and ends.
fn words(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    let spans = text.split(' ').map(move |word| {
        let start = at;
        at += word.len() + 1;
        (start, start + word.len())
    });
    spans.filter(|(start, end)| start < end)
}

#[cfg(test)]
mod tests;
