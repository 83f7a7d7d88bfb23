//! Signs the seeds of `incoming` and `inspect` (an authority, a provider in an index, an envelope and receipts, and copies
//! of them as mail programs keep them), of `signed_data`, and of `timestamp`.

use crate::targets::{NONCE, NOW, SIGNED};
use sigillo_base::{Address, Domain, PecId};
use sigillo_pec::index::{Entry, write_ldif};
use sigillo_pec::{Draft, Facts, Provider, ReceiptKind, Recipient, RecipientClass, access, compose};
use sigillo_smime::authority::Authority;
use sigillo_smime::{Identity, Signer, attached, detached, sha256, signed_attributes, timestamp};
use sigillo_tests::tsa::{QUERY, Tsa, ask, post};
use std::path::Path;
use std::time::Duration;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

const MESSAGE: &[u8] = b"From: Anna <anna@comune-alfa.example>\r\nTo: bruno@ente-beta.example\r\n\
    Subject: prova\r\nMessage-ID: <uno@comune-alfa.example>\r\n\r\nBuongiorno.\r\n";

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

/// Writes `fixtures/` and the seeds of `corpus/incoming` and `corpus/inspect` below the folder `fuzz`.
pub fn write(fuzz: &Path) {
    let service_address = address("posta-certificata@pec.alfa.example");
    let provider = Provider { name: "Alfa PEC S.p.A.".into(), service_address, english: false };
    let authority = Authority::new("Fuzz CA", NOW, NOW.plus(YEAR * 20)).expect("an authority");
    let issued = authority
        .issue_pec(&provider.name, &provider.service_address, NOW, NOW.plus(YEAR * 10))
        .expect("a certificate");
    let identity = Identity { certificate: issued.certificate(), chain: vec![authority.certificate()] };
    let signer = issued.signer().expect("a key");
    let entry = Entry {
        name: provider.name.clone(),
        unit: None,
        certificates: vec![issued.certificate()],
        mail_receipt: address("servizio@pec.alfa.example"),
        // It signs the evidence of both sides: who says that a message was delivered must serve who got it.
        domains: ["comune-alfa.example", "ente-beta.example", "pec.alfa.example"]
            .map(|d| Domain::parse(d).expect("a domain"))
            .to_vec(),
        description: None,
        ldif_url: None,
    };
    let put = |path: &str, bytes: &[u8]| std::fs::write(fuzz.join(path), bytes).expect("the seed is written");
    let ldif = write_ldif(&[entry]);
    put("fixtures/index.ldif", ldif.as_bytes());
    put("corpus/index/with-certificate", ldif.as_bytes());
    put("fixtures/ca.pem", authority.certificate_pem().as_bytes());
    put("fixtures/crl.der", &authority.crl(&[], NOW, NOW.plus(YEAR * 10), 1).expect("a revocation list"));
    for (name, draft, source) in drafts(&provider) {
        let signed = draft.sign(&source, NOW, &identity, &signer).expect("a signature");
        let message = signed.content.to_bytes(&source);
        put(&format!("corpus/incoming/{name}"), &message);
        put(&format!("corpus/inspect/stored-{name}"), &stored(name, &message));
    }
    let envelope = std::fs::read(fuzz.join("corpus/incoming/envelope-complete")).expect("it was just written");
    let to = [address("bruno@ente-beta.example")];
    let id = PecId::new(5, provider.service_address.domain());
    let anomaly = compose::anomaly_envelope(&provider, NOW, id, None, &to, &envelope, "prova").expect("a draft");
    let anomaly = anomaly.sign(&envelope, NOW, &identity, &signer).expect("a signature").content.to_bytes(&envelope);
    put("corpus/inspect/stored-anomaly", &anomaly);
    put("corpus/inspect/cut", &anomaly[..anomaly.len() / 2]);
}

/// Each kind in another way: LF, an mbox separator, a byte order mark, or as it came.
fn stored(name: &str, message: &[u8]) -> Vec<u8> {
    let separator = b"From anna@comune-alfa.example Thu Mar 12 12:00:00 2026\n";
    let lf = || message.iter().copied().filter(|b| *b != b'\r').collect::<Vec<u8>>();
    match name {
        "envelope-complete" => lf(),
        "receipt-delivery" => [separator.as_slice(), &lf()].concat(),
        "receipt-acceptance" => [b"\xef\xbb\xbf", message].concat(),
        _ => message.to_vec(),
    }
}

