//! The cases of pec rule 14.1 (their numbers are those of the engine they come from), and what the rules leave open.

use super::*;
use crate::fixtures::{HOUR, address, now};
use crate::{Errore, Recipient};

/// Sent by us, received by us: the domain of an identifier tells.
const OUT: &str = "s1@pec.noi.example";
const IN: &str = "r1@pec.altri.example";
const ANNA: &str = "anna@noi.example";
const CARLA: &str = "carla@noi.example";
const BRUNO: &str = "bruno@altri.example";
const DARIO: &str = "dario@altri.example";
const ELENA: &str = "elena@ordinaria.example";

/// A log in the making: two days before `now`, unless a test says otherwise.
struct Log {
    id: &'static str,
    sender: &'static str,
    to: Vec<&'static str>,
    at: Timestamp,
    lines: Vec<Record>,
}

impl Log {
    fn of(id: &'static str, sender: &'static str, to: &[&'static str]) -> Self {
        Self { id, sender, to: to.to_vec(), at: now(), lines: Vec::new() }
    }

    /// A line; its message-id is its own, an envelope's the identifier.
    fn line(mut self, kind: Kind, about: &[&str], issuer: &str) -> Self {
        let class = |a: &str| match a {
            ELENA => RecipientClass::External,
            _ => RecipientClass::Certified,
        };
        let recipients = self.to.iter().map(|a| Recipient { address: address(a), class: class(a) }).collect();
        let about: Vec<Address> = about.iter().map(|a| address(a)).collect();
        let one = kind != Kind::TakeCharge;
        self.lines.push(Record {
            at: self.at,
            installation: "a".into(),
            id: self.id.into(),
            queue: None,
            kind,
            sender: self.sender.into(),
            recipients,
            subject: None,
            message_id: match kind {
                Kind::TransportEnvelope => self.id.into(),
                _ => format!("m{}", self.lines.len()),
            },
            issuer: issuer.into(),
            receipt: None,
            issued: None,
            delivered: if one { about.first().cloned() } else { None },
            taken: if one { Vec::new() } else { about },
            error: (kind == Kind::NonDeliveryVirus).then_some(Errore::Virus),
            extended_error: None,
            virus: None,
            exceptions: None,
        });
        self
    }

    fn accepted(self) -> Self {
        self.line(Kind::Acceptance, &[], "Noi").envelope()
    }

    fn envelope(self) -> Self {
        self.line(Kind::TransportEnvelope, &[], "Noi")
    }

    fn taken(self, who: &[&str]) -> Self {
        self.line(Kind::TakeCharge, who, "Altri")
    }

    fn delivered(self, who: &str) -> Self {
        self.line(Kind::Delivery, &[who], "Altri")
    }

    fn failed(self, who: &str, issuer: &str) -> Self {
        self.line(Kind::NonDelivery, &[who], issuer)
    }

    fn virus(self, who: &str) -> Self {
        self.line(Kind::VirusDetection, &[who], "Altri")
    }

    fn virus_told(self, who: &str) -> Self {
        self.line(Kind::NonDeliveryVirus, &[who], "Noi")
    }

    fn after(mut self, hours: u32) -> Self {
        self.at = self.at.plus(HOUR * hours);
        self
    }

    fn checker(&self, from: Option<Timestamp>, until: Timestamp) -> Checker {
        let mut checker = Checker::new(from, Some(until));
        let domain = |d: &str| Domain::parse(d).unwrap();
        checker.own(&domain("pec.noi.example"), [domain("noi.example")]);
        self.lines.iter().for_each(|r| checker.record(r));
        checker
    }

    fn report(&self) -> Report {
        self.checker(None, now().plus(HOUR * 48)).finish()
    }

    /// The exceptions, as text and recipient. The order of the lines must not matter.
    fn found(&self) -> Vec<(&'static str, String)> {
        let told = |report: Report| {
            let one = |f: Finding| (f.text, f.recipient.map(|r| r.to_string()).unwrap_or_default());
            let mut told: Vec<_> = report.findings.into_iter().map(one).collect();
            told.sort();
            told
        };
        let found = told(self.report());
        let backwards =
            Log { lines: self.lines.iter().rev().cloned().collect(), ..Log::of(self.id, self.sender, &self.to) };
        assert_eq!(told(backwards.report()), found, "in any order");
        found
    }

    fn finds(&self, text: &'static str, who: &str) {
        assert_eq!(self.found(), [(text, who.to_owned())]);
    }

    fn finds_nothing(&self) {
        assert_eq!(self.found(), []);
    }
}

fn sent(to: &[&'static str]) -> Log {
    Log::of(OUT, ANNA, to)
}

fn received(to: &[&'static str]) -> Log {
    Log::of(IN, BRUNO, to)
}

const TAKEN: &str = "Presa in carico mancante per almeno un destinatario";
const OUTCOME: &str = "Avvenuta consegna o errore consegna mancante per almeno un destinatario";

#[test]
fn sent_16_nothing_wrong() {
    sent(&[BRUNO]).accepted().taken(&[BRUNO]).delivered(BRUNO).finds_nothing();
    sent(&[BRUNO]).accepted().taken(&[BRUNO]).failed(BRUNO, "Altri").finds_nothing();
}

#[test]
fn sent_5_many_recipients_one_of_them_infected_nothing_wrong() {
    let log = sent(&[BRUNO, DARIO, ELENA]).accepted().taken(&[BRUNO]).delivered(BRUNO);
    log.virus(DARIO).virus_told(DARIO).finds_nothing();
}

#[test]
fn sent_2_take_charge_missing() {
    sent(&[BRUNO]).accepted().delivered(BRUNO).finds(TAKEN, BRUNO);
    sent(&[BRUNO, DARIO]).accepted().taken(&[BRUNO]).delivered(BRUNO).delivered(DARIO).finds(TAKEN, DARIO);
}

#[test]
fn sent_3_notice_of_non_delivery_about_nobody() {
    let text = "Avvenuta consegna o errore consegna incoerente per almeno un destinatario";
    sent(&[BRUNO]).accepted().taken(&[BRUNO]).delivered(BRUNO).failed(DARIO, "Altri").finds(text, DARIO);
}

#[test]
fn sent_4_detection_of_malware_about_nobody() {
    let log = sent(&[BRUNO]).accepted().taken(&[BRUNO]).delivered(BRUNO).virus(DARIO);
    let missing = ("Mancata consegna virus mancante per un destinatario", DARIO.to_owned());
    let text = "Rilevazione virus incoerente per almeno un destinatario";
    assert_eq!(log.found(), [missing, (text, DARIO.to_owned())]);
}

#[test]
fn sent_6_take_charge_of_nobody() {
    let text = "Presa in carico incoerente per almeno un destinatario";
    sent(&[BRUNO]).accepted().taken(&[BRUNO, DARIO]).delivered(BRUNO).finds(text, DARIO);
    sent(&[BRUNO, ELENA]).accepted().taken(&[BRUNO, ELENA]).delivered(BRUNO).finds(text, ELENA);
}

#[test]
fn sent_9_detection_of_malware_missing() {
    let log = sent(&[BRUNO, DARIO]).accepted().taken(&[BRUNO]).delivered(BRUNO);
    log.virus_told(DARIO).finds("Rilevazione virus mancante per un destinatario", DARIO);
}

#[test]
fn sent_19_detection_of_malware_twice() {
    let log = sent(&[BRUNO]).accepted().virus(BRUNO).virus(BRUNO).virus_told(BRUNO);
    log.finds("Rilevazione virus duplicata per un destinatario", BRUNO);
    let log = sent(&[BRUNO]).accepted().virus(BRUNO).virus_told(BRUNO).virus_told(BRUNO);
    let twice = "Avvenuta consegna o errore consegna duplicata per almeno un destinatario";
    let told = "Mancata consegna virus duplicata per un destinatario";
    assert_eq!(log.found(), [(twice, BRUNO.to_owned()), (told, BRUNO.to_owned())]);
}

#[test]
fn sent_11_outcome_missing() {
    sent(&[BRUNO]).accepted().taken(&[BRUNO]).finds(OUTCOME, BRUNO);
    sent(&[BRUNO, DARIO]).accepted().taken(&[BRUNO, DARIO]).delivered(BRUNO).finds(OUTCOME, DARIO);
}

#[test]
fn sent_21_outcome_missing_behind_an_external_recipient() {
    sent(&[ELENA, BRUNO]).accepted().taken(&[BRUNO]).finds(OUTCOME, BRUNO);
}

#[test]
fn sent_15_delivery_to_nobody() {
    let text = "Avvenuta consegna o errore consegna incoerente per almeno un destinatario";
    sent(&[BRUNO]).accepted().taken(&[BRUNO]).delivered(BRUNO).delivered(DARIO).finds(text, DARIO);
    sent(&[BRUNO, ELENA]).accepted().taken(&[BRUNO]).delivered(BRUNO).delivered(ELENA).finds(text, ELENA);
}

#[test]
fn sent_17_and_18_acceptance_or_envelope_missing() {
    sent(&[BRUNO]).envelope().taken(&[BRUNO]).delivered(BRUNO).finds("Accettazione mancante", "");
    let log = sent(&[BRUNO]).line(Kind::Acceptance, &[], "Noi").taken(&[BRUNO]).delivered(BRUNO);
    log.finds("Busta di trasporto mancante", "");
}

#[test]
fn received_12_nothing_wrong() {
    received(&[ANNA, DARIO]).envelope().taken(&[ANNA]).delivered(ANNA).finds_nothing();
    received(&[ANNA, CARLA]).envelope().taken(&[ANNA]).delivered(ANNA).virus(CARLA).finds_nothing();
}

#[test]
fn received_7_take_charge_missing() {
    received(&[ANNA]).envelope().delivered(ANNA).finds(TAKEN, ANNA);
}

#[test]
fn received_8_delivery_to_nobody_of_ours() {
    let text = "Avvenuta consegna o errore consegna incoerente per almeno un destinatario";
    received(&[ANNA]).envelope().taken(&[ANNA]).delivered(ANNA).delivered(CARLA).finds(text, CARLA);
    received(&[ANNA, DARIO]).envelope().taken(&[ANNA]).delivered(ANNA).delivered(DARIO).finds(text, DARIO);
}

#[test]
fn received_10_envelope_missing() {
    received(&[ANNA]).taken(&[ANNA]).delivered(ANNA).finds("Busta di trasporto mancante", "");
}

#[test]
fn received_13_take_charge_of_nobody_of_ours() {
    let text = "Presa in carico incoerente per almeno un destinatario";
    received(&[ANNA, DARIO]).envelope().taken(&[ANNA, DARIO]).delivered(ANNA).finds(text, DARIO);
}

#[test]
fn received_14_outcome_missing() {
    let text = "Avvenuta consegna o errore consegna o rilevazione virus mancante per almeno un destinatario";
    received(&[ANNA, CARLA]).envelope().taken(&[ANNA, CARLA]).delivered(ANNA).finds(text, CARLA);
}

#[test]
fn received_without_exactly_one_outcome() {
    let twice = "Avvenuta consegna o errore consegna o rilevazione virus duplicata per almeno un destinatario";
    received(&[ANNA]).envelope().taken(&[ANNA]).delivered(ANNA).delivered(ANNA).finds(twice, ANNA);
    let both = "Avvenuta consegna o errore consegna o rilevazione virus in conflitto per almeno un destinatario";
    received(&[ANNA]).envelope().taken(&[ANNA]).delivered(ANNA).failed(ANNA, "Noi").finds(both, ANNA);
    received(&[ANNA]).accepted().taken(&[ANNA]).delivered(ANNA).finds("Accettazione incoerente", "");
}

#[test]
fn an_envelope_received_in_several_transactions_is_one() {
    let taken = |log: Log, who| log.after(1).envelope().taken(&[who]);
    taken(taken(received(&[ANNA, CARLA]), ANNA), CARLA).delivered(ANNA).delivered(CARLA).finds_nothing();
    // By ourselves, after we had issued it.
    let log = taken(taken(sent(&[ANNA, CARLA]).accepted(), ANNA), CARLA).delivered(ANNA).delivered(CARLA);
    log.finds_nothing();
    taken(sent(&[ANNA]).accepted().after(1).envelope(), ANNA).delivered(ANNA).finds("Busta di trasporto duplicata", "");
    let infected = received(&[ANNA]).envelope().virus(ANNA).after(1).envelope().taken(&[]);
    infected.finds_nothing();
}

#[test]
fn everything_twice_is_found() {
    let whole = || sent(&[BRUNO]).accepted().taken(&[BRUNO]).delivered(BRUNO);
    whole().after(1).envelope().finds("Busta di trasporto duplicata", "");
    received(&[ANNA])
        .envelope()
        .after(1)
        .envelope()
        .after(1)
        .taken(&[ANNA])
        .delivered(ANNA)
        .finds("Busta di trasporto duplicata", "");
    whole().line(Kind::Acceptance, &[], "Noi").finds("Accettazione duplicata", "");
    whole().taken(&[BRUNO]).finds("Presa in carico duplicata per almeno un destinatario", BRUNO);
    let twice = "Avvenuta consegna o errore consegna duplicata per almeno un destinatario";
    whole().delivered(BRUNO).finds(twice, BRUNO);
    let both = "Avvenuta consegna o errore consegna in conflitto per almeno un destinatario";
    whole().failed(BRUNO, "Altri").finds(both, BRUNO);
}

#[test]
fn the_same_message_issued_and_received_is_one() {
    let mut log = sent(&[CARLA]).accepted().taken(&[CARLA]).delivered(CARLA);
    log.lines.extend(log.lines.clone());
    log.finds_nothing();
}

#[test]
fn sender_and_recipients_are_the_same_in_every_line_case_aside() {
    let whole = || sent(&[BRUNO, DARIO]).accepted().taken(&[BRUNO, DARIO]).delivered(BRUNO).delivered(DARIO);
    let mut log = whole();
    log.lines[2].sender = ANNA.to_uppercase();
    log.lines[2].recipients.reverse();
    log.lines[3].recipients[0].address = address("BRUNO@altri.example");
    log.finds_nothing();
    log.lines[2].sender = CARLA.into();
    log.finds("Mittente incoerente", "");
    let mut log = whole();
    log.lines[4].recipients.pop();
    log.finds("Destinatari incoerenti", "");
    let mut log = whole();
    log.lines[4].recipients[1].class = RecipientClass::External;
    log.finds("Destinatari incoerenti", "");
}

#[test]
fn who_is_closed_by_us_needs_nothing_more() {
    let late = |log: Log| log.after(23).line(Kind::Overdue24h, &[BRUNO], "Noi");
    late(sent(&[BRUNO]).accepted()).finds_nothing();
    late(sent(&[BRUNO]).accepted().taken(&[BRUNO])).finds_nothing();
    late(sent(&[BRUNO]).accepted()).after(2).taken(&[BRUNO]).delivered(BRUNO).finds_nothing();
    sent(&[BRUNO]).accepted().after(12).line(Kind::Overdue12h, &[BRUNO], "Noi").after(30).finds_nothing_but_missing();
    sent(&[BRUNO]).accepted().failed(BRUNO, "Noi").finds_nothing();
    sent(&[BRUNO]).accepted().failed(BRUNO, "Altri").finds(TAKEN, BRUNO);
    sent(&[ELENA]).accepted().failed(ELENA, "Noi").finds_nothing();
    let text = "Avvenuta consegna o errore consegna incoerente per almeno un destinatario";
    sent(&[ELENA]).accepted().failed(ELENA, "Altri").finds(text, ELENA);
}

impl Log {
    /// The first notice closes nothing.
    fn finds_nothing_but_missing(&self) {
        let mut expected = [(OUTCOME, BRUNO.to_owned()), (TAKEN, BRUNO.to_owned())];
        expected.sort();
        assert_eq!(self.found(), expected);
    }
}

#[test]
fn non_acceptances_and_anomalies_are_left_out() {
    let mut log = sent(&[BRUNO]).line(Kind::NonAcceptance, &[], "Noi").line(Kind::NonAcceptanceVirus, &[], "Noi");
    log.lines.push(Record::anomaly(now(), "a", None, &[], None, "Noi", "firma assente"));
    assert_eq!(log.report(), Report::default());
}

#[test]
fn what_is_missing_in_the_last_day_is_open() {
    let log = sent(&[BRUNO]).accepted();
    let open = log.checker(None, now().plus(HOUR * 24 - Duration::from_millis(1))).finish();
    assert_eq!((open.findings.len(), open.open, open.messages), (0, 1, 1));
    let over = log.checker(None, now().plus(HOUR * 24)).finish();
    assert_eq!((over.findings.len(), over.open), (2, 0));
    let told = |hours: u32| {
        let mut checker = log.checker(None, now());
        checker.now = None;
        checker.record(&sent(&[BRUNO]).after(hours).line(Kind::NonAcceptance, &[], "Noi").lines[0]);
        checker.finish().open
    };
    assert_eq!((told(23), told(24)), (1, 0), "without a present the last line is it");
    // What is there twice is wrong at once.
    let twice = sent(&[BRUNO]).accepted().after(1).envelope().checker(None, now()).finish();
    assert_eq!((twice.findings.len(), twice.open), (1, 1));
}

#[test]
fn a_message_that_began_before_the_period_is_cut() {
    let rest = sent(&[BRUNO]).after(20).delivered(BRUNO);
    let until = now().plus(HOUR * 24 * 30);
    let cut = rest.checker(Some(now()), until).finish();
    assert_eq!((cut.findings.len(), cut.cut, cut.messages), (0, 1, 0));
    // Not when the log itself begins there, nor when it is too late for a rest.
    assert_eq!(rest.checker(None, until).finish().findings.len(), 3);
    let late = sent(&[BRUNO]).after(24 * 8).delivered(BRUNO);
    assert_eq!(late.checker(Some(now()), until).finish().findings.len(), 3);
}

#[test]
fn settling_judges_the_same_and_keeps_little() {
    let until = now().plus(HOUR * 24 * 30);
    for log in [sent(&[BRUNO]).accepted(), sent(&[BRUNO]).accepted().taken(&[BRUNO]).delivered(BRUNO)] {
        let mut checker = log.checker(None, until);
        checker.settle(now().plus(TAIL));
        assert_eq!(checker.messages.len(), 1, "something may still come");
        checker.settle(until);
        assert!(checker.messages.is_empty());
        assert_eq!(checker.finish(), log.checker(None, until).finish());
    }
}

#[test]
fn an_opening_line_says_whose_log_it_is() {
    let log = received(&[ANNA]).envelope().taken(&[ANNA]);
    let mut checker = Checker::new(None, Some(now().plus(HOUR * 48)));
    let domain = |d: &str| Domain::parse(d).unwrap();
    let event = ServiceEvent::Open {
        segment: 1,
        day: "2026-03-12".into(),
        issuer: "Noi".into(),
        service: domain("pec.altri.example"),
        domains: vec![domain("altri.example")],
    };
    checker.entry(&Entry::Service(super::super::Service { at: now(), installation: "a".into(), event }));
    log.lines.iter().for_each(|r| checker.entry(&Entry::Event(Box::new(r.clone()))));
    let findings = checker.finish().findings;
    assert!(
        findings.iter().any(|f| f.text == "Accettazione mancante"),
        "their own message, in their log: {findings:?}"
    );
    assert_eq!(findings[0].to_string(), format!("{IN}: Accettazione mancante"));
}

#[test]
fn a_domain_that_a_configuration_added_is_ours_from_then_on() {
    let log = received(&[ANNA]).envelope().taken(&[ANNA]).delivered(ANNA);
    let findings = |added: &[&str]| {
        let mut checker = Checker::new(None, Some(now().plus(HOUR * 48)));
        let domain = |d: &str| Domain::parse(d).unwrap();
        checker.own(&domain("pec.noi.example"), [domain("altro.example")]);
        let domains = added.iter().map(|d| domain(d)).collect();
        let event = ServiceEvent::Configured { sha256: "0".repeat(64), domains, outcome: Ok(()) };
        checker.entry(&Entry::Service(super::super::Service { at: now(), installation: "a".into(), event }));
        log.lines.iter().for_each(|r| checker.entry(&Entry::Event(Box::new(r.clone()))));
        checker.finish().findings
    };
    assert!(findings(&[]).iter().any(|f| f.text.starts_with("Presa in carico incoerente")), "{:?}", findings(&[]));
    assert_eq!(findings(&["noi.example"]), []);
}
