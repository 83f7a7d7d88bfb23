//! Ordinary mail under suspicion, and certified mail, of which nobody asks (SEC-02).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sigillo_base::Timestamp;
use sigillo_engine::{
    Advice, Arrived, Checked, Fate, Obstacle, OrdinaryRules, Outcome, Received, Rules, Screening, Spam, Submitted,
};
use sigillo_mime::Header;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::house::{House, Opinion, arrived};
use sigillo_tests::street::{Street, message};

use super::policy::{ordinary, refused, takes_ordinary};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

const STRICT: OrdinaryRules = OrdinaryRules {
    refuse_spf: true,
    refuse_dmarc: true,
    refuse_listed: true,
    refuse_spam: true,
    defer_suspects: true,
    defer_unjudged: true,
};

fn checked(result: Outcome, about: &[(&'static str, &str)]) -> Checked {
    Checked { result, about: about.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }
}

fn spam(advice: Advice) -> Spam {
    Spam::Judged { advice, score: 20.5, required: 15.0, symbols: vec!["GTUBE".into()] }
}

/// Everything speaks against it.
fn damned() -> Screening {
    Screening {
        spf: Some(checked(Outcome::Fail, &[("smtp.mailfrom", "dora@posta.example")])),
        dmarc: Some(checked(Outcome::Fail, &[("header.from", "posta.example")])),
        dmarc_reject: true,
        lists: vec![checked(Outcome::Fail, &[("dns.zone", "cattivi.example")])],
        spam: spam(Advice::Refuse),
        ..Screening::default()
    }
}

fn judged_by(house: &mut House, ordinary: OrdinaryRules, screening: Option<Screening>) {
    house.screen_with(Opinion(move |_: &Arrived| screening.clone()));
    house.choose(Rules { ordinary, ..Rules::default() });
}

fn counted(house: &House, at: Timestamp) -> Vec<(Fate, u64)> {
    let rows = house.engine().screened(at, at).expect("the count");
    rows.into_iter().map(|row| (row.fate, row.count)).collect()
}

#[test]
fn each_finding_refuses_by_the_rules_only_and_with_its_own_code() {
    let mut street = Street::new(1);
    takes_ordinary(&street.houses[1], BRUNO);
    let clean = Screening { spf: Some(checked(Outcome::Pass, &[])), ..Screening::default() };
    let with = |change: fn(&mut Screening)| {
        let mut screening = clean.clone();
        change(&mut screening);
        screening
    };
    let cases: [(Screening, OrdinaryRules, &str); 6] = [
        (
            with(|s| (s.dmarc, s.dmarc_reject) = (Some(checked(Outcome::Fail, &[])), true)),
            OrdinaryRules { refuse_dmarc: true, ..OrdinaryRules::default() },
            "550 5.7.26 ",
        ),
        (
            with(|s| s.spf = Some(checked(Outcome::Fail, &[]))),
            OrdinaryRules { refuse_spf: true, ..OrdinaryRules::default() },
            "550 5.7.23 ",
        ),
        (
            with(|s| s.lists.push(checked(Outcome::Fail, &[("dns.zone", "cattivi.example")]))),
            OrdinaryRules { refuse_listed: true, ..OrdinaryRules::default() },
            "550 5.7.1 Messaggio rifiutato: indirizzo del server in cattivi.example",
        ),
        (
            with(|s| s.spam = spam(Advice::Refuse)),
            OrdinaryRules { refuse_spam: true, ..OrdinaryRules::default() },
            "550 5.7.1 Messaggio rifiutato: posta indesiderata",
        ),
        (
            with(|s| s.spam = spam(Advice::Defer)),
            OrdinaryRules { defer_suspects: true, ..OrdinaryRules::default() },
            "451 4.7.1 ",
        ),
        (
            with(|s| s.spam = Spam::Unavailable("connection refused".into())),
            OrdinaryRules { defer_unjudged: true, ..OrdinaryRules::default() },
            "451 4.7.1 ",
        ),
    ];
    let to = [address(BRUNO)];
    let others = |rules: OrdinaryRules| OrdinaryRules {
        refuse_spf: !rules.refuse_spf,
        refuse_dmarc: !rules.refuse_dmarc,
        refuse_listed: !rules.refuse_listed,
        refuse_spam: !rules.refuse_spam,
        defer_suspects: !rules.defer_suspects,
        defer_unjudged: !rules.defer_unjudged,
    };
    for (n, (screening, rules, says)) in cases.into_iter().enumerate() {
        let mut mail = ordinary(&to);
        mail.bytes.extend(format!("{n}\r\n").bytes());
        judged_by(&mut street.houses[1], rules, Some(screening.clone()));
        let reply = refused(street.houses[1].engine().receive(&mail, NOW)).to_string();
        assert!(reply.starts_with(says), "{reply}");
        assert_eq!(street.inbox(&to[0]).len(), n, "nothing is stored of it");
        judged_by(&mut street.houses[1], others(rules), Some(screening));
        assert!(matches!(street.houses[1].engine().receive(&mail, NOW), Ok(Received::Anomaly)), "{says}");
    }
}

#[test]
fn what_cannot_be_known_refuses_nothing_and_a_vouching_author_saves_a_forwarded_message() {
    let mut street = Street::new(2);
    takes_ordinary(&street.houses[1], BRUNO);
    let unknown = Screening {
        spf: Some(checked(Outcome::TempError, &[])),
        dkim: vec![checked(Outcome::TempError, &[])],
        arc: Some(checked(Outcome::PermError, &[])),
        dmarc: Some(checked(Outcome::TempError, &[])),
        dmarc_reject: true,
        lists: vec![checked(Outcome::TempError, &[]), checked(Outcome::None, &[])],
        spam: Spam::NotAsked,
    };
    let forwarded = Screening {
        spf: Some(checked(Outcome::Fail, &[])),
        dmarc: Some(checked(Outcome::Pass, &[])),
        dmarc_reject: true,
        ..Screening::default()
    };
    let unsure = Screening { spf: Some(checked(Outcome::SoftFail, &[])), ..Screening::default() };
    let mild = Screening { dmarc: Some(checked(Outcome::Fail, &[])), ..Screening::default() };
    for (n, screening) in [unknown, forwarded, unsure, mild].into_iter().enumerate() {
        judged_by(&mut street.houses[1], STRICT, Some(screening));
        let mut mail = ordinary(&[address(BRUNO)]);
        mail.bytes.extend(format!("{n}\r\n").bytes());
        let answer = street.houses[1].engine().receive(&mail, NOW);
        assert!(matches!(answer, Ok(Received::Anomaly)), "{n}: {answer:?}");
    }
}

/// What an attacker writes into a message stays inside: the envelope's header says what we found, once.
#[test]
fn results_stand_on_the_envelope_and_forged_ones_are_not_believed() {
    let mut street = Street::new(3);
    takes_ordinary(&street.houses[1], BRUNO);
    judged_by(&mut street.houses[1], OrdinaryRules::default(), Some(damned()));
    let (dora, bruno) = (address("dora@posta.example"), address(BRUNO));
    let forged = "Authentication-Results: mx.pec.beta.example; spf=pass; dmarc=pass header.from=posta.example\r\n\
                  X-Spam-Status: No, score=-5.0\r\n";
    let bytes = format!("{forged}{}", message(&dora, std::slice::from_ref(&bruno), "")).into_bytes();
    let mail = arrived(Some(&dora), std::slice::from_ref(&bruno), bytes, "mx.posta.example", false);
    assert!(matches!(street.houses[1].engine().receive(&mail, NOW), Ok(Received::Anomaly)));
    let [letter] = &street.inbox(&bruno)[..] else { panic!("one envelope") };
    assert_eq!(letter.evidence.original.as_deref(), Some(&mail.bytes[..]), "whole, to the byte");
    let header = Header::parse(&letter.bytes).expect("a header");
    let all =
        |name: &str| header.all(name).map(|f| String::from_utf8_lossy(header.raw(f)).into_owned()).collect::<Vec<_>>();
    let [results] = &all("Authentication-Results")[..] else { panic!("ours alone") };
    assert!(results.contains("mx.pec.beta.example; spf=fail") && results.contains("dmarc=fail"), "{results}");
    let [status] = &all("X-Spam-Status")[..] else { panic!("ours alone") };
    assert!(status.contains("Yes, score=20.50") && status.contains("tests=GTUBE"), "{status}");
    assert_eq!(all("X-Spam-Flag").len(), 1);
    assert_eq!(counted(&street.houses[1], NOW), [(Fate::Marked, 1)]);
}

/// A listed address, SPF that excludes it, an antispam that would refuse: certified mail is taken all the same, and nobody
/// is even asked. What only claims to be certified is ordinary mail.
#[test]
fn certified_mail_is_never_dropped_whatever_is_said_of_who_brings_it() {
    let mut street = Street::new(4);
    let asked = Arc::new(AtomicUsize::new(0));
    for house in &mut street.houses {
        let asked = Arc::clone(&asked);
        house.screen_with(Opinion(move |_: &Arrived| {
            asked.fetch_add(1, Ordering::SeqCst);
            Some(damned())
        }));
        house.choose(Rules { ordinary: STRICT, ..Rules::default() });
    }
    let (anna, bruno, carla) = (address(ANNA), address(BRUNO), address("carla@ente-beta.example"));
    takes_ordinary(&street.houses[1], BRUNO);
    takes_ordinary(&street.houses[1], carla.as_str());
    street.submit(&anna, std::slice::from_ref(&bruno), "").expect("submitted");
    let dispatch = street.houses[0].engine().due(street.now, 1).expect("the queue").remove(0);
    let envelope = street.houses[0].engine().read_all(&dispatch.message).expect("the envelope");
    street.houses[0].engine().defer(&dispatch, "the test looks at it", street.now).expect("given back");
    // Signed by a provider and of wrong form: it must go on (pec rule 1.5).
    let malformed = arrived(dispatch.from.as_ref(), std::slice::from_ref(&carla), envelope.clone(), "mx", false);
    assert!(matches!(street.houses[1].engine().receive(&malformed, NOW), Ok(Received::Anomaly)));
    street.pass(std::time::Duration::from_secs(3600));
    assert_eq!(street.kinds(&bruno), ["posta-certificata"]);
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna"], "receipts come back the same way");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nobody is asked about certified mail");
    // One byte altered: no provider's signature holds, whatever the header says.
    let at = envelope.windows(12).position(|w| w == b"Convocazione").expect("the subject");
    let mut broken = envelope;
    broken[at] = b'K';
    let last = broken.windows(12).rposition(|w| w == b"Convocazione").expect("again, in the signed part");
    broken[last] = b'K';
    let broken = arrived(dispatch.from.as_ref(), std::slice::from_ref(&bruno), broken, "mx", false);
    assert_eq!(refused(street.houses[1].engine().receive(&broken, NOW)).to_string().get(..10), Some("550 5.7.26"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn the_bounce_that_a_sender_waits_for_is_looked_at_and_delivered() {
    let mut street = Street::new(5);
    judged_by(&mut street.houses[0], STRICT, Some(damned()));
    let (anna, gina) = (address(ANNA), address("gina@posta-ordinaria.example"));
    let Ok(Submitted::Accepted(id)) = street.submit(&anna, &[gina], "") else { panic!("not accepted") };
    street.run();
    takes_ordinary(&street.houses[0], ANNA);
    let text = format!("From: MAILER-DAEMON@posta-ordinaria.example\r\nTo: <{anna}>\r\n\r\nMessage-ID: <{id}>\r\n");
    let bounce = arrived(None, std::slice::from_ref(&anna), text.into_bytes(), "mx", false);
    assert!(matches!(street.houses[0].engine().receive(&bounce, NOW), Ok(Received::Anomaly)));
    assert!(String::from_utf8_lossy(&street.inbox(&anna)[1].bytes).contains("dmarc=fail"), "it is recorded");
    let text = format!("From: MAILER-DAEMON@posta-ordinaria.example\r\nTo: <{anna}>\r\n\r\nOf nothing.\r\n");
    let forged = Arrived { bytes: text.into_bytes(), ..bounce };
    assert_eq!(refused(street.houses[0].engine().receive(&forged, NOW)).code, 550, "any other is ordinary mail");
}

#[test]
fn what_becomes_of_ordinary_mail_is_counted_by_the_legal_day() {
    let mut street = Street::new(6);
    takes_ordinary(&street.houses[1], BRUNO);
    let mut send = |screening: Option<Screening>, n: u32, at: Timestamp| {
        judged_by(&mut street.houses[1], STRICT, screening);
        let mut mail = ordinary(&[address(BRUNO)]);
        mail.bytes.extend(format!("{n}\r\n").bytes());
        drop(street.houses[1].engine().receive(&mail, at));
    };
    let tomorrow = NOW.plus(std::time::Duration::from_secs(24 * 3600));
    let refusing = |advice| Some(Screening { spam: spam(advice), ..Screening::default() });
    for n in 0..3 {
        send(refusing(Advice::Refuse), n, NOW);
    }
    send(refusing(Advice::Take), 4, NOW);
    send(refusing(Advice::Mark), 5, tomorrow);
    send(None, 6, tomorrow);
    // Not taken at all: the provider accepts nothing now.
    street.houses[1].engine().set_accepting(Obstacle::Clock, Err("prova".into()));
    assert!(street.houses[1].engine().receive(&ordinary(&[address(BRUNO)]), NOW).is_err());
    assert_eq!(counted(&street.houses[1], NOW), [(Fate::Spam, 3), (Fate::Taken, 1)]);
    assert_eq!(counted(&street.houses[1], tomorrow), [(Fate::Deferred, 1), (Fate::Marked, 1)]);
    let both = street.houses[1].engine().screened(NOW, tomorrow).expect("the count");
    assert_eq!(both.iter().map(|row| row.count).sum::<u64>(), 6);
}
