use sigillo_base::{Address, PecId};
use sigillo_mime::write;
use sigillo_smime::Crl;
use sigillo_smime::authority::Revoked;

use super::*;
use crate::compose;
use crate::fixtures::{
    HOUR, address, certifying, envelope, envelope_draft, facts, forged, id, now, sender, sign, trust, with_header,
    world,
};
use crate::index::write_ldif;
use crate::texts::odd;

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

fn seen(message: &[u8]) -> Report {
    inspect(message, Some(&trust(&[])), Some(&world().index), None)
}

/// `signature origin validity form`
fn checks(report: &Report) -> [&'static str; 4] {
    report.checks.all().map(Check::as_str)
}

fn why(check: &Check) -> &str {
    check.why().map_or("", |why| &why.it)
}

/// Trust in the authority under these lists only.
fn under(lists: &[(&[Revoked], Timestamp)]) -> Trust {
    let made = lists.iter().map(|(revoked, at)| world().authority.crl(revoked, *at, at.plus(DAY), 9).unwrap());
    let crls = made.map(|der| Crl::from_der(&der).unwrap()).collect();
    Trust::new(vec![world().authority.certificate()], crls)
}

fn before(hours: i64) -> Timestamp {
    Timestamp::from_millis(now().as_millis() - hours * 3_600_000)
}

#[test]
fn a_genuine_envelope_certifies_what_daticert_says() {
    let report = seen(&envelope());
    assert!(report.genuine(), "{report:?}");
    assert_eq!(report.nature, Nature::Certified(Tipo::PostaCertificata));
    assert_eq!(report.certification.as_ref().unwrap().facts, facts());
    assert_eq!(report.provider(), Some(sender().name.as_str()));
    assert_eq!((report.signed_at, report.judged_at), (Some(now()), Some(now())));
    assert!(report.encloses);
    let notes: Vec<&str> = report.notes.iter().map(|n| n.it.as_str()).collect();
    assert_eq!(notes, [says::plain_index().it], "the index of the fixtures came from nowhere");
    let says = report.says();
    assert!(says.it.starts_with("Prova che il 12/03/2026 alle ore 10:15:01 (+0100) il gestore Gestore Mittente"));
    assert!(says.it.contains("«Preventivo n. 12 – perché sì & altro»") && says.it.contains("Non prova che sia stato"));
    assert!(says.en.contains("“Preventivo n. 12") && says.en.contains("anna@ente.example, ufficio@ente.example"));
}

#[test]
fn each_check_is_told_apart() {
    let m = envelope();
    let w = world();
    let good = trust(&[]);
    let strangers = signed_index(&w.index.entries()[1..], now());
    let nobody = Trust::new(Vec::new(), Vec::new());
    let run = |m: &[u8], trust: Option<&Trust>, index: Option<&Index>| checks(&inspect(m, trust, index, None));
    assert_eq!(run(&m, None, None), ["ok", "unknown", "unknown", "ok"]);
    assert_eq!(run(&m, None, Some(&w.index)), ["ok", "ok", "unknown", "ok"]);
    assert_eq!(run(&m, Some(&good), None), ["ok", "unknown", "ok", "ok"]);
    assert_eq!(run(&m, Some(&good), Some(&strangers)), ["ok", "fail", "ok", "ok"]);
    assert_eq!(run(&m, Some(&nobody), Some(&w.index)), ["ok", "ok", "fail", "ok"]);
    let renamed = with_header(&m, "X-Trasporto: posta-certificata\r\n", "");
    assert_eq!(run(&renamed, Some(&good), Some(&w.index)), ["ok", "ok", "ok", "fail"]);
    let altered = with_header(&m, "fattura.pdf", "Fattura.pdf");
    assert_eq!(run(&altered, Some(&good), Some(&w.index)), ["fail", "ok", "ok", "ok"]);
    // Several at once: each is said.
    let worst = with_header(&altered, "X-Trasporto: posta-certificata\r\n", "");
    let report = inspect(&worst, Some(&nobody), Some(&strangers), None);
    assert_eq!(checks(&report), ["fail", "fail", "fail", "fail"]);
    for reason in [odd::BROKEN, odd::UNKNOWN_SIGNER, odd::UNTRUSTED, odd::NO_HEADER] {
        assert!(report.says().it.contains(reason), "{reason}: {}", report.says().it);
    }
    assert!(report.says().en.contains("It is NOT genuine"), "{}", report.says().en);
    assert_eq!(report.certification.map(|c| c.facts), Some(facts()), "what it states is shown all the same");
}

