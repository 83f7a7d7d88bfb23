//! The header section of a message: fields as offsets.

use crate::address::{self, Mailbox};
use crate::{Error, HeaderFault, text};
use memchr::{memchr, memchr3};
use sigillo_base::limits::MAX_HEADER;
use std::ops::Range;

/// One header field: offsets into the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name, without the colon.
    pub name: Range<usize>,
    /// What stands between the colon and the final CRLF: raw, folds inside, the blank after the colon included.
    pub value: Range<usize>,
    /// The whole field, its final CRLF included.
    pub whole: Range<usize>,
}

/// The header section of a message.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    message: &'a [u8],
    fields: Vec<Field>,
    end: usize,
    body: usize,
}

impl<'a> Header<'a> {
    /// Reads the header section strictly (RFC 5322 §2.2): lines end in CRLF, no NUL, every line is a field or a
    /// continuation, names are printable ASCII right up to the colon. Values may hold 8-bit octets. The body is not
    /// looked at; a message may end after its header without an empty line, but not in the middle of a line.
    ///
    /// # Errors
    /// [`Error::Header`] and [`Error::HeaderTooLarge`], each with the number of the line.
    pub fn parse(message: &'a [u8]) -> Result<Self, Error> {
        let window = &message[..message.len().min(MAX_HEADER)];
        let mut fields: Vec<Field> = Vec::new();
        let (mut at, mut line) = (0, 1);
        while at < message.len() {
            let end = match strict_line(window, at) {
                Ok(Some(end)) => end,
                Ok(None) if window.len() < message.len() => {
                    return Err(Error::HeaderTooLarge { line, limit: MAX_HEADER });
                }
                Ok(None) => return Err(Error::Header { line, fault: HeaderFault::Unterminated }),
                Err(fault) => return Err(Error::Header { line, fault }),
            };
            if end == at + 2 {
                return Ok(Self { message, fields, end: at, body: end });
            }
            if matches!(window[at], b' ' | b'\t') {
                let fault = HeaderFault::Continuation;
                let last = fields.last_mut().ok_or(Error::Header { line, fault })?;
                last.value.end = end - 2;
                last.whole.end = end;
            } else {
                fields.push(strict_field(window, at, end).map_err(|fault| Error::Header { line, fault })?);
            }
            at = end;
            line += 1;
        }
        Ok(Self { message, fields, end: at, body: at })
    }

    /// Reads what can be read of a header that need not be well-formed: for showing a message, never for judging it.
    /// Lines may end in LF alone, lines that are no field are passed over, a header larger than the limit is read
    /// up to the limit.
    pub fn parse_tolerant(message: &'a [u8]) -> Self {
        let window = &message[..message.len().min(MAX_HEADER)];
        let mut fields: Vec<Field> = Vec::new();
        let mut at = 0;
        let mut continues = false;
        while at < window.len() {
            let end = memchr(b'\n', &window[at..]).map_or(window.len(), |i| at + i + 1);
            let content = at..at + trim_line_end(&window[at..end]);
            if content.is_empty() && end > at && window[end - 1] == b'\n' {
                return Self { message, fields, end: at, body: end };
            }
            if matches!(window[at], b' ' | b'\t') {
                if let Some(last) = fields.last_mut().filter(|_| continues) {
                    last.value.end = content.end;
                    last.whole.end = end;
                }
            } else {
                let field = tolerant_field(window, content, end);
                continues = field.is_some();
                fields.extend(field);
            }
            at = end;
        }
        Self { message, fields, end: at, body: at }
    }

    /// Offset just past the fields: where the empty line stands, and where a field can be added.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Offset of the body, just past the empty line; the message's length when there is none.
    pub fn body(&self) -> usize {
        self.body
    }

    /// All fields, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// A field's name, as it is spelled.
    pub fn name(&self, field: &Field) -> &'a str {
        std::str::from_utf8(&self.message[field.name.clone()]).unwrap_or_default()
    }

    /// A field's raw value.
    pub fn raw(&self, field: &Field) -> &'a [u8] {
        &self.message[field.value.clone()]
    }

    /// The number of a field's first line, counted from 1.
    pub fn line(&self, field: &Field) -> usize {
        1 + memchr::memchr_iter(b'\n', &self.message[..field.whole.start]).count()
    }

    /// All fields of a name, in order; upper and lower case are the same.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |f| self.name(f).eq_ignore_ascii_case(name))
    }

    /// The first field of a name.
    pub fn first(&self, name: &str) -> Option<&Field> {
        self.all(name).next()
    }

    /// The first field of a name as a person reads it: unfolded, encoded words decoded, trimmed. It never holds a
    /// control character.
    pub fn text(&self, name: &str) -> Option<String> {
        let field = self.first(name)?;
        Some(text::decode_words(&text::unfold(self.raw(field))).trim().to_owned())
    }

    /// The first field of a name, unfolded and trimmed, not decoded. It never holds a line end.
    pub fn unfolded(&self, name: &str) -> Option<String> {
        let field = self.first(name)?;
        Some(text::plain(&text::unfold(self.raw(field))).trim().to_owned())
    }

    /// The addresses of every field of a name, in order, groups flattened; empty when there is no such field.
    ///
    /// # Errors
    /// [`Error::Field`], with the field's line, when one of them is not an address list (RFC 5322 §3.4).
    pub fn mailboxes(&self, name: &str) -> Result<Vec<Mailbox>, Error> {
        let mut all = Vec::new();
        for field in self.all(name) {
            let value = text::plain(&text::unfold(self.raw(field)));
            all.extend(address::list(&value).map_err(|(_, fault)| Error::Field {
                name: self.name(field).to_owned(),
                line: self.line(field),
                fault,
            })?);
        }
        Ok(all)
    }
}

/// The end of the line at `at`, past its CRLF; `None` when the window ends first.
fn strict_line(window: &[u8], at: usize) -> Result<Option<usize>, HeaderFault> {
    let Some(stop) = memchr3(b'\r', b'\n', 0, &window[at..]).map(|i| at + i) else { return Ok(None) };
    match (window[stop], window.get(stop + 1)) {
        (0, _) => Err(HeaderFault::Nul),
        (b'\r', Some(b'\n')) => Ok(Some(stop + 2)),
        (b'\r', None) => Ok(None),
        _ => Err(HeaderFault::BareLineEnd),
    }
}

/// The field of one line, which ends at `end` with its CRLF.
fn strict_field(window: &[u8], at: usize, end: usize) -> Result<Field, HeaderFault> {
    let colon = memchr(b':', &window[at..end - 2]).map(|i| at + i).ok_or(HeaderFault::NoColon)?;
    if colon == at || !window[at..colon].iter().all(u8::is_ascii_graphic) {
        return Err(HeaderFault::Name);
    }
    Ok(Field { name: at..colon, value: colon + 1..end - 2, whole: at..end })
}

/// The field of one line, blanks before the colon forgiven (RFC 5322 §4.5).
fn tolerant_field(window: &[u8], content: Range<usize>, end: usize) -> Option<Field> {
    let colon = content.start + memchr(b':', &window[content.clone()])?;
    let name = window[content.start..colon].trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    let named = content.start..content.start + name.len();
    good.then(|| Field { name: named, value: colon + 1..content.end, whole: content.start..end })
}

/// The length of a line without its LF or CRLF.
fn trim_line_end(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line).len()
}

#[cfg(test)]
mod tests;
