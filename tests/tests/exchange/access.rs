//! The access point: who may send, how much, and what a refusal says.

use std::time::Duration;

use sigillo_accounts::{Block, Request};
use sigillo_base::{Address, MailboxId, Timestamp};
use sigillo_engine::{Change, Rejected, Submitted};
use sigillo_pec::{Errore, Tipo};
use sigillo_smtp::Reply;
use sigillo_store::tag;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::arrived;
use sigillo_tests::street::{Street, message};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

fn refusal(answer: Result<Submitted, Rejected>) -> Reply {
    match answer {
        Err(Rejected::Refused(reply)) => reply,
        other => panic!("not refused: {other:?}"),
    }
}

/// A message, and the words that its notice must hold.
fn defects() -> Vec<(String, Vec<Address>, &'static str)> {
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let good = message(&anna, std::slice::from_ref(&bruno), "");
    let with = |from: &str, to: &str| good.replace(from, to);
    let one = || vec![bruno.clone()];
    let many: Vec<Address> = (0..1001).map(|n| address(&format!("u{n}@ente-beta.example"))).collect();
    let from = format!("From: <{ANNA}>\r\n");
    vec![
        (with(&from, ""), one(), "l'assenza di un indirizzo nel campo From"),
        (with(&from, &format!("From: {ANNA}, {BRUNO}\r\n")), one(), "la presenza di 2 indirizzi nel campo From"),
        (with(&from, &format!("From: Noi: {ANNA};\r\n")), one(), "un gruppo di indirizzi nel campo From"),
        (
            with(&from, "From: <altra@comune-alfa.example>\r\n"),
            one(),
            "la differenza fra l'indirizzo altra@comune-alfa.example",
        ),
        (
            with(&format!("To: {BRUNO}\r\n"), &format!("Cc: {BRUNO}\r\n")),
            one(),
            "l'assenza di un indirizzo nel campo To",
        ),
        (with(&format!("To: {BRUNO}\r\n"), "To: bruno(a)ente\r\n"), one(), "un indirizzo non valido"),
        (
            good.clone(),
            vec![bruno.clone(), address("carla@ente-beta.example")],
            "carla@ente-beta.example non compare nei campi To o Cc",
        ),
        (
            with("Subject", "Cc: carla@ente-beta.example\r\nSubject"),
            one(),
            "carla@ente-beta.example nei campi To o Cc non è fra i destinatari",
        ),
        (with("Subject", "Bcc: carla@ente-beta.example\r\nSubject"), one(), "un valore nel campo Bcc"),
        (with("Subject: ", "Subject: due\r\nSubject: "), one(), "un campo Subject presente più volte"),
        (with("Convocazione", "è l'ora"), one(), "caratteri non ASCII nel campo Subject"),
        (with("Convocazione", &"x".repeat(1000)), one(), "una riga troppo lunga nel campo Subject"),
        (with("Subject: ", "Subject "), one(), "un'intestazione non conforme a RFC 5322"),
        (message(&anna, &many, ""), many.clone(), "un numero di destinatari (1001) superiore al limite di 1000"),
        (good.clone() + &"x".repeat(50 << 20), one(), "superiore al limite di 50 MB"),
    ]
}

#[test]
fn each_formal_defect_is_named_in_the_notice() {
    let street = Street::new(1);
    let anna = address(ANNA);
    for (n, (bytes, to, reason)) in (1..).zip(defects()) {
        let answer = street.submit_bytes(&anna, &to, bytes.into_bytes());
        let Ok(Submitted::NotAccepted(id)) = answer else { panic!("{reason}: {answer:?}") };
        let inbox = street.inbox(&anna);
        assert_eq!(inbox.len(), n, "{reason}: one notice");
        let c = inbox[n - 1].evidence.certification.as_ref().expect("certification data");
        assert_eq!((c.kind, c.error, &c.facts.id), (Tipo::NonAccettazione, Errore::Altro, &id), "{reason}");
        let said = c.extended_error.as_deref().unwrap_or_default();
        assert!(said.contains(reason), "wanted «{reason}», the notice says «{said}»");
        assert_eq!(inbox[n - 1].evidence.original, None);
        assert!(rows::at_rest(&street.house(&anna).store), "{reason}: nothing goes out, nothing is waited for");
    }
}

#[test]
fn every_defect_of_a_message_is_named() {
    let street = Street::new(2);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let bytes = message(&anna, std::slice::from_ref(&bruno), "Bcc: x@y.example\r\n").replace("Convocazione", "è");
    assert!(matches!(street.submit_bytes(&anna, &[bruno], bytes.into_bytes()), Ok(Submitted::NotAccepted(_))));
    let c = street.inbox(&anna).remove(0).evidence.certification.expect("certification data");
    let said = c.extended_error.expect("the reasons");
    assert!(said.contains("Bcc") && said.contains("non ASCII"), "{said}");
}

