//! Certification data of any values: valid by the DTD for xmllint, and read by Python's XML reader and by ours as what
//! was written.

use std::collections::BTreeMap;

use sigillo_base::{Address, Domain, PecId, Timestamp};
use sigillo_pec::{Certification, CertifiedTime, Errore, Facts, ReceiptKind, Recipient, RecipientClass, Tipo};
use sigillo_tests::fixtures::Numbers;

use crate::oracle::Bench;

/// A text of pieces that a careless writer of XML gets wrong; without what XML cannot carry.
fn text(random: &Numbers) -> String {
    const PIECES: [&str; 16] =
        ["a", " ", "&", "<", ">", "\"", "'", "]]>", "<!--", "&amp;", "&#0;", "è", "年", "\u{1f58b}", "<?x?>", "\u{a0}"];
    (0..random.below(12)).map(|_| PIECES[random.below(16) as usize]).collect()
}

fn address(random: &Numbers) -> Address {
    const LOCALS: [&str; 5] = ["anna", "O'Brien", "a&b", "\"a <b> & c\"", "MARIO.Rossi+x"];
    const DOMAINS: [&str; 3] = ["ente.example", "XN--ENTE-2za.example", "a-b.c.example"];
    let (local, domain) = (LOCALS[random.below(5) as usize], DOMAINS[random.below(3) as usize]);
    Address::parse(&format!("{local}@{domain}")).expect("an address")
}

fn maybe<T>(random: &Numbers, make: impl FnOnce(&Numbers) -> T) -> Option<T> {
    (random.below(2) == 0).then(|| make(random))
}

fn certification(random: &Numbers) -> Certification {
    let recipient = |_| Recipient {
        address: address(random),
        class: [RecipientClass::Certified, RecipientClass::External][random.below(2) as usize],
    };
    let facts = Facts {
        sender: address(random),
        recipients: (0..=random.below(4)).map(recipient).collect(),
        reply_to: text(random),
        subject: maybe(random, text),
        id: PecId::new(u128::from(random.next()), &Domain::parse("pec.alfa.example").expect("a domain")),
        msgid: maybe(random, |r| format!("<{}>", text(r).replace(' ', ""))),
    };
    const TYPES: [Tipo; 8] = [
        Tipo::Accettazione,
        Tipo::NonAccettazione,
        Tipo::PresaInCarico,
        Tipo::AvvenutaConsegna,
        Tipo::PostaCertificata,
        Tipo::ErroreConsegna,
        Tipo::PreavvisoErroreConsegna,
        Tipo::RilevazioneVirus,
    ];
    let receipts = [ReceiptKind::Complete, ReceiptKind::Brief, ReceiptKind::Concise];
    Certification {
        kind: TYPES[random.below(8) as usize],
        error: Errore::ALL[random.below(5) as usize],
        facts,
        issuer: text(random),
        // Any second of seventy years, in summer and in winter.
        time: CertifiedTime::of(Timestamp::from_millis(random.below(2_200_000_000_000).cast_signed())),
        receipt: maybe(random, |r| receipts[r.below(3) as usize]),
        delivered: maybe(random, address),
        taken: (0..random.below(3)).map(|_| address(random)).collect(),
        extended_error: maybe(random, text),
    }
}

/// What Python read: each element with its texts in order, attributes before the text.
type Elements = BTreeMap<String, Vec<String>>;

const SCRIPT: &str = r#"
import json, sys, xml.etree.ElementTree as ET

def read(path):
    out = {}
    for e in ET.parse(path).getroot().iter():
        values = ["%s=%s" % (k, v) for k, v in sorted(e.attrib.items())]
        if len(e) == 0:
            values.append(e.text or "")
        out.setdefault(e.tag, []).append("|".join(values))
    return out

json.dump([read(p) for p in sys.argv[1:]], sys.stdout)
"#;

fn expected(c: &Certification) -> Elements {
    let mut out = Elements::new();
    let mut put = |name: &str, value: String| out.entry(name.into()).or_default().push(value);
    put("postacert", format!("errore={}|tipo={}", c.error, c.kind));
    put("intestazione", String::new());
    put("mittente", c.facts.sender.to_string());
    for r in &c.facts.recipients {
        put("destinatari", format!("tipo={}|{}", r.class.as_str(), r.address));
    }
    put("risposte", c.facts.reply_to.clone());
    c.facts.subject.iter().for_each(|s| put("oggetto", s.clone()));
    put("dati", String::new());
    put("gestore-emittente", c.issuer.clone());
    put("data", format!("zona={}", c.time.zone));
    put("giorno", c.time.day.clone());
    put("ora", c.time.time.clone());
    put("identificativo", c.facts.id.to_string());
    c.facts.msgid.iter().for_each(|m| put("msgid", m.clone()));
    c.receipt.iter().for_each(|k| put("ricevuta", format!("tipo={k}|")));
    c.delivered.iter().for_each(|a| put("consegna", a.to_string()));
    c.taken.iter().for_each(|a| put("ricezione", a.to_string()));
    c.extended_error.iter().for_each(|e| put("errore-esteso", e.clone()));
    out
}

#[test]
fn certification_data_of_any_values_are_valid_and_read_the_same_everywhere() {
    let (bench, random) = (Bench::new(), Numbers::new(2_005_005));
    let all: Vec<Certification> = (0..400).map(|_| certification(&random)).collect();
    let xml: Vec<String> = all.iter().map(Certification::to_xml).collect();
    bench.validate_all(&xml).unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<String> = (0..all.len()).map(|i| i.to_string()).collect();
    let files: Vec<(&str, &[u8])> = names.iter().zip(&xml).map(|(n, x)| (n.as_str(), x.as_bytes())).collect();
    let read: Vec<Elements> = bench.script(SCRIPT, &files);
    assert_eq!(read.len(), all.len());
    for ((c, xml), read) in all.iter().zip(&xml).zip(read) {
        assert_eq!(read, expected(c), "{xml}");
        assert_eq!(Certification::parse(xml.as_bytes()).as_ref().ok(), Some(c), "{xml}");
    }
}
