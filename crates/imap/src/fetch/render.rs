//! One FETCH response.

use std::ops::Range;

use sigillo_mime::{ContentType, Encoding, Part};

use crate::fetch::{binary, envelope, header, section};
use crate::{Code, Content, FetchItem, Refusal, Row, Section, SectionText, Summary, text};

/// A piece of a response.
#[derive(Debug)]
pub enum Piece {
    /// Octets of our own.
    Own(Vec<u8>),
    /// These octets of the message.
    Message(Range<u64>),
    /// A part without its transfer encoding.
    Decoded(binary::Decoding),
}

/// The response for one message: pieces of our own and places of the message, which is read when they are written.
/// `summary` may be empty when the row answers everything.
pub fn render(
    sequence: usize,
    row: &Row,
    items: &[FetchItem],
    summary: &Summary,
    content: &mut dyn Content,
) -> Result<Vec<Piece>, Refusal> {
    let mut response = Response { row, summary, content, own: Vec::new(), pieces: Vec::new() };
    response.own.extend_from_slice(format!("* {sequence} FETCH (").as_bytes());
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            response.own.push(b' ');
        }
        response.item(item)?;
    }
    response.own.extend_from_slice(b")\r\n");
    response.close();
    Ok(response.pieces)
}

/// The parts of a message. One that cannot be taken apart is shown as one text.
pub fn tree(message: &[u8]) -> Part {
    sigillo_mime::parse(message).unwrap_or_else(|_| opaque(message))
}

fn opaque(message: &[u8]) -> Part {
    let end = header::end(message);
    Part {
        header: 0..end,
        body: end..message.len(),
        content_type: ContentType { kind: "text".into(), sub: "plain".into(), params: Vec::new() },
        disposition: None,
        encoding: Encoding::EightBit,
        children: Vec::new(),
    }
}

/// A response in the making.
struct Response<'r> {
    row: &'r Row,
    summary: &'r Summary,
    content: &'r mut dyn Content,
    own: Vec<u8>,
    pieces: Vec<Piece>,
}

