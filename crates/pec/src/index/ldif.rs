//! LDIF content records as far as the directory needs them (RFC 2849): folded lines, comments, base64 values,
//! attribute options. URLs as values (`:<`) and change records are refused.

use std::borrow::Cow;

use super::MAX_FILE;
use crate::Error;

/// The longest line once unfolded, in bytes: the largest certificate that is read takes less in base64.
const MAX_LINE: usize = 128 << 10;
/// Records of a file: providers and their environments are a few hundred.
const MAX_RECORDS: usize = 10_000;
/// Attributes of a file: nearly all of them are domains.
const MAX_ATTRIBUTES: usize = 2_000_000;

/// An attribute with its value; the name is in lower case with its options (`providercertificate;binary`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    pub name: String,
    pub value: Vec<u8>,
    /// Line of the file, from 1.
    pub line: usize,
}

impl Attribute {
    /// Whether this is the attribute `name`, case and options aside.
    pub fn is(&self, name: &str) -> bool {
        self.name.split(';').next().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// The value as text.
    pub fn text(&self) -> Result<&str, Error> {
        let text = std::str::from_utf8(&self.value).map_err(|_| bad(self.line, "testo diverso da UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(bad(self.line, "caratteri di controllo"));
        }
        Ok(text.trim())
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Line of its `dn`.
    pub line: usize,
    pub dn: String,
    pub attributes: Vec<Attribute>,
}

pub(super) fn bad(line: usize, reason: impl Into<String>) -> Error {
    Error::Ldif { line, reason: reason.into() }
}

/// Cuts a file into records. A `dn` always begins a record: the blank line before it is missing in places.
pub(super) fn records(file: &[u8]) -> Result<Vec<Record>, Error> {
    if file.len() > MAX_FILE {
        return Err(bad(1, format!("il file ha più di {MAX_FILE} byte")));
    }
    let mut out: Vec<Record> = Vec::new();
    let (mut open, mut attributes) = (false, 0);
    for item in (Lines { rest: file, number: 0 }) {
        let (line, text) = item?;
        if text.is_empty() {
            open = false;
            continue;
        }
        let attribute = attribute(line, &text)?;
        attributes += 1;
        if attributes > MAX_ATTRIBUTES || out.len() > MAX_RECORDS {
            return Err(bad(line, format!("più di {MAX_RECORDS} record o di {MAX_ATTRIBUTES} attributi")));
        }
        match (attribute.name.as_str(), out.last_mut()) {
            ("dn", _) => {
                let dn = attribute.text()?.to_owned();
                out.push(Record { line, dn, attributes: Vec::new() });
                open = true;
            }
            ("version", None) if attribute.value == b"1" => {}
            ("version", None) => return Err(bad(line, "versione di LDIF sconosciuta")),
            ("changetype" | "control", _) => return Err(bad(line, "sono ammessi solo record di contenuto")),
            (_, Some(record)) if open => record.attributes.push(attribute),
            _ => return Err(bad(line, "attributo fuori da un record")),
        }
    }
    Ok(out)
}

/// The lines of a file as they were before they were folded, each with the number of its first one; comments, folded
/// ones as well, are passed over.
struct Lines<'f> {
    rest: &'f [u8],
    /// Lines taken so far.
    number: usize,
}

impl<'f> Lines<'f> {
    /// The next line as it stands, without its end.
    fn take(&mut self) -> Option<&'f [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest);
        let (line, rest) = end.map_or((self.rest, &[][..]), |at| (&self.rest[..at], &self.rest[at + 1..]));
        self.rest = rest;
        self.number += 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// What the next line adds to the one before it.
    fn continuation(&mut self) -> Option<&'f [u8]> {
        if self.rest.starts_with(b" ") { self.take().map(|line| &line[1..]) } else { None }
    }
}

impl<'f> Iterator for Lines<'f> {
    type Item = Result<(usize, Cow<'f, [u8]>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut line = Cow::Borrowed(self.take()?);
            let first = self.number;
            // A blank line separates: nothing continues it.
            while !line.is_empty()
                && line.len() <= MAX_LINE
                && let Some(more) = self.continuation()
            {
                line.to_mut().extend_from_slice(more);
            }
            if line.len() > MAX_LINE {
                return Some(Err(bad(first, format!("riga di più di {MAX_LINE} byte"))));
            }
            if !line.starts_with(b"#") {
                return Some(Ok((first, line)));
            }
        }
    }
}

/// `name: value` or `name:: base64`.
fn attribute(line: usize, text: &[u8]) -> Result<Attribute, Error> {
    let colon = text.iter().position(|b| *b == b':').ok_or_else(|| bad(line, "manca il carattere ':'"))?;
    let (name, rest) = (&text[..colon], &text[colon + 1..]);
    let fine = |b: &u8| b.is_ascii_alphanumeric() || b"-;.".contains(b);
    if name.is_empty() || !name.iter().all(fine) {
        return Err(bad(line, "nome di attributo non valido"));
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let value = match rest.first() {
        Some(b':') => {
            let packed: Vec<u8> = rest[1..].iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
            data_encoding::BASE64.decode(&packed).map_err(|_| bad(line, format!("{name}: base64 non valido")))?
        }
        Some(b'<') => return Err(bad(line, "valori per riferimento non ammessi")),
        _ => rest.trim_ascii().to_vec(),
    };
    Ok(Attribute { name, value, line })
}
