//! The delivery point: what the sender hears when a mailbox cannot take his message.

use sigillo_accounts::{Block, Profile, Request};
use sigillo_base::Address;
use sigillo_engine::{Change, Dispatch, Filter, Submitted};
use sigillo_pec::Errore;
use sigillo_smtp::Reply;
use sigillo_smtp::client::RecipientOutcome;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::arrived;
use sigillo_tests::street::Street;

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BETA: &str = "posta-certificata@pec.beta.example";

/// The chain ends with a signed notice about this recipient, at Anna's: its error and its words.
fn not_delivered(street: &mut Street, rcpt: &Address) -> (Errore, String) {
    let anna = address(ANNA);
    assert!(matches!(street.submit(&anna, std::slice::from_ref(rcpt), ""), Ok(Submitted::Accepted(_))));
    street.run();
    assert_eq!(street.kinds(&anna), ["accettazione", "errore-consegna"]);
    let notice = street.inbox(&anna).remove(1).evidence;
    assert_eq!(notice.signer.emails(), [BETA], "signed by the recipient's provider");
    assert_eq!(notice.original, None);
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)), "no timer, no queue: the outcome is known");
    let c = notice.certification.expect("certification data");
    assert_eq!(c.delivered.as_ref(), Some(rcpt));
    (c.error, c.extended_error.expect("the code"))
}

#[test]
fn an_unknown_mailbox_is_answered_by_a_signed_notice() {
    let mut street = Street::new(1);
    let (errore, text) = not_delivered(&mut street, &address("nessuno@ente-beta.example"));
    assert_eq!((errore, text.as_str()), (Errore::NoDest, "5.1.1 - Beta PEC S.r.l. - indirizzo non valido"));
}

#[test]
fn a_blocked_mailbox_is_answered_by_a_signed_notice() {
    let mut street = Street::new(2);
    let bruno = address("bruno@ente-beta.example");
    let beta = street.house(&bruno);
    beta.engine()
        .change(beta.login(&bruno).mailbox, &Change::Block(Block::default()), &Request::own(NOW))
        .expect("the mailbox is blocked");
    let (errore, text) = not_delivered(&mut street, &bruno);
    assert_eq!((errore, text.as_str()), (Errore::Altro, "5.2.1 - Beta PEC S.r.l. - indirizzo non valido"));
    assert!(street.inbox(&bruno).is_empty());
}

#[test]
fn a_full_mailbox_is_answered_by_a_signed_notice() {
    let mut street = Street::new(3);
    let bruno = address("bruno@ente-beta.example");
    let beta = street.house(&bruno);
    rows::fill(&beta.store, beta.login(&bruno).mailbox, Profile::Standard.limits().box_bytes - 1000);
    let (errore, text) = not_delivered(&mut street, &bruno);
    assert_eq!((errore, text.as_str()), (Errore::Altro, "5.2.2 - Beta PEC S.r.l. - casella piena"));
    assert!(street.inbox(&bruno).is_empty());
}

