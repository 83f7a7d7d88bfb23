//! Tokens of who administrates and has a second factor (SEC-03): each is locked until a code was said for it, and again when
//! the time that was said then is over.
//!
//! Which token is unlocked is a row of its own, since an unlocked one must say nothing of another that was stolen, and a
//! program's, which can say no code, stays unlocked as long as it is good. Removing the factor, revoking the token and ending
//! the person take the rows with them. Codes are counted by token, wherever they come from: only who has the token can lock it.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sigillo_accounts::{Person, PersonName, Token};
use sigillo_base::{PersonId, Said, Secret, Tell, Timestamp, said, told};
use sigillo_pec::log::ProofEvent;
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, tag, transact};
use sigillo_wire::Tick;

use crate::factors::{CodeSaid, Whose};
use crate::fronts::Transaction;
use crate::guard::Origin;
use crate::persons::{person_key, working};
use crate::rows::{decode, encode};
use crate::{ATTEMPTS, Engine, Enrolment, Error, LoginError};

/// How long a token is unlocked where nothing else is said: a working day.
pub const UNLOCKED_FOR: Duration = Duration::from_secs(12 * 3600);

/// A token of somebody who shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    pub(crate) id: PersonId,
    pub(crate) login: String,
    pub(crate) label: String,
    /// SHA-256 of the secret.
    pub(crate) hash: [u8; 32],
    /// It is good for nothing but to be changed.
    pub(crate) first: bool,
    /// From when it was made to its end.
    pub(crate) whole: Duration,
}

impl Bearer {
    /// What its person calls it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How long one in its place is good at the most: as long as it was in all, since it takes a permission to give more. A first
    /// one stands for the one that was meant, and says nothing of that.
    pub fn term(&self) -> Option<Duration> {
        (!self.first).then_some(self.whole)
    }

    fn whose(&self) -> Whose<'_> {
        Whose::Person { id: self.id, login: &self.login, token: Some(&self.label) }
    }
}

/// How a token stands to the second factor of its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is good for nothing but to be changed ([`Engine::change_token`]), whatever his factor is.
    First,
    /// He has none.
    NoFactor,
    /// A code is to be said for it.
    Locked,
    /// One was said.
    Unlocked,
}

/// For how long a token is unlocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// So long, and no longer than it is good.
    For(Duration),
    /// As long as it is good: a program uses it.
    Always,
}

/// Why a code did nothing.
#[derive(Debug)]
pub enum Unproven {
    /// It is none, or was said before.
    Wrong,
    /// There were too many wrong ones: until when none is judged.
    Locked(Tick),
    /// It could not be done.
    Engine(Error),
}

impl From<Error> for Unproven {
    fn from(fault: Error) -> Self {
        Self::Engine(fault)
    }
}

impl Tell for Unproven {
    fn said(&self) -> Said {
        match self {
            Self::Wrong => LoginError::WrongCode.said(),
            Self::Locked(until) => LoginError::TooManyCodes(*until).said(),
            Self::Engine(fault) => fault.said(),
        }
    }
}

told!(Unproven);

pub(crate) fn unlocked_key(hash: &[u8]) -> KeyBuilder {
    KeyBuilder::new(tag::UNLOCKED).raw(hash)
}

/// The key of the token that a row unlocks, and until when.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(KeyBuilder, Timestamp), StoreError> {
    let mut reader = KeyReader::new(key, tag::UNLOCKED)?;
    let hash = reader.array::<32>()?;
    reader.end()?;
    Ok((KeyBuilder::new(tag::TOKEN).raw(hash), Timestamp::from_millis(decode(key, value)?)))
}

/// Codes are counted wherever they come from.
pub(crate) fn anywhere() -> Origin {
    IpAddr::V6(Ipv6Addr::UNSPECIFIED).into()
}

