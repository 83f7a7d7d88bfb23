//! mbox: messages one after the other in one file, each behind a line `From sender date` (RFC 4155).
//!
//! Where a line of a message looks like such a line it is quoted by a `>`; in `mboxrd` one that begins with any number of
//! `>` before `From ` as well, so that taking one away gives what was there; in the older `mboxo` only `From ` itself.
//! Content-Length is not believed: files in which it is wrong are common.
//!
//! Flags stand in the fields Status, X-Status and X-Keywords, as mutt and Dovecot write them. Written by [`write`] they
//! are the first lines, and [`Reader`] takes those away again; elsewhere in a header it reads them and leaves them.
//! X-IMAPbase in the first message names all keywords of the file: Dovecot believes no other.

mod from;

use std::io::{self, BufRead, Read, Write};

use sigillo_base::Timestamp;

use crate::message::{self, Wrong};

/// How lines that look like a From_ line are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// `mboxrd`: `>From `, `>>From `, …
    All,
    /// `mboxo`: `>From ` alone. Python's `mailbox` writes so.
    One,
}

/// A message out of an mbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it came, by its From_ line.
    pub date: Option<Timestamp>,
    /// Its flags as IMAP writes them.
    pub flags: Vec<String>,
    /// Its bytes, or why there are none.
    pub bytes: Result<Vec<u8>, Wrong>,
}

/// The fields of the file and those that hold flags, in the order in which they are written.
const FIELDS: [&str; 4] = ["X-IMAPbase:", "Status:", "X-Status:", "X-Keywords:"];
/// The place of keywords among them.
const KEYWORDS: usize = 3;
/// Letters of flags, with the number of the field in which they stand.
const LETTERS: [(u8, usize, &str); 5] = [
    (b'R', 1, "\\Seen"),
    (b'A', 2, "\\Answered"),
    (b'F', 2, "\\Flagged"),
    (b'T', 2, "\\Draft"),
    (b'D', 2, "\\Deleted"),
];
/// A line is read in pieces of at most this many octets; no From_ line is longer.
const PIECE: u64 = 64 * 1024;

/// Reads an mbox, one message in memory at a time.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    quoting: Quoting,
    limit: u64,
    /// The From_ line of the next message, once it was read.
    next: Option<Head>,
    begun: bool,
    /// Whether the next piece begins a line.
    fresh: bool,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    date: Option<Timestamp>,
    /// Its own line ends in CRLF: so do those that the file adds.
    crlf: bool,
    wrong: Option<Wrong>,
}

impl<R: BufRead> Reader<R> {
    /// Messages larger than `limit` octets are passed over and told.
    pub const fn new(input: R, quoting: Quoting, limit: u64) -> Self {
        Self { input, quoting, limit, next: None, begun: false, fresh: true }
    }

    /// The next line, or the next piece of a long one; whether it begins a line. Empty at the end.
    fn piece(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut piece = Vec::new();
        self.input.by_ref().take(PIECE).read_until(b'\n', &mut piece)?;
        let fresh = std::mem::replace(&mut self.fresh, piece.ends_with(b"\n"));
        Ok((piece, fresh))
    }

    /// Reads up to the first message.
    fn begin(&mut self) -> io::Result<()> {
        self.begun = true;
        loop {
            let (piece, fresh) = self.piece()?;
            if piece.is_empty() {
                return Ok(());
            }
            if !piece.trim_ascii().is_empty() {
                // What stands before the first message is told as a wrong one.
                let junk = Head { date: None, crlf: false, wrong: Some(Wrong::NoFrom) };
                self.next = Some(head(&piece).filter(|_| fresh).unwrap_or(junk));
                return Ok(());
            }
        }
    }

    fn entry(&mut self, begun: Head) -> io::Result<Entry> {
        let (mut bytes, mut size) = (Vec::new(), 0u64);
        loop {
            let (piece, fresh) = self.piece()?;
            if piece.is_empty() {
                break;
            }
            if let Some(next) = head(&piece).filter(|_| fresh) {
                self.next = Some(next);
                break;
            }
            size += piece.len() as u64;
            if size <= self.limit {
                let quoted = fresh && self.is_quoted(&piece);
                bytes.extend_from_slice(&piece[usize::from(quoted)..]);
            } else {
                bytes = Vec::new();
            }
        }
        if size > self.limit {
            let bytes = Err(begun.wrong.unwrap_or(Wrong::TooLarge(self.limit)));
            return Ok(Entry { date: begun.date, flags: Vec::new(), bytes });
        }
        let end = if begun.crlf && bytes.ends_with(b"\r\n") { 2 } else { usize::from(bytes.ends_with(b"\n")) };
        bytes.truncate(bytes.len() - end);
        let (mut flags, own) = own_fields(&bytes);
        bytes.drain(..own);
        if own == 0 {
            flags = fields_in(&bytes);
        }
        Ok(Entry { date: begun.date, flags, bytes: begun.wrong.map_or_else(|| message::of(bytes), Err) })
    }

