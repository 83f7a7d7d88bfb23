//! A message on its way out, for RETR and TOP: piece by piece, each when the one before has gone.

use sigillo_wire::Tick;

use super::{Action, Problem, Server, Wait};
use crate::dots::Stuffer;
use crate::{Piece, Refusal};

/// How far it came.
#[derive(Debug)]
pub(super) struct Reading {
    uid: u32,
    size: u32,
    from: u64,
    stuffer: Stuffer,
    /// "+OK" was said: from then on only the message's end is.
    pub(super) began: bool,
}

impl Server {
    /// Begins with the message of this number; of its body so many lines, or all.
    pub(super) fn read(&mut self, number: &[u8], lines: Option<u32>) -> Result<(), Problem> {
        let open = self.open()?;
        let message = open.drop.messages[open.find(number)?];
        let stuffer = Stuffer::new(lines);
        let reading = Reading { uid: message.uid, size: message.size, from: 0, stuffer, began: false };
        self.ask(Wait::Read(reading), Action::Read { uid: message.uid, from: 0 });
        Ok(())
    }

    /// Answers [`Action::Read`]. What cannot be had in the middle of a message ends the connection, since its client must
    /// not take half of it for all.
    pub fn piece(&mut self, result: Result<Piece, Refusal>, now: Tick) {
        let Wait::Read(mut reading) = std::mem::replace(&mut self.wait, Wait::Nothing) else { return };
        self.touch(now);
        let piece = match result {
            Ok(piece) if piece.last || !piece.bytes.is_empty() => piece,
            Err(refusal) if !reading.began => {
                let (code, why) = refusal.says();
                return self.err(code, why);
            }
            _ => return self.close(),
        };
        let mut out = Vec::with_capacity(piece.bytes.len() + piece.bytes.len() / 64 + 64);
        if !std::mem::replace(&mut reading.began, true) {
            out.extend_from_slice(format!("+OK {} ottetti\r\n", reading.size).as_bytes());
        }
        if reading.stuffer.feed(&piece.bytes, &mut out) || piece.last {
            reading.stuffer.end(&mut out);
            return self.write(out);
        }
        self.write(out);
        reading.from += piece.bytes.len() as u64;
        let next = Action::Read { uid: reading.uid, from: reading.from };
        self.ask(Wait::Read(reading), next);
    }
}
