//! What attackers send. Sizes are such that work growing faster than the message would not end in minutes: a test that
//! hangs has failed.
#![allow(clippy::unwrap_used, reason = "a test: what cannot be done is a failure")]

use proptest::prelude::*;
use sigillo_base::limits::{MAX_DEPTH, MAX_HEADER, MAX_PARTS};
use sigillo_mime::{ContentType, Error, Header, Part, decode_words, parse, parse_address_list};

/// Every promise of the tree: bounded, parts inside their parents' bodies, in order, without overlap.
fn check(message: &[u8]) -> Part {
    let root = parse(message).unwrap();
    assert_eq!(root.whole(), 0..message.len());
    assert!(root.walk().count() <= MAX_PARTS);
    let mut level = vec![&root];
    let mut depth = 0;
    while !level.is_empty() {
        depth += 1;
        for part in &level {
            assert!(part.header.start <= part.header.end && part.header.end == part.body.start);
            assert!(part.body.start <= part.body.end);
            let mut at = part.body.start;
            for child in &part.children {
                assert!(child.header.start >= at && child.body.end <= part.body.end, "{child:?} in {part:?}");
                at = child.body.end;
            }
            if !part.children.is_empty() {
                assert!(
                    part.is("message/rfc822") || part.is("message/global") || part.content_type.kind == "multipart"
                );
            }
        }
        level = level.into_iter().flat_map(|p| &p.children).collect();
    }
    assert!(depth <= MAX_DEPTH);
    root
}

fn multipart(boundary: &str) -> String {
    format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n")
}

fn bodies<'m>(part: &Part, message: &'m str) -> Vec<&'m str> {
    part.walk().filter(|p| p.children.is_empty()).map(|p| &message[p.body.clone()]).collect()
}

#[test]
fn a_hundred_thousand_nested_parts() {
    let mut open = String::new();
    for i in 0..100_000 {
        open += &format!("{}--b{i}\r\n", multipart(&format!("b{i}")));
    }
    let root = check(open.as_bytes());
    assert_eq!(root.walk().count(), MAX_DEPTH);
    for i in (0..100_000).rev() {
        open += &format!("\r\n--b{i}--\r\n");
    }
    assert_eq!(check(open.as_bytes()).walk().count(), MAX_DEPTH);
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    assert_eq!(check(messages.as_bytes()).walk().count(), MAX_DEPTH);
    let same = format!("{}--b\r\n", multipart("b")).repeat(100_000);
    assert_eq!(check(same.as_bytes()).walk().count(), MAX_PARTS, "siblings, for the outer owner wins");
}

#[test]
fn a_million_parts() {
    let mut many = multipart("b");
    many += &"--b\r\n\r\nx\r\n".repeat(1_000_000);
    many += "--b--\r\n";
    assert_eq!(check(many.as_bytes()).walk().count(), MAX_PARTS);
    let mut digest = multipart("b").replace("mixed", "digest");
    digest += &"--b\r\n\r\nContent-Type: message/rfc822\r\n\r\n".repeat(100_000);
    check(digest.as_bytes());
}

#[test]
fn boundaries_that_are_never_closed() {
    let message = format!("{}--a\r\n{}--b\r\n\r\none\r\n--b\r\n\r\ntwo", multipart("a"), multipart("b"));
    assert_eq!(bodies(&check(message.as_bytes()), &message), ["one", "two"]);
    let message = format!("{}--a\r\n{}--b\r\n\r\none\r\n--a\r\n\r\ntwo\r\n", multipart("a"), multipart("b"));
    let root = check(message.as_bytes());
    assert_eq!(bodies(&root, &message), ["one", "two\r\n"]);
    assert_eq!(root.children.len(), 2, "the outer boundary ends the inner parts");
    let message = format!("{}nothing", multipart("a"));
    assert!(check(message.as_bytes()).children.is_empty());
}

#[test]
fn a_boundary_that_begins_like_another() {
    for (outer, inner) in [("b", "b1"), ("b1", "b"), ("b", "b--"), ("b--x", "b"), ("b", "--b")] {
        let message = format!(
            "{}--{outer}\r\n{}--{inner}\r\n\r\none\r\n--{inner}\r\n\r\ntwo\r\n--{inner}x\r\n--{inner}--\r\n--{outer}\r\n\r\nthree\r\n--{outer}--\r\n",
            multipart(outer),
            multipart(inner)
        );
        let root = check(message.as_bytes());
        if inner == "b--" {
            // The inner boundary is the outer one's end: the outer one wins.
            assert_eq!(root.children.len(), 1, "{outer} {inner}");
            continue;
        }
        assert_eq!(bodies(&root, &message), ["one", &format!("two\r\n--{inner}x"), "three"], "{outer} {inner}");
        assert_eq!(root.children.len(), 2, "{outer} {inner}");
    }
}

