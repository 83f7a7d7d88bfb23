use std::time::Duration;

use proptest::prelude::*;
use sigillo_base::PecId;
use sigillo_mime::{Composed, write};
use sigillo_smime::authority::Revoked;

use super::*;
use crate::compose;
use crate::deadline::Overdue;
use crate::fixtures::{
    HOUR, SUBMITTED, World, address, certifying, envelope, envelope_draft, facts, forged, id, now, original, sender,
    sign, trust, with_header, world,
};
use crate::{Certification, Errore, Tipo};

mod decisions;
mod round_trip;

fn later() -> Timestamp {
    now().plus(Duration::from_secs(60))
}

fn ours() -> Vec<Address> {
    vec![address("anna@ente.example"), address("ufficio@ente.example")]
}

fn judged(message: &[u8]) -> Judgement {
    judge(message, Some(&facts().sender), &ours(), &world().index, &trust(&[]), later())
}

fn malformed(message: &[u8]) -> String {
    match judged(message) {
        Judgement::Malformed { provider, reason } => {
            assert_eq!(provider, sender().name);
            reason
        }
        other => panic!("{other:?}"),
    }
}

fn ordinary(judgement: Judgement) -> String {
    match judgement {
        Judgement::Ordinary { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_valid_envelope() {
    let m = [b"Received: from a by b\r\n".as_slice(), &envelope()].concat();
    let Judgement::Envelope(i) = judged(&m) else { panic!("{:?}", judged(&m)) };
    assert_eq!(i.certification.facts, facts());
    assert_eq!((i.provider.as_str(), i.kind), (sender().name.as_str(), Kind::TransportEnvelope));
    assert_eq!(i.mail_receipt.as_str(), "servizio@pec.mittente-prov.example");
    assert_eq!(i.message_id, facts().id.as_str());
    assert_eq!(&m[i.original.clone().unwrap()], original().as_slice());
    assert_eq!(i.signer.sha1_hex(), world().sender.identity.certificate.sha1_hex());
    assert_eq!(i.requested, ReceiptKind::Brief);
    assert_eq!(i.receipt_kind_for(&address("ANNA@ente.example")), ReceiptKind::Brief);
    assert_eq!(i.receipt_kind_for(&address("ufficio@ente.example")), ReceiptKind::Concise, "Cc");
    assert_eq!(i.receipt_kind_for(&address("altri@ente.example")), ReceiptKind::Brief, "in neither");
}

#[test]
fn what_receipt_is_asked_for() {
    let kind = |m: &[u8]| match judged(m) {
        Judgement::Envelope(i) => i.requested,
        other => panic!("{other:?}"),
    };
    let m = envelope();
    assert_eq!(kind(&with_header(&m, "X-TipoRicevuta: breve", "x-tiporicevuta: SINTETICA")), ReceiptKind::Concise);
    assert_eq!(kind(&with_header(&m, "X-TipoRicevuta: breve\r\n", "")), ReceiptKind::Brief, "daticert.xml says so");
    let neither = certifying(|c| c.receipt = None);
    assert_eq!(kind(&with_header(&neither, "X-TipoRicevuta: breve\r\n", "")), ReceiptKind::Complete);
}

#[test]
fn who_is_in_both_fields_is_primary() {
    let m = with_header(&envelope(), "To: anna@", "To: ufficio@ente.example, anna@");
    let Judgement::Envelope(i) = judged(&m) else { panic!() };
    assert_eq!(i.receipt_kind_for(&address("ufficio@ente.example")), ReceiptKind::Brief);
}

#[test]
fn receipts_and_notices() {
    let (p, f, at) = (sender(), facts(), now());
    let n = || id("r1@pec.mittente-prov.example");
    let anna = address("anna@ente.example");
    let source = original();
    let complete = ReceiptKind::Complete;
    let drafts = [
        compose::take_charge(&p, &f, at, n(), &anna, std::slice::from_ref(&anna)),
        compose::delivery(&p, &f, at, n(), &anna, complete, complete, &source, 0..source.len()).unwrap(),
        compose::delivery(&p, &f, at, n(), &anna, complete, ReceiptKind::Concise, &source, 0..0).unwrap(),
        compose::non_delivery(&p, &f, at, n(), &anna, compose::NonDelivery::mailbox_full()),
        compose::non_delivery_virus(&p, &f, at, n(), &anna, "Eicar"),
        compose::virus_detection(&p, &f, at, n(), &anna, &anna, "Eicar"),
        compose::overdue(&p, &f, at, n(), &anna, Overdue::Second),
        compose::acceptance(&p, &f, at, n()),
    ];
    for draft in drafts {
        let (kind, service) = (draft.kind, draft.mail_from.clone());
        let m = sign(draft, &source);
        let judgement = judge(&m, service.as_ref(), &[], &world().index, &trust(&[]), later());
        let Judgement::Receipt(i) = judgement else { panic!("{kind}: {judgement:?}") };
        assert_eq!(i.kind, kind);
        assert_eq!(i.message_id, "r1@pec.mittente-prov.example");
        assert_eq!(i.certification.facts, facts());
    }
}

#[test]
fn no_signature_or_a_broken_one() {
    assert_eq!(ordinary(judged(b"nonsense")), odd::UNREADABLE);
    assert_eq!(ordinary(judged(SUBMITTED.as_bytes())), odd::UNSIGNED);
    let m = envelope();
    let broken = with_header(&m, "fattura.pdf", "Fattura.pdf");
    assert_eq!(ordinary(judged(&broken)), odd::BROKEN);
    let garbled = with_header(&m, "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\nMII", "\r\n!!!!");
    assert_eq!(ordinary(judged(&garbled)), odd::SIGNATURE_FORM);
    let header = with_header(&m, "multipart/signed", "multipart/mixed");
    assert_eq!(ordinary(judged(&header)), odd::UNSIGNED);
}

#[test]
fn origin_validity_and_revocation() {
    let m = envelope();
    let w = world();
    let run = |index: &Index, trust: &Trust, at| judge(&m, Some(&facts().sender), &ours(), index, trust, at);
    let strangers = Index::new(w.index.entries()[1..].to_vec());
    assert_eq!(ordinary(run(&strangers, &trust(&[]), later())), odd::UNKNOWN_SIGNER);
    let certificate = &w.sender.identity.certificate;
    let revoked = Revoked { serial_hex: certificate.serial_hex(), at: now() };
    assert_eq!(ordinary(run(&w.index, &trust(&[revoked]), later())), odd::REVOKED);
    let nobody = Trust::new(Vec::new(), Vec::new());
    assert_eq!(ordinary(run(&w.index, &nobody, later())), odd::UNTRUSTED);
    let stale = run(&w.index, &trust(&[]), now().plus(HOUR * 24 * 30));
    assert!(matches!(stale, Judgement::Undecided { .. }), "{stale:?}");
    let no_crl = Trust::new(vec![w.authority.certificate()], Vec::new());
    assert!(matches!(run(&w.index, &no_crl, later()), Judgement::Undecided { .. }));
    let expired = run(&w.index, &trust(&[]), certificate.not_after().plus(HOUR * 25));
    assert_eq!(ordinary(expired), odd::EXPIRED);
}

#[test]
fn a_certificate_that_expired_on_the_way_is_tolerated_for_a_day() {
    let World { authority, sender: s, index, .. } = world();
    let end = s.identity.certificate.not_after();
    let crl = authority.crl(&[], end.plus(HOUR), end.plus(HOUR * 48), 2).unwrap();
    let older = authority.crl(&[], now(), end.plus(HOUR * 48), 1).unwrap();
    let lists = [older, crl].iter().map(|der| sigillo_smime::Crl::from_der(der).unwrap()).collect();
    let trust = Trust::new(vec![authority.certificate()], lists);
    let run = |hours| judge(&envelope(), Some(&facts().sender), &ours(), index, &trust, end.plus(HOUR * hours));
    assert!(matches!(run(2), Judgement::Envelope(_)), "{:?}", run(2));
    assert_eq!(ordinary(run(25)), odd::EXPIRED);
}

/// An authority's lists do not wait for a certificate's end, and the one of that hour is gone with the next.
#[test]
fn a_list_made_after_the_end_of_a_certificate_tolerates_it_unless_it_names_it() {
    let World { authority, sender: s, index, .. } = world();
    let end = s.identity.certificate.not_after();
    let serial_hex = s.identity.certificate.serial_hex();
    let run = |revoked: &[Revoked]| {
        let crl = authority.crl(revoked, end.plus(HOUR), end.plus(HOUR * 48), 2).unwrap();
        let trust = Trust::new(vec![authority.certificate()], vec![sigillo_smime::Crl::from_der(&crl).unwrap()]);
        judge(&envelope(), Some(&facts().sender), &ours(), index, &trust, end.plus(HOUR * 2))
    };
    assert!(matches!(run(&[]), Judgement::Envelope(_)), "{:?}", run(&[]));
    assert_eq!(ordinary(run(&[Revoked { serial_hex, at: now() }])), odd::REVOKED);
}

#[test]
fn malformed_headers() {
    let m = envelope();
    let with = |from: &str, to: &str| malformed(&with_header(&m, from, to));
    let service = "posta-certificata@pec.mittente-prov.example";
    assert_eq!(with(service, "altra@pec.mittente-prov.example"), odd::FROM_NOT_SAN);
    assert_eq!(with("From: ", "From: a@b.example, "), odd::FROM);
    assert_eq!(with("X-Trasporto: posta-certificata\r\n", ""), odd::NO_HEADER);
    assert_eq!(with("X-Trasporto: posta-certificata", "X-Ricevuta: avvenuta-consegna"), odd::HEADER_NOT_TIPO);
    assert_eq!(with("X-Trasporto: posta-certificata", "X-Trasporto: errore"), odd::ANOMALY);
    assert_eq!(with("X-Trasporto: ", "X-Ricevuta: accettazione\r\nX-Trasporto: "), odd::BOTH_HEADERS);
    assert_eq!(with("Message-ID: <2026", "Message-ID: <2025"), odd::ID);
    assert_eq!(with("X-Riferimento-Message-ID: <7f", "X-Riferimento-Message-ID: <8f"), odd::REFERENCE);
    let elsewhere = Index::new(vec![crate::index::Entry {
        domains: vec!["studio.example".parse().unwrap()],
        ..world().index.entries()[0].clone()
    }]);
    let judgement = judge(&m, Some(&facts().sender), &ours(), &elsewhere, &trust(&[]), later());
    assert!(matches!(&judgement, Judgement::Malformed { reason, .. } if reason == odd::FROM_DOMAIN), "{judgement:?}");
}

#[test]
fn malformed_content() {
    let with = |from: &'static str, to: &'static str| malformed(&forged(|e| e.replace(from, to)));
    assert_eq!(with("multipart/mixed; boundary=\"=_", "multipart/related; boundary=\"=_"), odd::NOT_MIXED);
    assert_eq!(with("Content-Type: multipart/alternative", "Content-Type: multipart/parallel"), odd::NO_TEXT);
    assert_eq!(with("daticert.xml", "altro.xml"), odd::NO_DATICERT);
    assert_eq!(with("application/xml", "application/pdf"), odd::NO_DATICERT);
    assert_eq!(with("postacert.eml", "daticert.xml"), odd::MANY_DATICERT);
    assert_eq!(with("postacert.eml", "altro.eml"), odd::NO_ORIGINAL);
    assert_eq!(with("Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding: base64"), odd::ORIGINAL_CODING);
    assert!(with("PD94bWwg", "PD94bWwh").starts_with("daticert.xml: "));
    assert_eq!(malformed(&certifying(|c| c.facts.msgid = None)), odd::REFERENCE);
    assert_eq!(malformed(&certifying(|c| c.kind = Tipo::Accettazione)), odd::HEADER_NOT_TIPO);
    assert_eq!(malformed(&certifying(|c| c.facts.id = PecId::parse("x@y").unwrap())), odd::ID);
    assert_eq!(malformed(&certifying(|c| c.facts.sender = address("x@y.example"))), odd::FOREIGN_SENDER);
    assert_eq!(malformed(&certifying(|c| drop(c.facts.recipients.drain(..2)))), odd::RECIPIENTS);
    let hidden = "<!DOCTYPE postacert [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let (draft, _) = envelope_draft();
    let xml = draft.certification.unwrap().to_xml();
    let bad = xml.replace("?>\n", &format!("?>\n{hidden}"));
    let lines = |x: &str| write::base64_lines(x.as_bytes());
    assert_eq!(malformed(&forged(|e| e.replace(&lines(&xml), &lines(&bad)))), "daticert.xml: DOCTYPE non ammesso");
}

#[test]
fn notices_must_carry_their_data_and_no_original() {
    let draft = || {
        let n = id("r1@pec.mittente-prov.example");
        compose::overdue(&sender(), &facts(), now(), n, &address("anna@ente.example"), Overdue::First)
    };
    let changed = |change: &dyn Fn(&mut Certification), add: &str| {
        let mut d = draft();
        let before = d.certification.clone().unwrap();
        let mut after = before.clone();
        change(&mut after);
        let lines = |c: &Certification| write::base64_lines(c.to_xml().as_bytes());
        let entity = String::from_utf8(d.entity.to_bytes(b"")).unwrap().replace(&lines(&before), &lines(&after));
        let end = entity.rfind("\r\n--=_").unwrap();
        let boundary = entity[end..].trim().trim_end_matches("--").to_owned();
        let added = if add.is_empty() { String::new() } else { format!("\r\n{boundary}\r\n{add}") };
        d.entity = Composed::default();
        d.entity.own(format!("{}{added}{}", &entity[..end], &entity[end..]));
        sign(d, b"")
    };
    assert_eq!(malformed(&changed(&|c| c.delivered = None, "")), odd::DATICERT_FIELDS);
    let enclosed = "Content-Type: message/rfc822; name=\"postacert.eml\"\r\n\r\nA: b\r\n";
    assert_eq!(malformed(&changed(&|_| {}, enclosed)), odd::ORIGINAL_FORBIDDEN);
    assert!(matches!(judged(&changed(&|c| c.error = Errore::Nessuno, "")), Judgement::Receipt(_)), "read liberally");
}

#[test]
fn smtp_must_say_the_same() {
    let m = envelope();
    let run = |from: Option<&Address>, to: &[Address]| judge(&m, from, to, &world().index, &trust(&[]), later());
    let (mario, other) = (facts().sender, address("altri@ente.example"));
    for (from, to) in
        [(None, ours()), (Some(&other), ours()), (Some(&mario), vec![other.clone()]), (Some(&mario), vec![])]
    {
        assert!(matches!(run(from, &to), Judgement::Malformed { .. }));
    }
    let upper = address("MARIO@STUDIO.example");
    assert!(matches!(run(Some(&upper), &[other.clone(), address("Anna@ente.example")]), Judgement::Envelope(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_damage_is_judged_and_never_certified_differently(at: prop::sample::Index, byte: u8, cut: bool) {
        let good = envelope();
        let mut m = good.clone();
        let at = at.index(m.len());
        if cut {
            m.truncate(at);
        } else {
            m[at] = byte;
        }
        if let Judgement::Envelope(i) = judged(&m) {
            prop_assert_eq!(i.certification.facts, facts());
            prop_assert_eq!(m[i.original.unwrap()].to_vec(), original());
        }
    }

    #[test]
    fn any_bytes_are_judged(head in "[ -~\r\n]{0,200}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let top = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n";
        let m = [top.as_bytes(), head.as_bytes(), b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n", &body].concat();
        let answered = matches!(judged(&m), Judgement::Ordinary { .. });
        prop_assert!(answered);
        let plain = matches!(judged(&body), Judgement::Ordinary { .. });
        prop_assert!(plain);
    }
}
