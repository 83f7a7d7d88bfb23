//! Address books: entries of an administration and its registry of users, kept apart from every other, counted exactly,
//! with a record for each change (BOX-15, HD-04).

use std::time::Duration;

use sigillo_accounts::{BookChange, Done, Operation, Profile, Request};
use sigillo_base::{MailboxId, TenantId, Timestamp};
use sigillo_engine::check::{Problem, Repair};
use sigillo_engine::{Change, Engine, MOST_ENTRIES};
use sigillo_store::{Batch, Durability, KeyBuilder, MemoryStore, Store, tag};
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, Known};

use super::check::{assert_clean, findings};
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const FOREIGN: &str = "ufficio@ente-beta.example";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A provider whose domain is the first administration's, and a second one without any.
fn two() -> (House, TenantId, TenantId) {
    let house = House::new(fixtures::alfa(), 1, &Known::fixtures(), NOW);
    let engine = house.engine();
    let [comune, ente] =
        ["Comune", "Ente"].map(|name| engine.add_tenant(name, "c_x", &[], NOW).expect("an administration"));
    engine.assign_domain(address(ANNA).domain(), Some(comune), NOW).expect("its domain");
    (house, comune, ente)
}

fn named(name: &str) -> BookChange {
    BookChange { name: Some(name.into()), ..BookChange::default() }
}

fn put(engine: &Engine<MemoryStore>, of: TenantId, who: &str, change: &BookChange) -> Result<Option<Done>, String> {
    engine.put_book_entry(of, &address(who), change, &Request::own(NOW)).map_err(|e| e.to_string())
}

fn book(engine: &Engine<MemoryStore>, of: TenantId) -> Vec<(String, String)> {
    let entries = engine.book_entries(of, None, 99).expect("read");
    entries.into_iter().map(|entry| (entry.address, entry.name)).collect()
}

fn operations(engine: &Engine<MemoryStore>) -> Vec<Operation> {
    engine.operations(None, None, 99).expect("read").into_iter().map(|(_, operation)| operation).collect()
}

fn count_key(of: TenantId) -> KeyBuilder {
    KeyBuilder::new(tag::ADDRESS_BOOK).u64(of.0).u8(1)
}

#[test]
fn an_entry_is_written_changed_and_taken_out_each_with_its_record() {
    let (house, comune, ente) = two();
    let engine = house.engine();
    let anna = house.add(&address(ANNA), Profile::Standard, NOW);
    assert_eq!(put(engine, comune, ANNA, &named("Anna Rossi")), Ok(Some(Done::BookCreate)));
    assert_eq!(put(engine, comune, "ANNA@comune-alfa.EXAMPLE", &named(" Anna Rossi ")), Ok(None), "it is so already");
    let phone = BookChange { phone: Some("+39 06 1".into()), note: Some("al mattino".into()), ..BookChange::default() };
    assert_eq!(put(engine, comune, ANNA, &phone), Ok(Some(Done::BookChange)));
    assert_eq!(put(engine, comune, FOREIGN, &named("Ufficio")), Ok(Some(Done::BookCreate)));
    assert_eq!(put(engine, ente, ANNA, &named("quella del Comune")), Ok(Some(Done::BookCreate)));
    let kept = engine.book_entry(comune, &address(ANNA)).expect("read").expect("there");
    assert_eq!((&*kept.name, &*kept.phone), ("Anna Rossi", "+39 06 1"));
    assert!(
        engine.is_own(comune, &address(ANNA)).expect("read") && !engine.is_own(ente, &address(ANNA)).expect("read")
    );
    assert!(!engine.is_own(comune, &address(FOREIGN)).expect("read"));
    engine.remove_book_entry(comune, &address(FOREIGN), &Request::own(NOW)).expect("taken out");
    let gone = engine.remove_book_entry(comune, &address(FOREIGN), &Request::own(NOW));
    assert!(gone.expect_err("gone").to_string().contains("non è nella rubrica"));
    assert_eq!(book(engine, comune), [(ANNA.into(), "Anna Rossi".into())]);
    let records: Vec<_> =
        operations(engine).into_iter().filter(|o| o.done.name().starts_with("address-book")).collect();
    let told: Vec<_> = records.iter().map(|o| (o.done, &*o.object, o.tenant, o.mailbox, &*o.detail)).collect();
    let wanted = [
        (Done::BookCreate, ANNA, Some(comune.0), Some(anna.0), "nome"),
        (Done::BookChange, ANNA, Some(comune.0), Some(anna.0), "telefono, nota"),
        (Done::BookCreate, FOREIGN, Some(comune.0), None, "nome"),
        (Done::BookCreate, ANNA, Some(ente.0), None, "nome"),
        (Done::BookCancel, FOREIGN, Some(comune.0), None, ""),
    ];
    assert_eq!(told, wanted, "what an entry says is in no record");
    assert_clean(&house.store, "after changes");
}

