//! The decision table of the incoming point (RFC 6109 §2.2.2; pec rules 1.5 and 14.2), one test for each case. Other
//! digests and BER, which need a foreign signer, are in `tests/tests/goldens/foreign.rs`.

use sigillo_smime::{Crl, Identity, KeySigner};

use super::*;
use crate::fixtures::Signing;
use crate::index::Entry;

fn with_index(message: &[u8], index: &Index) -> Judgement {
    judge(message, Some(&facts().sender), &ours(), index, &trust(&[]), later())
}

fn is_envelope(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Envelope(_))
}

/// The envelope signed by somebody else.
fn signed_by(identity: &Identity, signer: &KeySigner, at: Timestamp) -> Vec<u8> {
    let (draft, source) = envelope_draft();
    draft.sign(&source, at, identity, signer).unwrap().content.to_bytes(&source)
}

/// A certificate of the same authority.
fn another(name: &str, service: &Address, from: Timestamp, until: Timestamp) -> Signing {
    let authority = &world().authority;
    // The key of the sender's provider, since a new one takes its time.
    let key = &world().sender.issued.key_pem;
    let issued = authority.issue_pec_with_key(key, name, service, from, until).unwrap();
    let identity = Identity { certificate: issued.certificate(), chain: vec![authority.certificate()] };
    Signing { identity, signer: std::sync::Arc::new(issued.signer().unwrap()), issued }
}

/// The directory with the sender's record changed.
fn listing(change: impl FnOnce(&mut Entry)) -> Index {
    let mut entries = world().index.entries().to_vec();
    change(&mut entries[0]);
    Index::new(entries)
}

#[test]
fn row_valid_is_taken_charge_of() {
    assert!(is_envelope(&judged(&envelope())));
}

#[test]
fn row_unsigned_is_ordinary() {
    assert_eq!(ordinary(judged(SUBMITTED.as_bytes())), odd::UNSIGNED);
    // A header that only says so, too.
    let says = SUBMITTED.replacen("Subject: ", "X-Trasporto: posta-certificata\r\nSubject: ", 1);
    assert_eq!(ordinary(judged(says.as_bytes())), odd::UNSIGNED);
}

#[test]
fn row_one_byte_altered_is_ordinary() {
    for place in ["fattura.pdf", "Il giorno", "PD94bWwg", "JVBERi0xLjQK"] {
        let mut m = envelope();
        let at = m.windows(place.len()).position(|w| w == place.as_bytes()).unwrap();
        m[at] ^= 1;
        assert_eq!(ordinary(judged(&m)), odd::BROKEN, "{place}");
    }
}

#[test]
fn row_right_authority_but_not_in_the_index_is_ordinary() {
    let stranger = another("Un altro S.p.A.", &sender().service_address, now(), now().plus(HOUR * 24));
    let m = signed_by(&stranger.identity, &stranger.signer, now());
    assert_eq!(ordinary(judged(&m)), odd::UNKNOWN_SIGNER);
}

#[test]
fn row_in_the_index_but_of_another_authority_is_ordinary() {
    let from_nowhere = Trust::new(Vec::new(), Vec::new());
    let judgement = judge(&envelope(), Some(&facts().sender), &ours(), &world().index, &from_nowhere, later());
    assert_eq!(ordinary(judgement), odd::UNTRUSTED);
}

/// A certificate that ended an hour before it was used, or while the message was on its way.
#[test]
fn row_expired_is_ordinary_and_tolerated_only_when_it_was_signed_in_time() {
    let end = now().plus(HOUR);
    let short = another(&sender().name, &sender().service_address, now(), end);
    let index = listing(|e| e.certificates.push(short.identity.certificate.clone()));
    let judged_at = |m: &[u8], at| judge(m, Some(&facts().sender), &ours(), &index, &trust(&[]), at);
    let in_time = signed_by(&short.identity, &short.signer, now());
    assert!(is_envelope(&judged_at(&in_time, end.plus(HOUR * 23))));
    assert_eq!(ordinary(judged_at(&in_time, end.plus(HOUR * 25))), odd::EXPIRED);
    let too_late = signed_by(&short.identity, &short.signer, end.plus(HOUR));
    assert_eq!(ordinary(judged_at(&too_late, end.plus(HOUR * 2))), odd::EXPIRED);
}

