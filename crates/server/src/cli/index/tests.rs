use super::*;
use crate::trial;
use sigillo_admin::verbs::Reads;
use sigillo_smime::authority::Revoked;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// A configuration with trial keys, as `sigillo config init` makes it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = super::super::config::init(folder.path()).unwrap();
    (folder, file)
}

fn believed(folder: &Path, crl: Option<&str>) -> Believed {
    Believed { ca: Some(folder.join("prova/ca.pem")), crl: crl.map(|name| folder.join(name)) }
}

#[test]
fn what_is_published_is_found_good_and_shows_all_environments_and_certificates() {
    let (folder, file) = place();
    let at = |name: &str| folder.path().join(name);
    let authority = trial::authority(&at("prova/ca.pem"), &at("prova/ca.key")).unwrap();
    let loaded = Config::load(&file).unwrap();
    let (from, until) = (system_time().plus(HOUR * 48), system_time().plus(HOUR * 9000));
    let next = authority.issue_pec(&loaded.name.value, &loaded.service_address.value, from, until).unwrap();
    fs::write(at("prova/firma-nuova.pem"), &next.certificate_pem).unwrap();
    let unit = "[[index.unit]]\nname = \"Ambiente 2\"\nmail_receipt = \"servizio@pec2.esempio.example\"\n\
                domains = [\"scuole.example\"]\n[relay]";
    let text = fs::read_to_string(&file).unwrap().replace("# next_certificate", "next_certificate");
    fs::write(&file, text.replace("[relay]", unit)).unwrap();

    let (out, url) = (at("esempio.ldif.p7m"), "https://pec.esempio.example/esempio.ldif.p7m".parse().unwrap());
    assert_eq!(publish(&file, &out, Some(&url), &Some("Gestore d'esempio".into()), Lang::It), Exit::Fine);
    let ours = believed(folder.path(), Some("prova/ca.crl"));
    assert_eq!(check(&out, &ours, Lang::It), Exit::Fine);
    let index = examine(&out, &ours, system_time(), Lang::It).unwrap().index.unwrap();
    let [main, unit] = index.entries() else { panic!("{:?}", index.entries()) };
    assert_eq!(main.certificates.len(), 2, "the one in use and the one that follows");
    assert_eq!(main.certificates[1], next.certificate());
    assert_eq!(
        (main.ldif_url.clone(), main.description.as_deref()),
        (Some(url.to_string()), Some("Gestore d'esempio"))
    );
    assert_eq!(main.domains, loaded.domains);
    assert_eq!((unit.unit.as_deref(), unit.certificates.len()), (Some("Ambiente 2"), 2));
    assert_eq!(unit.mail_receipt.as_str(), "servizio@pec2.esempio.example");
    let where_ = Where {
        socket: PathBuf::new(),
        server: None,
        ca_file: None,
        token_file: None,
        json: true,
        lang: Lang::En,
        how: Reads {},
    };
    assert_eq!(show(&where_, &out, &ours, Lang::En), Exit::Fine);
}

#[test]
fn a_certificate_to_come_must_be_for_the_service_address() {
    let (folder, file) = place();
    let text = fs::read_to_string(&file).unwrap();
    let wrong = text.replace("# next_certificate = \"prova/firma-nuova.pem\"", "next_certificate = \"prova/ca.pem\"");
    fs::write(&file, wrong).unwrap();
    let problems = Publication::load(&Config::load(&file).unwrap(), system_time()).err().unwrap();
    assert_eq!(problems.0[0].key.as_deref(), Some("signing.next_certificate"), "{problems}");
    assert_eq!(publish(&file, &folder.path().join("x"), None, &None, Lang::It), Exit::Usage);
    assert!(!folder.path().join("x").exists());
}

#[test]
fn what_is_wrong_with_a_file_is_false_and_what_cannot_be_read_is_usage() {
    let (folder, file) = place();
    let at = |name: &str| folder.path().join(name);
    let (out, ca) = (at("nostro.p7m"), believed(folder.path(), None));
    assert_eq!(publish(&file, &out, None, &None, Lang::It), Exit::Fine);
    assert_eq!(check(&out, &ca, Lang::It), Exit::Fine, "revocation is not checked without --crl");

    let whole = fs::read(&out).unwrap();
    let mut altered = whole.clone();
    let domain = altered.windows(14).position(|w| w == b"comune-esempio").unwrap();
    altered[domain] = b'x';
    for (name, bytes) in
        [("altered", &altered[..]), ("half", &whole[..whole.len() / 2]), ("text", b"dn: o=postacert\n")]
    {
        fs::write(at(name), bytes).unwrap();
        assert_eq!(check(&at(name), &ca, Lang::It), Exit::False, "{name}");
    }
    let authority = trial::authority(&at("prova/ca.pem"), &at("prova/ca.key")).unwrap();
    let certificate = Certificate::from_pem(&fs::read(at("prova/firma.pem")).unwrap()).unwrap().remove(0);
    let since = system_time().minus(HOUR);
    let line = Revoked { serial_hex: certificate.serial_hex(), at: since };
    fs::write(at("revoking"), authority.crl(&[line], since, system_time().plus(HOUR), 2).unwrap()).unwrap();
    fs::write(at("expired"), authority.crl(&[], since.minus(HOUR), since, 2).unwrap()).unwrap();
    assert_eq!(check(&out, &believed(folder.path(), Some("revoking")), Lang::It), Exit::False);
    assert_eq!(check(&out, &believed(folder.path(), Some("expired")), Lang::It), Exit::False);
    let stranger = Believed { ca: Some(at("prova/tls.pem")), crl: None };
    assert_eq!(check(&out, &stranger, Lang::It), Exit::False, "signed by nobody we believe");

    assert_eq!(check(&at("niente"), &ca, Lang::It), Exit::Usage);
    assert_eq!(check(&out, &believed(folder.path(), Some("niente")), Lang::It), Exit::Usage);
    assert_eq!(check(&out, &Believed { ca: None, crl: None }, Lang::It), Exit::Usage);
    assert_eq!(publish(&file, &at("no/such/folder/x"), None, &None, Lang::It), Exit::Usage);
    let old = Index::parse_ldif(&fs::read("/dev/null").unwrap()).unwrap();
    assert!(remarks(&old, system_time(), Lang::It).is_empty());
}

#[test]
fn remarks_name_dead_certificates_and_domains_of_two_records() {
    let index = Index::parse_ldif(include_bytes!("../../../../pec/src/index/example.ldif")).unwrap();
    let found = remarks(&index, system_time(), Lang::It);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|r| r.contains("nessun certificato valido")), "{found:?}");
    let entries = [index.entries(), &index.entries()[..1]].concat();
    let twice = Index::parse_ldif(write_ldif(&entries).as_bytes()).unwrap();
    let found = remarks(&twice, system_time(), Lang::En);
    assert!(found.iter().any(|r| r.starts_with("mail.anpocert.example.com: in several records")), "{found:?}");
}
