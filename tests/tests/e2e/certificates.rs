//! Applications that log in with a certificate: only who shows a good one, and only as the mailbox that it names.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslMethod, SslStream};
use openssl::x509::X509;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType,
    SerialNumber, date_time_ymd,
};
use sigillo_tests::demo::{run, wait_for};

use crate::doors::{ANNA, BRUNO, SUBMISSION, SUBMISSIONS, answer, connect, say};
use crate::serve::Sample;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A client's certificate and key, PEM.
fn client(by: &Authority, address: &str, serial: u64, until: i32) -> (String, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "applicazione");
    params.subject_alt_names = vec![SanType::Rfc822Name(address.try_into().expect("ASCII"))];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.serial_number = Some(SerialNumber::from(serial));
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().expect("a key");
    (params.signed_by(&key, by).expect("a certificate").pem(), key.serialize_pem())
}

fn revoked(by: &Authority, serials: &[u64]) -> String {
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2090, 1, 1),
        crl_number: SerialNumber::from(serials.len() as u64 + 1),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(by).expect("a list").pem().expect("PEM")
}

/// What is offered to who shows this, and the connection; `None` when the handshake fails.
fn greeted(
    sample: &Sample,
    shown: Option<&(String, String)>,
    starttls: bool,
) -> Option<(SslStream<TcpStream>, String)> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("a client");
    connector.set_ca_file(sample.path("prova/ca.pem")).expect("the trial authority");
    if let Some((certificate, key)) = shown {
        let certificate = X509::from_pem(certificate.as_bytes()).expect("a certificate");
        let key = PKey::private_key_from_pem(key.as_bytes()).expect("a key");
        connector.set_certificate(&certificate).expect("it is shown");
        connector.set_private_key(&key).expect("it is its key");
    }
    let mut stream = connect(sample, if starttls { SUBMISSION } else { SUBMISSIONS });
    if starttls {
        answer(&mut stream)?;
        assert!(say(&mut stream, "EHLO app").starts_with("250") && say(&mut stream, "STARTTLS").starts_with("220"));
    }
    let mut stream = connector.build().connect("localhost", stream).ok()?;
    if !starttls {
        answer(&mut stream)?;
    }
    std::io::Write::write_all(&mut stream, b"EHLO app\r\n").ok()?;
    let offered = answer(&mut stream)?;
    Some((stream, offered))
}

#[test]
fn a_good_certificate_logs_its_mailbox_in_and_no_other_is_taken() {
    let (ours, foreign) = (authority("Applicazioni"), authority("Altri"));
    let sample = Sample::new();
    let text =
        sample.text().replacen("# client_anchors", "client_anchors", 1).replacen("# client_crls", "client_crls", 1);
    sample.write(&text);
    fs::create_dir(sample.path("applicazioni")).expect("a folder");
    fs::write(sample.path("applicazioni/ca.pem"), ours.pem()).expect("the anchor");
    fs::write(sample.path("applicazioni/ca.crl"), revoked(&ours, &[2])).expect("the list");
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, "segreta");
    let good = client(&ours, ANNA, 1, 2090);

    for starttls in [false, true] {
        let (mut stream, offered) = greeted(&sample, Some(&good), starttls).expect("a good certificate");
        assert!(offered.contains("EXTERNAL"), "{offered}");
        assert!(say(&mut stream, "AUTH EXTERNAL =").starts_with("235"), "its own mailbox");
        assert!(say(&mut stream, &format!("MAIL FROM:<{BRUNO}>")).starts_with("553"), "and no other sender");
        assert!(say(&mut stream, &format!("MAIL FROM:<{ANNA}>")).starts_with("250"));
    }
    let (mut stream, _) = greeted(&sample, Some(&good), false).expect("a good certificate");
    let bruno = data_encoding::BASE64.encode(BRUNO.as_bytes());
    assert!(say(&mut stream, &format!("AUTH EXTERNAL {bruno}")).starts_with("535 5.7.8"), "not as somebody else");
    let ghost = client(&ours, "nessuno@comune-esempio.example", 3, 2090);
    let (mut stream, _) = greeted(&sample, Some(&ghost), false).expect("a good certificate");
    assert!(say(&mut stream, "AUTH EXTERNAL =").starts_with("535 5.7.8"), "there is no such mailbox");

    // Who shows none is not asked for it.
    let (mut stream, offered) = greeted(&sample, None, false).expect("no certificate is needed");
    assert!(!offered.contains("EXTERNAL"), "{offered}");
    assert!(say(&mut stream, "AUTH EXTERNAL =").starts_with("504"));
    let plain = data_encoding::BASE64.encode(format!("\0{ANNA}\0segreta").as_bytes());
    assert!(say(&mut stream, &format!("AUTH PLAIN {plain}")).starts_with("235"));

    let bad = [
        ("revoked", client(&ours, ANNA, 2, 2090)),
        ("expired", client(&ours, ANNA, 4, 2021)),
        ("foreign", client(&foreign, ANNA, 1, 2090)),
    ];
    for (why, shown) in &bad {
        assert!(greeted(&sample, Some(shown), false).is_none(), "a {why} certificate is taken");
        assert!(greeted(&sample, Some(shown), true).is_none(), "a {why} certificate is taken over STARTTLS");
    }

    // A client of somebody else's.
    let (certificate, key) = (sample.path("app.pem"), sample.path("app.key"));
    fs::write(&certificate, &good.0).expect("the certificate");
    fs::write(&key, &good.1).expect("the key");
    let letter = format!("From: {ANNA}\r\nTo: {BRUNO}\r\nSubject: app\r\nMessage-ID: <a@x>\r\n\r\nCiao.\r\n");
    let url = format!("smtps://127.0.0.1:{}", sample.ports.base + SUBMISSIONS);
    let (ca, certificate, key) =
        (sample.path("prova/ca.pem"), certificate.to_string_lossy().into_owned(), key.to_string_lossy().into_owned());
    let user = format!("{ANNA}:");
    let login = ["--cert", &certificate, "--key", &key, "--user", &user, "--login-options", "AUTH=EXTERNAL"];
    let send = ["--mail-from", ANNA, "--mail-rcpt", BRUNO, "--upload-file", "-", "--silent", "--show-error", &url];
    let ca = ["--cacert", &ca.to_string_lossy()].map(str::to_owned);
    let args: Vec<&str> = login.into_iter().chain(send).chain(ca.iter().map(String::as_str)).collect();
    run("curl", &args, letter.as_bytes(), 30).fine("curl with a certificate");

    // What was good is revoked while the service runs.
    fs::write(sample.path("applicazioni/ca.crl"), revoked(&ours, &[1, 2])).expect("the list");
    guard.signal("HUP");
    wait_for("the revocation", Duration::from_secs(30), || {
        greeted(&sample, Some(&good), false).is_none().then_some(())
    });
    drop(guard);
}

#[test]
fn anchors_without_revocation_lists_are_no_configuration() {
    let sample = Sample::new();
    sample.write(&sample.text().replacen("# client_anchors", "client_anchors", 1));
    let file = sample.path("sigillo.toml");
    let ran = sigillo_tests::demo::sigillo(&["config", "check", &file.to_string_lossy()], 30);
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    assert!(ran.err.contains("tls.client_anchors") && ran.err.contains("tls.client_crls"), "{}", ran.err);
}