/// The same element, longer than 255 octets, with an indefinite length.
fn indefinite(der: &[u8]) -> Vec<u8> {
    [&[0x30, 0x80], &der[4..], &[0, 0]].concat()
}

/// Writes the seeds of `corpus/signed_data` below the folder `fuzz`.
pub fn write_signatures(fuzz: &Path) {
    let authority = Authority::new("Fuzz CA", NOW, NOW.plus(YEAR * 20)).expect("an authority");
    let service = address("posta-certificata@pec.alfa.example");
    let issued = authority.issue_pec("Alfa PEC S.p.A.", &service, NOW, NOW.plus(YEAR * 10)).expect("a certificate");
    let identity = Identity { certificate: issued.certificate(), chain: vec![authority.certificate()] };
    let attributes = signed_attributes(&sha256(SIGNED), NOW, &identity.certificate);
    let signature = issued.signer().expect("a key").sign(&attributes).expect("a signature");
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(fuzz.join("corpus/signed_data").join(name), bytes).expect("the seed is written");
    };
    let whole = attached(&identity, SIGNED, &attributes, &signature).expect("the content is in it");
    put("detached", &detached(&identity, &attributes, &signature).expect("the content is not in it"));
    put("attached", &whole);
    put("attached-ber", &indefinite(&whole));
}

/// Writes the seeds of `corpus/timestamp` and their authority below the folder `fuzz`.
pub fn write_time_stamps(fuzz: &Path) {
    let authority = Authority::new("Fuzz TSA CA", NOW, NOW.plus(YEAR * 20)).expect("an authority");
    let tsa = Tsa::start(&authority);
    let answer = |query: &[u8]| ask(&tsa.url(), &post(QUERY, query)).1;
    let put = |path: &str, bytes: &[u8]| std::fs::write(fuzz.join(path), bytes).expect("the seed is written");
    put("fixtures/tsa-ca.pem", authority.certificate_pem().as_bytes());
    let request = timestamp::request(&sha256(SIGNED), NONCE).expect("a request");
    let granted = answer(&request);
    let token = timestamp::response(&granted, &sha256(SIGNED), NONCE).expect("a time-stamp");
    put("corpus/timestamp/granted", &granted);
    put("corpus/timestamp/granted-ber", &indefinite(&granted));
    put("corpus/timestamp/token", token.der());
    put("corpus/timestamp/token-ber", &indefinite(token.der()));
    put("corpus/timestamp/refused", &answer(b"niente"));
}

fn drafts(provider: &Provider) -> Vec<(&'static str, Draft, Vec<u8>)> {
    let id = |n: u128| PecId::new(n, provider.service_address.domain());
    let bruno = address("bruno@ente-beta.example");
    let facts = Facts {
        sender: address("anna@comune-alfa.example"),
        recipients: vec![Recipient { address: bruno.clone(), class: RecipientClass::Certified }],
        reply_to: "anna@comune-alfa.example".into(),
        subject: Some("prova".into()),
        id: id(1),
        msgid: Some("<uno@comune-alfa.example>".into()),
    };
    let trace = "Return-Path: <anna@comune-alfa.example>\r\n";
    let original = access::accepted_original(MESSAGE, &facts.id, trace).expect("an original");
    let complete = ReceiptKind::Complete;
    let envelope = compose::transport_envelope(provider, &facts, NOW, complete, &original).expect("an envelope");
    let whole = 0..original.len();
    let delivery = compose::delivery(provider, &facts, NOW, id(2), &bruno, complete, complete, &original, whole)
        .expect("a receipt");
    let service = address("servizio@pec.alfa.example");
    vec![
        ("envelope-complete", envelope, original.clone()),
        ("receipt-delivery", delivery, original),
        ("receipt-acceptance", compose::acceptance(provider, &facts, NOW, id(3)), Vec::new()),
        ("receipt-take-charge", compose::take_charge(provider, &facts, NOW, id(4), &service, &[bruno]), Vec::new()),
    ]
}
