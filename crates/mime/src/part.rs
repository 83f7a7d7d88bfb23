//! One part of a message: ranges, and what it says of itself.

use crate::content::{ContentType, Disposition, Encoding};
use crate::{Error, decode, text};
use std::ops::Range;

/// A part of a message, or the message itself: offsets into the message's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The header: from the first field up to the body, the empty line included when there is one.
    pub header: Range<usize>,
    /// The body, as transmitted, without the line end before the next boundary (that belongs to the boundary,
    /// RFC 2046 §5.1.1). It begins where the header ends.
    pub body: Range<usize>,
    /// Its type; `text/plain` when absent or unreadable, `message/rfc822` when absent in a digest.
    pub content_type: ContentType,
    /// Its disposition, when it has a readable one.
    pub disposition: Option<Disposition>,
    /// Its transfer encoding.
    pub encoding: Encoding,
    /// The parts of a multipart, or the one message inside a `message/rfc822`.
    pub children: Vec<Part>,
}

impl Part {
    /// Header and body: what a signature over this part covers.
    pub fn whole(&self) -> Range<usize> {
        self.header.start..self.body.end
    }

    /// The file name: of the disposition (`filename`), else of the type (`name`).
    pub fn file_name(&self) -> Option<&str> {
        let named = self.disposition.as_ref().and_then(|d| d.param("filename"));
        named.or_else(|| self.content_type.param("name"))
    }

    /// Whether the part has the given type (`multipart/signed`), in any case.
    pub fn is(&self, full: &str) -> bool {
        self.content_type.is(full)
    }

    /// Whether the part is a message.
    pub fn is_message(&self) -> bool {
        self.content_type.is_message()
    }

    /// The body without its transfer encoding. `message` is what the part was parsed from.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond `limit` octets, [`Error::Base64`], [`Error::UnknownEncoding`], [`Error::Foreign`].
    pub fn decoded(&self, message: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
        self.decode(message.get(self.body.clone()).ok_or(Error::Foreign)?, limit)
    }

    /// The same, of the body itself as it was transmitted.
    ///
    /// # Errors
    /// As [`Part::decoded`], without the last.
    pub fn decode(&self, body: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
        match &self.encoding {
            Encoding::Base64 => decode::base64(body, limit),
            Encoding::QuotedPrintable => decode::quoted_printable(body, limit),
            Encoding::Other(word) => Err(Error::UnknownEncoding(word.clone())),
            _ if body.len() > limit => Err(Error::TooLarge { limit }),
            _ => Ok(body.to_vec()),
        }
    }

    /// The body as text: decoded, and converted from its `charset`. Unlike header texts it keeps its control
    /// characters.
    ///
    /// # Errors
    /// As [`Part::decoded`]; `limit` counts octets before conversion.
    pub fn text(&self, message: &[u8], limit: usize) -> Result<String, Error> {
        Ok(self.converted(&self.decoded(message, limit)?))
    }

    /// The same, of the body itself as it was transmitted.
    ///
    /// # Errors
    /// As [`Part::decode`].
    pub fn to_text(&self, body: &[u8], limit: usize) -> Result<String, Error> {
        Ok(self.converted(&self.decode(body, limit)?))
    }

    /// How the text begins: what the first octets of the body say, converted. What cannot be decoded is empty.
    pub fn text_start(&self, first: &[u8]) -> String {
        let Some(mut decoder) = decode::Decoder::new(&self.encoding) else { return String::new() };
        let mut bytes = Vec::new();
        decoder.push(first, &mut bytes);
        if first.len() == self.body.len() {
            decoder.end(&mut bytes);
        }
        self.converted(&bytes)
    }

    fn converted(&self, bytes: &[u8]) -> String {
        match self.content_type.param("charset") {
            Some(charset) if !charset.eq_ignore_ascii_case("us-ascii") => text::convert(charset.as_bytes(), bytes),
            _ => text::plain(bytes),
        }
    }

    /// This part and all below it, each before its children, in the order of the message.
    pub fn walk(&self) -> impl Iterator<Item = &Part> {
        let mut stack = vec![self];
        std::iter::from_fn(move || {
            let part = stack.pop()?;
            stack.extend(part.children.iter().rev());
            Some(part)
        })
    }
}
