use std::time::Duration;

use sigillo_smime::authority::Authority;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const T0: Timestamp = Timestamp::from_millis(1_773_306_901_000);

fn authority(name: &str) -> Authority {
    Authority::new(name, T0, T0.plus(HOUR * 10_000)).unwrap()
}

fn list(of: &Authority, from: u32, until: u32) -> Crl {
    Crl::from_der(&of.crl(&[], T0.plus(HOUR * from), T0.plus(HOUR * until), 1).unwrap()).unwrap()
}

#[test]
fn only_a_genuine_current_and_newer_list_takes_the_place_of_another() {
    let (ca, other) = (authority("CA"), authority("Altra CA"));
    let issuers = [ca.certificate(), other.certificate()];
    let (kept, now) = (list(&ca, 2, 30), T0.plus(HOUR * 4));
    let replaces = |fresh: &Crl| replaces(fresh, Some(&kept), &issuers, now).map_err(|e| e.to_string());
    assert_eq!(replaces(&list(&ca, 3, 20)), Ok(true), "newer, though it ends earlier");
    assert_eq!(replaces(&list(&ca, 2, 30)), Ok(false));
    assert!(replaces(&list(&ca, 1, 40)).unwrap_err().contains("più vecchia"));
    assert!(replaces(&list(&ca, 3, 4)).unwrap_err().contains("non vale adesso"), "out of date");
    assert!(replaces(&list(&ca, 5, 40)).unwrap_err().contains("non vale adesso"), "not yet");
    assert!(
        replaces(&list(&authority("CA"), 3, 40)).unwrap_err().contains("non è firmata"),
        "the name alone is nothing"
    );
    assert!(replaces(&list(&other, 3, 40)).unwrap_err().contains("e non più di"), "lists of two addresses swapped");
}

#[test]
fn a_kept_list_counts_only_while_its_issuer_is_believed() {
    let (old, new) = (authority("CA"), authority("CA nuova"));
    let (kept, fresh, now) = (list(&old, 3, 30), list(&new, 2, 30), T0.plus(HOUR * 4));
    assert!(replaces(&fresh, Some(&kept), &[new.certificate()], now).unwrap());
    assert!(replaces(&fresh, None, &[new.certificate()], now).unwrap());
}

#[test]
fn an_address_holds_one_list() {
    let ca = authority("CA");
    let der = ca.crl(&[], T0, T0.plus(HOUR), 1).unwrap();
    assert!(one(&der).is_ok());
    let base64 = data_encoding::BASE64.encode(&der);
    let pem = format!("-----BEGIN X509 CRL-----\n{base64}\n-----END X509 CRL-----\n");
    assert!(one(pem.as_bytes()).is_ok());
    assert!(one(pem.repeat(2).as_bytes()).is_err());
    assert!(one(&der[..der.len() - 1]).is_err(), "half of it");
    assert!(one(b"<html>").is_err());
}
