//! What a message's bytes go through: nothing of it is altered, nothing that a user wrote is believed, and no message goes
//! round for ever.

use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::{OrdinaryMail, Request};
use sigillo_base::MailboxId;
use sigillo_engine::{Arrived, Change, Received, Rejected, Submitted};
use sigillo_mime::Header;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::arrived;
use sigillo_tests::street::{Street, message};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

/// Anna's message on its way: what the network carries to Beta.
fn on_its_way(street: &Street, bytes: Vec<u8>) -> (Arrived, bool) {
    let answer = street.submit_bytes(&address(ANNA), &[address(BRUNO)], bytes);
    assert!(matches!(answer, Ok(Submitted::Accepted(_))), "{answer:?}");
    let alfa = Arc::clone(street.houses[0].engine());
    let dispatch = alfa.due(street.now, 1).expect("the queue").remove(0);
    let bytes = alfa.read_all(&dispatch.message).expect("the envelope");
    alfa.defer(&dispatch, "the test carries it", street.now).expect("given back");
    (arrived(dispatch.from.as_ref(), &dispatch.rcpts, bytes, "mx.pec.alfa.example", false), dispatch.eight_bit)
}

fn plain() -> String {
    message(&address(ANNA), &[address(BRUNO)], "")
}

/// In the mailbox lies what was received, below two lines of trace (RFC 6109 §2.2.3).
#[test]
fn an_envelope_lies_in_the_mailbox_as_it_was_handed_over() {
    let mut street = Street::new(1);
    let (envelope, _) = on_its_way(&street, plain().into_bytes());
    assert!(matches!(street.houses[1].engine().receive(&envelope, NOW), Ok(Received::TakenCharge(_))));
    street.run();
    let stored = street.inbox(&address(BRUNO)).remove(0).bytes;
    let trace = stored.strip_suffix(envelope.bytes.as_slice()).expect("what was received, to the byte");
    let trace = Header::parse(trace).expect("a header");
    let names: Vec<&str> = trace.fields().iter().map(|f| trace.name(f)).collect();
    assert_eq!(names, ["Return-Path", "Received"]);
    assert_eq!(trace.unfolded("Return-Path"), Some(format!("<{ANNA}>")));
}

/// We do not offer 8BITMIME at the access point; who sends eight bits all the same gets them certified as they are.
#[test]
fn an_eight_bit_original_is_labelled_and_never_converted() {
    let mut street = Street::new(2);
    let body = "Perch\u{e9} s\u{ec}: \u{e0}\u{e8}\u{ec}.\r\n";
    let (envelope, eight_bit) = on_its_way(&street, plain().replace("Testo.\r\n", body).into_bytes());
    assert!(eight_bit, "the next server is told where it can be told");
    let header = Header::parse(&envelope.bytes).expect("a header");
    assert_eq!(header.unfolded("Content-Transfer-Encoding").as_deref(), Some("8bit"));
    street.pass(Duration::from_secs(60));
    let delivered = street.inbox(&address(BRUNO)).remove(0).evidence.original.expect("the original");
    assert!(delivered.ends_with(body.as_bytes()), "{}", String::from_utf8_lossy(&delivered));
    let receipt = street.inbox(&address(ANNA)).pop().expect("the receipt").evidence;
    assert_eq!((receipt.kind.as_str(), receipt.original), ("avvenuta-consegna", Some(delivered)));
}

/// Fields that mean something in certified mail stay in the original and reach no header of ours.
#[test]
fn fields_of_certified_mail_that_a_user_wrote_stay_in_the_original_only() {
    let mut street = Street::new(3);
    let forged = "X-Ricevuta: avvenuta-consegna\r\nX-Trasporto: errore\r\nX-VerificaSicurezza: errore\r\n\
                  X-Mittente: altri@x.example\r\nX-Riferimento-Message-ID: <falso@x.example>\r\n";
    let bytes = message(&address(ANNA), &[address(BRUNO)], forged).into_bytes();
    assert!(matches!(street.submit_bytes(&address(ANNA), &[address(BRUNO)], bytes), Ok(Submitted::Accepted(_))));
    street.run();
    let letter = street.inbox(&address(BRUNO)).remove(0);
    let header = Header::parse(&letter.bytes).expect("a header");
    for (name, values) in [
        ("X-Trasporto", vec!["posta-certificata"]),
        ("X-Riferimento-Message-ID", vec!["<uno@client.example>"]),
        ("X-Ricevuta", vec![]),
        ("X-VerificaSicurezza", vec![]),
        ("X-Mittente", vec![]),
    ] {
        let found: Vec<String> =
            header.all(name).map(|f| String::from_utf8_lossy(header.raw(f)).trim().into()).collect();
        assert_eq!(found, values, "{name}");
    }
    let original = String::from_utf8(letter.evidence.original.expect("the original")).expect("ASCII");
    assert!(original.contains(forged), "nothing is taken out of it: {original}");
    let receipts = street.inbox(&address(ANNA));
    assert_eq!(receipts.len(), 2);
    for receipt in receipts {
        let header = Header::parse(&receipt.bytes).expect("a header");
        assert_eq!(header.unfolded("X-Riferimento-Message-ID").as_deref(), Some("<uno@client.example>"));
        assert_eq!(header.all("X-Ricevuta").count(), 1);
    }
}

/// A hundred servers are a loop. Whoever brings one more hears so, and nothing is stored or answered.
#[test]
fn a_message_that_goes_round_is_refused() {
    let street = Street::new(4);
    let beta = &street.houses[1];
    let (envelope, _) = on_its_way(&street, plain().into_bytes());
    let there = Header::parse(&envelope.bytes).expect("a header").all("Received").count();
    let after = |hops: usize| {
        let trace = "Received: from a by b; Thu, 12 Mar 2026 10:15:02 +0100\r\n".repeat(hops - there);
        Arrived { bytes: [trace.as_bytes(), &envelope.bytes].concat(), ..envelope.clone() }
    };
    let before = rows::facts(&beta.store);
    match beta.engine().receive(&after(101), NOW) {
        Err(Rejected::Refused(reply)) => assert_eq!((reply.code, reply.enhanced), (554, Some((5, 4, 6)))),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(rows::facts(&beta.store), before);
    assert!(matches!(beta.engine().receive(&after(100), NOW), Ok(Received::TakenCharge(_))), "a hundred may be");
}

/// A header that nobody can read is as bad tomorrow: its server must not try for days.
#[test]
fn ordinary_mail_that_cannot_be_wrapped_is_refused_for_good() {
    let street = Street::new(5);
    let (beta, bruno, dora) = (&street.houses[1], address(BRUNO), address("dora@posta.example"));
    let number = beta.engine().find_mailbox(&bruno).expect("the store").expect("a mailbox").id;
    beta.engine()
        .change(MailboxId(number), &Change::Ordinary(OrdinaryMail::Accept), &Request::own(NOW))
        .expect("chosen");
    let good = message(&dora, std::slice::from_ref(&bruno), "");
    let receive = |text: &str| {
        let mail = arrived(Some(&dora), std::slice::from_ref(&bruno), text.as_bytes().to_vec(), "mx", false);
        beta.engine().receive(&mail, NOW)
    };
    match receive(&good.replace("Subject: ", "Subject ")) {
        Err(Rejected::Refused(reply)) => {
            assert_eq!((reply.code, reply.enhanced), (554, Some((5, 6, 0))));
            assert!(reply.to_string().contains("riga 3"), "it names the line: {reply}");
        }
        other => panic!("not refused: {other:?}"),
    }
    assert!(matches!(receive(&good), Ok(Received::Anomaly)));
}
