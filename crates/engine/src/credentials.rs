//! The credentials of mailboxes: making and ending them, and proving who somebody is.

use sigillo_accounts::{
    Credential, CredentialName, Done, Kind, LoginName, Mailbox, PasswordError, PasswordHash, Request, Rights, Scram,
    Verifier,
};
use sigillo_base::{Address, MailboxId, Said, Secret, Tell, Timestamp, said};
use sigillo_pec::log::ServiceEvent;
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};
use sigillo_wire::sasl::ScramKeys;

use crate::fronts::Transaction;
use crate::idle::idle;
use crate::rows::{credential_key, credential_use_key, decode, encode};
use crate::tenants::unit_row;
use crate::{ATTEMPTS, Engine, Error, LoginError};

/// Credentials of one mailbox, those that ended included.
const MAX_CREDENTIALS: usize = 1_000;
/// The last use of a credential is noted at most so often: an application may log in for each message.
const NOTED_EVERY_MS: i64 = 60_000;

/// A user who proved who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// His mailbox.
    pub mailbox: MailboxId,
    /// The only address he may send from.
    pub address: Address,
    /// What he proved it with; `None` for the provider itself, which acts for a mailbox without a login.
    pub by: Option<Proven>,
}

impl Login {
    /// The provider itself acting for a mailbox.
    pub fn ours(mailbox: MailboxId, address: Address) -> Self {
        Self { mailbox, address, by: None }
    }

    /// The credential for the trail.
    pub fn credential(&self) -> CredentialName {
        self.by.as_ref().map(|by| by.name.clone()).unwrap_or_default()
    }
}

/// The credential that a login was proven with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Its name.
    pub name: CredentialName,
    /// When it got its secret of then: whoever gets another one ends the sessions of the old.
    pub(crate) changed: i64,
}

/// A credential with its name and what is known of its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentialed {
    /// Its name.
    pub name: CredentialName,
    /// What it is.
    pub credential: Credential,
    /// When somebody logged in with it, to about a minute.
    pub last_used: Option<Timestamp>,
}

/// What is kept of a password; give 32 fresh random bytes. Costs two slow hashes. One that SASLprep (RFC 4013) forbids is
/// kept for PLAIN and LOGIN only.
///
/// # Errors
/// See [`PasswordError`].
pub fn verifier(password: &Secret, salt: [u8; 32]) -> Result<Verifier, PasswordError> {
    let (mut first, mut second) = ([0; 16], [0; 16]);
    first.copy_from_slice(&salt[..16]);
    second.copy_from_slice(&salt[16..]);
    Ok(Verifier { hash: PasswordHash::create(password, first)?, scram: derive(password, &second) })
}

fn derive(password: &Secret, salt: &[u8]) -> Option<Scram> {
    let ScramKeys { salt, iterations, stored_key, server_key } =
        ScramKeys::derive(password, salt, ScramKeys::ITERATIONS)?;
    Some(Scram { salt, iterations, stored_key, server_key })
}

fn keys(kept: Scram) -> ScramKeys {
    let Scram { salt, iterations, stored_key, server_key } = kept;
    ScramKeys { salt, iterations, stored_key, server_key }
}

impl<S: Store> Engine<S> {
    /// Checks a user's password ([`LoginName`] says who that may be). Costs tens of milliseconds the first time; a
    /// password that was verified since the start is recognised by a keyed digest. Whose password is kept elsewhere is asked
    /// about there ([`Passwords`](crate::Passwords)).
    ///
    /// # Errors
    /// See [`LoginError`]; an unknown user takes as long as a wrong password.
    pub fn authenticate(&self, user: &str, password: &Secret, now: Timestamp) -> Result<Login, LoginError> {
        if let Some(kept) = self.kept_elsewhere(user) {
            return self.authenticate_elsewhere(kept, password, now);
        }
        let (mailbox, name, credential) = self.whose(user, password)?;
        self.suffices(mailbox, &name)?;
        let digest = self.password_digest(&credential.verifier.hash, password);
        let login = self.let_in(mailbox, name.clone(), &credential, now)?;
        let kept = match self.learn((mailbox, &name, &login.address), &credential.verifier, password, now) {
            Ok(new) => new.map(|new| self.password_digest(&new, password)),
            Err(error) => {
                tracing::warn!(%error, user, "what is kept of a password waits for another login");
                None
            }
        };
        self.verified.lock().insert((mailbox, name), kept.unwrap_or(digest));
        Ok(login)
    }

