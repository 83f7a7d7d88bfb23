//! Second factors: the authenticator of who holds a mailbox, beside his password, and of who administrates, beside his token
//! (SEC-03). One kind of row and one way to judge a code, whosever it is; what it opens differs.
//!
//! A mail program keeps a password and says it again and again: no code helps there. So whoever has a second factor gives his
//! mail programs passwords of their own (credentials of applications), and his main one opens his own door alone, with a code.
//! A token of who administrates is unlocked by one for some hours ([`unlocks`](crate::unlocks)).
//!
//! The seed has to be read to be compared, so that it is closed with a key outside of the store where there is one
//! ([`Seal`]). Spare codes have 80 random bits: their digests tell nobody anything, however fast they are made.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sigillo_accounts::{CredentialName, Seal, Sealed, Seed};
use sigillo_base::{MailboxId, PersonId, Secret, Timestamp, said};
use sigillo_pec::log::{ProofEvent, ServiceEvent};
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};
use sigillo_wire::Tick;

use crate::credentials::read_key;
use crate::fronts::Transaction;
use crate::rows::{decode, encode};
use crate::unlocks::anywhere;
use crate::{ATTEMPTS, Engine, Error, Login, LoginError};

/// Spare codes that somebody gets.
const SPARES: usize = 8;
/// Letters of a spare code, five bits each.
const LETTERS: usize = 16;
/// Letters and digits that read well, 32 of them.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A second factor.
#[derive(Serialize, Deserialize)]
pub(crate) struct FactorRow {
    seed: Sealed,
    /// Since when it is wanted; before its first code it is not.
    since: Option<i64>,
    /// The step of the last code: none is good twice.
    used: u64,
    /// SHA-256 of the spare codes that are left.
    spares: Vec<[u8; 32]>,
}

/// Whose a second factor is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// Of who proved himself by a mailbox's credential.
    Credential(&'a Login),
    /// Of somebody who administrates.
    Person {
        /// His number.
        id: PersonId,
        /// What he is called.
        login: &'a str,
        /// What he calls the token that he shows; none where somebody else acts for him.
        token: Option<&'a str>,
    },
}

impl Whose<'_> {
    pub(crate) fn key(self) -> KeyBuilder {
        match self {
            Self::Credential(login) => factor_key(login.mailbox, &login.credential()),
            Self::Person { id, .. } => person_factor_key(id),
        }
    }

    /// What adds one.
    const fn verb(self) -> &'static str {
        match self {
            Self::Credential(_) => "sigillo totp enrol",
            Self::Person { .. } => "sigillo person totp enrol",
        }
    }

    /// The line about it.
    pub(crate) fn event(self, what: ProofEvent, by: &str) -> ServiceEvent {
        let by = by.to_owned();
        match self {
            Self::Credential(login) => {
                let (address, credential) = (login.address.as_str().to_owned(), login.credential().as_str().to_owned());
                ServiceEvent::Proof { what, address, credential, by }
            }
            Self::Person { login, token, .. } => {
                ServiceEvent::PersonProof { what, person: login.to_owned(), token: token.map(str::to_owned), by }
            }
        }
    }
}

/// What a code comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeSaid {
    /// There is no second factor that counts.
    NoFactor,
    /// There is one, and no code was said.
    Nothing,
    /// It is one that was never said before, or a spare one: now it is used.
    Right,
    /// It is none.
    Wrong,
}

fn factor_key(id: MailboxId, name: &CredentialName) -> KeyBuilder {
    KeyBuilder::new(tag::SECOND_FACTOR).mailbox(id).text(name.as_str())
}

pub(crate) fn person_factor_key(id: PersonId) -> KeyBuilder {
    KeyBuilder::new(tag::PERSON_FACTOR).u64(id.0)
}

/// Whose a row is.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<(MailboxId, CredentialName), sigillo_store::Error> {
    decode::<FactorRow>(key, value)?;
    read_key(key)
}

/// The same of who administrates.
pub(crate) fn read_person(key: &[u8], value: &[u8]) -> Result<PersonId, sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::PERSON_FACTOR)?;
    let id = PersonId(reader.u64()?);
    reader.end()?;
    decode::<FactorRow>(key, value)?;
    Ok(id)
}

/// What an authenticator is given: shown once.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// What is typed into it.
    pub seed: Secret,
    /// The same as a link.
    pub uri: Secret,
}

impl<S: Store> Engine<S> {
    /// Takes the key that seeds are closed with, or none.
    pub fn replace_seal(&self, seal: Arc<Seal>) {
        *self.seal.write() = seal;
    }

