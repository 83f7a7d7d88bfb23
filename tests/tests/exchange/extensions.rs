//! What SMTP can say beyond the plain transaction, through to the mailbox: chunks, UTF-8, wishes for reports.

use std::sync::Arc;

use data_encoding::BASE64;
use sigillo_accounts::{OrdinaryMail, Request};
use sigillo_base::MailboxId;
use sigillo_engine::{Arrived, Change, Checked, Outcome, Peer, Screening, front};
use sigillo_smtp::server::Role;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::{Opinion, arrived};
use sigillo_tests::street::{Street, message};
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@ente-beta.example";

/// A server at the reception of bruno's provider, where he and carla take ordinary mail.
fn reception(street: &Street) -> Wire {
    let engine = Arc::clone(street.houses[1].engine());
    for user in [BRUNO, CARLA] {
        let number = engine.find_mailbox(&address(user)).expect("the store").expect("a mailbox").id;
        engine.change(MailboxId(number), &Change::Ordinary(OrdinaryMail::Accept), &Request::own(NOW)).expect("chosen");
    }
    let mut wire = Wire::new(front::smtp(engine, Role::Reception, Peer::LOCAL, true, Default::default()), NOW);
    wire.hear();
    let hello = wire.say("EHLO mx.posta.example\r\n");
    for extension in ["SMTPUTF8", "DSN", "CHUNKING", "8BITMIME", "REQUIRETLS", "LIMITS RCPTMAX=1000"] {
        assert!(hello.contains(extension), "{hello}");
    }
    wire
}

/// Hands over ordinary mail by BDAT.
fn hand_over(wire: &mut Wire, mail: &str, rcpts: &[&str], text: &str) {
    let said = wire.say(format!("MAIL FROM:{mail}\r\n"));
    assert!(said.starts_with("250"), "{said}");
    for rcpt in rcpts {
        let said = wire.say(format!("RCPT TO:{rcpt}\r\n"));
        assert!(said.starts_with("250"), "{said}");
    }
    let (first, second) = text.split_at(text.len() / 2);
    let said = wire.say(format!("BDAT {}\r\n{first}BDAT {} LAST\r\n{second}", first.len(), second.len()));
    assert!(said.ends_with("250 2.0.0 Accettato con anomalia\r\n"), "{said}");
}

fn letter(from: &str) -> String {
    format!("From: {from}\r\nTo: {BRUNO}\r\nSubject: Saluti\r\nMessage-ID: <d1@posta.example>\r\n\r\n.\r\nCiao.\r\n")
}