#[test]
fn what_cannot_be_checked_is_not_genuine_and_says_what_is_missing() {
    let report = inspect(&envelope(), None, None, None);
    assert!(!report.genuine());
    let says = report.says();
    assert!(says.it.starts_with("La firma è integra, ma non si può dire"), "{}", says.it);
    assert!(says.it.contains(&says::no_index().it) && says.it.contains(&says::no_authority().it), "{}", says.it);
    assert!(says.en.contains("it proves nothing"), "{}", says.en);
}

#[test]
fn the_certificate_is_judged_when_it_signed_or_when_one_asks() {
    let (m, index) = (envelope(), &world().index);
    let certificate = &world().sender.identity.certificate;
    let run = |at| inspect(&m, Some(&under(&[])), Some(index), at);
    assert!(run(None).genuine(), "years later it is judged as of then");
    let expired = run(Some(certificate.not_after().plus(HOUR)));
    assert_eq!((checks(&expired), why(&expired.checks.validity)), (["ok", "ok", "fail", "ok"], odd::EXPIRED));
    let early = run(Some(before(24)));
    assert_eq!(why(&early.checks.validity), odd::NOT_YET);
}

#[test]
fn revocation_is_judged_by_whatever_list_there_is() {
    let m = envelope();
    let revoked = |at| Revoked { serial_hex: world().sender.identity.certificate.serial_hex(), at };
    let other = Revoked { serial_hex: "7F".into(), at: now() };
    let run = |trust: &Trust| {
        let report = inspect(&m, Some(trust), Some(&world().index), None);
        let note = report.notes.first().map(|n| n.it.clone()).filter(|n| *n != says::plain_index().it);
        (report.checks.validity.clone(), note)
    };
    let fails = Check::Fail(says::path(&sigillo_smime::PathError::Revoked));
    let later = now().plus(DAY * 30);
    assert_eq!(run(&under(&[])), (Check::Ok, Some(says::revocation_unchecked().it)), "no list");
    assert_eq!(run(&under(&[(&[], before(48))])), (Check::Ok, Some(says::revocation_unchecked().it)), "too old a list");
    assert_eq!(run(&under(&[(&[], now())])), (Check::Ok, None), "a list of that day");
    assert_eq!(run(&under(&[(&[other], later)])), (Check::Ok, None), "a later list that does not name it");
    assert_eq!(run(&under(&[(&[revoked(before(1))], now())])), (fails.clone(), None), "a list of that day");
    assert_eq!(run(&under(&[(&[revoked(before(1))], later)])), (fails, None), "a later list, an earlier date");
    let since = now().plus(DAY);
    let (verdict, note) = run(&under(&[(&[], now()), (&[revoked(since)], later)]));
    assert_eq!((verdict, note), (Check::Ok, Some(says::revoked_later(since).it)), "revoked afterwards");
}

#[test]
fn stored_copies_are_repaired_and_say_so() {
    let m = envelope();
    let lf = String::from_utf8(m.clone()).unwrap().replace("\r\n", "\n").into_bytes();
    let separator = b"From mario@studio.example Thu Mar 12 10:15:01 2026\n";
    let has_note = |r: &Report| r.notes.contains(&says::line_ends());
    for (copy, noted) in [
        (lf.clone(), true),
        ([separator, lf.as_slice()].concat(), true),
        ([separator, m.as_slice()].concat(), false),
        ([b"\xef\xbb\xbf".as_slice(), &m].concat(), false),
        ([b"\xef\xbb\xbf".as_slice(), separator, &lf].concat(), true),
    ] {
        let report = seen(&copy);
        assert!(report.genuine(), "{report:?}");
        assert_eq!(has_note(&report), noted);
    }
    // One line alone was stored otherwise.
    let mut mixed = m.clone();
    let at = memchr::memmem::find(&m, b"\r\nBEGIN").or(memchr::memmem::find(&m, b"\r\n--b1")).unwrap();
    mixed.remove(at);
    assert!(seen(&mixed).genuine());
}

