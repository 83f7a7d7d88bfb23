//! From octets to commands, and what the session does by itself.

use sigillo_wire::Tick;
use sigillo_wire::sasl::{self, Claim, Exchange, SaslError};

use super::{Action, Append, Dialogue, MAX_STRANGER_LITERAL, Pending, Server, Wait};
use crate::command::append::{Announced, Before, HeaderSection, Next, Reading};
use crate::command::{self, Command, Needs};
use crate::cursor::Problem;
use crate::enabled::Enabled;
use crate::framer::{Event, Fault};
use crate::notify::Notices;
use crate::work::highest;
use crate::{Code, Refusal, Request};

impl Server {
    /// Goes on until something is missing: octets, an answer, a decision.
    pub(super) fn advance(&mut self, now: Tick) {
        while !self.closed && matches!(self.wait, Wait::Nothing) {
            if self.stopping && self.append.is_none() {
                return self.bye("Il servizio si ferma, ricollegarsi fra poco");
            }
            match self.framer.next_event(self.dialogue.is_some()) {
                Some(event) => self.event(event, now),
                None if self.ended => return self.close(),
                None => return,
            }
        }
    }

    fn event(&mut self, event: Event, now: Tick) {
        match event {
            Event::Command(rest) if self.append.is_some() => self.append_end(&rest),
            Event::Command(text) => match self.dialogue.take() {
                Some(Dialogue::Sasl { tag, exchange }) => self.sasl_line(tag, exchange, &text),
                Some(Dialogue::Idle { tag }) => self.idle_line(tag, &text),
                None => self.command(&text, now),
            },
            Event::Literal { size, sync } => self.literal(size, sync),
            Event::Chunk(bytes) => self.append_chunk(bytes),
            Event::Streamed => self.touch(now),
            Event::Broken(fault, text) => self.broken(fault, &text),
            Event::Lost => self.bye("Dati non interpretabili"),
        }
    }

    /// Decides about a literal, before the client may send it where it asks.
    fn literal(&mut self, size: u32, sync: bool) {
        if let Err(problem) = self.literal_problem(size, sync) {
            self.refuse_literal(problem);
        }
    }

    /// The framer passes over what of the literal comes anyway, however long that takes, and then it is said: with the tag of
    /// the APPEND, if it is one of its literals. What came of that before is needed no more.
    pub(super) fn refuse_literal(&mut self, problem: Problem) {
        if self.append.is_some() {
            self.actions.push_back(Action::AppendDropped);
        }
        self.refused = Some(problem);
        self.framer.refuse();
    }

    fn literal_problem(&mut self, size: u32, sync: bool) -> Result<(), Problem> {
        if !sync && self.enabled.without.holds("LITERAL+") {
            return Err(Problem::Bad("Literals without waiting are not taken"));
        }
        let text = self.framer.text().to_vec();
        if let Some(append) = &self.append {
            let (tag, reading, octets) = (append.tag.clone(), append.reading.clone(), append.octets);
            return self.append_literal(tag, reading, &text, octets, size, sync);
        }
        let (tag, rest) = command::tag(&text);
        let tag = tag.ok_or(Problem::Bad("Missing tag"))?;
        let name = command::name(rest);
        let args = &rest[name.len()..];
        match name.as_str() {
            "APPEND" if self.user.is_some() => {
                return self.append_literal(tag, Reading::append(self.enabled), args, 0, size, sync);
            }
            "REPLACE" if self.selected.is_some() => {
                return self.append_literal(tag, Reading::replace(false, self.enabled), args, 0, size, sync);
            }
            "UID" if self.selected.is_some() && starts_with_word(args, b" REPLACE ") => {
                return self.append_literal(
                    tag,
                    Reading::replace(true, self.enabled),
                    &args[" REPLACE".len()..],
                    0,
                    size,
                    sync,
                );
            }
            _ => {}
        }
        if self.user.is_none() {
            if name == "LOGIN" && !self.may_login() {
                return Err(privacy());
            }
            if size > MAX_STRANGER_LITERAL {
                return Err(Problem::Bad("Literal too big"));
            }
        }
        self.keep_literal(size, sync)
    }

