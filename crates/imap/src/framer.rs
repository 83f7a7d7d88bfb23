//! Where commands begin and end: lines joined by literals (RFC 3501 §4.3, RFC 7888). Boundaries are found before
//! anything is parsed, so that a command that cannot be obeyed never desynchronises those behind it.

use memchr::memchr;

/// Octets of one command, literals included, the message of APPEND not.
pub const MAX_COMMAND: usize = 64 * 1024;

/// A literal is announced in the last so many octets of a line, or not at all.
const TAIL: usize = 32;
/// Of an overlong line so much is remembered, for its tag.
const HEAD: usize = 64;

/// What the stream holds next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole command without its final CRLF; literals stand in it as `{n}` CRLF octets.
    Command(Vec<u8>),
    /// A literal follows the text of [`Framer::text`]. Nothing goes on before [`Framer::keep`], [`Framer::stream`]
    /// or [`Framer::refuse`].
    Literal {
        /// Octets.
        size: u32,
        /// The client waits for `+`.
        sync: bool,
    },
    /// Octets of a streamed literal.
    Chunk(Vec<u8>),
    /// The streamed literal is over; the rest of its command follows.
    Streamed,
    /// A command that cannot be obeyed; its beginning, for the tag. What follows it is intact.
    Broken(Fault, Vec<u8>),
    /// What follows cannot be found any more: close.
    Lost,
}

/// Why a command cannot be obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Over [`MAX_COMMAND`].
    TooLong,
    /// NUL, bare CR or bare LF.
    Stray,
    /// A literal's size is no 32-bit number.
    Number,
    /// [`Framer::refuse`] was called.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Line,
    Decide { size: u32, sync: bool },
    Keep(u32),
    Skip(u32),
    Stream(u32),
    Lost,
}

/// Cuts the stream of a connection.
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    start: usize,
    scanned: usize,
    text: Vec<u8>,
    mode: Mode,
    fault: Option<Fault>,
}