#[test]
fn a_user_sends_from_his_own_address_only() {
    let street = Street::new(3);
    let (anna, carla) = (address(ANNA), address("carla@comune-alfa.example"));
    let house = street.house(&anna);
    let engine = house.engine();
    let to = [address(BRUNO)];
    let bytes = || message(&carla, &to, "").into_bytes();
    let before = rows::facts(&house.store);
    let reply = refusal(engine.submit(&house.login(&anna), &arrived(Some(&carla), &to, bytes(), "c", true), NOW));
    assert_eq!(reply.code, 553);
    assert!(reply.to_string().contains("carla@comune-alfa.example") && reply.to_string().contains(ANNA), "{reply}");
    let reply = refusal(engine.submit(&house.login(&anna), &arrived(None, &to, bytes(), "c", true), NOW));
    assert_eq!(reply.code, 550);
    let service = address("posta-certificata@pec.alfa.example");
    let reply = refusal(engine.submit(&house.login(&service), &arrived(Some(&service), &to, bytes(), "c", true), NOW));
    assert_eq!(reply.code, 550, "the service mailbox sends nothing");
    assert_eq!(rows::facts(&house.store), before, "nothing was written");
    // The spelling of his own address is his.
    let shouted = address("ANNA@Comune-Alfa.example");
    let mail = arrived(Some(&shouted), &to, message(&anna, &to, "").into_bytes(), "c", true);
    assert!(matches!(engine.submit(&house.login(&anna), &mail, NOW), Ok(Submitted::Accepted(_))));
    engine
        .change(house.login(&carla).mailbox, &Change::Block(Block::default()), &Request::own(NOW))
        .expect("the mailbox is blocked");
    let reply = refusal(engine.submit(&house.login(&carla), &arrived(Some(&carla), &to, bytes(), "c", true), NOW));
    assert_eq!(reply.code, 550);
}

#[test]
fn the_fifty_first_of_a_minute_is_told_to_wait() {
    let mut street = Street::new(4);
    let (anna, to) = (address(ANNA), [address(BRUNO)]);
    for _ in 0..50 {
        assert!(matches!(street.submit(&anna, &to, ""), Ok(Submitted::Accepted(_))));
    }
    let facts = || {
        let mut facts = rows::facts(&street.houses[0].store);
        facts.retain(|(key, _)| key.first() != Some(&tag::OVERRUN));
        facts
    };
    let before = facts();
    let reply = refusal(street.submit(&anna, &to, ""));
    assert_eq!(reply.code, 450);
    let said = reply.to_string();
    assert!(said.contains("50 messaggi al minuto") && said.contains("2026-03-12T10:16:01"), "{said}");
    assert!(facts() == before, "nothing was stored, nothing was counted");
    let other = address("bruno@comune-alfa.example");
    assert!(street.submit(&other, &to, "").is_ok(), "others are not concerned");
    street.now = NOW.plus(Duration::from_millis(59_999));
    assert_eq!(refusal(street.submit(&anna, &to, "")).code, 450);
    street.now = NOW.plus(Duration::from_secs(60));
    assert!(street.submit(&anna, &to, "").is_ok());
    assert_eq!(street.inbox(&anna).len(), 51);
}

#[test]
fn the_day_ends_at_legal_midnight() {
    // 23:40 in Rome, 22:40 by Greenwich: the legal day decides.
    let mut street = Street::new(5);
    let evening = NOW.plus(Duration::from_secs(13 * 3600 + 25 * 60));
    assert_eq!(evening.legal().time, "23:40:01");
    let (anna, to) = (address(ANNA), [address(BRUNO)]);
    for minute in 0..10 {
        street.now = evening.plus(Duration::from_secs(minute * 61));
        for _ in 0..50 {
            // A refused message counts too, and costs one signature less.
            assert!(matches!(street.submit(&anna, &to, "Bcc: x@y.example\r\n"), Ok(Submitted::NotAccepted(_))));
        }
    }
    let midnight = Timestamp::from_millis(1_773_356_400_000);
    assert_eq!(midnight.to_string(), "2026-03-13T00:00:00.000+01:00");
    street.now = Timestamp::from_millis(midnight.as_millis() - 1);
    let reply = refusal(street.submit(&anna, &to, ""));
    assert_eq!(reply.code, 450);
    let said = reply.to_string();
    assert!(said.contains("500 messaggi al giorno") && said.contains("2026-03-13T00:00:00"), "{said}");
    street.now = midnight;
    assert!(matches!(street.submit(&anna, &to, ""), Ok(Submitted::Accepted(_))));
    assert_eq!(street.house(&anna).login(&anna).mailbox, MailboxId(2));
}
