//! The check of a store: clean after whatever happened, and each invariant found when exactly its row is broken. What a
//! repair puts right, and what it leaves to a backup.

use std::time::Duration;

use sigillo_accounts::{
    BookChange, Contact, Credential, CredentialName, Custom, Kind, Limits, NoticeKind, PasswordHash, PasswordPolicy,
    PersonName, Plan, Profile, Profiles, Request, Rights,
};
use sigillo_base::{Address, MsgId, PecId, Phone, Secret, Timestamp, Uid};
use sigillo_engine::check::{Check, Finding, Problem, Remedy, Repair, Severity, readable, set_aside};
use sigillo_engine::{
    Alert, Arrived, Asking, Change, Filter, FolderRights, NewList, NewPerson, OwnCertificate, Peer, Reading,
    RightsChange, Rules, Screening, Shown, StsPolicy, front,
};
use sigillo_store::{Batch, BodyId, Durability, KeyBuilder, KeyReader, MemoryStore, Store, body, tag};
use sigillo_tests::fixtures::address;
use sigillo_tests::house::{House, Knows, Opinion, arrived};
use sigillo_tests::street::{Fate, Street, message};
use sigillo_tests::whole;

use super::factors::code;
use super::notices::notice;
use super::policy::{ordinary, takes_ordinary};
use super::rows;
use super::tls_results::results;
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@comune-alfa.example";

/// Everything wrong with a store.
pub fn findings(store: &MemoryStore) -> Vec<Finding> {
    let mut found = Vec::new();
    Check::new(store, true).run(|page| found.extend(page.findings)).expect("the store can be read");
    found
}

