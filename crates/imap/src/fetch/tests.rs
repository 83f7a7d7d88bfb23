use super::*;
use crate::Row;
use proptest::prelude::*;

/// A transport envelope as certified mail has it: signed, with the original inside.
const ENVELOPE: &str = "From: \"Per conto di: anna@alfa.example\" <posta-certificata@alfa.example>\r\n\
To: bruno@beta.example\r\n\
Subject: POSTA CERTIFICATA: prova\r\n\
Message-ID: <1@alfa.example>\r\n\
Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n micalg=sha-256; boundary=\"OUT\"\r\n\
\r\n\
This is an S/MIME signed message\r\n\
--OUT\r\n\
Content-Type: multipart/mixed; boundary=IN\r\n\
\r\n\
--IN\r\n\
Content-Type: text/plain; charset=iso-8859-1\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\
\r\n\
Messaggio di posta\r\n\
certificata\r\n\
--IN\r\n\
Content-Type: application/xml; name=\"daticert.xml\"\r\n\
Content-Transfer-Encoding: base64\r\n\
Content-Disposition: attachment; filename=\"daticert.xml\"\r\n\
\r\n\
PHg+\r\n\
--IN\r\n\
Content-Type: message/rfc822; name=\"postacert.eml\"\r\n\
Content-Disposition: inline; filename=\"postacert.eml\"\r\n\
Content-Description: originale\r\n\
\r\n\
From: anna@alfa.example\r\n\
To: bruno@beta.example\r\n\
Subject: prova\r\n\
Content-Type: multipart/alternative; boundary=ALT\r\n\
\r\n\
--ALT\r\n\
\r\n\
uno\r\n\
--ALT\r\n\
Content-Type: text/html\r\n\
Content-Language: it, en\r\n\
\r\n\
<b>uno</b>\r\n\
--ALT--\r\n\
--IN--\r\n\
--OUT\r\n\
Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
Content-Transfer-Encoding: base64\r\n\
\r\n\
AAAA\r\n\
--OUT--\r\n";

#[test]
fn a_message_with_utf8_in_its_header_is_a_message() {
    let items: Vec<FetchItem> = [("2.1", SectionText::All), ("1.3", SectionText::Header), ("1.3.1", SectionText::Mime)]
        .into_iter()
        .map(|(part, text)| {
            let part = part.split('.').map(|n| n.parse().unwrap()).collect();
            FetchItem::Section { section: Section { part, text }, partial: None, peek: true }
        })
        .chain([FetchItem::Body, FetchItem::BodyStructure])
        .collect();
    let told = answer(&ENVELOPE.replace("message/rfc822", "message/global"), &items);
    assert!(
        told.contains("(\"message\" \"global\" (\"name\" \"postacert.eml\")") && told.contains("\"prova\" (("),
        "{told}"
    );
    assert_eq!(told.replace("\"global\"", "\"rfc822\""), answer(ENVELOPE, &items));
}

fn answer(message: &str, items: &[FetchItem]) -> String {
    let row = Row { uid: 9, size: message.len() as u32, ..Row::default() };
    let mut content = message.as_bytes().to_vec();
    let summary = Summary::of(message.as_bytes());
    let pieces = render::render(1, &row, items, &summary, &mut content).unwrap();
    String::from_utf8(written(pieces, &mut content)).unwrap()
}

fn written(pieces: Vec<render::Piece>, content: &mut Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            render::Piece::Own(bytes) => out.extend(bytes),
            render::Piece::Message(range) => out.extend(&content[range.start as usize..range.end as usize]),
            render::Piece::Decoded(mut decoding) => while !decoding.step(content, &mut out).unwrap() {},
        }
    }
    out
}

/// The same from what is kept of the message alone.
fn from_summary(message: &str, items: &[FetchItem]) -> String {
    let row = Row { uid: 9, size: message.len() as u32, ..Row::default() };
    let pieces = render::render(1, &row, items, &Summary::of(message.as_bytes()), &mut Vec::new()).unwrap();
    assert!(pieces.iter().all(|piece| matches!(piece, render::Piece::Own(_))), "nothing of the message is asked for");
    String::from_utf8(written(pieces, &mut Vec::new())).unwrap()
}

/// What `BODY[…]` gives, without the frame around it.
fn body(message: &str, part: &[u32], text: SectionText) -> Option<String> {
    let section = Section { part: part.to_vec(), text };
    let all = answer(message, &[FetchItem::Section { section, partial: None, peek: true }]);
    let after = all.split_once("] ")?.1;
    if after == "NIL)\r\n" {
        return None;
    }
    let (length, rest) = after.strip_prefix('{')?.split_once("}\r\n")?;
    let literal = rest.strip_suffix(")\r\n")?;
    assert_eq!(length.parse(), Ok(literal.len()), "the literal has the length announced");
    Some(literal.to_owned())
}