#[test]
fn what_is_no_entry_is_refused_and_a_full_book_takes_no_more() {
    let (house, comune, _) = two();
    let engine = house.engine();
    assert!(put(engine, comune, ANNA, &BookChange::default()).expect_err("no name").contains("name"));
    assert!(put(engine, comune, ANNA, &named("a\nb")).expect_err("two lines").contains("una riga"));
    assert!(put(engine, TenantId(9), ANNA, &named("Anna")).expect_err("nobody's").contains("non c'è"));
    assert!(rows::of(&house.store, tag::ADDRESS_BOOK).is_empty());
    put(engine, comune, ANNA, &named("Anna")).expect("written");
    assert_eq!(rows::get::<u64>(&house.store, &count_key(comune)), Some(1));
    rows::put(&house.store, &count_key(comune), &MOST_ENTRIES);
    assert!(put(engine, comune, FOREIGN, &named("Ufficio")).expect_err("full").contains("20000 voci"));
    assert_eq!(put(engine, comune, ANNA, &named("Anna Bianchi")), Ok(Some(Done::BookChange)), "it is there");
    engine.remove_book_entry(comune, &address(ANNA), &Request::own(NOW)).expect("taken out");
    assert_eq!(put(engine, comune, FOREIGN, &named("Ufficio")), Ok(Some(Done::BookCreate)));
}

/// The same at once, from many sides: what is counted is what is there.
#[test]
fn entries_written_at_once_are_counted_once_each() {
    let (house, comune, _) = two();
    let engine = house.engine();
    std::thread::scope(|scope| {
        for n in 0..4 {
            scope.spawn(move || {
                for m in 0..8 {
                    // Each address is written by two of them.
                    let who = format!("p{}@altrove.example", n / 2 * 8 + m);
                    put(engine, comune, &who, &named("qualcuno")).expect("written");
                }
            });
        }
    });
    assert_eq!(rows::get::<u64>(&house.store, &count_key(comune)), Some(16));
    assert_clean(&house.store, "after a crowd");
}

#[test]
fn a_domain_takes_no_entry_with_it_and_nothing_is_lost() {
    let (house, comune, ente) = two();
    let engine = house.engine();
    house.add(&address(ANNA), Profile::Standard, NOW);
    put(engine, comune, ANNA, &named("Anna Rossi")).expect("written");
    engine.assign_domain(address(ANNA).domain(), Some(ente), NOW).expect("another's");
    assert_eq!(book(engine, comune), [(ANNA.into(), "Anna Rossi".into())], "who wrote it keeps it");
    assert!(book(engine, ente).is_empty(), "and nobody else reads it");
    assert!(
        !engine.is_own(comune, &address(ANNA)).expect("read") && engine.is_own(ente, &address(ANNA)).expect("read")
    );
    engine.assign_domain(address(ANNA).domain(), Some(comune), NOW).expect("back");
    assert!(engine.is_own(comune, &address(ANNA)).expect("read"));
    assert_clean(&house.store, "after moves");
}

fn purge(house: &House, id: MailboxId, at: Timestamp) {
    house.engine().change(id, &Change::Cancel, &Request::own(at)).expect("cancelled");
    while house.engine().purge_cancelled(at.plus(31 * DAY)).expect("a step") {
        assert_clean(&house.store, "between two steps");
    }
}

