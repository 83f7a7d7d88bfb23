use super::*;

const MINUTE: u64 = 60_000;

fn origin(ip: &str) -> Origin {
    ip.parse::<IpAddr>().unwrap().into()
}

fn guard() -> Guard {
    Guard::new(Lockout::default())
}

fn fail(guard: &Guard, times: usize, user: &str, from: Origin, now: Tick) {
    (0..times).for_each(|_| guard.failed(user, from, now));
}

#[test]
fn five_failures_lock_an_account_at_one_place_only_and_time_unlocks_it() {
    let (guard, here, now) = (guard(), origin("192.0.2.1"), Tick(7));
    fail(&guard, 4, "anna@x.example", here, now);
    assert_eq!(guard.locked("anna@x.example", here, now), None);
    fail(&guard, 1, " Anna@X.example", here, now);
    assert_eq!(guard.locked("anna@x.example", here, now), Some(now.plus_ms(MINUTE)), "however it is written");
    assert_eq!(guard.locked("anna@x.example", origin("192.0.2.2"), now), None, "its holder is elsewhere");
    assert_eq!(guard.locked("bruno@x.example", here, now), None, "others at that place have done nothing");
    assert_eq!(guard.locked("anna@x.example", here, now.plus_ms(MINUTE)), None);
}

#[test]
fn each_failure_after_a_lock_doubles_the_next_up_to_an_hour() {
    let (guard, here, mut now) = (guard(), origin("192.0.2.1"), Tick(0));
    fail(&guard, 4, "anna", here, now);
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        fail(&guard, 1, "anna", here, now);
        let until = guard.locked("anna", here, now).unwrap();
        assert_eq!(until, now.plus_ms(minutes * MINUTE));
        now = until;
    }
    // Quiet hours forgive one by one: four failures are again no lock.
    now = now.plus_ms(12 * FORGET_ACCOUNT_MS);
    fail(&guard, 4, "anna", here, now);
    assert_eq!(guard.locked("anna", here, now), None);
}

#[test]
fn who_tries_many_accounts_locks_his_place_but_not_who_logged_in_well_there() {
    let (guard, here, now) = (guard(), origin("192.0.2.1"), Tick(0));
    guard.succeeded("carla", here, now);
    (0..50).for_each(|n| guard.failed(&format!("user{n}"), here, now));
    assert_eq!(guard.locked("another", here, now), Some(Tick(MINUTE)));
    assert_eq!(guard.locked("carla", here, now), None, "her colleague's mistakes are not hers");
    assert_eq!(guard.locked("another", origin("198.51.100.9"), now), None);
    // Her own are.
    fail(&guard, 5, "carla", here, now);
    assert!(guard.locked("carla", here, now).is_some());
}

#[test]
fn an_office_that_mistypes_now_and_then_is_never_locked() {
    let (guard, here) = (guard(), origin("192.0.2.1"));
    for n in 0..500 {
        let now = Tick(n * 2 * MINUTE);
        guard.failed(&format!("user{n}"), here, now);
        assert_eq!(guard.locked("anybody", here, now), None);
    }
}

#[test]
fn a_good_login_forgives_the_account_and_not_the_place() {
    let (guard, here, now) = (guard(), origin("192.0.2.1"), Tick(0));
    for n in 0..50 {
        // An attacker's own account between the guesses.
        guard.failed(&format!("user{n}"), here, now);
        guard.succeeded("mallory", here, now);
    }
    assert!(guard.locked("another", here, now).is_some());
}

#[test]
fn the_addresses_of_one_ipv6_network_are_one_place() {
    let (guard, now) = (guard(), Tick(0));
    (0..5).for_each(|n| guard.failed("anna", origin(&format!("2001:db8:0:1::{n}")), now));
    assert!(guard.locked("anna", origin("2001:db8:0:1:ffff::1"), now).is_some());
    assert!(guard.locked("anna", origin("2001:db8:0:2::1"), now).is_none());
    assert_eq!(origin("2001:db8:0:1::7").to_string(), "2001:db8:0:1::/64");
    assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
}

#[test]
fn memory_is_bounded_and_the_newest_locks_stay() {
    let guard = guard();
    for n in 0..(MOST as u64 + 10) {
        let from = Ipv6Addr::from_bits(u128::from(n) << 64);
        guard.failed(&"x".repeat(10_000), Origin::from(IpAddr::V6(from)), Tick(n));
    }
    let (here, now) = (origin("192.0.2.1"), Tick(MOST as u64 + 20));
    fail(&guard, 5, "anna", here, now);
    assert!(guard.locked("anna", here, now).is_some());
    let known = guard.known.lock();
    assert!(known.len() <= MOST, "{}", known.len());
    assert!(known.keys().all(|(_, user)| user.as_ref().is_none_or(|u| u.len() <= MAX_USER)));
}
