//! A message on the wire: dots added, the lines of TOP counted, the end said (RFC 1939 §3).
//!
//! A line ends in CRLF, but clients are known that take a bare LF for one. So a dot is added after every LF: no client
//! finds the end before it, and no octet but that dot is changed. What SMTP brought has no bare LF.

use memchr::memchr;

/// Puts a message onto the wire, piece by piece.
#[derive(Debug)]
pub(crate) struct Stuffer {
    /// At the beginning of a line, whatever ended the last one.
    start: bool,
    /// The last octet was a CR.
    cr: bool,
    /// What went out ends in CRLF, or nothing did.
    whole: bool,
    top: Option<Top>,
}

/// How much TOP still wants.
#[derive(Debug)]
struct Top {
    header: bool,
    /// The line holds nothing yet but CR.
    blank: bool,
    lines: u32,
}

impl Stuffer {
    /// For all of a message, or for its header and so many lines of its body.
    pub(crate) fn new(lines: Option<u32>) -> Self {
        let top = lines.map(|lines| Top { header: true, blank: true, lines });
        Self { start: true, cr: false, whole: true, top }
    }

    /// Writes the next octets of the message; `true` when no more are wanted.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() && !self.satisfied() {
            if self.start && rest[0] == b'.' {
                out.push(b'.');
            }
            let lf = memchr(b'\n', rest);
            let (line, after) = rest.split_at(lf.map_or(rest.len(), |i| i + 1));
            out.extend_from_slice(line);
            self.whole = match lf {
                Some(0) => self.cr,
                Some(i) => line[i - 1] == b'\r',
                None => false,
            };
            self.cr = line.last() == Some(&b'\r');
            self.start = lf.is_some();
            if let Some(top) = &mut self.top {
                top.count(&line[..lf.unwrap_or(line.len())], self.start);
            }
            rest = after;
        }
        self.satisfied()
    }

    /// Writes the end: completes the last line if the message did not, and says the final dot.
    pub(crate) fn end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.whole { b".\r\n" } else { b"\r\n.\r\n" });
    }

    fn satisfied(&self) -> bool {
        self.start && self.top.as_ref().is_some_and(|top| !top.header && top.lines == 0)
    }
}

impl Top {
    fn count(&mut self, text: &[u8], ended: bool) {
        self.blank &= text.iter().all(|b| *b == b'\r');
        if !ended {
            return;
        }
        if self.header {
            self.header = !self.blank;
        } else {
            self.lines = self.lines.saturating_sub(1);
        }
        self.blank = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(pieces: &[&[u8]], lines: Option<u32>) -> Vec<u8> {
        let (mut stuffer, mut out) = (Stuffer::new(lines), Vec::new());
        for piece in pieces {
            if stuffer.feed(piece, &mut out) {
                break;
            }
        }
        stuffer.end(&mut out);
        out
    }

    /// The message that a client has, and what is left on the wire; `lenient`: an LF ends its lines.
    fn got(wire: &[u8], lenient: bool) -> (Vec<u8>, Vec<u8>) {
        let (mut message, mut rest) = (Vec::new(), wire);
        loop {
            let lf = (0..rest.len()).find(|i| rest[*i] == b'\n' && (lenient || *i > 0 && rest[*i - 1] == b'\r'));
            let (line, after) = rest.split_at(lf.expect("the end comes") + 1);
            rest = after;
            match line {
                b".\r\n" => return (message, rest.to_vec()),
                b".\n" if lenient => return (message, rest.to_vec()),
                _ => message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line)),
            }
        }
    }

    #[test]
    fn dots_and_the_end() {
        for (message, wire) in [
            (&b"a\r\n.b\r\n..\r\n.\r\n"[..], &b"a\r\n..b\r\n...\r\n..\r\n.\r\n"[..]),
            (b"", b".\r\n"),
            (b".", b"..\r\n.\r\n"),
            (b"a", b"a\r\n.\r\n"),
            (b"a\r", b"a\r\r\n.\r\n"),
            (b"a\n", b"a\n\r\n.\r\n"),
            (b"a\n.\n.\r\nb\r\n", b"a\n..\n..\r\nb\r\n.\r\n"),
            (b"a.\r\n", b"a.\r\n.\r\n"),
        ] {
            assert_eq!(sent(&[message], None), wire, "{}", String::from_utf8_lossy(message));
        }
    }

    #[test]
    fn the_top_of_a_message() {
        let message = b"A: 1\r\nB: 2\r\n\r\n.one\r\n\r\nthree";
        for (lines, wire) in [
            (0, &b"A: 1\r\nB: 2\r\n\r\n.\r\n"[..]),
            (1, b"A: 1\r\nB: 2\r\n\r\n..one\r\n.\r\n"),
            (2, b"A: 1\r\nB: 2\r\n\r\n..one\r\n\r\n.\r\n"),
            (3, b"A: 1\r\nB: 2\r\n\r\n..one\r\n\r\nthree\r\n.\r\n"),
            (u32::MAX, b"A: 1\r\nB: 2\r\n\r\n..one\r\n\r\nthree\r\n.\r\n"),
        ] {
            assert_eq!(sent(&[message], Some(lines)), wire, "{lines}");
        }
        assert_eq!(sent(&[b"A: 1\r\n"], Some(0)), b"A: 1\r\n.\r\n", "no body at all");
        assert_eq!(sent(&[b"\r\nx\r\ny"], Some(1)), b"\r\nx\r\n.\r\n", "no header at all");
        assert_eq!(sent(&[b"A: 1\n\nx\ny\n"], Some(1)), b"A: 1\n\nx\n\r\n.\r\n", "bare LF");
    }

    proptest! {
        #[test]
        fn whatever_the_message_holds_a_client_has_it_and_finds_its_end(
            text in "[.a\r\n]{0,40}", lines in prop::option::of(0u32..4), cuts in prop::collection::vec(0usize..40, 0..5),
        ) {
            let bytes = text.as_bytes();
            let mut at: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let wire = sent(&[bytes], lines);
            prop_assert_eq!(&sent(&pieces, lines), &wire);
            let followed = [&wire[..], b"+OK\r\n"].concat();
            let (lenient, rest) = got(&followed, true);
            prop_assert_eq!(rest, b"+OK\r\n");
            let (strict, rest) = got(&followed, false);
            prop_assert_eq!(rest, b"+OK\r\n");
            if lines.is_none() {
                prop_assert!(lenient == bytes || lenient == [bytes, b"\r\n"].concat());
                // Without a bare LF nothing but the missing last line end is added.
                if !text.replace("\r\n", "").contains('\n') {
                    prop_assert_eq!(strict, lenient);
                }
            } else {
                prop_assert!(bytes.starts_with(lenient.strip_suffix(b"\r\n").unwrap_or(&lenient)));
            }
        }
    }
}
