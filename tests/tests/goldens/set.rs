//! The messages: what Anna of Alfa PEC writes to two offices of Beta PEC and to an ordinary address, and everything that
//! the two providers say about it. Times, identifiers and keys are fixed.

use std::sync::OnceLock;

use sigillo_base::{Address, PecId};
use sigillo_engine::{Arrived, Peer, Wishes};
use sigillo_pec::access::{self, Examined, Policy, Submission};
use sigillo_pec::compose::{self, NonDelivery, Overdue};
use sigillo_pec::incoming::{Incoming, Judgement, judge};
use sigillo_pec::index::Index;
use sigillo_pec::{Draft, Provider, ReceiptKind, RecipientClass};
use sigillo_tests::fixtures::{self, Fixture, NOW, address};

/// A message and what foreign readers must find in it.
pub struct Golden {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// The issuing provider's service address.
    pub service: String,
    pub subject: String,
    /// A line of the readable part.
    pub says: &'static str,
    pub structure: String,
    pub names: Vec<&'static str>,
    /// Message-ID of the enclosed original, if one is enclosed.
    pub enclosed_id: Option<String>,
}

/// All of them, in the order in which they come to be.
pub fn all() -> &'static [Golden] {
    static ALL: OnceLock<Vec<Golden>> = OnceLock::new();
    ALL.get_or_init(|| {
        let desk = Desk::new();
        let mut set = standard(&desk);
        set.extend(cases(&desk));
        set.extend(english());
        set
    })
}

pub fn named(name: &str) -> &'static Golden {
    all().iter().find(|g| g.name == name).unwrap_or_else(|| panic!("no golden {name}"))
}

/// The two providers and what they know.
pub struct Desk {
    pub alfa: Fixture,
    pub beta: Fixture,
    index: Index,
}

/// A submission that was accepted.
pub struct Sent {
    pub examined: Examined,
    pub original: Vec<u8>,
}

/// What is enclosed: the structure of the original, as Python writes it, and its identifier.
type Enclosed<'a> = Option<(&'a str, &'a str)>;

impl Desk {
    pub fn new() -> Self {
        Self { alfa: fixtures::alfa(), beta: fixtures::beta(), index: fixtures::index() }
    }

    pub fn submit(&self, number: u128, to: &[&str], submitted: &str) -> Sent {
        let from = address("anna@comune-alfa.example");
        let to: Vec<Address> = to.iter().map(|a| address(a)).collect();
        let classify = |a: &Address| match self.index.provider_of(a.domain()) {
            Some(_) => RecipientClass::Certified,
            None => RecipientClass::External,
        };
        let policy = Policy {
            max_message: 50 << 20,
            max_recipients: 1000,
            size_times_recipients: None,
            header_recipients_must_be_rcpt: true,
            certified_only: false,
        };
        let message = submitted.as_bytes();
        let id = id(&self.alfa.provider, number);
        let examined =
            access::examine(&Submission { from: &from, to: &to, lists: &[], message }, &classify, &policy, id.clone());
        let mail = Arrived {
            from: Some(from.clone()),
            to,
            bytes: Vec::new(),
            peer: Peer { ip: [192, 0, 2, 7].into() },
            ehlo: "pc-anna.comune-alfa.example".into(),
            tls: true,
            authenticated: true,
            utf8: false,
            wishes: Wishes::default(),
        };
        let trace = format!("Return-Path: <{from}>\r\n{}", mail.received("mx.pec.alfa.example", id.as_str(), NOW));
        let original = access::accepted_original(message, &id, &trace).expect("the original can be read");
        Sent { examined, original }
    }

    /// Signs a draft with the key of the provider that issues it, and notes what must be found in it.
    fn issue(&self, name: &'static str, draft: Draft, source: &[u8], says: &'static str, inner: Enclosed) -> Golden {
        let from = draft.certification().map_or("Beta PEC S.r.l.", |c| &c.issuer);
        let issuer = if from == self.alfa.provider.name { &self.alfa } else { &self.beta };
        let certified = draft.certification().is_some();
        let signed = draft.sign(source, NOW, &issuer.identity, &issuer.signer()).expect("it is signed");
        let mut parts = vec!["multipart/alternative(text/plain,text/html)".to_owned()];
        let mut names = Vec::new();
        if certified {
            parts.push("application/xml".into());
            names.push("daticert.xml");
        }
        if let Some((structure, _)) = inner {
            parts.push(format!("message/rfc822({structure})"));
            names.push("postacert.eml");
        }
        names.push("smime.p7s");
        Golden {
            name,
            bytes: signed.content.to_bytes(source),
            service: issuer.provider.service_address.to_string(),
            subject: String::new(),
            says,
            structure: format!("multipart/signed(multipart/mixed({}),application/pkcs7-signature)", parts.join(",")),
            names,
            enclosed_id: inner.map(|(_, id)| id.to_owned()),
        }
    }
}

