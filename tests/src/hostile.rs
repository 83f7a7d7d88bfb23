//! Messages and certification data made to cost more than they should, and the way of a submission through both providers.
//! Tests ask for an answer by the rules, benches for its price.

use sigillo_base::{Address, PecId};
use sigillo_mime::write;
use sigillo_pec::access::{self, Examined, Policy, Submission};
use sigillo_pec::incoming::{Incoming, Judgement, judge};
use sigillo_pec::index::Index;
use sigillo_pec::{Draft, ReceiptKind, RecipientClass, compose};
use sigillo_smime::{KeySigner, Signer, Trust, detached, sha256, signed_attributes};

use crate::fixtures::{self, Fixture, NOW, address};

/// A submission by Anna of Alfa to Bruno of Beta.
pub struct Trap {
    /// What it tries.
    pub name: &'static str,
    /// The message as submitted.
    pub message: Vec<u8>,
    /// Whether the rules let it in: odd is not wrong.
    pub certified: bool,
}

/// A field of about this many bytes: pieces on lines that are short enough.
fn folded(name: &str, piece: &str, bytes: usize) -> String {
    let line = piece.repeat((900 / piece.len()).max(1));
    format!("{name}: {}\r\n", vec![line.as_str(); bytes / (line.len() + 3) + 1].join("\r\n "))
}

fn message(fields: &str, mime: &str) -> Vec<u8> {
    let to = if fields.contains("To: ") { "" } else { "To: bruno@ente-beta.example\r\n" };
    format!("From: anna@comune-alfa.example\r\n{to}Message-ID: <trappola@x.example>\r\n{fields}{mime}").into_bytes()
}

fn multipart(boundary: &str) -> String {
    format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n")
}

/// An ordinary message of this size.
pub fn plain(bytes: usize) -> Vec<u8> {
    let line = format!("{}\r\n", "QUJD".repeat(19));
    let part = "Content-Type: application/pdf; name=atti.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let head = format!("Subject: Trasmissione\r\n{}{part}", multipart("b"));
    let mut out = message(&head, &line.repeat(bytes.saturating_sub(head.len()) / line.len()));
    out.extend_from_slice(b"\r\n--b--\r\n");
    out
}

/// Many parts, deep parts, parts that are almost parts.
fn structures() -> Vec<Trap> {
    let trap = |name, fields: &str, mime: &str| Trap { name, message: message(fields, mime), certified: true };
    let deep: String = (0..10_000).map(|i| multipart(&format!("b{i}"))).collect();
    let long = "x".repeat(900);
    let mut almost: String = (0..50).map(|i| multipart(&format!("{long}{i:02}"))).collect();
    almost += &format!("\r\n--{long}9 \r\n").repeat(6_000);
    let names: String = (0..9_000)
        .map(|i| format!("Content-Type: a/b;\r\n name=\"{i}{}\"\r\n\r\nx\r\n--b\r\n", "\u{e8}".repeat(240)))
        .collect();
    vec![
        trap("a million parts", "", &format!("{}{}--b--\r\n", multipart("b"), "\r\nx\r\n--b\r\n".repeat(1_000_000))),
        trap("parts ten thousand deep", "", &deep),
        trap("messages ten thousand deep", "", &"Content-Type: message/rfc822\r\n\r\n".repeat(10_000)),
        trap("boundaries that almost match", "", &almost),
        trap("dashes at every line", "", &format!("{}{}", multipart("b"), "\r\n--".repeat(1_500_000))),
        trap("nine thousand long names", "", &format!("{}{names}", multipart("b"))),
        trap(
            "base64 that is none",
            "",
            &format!(
                "{}Content-Type: a/b; name=n\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
                multipart("b"),
                "=A!=\r\n".repeat(800_000)
            ),
        ),
        trap(
            "parameters in pieces",
            "",
            &format!(
                "Content-Type: multipart/mixed; boundary=b{}\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
                (0..9_000).rev().map(|i| format!(";\r\n n*{i}*=%C3")).collect::<String>()
            ),
        ),
    ]
}

