//! The texts of a message as SEARCH compares them: decoded (RFC 2047, charset and transfer encoding) and folded.

use sigillo_mime::{Part, Source, decode_words};

use crate::fetch::{header, render};
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
        let Ok(texts) = Self::of_parts(&mut { message }, &tree);
        texts
    }

    /// Of a message that need not lie in memory: its texts do.
    ///
    /// # Errors
    /// Those of the source.
    pub fn read<S: Source>(source: &mut S) -> Result<Self, S::Error> {
        match sigillo_mime::parse_from(source)? {
            Ok(tree) => Self::of_parts(source, &tree),
            // What cannot be taken apart is one text, header and all.
            Err(_) => Ok(Self::of(&source.read(0..source.len())?)),
        }
    }

    /// Of a message of these parts.
    ///
    /// # Errors
    /// Those of the source.
    pub fn of_parts<S: Source>(source: &mut S, tree: &Part) -> Result<Self, S::Error> {
        let mut body = Vec::new();
        for part in tree.walk() {
            // What the message's own header says is no body.
            let own = part.header.start == 0;
            body.extend(part.file_name().filter(|_| !own).map(fold));
            body.extend(text(source, part)?);
        }
        Ok(Self { header: header_text(&source.read(tree.header.clone())?), body })
    }

    /// So many octets of texts are in a message of these parts.
    pub fn octets(tree: &Part) -> usize {
        tree.walk().filter(|part| part.content_type.kind == "text").map(|part| part.body.len()).sum()
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

fn text<S: Source>(source: &mut S, part: &Part) -> Result<Option<String>, S::Error> {
    if part.is_message() {
        let Some(inner) = part.children.first() else { return Ok(None) };
        return Ok(Some(header_text(&source.read(inner.header.start..inner.body.start)?)));
    }
    if part.content_type.kind != "text" {
        return Ok(None);
    }
    let limit = part.body.len().saturating_mul(4).saturating_add(4096);
    let text = part.to_text(&source.read(part.body.clone())?, limit).ok();
    Ok(text.map(|t| fold(&t)))
}

fn header_text(section: &[u8]) -> String {
    let mut out = String::new();
    for field in header::fields(section) {
        let value = decode_words(&header::unfolded(&section[field.value]));
        let name = String::from_utf8_lossy(&section[field.name]);
        // Each by itself: nothing is composed across a colon or a line end.
        for text in [&name, ": ", &value, "\n"] {
            out.push_str(&fold(text));
        }
    }
    out
}

/// Whether one folded text is in another; nothing is everywhere.
pub fn holds(hay: &str, text: &str) -> bool {
    memchr::memmem::find(hay.as_bytes(), text.as_bytes()).is_some()
}
