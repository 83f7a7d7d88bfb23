//! Transfer encodings back to octets (RFC 2045 §6.7, §6.8). Tolerant as the RFC asks, bounded, linear.

use crate::{Encoding, Error};

/// 64 for what is not in the alphabet.
const ALPHABET: [u8; 256] = {
    let mut table = [64; 256];
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        table[letters[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// Base64 text; characters outside the alphabet are skipped (RFC 2045 §6.8), padding ends a group and what follows
/// it begins a new one. A single character left over is a fault.
pub(crate) fn base64(text: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    let (out, left) = base64_some(text, limit)?;
    if left { Err(Error::Base64) } else { Ok(out) }
}

/// The base64 of an encoded word: whatever can be read.
pub(crate) fn base64_words(text: &[u8]) -> Vec<u8> {
    base64_some(text, usize::MAX).map(|(out, _)| out).unwrap_or_default()
}

fn base64_some(text: &[u8], limit: usize) -> Result<(Vec<u8>, bool), Error> {
    let mut out = Vec::with_capacity((text.len() / 4 * 3).min(limit));
    let mut group = Group::default();
    for piece in text.chunks(64 * 1024) {
        group.push(piece, &mut out);
        if out.len() > limit {
            return Err(Error::TooLarge { limit });
        }
    }
    group.end(&mut out);
    if out.len() > limit { Err(Error::TooLarge { limit }) } else { Ok((out, group.left)) }
}

/// Base64 between two of its groups.
#[derive(Debug, Clone, Default)]
struct Group {
    bits: u32,
    count: u8,
    /// A group of one character was met.
    left: bool,
}

impl Group {
    fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &b in text {
            let value = ALPHABET[usize::from(b)];
            if value < 64 {
                self.bits = self.bits << 6 | u32::from(value);
                self.count += 1;
                if self.count == 4 {
                    out.extend_from_slice(&self.bits.to_be_bytes()[1..]);
                    (self.bits, self.count) = (0, 0);
                }
            } else if b == b'=' {
                self.end(out);
            }
        }
    }

    /// The last group, of fewer than four characters.
    fn end(&mut self, out: &mut Vec<u8>) {
        match self.count {
            2 => out.push((self.bits >> 4) as u8),
            3 => out.extend_from_slice(&((self.bits >> 2) as u16).to_be_bytes()),
            _ => {}
        }
        self.left |= self.count == 1;
        (self.bits, self.count) = (0, 0);
    }
}

/// Quoted-printable text; blanks at a line's end go, a broken `=` stays as it is (RFC 2045 §6.7).
pub(crate) fn quoted_printable(text: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(text.len().min(limit));
    for line in text.split_inclusive(|&b| b == b'\n') {
        quoted_line(line, &mut out);
        if out.len() > limit {
            return Err(Error::TooLarge { limit });
        }
    }
    Ok(out)
}

/// One line of it, with its end.
fn quoted_line(line: &[u8], out: &mut Vec<u8>) {
    let content = line.trim_ascii_end();
    let body = content.strip_suffix(b"=");
    unescape(body.unwrap_or(content), b'=', out);
    if body.is_none() {
        let end = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
        out.extend_from_slice(&line[line.len() - end..]);
    }
}

/// Takes a body's transfer encoding away piece by piece: what [`crate::Part::decoded`] does at once, in memory that does not
/// grow with the body. Half an octet at the end of base64 is passed over; of more blanks in a row than [`LONGEST`] none
/// go from a line's end.
#[derive(Debug, Clone)]
pub struct Decoder(State);

#[derive(Debug, Clone)]
enum State {
    Plain,
    Base64(Group),
    /// With the line that has not ended.
    Quoted(Vec<u8>),
}

/// Octets of a quoted-printable line that are held until it ends.
const LONGEST: usize = 16 * 1024;

impl Decoder {
    /// For this encoding; `None` when nobody knows it.
    pub fn new(encoding: &Encoding) -> Option<Self> {
        Some(Self(match encoding {
            Encoding::Base64 => State::Base64(Group::default()),
            Encoding::QuotedPrintable => State::Quoted(Vec::new()),
            Encoding::Other(_) => return None,
            _ => State::Plain,
        }))
    }

    /// Takes the next piece of the body.
    pub fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            State::Plain => out.extend_from_slice(text),
            State::Base64(group) => group.push(text, out),
            State::Quoted(line) => {
                for piece in text.split_inclusive(|&b| b == b'\n') {
                    line.extend_from_slice(piece);
                    if piece.ends_with(b"\n") {
                        quoted_line(line, out);
                        line.clear();
                    } else if line.len() > LONGEST {
                        let ready = settled(line);
                        unescape(&line[..ready], b'=', out);
                        line.drain(..ready);
                    }
                }
            }
        }
    }

    /// The body has ended.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            State::Plain => {}
            State::Base64(group) => group.end(out),
            State::Quoted(line) => {
                quoted_line(line, out);
                line.clear();
            }
        }
    }
}

