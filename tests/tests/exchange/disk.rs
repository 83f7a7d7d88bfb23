//! Disk grows with originals, not with envelopes, receipts and copies.

use sigillo_base::Address;
use sigillo_engine::Submitted;
use sigillo_tests::fixtures::address;
use sigillo_tests::street::{Street, message};

const MIB: usize = 1 << 20;

/// One mebibyte to ten recipients of a domain; growth of each store, in bytes.
fn growth(domain: &str) -> (Street, Vec<usize>) {
    let mut street = Street::new(1);
    let anna = address("anna@comune-alfa.example");
    let to: Vec<Address> = (0..10).map(|n| address(&format!("u{n}@{domain}"))).collect();
    for user in &to {
        street.house(user).add(user, sigillo_accounts::Profile::Standard, street.now);
    }
    let before: Vec<usize> = street.houses.iter().map(|h| h.store.bytes()).collect();
    // Lines that do not repeat, so that nothing but storing once can help.
    let body: String =
        (0..MIB / 16).map(|n| format!("{:014x}\r\n", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8)).collect();
    let bytes = message(&anna, &to, "") + &body;
    assert!(matches!(street.submit_bytes(&anna, &to, bytes.into_bytes()), Ok(Submitted::Accepted(_))));
    let submitted = street.houses[0].store.bytes() - before[0];
    assert!(submitted * 2 < 3 * MIB, "after submission the sender's store has grown by {submitted}");
    street.run();
    for user in &to {
        assert_eq!(street.kinds(user), ["posta-certificata"]);
        assert!(street.inbox(user)[0].bytes.len() > MIB);
    }
    let receipts = street.inbox(&anna);
    assert_eq!(receipts.len(), 11);
    assert!(
        receipts[1..].iter().all(|l| l.evidence.original.as_ref().is_some_and(|o| o.len() > MIB)),
        "complete receipts"
    );
    let grown = street.houses.iter().zip(before).map(|(h, b)| h.store.bytes() - b).collect();
    (street, grown)
}

#[test]
fn inside_one_provider_an_original_is_stored_once() {
    let (_street, grown) = growth("comune-alfa.example");
    assert!(grown[0] * 2 < 3 * MIB, "ten recipients and ten complete receipts: {grown:?}");
}

#[test]
fn at_the_recipients_provider_an_original_is_stored_once() {
    let (_street, grown) = growth("ente-beta.example");
    assert!(grown[1] * 2 < 3 * MIB, "{grown:?}");
}

/// Complete receipts that come back from another provider hold the original again: it is recognised.
#[test]
fn receipts_that_come_back_do_not_store_the_original_again() {
    let (_street, grown) = growth("ente-beta.example");
    assert!(grown[0] * 2 < 3 * MIB, "{grown:?}");
}
