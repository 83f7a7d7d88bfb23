//! Revocation lists (RFC 5280 §5). A list is read once; whether it speaks for a certificate at an instant is asked here,
//! whether its issuer may be believed is asked by `trust`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use const_oid::db::rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT;
use der::Decode;
use openssl::x509::{X509, X509Crl, X509NameRef};
use sigillo_base::Timestamp;
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

use crate::certificate::{readable, without_leading_zeros};
use crate::{Certificate, Error, asn1};

/// A certificate revocation list. Cloning it is cheap.
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    list: X509Crl,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    /// Serial numbers without leading zeros, and since when.
    revoked: HashMap<Vec<u8>, Timestamp>,
    scope: Scope,
}

/// For which of its issuer's certificates a list speaks (the issuing distribution point, RFC 5280 §5.2.5).
#[derive(Default)]
struct Scope {
    only_users: bool,
    only_authorities: bool,
    points: Option<Vec<String>>,
}

impl Crl {
    /// Reads a list in DER. A delta list, an indirect one or one with an unknown critical extension is an error:
    /// silence there could mean "revoked".
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let unreadable = |e: String| Error::Crl(e);
        let parsed = CertificateList::from_der(der).map_err(|e| unreadable(e.to_string()))?.tbs_cert_list;
        let list = X509Crl::from_der(der).map_err(|e| unreadable(e.to_string()))?;
        let scope = Scope::read(parsed.crl_extensions.as_deref().unwrap_or_default())?;
        let entries = parsed.revoked_certificates.unwrap_or_default();
        Ok(Self(Arc::new(Inner {
            list,
            this_update: asn1::timestamp(&parsed.this_update),
            next_update: parsed.next_update.as_ref().map(asn1::timestamp),
            revoked: entries.iter().map(entry).collect::<Result<_, _>>()?,
            scope,
        })))
    }

    /// Reads every list of a PEM text; an error when there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Vec<Self>, Error> {
        const BEGIN: &str = "-----BEGIN X509 CRL-----";
        const END: &str = "-----END X509 CRL-----";
        let text = std::str::from_utf8(pem).map_err(|e| Error::Crl(e.to_string()))?;
        let mut lists = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(BEGIN) {
            let (block, after) = after.split_once(END).ok_or_else(|| Error::Crl("PEM troncato".into()))?;
            rest = after;
            let base64: Vec<u8> = block.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
            let der = data_encoding::BASE64.decode(&base64).map_err(|e| Error::Crl(e.to_string()))?;
            lists.push(Self::from_der(&der)?);
        }
        if lists.is_empty() {
            return Err(Error::Crl("nessuna CRL PEM nel testo".into()));
        }
        Ok(lists)
    }

    /// Reads what a file or an address holds: one list in DER, or the lists of a PEM text.
    pub fn read(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        if bytes.starts_with(b"-----") { Self::from_pem(bytes) } else { Ok(vec![Self::from_der(bytes)?]) }
    }

    /// The issuer, readable.
    pub fn issuer(&self) -> String {
        readable(self.0.list.issuer_name())
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        self.0.this_update
    }

    /// From when on it is out of date; a list that does not say so is never current.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.0.next_update
    }

    /// How many certificates it revokes.
    pub fn len(&self) -> usize {
        self.0.revoked.len()
    }

    /// Whether it revokes none.
    pub fn is_empty(&self) -> bool {
        self.0.revoked.is_empty()
    }

    /// The instants in which it is current: from the first (included) to the second (not).
    pub fn window(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.0.this_update, self.0.next_update?))
    }

    /// Whether `issuer` made it: name, right to sign, signature.
    pub fn issued_by(&self, issuer: &Certificate) -> bool {
        let equal = |name: &X509NameRef| self.0.list.issuer_name().try_cmp(name).is_ok_and(Ordering::is_eq);
        issuer.x509().is_some_and(|c| equal(c.subject_name()))
            && issuer.signs_crls()
            && issuer.public_key().is_some_and(|key| self.0.list.verify(key).unwrap_or(false))
    }

    /// Whether it is the issuer's word on `certificate`.
    pub fn speaks_for(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.0.scope.covers(certificate) && self.issued_by(issuer)
    }

    pub(crate) fn revokes(&self, certificate: &Certificate) -> bool {
        self.0.revoked.contains_key(certificate.serial())
    }

    /// Since when `certificate` is revoked, if this is the word of its `issuer` and says so; whether the list is
    /// current is not asked. For judging an old signature by a list that came later.
    pub fn revoked_at(&self, certificate: &Certificate, issuer: &Certificate) -> Option<Timestamp> {
        let same = |c: &X509| self.0.list.issuer_name().try_cmp(c.issuer_name()).is_ok_and(Ordering::is_eq);
        let since = self.0.revoked.get(certificate.serial()).copied()?;
        (certificate.x509().is_some_and(same) && self.speaks_for(certificate, issuer)).then_some(since)
    }
}