/// A store without errors; bodies left over are none.
pub fn assert_clean(store: &MemoryStore, what: &str) {
    let errors = whole::errors(store).expect("the store can be read");
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

/// A street after exchanges of every kind, some of them still under way.
/// An administration with a unit, and somebody who acts for it.
fn administrate(house: &House, now: Timestamp) {
    let (engine, carla) = (house.engine(), address(CARLA));
    let tenant = engine.add_tenant("Comune di Alfa", "c_a", &[], now).expect("an administration");
    engine.assign_domain(carla.domain(), Some(tenant), now).expect("its domain");
    let reading = Reading {
        at: now,
        by: "l.bianchi".into(),
        token: Some("prova".into()),
        from: None,
        act: "mailbox-read".into(),
        object: "/v1/mailboxes".into(),
        status: 200,
    };
    engine.has_looked(Some(tenant), &reading);
    let unit = engine.add_unit(tenant, "Anagrafe", now).expect("a unit");
    engine.change(house.login(&carla).mailbox, &Change::Unit(Some(unit)), &Request::own(now)).expect("its mailbox");
    let plan = Plan { quantities: [("standard".to_owned(), 9), ("prova".to_owned(), 1)].into(), ..Plan::default() };
    engine.approve_plan(tenant, engine.add_plan(tenant, &plan).expect("a plan"), "l.bianchi", now).expect("approved");
    let list = NewList {
        address: address("anagrafe@comune-alfa.example"),
        members: vec![carla.clone()],
        unit: Some(Some(unit)),
    };
    engine.put_list(&list, &Request::own(now)).expect("a list of the unit");
    let entry = BookChange { name: Some("Carla Verdi".into()), ..BookChange::default() };
    engine.put_book_entry(tenant, &carla, &entry, &Request::own(now)).expect("an entry of the address book");
    let old = house.add(&address("vecchia@comune-alfa.example"), Profile::Standard, now);
    engine.change(old, &Change::Cancel, &Request::own(now)).expect("cancelled");
    let login = PersonName::parse("l.bianchi").expect("a name");
    let new = NewPerson { login: login.clone(), name: "Luca Bianchi".into(), mail: None, tenant: Some(tenant) };
    engine.add_person(&new, now).expect("a person");
    let secret = Secret::new("sgt_prova".into());
    engine.add_token(&login, "prova", &secret, now.plus(Duration::from_secs(60)), now).expect("a token");
    let Shown::Person(_, bearer, _) = engine.who_shows(&secret, None, now).expect("looked up") else {
        panic!("nobody")
    };
    let begun = engine.begin_own_factor(&bearer, now).expect("begun");
    engine.confirm_own_factor(&bearer, &code(&begun.seed, now), "192.0.2.7", now).expect("confirmed");
}

/// A mailbox whose mail is told and copied outside, and a certificate that the administration hears of.
fn watched(house: &House, now: Timestamp) {
    let (engine, carla) = (house.engine(), house.login(&address(CARLA)).mailbox);
    let alert = Alert { to: "sms:+393331234567".parse().expect("a number"), receipts: true, discreet: false };
    engine.set_alert(carla, Some(&alert), now).expect("an alert");
    let certificate = |n: u8| OwnCertificate {
        purpose: "signing".into(),
        fingerprint: [n; 32],
        subject: "CN=prova".into(),
        not_after: now.plus(Duration::from_secs(400 * 24 * 3600)),
    };
    engine.watch_certificates(&[certificate(1)], now).expect("seen");
    engine.watch_certificates(&[certificate(2)], now).expect("told");
}

/// One that is in use, and one that was cancelled.
fn lists(house: &House, members: &[Address], now: Timestamp) {
    let [list, old] = ["uffici@comune-alfa.example", "disdetta@comune-alfa.example"].map(address);
    for list in [&list, &old] {
        house.engine().set_list(list, members, now).expect("a list");
    }
    house.engine().cancel_list(&old, &Request::own(now)).expect("cancelled");
}

fn busy() -> Street {
    let mut street = Street::new(31);
    let (anna, bruno, carla) = (address(ANNA), address(BRUNO), address(CARLA));
    street.houses[0].scan_with(Knows(&["VERME"]));
    let limits = Limits { per_minute: 1, ..Profile::Standard.limits() };
    let own = Custom { name: "prova".into(), base: Profile::Standard, limits };
    street.houses[0].profile(Profiles::new(vec![own]).expect("a profile")).expect("up");
    let passwords = PasswordPolicy { history: 2, ..PasswordPolicy::NONE };
    street.houses[0].choose(Rules { passwords, ..Rules::default() });
    street.houses[0].screen_with(Opinion(|_: &Arrived| Some(Screening::default())));
    let engine = street.houses[0].engine().clone();
    let chosen = engine.profiles().choose("prova").expect("known");
    engine.set_profile(street.houses[0].login(&carla).mailbox, &chosen, street.now).expect("set");
    lists(&street.houses[0], &[bruno.clone(), carla.clone()], street.now);
    let domain = engine.domains().into_iter().find(|d| *d == *anna.domain()).expect("a domain");
    engine.set_domain_policy(&domain, &Default::default()).expect("a policy");
    takes_ordinary(&street.houses[0], CARLA);
    super::filing::choose(&street, CARLA, "Ricevute").expect("chosen");
    administrate(&street.houses[0], street.now);
    watched(&street.houses[0], street.now);
    engine.receive(&ordinary(std::slice::from_ref(&carla)), street.now).expect("ordinary mail");
    let send = |street: &Street, to: &[Address], body: &str| {
        let bytes = (message(&anna, to, "") + body).into_bytes();
        street.submit_bytes(&anna, to, bytes).expect("an answer");
    };
    send(&street, std::slice::from_ref(&bruno), &"riga di testo\r\n".repeat(60_000));
    send(&street, &[bruno.clone(), carla.clone(), address("nessuno@ente-beta.example")], "");
    send(&street, std::slice::from_ref(&carla), "VERME\r\n");
    let again = || street.submit(&carla, std::slice::from_ref(&anna), "");
    assert!(again().is_ok() && again().is_err(), "a limit is reached");
    street.pass(Duration::from_secs(600));
    // A message that is gone from its folder again.
    let reader = engine_with_password(&street.houses[0], &carla, "una frase lunga");
    let mut reader = Wire::new(front::imap(reader, Peer::LOCAL, true, Default::default()), street.now);
    let login = format!(
        "a LOGIN {CARLA} \"una frase lunga\"\r\nb SELECT Bozze\r\nc APPEND Bozze {{4+}}\r\nciao\r\nd UID MOVE 1 Cestino\r\n"
    );
    assert!(reader.say(login).contains("d OK"));
    let mut stranger = Wire::new(front::imap(engine.clone(), Peer::LOCAL, true, Default::default()), street.now);
    stranger.hear();
    assert!(stranger.say("a LOGIN nessuno@comune-alfa.example x\r\n").is_empty(), "it waits for its refusal");
    assert!(reader.say("e CREATE Vecchia\r\nf SUBSCRIBE Vecchia\r\ng DELETE Vecchia\r\n").contains("g OK"));
    for days in [0, 2] {
        engine.seal_accesses(street.now.plus(Duration::from_secs(days * 24 * 3600))).expect("days are sealed");
    }
    assert!(reader.say("e SETMETADATA Bozze (/shared/comment \"da finire\")\r\n").contains("e OK"));
    let (mailbox, dora) = (street.houses[0].login(&carla).mailbox, CredentialName::parse("dora").expect("a name"));
    let hash = PasswordHash::create(&Secret::new("una frase lunga".into()), [8; 16]).expect("a hash");
    let credential = Credential::new(Kind::Personal, Rights::ALL, hash.into(), street.now.as_millis());
    engine.add_credential(mailbox, &dora, &credential).expect("a credential");
    engine.grant(mailbox, Some("Bozze"), &dora, RightsChange::Set(FolderRights::LOOKUP)).expect("granted");
    let contact = Contact { phone: Phone::parse("+393331234567").ok(), mail: None };
    engine.set_contact((mailbox, &carla), &contact, "l.bianchi", street.now).expect("reached");
    engine.ask_reset(&carla, Asking::Administration(&Request::own(street.now)), street.now).expect("sent");
    engine.begin_factor(&street.houses[0].login(&carla), CARLA).expect("begun");
    engine.close_segments(street.now).expect("the log is chained");
    street.pass(Duration::from_secs(26 * 3600));
    engine.close_segments(street.now).expect("a segment is closed");
    engine.add_tls_results(&[results("ente-beta.example", 1, &[])], street.now).expect("kept");
    engine.report_tls(bruno.domain(), street.now, &[], street.now).expect("kept");
    let until = street.now.plus(Duration::from_secs(48 * 3600));
    let policy = StsPolicy { id: "1".into(), text: "mode: none".into(), fetched: street.now, until };
    engine.keep_sts_policy(bruno.domain(), &policy).expect("kept");
    engine.once(&[1; 32], &[2; 32], 1, street.now).expect("begun");
    engine.answered(&[1; 32], Some(b"sealed")).expect("kept");
    let until = street.now.plus(Duration::from_secs(3600));
    engine.tell(&notice(NoticeKind::Alert, "sms:+393331234567", "x", until), street.now).expect("told");
    engine.tell_arrivals(street.now, 1).expect("told");
    // What is still under way: a receipt awaited, an item in the queue, lines outside of the chain.
    street.network(|_| Fate::Held);
    send(&street, std::slice::from_ref(&bruno), "");
    street.run();
    street
}

#[test]
fn a_store_is_clean_after_exchanges_of_every_kind() {
    let street = busy();
    for house in &street.houses {
        assert_eq!(house.engine().index_texts(None, false).expect("indexed"), None);
        assert_clean(&house.store, &house.fixture.provider.name);
    }
    let mut rows = std::collections::BTreeMap::new();
    let store = &street.houses[0].store;
    Check::new(store, true)
        .run(|page| page.rows.iter().for_each(|(t, n)| *rows.entry(*t).or_insert(0) += n))
        .expect("read");
    assert_eq!(rows.values().sum::<u64>(), store.rows().len() as u64, "every row was looked at");
    let unused = [tag::SET_ASIDE, tag::LEASE, tag::BODY_RESERVATION, tag::TEST, tag::META];
    let missing: Vec<_> =
        tag::ALL.iter().filter(|(t, _)| !unused.contains(t) && !rows.contains_key(t) && *t != tag::ARRIVAL).collect();
    assert!(missing.is_empty(), "the exchange wrote no row of {missing:?}");
}

#[test]
fn pages_of_any_length_find_the_same() {
    let street = busy();
    let store = street.houses[0].store.fork();
    for tag in [tag::MESSAGE, tag::FOLDER_ENTRY, tag::QUEUE_ITEM] {
        write(&store, &rows::of(&store, tag)[0].0, Some(b"\x01"));
    }
    let whole = findings(&store);
    assert!(whole.len() >= 3, "{whole:?}");
    for rows in [1, 7, 100] {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = Check::new(&store, true).page(from.as_deref(), rows).expect("a page");
            assert!(page.rows.values().sum::<u64>() <= rows as u64);
            found.extend(page.findings);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(found, whole, "pages of {rows}");
    }
}

fn write(store: &MemoryStore, key: &[u8], value: Option<&[u8]>) {
    let mut batch = Batch::new();
    match value {
        Some(value) => batch.put(key, value),
        None => batch.delete(key),
    }
    store.commit(&batch, Durability::Synced).expect("written");
}

/// The street's first store with one row removed or replaced, and what is found then.
fn broken(street: &Street, house: usize, key: &[u8], value: Option<&[u8]>) -> (MemoryStore, Vec<Finding>) {
    let store = street.houses[house].store.fork();
    assert_ne!(store.get(key).expect("read").as_deref(), value, "{}", readable(key));
    write(&store, key, value);
    let found = findings(&store);
    assert!(!found.is_empty(), "{} was broken and nothing found", readable(key));
    (store, found)
}

/// The findings as problem and remedy, by tag of the row and of the one it is about.
fn told(found: &[Finding]) -> Vec<(u8, Option<u8>, Problem, &'static str)> {
    let mut told: Vec<_> =
        found.iter().map(|f| (f.key[0], f.about.as_ref().map(|a| a[0]), f.problem, f.remedy.as_str())).collect();
    told.sort_by_key(|(tag, about, problem, _)| (*tag, *about, problem.as_str()));
    told.dedup();
    told
}

/// After a repair: what is left, which a second repair leaves as it is.
fn repaired(street: &Street, store: &MemoryStore) -> Vec<Finding> {
    let all_before = store.rows();
    let repair = Repair::new(store, street.now).run().expect("repaired");
    let rows_after = store.rows();
    let again = Repair::new(store, street.now).run().expect("repaired");
    assert_eq!((again.done.len(), store.rows() == rows_after), (0, true), "a second repair does nothing");
    assert_eq!(again.left, repair.left);
    // Nothing is lost: what is not there any more lies aside, or was written anew from other rows.
    let (aside, _) = set_aside(store, None, 10_000).expect("read");
    for (key, value) in all_before {
        let kept = store.get(&key).expect("read").is_some() || aside.iter().any(|a| a.key == key && a.value == value);
        assert!(kept, "{} is lost", readable(&key));
    }
    repair.left
}

fn first(street: &Street, house: usize, tag: u8) -> Vec<u8> {
    rows::of(&street.houses[house].store, tag).first().expect("a row of this tag").0.clone()
}

/// A row of each tag that does not read: it is found as such, whatever else follows from it.
#[test]
fn a_row_that_does_not_decode_is_found_in_every_tag() {
    let street = busy();
    let plain = [
        tag::MESSAGE_LINK,
        tag::LOG_PENDING,
        tag::LOG_BY_ID,
        tag::BODY_LINK,
        tag::QUEUE_DUE,
        tag::TIMER_DUE,
        tag::MESSAGE_DOUBT,
        tag::LEAVING,
        tag::ARRIVED,
        tag::BODY_CHUNK,
        tag::META,
    ];
    for (t, name) in tag::ALL {
        for house in [0, 1] {
            let rows = rows::of(&street.houses[house].store, *t);
            let Some((key, _)) = rows.last().filter(|_| !plain.contains(t)) else { continue };
            let (_, found) = broken(&street, house, key, Some(b"\x63newer"));
            let own: Vec<_> = found.iter().filter(|f| f.key == *key).collect();
            assert!(own.iter().any(|f| f.problem == Problem::Undecodable), "{name}: {found:?}");
        }
    }
    // Rows that are all key: a key that is too short.
    for t in plain.into_iter().filter(|t| *t != tag::META && *t != tag::BODY_CHUNK) {
        let (_, found) = broken(&street, 0, &[t, 1, 2, 3], Some(b""));
        assert_eq!(told(&found)[0].2, Problem::Undecodable, "{found:?}");
    }
    let (_, found) = broken(&street, 0, &[0xe7, 1], Some(b""));
    assert_eq!(told(&found), [(0xe7, None, Problem::UnknownTag, "backup")]);
}

#[test]
fn a_missing_message_is_found_at_all_that_refer_to_it_and_its_entry_is_moved_aside() {
    let street = busy();
    let bruno = street.houses[1].login(&address(BRUNO)).mailbox;
    let filed = street.houses[1].engine().inbox(bruno, Uid(0), 9).expect("read");
    let key = KeyBuilder::new(tag::MESSAGE).msg(filed[0].message).done();
    let (store, found) = broken(&street, 1, &key, None);
    assert_eq!(
        told(&found),
        [
            (tag::FOLDER_ENTRY, Some(tag::MESSAGE), Problem::Dangling, "set-aside"),
            (tag::ARRIVAL, Some(tag::MESSAGE), Problem::Dangling, "set-aside"),
            (tag::SUMMARY, Some(tag::MESSAGE), Problem::Underived, "set-aside"),
            (tag::ARCHIVE, Some(tag::MESSAGE), Problem::Dangling, "backup"),
            (tag::BODY_LINK, Some(tag::MESSAGE), Problem::Underived, "set-aside"),
        ]
    );
    // The envelope's facts are gone with it: the receipt has nothing to show for itself but a backup.
    let left = repaired(&street, &store);
    assert!(left.iter().all(|f| matches!(f.remedy, Remedy::Backup | Remedy::Nothing)), "{left:?}");
    assert!(left.iter().any(|f| f.key[0] == tag::ARCHIVE), "{left:?}");
    assert!(!left.iter().any(|f| f.key[0] == tag::BOX_USAGE || f.key[0] == tag::MAILBOX), "the sum is right again");
}

#[test]
fn a_broken_message_row_is_moved_aside_and_its_bodies_are_kept() {
    let street = busy();
    let anna = street.houses[0].login(&address(ANNA)).mailbox;
    let filed = street.houses[0].engine().inbox(anna, Uid(0), 9).expect("read");
    let key = KeyBuilder::new(tag::MESSAGE).msg(filed[0].message).done();
    let (store, _) = broken(&street, 0, &key, Some(b"\x01\xff\xff"));
    let bodies = rows::of(&store, tag::BODY);
    repaired(&street, &store);
    let (aside, _) = set_aside(&store, None, 100).expect("read");
    assert!(aside.iter().any(|a| a.key == key && a.value == b"\x01\xff\xff"), "{aside:?}");
    for (key, _) in bodies {
        let id = BodyId::try_from(&key[1..]).expect("a body");
        assert_eq!(body::collect(&store, id), Ok(false), "what was moved aside keeps its bodies");
    }
}

/// Rows that follow from others: each is written again, and the store is as it was.
#[test]
fn what_follows_from_other_rows_is_written_again() {
    let street = busy();
    let derived = [
        (tag::MAILBOX_BY_ADDRESS, tag::MAILBOX),
        (tag::BOX_USAGE, tag::MAILBOX),
        (tag::BODY_LINK, tag::MESSAGE),
        (tag::MESSAGE_LINK, tag::FOLDER_ENTRY),
        (tag::QUEUE_DUE, tag::QUEUE_ITEM),
        (tag::TIMER_DUE, tag::DISPATCH),
        (tag::LOG_BY_ID, tag::LEGAL_LOG),
        (tag::LOG_PENDING, tag::LEGAL_LOG),
    ];
    for (t, from) in derived {
        let key = match t {
            tag::BOX_USAGE => KeyBuilder::new(t).mailbox(street.houses[0].login(&address(ANNA)).mailbox).done(),
            tag::BODY_LINK => link_of_a_message(&street),
            tag::MESSAGE_LINK => link_of_an_entry(&street),
            _ => first(&street, 0, t),
        };
        let (store, found) = broken(&street, 0, &key, None);
        let problem = if t == tag::BOX_USAGE { Problem::Differs } else { Problem::Missing };
        let [finding] = &found.iter().filter(|f| f.problem != Problem::Orphan).collect::<Vec<_>>()[..] else {
            panic!("{found:?}")
        };
        assert_eq!((finding.key[0], finding.about.as_ref(), finding.problem), (from, Some(&key), problem));
        assert!(repaired(&street, &store).is_empty(), "{}", readable(&key));
        assert_eq!(store.rows(), street.houses[0].store.rows(), "{} is as it was", readable(&key));
    }
}

fn link_of_an_entry(street: &Street) -> Vec<u8> {
    let links = rows::of(&street.houses[0].store, tag::MESSAGE_LINK);
    links.into_iter().map(|(key, _)| key).find(|key| key[17] == tag::FOLDER_ENTRY).expect("a link of an entry")
}

fn link_of_a_message(street: &Street) -> Vec<u8> {
    let links = rows::of(&street.houses[0].store, tag::BODY_LINK);
    let of_message = |key: &Vec<u8>| body::read_link_key(key).expect("a link").1[0] == tag::MESSAGE;
    links.into_iter().map(|(key, _)| key).find(of_message).expect("a link of a message")
}

/// A row that points at something which is not there any more is moved aside.
#[test]
fn what_was_derived_from_nothing_is_moved_aside() {
    let street = busy();
    let msg = MsgId(0xdead);
    let id = PecId::parse("opec1.x@pec.alfa.example").or_else(|| PecId::parse("x@pec.alfa.example")).expect("an id");
    let orphans = [
        body::link_of(
            BodyId::try_from(&first(&street, 0, tag::BODY)[1..]).expect("a body"),
            KeyBuilder::new(tag::MESSAGE).msg(msg),
        ),
        KeyBuilder::new(tag::QUEUE_DUE).u8(1).time(street.now).u128(7).done(),
        KeyBuilder::new(tag::TIMER_DUE).time(street.now).text(id.as_str()).text(BRUNO).done(),
        KeyBuilder::new(tag::LOG_BY_ID).text(id.as_str()).time(street.now).u128(9).done(),
        KeyBuilder::new(tag::LOG_PENDING).time(street.now).u128(9).done(),
    ];
    for key in orphans {
        let (store, found) = broken(&street, 0, &key, Some(b""));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0].key, found[0].problem, &found[0].remedy), (&key, Problem::Underived, &Remedy::SetAside));
        assert!(repaired(&street, &store).is_empty());
        assert_eq!(store.get(&key).expect("read"), None);
    }
}

