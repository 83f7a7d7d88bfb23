//! AUTH (RFC 5034).

use sigillo_wire::Tick;
use sigillo_wire::sasl::{Exchange, SaslError, Step};

use super::{Action, Problem, Server, Wait};

impl Server {
    pub(super) fn auth(&mut self, argument: &[u8]) -> Result<(), Problem> {
        self.may_login()?;
        let mut words = argument.split(|b| *b == b' ').filter(|word| !word.is_empty());
        let (Some(mechanism), initial, None) = (words.next(), words.next(), words.next()) else {
            return Err(Problem::Bad("AUTH meccanismo [prima-risposta]"));
        };
        let mechanism = String::from_utf8_lossy(mechanism);
        self.exchange(Exchange::start(&self.offer, &mechanism, initial))
    }

    /// A line inside the exchange.
    pub(super) fn response(&mut self, mut exchange: Exchange, line: &[u8]) -> Result<(), Problem> {
        let step = exchange.respond(line);
        self.exchange(step.map(|step| (exchange, step)))
    }

    /// A line inside the exchange that cannot be read.
    pub(super) fn no_response(&mut self, mut exchange: Exchange, problem: Problem) -> Result<(), Problem> {
        match exchange.broken(SaslError::Malformed) {
            Ok(step) => self.exchange(Ok((exchange, step))),
            Err(_) => Err(problem),
        }
    }

    /// What the exchange asked about was found out.
    pub(super) fn found(&mut self, now: Tick, answer: impl FnOnce(&mut Exchange) -> Result<Step, SaslError>) {
        match std::mem::replace(&mut self.wait, Wait::Nothing) {
            Wait::Lookup(mut exchange) => {
                let step = answer(&mut exchange);
                if let Err(Problem::Bad(why)) = self.exchange(step.map(|step| (exchange, step))) {
                    self.err(None, why);
                }
                self.touch(now);
            }
            other => self.wait = other,
        }
    }

    fn exchange(&mut self, step: Result<(Exchange, Step), SaslError>) -> Result<(), Problem> {
        match step {
            Ok((_, Step::Done(claim))) => self.ask(Wait::Login, Action::Login(claim)),
            Ok((exchange, Step::Ask(query))) => self.ask(Wait::Lookup(exchange), Action::Lookup(query)),
            Ok((exchange, Step::Challenge(challenge))) => {
                // The blank stands also before an empty challenge.
                self.write(format!("+ {challenge}\r\n").into_bytes());
                self.wait = Wait::Response(exchange);
            }
            Err(SaslError::Cancelled) => return Err(Problem::Bad("Accesso annullato")),
            Err(SaslError::Malformed) => return Err(Problem::Bad("Risposta SASL malformata")),
            Err(SaslError::Mechanism) => return Err(Problem::Bad("Meccanismo di accesso non previsto")),
            Err(SaslError::Binding) => self.err(Some("AUTH"), "Legame con il canale rifiutato"),
            Err(SaslError::Authorization) => self.err(Some("AUTH"), "Accesso per conto di altri non ammesso"),
        }
        Ok(())
    }

    pub(super) fn ask(&mut self, wait: Wait, action: Action) {
        self.wait = wait;
        self.queue.push_back(action);
    }
}
