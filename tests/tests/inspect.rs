//! `pec::inspect` on every golden, and on messages as other providers make them: signed by openssl in every shape that
//! is on the wire, stored and damaged in every way that mail programs know.

#![allow(clippy::expect_used, reason = "a test: what cannot be read is a failure")]

#[path = "inspect/foreign.rs"]
mod foreign;

use std::path::PathBuf;
use std::sync::LazyLock;

use foreign::Foreign;
use proptest::prelude::*;
use sigillo_pec::Certification;
use sigillo_pec::index::{Entry, Index};
use sigillo_pec::inspect::{Check, Report, inspect};
use sigillo_smime::Trust;
use sigillo_smime::authority::Authority;
use sigillo_tests::fixtures::{self, FROM, Fixture, NOW, UNTIL};

static TRUST: LazyLock<Trust> = LazyLock::new(fixtures::trust);
static INDEX: LazyLock<Index> = LazyLock::new(fixtures::index);
static GOLDENS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens");
    let files = std::fs::read_dir(folder).expect("the goldens are there").map(|e| e.expect("an entry").path());
    let mut all: Vec<(String, Vec<u8>)> = files
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a golden can be read"))
        })
        .collect();
    all.sort();
    all
});

fn golden(name: &str) -> &'static [u8] {
    &GOLDENS.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no golden {name}")).1
}

fn look(message: &[u8]) -> Report {
    inspect(message, Some(&TRUST), Some(&INDEX), Some(NOW))
}

#[track_caller]
fn checks(report: &Report, expected: [&str; 4]) {
    assert_eq!(report.checks.all().map(Check::as_str), expected, "{:?}", report.checks);
}

/// The kind, and what the sentence must say, by the beginning of the golden's name.
const SAYS: [(&str, &str, &str, &str); 18] = [
    ("accettazione", "accettazione", "ha accettato il messaggio", "Non prova che sia stato consegnato"),
    ("avvenuta-consegna-breve", "avvenuta-consegna", "nella casella di bruno@ente-beta.example", "impronta"),
    (
        "avvenuta-consegna-completa",
        "avvenuta-consegna",
        "Il contenuto è quello allegato",
        "Non prova che sia stato letto",
    ),
    ("avvenuta-consegna-sintetica", "avvenuta-consegna", "casella di ufficio@", "non ne prova il contenuto"),
    (
        "busta-anomalia",
        "busta-anomalia",
        "Prova soltanto che il gestore Beta PEC S.r.l.",
        "Non prova chi lo ha spedito",
    ),
    ("busta-trasporto", "posta-certificata", "è quello accettato", "Non prova che sia stato consegnato"),
    ("mancata-consegna-12h", "preavviso-errore-consegna", "Non è ancora una mancata consegna", "dodici ore"),
    ("mancata-consegna-24h", "preavviso-errore-consegna", "non andata a buon fine", "Non esclude"),
    (
        "mancata-consegna-casella-piena",
        "errore-consegna",
        "5.2.2 - Beta PEC S.r.l. - casella piena",
        "altri destinatari",
    ),
    ("mancata-consegna-no-dest", "errore-consegna", "non consegnato a ufficio@ente-beta.example", "5.1.1"),
    ("mancata-consegna-no-dominio", "errore-consegna", "dichiarato non consegnato", "5.1.2"),
    ("mancata-consegna-virus", "errore-consegna", "dichiarato non consegnato", "Eicar-Test-Signature"),
    ("non-accettazione-virus", "non-accettazione", "ha rifiutato", "Eicar-Test-Signature"),
    ("non-accettazione", "non-accettazione", "non compare nei campi To o Cc", "non risulta inviato"),
    ("presa-in-carico", "presa-in-carico", "preso in carico", "bruno@ente-beta.example, ufficio@ente-beta.example"),
    ("rilevazione-virus", "rilevazione-virus", "ha rilevato un virus", "non prova chi"),
    ("caso-senza-oggetto-accettazione", "accettazione", "il messaggio senza oggetto", "Non prova"),
    ("caso-", "", "Prova che il 12/03/2026 alle ore 10:15:01 (+0100) il gestore Alfa PEC S.p.A.", "Non prova"),
];

#[test]
fn every_golden_is_genuine_and_says_what_it_proves() {
    assert!(GOLDENS.len() >= 24, "{}", GOLDENS.len());
    for (name, message) in GOLDENS.iter() {
        let report = look(message);
        assert!(report.genuine(), "{name}: {:?}", report.checks);
        // With English below, the same is certified: the sentences are those of the kinds in Italian.
        if name.starts_with("inglese-") {
            continue;
        }
        let (_, kind, first, second) =
            SAYS.iter().find(|(prefix, ..)| name.starts_with(prefix)).unwrap_or_else(|| panic!("{name}"));
        assert!(kind.is_empty() || report.nature.as_str() == *kind, "{name}: {:?}", report.nature);
        let says = report.says();
        assert!(says.it.contains(first) && says.it.contains(second), "{name}: {}", says.it);
        assert!(says.en.starts_with("It proves that") || says.en.starts_with("It only proves that"), "{}", says.en);
        assert_eq!(report.certification.is_none(), name == "busta-anomalia");
    }
}