#[test]
fn a_sum_or_a_number_that_is_wrong_is_put_right() {
    let street = busy();
    let anna = street.houses[0].login(&address(ANNA)).mailbox;
    let store = street.houses[0].store.fork();
    rows::fill(&store, anna, 12);
    let found = findings(&store);
    assert_eq!(told(&found), [(tag::MAILBOX, Some(tag::BOX_USAGE), Problem::Differs, "rebuild")]);
    assert!(repaired(&street, &store).is_empty());
    assert_eq!(store.rows(), street.houses[0].store.rows());

    // UIDNEXT at or below a UID that was given.
    let folder = KeyBuilder::new(tag::FOLDER).mailbox(anna).u32(1).done();
    let value = store.get(&folder).expect("read").expect("the INBOX");
    // version, "INBOX" with its length, then UIDVALIDITY (5 bytes of LEB128), UIDNEXT
    let at = 1 + 1 + 5 + 5;
    let mut lower = value.clone();
    lower[at] = 2;
    let (store, found) = broken(&street, 0, &folder, Some(&lower));
    assert_eq!(told(&found), [(tag::FOLDER_ENTRY, Some(tag::FOLDER), Problem::Differs, "rebuild")]);
    assert!(repaired(&street, &store).is_empty());
    assert_eq!(store.get(&folder).expect("read"), Some(value), "the next UID is the one after the last");

    // The counter of mailboxes behind a mailbox.
    let counter = KeyBuilder::new(tag::COUNTER).text("mailbox").done();
    let (store, found) = broken(&street, 0, &counter, Some(&[1, 1]));
    assert_eq!(told(&found), [(tag::MAILBOX, Some(tag::COUNTER), Problem::Differs, "rebuild")]);
    assert!(repaired(&street, &store).is_empty());
    assert_eq!(store.rows(), street.houses[0].store.rows());

    // What an administration is said to have in use: of a domain, of a unit.
    for (counted, _) in rows::of(&street.houses[0].store, tag::COUNTED) {
        let (store, found) = broken(&street, 0, &counted, Some(b"\x01\x01\x08standard\x63"));
        assert_eq!(told(&found), [(tag::COUNTED, None, Problem::Differs, "rebuild")]);
        assert!(repaired(&street, &store).is_empty());
        assert_eq!(store.rows(), street.houses[0].store.rows(), "{} is as it was", readable(&counted));
    }
}

