//! The body of DATA: dots added and taken away on a stream (RFC 5321 §4.5.2), and its only end.

use memchr::{memchr, memchr2};

use crate::content::Content;

/// Takes a message off the stream of DATA.
#[derive(Debug)]
pub(crate) struct Unstuffer {
    at: At,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, Copy)]
enum At {
    /// After CRLF, or at the very beginning.
    Start,
    Inside,
    Cr,
    /// A dot at the start of a line.
    Dot,
    DotCr,
}

impl Unstuffer {
    /// A message of at most `limit` octets.
    pub(crate) fn new(limit: u64) -> Self {
        Self { at: At::Start, content: Content::new(limit) }
    }

    /// Reads on. Appends to `out` the message's octets up to its first defect; gives how many octets of `bytes` it
    /// used, and whether the message is at its end (what follows are commands).
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> (usize, bool) {
        let mut i = 0;
        while let Some(&b) = bytes.get(i) {
            match self.at {
                At::Start if b == b'.' => (self.at, i) = (At::Dot, i + 1),
                At::Dot if b == b'\r' => (self.at, i) = (At::DotCr, i + 1),
                At::DotCr if b == b'\n' => {
                    self.at = At::Start;
                    return (i + 1, true);
                }
                At::DotCr => {
                    self.content.feed(b"\r", out);
                    self.at = At::Cr;
                }
                At::Cr if b == b'\n' => {
                    self.content.feed(b"\n", out);
                    (self.at, i) = (At::Start, i + 1);
                }
                At::Start | At::Dot | At::Cr => self.at = At::Inside, // a dot was stuffing
                At::Inside => {
                    let cr = memchr(b'\r', &bytes[i..]);
                    let end = cr.map_or(bytes.len(), |n| i + n + 1);
                    self.content.feed(&bytes[i..end], out);
                    self.at = if cr.is_some() { At::Cr } else { At::Inside };
                    i = end;
                }
            }
        }
        (i, false)
    }
}

/// Puts a message onto the stream of DATA.
#[derive(Debug, Default)]
pub(crate) struct Stuffer {
    inside: bool,
    cr: bool,
}

/// The message holds a CR without LF or an LF without CR: it must not go out (RFC 5321 §2.3.8).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StrayLineEnd;

impl Stuffer {
    /// The octets to send for the next octets of the message.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, StrayLineEnd> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 1);
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if self.cr {
                if first != b'\n' {
                    return Err(StrayLineEnd);
                }
                (self.cr, self.inside) = (false, false);
                out.push(b'\n');
                rest = &rest[1..];
                continue;
            }
            if !self.inside && first == b'.' {
                out.push(b'.');
            }
            let end = memchr2(b'\r', b'\n', rest);
            let text = end.unwrap_or(rest.len());
            out.extend_from_slice(&rest[..text]);
            self.inside |= text > 0;
            rest = &rest[text..];
            if end.is_some() {
                if rest[0] == b'\n' {
                    return Err(StrayLineEnd);
                }
                out.push(b'\r');
                self.cr = true;
                rest = &rest[1..];
            }
        }
        Ok(out)
    }

    /// The end: completes the last line if the message did not, and says the final dot.
    pub(crate) fn end(&mut self) -> Result<&'static [u8], StrayLineEnd> {
        match (self.cr, self.inside) {
            (true, _) => Err(StrayLineEnd),
            (false, true) => Ok(b"\r\n.\r\n"),
            (false, false) => Ok(b".\r\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Defect, MAX_BODY_LINE};
    use proptest::prelude::*;

    /// The message, the unused rest, and the defect.
    fn read(pieces: &[&[u8]], limit: u64) -> (Vec<u8>, Option<usize>, Option<Defect>) {
        let mut u = Unstuffer::new(limit);
        let mut out = Vec::new();
        let mut total = 0;
        for piece in pieces {
            let (used, ended) = u.feed(piece, &mut out);
            total += used;
            if ended {
                return (out, Some(total), u.content.defect);
            }
        }
        (out, None, u.content.defect)
    }

    #[test]
    fn dots_and_the_end() {
        assert_eq!(read(&[b"a\r\n..b\r\n.c\r\n.\r\nQUIT"], 99), (b"a\r\n.b\r\nc\r\n".to_vec(), Some(15), None));
        assert_eq!(read(&[b".\r\n"], 99), (vec![], Some(3), None));
        assert_eq!(read(&[b"a\r\n."], 99).1, None);
        assert_eq!(read(&[b"a.\r\n.\r\n"], 99).0, b"a.\r\n");
    }

    #[test]
    fn defects() {
        let defect = |bytes: &[u8], limit| read(&[bytes], limit).2;
        assert_eq!(defect(b"abc\r\n.\r\n", 5), None);
        assert_eq!(defect(b"abc\r\n.\r\n", 4), Some(Defect::Size));
        assert_eq!(defect(b"a\0c\r\n.\r\n", 99), Some(Defect::Nul));
        assert_eq!(defect(b"a\nc\r\n.\r\n", 99), Some(Defect::Stray));
        assert_eq!(defect(b"a\rc\r\n.\r\n", 99), Some(Defect::Stray));
        assert_eq!(defect(b"a\n\nc\r\n.\r\n", 99), Some(Defect::Stray));
        let mut line = vec![b'x'; MAX_BODY_LINE];
        line.extend_from_slice(b"\r\n.\r\n");
        assert_eq!(defect(&line, 1 << 20), None);
        line.insert(0, b'x');
        assert_eq!(defect(&line, 1 << 20), Some(Defect::Line));
    }

    #[test]
    fn stray_line_ends_do_not_go_out() {
        for bad in [&b"a\nb"[..], b"a\rb", b"\n", b"\r\r\n", b"\r\n\n"] {
            assert_eq!(Stuffer::default().feed(bad), Err(StrayLineEnd), "{bad:?}");
        }
        let mut s = Stuffer::default();
        s.feed(b"a\r").unwrap();
        assert_eq!(s.end(), Err(StrayLineEnd));
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(text in "[.a\r\n\u{0}é]{0,40}", cuts in prop::collection::vec(0usize..40, 0..6), limit in 0u64..40) {
            let bytes = text.as_bytes();
            let mut at: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            prop_assert_eq!(read(&pieces, limit), read(&[bytes], limit));
        }

        #[test]
        fn what_is_stuffed_is_unstuffed(lines in prop::collection::vec("[.a]{0,4}", 0..8), cut in 0usize..40) {
            let message: String = lines.iter().map(|l| format!("{l}\r\n")).collect();
            let (a, b) = message.as_bytes().split_at(cut.min(message.len()));
            let mut s = Stuffer::default();
            let mut wire = s.feed(a).unwrap();
            wire.extend(s.feed(b).unwrap());
            wire.extend_from_slice(s.end().unwrap());
            let n = wire.len();
            wire.extend_from_slice(b"QUIT\r\n");
            prop_assert_eq!(read(&[&wire], 1000), (message.into_bytes(), Some(n), None));
        }
    }
}