    fn keep_literal(&mut self, size: u32, sync: bool) -> Result<(), Problem> {
        if !self.framer.fits(size) {
            return Err(Problem::Bad("Command too long"));
        }
        self.framer.keep();
        if sync {
            self.line("+ Ready");
        }
        Ok(())
    }

    /// A literal of APPEND or REPLACE, behind `text`, which follows what was read before.
    fn append_literal(
        &mut self,
        tag: String,
        mut reading: Reading,
        text: &[u8],
        came: u64,
        size: u32,
        sync: bool,
    ) -> Result<(), Problem> {
        let eight = match reading.read(text, Some(Announced { size }))? {
            Next::Streams { eight } => eight,
            Next::Kept | Next::End => return self.keep_literal(size, sync),
        };
        let octets = came + u64::from(size);
        if octets > self.config.max_literal {
            return Err(Refusal::new(Code::TooBig, "Il messaggio supera la dimensione ammessa").into());
        }
        let (wrong, header) =
            self.append.take().map_or((None, HeaderSection::LineStart), |append| (append.wrong, append.header));
        let header = match reading.before_literal() {
            _ if self.enabled.takes_utf8() => HeaderSection::Over,
            Before::Nothing => HeaderSection::LineStart,
            Before::Literals => header,
            // What is in the mailbox was let in.
            Before::Others => HeaderSection::Over,
        };
        let request = Request::Append {
            mailbox: reading.mailbox().to_owned(),
            size: octets,
            first: came == 0,
            replaced: reading.replaced().cloned(),
        };
        self.append = Some(Append { tag: tag.clone(), reading, sync, eight, octets, header, wrong });
        self.ask(Some(tag), request);
        Ok(())
    }

    fn append_chunk(&mut self, bytes: Vec<u8>) {
        if let Some(append) = self.append.as_mut() {
            if append.header.has_eight_bits(&bytes) {
                // RFC 6855 §4; it asks for this in so many words.
                append.wrong =
                    Some(Refusal::new(Code::Cannot, "Intestazione non ASCII senza ENABLE UTF8=ACCEPT").into());
            }
            if memchr::memchr(0, &bytes).is_some() {
                // What is kept is text: octets that would need the encoding "binary" are refused (RFC 3516 §4.4).
                let binary = || Refusal::new(Code::UnknownCte, "Contenuto binario senza codifica non ammesso").into();
                append.wrong = Some(if append.eight { binary() } else { Problem::Bad("NUL in literal") });
            }
        }
        self.actions.push_back(Action::AppendChunk(bytes));
    }

    /// The messages have come; this is the end of the command's text.
    fn append_end(&mut self, rest: &[u8]) {
        let Some(Append { tag, mut reading, octets, wrong, .. }) = self.append.take() else { return };
        let end = reading.read(rest, None).and_then(|_| reading.done(octets));
        match wrong.map_or(end, Err) {
            Ok(request) => self.ask(Some(tag), request),
            Err(problem) => {
                self.actions.push_back(Action::AppendDropped);
                self.problem(&tag, problem);
            }
        }
    }

    fn broken(&mut self, fault: Fault, text: &[u8]) {
        let tag = match self.append.take() {
            Some(append) => {
                if fault != Fault::Refused {
                    self.actions.push_back(Action::AppendDropped);
                }
                append.tag
            }
            None => command::tag(text).0.unwrap_or_else(|| "*".into()),
        };
        // A broken line ends a dialogue like a wrong one.
        let tag = match self.dialogue.take() {
            Some(Dialogue::Sasl { tag, mut exchange }) => match exchange.broken(SaslError::Malformed) {
                Ok(step) => return self.sasl(tag, Ok((exchange, step))),
                Err(_) => tag,
            },
            Some(Dialogue::Idle { tag }) => {
                self.actions.push_back(Action::IdleEnd);
                tag
            }
            None => tag,
        };
        let refused = self.refused.take().filter(|_| fault == Fault::Refused);
        let problem = refused.unwrap_or(Problem::Bad(match fault {
            Fault::TooLong => "Command too long",
            Fault::Stray => "NUL, bare CR or bare LF in command",
            Fault::Number => "Wrong literal size",
            Fault::Refused => "Literal refused",
        }));
        self.problem(&tag, problem);
    }