#[test]
fn a_message_submitted_in_chunks_is_certified_to_the_byte() {
    let mut street = Street::new(1);
    let anna = address(ANNA);
    let engine = engine_with_password(street.house(&anna), &anna, "una frase lunga");
    let mut wire =
        Wire::new(front::smtp(engine, Role::SubmissionTls, Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    let hello = wire.say("EHLO pc-anna\r\n");
    assert!(hello.contains("CHUNKING") && !hello.contains("SMTPUTF8") && !hello.contains("DSN"), "{hello}");
    wire.say(format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{ANNA}\0una frase lunga").as_bytes())));
    let bytes = message(&anna, &[address(BRUNO)], "").replace("Testo.", ".\r\n..due punti");
    wire.say(format!("MAIL FROM:<{ANNA}>\r\nRCPT TO:<{BRUNO}>\r\n"));
    let said = wire.say(format!("BDAT {}\r\n{bytes}BDAT 0 LAST\r\n", bytes.len()));
    assert!(said.contains("250 2.0.0 Accettato, identificativo sg"), "{said}");
    street.run();
    let envelope = street.inbox(&address(BRUNO)).remove(0).evidence;
    let original = String::from_utf8(envelope.original.expect("the original")).expect("ASCII");
    assert!(original.ends_with("\r\n\r\n.\r\n..due punti\r\n"), "{original}");
}

#[test]
fn a_sender_outside_ascii_survives_into_the_anomaly_envelope() {
    let street = Street::new(2);
    let mut wire = reception(&street);
    let refused = wire.say("MAIL FROM:<niccolò@posta.example>\r\n");
    assert!(refused.starts_with("553 5.6.7"), "{refused}");
    hand_over(
        &mut wire,
        "<niccolò@bücher.example> SMTPUTF8",
        &[&format!("<{BRUNO}>")],
        &letter("niccolò@bücher.example"),
    );
    let [found] = &street.inbox(&address(BRUNO))[..] else { panic!("one envelope") };
    let text = String::from_utf8(found.bytes.clone()).expect("UTF-8");
    assert!(text.contains("\r\nReply-To: niccolò@bücher.example\r\n"), "{text}");
    assert!(text.contains("\r\nFrom: =?"), "encoded, or the header would be no ASCII for those who need one: {text}");
    assert!(found.evidence.original.as_ref().is_some_and(|o| o.ends_with(b"\r\n\r\n.\r\nCiao.\r\n")));
    // Nobody here is called so, whoever asks.
    for from in ["<dora@posta.example>", "<>", &format!("<{ANNA}>")] {
        wire.say(format!("MAIL FROM:{from} SMTPUTF8\r\n"));
        let refused = wire.say("RCPT TO:<niccolò@ente-beta.example>\r\n");
        assert!(refused.starts_with("554 5.7.1"), "{refused}");
        let elsewhere = wire.say("RCPT TO:<niccolò@altrove.example>\r\n");
        assert!(elsewhere.starts_with("550 5.7.1"), "{elsewhere}");
        wire.say("RSET\r\n");
    }
}

/// Finds this of every message: SPF of its sender, DMARC of its author.
fn found(street: &mut Street, spf: Outcome, dmarc: Outcome) {
    let checked = |result, name, value: String| Some(Checked { result, about: vec![(name, value)] });
    street.houses[1].screen_with(Opinion(move |mail: &Arrived| {
        let from = mail.from.as_ref().expect("a sender");
        Some(Screening {
            spf: checked(spf, "smtp.mailfrom", from.to_string()),
            dmarc: checked(dmarc, "header.from", from.domain().to_string()),
            ..Screening::default()
        })
    }));
}

/// What waits for the relay, as text.
fn queued(street: &Street) -> Vec<(String, String)> {
    let engine = street.houses[1].engine();
    let due = engine.due(NOW, 9).expect("the queue");
    let read = |d: sigillo_engine::Dispatch| {
        assert_eq!(d.from, None, "a report goes from nobody");
        let bytes = engine.read_all(&d.message).expect("bytes");
        (d.rcpts[0].to_string(), String::from_utf8(bytes).expect("UTF-8"))
    };
    due.into_iter().map(read).collect()
}

#[test]
fn who_asked_hears_that_ordinary_mail_was_delivered() {
    let mut street = Street::new(3);
    found(&mut street, Outcome::None, Outcome::Pass);
    let mut wire = reception(&street);
    let rcpts = [
        &format!("<{BRUNO}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;capo+2Bufficio@posta.example")[..],
        &format!("<{CARLA}> NOTIFY=NEVER"),
    ];
    hand_over(&mut wire, "<dora@posta.example> RET=FULL ENVID=pratica-7", &rcpts, &letter("dora@posta.example"));
    assert_eq!((street.inbox(&address(BRUNO)).len(), street.inbox(&address(CARLA)).len()), (1, 1));
    let [(to, report)] = &queued(&street)[..] else { panic!("one report") };
    assert_eq!(to, "dora@posta.example");
    for field in [
        "Content-Type: multipart/report; report-type=delivery-status;",
        "Original-Envelope-Id: pratica-7\r\n",
        "Original-Recipient: rfc822;capo+ufficio@posta.example\r\n",
        "Final-Recipient: rfc822; bruno@ente-beta.example\r\n",
        "Action: delivered\r\n",
        "Status: 2.1.5\r\n",
        "Message-ID: <d1@posta.example>\r\n",
    ] {
        assert!(report.contains(field), "{field}: {report}");
    }
    assert!(!report.contains("carla") && !report.contains("Ciao."), "{report}");
}

#[test]
fn nobody_else_hears_anything() {
    let mut street = Street::new(4);
    found(&mut street, Outcome::Pass, Outcome::None);
    let mut wire = reception(&street);
    let (quiet, wish) = (format!("<{BRUNO}>"), format!("<{BRUNO}> NOTIFY=SUCCESS"));
    for (n, (mail, rcpt)) in
        [("<dora@posta.example>", &quiet), ("<niccolò@posta.example> SMTPUTF8", &wish)].into_iter().enumerate()
    {
        hand_over(&mut wire, mail, &[rcpt], &letter(&format!("dora{n}@posta.example")));
        assert_eq!(queued(&street), [], "{mail}");
    }
    assert_eq!(street.inbox(&address(BRUNO)).len(), 2);
}

/// What is handed on of a message that asks for TLS on its whole way asks for it as well (RFC 8689): its envelope, and the
/// report of ordinary mail; receipts are owed, whatever the other server offers.
#[test]
fn the_mark_of_requiretls_goes_with_what_is_handed_on() {
    let mut street = Street::new(6);
    found(&mut street, Outcome::Pass, Outcome::None);
    let anna = address(ANNA);
    let engine = engine_with_password(street.house(&anna), &anna, "una frase lunga");
    let mut wire = Wire::new(
        front::smtp(Arc::clone(&engine), Role::SubmissionTls, Peer::LOCAL, true, Default::default()),
        street.now,
    );
    wire.hear();
    assert!(wire.say("EHLO pc-anna\r\n").contains("REQUIRETLS"));
    wire.say(format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{ANNA}\0una frase lunga").as_bytes())));
    let to = [address(BRUNO), address("dora@posta.example")];
    for mark in ["", " REQUIRETLS"] {
        let bytes = message(&anna, &to, "");
        wire.say(format!("MAIL FROM:<{ANNA}>{mark}\r\nRCPT TO:<{}>\r\nRCPT TO:<{}>\r\n", to[0], to[1]));
        let said = wire.say(format!("BDAT {} LAST\r\n{bytes}", bytes.len()));
        assert!(said.contains("250 2.0.0 Accettato"), "{said}");
        let due = engine.due(street.now, 9).expect("the queue");
        assert_eq!(due.iter().map(|d| d.marked).collect::<Vec<_>>(), [!mark.is_empty(); 2], "{mark}");
        // The envelope comes marked to the other provider, which owes its evidence all the same.
        let envelope = due.iter().find(|d| d.to == *to[0].domain()).expect("to a certified domain");
        let mut mail = arrived(Some(&anna), &to[..1], engine.read_all(&envelope.message).expect("bytes"), "mx", false);
        mail.wishes.require_tls = envelope.marked;
        let beta = street.houses[1].engine();
        beta.receive(&mail, street.now).expect("taken charge of");
        while beta.run_due(street.now).expect("work") > 0 {}
        let receipts = beta.due(street.now, 9).expect("the queue");
        assert_eq!(receipts.iter().map(|d| (d.require_tls, d.marked)).collect::<Vec<_>>(), [(true, false); 2]);
    }
    let wish = format!("<{BRUNO}> NOTIFY=SUCCESS");
    for mark in ["", " REQUIRETLS"] {
        let letter = letter(&format!("dora{}@posta.example", mark.len()));
        hand_over(&mut reception(&street), &format!("<dora@posta.example>{mark}"), &[&wish], &letter);
        let [report] = &street.houses[1].engine().due(NOW, 9).expect("the queue")[..] else { panic!("one report") };
        assert_eq!((report.from.as_ref(), report.marked), (None, !mark.is_empty()));
    }
}

/// Whoever writes another's address into the reverse-path would have us write to him.
#[test]
fn who_is_not_shown_to_be_the_sender_hears_nothing() {
    let mut street = Street::new(5);
    let wish = format!("<{BRUNO}> NOTIFY=SUCCESS");
    let ask = |street: &Street, n: usize| {
        hand_over(&mut reception(street), "<dora@posta.example>", &[&wish], &letter(&format!("dora{n}@posta.example")));
        queued(street).len()
    };
    assert_eq!(ask(&street, 0), 0, "nobody is asked about senders");
    for (n, result) in (1..).zip([
        Outcome::None,
        Outcome::Fail,
        Outcome::SoftFail,
        Outcome::Neutral,
        Outcome::TempError,
        Outcome::PermError,
    ]) {
        found(&mut street, result, result);
        assert_eq!(ask(&street, n), 0, "{result:?}");
    }
    found(&mut street, Outcome::Pass, Outcome::Fail);
    assert_eq!(ask(&street, 7), 1);
    assert_eq!(street.inbox(&address(BRUNO)).len(), 8, "all of it was delivered");
}