/// Headers that are too large, and those that just fit.
fn headers() -> Vec<Trap> {
    let trap = |name, fields: &str, certified| Trap { name, message: message(fields, "\r\nx\r\n"), certified };
    let many = |count: usize| format!("To: {}bruno@ente-beta.example\r\n", "a@b.example,\r\n ".repeat(count));
    let words = |words: &str| folded("Subject", words, 180_000);
    vec![
        trap("a header of ten megabytes", &folded("X-A", "parola ", 10 << 20), false),
        trap("a header line of ten megabytes", &format!("X-A: {}\r\n", "a".repeat(10 << 20)), false),
        trap("a hundred thousand fields", &"a:\r\n".repeat(100_000), false),
        trap("forty thousand fields", &"a:\r\n".repeat(40_000), true),
        trap("thirty thousand defects", &"a: \u{e8}\r\n".repeat(30_000), false),
        trap("ten thousand subjects", &"Subject: x\r\n".repeat(10_000), false),
        trap("a hundred thousand addresses", &many(100_000), false),
        trap("as many addresses as fit", &many(15_000), false),
        trap(
            "comments in comments",
            &format!("To: {}\r\n {} bruno@ente-beta.example\r\n", "(\r\n ".repeat(20_000), ")\r\n ".repeat(20_000)),
            true,
        ),
        trap("comments that do not end", &folded("To", "(", 150_000), false),
        trap("encoded words that do not end", &words("=?utf-8?q?"), true),
        trap("encoded words one after the other", &words("=?utf-8?q?=C3?= =?utf-8?q?=A8?= "), true),
        trap("charsets nobody knows", &words("=?x-boh?b?/v8A?= =?utf-7?q?+2AA?= =?iso-2022-jp?b?GyRC?= "), true),
        trap("control characters in the subject", &words("=?utf-8?q?=00=0D=0A=1B=7F=C2=85?= "), true),
    ]
}

/// Every trap for the access point.
pub fn submissions() -> Vec<Trap> {
    let mut all = structures();
    all.extend(headers());
    all
}

/// The two providers.
pub struct Street {
    alfa: (Fixture, KeySigner),
    beta: (Fixture, KeySigner),
    index: Index,
    trust: Trust,
    from: Address,
    to: [Address; 1],
}

/// What became of a submission.
#[derive(Debug)]
pub enum Answer {
    /// The signed notice of non-acceptance.
    Refused(Vec<u8>),
    /// Delivered; the sizes of the delivery receipts: complete, brief, concise.
    Delivered([usize; 3]),
}

impl Default for Street {
    fn default() -> Self {
        let with_key = |fixture: Fixture| {
            let signer = fixture.signer();
            (fixture, signer)
        };
        Self {
            alfa: with_key(fixtures::alfa()),
            beta: with_key(fixtures::beta()),
            index: fixtures::index(),
            trust: fixtures::trust(),
            from: address("anna@comune-alfa.example"),
            to: [address("bruno@ente-beta.example")],
        }
    }
}

impl Street {
    /// The access point's checks.
    pub fn examine(&self, message: &[u8]) -> Examined {
        let policy = Policy {
            max_message: 50 << 20,
            max_recipients: 1000,
            size_times_recipients: None,
            header_recipients_must_be_rcpt: true,
            certified_only: false,
        };
        let submission = Submission { from: &self.from, to: &self.to, lists: &[], message };
        let id = PecId::new(7, self.alfa.0.provider.service_address.domain());
        access::examine(&submission, &|_| RecipientClass::Certified, &policy, id)
    }

    /// The whole way: the notice of non-acceptance, or envelope, judgement and the three delivery receipts.
    ///
    /// # Panics
    /// When our own envelope is none for the other provider, or its original is not what was sent.
    pub fn send(&self, message: &[u8]) -> Answer {
        let examined = self.examine(message);
        let (alfa, facts) = (&self.alfa.0.provider, &examined.facts);
        let notice = PecId::new(8, alfa.service_address.domain());
        if !examined.is_accepted() {
            let draft = compose::non_acceptance(alfa, facts, NOW, notice, &examined.reasons());
            return Answer::Refused(sign(&self.alfa, draft, &[]));
        }
        let original = access::accepted_original(message, &facts.id, "").expect("it was accepted");
        let draft = compose::transport_envelope(alfa, facts, NOW, examined.receipt, &original).expect("a draft");
        let envelope = sign(&self.alfa, draft, &original);
        let incoming = match self.judge(&envelope) {
            Judgement::Envelope(incoming) => incoming,
            other => panic!("our envelope is none: {other:?}"),
        };
        let range = incoming.original.clone().expect("an envelope carries its original");
        assert!(envelope[range] == original, "the original comes out as it went in");
        Answer::Delivered(self.deliver(&incoming, &envelope))
    }

    /// The sizes of the three delivery receipts about an envelope.
    pub fn deliver(&self, incoming: &Incoming, envelope: &[u8]) -> [usize; 3] {
        let (beta, facts) = (&self.beta.0.provider, &incoming.certification.facts);
        [ReceiptKind::Complete, ReceiptKind::Brief, ReceiptKind::Concise].map(|kind| {
            let (id, range) = (PecId::new(9, beta.service_address.domain()), incoming.original.clone());
            let range = range.expect("an envelope carries its original");
            let draft = compose::delivery(beta, facts, NOW, id, &self.to[0], kind, kind, envelope, range);
            sign(&self.beta, draft.expect("a receipt for any original"), envelope).len()
        })
    }

    /// Beta's judgement.
    pub fn judge(&self, message: &[u8]) -> Judgement {
        judge(message, Some(&self.from), &self.to, &self.index, &self.trust, NOW)
    }

