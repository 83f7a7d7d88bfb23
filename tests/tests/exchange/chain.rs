//! The whole chain of evidence, between two providers and inside one.

use std::sync::Arc;
use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_engine::{Received, Submitted};
use sigillo_mime::Header;
use sigillo_pec::{Errore, Kind, ReceiptKind, compose, log::Record};
use sigillo_smime::Trust;
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, arrived};
use sigillo_tests::street::{Fate, Letter, Street, message};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const ALFA: &str = "posta-certificata@pec.alfa.example";
const BETA: &str = "posta-certificata@pec.beta.example";

fn accepted(answer: Result<Submitted, sigillo_engine::Rejected>) -> String {
    match answer {
        Ok(Submitted::Accepted(id)) => id.to_string(),
        other => panic!("not accepted: {other:?}"),
    }
}

/// The classes of the legal log of a house, in order of time, about one message.
fn log(house: &House, id: &str) -> Vec<&'static str> {
    let lines = house.engine().legal_log(&NOW.legal().iso_day).expect("the log can be read");
    let records = lines.iter().map(|l| Record::parse_line(l).unwrap_or_else(|e| panic!("{e}: {l}")));
    let mut classes: Vec<&str> = records.filter(|r| r.id == id).map(|r| r.kind.class()).collect();
    classes.sort_unstable();
    classes
}

fn signer(letter: &Letter) -> String {
    letter.evidence.signer.emails()[0].clone()
}

#[test]
fn between_two_providers_each_party_gets_its_evidence() {
    let mut street = Street::new(1);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let id = accepted(street.submit(&anna, std::slice::from_ref(&bruno), ""));

    // With the answer, the acceptance is there and nothing else has happened.
    let first = street.inbox(&anna);
    assert_eq!(street.kinds(&anna), ["accettazione"]);
    assert!(street.inbox(&bruno).is_empty() && street.inbox(&address(ALFA)).is_empty());
    let c = first[0].evidence.certification.as_ref().expect("certification data");
    assert_eq!((c.facts.id.as_str(), c.error, c.issuer.as_str()), (id.as_str(), Errore::Nessuno, "Alfa PEC S.p.A."));
    assert_eq!(c.facts.msgid.as_deref(), Some("<uno@client.example>"));
    assert_eq!(c.facts.subject.as_deref(), Some("Convocazione"));
    assert_eq!(c.facts.certified().collect::<Vec<_>>(), [&bruno]);
    assert_eq!(first[0].evidence.original, None);
    let header = Header::parse(&first[0].bytes).expect("a header");
    assert_eq!(header.unfolded("Return-Path"), Some(format!("<{ALFA}>")));

    street.run();
    let envelopes = street.inbox(&bruno);
    let [envelope] = envelopes.as_slice() else { panic!("{:?}", street.kinds(&bruno)) };
    assert_eq!((envelope.evidence.kind.as_str(), signer(envelope).as_str()), ("posta-certificata", ALFA));
    assert_eq!(envelope.evidence.message_id, id);
    let header = Header::parse(&envelope.bytes).expect("a header");
    assert_eq!(header.text("From").as_deref(), Some(format!("\"Per conto di: {ANNA}\" <{ALFA}>").as_str()));
    assert_eq!(header.all("Received").count(), 2, "Alfa's line and Beta's");
    let original = envelope.evidence.original.clone().expect("the original");
    let text = String::from_utf8(original.clone()).expect("ASCII");
    assert!(text.contains(&format!("Message-ID: <{id}>\r\n")), "{text}");
    assert!(text.contains("X-Riferimento-Message-ID: <uno@client.example>\r\n\r\nTesto.\r\n"), "{text}");

    let service = street.inbox(&address(ALFA));
    let [taken] = service.as_slice() else { panic!("{:?}", street.kinds(&address(ALFA))) };
    assert_eq!((taken.evidence.kind.as_str(), signer(taken).as_str()), ("presa-in-carico", BETA));
    let c = taken.evidence.certification.as_ref().expect("certification data");
    assert_eq!((c.facts.id.as_str(), c.taken.as_slice()), (id.as_str(), std::slice::from_ref(&bruno)));

    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna"]);
    let receipt = &street.inbox(&anna)[1];
    let c = receipt.evidence.certification.as_ref().expect("certification data");
    assert_eq!(
        (c.facts.id.as_str(), c.issuer.as_str(), signer(receipt).as_str()),
        (id.as_str(), "Beta PEC S.r.l.", BETA)
    );
    assert_eq!((c.delivered.as_ref(), c.receipt), (Some(&bruno), Some(ReceiptKind::Complete)));
    assert_eq!(receipt.evidence.original, Some(original), "the receipt holds what was delivered, to the byte");
    let all_ids = [&first[0], taken, receipt].map(|l| l.evidence.message_id.clone());
    assert!(all_ids.iter().all(|own| *own != id) && all_ids[0] != all_ids[2], "each notice has its own identifier");

    for house in &street.houses {
        assert!(rows::at_rest(&house.store), "nothing is left to do");
    }
    assert_eq!(log(&street.houses[0], &id), ["Accettazione", "BustaTrasporto", "Consegna", "PresaInCarico"]);
    assert_eq!(log(&street.houses[1], &id), ["BustaTrasporto", "Consegna", "PresaInCarico"]);
}

