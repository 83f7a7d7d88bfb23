//! The life of a mailbox, and what an administration ordered: out of use and back, cancelled, called back, gone; the register of
//! operations; plans that no two pass (BOX-12, WEB-04, BIL-02).

use std::sync::Barrier;
use std::time::Duration;

use sigillo_accounts::{Block, Contact, Done, Plan, Profile, Request, State, Way};
use sigillo_base::{Address, MailboxId, TenantId, Timestamp, Uid};
use sigillo_engine::{Change, Engine, Login, NewList, Submitted};
use sigillo_store::memory::{Fault, Plan as Faults};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, Known};
use sigillo_tests::street::{Fate, Street};

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn own(at: Timestamp) -> Request {
    Request::own(at)
}

fn change(engine: &Engine<MemoryStore>, of: &str, change: &Change, at: Timestamp) -> Result<bool, String> {
    let row = engine.find_mailbox(&address(of)).expect("read").ok_or("not there")?;
    engine.change(MailboxId(row.id), change, &own(at)).map_err(|e| e.to_string())
}

fn send(street: &mut Street) -> Vec<String> {
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let before = street.kinds(&anna).len();
    assert!(matches!(street.submit(&anna, std::slice::from_ref(&bruno), ""), Ok(Submitted::Accepted(_))));
    street.run();
    street.kinds(&anna).split_off(before)
}

#[test]
fn a_mailbox_out_of_use_keeps_what_it_holds_and_takes_nothing() {
    let mut street = Street::new(41);
    assert_eq!(send(&mut street), ["accettazione", "avvenuta-consegna"]);
    let beta = street.house(&address(BRUNO)).engine().clone();
    assert_eq!(change(&beta, BRUNO, &Change::Deactivate, street.now), Ok(true));
    assert_eq!(change(&beta, BRUNO, &Change::Deactivate, street.now), Ok(false), "it is so already");
    assert_eq!(send(&mut street), ["accettazione", "errore-consegna"]);
    let row = beta.find_mailbox(&address(BRUNO)).expect("read").expect("there");
    assert!(!row.works(i64::MAX) && !row.counts());
    // Neither blocking nor unblocking takes it into use behind the back of who may not.
    let refused = |what: Change| change(&beta, BRUNO, &what, NOW).expect_err("not allowed");
    assert!(refused(Change::Unblock).contains("disattivata"));
    assert!(refused(Change::Block(Block::default())).contains("disattivata"));
    assert_eq!(change(&beta, BRUNO, &Change::Activate, street.now), Ok(true));
    assert_eq!(send(&mut street), ["accettazione", "avvenuta-consegna"]);
    assert_eq!(street.inbox(&address(BRUNO)).len(), 2, "what it held, and what came since");
    assert_eq!(change(&beta, BRUNO, &Change::Block(Block::default()), NOW), Ok(true));
    assert!(refused(Change::Activate).contains("bloccata"), "who may activate does not unblock");
    let service = beta.provider().service_address.to_string();
    for what in [Change::Deactivate, Change::Cancel] {
        assert!(change(&beta, &service, &what, NOW).expect_err("kept").contains("servizio"));
    }
    street.houses.iter().for_each(|house| assert_clean(&house.store, "after a life"));
}

