//! A password set anew by who cannot say the present one (PWD-01, PWD-05): a one-time secret goes to where the holder is
//! reached outside of his mailbox, and whoever says it chooses the password. Nobody else ever sees one.
//!
//! The secret has 40 random bits, since a person copies it from a short message. A plain digest of so few would give it to who
//! steals the store long before it ends; as argon2id each guess costs what a guess at a password does, and 2^40 of them in a
//! quarter of an hour nobody pays. Through the door there are five. It is used up by its use because the password has changed
//! since: that ends it, whoever changed it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Channel, Concern, CredentialName, LoginName, NoticeKind, PasswordHash, Request};
use sigillo_base::{Address, MailboxId, Said, Secret, Tell, Timestamp, said};
use sigillo_pec::log::{ProofEvent, ServiceEvent};
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};
use sigillo_wire::Tick;

use crate::contacts::contact_in;
use crate::credentials::Proven;
use crate::fronts::Transaction;
use crate::notices::Notice;
use crate::passwords::Setting;
use crate::rows::{credential_key, decode, encode};
use crate::{ATTEMPTS, Engine, Error, Lockout, Login, LoginError, Origin, idle};

/// How long a secret is good.
pub const GOOD_FOR: Duration = Duration::from_secs(15 * 60);
/// How often one may be guessed at.
const TRIES: u8 = 5;
/// So many secrets of a mailbox in an hour by whoever asks for them: each is a message that somebody gets and pays for.
const AN_HOUR: usize = 3;
/// And in a day.
const A_DAY: usize = 6;
/// Who asks for whomever: each secret is a message, and nobody needs many from one place.
pub(crate) const LIMIT: Lockout = Lockout { of_account: 3, of_place: 20, first_ms: 600_000, most_ms: 24 * 3_600_000 };
const HOUR_MS: i64 = 3_600_000;
/// Letters and digits that read well, 32 of them.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Letters of a secret: 40 bits.
const LETTERS: usize = 8;

/// What is known of the last secret of a mailbox.
#[derive(Serialize, Deserialize)]
pub(crate) struct ResetRow {
    secret: PasswordHash,
    until: i64,
    /// How often it may still be guessed at.
    tries: u8,
    /// When the owner's credential got the password that it stands in for.
    over: i64,
    /// When secrets were asked for in the last day.
    asked: Vec<i64>,
}

fn reset_key(id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::RESET).mailbox(id)
}

/// The row, if it is one.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<MailboxId, sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::RESET)?;
    let id = reader.mailbox()?;
    reader.end()?;
    decode::<ResetRow>(key, value)?;
    Ok(id)
}

