//! What every transcript's server says, read by a parser that is not ours (imap-codec).

use imap_codec::ResponseCodec;
use imap_codec::decode::{Decoder, ResponseDecodeError};

/// Responses of extensions that the other parser does not know: how they begin, and a word in them.
const UNKNOWN: &[(&str, &str)] = &[
    ("* ESEARCH ", ""),             // RFC 4731
    ("* VANISHED ", ""),            // RFC 7162
    ("* ACL ", ""),                 // RFC 4314
    ("* MYRIGHTS ", ""),            // RFC 4314
    ("* LISTRIGHTS ", ""),          // RFC 4314
    ("* LIST ", " (\"CHILDINFO\""), // RFC 5258
    ("* LIST ", " (\"OLDNAME\""),   // RFC 9051
    ("* STATUS ", "MAILBOXID "),    // RFC 8474
    ("* ", "]<"),                   // RFC 3516 §4.3: BINARY with its origin, which its grammar forgot
    ("* ", "EMAILID "),             // RFC 8474
    ("* ", "THREADID "),            // RFC 8474
    ("* ", "SAVEDATE "),            // RFC 8514
    ("* ", "PREVIEW "),             // RFC 8970
];

/// Reads all of it; says what cannot be read. What was broken off at the end is nobody's to read.
pub fn read(mut said: &[u8]) -> Result<(), String> {
    while !said.is_empty() {
        match ResponseCodec::default().decode(said) {
            Ok((rest, _)) => said = rest,
            Err(ResponseDecodeError::Incomplete | ResponseDecodeError::LiteralFound { .. }) => return Ok(()),
            Err(ResponseDecodeError::Failed) => {
                let end = end(said);
                let response = String::from_utf8_lossy(&said[..end]);
                if !UNKNOWN.iter().any(|(begins, holds)| response.starts_with(begins) && response.contains(holds)) {
                    return Err(format!("not a response for others: {response:?}"));
                }
                said = &said[end..];
            }
        }
    }
    Ok(())
}

/// Where a response ends, its literals passed over.
fn end(said: &[u8]) -> usize {
    let mut at = 0;
    while let Some(line) = said[at..].windows(2).position(|w| w == b"\r\n") {
        let text = &said[at..at + line];
        at += line + 2;
        let size = text.strip_suffix(b"}").and_then(|t| t.rsplit(|b| *b == b'{').next());
        match size.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok()) {
            Some(octets) => at = (at + octets).min(said.len()),
            None => return at,
        }
    }
    said.len()
}

#[test]
fn the_witness_can_refuse() {
    assert!(
        read(b"* OK [CAPABILITY IMAP4rev1] Sigillo\r\na OK fine\r\n* ESEARCH (TAG \"a\") {2}\r\n\r\nx\r\n+ x\r\n")
            .is_ok()
    );
    assert!(read(b"* 1 FETCH (FLAGS ()\r\n").is_err() && read(b"* 1 FETCH (UID 0)\r\n").is_err());
    assert!(read(b"* FLAGS ()\r\na OK\r\n").is_err(), "a text is wanted");
}
