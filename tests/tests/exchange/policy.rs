//! What mailboxes and the owners of domains choose (RFC 6109 §2.2.2; PEC-04, PEC-06, PEC-08).

use std::sync::Arc;

use sigillo_accounts::{Block, OrdinaryMail, Profile, Request};
use sigillo_base::{Address, Domain, MailboxId};
use sigillo_engine::{Arrived, Change, DomainPolicy, Received, Rejected, Rules, Submitted};
use sigillo_pec::ReceiptKind;
use sigillo_pec::index::Index;
use sigillo_smime::{Identity, KeySigner};
use sigillo_smtp::Reply;
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, Known, arrived};
use sigillo_tests::street::{Street, message};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@ente-beta.example";
const DORA: &str = "dora@posta.example";

fn domain(text: &str) -> Domain {
    Domain::parse(text).expect("a domain")
}

fn choose(house: &House, name: &str, change: impl FnOnce(&mut DomainPolicy)) {
    let mut policy = house.engine().domain_policy(&domain(name)).expect("the choices");
    change(&mut policy);
    house.engine().set_domain_policy(&domain(name), &policy).expect("chosen");
}

pub(super) fn takes_ordinary(house: &House, user: &str) {
    let number = house.engine().find_mailbox(&address(user)).expect("the store").expect("a mailbox").id;
    house
        .engine()
        .change(MailboxId(number), &Change::Ordinary(OrdinaryMail::Accept), &Request::own(NOW))
        .expect("chosen");
}

pub(super) fn ordinary(to: &[Address]) -> Arrived {
    let dora = address(DORA);
    arrived(Some(&dora), to, message(&dora, to, "").into_bytes(), "mx.posta.example", false)
}

pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, Rejected>) -> Reply {
    match answer {
        Err(Rejected::Refused(reply)) => reply,
        other => panic!("not refused: {other:?}"),
    }
}

/// The kind of receipt that anna's message to bruno is answered with.
fn receipt(street: &mut Street, more: &str) -> String {
    street.submit(&address(ANNA), &[address(BRUNO)], more).expect("submitted");
    street.run();
    let letter = street.inbox(&address(ANNA)).pop().expect("a receipt");
    let c = letter.evidence.certification.expect("certified");
    let titles = ["Ricevuta breve", "Ricevuta sintetica", "Ricevuta di avvenuta consegna"];
    let text = String::from_utf8_lossy(&letter.bytes).into_owned();
    let title = titles.into_iter().find(|t| text.contains(t)).expect("a title");
    format!("{} {title}", c.receipt.map(ReceiptKind::as_str).unwrap_or_default())
}

#[test]
fn the_senders_administration_chooses_the_kind_of_receipt_and_the_message_overrides() {
    let mut street = Street::new(1);
    assert_eq!(receipt(&mut street, ""), "completa Ricevuta di avvenuta consegna");
    choose(&street.houses[0], "comune-alfa.example", |p| p.receipt = Some(ReceiptKind::Brief));
    assert_eq!(receipt(&mut street, ""), "breve Ricevuta breve");
    assert_eq!(receipt(&mut street, "X-TipoRicevuta: boh\r\n"), "breve Ricevuta breve");
    assert_eq!(receipt(&mut street, "X-TipoRicevuta: sintetica\r\n"), "sintetica Ricevuta sintetica");
    assert_eq!(receipt(&mut street, "X-TipoRicevuta: completa\r\n"), "completa Ricevuta di avvenuta consegna");
    // The recipient's administration has no say.
    choose(&street.houses[0], "comune-alfa.example", |p| p.receipt = None);
    choose(&street.houses[1], "ente-beta.example", |p| p.receipt = Some(ReceiptKind::Concise));
    assert_eq!(receipt(&mut street, ""), "completa Ricevuta di avvenuta consegna");
}