#[test]
fn an_altered_byte_of_what_was_signed_is_seen() {
    for name in ["accettazione", "busta-trasporto", "busta-anomalia", "avvenuta-consegna-breve"] {
        let message = golden(name);
        let tree = sigillo_mime::parse(message).expect("a golden is a message");
        let content = tree.children[0].whole();
        for at in content.step_by(53) {
            let mut bent = message.to_vec();
            bent[at] ^= 1;
            let report = look(&bent);
            assert!(!report.checks.signature.is_ok(), "{name}: byte {at}");
            assert!(report.says().it.contains("Non prova nulla"), "{}", report.says().it);
        }
    }
}

#[test]
fn another_authority_another_directory_another_time() {
    let message = golden("accettazione");
    let stranger = Authority::new("Autorità di prova", FROM, UNTIL).expect("an authority");
    let wrong = Trust::new(vec![stranger.certificate()], Vec::new());
    checks(&inspect(message, Some(&wrong), Some(&INDEX), None), ["ok", "ok", "fail", "ok"]);
    let others = Index::new(vec![fixtures::beta().entry(), fixtures::gamma().entry()]);
    // It does not say of what day it is.
    checks(&inspect(message, Some(&TRUST), Some(&others), None), ["ok", "unknown", "ok", "ok"]);
    // Listed, but not for the domain it writes from.
    let entries: Vec<Entry> = fixtures::providers().iter().map(Fixture::entry).collect();
    let moved = entries.into_iter().map(|e| Entry { domains: vec![fixtures::gamma().domains[0].clone()], ..e });
    checks(&inspect(message, Some(&TRUST), Some(&Index::new(moved.collect())), None), ["ok", "ok", "ok", "fail"]);
    checks(&inspect(message, Some(&TRUST), Some(&INDEX), Some(UNTIL)), ["ok", "ok", "fail", "ok"]);
    checks(&inspect(message, None, None, None), ["ok", "unknown", "unknown", "ok"]);
    checks(&inspect(message, Some(&TRUST), Some(&INDEX), None), ["ok", "ok", "ok", "ok"]);
}

#[test]
fn copies_with_other_line_ends_are_genuine_still() {
    for (name, message) in GOLDENS.iter() {
        let text: Vec<u8> = message.iter().copied().filter(|b| *b != b'\r').collect();
        let stored = [b"From posta-certificata@pec.alfa.example Thu Mar 12 10:15:01 2026\n".as_slice(), &text].concat();
        let report = look(&stored);
        assert!(report.genuine(), "{name}: {:?}", report.checks);
        assert!(report.says().it.contains("fine riga LF"), "{name}: {}", report.says().it);
        assert!(report.says().en.contains("LF line ends"), "{name}");
    }
}

#[test]
fn messages_of_other_providers_are_genuine() {
    let foreign = Foreign::new();
    let entity = foreign::entity(golden("mancata-consegna-no-dest"));
    let beta = fixtures::beta();
    let head = foreign::header(golden("mancata-consegna-no-dest"));
    let p7s = |how: &str| foreign.sign(&beta, &entity, how);
    let old = foreign::OLD;
    for (what, message) in [
        ("Aruba until 2024", foreign::message(&head, old, &entity, &p7s("smime -md sha1"))),
        ("sha-1 as CMS", foreign::message(&head, old, &entity, &p7s("cms -md sha1"))),
        ("without signed capabilities", foreign::message(&head, old, &entity, &p7s("cms -md sha256 -nosmimecap"))),
        ("sha-512", foreign::message(&head, foreign::NEW, &entity, &p7s("cms -md sha512"))),
        ("Aruba 2026", foreign::message(&foreign::aruba(&head), foreign::NEW, &entity, &p7s("cms -md sha256 -stream"))),
    ] {
        let report = look(&message);
        assert!(report.genuine(), "{what}: {:?}", report.checks);
        assert_eq!(report.nature.as_str(), "errore-consegna", "{what}");
        assert!(report.signed_at.is_some(), "{what}");
        let mut bent = message.clone();
        let at = bent.windows(9).position(|w| w == b"Il giorno").expect("a text");
        bent[at] = b'i';
        checks(&look(&bent), ["fail", "ok", "ok", "ok"]);
    }
    assert_eq!(p7s("cms -md sha256 -stream")[..2], [0x30, 0x80], "that one is BER of indefinite length");
    let whole = foreign.smime(&beta, &head, &entity);
    assert!(look(&whole).genuine(), "openssl's own multipart/signed: {:?}", look(&whole).checks);
    // No signed attributes, so no time of signing: the certificate is judged when one asks.
    let timeless = foreign::message(&head, old, &entity, &p7s("cms -md sha256 -noattr"));
    checks(&inspect(&timeless, Some(&TRUST), Some(&INDEX), None), ["ok", "ok", "unknown", "ok"]);
    checks(&look(&timeless), ["ok", "ok", "ok", "ok"]);
}