#[test]
fn what_only_a_backup_gives_back_is_said_and_left() {
    let street = busy();
    let anna = street.houses[0].login(&address(ANNA)).mailbox;
    let sent = rows::of(&street.houses[0].store, tag::DISPATCH);
    let is_sent = |key: &[u8]| {
        let mut reader = KeyReader::new(key, tag::DISPATCH).expect("a key");
        reader.text().expect("an id");
        reader.text().expect("a recipient").is_empty()
    };
    let recipient = sent.iter().find(|(key, _)| !is_sent(key)).expect("a recipient").0.clone();
    let last = |t| rows::of(&street.houses[0].store, t).last().expect("a row").0.clone();
    let cases = [
        (KeyBuilder::new(tag::MAILBOX).mailbox(anna).done(), tag::MAILBOX_BY_ADDRESS),
        (KeyBuilder::new(tag::FOLDER).mailbox(anna).u32(1).done(), tag::MAILBOX),
        (recipient, tag::DISPATCH),
        (last(tag::LOG_CHAIN), tag::COUNTER),
        (first(&street, 0, tag::LOG_CHAIN), tag::LEGAL_LOG),
        (body::key_of(body::read_link_key(&link_of_a_message(&street)).expect("a link").0), tag::MESSAGE),
    ];
    for (key, at) in cases {
        let (store, found) = broken(&street, 0, &key, None);
        let named =
            found.iter().any(|f| f.key[0] == at && f.about.as_ref() == Some(&key) && f.problem == Problem::Dangling);
        assert!(named, "{}: {:?}", readable(&key), told(&found));
        let left = repaired(&street, &store);
        assert!(left.iter().any(|f| f.remedy == Remedy::Backup), "{}", readable(&key));
    }
}