#[test]
fn bare_line_feeds_that_were_signed_are_left_alone() {
    let m = forged(|entity| entity.replace("In allegato.\r\n", "In\nallegato.\r\n"));
    let report = seen(&m);
    assert!(report.genuine() && !report.notes.contains(&says::line_ends()), "{report:?}");
}

#[test]
fn an_anomaly_envelope_proves_nothing_about_its_sender() {
    let n = || id("a1@pec.mittente-prov.example");
    let (anna, mario) = (address("anna@ente.example"), address("mario@studio.example"));
    let draft = |n: PecId| {
        let to = std::slice::from_ref(&anna);
        let source = envelope();
        (compose::anomaly_envelope(&sender(), now(), n, Some(&mario), to, &source, odd::ID).unwrap(), source)
    };
    let (d, source) = draft(n());
    let m = sign(d, &source);
    let report = seen(&m);
    assert!(report.genuine(), "{report:?}");
    assert_eq!((report.nature.as_str(), report.certification.is_none()), ("busta-anomalia", true));
    assert_eq!(report.provider(), Some(sender().name.as_str()));
    assert!(report.says().it.starts_with("Prova soltanto che") && report.says().it.contains("Non prova chi"));
    let (mut d, source) = draft(n());
    let entity = String::from_utf8(d.entity.to_bytes(&source)).unwrap();
    let extra =
        entity.replacen("Content-Type: message/rfc822", "\r\nin più\r\n--BOUNDARY\r\nContent-Type: message/rfc822", 1);
    let boundary = entity.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    d.entity = sigillo_mime::Composed::default();
    d.entity.own(extra.replace("BOUNDARY", &boundary));
    let more = seen(&sign(d, b""));
    assert_eq!((checks(&more), why(&more.checks.form)), (["ok", "ok", "ok", "fail"], says::ANOMALY_PARTS));
    // An envelope that is passed off as one.
    let passed_off = seen(&with_header(&envelope(), "X-Trasporto: posta-certificata", "X-Trasporto: errore"));
    assert_eq!((checks(&passed_off), passed_off.nature.as_str()), (["ok", "ok", "ok", "fail"], "posta-certificata"));
    let twice = seen(&with_header(&m, "X-Trasporto: errore", "X-Trasporto: errore\r\nX-Ricevuta: accettazione"));
    assert_eq!(why(&twice.checks.form), odd::BOTH_HEADERS);
}

#[test]
fn a_wrong_form_is_said_in_the_words_of_the_incoming_point() {
    let before = envelope_draft().0.certification.unwrap();
    let lines = |xml: &str| write::base64_lines(xml.as_bytes());
    let xml = before.to_xml();
    let daticert = |xml: &[u8]| forged(|e| e.replace(&lines(&before.to_xml()), &write::base64_lines(xml)));
    let doctype = "<!DOCTYPE postacert [<!ENTITY a \"x\">]><postacert";
    let entity = xml.replace("perché", "&boom;");
    let latin1: Vec<u8> = xml.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    for (m, reason) in [
        (daticert(xml.replace("<postacert", doctype).as_bytes()), "daticert.xml: DOCTYPE non ammesso"),
        (daticert(entity.as_bytes()), "daticert.xml: entità non ammessa"),
        (daticert(&latin1), "daticert.xml: codifica diversa da UTF-8"),
        (daticert(b""), "daticert.xml: "),
        (forged(|e| e.replace("daticert.xml", "dati.xml")), odd::NO_DATICERT),
        (forged(|e| e.replace("postacert.eml", "altro.eml")), odd::NO_ORIGINAL),
        (certifying(|c| c.kind = Tipo::AvvenutaConsegna), odd::HEADER_NOT_TIPO),
        (certifying(|c| c.facts.id = id("altro@pec.mittente-prov.example")), odd::ID),
        (certifying(|c| c.facts.msgid = None), odd::REFERENCE),
        (with_header(&envelope(), "From: ", "From: a@b.example, "), odd::FROM),
        (with_header(&envelope(), "Date: ", "Senza due punti\r\nDate: "), odd::UNREADABLE),
    ] {
        let report = seen(&m);
        assert_eq!(checks(&report), ["ok", "ok", "ok", "fail"], "{reason}");
        assert!(why(&report.checks.form).starts_with(reason), "{reason}: {:?}", report.checks.form);
        assert!(report.says().it.contains(reason) && report.says().en.contains("proves nothing"));
        assert_eq!(report.nature.as_str().contains("certificata"), reason != odd::HEADER_NOT_TIPO, "{reason}");
    }
    assert!(seen(&forged(|e| e.replace("daticert.xml", "certdata.xml"))).genuine(), "the RFC's name is good too");
}