#[test]
fn row_not_yet_valid_is_ordinary() {
    let future = another(&sender().name, &sender().service_address, now().plus(HOUR), now().plus(HOUR * 9));
    let index = listing(|e| e.certificates.push(future.identity.certificate.clone()));
    let m = signed_by(&future.identity, &future.signer, now());
    assert_eq!(ordinary(with_index(&m, &index)), odd::NOT_YET);
}

#[test]
fn row_revoked_is_ordinary() {
    let revoked = Revoked { serial_hex: world().sender.identity.certificate.serial_hex(), at: now() };
    let judgement = judge(&envelope(), Some(&facts().sender), &ours(), &world().index, &trust(&[revoked]), later());
    assert_eq!(ordinary(judgement), odd::REVOKED);
}

#[test]
fn row_without_a_current_revocation_list_nothing_is_decided() {
    let stale = world().authority.crl(&[], now(), now().plus(HOUR), 1).unwrap();
    let trust = Trust::new(vec![world().authority.certificate()], vec![Crl::from_der(&stale).unwrap()]);
    let judgement = judge(&envelope(), Some(&facts().sender), &ours(), &world().index, &trust, now().plus(HOUR * 2));
    assert!(matches!(judgement, Judgement::Undecided { reason } if reason == odd::NO_CRL));
}

#[test]
fn row_two_certificates_in_overlap_are_both_good() {
    let new = another(&sender().name, &sender().service_address, now(), now().plus(HOUR * 24 * 700));
    let index = listing(|e| e.certificates.push(new.identity.certificate.clone()));
    for m in [envelope(), signed_by(&new.identity, &new.signer, now())] {
        assert!(is_envelope(&with_index(&m, &index)));
    }
}

#[test]
fn row_from_is_not_the_certificates_address() {
    let other = address("altra@pec.mittente-prov.example");
    let certified = another(&sender().name, &other, now(), now().plus(HOUR * 24));
    let index = listing(|e| e.certificates.push(certified.identity.certificate.clone()));
    let m = signed_by(&certified.identity, &certified.signer, now());
    let judgement = with_index(&m, &index);
    assert!(matches!(&judgement, Judgement::Malformed { reason, .. } if reason == odd::FROM_NOT_SAN), "{judgement:?}");
}

#[test]
fn row_from_domain_is_not_managed() {
    let index = listing(|e| e.domains = vec!["studio.example".parse().unwrap()]);
    let judgement = with_index(&envelope(), &index);
    assert!(matches!(&judgement, Judgement::Malformed { reason, .. } if reason == odd::FROM_DOMAIN), "{judgement:?}");
}

/// The header says what digest was used; nobody relies on it.
#[test]
fn row_every_spelling_of_protocol_and_digest_is_read() {
    let m = envelope();
    for micalg in ["\"sha-256\"", "sha256", "\"sha256\"", "SHA-256", "\"sha1\"", "sha-512", "boh"] {
        assert!(is_envelope(&judged(&with_header(&m, "micalg=sha-256", &format!("micalg={micalg}")))), "{micalg}");
    }
    assert!(is_envelope(&judged(&with_header(&m, "\tmicalg=sha-256; ", "\t"))), "absent");
    let old = String::from_utf8(m).unwrap().replace("application/pkcs7-signature", "application/x-pkcs7-signature");
    assert!(is_envelope(&judged(old.as_bytes())));
    let unquoted = old.replace("protocol=\"application/x-pkcs7-signature\"", "protocol=application/x-pkcs7-signature");
    assert!(is_envelope(&judged(unquoted.as_bytes())));
}

#[test]
fn row_daticert_is_missing() {
    assert_eq!(malformed(&forged(|e| e.replace("daticert.xml", "altro.xml"))), odd::NO_DATICERT);
}

