//! What clamd says, read strictly: a reply is closed by a NUL, and means only what it says to the letter.

use std::io::{self, Read};

/// Longest reply: it is one line with the name of one signature.
const LONGEST: usize = 4096;
/// Longest name that goes into notices and logs, in characters.
const NAME: usize = 100;

const CLEAN: &[u8] = b"stream: OK";
const TOO_LARGE: &[u8] = b"INSTREAM size limit exceeded. ERROR";

/// Reads a reply, without its NUL.
pub(super) fn read(wire: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut reply = Vec::new();
    let mut buffer = [0; 512];
    loop {
        let count = match wire.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if count == 0 {
            return Err(io::Error::other(format!("risposta tronca: {:?}", printable(&reply))));
        }
        reply.extend_from_slice(&buffer[..count]);
        if let Some(end) = reply.iter().position(|b| *b == 0) {
            if end + 1 != reply.len() {
                return Err(io::Error::other("la risposta continua dopo la sua fine"));
            }
            reply.truncate(end);
            return Ok(reply);
        }
        if reply.len() > LONGEST {
            return Err(io::Error::other(format!("risposta oltre {LONGEST} byte")));
        }
    }
}

/// The malware of a reply to INSTREAM; `None` for a clean message. An error for all that is no verdict.
pub(super) fn malware(reply: &[u8]) -> Result<Option<String>, String> {
    if reply == CLEAN {
        return Ok(None);
    }
    let name = reply.strip_prefix(b"stream: ").and_then(|r| r.strip_suffix(b" FOUND"));
    if let Some(name) = name.filter(|name| !name.trim_ascii().is_empty()) {
        return Ok(Some(printable(name)));
    }
    if reply == TOO_LARGE {
        let remedy = "rimedio: StreamMaxLength, MaxScanSize e MaxFileSize oltre 64M in clamd.conf";
        return Err(format!("il messaggio supera il limite di clamd; {remedy}"));
    }
    Err(no_verdict(reply))
}

/// Whether clamd complains instead of giving a verdict.
pub(super) fn is_error(reply: &[u8]) -> bool {
    reply.ends_with(b" ERROR")
}

/// The reply to VERSION: `ClamAV 1.0.7/27500/Sat Dec 14 09:43:26 2024`, or `ClamAV 1.0.7` without official signatures.
pub(super) fn version(reply: &[u8]) -> Result<String, String> {
    if reply.starts_with(b"ClamAV ") { Ok(printable(reply)) } else { Err(no_verdict(reply)) }
}

/// Name and version of scanner and signatures out of a whole version, without the date.
pub(super) fn engine(version: &str) -> String {
    version.split('/').take(2).collect::<Vec<_>>().join("/")
}

fn no_verdict(reply: &[u8]) -> String {
    let text = printable(reply);
    if is_error(reply) { format!("errore: {text}") } else { format!("risposta non prevista: {text:?}") }
}

/// Bounded, and without a byte that could alter a header, a log line or a terminal.
fn printable(bytes: &[u8]) -> String {
    let show = |b: &u8| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '?' };
    bytes.iter().take(NAME).map(show).collect()
}
