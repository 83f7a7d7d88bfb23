//! What of a mailbox's mail is told and copied outside: once each, bounded in a flood, and nothing of it in the way of mail.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64_MIME;
use sigillo_accounts::{Channel, Concern, Contact, NoticeKind, Profile};
use sigillo_base::{Address, MailboxId, Phone, Secret, Timestamp};
use sigillo_engine::{Alert, Engine, OwnCertificate, Told};
use sigillo_store::memory::{Fault, Plan};
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::{House, arrived};
use sigillo_tests::street::{Street, message};

use super::check::assert_clean;
use super::policy::{ordinary, takes_ordinary};
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const HOME: &str = "bruno@casa.example";
const MINUTE: Duration = Duration::from_secs(60);

fn sms(receipts: bool, discreet: bool) -> Alert {
    Alert { to: "sms:+393331234567".parse().expect("well"), receipts, discreet }
}

fn number(house: &House, user: &str) -> MailboxId {
    house.login(&address(user)).mailbox
}

/// What waits to go out by short message, taken and sent.
fn texts(engine: &Engine<MemoryStore>, now: Timestamp) -> Vec<String> {
    while engine.tell_arrivals(now, 3).expect("well") > 0 {}
    let taken = engine.take_texts(now, 1_000).expect("well");
    taken.iter().for_each(|text| engine.text_sent(text, now).expect("well"));
    taken.into_iter().map(|text| text.text.expose().to_owned()).collect()
}

/// Mails of ours that are due, as who they go to and their bytes.
fn mails(engine: &Engine<MemoryStore>, now: Timestamp) -> Vec<(String, Vec<u8>)> {
    while engine.tell_arrivals(now, 3).expect("well") + engine.post_letters(now, 3).expect("well") > 0 {}
    let due = engine.due(now, 100).expect("well");
    let mine = due.iter().filter(|d| d.from.is_none() && d.to.as_str() == "casa.example");
    mine.map(|d| (d.rcpts[0].to_string(), engine.read_all(&d.message).expect("well"))).collect()
}

fn told(street: &Street, house: usize, kind: NoticeKind) -> Vec<Told> {
    let all = street.houses[house].engine().notices_told((NOW, street.now.plus(MINUTE)), None, 1_000).expect("well");
    all.into_iter().filter(|told| told.kind == kind).collect()
}

/// Copies of what comes to bruno go to his home, the code given back.
fn forwards(street: &mut Street) {
    let beta = street.houses[1].engine().clone();
    let bruno = number(&street.houses[1], BRUNO);
    beta.set_forward(bruno, Some(&address(HOME)), street.now).expect("well");
    let (to, mail) = mails(&beta, street.now).remove(0);
    assert_eq!(to, HOME);
    let text = String::from_utf8(mail).expect("well");
    let body = BASE64_MIME.decode(text.split_once("\r\n\r\n").expect("well").1.as_bytes()).expect("well");
    let body = String::from_utf8(body).expect("well");
    let code = body.split("Per confermare: ").nth(1).expect("well")[..8].to_owned();
    let now = street.now;
    assert!(!beta.confirm_forward(bruno, &Secret::new("00000000".into()), now).expect("well"));
    assert!(!beta.forward(bruno).expect("well").expect("well").confirmed);
    assert!(beta.confirm_forward(bruno, &Secret::new(code), now).expect("well"));
    street.pass(MINUTE * 5);
}

#[test]
fn one_alert_for_a_message_and_none_for_a_receipt_unless_asked() {
    let mut street = Street::new(41);
    let (alfa, beta) = (street.houses[0].engine().clone(), street.houses[1].engine().clone());
    beta.set_alert(number(&street.houses[1], BRUNO), Some(&sms(false, false)), NOW).unwrap();
    let anna = number(&street.houses[0], ANNA);
    alfa.set_alert(anna, Some(&sms(false, false)), NOW).unwrap();
    street.submit(&address(ANNA), &[address(BRUNO)], "").unwrap();
    street.run();
    assert_clean(&street.houses[1].store, "with an arrival");
    let said = texts(&beta, street.now);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("PEC per bruno@ente-beta.example da anna@comune-alfa.example:"), "{said:?}");
    assert!(texts(&beta, street.now).is_empty(), "once");
    assert!(texts(&alfa, street.now).is_empty(), "receipts came, and nobody asked to hear of them");
    alfa.set_alert(anna, Some(&sms(true, true)), NOW).unwrap();
    street.submit(&address(ANNA), &[address(BRUNO)], "").unwrap();
    street.run();
    assert_eq!(texts(&alfa, street.now), ["Nuovo messaggio per anna@comune-alfa.example"], "discreet");
    alfa.set_alert(anna, None, NOW).unwrap();
    assert!(alfa.alert(anna).unwrap().is_none());
}

