//! Header fields of a stored message, read without refusing anything: the message is there and must be shown.

use std::ops::Range;

/// One field, by offsets into the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Before the colon; empty for a line that is no field.
    pub name: Range<usize>,
    /// After the colon, folds and final line end included.
    pub value: Range<usize>,
    /// All of it.
    pub whole: Range<usize>,
}

/// Offset of the body: just past the empty line, or the end when there is none.
pub fn end(message: &[u8]) -> usize {
    let mut at = 0;
    while at < message.len() {
        let next = line_end(message, at);
        if matches!(&message[at..next], b"\r\n" | b"\n") {
            return next;
        }
        at = next;
    }
    message.len()
}

/// The fields of a header section.
pub fn fields(header: &[u8]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let mut at = 0;
    while at < header.len() {
        let next = line_end(header, at);
        let line = &header[at..next];
        if matches!(line, b"\r\n" | b"\n") {
            break;
        }
        match (line[0], fields.last_mut()) {
            (b' ' | b'\t', Some(field)) => {
                field.value.end = next;
                field.whole.end = next;
            }
            _ => {
                let colon = memchr::memchr(b':', line).map(|c| at + c);
                let (name, value) = colon.map_or((at..at, at..next), |c| (at..c, c + 1..next));
                fields.push(Field { name, value, whole: at..next });
            }
        }
        at = next;
    }
    fields
}

/// Whether the field has this name, in any case.
pub fn is(header: &[u8], field: &Field, name: &str) -> bool {
    header[field.name.clone()].trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
}

/// A header section whose fields were found once, to be asked often.
#[derive(Debug)]
pub struct Header<'h> {
    text: &'h [u8],
    fields: Vec<Field>,
}

impl<'h> Header<'h> {
    /// Finds the fields.
    pub fn of(text: &'h [u8]) -> Self {
        Self { text, fields: fields(text) }
    }

    /// The first field of this name, unfolded and trimmed; encoded words stay as they are.
    pub fn first(&self, name: &str) -> Option<Vec<u8>> {
        self.named(name).next()
    }

    /// Every field of this name, unfolded.
    pub fn all(&self, name: &str) -> Vec<Vec<u8>> {
        self.named(name).collect()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = Vec<u8>> {
        let named = self.fields.iter().filter(move |field| is(self.text, field, name));
        named.map(|field| unfolded(&self.text[field.value.clone()]))
    }
}

/// Without line ends, which the blank after them stands for; trimmed.
pub fn unfolded(value: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = value.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    text.trim_ascii().to_vec()
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |i| from + i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_by_offsets() {
        let m = b"Subject: a\r\n b\r\njunk\r\nX:\r\n\r\nbody: no\r\n";
        assert_eq!(end(m), 28);
        let f = fields(m);
        assert_eq!(f.len(), 3);
        assert_eq!(&m[f[0].whole.clone()], b"Subject: a\r\n b\r\n");
        let header = Header::of(m);
        assert_eq!(header.first("SUBJECT").unwrap(), b"a b");
        assert_eq!(header.first("x").unwrap(), b"");
        assert_eq!(header.first("body"), None);
        assert_eq!((end(b"A: b\r\n"), end(b""), end(b"\r\nx"), end(b"A: b\n\nx")), (6, 0, 2, 6));
    }

    proptest! {
        #[test]
        fn fields_and_body_are_the_whole(bytes in "[a: \r\n]{0,60}") {
            let bytes = bytes.as_bytes();
            let mut at = 0;
            for f in fields(bytes) {
                prop_assert_eq!(f.whole.start, at);
                at = f.whole.end;
            }
            prop_assert!(end(bytes) - at <= 2);
        }
    }
}