#[test]
fn a_receipt_without_its_message_is_found() {
    let street = busy();
    let archived = rows::of(&street.houses[1].store, tag::ARCHIVE);
    let bruno = street.houses[1].login(&address(BRUNO)).mailbox;
    let of_bruno = |key: &[u8]| KeyReader::new(key, tag::ARCHIVE).and_then(|mut r| r.mailbox()) == Ok(bruno);
    let key = archived.into_iter().map(|(key, _)| key).find(|key| of_bruno(key)).expect("Bruno has mail");
    let (_, found) = broken(&street, 1, &key, None);
    let [link, line] = &told(&found)[..] else { panic!("{found:?}") };
    assert_eq!(link, &(tag::MESSAGE_LINK, Some(tag::ARCHIVE), Problem::Underived, "set-aside"));
    assert_eq!(line, &(tag::LEGAL_LOG, None, Problem::Dangling, "backup"));
    assert!(found[1].what.contains(BRUNO), "{}", found[0].what);
}

#[test]
fn a_line_of_the_log_that_was_altered_is_found() {
    let street = busy();
    let (key, value) = rows::of(&street.houses[0].store, tag::LEGAL_LOG)
        .into_iter()
        .find(|(_, value)| String::from_utf8_lossy(value).contains("Convocazione"))
        .expect("a line with a subject");
    let mut altered = value.clone();
    let at = value.windows(12).position(|w| w == b"Convocazione").expect("the subject");
    altered[at] = b'K';
    let (store, found) = broken(&street, 0, &key, Some(&altered));
    assert_eq!(told(&found), [(tag::LOG_CHAIN, None, Problem::Differs, "backup")]);
    assert_eq!(told(&repaired(&street, &store)), told(&found), "the log is never touched");
}