    fn is_quoted(&self, line: &[u8]) -> bool {
        let depth = line.iter().take_while(|b| **b == b'>').count();
        let allowed = match self.quoting {
            Quoting::All => depth > 0,
            Quoting::One => depth == 1,
        };
        allowed && line[depth..].starts_with(b"From ")
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.begun
            && let Err(error) = self.begin()
        {
            return Some(Err(error));
        }
        let begun = self.next.take()?;
        Some(self.entry(begun))
    }
}

/// A From_ line: `From `, anything, and a date in the form of asctime.
fn head(line: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(line.strip_prefix(b"From ")?).ok()?;
    Some(Head { date: Some(from::read(text)?), crlf: line.ends_with(b"\r\n"), wrong: None })
}

/// The flags in the first lines, and how many octets those lines are: each field at most once, in order.
fn own_fields(bytes: &[u8]) -> (Vec<String>, usize) {
    let (mut flags, mut at) = (Vec::new(), 0);
    for (field, name) in FIELDS.iter().enumerate() {
        let Some(end) = bytes[at..].iter().position(|b| *b == b'\n') else { break };
        let line = &bytes[at..=at + end];
        if let Some(value) = value_of(line, name) {
            read_field(field, value, &mut flags);
            at += end + 1;
        }
    }
    (flags, at)
}

/// The flags in any fields of the header.
fn fields_in(bytes: &[u8]) -> Vec<String> {
    let mut flags = Vec::new();
    for line in bytes.split(|b| *b == b'\n').take_while(|line| !line.trim_ascii().is_empty()) {
        for (field, name) in FIELDS.iter().enumerate() {
            if let Some(value) = value_of(line, name) {
                read_field(field, value, &mut flags);
            }
        }
    }
    flags
}

fn value_of<'l>(line: &'l [u8], name: &str) -> Option<&'l str> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name.as_bytes()).then(|| std::str::from_utf8(value).ok())?
}

fn read_field(field: usize, value: &str, flags: &mut Vec<String>) {
    if field == KEYWORDS {
        flags.extend(value.split_whitespace().map(str::to_owned));
    } else {
        let known = LETTERS.iter().filter(|(letter, at, _)| *at == field && value.as_bytes().contains(letter));
        flags.extend(known.map(|(_, _, flag)| (*flag).to_owned()));
    }
}

/// Writes a message at the end of an mbox, quoted as `mboxrd`. With the first one come the keywords of all.
///
/// # Errors
/// What the writer says.
pub fn write(
    out: &mut impl Write,
    message: &[u8],
    date: Timestamp,
    flags: &[String],
    keywords: &[String],
) -> io::Result<()> {
    out.write_all(format!("From sigillo {}\n", from::write(date)).as_bytes())?;
    if !keywords.is_empty() {
        // UIDVALIDITY and the last UID stand before them; who reads it gives UIDs of his own.
        out.write_all(format!("{} 1 0000000000 {}\r\n", FIELDS[0], keywords.join(" ")).as_bytes())?;
    }
    // A message that begins with one of these fields itself must not lose it.
    let begins = FIELDS.iter().any(|name| value_of(message, name).is_some() || unread(message, name));
    if begins || !flags.is_empty() {
        write_fields(out, flags, begins)?;
    }
    for line in message.split_inclusive(|b| *b == b'\n') {
        let depth = line.iter().take_while(|b| **b == b'>').count();
        if line[depth..].starts_with(b"From ") {
            out.write_all(b">")?;
        }
        out.write_all(line)?;
    }
    out.write_all(b"\n")
}

/// Whether the bytes begin with this name, whatever follows.
fn unread(message: &[u8], name: &str) -> bool {
    message.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
}

fn write_fields(out: &mut impl Write, flags: &[String], all: bool) -> io::Result<()> {
    let mut values: [String; FIELDS.len()] = Default::default();
    for flag in flags {
        match LETTERS.iter().find(|(_, _, f)| f == flag) {
            Some((letter, field, _)) => values[*field].push(char::from(*letter)),
            None => values[KEYWORDS] = format!("{} {flag}", values[KEYWORDS]).trim_start().to_owned(),
        }
    }
    for (name, value) in FIELDS.iter().zip(&values).skip(1) {
        if all || !value.is_empty() {
            out.write_all(format!("{name} {value}\r\n").as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
