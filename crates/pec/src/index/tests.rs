use proptest::prelude::*;

use super::*;
use crate::fixtures::{HOUR, now, sender, trust, world};
use sigillo_smime::{Signer, sha256};

const EXAMPLE: &str = include_str!("example.ldif");

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

#[test]
fn the_example_of_the_rules() {
    let index = Index::parse_ldif(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(index.location(), Some("https://igpec.rupa.example.com/igpec.ldif.p7m"));
    let [main, secondary, other] = index.entries() else { panic!() };
    assert_eq!(main.name, "Anonymous Certified Mail S.p.A.");
    assert_eq!((main.unit.as_deref(), main.domains.len()), (None, 3));
    assert_eq!(main.mail_receipt.as_str(), "notifications@anpocert.it.example");
    assert_eq!(main.ldif_url.as_deref(), Some("http://anpocert.example.com/anpocert.ldif.p7m"));
    assert_eq!(secondary.unit.as_deref(), Some("Secondary Environment"));
    assert_eq!(other.description.as_deref(), Some("Certified mail services for the public"));

    let found = index.provider_of(&domain("Management.Anpocert.example.com")).unwrap();
    assert_eq!(found.unit.as_deref(), Some("Secondary Environment"));
    assert!(index.provider_of(&domain("x.management.anpocert.example.com")).is_none(), "no suffix match");
    assert!(index.provider_of(&domain("posta.example")).is_none());

    let shared = &main.certificates[0];
    assert_eq!(index.by_certificate(shared, None).unwrap().unit, None);
    let hint = domain("personnel.anpocert.example.com");
    assert_eq!(index.by_certificate(shared, Some(&hint)).unwrap().unit, secondary.unit);
    let foreign = domain("postal-services.example.com");
    assert_eq!(index.by_certificate(shared, Some(&foreign)).unwrap().unit, None);
    assert_eq!(index.by_certificate(&other.certificates[0], None).unwrap().name, other.name);
    assert!(index.by_certificate(&world().sender.identity.certificate, None).is_none());
}

#[test]
fn what_is_written_reads_back() {
    let example = Index::parse_ldif(EXAMPLE.as_bytes()).unwrap();
    let mut entries = example.entries().to_vec();
    entries[0].name = "Società, \"Perché\" S.p.A. ".trim().into();
    entries[2].description = Some(": due punti".into());
    let text = write_ldif(&entries);
    assert!(text.lines().all(|l| l.len() <= 76), "{text}");
    let again = Index::parse_ldif(text.as_bytes()).unwrap();
    assert_eq!(write_ldif(again.entries()), text);
    assert_eq!(again.entries()[0].name, entries[0].name);
    assert_eq!(again.entries()[2].description, entries[2].description);
    let folded = text.replace('\n', "\r\n");
    assert_eq!(Index::parse_ldif(folded.as_bytes()).unwrap().entries().len(), 3);
}

#[test]
fn forms_that_are_read() {
    let odd = EXAMPLE
        .replace("version: 1\n", "# commento\n continua\n")
        .replace("\n\ndn: providerUnit", "\ndn: providerUnit")
        .replace("providerName: Postal", "PROVIDERNAME:Postal")
        .replace("description: Certified mail services for the public", "description:: UGVyY2jDqQ==");
    let index = Index::parse_ldif(odd.as_bytes()).unwrap();
    assert_eq!(index.entries().len(), 3);
    assert_eq!(index.entries()[2].description.as_deref(), Some("Perché"));
}

#[test]
fn errors_name_the_line() {
    let at = |text: &str| match Index::parse_ldif(text.as_bytes()) {
        Err(Error::Ldif { line, .. }) => line,
        other => panic!("{other:?}"),
    };
    let line_of = |needle: &str| EXAMPLE.lines().position(|l| l.starts_with(needle)).unwrap() + 1;
    let with = |from: &str, to: &str| at(&EXAMPLE.replacen(from, to, 1));
    let hash = "7E7AEF1059AE0F454F2643A95F69EC3556009239";
    assert_eq!(with(hash, &hash.replace('7', "8")), line_of("providerCertificate;binary"));
    let hash_line = line_of("providerCertificateHash");
    let orphan = format!("{hash}\nproviderCertificateHash: {}", hash.replace('7', "8"));
    assert_eq!(with(hash, &orphan), hash_line + 1);
    assert_eq!(with("MIIDBjCCAm", "MIIDBjCCA!"), line_of("providerCertificate;binary"));
    assert_eq!(with("MIIDBjCCAm", "AAIDBjCCAm"), line_of("providerCertificate;binary"));
    assert_eq!(with("mailReceipt: notifications@", "mailReceipt: "), line_of("mailReceipt"));
    assert_eq!(with("managedDomains: mail.", "managedDomains: -"), line_of("managedDomains"));
    assert_eq!(with("mailReceipt: ", "x: "), line_of("dn: providerName"));
    assert_eq!(with("version: 1", "version: 2"), 1);
    assert_eq!(with("description: Base", "description:< file:///etc/passwd"), line_of("description"));
    assert_eq!(with("description: Base", "senza due punti"), line_of("description"));
    let secondary = EXAMPLE.lines().position(|l| l.starts_with("dn: providerUnit")).unwrap() + 1;
    assert_eq!(
        with("mailReceipt: notifications@secondary", "LDIFLocationURL: http://x\nmailReceipt: notifications@secondary"),
        secondary
    );
    assert_eq!(at("changetype: add\n"), 1);
    assert_eq!(at("o: x\n"), 1);
}

#[test]
fn the_signed_file() {
    let w = &world().sender;
    let ldif = write_ldif(world().index.entries());
    let attributes = sigillo_smime::signed_attributes(&sha256(ldif.as_bytes()), now(), &w.identity.certificate);
    let signature = w.signer.sign(&attributes).unwrap();
    let p7m = sigillo_smime::attached(&w.identity, ldif.as_bytes(), &attributes, &signature).unwrap();
    let index = Index::open(&p7m, &trust(&[]), now()).unwrap();
    assert_eq!(index.entries().len(), 2);
    assert_eq!(index.signed_at(), Some(now()));
    assert_eq!(index.provider_of(&domain("studio.example")).unwrap().name, sender().name);

    assert!(Index::open(ldif.as_bytes(), &trust(&[]), now()).is_err(), "unsigned");
    assert!(matches!(Index::open(&p7m, &trust(&[]), now().plus(HOUR * 24 * 30)), Err(Error::Index(_))), "stale CRL");
    let at = p7m.windows(7).position(|w| w == b"studio.").unwrap();
    let mut altered = p7m;
    altered[at] = b'x';
    assert!(Index::open(&altered, &trust(&[]), now()).is_err(), "altered");
}

proptest! {
    #[test]
    fn any_file_never_panics(text in "(dn|providername|objectclass|version|#|:|::|:<| |\n|\r\n|provider|[a-zA-Z0-9=/+]|\\PC){0,60}") {
        if let Ok(index) = Index::parse_ldif(text.as_bytes()) {
            prop_assert!(index.entries().is_empty());
        }
    }
}