/// A handful of mailboxes has its message before the peer hears "250", whatever becomes of another; many have it from the
/// queue.
#[test]
fn a_handful_is_delivered_to_in_the_commit_that_takes_charge() {
    for (boxes, at_once) in [(7, 7), (8, 0)] {
        let mut street = Street::new(5);
        let (anna, full) = (address(ANNA), address("bruno@ente-beta.example"));
        let beta = street.house(&full);
        rows::fill(&beta.store, beta.login(&full).mailbox, Profile::Standard.limits().box_bytes - 1000);
        let good: Vec<Address> = (0..boxes).map(|n| address(&format!("b{n}@ente-beta.example"))).collect();
        for user in &good {
            beta.add(user, Profile::Standard, street.now);
        }
        let to = [&[full.clone()][..], &good].concat();
        assert!(matches!(street.submit(&anna, &to, ""), Ok(Submitted::Accepted(_))));
        let (alfa, beta) = (street.house(&anna).engine(), street.house(&full).engine());
        let dispatch = alfa.due(street.now, 1).expect("the queue").remove(0);
        let bytes = alfa.read_all(&dispatch.message).expect("the envelope");
        let mail = arrived(Some(&anna), &dispatch.rcpts, bytes, "mx", false);
        beta.receive(&mail, street.now).expect("taken");
        let held = |street: &Street| good.iter().filter(|user| street.inbox(user).len() == 1).count();
        assert_eq!(held(&street), at_once);
        let (waiting, _) = beta.queue_page(&Filter::default(), None, 99, street.now).expect("the queue");
        let deliveries = waiting.iter().filter(|w| w.work == "deliver").count();
        assert_eq!(
            (deliveries, waiting.len()),
            (boxes + 1 - at_once, boxes + 2),
            "one answer each, and the take-charge"
        );
        alfa.report(&dispatch, &taken(&dispatch), street.now).expect("recorded");
        street.run();
        assert_eq!(held(&street), boxes);
        let kinds = street.kinds(&anna);
        let told = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
        assert_eq!((told("avvenuta-consegna"), told("errore-consegna")), (boxes, 1));
        assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
    }
}

fn taken(dispatch: &Dispatch) -> Vec<RecipientOutcome> {
    let result = Ok(Reply::new(250, (2, 0, 0), "ok"));
    dispatch.rcpts.iter().map(|r| RecipientOutcome { address: r.clone(), result: result.clone() }).collect()
}

/// A message to a good and a bad mailbox: one outcome each.
#[test]
fn every_recipient_is_told_of_apart() {
    let mut street = Street::new(4);
    let anna = address(ANNA);
    let to = ["bruno@ente-beta.example", "nessuno@ente-beta.example", "carla@comune-alfa.example"].map(address);
    assert!(matches!(street.submit(&anna, &to, ""), Ok(Submitted::Accepted(_))));
    street.run();
    let mut told: Vec<(String, String)> = street.inbox(&anna)[1..]
        .iter()
        .map(|l| {
            let c = l.evidence.certification.as_ref().expect("certification data");
            (c.delivered.as_ref().expect("a recipient").to_string(), l.evidence.kind.clone())
        })
        .collect();
    told.sort();
    let expected = [
        ("bruno@ente-beta.example", "avvenuta-consegna"),
        ("carla@comune-alfa.example", "avvenuta-consegna"),
        ("nessuno@ente-beta.example", "errore-consegna"),
    ];
    assert_eq!(told, expected.map(|(a, k)| (a.to_owned(), k.to_owned())));
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
}

/// A mailbox stands in a domain of its provider's, once, and nowhere else (RFC 6109 §1.2.3).
#[test]
fn a_mailbox_stands_in_a_domain_of_ours_and_nowhere_else() {
    let street = Street::new(6);
    let engine = street.houses[0].engine();
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let add = |text: &str| {
        let hash = sigillo_accounts::PasswordHash::parse(hash).expect("a hash");
        engine.add_mailbox(&address(text), Profile::Standard, hash, street.now).map_err(|e| e.to_string())
    };
    for foreign in ["dora@ente-beta.example", "dora@posta.example", "dora@uffici.comune-alfa.example"] {
        let error = add(foreign).expect_err(foreign);
        assert!(error.contains(address(foreign).domain().as_str()), "{error}");
    }
    add("dora@Comune-Alfa.example").expect("a mailbox of ours");
    assert!(add("DORA@comune-alfa.example").is_err(), "the same in another spelling");
}

/// The service mailbox takes receipts, never users' mail.
#[test]
fn the_service_mailbox_is_no_recipient() {
    let mut street = Street::new(5);
    let (_, text) = not_delivered(&mut street, &address(BETA));
    assert!(text.starts_with("5."), "{text}");
    assert!(street.inbox(&address(BETA)).is_empty());
}
