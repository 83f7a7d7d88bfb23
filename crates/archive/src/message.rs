//! A message out of a file: its line ends, and whether it is one at all.

use sigillo_base::{Said, Tell, said, told};

/// Why what lies in a file is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// There is nothing.
    Empty,
    /// It does not begin with a field of a header (RFC 5322 §2.2).
    NoHeader,
    /// It is larger than this many octets.
    TooLarge(u64),
    /// An mbox begins with something else than a From_ line.
    NoFrom,
}

impl Tell for Wrong {
    fn said(&self) -> Said {
        match self {
            Self::Empty => said!("è vuoto", "it is empty"),
            Self::NoHeader => said!(
                "non comincia con un campo d'intestazione: non è un messaggio",
                "it does not begin with a field of a header: it is no message"
            ),
            Self::TooLarge(most) => said!("supera {most} byte", "it is larger than {most} bytes"),
            Self::NoFrom => said!(
                "non comincia con una riga «From »: non è un mbox",
                "it does not begin with a “From ” line: it is no mbox"
            ),
        }
    }
}

told!(Wrong);

/// The message in a file, with lines that end in CRLF. Whether they do already is told by the first: a message that
/// begins in that form is taken as it is, to the byte.
///
/// # Errors
/// What lies there is no message.
pub fn of(bytes: Vec<u8>) -> Result<Vec<u8>, Wrong> {
    if bytes.is_empty() {
        return Err(Wrong::Empty);
    }
    if !begins_with_field(&bytes) {
        return Err(Wrong::NoHeader);
    }
    match bytes.iter().position(|b| *b == b'\n') {
        Some(at) if at == 0 || bytes[at - 1] != b'\r' => Ok(with_crlf(&bytes)),
        _ => Ok(bytes),
    }
}

/// Whether the first line is a field: a name of visible characters, then a colon.
fn begins_with_field(bytes: &[u8]) -> bool {
    let name = bytes.iter().position(|b| !(0x21..0x7f).contains(b) || *b == b':');
    // Old programs leave a blank between the name and its colon (RFC 5322 §4.5).
    name.is_some_and(|end| end > 0 && bytes[end..].trim_ascii_start().first() == Some(&b':'))
}

fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                out.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_crlf() {
        let of = |text: &str| of(text.as_bytes().to_vec()).map(|b| String::from_utf8(b).unwrap());
        assert_eq!(of("A: b\nc: d\r\n\nx").unwrap(), "A: b\r\nc: d\r\n\r\nx");
        assert_eq!(of("A: b\r\n\r\nx\ny").unwrap(), "A: b\r\n\r\nx\ny", "taken as it is");
        assert_eq!(of("A : b\n").unwrap(), "A : b\r\n");
        assert_eq!(of(""), Err(Wrong::Empty));
        for no in ["\0\0\0\0", "ciao\n", ": x\n", "\nA: b\n", "è: b\n"] {
            assert_eq!(of(no), Err(Wrong::NoHeader), "{no:?}");
        }
    }
}
