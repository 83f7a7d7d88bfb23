//! A password set anew by who cannot say the present one (PWD-01, PWD-05): a one-time secret goes to where the holder is
//! reached outside of his mailbox, and whoever says it chooses the password. Nobody else ever sees one.
//!
//! The secret has 40 random bits, since a person copies it from a short message. A plain digest of so few would give it to who
//! steals the store long before it ends; as argon2id each guess costs what a guess at a password does, and 2^40 of them in a
//! quarter of an hour nobody pays. Through the door there are five. It is used up by its use because the password has changed
//! since: that ends it, whoever changed it.
//!
//! Whoever asks without a role must not be able to take the secret from who waits for it: while one is good he has no other
//! sent, so that the first is not replaced, and from one place he gets fewer than the mailbox, so that he does not use all
//! of them up.

use std::iter;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Channel, Concern, Contact, CredentialName, LoginName, NoticeKind, PasswordHash, Request};
use sigillo_base::{Address, MailboxId, Said, Secret, Tell, Timestamp, said};
use sigillo_pec::log::{ProofEvent, ServiceEvent};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, tag, transact};
use sigillo_wire::Tick;

use crate::contacts::contact_in;
use crate::credentials::Proven;
use crate::fronts::Transaction;
use crate::notices::Notice;
use crate::passwords::Setting;
use crate::rows::{credential_key, decode, decode_more, encode_more};
use crate::{ATTEMPTS, Engine, Error, Lockout, Login, LoginError, Origin, idle};

/// How long a secret is good.
pub const GOOD_FOR: Duration = Duration::from_secs(15 * 60);
/// How often one may be guessed at.
const TRIES: u8 = 5;
/// So many secrets of a mailbox in an hour by whoever asks for them: each is a message that somebody gets and pays for.
const AN_HOUR: usize = 3;
/// And in a day.
const A_DAY: usize = 6;
/// So many of them for who asks from one place, in an hour and in a day: the others are left to who asks from elsewhere.
const OF_PLACE: (usize, usize) = (2, 4);
/// Who asks for whomever: each secret is a message, and nobody needs many from one place. This is forgotten with time and with
/// a restart, as all locks are; what the mailbox gets is counted in its row.
pub(crate) const LIMIT: Lockout = Lockout { of_account: 2, of_place: 20, first_ms: 600_000, most_ms: 24 * 3_600_000 };
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
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
    /// When secrets were sent in the last day.
    asked: Vec<i64>,
}

impl ResetRow {
    /// Whether who says it may set a password: `changed` is when the owner's credential got the present one.
    fn is_good(&self, changed: i64, now: Timestamp) -> bool {
        self.tries > 0 && self.until > now.as_millis() && self.over == changed
    }
}

/// The row with the place that each of [`ResetRow::asked`] was asked for from, put behind it by a later release: none of what
/// the administration asked for, and of what is older.
type Placed = (ResetRow, Vec<String>);

fn placed(key: &[u8], value: &[u8]) -> Result<Placed, StoreError> {
    let (row, places) = decode_more(key, value)?;
    Ok((row, places.unwrap_or_default()))
}

/// A secret that was sent in the last day: when, and from where it was asked for.
type Sent = (i64, String);

/// Those of the last day.
fn sent(had: Option<Placed>, now: Timestamp) -> Vec<Sent> {
    let Some((row, places)) = had else { return Vec::new() };
    let all = row.asked.into_iter().zip(places.into_iter().chain(iter::repeat(String::new())));
    all.filter(|(at, _)| now.as_millis().saturating_sub(*at) < DAY_MS).collect()
}

/// Whether so many were sent that who asks from this place gets none.
fn enough(sent: &[Sent], place: &str, now: Timestamp) -> bool {
    let (hour, day) = OF_PLACE;
    [(HOUR_MS, AN_HOUR, hour), (DAY_MS, A_DAY, day)].into_iter().any(|(ms, most, of_place)| {
        let within = || sent.iter().filter(|(at, _)| now.as_millis().saturating_sub(*at) < ms);
        within().count() >= most || within().filter(|(_, from)| from == place).count() >= of_place
    })
}