#[test]
fn a_flood_of_mail_is_no_flood_of_alerts() {
    let mut street = Street::new(42);
    let beta = street.houses[1].engine().clone();
    beta.set_alert(number(&street.houses[1], BRUNO), Some(&sms(false, false)), NOW).unwrap();
    for _ in 0..42 {
        street.submit(&address(ANNA), &[address(BRUNO)], "").unwrap();
    }
    street.run();
    let begun = street.now;
    assert_eq!(texts(&beta, begun).len(), 5, "five by themselves");
    assert_eq!(rows::of(&street.houses[1].store, tag::ARRIVED).len(), 1, "what is more is one row");
    assert!(texts(&beta, begun.plus(MINUTE * 9)).is_empty());
    let said = texts(&beta, begun.plus(MINUTE * 10));
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("altri 37 messaggi, il primo da anna@comune-alfa.example"), "{said:?}");
    assert!(texts(&beta, begun.plus(MINUTE * 30)).is_empty());
    assert_clean(&street.houses[1].store, "after a flood");
}

/// Whichever commit the store refuses: the message is delivered, and told once.
#[test]
fn a_crash_neither_loses_an_alert_nor_makes_two() {
    for (number, fault) in (1..=3).flat_map(|n| [(n, Fault::Refused), (n, Fault::Lost)]) {
        let mut street = Street::new(43);
        let beta = street.houses[1].engine().clone();
        beta.set_alert(number_of_bruno(&street), Some(&sms(false, false)), NOW).unwrap();
        street.submit(&address(ANNA), &[address(BRUNO)], "").unwrap();
        street.run();
        street.houses[1].store.plan(Plan::new().fail_commit(number, fault));
        drop(beta.tell_arrivals(street.now, 3));
        // Somebody is killed with it in hand.
        let in_hand = beta.take_texts(street.now, 3).unwrap_or_default();
        street.houses[1].store.plan(Plan::new());
        let later = street.now.plus(MINUTE * 5);
        let said = texts(&beta, later);
        assert_eq!(said.len(), 1, "commit {number} {fault:?}, {} in hand", in_hand.len());
    }
}

fn number_of_bruno(street: &Street) -> MailboxId {
    number(&street.houses[1], BRUNO)
}

#[test]
fn what_others_write_is_shortened_and_cannot_break_an_alert() {
    let mut street = Street::new(44);
    let beta = street.houses[1].engine().clone();
    beta.set_alert(number(&street.houses[1], BRUNO), Some(&sms(false, false)), NOW).unwrap();
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let long = format!("Subject: =?utf-8?q?=E2=80=AEa=0D=0Ab?= {}\r\n", "lungo ".repeat(40));
    let bytes = message(&anna, std::slice::from_ref(&bruno), "").replacen("Subject:", "X-Subject:", 1);
    street.submit_bytes(&anna, &[bruno], (long + &bytes).into_bytes()).unwrap();
    street.run();
    let said = texts(&beta, street.now).remove(0);
    assert!(said.chars().count() < 260 && !said.chars().any(|c| c.is_control() || c == '\u{202e}'), "{said:?}");
}

