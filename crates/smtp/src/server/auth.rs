//! AUTH (RFC 4954).

use sigillo_wire::sasl::{Exchange, SaslError, Step};
use sigillo_wire::{LineError, Tick};

use super::{Action, Question, Server, State};
use crate::Reply;

impl Server {
    pub(super) fn auth(&mut self, argument: &str) {
        if !self.config.role.is_submission() {
            return self.bad(&Reply::new(502, (5, 5, 1), "AUTH is not offered here"));
        }
        if !self.tls {
            let text = "Serve un canale cifrato / Encryption required for requested authentication mechanism";
            return self.bad(&Reply::new(538, (5, 7, 11), text));
        }
        if self.refuse_unnamed() {
            return;
        }
        if self.user.is_some() || self.open {
            return self.bad(&Reply::new(503, (5, 5, 1), "No AUTH now"));
        }
        let mut words = argument.split(' ').filter(|w| !w.is_empty());
        let (Some(mechanism), initial, None) = (words.next(), words.next(), words.next()) else {
            return self.bad(&Reply::new(501, (5, 5, 4), "AUTH mechanism [initial-response]"));
        };
        match Exchange::start(&self.offer, mechanism, initial.map(str::as_bytes)) {
            Ok((exchange, step)) => self.auth_step(exchange, step),
            Err(error) => self.auth_failed(error),
        }
    }

    /// A line inside the exchange.
    pub(super) fn auth_response(&mut self, mut exchange: Exchange, line: Result<Vec<u8>, LineError>) {
        let long = matches!(line, Err(LineError::TooLong));
        let step = match line {
            Ok(line) => exchange.respond(&line),
            Err(_) => exchange.broken(SaslError::Malformed),
        };
        match step {
            Ok(step) => self.auth_step(exchange, step),
            Err(_) if long => self.bad(&Reply::new(500, (5, 5, 6), "Authentication line too long")),
            Err(error) => self.auth_failed(error),
        }
    }

    /// What the exchange asked about was found out.
    pub(super) fn found(&mut self, now: Tick, answer: impl FnOnce(&mut Exchange) -> Result<Step, SaslError>) {
        self.tick(now);
        match std::mem::replace(&mut self.state, State::Command) {
            State::Lookup(mut exchange) => {
                self.enter(State::Command);
                match answer(&mut exchange) {
                    Ok(step) => self.auth_step(exchange, step),
                    Err(error) => self.auth_failed(error),
                }
            }
            other => self.state = other,
        }
    }

    fn auth_step(&mut self, exchange: Exchange, step: Step) {
        match step {
            Step::Challenge(text) => {
                // The blank after 334 must stand even when the challenge is empty (RFC 4954 §4).
                self.say_raw(format!("334 {text}\r\n").as_bytes());
                self.enter(State::Auth(exchange));
            }
            Step::Ask(query) => {
                self.queue.push_back(Action::Lookup(query));
                self.enter(State::Lookup(exchange));
            }
            Step::Done(claim) => self.ask(Question::Credentials(claim.error()), Action::Authenticate(claim)),
        }
    }

    fn auth_failed(&mut self, error: SaslError) {
        self.bad(&no_exchange(error));
    }

    /// The engine's verdict.
    pub(super) fn auth_answered(&mut self, user: Option<String>, refusal: &Reply) {
        if user.is_some() {
            self.user = user;
            return self.say(&Reply::new(235, (2, 7, 0), "Authentication successful"));
        }
        // A fault of ours (4xx) is no wrong password.
        self.bad_logins += u32::from(!refusal.is_temporary());
        self.say(refusal);
        if refusal.code == 421 {
            self.hang_up();
        } else if self.bad_logins >= self.config.auth_attempts {
            self.say(&Reply::new(421, (4, 7, 0), "Troppi tentativi / Too many failed logins"));
            self.hang_up();
        }
    }

    fn say_raw(&mut self, bytes: &[u8]) {
        if let Some(Action::Write(held)) = self.queue.back_mut() {
            held.extend_from_slice(bytes);
        } else {
            self.queue.push_back(Action::Write(bytes.to_vec()));
        }
    }
}

/// The answer to an exchange that is none (RFC 4954 §4).
pub(super) fn no_exchange(error: SaslError) -> Reply {
    match error {
        SaslError::Malformed => Reply::new(501, (5, 5, 2), "Malformed response"),
        SaslError::Cancelled => Reply::new(501, (5, 0, 0), "Authentication cancelled"),
        SaslError::Authorization => Reply::new(535, (5, 7, 8), "Authorization identity refused"),
        SaslError::Binding => Reply::new(535, (5, 7, 8), "Channel binding refused"),
        SaslError::Mechanism => Reply::new(504, (5, 5, 4), "Unrecognized authentication mechanism"),
    }
}
