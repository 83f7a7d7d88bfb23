//! POP3: the session of `sigillo-pop3` over the user's INBOX.

mod maildrop;

use std::sync::Arc;

use sigillo_base::{MailboxId, Timestamp};
use sigillo_imap::Deed;
use sigillo_pop3::{Action, Config, LoginRefusal, PIECE, Server};
use sigillo_store::{Rope, Store};
use sigillo_wire::sasl::{Binding, Claim, Query};
use sigillo_wire::{Session, Tick};

use super::login::{self, Entrance, Refused, reader};
use super::{Connection, Peer, Step};
use crate::claims::Found;
use crate::deeds::Visitor;
use crate::directory::INBOX;
use crate::meter::{LoginResult, Task};
use crate::places::Place;
use crate::{Engine, Login};

/// What the engine is asked, once the driver has a thread for it.
enum Ask {
    Lookup(Query),
    Login(Claim),
    Read { uid: u32, from: u64 },
    Remove(Vec<u32>),
}

/// One POP3 connection.
pub(super) struct Front<S> {
    engine: Arc<Engine<S>>,
    server: Server,
    peer: Peer,
    login: Option<Login>,
    /// The maildrop is this connection's alone, until it ends (RFC 1939 §4).
    drop: Option<Place<MailboxId>>,
    /// The message on its way out.
    reading: Option<(u32, Rope)>,
    ask: Option<Ask>,
    entrance: Entrance<S>,
}

impl<S: Store> Front<S> {
    pub(super) fn new(engine: Arc<Engine<S>>, peer: Peer, tls_now: bool, tick: Tick) -> Self {
        let greeting = format!("{} Sigillo", engine.host());
        let config = Config { greeting, bearer: engine.takes_tokens(), ..Config::default() };
        let server = Server::new(config, tls_now, tick);
        let entrance = Entrance::new(Arc::clone(&engine), peer, "pop3");
        Self { engine, server, peer, login: None, drop: None, reading: None, ask: None, entrance }
    }

    /// The work that waits for a thread.
    fn asked(&self) -> Option<Step> {
        let bytes = match self.ask.as_ref()? {
            Ask::Login(claim) => login::weight(claim),
            // As it is read, and with its dots.
            Ask::Read { .. } => 2 * PIECE,
            Ask::Lookup(_) | Ask::Remove(_) => 0,
        };
        Some(Step::Work { bytes })
    }

    fn look_up(&mut self, query: &Query, now: Timestamp, tick: Tick) {
        match self.entrance.find(query, (now, tick)) {
            Some(Found::Keys(keys, nonce)) => self.server.keys(keys, &nonce, tick),
            Some(Found::Token(owner)) => self.server.token(owner, tick),
            None => {}
        }
    }

    fn log_in(&mut self, claim: &Claim, now: Timestamp, tick: Tick) {
        if self.entrance.refuses(claim, tick) {
            return;
        }
        let check = |engine: &Engine<S>| {
            let login = reader(engine, engine.judge_claim(claim, now)?, now)?;
            login::in_inbox(engine, login, Deed::Read)
        };
        let engine = Arc::clone(&self.engine);
        let open = |login: &Login| match engine.maildrops.enter(login.mailbox) {
            Some(place) => match maildrop::opened(&engine, login.mailbox) {
                Ok(drop) => Ok((place, drop)),
                Err(refusal) => Err((LoginResult::Failed, refusal)),
            },
            None => Err((LoginResult::Full, LoginRefusal::InUse)),
        };
        let Some(entered) = self.entrance.enter_into(claim.user(), (now, tick), check, open) else { return };
        let answer = entered.map(|(login, (place, drop))| {
            (self.drop, self.login) = (Some(place), Some(login));
            drop
        });
        self.server.logged_in(answer, tick);
    }
}

/// What a login that failed is answered.
fn refusal(refused: Refused) -> LoginRefusal {
    match refused {
        Refused::Credentials => LoginRefusal::Credentials,
        Refused::Blocked(why) | Refused::Expired(why) | Refused::Rights(why) | Refused::Code(why, _) => {
            LoginRefusal::Denied(why.it)
        }
        Refused::Limit(why) => LoginRefusal::Limit(why.it),
        Refused::Fault => LoginRefusal::Unavailable,
    }
}