#[test]
fn ordinary_mail_goes_into_an_anomaly_envelope_where_the_mailbox_takes_it() {
    let street = Street::new(2);
    let (beta, bruno) = (&street.houses[1], address(BRUNO));
    takes_ordinary(beta, BRUNO);
    let mail = ordinary(std::slice::from_ref(&bruno));
    assert!(matches!(beta.engine().receive(&mail, NOW), Ok(Received::Anomaly)));
    let [letter] = &street.inbox(&bruno)[..] else { panic!("one envelope") };
    assert_eq!(letter.evidence.kind, "errore");
    assert_eq!(letter.evidence.original.as_deref(), Some(&mail.bytes[..]), "whole, to the byte");
    let text = String::from_utf8_lossy(&letter.bytes);
    assert!(text.contains("Subject: ANOMALIA MESSAGGIO: Convocazione\r\n"), "{text}");
    assert!(text.contains("\"Per conto di: dora@posta.example\" <posta-certificata@pec.beta.example>"), "{text}");
    assert!(!text.contains("daticert.xml"));
    assert!(rows::at_rest(&beta.store), "nobody is ever sent a receipt for it");
    assert!(matches!(beta.engine().receive(&mail, NOW), Ok(Received::Again)), "a lost answer");
    assert_eq!(street.inbox(&bruno).len(), 1);
}

#[test]
fn who_takes_no_ordinary_mail_is_like_who_does_not_exist() {
    let street = Street::new(3);
    let (beta, dora) = (&street.houses[1], address(DORA));
    takes_ordinary(beta, BRUNO);
    let (bruno, carla, anna) = (address(BRUNO), address(CARLA), address(ANNA));
    let engine = beta.engine();
    engine.may_receive(Some(&dora), &bruno).expect("he takes it");
    let refusing = refused(engine.may_receive(Some(&dora), &carla)).to_string();
    let unknown = refused(engine.may_receive(Some(&dora), &address("nessuno@ente-beta.example"))).to_string();
    assert!(refusing.starts_with("554 5.7.1 "), "{refusing}");
    assert_eq!(refusing.replace("carla", "nessuno"), unknown, "nobody learns which mailboxes there are");
    engine.may_receive(Some(&anna), &address("nessuno@ente-beta.example")).expect("a certified sender gets a notice");
    // Who never asks, or spoofs a certified sender, hears the same at the end of the message.
    for from in [None, Some(&anna)] {
        let to = |user: &Address| {
            let bytes = message(&dora, std::slice::from_ref(user), "").into_bytes();
            refused(engine.receive(&arrived(from, std::slice::from_ref(user), bytes, "mx", false), NOW)).to_string()
        };
        assert_eq!(to(&carla).replace("carla", "nessuno"), to(&address("nessuno@ente-beta.example")));
    }
    let reply = refused(engine.receive(&ordinary(&[bruno.clone(), carla]), NOW));
    assert_eq!(reply.code, 554, "one answer for all");
    assert!(street.inbox(&bruno).is_empty());
}

#[test]
fn what_does_not_fit_leaves_nothing_in_the_store() {
    let street = Street::new(10);
    let (beta, bruno) = (&street.houses[1], address(BRUNO));
    takes_ordinary(beta, BRUNO);
    let number = beta.engine().find_mailbox(&bruno).expect("the store").expect("a mailbox").id;
    rows::fill(&beta.store, MailboxId(number), 3 << 30);
    let before = beta.store.rows();
    let mut mail = ordinary(std::slice::from_ref(&bruno));
    mail.bytes.extend("riga\r\n".repeat(200_000).bytes());
    assert_eq!(refused(beta.engine().receive(&mail, NOW)).code, 452);
    assert!(beta.store.rows() == before, "not even a body that went ahead");
}

