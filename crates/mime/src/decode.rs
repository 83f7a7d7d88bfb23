//! Transfer encodings back to octets (RFC 2045 §6.7, §6.8). Tolerant as the RFC asks, bounded, linear.

use crate::Error;

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
    let (mut group, mut count) = (0u32, 0u8);
    let mut left = false;
    for &b in text {
        let value = ALPHABET[usize::from(b)];
        if value < 64 {
            group = group << 6 | u32::from(value);
            count += 1;
            if count == 4 {
                out.extend_from_slice(&group.to_be_bytes()[1..]);
                (group, count) = (0, 0);
            }
        } else if b == b'=' {
            left |= tail(group, count, &mut out);
            (group, count) = (0, 0);
        }
        if out.len() > limit {
            return Err(Error::TooLarge { limit });
        }
    }
    left |= tail(group, count, &mut out);
    if out.len() > limit { Err(Error::TooLarge { limit }) } else { Ok((out, left)) }
}

/// The last group, of fewer than four characters; true when it is only one.
fn tail(group: u32, count: u8, out: &mut Vec<u8>) -> bool {
    match count {
        2 => out.push((group >> 4) as u8),
        3 => out.extend_from_slice(&((group >> 2) as u16).to_be_bytes()),
        _ => {}
    }
    count == 1
}

/// Quoted-printable text; blanks at a line's end go, a broken `=` stays as it is (RFC 2045 §6.7).
pub(crate) fn quoted_printable(text: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(text.len().min(limit));
    for line in text.split_inclusive(|&b| b == b'\n') {
        let content = line.trim_ascii_end();
        let body = content.strip_suffix(b"=");
        unescape(body.unwrap_or(content), b'=', &mut out);
        if body.is_none() {
            let end = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
            out.extend_from_slice(&line[line.len() - end..]);
        }
        if out.len() > limit {
            return Err(Error::TooLarge { limit });
        }
    }
    Ok(out)
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
        fn any_text_is_read(text in prop::collection::vec(any::<u8>(), 0..200), limit in 0usize..100) {
            for out in [base64(&text, limit), quoted_printable(&text, limit)].into_iter().flatten() {
                prop_assert!(out.len() <= limit);
            }
            prop_assert!(q_word(&text).len() <= text.len());
        }
    }
}
