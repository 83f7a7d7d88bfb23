//! The texts of a message as SEARCH compares them: decoded (RFC 2047, charset and transfer encoding) and folded.

use sigillo_mime::{Part, decode_words};

use crate::fetch::header;
use crate::fetch::render;
use crate::search::casemap::fold;

/// What TEXT and BODY look through.
#[derive(Debug)]
pub struct Texts {
    /// All fields of the header with their names, a line each.
    pub header: String,
    /// Every text part, the names of attachments, and the headers of messages inside: the original of a certified
    /// message is one.
    pub body: Vec<String>,
}

impl Texts {
    /// Of a whole message.
    pub fn of(message: &[u8]) -> Self {
        let tree = render::tree(message);
        let mut body = Vec::new();
        for part in tree.walk() {
            // What the message's own header says is no body.
            let own = part.header.start == 0;
            body.extend(part.file_name().filter(|_| !own).map(fold));
            body.extend(text(message, part));
        }
        Self { header: header_text(&message[..header::end(message)]), body }
    }

    /// Whether a folded text is in the body.
    pub fn in_body(&self, text: &str) -> bool {
        self.body.iter().any(|hay| holds(hay, text))
    }

    /// Whether a folded text is anywhere.
    pub fn anywhere(&self, text: &str) -> bool {
        holds(&self.header, text) || self.in_body(text)
    }
}

fn text(message: &[u8], part: &Part) -> Option<String> {
    if part.is("message/rfc822") {
        let inner = part.children.first()?;
        return Some(header_text(&message[inner.header.start..inner.body.start]));
    }
    let limit = part.body.len().saturating_mul(4).saturating_add(4096);
    let text = if part.content_type.kind == "text" { part.text(message, limit).ok() } else { None };
    text.map(|t| fold(&t))
}

fn header_text(section: &[u8]) -> String {
    let mut out = String::new();
    for field in header::fields(section) {
        let value = decode_words(&header::unfolded(&section[field.value]));
        let name = String::from_utf8_lossy(&section[field.name]);
        out.push_str(&fold(&format!("{name}: {value}\n")));
    }
    out
}

/// Whether one folded text is in another; nothing is everywhere.
pub fn holds(hay: &str, text: &str) -> bool {
    memchr::memmem::find(hay.as_bytes(), text.as_bytes()).is_some()
}