#[test]
fn a_cancelled_mailbox_comes_back_as_it_was_within_its_grace_and_goes_after_it() {
    let mut street = Street::new(42);
    send(&mut street);
    let beta = street.house(&address(BRUNO)).engine().clone();
    let first = beta.find_mailbox(&address(BRUNO)).expect("read").expect("there").id;
    let contact = Contact { phone: Some("+39 333 123 4567".parse().expect("a number")), ..Contact::default() };
    beta.set_contact((MailboxId(first), &address(BRUNO)), &contact, "m.rossi", street.now).expect("a contact");
    beta.begin_factor(&Login::ours(MailboxId(first), address(BRUNO)), BRUNO).expect("a second factor");
    change(&beta, BRUNO, &Change::Deactivate, street.now).expect("out of use");
    change(&beta, BRUNO, &Change::Cancel, street.now).expect("cancelled");
    assert_eq!(change(&beta, BRUNO, &Change::Cancel, street.now), Ok(false));
    assert_eq!(send(&mut street), ["accettazione", "errore-consegna"]);
    let again = |at| beta.add_mailbox(&address(BRUNO), Profile::Standard, hash(), at).map_err(|e| e.to_string());
    assert!(again(street.now).expect_err("its address").contains("undelete"));
    assert!(change(&beta, BRUNO, &Change::Activate, NOW).expect_err("cancelled").contains("undelete"));
    assert_eq!(beta.purge_cancelled(street.now.plus(29 * DAY)).ok(), Some(false), "not yet");
    change(&beta, BRUNO, &Change::Undelete, street.now.plus(29 * DAY)).expect("back");
    let row = beta.find_mailbox(&address(BRUNO)).expect("read").expect("there");
    assert!(matches!(row.state, State::Inactive(_)), "as it was: {:?}", row.state);
    let again_cancelled = street.now.plus(29 * DAY);
    change(&beta, BRUNO, &Change::Cancel, again_cancelled).expect("cancelled");
    let over = again_cancelled.plus(30 * DAY);
    assert!(change(&beta, BRUNO, &Change::Undelete, over).expect_err("too late").contains("finito"));
    let archived = rows::of(&street.house(&address(BRUNO)).store, tag::ARCHIVE);
    while beta.purge_cancelled(over).expect("a step") {
        assert_clean(&street.house(&address(BRUNO)).store, "between two steps");
    }
    let store = &street.house(&address(BRUNO)).store;
    assert!(beta.find_mailbox(&address(BRUNO)).expect("read").is_none());
    assert!(beta.inbox(MailboxId(first), Uid(0), 9).expect("read").is_empty());
    let gone = [tag::FOLDER_ENTRY, tag::CREDENTIAL, tag::FOLDER, tag::BOX_USAGE, tag::CONTACT, tag::SECOND_FACTOR];
    for gone in gone {
        let of_it = |(key, _): &(Vec<u8>, Vec<u8>)| key[1..9] == first.to_be_bytes();
        assert!(!rows::of(store, gone).iter().any(of_it), "{gone:x}");
    }
    assert_eq!(rows::of(store, tag::ARCHIVE), archived, "the archive stays");
    let second = again(over).expect("another mailbox");
    assert!(second.0 > first, "a number is never given again");
    let was = beta.mailbox(MailboxId(first)).expect("read").expect("its name");
    assert_eq!(was.address, BRUNO);
    assert_eq!(beta.target(&address(BRUNO)).expect("read").mailbox, Some(second));
    assert_eq!(beta.target_then(&was, NOW).expect("read").mailbox, None, "who has the address today is somebody else");
    let done: Vec<Done> = beta.operations(None, None, 99).expect("read").into_iter().map(|(_, o)| o.done).collect();
    let life = [Done::MailboxDeactivate, Done::MailboxCancel, Done::MailboxUndelete, Done::MailboxCancel];
    assert!(done.windows(4).any(|w| w == life), "{done:?}");
    assert!(done.ends_with(&[Done::MailboxPurge, Done::MailboxCreate]), "{done:?}");
    assert_clean(store, "at the end");
}

pub fn hash() -> sigillo_accounts::PasswordHash {
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    sigillo_accounts::PasswordHash::parse(hash).expect("a hash")
}

/// A receipt for a mailbox that went meanwhile moves what is known of the message, and lies in the archive.
#[test]
fn what_is_late_for_a_mailbox_that_is_gone_stops_nothing() {
    let mut street = Street::new(43);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    street.network(|_| Fate::Held);
    let answer = street.submit(&anna, std::slice::from_ref(&bruno), "").expect("taken");
    assert!(matches!(answer, Submitted::Accepted(_)));
    let alfa = street.house(&anna).engine().clone();
    change(&alfa, ANNA, &Change::Cancel, street.now).expect("cancelled");
    while alfa.purge_cancelled(street.now.plus(30 * DAY)).expect("a step") {}
    // Its 24 hours are over: the notice has nowhere to go but the archive.
    street.pass(Duration::from_secs(26 * 3600));
    assert!(rows::of(&street.houses[0].store, tag::TIMER_DUE).is_empty());
    assert_clean(&street.houses[0].store, "after late notices");
}

