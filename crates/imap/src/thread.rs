//! THREAD (RFC 5256 §3), by what is kept of each message. Nothing here calls itself, so that no chain of answers is too
//! long.

mod conversation;
mod forest;
mod ids;
mod ordered;
mod references;

use std::collections::BTreeMap;

use crate::Refusal;
use crate::fetch::header::Header;
use crate::search::found::Found;
use crate::search::plan::Candidate;
use crate::sort::subject::Base;
use crate::sort::{sent, too_much};

/// How messages are put into threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `ORDEREDSUBJECT`: by subject and date.
    OrderedSubject,
    /// `REFERENCES`: by what each message answers.
    References,
    /// `X-CONVERSATION`: by every identifier that messages share, those in their headers and those that
    /// [`Summary::kin`](crate::Summary::kin) adds; in each thread the oldest first, the others under it by date.
    Conversation,
}

impl Algorithm {
    const ALL: [(&'static str, Self); 3] = [
        ("ORDEREDSUBJECT", Self::OrderedSubject),
        ("REFERENCES", Self::References),
        ("X-CONVERSATION", Self::Conversation),
    ];

    /// By its name in upper case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, algorithm)| *algorithm)
    }
}

/// Octets of subjects and identifiers that threads are made of.
const MOST: usize = 64 << 20;

/// Threads in the making.
#[derive(Debug)]
pub struct Threader {
    algorithm: Algorithm,
    /// In the order in which they were found.
    messages: Vec<Message>,
    /// Identifiers met so far, numbered.
    names: BTreeMap<Vec<u8>, usize>,
    octets: usize,
}

/// What the algorithms ask of a message.
#[derive(Debug, Clone, Default)]
struct Message {
    /// When it was sent, in milliseconds.
    sent: i64,
    base: Base,
    /// The number of its own identifier.
    id: Option<usize>,
    /// Numbers of the identifiers it names: those it answers, the oldest first; or all that it shares.
    refs: Vec<usize>,
}

/// Messages in threads. Nodes below the number of messages are messages; the others stand for what is not here.
#[derive(Debug, Default)]
struct Threads {
    roots: Vec<usize>,
    children: Vec<Vec<usize>>,
}

impl Threader {
    /// By this algorithm.
    pub const fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, messages: Vec::new(), names: BTreeMap::new(), octets: 0 }
    }

    /// Takes a message that was found; `false` when it is gone.
    pub fn take(&mut self, candidate: &mut Candidate<'_>) -> Result<bool, Refusal> {
        let row = candidate.row;
        let Some(summary) = candidate.summary()? else { return Ok(false) };
        let header = Header::of(&summary.header);
        let mut message = Message { sent: sent(row, &header), ..Message::default() };
        if self.algorithm != Algorithm::Conversation {
            message.base = Base::of(&header.first("Subject").unwrap_or_default());
            self.octets += message.base.text.len();
        }
        let own = || ids::first(&header.first("Message-ID").unwrap_or_default());
        match self.algorithm {
            Algorithm::OrderedSubject => {}
            Algorithm::References => {
                message.id = own().map(|id| self.number(id));
                message.refs = ids::answered(&header).into_iter().map(|id| self.number(id)).collect();
            }
            Algorithm::Conversation => {
                let kin = summary.kin.iter().flat_map(|field| ids::all(field.as_bytes()));
                let all: Vec<Vec<u8>> = own().into_iter().chain(ids::named(&header)).chain(kin).collect();
                message.refs = all.into_iter().map(|id| self.number(id)).collect();
            }
        }
        self.octets += message.refs.len() * size_of::<usize>();
        self.messages.push(message);
        if self.octets > MOST { Err(too_much()) } else { Ok(true) }
    }

    fn number(&mut self, id: Vec<u8>) -> usize {
        let next = self.names.len();
        let length = id.len();
        *self.names.entry(id).or_insert_with(|| {
            self.octets += length;
            next
        })
    }

    /// `* THREAD (2)(3 6 (4 23)(44 7 96))`, of the messages that were found.
    pub fn threads(self, found: &[Found], uid: bool) -> String {
        let threads = match self.algorithm {
            Algorithm::OrderedSubject => ordered::threads(&self.messages),
            Algorithm::References => references::threads(&self.messages, self.names.len()),
            Algorithm::Conversation => conversation::threads(&self.messages, self.names.len()),
        };
        let number = |node: usize| found.get(node).map(|f| if uid { f.uid as usize } else { f.index + 1 });
        threads.written(number)
    }
}

impl Threads {
    /// The response; `number` gives a message's number, and nothing for what is not here.
    fn written(&self, number: impl Fn(usize) -> Option<usize>) -> String {
        let mut out = "* THREAD".to_owned();
        if !self.roots.is_empty() {
            out.push(' ');
        }
        let mut open: Vec<Option<usize>> = self.roots.iter().rev().map(|root| Some(*root)).collect();
        while let Some(next) = open.pop() {
            let Some(mut node) = next else {
                out.push(')');
                continue;
            };
            out.push('(');
            let mut first = true;
            loop {
                if let Some(number) = number(node) {
                    if !std::mem::take(&mut first) {
                        out.push(' ');
                    }
                    out.push_str(&number.to_string());
                }
                match self.children[node].as_slice() {
                    [only] => node = *only,
                    children => {
                        if !children.is_empty() && !first {
                            out.push(' ');
                        }
                        open.push(None);
                        open.extend(children.iter().rev().map(|child| Some(*child)));
                        break;
                    }
                }
            }
        }
        out
    }

    /// One message with the others under it.
    fn flat(&mut self, members: &[usize]) {
        if let Some((first, others)) = members.split_first() {
            self.roots.push(*first);
            self.children[*first] = others.to_vec();
        }
    }
}

/// The order of siblings: by date, then as they were found.
fn age(messages: &[Message], at: usize) -> (i64, usize) {
    (messages[at].sent, at)
}

#[cfg(test)]
mod tests;
