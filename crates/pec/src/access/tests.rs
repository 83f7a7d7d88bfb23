use proptest::prelude::*;

use super::*;
use crate::fixtures::{SUBMITTED, address, facts, id};
use sigillo_base::limits::MB;

mod lists;
mod table;

fn policy() -> Policy {
    Policy {
        max_message: 30 * MB,
        max_recipients: 500,
        size_times_recipients: None,
        header_recipients_must_be_rcpt: true,
        certified_only: false,
    }
}

fn class(a: &Address) -> RecipientClass {
    if a.domain().as_str() == "ente.example" { RecipientClass::Certified } else { RecipientClass::External }
}

fn run(from: &str, to: &[&str], message: &str, policy: &Policy) -> Examined {
    let (from, to): (_, Vec<_>) = (address(from), to.iter().map(|t| address(t)).collect());
    let s = Submission { from: &from, to: &to, lists: &[], message: message.as_bytes() };
    examine(&s, &class, policy, facts().id)
}

const TO: [&str; 3] = ["anna@ente.example", "ufficio@ente.example", "bruno@posta.example"];

fn mario(message: &str) -> Vec<Defect> {
    run("mario@studio.example", &TO, message, &policy()).defects
}

#[test]
fn a_good_message_gives_the_facts() {
    let e = run("mario@studio.example", &TO, SUBMITTED, &policy());
    assert_eq!(e.defects, []);
    assert!(e.is_accepted());
    assert_eq!(e.facts, facts());
    assert_eq!((e.receipt, e.requested), (ReceiptKind::Complete, None));
}

#[test]
fn each_check_of_the_rules() {
    let with = |from: &str, to: &str| mario(&SUBMITTED.replacen(from, to, 1));
    let named = "From: Mario Rossi <mario@studio.example>\r\n";
    // 3: RFC 5322
    assert!(matches!(with("From:", "From :").as_slice(), [Defect::Unreadable(_)]));
    assert_eq!(with("Subject: ", "Subject: \u{e8}"), [Defect::NotAscii("Subject".into())]);
    assert_eq!(with("Subject: ", &format!("X-A: {}\r\nSubject: ", "x".repeat(995))), [Defect::LongLine("X-A".into())]);
    assert_eq!(with("Subject: ", &format!("X-A: {}\r\nSubject: ", "x".repeat(993))), []);
    let long = format!("Message-ID: <{}@x>\r\n", "i".repeat(900));
    assert_eq!(with("Message-ID: <7f3e9a10-22b1-4a@client.studio.example>\r\n", &long).len(), 1);
    assert_eq!(with("Subject: ", "Subject: a\r\nSubject: "), [Defect::Repeated("Subject".into())]);
    assert!(matches!(with("Cc: Ufficio <", "Cc: Ufficio <<").as_slice(), [Defect::BadAddresses { .. }]));
    assert_eq!(with("To: ", "Reply-To: a@x.example\r\nReply-To: b@x.example\r\nTo: "), []);
    // 4: one From
    assert_eq!(with(named, ""), [Defect::NoFrom]);
    assert_eq!(with(named, "From: \r\n"), [Defect::NoFrom]);
    assert_eq!(with(named, "From: mario@studio.example, a@x.example\r\n"), [Defect::ManyFrom(2)]);
    assert_eq!(with(named, "From: g: mario@studio.example;\r\n"), [Defect::GroupFrom]);
    // 5: To, and Cc alone is not enough
    let no_to = with("To: anna@ente.example, bruno@posta.example", "X: y");
    assert_eq!(no_to[0], Defect::NoTo);
    assert_eq!(
        run(
            "mario@studio.example",
            &TO[1..2],
            &SUBMITTED.replacen("To: anna@ente.example, bruno@posta.example", "To:", 1),
            &policy()
        )
        .defects,
        [Defect::NoTo]
    );
    // 6: From is MAIL FROM, without case
    assert_eq!(with(named, "From: \"x\" <MARIO@Studio.Example>\r\n"), []);
    let other = with(named, "From: luigi@studio.example\r\n");
    assert!(matches!(other.as_slice(), [Defect::FromDiffers { .. }]));
    // 8: Bcc
    assert_eq!(with("Subject: ", "Bcc: \r\n\t\r\nSubject: "), []);
    assert_eq!(with("Subject: ", "Bcc: a@x.example\r\nSubject: "), [Defect::Bcc]);
}

#[test]
fn recipients_and_header_must_coincide() {
    let missing = SUBMITTED.replacen(", bruno@posta.example", "", 1);
    let defects = mario(&missing);
    assert_eq!(defects, [Defect::NotInHeader(address("bruno@posta.example"))]);
    assert_eq!(defects[0].to_string(), "il destinatario bruno@posta.example non compare nei campi To o Cc");
    let extra = run("mario@studio.example", &TO[..2], SUBMITTED, &policy());
    assert_eq!(extra.defects, [Defect::NotRecipient(address("bruno@posta.example"))]);
    let lax = Policy { header_recipients_must_be_rcpt: false, ..policy() };
    assert_eq!(run("mario@studio.example", &TO[..2], SUBMITTED, &lax).defects, []);
    let doubled = [&TO[..], &["ANNA@ente.example"]].concat();
    let e = run("mario@studio.example", &doubled, SUBMITTED, &policy());
    assert_eq!((e.defects.len(), e.facts.recipients.len()), (0, 3), "a recipient named twice is one");
    assert_eq!(run("mario@studio.example", &[], SUBMITTED, &lax).defects, [Defect::NoRecipient]);
}

