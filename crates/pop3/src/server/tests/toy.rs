//! A maildrop in memory that several sessions share, and a client's end of a session.

use std::cell::RefCell;
use std::rc::Rc;

use sigillo_base::Secret;
use sigillo_wire::sasl::{Claim, Query, ScramKeys};
use sigillo_wire::{Session, Tick, transcript};

use crate::{Action, Config, LoginRefusal, Maildrop, Message, PIECE, Piece, Refusal, Server};

fn keys(user: &str) -> ScramKeys {
    match user {
        "anna" => ScramKeys::derive(&Secret::new("pw".into()), b"0123456789abcdef", 4096).unwrap(),
        _ => ScramKeys::of_nobody(b"secret", user),
    }
}

fn proves(claim: &Claim) -> bool {
    match claim {
        Claim::Password(c) => c.user == "anna" && [" p w ", "pw"].contains(&c.password.expose()),
        Claim::Proven(user, proven) => *proven == keys(user),
        Claim::Token(_) | Claim::Certificate(_) => true,
        Claim::Refuted(_) | Claim::BadToken { .. } => false,
    }
}

/// What all sessions see.
#[derive(Default)]
pub struct Toy {
    pub messages: Vec<(u32, Vec<u8>)>,
    pub next: u32,
    /// Whether a session has it.
    pub taken: bool,
    /// What the store says to a removal, and to a piece from this octet on.
    pub stuck: Option<Refusal>,
    pub torn: Option<(u64, Refusal)>,
}

impl Toy {
    pub fn of(messages: &[&[u8]]) -> Rc<RefCell<Self>> {
        let toy = Rc::new(RefCell::new(Self::default()));
        messages.iter().for_each(|message| toy.borrow_mut().deliver(message));
        toy
    }

    pub fn deliver(&mut self, message: &[u8]) {
        self.next += 1;
        self.messages.push((self.next, message.to_vec()));
    }

    fn read(&self, uid: u32, from: u64) -> Result<Piece, Refusal> {
        if let Some((at, refusal)) = &self.torn
            && from >= *at
        {
            return Err(refusal.clone());
        }
        let (_, bytes) = self.messages.iter().find(|(u, _)| *u == uid).ok_or(Refusal::Gone)?;
        let rest = &bytes[from as usize..];
        let end = rest.len().min(PIECE);
        Ok(Piece { bytes: rest[..end].to_vec(), last: end == rest.len() })
    }
}

/// A client at a session, and the driver between them.
pub struct Client {
    pub server: Server,
    pub toy: Rc<RefCell<Toy>>,
    pub received: Vec<u8>,
    pub now: Tick,
    pub closed: bool,
    pub biggest_piece: usize,
    /// What the driver was asked, writes apart.
    pub log: Vec<String>,
    inside: bool,
}

impl Client {
    pub fn new(toy: &Rc<RefCell<Toy>>, tls: bool) -> Self {
        let mut client = Self {
            server: Server::new(Config::default(), tls, Tick(0)),
            toy: Rc::clone(toy),
            received: Vec::new(),
            now: Tick(0),
            closed: false,
            biggest_piece: 0,
            log: Vec::new(),
            inside: false,
        };
        client.pump();
        client
    }

    /// Logged in, greeting read.
    pub fn inside(toy: &Rc<RefCell<Toy>>) -> Self {
        let mut client = Self::new(toy, true);
        client.script("S: +OK Sigillo\nC: USER anna\nS: +OK …\nC: PASS pw\nS: +OK …");
        client
    }

    fn login(&mut self, claim: &Claim) -> Result<Maildrop, LoginRefusal> {
        if claim.user() == "rotto" {
            return Err(LoginRefusal::Unavailable);
        }
        if !proves(claim) {
            return Err(LoginRefusal::Credentials);
        }
        let mut toy = self.toy.borrow_mut();
        if std::mem::replace(&mut toy.taken, true) {
            return Err(LoginRefusal::InUse);
        }
        self.inside = true;
        let message = |(uid, bytes): &(u32, Vec<u8>)| Message { uid: *uid, size: bytes.len() as u32 };
        Ok(Maildrop { uid_validity: 7, messages: toy.messages.iter().map(message).collect() })
    }

    pub fn pump(&mut self) {
        while let Some(action) = self.server.poll() {
            if !matches!(action, Action::Write(_)) {
                self.log.push(format!("{action:?}"));
            }
            match action {
                Action::Write(bytes) => {
                    self.biggest_piece = self.biggest_piece.max(bytes.len());
                    self.received.extend(bytes);
                }
                Action::StartTls => self.server.tls_started(self.now),
                Action::Lookup(Query::Keys(user)) => self.server.keys(keys(&user), "NONCE", self.now),
                Action::Lookup(Query::Token { user, token }) => {
                    self.server.token(user.filter(|_| token.expose() == "good"), self.now);
                }
                Action::Login(claim) => {
                    let result = self.login(&claim);
                    self.server.logged_in(result, self.now);
                }
                Action::Read { uid, from } => {
                    let piece = self.toy.borrow().read(uid, from);
                    self.server.piece(piece, self.now);
                }
                Action::Remove(uids) => {
                    let mut toy = self.toy.borrow_mut();
                    let result = toy.stuck.clone().map_or(Ok(()), Err);
                    if result.is_ok() {
                        toy.messages.retain(|(uid, _)| !uids.contains(uid));
                    }
                    self.server.removed(result, self.now);
                }
                Action::Close => self.hang_up(),
            }
        }
    }

    /// The connection ends, however.
    pub fn hang_up(&mut self) {
        self.closed = true;
        if std::mem::take(&mut self.inside) {
            self.toy.borrow_mut().taken = false;
        }
    }

    pub fn script(&mut self, script: &str) {
        transcript::run(script, self).unwrap();
    }

    /// Sends a command and gives all that comes.
    pub fn ask(&mut self, command: &str) -> String {
        transcript::Peer::send(self, format!("{command}\r\n").as_bytes());
        String::from_utf8(std::mem::take(&mut self.received)).unwrap()
    }
}

impl transcript::Peer for Client {
    fn send(&mut self, bytes: &[u8]) {
        self.server.input(self.now, bytes);
        self.pump();
    }

    fn line(&mut self) -> Option<String> {
        let end = self.received.windows(2).position(|w| w == b"\r\n")?;
        let rest = self.received.split_off(end + 2);
        let line = std::mem::replace(&mut self.received, rest);
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }
}
