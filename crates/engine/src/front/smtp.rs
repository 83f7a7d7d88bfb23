//! SMTP: the session of `sigillo-smtp` over the access point and the incoming point.

use std::collections::VecDeque;
use std::sync::Arc;

use sigillo_base::{Address, Timestamp};
use sigillo_smtp::Reply;
use sigillo_smtp::server::{Action, Config, Role, Server};
use sigillo_store::Store;
use sigillo_wire::sasl::Credentials;
use sigillo_wire::{Session, Tick};

use super::{Arrived, Connection, Peer, Step, login_delay_ms};
use crate::meter::Task;
use crate::{Engine, Login, LoginError, Received, Rejected, Submitted};

/// What the engine is asked, once the driver has a thread for it.
enum Ask {
    Login(Credentials),
    Mail(Option<Address>),
    Rcpt(Address),
    Message,
}

/// One SMTP connection.
pub(super) struct Front<S> {
    engine: Arc<Engine<S>>,
    server: Server,
    role: Role,
    peer: Peer,
    login: Option<Login>,
    from: Option<Address>,
    to: Vec<Address>,
    data: Vec<u8>,
    ask: Option<Ask>,
    /// Answers held back, with the time they may go: a failed login.
    delayed: VecDeque<(Tick, Reply)>,
    failures: u32,
}

impl<S: Store> Front<S> {
    pub(super) fn new(engine: Arc<Engine<S>>, role: Role, peer: Peer, tls_now: bool, tick: Tick) -> Self {
        let config = Config::new(role, engine.host());
        Self {
            engine,
            server: Server::new(config, tls_now, tick),
            role,
            peer,
            login: None,
            from: None,
            to: Vec::new(),
            data: Vec::new(),
            ask: None,
            delayed: VecDeque::new(),
            failures: 0,
        }
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
        self.data = Vec::new();
    }

    fn log_in(&mut self, credentials: &Credentials, tick: Tick) {
        match self.engine.authenticate(&credentials.user, &credentials.password) {
            Ok(login) => {
                tracing::info!(user = %login.address, peer = %self.peer.ip, "login");
                let user = login.address.as_str().to_owned();
                self.login = Some(login);
                self.server.authenticated(Some(user), Reply::new(235, (2, 7, 0), "Autenticazione riuscita"), tick);
            }
            Err(error) => {
                self.failures += 1;
                tracing::warn!(user = credentials.user, peer = %self.peer.ip, %error, "login failed");
                let reply = match error {
                    LoginError::Credentials => Reply::new(535, (5, 7, 8), "Utente o password non validi"),
                    LoginError::Blocked => Reply::new(535, (5, 7, 13), error.to_string()),
                    LoginError::Fault(_) => {
                        Reply::new(454, (4, 7, 0), "Autenticazione temporaneamente non disponibile")
                    }
                };
                self.delayed.push_back((tick.plus_ms(login_delay_ms(self.failures)), reply));
            }
        }
    }

    fn mail(&mut self, from: Option<Address>, now: Timestamp) -> Result<Reply, Rejected> {
        if self.role == Role::Reception {
            self.engine.accepting()?;
        } else {
            let login = self.login.as_ref().ok_or_else(not_logged_in)?;
            self.engine.may_send(login, from.as_ref(), now)?;
        }
        self.from = from;
        Ok(Reply::new(250, (2, 1, 0), "Mittente accettato"))
    }

    fn rcpt(&mut self, rcpt: Address) -> Result<Reply, Rejected> {
        if self.role == Role::Reception {
            self.engine.may_receive(self.from.as_ref(), &rcpt)?;
        }
        // Said twice, meant once: certification data list each recipient once.
        if !self.to.contains(&rcpt) {
            self.to.push(rcpt);
        }
        Ok(Reply::new(250, (2, 1, 5), "Destinatario accettato"))
    }

