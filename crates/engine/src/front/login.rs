//! Logins, whatever the protocol: who is locked out is not heard, a refusal waits before it is said, and an account has
//! only so many connections.

use std::convert::Infallible;
use std::sync::Arc;

use sigillo_accounts::PasswordHash;
use sigillo_base::{MailboxId, Said, Tell, Timestamp, said};
use sigillo_imap::Deed;
use sigillo_store::Store;
use sigillo_wire::Tick;
use sigillo_wire::sasl::{Claim, Query};

use super::Peer;
use crate::claims::Found;
use crate::directory::INBOX;
use crate::idle::idle;
use crate::meter::LoginResult;
use crate::places::Place;
use crate::{Engine, Fact, Login, LoginError, grants};

/// Why nobody came in. The protocols of mail say the Italian sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Unknown user or wrong password.
    Credentials,
    /// The mailbox is blocked: told only to who knew the password, as what follows. The sentence.
    Blocked(Said),
    /// The password is to be changed, or no longer good. The sentence.
    Expired(Said),
    /// The credential is not for this. The sentence.
    Rights(Said),
    /// A code of the second factor is wanted, or another one. The sentence, and whether one was said.
    Code(Said, bool),
    /// Too many failures, or too many connections. The sentence.
    Limit(Said),
    /// It could not be checked.
    Fault,
}

/// The logins of one connection.
pub(super) struct Entrance<S> {
    engine: Arc<Engine<S>>,
    peer: Peer,
    protocol: &'static str,
    /// The refusal that is held back, and until when.
    delayed: Option<(Tick, Refused)>,
    failures: u32,
    /// Among the connections of the account.
    place: Option<Place<MailboxId>>,
    /// Who is in, and since when.
    inside: Option<(Login, Timestamp)>,
}

impl<S: Store> Entrance<S> {
    pub(super) fn new(engine: Arc<Engine<S>>, peer: Peer, protocol: &'static str) -> Self {
        Self { engine, peer, protocol, delayed: None, failures: 0, place: None, inside: None }
    }

    /// Finds out what an exchange needs to know; `None` when it is refused, as [`Entrance::enter`] does. A token that is no
    /// good is a failed login from here on: its bearer is told of it before the login fails, and may go without a word
    /// (RFC 7628 §3.2.3).
    pub(super) fn find(&mut self, query: &Query, (now, tick): (Timestamp, Tick)) -> Option<Found> {
        let user = match query {
            Query::Keys(user) => user.as_str(),
            Query::Token { user, .. } => user.as_deref().unwrap_or_default(),
        };
        let turned_away = |counted| self.engine.turned_away(user, (self.protocol, self.peer.ip), counted, now);
        match self.unless_locked(user, tick, |engine| engine.found(query)) {
            Ok(Found::Token(None)) => {
                let fails = |_: &Engine<S>| Err::<Infallible, _>(LoginError::Credentials);
                let Err((counted, _)) = self.unless_locked(user, tick, fails);
                turned_away(counted);
                Some(Found::Token(None))
            }
            Ok(found) => Some(found),
            Err((counted, refused)) => {
                turned_away(counted);
                self.refuse(refused, tick);
                None
            }
        }
    }

    /// Refuses who has heard that his token is no good, which [`Entrance::find`] has counted; whether this is he.
    pub(super) fn refuses(&mut self, claim: &Claim, tick: Tick) -> bool {
        let bad = matches!(claim, Claim::BadToken { .. });
        if bad {
            self.refuse(Refused::Credentials, tick);
        }
        bad
    }

    /// Lets `user` in when `check` says so; a refusal is said by [`Entrance::due`], later. A user who is locked out from
    /// here costs no check, and hears the same whether he knows the password or not.
    pub(super) fn enter(
        &mut self,
        user: &str,
        (now, tick): (Timestamp, Tick),
        check: impl FnOnce(&Engine<S>) -> Result<Login, LoginError>,
    ) -> Option<Login> {
        match self.enter_into(user, (now, tick), check, |_| Ok::<_, (_, Infallible)>(()))? {
            Ok((login, ())) => Some(login),
            Err(never) => match never {},
        }
    }

    /// The same for who comes for something that may not be to be had: then he was never in, and hears it at once.
    pub(super) fn enter_into<T, E>(
        &mut self,
        user: &str,
        (now, tick): (Timestamp, Tick),
        check: impl FnOnce(&Engine<S>) -> Result<Login, LoginError>,
        open: impl FnOnce(&Login) -> Result<T, (LoginResult, E)>,
    ) -> Option<Result<(Login, T), E>> {
        match self.unless_locked(user, tick, check) {
            Ok(login) => {
                self.engine.guard.succeeded(user, self.peer.ip.into(), tick);
                self.welcome(login, open, now, tick)
            }
            Err((counted, refused)) => {
                self.engine.turned_away(user, (self.protocol, self.peer.ip), counted, now);
                self.refuse(refused, tick);
                None
            }
        }
    }

