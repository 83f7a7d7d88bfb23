//! IMAP: the session of `sigillo-imap` over the user's folders.

use std::sync::Arc;

use sigillo_base::{MailboxId, Timestamp};
use sigillo_imap::{Action, Config, LoginRefusal, Server};
use sigillo_store::Store;
use sigillo_wire::sasl::{Binding, Claim, Query};
use sigillo_wire::{Session, Tick};

use super::boxes::Boxes;
use super::deflate::{Broken, Deflate};
use super::login::{self, Entrance, Refused, reader};
use super::{Connection, Peer, Step};
use crate::claims::Found;
use crate::deeds::Visitor;
use crate::meter::Task;
use crate::{Engine, Login};

/// What the engine is asked, once the driver has a thread for it.
enum Ask {
    Lookup(Query),
    Login(Claim),
    Spool,
    Drop,
    Run,
    Wake,
    Leave,
}

/// After so long a silence of the client nothing more is held for compressing.
const REST_MS: u64 = 5_000;

/// One IMAP connection.
pub(super) struct Front<S> {
    engine: Arc<Engine<S>>,
    server: Server,
    peer: Peer,
    login: Option<Login>,
    boxes: Option<Boxes<S>>,
    ask: Option<Ask>,
    /// Between session and connection, once the client asked for it.
    deflate: Option<Deflate>,
    /// The time of the last octets.
    heard: Tick,
    entrance: Entrance<S>,
}

impl<S: Store> Front<S> {
    pub(super) fn new(engine: Arc<Engine<S>>, peer: Peer, tls_now: bool, tick: Tick) -> Self {
        let greeting = format!("{} Sigillo", engine.host());
        let config = Config { greeting, bearer: engine.takes_tokens(), ..Config::default() };
        let server = Server::new(config, tls_now, tick);
        let entrance = Entrance::new(Arc::clone(&engine), peer, "imap");
        let (login, boxes, ask, deflate) = (None, None, None, None);
        Self { engine, server, peer, login, boxes, ask, deflate, heard: tick, entrance }
    }

    /// When what compressing holds is given back.
    fn rest(&self) -> Option<Tick> {
        self.deflate.as_ref().filter(|layer| layer.is_awake()).map(|_| self.heard.plus_ms(REST_MS))
    }

    /// The work that waits for a thread.
    fn asked(&self) -> Option<Step> {
        let bytes = match self.ask.as_ref()? {
            Ask::Login(claim) => login::weight(claim),
            Ask::Run => self.boxes.as_ref().map_or(0, Boxes::weight) + self.server.weight(),
            Ask::Lookup(_) | Ask::Spool | Ask::Drop | Ask::Wake | Ask::Leave => 0,
        };
        Some(Step::Work { bytes })
    }

    /// What the server says next; what arrived compressed is expanded when it has nothing more to say.
    fn said(&mut self) -> Option<Action> {
        loop {
            let action = self.server.poll();
            let Some(layer) = self.deflate.as_mut().filter(|_| action.is_none() && !self.server.is_busy()) else {
                return action;
            };
            let came = if layer.is_ending() { layer.rest() } else { layer.next() };
            let ended = layer.is_ending() && matches!(came, Ok(Some(_)));
            if ended {
                self.deflate = None;
            }
            match came {
                Ok(Some(bytes)) => self.server.input(self.heard, &bytes),
                Ok(None) => return None,
                Err(_) => {
                    self.deflate = None;
                    self.server.expel("Dati compressi non interpretabili");
                }
            }
        }
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
        let check = |engine: &Engine<S>| engine.judge_claim(claim, now).and_then(|login| reader(engine, login, now));
        if let Some(login) = self.entrance.enter(claim.user(), (now, tick), check) {
            // A store that does not answer now does not answer the next command either.
            if let Ok(Some(mailbox)) = self.engine.mailbox(login.mailbox) {
                self.server.withhold(mailbox.without);
            }
            self.server.logged_in(Ok(login.address.as_str().to_owned()), tick);
            let person = login.credential();
            let visitor = Visitor { protocol: "imap", from: self.peer.ip, person: person.clone() };
            self.boxes = Some(Boxes::new(Arc::clone(&self.engine), login.mailbox, person, visitor));
            self.login = Some(login);
        }
    }
}

/// What a login that failed is answered.
fn refusal(refused: Refused) -> LoginRefusal {
    match refused {
        Refused::Credentials => LoginRefusal::Credentials,
        Refused::Blocked(why) => LoginRefusal::Blocked(why.it),
        Refused::Expired(why) => LoginRefusal::Expired(why.it),
        Refused::Rights(why) | Refused::Code(why, _) => LoginRefusal::Denied(why.it),
        Refused::Limit(why) => LoginRefusal::Limit(why.it),
        Refused::Fault => LoginRefusal::Unavailable,
    }
}

/// What is written: compressed, where it is.
fn packed(packed: Option<Result<Vec<u8>, Broken>>, plain: Vec<u8>) -> Step {
    match packed {
        None => Step::Write(plain),
        Some(Ok(packed)) => Step::Write(packed),
        Some(Err(Broken)) => Step::Close,
    }
}

