use super::*;
use proptest::prelude::*;

/// Runs a script: `S: ` comes from the server, `S> ` too, without CRLF and with escapes; `C: ` is what the client sends by
/// the command that is due; `= ` is what it says then.
fn play(script: &str, commands: &[Command<'_>]) {
    let (mut client, mut commands) = (Client::new(20), commands.iter());
    for line in script.lines().map(str::trim_start).filter(|l| !l.is_empty()) {
        if let Some(text) = line.strip_prefix("S: ") {
            client.input(format!("{text}\r\n").as_bytes());
        } else if let Some(raw) = line.strip_prefix("S> ") {
            client.input(&sigillo_wire::transcript::unescape(raw));
        } else if let Some(text) = line.strip_prefix("C: ") {
            let sent = client.command(commands.next().expect("a command is due"));
            assert_eq!(String::from_utf8_lossy(&sent), format!("{text}\r\n"));
        } else {
            let said = client.poll().map(|reply| reply.map(|r| format!("{r:?}")));
            let said = said.map_or_else(|e| format!("{e:?}"), Option::unwrap_or_default);
            assert_eq!(said, line.strip_prefix("=").expect("S:, S>, C: or =").trim());
        }
    }
    assert!(commands.next().is_none(), "every command was given");
}

const ACCOUNT: &str = r#"
    S: * OK [CAPABILITY IMAP4rev1] pronto
    = Greeting { preauth: false }
    C: s1 CAPABILITY
    S: * CAPABILITY IMAP4rev1 starttls AUTH=PLAIN
    S: s1 OK fatto
    = Capabilities(["IMAP4REV1", "STARTTLS", "AUTH=PLAIN"])
    = Done(Outcome { status: Ok, text: "fatto" })
    C: s2 LOGIN "a\"b" "c\\d"
    S: s2 NO [AUTHENTICATIONFAILED] no
    = Done(Outcome { status: No, text: "[AUTHENTICATIONFAILED] no" })
    C: s3 AUTHENTICATE PLAIN
    S: + 
    = Continue
    S: s3 OK
    = Done(Outcome { status: Ok, text: "" })
    C: s4 LIST "" "*"
    S: * LIST (\HasNoChildren \Sent) "." Inviata
    S: * LIST () NIL "Con \"virgolette\""
    S: * LIST (\Noselect) "/" {3}
    S: a/b
    S: * LIST () "/" NIL
    S: * list () "/" x ("OLDNAME" ("y"))
    S: * LIST broken
    S: s4 OK
    = Folder(Listed { wire: [73, 110, 118, 105, 97, 116, 97], delimiter: Some('.'), attributes: ["\\HasNoChildren", "\\Sent"] })
    = Folder(Listed { wire: [67, 111, 110, 32, 34, 118, 105, 114, 103, 111, 108, 101, 116, 116, 101, 34], delimiter: None, attributes: [] })
    = Folder(Listed { wire: [97, 47, 98], delimiter: Some('/'), attributes: ["\\Noselect"] })
    = Folder(Listed { wire: [78, 73, 76], delimiter: Some('/'), attributes: [] })
    = Folder(Listed { wire: [120], delimiter: Some('/'), attributes: [] })
    = Done(Outcome { status: Ok, text: "" })
    C: s5 EXAMINE "Posta &AOg- \"x\""
    S: * FLAGS (\Seen)
    S: * 3 EXISTS
    S: * OK [UNSEEN 1] x
    S: * OK [UIDVALIDITY 1700000000] y
    S: s5 OK [READ-ONLY] z
    = UidValidity(1700000000)
    = Done(Outcome { status: Ok, text: "[READ-ONLY] z" })
    C: s6 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)
    S: * 1 FETCH (UID 4 FLAGS (\Seen $A) INTERNALDATE "12-Mar-2026 10:15:01 +0100" RFC822.SIZE 9)
    S: * 2 FETCH (UID x)
    S: * 9 EXPUNGE
    S: s6 OK
    = Message(Fetched { uid: 4, flags: Some(["\\Seen", "$A"]), date: Some(Timestamp(1773306901000)), size: Some(9), body: None })
    = Unclear("2 FETCH (UID x)")
    = Done(Outcome { status: Ok, text: "" })
    C: s7 UID FETCH 4:6,9 (UID BODY.PEEK[])
    S> * 1 FETCH (UID 4 BODY[] {5}\r\na\r\n\0) FLAGS (\\Seen))\r\n* 2 FETCH (BODY[] "q" UID 5)\r\n
    = Message(Fetched { uid: 4, flags: Some(["\\Seen"]), date: None, size: None, body: Some(Whole(5 octets)) })
    = Message(Fetched { uid: 5, flags: None, date: None, size: None, body: Some(Whole(1 octets)) })
    S: * 3 FETCH (UID 6 BODY[] ~{21}
    S: 012345678901234567890)
    S: * 4 FETCH (UID 9 BODY[] NIL)
    S: * BYE a domani
    = Message(Fetched { uid: 6, flags: None, date: None, size: None, body: Some(TooLarge(21)) })
    = Message(Fetched { uid: 9, flags: None, date: None, size: None, body: None })
    = Bye("a domani")
    S: s6 OK
    = Tag
"#;

fn commands() -> Vec<Command<'static>> {
    vec![
        Command::Capability,
        Command::Login { user: "a\"b", password: "c\\d" },
        Command::AuthenticatePlain,
        Command::List,
        Command::Examine(b"Posta &AOg- \"x\""),
        Command::Survey,
        Command::Bodies(&[4, 5, 6, 9]),
    ]
}

#[test]
fn an_account_is_read() {
    play(ACCOUNT, &commands());
}

#[test]
fn what_is_not_imap_is_not_believed() {
    play("S: 220 smtp\n= Greeting", &[]);
    play("S: * BYE troppi\n= Bye(\"troppi\")", &[]);
    play("S: * PREAUTH x\n= Greeting { preauth: true }\nS: s1 OK\n= Tag", &[]);
    let mut client = Client::new(9);
    client.input(&vec![b'x'; 2 << 20]);
    assert!(matches!(client.poll(), Err(Garbled::LongLine(_))));
}

/// Everything that is said, until nothing more is.
fn said(most: u64, cuts: &[&[u8]]) -> Vec<String> {
    let (mut client, mut all) = (Client::new(most), Vec::new());
    client.command(&Command::List);
    for cut in cuts {
        client.input(cut);
        loop {
            match client.poll() {
                Ok(None) => break,
                Ok(Some(reply)) => all.push(format!("{reply:?}")),
                Err(garbled) => {
                    all.push(format!("{garbled:?}"));
                    return all;
                }
            }
        }
    }
    all
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        bytes in prop::collection::vec(prop::sample::select(b"* OK1 FETCH(UID)BODY[] {3}\r\n\"\\~s".to_vec()), 0..200),
        cut in 0..200usize,
    ) {
        let bytes = [b"* OK hi\r\n* 1 FETCH (UID 3 BODY[] {12}\r\n".as_slice(), &bytes].concat();
        let whole = said(9, &[&bytes]);
        let singly: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&said(9, &singly), &whole);
        let (a, b) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(&said(9, &[a, b]), &whole);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        said(100, &[b"* OK hi\r\n", &bytes]);
        said(100, &[&bytes]);
    }
}