    fn unless_locked<T>(
        &self,
        user: &str,
        tick: Tick,
        check: impl FnOnce(&Engine<S>) -> Result<T, LoginError>,
    ) -> Result<T, (LoginResult, Refused)> {
        let from = self.peer.ip.into();
        let checked = match self.engine.guard.locked(user, from, tick) {
            Some(until) => Err(("locked", LoginResult::Locked, locked(until, tick))),
            None => check(&self.engine).map_err(|error| {
                let counted = LoginResult::from(&error);
                let (reason, refused) = match error {
                    LoginError::Fault(error) => {
                        tracing::error!(%error, "a login cannot be checked");
                        ("fault", Refused::Fault)
                    }
                    LoginError::Credentials => ("credentials", Refused::Credentials),
                    LoginError::Blocked(_) => ("blocked", Refused::Blocked(self.sentence(&error))),
                    LoginError::MustChange | LoginError::Expired(_) => {
                        ("expired", Refused::Expired(self.to_be_changed(&error)))
                    }
                    LoginError::Rights => ("rights", Refused::Rights(self.sentence(&error))),
                    LoginError::SecondFactor => ("rights", Refused::Rights(capital(&error))),
                    LoginError::CodeWanted => ("rights", Refused::Code(capital(&error), false)),
                    LoginError::WrongCode => ("credentials", Refused::Code(capital(&error), true)),
                    LoginError::TooManyCodes(until) => ("locked", too_many_codes(until, tick)),
                };
                (reason, counted, refused)
            }),
        };
        checked.map_err(|(reason, counted, refused)| {
            self.engine.meter.note(Fact::Login(counted));
            if matches!(refused, Refused::Credentials | Refused::Code(_, true)) {
                self.engine.guard.failed(user, from, tick);
            }
            // Read by fail2ban: docs/doors.md promises this form. What the client chose comes last, quoted.
            let (peer, protocol) = (self.peer.ip, self.protocol);
            tracing::warn!(target: "sigillo::login", %peer, %protocol, %reason, ?user, "login failed");
            (counted, refused)
        })
    }

    /// Why somebody who knew his password does not come in, and where to go now.
    fn sentence(&self, error: &LoginError) -> Said {
        let (Said { it, en }, Said { it: aiuto, en: help }) = (capital(error), self.help());
        said!("{it}: rivolgersi {aiuto}", "{en}: turn {help}")
    }

    /// The same for who only has to change his password: he can do that himself.
    fn to_be_changed(&self, error: &LoginError) -> Said {
        let Said { it, en } = capital(error);
        match self.engine.rules.password_page.as_deref() {
            Some(page) => said!("{it}: si cambia su {page}", "{en}: it is changed at {page}"),
            None => {
                let Said { it: aiuto, en: help } = self.help();
                said!(
                    "{it}: si cambia con «sigillo password change»; per aiuto rivolgersi {aiuto}",
                    "{en}: it is changed by “sigillo password change”; for help turn {help}"
                )
            }
        }
    }

    fn help(&self) -> Said {
        let ours = || said!("al proprio gestore", "to your provider");
        self.engine.rules.help.as_deref().map_or_else(ours, |help| said!("a {help}", "to {help}"))
    }

    fn welcome<T, E>(
        &mut self,
        login: Login,
        open: impl FnOnce(&Login) -> Result<T, (LoginResult, E)>,
        now: Timestamp,
        tick: Tick,
    ) -> Option<Result<(Login, T), E>> {
        let Some(place) = self.engine.accounts.enter(login.mailbox) else {
            tracing::warn!(user = %login.address, peer = %self.peer.ip, "too many connections of an account");
            self.turned_back(&login, LoginResult::Full, now);
            let why = said!(
                "Troppe connessioni di questa casella, al più {}: chiuderne qualcuna",
                "Too many connections of this mailbox, at most {}: close some",
                self.engine.accounts.most()
            );
            self.refuse(Refused::Limit(why), tick);
            return None;
        };
        let opened = match open(&login) {
            Ok(opened) => opened,
            Err((why, refusal)) => {
                self.turned_back(&login, why, now);
                return Some(Err(refusal));
            }
        };
        tracing::info!(user = %login.address, credential = %login.credential(), peer = %self.peer.ip, "login");
        self.engine.meter.note(Fact::Login(LoginResult::Fine));
        self.engine.came_in(&login, (self.protocol, self.peer.ip), now);
        self.place = Some(place);
        self.ended(now);
        self.inside = Some((login.clone(), now));
        Some(Ok((login, opened)))
    }

