use proptest::prelude::*;

use super::*;
use crate::fixtures::{address, facts, now, receiver, sender};
use crate::{compose, deadline::Overdue, fixtures::id};

/// The fifteen files of the rules: the writer gives them to the byte.
fn examples() -> Vec<(&'static str, Certification)> {
    let at = |seconds: u64| now().plus(std::time::Duration::from_secs(seconds));
    let (s, r) = (sender().name, receiver().name);
    let new = |kind, error, issuer: &str, seconds| Certification::new(kind, error, &facts(), issuer, at(seconds));
    let (anna, ufficio) = (address("anna@ente.example"), address("ufficio@ente.example"));
    let one = |mut c: Certification, who: &Address, error: &str| {
        c.delivered = Some(who.clone());
        c.extended_error = Some(error.to_owned());
        c
    };
    let receipt = |mut c: Certification, kind, who: Option<&Address>| {
        c.receipt = Some(kind);
        c.delivered = who.cloned();
        c
    };
    let error = |mut c: Certification, text: &str| {
        c.extended_error = Some(text.to_owned());
        c
    };
    use super::{Errore as E, Tipo as T};
    use crate::ReceiptKind::{Brief, Complete, Concise};
    let eicar = "Eicar-Test-Signature";
    let mut taken = new(T::PresaInCarico, E::Nessuno, &r, 3);
    taken.taken = vec![anna.clone(), ufficio.clone()];
    let refused = "il destinatario bruno@posta.example non compare nei campi To o Cc";
    let done = |kind, who| receipt(new(T::AvvenutaConsegna, E::Nessuno, &r, 4), kind, Some(who));
    vec![
        ("01-accettazione", new(T::Accettazione, E::Nessuno, &s, 0)),
        ("02-non-accettazione_formale", error(new(T::NonAccettazione, E::Altro, &s, 0), refused)),
        ("03-non-accettazione_virus", error(new(T::NonAccettazione, E::Virus, &s, 0), eicar)),
        ("04-posta-certificata_completa", receipt(new(T::PostaCertificata, E::Nessuno, &s, 0), Complete, None)),
        ("05-posta-certificata_breve", receipt(new(T::PostaCertificata, E::Nessuno, &s, 0), Brief, None)),
        ("06-presa-in-carico", taken),
        ("07-avvenuta-consegna_completa", done(Complete, &anna)),
        ("08-avvenuta-consegna_breve", done(Brief, &anna)),
        ("09-avvenuta-consegna_sintetica", done(Concise, &ufficio)),
        (
            "10-errore-consegna_no-dest",
            one(new(T::ErroreConsegna, E::NoDest, &r, 5), &ufficio, &texts::coded("5.1.1", &r, texts::INVALID_ADDRESS)),
        ),
        (
            "11-errore-consegna_altro",
            one(new(T::ErroreConsegna, E::Altro, &r, 5), &ufficio, &texts::coded("5.2.2", &r, texts::MAILBOX_FULL)),
        ),
        ("12-rilevazione-virus", one(new(T::RilevazioneVirus, E::Virus, &r, 6), &anna, eicar)),
        ("13-errore-consegna_virus", one(new(T::ErroreConsegna, E::Virus, &s, 8), &anna, eicar)),
        (
            "14-preavviso-errore-consegna_12h",
            one(new(T::PreavvisoErroreConsegna, E::Altro, &s, 43_201), &anna, texts::OVERDUE_12H),
        ),
        (
            "15-preavviso-errore-consegna_24h",
            one(new(T::PreavvisoErroreConsegna, E::Altro, &s, 81_001), &anna, &texts::overdue_24h_error(&s)),
        ),
    ]
}

