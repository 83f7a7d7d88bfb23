//! Paths from a certificate to an anchor: found here, judged by openssl.
//!
//! openssl builds paths too, but takes the first issuer of the right name and never tries another. Real authorities are
//! re-issued with the same name and key and wider name constraints, and both certificates are around: each path is
//! tried on its own, with a store that holds its anchor only.

use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext, X509VerifyResult};
use sigillo_base::Timestamp;

use super::{PathError, Purpose};
use crate::Certificate;

/// The longest path in certificates, the anchor included; real ones have three.
const MAX_LENGTH: usize = 6;
/// How many paths are tried, how many foreign certificates are looked at and how many pairs are compared: a stranger
/// fills the message with certificates.
const MAX_PATHS: usize = 16;
const MAX_INTERMEDIATES: usize = 16;
const MAX_STEPS: usize = 2_000;

/// X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
const NOT_YET_VALID: i32 = 9;
const HAS_EXPIRED: i32 = 10;

/// Every path by names and key identifiers (signatures are not looked at), leaf first, anchor last, shortest first.
pub(super) fn candidates<'a>(
    leaf: &'a Certificate,
    intermediates: &'a [Certificate],
    anchors: &'a [Certificate],
) -> Vec<Vec<&'a Certificate>> {
    let pool = &intermediates[..intermediates.len().min(MAX_INTERMEDIATES)];
    let mut found = Vec::new();
    if let Some(anchor) = anchors.iter().find(|a| *a == leaf) {
        found.push(vec![anchor]);
    }
    let mut open = vec![vec![leaf]];
    let mut steps = 0;
    while let Some(path) = (!open.is_empty()).then(|| open.remove(0)) {
        let Some(last) = path.last() else { continue };
        let mut issued = |issuer: &Certificate| {
            steps += 1;
            steps <= MAX_STEPS && !path.contains(&issuer) && is_issuer(issuer, last)
        };
        let ends: Vec<_> = anchors.iter().filter(|a| issued(a)).collect();
        let longer: Vec<_> = pool.iter().filter(|c| path.len() + 2 <= MAX_LENGTH && issued(c)).collect();
        found.extend(ends.into_iter().map(|a| [path.as_slice(), &[a]].concat()));
        open.extend(longer.into_iter().map(|c| [path.as_slice(), &[c]].concat()));
        if found.len() >= MAX_PATHS {
            found.truncate(MAX_PATHS);
            break;
        }
    }
    found
}

/// Whether the names, key identifiers and usages let `issuer` be the issuer of `certificate`.
fn is_issuer(issuer: &Certificate, certificate: &Certificate) -> bool {
    let (Some(above), Some(below)) = (issuer.x509(), certificate.x509()) else { return false };
    above.issued(below) == X509VerifyResult::OK
}

/// Signatures, validity at `now`, usages, path length and name constraints of one path, by openssl.
pub(super) fn check(purpose: Purpose, path: &[&Certificate], now: Timestamp) -> Result<(), PathError> {
    let path: Option<Vec<&X509>> = path.iter().map(|c| c.x509()).collect();
    let result = match path.as_deref() {
        Some([own]) => run(purpose, own, &[], own, now),
        Some([leaf, between @ .., anchor]) => run(purpose, leaf, between, anchor, now),
        _ => return Err(PathError::Untrusted("un certificato non è leggibile".into())),
    };
    let result = result.map_err(|e| PathError::Untrusted(e.to_string()))?;
    match result.as_raw() {
        _ if result == X509VerifyResult::OK => Ok(()),
        NOT_YET_VALID => Err(PathError::NotYetValid),
        HAS_EXPIRED => Err(PathError::Expired),
        _ => Err(PathError::Untrusted(result.error_string().to_owned())),
    }
}

fn run(
    purpose: Purpose,
    leaf: &X509,
    between: &[&X509],
    anchor: &X509,
    now: Timestamp,
) -> Result<X509VerifyResult, ErrorStack> {
    let mut param = X509VerifyParam::new()?;
    param.set_time(now.as_secs());
    // An anchor need not be a root: "AgID CA1" is issued by a commercial authority that is not to be believed for PEC.
    param.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    param.set_purpose(match purpose {
        Purpose::MailSigning => X509PurposeId::SMIME_SIGN,
        Purpose::TimeStamping => X509PurposeId::TIMESTAMP_SIGN,
    })?;
    // 112 bits: RSA-2048 and SHA-256 or better on the whole path.
    param.set_auth_level(2);
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(anchor.clone())?;
    store.set_param(&param)?;
    let store = store.build();
    let mut others = Stack::new()?;
    for &c in between {
        others.push(c.clone())?;
    }
    let mut context = X509StoreContext::new()?;
    context.init(&store, leaf, &others, |c| {
        let good = c.verify_cert()?;
        Ok(if good { X509VerifyResult::OK } else { c.error() })
    })
}
