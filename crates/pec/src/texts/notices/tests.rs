use proptest::prelude::*;

use super::*;
use crate::Kind;
use crate::fixtures::{address, facts, now};

/// The readable part of a kind, with a reason that anybody may have worded. A new kind does not compile without one.
fn body(kind: Kind, f: &Facts, reason: &str) -> Body {
    let (at, anna) = (now(), address("anna@ente.example"));
    let everybody: Vec<Address> = f.recipients.iter().map(|r| r.address.clone()).collect();
    match kind {
        Kind::Acceptance => acceptance(f, at),
        Kind::NonAcceptance => non_acceptance(f, at, reason),
        Kind::NonAcceptanceVirus => non_acceptance_virus(f, at, reason),
        Kind::TransportEnvelope => transport_envelope(f, at),
        Kind::TakeCharge => take_charge(f, at, &everybody),
        Kind::Delivery => delivery(f, at, &anna, ReceiptKind::Brief),
        Kind::NonDelivery => non_delivery(f, at, &anna, reason),
        Kind::NonDeliveryVirus => non_delivery_virus(f, at, &anna, reason),
        Kind::Overdue12h => overdue_12h(f, at, &anna),
        Kind::Overdue24h => overdue_24h(f, at, &anna),
        Kind::VirusDetection => virus_detection(f, at, &anna, reason),
        Kind::AnomalyEnvelope => anomaly(&subject(f), f.sender.as_str(), &everybody, at, reason),
    }
}

fn all_lines(body: &Body) -> Vec<Line> {
    std::iter::once(body.title.clone()).chain(body.lines.iter().cloned()).collect()
}

/// Every fact that may stand in a notice.
fn every_fact(f: &Facts, reason: &str) -> Vec<String> {
    let time = now().legal();
    let mut all: Vec<String> = f.recipients.iter().map(|r| r.address.to_string()).collect();
    all.extend([f.sender.to_string(), f.id.to_string(), subject(f), line(reason)]);
    all.extend([time.day, time.time, time.zone]);
    all
}

#[test]
fn every_kind_says_the_same_in_both_languages() {
    let (f, reason) = (facts(), "Eicar-Test-Signature");
    for kind in Kind::ALL {
        for Line { it, en } in all_lines(&body(kind, &f, reason)) {
            for fact in every_fact(&f, reason) {
                assert_eq!(it.matches(&fact).count(), en.matches(&fact).count(), "{kind}: {fact} in {it:?}, {en:?}");
            }
        }
    }
}

#[test]
fn every_kind_names_what_it_is_about() {
    let (f, reason) = (facts(), "Eicar-Test-Signature");
    for kind in Kind::ALL {
        let body = body(kind, &f, reason);
        let english: String = all_lines(&body).into_iter().map(|l| l.en + "\n").collect();
        let time = now().legal();
        let mut named = vec![subject(&f), time.day, time.time, time.zone, "anna@ente.example".into()];
        // The model of the virus notice names no sender, the anomaly envelope has no identifier.
        if kind != Kind::NonDeliveryVirus {
            named.push(f.sender.to_string());
        }
        if kind != Kind::AnomalyEnvelope {
            named.push(f.id.to_string());
        }
        for fact in named {
            assert!(english.contains(&fact), "{kind}: {fact} in\n{english}");
        }
    }
}

#[test]
fn nothing_but_facts_is_left_untranslated() {
    let f = Facts { subject: Some("Oggetto".into()), ..facts() };
    for kind in Kind::ALL {
        for Line { it, en } in all_lines(&body(kind, &f, "Eicar")) {
            let fact = it == "Eicar" || f.recipients.iter().any(|r| r.address.as_str() == it);
            assert!(fact || it != en, "{kind}: {it:?}");
            assert!(en.is_ascii(), "{kind}: {en:?}");
        }
    }
}

#[test]
fn titles_tell_the_kinds_apart_in_both_languages() {
    let titles = |pick: fn(Line) -> String| {
        let mut all: Vec<String> = Kind::ALL.iter().map(|k| pick(body(*k, &facts(), "x").title)).collect();
        all.sort();
        all.dedup();
        all.len()
    };
    // The three notices of non-delivery share theirs, by the rules.
    assert_eq!((titles(|l| l.it), titles(|l| l.en)), (10, 10));
}

proptest! {
    #[test]
    fn whatever_a_user_wrote_stands_in_both_and_adds_no_line(text in "\\PC{0,40}|(a|\r\n|\u{2028}|\0|<b>){0,9}", reason in ".{0,40}") {
        let plain = facts();
        let f = Facts { subject: Some(text), ..facts() };
        for kind in Kind::ALL {
            let (with, without) = (all_lines(&body(kind, &f, &reason)), all_lines(&body(kind, &plain, "x")));
            prop_assert_eq!(with.len(), without.len());
            for Line { it, en } in with {
                prop_assert!(!it.contains(['\r', '\n', '\0']) && !en.contains(['\r', '\n', '\0']));
            }
        }
    }
}
