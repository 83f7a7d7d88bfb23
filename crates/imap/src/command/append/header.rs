//! Whether a header section that streams holds more than ASCII.

/// How far the header section of a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderSection {
    /// At the beginning of a line.
    LineStart,
    /// Within a line.
    Line,
    /// Behind the empty line, or where nobody looks any more.
    Over,
}

impl HeaderSection {
    /// Takes the next octets; whether one of the header section is above 127.
    pub fn has_eight_bits(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            *self = match (*self, byte) {
                (Self::Over, _) => return false,
                (Self::LineStart, b'\n') => Self::Over,
                (Self::LineStart, b'\r') | (_, b'\n') => Self::LineStart,
                (_, 0x80..) => return true,
                _ => Self::Line,
            };
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_ends_at_the_empty_line() {
        for (message, eight) in [
            ("A: b\r\n\r\nè", false),
            ("A: b\n\nè", false),
            ("\r\nè", false),
            ("A: è\r\n\r\n", true),
            ("A: b\r\n c\r\nB: è", true),
            ("è", true),
            ("", false),
        ] {
            for cut in 0..=message.len() {
                let (before, after) = message.as_bytes().split_at(cut);
                let mut section = HeaderSection::LineStart;
                let found = section.has_eight_bits(before) || section.has_eight_bits(after);
                assert_eq!(found, eight, "{message:?} cut at {cut}");
            }
        }
    }
}