const FILES: [&str; 15] = [
    include_str!("examples/01-accettazione.daticert.xml"),
    include_str!("examples/02-non-accettazione_formale.daticert.xml"),
    include_str!("examples/03-non-accettazione_virus.daticert.xml"),
    include_str!("examples/04-posta-certificata_completa.daticert.xml"),
    include_str!("examples/05-posta-certificata_breve.daticert.xml"),
    include_str!("examples/06-presa-in-carico.daticert.xml"),
    include_str!("examples/07-avvenuta-consegna_completa.daticert.xml"),
    include_str!("examples/08-avvenuta-consegna_breve.daticert.xml"),
    include_str!("examples/09-avvenuta-consegna_sintetica.daticert.xml"),
    include_str!("examples/10-errore-consegna_no-dest.daticert.xml"),
    include_str!("examples/11-errore-consegna_altro.daticert.xml"),
    include_str!("examples/12-rilevazione-virus.daticert.xml"),
    include_str!("examples/13-errore-consegna_virus.daticert.xml"),
    include_str!("examples/14-preavviso-errore-consegna_12h.daticert.xml"),
    include_str!("examples/15-preavviso-errore-consegna_24h.daticert.xml"),
];

#[test]
fn the_examples_of_the_rules_to_the_byte() {
    let examples = examples();
    assert_eq!(examples.len(), FILES.len());
    for ((name, c), file) in examples.iter().zip(FILES) {
        assert_eq!(c.to_xml(), file, "{name}");
        assert_eq!(Certification::parse(file.as_bytes()).unwrap(), *c, "{name}");
    }
}

#[test]
fn overdue_notices_carry_the_texts_of_the_examples() {
    let expected = examples();
    let anna = address("anna@ente.example");
    let made = |at, which| {
        let d = compose::overdue(&sender(), &facts(), at, id("n@pec.mittente-prov.example"), &anna, which);
        d.certification().unwrap().to_xml()
    };
    let at = |seconds| now().plus(std::time::Duration::from_secs(seconds));
    assert_eq!(made(at(43_201), Overdue::First), expected[13].1.to_xml());
    assert_eq!(made(at(81_001), Overdue::Second), expected[14].1.to_xml());
}

fn xml(head: &str, tail: &str) -> String {
    format!(
        "<postacert tipo=\"accettazione\"{head}><intestazione><mittente>a@x.example</mittente>\
         <destinatari>b@y.example</destinatari><risposte/></intestazione><dati><gestore-emittente>G</gestore-emittente>\
         <data zona=\"+01:00\"><giorno>12/03/2026</giorno><ora>10:15:60</ora></data>\
         <identificativo>i@x.example</identificativo>{tail}</dati></postacert>"
    )
}

#[test]
fn what_the_dtd_allows_is_read() {
    let c = Certification::parse(xml("", "").as_bytes()).unwrap();
    assert_eq!((c.error, c.facts.recipients[0].class), (Errore::Nessuno, crate::RecipientClass::Certified));
    assert_eq!(c.facts.msgid, None);
    assert_eq!(c.time.zone, "+01:00");
    let odd = "<?xml version='1.0' encoding='utf-8'?>\r\n<!-- x -->\r\n".to_owned()
        + &xml(" errore='altro'", "<msgid>&#60;q&gt;</msgid><errore-esteso><![CDATA[a & b]]></errore-esteso>")
        + "\n<!-- y -->\n";
    let c = Certification::parse(odd.as_bytes()).unwrap();
    assert_eq!(c.facts.msgid.as_deref(), Some("<q>"));
    assert_eq!(c.extended_error.as_deref(), Some("a & b"));
}

