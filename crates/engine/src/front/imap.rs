//! IMAP: the session of `sigillo-imap` over the user's folders.

use std::sync::Arc;

use sigillo_base::{MailboxId, Timestamp};
use sigillo_imap::{Action, Config, LoginRefusal, Server};
use sigillo_store::Store;
use sigillo_wire::sasl::Credentials;
use sigillo_wire::{Session, Tick};

use super::boxes::Boxes;
use super::{Connection, Peer, Step, login_delay_ms};
use crate::meter::Task;
use crate::{Engine, LoginError};

/// What the engine is asked, once the driver has a thread for it.
enum Ask {
    Login(Credentials),
    Run,
    Wake,
}

/// One IMAP connection.
pub(super) struct Front<S> {
    engine: Arc<Engine<S>>,
    server: Server,
    peer: Peer,
    boxes: Option<Boxes<S>>,
    ask: Option<Ask>,
    delayed: Option<(Tick, LoginRefusal)>,
    failures: u32,
}

impl<S: Store> Front<S> {
    pub(super) fn new(engine: Arc<Engine<S>>, peer: Peer, tls_now: bool, tick: Tick) -> Self {
        let config = Config { greeting: format!("{} Sigillo", engine.host()), ..Config::default() };
        let server = Server::new(config, tls_now, tick);
        Self { engine, server, peer, boxes: None, ask: None, delayed: None, failures: 0 }
    }

    fn log_in(&mut self, credentials: &Credentials, tick: Tick) {
        match self.engine.authenticate(&credentials.user, &credentials.password) {
            Ok(login) => {
                tracing::info!(user = %login.address, peer = %self.peer.ip, "login");
                self.server.logged_in(Ok(login.address.as_str().to_owned()), tick);
                self.boxes = Some(Boxes::new(Arc::clone(&self.engine), login.mailbox));
            }
            Err(error) => {
                self.failures += 1;
                tracing::warn!(user = credentials.user, peer = %self.peer.ip, %error, "login failed");
                let refusal = match error {
                    LoginError::Credentials => LoginRefusal::Credentials,
                    LoginError::Blocked => LoginRefusal::Denied("Casella bloccata, rivolgersi al gestore".into()),
                    LoginError::Fault(_) => LoginRefusal::Unavailable,
                };
                self.delayed = Some((tick.plus_ms(login_delay_ms(self.failures)), refusal));
            }
        }
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
        self.server.input(now, bytes);
    }

    fn end_of_input(&mut self, now: Tick) {
        self.server.end_of_input(now);
    }

    fn timeout(&mut self, now: Tick) {
        if let Some((_, refusal)) = self.delayed.take_if(|(due, _)| *due <= now) {
            self.server.logged_in(Err(refusal), now);
        }
        if self.server.deadline().is_some_and(|d| d <= now) {
            self.server.timeout(now);
        }
    }

    fn deadline(&self) -> Option<Tick> {
        let delayed = self.delayed.as_ref().map(|(due, _)| *due);
        delayed.into_iter().chain(self.server.deadline()).min()
    }

    fn step(&mut self) -> Step {
        if self.ask.is_some() {
            return Step::Work;
        }
        while let Some(action) = self.server.poll() {
            let ask = match action {
                Action::Write(bytes) => {
                    for line in refusals(&bytes) {
                        tracing::info!(peer = %self.peer.ip, reply = line, "refused");
                    }
                    return Step::Write(bytes);
                }
                Action::StartTls => return Step::StartTls,
                Action::Close => return Step::Close,
                Action::AppendChunk(bytes) => {
                    if let Some(boxes) = &mut self.boxes {
                        boxes.append_chunk(&bytes);
                    }
                    continue;
                }
                Action::IdleStart | Action::IdleEnd => continue,
                Action::Login(credentials) => Ask::Login(credentials),
                Action::Request(_) => Ask::Run,
            };
            self.ask = Some(ask);
            return Step::Work;
        }
        if self.server.more() {
            self.ask = Some(Ask::Run);
            return Step::Work;
        }
        Step::Wait
    }

    fn task(&self) -> Option<Task> {
        Some(match self.ask.as_ref()? {
            Ask::Login(_) => Task::Login,
            Ask::Run | Ask::Wake => Task::Mailbox,
        })
    }

    fn work(&mut self, now: Timestamp, tick: Tick) {
        let ask = self.ask.take();
        if let Some(Ask::Login(credentials)) = &ask {
            return self.log_in(credentials, tick);
        }
        let Some(boxes) = &mut self.boxes else { return };
        boxes.at(now);
        match ask {
            Some(Ask::Run) => self.server.run(boxes, tick),
            Some(Ask::Wake) => self.server.wake(boxes, tick),
            _ => {}
        }
    }

    fn tls_started(&mut self, tick: Tick) {
        self.server.tls_started(tick);
    }

    fn shutdown(&mut self, tick: Tick) {
        self.server.shutdown(tick);
    }

    fn watching(&self) -> Option<MailboxId> {
        self.server.watched()?;
        self.boxes.as_ref().map(Boxes::mailbox)
    }

    fn wake(&mut self, _tick: Tick) {
        if self.ask.is_none() && self.server.watched().is_some() {
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