#[test]
fn what_is_no_certified_message_is_ordinary() {
    for m in [b"".as_slice(), b"\r\n", b"\xff\xfe\0\0", b"From: a@b.example\r\n\r\nciao\r\n", &[b'x'; 300_000]] {
        let report = seen(m);
        assert_eq!((report.nature, report.genuine()), (Nature::Ordinary, false));
        assert_eq!(checks(&report), ["fail", "unknown", "unknown", "fail"]);
        assert!(report.says().it.starts_with("Non è un messaggio di posta certificata: firma S/MIME assente"));
        assert!(report.notes.is_empty(), "there is nothing to verify, whatever its line ends");
    }
}

#[test]
fn a_message_cut_anywhere_is_never_genuine_before_its_end() {
    let m = envelope();
    let end = memchr::memmem::rfind(&m, b"\r\n--").unwrap();
    for at in (0..m.len()).step_by(97) {
        let report = seen(&m[..at]);
        // The last line of the signature may go without harm to what was signed.
        assert!(!report.genuine() || at + 80 > end, "{at} of {}: {report:?}", m.len());
    }
    assert_eq!(checks(&seen(&m[..m.len() / 2]))[0], "fail");
}

/// A directory as it is published, signed at that instant.
fn published(entries: &[crate::index::Entry], at: Timestamp) -> Vec<u8> {
    let (w, ldif) = (world(), write_ldif(entries));
    let hash = sigillo_smime::sha256(ldif.as_bytes());
    let attributes = sigillo_smime::signed_attributes(&hash, at, &w.sender.identity.certificate);
    let signature = sigillo_smime::Signer::sign(w.sender.signer.as_ref(), &attributes).unwrap();
    sigillo_smime::attached(&w.sender.identity, ldif.as_bytes(), &attributes, &signature).unwrap()
}

fn signed_index(entries: &[crate::index::Entry], at: Timestamp) -> Index {
    directory(&published(entries, at), None, None).unwrap()
}

#[test]
fn a_directory_of_another_day_does_not_deny_a_certificate_that_it_does_not_hold() {
    let (m, others) = (envelope(), &world().index.entries()[1..]);
    let signed = inspect(&m, None, None, None).signed_at.unwrap();
    let run = |index: &Index| inspect(&m, Some(&trust(&[])), Some(index), None).checks.origin;
    for at in [signed.minus(HOUR * 23), signed, signed.plus(HOUR * 23)] {
        assert_eq!(run(&signed_index(others, at)), Check::Fail(says::not_listed()), "that day it was not listed");
    }
    let then = Check::Unknown(says::listed_then());
    assert_eq!(run(&signed_index(others, signed.plus(HOUR * 25))), then, "a renewed certificate leaves the directory");
    assert_eq!(run(&signed_index(others, signed.minus(HOUR * 25))), then, "and comes before it signs");
    assert_eq!(run(&Index::new(others.to_vec())), then, "a directory without a date");
    let report = inspect(&m, Some(&trust(&[])), Some(&signed_index(others, signed.plus(HOUR * 25))), None);
    assert!(
        report.says().it.starts_with("La firma è integra") && report.says().it.contains("serve l'indice di allora")
    );
}

