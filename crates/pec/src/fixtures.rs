//! What the tests of this crate share: the two providers of the `daticert.xml` examples, with certificates.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sigillo_base::{Address, Domain, PecId, Timestamp};
use sigillo_mime::{Composed, write};
use sigillo_smime::authority::{Authority, Issued};
use sigillo_smime::{Crl, Identity, KeySigner, Trust};

use crate::index::{Entry, Index};
use crate::{Certification, Draft, Facts, Provider, ReceiptKind, Recipient, RecipientClass, access, compose};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// 12/03/2026 10:15:01 +0100
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_773_306_901_000)
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(crate) fn id(text: &str) -> PecId {
    PecId::parse(text).unwrap()
}

pub(crate) fn sender() -> Provider {
    let service_address = address("posta-certificata@pec.mittente-prov.example");
    Provider { name: "Gestore Mittente S.p.A.".into(), service_address, english: false }
}

pub(crate) fn receiver() -> Provider {
    let service_address = address("posta-certificata@pec.ricevente-prov.example");
    Provider { name: "Gestore Ricevente S.r.l.".into(), service_address, english: false }
}

/// The facts of all fifteen examples.
pub(crate) fn facts() -> Facts {
    let to = |text: &str, class| Recipient { address: address(text), class };
    Facts {
        sender: address("mario@studio.example"),
        recipients: vec![
            to("anna@ente.example", RecipientClass::Certified),
            to("ufficio@ente.example", RecipientClass::Certified),
            to("bruno@posta.example", RecipientClass::External),
        ],
        reply_to: "mario@studio.example".into(),
        subject: Some("Preventivo n. 12 – perché sì & altro".into()),
        id: id("20260312101501.4a7c31.01@pec.mittente-prov.example"),
        msgid: Some("<7f3e9a10-22b1-4a@client.studio.example>".into()),
    }
}

/// An original as the client submitted it.
pub(crate) const SUBMITTED: &str = "Message-ID: <7f3e9a10-22b1-4a@client.studio.example>\r\n\
     From: Mario Rossi <mario@studio.example>\r\n\
     To: anna@ente.example, bruno@posta.example\r\n\
     Cc: Ufficio <ufficio@ente.example>\r\n\
     Subject: =?utf-8?Q?Preventivo_n=2E_12_=E2=80=93_perch=C3=A9_s=C3=AC_=26?= altro\r\n\
     MIME-Version: 1.0\r\n\
     Content-Type: multipart/mixed; boundary=\"b1\"\r\n\
     \r\n\
     --b1\r\n\
     Content-Type: text/plain\r\n\
     \r\n\
     In allegato.\r\n\
     --b1\r\n\
     Content-Type: application/pdf; name=\"fattura.pdf\"\r\n\
     Content-Transfer-Encoding: base64\r\n\
     Content-ID: <uno@x>\r\n\
     \r\n\
     JVBERi0xLjQK\r\n\
     --b1--\r\n";

pub(crate) struct World {
    pub authority: Authority,
    pub sender: Signing,
    pub index: Index,
}

pub(crate) struct Signing {
    pub issued: Issued,
    pub identity: Identity,
    pub signer: Arc<KeySigner>,
}

fn signing(authority: &Authority, provider: &Provider) -> Signing {
    let (from, to) = (now(), now().plus(HOUR * 24 * 365));
    let issued = authority.issue_pec(&provider.name, &provider.service_address, from, to).unwrap();
    let identity = Identity { certificate: issued.certificate(), chain: vec![authority.certificate()] };
    let signer = Arc::new(issued.signer().unwrap());
    Signing { issued, identity, signer }
}

fn entry(provider: &Provider, signing: &Signing, domains: &[&str]) -> Entry {
    Entry {
        name: provider.name.clone(),
        unit: None,
        certificates: vec![signing.issued.certificate()],
        mail_receipt: address(&format!("servizio@{}", provider.service_address.domain())),
        domains: domains.iter().map(|d| Domain::parse(d).unwrap()).collect(),
        description: None,
        ldif_url: None,
    }
}

/// Keys and certificates, made once: RSA keys take their time.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (from, to) = (now(), now().plus(HOUR * 24 * 3650));
        let authority = Authority::new("AgID di prova", from, to).unwrap();
        let (one, two) = (signing(&authority, &sender()), signing(&authority, &receiver()));
        let index = Index::new(vec![
            entry(&sender(), &one, &["pec.mittente-prov.example", "studio.example"]),
            entry(&receiver(), &two, &["pec.ricevente-prov.example", "ente.example"]),
        ]);
        World { authority, sender: one, index }
    })
}

/// Trust in the authority, with a revocation list that is good for a week.
pub(crate) fn trust(revoked: &[sigillo_smime::authority::Revoked]) -> Trust {
    let authority = &world().authority;
    let crl = authority.crl(revoked, now(), now().plus(HOUR * 24 * 7), 1).unwrap();
    Trust::new(vec![authority.certificate()], vec![Crl::from_der(&crl).unwrap()])
}

/// The original as the access point accepted it.
pub(crate) fn original() -> Vec<u8> {
    access::accepted_original(SUBMITTED.as_bytes(), &facts().id, "Return-Path: <mario@studio.example>\r\n").unwrap()
}

/// The message, signed by the sender's provider.
pub(crate) fn sign(draft: Draft, source: &[u8]) -> Vec<u8> {
    let w = &world().sender;
    draft.sign(source, now(), &w.identity, w.signer.as_ref()).unwrap().content.to_bytes(source)
}

/// A transport envelope around [`original`].
pub(crate) fn envelope_draft() -> (Draft, Vec<u8>) {
    let source = original();
    (compose::transport_envelope(&sender(), &facts(), now(), ReceiptKind::Brief, &source).unwrap(), source)
}

pub(crate) fn envelope() -> Vec<u8> {
    let (draft, source) = envelope_draft();
    sign(draft, &source)
}

/// An envelope whose signed entity was changed before signing.
pub(crate) fn forged(change: impl Fn(String) -> String) -> Vec<u8> {
    let (mut draft, source) = envelope_draft();
    let entity = String::from_utf8(draft.entity.to_bytes(&source)).unwrap();
    let changed = change(entity.clone());
    assert_ne!(changed, entity, "the test changes something");
    draft.entity = Composed::default();
    draft.entity.own(changed);
    sign(draft, b"")
}

/// An envelope with another `daticert.xml`.
pub(crate) fn certifying(change: impl Fn(&mut Certification)) -> Vec<u8> {
    let (draft, _) = envelope_draft();
    let before = draft.certification.unwrap();
    let mut after = before.clone();
    change(&mut after);
    let lines = |c: &Certification| write::base64_lines(c.to_xml().as_bytes());
    forged(|e| e.replace(&lines(&before), &lines(&after)))
}

/// The message with its header changed; the header is not signed.
pub(crate) fn with_header(message: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(message.to_vec()).unwrap();
    let changed = text.replacen(from, to, 1);
    assert_ne!(changed, text, "the test changes something");
    changed.into_bytes()
}