#[test]
fn a_body_that_is_not_what_it_was_is_found_by_a_deep_check_with_who_contains_it() {
    let street = busy();
    let store = street.houses[0].store.fork();
    let (id, _) = body::read_link_key(&link_of_a_message(&street)).map(|(id, by)| (id, by.to_vec())).expect("a link");
    let key = KeyBuilder::new(tag::BODY_CHUNK).raw(id.0).u32(0).done();
    let mut value = store.get(&key).expect("read").expect("a chunk");
    value[0] ^= 1;
    write(&store, &key, Some(&value));
    let found = findings(&store);
    assert_eq!(told(&found), [(tag::BODY, None, Problem::Unreadable, "backup")]);
    assert!(found[0].what.contains("message "), "{}", found[0].what);
    let mut light = Vec::new();
    Check::new(&store, false).run(|page| light.extend(page.findings)).expect("read");
    assert_eq!(light, [], "only a deep check reads bodies");
    write(&store, &key, None);
    assert_eq!(told(&findings(&store)), [(tag::BODY, Some(tag::BODY_CHUNK), Problem::Unreadable, "backup")]);
}

#[test]
fn what_is_left_over_is_a_note() {
    let street = busy();
    let store = street.houses[0].store.fork();
    let mut tx = sigillo_store::Transaction::new(&store);
    let id = body::put(&store, &mut tx, b"nobody's").expect("put");
    tx.commit().expect("committed");
    let mut ahead = sigillo_store::Transaction::new(&store);
    body::put(&store, &mut ahead, &vec![7; 1_000_000]).expect("put");
    drop(ahead);
    let found = findings(&store);
    let expected =
        [(tag::BODY, None, Problem::Orphan, "none"), (tag::BODY_RESERVATION, None, Problem::Reserved, "none")];
    assert_eq!(told(&found), expected);
    assert!(found.iter().all(|f| f.severity() == Severity::Note));
    assert_eq!(body::collect(&store, id), Ok(true));
}