/// Wherever the power goes while a mailbox ends: what was begun is gone on with, and no page is half done.
#[test]
fn a_purge_that_breaks_off_anywhere_is_gone_on_with() {
    let mut street = Street::new(44);
    for _ in 0..3 {
        send(&mut street);
    }
    let beta = street.house(&address(BRUNO)).engine().clone();
    change(&beta, BRUNO, &Change::Cancel, street.now).expect("cancelled");
    let over = street.now.plus(31 * DAY);
    let mut broken = 0;
    for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::Refused, Fault::Lost] {
        for n in 1.. {
            let mut house = House::on(street.houses[1].store.fork(), fixtures::beta(), 7, &Known::fixtures());
            house.store.plan(Faults::new().fail_commit(n, fault));
            let failed = loop {
                match house.engine().purge_cancelled(over) {
                    Ok(true) => {}
                    Ok(false) => break false,
                    Err(_) => break true,
                }
            };
            if !failed {
                break; // there are no more commits
            }
            broken += 1;
            house.stop();
            house.start();
            assert_clean(&house.store, &format!("{fault:?} at commit {n}"));
            while house.engine().purge_cancelled(over).expect("gone on with") {}
            assert!(rows::of(&house.store, tag::LEAVING).is_empty());
            assert!(house.engine().find_mailbox(&address(BRUNO)).expect("read").is_none());
            assert_clean(&house.store, &format!("after {fault:?} at commit {n}"));
        }
    }
    assert!(broken >= 12, "{broken}");
}

/// A provider whose first domain is an administration's, with a plan of so many standard boxes.
fn planned(standard: u64) -> (House, TenantId) {
    let house = House::new(fixtures::alfa(), 1, &Known::fixtures(), NOW);
    let engine = house.engine();
    let tenant = engine.add_tenant("Comune di Alfa", "c_a", &[], NOW).expect("an administration");
    engine.assign_domain(address(ANNA).domain(), Some(tenant), NOW).expect("its domain");
    approve(engine, tenant, standard, &[]);
    (house, tenant)
}

fn approve(engine: &Engine<MemoryStore>, tenant: TenantId, standard: u64, units: &[(u64, u64)]) {
    let quantities = [("standard".to_owned(), standard)].into();
    let units = units.iter().map(|(unit, n)| (*unit, [("standard".to_owned(), *n)].into())).collect();
    let plan = Plan { quantities, units, ..Plan::default() };
    let version = engine.add_plan(tenant, &plan).expect("a version");
    engine.approve_plan(tenant, version, "l.bianchi", NOW).expect("approved");
}

fn add(engine: &Engine<MemoryStore>, name: &str, at: Timestamp) -> Result<MailboxId, String> {
    let address = address(&format!("{name}@comune-alfa.example"));
    engine.add_mailbox(&address, Profile::Standard, hash(), at).map_err(|e| e.to_string())
}

#[test]
fn beyond_the_plan_nothing_is_made_activated_or_changed_and_the_number_that_is_left_is_told() {
    let (house, tenant) = planned(2);
    let engine = house.engine();
    let (one, two) = (add(engine, "uno", NOW).expect("the first"), add(engine, "due", NOW).expect("the second"));
    let refused = add(engine, "tre", NOW).expect_err("a third");
    assert!(refused.contains("2 caselle «standard»") && refused.contains("ne restano 0"), "{refused}");
    let massive = Change::Profile(Profile::MassiveSmall.into());
    assert!(engine.change(one, &massive, &own(NOW)).is_err(), "of a profile that was not ordered there are none");
    // A blocked one counts; one out of use does not, and its place may be another's meanwhile.
    engine.change(one, &Change::Block(Block::default()), &own(NOW)).expect("blocked");
    assert!(add(engine, "tre", NOW).is_err());
    engine.change(two, &Change::Deactivate, &own(NOW)).expect("out of use");
    engine.change(two, &Change::Profile(Profile::MassiveSmall.into()), &own(NOW)).expect("it does not count");
    engine.change(two, &Change::Profile(Profile::Standard.into()), &own(NOW)).expect("nor does it now");
    let three = add(engine, "tre", NOW).expect("its place");
    assert!(engine.change(two, &Change::Activate, &own(NOW)).is_err());
    engine.change(three, &Change::Cancel, &own(NOW)).expect("cancelled");
    engine.change(two, &Change::Activate, &own(NOW)).expect("a place again");
    assert!(engine.change(three, &Change::Undelete, &own(NOW)).is_err(), "its place was taken");
    assert_eq!(engine.in_use(tenant).expect("read").0["standard"], 2);
    // Only what is approved counts, and it counts at once.
    let wider = Plan { quantities: [("standard".to_owned(), 3)].into(), ..Plan::default() };
    let version = engine.add_plan(tenant, &wider).expect("written");
    assert!(engine.change(three, &Change::Undelete, &own(NOW)).is_err(), "not approved");
    engine.approve_plan(tenant, version, "l.bianchi", NOW).expect("approved");
    engine.change(three, &Change::Undelete, &own(NOW)).expect("there is room");
    // Nobody else's domain is limited by it.
    let studio = address("uno@studio.example");
    engine.add_mailbox(&studio, Profile::MassiveSmall, hash(), NOW).expect("of no administration");
    assert_clean(&house.store, "with a plan");
}

