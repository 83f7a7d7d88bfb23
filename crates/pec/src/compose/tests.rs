use proptest::prelude::*;
use sigillo_base::{Address, Timestamp};
use sigillo_mime::{Header, Part};
use sigillo_smime::{SignError, SignedData, Signer};

use super::*;
use crate::fixtures::{SUBMITTED, address, facts, id, now, receiver, sender, world};
use crate::{Certification, Draft, Facts, Kind, Provider, ReceiptKind, Signed, access};

mod dsn;
mod english;
mod failures;
mod kinds;
mod subjects;

const TRACE: &str = "Return-Path: <mario@studio.example>\r\n\
     Received: from client (192.0.2.1) by mx.pec.mittente-prov.example\r\n\twith ESMTPSA; Thu, 12 Mar 2026 10:15:01 +0100\r\n";

fn original() -> Vec<u8> {
    access::accepted_original(SUBMITTED.as_bytes(), &facts().id, TRACE).unwrap()
}

fn sign(draft: Draft, source: &[u8]) -> Vec<u8> {
    let w = &world().sender;
    let signed: Signed = draft.sign(source, now(), &w.identity, w.signer.as_ref()).unwrap();
    signed.content.to_bytes(source)
}

/// Readable text, text/plain form, decoded.
fn text_of(message: &[u8], tree: &Part) -> String {
    let plain = tree.walk().find(|p| p.is("text/plain")).unwrap();
    let latin1 = plain.decoded(message, 1 << 20).unwrap();
    latin1.iter().map(|b| char::from(*b)).collect()
}

fn certification_of(message: &[u8], tree: &Part) -> Certification {
    let part = tree.walk().find(|p| p.file_name() == Some("daticert.xml")).unwrap();
    Certification::parse(&part.decoded(message, 1 << 20).unwrap()).unwrap()
}

/// Every kind once, over the facts given, with the texts a user or a peer can choose.
fn every_kind(p: &Provider, f: &Facts, user_text: &str, source: &[u8]) -> Vec<Draft> {
    let at = now();
    let n = |k: &str| id(&format!("{k}@pec.ricevente-prov.example"));
    let anna = address("anna@ente.example");
    let service = address("servizio@pec.mittente-prov.example");
    let delivered = |kind| delivery(p, f, at, n("c"), &anna, kind, kind, source, 0..source.len()).unwrap();
    vec![
        acceptance(p, f, at, n("a")),
        non_acceptance(p, f, at, n("na"), user_text),
        non_acceptance_virus(p, f, at, n("nv"), user_text),
        transport_envelope(p, f, at, ReceiptKind::Brief, source).unwrap(),
        take_charge(p, f, at, n("pc"), &service, std::slice::from_ref(&anna)),
        delivered(ReceiptKind::Complete),
        delivered(ReceiptKind::Brief),
        delivered(ReceiptKind::Concise),
        non_delivery(p, f, at, n("nd"), &anna, NonDelivery::refused(user_text)),
        non_delivery_virus(p, f, at, n("ndv"), &anna, user_text),
        overdue(p, f, at, n("o1"), &anna, Overdue::First),
        overdue(p, f, at, n("o2"), &anna, Overdue::Second),
        virus_detection(p, f, at, n("vd"), &service, &anna, user_text),
        anomaly_envelope(p, at, n("an"), None, std::slice::from_ref(&anna), source, user_text).unwrap(),
    ]
}

/// Field names of a header, in order.
fn names(message: &[u8]) -> Vec<String> {
    let header = Header::parse(message).unwrap();
    header.fields().iter().map(|f| header.name(f).to_owned()).collect()
}