#[test]
fn the_bounce_of_a_message_to_an_external_recipient_reaches_its_sender_whatever_his_box_takes() {
    let mut street = Street::new(11);
    let (anna, gina) = (address(ANNA), address("gina@posta-ordinaria.example"));
    let Ok(Submitted::Accepted(id)) = street.submit(&anna, &[gina], "") else { panic!("not accepted") };
    street.run();
    let bounce = |id: &str| {
        let text = format!(
            "From: MAILER-DAEMON@posta-ordinaria.example\r\nTo: <{anna}>\r\nSubject: Undelivered\r\n\r\n\
             Sorry.\r\n\r\nMessage-ID: <{id}>\r\nSubject: POSTA CERTIFICATA: Convocazione\r\n"
        );
        arrived(None, std::slice::from_ref(&anna), text.into_bytes(), "mx", false)
    };
    let alfa = street.houses[0].engine();
    assert_eq!(refused(alfa.receive(&bounce("inventato@pec.alfa.example"), NOW)).code, 554, "of nothing we sent");
    assert!(matches!(alfa.receive(&bounce(id.as_str()), NOW), Ok(Received::Anomaly)));
    assert_eq!(street.kinds(&anna), ["accettazione", "errore"]);
    // Nobody else's box takes it.
    let carla = address("carla@comune-alfa.example");
    let mail = Arrived { to: vec![carla], ..bounce(id.as_str()) };
    assert_eq!(refused(street.houses[0].engine().receive(&mail, NOW)).code, 554);
}

#[test]
fn a_full_or_blocked_mailbox_takes_no_ordinary_mail_either() {
    let street = Street::new(4);
    let (beta, bruno) = (&street.houses[1], address(BRUNO));
    takes_ordinary(beta, BRUNO);
    let number = beta.engine().find_mailbox(&bruno).expect("the store").expect("a mailbox").id;
    rows::fill(&beta.store, MailboxId(number), 3 << 30);
    let full = refused(beta.engine().receive(&ordinary(std::slice::from_ref(&bruno)), NOW));
    assert_eq!((full.code, full.enhanced), (452, Some((4, 2, 2))));
    rows::fill(&beta.store, MailboxId(number), 0);
    beta.engine().change(MailboxId(number), &Change::Block(Block::default()), &Request::own(NOW)).expect("blocked");
    let blocked = refused(beta.engine().receive(&ordinary(std::slice::from_ref(&bruno)), NOW));
    assert_eq!((blocked.code, blocked.enhanced), (550, Some((5, 2, 1))));
}

#[test]
fn an_administration_can_inhibit_the_exchange_with_ordinary_mail_both_ways() {
    let mut street = Street::new(5);
    let (anna, bruno, gina) = (address(ANNA), address(BRUNO), address("gina@posta-ordinaria.example"));
    takes_ordinary(&street.houses[1], BRUNO);
    choose(&street.houses[1], "ente-beta.example", |p| p.certified_only = true);
    let reply = refused(street.houses[1].engine().receive(&ordinary(std::slice::from_ref(&bruno)), NOW));
    assert_eq!(reply.code, 554, "inbound, though the mailbox would take it");
    choose(&street.houses[0], "comune-alfa.example", |p| p.certified_only = true);
    let answer = street.submit(&anna, &[bruno.clone(), gina.clone()], "");
    assert!(matches!(answer, Ok(Submitted::NotAccepted(_))), "{answer:?}");
    street.run();
    let [notice] = &street.inbox(&anna)[..] else { panic!("one notice") };
    let error = notice.evidence.certification.as_ref().and_then(|c| c.extended_error.clone()).unwrap_or_default();
    assert!(error.contains("gina@posta-ordinaria.example") && error.contains("inibito"), "{error}");
    assert!(street.inbox(&bruno).is_empty(), "one recipient refuses the whole message");
    street.submit(&anna, std::slice::from_ref(&bruno), "").expect("certified mail goes on");
    choose(&street.houses[0], "comune-alfa.example", |p| p.certified_only = false);
    let answer = street.submit(&anna, &[gina], "");
    assert!(matches!(answer, Ok(Submitted::Accepted(_))), "with the flag off both work: {answer:?}");
    choose(&street.houses[1], "ente-beta.example", |p| p.certified_only = false);
    let mail = ordinary(std::slice::from_ref(&bruno));
    assert!(matches!(street.houses[1].engine().receive(&mail, NOW), Ok(Received::Anomaly)));
}

