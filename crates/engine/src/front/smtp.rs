//! SMTP: the session of `sigillo-smtp` over the access point and the incoming point.

use std::sync::Arc;

use sigillo_base::{Address, Timestamp};
use sigillo_smtp::Reply;
use sigillo_smtp::server::{Action, Config, MailFrom, RcptTo, Role, Server};
use sigillo_store::Store;
use sigillo_wire::sasl::{Binding, Claim, Query};
use sigillo_wire::{Session, Tick};

use super::login::{self, Entrance, Refused};
use super::{Arrived, Connection, Peer, Step, Wishes};
use crate::claims::Found;
use crate::meter::Task;
use crate::spool::Incoming;
use crate::{Engine, Login, Received, Rejected, Submitted};

/// What the engine is asked, once the driver has a thread for it.
enum Ask {
    Lookup(Query),
    Login(Claim),
    Mail(MailFrom),
    Rcpt(RcptTo),
    Spool,
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
    utf8: bool,
    wishes: Wishes,
    message: Incoming,
    ask: Option<Ask>,
    entrance: Entrance<S>,
    /// When the client was last heard.
    heard: Tick,
}

impl<S: Store> Front<S> {
    pub(super) fn new(engine: Arc<Engine<S>>, role: Role, peer: Peer, tls_now: bool, tick: Tick) -> Self {
        let config = Config { bearer: engine.takes_tokens(), ..Config::new(role, engine.host()) };
        let message = Incoming::new(&engine.doors);
        let entrance = Entrance::new(Arc::clone(&engine), peer, "smtp");
        Self {
            engine,
            server: Server::new(config, tls_now, tick),
            role,
            peer,
            login: None,
            from: None,
            to: Vec::new(),
            utf8: false,
            wishes: Wishes::default(),
            message,
            ask: None,
            entrance,
            heard: tick,
        }
    }

    /// The work that waits for a thread.
    fn asked(&self) -> Option<Step> {
        let bytes = match self.ask.as_ref()? {
            Ask::Login(claim) => login::weight(claim),
            Ask::Message => self.message.weight(),
            Ask::Lookup(_) | Ask::Mail(_) | Ask::Rcpt(_) | Ask::Spool => 0,
        };
        Some(Step::Work { bytes })
    }

    /// Answers at once what needs neither store nor clock, for which a thread would only cost time; gives back all else.
    fn at_once(&mut self, ask: Ask) -> Option<Ask> {
        let reception = self.role == Role::Reception;
        let answer = match ask {
            Ask::Mail(mail) if reception => self.engine.accepting().map(|()| self.begin(mail)),
            Ask::Rcpt(rcpt) if !(reception && self.engine.is_ordinary(self.from.as_ref())) => self.rcpt(rcpt),
            other => return Some(other),
        };
        self.answer(answer, self.heard);
        None
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
        self.message.clear();
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
        let check = |engine: &Engine<S>| engine.judge_claim(claim, now);
        if let Some(login) = self.entrance.enter(claim.user(), (now, tick), check) {
            let user = login.address.as_str().to_owned();
            self.login = Some(login);
            self.server.authenticated(Some(user), Reply::new(235, (2, 7, 0), "Autenticazione riuscita"), tick);
        }
    }

    /// The beginning of a submission.
    fn mail(&mut self, mail: MailFrom, now: Timestamp) -> Result<Reply, Rejected> {
        let login = self.login.as_ref().ok_or_else(not_logged_in)?;
        self.engine.may_send(login, mail.from.as_ref(), now)?;
        Ok(self.begin(mail))
    }

    fn begin(&mut self, mail: MailFrom) -> Reply {
        (self.utf8, self.wishes) = (mail.utf8, Wishes::of(&mail));
        self.from = mail.from;
        Reply::new(250, (2, 1, 0), "Mittente accettato")
    }

    fn rcpt(&mut self, rcpt: RcptTo) -> Result<Reply, Rejected> {
        if self.role == Role::Reception {
            self.engine.may_receive(self.from.as_ref(), &rcpt.address)?;
        }
        // Said twice, meant once: certification data list each recipient once.
        if !self.to.contains(&rcpt.address) {
            self.wishes.add(&rcpt);
            self.to.push(rcpt.address);
        }
        Ok(Reply::new(250, (2, 1, 5), "Destinatario accettato"))
    }

    fn answer(&mut self, answer: Result<Reply, Rejected>, tick: Tick) {
        let reply = answer.unwrap_or_else(|rejected| {
            if let Rejected::Fault(error) = &rejected {
                tracing::error!(%error, peer = %self.peer.ip, "message not taken");
            }
            rejected.reply()
        });
        self.server.answer(reply, tick);
    }

