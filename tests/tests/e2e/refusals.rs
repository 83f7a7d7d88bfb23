//! Formal checks at the access point: the message is not accepted, and a signed notice says why.

use sigillo_tests::demo::{Demo, Mail, Piece};

use crate::judges::judge_piece;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

fn letter(from: &str, fields: &str, id: &str) -> Vec<u8> {
    format!("From: {from}\r\n{fields}Subject: prova {id}\r\nMessage-ID: <{id}>\r\n\r\nTesto.\r\n").into_bytes()
}

/// The one notice about an id.
#[track_caller]
fn notice<'p>(all: &'p [Piece], id: &str) -> &'p Piece {
    let reference = format!("<{id}>");
    let found: Vec<&Piece> = all.iter().filter(|p| p.reference == reference).collect();
    assert_eq!(found.len(), 1, "{id}: {:?}", found.iter().map(|p| &p.kind).collect::<Vec<_>>());
    found[0]
}

#[test]
fn a_message_with_a_formal_defect_gets_a_notice_and_goes_nowhere() {
    let demo = Demo::start(&[]);
    let to = format!("To: {BRUNO}\r\n");
    // name, From, other fields, recipients, what the reason must name
    let cases = [
        ("from-differs", "protocollo@comune-alfa.example", to.clone(), vec![BRUNO], "protocollo@comune-alfa.example"),
        ("two-from", "anna@comune-alfa.example, mario@studio.example", to.clone(), vec![BRUNO], "From"),
        ("no-to", ANNA, format!("Cc: {BRUNO}\r\n"), vec![BRUNO], "To"),
        ("bcc", ANNA, format!("{to}Bcc: mario@studio.example\r\n"), vec![BRUNO, "mario@studio.example"], "Bcc"),
        ("bcc-alone", ANNA, format!("{to}Bcc: mario@studio.example\r\n"), vec![BRUNO], "Bcc"),
        ("rcpt-not-in-to", ANNA, to.clone(), vec![BRUNO, "ufficio@ente-beta.example"], "ufficio@ente-beta.example"),
    ];
    let mails: Vec<Mail> =
        cases.iter().map(|(id, from, fields, rcpts, _)| Mail::raw(ANNA, rcpts, &letter(from, fields, id))).collect();
    for (answer, case) in demo.submit(&mails).iter().zip(&cases) {
        assert_eq!((answer.step.as_str(), answer.code), ("data", 250), "{}: {}", case.0, answer.text);
    }
    // A good one behind them: when it is there, everything before it would be, too.
    demo.send(ANNA, BRUNO, "good@comune-alfa.example");
    demo.await_kinds(ANNA, "good@comune-alfa.example", &["accettazione", "avvenuta-consegna"]);
    let anna = demo.inbox(ANNA);
    for (id, _, _, _, reason) in &cases {
        let notice = notice(&anna, id);
        assert_eq!(notice.kind, "non-accettazione", "{id}");
        assert_eq!(notice.subject, format!("AVVISO DI NON ACCETTAZIONE: prova {id}"));
        let error = notice.datum("errore-esteso").unwrap_or_default();
        assert!(
            error.contains(reason) && notice.text.contains(reason),
            "{id}: «{error}» does not name {reason}: {}",
            notice.text
        );
        let judged = judge_piece(notice, &demo.info.ca_file);
        assert!(judged.subject.contains("Alfa PEC S.p.A."), "{id}: {}", judged.subject);
        assert!(!String::from_utf8_lossy(&notice.raw()).contains("postacert.eml"), "{id}: must not carry the original");
    }
    for who in [BRUNO, "mario@studio.example", "ufficio@ente-beta.example", "protocollo@comune-alfa.example"] {
        let got: Vec<String> = demo.inbox(who).into_iter().map(|p| p.reference).collect();
        let want = if who == BRUNO { vec!["<good@comune-alfa.example>".to_owned()] } else { Vec::new() };
        assert_eq!(got, want, "{who}");
    }
}

#[test]
fn an_envelope_sender_that_is_not_the_users_is_refused_in_smtp() {
    let demo = Demo::start(&["--without", "beta"]);
    let mut mail = Mail::plain("mario@studio.example", ANNA, "stolen@comune-alfa.example");
    mail.user = ANNA.into();
    for (from, codes) in [("mario@studio.example", 550..554), ("nobody@elsewhere.example", 550..554), ("", 500..600)] {
        mail.mail_from = Some(from.to_owned());
        if from.is_empty() {
            // smtplib sends `<>` for this.
            mail.mail_from = Some("<>".to_owned());
        }
        let answer = &demo.submit(std::slice::from_ref(&mail))[0];
        assert_eq!(answer.step, "mail", "{from}: {answer:?}");
        assert!(codes.contains(&answer.code), "{from}: {answer:?}");
    }
    assert!(demo.inbox(ANNA).is_empty() && demo.inbox("mario@studio.example").is_empty(), "no notice, no message");
}

#[test]
fn an_unknown_mailbox_of_a_certified_domain_gets_a_notice_of_non_delivery() {
    let demo = Demo::start(&[]);
    for (id, to) in [("away", "nessuno@ente-beta.example"), ("here", "nessuno@studio.example")] {
        let id = format!("{id}@comune-alfa.example");
        demo.send(ANNA, to, &id);
        let found = demo.await_kinds(ANNA, &id, &["accettazione", "errore-consegna"]);
        assert_eq!(found.len(), 2, "{found:?}");
        let notice = found.iter().find(|p| p.kind == "errore-consegna").expect("awaited");
        assert_eq!(notice.datum("consegna"), Some(to));
        assert!(notice.daticert.as_deref().is_some_and(|x| x.contains("errore=\"no-dest\"")), "{:?}", notice.daticert);
        judge_piece(notice, &demo.info.ca_file);
    }
}