impl Scope {
    fn read(extensions: &[Extension]) -> Result<Self, Error> {
        let mut scope = Self::default();
        for extension in extensions {
            // Not `IssuingDistributionPoint::OID`: in x509-cert 0.2 that is another extension's.
            if extension.extn_id == ID_CE_ISSUING_DISTRIBUTION_POINT {
                scope = Self::of(extension)?;
            } else if extension.critical {
                return Err(Error::Crl(format!("estensione critica sconosciuta {}", extension.extn_id)));
            }
        }
        Ok(scope)
    }

    fn of(extension: &Extension) -> Result<Self, Error> {
        let point = IssuingDistributionPoint::from_der(extension.extn_value.as_bytes())
            .map_err(|e| Error::Crl(e.to_string()))?;
        if point.indirect_crl || point.only_contains_attribute_certs || point.only_some_reasons.is_some() {
            return Err(Error::Crl("lista indiretta o parziale".into()));
        }
        let names = match &point.distribution_point {
            None => None,
            Some(DistributionPointName::FullName(names)) => Some(names),
            Some(_) => return Err(Error::Crl("punto di distribuzione relativo".into())),
        };
        let uri = |name: &GeneralName| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.to_string()),
            _ => None,
        };
        Ok(Self {
            only_users: point.only_contains_user_certs,
            only_authorities: point.only_contains_ca_certs,
            points: names.map(|n| n.iter().filter_map(uri).collect()),
        })
    }

    fn covers(&self, certificate: &Certificate) -> bool {
        let kind = if certificate.is_authority() { !self.only_users } else { !self.only_authorities };
        let point = |p: &String| certificate.crl_points().contains(p);
        kind && self.points.as_ref().is_none_or(|points| points.iter().any(point))
    }
}

