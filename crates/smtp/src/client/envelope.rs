//! MAIL, RCPT and DATA up to the server's 354: in one go where PIPELINING is offered (RFC 2920), one by one elsewhere.

use std::collections::VecDeque;

use super::{Client, Envelope, Failure, State};
use crate::Reply;

/// Commands sent in one go at the most: replies to more might fill the network's buffers while we do not read.
const BATCH: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Mail,
    Rcpt(usize),
    Data,
}

/// Where a transaction stands.
#[derive(Debug, Default)]
pub(super) struct Progress {
    sent: VecDeque<Sent>,
    mail_sent: bool,
    data_sent: bool,
    mail_refused: Option<Failure>,
    data_reply: Option<Reply>,
    next: usize,
    accepted: usize,
    /// One for each recipient.
    pub(super) refused: Vec<Option<Failure>>,
}

impl Progress {
    pub(super) fn new(envelope: &Envelope) -> Self {
        Self { refused: vec![None; envelope.to.len()], ..Self::default() }
    }

    pub(super) fn only_data_awaited(&self) -> bool {
        self.sent.front() == Some(&Sent::Data)
    }
}

impl Client {
    pub(super) fn begin_envelope(&mut self) {
        let limit = self.extensions.size.flatten();
        if self.envelope.to.is_empty() {
            self.enter(State::Idle);
            self.done(&Err(Failure::local(true, "nessun destinatario")));
        } else if let Some(limit) = limit.filter(|l| *l < self.envelope.size) {
            // RFC 1870 §6.1 lets the client spare itself the question.
            let text =
                format!("il server accetta messaggi fino a {limit} byte; il messaggio ne ha {}", self.envelope.size);
            self.enter(State::Idle);
            self.done(&Err(Failure::local(true, text)));
        } else if let Some(why) = self.beyond_the_server() {
            self.enter(State::Idle);
            self.done(&Err(Failure::local(true, why)));
        } else {
            self.send_envelope();
        }
    }

    /// What this message needs and the server does not offer.
    fn beyond_the_server(&self) -> Option<&'static str> {
        if self.envelope.utf8 && !self.extensions.utf8 {
            return Some("5.6.7 il server non accetta indirizzi non ASCII (SMTPUTF8)");
        }
        let protects = self.tls && self.extensions.require_tls;
        (self.envelope.require_tls && !protects).then_some("5.7.30 il server non garantisce la cifratura (REQUIRETLS)")
    }

    /// Sends the next commands: as many as may go together.
    fn send_envelope(&mut self) {
        let mut text = String::new();
        let most = if self.extensions.pipelining { BATCH } else { 1 };
        while self.progress.sent.len() < most {
            let p = &self.progress;
            let command = if !p.mail_sent {
                Sent::Mail
            } else if p.next < self.envelope.to.len() {
                Sent::Rcpt(p.next)
            } else if !p.data_sent {
                Sent::Data
            } else {
                break;
            };
            self.push(command, &mut text);
        }
        self.write(text.into_bytes());
        self.enter(State::Envelope);
    }

    fn push(&mut self, command: Sent, text: &mut String) {
        match command {
            Sent::Mail => {
                text.push_str(&self.mail_command());
                self.progress.mail_sent = true;
            }
            Sent::Rcpt(i) => {
                text.push_str(&format!("RCPT TO:<{}>\r\n", self.envelope.to[i]));
                self.progress.next = i + 1;
            }
            Sent::Data => {
                text.push_str("DATA\r\n");
                self.progress.data_sent = true;
            }
        }
        self.progress.sent.push_back(command);
    }

    fn mail_command(&self) -> String {
        let from = self.envelope.from.as_ref().map_or("", |a| a.as_str());
        let mut text = format!("MAIL FROM:<{from}>");
        if self.extensions.size.is_some() {
            text.push_str(&format!(" SIZE={}", self.envelope.size));
        }
        if self.extensions.eight_bit && self.envelope.eight_bit {
            text.push_str(" BODY=8BITMIME");
        }
        if self.envelope.utf8 {
            text.push_str(" SMTPUTF8");
        }
        if self.envelope.require_tls {
            text.push_str(" REQUIRETLS");
        }
        text.push_str("\r\n");
        text
    }

    pub(super) fn envelope_answered(&mut self, reply: Reply) {
        if reply.code == 421 {
            return self.gives_up(reply);
        }
        match self.progress.sent.pop_front() {
            Some(Sent::Mail) if reply.is_positive() => self.dirty = true,
            Some(Sent::Mail) => self.progress.mail_refused = Some(Failure::from_reply(reply)),
            Some(Sent::Rcpt(_)) if reply.is_positive() => self.progress.accepted += 1,
            Some(Sent::Rcpt(i)) if self.progress.mail_refused.is_none() => {
                self.progress.refused[i] = Some(recipient_refused(reply));
            }
            Some(Sent::Rcpt(_)) | None => {} // the refusal of MAIL says more
            Some(Sent::Data) => self.progress.data_reply = Some(reply),
        }
        if self.progress.sent.is_empty() {
            self.decide();
        }
    }

    /// All that was sent is answered.
    fn decide(&mut self) {
        if let Some(reply) = self.progress.data_reply.take() {
            return self.data_answered(reply);
        }
        if let Some(failure) = self.progress.mail_refused.take() {
            self.enter(State::Idle);
            return self.done(&Err(failure));
        }
        if self.progress.next == self.envelope.to.len() && self.progress.accepted == 0 {
            self.enter(State::Idle);
            return self.nobody();
        }
        self.send_envelope();
    }

    fn data_answered(&mut self, reply: Reply) {
        let go = reply.code == 354;
        if let Some(failure) = self.progress.mail_refused.take() {
            self.done_without_body(go, &Err(failure));
        } else if self.progress.accepted == 0 {
            self.done_without_body(go, &Err(Failure::local(false, "nessun destinatario accettato")));
        } else if go {
            self.begin_body();
        } else {
            self.done_without_body(false, &Err(Failure::from_reply(reply)));
        }
    }

    /// RFC 2920 §3.1: a server that says 354 although nobody takes the message gets an empty one.
    fn done_without_body(&mut self, go: bool, result: &Result<Reply, Failure>) {
        if go {
            // The outcomes are told once the server has swallowed it.
            if let Err(failure) = result {
                self.progress.refused.iter_mut().for_each(|r| _ = r.get_or_insert_with(|| failure.clone()));
            }
            self.send(".", State::EmptyEnd);
        } else {
            self.enter(State::Idle);
            self.done(result);
        }
    }

    fn nobody(&mut self) {
        self.done(&Err(Failure::local(false, "nessun destinatario accettato")));
    }

    pub(super) fn empty_answered(&mut self, reply: Reply) {
        self.nobody();
        if reply.code == 421 { self.close() } else { self.enter(State::Idle) }
    }
}

/// 552 to RCPT means too many recipients on old servers (RFC 5321 §4.5.3.1.10), unless the enhanced code says more.
fn recipient_refused(reply: Reply) -> Failure {
    let too_many = reply.code == 552 && matches!(reply.enhanced, None | Some((_, 5, 3)));
    let failure = Failure::from_reply(reply);
    Failure { permanent: failure.permanent && !too_many, ..failure }
}