#[test]
fn who_speaks_of_other_peoples_users_is_not_genuine() {
    let (anna, mario) = (address("anna@ente.example"), address("mario@studio.example"));
    let notice = |tipo: Tipo, about: &Address, from: &str| {
        let mut c = envelope_draft().0.certification.unwrap();
        c.facts.sender = address(from);
        (c.kind, c.delivered, c.taken) = (tipo, None, Vec::new());
        match tipo {
            Tipo::PresaInCarico => c.taken = vec![about.clone()],
            Tipo::PostaCertificata => {}
            _ => c.delivered = Some(about.clone()),
        }
        let m = certifying(|before| *before = c.clone());
        let header = format!("X-Ricevuta: {}", tipo.as_str());
        let signed = match tipo {
            Tipo::PostaCertificata => m,
            _ => with_header(&m, "X-Trasporto: posta-certificata", &header),
        };
        let signer = &world().sender.identity.certificate;
        crate::incoming::form::check_parties(&c, signer, &world().index).map_err(|why| (why, Box::new(seen(&signed))))
    };
    for tipo in [Tipo::PresaInCarico, Tipo::AvvenutaConsegna, Tipo::RilevazioneVirus] {
        let (why, report) = notice(tipo, &anna, "mario@studio.example").unwrap_err();
        assert_eq!((why.as_str(), checks(&report)), (odd::FOREIGN_RECIPIENT, ["ok", "ok", "ok", "fail"]));
        assert!(report.says().it.contains("NON è autentico"), "{tipo:?}");
        assert!(notice(tipo, &mario, "anna@ente.example").is_ok(), "{tipo:?} of a user of its own");
    }
    let (why, report) = notice(Tipo::PostaCertificata, &anna, "anna@ente.example").unwrap_err();
    assert_eq!((why.as_str(), checks(&report)), (odd::FOREIGN_SENDER, ["ok", "ok", "ok", "fail"]));
    assert!(report.says().it.contains(odd::FOREIGN_SENDER), "{}", report.says().it);
    // A failure is told by either side, not by a third.
    for (about, from, fine) in [
        (&anna, "mario@studio.example", true),
        (&mario, "anna@ente.example", true),
        (&anna, "ufficio@ente.example", false),
    ] {
        assert_eq!(notice(Tipo::ErroreConsegna, about, from).is_ok(), fine, "{about} {from}");
    }
}

#[test]
fn a_revoked_authority_between_is_not_passed_over() {
    let w = world();
    let (from, to) = (now(), now().plus(DAY * 365));
    let key = w.authority.certificate();
    let between = sigillo_smime::authority::Authority::new("CA gestori di prova", from, to).unwrap();
    let between = between.reissued_by(&w.authority, &["pec.mittente-prov.example".into()], from, to).unwrap();
    let leaf = between.issue_pec("Gestore", &sender().service_address, from, to).unwrap().certificate();
    let list = |revoked: &[Revoked], at: Timestamp| {
        Crl::from_der(&w.authority.crl(revoked, at, at.plus(DAY), 3).unwrap()).unwrap()
    };
    let gone = |at| [Revoked { serial_hex: between.certificate().serial_hex(), at }];
    let judge = |lists: Vec<Crl>| {
        let trust = Trust::new(vec![key.clone()], lists);
        checks::path(&trust, &leaf, &[between.certificate()], now())
    };
    let below = || Crl::from_der(&between.crl(&[], now(), now().plus(DAY), 3).unwrap()).unwrap();
    assert_eq!(judge(vec![list(&[], now()), below()]), Ok(checks::Revocation::Excluded));
    assert_eq!(judge(vec![list(&[], now())]), Ok(checks::Revocation::Unchecked), "the leaf's issuer has none");
    let revoked = Err(sigillo_smime::PathError::Revoked);
    assert_eq!(judge(vec![list(&gone(before(1)), now().plus(DAY)), below()]), revoked);
    assert_eq!(judge(vec![list(&gone(before(1)), now().plus(DAY))]), revoked);
    let since = now().plus(DAY);
    assert_eq!(judge(vec![list(&gone(since), since), below()]), Ok(checks::Revocation::Later(since)));
}