/// The refusal that these bytes are. It is written alone, and is one line: the last piece of a message is two at least.
fn refused(bytes: &[u8]) -> Option<&str> {
    let line = bytes.strip_suffix(b"\r\n").filter(|line| line.starts_with(b"-ERR") && !line.contains(&b'\n'))?;
    std::str::from_utf8(line).ok()
}

impl<S: Store> Connection for Front<S> {
    fn input(&mut self, now: Tick, bytes: &[u8]) {
        self.server.input(now, bytes);
    }

    fn end_of_input(&mut self, now: Tick) {
        self.server.end_of_input(now);
    }

    fn timeout(&mut self, now: Tick) {
        if let Some(refused) = self.entrance.due(now) {
            self.server.logged_in(Err(refusal(refused)), now);
        }
        if self.server.deadline().is_some_and(|d| d <= now) {
            self.server.timeout(now);
        }
    }

    fn deadline(&self) -> Option<Tick> {
        [self.entrance.deadline(), self.server.deadline()].into_iter().flatten().min()
    }

    fn step(&mut self) -> Step {
        if let Some(work) = self.asked() {
            return work;
        }
        let Some(action) = self.server.poll() else { return Step::Wait };
        let ask = match action {
            Action::Write(bytes) => {
                if let Some(reply) = refused(&bytes).filter(|_| self.reading.is_none()) {
                    tracing::info!(peer = %self.peer.ip, reply, "refused");
                }
                return Step::Write(bytes);
            }
            Action::StartTls => return Step::StartTls,
            Action::Close => return Step::Close,
            Action::Lookup(query) => Ask::Lookup(query),
            Action::Login(claim) => Ask::Login(claim),
            Action::Read { uid, from } => Ask::Read { uid, from },
            Action::Remove(uids) => Ask::Remove(uids),
        };
        self.ask = Some(ask);
        self.asked().unwrap_or(Step::Wait)
    }

    fn task(&self) -> Option<Task> {
        Some(match self.ask.as_ref()? {
            Ask::Lookup(_) | Ask::Login(_) => Task::Login,
            Ask::Read { .. } | Ask::Remove(_) => Task::Mailbox,
        })
    }

    fn work(&mut self, now: Timestamp, tick: Tick) {
        let ask = self.ask.take();
        match &ask {
            Some(Ask::Lookup(query)) => return self.look_up(query, now, tick),
            Some(Ask::Login(claim)) => return self.log_in(claim, now, tick),
            _ => {}
        }
        let Some(login) = &self.login else { return };
        if let Some(why) = self.entrance.expelled(login, now) {
            return self.server.expel(&why);
        }
        let mailbox = login.mailbox;
        let visitor = Visitor { protocol: "pop3", from: self.peer.ip, person: login.credential() };
        match ask {
            Some(Ask::Read { uid, from }) => {
                // What has begun is read to its end, as what is removed meanwhile is (RFC 4314 §4).
                let may = if from == 0 { self.may(login, Deed::Read) } else { Ok(()) };
                let piece = may.and_then(|()| self.piece(mailbox, uid, from));
                if from == 0 && piece.is_ok() {
                    self.engine.has_read((mailbox, INBOX, uid), &visitor, now);
                }
                if piece.as_ref().map_or(true, |piece| piece.last) {
                    self.reading = None;
                }
                self.server.piece(piece, tick);
            }
            Some(Ask::Remove(uids)) => {
                let may = self.may(login, Deed::Empty);
                let removed = may.and_then(|()| self.remove(mailbox, &uids, (&visitor, now)));
                self.server.removed(removed, tick);
            }
            _ => {}
        }
    }

    fn bind(&mut self, binding: Binding) {
        self.server.bind(binding);
    }

    fn tls_started(&mut self, tick: Tick) {
        self.server.tls_started(tick);
    }

    fn is_in(&self) -> bool {
        self.entrance.is_in()
    }

    fn ended(&mut self, now: Timestamp) {
        self.entrance.ended(now);
    }

    fn shutdown(&mut self, tick: Tick) {
        self.server.shutdown(tick);
    }
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn refusals_are_found_and_messages_are_not_looked_into() {
        assert_eq!(refused(b"-ERR [AUTH] no\r\n"), Some("-ERR [AUTH] no"));
        assert_eq!(refused(b"+OK\r\n"), None);
        assert_eq!(refused(b"-ERR is how this message ends\r\n.\r\n"), None);
    }
}