impl Framer {
    /// Nothing read yet.
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), start: 0, scanned: 0, text: Vec::new(), mode: Mode::Line, fault: None }
    }

    /// Adds octets from the client.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 && (self.start == self.buffer.len() || self.start > 64 * 1024) {
            self.buffer.drain(..self.start);
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Forgets everything: what came before STARTTLS must not be obeyed after it.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Whether what comes next begins a command.
    pub fn is_at_rest(&self) -> bool {
        self.mode == Mode::Line && self.text.is_empty() && self.fault.is_none() && self.start == self.buffer.len()
    }

    /// The command so far, when a literal waits for a decision.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether the waiting literal may be kept.
    pub const fn fits(&self, size: u32) -> bool {
        self.text.len() + size as usize <= MAX_COMMAND
    }

    /// The literal that waits becomes part of the command.
    pub fn keep(&mut self) {
        if let Mode::Decide { size, .. } = self.mode {
            self.text.extend_from_slice(b"\r\n");
            self.mode = Mode::Keep(size);
        }
    }

    /// The literal that waits comes as chunks.
    pub fn stream(&mut self) {
        if let Mode::Decide { size, .. } = self.mode {
            self.text.clear();
            self.mode = Mode::Stream(size);
        }
    }

    /// The command with the literal that waits will not be obeyed. [`Event::Broken`] follows: at once when the client
    /// waits for leave to send the literal, after the command's end when it sends without asking.
    pub fn refuse(&mut self) {
        if let Mode::Decide { size, sync } = self.mode {
            self.fault = self.fault.or(Some(Fault::Refused));
            // A literal of nothing that is not sent ends the command.
            self.mode = if sync { Mode::Decide { size, sync } } else { Mode::Skip(size) };
        }
    }

    /// The next event; `None` when more octets, or a decision, are needed. `plain` lines announce no literals: SASL
    /// responses and DONE.
    pub fn next_event(&mut self, plain: bool) -> Option<Event> {
        loop {
            match self.mode {
                Mode::Lost => return None,
                Mode::Decide { .. } => match self.fault {
                    None => return None,
                    Some(_) => return Some(self.broken()),
                },
                Mode::Keep(left) => {
                    let n = self.take(left);
                    self.text.extend_from_slice(&self.buffer[self.start - n as usize..self.start]);
                    self.mode = if n == left { Mode::Line } else { Mode::Keep(left - n) };
                    if n < left {
                        return None;
                    }
                }
                Mode::Skip(left) => {
                    let n = self.take(left);
                    self.mode = if n == left { Mode::Line } else { Mode::Skip(left - n) };
                    if n < left {
                        return None;
                    }
                }
                Mode::Stream(0) => {
                    self.mode = Mode::Line;
                    return Some(Event::Streamed);
                }
                Mode::Stream(left) => {
                    let n = self.take(left);
                    self.mode = Mode::Stream(left - n);
                    let chunk = &self.buffer[self.start - n as usize..self.start];
                    return (n > 0).then(|| Event::Chunk(chunk.to_vec()));
                }
                Mode::Line => {
                    let line = self.line()?;
                    if let Some(event) = self.end_of_line(&line, plain) {
                        return Some(event);
                    }
                }
            }
        }
    }

    /// Consumes up to `max` octets and tells how many.
    fn take(&mut self, max: u32) -> u32 {
        let n = (self.buffer.len() - self.start).min(max as usize);
        self.start += n;
        self.scanned = self.scanned.max(self.start);
        n as u32
    }

    /// Consumes a line up to a CRLF. Of an overlong line only the end is left.
    fn line(&mut self) -> Option<Vec<u8>> {
        while let Some(lf) = memchr(b'\n', &self.buffer[self.scanned..]).map(|i| self.scanned + i) {
            self.scanned = lf + 1;
            if lf > self.start && self.buffer[lf - 1] == b'\r' {
                let line = self.buffer[self.start..lf - 1].to_vec();
                self.start = lf + 1;
                return Some(line);
            }
        }
        self.scanned = self.buffer.len();
        let held = self.buffer.len() - self.start;
        if self.text.len() + held > MAX_COMMAND + 1 + TAIL {
            self.condemn_line(Fault::TooLong, self.start, self.buffer.len());
            self.buffer.drain(..self.buffer.len() - TAIL - 1);
            self.start = 0;
            self.scanned = self.buffer.len();
        }
        None
    }

    fn condemn_line(&mut self, fault: Fault, from: usize, to: usize) {
        if self.fault.is_none() {
            self.fault = Some(fault);
            if self.text.is_empty() {
                self.text.extend_from_slice(&self.buffer[from..to.min(from + HEAD)]);
            }
        }
    }

    fn end_of_line(&mut self, line: &[u8], plain: bool) -> Option<Event> {
        let to = self.start - 2;
        let from = to - line.len();
        if self.text.len() + line.len() > MAX_COMMAND {
            self.condemn_line(Fault::TooLong, from, to);
        } else if line.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
            self.condemn_line(Fault::Stray, from, to);
        }
        if self.fault.is_none() {
            self.text.extend_from_slice(line);
        }
        match if plain { None } else { literal(line) } {
            None if self.fault.is_some() => Some(self.broken()),
            None => Some(Event::Command(std::mem::take(&mut self.text))),
            Some((None, true)) => {
                self.fault = self.fault.or(Some(Fault::Number));
                Some(self.broken())
            }
            Some((None, false)) => {
                self.mode = Mode::Lost;
                Some(Event::Lost)
            }
            Some((Some(_), true)) if self.fault.is_some() => Some(self.broken()),
            Some((Some(size), false)) if self.fault.is_some() => {
                self.mode = Mode::Skip(size);
                None
            }
            Some((Some(size), sync)) => {
                self.mode = Mode::Decide { size, sync };
                Some(Event::Literal { size, sync })
            }
        }
    }

    fn broken(&mut self) -> Event {
        self.mode = Mode::Line;
        let fault = self.fault.take().unwrap_or(Fault::Refused);
        Event::Broken(fault, std::mem::take(&mut self.text))
    }
}

/// The literal that a line announces at its end: its size, if it is a number that can be, and whether the client
/// waits for leave.
fn literal(line: &[u8]) -> Option<(Option<u32>, bool)> {
    let tail = &line[line.len().saturating_sub(TAIL)..];
    let inner = tail.strip_suffix(b"}")?;
    let (inner, sync) = inner.strip_suffix(b"+").map_or((inner, true), |i| (i, false));
    let digits = inner.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, number) = inner.split_at(inner.len() - digits);
    // More digits than the tail holds are a literal too, of a size that cannot be.
    if digits == 0 || !(before.is_empty() || before.ends_with(b"{")) {
        return None;
    }
    let size = std::str::from_utf8(number).ok().and_then(|n| n.parse().ok());
    Some((size.filter(|_| !before.is_empty()), sync))
}

#[cfg(test)]
mod tests;
