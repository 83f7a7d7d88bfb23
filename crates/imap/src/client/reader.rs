//! Where a reply ends: lines, and the literals in them.

use super::Garbled;

/// Octets of a line's text, its literals aside, beyond which it is none.
const MAX_LINE: usize = 1 << 20;

/// A part of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text of its line, without line end and without the announcement of a literal.
    Text(Vec<u8>),
    /// A literal.
    Literal(Vec<u8>),
    /// A literal of so many octets, which was not held.
    Dropped(u64),
}

/// Bytes that came, cut into replies.
#[derive(Debug)]
pub(super) struct Reader {
    /// What has no place yet.
    bytes: Vec<u8>,
    /// Octets of `bytes` in which no line end is.
    looked: usize,
    /// The reply so far.
    pieces: Vec<Piece>,
    /// Octets of text in it.
    text: usize,
    /// A literal being read: what it still lacks.
    lacking: u64,
    /// Octets beyond which a literal is not held.
    most: u64,
}

impl Reader {
    pub(super) const fn new(most: u64) -> Self {
        Self { bytes: Vec::new(), looked: 0, pieces: Vec::new(), text: 0, lacking: 0, most }
    }

    /// Takes bytes. Those of a literal go straight to it, so that a message is held once.
    pub(super) fn input(&mut self, mut bytes: &[u8]) {
        if self.bytes.is_empty() {
            let taken = self.fill(bytes);
            bytes = &bytes[taken..];
        }
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.pieces.is_empty()
    }

    /// The next whole reply.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Piece>>, Garbled> {
        loop {
            if self.lacking > 0 {
                let waiting = std::mem::take(&mut self.bytes);
                let taken = self.fill(&waiting);
                self.bytes = waiting;
                self.bytes.drain(..taken);
                if self.lacking > 0 {
                    return Ok(None);
                }
            }
            let end = memchr::memchr(b'\n', &self.bytes[self.looked..]).map(|at| at + self.looked);
            let Some(end) = end else {
                self.looked = self.bytes.len();
                return if self.looked + self.text > MAX_LINE { Err(Garbled::LongLine(MAX_LINE)) } else { Ok(None) };
            };
            self.looked = 0;
            let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            self.text += line.len();
            if self.text > MAX_LINE {
                return Err(Garbled::LongLine(MAX_LINE));
            }
            let Some((start, octets)) = announced(&line) else {
                self.pieces.push(Piece::Text(line));
                self.text = 0;
                return Ok(Some(std::mem::take(&mut self.pieces)));
            };
            line.truncate(start);
            self.pieces.push(Piece::Text(line));
            let held = || Piece::Literal(Vec::with_capacity(usize::try_from(octets).unwrap_or_default()));
            self.pieces.push(if octets > self.most { Piece::Dropped(octets) } else { held() });
            self.lacking = octets;
        }
    }

    /// Gives a literal what it lacks of these; how many it took.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        let taken = usize::try_from(self.lacking).unwrap_or(usize::MAX).min(bytes.len());
        if let (true, Some(Piece::Literal(literal))) = (taken > 0, self.pieces.last_mut()) {
            literal.extend_from_slice(&bytes[..taken]);
        }
        self.lacking -= taken as u64;
        taken
    }
}

/// Where the announcement of a literal begins at the end of a line, `{12}` or `~{12}`, and its octets.
fn announced(line: &[u8]) -> Option<(usize, u64)> {
    let text = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', text)?;
    let digits = std::str::from_utf8(&text[open + 1..]).ok()?;
    let octets = if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok()? } else { return None };
    let start = if open > 0 && text[open - 1] == b'~' { open - 1 } else { open };
    Some((start, octets))
}