#[test]
fn what_the_dtd_forbids_is_refused() {
    let good = xml("", "");
    let cases = [
        ("doctype", format!("<!DOCTYPE postacert>{good}")),
        ("entities", format!("<!DOCTYPE p [<!ENTITY x \"y\">]>{}", xml("", "<errore-esteso>&x;</errore-esteso>"))),
        ("unknown entity", xml("", "<errore-esteso>&x;</errore-esteso>")),
        ("forbidden character", xml("", "<errore-esteso>&#1;</errore-esteso>")),
        ("raw control", xml("", "<errore-esteso>\u{1}</errore-esteso>")),
        ("unknown element", xml("", "<altro/>")),
        ("order", xml("", "<ricezione>a@x.example</ricezione><consegna>a@x.example</consegna>")),
        ("twice", xml("", "<consegna>a@x.example</consegna><consegna>a@x.example</consegna>")),
        ("unknown attribute", xml(" x=\"y\"", "")),
        ("unknown errore", xml(" errore=\"boh\"", "")),
        ("attribute on text", xml("", "<msgid x=\"y\"/>")),
        ("receipt kind", xml("", "<ricevuta tipo=\"lunga\"/>")),
        ("receipt content", xml("", "<ricevuta tipo=\"breve\">x</ricevuta>")),
        ("receipt without kind", xml("", "<ricevuta/>")),
        ("element in text", xml("", "<msgid><b/></msgid>")),
        ("text between", xml("", "testo")),
        ("unclosed", good.replace("</postacert>", "")),
        ("mismatched", good.replace("</dati>", "</data>")),
        ("second root", format!("{good}<postacert/>")),
        ("late declaration", format!("<!-- --><?xml version=\"1.0\"?>{good}")),
        ("instruction", format!("<?php x?>{good}")),
        ("encoding", format!("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>{good}")),
        ("no recipient", good.replace("<destinatari>b@y.example</destinatari>", "")),
        ("bad address", good.replace("a@x.example", "a")),
        ("bad id", good.replace("i@x.example", "i")),
        ("bad date", good.replace("12/03/2026", "31/02/2026")),
        ("bad zone", good.replace("+01:00", "CET")),
        ("no kind", good.replace(" tipo=\"accettazione\"", "")),
        ("upper case", good.replace("accettazione", "Accettazione")),
        ("empty", String::new()),
    ];
    for (what, text) in cases {
        assert!(matches!(Certification::parse(text.as_bytes()), Err(Error::Certification(_))), "{what}: {text}");
    }
    assert!(Certification::parse(&[good.as_bytes(), b"\xff"].concat()).is_err());
}

#[test]
fn instants_read_back() {
    let time = CertifiedTime::of(now());
    assert_eq!((time.day.as_str(), time.time.as_str(), time.zone.as_str()), ("12/03/2026", "10:15:01", "+0100"));
    assert_eq!(time.instant(), Some(now()));
    assert_eq!(CertifiedTime { day: "1/3/2026".into(), ..time }.instant(), None);
}

proptest! {
    #[test]
    fn any_texts_read_back(subject in proptest::option::of(".*"), reply in ".*", name in ".*", error in proptest::option::of("\\PC*")) {
        // What XML cannot carry goes first; the writer does the same.
        let clean = |t: &str| texts::line(t).replace(['\u{fffe}', '\u{ffff}'], "");
        let mut c = Certification::new(Tipo::ErroreConsegna, Errore::Altro, &facts(), &clean(&name), now());
        c.facts.subject = subject.as_deref().map(clean);
        c.facts.reply_to = clean(&reply);
        c.extended_error = error.as_deref().map(clean);
        prop_assert_eq!(&Certification::parse(c.to_xml().as_bytes()).unwrap(), &c);
        let mut dirty = c.clone();
        dirty.facts.subject = subject;
        prop_assert_eq!(dirty.to_xml(), c.to_xml());
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Certification::parse(&bytes).is_err());
    }

    #[test]
    fn a_damaged_file_never_panics(at in 0usize..1000, byte: u8) {
        let mut file = examples()[9].1.to_xml().into_bytes();
        let at = at % file.len();
        file[at] = byte;
        // Either refused or read as something; both are answers.
        let answered = Certification::parse(&file).map(|c| c.to_xml());
        prop_assert!(answered.is_err() || !file.is_empty());
    }
}