#[test]
fn structure_of_a_signed_envelope() {
    let inner = "From: anna@alfa.example";
    let postacert = &ENVELOPE[ENVELOPE.find(inner).unwrap()..ENVELOPE.find("\r\n--IN--").unwrap()];
    let expected = format!(
        "* 1 FETCH (BODYSTRUCTURE (((\"text\" \"plain\" (\"charset\" \"iso-8859-1\") NIL NIL \"quoted-printable\" 31 1 NIL NIL NIL NIL)\
         (\"application\" \"xml\" (\"name\" \"daticert.xml\") NIL NIL \"base64\" 4 NIL (\"attachment\" (\"filename\" \"daticert.xml\")) NIL NIL)\
         (\"message\" \"rfc822\" (\"name\" \"postacert.eml\") NIL \"originale\" \"7BIT\" {size} \
         (NIL \"prova\" ((NIL NIL \"anna\" \"alfa.example\")) ((NIL NIL \"anna\" \"alfa.example\")) ((NIL NIL \"anna\" \"alfa.example\")) \
         ((NIL NIL \"bruno\" \"beta.example\")) NIL NIL NIL NIL) \
         ((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 3 0 NIL NIL NIL NIL)\
         (\"text\" \"html\" NIL NIL NIL \"7BIT\" 10 0 NIL NIL (\"it\" \"en\") NIL) \
         \"alternative\" (\"boundary\" \"ALT\") NIL NIL NIL) {lines} NIL (\"inline\" (\"filename\" \"postacert.eml\")) NIL NIL) \
         \"mixed\" (\"boundary\" \"IN\") NIL NIL NIL)\
         (\"application\" \"pkcs7-signature\" (\"name\" \"smime.p7s\") NIL NIL \"base64\" 4 NIL NIL NIL NIL) \
         \"signed\" (\"protocol\" \"application/pkcs7-signature\" \"micalg\" \"sha-256\" \"boundary\" \"OUT\") NIL NIL NIL))\r\n",
        size = postacert.len(),
        lines = postacert.matches('\n').count(),
    );
    assert_eq!(answer(ENVELOPE, &[FetchItem::BodyStructure]), expected);
    let short = answer(ENVELOPE, &[FetchItem::Body]);
    assert!(short.contains("\"7BIT\" 3 0)(\"text\" \"html\" NIL NIL NIL \"7BIT\" 10 0) \"alternative\") "), "{short}");
}

#[test]
fn sections_of_a_signed_envelope() {
    let get = |part: &[u32], text| body(ENVELOPE, part, text);
    let between = |from: &str, to: &str| {
        let start = ENVELOPE.find(from).unwrap();
        Some(ENVELOPE[start..start + ENVELOPE[start..].find(to).unwrap()].to_owned())
    };
    assert_eq!(get(&[], SectionText::All).as_deref(), Some(ENVELOPE));
    assert_eq!(get(&[], SectionText::Header), between("From: \"Per", "This is"));
    assert_eq!(get(&[], SectionText::Text), Some(ENVELOPE[ENVELOPE.find("This is").unwrap()..].to_owned()));
    assert_eq!(get(&[1], SectionText::All), between("--IN\r\n", "\r\n--OUT\r\nContent-Type: application/pkcs7"));
    assert_eq!(get(&[1], SectionText::Mime).as_deref(), Some("Content-Type: multipart/mixed; boundary=IN\r\n\r\n"));
    assert_eq!(get(&[1, 1], SectionText::All).as_deref(), Some("Messaggio di posta\r\ncertificata"));
    assert_eq!(get(&[1, 2], SectionText::All).as_deref(), Some("PHg+"));
    assert_eq!(get(&[1, 3], SectionText::All), between("From: anna@alfa", "\r\n--IN--"));
    assert_eq!(get(&[1, 3], SectionText::Header), between("From: anna@alfa", "--ALT\r\n\r\n"));
    assert_eq!(get(&[1, 3], SectionText::Text), between("--ALT\r\n\r\n", "\r\n--IN--"));
    let fields = SectionText::Fields(vec!["SUBJECT".into(), "X-None".into()]);
    assert_eq!(get(&[1, 3], fields.clone()).as_deref(), Some("Subject: prova\r\n\r\n"));
    assert_eq!(get(&[], fields).as_deref(), Some("Subject: POSTA CERTIFICATA: prova\r\n\r\n"));
    let without = SectionText::FieldsNot(vec!["content-type".into(), "from".into(), "to".into()]);
    assert_eq!(get(&[1, 3], without).as_deref(), Some("Subject: prova\r\n\r\n"));
    assert_eq!(get(&[1, 3, 1], SectionText::All).as_deref(), Some("uno"));
    assert_eq!(get(&[1, 3, 2], SectionText::All).as_deref(), Some("<b>uno</b>"));
    assert_eq!(
        get(&[1, 3, 2], SectionText::Mime).as_deref(),
        Some("Content-Type: text/html\r\nContent-Language: it, en\r\n\r\n")
    );
    assert_eq!(get(&[2], SectionText::All).as_deref(), Some("AAAA"));
    for none in [&[3][..], &[1, 4], &[2, 1], &[1, 1, 1], &[1, 3, 3], &[1, 3, 1, 1]] {
        assert_eq!(get(none, SectionText::All), None, "{none:?}");
    }
    assert_eq!(get(&[1, 1], SectionText::Header), None, "only a message has a header");
}

