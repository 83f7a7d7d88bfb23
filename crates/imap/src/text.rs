//! Writing what a response carries: strings, names, free text.

use crate::enabled::Enabled;
use crate::utf7;

pub use sigillo_wire::human;

/// A quoted string where that is safe, a literal otherwise: control characters and octets above 127 never stand
/// between quotes (RFC 3501 §4.3).
pub fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() <= 1024 && bytes.iter().all(|b| (0x20..0x7f).contains(b)) {
        out.push(b'"');
        for b in bytes {
            if matches!(b, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*b);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(format!("{{{}}}\r\n", bytes.len()).as_bytes());
        // A literal cannot carry NUL.
        out.extend(bytes.iter().map(|b| if *b == 0 { b'?' } else { *b }));
    }
}

/// The same, or NIL.
pub fn nstring(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => string(out, bytes),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// An annotation's value: the same, but what holds NUL is a literal8 (RFC 5464 §5).
pub fn value(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) if bytes.contains(&0) => {
            out.extend_from_slice(format!("~{{{}}}\r\n", bytes.len()).as_bytes());
            out.extend_from_slice(bytes);
        }
        bytes => nstring(out, bytes),
    }
}

/// A folder's name, for who switched this on: UTF-8 (RFC 6855 §3, RFC 9051 §5.1), or modified UTF-7.
pub fn mailbox(name: &str, on: Enabled) -> String {
    let wire = if on.takes_utf8() { name.to_owned() } else { utf7::encode(name) };
    if !wire.is_empty() && !wire.eq_ignore_ascii_case("NIL") && wire.bytes().all(crate::cursor::is_atom) {
        return wire;
    }
    format!("\"{}\"", wire.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        string(&mut out, bytes);
        out
    }

    #[test]
    fn quoted_or_literal() {
        assert_eq!(written(b"a \"b\\"), b"\"a \\\"b\\\\\"");
        assert_eq!(written(b"a\r\nb"), b"{4}\r\na\r\nb");
        assert_eq!(written("è".as_bytes()), b"{2}\r\n\xc3\xa8");
        assert_eq!(written(b"a\0"), b"{2}\r\na?");
        let (off, on) = (Enabled::default(), Enabled { rev2: true, ..Enabled::default() });
        assert_eq!(mailbox("Posta inviata", off), "\"Posta inviata\"");
        assert_eq!(mailbox("INBOX/Perché", off), "INBOX/Perch&AOk-");
        assert_eq!(mailbox("INBOX/Perché", on), "\"INBOX/Perché\"");
        assert_eq!((mailbox("nil", on), mailbox("nilo", on)), ("\"nil\"".to_owned(), "nilo".to_owned()));
        assert_eq!((mailbox("A&B", off), mailbox("A&B", on)), ("A&-B".to_owned(), "A&B".to_owned()));
    }
}
