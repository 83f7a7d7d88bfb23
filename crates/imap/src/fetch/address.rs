//! Address lists as ENVELOPE shows them (RFC 3501 §7.4.2): names as written, encoded words included, and nothing
//! refused, however odd the field.

use crate::text::nstring;

/// One entry of an address structure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Display name, or the comment in its place.
    pub name: Option<Vec<u8>>,
    /// Source route.
    pub route: Option<Vec<u8>>,
    /// Local part, or a group's name; `None` ends a group.
    pub mailbox: Option<Vec<u8>>,
    /// Domain; `None` marks the beginning and end of a group.
    pub host: Option<Vec<u8>>,
}

#[derive(Default)]
struct Reader {
    entries: Vec<Entry>,
    /// What was read as a display name, and as an address without angle brackets.
    words: Vec<u8>,
    bare: Vec<u8>,
    blank: bool,
    angle: Option<Vec<u8>>,
    comment: Option<Vec<u8>>,
    in_group: bool,
    /// `words` holds an at sign, so that a colon begins no group.
    at_sign: bool,
}

/// Entries of one field beyond this number are not shown.
const MAX_ENTRIES: usize = 20_000;

/// Reads an unfolded field.
pub fn parse(value: &[u8]) -> Vec<Entry> {
    let mut reader = Reader::default();
    let mut at = 0;
    while at < value.len() && reader.entries.len() < MAX_ENTRIES {
        at = match value[at] {
            b'"' => {
                let (text, end) = quoted(value, at);
                reader.word(&text, &value[at..end]);
                end
            }
            b'(' => {
                let (text, end) = comment(value, at);
                reader.comment = Some(text);
                reader.blank = true;
                end
            }
            b'<' => {
                let end = closing(value, at + 1);
                reader.angle = Some(value[at + 1..end].to_vec());
                end + 1
            }
            other => {
                reader.octet(other);
                at + 1
            }
        };
    }
    reader.flush();
    reader.end_group();
    reader.entries
}

impl Reader {
    fn octet(&mut self, octet: u8) {
        match octet {
            b',' => self.flush(),
            b';' => {
                self.flush();
                self.end_group();
            }
            b':' if self.angle.is_none() && !self.at_sign => {
                let name = std::mem::take(&mut self.words);
                self.bare.clear();
                self.entries.push(Entry { mailbox: Some(name), ..Entry::default() });
                (self.in_group, self.blank, self.comment) = (true, false, None);
            }
            b' ' | b'\t' => self.blank = true,
            other => {
                self.gap();
                self.at_sign |= other == b'@';
                self.words.push(other);
                self.bare.push(other);
            }
        }
    }

    /// A blank between words of a name; an address has none.
    fn gap(&mut self) {
        if std::mem::take(&mut self.blank) && !self.words.is_empty() {
            self.words.push(b' ');
        }
    }

    /// A quoted string: without its quotes in a display name, with them as a local part.
    fn word(&mut self, text: &[u8], raw: &[u8]) {
        self.gap();
        self.words.extend_from_slice(text);
        self.bare.extend_from_slice(raw);
    }

    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        let bare = std::mem::take(&mut self.bare);
        let comment = self.comment.take().filter(|c| !c.is_empty());
        (self.blank, self.at_sign) = (false, false);
        let entry = match self.angle.take() {
            Some(angle) => {
                let name = Some(words).filter(|w| !w.is_empty()).or(comment);
                split(&angle, name)
            }
            None if bare.is_empty() => return,
            None => split(&bare, comment),
        };
        self.entries.push(entry);
    }

    fn end_group(&mut self) {
        if std::mem::take(&mut self.in_group) {
            self.entries.push(Entry::default());
        }
    }
}

