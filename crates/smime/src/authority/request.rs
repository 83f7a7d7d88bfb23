//! Certification requests (PKCS#10, RFC 2986): what a provider sends to the authority that issues, and the keys for them.
//! They ask for what [`super::Authority`] would issue, so that the profile stands in one place.

use der::{Decode, Encode};
use openssl::pkey::Id;
use openssl::x509::X509Req;
use sigillo_base::Address;
use x509_cert::request::CertReq;

use super::{build, new_p256_key, new_rsa_key, profile, read_key, write_key};
use crate::Error;
use crate::certificate::pem;

/// A new RSA-2048 key, PEM, PKCS#8, unencrypted.
///
/// # Errors
/// openssl makes none.
pub fn rsa_key() -> Result<String, Error> {
    write_key(&new_rsa_key()?)
}

/// A new ECDSA P-256 key, for a server.
///
/// # Errors
/// openssl makes none.
pub fn server_key() -> Result<String, Error> {
    write_key(&new_p256_key()?)
}

/// A request for a provider's signing certificate (RFC 6109 §5.5), PEM: `C=IT, O=<provider>, CN=Posta Certificata`, the
/// service address as rfc822Name, keyUsage digitalSignature (critical), extendedKeyUsage emailProtection, no basicConstraints.
///
/// # Errors
/// [`Error::Key`] when the key is not RSA or cannot be read, [`Error::Compose`] when a name is too long.
pub fn pec(key_pem: &str, provider_name: &str, service_address: &Address) -> Result<String, Error> {
    let key = read_key(key_pem)?;
    if key.id() != Id::RSA {
        return Err(Error::Key("per firmare messaggi serve una chiave RSA".into()));
    }
    let subject = profile::provider_name(provider_name)?;
    Ok(label(&build::request(subject, profile::pec_asked(service_address)?, &key)?))
}

/// A request for a server's certificate, PEM: its names as dNSName, the first as CN.
///
/// # Errors
/// [`Error::Key`] for a key that cannot be read, [`Error::Compose`] without a name.
pub fn tls(key_pem: &str, names: &[String]) -> Result<String, Error> {
    let first = names.first().ok_or_else(|| Error::Compose("nessun nome di server".into()))?;
    let subject = profile::server_name(first)?;
    Ok(label(&build::request(subject, profile::tls_asked(names, &[])?, &read_key(key_pem)?)?))
}

/// Whether two requests (PEM) ask for the same with the same key. An ECDSA signature is another each time.
pub fn same(one: &str, other: &str) -> bool {
    let asked = |text: &str| {
        let der = X509Req::from_pem(text.as_bytes()).and_then(|request| request.to_der()).ok()?;
        CertReq::from_der(&der).ok()?.info.to_der().ok()
    };
    asked(one).is_some_and(|info| Some(info) == asked(other))
}

fn label(der: &[u8]) -> String {
    pem("CERTIFICATE REQUEST", der)
}

#[cfg(test)]
mod tests {
    use openssl::pkey::PKey;

    use super::*;
    use crate::fixtures::{address, provider, root};

    #[test]
    fn a_request_asks_for_what_the_authority_would_issue_and_proves_its_key() {
        let key = &provider().key_pem;
        let request = pec(key, "Gestore Èsempio S.p.A.", &address()).unwrap();
        let read = X509Req::from_pem(request.as_bytes()).unwrap();
        assert!(read.verify(&PKey::private_key_from_pem(key.as_bytes()).unwrap()).unwrap());
        let (issued, der) = (provider().certificate(), read.to_der().unwrap());
        let info = CertReq::from_der(&der).unwrap().info;
        assert_eq!(info.subject.to_der().unwrap(), issued.subject_der());
        assert_eq!(info.public_key.to_der().unwrap(), issued.public_key_der());
        let wanted = info.attributes.to_der().unwrap();
        for extension in profile::pec_asked(&address()).unwrap() {
            let extension = extension.to_der().unwrap();
            let inside = |bytes: &[u8]| bytes.windows(extension.len()).any(|w| w == extension);
            assert!(inside(&wanted) && inside(issued.der()));
        }
        assert!(same(&request, &pec(key, "Gestore Èsempio S.p.A.", &address()).unwrap()));
        assert!(!same(&request, &pec(key, "Altro", &address()).unwrap()));
        assert!(!same(&request, "niente") && !same("niente", "niente"));
        assert!(issued.is_of(key.as_bytes()) && !issued.is_of(root().key_pem().as_bytes()) && !issued.is_of(b""));
    }

    #[test]
    fn a_server_asks_twice_for_the_same_and_keys_of_another_kind_sign_no_messages() {
        let (key, names) = (server_key().unwrap(), ["mx.example".to_owned(), "imap.example".to_owned()]);
        let request = tls(&key, &names).unwrap();
        assert_ne!(request, tls(&key, &names).unwrap(), "ECDSA has chance in it");
        assert!(same(&request, &tls(&key, &names).unwrap()) && !same(&request, &tls(&key, &names[..1]).unwrap()));
        assert!(matches!(pec(&key, "X", &address()), Err(Error::Key(_))));
        assert!(matches!(tls(&key, &[]), Err(Error::Compose(_))));
        assert!(matches!(pec(&rsa_key().unwrap(), &"x".repeat(65), &address()), Err(Error::Compose(_))));
        assert!(matches!(pec("niente", "X", &address()), Err(Error::Key(_))));
    }
}