#[test]
fn a_mailbox_that_is_gone_takes_its_entry_with_it_and_no_other() {
    let (house, comune, ente) = two();
    let engine = house.engine();
    let anna = house.add(&address(ANNA), Profile::Standard, NOW);
    put(engine, comune, ANNA, &named("Anna Rossi")).expect("written");
    put(engine, comune, FOREIGN, &named("Ufficio")).expect("written");
    put(engine, ente, ANNA, &named("quella del Comune")).expect("written");
    engine.change(anna, &Change::Cancel, &Request::own(NOW)).expect("cancelled");
    assert_eq!(book(engine, comune).len(), 2, "within its grace it is still there");
    engine.change(anna, &Change::Undelete, &Request::own(NOW)).expect("back");
    purge(&house, anna, NOW);
    assert_eq!(book(engine, comune), [(FOREIGN.into(), "Ufficio".into())]);
    assert_eq!(book(engine, ente), [(ANNA.into(), "quella del Comune".into())], "another's word for it stays");
    let last = operations(engine).pop().expect("a record");
    assert_eq!(operations(engine).iter().filter(|o| o.done == Done::BookCancel).count(), 1);
    assert!(last.done == Done::MailboxPurge || last.done == Done::BookCancel, "{last:?}");
    assert_eq!(rows::get::<u64>(&house.store, &count_key(comune)), Some(1));
}

#[test]
fn an_administration_ends_when_its_book_is_empty() {
    let (house, _, ente) = two();
    let engine = house.engine();
    for n in 0..1_100 {
        put(engine, ente, &format!("p{n}@altrove.example"), &named("qualcuno")).expect("written");
    }
    let refused = engine.remove_tenant(ente, NOW).expect_err("its book has entries").to_string();
    assert!(refused.contains("address-book export 2") && refused.contains("address-book clear 2"), "{refused}");
    assert_eq!(engine.clear_address_book(ente, &Request::own(NOW)).expect("cleared"), 1_100);
    assert!(rows::of(&house.store, tag::ADDRESS_BOOK).is_empty(), "neither entries nor their number");
    engine.remove_tenant(ente, NOW).expect("ended");
    assert!(put(engine, ente, ANNA, &named("Anna")).expect_err("ended").contains("non c'è"));
    assert_clean(&house.store, "at the end");
}

/// What is found with one row of a book replaced or removed, and whether a repair leaves nothing of it.
fn broken(house: &House, key: &[u8], value: Option<&[u8]>) -> (MemoryStore, Vec<(Problem, &'static str)>) {
    let store = house.store.fork();
    let mut batch = Batch::new();
    match value {
        Some(value) => batch.put(key, value),
        None => batch.delete(key),
    }
    store.commit(&batch, Durability::Synced).expect("written");
    let found = findings(&store).iter().map(|f| (f.problem, f.remedy.as_str())).collect();
    assert!(Repair::new(&store, NOW).run().expect("repaired").left.is_empty());
    assert!(findings(&store).is_empty(), "a repair leaves nothing");
    (store, found)
}

#[test]
fn what_is_wrong_with_a_book_is_found_and_put_right() {
    let (house, comune, _) = two();
    for who in [ANNA, FOREIGN] {
        put(house.engine(), comune, who, &named("qualcuno")).expect("written");
    }
    let count = count_key(comune).done();
    for (value, found_as) in [(Some(&[1, 9][..]), (Problem::Differs, "rebuild")), (None, (Problem::Missing, "rebuild"))]
    {
        let (store, found) = broken(&house, &count, value);
        assert_eq!(found, [found_as]);
        assert_eq!(store.rows(), house.store.rows(), "as it was");
    }
    // An entry that is lost, one that does not read, one under another address, one in a book of nobody.
    let (entry, value) = rows::of(&house.store, tag::ADDRESS_BOOK).swap_remove(0);
    let (store, found) = broken(&house, &entry, None);
    assert_eq!(found, [(Problem::Differs, "rebuild")]);
    assert_eq!(rows::get::<u64>(&store, &count_key(comune)), Some(1));
    let (store, found) = broken(&house, &entry, Some(b"\x63newer"));
    assert_eq!(found, [(Problem::Undecodable, "set-aside")]);
    assert_eq!(rows::get::<u64>(&store, &count_key(comune)), Some(1), "counted anew");
    let other = KeyBuilder::new(tag::ADDRESS_BOOK).u64(comune.0).u8(0).text("altra@x.example").done();
    let (_, found) = broken(&house, &other, Some(&value));
    assert_eq!(found, [(Problem::Undecodable, "set-aside"), (Problem::Differs, "rebuild")]);
    let nobodys = KeyBuilder::new(tag::ADDRESS_BOOK).u64(9).u8(0).text(ANNA).done();
    let (_, found) = broken(&house, &nobodys, Some(&value));
    assert_eq!(found, [(Problem::Dangling, "set-aside")]);
}