#[test]
fn inside_one_provider_the_whole_procedure_runs_too() {
    let mut street = Street::new(2);
    let (anna, carla) = (address(ANNA), address("carla@comune-alfa.example"));
    let id = accepted(street.submit(&anna, std::slice::from_ref(&carla), ""));
    street.network(|carried| panic!("nothing leaves the house: {carried:?}"));
    street.run();
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna"]);
    assert_eq!(street.kinds(&carla), ["posta-certificata"]);
    let service = street.inbox(&address(ALFA));
    assert_eq!(street.kinds(&address(ALFA)), ["presa-in-carico"]);
    let c = service[0].evidence.certification.as_ref().expect("certification data");
    assert_eq!((c.taken.as_slice(), c.issuer.as_str()), (std::slice::from_ref(&carla), "Alfa PEC S.p.A."));
    assert!(rows::at_rest(&street.houses[0].store));
    let counted = log(&street.houses[0], &id);
    let twice = ["BustaTrasporto", "Consegna", "PresaInCarico"]; // issued, and received
    assert!(twice.iter().all(|class| counted.iter().filter(|c| *c == class).count() == 2), "{counted:?}");
    assert_eq!(counted.len(), 7);
}

/// Also our own signature is believed only with a current revocation list; without one the delivery waits.
#[test]
fn inside_one_provider_a_missing_revocation_list_only_delays() {
    let mut street = Street::new(8);
    let (anna, carla) = (address(ANNA), address("carla@comune-alfa.example"));
    let without = Arc::new(Trust::new(vec![fixtures::authority().certificate()], Vec::new()));
    street.houses[0].engine().replace_trust(without);
    accepted(street.submit(&anna, std::slice::from_ref(&carla), ""));
    street.pass(Duration::from_secs(3600));
    assert!(street.inbox(&carla).is_empty());
    let waiting = street.houses[0].engine().queue(0, 10).expect("the queue");
    assert!(waiting.len() == 1 && waiting[0].last_error.contains("lista di revoca"), "{waiting:?}");
    street.houses[0].engine().replace_trust(Arc::new(fixtures::trust()));
    street.pass(Duration::from_secs(3600));
    assert_eq!(street.kinds(&carla), ["posta-certificata"]);
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna"]);
}

#[test]
fn each_recipient_has_his_own_receipt_of_the_kind_that_is_his() {
    let mut street = Street::new(3);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let (carla, gamma) = (address("carla@ente-beta.example"), address("bruno@gamma.example"));
    let bytes = format!(
        "From: {ANNA}\r\nTo: {BRUNO}, bruno@gamma.example\r\nCc: {carla}\r\nSubject: x\r\nX-TipoRicevuta: breve\r\n\
         MIME-Version: 1.0\r\nContent-Type: application/pdf; name=\"atto.pdf\"\r\n\r\nPDF\r\n"
    );
    accepted(street.submit_bytes(&anna, &[bruno.clone(), carla.clone(), gamma.clone()], bytes.into_bytes()));
    street.run();
    let receipts: Vec<Letter> =
        street.inbox(&anna).into_iter().filter(|l| l.evidence.kind == "avvenuta-consegna").collect();
    assert_eq!(receipts.len(), 3);
    for receipt in receipts {
        let to = receipt.evidence.certification.as_ref().and_then(|c| c.delivered.clone()).expect("a recipient");
        let original = receipt.evidence.original.map(|bytes| String::from_utf8(bytes).expect("ASCII"));
        if to == carla {
            assert_eq!(original, None, "a copy recipient gets a concise one");
        } else {
            let original = original.expect("the original with hashes");
            assert!(original.contains("atto.pdf.hash") && !original.contains("\r\nPDF"), "{original}");
        }
    }
    let taken = street.inbox(&address(ALFA));
    assert_eq!(taken.len(), 2, "one for each transaction, with all its recipients");
    let most = taken.iter().filter_map(|l| l.evidence.certification.as_ref()).map(|c| c.taken.len()).max();
    assert_eq!(most, Some(2));
}