/// Commits between the reading of one row and of another: nothing is wrong, and nothing is found.
#[test]
fn a_store_at_work_gives_no_false_alarm() {
    let street = busy();
    let house = &street.houses[0];
    let (engine, login, now) = (house.engine().clone(), house.login(&address(ANNA)), street.now);
    let store = house.store.clone();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (anna, to) = (address(ANNA), [address(CARLA)]);
            for _ in 0..20 {
                let mail = arrived(Some(&anna), &to, message(&anna, &to, "").into_bytes(), "client", true);
                engine.submit(&login, &mail, now).expect("accepted");
                while engine.run_due(now).expect("worked") > 0 {}
                engine.chain_log(now).expect("chained");
            }
        });
        let mut checks = 0;
        while !writer.is_finished() || checks == 0 {
            assert_clean(&store, "at work");
            checks += 1;
        }
    });
}

#[test]
fn a_row_that_the_engine_cannot_read_is_told_and_stops_nothing() {
    let street = busy();
    let bruno = street.houses[1].login(&address(BRUNO)).mailbox;
    let filed = street.houses[1].engine().inbox(bruno, Uid(0), 9).expect("read");
    let store = street.houses[1].store.fork();
    let key = KeyBuilder::new(tag::MESSAGE).msg(filed[0].message).done();
    store.damage(&key);
    let found = findings(&store);
    assert_eq!(told(&found), [(tag::MESSAGE, Some(tag::MESSAGE), Problem::Unreadable, "backup")]);
    assert!(found[0].key <= key && found[0].about.as_ref().is_some_and(|to| key < *to));
}

