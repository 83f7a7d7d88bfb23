//! Items in work: leases that hold, run out, are renewed, lost and taken over; a start that no queue slows down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_engine::check::{Problem, Repair};
use sigillo_engine::{Dispatch, Filter, LEASE, Submitted};
use sigillo_smtp::Reply;
use sigillo_smtp::client::RecipientOutcome;
use sigillo_store::memory::{Effort, Plan};
use sigillo_store::{Batch, Durability, KeyBuilder, MemoryStore, Store, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::{House, arrived};
use sigillo_tests::street::{Fate, Street, message};

use super::check::{assert_clean, findings};
use super::rows;

pub const ANNA: &str = "anna@comune-alfa.example";
pub const BRUNO: &str = "bruno@ente-beta.example";
pub const CARLA: &str = "carla@comune-alfa.example";

pub const MOMENT: Duration = Duration::from_millis(1);

/// A street where Anna has sent a message to Bruno.
pub fn street(seed: u64) -> Street {
    let street = Street::new(seed);
    submit(&street, BRUNO);
    street
}

pub fn submit(street: &Street, to: &str) {
    assert!(matches!(street.submit(&address(ANNA), &[address(to)], ""), Ok(Submitted::Accepted(_))));
}

/// What the house takes for other providers now.
pub fn due(house: &House, now: Timestamp) -> Vec<Dispatch> {
    house.engine().due(now, 8).expect("the queue is read")
}

/// Hands it over to Beta.
fn hand_over(street: &Street, dispatch: &Dispatch) -> Vec<RecipientOutcome> {
    let bytes = street.houses[0].engine().read_all(&dispatch.message).expect("the envelope");
    let mail = arrived(dispatch.from.as_ref(), &dispatch.rcpts, bytes, "mx.pec.alfa.example", false);
    street.houses[1].engine().receive(&mail, street.now).expect("taken");
    let taken = |r: &sigillo_base::Address| RecipientOutcome {
        address: r.clone(),
        result: Ok(Reply::new(250, (2, 0, 0), "ok")),
    };
    dispatch.rcpts.iter().map(taken).collect()
}

/// Everything comes to its end, once.
pub fn assert_delivered_once(street: &mut Street) {
    street.pass(Duration::from_secs(3600));
    assert_eq!(street.kinds(&address(BRUNO)), ["posta-certificata"]);
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "avvenuta-consegna"]);
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
    street.houses.iter().for_each(|h| assert_clean(&h.store, "at the end"));
}

#[test]
fn what_is_never_reported_is_due_again_when_its_lease_runs_out() {
    let mut street = street(1);
    let alfa = &street.houses[0];
    assert_eq!(due(alfa, NOW).len(), 1);
    assert_clean(&alfa.store, "while it is in work");
    assert_eq!(due(alfa, NOW.plus(LEASE - MOMENT)).len(), 0, "the lease holds");
    assert_eq!(alfa.engine().next_due().expect("read"), Some(NOW.plus(LEASE)));
    assert_eq!(due(alfa, NOW.plus(LEASE)).len(), 1, "it ran out");
    assert_delivered_once(&mut street);
}

#[test]
fn a_lease_that_is_renewed_holds_on() {
    let mut street = street(2);
    let alfa = &street.houses[0];
    let dispatch = due(alfa, NOW).remove(0);
    let mut now = NOW;
    for _ in 0..10 {
        now = now.plus(LEASE / 2);
        assert_eq!(due(alfa, now).len(), 0);
        assert!(alfa.engine().renew(&dispatch, now).expect("the lease"));
    }
    assert_clean(&alfa.store, "renewed");
    street.now = now;
    let outcomes = hand_over(&street, &dispatch);
    street.houses[0].engine().report(&dispatch, &outcomes, now).expect("recorded");
    assert!(!street.houses[0].engine().renew(&dispatch, now).expect("the lease"), "it is out of the queue");
    assert_delivered_once(&mut street);
}

