//! Malware at every point where mail enters (RFC 6109 §3.1.3, §3.2.3, §3.2.4; pec rule 7).

use sigillo_accounts::Request;
use std::time::Duration;

use sigillo_base::{Address, PecId};
use sigillo_engine::{Change, Point, Received, Rejected, Rules, Submitted};
use sigillo_pec::{Errore, compose};
use sigillo_smtp::Reply;
use sigillo_store::memory::{Fault, Plan};
use sigillo_store::tag;
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{Knows, Silent, arrived};
use sigillo_tests::street::{Fate, Street, message};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@ente-beta.example";
const BETA_SERVICE: &str = "posta-certificata@pec.beta.example";
const ALFA_SERVICE: &str = "posta-certificata@pec.alfa.example";
const WORM: &str = "VERME";
const HOUR: Duration = Duration::from_secs(3600);

fn accepted(answer: Result<Submitted, Rejected>) -> PecId {
    match answer {
        Ok(Submitted::Accepted(id)) => id,
        other => panic!("not accepted: {other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Rejected>) -> Reply {
    match answer {
        Err(Rejected::Refused(reply)) => reply,
        other => panic!("not refused: {other:?}"),
    }
}

/// Alfa's antivirus misses what Beta's knows.
fn street(seed: u64) -> Street {
    let mut street = Street::new(seed);
    street.houses[1].scan_with(Knows(&[WORM]));
    street
}

fn infected(street: &Street, to: &[Address]) -> PecId {
    let bytes = format!("{}{WORM}\r\n", message(&address(ANNA), to, "")).into_bytes();
    accepted(street.submit_bytes(&address(ANNA), to, bytes))
}

#[test]
fn at_the_access_point_it_is_not_accepted_and_kept_as_it_is() {
    let mut street = Street::new(1);
    street.houses[0].scan_with(Knows(&[WORM]));
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let bytes = format!("{}{WORM}\r\n", message(&anna, std::slice::from_ref(&bruno), "")).into_bytes();
    let answer = street.submit_bytes(&anna, std::slice::from_ref(&bruno), bytes.clone());
    assert!(matches!(answer, Ok(Submitted::NotAccepted(_))), "{answer:?}");
    street.run();
    let [notice] = &street.inbox(&anna)[..] else { panic!("one notice") };
    let c = notice.evidence.certification.as_ref().expect("certified");
    assert_eq!((notice.evidence.kind.as_str(), c.error), ("non-accettazione", Errore::Virus));
    assert_eq!(c.extended_error.as_deref(), Some("Prova.VERME"));
    assert!(String::from_utf8_lossy(&notice.bytes).contains("X-VerificaSicurezza: errore\r\n"));
    assert!(notice.evidence.original.is_none(), "the original is not given back");
    assert!(street.inbox(&bruno).is_empty());
    let alfa = street.houses[0].engine();
    let [kept] = &alfa.quarantined(None, 10).expect("the virus store")[..] else { panic!("one message kept") };
    assert_eq!((kept.point, kept.malware.as_str(), kept.engine.as_str()), (Point::Access, "Prova.VERME", "simulato 1"));
    assert_eq!((kept.from.as_str(), kept.to.as_slice(), kept.at), (ANNA, &[BRUNO.to_owned()][..], NOW));
    assert_eq!(kept.pec_id, c.facts.id.as_str());
    assert_eq!(alfa.quarantined_bytes(kept.at, kept.id, "uid 0", NOW).expect("its bytes"), bytes, "to the byte");
    let log = alfa.legal_log(&NOW.legal().iso_day).expect("the log").join("\n");
    for what in ["deposito", "consultazione"] {
        assert!(log.contains("PEC_Quarantine") && log.contains(what), "{what} is in the legal log: {log}");
    }
    // A formal defect comes first in the order of the checks; then nothing is kept.
    let other = format!("From: <altro@x.example>\r\nTo: {BRUNO}\r\nSubject: x\r\n\r\n{WORM}\r\n");
    street.submit_bytes(&anna, &[bruno], other.into_bytes()).expect("a notice");
    assert_eq!(street.houses[0].engine().quarantined(None, 10).expect("the virus store").len(), 1);
}

#[test]
fn in_an_envelope_its_provider_is_told_for_each_recipient_and_tells_the_sender() {
    let mut street = street(2);
    let to = [address(BRUNO), address(CARLA), address("gina@posta-ordinaria.example")];
    let id = infected(&street, &to);
    street.run();
    street.pass(30 * HOUR);
    assert!(street.inbox(&to[0]).is_empty() && street.inbox(&to[1]).is_empty(), "nobody gets it");
    let service = street.kinds(&address(ALFA_SERVICE));
    assert_eq!(service, ["rilevazione-virus", "rilevazione-virus"], "and no take-charge");
    let letters = street.inbox(&address(ANNA));
    let kinds: Vec<&str> = letters.iter().map(|l| l.evidence.kind.as_str()).collect();
    assert_eq!(kinds, ["accettazione", "errore-consegna", "errore-consegna"], "no overdue notice follows");
    let mut told = Vec::new();
    for letter in &letters[1..] {
        let c = letter.evidence.certification.clone().expect("certified");
        assert_eq!((c.error, &c.facts.id), (Errore::Virus, &id));
        assert_eq!((c.extended_error.as_deref(), c.issuer.as_str()), (Some("Prova.VERME"), "Alfa PEC S.p.A."));
        told.extend(c.delivered);
    }
    told.sort_by_key(Address::key);
    assert_eq!(told, to[..2], "one for each");
    let beta = street.houses[1].engine();
    let [kept] = &beta.quarantined(None, 10).expect("the virus store")[..] else { panic!("kept once") };
    assert_eq!((kept.point, kept.pec_id.as_str()), (Point::Envelope, id.as_str()));
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)), "nothing waits any more");
}