#[test]
fn a_unit_has_what_the_plan_gives_it_of_its_administrations_places() {
    let (house, tenant) = planned(3);
    let engine = house.engine();
    let unit = engine.add_unit(tenant, "Anagrafe", NOW).expect("a unit");
    approve(engine, tenant, 3, &[(unit.0, 1)]);
    let (one, two) = (add(engine, "uno", NOW).expect("made"), add(engine, "due", NOW).expect("made"));
    engine.change(one, &Change::Unit(Some(unit)), &own(NOW)).expect("its one");
    let refused = engine.change(two, &Change::Unit(Some(unit)), &own(NOW)).expect_err("a second").to_string();
    assert!(refused.contains("la struttura 1 1 caselle"), "{refused}");
    engine.change(one, &Change::Unit(None), &own(NOW)).expect("out again");
    engine.change(two, &Change::Unit(Some(unit)), &own(NOW)).expect("a place");
    let (all, units) = engine.in_use(tenant).expect("read");
    assert_eq!((all["standard"], units[&unit.0]["standard"]), (2, 1));
}

/// Two servers on one store, at the same moment, for the last place: one gets it (WEB-04).
#[test]
fn of_two_activations_at_once_for_the_last_place_one_is_refused() {
    for round in 0..20 {
        let (house, tenant) = planned(2);
        let ids = ["uno", "due"].map(|name| add(house.engine(), name, NOW).expect("made"));
        for id in ids {
            house.engine().change(id, &Change::Deactivate, &own(NOW)).expect("out of use");
        }
        add(house.engine(), "tre", NOW).expect("one place is left");
        let other = House::on(house.store.clone(), fixtures::alfa(), 1_000 + round, &Known::fixtures());
        let barrier = Barrier::new(2);
        let activated: Vec<Result<bool, String>> = std::thread::scope(|scope| {
            let engines = [house.engine(), other.engine()];
            let activate = |(engine, id): (&Engine<MemoryStore>, MailboxId)| {
                barrier.wait();
                engine.change(id, &Change::Activate, &own(NOW)).map_err(|e| e.to_string())
            };
            let both: Vec<_> =
                engines.into_iter().zip(ids).map(|(e, id)| scope.spawn(move || activate((e, id)))).collect();
            both.into_iter().map(|one| one.join().expect("ends")).collect()
        });
        assert_eq!(activated.iter().filter(|done| done.is_ok()).count(), 1, "{activated:?}");
        let refused = activated.iter().find_map(|done| done.as_ref().err()).expect("one");
        assert!(refused.contains("ne restano 0"), "{refused}");
        assert_eq!(house.engine().in_use(tenant).expect("read").0["standard"], 2);
    }
}

#[test]
fn who_was_active_on_the_fifteenth_is_counted_as_what_he_was_then() {
    let house = House::new(fixtures::alfa(), 1, &Known::fixtures(), NOW);
    let engine = house.engine();
    let tenant = engine.add_tenant("Comune di Alfa", "c_a", &[], NOW).expect("an administration");
    engine.assign_domain(address(ANNA).domain(), Some(tenant), NOW).expect("its domain");
    let on = |text: &str| Timestamp::from_iso(text).expect("a time");
    let made = |name: &str, at: &str| add(engine, name, on(at)).expect("made");
    let order = |id, what: Change, at: &str| engine.change(id, &what, &own(on(at))).map(drop).expect("changed");
    let before = made("prima", "2026-11-01T10:00");
    made("ultimo", "2026-11-15T23:59:59");
    made("dopo", "2026-11-16T00:00");
    let out = made("fuori", "2026-11-01T10:00");
    order(out, Change::Deactivate, "2026-11-14T10:00");
    let back = made("torna", "2026-11-01T10:00");
    order(back, Change::Deactivate, "2026-11-14T10:00");
    order(back, Change::Activate, "2026-11-15T20:00");
    let cancelled = made("cancellata", "2026-11-01T10:00");
    order(cancelled, Change::Cancel, "2026-11-20T10:00");
    order(before, Change::Profile(Profile::MassiveSmall.into()), "2026-11-16T08:00");
    let now = on("2026-12-20");
    let count = |month: &str| engine.consistency(tenant, month, now).expect("counted").active;
    // prima, ultimo, torna, cancellata (a few days later).
    assert_eq!(count("2026-11"), [("standard".to_owned(), 4)].into());
    assert_eq!(count("2026-12"), [("massive-small".to_owned(), 1), ("standard".to_owned(), 3)].into());
    assert_eq!(count("2026-10"), Default::default());
    while engine.purge_cancelled(now.plus(DAY)).expect("a step") {}
    assert_eq!(count("2026-11")["standard"], 4, "also when one of them is gone");
    for bad in ["2027-01", "2026-13", "2026-11-15", "x"] {
        assert!(engine.consistency(tenant, bad, now).is_err(), "{bad}");
    }
}