/// Damaged rows stand before everything else in each listing, and everything else goes on.
#[test]
fn damaged_rows_stop_neither_listings_nor_deliveries() {
    let mut street = busy();
    let (anna, carla) = (address(ANNA), address(CARLA));
    let store = street.houses[0].store.clone();
    let engine = street.houses[0].engine().clone();
    let inbox = engine.inbox(street.houses[0].login(&anna).mailbox, Uid(0), 99).expect("read").len();
    let before = engine.mailboxes(sigillo_base::MailboxId(0), 99).expect("read").len();
    write(&store, &KeyBuilder::new(tag::MAILBOX).mailbox(sigillo_base::MailboxId(1)).done(), Some(b"?"));
    store.damage(
        KeyBuilder::new(tag::MAILBOX).mailbox(street.houses[0].login(&address("bruno@comune-alfa.example")).mailbox),
    );
    assert_eq!(engine.mailboxes(sigillo_base::MailboxId(0), 99).expect("read").len(), before - 2);
    // Items that do not read, timers with broken keys: all due before everybody else.
    for n in 0..100u128 {
        write(
            &store,
            &KeyBuilder::new(tag::QUEUE_DUE).u8(0).time(sigillo_base::Timestamp::default()).u128(n).done(),
            Some(b""),
        );
        write(&store, &KeyBuilder::new(tag::QUEUE_ITEM).u128(n).done(), Some(b"?"));
        write(
            &store,
            &KeyBuilder::new(tag::TIMER_DUE).time(sigillo_base::Timestamp::default()).u128(n).done(),
            Some(b""),
        );
    }
    // Nobody told the engine of them: it looks everywhere once a minute.
    street.now = street.now.plus(std::time::Duration::from_secs(60));
    assert!(
        engine.queue_page(&Filter::default(), None, 99, street.now).expect("read").0.iter().all(|item| item.id >= 100)
    );
    let entry = KeyBuilder::new(tag::FOLDER_ENTRY).mailbox(street.houses[0].login(&anna).mailbox).u32(1).u32(1).done();
    store.damage(&entry);
    street.submit(&anna, std::slice::from_ref(&carla), "").expect("accepted");
    let carlas = street.kinds(&carla).len();
    // A pass meets a handful of damaged items at a time.
    for _ in 0..20 {
        let done = engine.run_due(street.now).expect("damage stops nobody");
        assert!(done < 100);
    }
    assert_eq!(street.kinds(&carla).len(), carlas + 1, "delivered past the damage");
    let listed = engine.inbox(street.houses[0].login(&anna).mailbox, Uid(0), 99).expect("read");
    assert_eq!(listed.len(), inbox - 1 + 2, "the others are listed, acceptance and receipt among them");
    assert!(engine.damaged_rows() > 100, "{} counted", engine.damaged_rows());
}

/// What would unlock a token that nobody unlocked, or let somebody add no factor of his own.
#[test]
fn what_belongs_to_no_token_or_person_is_moved_aside() {
    let street = busy();
    let unlocked = first(&street, 0, tag::UNLOCKED);
    for gone in [first(&street, 0, tag::TOKEN), first(&street, 0, tag::PERSON_FACTOR)] {
        let (store, found) = broken(&street, 0, &gone, None);
        let [finding] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&finding.key, finding.problem, &finding.remedy), (&unlocked, Problem::Dangling, &Remedy::SetAside));
        assert!(repaired(&street, &store).is_empty());
        assert_eq!(store.get(&unlocked).expect("read"), None);
    }
    let factor = KeyBuilder::new(tag::PERSON_FACTOR).u64(99).done();
    let value = rows::of(&street.houses[0].store, tag::PERSON_FACTOR)[0].1.clone();
    let (_, found) = broken(&street, 0, &factor, Some(&value));
    assert_eq!(told(&found), [(tag::PERSON_FACTOR, None, Problem::Dangling, "set-aside")]);
}