#[test]
fn partial_sections_run_across_fields() {
    let message = "A: 1\r\nB: 2\r\nA: 3\r\n\r\nx";
    let section = Section { part: vec![], text: SectionText::Fields(vec!["A".into()]) };
    for (first, most, expected) in
        [(0, 99, "A: 1\r\nA: 3\r\n\r\n"), (4, 4, "\r\nA:"), (11, 2, "\n\r"), (14, 5, ""), (99, 1, "")]
    {
        let item = FetchItem::Section { section: section.clone(), partial: Some((first, most)), peek: true };
        let length = expected.len();
        assert_eq!(
            answer(message, &[item]),
            format!("* 1 FETCH (BODY[HEADER.FIELDS (A)]<{first}> {{{length}}}\r\n{expected})\r\n")
        );
    }
}

#[test]
fn odd_messages_are_shown_all_the_same() {
    let all = [FetchItem::Envelope, FetchItem::BodyStructure, FetchItem::Rfc822Header, FetchItem::Rfc822Text];
    for (message, structure) in [
        ("", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 0 0 NIL NIL NIL NIL)"),
        ("no colon", "(\"text\" \"plain\""),
        (
            "Content-Type: multipart/mixed; boundary=x\r\n\r\nnothing",
            "((\"text\" \"plain\" NIL NIL NIL \"7BIT\" 0 0) \"mixed\" (\"boundary\" \"x\")",
        ),
        ("Content-Type: nonsense\r\n\r\nx", "(\"text\" \"plain\""),
        ("Subject: \u{e8}\r\n\r\nx", "(\"text\" \"plain\""),
    ] {
        let told = answer(message, &all);
        assert!(told.contains(structure), "{message:?}: {told}");
        assert!(told.contains(&format!("RFC822.TEXT {{{}}}\r\n", message.len() - header::end(message.as_bytes()))));
    }
}

proptest! {
    #[test]
    fn never_panics_and_parentheses_close(bytes in "([A-Za-z-]{1,12}: |Content-Type: |multipart/mixed; |boundary=x|message/rfc822|text/plain|--x|--x--|\r\n|\r\n\r\n|[ -~]{0,6}|\u{e8}|\"|\\(|,|<|>|@){0,40}") {
        let items = [FetchItem::Envelope, FetchItem::BodyStructure, FetchItem::Body, FetchItem::Rfc822Header];
        prop_assert!(items.iter().all(|item| item.reads() == Reads::Summary));
        let told = answer(&bytes, &items);
        prop_assert!(balanced(told.as_bytes()), "{}", told);
        prop_assert_eq!(from_summary(&bytes, &items), told);
        for part in [&[1][..], &[1, 1], &[2, 1, 1]] {
            for text in [SectionText::All, SectionText::Mime, SectionText::Header, SectionText::Text, SectionText::Fields(vec!["a".into()])] {
                body(&bytes, part, text);
            }
        }
    }
}

/// Reads a response as a client does: quoted strings, literals, lists.
fn balanced(mut rest: &[u8]) -> bool {
    let mut depth = 0;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'(' => depth += 1,
            b')' if depth == 0 => return false,
            b')' => depth -= 1,
            b'"' => loop {
                match rest {
                    [b'\\', _, after @ ..] => rest = after,
                    [b'"', after @ ..] => {
                        rest = after;
                        break;
                    }
                    [b, after @ ..] if (0x20..0x7f).contains(b) => rest = after,
                    _ => return false,
                }
            },
            b'{' => {
                let end = rest.iter().position(|b| *b == b'}').unwrap();
                let size: usize = std::str::from_utf8(&rest[..end]).unwrap().parse().unwrap();
                rest = &rest[end + 3 + size..];
            }
            b'\r' => return depth == 0 && rest == b"\n",
            b if b >= 0x7f => return false,
            _ => {}
        }
    }
    false
}