#[test]
fn a_repeated_boundary_belongs_to_the_outer_part() {
    let message = format!("{}--b\r\n{}--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\nafter\r\n", multipart("b"), multipart("b"));
    let root = check(message.as_bytes());
    assert_eq!(root.children.len(), 2);
    assert_eq!(&message[root.children[1].body.clone()], "one");
}

#[test]
fn lines_that_are_almost_boundaries() {
    let long = "x".repeat(60_000);
    let mut message = String::new();
    for i in 0..MAX_DEPTH {
        message += &format!("{}--{long}{i:03}\r\n", multipart(&format!("{long}{i:03}")));
    }
    message += &"\n--".repeat(4_000_000);
    message += &format!("\r\n--{long}99 \r\n").repeat(300);
    assert_eq!(check(message.as_bytes()).walk().count(), MAX_DEPTH);
}

#[test]
fn ten_megabytes_of_one_header_line() {
    let line = [b"Subject: ".to_vec(), vec![b'a'; 10 << 20], b"\r\n\r\nbody".to_vec()].concat();
    assert_eq!(Header::parse(&line).unwrap_err(), Error::HeaderTooLarge { line: 1, limit: MAX_HEADER });
    assert_eq!(parse(&line).unwrap_err(), Error::HeaderTooLarge { line: 1, limit: MAX_HEADER });
    let folded = [b"A: b\r\nSubject: a\r\n".to_vec(), b" a\r\n".repeat(3 << 20)].concat();
    assert!(matches!(Header::parse(&folded), Err(Error::HeaderTooLarge { line: 65_534, .. })));
    assert!(matches!(parse(&folded), Err(Error::HeaderTooLarge { line: 65_534, .. })));
    // Inside, such a part is a leaf, and the next one is found.
    let inner = [multipart("b").as_bytes(), b"--b\r\n", &line, b"\r\n--b\r\n\r\nnext\r\n--b--"].concat();
    let root = check(&inner);
    assert_eq!(root.children.len(), 2);
    assert!(root.children[0].header.is_empty() && root.children[0].is("text/plain"));
    assert_eq!(&inner[root.children[1].body.clone()], b"next");
}

#[test]
fn a_header_of_one_field_a_line() {
    let fields = b"a:\r\n".repeat(MAX_HEADER / 4 - 1);
    let header = Header::parse(&fields).unwrap();
    assert_eq!(header.all("A").count(), MAX_HEADER / 4 - 1);
    assert!(header.mailboxes("A").is_err());
    assert!(header.mailboxes("B").unwrap().is_empty());
}

#[test]
fn parts_without_bodies_or_headers() {
    for (rest, expected) in [
        ("--b\r\n--b--\r\n", vec![""]),
        ("--b\r\n\r\n--b--\r\n", vec![""]),
        ("--b\r\n\r\n\r\n--b--\r\n", vec![""]),
        ("--b\r\n\r\n\r\n\r\n--b--\r\n", vec!["\r\n"]),
        ("--b\r\nA: b\r\n--b--\r\n", vec![""]),
        ("--b\r\nA: b\r\n\r\n--b--\r\n", vec![""]),
        ("--b \t\r\n\r\nx\r\n--b-- \r\n", vec!["x"]),
        ("--b\n\nx\n--b\n\ny\r\n--b--", vec!["x", "y"]),
        ("--b--\r\n--b\r\n\r\nx", vec![]),
        ("--b", vec![""]),
        ("pre --b\r\n --b\r\n--b\r\n\r\nx --b\r\n\r\n--b--\r\npost", vec!["x --b\r\n"]),
    ] {
        let message = multipart("b") + rest;
        let root = check(message.as_bytes());
        let got: Vec<_> = root.children.iter().map(|c| &message[c.body.clone()]).collect();
        assert_eq!(got, expected, "{rest:?}");
    }
    for message in [
        "",
        "\r\n",
        "\n",
        "A",
        "A: b",
        "--",
        "Content-Type: multipart/mixed; boundary=",
        "Content-Type: message/rfc822",
    ] {
        check(message.as_bytes());
    }
}

#[test]
fn an_encoded_message_is_a_leaf() {
    let head = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: ";
    assert!(check(format!("{head}base64\r\n\r\nQTogYg==").as_bytes()).children.is_empty());
    assert_eq!(check(format!("{head}8bit\r\n\r\nA: b\r\n\r\nc").as_bytes()).children.len(), 1);
}