    fn command(&mut self, text: &[u8], now: Tick) {
        let (tag, rest) = command::tag(text);
        let Some(tag) = tag else { return self.problem("*", Problem::Bad("Missing tag")) };
        let (user, folder) = (self.user.is_some(), self.selected.is_some());
        let allowed = |needs| match needs {
            Needs::Any => true,
            Needs::Stranger => !user,
            Needs::User => user,
            Needs::Folder => folder,
        };
        match command::read(rest, self.enabled, allowed) {
            Ok(command) => {
                self.bad_commands = 0;
                self.obey(tag, command, now);
            }
            Err(problem) => self.problem(&tag, problem),
        }
    }

    fn obey(&mut self, tag: String, command: Command, now: Tick) {
        match command {
            Command::Request(request) => self.ask(Some(tag), request),
            Command::Noop if self.selected.is_some() || self.notices.listens() => self.ask(Some(tag), Request::Poll),
            Command::Noop => self.line(&format!("{tag} OK NOOP completed")),
            Command::Capability => {
                let capabilities = self.capabilities();
                self.line(&format!("* CAPABILITY {capabilities}\r\n{tag} OK CAPABILITY completed"));
            }
            Command::Id => self.line(&format!("* ID (\"name\" \"Sigillo\")\r\n{tag} OK ID completed")),
            Command::Enable(names) => self.enable(&tag, &names),
            Command::Namespace => {
                let personal = format!("((\"\" \"{}\"))", crate::DELIMITER);
                self.line(&format!("* NAMESPACE {personal} NIL NIL\r\n{tag} OK NAMESPACE completed"));
            }
            Command::Compress if self.compressed => {
                self.problem(&tag, Refusal::new(Code::CompressionActive, "La connessione e' gia' compressa").into());
            }
            Command::Compress => {
                self.line(&format!("{tag} OK DEFLATE active"));
                self.compressed = true;
                // What was sent without waiting for the answer is neither one nor the other.
                self.framer.clear();
                self.actions.push_back(Action::Compress);
            }
            Command::Unauthenticate => self.unauthenticate(&tag, now),
            Command::Logout => {
                self.line(&format!("* BYE Arrivederci\r\n{tag} OK LOGOUT completed"));
                self.close();
            }
            Command::StartTls if self.tls => self.problem(&tag, Problem::Bad("TLS is active already")),
            Command::StartTls => {
                self.line(&format!("{tag} OK Begin TLS negotiation now"));
                self.framer.clear();
                self.wait = Wait::Tls;
                self.actions.push_back(Action::StartTls);
            }
            Command::Login(_) | Command::Authenticate { .. } if !self.may_login() => self.problem(&tag, privacy()),
            Command::Login(credentials) => self.login(tag, Claim::Password(credentials)),
            Command::Authenticate { mechanism, initial } => {
                self.sasl(tag, Exchange::start(&self.offer, &mechanism, initial.as_deref()));
            }
            Command::Idle => {
                self.dialogue = Some(Dialogue::Idle { tag });
                self.line("+ idling");
                self.actions.push_back(Action::IdleStart);
                if self.listens() {
                    // What happened before the watch began would never be told.
                    self.ask(None, Request::Poll);
                }
            }
        }
    }