#[test]
fn contents_that_are_signed_but_wrong_are_told_by_their_form() {
    let foreign = Foreign::new();
    let beta = fixtures::beta();
    let message = golden("mancata-consegna-no-dest");
    let (entity, head) = (foreign::entity(message), foreign::header(message));
    let xml = look(message).certification.expect("certification data").to_xml();
    let signed = |entity: &[u8]| {
        look(&foreign::message(&head, foreign::NEW, entity, &foreign.sign(&beta, entity, "cms -md sha256")))
    };
    let with = |xml: &[u8]| signed(&foreign::with_daticert(&entity, xml));
    let bomb = "<!DOCTYPE postacert [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\n<postacert";
    let file = "<!DOCTYPE postacert [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>\n<postacert";
    let latin1: Vec<u8> = xml.replace("Convocazione", "Perch\u{e9}").chars().map(|c| c as u8).collect();
    for (report, reason) in [
        (with(xml.replacen("<postacert", bomb, 1).replace("Convocazione", "&b;").as_bytes()), "DOCTYPE non ammesso"),
        (with(xml.replacen("<postacert", file, 1).replace("Convocazione", "&f;").as_bytes()), "DOCTYPE non ammesso"),
        (with(xml.replace("Convocazione", "&nbsp;").as_bytes()), "entità non ammessa"),
        (with(&latin1), "codifica diversa da UTF-8"),
        (with(&xml.as_bytes()[..xml.len() / 2]), "daticert.xml: "),
        (with(b""), "daticert.xml: "),
        (signed(&foreign::without_daticert(&entity)), "daticert.xml assente"),
    ] {
        checks(&report, ["ok", "ok", "ok", "fail"]);
        assert_eq!((report.nature.as_str(), &report.certification), ("errore-consegna", &None), "{reason}");
        let says = report.says().it;
        assert!(says.contains(reason) && !says.contains("root:") && !says.contains("aaaaaaaaaa"), "{reason}: {says}");
    }
    let named = String::from_utf8(entity.clone()).expect("a text").replace("daticert.xml", "certdata.xml");
    assert!(signed(named.as_bytes()).genuine(), "the RFC's own name");
}

#[test]
fn a_copy_that_lost_a_part_is_not_genuine() {
    let message = golden("avvenuta-consegna-completa");
    let text = String::from_utf8_lossy(message);
    let p7s = text.find("Content-Type: application/pkcs7-signature").expect("a signature");
    let dashes = text[..p7s].rfind("\r\n--").expect("a boundary");
    let unsigned = look(&message[..dashes]);
    checks(&unsigned, ["fail", "unknown", "unknown", "ok"]);
    assert_eq!(unsigned.nature.as_str(), "avvenuta-consegna");
    assert!(unsigned.says().it.contains("Si presenta come «Ricevuta di avvenuta consegna», ma: firma S/MIME assente"));
    for at in (0..dashes).step_by(211) {
        let report = look(&message[..at]);
        assert!(!report.checks.signature.is_ok() && !report.genuine(), "cut at {at}");
    }
}

/// Data that a message which is said to be genuine may carry: one of the goldens'.
fn issued(certification: &Certification) -> bool {
    static ISSUED: LazyLock<Vec<Certification>> =
        LazyLock::new(|| GOLDENS.iter().filter_map(|(_, m)| look(m).certification).collect());
    ISSUED.contains(certification)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_give_a_report_that_is_not_genuine(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let report = look(&bytes);
        prop_assert!(!report.genuine());
        prop_assert!(!report.says().it.is_empty() && !report.says().en.is_empty());
    }

    /// Replaced, taken out or put in, anywhere: either the data stay what was certified, or it is not genuine.
    #[test]
    fn a_mutated_golden_is_never_genuine_with_other_data(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        length in 0usize..40,
        new in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "(\r\n)?(X-Trasporto|X-Ricevuta|From|Message-ID|Content-Type|--[a-z]{0,3})?:? ?[a-z/@-]{0,20}(\r\n)?"
                .prop_map(String::into_bytes),
        ],
    ) {
        let (name, golden) = &GOLDENS[which.index(GOLDENS.len())];
        let at = place.index(golden.len());
        let mut bent = golden.clone();
        bent.splice(at..(at + length).min(golden.len()), new);
        let report = look(&bent);
        let same = report.certification.as_ref().is_none_or(issued);
        prop_assert!(!report.genuine() || same, "{name} at {at}: {:?}", report.certification);
        let original = look(golden);
        let same_kind = report.nature == original.nature;
        prop_assert!(!report.genuine() || same_kind, "{name} at {at}: {:?}", report.nature);
        drop((report.says(), report.label(), report.provider().map(str::len)));
    }
}
