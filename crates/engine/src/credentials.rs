//! The credentials of mailboxes: making and ending them, and proving who somebody is.

use sigillo_accounts::{
    Credential, CredentialName, Kind, LoginName, PasswordError, PasswordHash, Rights, Scram, Verifier,
};
use sigillo_base::{Address, MailboxId, Secret, Timestamp};
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};
use sigillo_wire::sasl::ScramKeys;

use crate::fronts::Transaction;
use crate::rows::{credential_key, credential_use_key, decode, encode};
use crate::{ATTEMPTS, Engine, Error};

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
    /// Its secret then: whoever gets another one ends the sessions of the old.
    hash: PasswordHash,
}

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown user or wrong password; nobody is told which.
    #[error("utente o password non validi")]
    Credentials,
    /// The mailbox is blocked: told only to who knew the password.
    #[error("la casella è bloccata")]
    Blocked,
    /// The password is to be changed before it is good: told only to who knew it.
    #[error("la password è da cambiare prima di usarla")]
    MustChange,
    /// The password was good until a time that is over: told only to who knew it.
    #[error("la password è scaduta")]
    Expired,
    /// The credential is not for this: told only to who knew the password.
    #[error("la credenziale non dà questo accesso")]
    Rights,
    /// It could not be checked.
    #[error(transparent)]
    Fault(#[from] Error),
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
    /// password that was verified since the start is recognised by a keyed digest.
    ///
    /// # Errors
    /// See [`LoginError`]; an unknown user takes as long as a wrong password.
    pub fn authenticate(&self, user: &str, password: &Secret, now: Timestamp) -> Result<Login, LoginError> {
        let Some((mailbox, name, credential)) = self.claimed(user)? else {
            PasswordHash::verify_nobody(password);
            return Err(LoginError::Credentials);
        };
        let digest = self.password_digest(&credential.verifier.hash, password);
        let known = self.verified.lock().get(&(mailbox, name.clone())).is_some_and(|d| *d == digest);
        if !known && !credential.verifier.hash.verify(password) {
            return Err(LoginError::Credentials);
        }
        let login = self.let_in(mailbox, name.clone(), &credential, now)?;
        if credential.verifier.scram.is_none()
            && let Err(error) = self.learn_scram(mailbox, &name, &credential.verifier.hash, password)
        {
            tracing::warn!(%error, user, "the SCRAM keys wait for another login");
        }
        self.verified.lock().insert((mailbox, name), digest);
        Ok(login)
    }

    /// What SCRAM-SHA-256 needs of a user. Who is not there has keys too, always the same, which nothing proves; so has
    /// who has not yet sent his password to this release.
    ///
    /// # Errors
    /// The store's fault.
    pub fn scram(&self, user: &str) -> Result<ScramKeys, Error> {
        let name = LoginName::parse(user).map_or_else(|| user.trim().to_lowercase(), |login| login.key());
        let nobody = ScramKeys::of_nobody(&self.scram_secret()?, &name);
        Ok(self.claimed(user)?.and_then(|(_, _, credential)| credential.verifier.scram).map_or(nobody, keys))
    }

    /// Lets in who has proven by SCRAM that he knows the secret of these keys: those of [`scram`](Self::scram), still.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub fn scram_login(&self, user: &str, proven: &ScramKeys, now: Timestamp) -> Result<Login, LoginError> {
        match self.claimed(user)? {
            Some((mailbox, name, credential))
                if credential.verifier.scram.clone().map(keys).as_ref() == Some(proven) =>
            {
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
        let Some(Proven { name, hash }) = &login.by else { return Ok(Some(Rights::ALL)) };
        let found = self.credential(login.mailbox, name)?;
        let found = found.filter(|c| c.revoked.is_none() && c.verifier.hash == *hash);
        Ok(found.map(|credential| credential.rights))
    }

    /// Makes another credential for a mailbox.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such mailbox, the name was given before, or there are too many.
    pub fn add_credential(&self, id: MailboxId, name: &CredentialName, new: &Credential) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            if tx.get(crate::rows::mailbox_key(id))?.is_none() {
                return Err(Error::Invalid("la casella non esiste".into()));
            }
            let (from, to) = KeyBuilder::new(tag::CREDENTIAL).mailbox(id).range();
            if tx.scan(&from, &to, MAX_CREDENTIALS)?.len() >= MAX_CREDENTIALS {
                return Err(Error::Invalid(format!("la casella ha già avuto {MAX_CREDENTIALS} credenziali")));
            }
            let key = credential_key(id, name);
            if tx.get(&key)?.is_some() {
                let text = format!("la casella ha, o ha avuto, una credenziale «{name}»: il nome non si dà due volte");
                return Err(Error::Invalid(text));
            }
            tx.put(&key, encode(new));
            Ok(())
        })
    }

    /// Gives a credential another secret; its sessions end at their next command.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such credential, or it was revoked.
    pub fn set_secret(
        &self,
        id: MailboxId,
        name: &CredentialName,
        verifier: &Verifier,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.change_credential(id, name, |row| {
            row.verifier = verifier.clone();
            row.changed = now.as_millis();
            (row.must_change, row.expires) = (false, None);
        })?;
        self.bell.mailbox_changed(id);
        Ok(())
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
            return Err(Error::Invalid("la credenziale del titolare non si revoca: le si dà un'altra password".into()));
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

    fn credential(&self, id: MailboxId, name: &CredentialName) -> Result<Option<Credential>, Error> {
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
        let row = self.mailbox(mailbox)?.ok_or(LoginError::Credentials)?;
        if !row.works(now.as_millis()) {
            return Err(LoginError::Blocked);
        }
        if credential.expires.is_some_and(|at| at <= now.as_millis()) {
            return Err(LoginError::Expired);
        }
        if credential.must_change {
            return Err(LoginError::MustChange);
        }
        let address = Address::parse(&row.address)
            .map_err(|e| Error::Invalid(format!("casella {}: indirizzo illeggibile: {e}", row.id)))?;
        let hash = credential.verifier.hash.clone();
        Ok(Login { mailbox, address, by: Some(Proven { name, hash }) })
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

    /// Keeps the SCRAM keys of a password that came as a hash, now that it was said.
    fn learn_scram(
        &self,
        id: MailboxId,
        name: &CredentialName,
        hash: &PasswordHash,
        password: &Secret,
    ) -> Result<(), Error> {
        let Some(scram) = derive(password, &self.ids.next_id().to_be_bytes()) else { return Ok(()) };
        transact(&self.store, ATTEMPTS, |tx| {
            let key = credential_key(id, name);
            let Some(value) = tx.get(&key)? else { return Ok(()) };
            let mut row: Credential = decode(&key, &value)?;
            // Somebody may have given it another secret meanwhile.
            if row.verifier.hash == *hash && row.verifier.scram.is_none() {
                row.verifier.scram = Some(scram.clone());
                tx.put(&key, encode(&row));
                tx.later();
            }
            Ok(())
        })
    }

    fn change_credential(
        &self,
        id: MailboxId,
        name: &CredentialName,
        change: impl Fn(&mut Credential),
    ) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let key = credential_key(id, name);
            let missing = || Error::Invalid(format!("la casella non ha una credenziale «{name}»"));
            let mut row: Credential = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
            if row.revoked.is_some() {
                return Err(Error::Invalid(format!(
                    "la credenziale «{name}» è revocata: per un'altra serve un nome nuovo"
                )));
            }
            change(&mut row);
            tx.put(&key, encode(&row));
            Ok(())
        })
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
        hasher.update(hash.phc().as_bytes());
        hasher.update(&[0]);
        hasher.update(password.expose().as_bytes());
        hasher.finish()
    }
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
