//! Paths, revocation lists, and what is remembered of them.

use std::time::Duration;

use super::*;
use crate::authority::{Authority, Issued, Revoked};
use crate::fixtures::{address, before, clean, later, narrow, other_key, provider, root, tsa};
use sigillo_base::Address;

fn trust(crls: Vec<Crl>) -> Trust {
    Trust::new(vec![root().certificate()], crls)
}

fn at(trust: &Trust, certificate: &Issued, now: Timestamp) -> Result<(), PathError> {
    trust.verify(&certificate.certificate(), &[], now)
}

fn untrusted(result: Result<(), PathError>, why: &str) {
    match result {
        Err(PathError::Untrusted(text)) => assert!(text.contains(why), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn good_while_certificate_and_list_are() {
    let t = trust(vec![clean(root())]);
    assert_eq!(at(&t, provider(), later(1)), Ok(()));
    assert_eq!(at(&t, provider(), provider().certificate().not_before()), Ok(()));
}

#[test]
fn expired_and_not_yet_valid() {
    let lasting = Crl::from_der(&root().crl(&[], before(400), later(900), 1).unwrap()).unwrap();
    let t = trust(vec![lasting]);
    assert_eq!(at(&t, provider(), later(300)), Err(PathError::Expired));
    assert_eq!(at(&t, provider(), Timestamp::from_millis(later(300).as_millis() - 1)), Ok(()));
    assert_eq!(at(&t, provider(), before(1)), Err(PathError::NotYetValid));
    // The authority's own life counts, too.
    let long = root().issue_pec_with_key(&provider().key_pem, "X", &address(), before(900), later(5000)).unwrap();
    let far = Crl::from_der(&root().crl(&[], before(400), later(5000), 1).unwrap()).unwrap();
    assert_eq!(at(&trust(vec![far.clone()]), &long, later(999)), Ok(()));
    assert_eq!(at(&trust(vec![far]), &long, later(1001)), Err(PathError::Expired));
}

#[test]
fn revoked_by_the_newest_list() {
    let serial_hex = provider().certificate().serial_hex();
    let revoking = root().crl(&[Revoked { serial_hex, at: later(1) }], later(1), later(8), 2).unwrap();
    let revoking = Crl::from_der(&revoking).unwrap();
    for crls in [vec![clean(root()), revoking.clone()], vec![revoking, clean(root())]] {
        let t = trust(crls);
        assert_eq!(at(&t, provider(), later(2)), Err(PathError::Revoked));
        assert!(!PathError::Revoked.is_temporary());
    }
    let other = root().crl(&[Revoked { serial_hex: "01".into(), at: later(1) }], later(1), later(8), 2).unwrap();
    assert_eq!(at(&trust(vec![Crl::from_der(&other).unwrap()]), provider(), later(2)), Ok(()));
}

#[test]
fn no_current_list_is_temporary() {
    for (t, now) in [
        (trust(vec![]), later(1)),
        (trust(vec![clean(root())]), later(10)),
        (trust(vec![clean(root())]), later(50)),
        (trust(vec![Crl::from_der(&root().crl(&[], later(2), later(9), 3).unwrap()).unwrap()]), later(1)),
    ] {
        assert_eq!(at(&t, provider(), now), Err(PathError::NoCrl));
    }
    assert!(PathError::NoCrl.is_temporary());
}

#[test]
fn a_list_of_a_stranger_says_nothing() {
    let name = root().certificate().common_name().unwrap();
    let stranger = Authority::with_key(&name, other_key(), before(1000), later(1000)).unwrap();
    assert_eq!(stranger.certificate().subject(), root().certificate().subject());
    assert_eq!(at(&trust(vec![clean(&stranger)]), provider(), later(1)), Err(PathError::NoCrl));
    // Nor can it revoke.
    let serial_hex = provider().certificate().serial_hex();
    let forged = stranger.crl(&[Revoked { serial_hex, at: later(1) }], later(1), later(8), 9).unwrap();
    let t = trust(vec![clean(root()), Crl::from_der(&forged).unwrap()]);
    assert_eq!(at(&t, provider(), later(2)), Ok(()));
}

#[test]
fn a_certificate_of_a_stranger() {
    let name = root().certificate().common_name().unwrap();
    let stranger = Authority::with_key(&name, other_key(), before(1000), later(1000)).unwrap();
    let forged = stranger.issue_pec_with_key(&provider().key_pem, "X", &address(), before(9), later(9)).unwrap();
    let t = trust(vec![clean(root()), clean(&stranger)]);
    assert!(matches!(at(&t, &forged, later(1)), Err(PathError::Untrusted(_))));
    let unknown = Authority::with_key("Ignota", other_key(), before(9), later(9)).unwrap();
    let theirs = unknown.issue_pec_with_key(&provider().key_pem, "X", &address(), before(9), later(9)).unwrap();
    untrusted(t.verify(&theirs.certificate(), &[unknown.certificate()], later(1)), "Ignota");
}

#[test]
fn a_server_certificate_signs_no_mail() {
    let tls = root().issue_tls(&["mx.gestore.example".into()], &[], before(1), later(90)).unwrap();
    untrusted(at(&trust(vec![clean(root())]), &tls, later(1)), "purpose");
}

#[test]
fn every_issuer_on_the_path_needs_its_list() {
    let leaf = narrow().issue_pec_with_key(&provider().key_pem, "X", &address(), before(0), later(90)).unwrap();
    let (leaf, chain) = (leaf.certificate(), [narrow().certificate()]);
    let verify = |crls| trust(crls).verify(&leaf, &chain, later(1));
    assert_eq!(verify(vec![clean(root()), clean(narrow())]), Ok(()));
    assert_eq!(verify(vec![clean(narrow())]), Err(PathError::NoCrl));
    assert_eq!(verify(vec![clean(root())]), Err(PathError::NoCrl));
    let serial_hex = narrow().certificate().serial_hex();
    let gone = Crl::from_der(&root().crl(&[Revoked { serial_hex, at: later(0) }], later(0), later(8), 2).unwrap());
    assert_eq!(verify(vec![gone.unwrap(), clean(narrow())]), Err(PathError::Revoked));
    untrusted(trust(vec![clean(root()), clean(narrow())]).verify(&leaf, &[], later(1)), "CA gestori");
    // As an anchor of its own it needs nobody above, and is not looked up.
    let alone = Trust::new(vec![narrow().certificate()], vec![clean(narrow())]);
    assert_eq!(alone.verify(&leaf, &[], later(1)), Ok(()));
}

#[test]
fn name_constraints_are_honoured() {
    let issue = |mail: &str| {
        let address = Address::parse(mail).unwrap();
        narrow().issue_pec_with_key(&provider().key_pem, "X", &address, before(0), later(90)).unwrap().certificate()
    };
    for t in
        [trust(vec![clean(root()), clean(narrow())]), Trust::new(vec![narrow().certificate()], vec![clean(narrow())])]
    {
        let verify = |mail: &str| t.verify(&issue(mail), &[narrow().certificate()], later(1));
        assert_eq!(verify("posta@gestore.example"), Ok(()));
        assert_eq!(verify("posta@GESTORE.example"), Ok(()));
        untrusted(verify("posta@estraneo.example"), "subtree");
        untrusted(verify("posta@gestore.example.org"), "subtree");
    }
}

#[test]
fn several_anchors_with_one_key() {
    let wide = narrow().reissued_by(root(), &["estraneo.example".into()], later(0), later(900)).unwrap();
    assert_eq!(wide.certificate().key_id(), narrow().certificate().key_id());
    let issue = |a: &Authority, mail: &str| {
        let address = Address::parse(mail).unwrap();
        a.issue_pec_with_key(&provider().key_pem, "X", &address, before(0), later(90)).unwrap().certificate()
    };
    let (narrow_only, wide_only) = (issue(narrow(), "p@gestore.example"), issue(&wide, "p@estraneo.example"));
    let neither = issue(&wide, "p@nessuno.example");
    for anchors in [[narrow().certificate(), wide.certificate()], [wide.certificate(), narrow().certificate()]] {
        let t = Trust::new(anchors.to_vec(), vec![clean(narrow())]);
        assert_eq!(t.verify(&narrow_only, &[], later(1)), Ok(()));
        assert_eq!(t.verify(&wide_only, &[], later(1)), Ok(()));
        untrusted(t.verify(&neither, &[], later(1)), "subtree");
        // The same when both come along and the root is the anchor.
        let t = trust(vec![clean(root()), clean(narrow())]);
        assert_eq!(t.verify(&narrow_only, &anchors, later(1)), Ok(()));
        assert_eq!(t.verify(&wide_only, &anchors, later(1)), Ok(()));
    }
}

#[test]
fn a_certificate_that_is_an_anchor_itself() {
    let t = Trust::new(vec![provider().certificate()], vec![]);
    assert_eq!(at(&t, provider(), later(1)), Ok(()));
    assert_eq!(at(&t, provider(), later(300)), Err(PathError::Expired));
}

#[test]
fn a_verdict_holds_only_inside_its_window() {
    let t = trust(vec![clean(root())]);
    let leaf = provider().certificate();
    assert_eq!(at(&t, provider(), later(1)), Ok(()));
    let window = *t.remembered().get(&leaf.sha256()).unwrap();
    assert_eq!(window, Window { from: later(0), until: later(10) }, "the list is the shortest");
    // Forwards and back again: each answer is the one of its own instant.
    let second = Duration::from_secs(1);
    assert_eq!(at(&t, provider(), later(10)), Err(PathError::NoCrl));
    assert_eq!(at(&t, provider(), Timestamp::from_millis(later(10).as_millis() - 1)), Ok(()));
    assert_eq!(at(&t, provider(), before(1)), Err(PathError::NotYetValid));
    assert_eq!(at(&t, provider(), later(0).plus(second)), Ok(()));
    // The clock goes back before the list was made: its word is not used, whatever is remembered.
    let young = root().issue_pec_with_key(&provider().key_pem, "X", &address(), before(50), later(9)).unwrap();
    assert_eq!(at(&t, &young, later(1)), Ok(()));
    assert_eq!(at(&t, &young, before(1)), Err(PathError::NoCrl));
    assert_eq!(at(&t, &young, later(9)), Err(PathError::Expired));
}

#[test]
fn a_verdict_is_forgotten_when_the_next_list_begins() {
    let serial_hex = provider().certificate().serial_hex();
    let revoking = root().crl(&[Revoked { serial_hex, at: later(3) }], later(3), later(12), 2).unwrap();
    let t = trust(vec![clean(root()), Crl::from_der(&revoking).unwrap()]);
    assert_eq!(at(&t, provider(), later(1)), Ok(()));
    assert_eq!(t.remembered().values().next().map(|w| w.until), Some(later(3)));
    assert_eq!(at(&t, provider(), later(3)), Err(PathError::Revoked), "though the first list is still current");
    assert_eq!(at(&t, provider(), later(2)), Ok(()));
}

#[test]
fn what_was_proven_is_not_proven_again_and_what_failed_is_not_kept() {
    let t = trust(vec![clean(root()), clean(narrow())]);
    let leaf = narrow().issue_pec_with_key(&provider().key_pem, "X", &address(), before(0), later(90)).unwrap();
    assert!(at(&t, &leaf, later(1)).is_err(), "its issuer did not come along");
    assert!(t.remembered().is_empty());
    assert_eq!(t.verify(&leaf.certificate(), &[narrow().certificate()], later(1)), Ok(()));
    assert_eq!(at(&t, &leaf, later(2)), Ok(()), "remembered");
    assert!(at(&t, &leaf, later(90)).is_err());
}

#[test]
fn what_is_believed_for_one_purpose_is_not_for_the_other() {
    let t = trust(vec![clean(root())]);
    let stamps = |c: &Issued| t.verify_time_stamping(&c.certificate(), &[], later(1));
    // Twice: the second time with all that is remembered of the first.
    for _ in 0..2 {
        assert_eq!(stamps(tsa()), Ok(()));
        untrusted(at(&t, tsa(), later(1)), "purpose");
        assert_eq!(at(&t, provider(), later(1)), Ok(()));
        untrusted(stamps(provider()), "extendedKeyUsage");
    }
    assert_eq!(t.remembered().len(), 1, "the provider's");
}

#[test]
fn a_time_stamp_is_judged_by_the_date_of_the_revocation() {
    let serial_hex = tsa().certificate().serial_hex();
    let gone = root().crl(&[Revoked { serial_hex, at: later(20) }], later(20), later(30), 2).unwrap();
    let t = trust(vec![clean(root()), Crl::from_der(&gone).unwrap()]);
    let stamps = |now| t.verify_time_stamping(&tsa().certificate(), &[], now);
    assert_eq!(stamps(later(5)), Ok(()));
    assert_eq!(stamps(later(15)), Ok(()), "no list is of that time");
    assert_eq!(stamps(later(20)), Err(PathError::Revoked));
    assert_eq!(stamps(later(30)), Err(PathError::Revoked), "it is out of date, and what it says stays true");
}

#[test]
fn a_crowd_of_certificates_ends_soon() {
    // Many authorities of one name that all could have issued each other.
    let same = |i: u32| Authority::with_key("Folla", other_key(), before(i64::from(i) + 1), later(9)).unwrap();
    let crowd: Vec<Certificate> = (0..40).map(|i| same(i).certificate()).collect();
    let leaf = same(99).issue_pec_with_key(&provider().key_pem, "X", &address(), before(9), later(9)).unwrap();
    let foreign = [root().certificate()];
    assert!(path::candidates(crowd.first().unwrap(), &crowd, &foreign).is_empty());
    let leaf = leaf.certificate();
    assert_eq!(path::candidates(&leaf, &crowd, &crowd).len(), 16);
    untrusted(trust(vec![]).verify(&leaf, &crowd, later(1)), "Folla");
}
