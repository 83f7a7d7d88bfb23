use super::*;
use crate::ListFault;
use proptest::prelude::*;
use sigillo_base::AddressError;

fn fault(message: &[u8]) -> (usize, HeaderFault) {
    match Header::parse(message) {
        Err(Error::Header { line, fault }) => (line, fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn fields_are_offsets() {
    let message = b"From: a@x.example\r\nSUBJECT: uno\r\n\tdue \r\nX:\r\n\r\nbody\r\n";
    let h = Header::parse(message).unwrap();
    assert_eq!(h.fields().len(), 3);
    let s = h.first("Subject").unwrap();
    assert_eq!(h.name(s), "SUBJECT");
    assert_eq!(h.raw(s), b" uno\r\n\tdue ");
    assert_eq!(&message[s.whole.clone()], b"SUBJECT: uno\r\n\tdue \r\n");
    assert_eq!(h.line(s), 2);
    assert_eq!(h.line(h.first("x").unwrap()), 4);
    assert_eq!(&message[h.end()..h.body()], b"\r\n");
    assert_eq!(&message[h.body()..], b"body\r\n");
    assert_eq!(h.unfolded("subject").unwrap(), "uno\tdue");
    assert_eq!(h.text("subject").unwrap(), "uno due");
    assert_eq!(h.text("x").unwrap(), "");
    assert_eq!(h.text("y"), None);
}

#[test]
fn a_message_may_end_after_its_header() {
    let h = Header::parse(b"A: b\r\n").unwrap();
    assert_eq!((h.end(), h.body()), (6, 6));
    let h = Header::parse(b"").unwrap();
    assert_eq!((h.end(), h.body(), h.fields().len()), (0, 0, 0));
    let h = Header::parse(b"\r\nA\nb\0").unwrap();
    assert_eq!((h.end(), h.body(), h.fields().len()), (0, 2, 0));
}

#[test]
fn faults_name_their_line() {
    assert_eq!(fault(b"A: b\r\nno colon\r\n\r\n"), (2, HeaderFault::NoColon));
    assert_eq!(fault(b"From a@x Mon Jan 1\r\nA: b\r\n\r\n"), (1, HeaderFault::NoColon));
    assert_eq!(fault(b" A: b\r\n\r\n"), (1, HeaderFault::Continuation));
    assert_eq!(fault(b"A: b\r\nB : c\r\n\r\n"), (2, HeaderFault::Name));
    assert_eq!(fault(b"A: b\r\n: c\r\n\r\n"), (2, HeaderFault::Name));
    assert_eq!(fault("A: b\r\nOggettò: c\r\n\r\n".as_bytes()), (2, HeaderFault::Name));
    assert_eq!(fault(b"A: b\nB: c\r\n\r\n"), (1, HeaderFault::BareLineEnd));
    assert_eq!(fault(b"A: b\r\nB: \rc\r\n\r\n"), (2, HeaderFault::BareLineEnd));
    assert_eq!(fault(b"A: b\r\r\nB: c\r\n\r\n"), (1, HeaderFault::BareLineEnd));
    assert_eq!(fault(b"A: b\r\n x\0\r\n\r\n"), (2, HeaderFault::Nul));
    assert_eq!(fault(b"A: b\r\nB: c"), (2, HeaderFault::Unterminated));
    assert_eq!(fault(b"A: b\r"), (1, HeaderFault::Unterminated));
    assert_eq!(fault(b"A: b\r\n\n\r\n"), (2, HeaderFault::BareLineEnd));
    let said = Header::parse(b"A: b\r\nno colon\r\n\r\n").unwrap_err().to_string();
    assert_eq!(said, "riga 2 dell'intestazione: mancano i due punti dopo il nome del campo");
}

#[test]
fn the_limit_is_exact() {
    let mut message = b"A: ".to_vec();
    message.resize(MAX_HEADER - 4, b'x');
    message.extend(b"\r\n\r\n");
    assert_eq!(Header::parse(&message).unwrap().body(), MAX_HEADER);
    message.insert(3, b'x');
    assert_eq!(Header::parse(&message).unwrap_err(), Error::HeaderTooLarge { line: 2, limit: MAX_HEADER });
    assert!(Header::parse(&message[..MAX_HEADER - 1]).is_ok());
}

#[test]
fn addresses_of_all_fields_of_a_name() {
    let h =
        Header::parse(b"To: a@x.example\r\nCc: z@x.example\r\nto: =?utf-8?q?Nicol=C3=B2?=\r\n <b@x.example>\r\n\r\n")
            .unwrap();
    let all = h.mailboxes("To").unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].name.as_deref(), Some("Nicolò"));
    assert_eq!(all[1].address.as_str(), "b@x.example");
    assert!(h.mailboxes("Bcc").unwrap().is_empty());
    let h = Header::parse(b"A: b\r\n c\r\nTo: a@-x\r\n\r\n").unwrap();
    let fault = ListFault::Address(AddressError::Domain);
    assert_eq!(h.mailboxes("to"), Err(Error::Field { name: "To".into(), line: 3, fault }));
}

#[test]
fn the_tolerant_reader_takes_what_there_is() {
    let message = b"From x\nA : b\n c\nno\n lost\nB: d\n\nbody";
    let h = Header::parse_tolerant(message);
    let names: Vec<_> = h.fields().iter().map(|f| (h.name(f), h.raw(f))).collect();
    assert_eq!(names, [("A", &b" b\n c"[..]), ("B", b" d")]);
    assert_eq!(&message[h.body()..], b"body");
    assert_eq!(h.unfolded("a").unwrap(), "b c");
    let h = Header::parse_tolerant(b"A: b\rBcc: x\0\r\n\r\n");
    assert_eq!(h.text("a").unwrap(), "b Bcc: x", "no line end comes out, no NUL in a text");
    assert_eq!(Header::parse_tolerant(&vec![b'a'; 10 << 20]).fields().len(), 0);
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b": ".to_vec()),
        Just(b"\r\n ".to_vec()),
        Just(b"=?utf-8?q?=0D=0A?=".to_vec()),
        "[ -~]{0,8}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn fields_tile_the_header(message in message()) {
        let strict = Header::parse(&message);
        let loose = Header::parse_tolerant(&message);
        if let Ok(h) = &strict {
            let mut at = 0;
            for f in h.fields() {
                prop_assert_eq!(f.whole.start, at);
                prop_assert_eq!(f.name.start, at);
                prop_assert_eq!(f.value.start, f.name.end + 1);
                prop_assert_eq!(f.whole.end, f.value.end + 2);
                at = f.whole.end;
            }
            prop_assert_eq!(at, h.end());
            prop_assert!(h.body() == at + 2 || (h.body() == at && at == message.len()));
            // What is well-formed, both readers read alike.
            prop_assert_eq!(h.fields(), loose.fields());
            prop_assert_eq!((h.end(), h.body()), (loose.end(), loose.body()));
        }
        for h in strict.iter().chain([&loose]) {
            for f in h.fields() {
                let name = h.name(f);
                prop_assert!(!name.is_empty());
                prop_assert!(h.line(f) >= 1);
                let text = h.text(name).unwrap_or_default();
                prop_assert!(!text.chars().any(char::is_control), "{:?}", text);
                prop_assert!(!h.unfolded(name).unwrap_or_default().contains(['\r', '\n']));
                if let Ok(list) = h.mailboxes(name) {
                    prop_assert!(list.iter().all(|m| m.name.as_ref().is_none_or(|n| !n.contains(['\r', '\n']))));
                }
            }
        }
    }

    #[test]
    fn a_longer_message_has_the_same_header(message in message(), more in prop::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(h) = Header::parse(&message) && h.body() > h.end() {
            let long = [&message[..], &more].concat();
            let again = Header::parse(&long).unwrap();
            prop_assert_eq!(h.fields(), again.fields());
            prop_assert_eq!(h.body(), again.body());
        }
    }
}
