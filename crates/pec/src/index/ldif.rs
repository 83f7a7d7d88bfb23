//! LDIF content records as far as the directory needs them (RFC 2849): folded lines, comments, base64 values,
//! attribute options. URLs as values (`:<`) and change records are refused.

use crate::Error;

/// An attribute with its value; the name is in lower case with its options (`providercertificate;binary`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    pub name: String,
    pub value: Vec<u8>,
    /// Line of the file, from 1.
    pub line: usize,
}

impl Attribute {
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
    let mut out: Vec<Record> = Vec::new();
    let mut open = false;
    for (line, text) in unfold(file) {
        if text.is_empty() {
            open = false;
            continue;
        }
        let attribute = attribute(line, &text)?;
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

/// Joins folded lines and drops comments; each with the number of its first line.
fn unfold(file: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (i, line) in file.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (line.strip_prefix(b" "), lines.last_mut()) {
            (Some(rest), Some((_, last))) if !last.is_empty() => last.extend_from_slice(rest),
            _ => lines.push((i + 1, line.to_vec())),
        }
    }
    lines.retain(|(_, line)| !line.starts_with(b"#"));
    lines
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