#[test]
fn acceptance_says_what_the_rules_say() {
    let draft = acceptance(&sender(), &facts(), now(), id("a1@pec.mittente-prov.example"));
    assert_eq!(draft.mail_from, Some(sender().service_address));
    assert_eq!(draft.rcpt_to, [facts().sender]);
    let m = sign(draft, b"");
    let tree = sigillo_mime::parse(&m).unwrap();
    assert_eq!(
        text_of(&m, &tree).replace("\r\n", "\n"),
        "Ricevuta di accettazione\n\
         Il giorno 12/03/2026 alle ore 10:15:01 (+0100) il messaggio\n\
         \"Preventivo n. 12 - perché sì & altro\" proveniente da \"mario@studio.example\"\n\
         ed indirizzato a:\n\
         anna@ente.example (\"posta certificata\")\n\
         ufficio@ente.example (\"posta certificata\")\n\
         bruno@posta.example (\"posta ordinaria\")\n\
         è stato accettato dal sistema ed inoltrato.\n\
         Identificativo messaggio: 20260312101501.4a7c31.01@pec.mittente-prov.example\n"
    );
    assert_eq!(
        names(&m),
        [
            "X-Ricevuta",
            "Date",
            "Subject",
            "From",
            "To",
            "Message-ID",
            "X-Riferimento-Message-ID",
            "MIME-Version",
            "Content-Type"
        ]
    );
    let h = Header::parse(&m).unwrap();
    assert_eq!(h.unfolded("X-Ricevuta").unwrap(), "accettazione");
    assert_eq!(h.unfolded("Date").unwrap(), "Thu, 12 Mar 2026 10:15:01 +0100");
    assert_eq!(h.text("Subject").unwrap(), "ACCETTAZIONE: Preventivo n. 12 – perché sì & altro");
    assert_eq!(h.unfolded("From").unwrap(), "posta-certificata@pec.mittente-prov.example");
    assert_eq!(h.unfolded("To").unwrap(), "mario@studio.example");
    assert_eq!(h.unfolded("Message-ID").unwrap(), "<a1@pec.mittente-prov.example>");
    assert_eq!(h.unfolded("X-Riferimento-Message-ID").unwrap(), "<7f3e9a10-22b1-4a@client.studio.example>");
    assert_eq!(certification_of(&m, &tree).to_xml(), {
        let c = Certification::new(crate::Tipo::Accettazione, crate::Errore::Nessuno, &facts(), &sender().name, now());
        c.to_xml()
    });
}

#[test]
fn every_kind_has_the_frame_and_a_good_signature() {
    let source = original();
    let html_tags = ["<html", "<head>", "<title>", "<body>", "<h3>", "<p>", "<br>"];
    for draft in every_kind(&receiver(), &facts(), "Eicar", &source) {
        let kind = draft.kind;
        let anomaly = kind == Kind::AnomalyEnvelope;
        let m = sign(draft, &source);
        assert!(m.windows(2).all(|w| (w[1] == b'\n') == (w[0] == b'\r')), "{kind}: CRLF only");
        assert!(m.is_ascii(), "{kind}");
        let tree = sigillo_mime::parse(&m).unwrap();
        assert!(tree.is("multipart/signed"), "{kind}");
        let param = |name| tree.content_type.param(name);
        assert_eq!(param("protocol"), Some("application/pkcs7-signature"));
        assert_eq!(param("micalg"), Some("sha-256"));
        let [mixed, signature] = tree.children.as_slice() else { panic!("{kind}") };
        assert!(mixed.is("multipart/mixed") && signature.is("application/pkcs7-signature"));
        assert_eq!(signature.file_name(), Some("smime.p7s"));
        let cms = SignedData::parse(&signature.decoded(&m, 1 << 20).unwrap()).unwrap();
        cms.verify(&m[mixed.whole()]).unwrap();
        assert_eq!(cms.signing_time().map(Timestamp::as_secs), Some(now().as_secs()));
        assert_eq!(cms.certificates().len(), 2, "signer and issuer");

        let alternative = &mixed.children[0];
        assert!(alternative.is("multipart/alternative"));
        let [plain, html] = alternative.children.as_slice() else { panic!("{kind}") };
        assert!(plain.is("text/plain") && html.is("text/html"));
        assert_eq!(plain.content_type.param("charset"), Some("iso-8859-1"));
        let html: String = html.decoded(&m, 1 << 20).unwrap().iter().map(|b| char::from(*b)).collect();
        assert!(html_tags.iter().all(|t| html.contains(t)), "{html}");

        let enclosed: Vec<Option<&str>> = mixed.children[1..].iter().map(Part::file_name).collect();
        let with_original = matches!(kind, Kind::TransportEnvelope)
            || kind == Kind::Delivery && !text_of(&m, &tree).contains("sintetica");
        let expected = match (anomaly, with_original) {
            (true, _) => vec![Some("postacert.eml")],
            (_, true) => vec![Some("daticert.xml"), Some("postacert.eml")],
            _ => vec![Some("daticert.xml")],
        };
        assert_eq!(enclosed, expected, "{kind}");
        if !anomaly {
            let c = certification_of(&m, &tree);
            assert_eq!(Kind::of(&c), kind);
            assert!(c.is_complete(), "{kind}");
            assert_eq!(c.facts, facts(), "{kind}");
        }
    }
}

