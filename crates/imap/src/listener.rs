//! The grammar alone: octets in, commands out, carried out by nobody.
//!
//! A session reads as this does; but it refuses what its state does not allow, and needs folders. Whoever compares the
//! grammar with another parser, or looks for octets that break it, wants neither.

use crate::command::append::{Announced, Next, Reading};
use crate::command::{self, Command};
use crate::cursor::Problem;
use crate::enabled::Enabled;
use crate::framer::{Event, Fault, Framer};

/// Takes every command, as of somebody with a folder selected and nobody at once. What is switched on is said before:
/// ENABLE is read and switches nothing on.
#[derive(Debug)]
pub struct Listener {
    framer: Framer,
    on: Enabled,
    append: Option<Append>,
    /// Why a literal was refused, until its command is over.
    refused: Option<(String, Problem)>,
    lost: bool,
}

/// An APPEND or REPLACE whose first message streams.
#[derive(Debug)]
struct Append {
    tag: String,
    reading: Reading,
    octets: u64,
}

/// A command as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its tag, if it has one.
    pub tag: Option<String>,
    /// What it says.
    pub said: Result<Command, Problem>,
}

impl Listener {
    /// To somebody who switched these on ([RFC 5161](https://www.rfc-editor.org/rfc/rfc5161)); other names are passed over.
    pub fn new(switched_on: &[&str]) -> Self {
        let mut on = Enabled::default();
        for name in switched_on {
            on.switch_on(name);
        }
        Self { framer: Framer::new(), on, append: None, refused: None, lost: false }
    }

    /// Takes more octets; gives the commands that end in them.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<Heard> {
        self.framer.push(bytes);
        let mut heard = Vec::new();
        while let Some(event) = self.framer.next_event(false) {
            match event {
                Event::Command(rest) if self.append.is_some() => heard.extend(self.append_end(&rest)),
                Event::Command(text) => {
                    let (tag, rest) = command::tag(&text);
                    let said = match tag {
                        Some(_) => command::read(rest, self.on, |_| true),
                        None => Err(Problem::Bad("Missing tag")),
                    };
                    heard.push(Heard { tag, said });
                }
                Event::Literal { size, .. } => self.literal(size),
                Event::Chunk(_) | Event::Streamed => {}
                Event::Broken(fault, text) => heard.push(self.broken(fault, &text)),
                Event::Lost => self.lost = true,
            }
        }
        heard
    }

    /// Whether what comes next begins a command: no line, no literal and no message is half read.
    pub fn is_at_rest(&self) -> bool {
        !self.lost && self.append.is_none() && self.framer.is_at_rest()
    }

    fn literal(&mut self, size: u32) {
        let text = self.framer.text().to_vec();
        let append = match self.append.take() {
            Some(append) => Some((append.tag, append.reading, append.octets, &text[..])),
            None => begun(&text, self.on).map(|(tag, reading, args)| (tag, reading, 0, args)),
        };
        let Some((tag, mut reading, octets, args)) = append else { return self.keep(size) };
        let before = reading.clone();
        match reading.read(args, Some(Announced { size })) {
            Ok(Next::Streams { .. }) => {
                self.append = Some(Append { tag, reading, octets: octets + u64::from(size) });
                self.framer.stream();
            }
            Ok(Next::Kept | Next::End) => {
                // What follows the first message is read by what was read before; a command that only begins is not.
                self.append = (octets > 0).then_some(Append { tag, reading: before, octets });
                self.keep(size);
            }
            Err(problem) => {
                self.refused = Some((tag, problem));
                self.framer.refuse();
            }
        }
    }

    fn broken(&mut self, fault: Fault, text: &[u8]) -> Heard {
        let append = self.append.take().map(|append| append.tag);
        match self.refused.take().filter(|_| fault == Fault::Refused) {
            Some((tag, problem)) => Heard { tag: Some(tag), said: Err(problem) },
            None => Heard { tag: append.or_else(|| command::tag(text).0), said: Err(Problem::Bad("Broken command")) },
        }
    }

    fn keep(&mut self, size: u32) {
        if self.framer.fits(size) { self.framer.keep() } else { self.framer.refuse() }
    }

    fn append_end(&mut self, rest: &[u8]) -> Option<Heard> {
        let Append { tag, mut reading, octets } = self.append.take()?;
        let said = reading.read(rest, None).and_then(|_| reading.done(octets)).map(Command::Request);
        Some(Heard { tag: Some(tag), said })
    }
}

/// The reading of a command that may bring a message, and its text behind the name.
fn begun(text: &[u8], on: Enabled) -> Option<(String, Reading, &[u8])> {
    let (tag, rest) = command::tag(text);
    let name = command::name(rest);
    let args = &rest[name.len()..];
    let by_uid = args.get(..9).is_some_and(|word| word.eq_ignore_ascii_case(b" REPLACE "));
    match name.as_str() {
        "APPEND" => Some((tag?, Reading::append(on), args)),
        "REPLACE" => Some((tag?, Reading::replace(false, on), args)),
        "UID" if by_uid => Some((tag?, Reading::replace(true, on), &args[" REPLACE".len()..])),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
