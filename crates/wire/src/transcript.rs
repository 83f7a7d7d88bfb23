//! Scripts of a session, for tests: lines `C: …` are sent, lines `S: …` are expected.
//!
//! `S+ 250` expects all the lines of a reply of that code, whatever they say. In an expected line `…` stands for any text. `C` lines are sent with CRLF; `C> ` sends without it and reads the
//! escapes `\r \n \0 \\`. `#` begins a comment line. The same script runs on a pure session, on a socket and on a
//! foreign server.

/// Something a script can be run against.
pub trait Peer {
    /// Sends bytes to it.
    fn send(&mut self, bytes: &[u8]);
    /// Its next line, without CRLF; `None` when it has nothing more to say or closed.
    fn line(&mut self) -> Option<String>;
}

/// Runs the script; the error tells the script's line number, what was expected and what came.
pub fn run(script: &str, peer: &mut dyn Peer) -> Result<(), String> {
    for (number, line) in script.lines().enumerate().map(|(i, l)| (i + 1, l.trim_start())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        } else if let Some(text) = line.strip_prefix("C: ") {
            peer.send(format!("{text}\r\n").as_bytes());
        } else if line == "C:" {
            peer.send(b"\r\n");
        } else if let Some(raw) = line.strip_prefix("C> ") {
            peer.send(&unescape(raw));
        } else if let Some(code) = line.strip_prefix("S+ ") {
            let more = format!("{code}-");
            let mut got = peer.line();
            while got.as_ref().is_some_and(|l| l.starts_with(&more)) {
                got = peer.line();
            }
            if got.is_none_or(|l| l.split(' ').next() != Some(code)) {
                return Err(format!("line {number}: expected the end of a reply {code}"));
            }
        } else if let Some(expected) = line.strip_prefix("S: ") {
            match peer.line() {
                Some(got) if matches(expected, &got) => {}
                got => return Err(format!("line {number}: expected `{expected}`, got {got:?}")),
            }
        } else {
            return Err(format!("line {number}: neither C: nor S: — `{line}`"));
        }
    }
    Ok(())
}

/// Reads the escapes of `C> `.
pub fn unescape(raw: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = raw.bytes();
    while let Some(b) = bytes.next() {
        out.push(match (b, if b == b'\\' { bytes.next() } else { None }) {
            (_, Some(b'r')) => b'\r',
            (_, Some(b'n')) => b'\n',
            (_, Some(b'0')) => 0,
            (_, Some(other)) => other,
            (b, None) => b,
        });
    }
    out
}

/// `…` matches any text, greedily from the left.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(i) => rest = &rest[i + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches("250 …", "250 ok"));
        assert!(matches("* … EXISTS", "* 12 EXISTS"));
        assert!(matches("a…b…c", "a1b2c"));
        assert!(!matches("a…b…c", "a1c"));
        assert!(matches("same", "same"));
        assert!(!matches("same", "same but longer"));
    }
}
