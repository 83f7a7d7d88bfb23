//! The message, from the server's 354 to its reply to the final dot.

use super::{Action, Client, Failure, State};
use crate::Reply;
use crate::dots::{StrayLineEnd, Stuffer};

impl Client {
    pub(super) fn begin_body(&mut self) {
        self.stuffer = Stuffer::default();
        self.body_asked = false;
        self.enter(State::Body);
    }

    /// The next piece of the message, of any size; dots are added here. Ignored when no message is awaited. A bare CR or
    /// LF ends the transaction for good: such a message must not go out (RFC 5321 §2.3.8).
    pub fn body(&mut self, bytes: &[u8]) {
        if self.state != State::Body {
            return;
        }
        self.body_asked = false;
        match self.stuffer.feed(bytes) {
            Ok(wire) => self.write(wire),
            Err(StrayLineEnd) => self.spoiled(),
        }
    }

    /// The message is complete: the final dot goes out.
    pub fn body_end(&mut self) {
        if self.state != State::Body {
            return;
        }
        match self.stuffer.end() {
            Ok(dot) => {
                self.write(dot.to_vec());
                self.enter(State::BodyEnd);
                self.since = None;
            }
            Err(StrayLineEnd) => self.spoiled(),
        }
    }

    pub(super) fn ask_body(&mut self) -> bool {
        if !self.body_asked {
            self.body_asked = true;
            self.queue.push_back(Action::NeedBody);
        }
        self.body_asked && !self.queue.is_empty()
    }

    fn spoiled(&mut self) {
        self.queue.clear();
        self.done(&Err(Failure::local(true, "il messaggio contiene CR o LF isolati e non può essere trasmesso")));
        self.close();
    }

    pub(super) fn body_answered(&mut self, reply: Reply) {
        self.dirty = false; // whatever the verdict, the transaction is over (RFC 5321 §4.1.1.4)
        let closing = reply.code == 421;
        let result = match reply.code / 100 {
            2 => Ok(reply),
            4 | 5 => Err(Failure::from_reply(reply)),
            // No answer to this question: it decides nothing.
            _ => {
                let failure = Failure { permanent: false, maybe_delivered: true, ..Failure::from_reply(reply) };
                self.done(&Err(failure));
                return self.close();
            }
        };
        self.done(&result);
        if closing { self.close() } else { self.enter(State::Idle) }
    }

    /// The server closed in the midst of the message, and had said why. A yes before the end is none.
    pub(super) fn answered_early(&mut self, reply: Reply) {
        self.queue.clear();
        let failure = match reply.is_permanent() || reply.is_temporary() {
            true => Failure::from_reply(reply),
            false => Failure { permanent: false, ..Failure::from_reply(reply) },
        };
        self.done(&Err(failure));
        self.close();
    }
}
