//! Signature, origin and validity, each judged whatever the others say.

use std::time::Duration;

use sigillo_base::{Said, Timestamp};
use sigillo_smime::{Certificate, Crl, PathError, SignedData, Trust};

use super::says;
use crate::index::Index;

/// How one check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It passed.
    Ok,
    /// It failed, and why.
    Fail(Said),
    /// It could not be made, and what is missing.
    Unknown(Said),
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
    pub fn why(&self) -> Option<&Said> {
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

/// How far from a signature a directory may have been signed to speak of its time: providers fetch it every day.
const ITS_DAY: Duration = Duration::from_secs(24 * 3600);

/// A directory lists the certificates of its day. A certificate leaves it when the next one has taken its place, and comes into
/// it before the first signature (RFC 6109 §4.5): a copy of another day, or one that does not say its day, does not deny that
/// it was listed in its time.
pub(super) fn origin(
    signer: Option<&Certificate>,
    index: Option<&Index>,
    listed: bool,
    at: Option<Timestamp>,
) -> Check {
    let index = match (signer, index) {
        (None, _) => return Check::Unknown(says::no_certificate()),
        (_, None) => return Check::Unknown(says::no_index()),
        (Some(_), Some(index)) => index,
    };
    match index.signed_at().zip(at) {
        _ if listed => Check::Ok,
        Some((signed, at)) if signed.since(at).max(at.since(signed)) <= ITS_DAY => Check::Fail(says::not_listed()),
        _ => Check::Unknown(says::listed_then()),
    }
}

/// The signer's certificate at an instant; a note when its revocation leaves something to say.
pub(super) fn validity(
    signed: Option<&SignedData>,
    trust: Option<&Trust>,
    at: Option<Timestamp>,
) -> (Check, Option<Said>) {
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

/// What is known of the revocation of a certificate that is good otherwise, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Revocation {
    /// A list of that instant, or a later one, does not name it.
    Excluded,
    /// No list at hand says anything.
    Unchecked,
    /// It was revoked after that instant.
    Later(Timestamp),
}

/// Path and revocation at an instant that may be long ago. [`Trust::verify`] wants lists that were current then; who
/// keeps a message has today's lists or none. A later list says as much, for it gives the date of each revocation; no
/// list at all leaves the question open, which is no fault of the message. Of several paths the best counts.
pub(super) fn path(
    trust: &Trust,
    signer: &Certificate,
    chain: &[Certificate],
    at: Timestamp,
) -> Result<Revocation, PathError> {
    let paths = trust.paths(signer, chain, at)?;
    let verdicts = paths.iter().map(|path| along(trust, path, at));
    verdicts.flatten().min().ok_or(PathError::Revoked)
}

/// The worst that is known of any certificate of a path; `None` when one of them was revoked.
fn along(trust: &Trust, path: &[&Certificate], at: Timestamp) -> Option<Revocation> {
    let mut worst = Revocation::Excluded;
    for pair in path.windows(2) {
        if let [certificate, issuer] = pair {
            worst = worst.max(standing(trust, certificate, issuer, at)?);
        }
    }
    Some(worst)
}

/// By the newest list that has a word on a certificate; `None` when it was revoked at that instant. An older list may
/// name one that was only held and is good again. One that was made after a certificate's end may leave it out.
fn standing(trust: &Trust, certificate: &Certificate, issuer: &Certificate, at: Timestamp) -> Option<Revocation> {
    let mut lists: Vec<&Crl> = trust.crls().iter().filter(|crl| crl.speaks_for(certificate, issuer)).collect();
    lists.sort_by_key(|crl| std::cmp::Reverse(crl.this_update()));
    for crl in lists {
        match crl.revoked_at(certificate, issuer) {
            Some(since) if since <= at => return None,
            Some(since) => return Some(Revocation::Later(since)),
            None if crl.this_update() >= certificate.not_after() => {}
            None if crl.this_update() > at || crl.window().is_some_and(|(from, until)| from <= at && at < until) => {
                return Some(Revocation::Excluded);
            }
            None => break,
        }
    }
    Some(Revocation::Unchecked)
}
