//! How it ended for each recipient.

use sigillo_base::Address;

use super::{Action, Client, State};
use crate::Reply;

/// How it ended for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientOutcome {
    /// The recipient.
    pub address: Address,
    /// The reply to the final dot when the message was taken for this recipient; otherwise why not.
    pub result: Result<Reply, Failure>,
}

/// Why a recipient did not get the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Trying again is of no use.
    pub permanent: bool,
    /// The reply that decided, if one did.
    pub reply: Option<Reply>,
    /// What to tell: the reply on one line, or our own words in Italian.
    pub text: String,
    /// The connection was lost after the final dot: the message may have arrived all the same.
    pub maybe_delivered: bool,
}

/// Characters of a reply that people are shown: a server may say 64 KiB, and each recipient would repeat them.
const MAX_SHOWN: usize = 500;

impl Failure {
    /// A refusal by the server; its class says whether it is permanent.
    pub fn from_reply(reply: Reply) -> Self {
        let mut text: String = reply.to_string();
        if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN) {
            text.truncate(end);
            text.push('…');
        }
        Self { permanent: reply.is_permanent(), text, reply: Some(reply), maybe_delivered: false }
    }

    /// A failure in our own words.
    pub fn local(permanent: bool, text: impl Into<String>) -> Self {
        Self { permanent, reply: None, text: text.into(), maybe_delivered: false }
    }
}

impl Client {
    /// Tells the outcomes: what was decided before stands, everybody else gets `result`.
    pub(super) fn done(&mut self, result: &Result<Reply, Failure>) {
        let refused = std::mem::take(&mut self.progress.refused);
        let outcomes = self.envelope.to.iter().zip(refused).map(|(address, refused)| RecipientOutcome {
            address: address.clone(),
            result: refused.map_or_else(|| result.clone(), Err),
        });
        self.queue.push_back(Action::Done(outcomes.collect()));
    }

    /// The server does not want us: tells it, and leaves politely without waiting for the answer.
    pub(super) fn turned_away(&mut self, failure: Failure) {
        self.done(&Err(failure));
        self.write(b"QUIT\r\n".to_vec());
        self.close();
    }

    /// The connection is of no use any more.
    pub(super) fn lose(&mut self, why: String) {
        match self.state {
            State::Closed => return,
            State::Idle | State::Quit => {}
            State::BodyEnd => self.done(&Err(Failure { maybe_delivered: true, ..Failure::local(false, why) })),
            State::EmptyEnd => self.done(&Err(Failure::local(false, why))),
            _ => {
                // Nothing of a message that is given up may still go out.
                self.queue.clear();
                self.done(&Err(Failure::local(false, why)));
            }
        }
        self.close();
    }

    /// The server gives up (421), whatever was asked.
    pub(super) fn gives_up(&mut self, reply: Reply) {
        self.done(&Err(Failure { permanent: false, ..Failure::from_reply(reply) }));
        self.close();
    }
}