    /// An envelope of Alfa's with this `daticert.xml` in it, validly signed: what a provider might send that means harm.
    pub fn envelope_with(&self, xml: &[u8]) -> Vec<u8> {
        let (alfa, signer) = &self.alfa;
        let entity = format!(
            "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\nx\r\n--m\r\n\
             Content-Type: application/xml; name=daticert.xml\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--m\r\n\
             Content-Type: message/rfc822; name=postacert.eml\r\n\r\nSubject: x\r\n\r\ny\r\n--m--\r\n",
            write::base64_lines(xml)
        );
        let attributes = signed_attributes(&sha256(entity.as_bytes()), NOW, &alfa.identity.certificate);
        let signature = signer.sign(&attributes).expect("a signature");
        let cms = detached(&alfa.identity, &attributes, &signature).expect("a signature structure");
        format!(
            "X-Trasporto: posta-certificata\r\nFrom: {}\r\nTo: bruno@ente-beta.example\r\nMessage-ID: <{ID}>\r\n\
             Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=s\r\n\r\n\
             --s\r\n{entity}\r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}--s--\r\n",
            alfa.provider.service_address,
            write::base64_lines(&cms)
        )
        .into_bytes()
    }
}

fn sign((fixture, signer): &(Fixture, KeySigner), draft: Draft, source: &[u8]) -> Vec<u8> {
    draft.sign(source, NOW, &fixture.identity, signer).expect("a signature").content.to_bytes(source)
}

const ID: &str = "1.x@pec.alfa.example";

/// Certification data for [`Street::envelope_with`]: `head` stands before the root, `recipients` among the recipients,
/// `attributes` in the root, `tail` after the identifier.
fn daticert(head: &str, attributes: &str, recipients: &str, tail: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>{head}<postacert tipo=\"posta-certificata\"{attributes}><intestazione>\
         <mittente>anna@comune-alfa.example</mittente><destinatari>bruno@ente-beta.example</destinatari>{recipients}\
         <risposte>anna@comune-alfa.example</risposte></intestazione><dati><gestore-emittente>Alfa</gestore-emittente>\
         <data zona=\"+0100\"><giorno>12/03/2026</giorno><ora>10:15:01</ora></data>\
         <identificativo>{ID}</identificativo>{tail}</dati></postacert>"
    )
    .into_bytes()
}

/// Certification data that a provider might sign: what they try, the bytes, whether they are good.
pub fn certifications() -> Vec<(&'static str, Vec<u8>, bool)> {
    let laughs: String =
        (1..30).map(|i| format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10))).collect();
    let laughs = format!("<!DOCTYPE postacert [<!ENTITY l0 \"ha\">{laughs}]>");
    let external = "<!DOCTYPE postacert [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let parameter = "<!DOCTYPE postacert [<!ENTITY % x SYSTEM \"http://x.example/x.dtd\"> %x;]>";
    let error = |text: &str| format!("<errore-esteso>{text}</errore-esteso>");
    let many = |count: usize| -> String {
        (0..count).map(|i| format!("<destinatari tipo=\"esterno\">r{i}@ente.example</destinatari>")).collect()
    };
    let attributes: String = (0..300_000).map(|i| format!(" a{i}=\"\"")).collect();
    vec![
        ("nothing odd", daticert("", "", "", ""), true),
        ("a billion laughs", daticert(&laughs, "", "", &error("&l29;")), false),
        ("an external entity", daticert(external, "", "", &error("&x;")), false),
        ("a parameter entity", daticert(parameter, "", "", ""), false),
        ("a DOCTYPE and no more", daticert("<!DOCTYPE postacert>", "", "", ""), false),
        ("entities that nobody declared", daticert("", "", "", &error(&"&lol;".repeat(100_000))), false),
        ("characters by number", daticert("", "", "", &error(&"&#x1f600;".repeat(100_000))), true),
        ("a hundred thousand recipients", daticert("", "", &many(100_000), ""), false),
        ("fifty thousand recipients", daticert("", "", &many(50_000), ""), true),
        ("attributes by the hundred thousand", daticert("", &attributes, "", ""), false),
        ("elements a hundred thousand deep", daticert("", "", &"<destinatari>".repeat(100_000), ""), false),
        ("megabytes of comments", daticert("", "", &"<!-- -->".repeat(300_000), ""), true),
        ("comments that do not end", daticert("", "", &"<!-- ".repeat(300_000), ""), false),
        ("megabytes of text", daticert("", "", "", &error(&"&amp;".repeat(400_000))), true),
        ("sections of CDATA", daticert("", "", "", &error(&"<![CDATA[<]]>".repeat(100_000))), true),
        ("bytes that are no UTF-8", daticert("", "", "", "").into_iter().chain([0xff]).collect(), false),
        ("NUL", daticert("", "", "", "\0"), false),
    ]
}
