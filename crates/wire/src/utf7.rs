//! Modified UTF-7 of mailbox names (RFC 3501 §5.1.3).

use data_encoding::{Encoding, Specification};
use std::sync::LazyLock;

/// Base 64 with `,` for `/` and without padding.
static BASE64: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,");
    spec.encoding().ok()
});

/// A name as the wire carries it.
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            unshift(&mut out, &mut shifted);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0u16; 2];
            shifted.extend(c.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()));
        }
    }
    unshift(&mut out, &mut shifted);
    out
}

fn unshift(out: &mut String, shifted: &mut Vec<u8>) {
    if let (false, Some(base64)) = (shifted.is_empty(), BASE64.as_ref()) {
        out.push('&');
        out.push_str(&base64.encode(shifted));
        out.push('-');
        shifted.clear();
    }
}

/// A name from the wire; `None` when it is not one, or not in its only right form.
pub fn decode(wire: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(wire).ok().filter(|t| t.bytes().all(|b| (0x20..0x7f).contains(&b)))?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let (shifted, after) = rest[at + 1..].split_once('-')?;
        if shifted.is_empty() {
            out.push('&');
        } else {
            let bytes = BASE64.as_ref()?.decode(shifted.as_bytes()).ok()?;
            let units: Vec<u16> =
                bytes.chunks(2).map(|p| Some(u16::from_be_bytes([p[0], *p.get(1)?]))).collect::<Option<_>>()?;
            out.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = after;
    }
    out.push_str(rest);
    (encode(&out) == text).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_names() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("A&B", "A&-B"),
            ("Perché", "Perch&AOk-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
        }
        // Raw octets, no end, a letter that needs no shift, half a character, neighbours that should be one.
        for bad in ["è", "&AOk", "&AEE-", "&2D0-", "&AOk-&AOk-", "a\r\n", "&A-"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(name in "\\PC{0,20}") {
            prop_assert_eq!(decode(encode(&name).as_bytes()), Some(name));
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
            if let Some(name) = decode(&bytes) {
                let wire = encode(&name);
                prop_assert_eq!(wire.as_bytes(), &bytes[..]);
            }
        }
    }
}