/// Who was too slow has lost the item: what he says that happened counts, that he gives it back does not.
#[test]
fn a_slow_worker_does_not_give_back_what_another_has_taken() {
    let mut street = street(3);
    let alfa = &street.houses[0];
    let slow = due(alfa, NOW).remove(0);
    let later = NOW.plus(LEASE);
    let fast = due(alfa, later).remove(0);
    assert!(!alfa.engine().renew(&slow, later).expect("the lease"));
    alfa.engine().defer(&slow, "too slow", later).expect("recorded");
    assert_eq!(due(alfa, later.plus(LEASE - MOMENT)).len(), 0, "the other one has it still");
    assert!(alfa.engine().renew(&fast, later).expect("the lease"));
    street.now = later;
    let outcomes = hand_over(&street, &slow);
    street.houses[0].engine().report(&slow, &outcomes, later).expect("recorded");
    assert!(rows::of(&street.houses[0].store, tag::LEASE).is_empty(), "nothing is left to do");
    hand_over(&street, &fast);
    street.houses[0].engine().report(&fast, &outcomes, later).expect("recorded");
    assert_delivered_once(&mut street);
}

#[test]
fn a_start_takes_over_what_this_server_had_in_work_and_nothing_else() {
    let mut street = street(4);
    let alfa = &street.houses[0];
    assert_eq!(due(alfa, NOW).len(), 1);
    submit(&street, BRUNO); // synced, so that the lease outlives the power cut
    let mut batch = Batch::new();
    let foreign = KeyBuilder::new(tag::LEASE).raw(KeyBuilder::new(tag::QUEUE_ITEM).u128(9));
    let value = rows::of(&street.houses[0].store, tag::LEASE).remove(0).1;
    let host = value.windows(3).position(|w| w == b"mx.").expect("the server's name");
    let mut other = value.clone();
    other[host + 1] = b'y';
    batch.put(foreign, &other);
    street.houses[0].store.commit(&batch, Durability::Synced).expect("written");
    street.houses[0].stop();
    assert_eq!(rows::of(&street.houses[0].store, tag::LEASE).len(), 2);
    street.houses[0].start();
    let again = due(&street.houses[0], NOW);
    assert_eq!(again.len(), 2, "at once, beside the other message");
    let leases = rows::of(&street.houses[0].store, tag::LEASE);
    assert_eq!(leases.iter().filter(|(_, value)| *value == other).count(), 1, "another server's stays");
    assert_eq!(leases.len(), 3);
}

/// An attempt is counted when it begins: what may have ended the process is not met at once by each that follows.
#[test]
fn what_was_in_work_when_two_processes_ended_waits_before_it_is_tried_again() {
    let mut street = street(15);
    let mut end_in_work = || {
        let taken = due(&street.houses[0], NOW).len();
        submit(&street, CARLA); // synced, so that the lease outlives the power cut
        street.houses[0].stop();
        street.houses[0].start();
        taken
    };
    assert_eq!((end_in_work(), end_in_work()), (1, 1), "the first time at once");
    assert_eq!(end_in_work(), 0);
    assert_eq!(due(&street.houses[0], NOW.plus(Duration::from_secs(30))).len(), 1, "then as after a failure");
}

#[test]
fn a_power_cut_that_loses_a_lease_harms_nothing() {
    let mut street = street(5);
    let before = rows::facts(&street.houses[0].store);
    let lost = due(&street.houses[0], NOW).remove(0);
    hand_over(&street, &lost);
    street.houses[0].stop();
    assert_eq!(rows::facts(&street.houses[0].store), before, "taking was not synced");
    street.houses[0].start();
    assert_eq!(due(&street.houses[0], NOW).len(), 1, "due as it was");
    assert_delivered_once(&mut street);
}