fn entry(entry: &RevokedCert) -> Result<(Vec<u8>, Timestamp), Error> {
    if entry.crl_entry_extensions.iter().flatten().any(|e| e.critical) {
        return Err(Error::Crl("voce con estensione critica".into()));
    }
    let serial = without_leading_zeros(entry.serial_number.as_bytes()).to_vec();
    Ok((serial, asn1::timestamp(&entry.revocation_date)))
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Crl({}, {} revoked, from {} to {:?})",
            self.issuer(),
            self.len(),
            self.0.this_update,
            self.0.next_update
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Revoked;
    use crate::certificate::pem;
    use crate::fixtures::{self, DAY, T0};
    use proptest::prelude::*;

    fn list() -> Vec<u8> {
        let revoked = [Revoked { serial_hex: "00ab".into(), at: T0 }, Revoked { serial_hex: "7F01".into(), at: T0 }];
        fixtures::root().crl(&revoked, T0, T0.plus(DAY), 7).unwrap()
    }

    #[test]
    fn read_as_written() {
        let crl = Crl::from_der(&list()).unwrap();
        assert_eq!((crl.this_update(), crl.next_update()), (T0, Some(T0.plus(DAY))));
        assert_eq!((crl.len(), crl.issuer()), (2, fixtures::root().certificate().subject()));
        assert!(crl.0.revoked.contains_key([0xab].as_slice()), "leading zeros do not matter");
        let text = pem("X509 CRL", &list()).replace('\n', "\r\n");
        assert_eq!(Crl::from_pem(format!("{text}{text}").as_bytes()).unwrap().len(), 2);
        assert!(Crl::from_pem(&text.as_bytes()[..text.len() - 20]).is_err());
        assert_eq!(Crl::read(&list()).unwrap().len(), Crl::read(text.as_bytes()).unwrap().len());
    }

    #[test]
    fn a_list_is_its_issuers_alone() {
        let crl = Crl::from_der(&list()).unwrap();
        assert!(crl.issued_by(&fixtures::root().certificate()));
        assert!(!crl.issued_by(&fixtures::narrow().certificate()), "another name");
        let name = fixtures::root().certificate().common_name().unwrap();
        let namesake = crate::authority::Authority::with_key(&name, fixtures::other_key(), T0, T0.plus(DAY)).unwrap();
        assert!(!crl.issued_by(&namesake.certificate()), "another key");
    }

    #[test]
    fn a_revocation_has_its_date_and_its_issuer() {
        let (leaf, root) = (fixtures::provider().certificate(), fixtures::root().certificate());
        let revoked = [Revoked { serial_hex: leaf.serial_hex(), at: T0.plus(DAY) }];
        let crl = fixtures::root().crl(&revoked, T0.plus(DAY * 2), T0.plus(DAY * 3), 8).unwrap();
        let crl = Crl::from_der(&crl).unwrap();
        assert_eq!(crl.revoked_at(&leaf, &root), Some(T0.plus(DAY)));
        assert_eq!(crl.revoked_at(&root, &root), None, "another certificate");
        assert_eq!(crl.revoked_at(&leaf, &fixtures::narrow().certificate()), None, "another issuer");
        assert_eq!(Crl::from_der(&list()).unwrap().revoked_at(&leaf, &root), None, "not in the list");
    }

    /// The issuing distribution point extension over `value`, as it would stand in a list.
    fn scope(value: &str) -> Result<Scope, Error> {
        let extn_value =
            der::asn1::OctetString::new(data_encoding::HEXLOWER.decode(value.as_bytes()).unwrap()).unwrap();
        Scope::read(&[Extension { extn_id: ID_CE_ISSUING_DISTRIBUTION_POINT, critical: true, extn_value }])
    }

    #[test]
    fn a_list_speaks_only_within_its_scope() {
        let (leaf, root) = (fixtures::provider().certificate(), fixtures::root().certificate());
        let covers = |s: Scope| (s.covers(&leaf), s.covers(&root));
        assert_eq!(covers(scope("3000").unwrap()), (true, true));
        assert_eq!(covers(scope("30038101ff").unwrap()), (true, false), "only user certificates");
        assert_eq!(covers(scope("30038201ff").unwrap()), (false, true), "only authorities");
        // fullName [0] { uniformResourceIdentifier "a" }: neither certificate names it.
        assert_eq!(covers(scope("3007a005a003860161").unwrap()), (false, false));
        assert!(scope("30038401ff").is_err(), "indirect");
        assert!(scope("30038501ff").is_err(), "attribute certificates");
        let unknown = Extension { critical: true, ..scope_extension() };
        assert!(Scope::read(&[unknown]).is_err());
        assert!(Scope::read(&[scope_extension()]).is_ok(), "unknown but not critical");
    }

    fn scope_extension() -> Extension {
        let extn_id = const_oid::ObjectIdentifier::new_unwrap("1.2.3.4");
        Extension { extn_id, critical: false, extn_value: der::asn1::OctetString::new([5, 0]).unwrap() }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            prop_assert!(Crl::from_der(&bytes).is_err());
            prop_assert!(Crl::from_pem(text.as_bytes()).is_err());
        }

        #[test]
        fn altered_lists_never_panic(at in 0usize..400, to in any::<u8>()) {
            let mut der = list();
            if let Some(b) = der.get_mut(at) { *b = to; }
            if let Ok(crl) = Crl::from_der(&der) {
                drop(format!("{crl:?}"));
            }
        }
    }
}