    fn take(&mut self, now: Timestamp) -> Result<Reply, Rejected> {
        let mail = Arrived {
            from: self.from.take(),
            to: std::mem::take(&mut self.to),
            bytes: self.message.take()?,
            peer: self.peer,
            ehlo: self.server.ehlo_name().to_owned(),
            tls: self.server.is_tls(),
            authenticated: self.login.is_some(),
            utf8: self.utf8,
            wishes: std::mem::take(&mut self.wishes),
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

/// What a login that failed is answered.
fn refusal(refused: Refused) -> Reply {
    match refused {
        Refused::Credentials => Reply::new(535, (5, 7, 8), "Utente o password non validi"),
        // RFC 5248: the account is disabled.
        Refused::Blocked(why) => Reply::new(535, (5, 7, 13), why.it),
        Refused::Expired(why) => Reply::new(535, (5, 7, 8), why.it),
        Refused::Rights(why) | Refused::Code(why, _) => Reply::new(535, (5, 7, 1), why.it),
        Refused::Limit(why) => Reply::new(421, (4, 7, 0), why.it),
        Refused::Fault => Reply::new(454, (4, 7, 0), "Autenticazione temporaneamente non disponibile"),
    }
}

fn not_logged_in() -> Rejected {
    Rejected::refused(530, (5, 7, 0), "Autenticazione necessaria")
}

impl<S: Store> Connection for Front<S> {
    fn input(&mut self, now: Tick, bytes: &[u8]) {
        self.heard = now;
        self.server.input(now, bytes);
    }

    fn end_of_input(&mut self, now: Tick) {
        self.server.end_of_input(now);
    }

    fn timeout(&mut self, now: Tick) {
        if let Some(refused) = self.entrance.due(now) {
            self.server.authenticated(None, refusal(refused), now);
        }
        if self.message.overdue(self.engine.doors.pace).is_some_and(|d| d <= now) {
            tracing::info!(peer = %self.peer.ip, "a message came too slowly");
            self.server.give_up(now);
        }
        if self.server.deadline().is_some_and(|d| d <= now) {
            self.server.timeout(now);
        }
    }

    fn deadline(&self) -> Option<Tick> {
        let late = self.message.overdue(self.engine.doors.pace);
        [self.entrance.deadline(), late, self.server.deadline()].into_iter().flatten().min()
    }

    fn step(&mut self) -> Step {
        if let Some(work) = self.asked() {
            return work;
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
                    self.message.begin(self.heard);
                    continue;
                }
                Action::DataChunk(bytes) => {
                    self.message.push(&bytes);
                    if !self.message.is_full() {
                        continue;
                    }
                    Ask::Spool
                }
                Action::Reset => {
                    self.reset();
                    continue;
                }
                Action::Lookup(query) => Ask::Lookup(query),
                Action::Authenticate(claim) => Ask::Login(claim),
                Action::Mail(mail) => Ask::Mail(mail),
                Action::Rcpt(rcpt) => Ask::Rcpt(rcpt),
                Action::DataEnd { .. } => Ask::Message,
            };
            if let Some(ask) = self.at_once(ask) {
                self.ask = Some(ask);
                return self.asked().unwrap_or(Step::Wait);
            }
        }
        self.message.heard(self.server.octets());
        Step::Wait
    }

    fn task(&self) -> Option<Task> {
        Some(match self.ask.as_ref()? {
            Ask::Lookup(_) | Ask::Login(_) => Task::Login,
            Ask::Mail(_) | Ask::Rcpt(_) => Task::Address,
            Ask::Spool => Task::Spool,
            Ask::Message if self.role == Role::Reception => Task::Reception,
            Ask::Message => Task::Submission,
        })
    }

    fn work(&mut self, now: Timestamp, tick: Tick) {
        let answer = match self.ask.take() {
            None => return,
            Some(Ask::Lookup(query)) => return self.look_up(&query, now, tick),
            Some(Ask::Login(claim)) => return self.log_in(&claim, now, tick),
            Some(Ask::Spool) => return self.message.spool(self.engine.accepting()),
            Some(Ask::Mail(mail)) => self.mail(mail, now),
            Some(Ask::Rcpt(rcpt)) => self.rcpt(rcpt),
            Some(Ask::Message) => self.take(now),
        };
        self.answer(answer, tick);
    }

    fn bind(&mut self, binding: Binding) {
        self.server.bind(binding);
    }

    fn show(&mut self, addresses: Vec<Address>) {
        self.server.show(addresses);
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