/// The tagged NO and BAD lines in a piece of output. A piece that may carry a message is not looked into: nothing of a
/// message belongs into a log.
fn refusals(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let text = if bytes.len() <= 4096 { std::str::from_utf8(bytes).unwrap_or_default() } else { "" };
    let text = if text.contains(" FETCH (") { "" } else { text };
    text.lines().filter(|line| !line.starts_with('*') && matches!(line.split(' ').nth(1), Some("NO" | "BAD")))
}

impl<S: Store> Connection for Front<S> {
    fn input(&mut self, now: Tick, bytes: &[u8]) {
        self.heard = now;
        match &mut self.deflate {
            Some(layer) => layer.push(bytes),
            None => self.server.input(now, bytes),
        }
    }

    fn end_of_input(&mut self, now: Tick) {
        self.server.end_of_input(now);
    }

    fn timeout(&mut self, now: Tick) {
        if let Some(refused) = self.entrance.due(now) {
            self.server.logged_in(Err(refusal(refused)), now);
        }
        if self.rest().is_some_and(|rest| rest <= now)
            && let Some(layer) = &mut self.deflate
        {
            layer.sleep();
        }
        if self.server.deadline().is_some_and(|d| d <= now) {
            self.server.timeout(now);
        }
    }

    fn deadline(&self) -> Option<Tick> {
        [self.entrance.deadline(), self.server.deadline(), self.rest()].into_iter().flatten().min()
    }

    fn step(&mut self) -> Step {
        if let Some(work) = self.asked() {
            return work;
        }
        while let Some(action) = self.said() {
            let ask = match action {
                Action::Write(bytes) => {
                    for line in refusals(&bytes) {
                        tracing::info!(peer = %self.peer.ip, reply = line, "refused");
                    }
                    let layer = self.deflate.as_mut().filter(|layer| !layer.is_ending());
                    return packed(layer.map(|layer| layer.pack(&bytes)), bytes);
                }
                Action::Expand(bytes) => {
                    return packed(self.deflate.as_mut().map(|layer| layer.last(&bytes)), bytes);
                }
                Action::Compress => {
                    self.deflate = Some(Deflate::new());
                    continue;
                }
                Action::StartTls => return Step::StartTls,
                Action::Close => return Step::Close,
                Action::AppendChunk(bytes) => {
                    if !self.boxes.as_mut().is_some_and(|boxes| boxes.append_chunk(&bytes)) {
                        continue;
                    }
                    Ask::Spool
                }
                // What lay on the disk is given back there, which may block.
                Action::AppendDropped => Ask::Drop,
                Action::LoggedOut => Ask::Leave,
                Action::IdleStart | Action::IdleEnd => continue,
                Action::Lookup(query) => Ask::Lookup(query),
                Action::Login(claim) => Ask::Login(claim),
                Action::Request(_) => Ask::Run,
            };
            self.ask = Some(ask);
            return self.asked().unwrap_or(Step::Wait);
        }
        if self.server.more() {
            self.ask = Some(Ask::Run);
        }
        self.asked().unwrap_or(Step::Wait)
    }

    fn task(&self) -> Option<Task> {
        Some(match self.ask.as_ref()? {
            Ask::Lookup(_) | Ask::Login(_) | Ask::Leave => Task::Login,
            Ask::Spool | Ask::Drop => Task::Spool,
            Ask::Run | Ask::Wake => Task::Mailbox,
        })
    }

    fn work(&mut self, now: Timestamp, tick: Tick) {
        let ask = self.ask.take();
        match &ask {
            Some(Ask::Lookup(query)) => return self.look_up(query, now, tick),
            Some(Ask::Login(claim)) => return self.log_in(claim, now, tick),
            Some(Ask::Leave) => {
                (self.boxes, self.login) = (None, None);
                return self.entrance.leave(now);
            }
            _ => {}
        }
        if let Some(why) = self.login.as_ref().and_then(|login| self.entrance.expelled(login, now)) {
            return self.server.expel(&why);
        }
        let Some(boxes) = &mut self.boxes else { return };
        boxes.at(now);
        match ask {
            Some(Ask::Spool) => boxes.spool(),
            Some(Ask::Drop) => boxes.append_dropped(),
            Some(Ask::Run) => self.server.run(boxes, tick),
            Some(Ask::Wake) => self.server.wake(boxes, tick),
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

    fn watching(&self) -> Option<MailboxId> {
        self.boxes.as_ref().filter(|_| self.server.listens()).map(Boxes::mailbox)
    }

    fn wake(&mut self, _tick: Tick) {
        if self.ask.is_none() && self.server.listens() {
            self.ask = Some(Ask::Wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::refusals;

    #[test]
    fn refusals_are_found_and_messages_are_not_looked_into() {
        let found = |bytes: &[u8]| refusals(bytes).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(found(b"* OK hi\r\na NO [X] no\r\nb BAD b\r\nc OK done\r\n"), ["a NO [X] no", "b BAD b"]);
        assert!(found(b"* 1 FETCH (BODY[TEXT] {12}\r\nsay NO to it)\r\na OK\r\n").is_empty());
    }
}