#[test]
fn a_virus_notice_that_comes_twice_or_late_gives_one_notice() {
    let mut street = street(3);
    let bruno = [address(BRUNO)];
    street.network(|c| if c.kind == "rilevazione-virus" { Fate::AnswerLost } else { Fate::Arrives });
    let id = infected(&street, &bruno);
    street.pass(HOUR);
    street.network(|_| Fate::Arrives);
    street.pass(HOUR);
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "errore-consegna"]);
    // The same told again under another identifier, and by somebody who may not speak of this recipient.
    let facts = street.inbox(&address(ANNA))[0].evidence.certification.clone().expect("certified").facts;
    let alfa = address(ALFA_SERVICE);
    for fixture in [fixtures::beta(), fixtures::gamma()] {
        let name = PecId::new(7, fixture.provider.service_address.domain());
        let draft = compose::virus_detection(&fixture.provider, &facts, street.now, name, &alfa, &bruno[0], "Altro");
        let signed = draft.sign(&[], street.now, &fixture.identity, &fixture.signer()).expect("signed");
        let bytes = signed.content.to_bytes(&[]);
        let mail = arrived(signed.mail_from.as_ref(), std::slice::from_ref(&alfa), bytes, "mx", false);
        let answer = street.houses[0].engine().receive(&mail, street.now);
        assert!(matches!(answer, Ok(Received::Receipt(i)) if i == id));
    }
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "errore-consegna"], "one notice for one recipient");
}

#[test]
fn in_a_receipt_it_does_not_reach_the_mailbox_but_its_evidence_counts() {
    let mut street = Street::new(4);
    let bruno = [address(BRUNO)];
    let bytes = format!("{}{WORM}\r\n", message(&address(ANNA), &bruno, "")).into_bytes();
    accepted(street.submit_bytes(&address(ANNA), &bruno, bytes));
    // Alfa's antivirus learns the worm only after the acceptance.
    street.houses[0].scan_with(Knows(&[WORM]));
    street.pass(30 * HOUR);
    assert_eq!(street.kinds(&bruno[0]), ["posta-certificata"]);
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione"], "no infected receipt, and no false overdue notice");
    let kept = street.houses[0].engine().quarantined(None, 10).expect("the virus store");
    assert_eq!(kept.iter().map(|k| k.point).collect::<Vec<_>>(), [Point::Receipt]);
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
}

#[test]
fn infected_ordinary_mail_is_refused_in_smtp_and_nothing_is_kept() {
    let street = street(5);
    let (dora, bruno) = (address("dora@posta.example"), address(BRUNO));
    let beta = street.houses[1].engine();
    let number = beta.find_mailbox(&bruno).expect("the store").expect("a mailbox").id;
    beta.change(
        sigillo_base::MailboxId(number),
        &Change::Ordinary(sigillo_accounts::OrdinaryMail::Accept),
        &Request::own(NOW),
    )
    .expect("set");
    let bytes = format!("{}{WORM}\r\n", message(&dora, std::slice::from_ref(&bruno), "")).into_bytes();
    let before = rows::facts(&street.houses[1].store);
    let reply = refused(beta.receive(&arrived(Some(&dora), &[bruno], bytes, "mx", false), NOW));
    assert_eq!((reply.code, reply.enhanced), (554, Some((5, 7, 1))));
    assert!(reply.to_string().contains("Prova.VERME"), "{reply}");
    assert_eq!(rows::facts(&street.houses[1].store), before);
}