    /// Whether this credential wants a second factor.
    ///
    /// # Errors
    /// The store's fault.
    pub fn has_factor(&self, id: MailboxId, name: &CredentialName) -> Result<bool, Error> {
        self.factor_counts(&factor_key(id, name))
    }

    pub(crate) fn factor_counts(&self, key: &KeyBuilder) -> Result<bool, Error> {
        let Some(value) = self.store.get(key.as_ref())? else { return Ok(false) };
        Ok(decode::<FactorRow>(key, &value)?.since.is_some())
    }

    /// Gives an authenticator to who has proven himself. It counts from its first code on ([`Engine::confirm_factor`]).
    ///
    /// # Errors
    /// [`Error::Invalid`] when he has one already.
    pub fn begin_factor(&self, login: &Login, user: &str) -> Result<Enrolment, Error> {
        let whose = Whose::Credential(login);
        let (seed, sealed) = self.new_seed(whose)?;
        transact(&self.store, ATTEMPTS, |tx| self.begin_in(tx, whose, &sealed))?;
        Ok(self.enrolment(&seed, user))
    }

    /// Takes the first code of an authenticator: from now on one is wanted. Gives the spare codes, for when it is lost; they
    /// are shown once.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not its code, or nothing was begun.
    pub fn confirm_factor(&self, login: &Login, code: &Secret, by: &str, now: Timestamp) -> Result<Vec<Secret>, Error> {
        let spares = self.spares();
        transact(&self.store, ATTEMPTS, |tx| self.confirm_in(tx, Whose::Credential(login), (code, &spares), by, now))?;
        self.bell.mailbox_changed(login.mailbox);
        Ok(spares)
    }

    /// Lets pass who has no second factor, or says a code of it that was never said before, or a spare one. Codes are counted
    /// before they are judged, from wherever they come: who has the password alone can guess, and only he is kept waiting.
    ///
    /// # Errors
    /// [`LoginError::CodeWanted`] without a code, [`LoginError::WrongCode`], [`LoginError::TooManyCodes`].
    pub fn check_factor(
        &self,
        login: &Login,
        code: Option<&Secret>,
        by: &str,
        (now, tick): (Timestamp, Tick),
    ) -> Result<(), LoginError> {
        let whose = Whose::Credential(login);
        let counted = code.is_some() && self.factor_counts(&whose.key())?;
        let name = format!("code {}/{}", login.mailbox.0, login.credential());
        if counted {
            self.codes.attempt(&name, anywhere(), tick).map_err(LoginError::TooManyCodes)?;
        }
        match transact(&self.store, ATTEMPTS, |tx| self.judge_in(tx, whose, code, by, now))? {
            CodeSaid::NoFactor => Ok(()),
            CodeSaid::Right => {
                self.codes.succeeded(&name, anywhere(), tick);
                Ok(())
            }
            CodeSaid::Nothing => Err(LoginError::CodeWanted),
            CodeSaid::Wrong => Err(LoginError::WrongCode),
        }
    }

