//! The signing key in a device (PKCS #11): it signs there and never leaves it. Sessions are kept and used again. When one fails the
//! module is ended and begun anew, since many of them know a device only as it was when they began: so one that was away is found
//! when it is back.
//!
//! A wrong PIN is tried once in a process, and never as the last attempt that a device gives: after that it locks itself for good.

mod module;
mod uri;

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use openssl::x509::X509;
use parking_lot::Mutex;
use sigillo_base::Secret;
use sigillo_smime::{Certificate, Hasher, SignError, Signer};

use module::{Module, Ready};
pub use uri::Uri;

/// Signatures at once: a device signs several, and what waits for it takes no processor.
pub const SESSIONS: usize = 16;

/// PINs that a device has refused, by a digest of both.
static REFUSED: LazyLock<Mutex<HashSet<[u8; 32]>>> = LazyLock::new(Mutex::default);

/// A key in a device, which signs for one certificate.
pub struct TokenSigner {
    uri: Uri,
    pin: AuthPin,
    /// The digest of device and PIN.
    attempt: [u8; 32],
    /// The certificate's own, big-endian, without leading zeros.
    modulus: Vec<u8>,
    module: Arc<Module>,
}

/// Why nothing was signed.
enum Wrong {
    /// It may work later: the device is away, or its module knows it only as it was.
    Away(String),
    /// A person must act.
    Refused(String),
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self::Away(said(&error))
    }
}

/// An error of a device by its name; what the standard says of it at length is not for a line of a log.
fn said(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("{function:?}: {code:?}"),
        other => other.to_string(),
    }
}

impl TokenSigner {
    /// The key that `uri` names, for this certificate. The device is not looked at yet.
    ///
    /// # Errors
    /// The certificate's key is not RSA.
    pub fn new(uri: Uri, pin: &Secret, certificate: &Certificate) -> Result<Self, String> {
        let modulus = X509::from_der(certificate.der())
            .and_then(|x509| Ok(x509.public_key()?.rsa()?.n().to_vec()))
            .map_err(|_| "la chiave del certificato non è RSA".to_owned())?;
        let mut attempt = Hasher::new();
        for part in [uri.module.as_os_str().as_encoded_bytes(), uri.to_string().as_bytes(), pin.expose().as_bytes()] {
            attempt.update(part);
            attempt.update(&[0]);
        }
        let (pin, attempt) = (AuthPin::from(pin.expose().to_owned()), attempt.finish());
        let module = Module::of(&uri.module);
        Ok(Self { uri, pin, attempt, modulus, module })
    }

    /// Opens a session, to see whether that can be done.
    ///
    /// # Errors
    /// What is wrong, and whether it may be right later.
    pub fn probe(&self) -> Result<(), SignError> {
        self.with(|_| Ok(()))
    }

    /// Does something in a session, once more after a beginning anew if that fails.
    fn with<T>(&self, work: impl Fn(&Ready) -> Result<T, Error>) -> Result<T, SignError> {
        let once = || self.module.with(&self.uri, |pkcs11| self.open(pkcs11), &work);
        once().or_else(|wrong| if matches!(wrong, Wrong::Away(_)) { once() } else { Err(wrong) }).map_err(|wrong| {
            let (temporary, message) = match wrong {
                Wrong::Away(message) => (true, message),
                Wrong::Refused(message) => (false, message),
            };
            SignError { temporary, message: format!("{}: {message}", self.uri) }
        })
    }

    fn open(&self, pkcs11: &Pkcs11) -> Result<Ready, Wrong> {
        let session = pkcs11.open_ro_session(self.slot(pkcs11)?)?;
        self.log_in(&session)?;
        let key = self.key(&session)?;
        Ok(Ready { session, key })
    }

    fn log_in(&self, session: &Session) -> Result<(), Wrong> {
        let again = || Wrong::Refused("il dispositivo ha rifiutato questo PIN: non si riprova".into());
        // Held meanwhile, so that of those who wait one tries.
        let mut refused = REFUSED.lock();
        if refused.contains(&self.attempt) {
            return Err(again());
        }
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(
                RvError::PinIncorrect
                | RvError::PinLenRange
                | RvError::PinInvalid
                | RvError::PinLocked
                | RvError::PinExpired,
                _,
            )) => {
                refused.insert(self.attempt);
                Err(again())
            }
            Err(other) => Err(other.into()),
        }
    }

    fn slot(&self, pkcs11: &Pkcs11) -> Result<Slot, Wrong> {
        let mut found = Vec::new();
        for slot in pkcs11.get_slots_with_initialized_token()? {
            // One of several devices that does not answer says nothing of the others.
            let Ok(info) = pkcs11.get_token_info(slot) else { continue };
            let is = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is.trim_end());
            if is(&self.uri.token, info.label()) && is(&self.uri.serial, info.serial_number()) {
                if info.user_pin_locked() || info.user_pin_final_try() {
                    return Err(Wrong::Refused("il PIN è bloccato, o al suo ultimo tentativo: entrare a mano".into()));
                }
                found.push(slot);
            }
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Wrong::Away("il dispositivo non c'è".into())),
            _ => Err(Wrong::Refused("più dispositivi si chiamano così: indicarne il serial".into())),
        }
    }

    /// The one private key that is named, which is the certificate's: whoever puts another device in its place under the same name
    /// signs nothing.
    fn key(&self, session: &Session) -> Result<ObjectHandle, Wrong> {
        let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        template.extend(self.uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
        template.extend(self.uri.id.clone().map(Attribute::Id));
        let found = session.find_objects(&template)?;
        let [key] = found.as_slice() else {
            return Err(Wrong::Refused(match found.len() {
                0 => "nel dispositivo non c'è questa chiave privata".into(),
                n => format!("nel dispositivo ci sono {n} chiavi private così: indicarne l'id"),
            }));
        };
        let attributes = session.get_attributes(*key, &[AttributeType::Modulus])?;
        let own = |attribute: &Attribute| matches!(attribute, Attribute::Modulus(n) if n.iter().skip_while(|b| **b == 0).eq(&self.modulus));
        if attributes.iter().any(own) {
            return Ok(*key);
        }
        Err(Wrong::Refused("la chiave nel dispositivo non è quella del certificato".into()))
    }
}

impl Signer for TokenSigner {
    fn sign(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, SignError> {
        self.with(|ready| ready.session.sign(&Mechanism::Sha256RsaPkcs, ready.key, to_be_signed))
    }
}
