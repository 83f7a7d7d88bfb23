//! What the tests of this crate share: the two providers of the `daticert.xml` examples, with certificates.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sigillo_base::{Address, Domain, PecId, Timestamp};
use sigillo_smime::authority::{Authority, Issued};
use sigillo_smime::{Crl, Identity, KeySigner, Trust};

use crate::index::{Entry, Index};
use crate::{Facts, Provider, Recipient, RecipientClass};

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