    /// Refuses a password alone where a second factor was chosen.
    pub(crate) fn suffices(&self, mailbox: MailboxId, name: &CredentialName) -> Result<(), LoginError> {
        if self.has_factor(mailbox, name)? { Err(LoginError::SecondFactor) } else { Ok(()) }
    }

    /// Whose this password is.
    pub(crate) fn whose(
        &self,
        user: &str,
        password: &Secret,
    ) -> Result<(MailboxId, CredentialName, Credential), LoginError> {
        // What is kept here of one whose password a directory keeps is of former times.
        let ours = if self.kept_elsewhere(user).is_some() { None } else { self.claimed(user)? };
        let Some((mailbox, name, credential)) = ours else {
            PasswordHash::verify_nobody(password);
            return Err(LoginError::Credentials);
        };
        let hash = &credential.verifier.hash;
        let digest = self.password_digest(hash, password);
        let known = self.verified.lock().get(&(mailbox, name.clone())).is_some_and(|d| *d == digest);
        if known || self.is_password(hash, password) {
            Ok((mailbox, name, credential))
        } else {
            Err(LoginError::Credentials)
        }
    }

    /// A hash from elsewhere may want more memory than was reckoned with: such are checked one at a time. A wrong password costs
    /// no less with it than with nobody's.
    fn is_password(&self, hash: &PasswordHash, password: &Secret) -> bool {
        let turn = (hash.memory() > PasswordHash::MEMORY).then(|| self.dear_checks.lock());
        let is = hash.verify(password);
        drop(turn);
        if !is && !hash.is_own() {
            PasswordHash::verify_nobody(password);
        }
        is
    }

    /// What SCRAM-SHA-256 needs of a user. Who is not there has keys too, always the same, which nothing proves; so has
    /// who has not yet sent his password to this release, and whose password is kept elsewhere.
    ///
    /// # Errors
    /// The store's fault.
    pub fn scram(&self, user: &str) -> Result<ScramKeys, Error> {
        let name = LoginName::parse(user).map_or_else(|| user.trim().to_lowercase(), |login| login.key());
        let nobody = ScramKeys::of_nobody(&self.scram_secret()?, &name);
        if self.kept_elsewhere(user).is_some() {
            return Ok(nobody);
        }
        Ok(self.claimed(user)?.and_then(|(_, _, credential)| credential.verifier.scram).map_or(nobody, keys))
    }

