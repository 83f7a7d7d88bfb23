//! Where a certificate departs from a provider's profile (RFC 6109 §5.5.2; pec rule 4.2).

use const_oid::AssociatedOid;
use der::Decode;
use openssl::pkey::Id;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectAltName, SubjectKeyIdentifier};

use super::Certificate;
use crate::asn1::CertificateSyntax;

/// A departure from the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviation {
    /// The key is not RSA of 2048 bits or more.
    Key,
    /// No rfc822Name in the subject alternative name.
    NoMailAddress,
    /// keyUsage is not there, not critical, or without digitalSignature.
    KeyUsage,
    /// No authorityKeyIdentifier.
    NoAuthorityKey,
    /// No subjectKeyIdentifier.
    NoSubjectKey,
    /// basicConstraints, which must not be there.
    BasicConstraints,
    /// An extension other than keyUsage is critical.
    Critical,
}

impl Certificate {
    /// Where it departs from the profile of a provider's signing certificate; nothing for a good one.
    pub fn deviations(&self) -> Vec<Deviation> {
        let Ok(parsed) = CertificateSyntax::from_der(self.der()) else { return vec![Deviation::KeyUsage] };
        let extensions: Vec<&Extension> = parsed.tbs.extensions.iter().flatten().collect();
        let find = |oid| extensions.iter().find(|e| e.extn_id == oid);
        let usage = find(KeyUsage::OID).filter(|e| e.critical);
        let signs = usage.and_then(|e| KeyUsage::from_der(e.extn_value.as_bytes()).ok());
        let long_enough = self.public_key().is_some_and(|key| key.id() == Id::RSA && key.bits() >= 2048);
        let others = extensions.iter().filter(|e| e.extn_id != KeyUsage::OID && e.extn_id != BasicConstraints::OID);
        let mail = find(SubjectAltName::OID).is_some() && !self.emails().is_empty();
        let found = [
            (Deviation::Key, !long_enough),
            (Deviation::NoMailAddress, !mail),
            (Deviation::KeyUsage, !signs.is_some_and(|usage| usage.digital_signature())),
            (Deviation::NoAuthorityKey, find(AuthorityKeyIdentifier::OID).is_none()),
            (Deviation::NoSubjectKey, find(SubjectKeyIdentifier::OID).is_none()),
            (Deviation::BasicConstraints, find(BasicConstraints::OID).is_some()),
            (Deviation::Critical, others.into_iter().any(|e| e.critical)),
        ];
        found.into_iter().filter_map(|(deviation, so)| so.then_some(deviation)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{T0, later, provider, root};

    #[test]
    fn what_the_authority_issues_to_providers_is_of_the_profile_and_nothing_else_is() {
        assert_eq!(provider().certificate().deviations(), []);
        let tls = root().issue_tls(&["mx.example".into()], &[], T0, later(9)).unwrap().certificate();
        assert_eq!(tls.deviations(), [Deviation::Key, Deviation::NoMailAddress, Deviation::BasicConstraints]);
        let ca = root().certificate().deviations();
        assert_eq!(ca, [Deviation::NoMailAddress, Deviation::KeyUsage, Deviation::BasicConstraints]);
        let tsa = root().issue_tsa("Marche", T0, later(9)).unwrap().certificate().deviations();
        assert!(tsa.contains(&Deviation::Critical), "{tsa:?}");
    }
}
