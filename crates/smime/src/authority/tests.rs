//! What is issued is what the rules want; foreign eyes look at it in `tests/openssl.rs`.

use super::*;
use crate::fixtures::{address, before, clean, later, provider, root};
use crate::{PathError, Trust};

#[test]
fn the_same_arguments_give_the_same_bytes() {
    let again = Authority::with_key("Autorità di prova", root().key_pem(), before(1000), later(1000)).unwrap();
    assert_eq!(again.certificate(), root().certificate());
    let leaf = |name: &str| {
        again.issue_pec_with_key(&provider().key_pem, name, &address(), later(0), later(300)).unwrap().certificate()
    };
    assert_eq!(leaf("Gestore Èsempio S.p.A."), provider().certificate());
    assert_ne!(leaf("Altro").serial_hex(), provider().certificate().serial_hex());
    assert_eq!(root().crl(&[], later(0), later(1), 1), again.crl(&[], later(0), later(1), 1));
}

#[test]
fn load_takes_what_belongs_together() {
    let loaded = Authority::load(root().certificate_pem(), root().key_pem()).unwrap();
    assert_eq!(loaded.certificate(), root().certificate());
    assert_eq!(loaded.certificate_pem(), root().certificate_pem());
    assert!(matches!(Authority::load(root().certificate_pem(), &provider().key_pem), Err(Error::Key(_))));
    let leaf = Authority::load(&provider().certificate_pem, &provider().key_pem);
    assert!(matches!(leaf, Err(Error::Certificate(_))), "a provider is no authority");
}

#[test]
fn a_provider_cannot_issue() {
    let rogue = Authority {
        certificate: provider().certificate(),
        certificate_pem: String::new(),
        key: read_key(&provider().key_pem).unwrap(),
        key_pem: String::new(),
    };
    let forged = rogue.issue_pec_with_key(root().key_pem(), "Falso", &address(), before(1), later(9)).unwrap();
    let t = Trust::new(vec![root().certificate()], vec![clean(root()), clean(&rogue)]);
    let verdict = t.verify(&forged.certificate(), &[provider().certificate()], later(1));
    assert!(matches!(verdict, Err(PathError::Untrusted(_))), "{verdict:?}");
}

#[test]
fn an_elliptic_authority_works_as_well() {
    let key = write_key(&new_p256_key().unwrap()).unwrap();
    let ec = Authority::with_key("CA ellittica", &key, before(1), later(90)).unwrap();
    let leaf = ec.issue_pec_with_key(&provider().key_pem, "X", &address(), before(1), later(90)).unwrap();
    let t = Trust::new(vec![ec.certificate()], vec![clean(&ec)]);
    assert_eq!(t.verify(&leaf.certificate(), &[], later(1)), Ok(()));
}

#[test]
fn what_cannot_be_issued() {
    let refused = |name: &str, until| {
        let issued = root().issue_pec_with_key(&provider().key_pem, name, &address(), later(0), until);
        matches!(issued, Err(Error::Compose(_)))
    };
    assert!(refused("", later(1)));
    assert!(refused(&"x".repeat(65), later(1)));
    assert!(refused("a\r\nb", later(1)));
    assert!(refused("X", later(0)), "ends before it begins");
    assert!(!refused(&"è".repeat(64), later(1)));
    assert!(matches!(root().issue_tls(&[], &[], later(0), later(1)), Err(Error::Compose(_))));
    let bad = [Revoked { serial_hex: "xyz".into(), at: later(0) }];
    assert!(matches!(root().crl(&bad, later(0), later(1), 1), Err(Error::Compose(_))));
}
