use super::*;
use proptest::prelude::*;

/// Feeds in the given pieces; keeps literals that fit, refuses others; joins chunks.
fn events(pieces: &[&[u8]]) -> Vec<Event> {
    let mut framer = Framer::new();
    let mut all = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(event) = framer.next_event(false) {
            match event {
                Event::Literal { size: 7, .. } => framer.stream(),
                Event::Literal { size, .. } if framer.fits(size) && size != 13 => framer.keep(),
                Event::Literal { .. } => framer.refuse(),
                Event::Chunk(c) => match all.last_mut() {
                    Some(Event::Chunk(before)) => before.extend_from_slice(&c),
                    _ => all.push(Event::Chunk(c)),
                },
                other => all.push(other),
            }
        }
    }
    all
}

fn command(text: &str) -> Event {
    Event::Command(text.as_bytes().to_vec())
}

#[test]
fn lines_and_literals() {
    assert_eq!(events(&[b"a NOOP\r\nb {3+}\r\nx\r\n y\r\n"]), [command("a NOOP"), command("b {3+}\r\nx\r\n y")]);
    assert_eq!(events(&[b"a {0}\r\n {2}\r\nhi\r\n\r\n"]), [command("a {0}\r\n {2}\r\nhi"), command("")]);
    assert_eq!(
        events(&[b"a {7}\r\n1234567 x\r\n"]),
        [Event::Chunk(b"1234567".to_vec()), Event::Streamed, command(" x")]
    );
}

#[test]
fn what_cannot_be_obeyed_is_skipped_whole() {
    let broken = |f, t: &str| Event::Broken(f, t.as_bytes().to_vec());
    // Not announced with +: the client sends nothing after the refusal.
    assert_eq!(events(&[b"a {13}\r\nb NOOP\r\n"]), [broken(Fault::Refused, "a {13}"), command("b NOOP")]);
    // Announced with +: the octets, and the rest of the command, are passed over.
    assert_eq!(
        events(&[b"a {13+}\r\nb EVIL\r\nb XX. {3+}\r\n\r\nz t\r\nb NOOP\r\n"]),
        [broken(Fault::Refused, "a {13+}"), command("b NOOP")]
    );
    assert_eq!(events(&[b"a \n {3+}\r\n\r\nz\r\nb\r\n"]), [broken(Fault::Stray, "a \n {3+}"), command("b")]);
    assert_eq!(events(&[b"a {4294967296}\r\nb\r\n"]), [broken(Fault::Number, "a {4294967296}"), command("b")]);
    assert_eq!(events(&[b"a {4294967296+}\r\nb\r\n"]), [Event::Lost]);
    assert_eq!(events(&[format!("a {{{}+}}\r\nb\r\n", "0".repeat(40)).as_bytes()]), [Event::Lost]);
}

#[test]
fn an_overlong_line_keeps_its_tag_and_its_literal() {
    let long = "x".repeat(MAX_COMMAND);
    let text = format!("tag1 {long} {{5+}}\r\nab\r\nc\r\nd NOOP\r\n");
    let whole = events(&[text.as_bytes()]);
    assert!(matches!(&whole[0], Event::Broken(Fault::TooLong, t) if t.starts_with(b"tag1 xxx") && t.len() == HEAD));
    assert_eq!(whole[1..], [command("d NOOP")]);
    let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(events(&single), whole);
    let mut framer = Framer::new();
    for _ in 0..100 {
        framer.push(&[b'y'; 4096]);
        assert_eq!(framer.next_event(false), None);
        assert!(framer.buffer.len() < 2 * MAX_COMMAND, "memory stays bounded");
    }
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        parts in prop::collection::vec(
            prop_oneof![
                Just("a ".to_owned()), Just("\r\n".to_owned()), Just("\n".to_owned()), Just("\r".to_owned()),
                Just("{3}\r\n".to_owned()), Just("{7+}\r\n".to_owned()), Just("{13+}\r\n".to_owned()),
                Just("{13}\r\n".to_owned()), Just("{99999}".to_owned()), Just("{".to_owned()), "[ -~]{0,9}"
            ], 0..20),
        cuts in prop::collection::vec(0usize..200, 0..8),
    ) {
        let text = parts.concat();
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        prop_assert_eq!(events(&pieces), events(&[bytes]));
    }
}
