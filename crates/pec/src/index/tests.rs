use proptest::prelude::*;

use super::*;
use crate::fixtures::{HOUR, now, sender, trust, world};
use sigillo_smime::authority::Revoked;

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
    assert_eq!(secondary.ldif_url, main.ldif_url, "inherited, though the two spell the provider's name differently");
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

    for (name, value) in [
        ("providerName", "Altro S.p.A."),
        ("mailReceipt", "altra@anpocert.it.example"),
        ("LDIFLocationURL", "http://altro.example/l.p7m"),
    ] {
        let first = EXAMPLE.lines().skip(10).position(|l| l.starts_with(name)).unwrap() + 10;
        let mut lines: Vec<String> = EXAMPLE.lines().map(str::to_owned).collect();
        lines.insert(first + 1, format!("{}: {value}", name.to_uppercase()));
        assert_eq!(at(&lines.join("\n")), first + 2, "{name} has one value");
    }
    for bad in ["\"a b\"@x.example", "<a@x.example>", "a@[192.0.2.1]", "a@x.example (servizio)", "a..b@x.example"] {
        let line = line_of("mailReceipt");
        assert_eq!(with("notifications@anpocert.it.example", bad), line, "{bad}");
    }
    assert_eq!(with("providerUnit: Secondary Environment\n", ""), secondary, "the name says it is a secondary one");
    assert_eq!(with("management.anpocert", "perché.anpocert"), line_of("managedDomains: management"));
    assert_eq!(with("description: Base", "description:: /w=="), line_of("description"), "not UTF-8");
}

