//! What is measured on: messages of two sizes between two fixed providers, with keys of the tests.

use std::sync::Arc;

use sigillo_base::{Address, IdSource, PecId};
use sigillo_pec::incoming::{Incoming, Judgement, judge};
use sigillo_pec::{Draft, Facts, ReceiptKind, RecipientClass, Signed, access, compose};
use sigillo_smime::{KeySigner, Trust};
use sigillo_tests::fixtures::{self, Fixture, NOW, Numbers, address};

/// The key of the sender's provider, for openssl.
pub const ALFA_KEY: &str = include_str!("../../tests/fixtures/alfa.key.pem");

/// A size of message.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// As it is shown and as it stands in the names of cases.
    pub name: &'static str,
    /// Bytes of the whole message.
    pub bytes: usize,
}

/// A short letter, and one with an attachment.
pub const SIZES: [Size; 2] = [Size { name: "2KB", bytes: 2 << 10 }, Size { name: "200KB", bytes: 200 << 10 }];

/// Base64 lines out of chance: what attachments look like, and what no compression makes smaller.
pub fn attachment(bytes: usize, seed: u64) -> String {
    let random = Numbers::new(seed);
    let raw: Vec<u8> = (0..bytes * 57 / 78 / 8 + 1).flat_map(|_| random.next().to_le_bytes()).collect();
    let text = data_encoding::BASE64.encode(&raw);
    let lines: Vec<&str> = (0..text.len()).step_by(76).map(|at| &text[at..text.len().min(at + 76)]).collect();
    lines.join("\r\n")
}

/// A message as a mail client makes it, of about this size.
pub fn message(from: &Address, to: &Address, client_id: &str, size: Size, attachment: &str) -> Vec<u8> {
    let head = format!(
        "Message-ID: <{client_id}@client.example>\r\nDate: Thu, 12 Mar 2026 10:15:00 +0100\r\n\
         From: Anna Bianchi <{from}>\r\nTo: Bruno Verdi <{to}>\r\nSubject: Trasmissione degli atti\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"limite\"\r\n\r\n\
         --limite\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nIn allegato gli atti.\r\n\
         --limite\r\nContent-Type: application/pdf; name=\"atti.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"atti.pdf\"\r\n\r\n"
    );
    let tail = "\r\n--limite--\r\n";
    let room = size.bytes.saturating_sub(head.len() + tail.len()).min(attachment.len());
    [head.as_bytes(), &attachment.as_bytes()[..room], tail.as_bytes()].concat()
}

/// One certified message at rest, with all that its notices need.
pub struct Certified {
    /// The sender's provider.
    pub alfa: Fixture,
    /// Its key.
    pub signer: KeySigner,
    /// The recipient's provider.
    pub beta: Fixture,
    /// The recipient.
    pub rcpt: Address,
    /// What the certification data say.
    pub facts: Facts,
    /// The accepted original.
    pub original: Vec<u8>,
    /// The envelope as Beta receives it.
    pub envelope: Vec<u8>,
    /// What Beta reads in it.
    pub incoming: Box<Incoming>,
    ids: Arc<Numbers>,
}