    /// Writes that somebody who proved who he is did not come in.
    fn turned_back(&self, login: &Login, why: LoginResult, now: Timestamp) {
        self.engine.meter.note(Fact::Login(why));
        self.engine.refused(login.mailbox, login.credential(), (self.protocol, self.peer.ip), why, now);
    }

    /// Who was in goes, and the connection stays.
    pub(super) fn leave(&mut self, now: Timestamp) {
        self.place = None;
        self.ended(now);
    }

    /// The connection is over, or somebody else comes in on it: who was in went.
    pub(super) fn ended(&mut self, now: Timestamp) {
        if let Some((login, since)) = self.inside.take() {
            self.engine.went(&login, (self.protocol, self.peer.ip), since, now);
        }
    }

    /// Why a reader's login stands no more, and where to go then: its credential may have ended since, or its mailbox been
    /// blocked. What cannot be found out changes nothing.
    pub(super) fn expelled(&self, login: &Login, now: Timestamp) -> Option<String> {
        match reader(&self.engine, login.clone(), now) {
            Err(LoginError::Credentials | LoginError::Rights) => {
                Some("La credenziale è stata revocata o cambiata".to_owned())
            }
            Err(error @ LoginError::Blocked(_)) => Some(self.sentence(&error).it),
            _ => None,
        }
    }

    /// Whether somebody is in.
    pub(super) fn is_in(&self) -> bool {
        self.inside.is_some()
    }

    /// One second later each time, five at the most.
    fn refuse(&mut self, refused: Refused, tick: Tick) {
        self.failures = (self.failures + 1).min(5);
        self.delayed = Some((tick.plus_ms(u64::from(self.failures) * 1000), refused));
    }

    /// The refusal whose time has come.
    pub(super) fn due(&mut self, now: Tick) -> Option<Refused> {
        self.delayed.take_if(|(due, _)| *due <= now).map(|(_, refused)| refused)
    }

    /// When a refusal is due.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.delayed.as_ref().map(|(due, _)| *due)
    }
}

fn capital(error: &LoginError) -> Said {
    let capital = |text: String| {
        let mut chars = text.chars();
        let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        first + chars.as_str()
    };
    let Said { it, en } = error.said();
    Said { it: capital(it), en: capital(en) }
}

fn too_many_codes(until: Tick, now: Tick) -> Refused {
    let (minutes, Said { it, en }) = (minutes(until, now), capital(&LoginError::TooManyCodes(until)));
    Refused::Limit(said!("{it}, riprovare fra {minutes} min", "{en}, try again in {minutes} min"))
}

fn minutes(until: Tick, now: Tick) -> u64 {
    until.0.saturating_sub(now.0).div_ceil(60_000)
}

fn locked(until: Tick, now: Tick) -> Refused {
    let minutes = minutes(until, now);
    Refused::Limit(said!(
        "Troppi accessi falliti da questo indirizzo, riprovare fra {minutes} min",
        "Too many failed logins from this address, try again in {minutes} min"
    ))
}

/// The memory that judging a claim takes, in bytes.
pub(super) fn weight(claim: &Claim) -> usize {
    if matches!(claim, Claim::Password(_)) { PasswordHash::MEMORY } else { 0 }
}

/// This login, if it may read now.
pub(super) fn reader<S: Store>(engine: &Engine<S>, login: Login, now: Timestamp) -> Result<Login, LoginError> {
    let mailbox = engine.mailbox(login.mailbox)?.ok_or(LoginError::Credentials)?;
    if !mailbox.works(now.as_millis()) {
        return Err(LoginError::Blocked(idle(&mailbox)));
    }
    match engine.rights(&login)? {
        Some(rights) if rights.read => Ok(login),
        Some(_) => Err(LoginError::Rights),
        None => Err(LoginError::Credentials),
    }
}

/// This login, if its rights in the INBOX allow this.
pub(super) fn in_inbox<S: Store>(engine: &Engine<S>, login: Login, deed: Deed) -> Result<Login, LoginError> {
    let rights = grants::granted(engine, login.mailbox, INBOX, &login.credential())?;
    if deed.allowed(rights) { Ok(login) } else { Err(LoginError::Rights) }
}