/// That a certified provider has taken a message waits for no disk: forgotten, it is handed over again and recognised.
#[test]
fn a_hand_over_that_a_power_cut_forgets_is_recognised() {
    for persisted in [false, true] {
        let mut street = street(5);
        let dispatch = due(&street.houses[0], NOW).remove(0);
        let outcomes = hand_over(&street, &dispatch);
        let alfa = street.houses[0].engine();
        alfa.report(&dispatch, &outcomes, NOW).expect("recorded");
        assert!(alfa.is_unsettled());
        if persisted {
            alfa.persist().expect("durable");
            assert!(!alfa.is_unsettled());
        }
        street.houses[0].stop();
        street.houses[0].start();
        let again = due(&street.houses[0], NOW);
        assert_eq!(again.len(), usize::from(!persisted), "forgotten, unless it was durable");
        for dispatch in again {
            let outcomes = hand_over(&street, &dispatch);
            street.houses[0].engine().report(&dispatch, &outcomes, NOW).expect("recorded");
        }
        assert_delivered_once(&mut street);
    }
}

/// What was not taken, or not by a certified provider, waits for the disk.
#[test]
fn a_hand_over_that_nobody_would_recognise_waits_for_the_disk() {
    let street = Street::new(5);
    submit(&street, "dora@posta.example");
    let dispatch = due(&street.houses[0], NOW).remove(0);
    let result = Ok(Reply::new(250, (2, 0, 0), "ok"));
    let outcomes = [RecipientOutcome { address: dispatch.rcpts[0].clone(), result }];
    street.houses[0].engine().report(&dispatch, &outcomes, NOW).expect("recorded");
    submit(&street, BRUNO);
    let dispatch = due(&street.houses[0], NOW).remove(0);
    street.houses[0].engine().defer(&dispatch, "nobody there", NOW).expect("given back");
    assert!(!street.houses[0].engine().is_unsettled());
}

/// The lease as a row: what belongs together is checked, and put right.
#[test]
fn a_lease_belongs_to_an_item_that_is_due_when_it_ends() {
    let street = street(6);
    let store = &street.houses[0].store;
    assert_eq!(due(&street.houses[0], NOW).len(), 1);
    let (key, value) = rows::of(store, tag::LEASE).remove(0);
    let told = |store: &MemoryStore| findings(store).iter().map(|f| (f.key[0], f.problem)).collect::<Vec<_>>();
    let earlier = store.fork();
    let mut batch = Batch::new();
    // The last byte of its end.
    let mut moved = value.clone();
    *moved.last_mut().expect("a value") ^= 1;
    batch.put(&key, &moved);
    earlier.commit(&batch, Durability::Synced).expect("written");
    assert_eq!(told(&earlier), [(tag::LEASE, Problem::Differs)]);
    Repair::new(&earlier, NOW).run().expect("repaired");
    assert_eq!(rows::of(&earlier, tag::LEASE), [(key.clone(), value)]);
    let alone = store.fork();
    let mut batch = Batch::new();
    let of_an_item = |key: &[u8]| key[0] != tag::MESSAGE_LINK || key[17] == tag::QUEUE_ITEM;
    for tag in [tag::QUEUE_ITEM, tag::QUEUE_DUE, tag::MESSAGE_LINK] {
        rows::of(&alone, tag).iter().filter(|(key, _)| of_an_item(key)).for_each(|(key, _)| batch.delete(key));
    }
    alone.commit(&batch, Durability::Synced).expect("written");
    assert_eq!(told(&alone), [(tag::LEASE, Problem::Underived)]);
    Repair::new(&alone, NOW).run().expect("repaired");
    assert_eq!(told(&alone), []);
}

/// Index rows that say nothing: one without its item, one of an item that is due at another time.
#[test]
fn index_rows_that_lead_nowhere_are_dropped() {
    let street = street(7);
    let alfa = &street.houses[0];
    let (item, _) = rows::of(&alfa.store, tag::QUEUE_ITEM).remove(0);
    let mut batch = Batch::new();
    let early = |id: &[u8]| KeyBuilder::new(tag::QUEUE_DUE).u8(1).u64(1).raw(id);
    batch.put(early(&item[1..]), b"");
    batch.put(early(&[7; 16]), b"");
    alfa.store.commit(&batch, Durability::Synced).expect("written");
    assert_eq!(due(alfa, NOW).len(), 1);
    assert_clean(&alfa.store, "both are gone");
}

/// Puts `count` items beside the one that waits: the same work under other numbers, a turn after the other.
fn fill(store: &MemoryStore, count: u64) {
    fill_turns(store, count, |n| n);
}

