//! BDAT (RFC 3030): the message in chunks of announced sizes.
//!
//! A chunk that is refused is still swallowed, so that none of its octets is ever taken for a command; where its size
//! cannot be known, or is beyond all reason, the connection ends.

use super::{Action, Question, Server, State};
use crate::Reply;
use crate::content::Content;

/// The largest piece handed over at once.
const PIECE: usize = 64 * 1024;

/// A refused chunk of more than so many times the size limit is not waited for.
const PATIENCE: u64 = 4;

/// One chunk on its way.
#[derive(Debug)]
pub(super) struct Chunk {
    size: u64,
    left: u64,
    last: bool,
    /// What is said when the chunk has come, if it is not taken.
    refusal: Option<Reply>,
}

impl Server {
    pub(super) fn bdat(&mut self, argument: &str) {
        let Some((size, last)) = read(argument) else {
            self.say(&Reply::new(501, (5, 5, 4), "BDAT size [LAST]; what follows cannot be told from commands"));
            return self.hang_up();
        };
        let refusal = self.refuse_chunk(size);
        if refusal.is_some() && size / PATIENCE > self.config.size_limit {
            self.say(&self.too_big());
            return self.hang_up();
        }
        if self.body.is_none() {
            // A chunk that is refused has its time too: its octets come all the same.
            (self.data_since, self.octets) = (self.now, 0);
        }
        if refusal.is_none() && self.body.is_none() {
            self.queue.push_back(Action::DataStart);
            self.body = Some(Content::new(self.config.size_limit));
        }
        self.enter(State::Chunk(Chunk { size, left: size, last, refusal }));
    }

    /// Why this chunk is not taken, as far as its announcement tells.
    fn refuse_chunk(&mut self, size: u64) -> Option<Reply> {
        if self.wants_tls_first("BDAT") {
            return Some(Reply::new(530, (5, 7, 0), "Prima STARTTLS / Must issue a STARTTLS command first"));
        }
        if !self.open {
            return Some(Reply::new(503, (5, 5, 1), "MAIL first"));
        }
        if self.recipients == 0 {
            return Some(Reply::new(554, (5, 5, 1), "No valid recipients"));
        }
        let held = self.body.as_ref().map_or(0, |body| body.size);
        if held.checked_add(size).is_none_or(|all| all > self.config.size_limit) {
            // Nobody waits for the rest of a message that is lost already.
            self.reset();
            return Some(self.too_big());
        }
        None
    }

    /// Reads on in the chunk; `false` when nothing more is held.
    pub(super) fn step_chunk(&mut self) -> bool {
        let State::Chunk(chunk) = &mut self.state else { return false };
        let piece = self.lines.take(usize::try_from(chunk.left).map_or(PIECE, |left| left.min(PIECE)));
        if piece.is_empty() && chunk.left > 0 {
            return false;
        }
        chunk.left -= piece.len() as u64;
        self.octets += piece.len() as u64;
        let (ended, size, last) = (chunk.left == 0, chunk.size, chunk.last);
        let refusal = chunk.refusal.take_if(|_| ended);
        if chunk.refusal.is_none() && refusal.is_none() {
            self.take_piece(&piece, ended && last);
        }
        if ended {
            self.enter(State::Command);
            match refusal {
                Some(reply) if reply.code / 10 == 50 => self.pointless(&reply),
                Some(reply) => self.say(&reply),
                None => self.chunk_taken(size, last),
            }
        }
        true
    }

    fn take_piece(&mut self, piece: &[u8], end: bool) {
        let Some(body) = &mut self.body else { return };
        let mut out = Vec::new();
        body.feed(piece, &mut out);
        if end {
            body.end(&mut out);
        }
        if !out.is_empty() {
            self.queue.push_back(Action::DataChunk(out));
        }
    }

    fn chunk_taken(&mut self, size: u64, last: bool) {
        let Some(body) = self.body.take() else { return };
        if let Some(defect) = body.defect {
            self.reset();
            self.say(&self.refusal(defect));
        } else if last {
            self.ask(Question::DataEnd, Action::DataEnd { size: body.size, eight_bit: body.eight_bit });
        } else {
            self.body = Some(body);
            self.say(&Reply::new(250, (2, 0, 0), format!("{size} octets received")));
        }
    }
}

/// `size [LAST]`
fn read(argument: &str) -> Option<(u64, bool)> {
    let mut words = argument.split(' ').filter(|w| !w.is_empty());
    let digits = words.next().filter(|d| d.len() <= 20 && d.bytes().all(|b| b.is_ascii_digit()))?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return None,
    };
    let size = digits.parse().ok()?;
    words.next().is_none().then_some((size, last))
}
