//! A driver for the server session that answers by rule: `anna` logs in with `pw`; recipients called `no…` do not exist,
//! `busy…` have to wait.

use std::sync::LazyLock;

use sigillo_base::{Address, Secret};
use sigillo_wire::sasl::{Claim, Query, ScramKeys};
use sigillo_wire::transcript::Peer;
use sigillo_wire::{Session, Tick};

use crate::Reply;
use crate::server::{Action, Config, RcptTo, Role, Server};

static KEYS: LazyLock<ScramKeys> =
    LazyLock::new(|| ScramKeys::derive(&Secret::new("pw".into()), b"0123456789abcdef", 4096).unwrap());

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(super) fn rcpt(text: &str) -> Action {
    Action::Rcpt(RcptTo { address: address(text), notify: None, orcpt: None })
}

/// The verdict on a recipient.
pub(super) fn verdict(to: &Address) -> Reply {
    match to.local() {
        l if l.starts_with("no") => Reply::new(550, (5, 1, 1), "No such user"),
        l if l.starts_with("busy") => Reply::new(450, (4, 2, 1), "Busy"),
        _ => Reply::new(250, (2, 1, 5), "Ok"),
    }
}

/// Answers the action if it asks for an answer.
pub(super) fn reply_to(server: &mut Server, action: &Action, now: Tick) {
    match action {
        Action::Lookup(Query::Keys(user)) if user == "anna" => server.keys(KEYS.clone(), "NONCE", now),
        Action::Lookup(Query::Keys(user)) => server.keys(ScramKeys::of_nobody(b"secret", user), "NONCE", now),
        Action::Lookup(Query::Token { user, token }) => {
            server.token(user.clone().filter(|_| token.expose() == "good"), now);
        }
        Action::Authenticate(claim) => {
            let user = match claim {
                Claim::Password(c) => (c.user == "anna" && c.password.expose() == "pw").then(|| c.user.clone()),
                Claim::Proven(user, keys) => (*keys == *KEYS).then(|| user.clone()),
                Claim::Token(user) | Claim::Certificate(user) => Some(user.clone()),
                Claim::Refuted(_) | Claim::BadToken { .. } => None,
            };
            server.authenticated(user, Reply::new(535, (5, 7, 8), "Wrong"), now);
        }
        Action::Mail(mail) if mail.from.as_ref().is_some_and(|a| a.local() == "banned") => {
            server.answer(Reply::new(550, (5, 7, 1), "Banned"), now);
        }
        Action::Mail(_) => server.answer(Reply::new(250, (2, 1, 0), "Ok"), now),
        Action::Rcpt(to) => server.answer(verdict(&to.address), now),
        Action::DataEnd { size, .. } => server.answer(Reply::new(250, (2, 0, 0), format!("Taken {size}")), now),
        _ => {}
    }
}

/// A server session as a transcript's peer. TLS is pretended.
pub(super) struct Scripted {
    pub(super) server: Server,
    pub(super) actions: Vec<Action>,
    pub(super) now: Tick,
    output: Vec<u8>,
    pub(super) closed: bool,
}

impl Scripted {
    pub(super) fn new(role: Role, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(role, "mx.alfa.example");
        adjust(&mut config);
        let tls = role == Role::SubmissionTls;
        let server = Server::new(config, tls, Tick(0));
        Self { server, actions: Vec::new(), now: Tick(0), output: Vec::new(), closed: false }
    }

    pub(super) fn drive(&mut self) {
        while let Some(action) = self.server.poll() {
            match &action {
                Action::Write(bytes) => self.output.extend_from_slice(bytes),
                Action::StartTls => self.server.tls_started(self.now),
                Action::Close => self.closed = true,
                other => reply_to(&mut self.server, other, self.now),
            }
            if !matches!(action, Action::Write(_)) {
                self.actions.push(action);
            }
        }
    }

    /// What the message was, if one was taken.
    pub(super) fn message(&self) -> Option<Vec<u8>> {
        let chunks = self.actions.iter().filter_map(|a| match a {
            Action::DataChunk(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        let ended = self.actions.iter().any(|a| matches!(a, Action::DataEnd { .. }));
        ended.then(|| chunks.collect::<Vec<_>>().concat())
    }

    pub(super) fn run(&mut self, script: &str) {
        sigillo_wire::transcript::run(script, self).unwrap();
        let rest = self.line();
        assert_eq!(rest, None, "said more than the script expects");
    }
}

impl Peer for Scripted {
    fn send(&mut self, bytes: &[u8]) {
        self.drive();
        self.server.input(self.now, bytes);
        self.drive();
    }

    fn line(&mut self) -> Option<String> {
        self.drive();
        let end = self.output.windows(2).position(|w| w == b"\r\n")?;
        let line: Vec<u8> = self.output.drain(..end + 2).collect();
        Some(String::from_utf8(line[..end].to_vec()).unwrap())
    }
}
