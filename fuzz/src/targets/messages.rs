//! What reads messages: their structure, and the original of a brief receipt.

use sigillo_base::{Address, PecId};
use sigillo_mime::{Header, Part, Piece};
use sigillo_pec::{Facts, Provider, ReceiptKind, Recipient, RecipientClass, Signed, compose};
use sigillo_smime::{Certificate, Identity, SignError, Signer};

use super::NOW;

/// No part decodes to more than this here; the limit itself is part of what is tried.
const DECODE_LIMIT: usize = 1 << 20;

/// A message is parsed to offsets: each part lies inside its parent, header before body, in order.
pub fn mime(data: &[u8]) {
    if let Ok(header) = Header::parse(data) {
        assert!(header.end() <= header.body() && header.body() <= data.len());
        for field in header.fields() {
            assert!(field.name.end <= field.value.start && field.value.end <= field.whole.end);
            assert!(header.text(header.name(field)).is_some(), "a field that is there has a text");
        }
        for name in ["From", "To", "Cc", "Reply-To"] {
            // Refused or read: either way without a panic.
            drop(header.mailboxes(name));
        }
    }
    if let Ok(part) = sigillo_mime::parse(data) {
        within(&part, 0, data.len());
        for part in part.walk() {
            assert!(part.file_name().is_none_or(|name| name.len() <= data.len() * 4));
            if let Ok(bytes) = part.decoded(data, DECODE_LIMIT) {
                assert!(bytes.len() <= DECODE_LIMIT);
            }
        }
    }
}

fn within(part: &Part, from: usize, to: usize) {
    assert!(from <= part.header.start && part.header.end <= part.body.start && part.body.end <= to);
    let mut at = part.body.start;
    for child in &part.children {
        assert!(at <= child.header.start, "parts come in order and do not overlap");
        within(child, part.body.start, part.body.end);
        at = child.body.end;
    }
}

/// The original of a brief receipt: what is not a range of the original is exactly its attachments, and read again it has
/// the original's structure, with hashes where they were.
pub fn brief(data: &[u8]) {
    let receipt = brief_receipt(data);
    let tree = sigillo_mime::parse(data).ok();
    let replaced = tree.as_ref().map(attachments).unwrap_or_default();
    let mut gaps = Vec::new();
    let mut at = 0;
    for piece in &receipt.content.pieces {
        if let Piece::Source(range) = piece {
            gaps.push(at..range.start);
            at = range.end;
        }
    }
    gaps.push(at..data.len());
    gaps.retain(|gap| !gap.is_empty());
    let expected: Vec<_> = replaced.iter().map(|part| part.whole()).filter(|range| !range.is_empty()).collect();
    assert_eq!(gaps, expected, "what is no attachment stays, in order and to the byte");

    let message = receipt.content.to_bytes(data);
    let outer = sigillo_mime::parse_outer(&message).expect("what we write can be read");
    let enclosed = outer.walk().find(|p| p.file_name() == Some("postacert.eml")).expect("the original is enclosed");
    let enclosed = &message[enclosed.body.clone()];
    // Beyond the limits of the tree there is nothing to compare.
    let Some(tree) = tree.filter(|t| depth(t) < 48 && t.walk().count() < 5_000) else { return };
    let again = sigillo_mime::parse(enclosed).expect("it could be read before");
    same_structure((data, &tree), (enclosed, &again), &attachments(&tree));
}

/// What the rules replace (RFC 6109 §3.3.2.2), by the original's own type, names, and enclosed messages.
fn attachments(root: &Part) -> Vec<&Part> {
    let mut open = vec![root];
    if root.is("application/pkcs7-mime") || root.is("application/x-pkcs7-mime") {
        open.clear();
    } else if root.is("multipart/signed") {
        open = root.children.iter().take(1).collect();
    }
    let mut found = Vec::new();
    while let Some(part) = open.pop() {
        if part.content_type.kind == "multipart" && !part.children.is_empty() {
            open.extend(part.children.iter().rev());
        } else if part.file_name().is_some() || part.is("message/rfc822") {
            found.push(part);
        }
    }
    found
}

fn depth(part: &Part) -> usize {
    1 + part.children.iter().map(depth).max().unwrap_or(0)
}

fn same_structure((data, old): (&[u8], &Part), (written, new): (&[u8], &Part), replaced: &[&Part]) {
    if replaced.iter().any(|r| std::ptr::eq(*r, old)) {
        assert!(new.is("text/plain") && new.file_name().is_some_and(|n| n.ends_with(".hash")), "{new:?}");
        let body = &written[new.body.clone()];
        assert!(body.len() == 40 && body.iter().all(u8::is_ascii_hexdigit), "{}", String::from_utf8_lossy(body));
        return;
    }
    assert_eq!(data[old.header.clone()], written[new.header.clone()]);
    assert_eq!(old.children.len(), new.children.len(), "{old:?}\n{new:?}");
    for (old, new) in old.children.iter().zip(&new.children) {
        same_structure((data, old), (written, new), replaced);
    }
}

/// A signer without a key: the receipt is not for sending.
struct Nobody;

impl Signer for Nobody {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(vec![0; 256])
    }
}

fn brief_receipt(data: &[u8]) -> Signed {
    let address = |text: &str| Address::parse(text).expect("an address");
    let rcpt = address("bruno@ente-beta.example");
    let id = |text: &str| PecId::parse(text).expect("an identifier");
    let facts = Facts {
        sender: address("anna@comune-alfa.example"),
        recipients: vec![Recipient { address: rcpt.clone(), class: RecipientClass::Certified }],
        reply_to: String::new(),
        subject: None,
        id: id("1@pec.alfa.example"),
        msgid: None,
    };
    let service_address = address("posta-certificata@pec.beta.example");
    let provider = Provider { name: "Beta PEC S.r.l.".into(), service_address, english: false };
    let (kind, notice) = (ReceiptKind::Brief, id("2@pec.beta.example"));
    let draft = compose::delivery(&provider, &facts, NOW, notice, &rcpt, kind, kind, data, 0..data.len());
    let anchors = Certificate::from_pem(include_bytes!("../../fixtures/ca.pem")).expect("a certificate");
    let identity = Identity { certificate: anchors[0].clone(), chain: Vec::new() };
    draft.expect("a receipt for any original").sign(data, NOW, &identity, &Nobody).expect("it is put together")
}