impl<S: Store> Engine<S> {
    /// How this token stands to the second factor of its person.
    pub(crate) fn standing(&self, bearer: &Bearer, now: Timestamp) -> Result<Standing, Error> {
        if !self.factor_counts(&bearer.whose().key())? {
            return Ok(Standing::NoFactor);
        }
        let until = self.unlocked_until(&bearer.hash)?;
        Ok(if until.is_some_and(|until| now < until) { Standing::Unlocked } else { Standing::Locked })
    }

    pub(crate) fn unlocked_until(&self, hash: &[u8]) -> Result<Option<Timestamp>, Error> {
        let key = unlocked_key(hash);
        let value = self.store.get(key.as_ref())?;
        Ok(value.map(|value| read(key.as_ref(), &value)).transpose()?.map(|(_, until)| until))
    }

    /// Whether somebody who administrates has a second factor that counts.
    ///
    /// # Errors
    /// The store's fault.
    pub fn person_has_factor(&self, name: &PersonName) -> Result<bool, Error> {
        let Some((id, _)) = self.person(name)? else { return Ok(false) };
        self.factor_counts(&crate::factors::person_factor_key(id))
    }

    /// Gives an authenticator to who shows this token. It counts from its first code on ([`Engine::confirm_own_factor`]).
    ///
    /// # Errors
    /// [`Error::Invalid`] when he has one already, or the token ended meanwhile.
    pub fn begin_own_factor(&self, bearer: &Bearer, now: Timestamp) -> Result<Enrolment, Error> {
        let (seed, sealed) = self.new_seed(bearer.whose())?;
        transact(&self.store, ATTEMPTS, |tx| {
            still_good(tx, bearer, now)?;
            self.begin_in(tx, bearer.whose(), &sealed)
        })?;
        Ok(self.enrolment(&seed, &bearer.login))
    }

    /// Takes the first code of an authenticator: from now on his tokens are locked, but for this one, for which a code was
    /// just said. Gives the spare codes, which are shown once.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not its code, nothing was begun, or the token ended meanwhile.
    pub fn confirm_own_factor(
        &self,
        bearer: &Bearer,
        code: &Secret,
        by: &str,
        now: Timestamp,
    ) -> Result<Vec<Secret>, Error> {
        let spares = self.spares();
        transact(&self.store, ATTEMPTS, |tx| {
            let token = still_good(tx, bearer, now)?;
            self.confirm_in(tx, bearer.whose(), (code, &spares), by, now)?;
            unlock(tx, bearer, &token, Term::For(UNLOCKED_FOR), now);
            Ok::<_, Error>(())
        })?;
        Ok(spares)
    }

    /// Unlocks the token that is shown, by a code of its person's second factor or a spare one; tells until when. `from`: where
    /// it is shown, if that is another machine.
    ///
    /// # Errors
    /// See [`Unproven`]; [`Error::Invalid`] when he has no second factor, or the token ended meanwhile.
    pub fn unlock(
        &self,
        bearer: &Bearer,
        (code, term): (&Secret, Term),
        (by, from): (&str, Option<Origin>),
        at: (Timestamp, Tick),
    ) -> Result<Timestamp, Unproven> {
        self.with_code(bearer, code, (by, from), at, |tx, token| {
            let what = if term == Term::Always { ProofEvent::UnlockedAlways } else { ProofEvent::Unlocked };
            self.log_event(tx, bearer.whose().event(what, by), at.0);
            Ok(unlock(tx, bearer, token, term, at.0))
        })
    }

    /// Ends the second factor of who says a code of it: from now on his tokens suffice.
    ///
    /// # Errors
    /// As for [`Engine::unlock`].
    pub fn remove_own_factor(
        &self,
        bearer: &Bearer,
        code: &Secret,
        whence: (&str, Option<Origin>),
        at: (Timestamp, Tick),
    ) -> Result<(), Unproven> {
        self.with_code(bearer, code, whence, at, |tx, _| {
            self.remove_in(tx, bearer.whose(), whence.0, at.0)?;
            self.lock_all(tx, bearer.id)
        })
    }