#[test]
fn a_copy_has_the_bytes_of_the_message_and_the_original_stays() {
    let mut street = Street::new(45);
    forwards(&mut street);
    let beta = street.houses[1].engine().clone();
    street.submit(&address(ANNA), &[address(BRUNO)], "").unwrap();
    street.run();
    let copies = mails(&beta, street.now);
    assert_eq!(copies.len(), 1, "a copy of the message; the receipts went elsewhere");
    let original = street.inbox(&address(BRUNO)).remove(0).bytes;
    let copy = String::from_utf8(copies[0].1.clone()).unwrap();
    assert!(copy.starts_with("Delivered-To: bruno@ente-beta.example\r\nResent-Date: "), "{copy}");
    let (_, sent_on) = copy.split_once("Resent-Message-ID: ").unwrap();
    let (_, bytes) = sent_on.split_once("\r\n").unwrap();
    let whole = String::from_utf8(original).unwrap();
    let delivered = whole.strip_suffix(bytes).expect("its bytes are those of the original");
    assert!(delivered.is_empty() || delivered.starts_with("Return-Path: ") && delivered.lines().count() == 1);
    street.pass(MINUTE * 10);
    assert!(matches!(told(&street, 1, NoticeKind::Forward)[0].end, Some((_, None))));
    assert_clean(&street.houses[1].store, "after a copy");
}

#[test]
fn a_copy_that_nobody_takes_comes_back_to_nobody_and_is_in_the_register() {
    let mut street = Street::new(46);
    forwards(&mut street);
    street.submit(&address(ANNA), &[address(BRUNO)], "").unwrap();
    street.run();
    street.network(|_| sigillo_tests::street::Fate::Refused);
    while street.houses[1].engine().tell_arrivals(street.now, 3).unwrap() > 0 {}
    street.run();
    let end = told(&street, 1, NoticeKind::Forward).remove(0);
    assert!(end.end.unwrap().1.is_some() && end.about == Concern::Mailbox(number(&street.houses[1], BRUNO)));
    assert_eq!((street.inbox(&address(BRUNO)).len(), street.inbox(&address(ANNA)).len()), (1, 2));
}

/// What an ordinary forwarder sends back, certified or in an anomaly envelope, is not copied a second time.
#[test]
fn what_comes_back_ends_there() {
    let mut street = Street::new(47);
    takes_ordinary(&street.houses[1], BRUNO);
    forwards(&mut street);
    let beta = street.houses[1].engine().clone();
    beta.receive(&ordinary(&[address(BRUNO)]), street.now).unwrap();
    street.submit(&address(ANNA), &[address(BRUNO)], "").unwrap();
    street.run();
    let copies = mails(&beta, street.now);
    assert_eq!(copies.len(), 2);
    for (_, copy) in copies {
        let back = arrived(None, &[address(BRUNO), address("carla@ente-beta.example")], copy, "mx.casa.example", false);
        drop(beta.receive(&back, street.now));
    }
    street.pass(MINUTE * 30);
    assert!(mails(&beta, street.now).is_empty(), "no second round");
    assert_eq!(told(&street, 1, NoticeKind::Forward).len(), 2);
}

#[test]
fn who_may_not_and_where_nothing_may_go_is_refused() {
    let street = Street::new(48);
    let engine = street.houses[0].engine();
    let anna = number(&street.houses[0], ANNA);
    for to in [ANNA, "carla@comune-alfa.example", BRUNO] {
        assert!(engine.set_forward(anna, Some(&address(to)), NOW).is_err(), "{to}");
        let alert = Alert { to: Channel::Mail(address(to)), ..sms(false, false) };
        assert!(engine.set_alert(anna, Some(&alert), NOW).is_err(), "{to}");
    }
    let massive = address("invii@comune-alfa.example");
    let massive = street.houses[0].add(&massive, Profile::MassiveSmall, NOW);
    assert!(engine.set_forward(massive, Some(&address(HOME)), NOW).is_err());
    assert!(engine.set_alert(massive, Some(&sms(false, false)), NOW).is_err());
}