#[test]
fn row_daticert_is_broken() {
    assert!(malformed(&forged(|e| e.replace("PD94bWwg", "PD94bWwh"))).starts_with("daticert.xml: "));
    let with_xml = |change: &dyn Fn(&str) -> String| {
        let (draft, _) = envelope_draft();
        let xml = draft.certification.unwrap().to_xml();
        let lines = |x: &str| write::base64_lines(x.as_bytes());
        malformed(&forged(|e| e.replace(&lines(&xml), &lines(&change(&xml)))))
    };
    let cut = with_xml(&|x| x.replace("</postacert>\n", ""));
    assert!(cut.starts_with("daticert.xml: "), "{cut}");
    assert_eq!(with_xml(&|x| x.replace("?>\n", "?>\n<!DOCTYPE postacert>\n")), "daticert.xml: DOCTYPE non ammesso");
    let entity = with_xml(&|x| x.replace("Preventivo", "&lol;"));
    assert_eq!(entity, "daticert.xml: entità non ammessa");
}

#[test]
fn row_tipo_is_not_the_headers() {
    let m = with_header(&envelope(), "X-Trasporto: posta-certificata", "X-Ricevuta: accettazione");
    assert_eq!(malformed(&m), odd::HEADER_NOT_TIPO);
    assert_eq!(malformed(&certifying(|c| c.kind = Tipo::Accettazione)), odd::HEADER_NOT_TIPO);
}

#[test]
fn row_identificativo_is_not_the_message_id() {
    assert_eq!(malformed(&with_header(&envelope(), "Message-ID: <2026", "Message-ID: <2025")), odd::ID);
}

#[test]
fn row_mail_from_is_not_mittente() {
    let other = address("luigi@studio.example");
    for from in [None, Some(&other)] {
        let judgement = judge(&envelope(), from, &ours(), &world().index, &trust(&[]), later());
        assert!(matches!(&judgement, Judgement::Malformed { reason, .. } if reason == odd::SENDER), "{judgement:?}");
    }
}

#[test]
fn row_recipients_in_two_transactions_are_two_envelopes() {
    let m = envelope();
    for rcpt in ours() {
        let judgement = judge(&m, Some(&facts().sender), &[rcpt], &world().index, &trust(&[]), later());
        let Judgement::Envelope(i) = judgement else { panic!("{judgement:?}") };
        assert_eq!(i.certification.facts.recipients.len(), 3, "each with the complete list");
    }
    let nobody = judge(&m, Some(&facts().sender), &[address("x@ente.example")], &world().index, &trust(&[]), later());
    assert!(matches!(nobody, Judgement::Malformed { reason, .. } if reason == odd::RECIPIENTS));
}

#[test]
fn row_the_rfcs_name_of_daticert_is_read() {
    assert!(is_envelope(&judged(&forged(|e| e.replace("daticert.xml", "certdata.xml")))));
}

#[test]
fn row_a_readable_part_of_plain_text_alone_is_enough() {
    let m = forged(|e| {
        let from = e.find("Content-Type: multipart/alternative").unwrap();
        let to = from + e[from..].find(".a--\r\n").unwrap() + 6;
        format!("{}Content-Type: text/plain; charset=iso-8859-1\r\n\r\nVedi daticert.xml\r\n{}", &e[..from], &e[to..])
    });
    assert!(is_envelope(&judged(&m)), "{:?}", judged(&m));
}

#[test]
fn row_original_and_data_in_the_other_order_are_read() {
    let m = forged(|e| {
        let data = e.find("Content-Type: application/xml").unwrap();
        let original = e.find("Content-Type: message/rfc822; name=\"postacert.eml\"").unwrap();
        let (head, data, tail) = (&e[..data], &e[data..original], &e[original..]);
        let line = data.rfind("\r\n--").unwrap();
        let (boundary, close) = (&data[line..], tail.rfind("\r\n--").unwrap());
        format!("{head}{}{boundary}{}{}", &tail[..close], &data[..line], &tail[close..])
    });
    assert!(is_envelope(&judged(&m)), "{:?}", judged(&m));
}