    /// As it was before the login, but for TLS (RFC 8437 §3).
    fn unauthenticate(&mut self, tag: &str, now: Tick) {
        (self.user, self.selected, self.enabled) = (None, None, Enabled::of(&self.config.without));
        (self.notices, self.target) = (Notices::default(), None);
        self.deadline = now.plus_ms(self.config.login_timeout_ms);
        self.actions.push_back(Action::LoggedOut);
        let capabilities = self.capabilities();
        let line = format!("{tag} OK [CAPABILITY {capabilities}] Nobody is logged in");
        if std::mem::take(&mut self.compressed) {
            // What was compressed and stands behind the command should not be there.
            self.framer.clear();
            self.actions.push_back(Action::Expand(format!("{line}\r\n").into_bytes()));
        } else {
            self.line(&line);
        }
    }

    fn enable(&mut self, tag: &str, names: &[String]) {
        let before = self.enabled;
        let on: Vec<&str> = names.iter().filter_map(|name| self.enabled.switch_on(name)).collect();
        self.line(&["* ENABLED"].into_iter().chain(on).collect::<Vec<_>>().join(" "));
        if let (Some(folder), true) = (&self.selected, self.enabled.condstore && !before.condstore) {
            self.line(&highest(folder.told()));
        }
        self.line(&format!("{tag} OK ENABLE completed"));
    }

    pub(super) fn ask(&mut self, tag: Option<String>, request: Request) {
        self.wait = Wait::Request(Box::new(Pending::new(tag, request.clone())));
        self.actions.push_back(Action::Request(request));
    }

    fn login(&mut self, tag: String, claim: Claim) {
        self.wait = Wait::Login { tag, error: claim.error() };
        self.actions.push_back(Action::Login(claim));
    }

    fn sasl_line(&mut self, tag: String, mut exchange: Exchange, line: &[u8]) {
        let step = exchange.respond(line);
        self.sasl(tag, step.map(|s| (exchange, s)));
    }

    pub(super) fn sasl(&mut self, tag: String, step: Result<(Exchange, sasl::Step), SaslError>) {
        match step {
            Ok((_, sasl::Step::Done(claim))) => self.login(tag, claim),
            Ok((exchange, sasl::Step::Ask(query))) => {
                self.wait = Wait::Lookup { tag, exchange };
                self.actions.push_back(Action::Lookup(query));
            }
            Ok((exchange, sasl::Step::Challenge(challenge))) => {
                self.line(&format!("+ {challenge}"));
                self.dialogue = Some(Dialogue::Sasl { tag, exchange });
            }
            Err(error) => self.no_exchange(&tag, error),
        }
    }

    /// Answers an exchange that is none (RFC 3501 §6.2.2).
    pub(super) fn no_exchange(&mut self, tag: &str, error: SaslError) {
        match error {
            SaslError::Cancelled => self.problem(tag, Problem::Bad("Authentication cancelled")),
            SaslError::Malformed => self.problem(tag, Problem::Bad("Malformed SASL response")),
            SaslError::Mechanism => {
                self.problem(tag, Refusal::new(Code::Cannot, "Meccanismo di accesso non previsto").into());
            }
            SaslError::Binding => {
                self.line(&format!("{tag} NO [AUTHENTICATIONFAILED] Channel binding refused"));
            }
            SaslError::Authorization => {
                self.line(&format!("{tag} NO [AUTHORIZATIONFAILED] Accesso per conto di altri non ammesso"));
            }
        }
    }

    fn idle_line(&mut self, tag: String, line: &[u8]) {
        self.actions.push_back(Action::IdleEnd);
        if line.eq_ignore_ascii_case(b"DONE") {
            self.line(&format!("{tag} OK IDLE completed"));
        } else {
            self.problem(&tag, Problem::Bad("Expected DONE"));
        }
    }
}

fn starts_with_word(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word))
}

/// The answer to a password in the open.
fn privacy() -> Problem {
    Problem::No(Refusal::new(Code::PrivacyRequired, "Accesso possibile solo con TLS"))
}
