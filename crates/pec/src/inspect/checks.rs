//! Signature, origin and validity, each judged whatever the others say.

use sigillo_base::Timestamp;
use sigillo_smime::{Certificate, Crl, PathError, SignedData, Trust};

use super::says::{self, Text};
use crate::index::Index;

/// How one check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It passed.
    Ok,
    /// It failed, and why.
    Fail(Text),
    /// It could not be made, and what is missing.
    Unknown(Text),
}

impl Check {
    /// `ok`, `fail` or `unknown`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail(_) => "fail",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether it passed.
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }

    /// Why it did not pass.
    pub fn why(&self) -> Option<&Text> {
        match self {
            Self::Ok => None,
            Self::Fail(why) | Self::Unknown(why) => Some(why),
        }
    }
}

/// The four checks (RFC 6109 §2.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// There is a signature, and the content is what was signed.
    pub signature: Check,
    /// The directory of providers lists the certificate that signed.
    pub origin: Check,
    /// The certificate comes from a known authority, and was valid and not revoked.
    pub validity: Check,
    /// The message has the form of its kind.
    pub form: Check,
}

impl Checks {
    /// All of them, in the order of the rules.
    pub fn all(&self) -> [&Check; 4] {
        [&self.signature, &self.origin, &self.validity, &self.form]
    }

    /// Of what is no message at all.
    pub(super) fn unreadable() -> Self {
        Self {
            signature: Check::Fail(says::unsigned()),
            origin: Check::Unknown(says::no_certificate()),
            validity: Check::Unknown(says::no_certificate()),
            form: Check::Fail(says::no_message()),
        }
    }
}

/// `signed` is `None` without a signature part, `Some(None)` when that part cannot be read.
pub(super) fn signature(signed: Option<Option<&SignedData>>, content: &[u8]) -> Check {
    let verdict = match signed {
        None => Err(says::unsigned()),
        Some(None) => Err(says::unreadable_signature()),
        Some(Some(cms)) if cms.signer().is_none() => Err(says::no_signer()),
        Some(Some(cms)) => cms.verify(content).map_err(|_| says::altered()),
    };
    verdict.map_or_else(Check::Fail, |()| Check::Ok)
}

pub(super) fn origin(signer: Option<&Certificate>, index: Option<&Index>, listed: bool) -> Check {
    match (signer, index) {
        (None, _) => Check::Unknown(says::no_certificate()),
        (_, None) => Check::Unknown(says::no_index()),
        _ if listed => Check::Ok,
        _ => Check::Fail(says::not_listed()),
    }
}

/// The signer's certificate at an instant; a note when its revocation leaves something to say.
pub(super) fn validity(
    signed: Option<&SignedData>,
    trust: Option<&Trust>,
    at: Option<Timestamp>,
) -> (Check, Option<Text>) {
    let unknown = |why| (Check::Unknown(why), None);
    let Some((cms, signer)) = signed.and_then(|cms| Some((cms, cms.signer()?))) else {
        return unknown(says::no_certificate());
    };
    let Some(trust) = trust else { return unknown(says::no_authority()) };
    let Some(at) = at else { return unknown(says::no_instant()) };
    match path(trust, signer, cms.certificates(), at) {
        Ok(Revocation::Excluded) => (Check::Ok, None),
        Ok(Revocation::Unchecked) => (Check::Ok, Some(says::revocation_unchecked())),
        Ok(Revocation::Later(since)) => (Check::Ok, Some(says::revoked_later(since))),
        Err(error) => (Check::Fail(says::path(&error)), None),
    }
}

/// What is known of the revocation of a certificate that is good otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Revocation {
    /// A list of that instant, or a later one, does not name it.
    Excluded,
    /// No list at hand says anything.
    Unchecked,
    /// It was revoked after that instant.
    Later(Timestamp),
}

/// Path and revocation at an instant that may be long ago. [`Trust::verify`] wants a list that was current then; who
/// keeps a message has today's list or none. A later list says as much, for it gives the date of each revocation; no
/// list at all leaves the question open, which is no fault of the message.
pub(super) fn path(
    trust: &Trust,
    signer: &Certificate,
    chain: &[Certificate],
    at: Timestamp,
) -> Result<Revocation, PathError> {
    let then = match trust.verify(signer, chain, at) {
        Ok(()) => Revocation::Excluded,
        Err(PathError::NoCrl) => Revocation::Unchecked,
        Err(error) => return Err(error),
    };
    let issuers = || trust.anchors().iter().chain(chain);
    let word = |crl: &Crl| issuers().find_map(|issuer| crl.revoked_at(signer, issuer));
    match trust.crls().iter().filter_map(word).min() {
        Some(since) if since <= at => return Err(PathError::Revoked),
        Some(since) => return Ok(Revocation::Later(since)),
        None => {}
    }
    let mut later = trust.crls().iter().map(Crl::this_update).filter(|made| *made > at);
    let excluded = later.any(|made| trust.verify(signer, chain, made).is_ok());
    Ok(if excluded { Revocation::Excluded } else { then })
}