    /// Lets in who has proven by SCRAM that he knows the secret of these keys: those of [`scram`](Self::scram), still.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub fn scram_login(&self, user: &str, proven: &ScramKeys, now: Timestamp) -> Result<Login, LoginError> {
        match self.claimed(user)? {
            _ if self.kept_elsewhere(user).is_some() => Err(LoginError::Credentials),
            Some((mailbox, name, credential))
                if credential.verifier.scram.clone().map(keys).as_ref() == Some(proven) =>
            {
                self.suffices(mailbox, &name)?;
                self.let_in(mailbox, name, &credential, now)
            }
            _ => Err(LoginError::Credentials),
        }
    }

    /// What this login may do now; `None` when its credential was revoked or has another secret, which ends its
    /// sessions.
    ///
    /// # Errors
    /// The store's fault.
    pub fn rights(&self, login: &Login) -> Result<Option<Rights>, Error> {
        let Some(Proven { name, changed }) = &login.by else { return Ok(Some(Rights::ALL)) };
        let found = self.credential(login.mailbox, name)?;
        let found = found.filter(|c| c.revoked.is_none() && c.changed == *changed);
        Ok(found.map(|credential| credential.rights))
    }

    /// Makes another credential for a mailbox.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox, the name was given before, or there are too many.
    pub fn add_credential(&self, id: MailboxId, name: &CredentialName, new: &Credential) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            if tx.get(crate::rows::mailbox_key(id))?.is_none() {
                return Err(Error::Invalid(said!("la casella non esiste", "there is no such mailbox")));
            }
            let (from, to) = KeyBuilder::new(tag::CREDENTIAL).mailbox(id).range();
            if tx.scan(&from, &to, MAX_CREDENTIALS)?.len() >= MAX_CREDENTIALS {
                return Err(Error::Invalid(said!(
                    "la casella ha già avuto {MAX_CREDENTIALS} credenziali",
                    "the mailbox has had {MAX_CREDENTIALS} credentials already"
                )));
            }
            let key = credential_key(id, name);
            if tx.get(&key)?.is_some() {
                return Err(Error::Invalid(said!(
                    "la casella ha, o ha avuto, una credenziale «{name}»: il nome non si dà due volte",
                    "the mailbox has, or had, a credential “{name}”: no name is given twice"
                )));
            }
            let must_change = new.must_change || self.given_to_be_changed(new);
            tx.put(&key, encode(&Credential { must_change, ..new.clone() }));
            // Who opens a mailbox by another way than its holder is somebody he hears of.
            let what = format!("alla casella si accede anche con la credenziale «{name}».");
            self.tell_holder(tx, id, &what, Timestamp::from_millis(new.created))
        })
    }

    /// Gives a credential another secret, which a person may have to change first; its sessions end at their next
    /// command.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such credential, it was revoked, or its password is kept elsewhere.
    pub fn set_secret(
        &self,
        id: MailboxId,
        name: &CredentialName,
        verifier: &Verifier,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.give_secret(id, name, verifier, &Request::own(now))
    }

    /// The same on somebody's request: the register has it, and the holder hears of it where he is reached.
    ///
    /// # Errors
    /// As [`Engine::set_secret`].
    pub fn give_secret(
        &self,
        id: MailboxId,
        name: &CredentialName,
        verifier: &Verifier,
        request: &Request,
    ) -> Result<(), Error> {
        self.is_ours_to_give(id, name)?;
        transact(&self.store, ATTEMPTS, |tx| {
            self.change_credential_in(tx, id, name, |row| {
                give(row, verifier, request.now());
                row.must_change = self.given_to_be_changed(row);
            })?;
            let (detail, what) = if *name == CredentialName::owner() {
                ("data".to_owned(), "la password è stata cambiata da chi amministra la casella.".to_owned())
            } else {
                let text = format!("la credenziale «{name}» ha un altro segreto.");
                (text.trim_end_matches('.').to_owned(), text)
            };
            self.record_password(tx, id, &detail, request)?;
            self.tell_holder(tx, id, &what, request.now())
        })?;
        self.bell.mailbox_changed(id);
        Ok(())
    }

    /// Writes the record of a password, or the means to set one, that somebody was given (PWD-05, HD-27).
    pub(crate) fn record_password(
        &self,
        tx: &mut Transaction<'_, S>,
        id: MailboxId,
        detail: &str,
        request: &Request,
    ) -> Result<(), Error> {
        let key = crate::rows::mailbox_key(id);
        let missing = || Error::Invalid(said!("la casella non esiste", "there is no such mailbox"));
        let row: Mailbox = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
        let unit = unit_row(tx, id)?;
        self.record(tx, &row, unit, Done::MailboxPassword, detail.to_owned(), request)
    }

    /// Says whether a secret is to be changed before it is good, and until when it is: until it gets another one.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such credential, or it was revoked.
    pub fn set_standing(
        &self,
        id: MailboxId,
        name: &CredentialName,
        must_change: Option<bool>,
        expires: Option<Option<Timestamp>>,
    ) -> Result<(), Error> {
        self.change_credential(id, name, |row| {
            row.must_change = must_change.unwrap_or(row.must_change);
            row.expires = expires.map_or(row.expires, |at| at.map(Timestamp::as_millis));
        })
    }

    /// Ends a credential, for good; its sessions end at their next command.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such credential, it was revoked already, or it is the owner's, which only
    /// gets another password.
    pub fn revoke_credential(&self, id: MailboxId, name: &CredentialName, now: Timestamp) -> Result<(), Error> {
        if name.is_owner() {
            return Err(Error::Invalid(said!(
                "la credenziale del titolare non si revoca: le si dà un'altra password",
                "the owner's credential is not revoked: give it another password"
            )));
        }
        self.change_credential(id, name, |row| row.revoked = Some(now.as_millis()))?;
        self.bell.mailbox_changed(id); // who waits for mail wakes, and hears that he is out
        Ok(())
    }

    /// All credentials of a mailbox, by name, those that ended included.
    ///
    /// # Errors
    /// The store's fault.
    pub fn credentials(&self, id: MailboxId) -> Result<Vec<Credentialed>, Error> {
        let (from, to) = KeyBuilder::new(tag::CREDENTIAL).mailbox(id).range();
        let found = self.sound(&from, &to, MAX_CREDENTIALS, |key, value| {
            Ok((read_key(key)?.1, decode::<Credential>(key, value)?))
        })?;
        let with_use = |(name, credential)| {
            let last_used = self.last_used(id, &name)?.map(Timestamp::from_millis);
            Ok(Credentialed { name, credential, last_used })
        };
        found.into_iter().map(with_use).collect()
    }

    /// The credential that a user claims to have, if it can be used.
    pub(crate) fn claimed(&self, user: &str) -> Result<Option<(MailboxId, CredentialName, Credential)>, Error> {
        let Some(LoginName { address, credential: name }) = LoginName::parse(user) else { return Ok(None) };
        let Some(mailbox) = self.find_mailbox(&address)? else { return Ok(None) };
        let id = MailboxId(mailbox.id);
        let found = self.credential(id, &name)?.filter(|credential| credential.revoked.is_none());
        Ok(found.map(|credential| (id, name, credential)))
    }

    pub(crate) fn credential(&self, id: MailboxId, name: &CredentialName) -> Result<Option<Credential>, Error> {
        let key = credential_key(id, name);
        self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose().map_err(Error::from)
    }

    pub(crate) fn let_in(
        &self,
        mailbox: MailboxId,
        name: CredentialName,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Login, LoginError> {
        let login = self.as_holder(mailbox, name, credential, now)?;
        if let Some(at) = credential.expires.map(Timestamp::from_millis).filter(|at| *at <= now) {
            return Err(LoginError::Expired(at));
        }
        if credential.must_change {
            return Err(LoginError::MustChange);
        }
        Ok(login)
    }

    /// Who has proven himself, if his mailbox works; whether his secret is still good for anything else is not asked.
    pub(crate) fn as_holder(
        &self,
        mailbox: MailboxId,
        name: CredentialName,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Login, LoginError> {
        let row = self.mailbox(mailbox)?.ok_or(LoginError::Credentials)?;
        if !row.works(now.as_millis()) {
            return Err(LoginError::Blocked(idle(&row)));
        }
        let address = Address::parse(&row.address).map_err(|e| {
            let Said { it, en } = e.said();
            Error::Invalid(said!(
                "casella {}: indirizzo illeggibile: {it}",
                "mailbox {}: unreadable address: {en}",
                row.id
            ))
        })?;
        Ok(Login { mailbox, address, by: Some(Proven { name, changed: credential.changed }) })
    }

    fn last_used(&self, id: MailboxId, name: &CredentialName) -> Result<Option<i64>, Error> {
        let key = credential_use_key(id, name);
        self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose().map_err(Error::from)
    }

    /// Writes that a credential is used, unless that was written a moment ago.
    pub(crate) fn note_use(
        &self,
        tx: &mut Transaction<'_, S>,
        (id, name): (MailboxId, &CredentialName),
        now: Timestamp,
    ) -> Result<(), Error> {
        let fresh = |last: i64| (last..last.saturating_add(NOTED_EVERY_MS)).contains(&now.as_millis());
        if !self.last_used(id, name)?.is_some_and(fresh) {
            tx.put(credential_use_key(id, name), encode(&now.as_millis()));
        }
        Ok(())
    }

    /// Keeps what is missing of a password, now that it was said: SCRAM keys, and our own hash instead of one that came from
    /// elsewhere, which is durable before the login is answered. Gives the new hash. The secret stays the same, and so do
    /// sessions that were opened with it.
    fn learn(
        &self,
        (id, name, address): (MailboxId, &CredentialName, &Address),
        had: &Verifier,
        password: &Secret,
        now: Timestamp,
    ) -> Result<Option<PasswordHash>, Error> {
        let (own, scram) = (had.hash.is_own(), had.scram.is_some());
        if own && scram {
            return Ok(None);
        }
        // Under the salt that was told before, as nobody's: what is told of this user does not change by his login.
        let user = LoginName { address: address.clone(), credential: name.clone() }.key();
        let keys = ScramKeys::of_nobody(&self.scram_secret()?, &user);
        let fresh = Verifier {
            hash: if own {
                had.hash.clone()
            } else {
                let bad = |e: PasswordError| Error::Invalid(e.said());
                PasswordHash::create(password, self.ids.next_id().to_be_bytes()).map_err(bad)?
            },
            scram: derive(password, &keys.salt),
        };
        if own && fresh.scram.is_none() {
            return Ok(None);
        }
        let done = transact(&self.store, ATTEMPTS, |tx| {
            let key = credential_key(id, name);
            let Some(value) = tx.get(&key)? else { return Ok(false) };
            let mut row: Credential = decode(&key, &value)?;
            // Another login may have been first, or somebody has given it another secret.
            if row.verifier != *had {
                return Ok(false);
            }
            row.verifier = fresh.clone();
            tx.put(&key, encode(&row));
            if own {
                tx.later();
            } else {
                let (address, credential) = (address.as_str().to_owned(), name.as_str().to_owned());
                let scheme = had.hash.scheme().to_owned();
                self.log_event(tx, ServiceEvent::Rehashed { address, credential, scheme }, now);
            }
            Ok::<_, Error>(true)
        })?;
        if done && !own {
            tracing::info!(%address, credential = %name, from = had.hash.scheme(), "a password that came as a hash is kept as our own");
        }
        Ok(done.then_some(fresh.hash))
    }

    fn change_credential(
        &self,
        id: MailboxId,
        name: &CredentialName,
        change: impl Fn(&mut Credential),
    ) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| self.change_credential_in(tx, id, name, &change))
    }

    pub(crate) fn change_credential_in(
        &self,
        tx: &mut Transaction<'_, S>,
        id: MailboxId,
        name: &CredentialName,
        change: impl Fn(&mut Credential),
    ) -> Result<(), Error> {
        let key = credential_key(id, name);
        let missing = || {
            Error::Invalid(said!(
                "la casella non ha una credenziale «{name}»",
                "the mailbox has no credential “{name}”"
            ))
        };
        let mut row: Credential = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
        if row.revoked.is_some() {
            return Err(Error::Invalid(said!(
                "la credenziale «{name}» è revocata: per un'altra serve un nome nuovo",
                "the credential “{name}” is revoked: another one needs a new name"
            )));
        }
        let had = row.verifier.hash.clone();
        change(&mut row);
        self.remember(tx, (id, name), &had, &row)?;
        tx.put(&key, encode(&row));
        Ok(())
    }

    /// What the keys of nobody are made with: drawn when it is first wanted, and kept.
    fn scram_secret(&self) -> Result<[u8; 32], Error> {
        if let Some(secret) = *self.scram_secret.lock() {
            return Ok(secret);
        }
        let mut fresh = [0; 32];
        fresh[..16].copy_from_slice(&self.ids.next_id().to_be_bytes());
        fresh[16..].copy_from_slice(&self.ids.next_id().to_be_bytes());
        let secret = transact(&self.store, ATTEMPTS, |tx| {
            let key = KeyBuilder::new(tag::META).text("scram");
            if let Some(value) = tx.get(&key)? {
                return Ok::<_, Error>(decode(&key, &value)?);
            }
            tx.put(&key, encode(&fresh));
            Ok(fresh)
        })?;
        *self.scram_secret.lock() = Some(secret);
        Ok(secret)
    }

    /// It depends on the hash, so that it is worth nothing when the password changes, whoever changes it.
    fn password_digest(&self, hash: &PasswordHash, password: &Secret) -> [u8; 32] {
        let mut hasher = sigillo_smime::Hasher::new();
        hasher.update(&self.boot_key.to_be_bytes());
        hasher.update(hash.text().as_bytes());
        hasher.update(&[0]);
        hasher.update(password.expose().as_bytes());
        hasher.finish()
    }
}

/// Gives a credential a secret. When it got another one is told apart from any time before, whatever the clock says: sessions
/// are known by it. The same hash, given again, ends no session.
pub(crate) fn give(row: &mut Credential, verifier: &Verifier, now: Timestamp) {
    if row.verifier.hash != verifier.hash {
        row.verifier = verifier.clone();
        row.changed = now.as_millis().max(row.changed.saturating_add(1));
    }
    (row.must_change, row.expires) = (false, None);
}

/// The mailbox and the name in the key of a credential or of its use.
pub(crate) fn read_key(key: &[u8]) -> Result<(MailboxId, CredentialName), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, key.first().copied().unwrap_or_default())?;
    let (mailbox, name) = (reader.mailbox()?, reader.text()?);
    reader.end()?;
    let name = if name.is_empty() { Ok(CredentialName::owner()) } else { CredentialName::parse(&name) };
    Ok((mailbox, name.map_err(|e| sigillo_store::Error::corrupt(key, e.to_string()))?))
}

/// The first credential of a mailbox.
pub(crate) fn owner(verifier: Verifier, now_ms: i64) -> Credential {
    Credential::new(Kind::Owner, Rights::ALL, verifier, now_ms)
}