impl Golden {
    fn subject(self, subject: &str) -> Self {
        Self { subject: subject.into(), ..self }
    }
}

pub fn id(provider: &Provider, number: u128) -> PecId {
    PecId::new(number << 64, provider.service_address.domain())
}

const SUBJECT: &str = "Convocazione del consiglio comunale";

/// Two parts, one an attachment; an external recipient in copy.
const ORDINARY: &str = "From: \"Anna Bianchi\" <anna@comune-alfa.example>\r\n\
To: bruno@ente-beta.example\r\n\
Cc: ufficio@ente-beta.example, carla@posta.example\r\n\
Subject: Convocazione del consiglio comunale\r\n\
Date: Thu, 12 Mar 2026 10:14:58 +0100\r\n\
Message-ID: <c0ffee-12@pc-anna.comune-alfa.example>\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=\"parti\"\r\n\
\r\n\
--parti\r\n\
Content-Type: text/plain; charset=us-ascii\r\n\
\r\n\
Il consiglio si riunisce venerdi' 20 marzo alle 18.\r\n\
\r\n\
--parti\r\n\
Content-Type: application/pdf; name=\"ordine-del-giorno.pdf\"\r\n\
Content-Transfer-Encoding: base64\r\n\
Content-Disposition: attachment; filename=\"ordine-del-giorno.pdf\"\r\n\
\r\n\
JVBERi0xLjQKMSAwIG9iago8PCAvVHlwZSAvQ2F0YWxvZyA+PgplbmRvYmoKJSVFT0YK\r\n\
--parti--\r\n";
const ORDINARY_PARTS: &str = "multipart/mixed(text/plain,application/pdf)";
const BRIEF_PARTS: &str = "multipart/mixed(text/plain,text/plain)";
pub const EVERYBODY: [&str; 3] = ["bruno@ente-beta.example", "ufficio@ente-beta.example", "carla@posta.example"];

/// One message through its whole life, with every notice that can be about it.
fn standard(desk: &Desk) -> Vec<Golden> {
    let (alfa, beta) = (&desk.alfa.provider, &desk.beta.provider);
    let sent = desk.submit(1, &EVERYBODY, ORDINARY);
    let facts = &sent.examined.facts;
    let (bruno, ufficio) = (address(EVERYBODY[0]), address(EVERYBODY[1]));
    let pec_id = facts.id.bracketed();
    let inside: Enclosed = Some((ORDINARY_PARTS, &pec_id));
    let (at, n) = (NOW, |number| id(alfa, number));
    let prefixed = |prefix: &str| format!("{prefix}: {SUBJECT}");
    let late = |which, number| compose::overdue(alfa, facts, at, n(number), &bruno, which);

    let envelope =
        compose::transport_envelope(alfa, facts, at, ReceiptKind::Complete, &sent.original).expect("a draft");
    let acceptance = compose::acceptance(alfa, facts, at, n(2));
    let defects = "il destinatario ufficio@ente-beta.example non compare nei campi To o Cc";
    let refused = compose::non_acceptance(alfa, facts, at, n(3), defects);
    let virus = compose::non_acceptance_virus(alfa, facts, at, n(4), EICAR);
    let virus_there = compose::non_delivery_virus(alfa, facts, at, n(5), &bruno, EICAR);
    let overdue = "AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO";
    let mut set = vec![
        desk.issue("accettazione", acceptance, b"", "carla@posta.example (\"posta ordinaria\")", None)
            .subject(&prefixed("ACCETTAZIONE")),
        desk.issue("non-accettazione", refused, b"", "a causa di il destinatario ufficio@ente-beta.example", None)
            .subject(&prefixed("AVVISO DI NON ACCETTAZIONE")),
        desk.issue("non-accettazione-virus", virus, b"", "un problema di sicurezza Eicar-Test-Signature.", None)
            .subject(&prefixed("AVVISO DI NON ACCETTAZIONE PER VIRUS")),
        desk.issue(
            "busta-trasporto",
            envelope,
            &sent.original,
            "Il messaggio originale è incluso in allegato.",
            inside,
        )
        .subject(&prefixed("POSTA CERTIFICATA")),
        desk.issue("mancata-consegna-virus", virus_there, b"", "Il messaggio non è stato consegnato.", None)
            .subject(&prefixed("AVVISO DI MANCATA CONSEGNA PER VIRUS")),
        desk.issue("mancata-consegna-12h", late(Overdue::First, 6), b"", "nelle prime dodici ore dal suo invio", None)
            .subject(&prefixed(overdue)),
        desk.issue("mancata-consegna-24h", late(Overdue::Second, 7), b"", "nelle ventiquattro ore successive", None)
            .subject(&prefixed(overdue)),
    ];
    set.extend(of_the_recipient(desk, &named_in(&set, "busta-trasporto").bytes, &pec_id));
    let taken = compose::take_charge(beta, facts, at, id(beta, 1), &alfa.service_address, &[bruno, ufficio]);
    set.push(
        desk.issue("presa-in-carico", taken, b"", "ufficio@ente-beta.example", None)
            .subject(&prefixed("PRESA IN CARICO")),
    );
    set
}

