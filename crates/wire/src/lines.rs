//! Lines that end in CRLF and in nothing else.

use memchr::memchr;

/// Cuts a byte stream into lines. Bounded: a line longer than the limit is reported once and skipped to its end, so
/// that an overlong line never desynchronises the stream nor fills the memory.
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    start: usize,
    scanned: usize,
    limit: usize,
    skipping: bool,
}

/// One line without its CRLF.
pub type Line = Vec<u8>;

/// What is wrong with a line. The stream goes on after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than the limit.
    #[error("line too long")]
    TooLong,
    /// A CR without LF, an LF without CR, or a NUL inside the line: the vectors of SMTP smuggling.
    #[error("bare CR, bare LF or NUL in line")]
    Stray,
}

impl Lines {
    /// Lines of at most `limit` octets, CRLF not counted.
    pub fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, scanned: 0, limit, skipping: false }
    }

    /// Adds bytes from the peer.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 && (self.start == self.buffer.len() || self.start > 64 * 1024) {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete line; `None` when more bytes are needed. Only CRLF ends a line.
    pub fn next_line(&mut self) -> Option<Result<Line, LineError>> {
        loop {
            let Some(lf) = memchr(b'\n', &self.buffer[self.scanned..]).map(|i| self.scanned + i) else {
                return self.hold();
            };
            self.scanned = lf + 1;
            if lf == self.start || self.buffer[lf - 1] != b'\r' {
                continue; // a bare LF stays inside the line and condemns it
            }
            let line = &self.buffer[self.start..lf - 1];
            let answer = if self.skipping || line.len() > self.limit {
                Err(LineError::TooLong)
            } else if line.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
                Err(LineError::Stray)
            } else {
                Ok(line.to_vec())
            };
            self.skipping = false;
            self.start = lf + 1;
            return Some(answer);
        }
    }

    /// No line end yet: an overlong beginning is forgotten, all but its last byte (it may be half of a CRLF).
    fn hold(&mut self) -> Option<Result<Line, LineError>> {
        self.scanned = self.buffer.len();
        if self.buffer.len() - self.start > self.limit + 1 {
            self.skipping = true;
            self.buffer.drain(..self.buffer.len() - 1);
            self.start = 0;
            self.scanned = 1;
        }
        None
    }

    /// Takes up to `max` raw bytes, for literals and message bodies; empty when nothing is held.
    pub fn take(&mut self, max: usize) -> Vec<u8> {
        let n = max.min(self.buffer.len() - self.start);
        let out = self.buffer[self.start..self.start + n].to_vec();
        self.start += n;
        self.scanned = self.scanned.max(self.start);
        out
    }

    /// The bytes held and not yet consumed.
    pub fn held(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Forgets everything held: what was pipelined before STARTTLS must not be obeyed after it (RFC 3207 §4.2).
    pub fn clear(&mut self) {
        *self = Self::new(self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(lines: &mut Lines) -> Vec<Result<Line, LineError>> {
        std::iter::from_fn(|| lines.next_line()).collect()
    }

    #[test]
    fn only_crlf_ends_a_line() {
        let mut l = Lines::new(20);
        l.push(b"A\r\nb\nc\r\nd\re\r\n\r\n\0\r\n\nx");
        assert_eq!(
            all(&mut l),
            [Ok(b"A".to_vec()), Err(LineError::Stray), Err(LineError::Stray), Ok(vec![]), Err(LineError::Stray)]
        );
        assert_eq!(l.held(), b"\nx");
    }

    #[test]
    fn an_overlong_line_is_said_once_and_skipped() {
        let mut l = Lines::new(4);
        for _ in 0..1000 {
            l.push(b"aaaaaaaa");
            assert_eq!(l.next_line(), None);
            assert!(l.held().len() < 16, "memory stays bounded");
        }
        l.push(b"\r\nok\r\n");
        assert_eq!(all(&mut l), [Err(LineError::TooLong), Ok(b"ok".to_vec())]);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(text in "[a\r\n\u{0}]{0,60}", cuts in prop::collection::vec(0usize..60, 0..6)) {
            let bytes = text.as_bytes();
            let mut whole = Lines::new(6);
            whole.push(bytes);
            let expected = all(&mut whole);
            let mut at: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let mut cut = Lines::new(6);
            let mut got = Vec::new();
            for w in at.windows(2) {
                cut.push(&bytes[w[0]..w[1]]);
                got.extend(all(&mut cut));
            }
            prop_assert_eq!(got, expected);
        }
    }
}
