//! What a message may hold, whether DATA or BDAT brings it: lines that end in CRLF, no NUL, within the limits.

use memchr::{memchr, memchr2};

/// RFC 5321 §4.5.3.1.6 says 998; real programs send more in one line, and bytes are not repaired here.
pub(crate) const MAX_BODY_LINE: usize = 64 * 1024;

/// Why a message that was read to its end is not taken. The first defect counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// A CR without LF or an LF without CR: two servers could see different messages in it.
    Stray,
    /// A NUL octet (RFC 5321 §4.5.2 excludes it from text).
    Nul,
    /// A line over [`MAX_BODY_LINE`].
    Line,
    /// More octets than the limit.
    Size,
}

/// The content of a message while it comes in.
#[derive(Debug)]
pub(crate) struct Content {
    limit: u64,
    /// Octets of the line so far.
    line: usize,
    cr: bool,
    pub(crate) size: u64,
    pub(crate) eight_bit: bool,
    pub(crate) defect: Option<Defect>,
}

impl Content {
    /// A message of at most `limit` octets.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, line: 0, cr: false, size: 0, eight_bit: false, defect: None }
    }

    /// Takes the next octets, and appends them to `out` up to the first defect.
    pub(crate) fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let mut rest = octets;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.cr) {
                if first == b'\n' {
                    self.line = 0;
                    self.put(b"\r\n", out);
                    self.line = 0;
                    rest = &rest[1..];
                    continue;
                }
                self.blame(Defect::Stray);
            }
            let end = memchr2(b'\r', b'\n', rest);
            self.put(&rest[..end.unwrap_or(rest.len())], out);
            let Some(end) = end else { return };
            match rest[end] {
                b'\r' => self.cr = true,
                _ => self.blame(Defect::Stray),
            }
            rest = &rest[end + 1..];
        }
    }

    /// The message is over. DATA always ends a line; BDAT need not, and then its last line is completed, as the next
    /// server that hears it by DATA would do.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        if self.cr || self.line > 0 {
            self.feed(b"\r\n", out);
        }
    }

    /// Keeps octets up to the first that must not be kept: where that is does not depend on how the stream was cut.
    fn put(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        if self.defect.is_some() {
            return;
        }
        let room = usize::try_from(self.limit - self.size).unwrap_or(usize::MAX);
        let line = MAX_BODY_LINE - self.line;
        let nul = memchr(0, octets).unwrap_or(usize::MAX);
        let keep = octets.len().min(room).min(line).min(nul);
        if keep < octets.len() {
            self.blame(if keep == nul {
                Defect::Nul
            } else if keep == room {
                Defect::Size
            } else {
                Defect::Line
            });
        }
        let kept = &octets[..keep];
        self.size += keep as u64;
        self.line += keep;
        self.eight_bit |= !kept.is_ascii();
        out.extend_from_slice(kept);
    }

    fn blame(&mut self, defect: Defect) {
        self.defect.get_or_insert(defect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]], limit: u64) -> (Vec<u8>, Option<Defect>) {
        let (mut content, mut out) = (Content::new(limit), Vec::new());
        pieces.iter().for_each(|p| content.feed(p, &mut out));
        content.end(&mut out);
        (out, content.defect)
    }

    #[test]
    fn a_last_line_is_completed_and_a_lone_cr_is_not() {
        assert_eq!(read(&[b"a\r", b"\nb"], 99), (b"a\r\nb\r\n".to_vec(), None));
        assert_eq!(read(&[b"a\r\n"], 99), (b"a\r\n".to_vec(), None));
        assert_eq!(read(&[], 99), (vec![], None));
        assert_eq!(read(&[b"a\r"], 99).1, Some(Defect::Stray));
        assert_eq!(read(&[b"a\r", b"b\r\n"], 99).1, Some(Defect::Stray));
        assert_eq!(read(&[b"abc"], 4).1, Some(Defect::Size));
    }
}