/// An alert tells senders and subjects, and who chooses where it goes is not who reads the mail.
#[test]
fn the_holder_hears_where_alerts_go_unless_it_is_to_himself() {
    let street = Street::new(55);
    let engine = street.houses[0].engine();
    let anna = number(&street.houses[0], ANNA);
    let contact = Contact { phone: Phone::parse("333 7654321").ok(), mail: Some(address("anna@casa.example")) };
    engine.set_contact((anna, &address(ANNA)), &contact, "l.bianchi", NOW).unwrap();
    let own = ["sms:+393337654321", "mailto:anna@casa.example"].map(|to| to.parse().unwrap());
    for to in own {
        engine.set_alert(anna, Some(&Alert { to, ..sms(true, false) }), NOW).unwrap();
    }
    assert!(told(&street, 0, NoticeKind::Changed).is_empty(), "he is who reads there");
    engine.set_alert(anna, Some(&sms(false, false)), NOW).unwrap();
    let said = texts(engine, NOW);
    assert!(matches!(&said[..], [one] if one.contains(ANNA) && one.contains("+393331234567")), "{said:?}");
    assert_eq!(told(&street, 0, NoticeKind::Changed).len(), 2, "by short message and by mail");
    engine.set_alert(anna, Some(&sms(false, false)), NOW).unwrap();
    assert!(texts(engine, NOW).is_empty(), "what is so already is no news");
    engine.set_alert(anna, Some(&sms(true, false)), NOW).unwrap();
    assert_eq!(texts(engine, NOW).len(), 1, "more is told than before");
    engine.set_alert(anna, None, NOW).unwrap();
    assert!(texts(engine, NOW).is_empty());
    assert_clean(&street.houses[0].store, "with an alert");
}

#[test]
fn a_code_is_good_for_five_tries_and_two_days() {
    let street = Street::new(49);
    let engine = street.houses[0].engine();
    let anna = number(&street.houses[0], ANNA);
    let wrong = Secret::new("x".into());
    assert!(engine.confirm_forward(anna, &wrong, NOW).is_err(), "nothing to confirm");
    engine.set_forward(anna, Some(&address(HOME)), NOW).unwrap();
    let code = {
        let mail = mails(engine, NOW).remove(0).1;
        let text = String::from_utf8(mail).unwrap();
        let body = BASE64_MIME.decode(text.split_once("\r\n\r\n").unwrap().1.as_bytes()).unwrap();
        Secret::new(String::from_utf8(body).unwrap().split("Per confermare: ").nth(1).unwrap()[..8].to_owned())
    };
    assert!(!engine.confirm_forward(anna, &code, NOW.plus(Duration::from_secs(49 * 3600))).unwrap(), "too late");
    (0..4).for_each(|_| assert!(!engine.confirm_forward(anna, &wrong, NOW).unwrap()));
    assert!(!engine.confirm_forward(anna, &code, NOW).unwrap(), "after five tries the right one is none");
}

fn certificate(n: u8, days: u64) -> OwnCertificate {
    let not_after = NOW.plus(Duration::from_secs(days * 24 * 3600));
    OwnCertificate { purpose: "signing".into(), fingerprint: [n; 32], subject: "CN=prova".into(), not_after }
}

#[test]
fn the_contacts_hear_once_of_a_new_certificate_and_of_each_threshold() {
    let mut street = Street::new(50);
    let engine: Arc<Engine<MemoryStore>> = street.houses[0].engine().clone();
    let contacts: Vec<Address> = ["ced@casa.example", "resp@casa.example"].map(address).to_vec();
    let tenant = engine.add_tenant("Comune di Alfa", "c_a", &contacts, NOW).unwrap();
    let look = |n: u8, days: u64, at: Timestamp| engine.watch_certificates(&[certificate(n, days)], at).unwrap();
    let day = |n: u64| NOW.plus(Duration::from_secs(n * 24 * 3600));
    look(1, 100, NOW);
    street.now = day(100);
    assert!(told(&street, 0, NoticeKind::Expiry).is_empty(), "what was there at the beginning is no news");
    for n in [69, 70, 71, 72, 86, 93, 98, 99, 100] {
        look(1, 100, day(n));
        look(1, 100, day(n));
    }
    assert_eq!(told(&street, 0, NoticeKind::Expiry).len(), 4 * 2, "30, 14, 7 and 1 days, two contacts");
    look(2, 400, day(100));
    look(2, 400, day(100));
    let replaced = told(&street, 0, NoticeKind::Certificate);
    assert_eq!(replaced.len(), 2);
    assert!(replaced.iter().all(|told| told.about == Concern::Tenant(tenant)));
    assert_eq!(rows::of(&street.houses[0].store, tag::CERTIFICATE_TOLD).len(), 1, "of the old one the register knows");
    assert_clean(&street.houses[0].store, "with certificates");
}