    fn message(&mut self, now: Timestamp) -> Result<Reply, Rejected> {
        let mail = Arrived {
            from: self.from.take(),
            to: std::mem::take(&mut self.to),
            bytes: std::mem::take(&mut self.data),
            peer: self.peer,
            ehlo: self.server.ehlo_name().to_owned(),
            tls: self.server.is_tls(),
            authenticated: self.login.is_some(),
        };
        let text = if self.role == Role::Reception {
            match self.engine.receive(&mail, now)? {
                Received::TakenCharge(id) => format!("Preso in carico, identificativo {id}"),
                Received::Infected(id) => format!("Ricevuto, contenuto pericoloso segnalato, identificativo {id}"),
                Received::Receipt(id) => format!("Ricevuta registrata, identificativo {id}"),
                Received::Anomaly => "Accettato con anomalia".into(),
                Received::Again => "Messaggio già ricevuto".into(),
                Received::Swallowed => "Accettato".into(),
            }
        } else {
            let login = self.login.as_ref().ok_or_else(not_logged_in)?;
            match self.engine.submit(login, &mail, now)? {
                Submitted::Accepted(id) => format!("Accettato, identificativo {id}"),
                Submitted::NotAccepted(id) => format!("Non accettato, avviso nella casella, identificativo {id}"),
            }
        };
        Ok(Reply::new(250, (2, 0, 0), text))
    }
}

fn not_logged_in() -> Rejected {
    Rejected::refused(530, (5, 7, 0), "Autenticazione necessaria")
}

impl<S: Store> Connection for Front<S> {
    fn input(&mut self, now: Tick, bytes: &[u8]) {
        self.server.input(now, bytes);
    }

    fn end_of_input(&mut self, now: Tick) {
        self.server.end_of_input(now);
    }

    fn timeout(&mut self, now: Tick) {
        while let Some((_, reply)) = self.delayed.pop_front_if(|(due, _)| *due <= now) {
            self.server.authenticated(None, reply, now);
        }
        if self.server.deadline().is_some_and(|d| d <= now) {
            self.server.timeout(now);
        }
    }

    fn deadline(&self) -> Option<Tick> {
        let delayed = self.delayed.front().map(|(due, _)| *due);
        delayed.into_iter().chain(self.server.deadline()).min()
    }

    fn step(&mut self) -> Step {
        if self.ask.is_some() {
            return Step::Work;
        }
        while let Some(action) = self.server.poll() {
            let ask = match action {
                Action::Write(bytes) => {
                    // Every refusal passes here, whoever decided it: the session or the engine.
                    for line in String::from_utf8_lossy(&bytes).lines().filter(|l| l.starts_with(['4', '5'])) {
                        tracing::info!(peer = %self.peer.ip, reply = line, "refused");
                    }
                    return Step::Write(bytes);
                }
                Action::StartTls => return Step::StartTls,
                Action::Close => return Step::Close,
                Action::DataStart => {
                    self.data = Vec::new();
                    continue;
                }
                Action::DataChunk(bytes) => {
                    self.data.extend_from_slice(&bytes);
                    continue;
                }
                Action::Reset => {
                    self.reset();
                    continue;
                }
                Action::Authenticate(credentials) => Ask::Login(credentials),
                Action::Mail(mail) => Ask::Mail(mail.from),
                Action::Rcpt(rcpt) => Ask::Rcpt(rcpt),
                Action::DataEnd { .. } => Ask::Message,
            };
            self.ask = Some(ask);
            return Step::Work;
        }
        Step::Wait
    }

    fn task(&self) -> Option<Task> {
        Some(match self.ask.as_ref()? {
            Ask::Login(_) => Task::Login,
            Ask::Mail(_) | Ask::Rcpt(_) => Task::Address,
            Ask::Message if self.role == Role::Reception => Task::Reception,
            Ask::Message => Task::Submission,
        })
    }

    fn work(&mut self, now: Timestamp, tick: Tick) {
        let answer = match self.ask.take() {
            None => return,
            Some(Ask::Login(credentials)) => return self.log_in(&credentials, tick),
            Some(Ask::Mail(from)) => self.mail(from, now),
            Some(Ask::Rcpt(rcpt)) => self.rcpt(rcpt),
            Some(Ask::Message) => self.message(now),
        };
        let reply = answer.unwrap_or_else(|rejected| {
            if let Rejected::Fault(error) = &rejected {
                tracing::error!(%error, peer = %self.peer.ip, "message not taken");
            }
            rejected.reply()
        });
        self.server.answer(reply, tick);
    }

    fn tls_started(&mut self, tick: Tick) {
        self.server.tls_started(tick);
    }

    fn shutdown(&mut self, tick: Tick) {
        self.server.shutdown(tick);
    }
}