#[test]
fn a_hold_that_was_lifted_revokes_nothing() {
    let held = [Revoked { serial_hex: world().sender.identity.certificate.serial_hex(), at: before(1) }];
    let validity = |lists: &[(&[Revoked], Timestamp)]| {
        inspect(&envelope(), Some(&under(lists)), Some(&world().index), None).checks.validity
    };
    assert_eq!(validity(&[(&held, now()), (&[], now().plus(DAY * 3))]), Check::Ok, "the newest list has the last word");
    assert!(matches!(validity(&[(&[], now()), (&held, now().plus(DAY * 3))]), Check::Fail(_)));
}

#[test]
fn what_others_wrote_cannot_pass_for_words_of_ours() {
    let planted = "x» della casella a@b. Prova che «\u{202e}tutto\u{2066} “è” letto";
    let report = seen(&certifying(|c| c.facts.subject = Some(planted.into())));
    let says = report.says();
    assert!(
        report.genuine() && says.it.contains("«x\" della casella a@b. Prova che \"tutto \"è\" letto»"),
        "{}",
        says.it
    );
    assert!(says.en.contains("“x\" della"), "{}", says.en);
    let long = seen(&certifying(|c| c.facts.subject = Some("à".repeat(5000)))).says().it;
    assert!(long.contains(&format!("«{}…»", "à".repeat(200))), "{long}");
    let mut c = envelope_draft().0.certification.unwrap();
    (c.kind, c.extended_error) = (Tipo::ErroreConsegna, Some("casella piena. Prova che: «altro».".into()));
    c.delivered = Some(address("anna@ente.example"));
    let told = says::proves_of(&c);
    assert!(told.contains(": «casella piena. Prova che: \"altro\".»"), "{told}");
}

#[test]
fn a_line_that_an_mbox_quoted_is_taken_back_and_said() {
    let m = forged(|entity| entity.replace("In allegato.\r\n", "From qui in poi.\r\nIn allegato.\r\n"));
    let text = String::from_utf8(m).unwrap();
    let kept = text.replace("\r\nFrom qui", "\r\n>From qui");
    for text in [&kept, &kept.replace("\r\n", "\n")] {
        let report = seen(format!("From x@y Thu Mar 12 10:15:01 2026\n{text}").as_bytes());
        assert!(report.genuine() && report.notes.contains(&says::from_lines()), "{report:?}");
    }
    assert!(!seen(kept.as_bytes()).genuine(), "nothing shows that it was in an mbox");
    let altered = format!("From x@y Thu\n{}", kept.replace("In allegato", "Non in allegato"));
    assert!(!seen(altered.as_bytes()).genuine() && !seen(altered.as_bytes()).notes.contains(&says::from_lines()));
}

#[test]
fn a_directory_is_read_signed_or_plain() {
    let w = world();
    let ldif = write_ldif(w.index.entries());
    let p7m = published(w.index.entries(), now());
    let verified = |file: &[u8], trust: Option<&Trust>, at| directory(file, trust, at).map(|i| i.is_verified());
    assert!(matches!(verified(ldif.as_bytes(), Some(&trust(&[])), None), Ok(false)));
    assert!(matches!(verified(&p7m, None, None), Ok(false)));
    assert!(matches!(verified(&p7m, Some(&under(&[])), None), Ok(true)), "a list is not needed");
    assert!(
        matches!(verified(&p7m, Some(&Trust::new(vec![], vec![])), None), Err(Error::Index(_))),
        "another authority"
    );
    assert!(matches!(verified(&p7m, Some(&under(&[])), Some(before(24))), Err(Error::Index(_))), "not valid then");
    let mut altered = p7m.clone();
    let at = memchr::memmem::find(&p7m, b"mailReceipt").unwrap();
    altered[at] ^= 0x20;
    assert!(verified(&altered, None, None).is_err(), "a broken signature is refused even without trust");
    let index = directory(&p7m, Some(&trust(&[])), None).unwrap();
    let report = inspect(&envelope(), Some(&trust(&[])), Some(&index), None);
    assert!(report.genuine() && report.notes.is_empty(), "{:?}", report.notes);
}