#[test]
fn without_a_verdict_nothing_is_taken_unless_the_provider_chose_so() {
    let mut street = Street::new(6);
    let (anna, bruno) = (address(ANNA), [address(BRUNO)]);
    let id = accepted(street.submit(&anna, &bruno, ""));
    street.houses.iter_mut().for_each(|house| house.scan_with(Silent));
    let before = rows::facts(&street.houses[0].store);
    let reply = refused(street.submit(&anna, &bruno, ""));
    assert_eq!((reply.code, reply.enhanced), (451, Some((4, 7, 1))), "{reply}");
    assert_eq!(rows::facts(&street.houses[0].store), before, "nothing was done");
    street.pass(HOUR);
    assert!(street.inbox(&bruno[0]).is_empty(), "the envelope waits at Alfa");
    street.houses[1].choose(Rules { take_unscanned: true, ..Rules::default() });
    street.houses[0].scan_with(Knows(&[WORM]));
    street.pass(HOUR);
    assert_eq!(street.kinds(&bruno[0]), ["posta-certificata"]);
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna"], "{id}");
}

#[test]
fn inside_one_provider_a_message_is_scanned_once() {
    let mut street = Street::new(7);
    let (anna, carla) = (address(ANNA), [address("carla@comune-alfa.example")]);
    accepted(street.submit(&anna, &carla, ""));
    street.houses[0].scan_with(Silent);
    street.run();
    assert_eq!(street.kinds(&carla[0]), ["posta-certificata"], "what waits inside needs no second verdict");
}

#[test]
fn an_infected_envelope_is_wholly_answered_or_not_at_all_whichever_commit_fails() {
    for fault in [Fault::Refused, Fault::Lost, Fault::CrashBefore, Fault::CrashAfter] {
        let mut street = street(8);
        let to = [address(BRUNO), address(CARLA)];
        infected(&street, &to);
        street.houses[1].store.plan(Plan::new().fail_commit(1, fault));
        street.run();
        let house = &mut street.houses[1];
        house.stop();
        house.start();
        street.pass(30 * HOUR);
        let kinds = street.kinds(&address(ANNA));
        assert_eq!(kinds, ["accettazione", "errore-consegna", "errore-consegna"], "{fault:?}");
        let kept = street.houses[1].engine().quarantined(None, 10).expect("the virus store").len();
        assert_eq!(kept, 1, "{fault:?}");
        assert_eq!(rows::of(&street.houses[1].store, tag::FOLDER_ENTRY), [], "{fault:?}: nothing in any mailbox");
        assert!(street.inbox(&address(BETA_SERVICE)).is_empty());
    }
}

#[test]
fn the_virus_store_forgets_after_thirty_months_and_not_before() {
    let mut street = Street::new(9);
    street.houses[0].scan_with(Knows(&[WORM]));
    let (anna, bruno) = (address(ANNA), [address(BRUNO)]);
    let bytes = format!("{}{WORM}\r\n", message(&anna, &bruno, "")).into_bytes();
    street.submit_bytes(&anna, &bruno, bytes).expect("a notice");
    let alfa = street.houses[0].engine();
    let months = |n: u64| NOW.plus(Duration::from_secs(n * 31 * 24 * 3600));
    assert_eq!(alfa.expire_quarantine(months(30)).expect("the virus store"), 0, "thirty months to the day");
    assert_eq!(alfa.quarantined(None, 10).expect("the virus store").len(), 1);
    assert_eq!(alfa.expire_quarantine(months(30).plus(Duration::from_secs(1))).expect("the virus store"), 1);
    assert!(alfa.quarantined(None, 10).expect("the virus store").is_empty());
}

#[test]
fn an_infected_envelope_to_any_number_of_recipients_is_answered_for_each() {
    for (seed, count) in [(20, 100), (21, 450)] {
        let mut street = street(seed);
        let massive = address("massiva@comune-alfa.example");
        street.houses[0].add(&massive, sigillo_accounts::Profile::MassiveSmall, NOW);
        let to: Vec<Address> =
            (0..count).map(|n| address(&format!("utente-numero-{n:04}@ente-beta.example"))).collect();
        let bytes = format!("{}{WORM}\r\n", message(&massive, &to, "")).into_bytes();
        accepted(street.submit_bytes(&massive, &to, bytes));
        street.run();
        let service = street.kinds(&address(ALFA_SERVICE));
        assert_eq!(service.iter().filter(|k| *k == "rilevazione-virus").count(), count, "{count}");
        let told = street.kinds(&massive).iter().filter(|k| *k == "errore-consegna").count();
        assert_eq!(told, count, "{count}");
        // One transaction for each hundred recipients, and in each the envelope is kept once.
        let kept = street.houses[1].engine().quarantined(None, 100).expect("the virus store").len();
        assert_eq!(kept, count.div_ceil(100), "{count}");
    }
}