impl Response<'_> {
    fn item(&mut self, item: &FetchItem) -> Result<(), Refusal> {
        let (row, own) = (self.row, &mut self.own);
        match item {
            FetchItem::Uid => own.extend_from_slice(format!("UID {}", row.uid).as_bytes()),
            FetchItem::Flags => own.extend_from_slice(format!("FLAGS ({})", row.flags).as_bytes()),
            FetchItem::InternalDate => {
                own.extend_from_slice(format!("INTERNALDATE \"{}\"", row.date.imap()).as_bytes())
            }
            FetchItem::Size => own.extend_from_slice(format!("RFC822.SIZE {}", row.size).as_bytes()),
            FetchItem::ModSeq => own.extend_from_slice(format!("MODSEQ ({})", row.modseq).as_bytes()),
            FetchItem::EmailId => own.extend_from_slice(format!("EMAILID (M{:032x})", row.email).as_bytes()),
            FetchItem::ThreadId => own.extend_from_slice(b"THREADID NIL"),
            FetchItem::SaveDate => own.extend_from_slice(format!("SAVEDATE \"{}\"", row.saved.imap()).as_bytes()),
            FetchItem::Envelope => {
                own.extend_from_slice(b"ENVELOPE ");
                envelope::write(own, &self.summary.header);
            }
            FetchItem::Body | FetchItem::BodyStructure => {
                let extended = *item == FetchItem::BodyStructure;
                own.extend_from_slice(if extended { b"BODYSTRUCTURE " } else { b"BODY " });
                self.summary.structure.write(own, extended);
            }
            FetchItem::Preview => {
                own.extend_from_slice(b"PREVIEW ");
                text::string(own, self.summary.preview.as_bytes());
            }
            FetchItem::Rfc822 => self.message(b"RFC822", SectionText::All)?,
            FetchItem::Rfc822Header => self.message(b"RFC822.HEADER", SectionText::Header)?,
            FetchItem::Rfc822Text => self.message(b"RFC822.TEXT", SectionText::Text)?,
            FetchItem::Section { section, partial, .. } => {
                label(own, section, partial.map(|p| p.0));
                self.section(section, *partial)?;
            }
            FetchItem::Binary { part, partial, .. } => {
                own.extend_from_slice(format!("BINARY[{}]", numbers(part)).as_bytes());
                if let Some((first, _)) = partial {
                    own.extend_from_slice(format!("<{first}>").as_bytes());
                }
                self.decoded(part, binary::Wanted::Octets(*partial), b" NIL")?;
            }
            FetchItem::BinarySize { part } => {
                own.extend_from_slice(format!("BINARY.SIZE[{}]", numbers(part)).as_bytes());
                self.decoded(part, binary::Wanted::Size, b" 0")?;
            }
        }
        Ok(())
    }

    fn message(&mut self, name: &[u8], text: SectionText) -> Result<(), Refusal> {
        self.own.extend_from_slice(name);
        self.section(&Section { part: Vec::new(), text }, None)
    }

    fn section(&mut self, section: &Section, partial: Option<(u64, u64)>) -> Result<(), Refusal> {
        let Some(found) = section::find(self.summary, section, self.content)? else {
            self.own.extend_from_slice(b" NIL");
            return Ok(());
        };
        let (first, most) = partial.map_or((0, u64::MAX), |range| range);
        let (ranges, empty_line) = found.partial(first, most);
        let length = ranges.iter().map(|r| r.end - r.start).sum::<u64>() + empty_line.len() as u64;
        self.own.extend_from_slice(format!(" {{{length}}}\r\n").as_bytes());
        ranges.into_iter().for_each(|range| self.octets(range));
        self.own.extend_from_slice(&b"\r\n"[empty_line]);
        Ok(())
    }

    /// Octets of the message; the header section is at hand.
    fn octets(&mut self, range: Range<u64>) {
        match self.summary.header.get(range.start as usize..range.end as usize) {
            Some(here) => self.own.extend_from_slice(here),
            None => {
                self.close();
                self.pieces.push(Piece::Message(range));
            }
        }
    }

    fn decoded(&mut self, part: &[u32], wanted: binary::Wanted, missing: &[u8]) -> Result<(), Refusal> {
        let Some((range, encoding)) = self.summary.layout.encoded(part) else {
            self.own.extend_from_slice(missing);
            return Ok(());
        };
        let unknown = || Refusal::new(Code::UnknownCte, "Codifica della parte non riconosciuta");
        let decoding = binary::Decoding::new(range, &encoding.ok_or_else(unknown)?, wanted).ok_or_else(unknown)?;
        self.close();
        self.pieces.push(Piece::Decoded(decoding));
        Ok(())
    }

    /// Ends the octets of our own.
    fn close(&mut self) {
        if !self.own.is_empty() {
            self.pieces.push(Piece::Own(std::mem::take(&mut self.own)));
        }
    }
}

/// `1.2`
fn numbers(part: &[u32]) -> String {
    part.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// `BODY[1.2.HEADER.FIELDS (Subject)]<0>`
fn label(own: &mut Vec<u8>, section: &Section, first: Option<u64>) {
    own.extend_from_slice(b"BODY[");
    let numbers = numbers(&section.part);
    own.extend_from_slice(numbers.as_bytes());
    let (name, fields): (&str, &[String]) = match &section.text {
        SectionText::All => ("", &[]),
        SectionText::Header => ("HEADER", &[]),
        SectionText::Text => ("TEXT", &[]),
        SectionText::Mime => ("MIME", &[]),
        SectionText::Fields(names) => ("HEADER.FIELDS", names),
        SectionText::FieldsNot(names) => ("HEADER.FIELDS.NOT", names),
    };
    if !numbers.is_empty() && !name.is_empty() {
        own.push(b'.');
    }
    own.extend_from_slice(name.as_bytes());
    for (i, field) in fields.iter().enumerate() {
        own.extend_from_slice(if i == 0 { b" (" } else { b" " });
        if field.bytes().all(crate::cursor::is_atom) {
            own.extend_from_slice(field.as_bytes());
        } else {
            text::string(own, field.as_bytes());
        }
    }
    own.extend_from_slice(if fields.is_empty() { b"]" } else { b")]" });
    if let Some(first) = first {
        own.extend_from_slice(format!("<{first}>").as_bytes());
    }
}