#[test]
fn transport_envelope_keeps_routing_and_original() {
    let source = original();
    let draft = transport_envelope(&sender(), &facts(), now(), ReceiptKind::Complete, &source).unwrap();
    assert_eq!(draft.message_id, facts().id);
    assert_eq!(draft.mail_from, Some(facts().sender));
    assert_eq!(draft.rcpt_to.len(), 3);
    let m = sign(draft, &source);
    let h = Header::parse(&m).unwrap();
    for name in ["Return-Path", "Received", "To", "Cc"] {
        let copied = Header::parse(&source).unwrap();
        let field = |h: &Header<'_>| h.raw(h.first(name).unwrap()).to_vec();
        assert_eq!(field(&h), field(&copied), "{name}");
    }
    assert_eq!(h.unfolded("X-Trasporto").unwrap(), "posta-certificata");
    assert_eq!(h.unfolded("X-TipoRicevuta").unwrap(), "completa");
    assert_eq!(h.unfolded("Reply-To").unwrap(), "mario@studio.example");
    assert_eq!(h.unfolded("Message-ID").unwrap(), facts().id.bracketed());
    let from = h.unfolded("From").unwrap();
    assert_eq!(from, "\"Per conto di: mario@studio.example\" <posta-certificata@pec.mittente-prov.example>");
    let tree = sigillo_mime::parse(&m).unwrap();
    let enclosed = tree.walk().find(|p| p.file_name() == Some("postacert.eml")).unwrap();
    assert_eq!(&m[enclosed.body.clone()], source.as_slice());
    assert_eq!(certification_of(&m, &tree).receipt, Some(ReceiptKind::Complete));
}

#[test]
fn an_original_reply_to_is_copied_and_ours_is_not_added() {
    let submitted = SUBMITTED.replacen("To: ", "Reply-To: a@x.example\r\nReply-To: b@x.example\r\nTo: ", 1);
    let source = access::accepted_original(submitted.as_bytes(), &facts().id, TRACE).unwrap();
    let m = sign(transport_envelope(&sender(), &facts(), now(), ReceiptKind::Complete, &source).unwrap(), &source);
    let h = Header::parse(&m).unwrap();
    let all: Vec<_> = h.mailboxes("Reply-To").unwrap().into_iter().map(|b| b.address.to_string()).collect();
    assert_eq!(all, ["a@x.example", "b@x.example"]);
}

#[test]
fn the_anomaly_envelope_keeps_identifier_and_routing() {
    let p = receiver();
    let anna = [address("anna@ente.example")];
    let make = |from: Option<&Address>| {
        let n = id("x1@pec.ricevente-prov.example");
        anomaly_envelope(&p, now(), n, from, &anna, SUBMITTED.as_bytes(), "firma S/MIME assente").unwrap()
    };
    let bounce = make(None);
    assert_eq!((bounce.mail_from.clone(), bounce.rcpt_to.as_slice()), (None, anna.as_slice()));
    let m = sign(bounce, SUBMITTED.as_bytes());
    let h = Header::parse(&m).unwrap();
    assert_eq!(h.unfolded("Message-ID").unwrap(), "<7f3e9a10-22b1-4a@client.studio.example>");
    assert_eq!(h.unfolded("X-Trasporto").unwrap(), "errore");
    assert!(h.unfolded("From").unwrap().starts_with("\"Per conto di: mario@studio.example\" <posta-cert"));
    assert!(h.text("Subject").unwrap().starts_with("ANOMALIA MESSAGGIO: Preventivo"));
    let tree = sigillo_mime::parse(&m).unwrap();
    assert!(text_of(&m, &tree).contains("per il seguente errore:\r\nfirma S/MIME assente\r\n"));
    let other = address("altri@posta.example");
    assert_eq!(make(Some(&other)).mail_from, Some(other));
}