impl Certified {
    /// Sends one message as far as Beta's incoming point.
    pub fn new(size: Size) -> Self {
        let (alfa, beta) = (fixtures::alfa(), fixtures::beta());
        let (from, rcpt) = (address("anna@comune-alfa.example"), address("bruno@ente-beta.example"));
        let ids = Numbers::new(1);
        let bytes = message(&from, &rcpt, "uno", size, &attachment(size.bytes, 2));
        let id = PecId::new(ids.next_id(), alfa.provider.service_address.domain());
        let policy = access::Policy {
            max_message: 50 << 20,
            max_recipients: 1000,
            size_times_recipients: None,
            header_recipients_must_be_rcpt: true,
            certified_only: false,
        };
        let to = [rcpt.clone()];
        let submission = access::Submission { from: &from, to: &to, lists: &[], message: &bytes };
        let examined = access::examine(&submission, &|_| RecipientClass::Certified, &policy, id);
        assert!(examined.defects.is_empty(), "{:?}", examined.defects);
        let facts = examined.facts;
        let trace = format!("Return-Path: <{from}>\r\nReceived: from client by mx.pec.alfa.example with ESMTPSA\r\n");
        let original = access::accepted_original(&bytes, &facts.id, &trace).expect("a readable message");
        let signer = alfa.signer();
        let complete = ReceiptKind::Complete;
        let draft = compose::transport_envelope(&alfa.provider, &facts, NOW, complete, &original).expect("an envelope");
        let signed = draft.sign(&original, NOW, &alfa.identity, &signer).expect("a signature");
        let envelope = signed.content.to_bytes(&original);
        let Judgement::Envelope(incoming) =
            judge(&envelope, Some(&from), &to, &fixtures::index(), &fixtures::trust(), NOW)
        else {
            panic!("our own envelope is not recognised")
        };
        Self { alfa, signer, beta, rcpt, facts, original, envelope, incoming, ids }
    }

    fn id(&self, of: &Fixture) -> PecId {
        PecId::new(self.ids.next_id(), of.provider.service_address.domain())
    }

    /// The acceptance, unsigned.
    pub fn acceptance(&self) -> Draft {
        compose::acceptance(&self.alfa.provider, &self.facts, NOW, self.id(&self.alfa))
    }

    /// The envelope, unsigned; its source is the original.
    pub fn transport_envelope(&self) -> Draft {
        let (p, complete) = (&self.alfa.provider, ReceiptKind::Complete);
        compose::transport_envelope(p, &self.facts, NOW, complete, &self.original).expect("an envelope")
    }

    /// The complete delivery receipt, unsigned; its source is the envelope.
    pub fn delivery(&self) -> Draft {
        let (p, f, complete) = (&self.beta.provider, &self.facts, ReceiptKind::Complete);
        let original = self.incoming.original.clone().expect("an envelope carries its original");
        let (id, source) = (self.id(&self.beta), &self.envelope);
        compose::delivery(p, f, NOW, id, &self.rcpt, complete, complete, source, original).expect("a receipt")
    }

    /// The bytes that the envelope's signature covers.
    pub fn signed_entity(&self) -> Vec<u8> {
        let boundary = self.boundary();
        let text = &self.envelope;
        let opening = format!("\r\n--{boundary}\r\n");
        let from = find(text, opening.as_bytes(), 0) + opening.len();
        let to = find(text, format!("\r\n--{boundary}\r\n").as_bytes(), from);
        text[from..to].to_vec()
    }

    /// The envelope's signature structure, in DER.
    pub fn signature(&self) -> Vec<u8> {
        let closing = format!("\r\n--{}--", self.boundary());
        let end = find(&self.envelope, closing.as_bytes(), 0);
        let part = String::from_utf8_lossy(&self.envelope[end.saturating_sub(64 << 10)..end]);
        let (_, base64) = part.rsplit_once("\r\n\r\n").expect("a header and its body");
        data_encoding::BASE64_MIME.decode(base64.as_bytes()).expect("base64")
    }

    fn boundary(&self) -> String {
        let head = String::from_utf8_lossy(&self.envelope[..self.envelope.len().min(8192)]);
        let (_, rest) = head.split_once("micalg=sha-256; boundary=\"").expect("multipart/signed");
        rest.split('"').next().expect("a boundary").to_owned()
    }

    /// The envelope signed anew.
    pub fn sign_envelope(&self, draft: Draft) -> Signed {
        draft.sign(&self.original, NOW, &self.alfa.identity, &self.signer).expect("a signature")
    }
}

/// Trust that has judged no certificate yet: anchors and lists as in `known`, nothing remembered.
pub fn forgetful(known: &Trust) -> Trust {
    Trust::new(known.anchors().to_vec(), known.crls().to_vec())
}

fn find(text: &[u8], what: &[u8], from: usize) -> usize {
    from + text[from..].windows(what.len()).position(|w| w == what).expect("the boundary is there")
}
