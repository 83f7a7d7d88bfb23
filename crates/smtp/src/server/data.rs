//! DATA (RFC 5321 §4.1.1.4), and the message after it.

use super::{Action, Question, Server, State};
use crate::Reply;
use crate::content::{Content, Defect};
use crate::dots::Unstuffer;

/// The largest piece handed over at once.
const CHUNK: usize = 64 * 1024;

impl Server {
    pub(super) fn data(&mut self, argument: &str) {
        if !self.open {
            return self.pointless(&Reply::new(503, (5, 5, 1), "MAIL first"));
        }
        if self.body.is_some() {
            return self.bad(&Reply::new(503, (5, 5, 1), "The message comes by BDAT"));
        }
        if self.refuse_argument(argument) {
            return;
        }
        if self.recipients == 0 {
            return self.pointless(&Reply::new(554, (5, 5, 1), "No valid recipients"));
        }
        self.queue.push_back(Action::DataStart);
        self.say(&Reply::bare(354, "End data with <CRLF>.<CRLF>"));
        (self.data_since, self.octets) = (self.now, 0);
        self.enter(State::Data(Unstuffer::new(self.config.size_limit)));
    }

    /// Reads on in the message; `false` when nothing more is held.
    pub(super) fn step_data(&mut self) -> bool {
        let State::Data(unstuffer) = &mut self.state else { return false };
        let held = self.lines.held();
        if held.is_empty() {
            return false;
        }
        let mut chunk = Vec::new();
        let (used, ended) = unstuffer.feed(&held[..held.len().min(CHUNK)], &mut chunk);
        let Content { size, eight_bit, defect, .. } = unstuffer.content;
        self.lines.take(used);
        self.octets += used as u64;
        if !chunk.is_empty() {
            self.queue.push_back(Action::DataChunk(chunk));
        }
        match defect {
            _ if !ended => {}
            None => self.ask(Question::DataEnd, Action::DataEnd { size, eight_bit }),
            Some(defect) => {
                self.reset();
                self.enter(State::Command);
                self.say(&self.refusal(defect));
                if defect == Defect::Stray {
                    // Who sent this may see its end elsewhere than we do (CR CR LF `.` CR LF): what follows is nobody's.
                    self.hang_up();
                }
            }
        }
        true
    }

    pub(super) fn refusal(&self, defect: Defect) -> Reply {
        match defect {
            Defect::Size => self.too_big(),
            Defect::Stray => {
                let text = "Il messaggio ha CR o LF isolati / Bare CR or LF in message: lines end in CRLF only";
                Reply::new(554, (5, 6, 0), text)
            }
            Defect::Nul => Reply::new(554, (5, 6, 0), "Il messaggio contiene caratteri nulli / NUL in message"),
            Defect::Line => {
                Reply::new(554, (5, 6, 0), "Il messaggio ha una riga troppo lunga / Line too long in message")
            }
        }
    }
}