    /// Ends the second factor of somebody who has lost it, for somebody else.
    ///
    /// # Errors
    /// [`Error::Invalid`] when he is not there or ended, or has none.
    pub fn reset_factor(&self, name: &PersonName, by: &str, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let (id, row) = working(tx, name)?;
            self.remove_in(tx, Whose::Person { id, login: &row.login, token: None }, by, now)?;
            self.lock_all(tx, id)
        })
    }

    /// Forgets what was unlocked of somebody's tokens.
    pub(crate) fn lock_all(&self, tx: &mut Transaction<'_, S>, id: PersonId) -> Result<(), Error> {
        // Of a token that is made meanwhile nothing is unlocked without a change of the factor's row, which the callers read.
        for (key, _) in self.tokens_of(id)? {
            tx.delete(unlocked_key(&key[1..]));
        }
        Ok(())
    }

    /// Does something for who says a code; every code is counted before it is judged.
    fn with_code<T>(
        &self,
        bearer: &Bearer,
        code: &Secret,
        (by, from): (&str, Option<Origin>),
        (now, tick): (Timestamp, Tick),
        then: impl Fn(&mut Transaction<'_, S>, &Token) -> Result<T, Error>,
    ) -> Result<T, Unproven> {
        let none = || {
            Error::Invalid(said!(
                "non c'è un secondo fattore: «sigillo person totp enrol»",
                "there is no second factor: “sigillo person totp enrol”"
            ))
        };
        if !self.factor_counts(&bearer.whose().key())? {
            return Err(none().into());
        }
        let name = format!("code {}", data_encoding::HEXLOWER.encode(&bearer.hash));
        self.codes.attempt(&name, anywhere(), tick).map_err(Unproven::Locked)?;
        let done = transact(&self.store, ATTEMPTS, |tx| {
            let token = still_good(tx, bearer, now)?;
            match self.judge_in(tx, bearer.whose(), Some(code), by, now)? {
                CodeSaid::Right => then(tx, &token).map(Some),
                CodeSaid::Wrong | CodeSaid::Nothing => {
                    self.log_event(tx, bearer.whose().event(ProofEvent::WrongCode, by), now);
                    Ok(None)
                }
                CodeSaid::NoFactor => Err(none()),
            }
        })?;
        match done {
            Some(done) => {
                self.codes.succeeded(&name, anywhere(), tick);
                Ok(done)
            }
            None => {
                // A place that guesses is one that guesses, whatever it guesses at.
                if let Some(place) = from {
                    self.guard.failed(&name, place, tick);
                }
                Err(Unproven::Wrong)
            }
        }
    }
}

fn unlock<S: Store>(
    tx: &mut Transaction<'_, S>,
    bearer: &Bearer,
    token: &Token,
    term: Term,
    now: Timestamp,
) -> Timestamp {
    let end = Timestamp::from_millis(token.expires);
    let until = match term {
        Term::For(time) => now.plus(time).min(end),
        Term::Always => end,
    };
    tx.put(unlocked_key(&bearer.hash), encode(&until.as_millis()));
    until
}

/// The token, if it and its person have not ended since it was shown.
pub(crate) fn still_good<S: Store>(
    tx: &mut Transaction<'_, S>,
    bearer: &Bearer,
    now: Timestamp,
) -> Result<Token, Error> {
    let ended =
        || Error::Invalid(said!("il token «{}» non vale più", "the token “{}” is no longer good", bearer.label));
    let key = KeyBuilder::new(tag::TOKEN).raw(bearer.hash);
    let token: Token = decode(&key, &tx.get(&key)?.ok_or_else(ended)?)?;
    let key = person_key(bearer.id);
    let person: Person = decode(&key, &tx.get(&key)?.ok_or_else(ended)?)?;
    if token.is_good(now.as_millis()) && person.ended.is_none() { Ok(token) } else { Err(ended()) }
}