const EICAR: &str = "Eicar-Test-Signature";

fn named_in<'g>(set: &'g [Golden], name: &str) -> &'g Golden {
    set.iter().find(|g| g.name == name).expect("it was just made")
}

/// The envelope judged as Beta judges it.
fn judged(desk: &Desk, envelope: &[u8]) -> Incoming {
    let (from, to) = (address("anna@comune-alfa.example"), [address(EVERYBODY[0])]);
    match judge(envelope, Some(&from), &to, &desk.index, &fixtures::trust(), NOW) {
        Judgement::Envelope(incoming) => *incoming,
        other => panic!("our own envelope is none: {other:?}"),
    }
}

/// What Beta issues on receiving the envelope.
fn of_the_recipient(desk: &Desk, envelope: &[u8], pec_id: &str) -> Vec<Golden> {
    let incoming = judged(desk, envelope);
    let (beta, facts, at) = (&desk.beta.provider, &incoming.certification.facts, NOW);
    let (bruno, ufficio) = (address(EVERYBODY[0]), address(EVERYBODY[1]));
    let range = incoming.original.clone().expect("the original is in the envelope");
    let n = |number| id(beta, number);
    let delivery = |number, rcpt: &Address, requested| {
        let issued = if *rcpt == ufficio { ReceiptKind::Concise } else { requested };
        compose::delivery(beta, facts, at, n(number), rcpt, requested, issued, envelope, range.clone())
            .expect("a draft")
    };
    let failed = |number, rcpt, why| compose::non_delivery(beta, facts, at, n(number), rcpt, why);
    let mail_receipt = &desk.alfa.provider.service_address;
    let detected = compose::virus_detection(beta, facts, at, n(8), mail_receipt, &bruno, EICAR);
    let from = address("anna@comune-alfa.example");
    let reason = "Message-ID diverso dall'identificativo in daticert.xml";
    let odd = compose::anomaly_envelope(beta, at, n(9), Some(&from), std::slice::from_ref(&bruno), envelope, reason);
    let whole = named_structure(ORDINARY_PARTS);
    let prefixed = |prefix: &str| format!("{prefix}: {SUBJECT}");
    let consigned = "è stato consegnato nella casella di destinazione.";
    let (complete, brief) = (delivery(2, &bruno, ReceiptKind::Complete), delivery(3, &bruno, ReceiptKind::Brief));
    let concise = delivery(4, &ufficio, ReceiptKind::Complete);
    let (unknown, full) =
        (failed(5, &ufficio, NonDelivery::unknown_mailbox()), failed(6, &bruno, NonDelivery::mailbox_full()));
    let no_domain = failed(7, &bruno, NonDelivery::unknown_domain());
    let failure = prefixed("AVVISO DI MANCATA CONSEGNA");
    vec![
        desk.issue("avvenuta-consegna-completa", complete, envelope, consigned, Some((ORDINARY_PARTS, pec_id)))
            .subject(&prefixed("CONSEGNA")),
        desk.issue("avvenuta-consegna-breve", brief, envelope, "Ricevuta breve", Some((BRIEF_PARTS, pec_id)))
            .subject(&prefixed("CONSEGNA")),
        desk.issue("avvenuta-consegna-sintetica", concise, envelope, "Ricevuta sintetica", None)
            .subject(&prefixed("CONSEGNA")),
        desk.issue(
            "mancata-consegna-no-dest",
            unknown,
            b"",
            "un errore 5.1.1 - Beta PEC S.r.l. - indirizzo non valido.",
            None,
        )
        .subject(&failure),
        desk.issue(
            "mancata-consegna-casella-piena",
            full,
            b"",
            "un errore 5.2.2 - Beta PEC S.r.l. - casella piena.",
            None,
        )
        .subject(&failure),
        desk.issue("mancata-consegna-no-dominio", no_domain, b"", "un errore 5.1.2 - Beta PEC S.r.l.", None)
            .subject(&failure),
        desk.issue("rilevazione-virus", detected, b"", "un problema di sicurezza Eicar-Test-Signature.", None)
            .subject(&prefixed("PROBLEMA DI SICUREZZA")),
        desk.issue("busta-anomalia", odd.expect("a draft"), envelope, reason, Some((&whole, pec_id)))
            .subject(&prefixed("ANOMALIA MESSAGGIO: POSTA CERTIFICATA")),
    ]
}

