//! The legal log in hostile hands: whatever row is altered, removed or put in, it is found.

use sigillo_pec::log::{Proof, ServiceEvent};
use sigillo_store::{Batch, Durability, MemoryStore, Store, tag};
use sigillo_tests::fixtures::NOW;
use sigillo_tests::log::{prove, prove_as_it_is};
use sigillo_tests::street::Street;

use super::log::{ANNA, BRUNO, DAY, send};
use super::rows;

/// A log of two closed segments and an open one, with a line that waits.
fn tampered_with() -> (Street, Proof) {
    let mut street = Street::new(9);
    street.houses[0].engine().chain_log(NOW).expect("opened");
    for _ in 0..2 {
        send(&street, ANNA, &[BRUNO, "carla@comune-alfa.example"], "");
        street.run();
        street.now = street.now.plus(DAY);
        street.houses[0].engine().close_segments(street.now).expect("the segments");
    }
    send(&street, ANNA, &[BRUNO], "");
    street.run();
    let engine = street.houses[0].engine();
    engine.chain_log(street.now).expect("linked");
    engine.log_service(ServiceEvent::IndexUpdate(Ok(())), street.now).expect("written");
    let proof = prove_as_it_is(engine, street.now, None).expect("a proof");
    assert!(proof.holds(true), "{proof:#?}");
    assert!(!proof.holds(false) && proof.unstamped == [1, 2]);
    (street, proof)
}

fn put(store: &MemoryStore, key: &[u8], value: Option<&[u8]>) {
    let mut batch = Batch::new();
    match value {
        Some(value) => batch.put(key, value),
        None => batch.delete(key),
    }
    store.commit(&batch, Durability::Synced).expect("written");
}

#[test]
fn any_row_that_is_altered_or_removed_is_found() {
    let (street, _) = tampered_with();
    let house = &street.houses[0];
    let engine = house.engine();
    let found = || match prove_as_it_is(engine, street.now, None) {
        Ok(proof) => !proof.holds(true),
        Err(_) => true, // the segments cannot even be listed
    };
    // The text of a line that waits is not bound to anything yet: that is what the chain does a second later.
    let waiting = rows::of(&house.store, tag::LOG_PENDING).remove(0).0.split_off(1);
    let mut tried = 0;
    for tag in [tag::LEGAL_LOG, tag::LOG_CHAIN, tag::LOG_SEGMENT, tag::LOG_PENDING] {
        for (key, value) in rows::of(&house.store, tag) {
            put(&house.store, &key, None);
            assert!(found(), "removed: {key:02x?}");
            for at in [1, value.len() / 2, value.len().saturating_sub(1)].into_iter().filter(|at| *at < value.len()) {
                let mut bent = value.clone();
                bent[at] ^= 1;
                put(&house.store, &key, Some(&bent));
                // `day` alone, the first field of a segment's row, is excused: it stands in the file, where the chain
                // proves it. The others that are bent here are `head` and the end of the row.
                let told = tag == tag::LOG_SEGMENT && at == 1;
                let unbound = tag == tag::LEGAL_LOG && key.windows(waiting.len()).any(|w| w == waiting);
                assert!(found() || told || unbound, "byte {at} altered: {key:02x?}");
                tried += 1;
            }
            put(&house.store, &key, Some(&value));
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(!found(), "as it was");
}

#[test]
fn a_line_put_in_by_hand_is_found() {
    let (street, _) = tampered_with();
    let store = &street.houses[0].store;
    let engine = street.houses[0].engine();
    let lines = rows::of(store, tag::LEGAL_LOG);
    let (key, value) = lines.iter().find(|(_, value)| value.len() > 100).expect("a line");
    // A line of its own number, without and with a marker.
    let mut forged = key.clone();
    let at = forged.len() - 5;
    forged[at] ^= 1;
    put(store, &forged, Some(value));
    let found = prove_as_it_is(engine, street.now, None).expect("a proof").findings;
    assert!(found[0].contains("non è nella catena e non attende di entrarvi"), "{found:?}");
    put(store, &forged, None);
    // A marker for a line that has its place: said to be wrong, and the chain does not take it twice.
    let marker = [&[tag::LOG_PENDING], &key[key.len() - 28..key.len() - 4]].concat();
    put(store, &marker, Some(&[]));
    let found = prove_as_it_is(engine, street.now, None).expect("a proof").findings;
    assert!(found[0].contains("attende, ed è già nella catena"), "{found:?}");
    assert!(prove(engine, street.now).expect("a proof").findings.is_empty(), "linked once");
    // A marker for nothing stops nobody, and is said.
    let mut nothing = marker;
    nothing[20] ^= 1;
    put(store, &nothing, Some(&[]));
    engine.log_service(ServiceEvent::IndexUpdate(Ok(())), street.now).expect("written");
    assert_eq!(engine.chain_log(street.now).expect("linked"), 1);
    let found = prove(engine, street.now).expect("a proof").findings;
    assert!(found.len() == 1 && found[0].contains("attende di entrare nella catena e non c'è"), "{found:?}");
}

#[test]
fn a_segment_that_does_not_hold_together_is_never_stamped() {
    let street = Street::new(10);
    let house = &street.houses[0];
    let engine = house.engine();
    send(&street, ANNA, &[BRUNO], "");
    engine.chain_log(NOW).expect("linked");
    let lines = rows::of(&house.store, tag::LEGAL_LOG);
    let (key, value) = lines.iter().find(|(_, value)| value.len() > 200).expect("a line");
    let mut bent = value.clone();
    bent[60] ^= 1;
    put(&house.store, key, Some(&bent));
    let later = NOW.plus(DAY);
    assert_eq!(engine.close_segments(later).expect("closed"), 1);
    assert!(engine.unstamped_segments(10).expect("segments").is_empty(), "it has no digest");
    assert!(!prove(engine, later).expect("a proof").holds(true));
    put(&house.store, key, Some(value));
    engine.close_segments(later).expect("closed");
    assert_eq!(engine.unstamped_segments(10).expect("segments").len(), 1, "whole again");
}