/// Who asks for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking<'a> {
    /// Anybody who says that it is his mailbox; from where.
    Anybody(&'a str),
    /// Somebody of the administration: he is not limited, and the register has it.
    Administration(&'a Request),
}

impl<S: Store> Engine<S> {
    /// Counts somebody who asks for a secret; until when he is not heard, where he asked too often. It does not depend on
    /// whether there is such a mailbox.
    pub fn reset_asked(&self, user: &str, from: Origin, tick: Tick) -> Option<Tick> {
        let locked = self.resets.locked(user, from, tick);
        if locked.is_none() {
            self.resets.failed(user, from, tick);
        }
        locked
    }

    /// Sends the holder of a mailbox a one-time secret; gives where it went. It costs a slow hash, also when it sends nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox, it is blocked, nobody knows where its holder is reached, or it got
    /// too many. Whoever asks without a role must not hear which.
    pub fn ask_reset(&self, address: &Address, asking: Asking<'_>, now: Timestamp) -> Result<Channel, Error> {
        let bits = self.ids.next_id();
        let letters = (0..LETTERS).map(|n| char::from(ALPHABET[(bits >> (5 * n)) as usize & 31]));
        let secret = Secret::new(letters.collect());
        let salt = self.ids.next_id().to_be_bytes();
        let hash = PasswordHash::create(&secret, salt).map_err(|e| Error::Invalid(e.said()))?;
        let invalid = |why: Said| Error::Invalid(why.about(address.as_str()));
        let row = self
            .find_mailbox(address)?
            .ok_or_else(|| invalid(said!("la casella non c'è", "there is no such mailbox")))?;
        if !row.works(now.as_millis()) {
            return Err(idle::refused(&row));
        }
        let id = MailboxId(row.id);
        self.is_ours_to_give(id, &CredentialName::owner())?;
        transact(&self.store, ATTEMPTS, |tx| {
            let to = contact_in(tx, id)?.channels().into_iter().next();
            let to = to.ok_or_else(|| {
                invalid(said!(
                    "non si sa dove raggiungere chi la tiene: «sigillo mailbox contact»",
                    "nobody knows where its holder is reached: “sigillo mailbox contact”"
                ))
            })?;
            let (key, owner) = (reset_key(id), credential_key(id, &CredentialName::owner()));
            let had: Option<ResetRow> = tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?;
            let mut asked = had.map(|row| row.asked).unwrap_or_default();
            let since = |ms: i64| move |at: &&i64| now.as_millis().saturating_sub(**at) < ms;
            if let Asking::Anybody(_) = asking
                && (asked.iter().filter(since(HOUR_MS)).count() >= AN_HOUR
                    || asked.iter().filter(since(24 * HOUR_MS)).count() >= A_DAY)
            {
                return Err(invalid(said!(
                    "ha già avuto abbastanza segreti per ora",
                    "it has had enough secrets for now"
                )));
            }
            asked.retain(|at| since(24 * HOUR_MS)(&at));
            asked.push(now.as_millis());
            let credential = tx.get(&owner)?.ok_or_else(|| {
                invalid(said!("non ha la credenziale del titolare", "it has no credential of its owner"))
            })?;
            let over = decode::<sigillo_accounts::Credential>(&owner, &credential)?.changed;
            let until = now.plus(GOOD_FOR);
            tx.put(
                &key,
                encode(&ResetRow { secret: hash.clone(), until: until.as_millis(), tries: TRIES, over, asked }),
            );
            self.tell_in(tx, &self.secret_notice(id, address, &to, &secret, until), now)?;
            let by = match asking {
                Asking::Anybody(from) => from,
                Asking::Administration(request) => {
                    self.record_password(tx, id, "inviato un segreto per impostarla", request)?;
                    &request.confirmed_by
                }
            };
            self.log_proof(tx, ProofEvent::ResetAsked, address, by, now);
            Ok(to)
        })
    }

    fn secret_notice(
        &self,
        id: MailboxId,
        address: &Address,
        to: &Channel,
        secret: &Secret,
        until: Timestamp,
    ) -> Notice {
        let (one, two) = secret.expose().split_at(LETTERS / 2);
        let until_text = until.to_string();
        let at = until_text.get(11..16).unwrap_or_default();
        let text = format!(
            "{}: il codice per la nuova password di {address} è {one}-{two}, valido fino alle {at}. Chi non l'ha chiesto non faccia niente.",
            self.provider.name
        );
        Notice {
            kind: NoticeKind::Reset,
            to: to.clone(),
            about: Concern::Mailbox(id),
            subject: "Nuova password della casella PEC".to_owned(),
            text: Secret::new(text),
            not_after: until,
        }
    }

    /// Who proves himself by a one-time secret; he may set a password with it and nothing else. A guess is counted before it
    /// is judged.
    ///
    /// # Errors
    /// [`LoginError::Credentials`] whatever is wrong, as late as a wrong secret of somebody who has one.
    pub fn prove_reset(&self, user: &str, secret: &Secret, by: &str, now: Timestamp) -> Result<Login, LoginError> {
        let said: String = secret.expose().to_lowercase().chars().filter(|c| !" -".contains(*c)).collect();
        let said = Secret::new(said);
        let nobody = || {
            PasswordHash::verify_nobody(&said);
            LoginError::Credentials
        };
        let name = LoginName::parse(user).filter(|name| name.credential.is_owner()).ok_or_else(nobody)?;
        let Some((id, owner, credential)) = self.claimed(name.address.as_str())? else { return Err(nobody()) };
        let key = reset_key(id);
        let hash = transact(&self.store, ATTEMPTS, |tx| {
            let Some(value) = tx.get(&key)? else { return Ok(None) };
            let mut row: ResetRow = decode(&key, &value)?;
            if row.tries == 0 || row.until <= now.as_millis() || row.over != credential.changed {
                return Ok(None);
            }
            row.tries -= 1;
            tx.put(&key, encode(&row));
            Ok::<_, Error>(Some(row.secret))
        })?;
        if hash.ok_or_else(nobody)?.verify(&said) {
            return self.as_holder(id, owner, &credential, now);
        }
        transact(&self.store, ATTEMPTS, |tx| {
            self.log_proof(tx, ProofEvent::ResetFailed, &name.address, by, now);
            Ok::<_, Error>(())
        })?;
        Err(LoginError::Credentials)
    }

    /// Sets the password of who has proven himself by a one-time secret, which is used up by it, and tells him so wherever he
    /// is reached; give 32 fresh random bytes.
    ///
    /// # Errors
    /// As [`Engine::change_own`].
    pub fn recover(
        &self,
        login: &Login,
        password: &Secret,
        salt: [u8; 32],
        by: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let over = login.by.as_ref().map(|Proven { changed, .. }| *changed).unwrap_or_default();
        let setting = Setting { what: ProofEvent::Recovered, address: &login.address, by, over };
        self.set_own((login.mailbox, &CredentialName::owner()), password, salt, &setting, now)
    }

    fn log_proof(&self, tx: &mut Transaction<'_, S>, what: ProofEvent, of: &Address, by: &str, now: Timestamp) {
        let (address, credential) = (of.as_str().to_owned(), String::new());
        self.log_event(tx, ServiceEvent::Proof { what, address, credential, by: by.to_owned() }, now);
    }
}