#[test]
fn codes_stand_in_text_and_data() {
    let ufficio = address("ufficio@ente.example");
    let n = id("x2@pec.ricevente-prov.example");
    let m = sign(non_delivery(&receiver(), &facts(), now(), n, &ufficio, NonDelivery::unknown_mailbox()), b"");
    let tree = sigillo_mime::parse(&m).unwrap();
    let error = "5.1.1 - Gestore Ricevente S.r.l. - indirizzo non valido";
    assert!(text_of(&m, &tree).contains(&format!("è stato rilevato un errore {error}.\r\n")));
    let c = certification_of(&m, &tree);
    assert_eq!((c.error, c.extended_error.as_deref()), (crate::Errore::NoDest, Some(error)));
    assert_eq!(c.delivered, Some(ufficio));
}

#[test]
fn eight_bit_originals_are_labelled() {
    let submitted = SUBMITTED.replace("In allegato.", "Perch\u{e9} s\u{ec}");
    let draft = transport_envelope(&sender(), &facts(), now(), ReceiptKind::Complete, submitted.as_bytes()).unwrap();
    assert!(draft.eight_bit);
    let m = sign(draft, submitted.as_bytes());
    let tree = sigillo_mime::parse(&m).unwrap();
    let enclosed = tree.walk().find(|p| p.file_name() == Some("postacert.eml")).unwrap();
    for part in [&tree, &tree.children[0], enclosed] {
        assert_eq!(part.encoding, sigillo_mime::Encoding::EightBit);
    }
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    let source = original();
    let bytes = |d: Vec<Draft>| d.into_iter().map(|d| sign(d, &source)).collect::<Vec<_>>();
    assert_eq!(
        bytes(every_kind(&receiver(), &facts(), "x", &source)),
        bytes(every_kind(&receiver(), &facts(), "x", &source))
    );
}

#[test]
fn a_boundary_that_occurs_in_the_original_is_not_taken() {
    let n = || id("b1@pec.ricevente-prov.example");
    let anna = address("anna@ente.example");
    let make = |source: &[u8]| {
        let (p, complete) = (receiver(), ReceiptKind::Complete);
        delivery(&p, &facts(), now(), n(), &anna, complete, complete, source, 0..source.len()).unwrap()
    };
    let first = make(SUBMITTED.as_bytes()).boundary;
    let hostile = format!("{SUBMITTED}--{first}\r\n--{}\r\n", first.replace(".s", ".m"));
    let second = make(hostile.as_bytes());
    assert_ne!(second.boundary, first);
    let m = sign(second, hostile.as_bytes());
    let tree = sigillo_mime::parse(&m).unwrap();
    let enclosed = tree.walk().find(|p| p.file_name() == Some("postacert.eml")).unwrap();
    assert_eq!(&m[enclosed.body.clone()], hostile.as_bytes());
}

#[test]
fn a_signature_of_another_draft_is_not_put_in_place() {
    let w = &world().sender;
    let make = |n: &str| acceptance(&sender(), &facts(), now(), id(n));
    let (one, two) = (make("one@x.example"), make("two@x.example"));
    let foreign = one.to_be_signed(b"", now(), &w.identity);
    two.to_be_signed(b"", now(), &w.identity);
    let signature = w.signer.sign(&foreign).unwrap();
    assert!(matches!(two.seal(&foreign, &signature, &w.identity), Err(crate::Error::ForeignSignature)));
    assert!(matches!(
        make("three@x.example").seal(&foreign, &signature, &w.identity),
        Err(crate::Error::ForeignSignature)
    ));
    assert!(one.seal(&foreign, &signature, &w.identity).is_ok());
}

