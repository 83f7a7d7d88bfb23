use proptest::prelude::*;

use super::*;

const LIMIT: u64 = 1 << 20;

fn read(file: &[u8], quoting: Quoting) -> Vec<Entry> {
    Reader::new(file, quoting, LIMIT).map(Result::unwrap).collect()
}

fn text(entry: &Entry) -> &str {
    std::str::from_utf8(entry.bytes.as_ref().unwrap()).unwrap()
}

#[test]
fn what_others_write() {
    let file = concat!(
        "From anna@a.example Thu Mar 12 10:15:01 2026 +0100\nSubject: uno\nStatus: RO\nX-Status: AF\n",
        "Content-Length: 3\n\n>From qui\n>>From la'\nFrom oggi in poi\n\n",
        "From MAILER DAEMON Thu Mar 12 9:15 2026\nSubject: no\n\n",
        "From b Thu Mar 12 09:15:02 2026\nSubject: due\n\nx\n"
    );
    let found = read(file.as_bytes(), Quoting::All);
    assert_eq!(found.len(), 2, "an hour needs two digits");
    assert_eq!(found[0].date.map(Timestamp::as_millis), Some(1_773_306_901_000));
    assert_eq!(found[0].flags, ["\\Seen", "\\Answered", "\\Flagged"]);
    assert!(text(&found[0]).contains("\r\nFrom qui\r\n>From la'\r\nFrom oggi in poi\r\n"), "{}", text(&found[0]));
    assert!(text(&found[0]).contains("\r\nStatus: RO\r\n"), "what others wrote stays");
    assert_eq!(text(&found[1]), "Subject: due\r\n\r\nx");
    let older = read(file.as_bytes(), Quoting::One);
    assert!(text(&older[0]).contains("\r\nFrom qui\r\n>>From la'\r\n"), "{}", text(&older[0]));
}

#[test]
fn a_file_with_crlf_throughout() {
    let found = read(b"From a Thu Mar 12 09:15:02 2026\r\nA: b\r\n\r\nx\r\n\r\n", Quoting::All);
    assert_eq!(text(&found[0]), "A: b\r\n\r\nx\r\n");
}

#[test]
fn what_is_wrong_is_told_and_the_rest_is_read() {
    let good = "From a Thu Mar 12 09:15:02 2026\nA: b\n\nx\n\n";
    let file = format!("{good}From a Thu Mar 12 09:15:02 2026\n\0\0\0\n\n{good}");
    let wrong: Vec<_> = read(file.as_bytes(), Quoting::All).into_iter().map(|e| e.bytes.err()).collect();
    assert_eq!(wrong, [None, Some(Wrong::NoHeader), None]);
    let long = format!("{good}From a Thu Mar 12 09:15:02 2026\nA: {}\n\n{good}", "x".repeat(300_000));
    let found: Vec<_> = Reader::new(long.as_bytes(), Quoting::All, 1000).map(|e| e.unwrap().bytes.err()).collect();
    assert_eq!(found, [None, Some(Wrong::TooLarge(1000)), None]);
    let found = read(format!("ciao\n\n{good}").as_bytes(), Quoting::All);
    assert_eq!(found[0].bytes, Err(Wrong::NoFrom));
    assert_eq!(found.len(), 2);
    assert!(read(b"", Quoting::All).is_empty());
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"From a Thu Mar 12 09:15:02 2026\r\n".to_vec()),
        Just(b"From a Thu Mar 12 09:15:02 2026\n".to_vec()),
        Just(b">From x\r\n".to_vec()),
        Just(b">>From ".to_vec()),
        Just(b"Status: R\r\n".to_vec()),
        Just(b"X-Keywords: a\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ]
}

prop_compose! {
    /// A message whose first line ends in CRLF, whatever follows.
    fn message()(
        first in prop::sample::select(vec!["A: b\r\n", "status: x\r\n", "X-Status: \r\n", "X-Keywords: y\r\n", "X-IMAPbase: 1 1 z\r\n", "B:"]),
        lines in prop::collection::vec(line(), 0..8),
    ) -> Vec<u8> {
        let rest = lines.concat();
        if first == "B:" { b"B:".to_vec() } else { [first.as_bytes(), &rest].concat() }
    }
}

proptest! {
    #[test]
    fn what_is_written_comes_back(
        sent in prop::collection::vec((message(), 0..4_000_000_000i64, prop::collection::btree_set(0..7usize, 0..7)), 0..5)
    ) {
        let all = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted", "$A", "b"];
        let mut file = Vec::new();
        let mut keywords = vec!["$A".to_owned(), "b".to_owned()];
        for (bytes, date, flags) in &sent {
            let flags: Vec<String> = flags.iter().map(|n| all[*n].to_owned()).collect();
            let keywords = std::mem::take(&mut keywords);
            write(&mut file, bytes, Timestamp::from_millis(date * 1000), &flags, &keywords).unwrap();
        }
        let back = read(&file, Quoting::All);
        prop_assert_eq!(back.len(), sent.len());
        for (entry, (bytes, date, flags)) in back.iter().zip(&sent) {
            prop_assert_eq!(entry.bytes.as_ref(), Ok(bytes));
            prop_assert_eq!(entry.date, Some(Timestamp::from_millis(date * 1000)));
            // Where nothing is written, the message's own fields are read.
            let flags: Vec<&str> = flags.iter().map(|n| all[*n]).collect();
            let read: Vec<&str> = entry.flags.iter().map(String::as_str).collect();
            prop_assert!(read == flags || flags.is_empty(), "{:?} {:?}", read, flags);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(lines in prop::collection::vec(line(), 0..20)) {
        let file = lines.concat();
        for quoting in [Quoting::All, Quoting::One] {
            let held: usize = read(&file, quoting).iter().map(|e| e.bytes.as_ref().map_or(0, Vec::len)).sum();
            prop_assert!(held <= file.len() * 2);
        }
    }
}
