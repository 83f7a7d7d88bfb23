//! Existence, origin and validity of the signature (RFC 6109 §2.2.2; pec rule 1.5 steps 1–3).

use std::time::Duration;

use sigillo_base::{Address, Timestamp};
use sigillo_mime::Part;
use sigillo_smime::{Certificate, PathError, SignedData, Trust};

use crate::index::{Entry, Index};
use crate::texts::odd;

/// A signature structure larger than this is none of ours: certificates and attributes make a few kilobytes.
const MAX_SIGNATURE: usize = 256 * 1024;

/// A certificate that expired while the message was on its way is tolerated this long (pec rule 4.3).
const EXPIRY_GRACE: Duration = Duration::from_secs(24 * 3600);

/// A message whose signature holds.
pub(super) struct Verified<'a> {
    /// The signed part.
    pub content: &'a Part,
    pub signer: Certificate,
    pub entry: &'a Entry,
}

pub(super) enum Failure {
    /// Not certified mail.
    Ordinary(&'static str),
    /// Cannot be known now.
    Undecided(&'static str),
}

pub(super) fn verified<'a>(
    message: &[u8],
    tree: &'a Part,
    mail_from: Option<&Address>,
    index: &'a Index,
    trust: &Trust,
    now: Timestamp,
) -> Result<Verified<'a>, Failure> {
    use Failure::Ordinary;
    let (content, signature) = parts(tree).ok_or(Ordinary(odd::UNSIGNED))?;
    let signed = read(message, signature).ok_or(Ordinary(odd::SIGNATURE_FORM))?;
    let signer = signed.signer().ok_or(Ordinary(odd::NO_SIGNER))?;
    let hint = mail_from.map(Address::domain);
    let entry = index.by_certificate(signer, hint).ok_or(Ordinary(odd::UNKNOWN_SIGNER))?;
    signed.verify(&message[content.whole()]).map_err(|_| Ordinary(odd::BROKEN))?;
    path(&signed, signer, trust, now)?;
    Ok(Verified { content, signer: signer.clone(), entry })
}

/// Content and signature of a multipart/signed, under the old and the new name of its protocol (pec rule 0.14).
pub(crate) fn parts(tree: &Part) -> Option<(&Part, &Part)> {
    let [content, signature] = tree.children.as_slice() else { return None };
    let named = signature.is("application/pkcs7-signature") || signature.is("application/x-pkcs7-signature");
    (tree.is("multipart/signed") && named).then_some((content, signature))
}

/// The signature structure; `None` when it cannot be read or is none that is accepted.
pub(crate) fn read(message: &[u8], signature: &Part) -> Option<SignedData> {
    SignedData::parse(&signature.decoded(message, MAX_SIGNATURE).ok()?).ok()
}

/// Path and revocation at the time of reception.
fn path(signed: &SignedData, signer: &Certificate, trust: &Trust, now: Timestamp) -> Result<(), Failure> {
    let verdict = match trust.verify(signer, signed.certificates(), now) {
        Err(PathError::Expired) if within_grace(signed, signer, now) => {
            let last = signer.not_after().minus(Duration::from_secs(1));
            // By the newest list, or by one that was current then; without either the certificate is just expired.
            let verdict = match trust.verify_as_of(signer, signed.certificates(), last, now) {
                Err(PathError::NoCrl) => trust.verify(signer, signed.certificates(), last),
                other => other,
            };
            verdict.map_err(|e| match e {
                PathError::NoCrl => PathError::Expired,
                other => other,
            })
        }
        other => other,
    };
    verdict.map_err(|e| match e {
        PathError::NoCrl => Failure::Undecided(odd::NO_CRL),
        PathError::Expired => Failure::Ordinary(odd::EXPIRED),
        PathError::NotYetValid => Failure::Ordinary(odd::NOT_YET),
        PathError::Revoked => Failure::Ordinary(odd::REVOKED),
        _ => Failure::Ordinary(odd::UNTRUSTED),
    })
}

fn within_grace(signed: &SignedData, signer: &Certificate, now: Timestamp) -> bool {
    let valid_then = signed.signing_time().is_some_and(|t| signer.not_before() <= t && t <= signer.not_after());
    valid_then && now.since(signer.not_after()) <= EXPIRY_GRACE
}