#[test]
fn a_signer_that_fails_says_whether_to_try_again() {
    struct Broken;
    impl Signer for Broken {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
            Err(SignError { temporary: true, message: "HSM".into() })
        }
    }
    let draft = acceptance(&sender(), &facts(), now(), id("f@x.example"));
    let failed = draft.sign(b"", now(), &world().sender.identity, &Broken);
    assert!(failed.is_err_and(|e| e.is_temporary()));
}

#[test]
fn a_range_outside_the_source_is_an_error() {
    let anna = address("anna@ente.example");
    let (p, f, kind) = (receiver(), facts(), ReceiptKind::Complete);
    let made = delivery(&p, &f, now(), id("r@x.example"), &anna, kind, kind, b"abc", 1..9);
    assert!(matches!(made, Err(crate::Error::Range)));
}

#[test]
fn a_message_without_subject_gives_the_prefix_alone() {
    let f = Facts { subject: None, msgid: None, ..facts() };
    let m = sign(acceptance(&sender(), &f, now(), id("s@x.example")), b"");
    assert!(String::from_utf8(m.clone()).unwrap().contains("\r\nSubject: ACCETTAZIONE: \r\n"));
    assert!(!names(&m).iter().any(|n| n == "X-Riferimento-Message-ID"));
    let tree = sigillo_mime::parse(&m).unwrap();
    assert_eq!(certification_of(&m, &tree).facts, f);
}

fn hostile() -> impl Strategy<Value = String> {
    let markup = "(<script>|</p>|&|\"|'|<|>|\r\n|\n|\r|\0|--|=_|Bcc: a@b.example|\u{85}|\u{2028}|é|漢|%|\\PC){0,12}";
    proptest::string::string_regex(markup).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_a_user_wrote_becomes_structure(subject in hostile(), msgid in hostile(), reply in hostile(), text in hostile(), name in hostile(), english: bool) {
        let f = Facts { subject: Some(subject), msgid: Some(msgid), reply_to: reply, ..facts() };
        let p = Provider { name, english, ..sender() };
        let source = original();
        let issuer = Provider { english, ..receiver() };
        let mut drafts = every_kind(&issuer, &f, &text, &source);
        drafts.push(acceptance(&p, &f, now(), id("h@x.example")));
        for draft in drafts {
            let kind = draft.kind;
            // The header and the readable part come from here; the enclosed original is what it is.
            let header = [draft.header.as_slice(), b"\r\n"].concat();
            let plain = every_kind(&issuer, &facts(), "x", &source).into_iter().find(|d| d.kind == kind).unwrap();
            let mut expected = names(&plain.header);
            if f.msgid.as_deref().is_none_or(|m| crate::texts::line(m).trim().is_empty()) {
                expected.retain(|n| n != "X-Riferimento-Message-ID");
            }
            let mut found = names(&header);
            if !expected.contains(&"X-Riferimento-Message-ID".to_owned()) {
                found.retain(|n| n != "X-Riferimento-Message-ID");
            }
            prop_assert_eq!(found, expected, "{}", kind);
            prop_assert!(draft.header.is_ascii());
            let entity = draft.entity.to_bytes(&source);
            let tree = sigillo_mime::parse(&entity).unwrap();
            let html = tree.walk().find(|p| p.is("text/html")).unwrap().decoded(&entity, 1 << 20).unwrap();
            let html: String = html.iter().map(|b| char::from(*b)).collect();
            let lines = |d: &Draft, source: &[u8]| {
                let entity = d.entity.to_bytes(source);
                let tree = sigillo_mime::parse(&entity).unwrap();
                text_of(&entity, &tree).lines().count()
            };
            prop_assert_eq!(lines(&draft, &source), lines(&plain, &source), "{}", kind);
            prop_assert_eq!(html.matches('<').count(), html.matches('>').count());
            prop_assert!(!html.contains("<script") && html.matches("</p>").count() == 1 + usize::from(english), "{}", html);
        }
    }
}
