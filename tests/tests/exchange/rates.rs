//! Rate profiles: what is let through, what is an overrun, and what is kept of both (BOX-01 … BOX-10).

use std::time::Duration;

use proptest::prelude::*;
use sigillo_accounts::{Custom, Limits, Profile, Profiles, Window};
use sigillo_base::{Address, MailboxId, Timestamp};
use sigillo_engine::{BoxRates, Overrun, Rejected, Submitted};
use sigillo_store::memory::{Fault, Plan};
use sigillo_store::{KeyBuilder, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::{House, arrived};
use sigillo_tests::street::{Street, message};

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

fn submit(house: &House, from: &Address, now: Timestamp) -> Result<Submitted, Rejected> {
    let to = [address(BRUNO)];
    let bytes = message(from, &to, "").into_bytes();
    house.engine().submit(&house.login(from), &arrived(Some(from), &to, bytes, "c", true), now)
}

fn rates(house: &House, of: &Address, now: Timestamp) -> BoxRates {
    let row = house.engine().find_mailbox(of).expect("read").expect("there");
    house.engine().rates(&row, 30, now).expect("read")
}

fn own(name: &str, base: Profile, per_minute: u32, per_day: u32) -> Custom {
    Custom { name: name.into(), base, limits: Limits { per_minute, per_day, ..base.limits() } }
}

/// A house where Anna may send so many a minute and a day.
fn house(seed: u64, per_minute: u32, per_day: u32) -> House {
    let mut house = Street::new(seed).houses.remove(0);
    house
        .profile(Profiles::new(vec![own("prova", Profile::Standard, per_minute, per_day)]).expect("fine"))
        .expect("up");
    let chosen = house.engine().profiles().choose("prova").expect("known");
    house.engine().set_profile(house.login(&address(ANNA)).mailbox, &chosen, NOW).expect("set");
    house
}

fn refused(answer: Result<Submitted, Rejected>) -> String {
    match answer {
        Err(Rejected::Refused(reply)) => {
            format!("{} {:?} {}", reply.code, reply.enhanced.unwrap_or_default(), reply.text.join(" "))
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// BOX-01 … BOX-06 (a), through the access point, with the exact figures: the windows are brought to their last message, that
/// one is taken, and the next is told to come again, with limit, value and time.
#[test]
fn every_profile_takes_its_last_message_and_defers_the_next() {
    let house = Street::new(1).houses.remove(0);
    for (n, profile) in (0u32..).zip(Profile::ALL).filter(|(_, p)| *p != Profile::Service) {
        let user = address(&format!("ufficio-protocollo.{n}@comune-alfa.example"));
        let id = house.add(&user, profile, NOW);
        let limits = profile.limits();
        // As the counters lie in the store: the start of the minute, its messages, the day, its messages.
        let bring = |minute: u32, day: u32| {
            let from = NOW.as_millis();
            let usage = (from, minute, NOW.legal().iso_day, day);
            rows::put(&house.store, &KeyBuilder::new(tag::RATE).mailbox(id), &usage);
        };
        let later = NOW.plus(Duration::from_secs(10));
        bring(limits.per_minute - 1, limits.per_minute - 1);
        assert!(matches!(submit(&house, &user, later), Ok(Submitted::Accepted(_))), "{profile}");
        let answer = refused(submit(&house, &user, later));
        let figure = format!("{} messaggi al minuto della casella, inviati {}", limits.per_minute, limits.per_minute);
        assert!(answer.starts_with("450 (4, 7, 1)") && answer.contains(&figure), "{profile}: {answer}");
        assert!(answer.contains("2026-03-12T10:16:01"), "{profile}: when it ends: {answer}");
        let minute = NOW.plus(Duration::from_secs(60));
        bring(0, limits.per_day - 1);
        assert!(matches!(submit(&house, &user, minute), Ok(Submitted::Accepted(_))), "{profile}");
        let answer = refused(submit(&house, &user, minute));
        assert!(answer.contains(&format!("{} messaggi al giorno", limits.per_day)), "{profile}: {answer}");
        assert!(answer.contains("2026-03-13T00:00:00"), "{profile}: {answer}");
        let windows: Vec<Window> = rates(&house, &user, minute).overruns.iter().map(|o| o.window).collect();
        assert_eq!(windows, [Window::Day, Window::Minute], "{profile}");
    }
}

/// BOX-01 … BOX-06 (b): 50 MB to one recipient, a thousand recipients with a small body; not one byte nor one recipient more.
#[test]
fn the_largest_message_and_the_most_recipients_are_taken_and_no_more() {
    let house = Street::new(7).houses.remove(0);
    let anna = address(ANNA);
    let send = |to: &[Address], size: usize| {
        let mut bytes = message(&anna, to, "").into_bytes();
        while bytes.len() + 80 <= size {
            bytes.extend_from_slice(&[b'x'; 76]);
            bytes.extend_from_slice(b"\r\n");
        }
        if bytes.len() < size {
            bytes.resize(size - 2, b'x');
            bytes.extend_from_slice(b"\r\n");
        }
        house.engine().submit(&house.login(&anna), &arrived(Some(&anna), to, bytes, "c", true), NOW).expect("an answer")
    };
    let many: Vec<Address> = (0..1001).map(|n| address(&format!("u{n}@ente-beta.example"))).collect();
    assert!(matches!(send(&many[..1], 50 << 20), Submitted::Accepted(_)));
    assert!(matches!(send(&many[..1], (50 << 20) + 1), Submitted::NotAccepted(_)));
    assert!(matches!(send(&many[..1000], 0), Submitted::Accepted(_)));
    assert!(matches!(send(&many, 0), Submitted::NotAccepted(_)));
}

/// An attacker, or a loop, sends on: one event for each window, counting what was refused.
#[test]
fn an_overrun_is_one_event_a_window_however_often_the_client_comes_again() {
    let (mut house, anna) = (house(2, 3, 10), address(ANNA));
    let at = |s: u64| NOW.plus(Duration::from_secs(s));
    for second in 0..3 {
        submit(&house, &anna, at(second)).expect("taken");
    }
    for second in 3..50 {
        refused(submit(&house, &anna, at(second)));
    }
    for second in 60..63 {
        submit(&house, &anna, at(second)).expect("taken in the next minute");
    }
    refused(submit(&house, &anna, at(64)));
    let found = house.engine().overruns("2026-03-12").expect("read");
    assert_eq!(rows::of(&house.store, tag::OVERRUN).len(), 2);
    let first = Overrun {
        mailbox: house.login(&anna).mailbox,
        window: Window::Minute,
        limit: 3,
        value: 3,
        profile: "prova".into(),
        at: at(3),
        last: at(49),
        refused: 47,
        unblocked: at(60),
    };
    assert_eq!(found[0], first);
    assert_eq!((found[1].at, found[1].refused, found[1].unblocked), (at(64), 1, at(120)));
    assert!(house.engine().overruns("2026-03-13").expect("read").is_empty());
    // Everything survives a restart, and the windows go on.
    house.stop();
    house.start();
    refused(submit(&house, &anna, at(65)));
    let now = rates(&house, &anna, at(65));
    assert_eq!((now.standing.minute, now.standing.day), (3, 6));
    assert_eq!(now.blocked.map(|b| (b.window, b.until)), Some((Window::Minute, at(120))));
    assert_eq!(now.overruns[1], first, "the latest first");
    assert_eq!(now.overruns[0].refused, 2);
    assert_clean(&house.store, "alfa");
}

/// A store that cannot keep the event keeps the limit all the same.
#[test]
fn a_limit_holds_where_its_event_cannot_be_kept() {
    let (house, anna) = (house(3, 1, 10), address(ANNA));
    submit(&house, &anna, NOW).expect("taken");
    house.store.plan(Plan::new().fail_commit(1, Fault::Refused));
    assert!(refused(submit(&house, &anna, NOW)).starts_with("450"));
    assert!(rows::of(&house.store, tag::OVERRUN).is_empty());
    house.store.plan(Plan::new());
    refused(submit(&house, &anna, NOW));
    assert_eq!(rows::of(&house.store, tag::OVERRUN).len(), 1, "the next refusal writes it");
}

/// BOX-10: massive small to medium.
#[test]
fn another_profile_is_valid_at_once_and_nothing_is_lost() {
    let house = Street::new(4).houses.remove(0);
    let (anna, id) = (address(ANNA), house.login(&address(ANNA)).mailbox);
    let days = |n: u64| NOW.plus(Duration::from_secs(n * 24 * 3600));
    house.engine().set_profile(id, &Profile::MassiveSmall.into(), days(1)).expect("set");
    let usage = |minute: u32, day: u32| (days(2).as_millis(), minute, days(2).legal().iso_day, day);
    rows::put(&house.store, &KeyBuilder::new(tag::RATE).mailbox(id), &usage(250, 4_000));
    refused(submit(&house, &anna, days(2)));
    let later = days(2).plus(Duration::from_secs(5));
    house.engine().set_profile(id, &Profile::MassiveMedium.into(), later).expect("set");
    submit(&house, &anna, later).expect("the limits are those of medium");
    let now = rates(&house, &anna, later);
    assert_eq!((now.limits, now.standing.minute, now.standing.day), (Profile::MassiveMedium.limits(), 251, 4_001));
    assert_eq!(now.overruns[0].unblocked, later, "it could send again when the profile changed");
    assert_eq!(now.overruns[0].profile, "massive-small");
    let history = house.engine().profile_history(id).expect("read");
    let history: Vec<_> = history.iter().map(|h| (h.at, h.profile.as_str())).collect();
    assert_eq!(history, [(NOW, "standard"), (days(1), "massive-small"), (later, "massive-medium")]);
    assert_eq!(house.inbox(&anna).expect("read").len(), 1);
    for (of, to) in [(id, Profile::Service), (service(&house), Profile::Standard)] {
        assert!(house.engine().set_profile(of, &to.into(), later).is_err(), "the service mailbox is not chosen");
    }
    assert_clean(&house.store, "alfa");
}

fn service(house: &House) -> MailboxId {
    house.login(&house.fixture.provider.service_address.clone()).mailbox
}

/// Whoever takes a profile out of the configuration hears who still has it, at the start and while running.
#[test]
fn a_profile_that_a_mailbox_has_cannot_go() {
    let (mut house, anna) = (house(5, 3, 10), address(ANNA));
    let gone = house.engine().replace_profiles(Profiles::default()).expect_err("refused");
    assert!(gone.to_string().contains("prova") && gone.to_string().contains(ANNA), "{gone}");
    assert_eq!(rates(&house, &anna, NOW).limits.per_minute, 3, "nothing was changed");
    let wider = Profiles::new(vec![own("prova", Profile::Standard, 4, 10)]).expect("fine");
    house.engine().replace_profiles(wider.clone()).expect("taken");
    assert_eq!(rates(&house, &anna, NOW).limits.per_minute, 4);
    let gone = house.profile(Profiles::default()).expect_err("does not start");
    assert!(gone.to_string().contains(ANNA), "{gone}");
    house.profile(wider).expect("starts");
    house.engine().set_profile(house.login(&anna).mailbox, &Profile::Standard.into(), NOW).expect("set");
    house.profile(Profiles::default()).expect("nobody has it any more");
    assert!(rows::of(&house.store, tag::PROFILE_USE).is_empty());
}

#[test]
fn the_size_of_the_box_and_the_recipients_are_those_of_its_own_profile() {
    let mut house = Street::new(6).houses.remove(0);
    let mut small = own("piccola", Profile::Standard, 5, 5);
    (small.limits.max_recipients, small.limits.max_message) = (1, 1 << 20);
    house.profile(Profiles::new(vec![small]).expect("fine")).expect("up");
    let (anna, chosen) = (address(ANNA), house.engine().profiles().choose("piccola").expect("known"));
    house.engine().set_profile(house.login(&anna).mailbox, &chosen, NOW).expect("set");
    let send = |to: &[Address], body: &str| {
        let bytes = (message(&anna, to, "") + body).into_bytes();
        house.engine().submit(&house.login(&anna), &arrived(Some(&anna), to, bytes, "c", true), NOW).expect("an answer")
    };
    let two = [address(BRUNO), address("carla@ente-beta.example")];
    assert!(matches!(send(&two, ""), Submitted::NotAccepted(_)), "more recipients than the profile has");
    assert!(matches!(send(&two[..1], &"riga di testo\r\n".repeat(80_000)), Submitted::NotAccepted(_)), "too large");
    assert!(matches!(send(&two[..1], ""), Submitted::Accepted(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The counters are the facts they count, whatever fails: a notice in the sender's INBOX for each message counted, and
    /// a line of his trail.
    #[test]
    fn counters_never_drift_through_faults_and_crashes(
        steps in prop::collection::vec((0u64..40_000, 0usize..12, 0u64..4), 1..40), seed in 0u64..1000,
    ) {
        let (mut house, anna) = (house(seed, 3, 8), address(ANNA));
        let mut now = NOW;
        for (pause, fault, commit) in steps {
            now = now.plus(Duration::from_secs(pause / 10));
            let faults = [Fault::Refused, Fault::Lost, Fault::CrashBefore, Fault::CrashAfter];
            if let Some(fault) = faults.get(fault) {
                house.store.plan(Plan::new().fail_commit(commit + 1, *fault));
            }
            let answer = submit(&house, &anna, now);
            // A refusal whose event met the crash is an answer too.
            if fault < faults.len() || matches!(answer, Err(Rejected::Fault(_))) {
                house.stop();
                house.start();
            }
            let counted = rates(&house, &anna, now);
            let past: u32 = counted.days.iter().map(|(_, messages)| messages).sum();
            // The day counted last may be over, without a message that closed it.
            let usage: (i64, u32, String, u32) = rows::get(&house.store, &rate_key(&house, &anna)).unwrap_or_default();
            let inbox = house.inbox(&anna).expect("read").len();
            prop_assert_eq!((past + usage.3) as usize, inbox);
            prop_assert_eq!(rows::of(&house.store, tag::TRAIL).len(), inbox);
            prop_assert!(counted.standing.minute <= 3 && counted.standing.day <= 8);
        }
        assert_clean(&house.store, "alfa");
    }
}

fn rate_key(house: &House, of: &Address) -> KeyBuilder {
    KeyBuilder::new(tag::RATE).mailbox(house.login(of).mailbox)
}