/// A provider may add parts of its own (RFC 6109 §3.1.2 and following): only certification data and original are read.
#[test]
fn row_a_part_of_the_providers_own_is_passed_over() {
    let m = forged(|e| {
        let close = e.rfind("\r\n--=_").unwrap();
        let boundary = e[close..].trim().trim_end_matches("--");
        let own = "Content-Type: application/pdf; name=\"condizioni.pdf\"\r\n\r\nJVBE";
        format!("{}\r\n{boundary}\r\n{own}{}", &e[..close], &e[close..])
    });
    let Judgement::Envelope(i) = judged(&m) else { panic!("{:?}", judged(&m)) };
    assert_eq!(i.certification.facts, facts());
    assert_eq!(&m[i.original.unwrap()], original().as_slice());
}

/// An older engine names the recipient of a virus notice in `ricezione` (pec rule 2.3.10).
#[test]
fn row_a_virus_notice_may_name_its_recipient_in_either_element() {
    let anna = address("anna@ente.example");
    let judged = |change: fn(&mut Certification)| {
        let n = id("r1@pec.mittente-prov.example");
        let mut d = compose::virus_detection(&sender(), &facts(), now(), n, &anna, &anna, "Eicar");
        let before = d.certification.clone().unwrap();
        let mut after = before.clone();
        change(&mut after);
        let lines = |c: &Certification| write::base64_lines(c.to_xml().as_bytes());
        let entity = String::from_utf8(d.entity.to_bytes(b"")).unwrap().replace(&lines(&before), &lines(&after));
        d.entity = Composed::default();
        d.entity.own(entity);
        let service = d.mail_from.clone();
        judge(&sign(d, b""), service.as_ref(), &[], &world().index, &trust(&[]), later())
    };
    let Judgement::Receipt(i) = judged(|_| ()) else { panic!("as we write it") };
    assert_eq!((i.certification.delivered, i.certification.taken), (Some(anna.clone()), vec![]));
    let Judgement::Receipt(i) = judged(|c| c.taken.extend(c.delivered.take())) else { panic!("as they wrote it") };
    assert_eq!((i.certification.delivered, i.certification.taken), (None, vec![anna.clone()]));
    let neither = judged(|c| c.delivered = None);
    assert!(matches!(neither, Judgement::Malformed { reason, .. } if reason == odd::DATICERT_FIELDS));
}

/// SMTP brings CRLF only; a copy that was stored with bare line feeds has to be made a message again first.
#[test]
fn row_bare_line_feeds_are_no_message_until_they_are_crlf_again() {
    let bare = String::from_utf8(envelope()).unwrap().replace("\r\n", "\n");
    assert_eq!(ordinary(judged(bare.as_bytes())), odd::UNREADABLE);
    assert!(is_envelope(&judged(bare.replace('\n', "\r\n").as_bytes())));
}

/// Every receipt repeats the identifier in a field of its own.
#[test]
fn row_msgid_is_longer_than_a_line() {
    for (length, good) in [(998, true), (999, false)] {
        let long = format!("<{}>", "i".repeat(length - 2));
        let m = certifying(|c| c.facts.msgid = Some(long.clone()));
        let m = with_header(&m, "<7f3e9a10-22b1-4a@client.studio.example>", &long);
        assert_eq!(is_envelope(&judged(&m)), good, "{length}");
        if !good {
            assert_eq!(malformed(&m), odd::LONG_MSGID);
        }
    }
}

/// Members of a distribution list stand in neither To nor Cc: the kind cannot be told, so they count as primary.
#[test]
fn a_member_of_a_list_gets_the_receipt_that_was_asked_for() {
    let submitted = SUBMITTED.replacen("Cc: Ufficio <ufficio@ente.example>", "Cc: <lista@studio.example>", 1);
    let source = crate::access::accepted_original(submitted.as_bytes(), &facts().id, "").unwrap();
    for requested in [ReceiptKind::Complete, ReceiptKind::Brief, ReceiptKind::Concise] {
        let draft = compose::transport_envelope(&sender(), &facts(), now(), requested, &source).unwrap();
        let Judgement::Envelope(i) = judged(&sign(draft, &source)) else { panic!() };
        assert_eq!(i.receipt_kind_for(&address("ufficio@ente.example")), requested);
    }
}
