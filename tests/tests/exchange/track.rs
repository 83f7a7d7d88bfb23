//! Where a message stands, told from the legal log and the queue; the log for who holds a mailbox (PEC-08).

use std::time::Duration;

use sigillo_base::{Address, Domain, PecId};
use sigillo_engine::{DomainPolicy, Stage, Submitted, Tracked};
use sigillo_pec::Kind;
use sigillo_pec::log::Standing;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::Knows;
use sigillo_tests::street::{Fate, Street};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const GINA: &str = "gina@posta-ordinaria.example";
const HOUR: Duration = Duration::from_secs(3600);

fn sent(street: &Street, to: &[Address]) -> PecId {
    let Ok(Submitted::Accepted(id)) = street.submit(&address(ANNA), to, "") else { panic!("not accepted") };
    id
}

fn track(street: &Street, house: usize, id: &PecId) -> Tracked {
    street.houses[house].engine().track(id).expect("the store").expect("known")
}

fn stages(street: &Street, house: usize, id: &PecId) -> Vec<Stage> {
    track(street, house, id).recipients.into_iter().map(|r| r.stage).collect()
}

#[test]
fn a_message_is_followed_from_the_queue_to_its_evidence() {
    let mut street = Street::new(1);
    let to = [address(BRUNO), address(GINA), address("nessuno@ente-beta.example")];
    street.network(|_| Fate::Held);
    let id = sent(&street, &to);
    street.run();
    let waiting = track(&street, 0, &id);
    assert_eq!((waiting.msgid.as_deref(), waiting.accepted), (Some("<uno@client.example>"), Some(NOW)));
    for r in &waiting.recipients {
        let Stage::Queued { attempts: 1, last_error, .. } = &r.stage else { panic!("{r:?}") };
        assert_eq!(last_error, "nobody is reached");
    }
    street.network(|c| if c.kind == "posta-certificata" { Fate::Arrives } else { Fate::Held });
    street.pass(Duration::from_secs(60));
    assert_eq!(stages(&street, 0, &id), [Stage::HandedOver, Stage::HandedOver, Stage::HandedOver]);
    let there = stages(&street, 1, &id);
    let [delivered, failed] = [Standing::Delivered, Standing::Failed].map(Stage::Proven);
    assert_eq!(there, [delivered.clone(), Stage::Elsewhere, failed.clone()], "Beta's own log says more");
    assert!(track(&street, 1, &id).accepted.is_none(), "not accepted by Beta");
    street.network(|_| Fate::Arrives);
    street.pass(HOUR);
    assert_eq!(stages(&street, 0, &id), [delivered, Stage::HandedOver, failed]);
    let kinds: Vec<Kind> = track(&street, 0, &id).evidence.iter().map(|r| r.kind).collect();
    assert_eq!(kinds.iter().filter(|k| **k == Kind::Acceptance).count(), 1);
    assert!(kinds.contains(&Kind::TakeCharge) && kinds.contains(&Kind::Delivery) && kinds.contains(&Kind::NonDelivery));
}

#[test]
fn deadlines_malware_and_refusals_show() {
    let mut street = Street::new(2);
    street.network(|_| Fate::Held);
    let id = sent(&street, &[address(BRUNO)]);
    street.pass(30 * HOUR);
    assert_eq!(stages(&street, 0, &id), [Stage::Proven(Standing::PresumedFailed)]);
    street.network(|_| Fate::Arrives);
    street.houses[1].scan_with(Knows(&["Testo"]));
    let id = sent(&street, &[address(BRUNO)]);
    street.run();
    assert_eq!(stages(&street, 0, &id), [Stage::Proven(Standing::Infected)]);
    assert_eq!(stages(&street, 1, &id), [Stage::Proven(Standing::Infected)]);
    let bytes = format!("From: <altro@x.example>\r\nTo: {BRUNO}\r\nSubject: x\r\n\r\nTesto.\r\n").into_bytes();
    let Ok(Submitted::NotAccepted(id)) = street.submit_bytes(&address(ANNA), &[address(BRUNO)], bytes) else {
        panic!("accepted")
    };
    assert_eq!(stages(&street, 0, &id), [Stage::Refused]);
    let unknown = PecId::parse("nessuno@pec.alfa.example").expect("an identifier");
    assert!(street.houses[0].engine().track(&unknown).expect("the store").is_none());
}

#[test]
fn who_holds_a_mailbox_reads_its_log_where_the_domain_allows_it_and_nothing_else() {
    let mut street = Street::new(3);
    sent(&street, &[address(BRUNO)]);
    street.submit(&address("bruno@comune-alfa.example"), &[address("carla@ente-beta.example")], "").expect("sent");
    street.run();
    let (beta, bruno) = (street.houses[1].engine(), street.houses[1].login(&address(BRUNO)));
    let until = NOW.plus(HOUR);
    let refused = beta.holder_log(&bruno, NOW, until, 100).expect_err("not allowed").to_string();
    assert!(refused.contains("ente-beta.example"), "{refused}");
    let domain = Domain::parse("ente-beta.example").expect("a domain");
    beta.set_domain_policy(&domain, &DomainPolicy { holder_reads_log: true, ..Default::default() }).expect("chosen");
    let records = beta.holder_log(&bruno, NOW, until, 100).expect("allowed");
    assert!(records.len() >= 3, "envelope, take-charge, delivery: {records:?}");
    assert!(records.iter().all(|r| r.recipients.iter().any(|to| to.address == address(BRUNO))), "only his own");
    assert_eq!(beta.holder_log(&bruno, NOW, until, 2).expect("allowed").len(), 2, "bounded");
    assert!(beta.holder_log(&bruno, until, until.plus(HOUR), 100).expect("allowed").is_empty());
}
