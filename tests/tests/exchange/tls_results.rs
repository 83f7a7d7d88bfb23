//! What is counted of TLS with others, day by day.

use std::time::Duration;

use sigillo_engine::{TlsFailure, TlsPolicy, TlsResults};
use sigillo_store::tag;
use sigillo_tests::fixtures::NOW;
use sigillo_tests::street::Street;

use super::check::assert_clean;
use super::rows;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn results(domain: &str, successes: u64, failures: &[(&str, u64)]) -> TlsResults {
    let policy =
        TlsPolicy { domain: domain.into(), kind: "sts".into(), text: vec!["mode: enforce".into()], mx: Vec::new() };
    let failure = |(kind, count): &(&str, u64)| {
        (TlsFailure { kind: (*kind).into(), host: "mx.x.example".into(), address: "192.0.2.1".into() }, *count)
    };
    TlsResults { policy, successes, failures: failures.iter().map(failure).collect() }
}

#[test]
fn sessions_add_up_within_a_day_and_are_forgotten_after_thirty() {
    let street = Street::new(1);
    let engine = street.houses[0].engine();
    engine
        .add_tls_results(&[results("b.example", 3, &[]), results("a.example", 1, &[("tlsa-invalid", 2)])], NOW)
        .unwrap();
    engine
        .add_tls_results(&[results("a.example", 4, &[("tlsa-invalid", 1), ("certificate-expired", 1)])], NOW)
        .unwrap();
    let today = engine.tls_results(NOW).unwrap();
    assert_eq!(
        today,
        [results("a.example", 5, &[("tlsa-invalid", 3), ("certificate-expired", 1)]), results("b.example", 3, &[]),]
    );
    assert_eq!(engine.tls_results(NOW.plus(DAY)).unwrap(), []);
    assert_clean(&street.houses[0].store, "with results");
    engine.add_tls_results(&[results("a.example", 1, &[])], NOW.plus(DAY * 31)).unwrap();
    assert_eq!(engine.tls_results(NOW).unwrap(), [], "over for long");
    assert_eq!(rows::of(&street.houses[0].store, tag::TLS_RESULTS).len(), 1);
}

/// Others decide how many names and policies there are: a row stays small all the same.
#[test]
fn a_flood_of_failures_and_policies_is_bounded() {
    let street = Street::new(1);
    let engine = street.houses[0].engine();
    for n in 0..100 {
        let mut flood = results("a.example", 1, &[]);
        flood.policy.text = vec![format!("max_age: {}", n % 20)];
        flood.failures = results("a.example", 0, &[(&format!("kind-{n}"), 1)]).failures;
        engine.add_tls_results(&[flood], NOW).unwrap();
    }
    let today = engine.tls_results(NOW).unwrap();
    assert!(today.len() <= 8 && today.iter().all(|r| r.failures.len() <= 50), "{}", today.len());
}