fn reset_key(id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::RESET).mailbox(id)
}

/// The row, if it is one.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<MailboxId, StoreError> {
    let mut reader = KeyReader::new(key, tag::RESET)?;
    let id = reader.mailbox()?;
    reader.end()?;
    placed(key, value)?;
    Ok(id)
}

/// Who asks for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking<'a> {
    /// Anybody who says that it is his mailbox; from where.
    Anybody(IpAddr),
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
    /// [`Error::Invalid`] when there is no such mailbox, it is blocked, or nobody knows where its holder is reached by what goes
    /// out here; for who has no role also while a secret is good, and when there were too many. He must not hear which.
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
            let to = self.reached(&contact_in(tx, id)?).map_err(invalid)?;
            let (key, owner) = (reset_key(id), credential_key(id, &CredentialName::owner()));
            let credential = tx.get(&owner)?.ok_or_else(|| {
                invalid(said!("non ha la credenziale del titolare", "it has no credential of its owner"))
            })?;
            let over = decode::<sigillo_accounts::Credential>(&owner, &credential)?.changed;
            let had = tx.get(&key)?.map(|value| placed(key.as_ref(), &value)).transpose()?;
            let good = had.as_ref().is_some_and(|(row, _)| row.is_good(over, now));
            let mut sent = sent(had, now);
            let (by, place) = match asking {
                Asking::Anybody(from) => (from.to_string(), Origin::from(from).to_string()),
                Asking::Administration(request) => (request.confirmed_by.clone(), String::new()),
            };
            match asking {
                Asking::Administration(request) => {
                    self.record_password(tx, id, "inviato un segreto per impostarla", request)?;
                }
                Asking::Anybody(_) if good => {
                    return Err(invalid(said!("ha già un segreto che vale", "it has a secret that is still good")));
                }
                Asking::Anybody(_) if enough(&sent, &place, now) => {
                    return Err(invalid(said!(
                        "ha già avuto abbastanza segreti per ora",
                        "it has had enough secrets for now"
                    )));
                }
                Asking::Anybody(_) => {}
            }
            sent.push((now.as_millis(), place));
            let until = now.plus(GOOD_FOR);
            let (asked, places): (_, Vec<String>) = sent.into_iter().unzip();
            let row = ResetRow { secret: hash.clone(), until: until.as_millis(), tries: TRIES, over, asked };
            tx.put(&key, encode_more(&row, Some(&places)));
            self.tell_in(tx, &self.secret_notice(id, address, &to, &secret, until), now)?;
            self.log_proof(tx, ProofEvent::ResetAsked, address, &by, now);
            Ok(to)
        })
    }

    /// Where a secret goes: the first of the holder's channels by which anything goes out here.
    fn reached(&self, contact: &Contact) -> Result<Channel, Said> {
        let all = contact.channels();
        let goes = |to: &&Channel| self.rules.texts || matches!(to, Channel::Mail(_));
        all.iter().find(goes).cloned().ok_or_else(|| {
            if all.is_empty() {
                return said!(
                    "non si sa dove raggiungere chi la tiene: «sigillo mailbox contact»",
                    "nobody knows where its holder is reached: “sigillo mailbox contact”"
                );
            }
            said!(
                "di chi la tiene si sa solo un numero, e SMS non ne partono (manca [sms]): «sigillo mailbox contact --mail»",
                "of its holder only a number is known, and no short message goes out (there is no [sms]): “sigillo mailbox contact --mail”"
            )
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
            let (mut row, places) = placed(key.as_ref(), &value)?;
            if !row.is_good(credential.changed, now) {
                return Ok(None);
            }
            row.tries -= 1;
            tx.put(&key, encode_more(&row, Some(&places)));
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