/// The same, each in the turn that `turn` says.
fn fill_turns(store: &MemoryStore, count: u64, turn_of: impl Fn(u64) -> u64) {
    let (_, item) = rows::of(store, tag::QUEUE_ITEM).remove(0);
    let (_, whose) = rows::of(store, tag::QUEUE_DUE).remove(0);
    // The last field of an item is its turn: here the first, 0.
    let (open, turn) = item.split_at(item.len() - 1);
    assert_eq!(turn, [0]);
    for numbers in (1..=count).collect::<Vec<_>>().chunks(1000) {
        let mut batch = Batch::new();
        for n in numbers {
            let mut turn = Vec::new();
            let mut left = turn_of(*n);
            while left > 0x7f {
                turn.push((left & 0x7f) as u8 | 0x80);
                left >>= 7;
            }
            turn.push(left as u8);
            batch.put(KeyBuilder::new(tag::QUEUE_ITEM).u128(u128::from(*n)), [open, &turn].concat());
            batch.put(KeyBuilder::new(tag::QUEUE_DUE).u8(3).u64(turn_of(*n)).u128(u128::from(*n)), &whose);
        }
        store.commit(&batch, Durability::Synced).expect("written");
    }
}

/// What a house of Anna's has in work after a look for one place.
fn next(house: &House) -> String {
    let dispatch = house.engine().due(NOW, 1).expect("read").remove(0);
    dispatch.from.expect("a sender").to_string()
}

#[test]
fn a_massive_sender_delays_nobody_who_sends_one_message() {
    let street = street(12);
    let alfa = &street.houses[0];
    fill(&alfa.store, 5_000);
    let carla = || {
        let sent = street.submit(&address(CARLA), &[address(BRUNO)], "");
        assert!(matches!(sent, Ok(Submitted::Accepted(_))));
    };
    carla();
    let taken: Vec<String> = (0..2).map(|_| next(alfa)).collect();
    assert!(taken.contains(&CARLA.to_owned()), "hers is one of the next two: {taken:?}");
    for _ in 0..3 {
        (0..10).for_each(|_| assert_eq!(next(alfa), ANNA));
        carla();
        let taken: Vec<String> = (0..3).map(|_| next(alfa)).collect();
        assert!(taken.contains(&CARLA.to_owned()), "again: {taken:?}");
    }
}

/// Retries too: what was held up comes back in turn.
#[test]
fn what_is_due_again_takes_its_turn_like_what_is_new() {
    let mut street = street(13);
    let alfa = &street.houses[0];
    fill(&alfa.store, 200);
    for _ in 0..201 {
        let dispatch = alfa.engine().due(NOW, 1).expect("read").remove(0);
        alfa.engine().defer(&dispatch, "nobody is reached", NOW).expect("recorded");
    }
    street.now = NOW.plus(Duration::from_secs(60));
    assert!(matches!(street.submit(&address(CARLA), &[address(BRUNO)], ""), Ok(Submitted::Accepted(_))));
    let from = |_| {
        let dispatch = street.houses[0].engine().due(street.now, 1).expect("read").remove(0);
        dispatch.from.expect("a sender").to_string()
    };
    let taken: Vec<String> = (0..3).map(from).collect();
    assert!(taken.contains(&CARLA.to_owned()), "hers is one of the next: {taken:?}");
}

/// Who has most of the places gets no more; who comes after him in the order is found behind him all the same.
#[test]
fn a_massive_sender_to_a_slow_server_leaves_places_for_the_others() {
    let street = street(14);
    let alfa = &street.houses[0];
    fill(&alfa.store, 500);
    let in_hand = alfa.engine().due(NOW, 16).expect("read");
    assert!((8..16).contains(&in_hand.len()), "{}", in_hand.len());
    let free = 16 - in_hand.len();
    assert!(alfa.engine().due(NOW, free).expect("read").is_empty(), "no more for Anna, none for Beta");
    let to = address("dora@posta.example");
    for _ in 0..3 {
        assert!(matches!(street.submit(&address(CARLA), std::slice::from_ref(&to), ""), Ok(Submitted::Accepted(_))));
        assert_eq!(next(alfa), CARLA);
    }
    drop(in_hand);
    assert!(!alfa.engine().due(NOW, 16).expect("read").is_empty(), "what was passed over is there");
}

