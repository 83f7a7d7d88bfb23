use proptest::prelude::*;

use super::*;
use crate::fixtures::{address, facts, now, sender};
use crate::{RecipientClass, Tipo, texts};

fn record() -> Record {
    let c = Certification::new(Tipo::Accettazione, Errore::Nessuno, &facts(), &sender().name, now());
    Record::certified(now(), "alfa-1", Kind::Acceptance, "a1@pec.mittente-prov.example", &c)
}

#[test]
fn a_line_in_the_grammar_of_the_rules() {
    let line = "2026-03-12T10:15:01.000+01:00 sigillo alfa-1 [0]: 20260312101501.4a7c31.01@pec.mittente-prov.example: \
                tipo=accettazione (Accettazione): mittente=mario@studio.example: \
                destinatari=anna@ente.example (certificato), ufficio@ente.example (certificato), \
                bruno@posta.example (esterno): oggetto=Preventivo n. 12 – perché sì & altro: \
                message-id=a1@pec.mittente-prov.example: gestore=Gestore Mittente S.p.A.";
    assert_eq!(record().to_line(), line);
    assert_eq!(Record::parse_line(line).unwrap(), record());
}

#[test]
fn errors_viruses_and_anomalies() {
    let mut c = Certification::new(Tipo::ErroreConsegna, Errore::Virus, &facts(), &sender().name, now());
    c.delivered = Some(address("anna@ente.example"));
    c.extended_error = Some("Eicar: test".into());
    let r = Record::certified(now(), "a", Kind::NonDeliveryVirus, "m@x.example", &c);
    assert!(
        r.to_line().ends_with(": consegna=anna@ente.example: errore=virus: virus=Eicar\\: test"),
        "{}",
        r.to_line()
    );
    assert_eq!(Record::parse_line(&r.to_line()).unwrap(), r);
    let to = [Recipient { address: address("anna@ente.example"), class: RecipientClass::Certified }];
    let anomaly = Record::anomaly(now(), "a", None, &to, Some("x: y:"), "Gestore", "firma assente");
    assert!(anomaly.to_line().contains(" [0]: : tipo=(BustaAnomalia): mittente=: "), "{}", anomaly.to_line());
    assert_eq!(Record::parse_line(&anomaly.to_line()).unwrap(), anomaly);
    assert_eq!(anomaly.pec_id(), None);
}

#[test]
fn what_is_no_record() {
    let line = record().to_line();
    for (what, bad) in [
        ("empty", String::new()),
        ("time", line.replace("2026-03-12", "2026-13-12")),
        ("process", line.replace("sigillo", "altro")),
        ("class", line.replace("(Accettazione)", "(Boh)")),
        ("kind and class", line.replace("tipo=accettazione", "tipo=presa-in-carico")),
        ("recipient", line.replace("(esterno)", "(boh)")),
        ("unknown field", format!("{line}: altro=x")),
        ("order", format!("{line}: virus=x: errore=virus")),
        ("no sender", line.replace("mittente=mario@studio.example: ", "")),
        ("lone backslash", line.replace("altro", "al\\tro")),
    ] {
        assert!(Record::parse_line(&bad).is_err(), "{what}: {bad}");
    }
}

proptest! {
    #[test]
    fn every_record_reads_back(subject in ".*", issuer in ".*", error in ".*", exception in ".*", queue in "[a-z0-9:\\\\ ]{0,9}", quoted in "[ ,:a-z()]{0,9}") {
        let clean = |t: &str| texts::line(t);
        let odd = address(&format!("\"{quoted}\"@x.example"));
        let mut r = record();
        r.subject = Some(clean(&subject)).filter(|s| !s.is_empty());
        r.issuer = clean(&issuer);
        r.queue = Some(queue);
        r.extended_error = Some(clean(&error));
        r.exceptions = Some(clean(&exception));
        r.taken = vec![odd.clone(), address("b@y.example")];
        r.recipients.push(Recipient { address: odd, class: RecipientClass::External });
        let line = r.to_line();
        prop_assert!(!line.contains(['\r', '\n']));
        prop_assert_eq!(Record::parse_line(&line).unwrap(), r);
    }

    #[test]
    fn any_text_never_panics(text in ".*") {
        prop_assert!(Record::parse_line(&text).is_err());
        let line = format!("2026-03-12T10:15:01.000+01:00 sigillo a [0]: {text}");
        prop_assert!(Record::parse_line(&line).is_err());
    }
}