#[test]
fn an_external_recipient_gets_the_envelope_and_no_deadlines() {
    let mut street = Street::new(4);
    let (anna, dora) = (address(ANNA), address("dora@posta.example"));
    let id = accepted(street.submit(&anna, std::slice::from_ref(&dora), ""));
    let alfa = street.house(&anna);
    let dispatches = alfa.engine().due(NOW, 8).expect("the queue can be read");
    let [dispatch] = dispatches.as_slice() else { panic!("{dispatches:?}") };
    assert_eq!(
        (dispatch.to.as_str(), &dispatch.from, dispatch.require_tls),
        ("posta.example", &Some(anna.clone()), false)
    );
    assert!(alfa.engine().due(NOW, 8).expect("the queue").is_empty(), "it is claimed");
    alfa.engine().defer(dispatch, "no route", NOW).expect("it is given back");
    assert!(rows::of(&alfa.store, sigillo_store::tag::TIMER_DUE).is_empty());
    street.network(|_| Fate::Refused);
    street.pass(Duration::from_secs(60));
    assert_eq!(street.kinds(&anna), ["accettazione", "errore"], "a notification, as ordinary mail comes");
    let text = String::from_utf8_lossy(&street.inbox(&anna).remove(1).bytes).into_owned();
    assert!(text.contains(&format!("Final-Recipient: rfc822; {dora}\r\nAction: failed\r\nStatus: 5.1.1")), "{text}");
    assert!(text.contains("utente sconosciuto") && text.contains(&format!("Message-ID: <{}>", id.as_str())), "{text}");
    assert!(rows::at_rest(&street.houses[0].store));
}

/// The answer to each message between the houses is lost the first two times.
#[test]
fn a_lost_answer_stores_once() {
    let mut street = Street::new(5);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    accepted(street.submit(&anna, std::slice::from_ref(&bruno), ""));
    let mut lost: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    street.network(move |carried| {
        let times = lost.entry(carried.kind.clone()).or_default();
        *times += 1;
        if *times <= 2 { Fate::AnswerLost } else { Fate::Arrives }
    });
    street.pass(Duration::from_secs(3600));
    assert_eq!(street.kinds(&bruno), ["posta-certificata"]);
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna"]);
    assert_eq!(street.kinds(&address(ALFA)), ["presa-in-carico"]);
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
}

#[test]
fn the_same_identifier_with_other_bytes_is_not_lost() {
    let mut street = Street::new(6);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    accepted(street.submit(&anna, std::slice::from_ref(&bruno), ""));
    street.run();
    let (alfa, beta) = (&street.houses[0], &street.houses[1]);
    let facts = street.inbox(&bruno).remove(0).evidence.certification.expect("certification data").facts;
    let once_more = |at: Timestamp, body: &str| {
        let original = message(&anna, std::slice::from_ref(&bruno), "").replace("Testo.", body).into_bytes();
        let kind = ReceiptKind::Complete;
        let draft = compose::transport_envelope(&alfa.fixture.provider, &facts, at, kind, &original).expect("a draft");
        let signed = draft.sign(&original, at, &alfa.fixture.identity, &alfa.fixture.signer()).expect("it is signed");
        assert_eq!(signed.kind, Kind::TransportEnvelope);
        arrived(Some(&anna), std::slice::from_ref(&bruno), signed.content.to_bytes(&original), "mx", false)
    };
    let other = once_more(NOW, "Un altro testo.");
    assert!(matches!(beta.engine().receive(&other, NOW), Ok(Received::TakenCharge(_))));
    assert!(matches!(beta.engine().receive(&other, NOW), Ok(Received::Again)));
    let third = once_more(NOW, "Un terzo.");
    assert!(matches!(beta.engine().receive(&third, NOW), Ok(Received::TakenCharge(_))));
    assert!(matches!(beta.engine().receive(&other, NOW), Ok(Received::Again)), "the one before is still known");
    street.run();
    let texts: Vec<Vec<u8>> = street.inbox(&bruno).into_iter().filter_map(|l| l.evidence.original).collect();
    assert_eq!(texts.len(), 3);
    assert!(
        texts.iter().any(|t| t.ends_with(b"Un altro testo.\r\n"))
            && texts.iter().any(|t| t.ends_with(b"Un terzo.\r\n"))
    );
}