/// What a full destination has no place for keeps its order: who sends it one message is next, however much others have
/// waiting there.
#[test]
fn what_waits_for_a_full_destination_keeps_its_order() {
    let street = street(15);
    let alfa = &street.houses[0];
    let due = || alfa.engine().due_among(NOW, 16, 4).expect("read");
    fill(&alfa.store, 2_000);
    let mut in_hand = due();
    assert_eq!(in_hand.len(), 4, "so many and no more");
    assert!(matches!(street.submit(&address(CARLA), &[address(BRUNO)], ""), Ok(Submitted::Accepted(_))));
    assert!(due().is_empty() && alfa.engine().passed_over(), "the destination is full, for her too");
    let mut next = Vec::new();
    for _ in 0..2 {
        in_hand.pop();
        next.extend(due().into_iter().map(|dispatch| dispatch.from.clone()));
    }
    assert!(next.contains(&Some(address(CARLA))), "hers is one of the next two: {next:?}");
}

/// What goes elsewhere is found behind a turn in which thousands wait for a full destination.
#[test]
fn a_full_destination_hides_nothing() {
    let street = street(16);
    let alfa = &street.houses[0];
    let due = || alfa.engine().due_among(NOW, 16, 4).expect("read");
    fill_turns(&alfa.store, 3_000, |_| 0);
    let in_hand = due();
    assert_eq!(in_hand.len(), 4, "as many as it has places");
    let to = address("dora@posta.example");
    assert!(matches!(street.submit(&address(CARLA), std::slice::from_ref(&to), ""), Ok(Submitted::Accepted(_))));
    let looks = (1..=20).find(|_| due().iter().any(|dispatch| dispatch.to == *to.domain()));
    assert!(looks.is_some_and(|looks| looks > 1), "found by a look of every so many rows: {looks:?}");
    assert!((1..=20).any(|_| due().is_empty() && !alfa.engine().reads_on()), "then everything was seen");
    assert!(due().is_empty() && alfa.engine().reads_on(), "and it begins anew");
}

#[test]
fn opening_and_the_first_message_and_the_first_look_cost_the_same_whatever_waits() {
    let effort = |waiting: u64| {
        let mut street = street(8);
        let store = street.houses[0].store.clone();
        fill(&store, waiting);
        street.houses[0].stop();
        let before = store.effort();
        street.houses[0].start();
        submit(&street, CARLA);
        let alfa = &street.houses[0];
        assert_eq!(due(alfa, NOW).len(), 7, "all but a place for others");
        assert_eq!(alfa.engine().run_due(NOW).expect("worked"), 1);
        let after = store.effort();
        Effort { calls: after.calls - before.calls, rows: after.rows - before.rows }
    };
    assert_eq!(effort(500), effort(3_000));
}

/// Items that were worked off leave nothing behind that a later look would read.
#[test]
fn a_look_reads_the_same_whatever_was_worked_off_before() {
    let effort = |worked_off: usize| {
        let street = street(9);
        let alfa = &street.houses[0];
        fill(&alfa.store, worked_off as u64 + 200);
        let mut left = worked_off;
        while left > 0 {
            let taken = alfa.engine().due(NOW, left.min(8)).expect("read");
            left -= taken.len();
            for dispatch in &taken {
                let taken = |r: &sigillo_base::Address| RecipientOutcome {
                    address: r.clone(),
                    result: Ok(Reply::new(250, (2, 0, 0), "ok")),
                };
                let outcomes: Vec<_> = dispatch.rcpts.iter().map(taken).collect();
                alfa.engine().report(dispatch, &outcomes, NOW).expect("recorded");
            }
        }
        let before = alfa.store.effort();
        assert_eq!(due(alfa, NOW).len(), 7, "all but a place for others");
        let after = alfa.store.effort();
        (after.calls - before.calls, after.rows - before.rows)
    };
    assert_eq!(effort(799), effort(8));
}