#[test]
fn continuation_bombs() {
    let mut raw = String::from("a/b");
    for i in (0..30_000).rev() {
        raw += &format!(";n*{i}=x");
    }
    let joined = ContentType::parse(raw.as_bytes()).unwrap();
    assert_eq!(joined.param("n").unwrap().len(), 30_000);
    ContentType::parse(format!("a/b{}", ";n*0*=%41".repeat(200_000)).as_bytes()).unwrap();
    let names: String = (0..30_000).map(|i| format!(";n{i}*0=x")).collect();
    assert_eq!(ContentType::parse(format!("a/b{names}").as_bytes()).unwrap().params.len(), 30_000);
    ContentType::parse(format!("a/b;n*0={}", "(".repeat(1 << 20)).as_bytes()).unwrap();
    ContentType::parse(format!("a/b{}", "; (".repeat(1 << 18)).as_bytes()).unwrap();
    ContentType::parse(format!("a/b{}", ";x= (".repeat(1 << 18)).as_bytes()).unwrap();
}

#[test]
fn texts_and_lists_by_the_megabyte() {
    for piece in ["=?", "=?utf-8", "=?utf-8?q?", "=?utf-8?q?=41?= ", "=?utf-8?b?", "=?utf-8?b?QQ==?=", "?=", " "] {
        decode_words(piece.repeat(500_000).as_bytes());
    }
    for piece in [
        "(",
        "(a)",
        "\"",
        "\\",
        "\"a\" ",
        "a.",
        "a ",
        "a@x.example,",
        "<",
        "g:;,",
        "g:",
        "=?",
        "=?u?q?a?= ",
        "=?a?q?",
        ",",
        "@",
        "\"",
    ] {
        let text = piece.repeat(300_000);
        // Whatever the answer is, it must come soon.
        let _answer = parse_address_list(&text).is_ok();
        let _answer = parse_address_list(&format!("{text} <a@x.example>")).is_ok();
    }
    let nested = format!("{}{} a@x.example", "(".repeat(500_000), ")".repeat(500_000));
    assert_eq!(parse_address_list(&nested).unwrap().len(), 1);
}

#[test]
fn a_large_part_is_decoded_within_its_limit() {
    let head = "Content-Transfer-Encoding: base64\r\n\r\n";
    let message = head.to_owned() + &"QUJD\r\n".repeat(1 << 20);
    let root = check(message.as_bytes());
    assert_eq!(root.decoded(message.as_bytes(), 3 << 20).unwrap().len(), 3 << 20);
    assert_eq!(root.decoded(message.as_bytes(), 1000), Err(Error::TooLarge { limit: 1000 }));
    assert_eq!(root.decoded(&message.as_bytes()[..100], 1000), Err(Error::Foreign));
    let message = b"Content-Transfer-Encoding: x-uu\r\n\r\nx";
    assert_eq!(check(message).decoded(message, 9), Err(Error::UnknownEncoding("x-uu".into())));
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let fixed = prop::sample::select(vec![
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "--",
        "\r\n--",
        "b",
        "bb",
        "--b\r\n",
        "--b--\r\n",
        "--bb\r\n",
        "--bb--",
        " ",
        ":",
        ";",
        "\"",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        "Content-Type: multipart/digest; boundary=bb\r\n\r\n",
        "Content-Type: message/rfc822\r\n\r\n",
        "Content-Type: text/plain; charset=utf-7\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "content-transfer-encoding: quoted-printable\r\n\r\n",
        "Content-Disposition: attachment; filename*0*=utf-8''%0A",
        "=\r\n",
        "=41",
        "QUJD",
    ]);
    let piece =
        prop_oneof![8 => fixed.prop_map(|s| s.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..6)];
    prop::collection::vec(piece, 0..40).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_message_is_a_tree(message in message()) {
        let root = check(&message);
        for part in root.walk() {
            if let Ok(bytes) = part.decoded(&message, 50) {
                prop_assert!(bytes.len() <= 50);
            }
            if let Ok(text) = part.text(&message, 1000) {
                prop_assert!(text.len() <= 4000);
            }
            prop_assert!(part.file_name().is_none_or(|n| !n.chars().any(char::is_control)));
            let header = Header::parse_tolerant(&message[part.header.clone()]);
            prop_assert!(header.end() <= part.header.len());
        }
    }

    #[test]
    fn a_wrapped_message_has_the_same_parts(message in message()) {
        // The same bytes as an attached message, with a boundary they cannot hold: same tree, moved.
        let head = b"Content-Type: multipart/mixed; boundary=\"outer boundary\"\r\n\r\n--outer boundary\r\nContent-Type: message/rfc822\r\n\r\n";
        let wrapped = [&head[..], &message, b"\r\n--outer boundary--\r\n"].concat();
        let outer = check(&wrapped);
        let inner = &outer.children[0].children[0];
        let alone = check(&message);
        let shape = |p: &Part, by: usize| -> Vec<_> {
            p.walk().map(|p| (p.header.start - by, p.body.start - by, p.body.end - by, p.content_type.clone())).collect()
        };
        prop_assert_eq!(shape(inner, head.len()), shape(&alone, 0));
    }
}
