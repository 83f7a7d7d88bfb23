//! Segments: the files in which the log is kept and stamped, one for each day (DM 2-11-2005 art. 10; pec rule 8.2).
//!
//! A segment is UTF-8 text with LF. Its first line is `PEC_LogRotate OPEN`, its last `PEC_LogRotate CLOSE`, and every
//! line ends in `: catena=` and the chain before it, in hexadecimal:
//! ```text
//! h₀ = the chain after the segment before; thirty-two zero bytes before the very first line
//! hᵢ = SHA-256(hᵢ₋₁ ‖ line i as it stands in the file ‖ LF)
//! ```
//! So a file shows by itself where it was altered, the next one shows that none is missing between them, and one time
//! stamp on the newest proves them all.

use data_encoding::HEXLOWER;
use sigillo_smime::Hasher;

use super::{Entry, ServiceEvent};

const MARK: &str = ": catena=";

/// Longest line of a segment, in octets: a message to a thousand recipients with the longest addresses fits.
const MAX_LINE: usize = 1 << 20;

/// A line as it stands in a segment: with the chain before it.
pub fn chained(line: &str, before: &[u8; 32]) -> String {
    format!("{line}{MARK}{}", HEXLOWER.encode(before))
}

/// The chain after a line of a segment, given as [`chained`] makes it.
pub fn link(before: &[u8; 32], line: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(before);
    hasher.update(line);
    hasher.update(b"\n");
    hasher.finish()
}

/// A segment that holds together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// From 1.
    pub number: u64,
    /// The legal day on which it began.
    pub day: String,
    /// Lines, with the first and the last.
    pub lines: u64,
    /// The chain before it.
    pub before: [u8; 32],
    /// The chain after its last line.
    pub head: [u8; 32],
    /// SHA-256 of the file: what is stamped.
    pub sha256: [u8; 32],
    /// Whether its last line is `PEC_LogRotate CLOSE`; else it is the one still being written.
    pub closed: bool,
}

/// The first place where a segment does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, riga {line}: {what}")]
pub struct Break {
    /// Name of the file, as it was given.
    pub file: String,
    /// From 1. What was altered, removed or inserted is this line or stands between it and the one before.
    pub line: u64,
    /// In Italian.
    pub what: String,
}

/// Reads a segment in pieces of any size and proves that it holds together. Keeps one line in memory.
pub struct SegmentReader {
    file: String,
    expected: Option<[u8; 32]>,
    /// The line being read, without its end.
    line: Vec<u8>,
    digest: Hasher,
    opened: Option<(u64, String)>,
    before: [u8; 32],
    head: [u8; 32],
    lines: u64,
    closed: bool,
}

impl SegmentReader {
    /// Begins a file. `before` is the chain after the segment before it, where that is known.
    pub fn new(file: impl Into<String>, before: Option<[u8; 32]>) -> Self {
        Self {
            file: file.into(),
            expected: before,
            line: Vec::new(),
            digest: Hasher::new(),
            opened: None,
            before: [0; 32],
            head: [0; 32],
            lines: 0,
            closed: false,
        }
    }

    /// Takes the next bytes and gives each whole line, without its chain, to `each`.
    ///
    /// # Errors
    /// The first [`Break`]; the reader is of no use afterwards.
    pub fn feed(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(&str)) -> Result<(), Break> {
        self.digest.update(bytes);
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let mut line = std::mem::take(&mut self.line);
            self.room(line.len() + end)?;
            line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            self.take(&line, each)?;
            // Its room serves the next line.
            line.clear();
            self.line = line;
        }
        self.room(self.line.len() + bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// The end of the file.
    ///
    /// # Errors
    /// A [`Break`] when a line is cut off or none is there.
    pub fn finish(self) -> Result<Segment, Break> {
        if !self.line.is_empty() {
            return Err(self.broken(self.lines + 1, "la riga non è intera: il file è stato troncato"));
        }
        let Some((number, day)) = self.opened else {
            return Err(self.broken(1, "il file è vuoto"));
        };
        let Self { lines, before, head, closed, .. } = self;
        Ok(Segment { number, day, lines, before, head, sha256: self.digest.finish(), closed })
    }

    fn broken(&self, line: u64, what: impl Into<String>) -> Break {
        Break { file: self.file.clone(), line, what: what.into() }
    }

    fn room(&self, len: usize) -> Result<(), Break> {
        if len <= MAX_LINE { Ok(()) } else { Err(self.broken(self.lines + 1, "la riga è troppo lunga")) }
    }

    fn take(&mut self, line: &[u8], each: &mut dyn FnMut(&str)) -> Result<(), Break> {
        let number = self.lines + 1;
        if self.closed {
            return Err(self.broken(number, "una riga dopo la chiusura del segmento"));
        }
        let text = std::str::from_utf8(line).map_err(|_| self.broken(number, "la riga non è in UTF-8"))?;
        let (text, mark) = text.rsplit_once(MARK).ok_or_else(|| self.broken(number, "la riga non ha la catena"))?;
        let before = HEXLOWER.decode(mark.as_bytes()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
        let before = before.ok_or_else(|| self.broken(number, "la catena della riga non si legge"))?;
        if number == 1 {
            if self.expected.is_some_and(|expected| expected != before) {
                let what = "la catena non continua quella del segmento precedente: uno dei due è stato alterato o ne manca uno";
                return Err(self.broken(1, what));
            }
            self.before = before;
        } else if before != self.head {
            let what = format!(
                "la catena si interrompe: la riga {} è stata alterata, oppure qui una riga manca, è stata inserita o spostata",
                self.lines
            );
            return Err(self.broken(number, what));
        }
        self.frame(number, text)?;
        self.head = link(&before, line);
        self.lines = number;
        each(text);
        Ok(())
    }

    /// The first line opens the segment, only the last closes it.
    fn frame(&mut self, number: u64, text: &str) -> Result<(), Break> {
        // Free texts have no `: ` of their own, so only a service line can look like this.
        let entry =
            if number == 1 || text.contains(" [0]: PEC_LogRotate ") { Entry::parse_line(text).ok() } else { None };
        let event = match entry {
            Some(Entry::Service(service)) => Some(service.event),
            _ => None,
        };
        match (event, &self.opened) {
            (Some(ServiceEvent::Open { segment, day, .. }), None) => self.opened = Some((segment, day)),
            (_, None) => return Err(self.broken(number, "la prima riga non apre un segmento (PEC_LogRotate OPEN)")),
            (Some(ServiceEvent::Open { .. }), Some(_)) => {
                return Err(self.broken(number, "un segmento si apre dentro un altro"));
            }
            (Some(ServiceEvent::Close { segment, lines }), Some((opened, _))) => {
                if segment != *opened || lines != number {
                    let what =
                        format!("la chiusura dice segmento {segment}, {lines} righe; si è letto {opened}, {number}");
                    return Err(self.broken(number, what));
                }
                self.closed = true;
            }
            _ => {}
        }
        Ok(())
    }
}

impl std::fmt::Debug for SegmentReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentReader").field("file", &self.file).field("lines", &self.lines).finish_non_exhaustive()
    }
}