    /// Ends a second factor: of who has proven himself with it, or of who lost it, by the administration.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none.
    pub fn remove_factor(&self, login: &Login, by: &str, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| self.remove_in(tx, Whose::Credential(login), by, now))
    }

    /// Draws a seed, and closes it for the row of this one.
    pub(crate) fn new_seed(&self, whose: Whose<'_>) -> Result<(Seed, Sealed), Error> {
        let mut bytes = [0; sigillo_accounts::SEED];
        let (first, second) = (self.ids.next_id().to_be_bytes(), self.ids.next_id().to_be_bytes());
        bytes[..16].copy_from_slice(&first);
        bytes[16..].copy_from_slice(&second[..4]);
        let seed = Seed::new(bytes);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&self.ids.next_id().to_be_bytes()[..12]);
        let sealed = self.seal.read().close(seed.expose(), whose.key().as_ref(), nonce);
        Ok((
            seed,
            sealed.ok_or_else(|| {
                Error::Invalid(said!("il seme non si è potuto cifrare", "the seed could not be encrypted"))
            })?,
        ))
    }

    pub(crate) fn enrolment(&self, seed: &Seed, user: &str) -> Enrolment {
        Enrolment { seed: seed.text(), uri: seed.uri(&self.provider.name, user) }
    }

    /// Spare codes for who confirms.
    pub(crate) fn spares(&self) -> Vec<Secret> {
        (0..SPARES).map(|_| self.spare()).collect()
    }

    pub(crate) fn begin_in(&self, tx: &mut Transaction<'_, S>, whose: Whose<'_>, sealed: &Sealed) -> Result<(), Error> {
        let key = whose.key();
        if let Some(value) = tx.get(&key)?
            && decode::<FactorRow>(&key, &value)?.since.is_some()
        {
            return Err(Error::Invalid(said!(
                "il secondo fattore c'è già: prima si toglie, con un suo codice",
                "there is a second factor already: remove it first, by a code of it"
            )));
        }
        tx.put(&key, encode(&FactorRow { seed: sealed.clone(), since: None, used: 0, spares: Vec::new() }));
        Ok(())
    }

    pub(crate) fn confirm_in(
        &self,
        tx: &mut Transaction<'_, S>,
        whose: Whose<'_>,
        (code, spares): (&Secret, &[Secret]),
        by: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = whose.key();
        let none = || {
            Error::Invalid(said!(
                "non c'è un secondo fattore da confermare: «{}»",
                "there is no second factor to confirm: “{}”",
                whose.verb()
            ))
        };
        let mut row: FactorRow = decode(&key, &tx.get(&key)?.ok_or_else(none)?)?;
        if row.since.is_some() {
            return Err(none());
        }
        let step = self.seed(&key, &row)?.step_of(code, now, row.used);
        row.used = step.ok_or_else(|| {
            Error::Invalid(said!(
                "il codice non è quello dell'applicazione: l'ora del telefono è giusta?",
                "the code is not the application's: is the telephone's time right?"
            ))
        })?;
        row.since = Some(now.as_millis());
        row.spares = spares.iter().map(digest).collect();
        tx.put(&key, encode(&row));
        self.log_event(tx, whose.event(ProofEvent::FactorAdded, by), now);
        Ok(())
    }

    /// What a code comes to; one that is right is used up in this transaction.
    pub(crate) fn judge_in(
        &self,
        tx: &mut Transaction<'_, S>,
        whose: Whose<'_>,
        code: Option<&Secret>,
        by: &str,
        now: Timestamp,
    ) -> Result<CodeSaid, Error> {
        let key = whose.key();
        let Some(value) = tx.get(&key)? else { return Ok(CodeSaid::NoFactor) };
        let mut row: FactorRow = decode(&key, &value)?;
        if row.since.is_none() {
            return Ok(CodeSaid::NoFactor);
        }
        let Some(code) = code else { return Ok(CodeSaid::Nothing) };
        let spare = digest(code);
        // A spare one is good also where the seed does not open any more.
        if let Some(at) = row.spares.iter().position(|known| *known == spare) {
            row.spares.remove(at);
            self.log_event(tx, whose.event(ProofEvent::SpareUsed, by), now);
        } else if let Some(step) = self.seed(&key, &row)?.step_of(code, now, row.used) {
            row.used = step;
        } else {
            return Ok(CodeSaid::Wrong);
        }
        tx.put(&key, encode(&row));
        Ok(CodeSaid::Right)
    }

    pub(crate) fn remove_in(
        &self,
        tx: &mut Transaction<'_, S>,
        whose: Whose<'_>,
        by: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = whose.key();
        if tx.get(&key)?.is_none() {
            return Err(Error::Invalid(said!("non c'è un secondo fattore", "there is no second factor")));
        }
        tx.delete(&key);
        self.log_event(tx, whose.event(ProofEvent::FactorRemoved, by), now);
        Ok(())
    }

    fn seed(&self, key: &KeyBuilder, row: &FactorRow) -> Result<Seed, Error> {
        let shut = || {
            Error::Invalid(said!(
                "il seme del secondo fattore non si apre: passwords.seal_key non è quella di allora",
                "the seed of the second factor cannot be opened: passwords.seal_key is not that of then"
            ))
        };
        let bytes = self.seal.read().open(&row.seed, key.as_ref()).ok_or_else(shut)?;
        Ok(Seed::new(bytes.try_into().map_err(|_| shut())?))
    }

    fn spare(&self) -> Secret {
        let bits = self.ids.next_id();
        let letter = |n: usize| char::from(ALPHABET[(bits >> (5 * n)) as usize & 31]);
        let letters = (0..LETTERS).map(letter).collect::<Vec<_>>();
        Secret::new(letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
    }
}

/// Of a spare code, however it is typed. Codes are found by it, so that their comparing tells nothing by its time.
fn digest(code: &Secret) -> [u8; 32] {
    let bare: String = code.expose().to_lowercase().chars().filter(|c| !" -".contains(*c)).collect();
    let bare = Secret::new(bare);
    sigillo_smime::sha256(bare.expose().as_bytes())
}
