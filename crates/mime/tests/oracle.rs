//! Another reader, mail-parser, on the same messages: written by `write`, and by mail-builder. It repairs what is broken
//! where we do not, so only well-formed messages are compared.
#![allow(clippy::unwrap_used, reason = "a test: what cannot be done is a failure")]

use mail_builder::MessageBuilder;
use mail_builder::mime::MimePart;
use mail_parser::{Address, MessageParser, MessagePart, MimeHeaders, PartType};
use proptest::prelude::*;
use sigillo_mime::{Header, Part, parse, write};

/// A message to be written.
#[derive(Debug, Clone)]
enum Node {
    Text(String),
    File(String, Vec<u8>),
    Many(&'static str, Vec<Node>),
    Message(String, Box<Node>),
}

fn node() -> impl Strategy<Value = Node> {
    let word = "[a-zA-Zèé日 ,.;:()<>@\"'-]{0,40}";
    let leaf = prop_oneof![
        "[ -~\nèé€]{0,200}".prop_map(Node::Text),
        (word, prop::collection::vec(any::<u8>(), 1..200)).prop_map(|(n, b)| Node::File(n, b)),
    ];
    leaf.prop_recursive(5, 30, 4, move |inner| {
        let kind = prop::sample::select(vec!["mixed", "alternative", "related", "signed"]);
        prop_oneof![
            (kind, prop::collection::vec(inner.clone(), 1..4)).prop_map(|(k, n)| Node::Many(k, n)),
            (word, inner).prop_map(|(s, n)| Node::Message(s, Box::new(n))),
        ]
    })
}

/// Writes a node; boundaries are numbered, none begins like another.
fn render(node: &Node, boundaries: &mut usize, out: &mut String) {
    match node {
        Node::Text(text) => {
            *out += "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
            *out += &write::quoted_printable(text.as_bytes());
        }
        Node::File(name, bytes) => {
            *out +=
                &write::field("Content-Type", &format!("application/octet-stream; {}", write::parameter("name", name)));
            *out += "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n";
            *out += &write::base64_lines(bytes);
        }
        Node::Many(kind, nodes) => {
            *boundaries += 1;
            let boundary = format!("=_{:05}_=", *boundaries);
            *out += &write::field("Content-Type", &format!("multipart/{kind}; boundary=\"{boundary}\""));
            *out += "\r\n";
            for node in nodes {
                *out += &format!("--{boundary}\r\n");
                render(node, boundaries, out);
                *out += "\r\n";
            }
            *out += &format!("--{boundary}--\r\n");
        }
        Node::Message(subject, node) => {
            *out += "Content-Type: message/rfc822\r\n\r\n";
            *out += &write::unstructured("Subject", subject);
            match &**node {
                // A message that is nothing but a message breaks the other reader (a failed assertion of its own).
                Node::Message(..) => render(&Node::Many("mixed", vec![(**node).clone()]), boundaries, out),
                node => render(node, boundaries, out),
            }
        }
    }
}

/// Both trees as flat lists: nested messages are messages of their own with the same offsets.
fn theirs<'m, 'x>(message: &'m mail_parser::Message<'x>, out: &mut Vec<&'m MessagePart<'x>>) {
    for part in &message.parts {
        out.push(part);
        if let PartType::Message(inner) = &part.body {
            theirs(inner, out);
        }
    }
}

fn compare(bytes: &[u8]) {
    let root = parse(bytes).unwrap();
    let message = MessageParser::default().parse(bytes).unwrap();
    let mut parts = Vec::new();
    theirs(&message, &mut parts);
    let ours: Vec<&Part> = root.walk().collect();
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(ours.len(), parts.len(), "{text}");
    for (our, their) in ours.into_iter().zip(parts) {
        assert_eq!(our.header.start, their.offset_header as usize, "{text}");
        assert_eq!(our.body.start, their.offset_body as usize, "{text}");
        if let Some(kind) = their.content_type() {
            assert!(our.is(&format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default())), "{our:?}");
        }
        let name = our.file_name().filter(|n| !n.trim().is_empty());
        // It leaves the line ends of folds in quoted strings and drops blanks at their ends; RFC 5322 §3.2.4 does not.
        let theirs = their.attachment_name().map(|n| n.replace("\r\n", "")).filter(|n| !n.trim().is_empty());
        assert_eq!(name.map(str::trim), theirs.as_deref().map(str::trim), "{text}");
        match &their.body {
            PartType::Text(t) | PartType::Html(t) => {
                assert_eq!(our.text(bytes, usize::MAX).unwrap(), t.as_ref(), "{text}")
            }
            PartType::Binary(b) | PartType::InlineBinary(b) => {
                assert_eq!(our.decoded(bytes, usize::MAX).unwrap(), b.as_ref(), "{text}");
            }
            PartType::Message(_) | PartType::Multipart(_) => continue,
        }
        if our.children.is_empty() && our.body.end != bytes.len() {
            assert_eq!(our.body.end, their.offset_end as usize, "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_same_parts(node in node()) {
        let mut text = String::from("From: a@x.example\r\nMIME-Version: 1.0\r\n");
        render(&node, &mut 0, &mut text);
        Header::parse(text.as_bytes()).unwrap();
        compare(text.as_bytes());
    }

    #[test]
    fn the_same_subject(text in "[ -~èé日€]{0,150}") {
        let written = write::unstructured("Subject", &text) + "\r\n";
        let message = MessageParser::default().parse(written.as_bytes()).unwrap();
        let ours = Header::parse(written.as_bytes()).unwrap().text("Subject").unwrap();
        let blanks = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(blanks(&ours), blanks(message.subject().unwrap_or_default()));
    }

    #[test]
    fn the_same_addresses(list in prop::collection::vec(("[a-z]{1,9}", "[a-zA-Zèé日,.;:()<>@'-]([a-zA-Zèé日 ,.;:()<>@'-]{0,30}[a-zA-Zè@])?"), 1..9)) {
        let value: Vec<_> = list.iter().map(|(a, n)| format!("{} <{a}@x.example>", write::phrase(n))).collect();
        let written = write::field("To", &value.join(", ")) + "\r\n";
        let ours = Header::parse(written.as_bytes()).unwrap().mailboxes("to").unwrap();
        let message = MessageParser::default().parse(written.as_bytes()).unwrap();
        let Some(Address::List(theirs)) = message.to() else { panic!("{written}") };
        prop_assert_eq!(ours.len(), theirs.len());
        for (our, their) in ours.iter().zip(theirs) {
            prop_assert_eq!(our.address.as_str(), their.address().unwrap());
            prop_assert_eq!(our.name.as_deref(), their.name());
        }
    }

    #[test]
    fn messages_of_another_writer(subject in "[ -~èé日]{0,90}", text in "[ -~\nè]{0,300}", name in "[a-zA-Z0-9èé日 ._-]{1,60}", bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        let built = MessageBuilder::new()
            .from(("Nicolò, \"N\"", "a@x.example"))
            .to(vec![("Bé", "b@x.example"), ("", "c@x.example")])
            .subject(subject.as_str())
            .date(1_700_000_000i64)
            .message_id("1@x.example")
            .body(MimePart::new("multipart/mixed", vec![
                MimePart::new("text/plain", text.as_str()),
                MimePart::new("application/pdf", bytes.as_slice()).attachment(name.clone()),
                MimePart::new("message/rfc822", "Subject: uno\r\n\r\ncorpo\r\n").attachment("postacert.eml"),
            ]))
            .write_to_vec().unwrap();
        let header = Header::parse(&built).unwrap();
        let blanks = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(blanks(&header.text("subject").unwrap()), blanks(&subject));
        let from = header.mailboxes("From").unwrap();
        prop_assert_eq!(from[0].name.as_deref(), Some("Nicolò, \"N\""));
        prop_assert_eq!(header.mailboxes("to").unwrap().len(), 2);
        let root = parse(&built).unwrap();
        prop_assert_eq!(root.children.len(), 3);
        prop_assert_eq!(root.children[1].decoded(&built, 300).unwrap(), bytes);
        prop_assert_eq!(root.children[1].file_name(), Some(name.as_str()));
        prop_assert_eq!(root.children[2].file_name(), Some("postacert.eml"));
        compare(&built);
    }
}