#[test]
fn the_recipient_gets_a_copy_of_the_receipt_where_his_administration_wants_it() {
    let mut street = Street::new(6);
    choose(&street.houses[1], "ente-beta.example", |p| p.receipt_to_recipient = true);
    street.submit(&address(ANNA), &[address(BRUNO)], "").expect("submitted");
    street.run();
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "avvenuta-consegna"]);
    let letters = street.inbox(&address(BRUNO));
    let kinds: Vec<&str> = letters.iter().map(|l| l.evidence.kind.as_str()).collect();
    assert_eq!(kinds, ["posta-certificata", "avvenuta-consegna"]);
    let sent = street.inbox(&address(ANNA)).pop().expect("a receipt").evidence;
    assert_eq!(letters[1].evidence.message_id, sent.message_id, "the same receipt");
    assert_eq!(letters[1].evidence.original, sent.original);
}

#[test]
fn choices_are_for_domains_of_this_provider() {
    let street = Street::new(7);
    let error = street.houses[0].engine().set_domain_policy(&domain("ente-beta.example"), &DomainPolicy::default());
    assert!(error.expect_err("not ours").to_string().contains("ente-beta.example"));
    assert_eq!(street.houses[0].engine().domains().len(), 3);
}

#[test]
fn size_times_recipients_is_limited_where_the_provider_says_so_and_never_for_massive_boxes() {
    let mut street = Street::new(8);
    let rules = Rules { size_times_recipients: Some(30 << 20), ..Rules::default() };
    street.houses[0].choose(rules);
    let massive = address("massiva@comune-alfa.example");
    street.houses[0].add(&massive, Profile::MassiveSmall, NOW);
    let to: Vec<Address> = (0..3).map(|n| address(&format!("u{n}@ente-beta.example"))).collect();
    let submit = |from: &Address, tenths: usize| {
        let mut bytes = message(from, &to, "").into_bytes();
        bytes.extend("riga\r\n".repeat((tenths << 20) / 10 / 6).bytes());
        street.submit_bytes(from, &to, bytes).expect("an answer")
    };
    assert!(matches!(submit(&address(ANNA), 99), Submitted::Accepted(_)), "3 x 9.9 MB");
    assert!(matches!(submit(&address(ANNA), 101), Submitted::NotAccepted(_)), "3 x 10.1 MB");
    assert!(matches!(submit(&massive, 101), Submitted::Accepted(_)));
}

#[test]
fn a_key_is_rolled_over_and_what_the_old_one_signed_still_verifies() {
    let (alfa, beta, gamma) = (fixtures::alfa(), fixtures::beta(), fixtures::gamma());
    // Both certificates stand in the directory while one follows the other.
    let authority = fixtures::authority();
    let key = include_str!("../../fixtures/gamma.key.pem");
    let service = &alfa.provider.service_address;
    let next = authority.issue_pec_with_key(key, &alfa.provider.name, service, fixtures::FROM, fixtures::UNTIL);
    let next = next.expect("a certificate").certificate();
    let mut entry = alfa.entry();
    entry.certificates.push(next.clone());
    let index = Arc::new(Index::new(vec![entry, beta.entry(), gamma.entry()]));
    let known = Known { index, ..Known::fixtures() };
    let mut street = Street::with(9, known, NOW);
    street.submit(&address(ANNA), &[address(BRUNO)], "").expect("with the old key");
    street.run();
    let identity = Identity { certificate: next.clone(), chain: vec![authority.certificate()] };
    let signer = KeySigner::from_pem(key.as_bytes()).expect("a key");
    street.houses[0].engine().replace_identity(identity, Arc::new(signer));
    street.submit(&address(ANNA), &[address(BRUNO)], "").expect("with the new key");
    street.run();
    // Reading an inbox proves every signature in it.
    let letters = street.inbox(&address(BRUNO));
    assert_eq!(letters.len(), 2, "both were taken charge of and delivered");
    assert_eq!(letters[0].evidence.signer, alfa.identity.certificate);
    assert_eq!(letters[1].evidence.signer, next);
    assert_eq!(street.kinds(&address(ANNA)).len(), 4);
}