#[test]
fn the_signed_file() {
    let ldif = write_ldif(world().index.entries());
    let p7m = sealed(&ldif, now());
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

fn sealed(ldif: &str, at: Timestamp) -> Vec<u8> {
    let w = &world().sender;
    seal(ldif, &w.identity, w.signer.as_ref(), at).unwrap()
}

/// A copy of the world's directory, signed so many hours from now.
fn copy(hours: u32) -> Index {
    let p7m = sealed(&write_ldif(world().index.entries()), now().plus(HOUR * hours));
    Index::open(&p7m, &trust(&[]), now()).unwrap()
}

#[test]
fn only_a_newer_copy_takes_the_place_of_another() {
    let (at, current) = (now().plus(HOUR * 3), copy(2));
    assert!(copy(3).replaces(Some(&current), at).unwrap());
    assert!(!copy(2).replaces(Some(&current), at).unwrap(), "the same one");
    let older = copy(1).replaces(Some(&current), at).unwrap_err().to_string();
    assert!(older.contains("prima della copia in uso"), "{older}");
    assert!(copy(1).replaces(None, at).unwrap(), "there is none yet");
    assert!(copy(1).replaces(Some(&world().index), at).unwrap(), "one that says no time gives way");
    assert!(world().index.replaces(None, at).is_err(), "nothing says when it was signed");
    assert!(copy(24).replaces(Some(&current), at).unwrap_err().to_string().contains("futura"));
    let empty = Index::open(&sealed(&write_ldif(&[]), at), &trust(&[]), at).unwrap();
    assert!(empty.replaces(Some(&current), at).unwrap_err().to_string().contains("non contiene gestori"));
}

#[test]
fn the_signer_must_be_believed_and_a_person_is_told_all() {
    let w = &world().sender;
    let p7m = sealed(&write_ldif(world().index.entries()), now());
    let revoked = trust(&[Revoked { serial_hex: w.identity.certificate.serial_hex(), at: now() }]);
    let error = Index::open(&p7m, &revoked, now()).unwrap_err();
    assert!(matches!(&error, Error::Index(text) if text.it.contains("revocato")), "{error}");
    let examined = Index::examine(&p7m, &revoked, now()).unwrap();
    assert_eq!((examined.signer, examined.path), (w.identity.certificate.clone(), Err(PathError::Revoked)));
    assert_eq!(examined.index.unwrap().signed_at(), Some(now()));

    let stranger = Trust::new(Vec::new(), Vec::new());
    assert!(matches!(Index::open(&p7m, &stranger, now()), Err(Error::Index(_))));
    let both = Index::examine(&sealed("dn: o=x\nnessuno\n", now()), &stranger, now()).unwrap();
    assert!(both.path.is_err() && matches!(both.index, Err(Error::Ldif { line: 2, .. })));
    assert!(Index::examine(b"dn: o=x\n", &stranger, now()).is_err(), "unsigned");
}

#[test]
fn several_certificates_with_hashes_in_any_case() {
    let (one, two) = (&world().index.entries()[0], &world().index.entries()[1]);
    let renewing = Entry { certificates: [one.certificates.clone(), two.certificates.clone()].concat(), ..one.clone() };
    let (first, second) = (renewing.certificates[0].sha1_hex(), renewing.certificates[1].sha1_hex());
    let mixed: String =
        second.char_indices().map(|(i, c)| if i % 2 == 0 { c.to_ascii_lowercase() } else { c }).collect();
    let text = write_ldif(&[renewing]).replace(&first, &first.to_lowercase()).replace(&second, &mixed);
    let index = Index::parse_ldif(text.as_bytes()).unwrap();
    assert_eq!(index.entries()[0].certificates.len(), 2);
    for certificate in one.certificates.iter().chain(&two.certificates) {
        assert_eq!(index.by_certificate(certificate, None).unwrap().name, one.name);
    }
    let lost = text.replace(&format!("providerCertificateHash: {mixed}\n"), "");
    assert!(Index::parse_ldif(lost.as_bytes()).is_err(), "a certificate without its hash");
}

#[test]
fn folds_comments_options_and_case_do_not_matter() {
    let odd = EXAMPLE
        .replace("version: 1\n", "version:1\n# un commento\n  che continua: o=niente\n")
        .replace(
            "mailReceipt: notifications@anpo",
            "# mailReceipt: altra@x.example\nMAILRECEIPT;x-opt: notifica\n tions@anpo",
        )
        .replace("providerCertificate;binary", "PROVIDERCERTIFICATE;Binary")
        .replace("dn: providerUnit=Secondary Environment,", "DN: providerUnit=Secondary Environment , ")
        .replace("objectclass: provider", "objectClass: Provider")
        .replace("dn: o=postacert", "dn: O = Postacert");
    let index = Index::parse_ldif(odd.as_bytes()).unwrap();
    let plain = Index::parse_ldif(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(write_ldif(index.entries()), write_ldif(plain.entries()));
    assert_eq!(index.location(), plain.location());
    assert_eq!(index.entries()[1].ldif_url, plain.entries()[0].ldif_url);
    let after_blank = EXAMPLE.replacen("\n\n", "\n\n continuazione di niente\n", 1);
    assert!(Index::parse_ldif(after_blank.as_bytes()).is_err(), "a blank line cannot be continued");
}

#[test]
fn a_secondary_environment_may_be_above_its_main_one_or_alone() {
    let (head, rest) = EXAMPLE.split_once("\ndn: providerName=Anonymous").unwrap();
    let (main, rest) = rest.split_once("\ndn: providerUnit").unwrap();
    let turned = format!("{head}\ndn: providerUnit{rest}\n\ndn: providerName=Anonymous{main}");
    let index = Index::parse_ldif(turned.as_bytes()).unwrap();
    assert_eq!(index.entries()[0].ldif_url.as_deref(), Some("http://anpocert.example.com/anpocert.ldif.p7m"));
    let alone = Index::parse_ldif(format!("{head}\ndn: providerUnit{rest}").as_bytes()).unwrap();
    assert_eq!((alone.entries()[0].unit.is_some(), alone.entries()[0].ldif_url.as_deref()), (true, None));
}

#[test]
fn a_provider_that_was_removed_is_nobody() {
    let before = Index::parse_ldif(EXAMPLE.as_bytes()).unwrap();
    let removed = &before.entries()[2];
    let after = Index::parse_ldif(write_ldif(&before.entries()[..2]).as_bytes()).unwrap();
    assert!(after.provider_of(&removed.domains[0]).is_none());
    assert!(after.by_certificate(&removed.certificates[0], None).is_none());
}

#[test]
fn a_domain_of_two_records_belongs_to_the_first() {
    let again = "managedDomains: mail.anpocert.example.com\nmanagedDomains: Mail.Anpocert.Example.COM\n";
    let text = EXAMPLE.replace("managedDomains: postal-services", &format!("{again}managedDomains: postal-services"));
    let index = Index::parse_ldif(text.as_bytes()).unwrap();
    let twice = domain("mail.anpocert.example.com");
    assert_eq!(index.provider_of(&twice).unwrap().name, "Anonymous Certified Mail S.p.A.");
    assert_eq!(index.listed_twice().collect::<Vec<_>>(), [&twice, &twice]);
    assert_eq!(Index::parse_ldif(EXAMPLE.as_bytes()).unwrap().listed_twice().count(), 0);
}

#[test]
fn sizes_are_bounded() {
    let reason = |text: String| match Index::parse_ldif(text.as_bytes()) {
        Err(Error::Ldif { line, reason }) => (line, reason),
        other => panic!("{other:?}"),
    };
    let record = "dn: o=x\n";
    let long = format!("{record}description: {}\n", "a".repeat(129 << 10));
    assert!(matches!(reason(long), (2, text) if text.starts_with("riga di più")));
    let folded = format!("{record}description: a\n{}", " aaaaaaaa\n".repeat(17 << 10));
    assert!(matches!(reason(folded), (2, text) if text.starts_with("riga di più")));
    let comment = format!("#{}\n", " a\n".repeat(1 << 18));
    assert!(matches!(reason(comment), (1, text) if text.starts_with("riga di più")));
    assert_eq!(reason(record.repeat(20_000)).0, 10_002);
    assert!(reason(record.to_owned() + &"a:\n".repeat(2_000_001)).1.contains("2000000 attributi"));
    assert!(reason("\n".repeat(MAX_FILE + 1)).1.starts_with("il file ha più di"));
    assert!(
        Index::parse_ldif("\n".repeat(MAX_FILE).as_bytes()).unwrap().entries().is_empty(),
        "blank lines cost nothing"
    );
    assert!(matches!(Index::open(&vec![0; MAX_FILE + 1], &trust(&[]), now()), Err(Error::Index(_))));
}

proptest! {
    #[test]
    fn any_file_never_panics(text in "(dn|providername|objectclass|version|#|:|::|:<| |\n|\r\n|provider|[a-zA-Z0-9=/+]|\\PC){0,60}") {
        if let Ok(index) = Index::parse_ldif(text.as_bytes()) {
            prop_assert!(index.entries().is_empty());
        }
    }
}
