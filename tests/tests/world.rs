//! Runs of the simulated world. A failing seed is replayed with `cargo run -p sigillo-tests --bin world -- --seed N`.

use sigillo_tests::world::World;

const STEPS: usize = 250;

#[test]
fn every_recipient_ends_in_exactly_one_outcome() {
    let mut total = (0, 0, 0, 0, 0);
    let (mut infected, mut anomalies, mut bounces, mut refused) = (0, 0, 0, 0);
    for seed in 1..=8 {
        let r = World::new(seed, false).run(STEPS).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        total.0 += r.accepted;
        total.1 += r.delivered;
        total.2 += r.failed;
        total.3 += r.presumed_failed;
        total.4 += r.first_notices;
        infected += r.infected;
        anomalies += r.anomalies;
        bounces += r.bounces;
        refused += r.refused;
    }
    // A world where nothing goes wrong would prove nothing.
    assert!(total.0 > 100 && total.1 > 100 && total.2 > 5 && total.3 > 5 && total.4 > 5, "{total:?}");
    assert!(infected > 5, "{infected} infected");
    assert!(anomalies > 5 && refused > 5, "ordinary mail: {anomalies} in anomaly envelopes, {refused} refused");
    assert!(bounces > 5, "{bounces} external recipients failed");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| World::new(seed, false).run(60).unwrap_or_else(|e| panic!("seed {seed}: {e}")).hash;
    assert_eq!(run(42), run(42));
    assert_ne!(run(42), run(43));
}