/// How much of a line means the same whatever follows: not its last blanks, and no half of an escape.
fn settled(line: &[u8]) -> usize {
    let content = line.trim_ascii_end().len();
    if line.len() - content > LONGEST {
        return line.len();
    }
    let end = content.saturating_sub(3);
    (end.saturating_sub(2)..end).find(|i| line[*i] == b'=').unwrap_or(end)
}

/// The Q encoding of an encoded word (RFC 2047 §4.2).
pub(crate) fn q_word(text: &[u8]) -> Vec<u8> {
    let blanks: Vec<u8> = text.iter().map(|&b| if b == b'_' { b' ' } else { b }).collect();
    let mut out = Vec::with_capacity(blanks.len());
    unescape(&blanks, b'=', &mut out);
    out
}

/// `%41` of RFC 2231 §4 (or `=41`, with another mark) back to octets; a broken escape stays as it is.
pub(crate) fn unescape(text: &[u8], mark: u8, out: &mut Vec<u8>) {
    let hex = |b: Option<&u8>| b.and_then(|&b| char::from(b).to_digit(16)).map(|d| d as u8);
    let mut i = 0;
    while i < text.len() {
        if text[i] == mark
            && let (Some(high), Some(low)) = (hex(text.get(i + 1)), hex(text.get(i + 2)))
        {
            out.push(high << 4 | low);
            i += 3;
        } else {
            out.push(text[i]);
            i += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_skips_what_is_foreign_and_refuses_half_an_octet() {
        assert_eq!(base64(b"Y2lh\r\nbw==\r\n", 9).unwrap(), b"ciao");
        assert_eq!(base64(b"Y2lhbw", 9).unwrap(), b"ciao");
        assert_eq!(base64(b"Y2lhbw==Y2lhbw==", 9).unwrap(), b"ciaociao");
        assert_eq!(base64(b"Y2lhbwA=A", 9), Err(Error::Base64));
        assert_eq!(base64(b"Y2lhb", 9), Err(Error::Base64));
        assert_eq!(base64(b"Y2lhbw==", 3), Err(Error::TooLarge { limit: 3 }));
        assert_eq!(base64(b"", 0).unwrap(), b"");
    }

    #[test]
    fn quoted_printable_lines() {
        assert_eq!(quoted_printable(b"a=3D=\r\nb \t\r\nc=ZZ=E8", 99).unwrap(), b"a=b\r\nc=ZZ\xe8");
        assert_eq!(quoted_printable(b"a= \r\nb\n", 99).unwrap(), b"ab\n");
        assert_eq!(quoted_printable(b"aaaa", 3), Err(Error::TooLarge { limit: 3 }));
    }

    proptest! {
        #[test]
        fn base64_agrees_with_another_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = data_encoding::BASE64_MIME.encode(&bytes);
            prop_assert_eq!(base64(text.as_bytes(), 200).unwrap(), bytes);
        }

        #[test]
        fn piece_by_piece_is_the_same_as_at_once(
            text in "([a-zA-Z0-9+/= \t\r\n]|=[0-9A-F]{2}|=\r\n){0,300}",
            long in prop::sample::select(vec![0usize, 40_000]),
            cut in 1usize..70,
        ) {
            // A line that does not end, longer than what is held.
            let text = [text.as_bytes(), &b"x=3D".repeat(long / 4), text.as_bytes()].concat();
            for encoding in [Encoding::Base64, Encoding::QuotedPrintable, Encoding::EightBit] {
                let mut decoder = Decoder::new(&encoding).unwrap();
                let mut out = Vec::new();
                text.chunks(cut).for_each(|piece| decoder.push(piece, &mut out));
                decoder.end(&mut out);
                let whole = match encoding {
                    Encoding::Base64 => base64_words(&text),
                    Encoding::QuotedPrintable => quoted_printable(&text, usize::MAX).unwrap(),
                    _ => text.clone(),
                };
                prop_assert_eq!(out, whole);
            }
        }

        #[test]
        fn any_text_is_read(text in prop::collection::vec(any::<u8>(), 0..200), limit in 0usize..100) {
            for out in [base64(&text, limit), quoted_printable(&text, limit)].into_iter().flatten() {
                prop_assert!(out.len() <= limit);
            }
            prop_assert!(q_word(&text).len() <= text.len());
        }
    }
}