/// The structure of a transport envelope around an original.
fn named_structure(original: &str) -> String {
    format!(
        "multipart/signed(multipart/mixed(multipart/alternative(text/plain,text/html),application/xml,\
         message/rfc822({original})),application/pkcs7-signature)"
    )
}

/// Each kind once from providers that want the English below the Italian; all else as in the standard set.
fn english() -> Vec<Golden> {
    const NAMES: [(&str, &str); 12] = [
        ("accettazione", "inglese-accettazione"),
        ("non-accettazione", "inglese-non-accettazione"),
        ("non-accettazione-virus", "inglese-non-accettazione-virus"),
        ("busta-trasporto", "inglese-busta-trasporto"),
        ("presa-in-carico", "inglese-presa-in-carico"),
        ("avvenuta-consegna-completa", "inglese-avvenuta-consegna"),
        ("mancata-consegna-no-dest", "inglese-mancata-consegna"),
        ("mancata-consegna-virus", "inglese-mancata-consegna-virus"),
        ("mancata-consegna-12h", "inglese-mancata-consegna-12h"),
        ("mancata-consegna-24h", "inglese-mancata-consegna-24h"),
        ("rilevazione-virus", "inglese-rilevazione-virus"),
        ("busta-anomalia", "inglese-busta-anomalia"),
    ];
    let mut desk = Desk::new();
    desk.alfa.provider.english = true;
    desk.beta.provider.english = true;
    let renamed = |golden: Golden| {
        let (_, name) = NAMES.iter().find(|(italian, _)| *italian == golden.name)?;
        Some(Golden { name, ..golden })
    };
    standard(&desk).into_iter().filter_map(renamed).collect()
}

/// Acceptance and envelope of the same message in odd shapes, all to Bruno.
fn cases(desk: &Desk) -> Vec<Golden> {
    let odd = [
        (
            ["caso-accenti-accettazione", "caso-accenti-busta"],
            "Subject: =?utf-8?Q?Perch=C3=A9_=C2=ABpi=C3=B9=C2=BB_costi_=E2=80=93_100=E2=82=AC?=\r\n\
             \x20=?utf-8?Q?_&_<b>grassetto</b>_=22citato=22?=\r\nMessage-ID: <accenti@pc-anna.comune-alfa.example>\r\n",
            "Corpo.\r\n",
            "Perché «più» costi – 100€ & <b>grassetto</b> \"citato\"",
            "\"Perché «più» costi - 100? & <b>grassetto</b> \"citato\"\"",
        ),
        (
            ["caso-8bit-accettazione", "caso-8bit-busta"],
            "Subject: Otto bit\r\nMessage-ID: <otto-bit@pc-anna.comune-alfa.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
            "Ecco perché già sì: àèìòù.\r\n",
            "Otto bit",
            "\"Otto bit\"",
        ),
        (
            ["caso-senza-oggetto-accettazione", "caso-senza-oggetto-busta"],
            "",
            "Nient'altro che un corpo.\r\n",
            "",
            "\"\"",
        ),
        (
            ["caso-cjk-accettazione", "caso-cjk-busta"],
            "Subject: =?utf-8?B?5bm05bqm5aCx5ZGK5pu444Gu5o+Q5Ye644Gr44Gk44GE44Gm?=\r\n\
             Message-ID: <cjk@pc-anna.comune-alfa.example>\r\n",
            "Testo.\r\n",
            "年度報告書の提出について",
            "\"????????????\"",
        ),
    ];
    let mut set = Vec::new();
    for (number, ([accepted, wrapped], header, body, subject, says)) in (100..).step_by(10).zip(odd) {
        let submitted = format!(
            "From: anna@comune-alfa.example\r\nTo: bruno@ente-beta.example\r\n\
             Date: Thu, 12 Mar 2026 10:14:58 +0100\r\n{header}\r\n{body}"
        );
        let sent = desk.submit(number, &EVERYBODY[..1], &submitted);
        let (p, facts) = (&desk.alfa.provider, &sent.examined.facts);
        let acceptance = compose::acceptance(p, facts, NOW, id(p, number + 1));
        let envelope =
            compose::transport_envelope(p, facts, NOW, sent.examined.receipt, &sent.original).expect("a draft");
        let pec_id = facts.id.bracketed();
        set.push(desk.issue(accepted, acceptance, b"", says, None).subject(&format!("ACCETTAZIONE: {subject}")));
        let wrapped = desk.issue(wrapped, envelope, &sent.original, says, Some(("text/plain", &pec_id)));
        set.push(wrapped.subject(&format!("POSTA CERTIFICATA: {subject}")));
    }
    set
}
