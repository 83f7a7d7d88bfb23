//! The chain of the legal log under faults and many workers: every line stands in it once.

use std::time::Duration;

use proptest::prelude::*;
use sigillo_base::Timestamp;
use sigillo_engine::{Engine, Error};
use sigillo_pec::log::ServiceEvent;
use sigillo_store::memory::{Fault, Plan};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::{NOW, alfa};
use sigillo_tests::house::{House, Known};
use sigillo_tests::log::{file, prove};

use super::rows;

/// What happens to the log of one provider.
#[derive(Debug, Clone)]
enum Step {
    /// This many lines are written.
    Write(u8),
    /// The chain takes what waits.
    Link,
    /// Hours pass, then segments are closed.
    Close(u8),
    /// The n-th commit from here goes wrong.
    Break(u8, Fault),
    /// The n-th call from here fails.
    Fail(u8),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![Just(Fault::Refused), Just(Fault::Lost), Just(Fault::CrashBefore), Just(Fault::CrashAfter)];
    prop_oneof![
        4 => (1..4u8).prop_map(Step::Write),
        4 => Just(Step::Link),
        2 => (0..30u8).prop_map(Step::Close),
        2 => (1..4u8, fault).prop_map(|(n, f)| Step::Break(n, f)),
        1 => (1..12u8).prop_map(Step::Fail),
        1 => Just(Step::Restart),
    ]
}

/// Writes a line; one whose commit failed may be there or not.
fn write(engine: &Engine<MemoryStore>, n: usize, now: Timestamp) -> bool {
    engine.log_service(ServiceEvent::Clock(Err(format!("riga {n}."))), now).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_history_under_any_fault_is_one_chain_with_every_line_once(steps in proptest::collection::vec(step(), 1..40)) {
        let mut house = House::new(alfa(), 7, &Known::fixtures(), NOW);
        let (mut now, mut written, mut maybe) = (NOW, Vec::new(), 0..0);
        for step in steps {
            if house.store.is_down() {
                house.stop();
                house.start();
            }
            let engine = house.engine().clone();
            match step {
                Step::Write(lines) => for _ in 0..lines {
                    if write(&engine, maybe.end, now) {
                        written.push(maybe.end);
                    }
                    maybe.end += 1;
                },
                Step::Link => drop(engine.chain_log(now)),
                Step::Close(hours) => {
                    now = now.plus(Duration::from_secs(u64::from(hours) * 3600));
                    drop(engine.close_segments(now));
                }
                Step::Break(n, fault) => house.store.plan(Plan::new().fail_commit(n.into(), fault)),
                Step::Fail(n) => house.store.plan(Plan::new().fail_call(n.into())),
                Step::Restart => {
                    house.stop();
                    house.start();
                }
            }
        }
        house.stop();
        house.start();
        let engine = house.engine();
        engine.close_segments(now).expect("nothing fails any more");
        let proof = prove(engine, now).expect("a proof");
        prop_assert!(proof.findings.is_empty(), "{:#?}", proof);
        prop_assert_eq!(rows::of(&house.store, tag::LOG_PENDING).len(), 0);
        let all = (1..=proof.segments).map(|n| file(engine, n).expect("the file")).collect::<String>();
        for n in maybe {
            let times = all.matches(&format!("riga {n}.")).count();
            prop_assert!(times == 1 || (times == 0 && !written.contains(&n)), "line {n} stands {times} times");
        }
    }
}

/// Four workers link and close at once while others write: nothing is lost, nothing stands twice.
#[test]
fn many_workers_link_every_line_once() {
    let house = House::new(alfa(), 8, &Known::fixtures(), NOW);
    let engine = house.engine();
    engine.chain_log(NOW).expect("opened");
    std::thread::scope(|scope| {
        for worker in 0..4u64 {
            scope.spawn(move || {
                for n in 0..50u64 {
                    let now = NOW.plus(Duration::from_secs((worker + n) * 3600));
                    engine.log_service(ServiceEvent::IndexUpdate(Ok(())), now).expect("written");
                    for done in [engine.chain_log(now), engine.close_segments(now)] {
                        // Overtaken too often is no fault: the next call goes on.
                        assert!(
                            done.is_ok() || matches!(done, Err(Error::Store(sigillo_store::Error::Conflict))),
                            "{done:?}"
                        );
                    }
                }
            });
        }
    });
    let now = NOW.plus(Duration::from_secs(60 * 3600));
    engine.close_segments(now).expect("the segments");
    let proof = prove(engine, now).expect("a proof");
    assert!(proof.findings.is_empty(), "{proof:#?}");
    assert_eq!(proof.lines, 200 + 2 * proof.segments - 1);
}