/// Commits of one certified message in both houses: synced, and not synced.
#[test]
fn taking_an_item_costs_no_synced_commit() {
    let mut street = Street::new(10);
    let (synced, later) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for house in &street.houses {
        let (synced, later) = (Arc::clone(&synced), Arc::clone(&later));
        house.store.plan(Plan::new().hook(move |commit| {
            if !commit.batch.is_read_only() {
                let count = if commit.durability == Durability::Synced { &synced } else { &later };
                count.fetch_add(1, Ordering::Relaxed);
            }
            None
        }));
    }
    submit(&street, BRUNO);
    street.run();
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "avvenuta-consegna"]);
    // Acceptance, envelope taken charge of and delivered, two receipts filed.
    assert_eq!(synced.load(Ordering::Relaxed), 4);
    // Envelope taken, both receipts taken; three times that it was handed over.
    assert_eq!(later.load(Ordering::Relaxed), 5);
}

/// Threads submit and threads work; nothing is left behind, and nothing waits for the look at everything.
#[test]
fn whatever_threads_submit_is_delivered() {
    const THREADS: usize = 3;
    let mut street = Street::new(11);
    street.network(|_| Fate::Held);
    let house = &street.houses[0];
    let (engine, login) = (house.engine(), house.login(&address(ANNA)));
    let submitting = Arc::new(());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let (at_work, login) = (Arc::clone(&submitting), &login);
            scope.spawn(move || {
                for _ in 0..10 {
                    let (anna, to) = (address(ANNA), [address(CARLA)]);
                    let bytes = sigillo_tests::street::message(&anna, &to, "").into_bytes();
                    let mail = arrived(Some(&anna), &to, bytes, "client", true);
                    engine.submit(login, &mail, NOW).expect("accepted");
                }
                drop(at_work);
            });
        }
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let last = Arc::strong_count(&submitting) == 1;
                    if engine.run_due(NOW).expect("worked") == 0
                        && last
                        && engine.queue_page(&Filter::default(), None, 1, NOW).expect("read").0.is_empty()
                    {
                        return;
                    }
                }
            });
        }
    });
    let kinds = street.kinds(&address(CARLA));
    assert_eq!(kinds, vec!["posta-certificata"; 10 * THREADS]);
    assert!(rows::at_rest(&street.houses[0].store));
}

/// Large work is known before it is taken: who has no room for it takes what is behind it, and it holds no lease.
#[test]
fn what_takes_more_memory_than_there_is_room_stays_and_stops_nobody() {
    let mut street = Street::new(21);
    let (anna, carla) = (address(ANNA), address(CARLA));
    let large = "Una riga fra tante.\r\n".repeat(10_000);
    let mail = format!("{}{large}", message(&anna, std::slice::from_ref(&carla), ""));
    // More of them than one look takes, and the small one is the last of all.
    for _ in 0..12 {
        street.submit_bytes(&anna, std::slice::from_ref(&carla), mail.clone().into_bytes()).expect("accepted");
    }
    submit(&street, CARLA);
    let room = 2 * large.len();
    let work = |room| {
        let mut done = 0;
        loop {
            let ran = street.houses[0].engine().run_due_within(room, NOW).expect("worked");
            done += ran.done;
            if ran.done == 0 {
                return (done, ran.wants);
            }
        }
    };
    let (done, wants) = work(room);
    let delivered = |street: &Street| street.kinds(&carla).iter().filter(|k| *k == "posta-certificata").count();
    assert!(done > 0 && delivered(&street) == 1, "the small one is delivered");
    let wants = wants.expect("the large ones wait");
    assert!(wants > room && wants < room + 100_000, "{wants}: twice the message");
    assert_clean(&street.houses[0].store, "passed over");
    assert!(rows::of(&street.houses[0].store, tag::LEASE).is_empty(), "nobody has them");
    assert!(work(wants + 100_000).1.is_none(), "with room for them nothing is passed over");
    street.run();
    assert_eq!(delivered(&street), 13);
}
