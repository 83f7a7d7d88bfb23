//! One FETCH response.

use std::cell::OnceCell;

use sigillo_mime::{Composed, ContentType, Encoding, Part};

use crate::fetch::{Structure, envelope, header, section};
use crate::{FetchItem, Row, Section, SectionText, text};

/// The response for one message: pieces of our own and ranges of the message, which is never copied whole. The
/// message may be its header section alone, with its structure, or empty, when no item needs more.
pub fn render(
    sequence: usize,
    row: &Row,
    items: &[FetchItem],
    message: &[u8],
    structure: Option<&Structure>,
) -> Composed {
    let source = Source { message, structure, tree: OnceCell::new() };
    let mut out = Composed::default();
    let mut own = format!("* {sequence} FETCH (").into_bytes();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            own.push(b' ');
        }
        write_item(item, row, &source, &mut own, &mut out);
    }
    own.extend_from_slice(b")\r\n");
    out.own(own);
    out
}

struct Source<'m> {
    message: &'m [u8],
    structure: Option<&'m Structure>,
    tree: OnceCell<Part>,
}

impl Source<'_> {
    fn tree(&self) -> &Part {
        self.tree.get_or_init(|| tree(self.message))
    }

    fn header(&self) -> &[u8] {
        &self.message[..header::end(self.message)]
    }
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

fn write_item(item: &FetchItem, row: &Row, source: &Source<'_>, own: &mut Vec<u8>, out: &mut Composed) {
    match item {
        FetchItem::Uid => own.extend_from_slice(format!("UID {}", row.uid).as_bytes()),
        FetchItem::Flags => own.extend_from_slice(format!("FLAGS ({})", row.flags).as_bytes()),
        FetchItem::InternalDate => own.extend_from_slice(format!("INTERNALDATE \"{}\"", row.date.imap()).as_bytes()),
        FetchItem::Size => own.extend_from_slice(format!("RFC822.SIZE {}", row.size).as_bytes()),
        FetchItem::ModSeq => own.extend_from_slice(format!("MODSEQ ({})", row.modseq).as_bytes()),
        FetchItem::EmailId => own.extend_from_slice(format!("EMAILID (M{:032x})", row.email).as_bytes()),
        FetchItem::ThreadId => own.extend_from_slice(b"THREADID NIL"),
        FetchItem::SaveDate => own.extend_from_slice(format!("SAVEDATE \"{}\"", row.saved.imap()).as_bytes()),
        FetchItem::Envelope => {
            own.extend_from_slice(b"ENVELOPE ");
            envelope::write(own, source.header());
        }
        FetchItem::Body | FetchItem::BodyStructure => {
            let extended = *item == FetchItem::BodyStructure;
            own.extend_from_slice(if extended { b"BODYSTRUCTURE " } else { b"BODY " });
            match source.structure {
                Some(known) => known.write(own, extended),
                None => Structure::of(source.message, source.tree()).write(own, extended),
            }
        }
        FetchItem::Rfc822 => write_section(b"RFC822", SectionText::All, source, own, out),
        FetchItem::Rfc822Header => write_section(b"RFC822.HEADER", SectionText::Header, source, own, out),
        FetchItem::Rfc822Text => write_section(b"RFC822.TEXT", SectionText::Text, source, own, out),
        FetchItem::Section { section, partial, .. } => {
            label(own, section, partial.map(|p| p.0));
            content(section, *partial, source, own, out);
        }
    }
}

fn write_section(name: &[u8], text: SectionText, source: &Source<'_>, own: &mut Vec<u8>, out: &mut Composed) {
    own.extend_from_slice(name);
    content(&Section { part: Vec::new(), text }, None, source, own, out);
}

/// `BODY[1.2.HEADER.FIELDS (Subject)]<0>`
fn label(own: &mut Vec<u8>, section: &Section, first: Option<u32>) {
    own.extend_from_slice(b"BODY[");
    let numbers: Vec<String> = section.part.iter().map(u32::to_string).collect();
    own.extend_from_slice(numbers.join(".").as_bytes());
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

fn content(section: &Section, partial: Option<(u32, u32)>, source: &Source<'_>, own: &mut Vec<u8>, out: &mut Composed) {
    let Some(found) = section::find(source.message, section, &mut || source.tree()) else {
        return own.extend_from_slice(b" NIL");
    };
    let (first, most) = partial.map_or((0, usize::MAX), |(first, most)| (first as usize, most as usize));
    let (ranges, empty_line) = found.partial(first, most);
    let length = ranges.iter().map(ExactSizeIterator::len).sum::<usize>() + empty_line.len();
    own.extend_from_slice(format!(" {{{length}}}\r\n").as_bytes());
    if !ranges.is_empty() {
        out.own(std::mem::take(own));
        for range in ranges {
            out.source(range);
        }
    }
    own.extend_from_slice(&b"\r\n"[empty_line]);
}
