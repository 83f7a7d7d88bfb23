//! The accepted original: what `postacert.eml` will be (RFC 6109 §2.2.1; pec rule 2.1).

use sigillo_base::PecId;
use sigillo_mime::Header;

use crate::Error;

/// The message as it is certified: `trace` (Return-Path and Received lines, each with CRLF) on top, Message-ID
/// replaced by the certified identifier in its place, and the client's own kept as `X-Riferimento-Message-ID`, the
/// last line of the header. A message without Message-ID gets the certified one as its last header line and no
/// reference. Every other byte stays.
///
/// # Errors
/// [`Error::Message`] when the header cannot be read.
pub fn accepted_original(message: &[u8], id: &PecId, trace: &str) -> Result<Vec<u8>, Error> {
    let header = Header::parse(message)?;
    let mut out = Vec::with_capacity(message.len() + trace.len() + 512);
    out.extend_from_slice(trace.as_bytes());
    let new = format!("Message-ID: {}\r\n", id.bracketed());
    let mut done = 0;
    let mut reference: Option<&[u8]> = None;
    for field in header.all("Message-ID") {
        out.extend_from_slice(&message[done..field.whole.start]);
        if reference.is_none() {
            out.extend_from_slice(new.as_bytes());
            reference = Some(header.raw(field));
        }
        done = field.whole.end;
    }
    out.extend_from_slice(&message[done..header.end()]);
    if header.end() > 0 && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    match reference {
        None => out.extend_from_slice(new.as_bytes()),
        Some(raw) if raw.iter().all(u8::is_ascii_whitespace) => {}
        Some(raw) => {
            out.extend_from_slice(b"X-Riferimento-Message-ID:");
            out.extend_from_slice(raw);
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(&message[header.end()..]);
    Ok(out)
}