#[test]
fn limits_by_policy() {
    let size = SUBMITTED.len() as u64;
    let with = |p: Policy| run("mario@studio.example", &TO, SUBMITTED, &p).defects;
    assert_eq!(with(Policy { max_message: size, ..policy() }), []);
    assert_eq!(with(Policy { max_message: size - 1, ..policy() }), [Defect::TooLarge { size, limit: size - 1 }]);
    assert_eq!(with(Policy { max_recipients: 3, ..policy() }), []);
    assert_eq!(with(Policy { max_recipients: 2, ..policy() }), [Defect::TooManyRecipients { count: 3, limit: 2 }]);
    assert_eq!(with(Policy { size_times_recipients: Some(size * 3), ..policy() }), []);
    let limit = size * 3 - 1;
    let defects = with(Policy { size_times_recipients: Some(limit), ..policy() });
    assert_eq!(defects, [Defect::TooMuch { product: size * 3, limit }]);
}

#[test]
fn the_receipt_asked_for() {
    let asked = |word: &str| {
        let message = SUBMITTED.replacen("Subject: ", &format!("x-tiporicevuta: {word}\r\nSubject: "), 1);
        let e = run("mario@studio.example", &TO, &message, &policy());
        assert_eq!(e.receipt, e.requested.unwrap_or(ReceiptKind::Complete));
        e.requested
    };
    assert_eq!(asked("breve"), Some(ReceiptKind::Brief));
    assert_eq!(asked(" SINTETICA "), Some(ReceiptKind::Concise));
    assert_eq!(asked("completa"), Some(ReceiptKind::Complete));
    assert_eq!(asked("lunga"), None);
}

#[test]
fn facts_of_a_refused_message_are_still_there() {
    let e = run("mario@studio.example", &TO, "nonsense", &policy());
    assert!(matches!(e.defects.as_slice(), [Defect::Unreadable(_)]));
    assert_eq!((e.facts.recipients.len(), e.facts.subject, e.facts.msgid), (3, None, None));
    assert_eq!(e.facts.reply_to, "mario@studio.example");
}

#[test]
fn reasons_are_cut() {
    let many: Vec<String> = (0..40).map(|i| format!("r{i}@ente.example")).collect();
    let to: Vec<&str> = many.iter().map(String::as_str).collect();
    let reasons = run("mario@studio.example", &to, SUBMITTED, &policy()).reasons();
    assert_eq!(reasons.matches("; ").count(), 10, "{reasons}");
    assert!(reasons.ends_with("e altri 33 problemi"), "{reasons}");
}

#[test]
fn reply_to_addresses_are_joined() {
    let message = SUBMITTED.replacen("To: ", "Reply-To: A <a@x.example>,\r\n b@x.example\r\nTo: ", 1);
    assert_eq!(run("mario@studio.example", &TO, &message, &policy()).facts.reply_to, "a@x.example, b@x.example");
}

#[test]
fn the_accepted_original_differs_by_its_identifier_only() {
    let out = accepted_original(SUBMITTED.as_bytes(), &id("new@x.example"), "Received: y\r\n").unwrap();
    let (head, body) = SUBMITTED.split_once("\r\n\r\n").unwrap();
    let head = head.replacen("<7f3e9a10-22b1-4a@client.studio.example>", "<new@x.example>", 1);
    let reference = "X-Riferimento-Message-ID: <7f3e9a10-22b1-4a@client.studio.example>";
    assert_eq!(String::from_utf8(out).unwrap(), format!("Received: y\r\n{head}\r\n{reference}\r\n\r\n{body}"));
}

#[test]
fn the_accepted_original_of_odd_messages() {
    let with = |m: &str| String::from_utf8(accepted_original(m.as_bytes(), &id("n@x"), "").unwrap()).unwrap();
    assert_eq!(with("A: b\r\n\r\nx"), "A: b\r\nMessage-ID: <n@x>\r\n\r\nx");
    assert_eq!(with("A: b\r\n"), "A: b\r\nMessage-ID: <n@x>\r\n");
    assert_eq!(
        with("message-id:\r\n <q>\r\nA: b\r\n\r\n"),
        "Message-ID: <n@x>\r\nA: b\r\nX-Riferimento-Message-ID:\r\n <q>\r\n\r\n"
    );
    assert_eq!(with("Message-ID:\r\nA: b\r\n\r\n"), "Message-ID: <n@x>\r\nA: b\r\n\r\n");
    assert_eq!(with("\r\nbody"), "Message-ID: <n@x>\r\n\r\nbody");
    assert!(accepted_original(b"no header", &id("n@x"), "").is_err());
}

proptest! {
    #[test]
    fn any_message_is_examined(head in "[ -~\r\n\u{e9}\0]{0,200}", body in "\\PC{0,40}") {
        let message = format!("From: mario@studio.example\r\n{head}\r\n\r\n{body}");
        let e = run("mario@studio.example", &TO, &message, &policy());
        for text in [e.facts.subject.as_deref(), e.facts.msgid.as_deref(), Some(&e.facts.reply_to), Some(&e.reasons())].into_iter().flatten() {
            prop_assert!(!text.contains(['\r', '\n', '\0']), "{:?}", text);
        }
        if let Ok(out) = accepted_original(message.as_bytes(), &facts().id, "") {
            let bytes: &[u8] = &out;
            prop_assert!(bytes.ends_with(body.as_bytes()));
        }
    }
}