#[test]
fn every_operation_is_written_down_with_who_asked_when_and_for_which_ticket() {
    let (house, tenant) = planned(9);
    let engine = house.engine();
    let request = Request {
        asked: NOW.as_millis() - 3_600_000,
        asked_by: "Giovanna Verdi".into(),
        done: NOW.as_millis(),
        confirmed_by: "l.bianchi".into(),
        confirmed_how: "token".into(),
        ticket: "TT-2026-000123".into(),
        channel: Way::Phone,
        executed: None,
    };
    let unit = engine.add_unit(tenant, "Anagrafe", NOW).expect("a unit");
    let anna = address(ANNA);
    let id = engine.add_mailbox_to(Some(unit), &anna, Profile::Standard, hash(), &request).expect("made");
    engine.change(id, &Change::Deactivate, &request).expect("out of use");
    engine.change(id, &Change::Deactivate, &request).expect("it is so already");
    let list = address("tutti@comune-alfa.example");
    let new = |members: &[&str]| NewList {
        address: list.clone(),
        members: members.iter().map(|m| address(m)).collect(),
        unit: Some(Some(unit)),
    };
    assert_eq!(engine.put_list(&new(&[ANNA]), &request).ok(), Some(true));
    assert_eq!(engine.put_list(&new(&[ANNA]), &request).ok(), Some(false), "as it was");
    assert_eq!(engine.put_list(&new(&[ANNA, BRUNO]), &request).ok(), Some(true));
    assert_eq!(engine.cancel_list(&list, &request).ok(), Some(true));
    let all = engine.operations(Some(&NOW.legal().iso_day[..7]), None, 99).expect("read");
    let ours: Vec<_> = all.iter().filter(|(_, o)| o.request == request).collect();
    let done: Vec<Done> = ours.iter().map(|(_, o)| o.done).collect();
    let wanted = [Done::MailboxCreate, Done::MailboxDeactivate, Done::ListCreate, Done::ListChange, Done::ListCancel];
    assert_eq!(done, wanted);
    assert!(ours.iter().all(|(_, o)| (o.tenant, o.unit) == (Some(tenant.0), Some(unit.0))), "{ours:?}");
    let (number, last) = ours[4];
    assert_eq!(engine.operation(number).expect("read").as_ref(), Some(last));
    assert!(engine.operations(Some("1999-01"), None, 9).expect("read").is_empty());
    assert_eq!(engine.operations(None, Some(&all[1].0), 2).expect("read"), all[2..4]);
    assert_clean(&house.store, "with operations");
}

/// A trial sees what the lines before would have done, also where a list is so long that it is a body.
#[test]
fn a_trial_that_names_a_list_twice_sees_what_it_did_the_first_time() {
    let (house, _) = planned(9);
    let (engine, rows) = (house.engine(), house.store.rows());
    let list = address("tutti@comune-alfa.example");
    let long: Vec<_> = (0..900).map(|n| address(&format!("{}.{n}@ente-beta.example", "x".repeat(55)))).collect();
    for members in [vec![address(ANNA)], long] {
        let mut batch = engine.batch(true);
        let mut put = |members: &[Address]| {
            let new = NewList { address: list.clone(), members: members.to_vec(), unit: None };
            batch.entry(|entry| entry.put_list(&new, &own(NOW))).expect("a list")
        };
        assert!(put(&members), "made");
        assert!(!put(&members), "it is so already");
        assert!(put(&[address(BRUNO)]), "another");
    }
    assert_eq!(house.store.rows(), rows, "nothing was done");
}