/// `@a,@b:local@host` or `local@host`; a missing host is empty, because NIL would begin a group.
fn split(address: &[u8], name: Option<Vec<u8>>) -> Entry {
    let mut address = address.trim_ascii();
    let mut route = None;
    if let (true, Some(colon)) = (address.starts_with(b"@"), address.iter().position(|b| *b == b':')) {
        route = Some(address[..colon].to_vec());
        address = address[colon + 1..].trim_ascii();
    }
    let at = address.iter().rposition(|b| *b == b'@').unwrap_or(address.len());
    let host = address.get(at + 1..).unwrap_or_default().to_vec();
    Entry { name, route, mailbox: Some(address[..at].to_vec()), host: Some(host) }
}

fn quoted(value: &[u8], from: usize) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut at = from + 1;
    while at < value.len() {
        match value[at] {
            b'"' => return (out, at + 1),
            b'\\' if at + 1 < value.len() => {
                out.push(value[at + 1]);
                at += 1;
            }
            other => out.push(other),
        }
        at += 1;
    }
    (out, at)
}

fn comment(value: &[u8], from: usize) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut depth = 0usize;
    let mut at = from;
    while at < value.len() {
        match value[at] {
            b'(' => {
                depth += 1;
                if depth > 1 {
                    out.push(b'(');
                }
            }
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return (out.trim_ascii().to_vec(), at + 1);
                }
                out.push(b')');
            }
            b'\\' if at + 1 < value.len() => {
                at += 1;
                out.push(value[at]);
            }
            other => out.push(other),
        }
        at += 1;
    }
    (out.trim_ascii().to_vec(), at)
}

/// The `>` that ends an angle address, outside quotes; or the end.
fn closing(value: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < value.len() && value[at] != b'>' {
        at = if value[at] == b'"' { quoted(value, at).1 } else { at + 1 };
    }
    at.min(value.len())
}

/// Writes the structure of all these fields together: NIL when there is no address.
pub fn write(out: &mut Vec<u8>, entries: &[Entry]) {
    if entries.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    out.push(b'(');
    for entry in entries {
        out.push(b'(');
        for (i, part) in [&entry.name, &entry.route, &entry.mailbox, &entry.host].into_iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            nstring(out, part.as_deref());
        }
        out.push(b')');
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, &parse(value.as_bytes()));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn addresses() {
        for (value, expected) in [
            ("a@b.c", r#"((NIL NIL "a" "b.c"))"#),
            ("\"Per conto di: a@b\" <posta@alfa.example>", r#"(("Per conto di: a@b" NIL "posta" "alfa.example"))"#),
            (
                "=?utf-8?Q?=C3=A8?= X <a@b>, c@d (Carlo (C) D)",
                r#"(("=?utf-8?Q?=C3=A8?= X" NIL "a" "b")("Carlo (C) D" NIL "c" "d"))"#,
            ),
            ("<@x,@y:a@b>", r#"((NIL "@x,@y" "a" "b"))"#),
            (
                "amici: a@b, c@d;, e@f",
                r#"((NIL NIL "amici" NIL)(NIL NIL "a" "b")(NIL NIL "c" "d")(NIL NIL NIL NIL)(NIL NIL "e" "f"))"#,
            ),
            ("undisclosed-recipients:;", r#"((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))"#),
            ("root", r#"((NIL NIL "root" ""))"#),
            ("\"a b\"@c", r#"((NIL NIL "\"a b\"" "c"))"#),
            ("<\"x>y\"@c>", r#"((NIL NIL "\"x>y\"" "c"))"#),
            ("a . b @ c", r#"((NIL NIL "a.b" "c"))"#),
            ("", "NIL"),
            (" , ,", "NIL"),
            ("Anna <a@b", r#"(("Anna" NIL "a" "b"))"#),
        ] {
            assert_eq!(written(value), expected, "{value}");
        }
        assert_eq!(written("\"è\" <a@b>"), "((\"è\" NIL \"a\" \"b\"))".replace("\"è\"", "{2}\r\nè"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in "[a@<>,:;\"\\\\() .]{0,40}") {
            written(&bytes);
        }
    }
}
