//! What `BODY[…]` means in a message (RFC 3501 §6.4.5).

use std::ops::Range;

use sigillo_mime::Part;

use crate::fetch::header;
use crate::{Section, SectionText};

/// Octets of a section: ranges of the message, in order, and whether an empty line of ours ends them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Ranges of the message.
    pub ranges: Vec<Range<usize>>,
    /// A header subset ends in an empty line, also where the message has none.
    pub empty_line: bool,
}

impl Found {
    fn one(range: Range<usize>) -> Self {
        Self { ranges: vec![range], empty_line: false }
    }

    /// The part of it that begins at `first` and has at most `most` octets, as ranges; and of the empty line.
    pub fn partial(&self, first: usize, most: usize) -> (Vec<Range<usize>>, Range<usize>) {
        let (mut skip, mut left) = (first, most);
        let mut cut = |length: usize| {
            let from = skip.min(length);
            let to = from + left.min(length - from);
            skip -= from;
            left -= to - from;
            from..to
        };
        let ranges = self.ranges.iter().map(|r| {
            let c = cut(r.len());
            r.start + c.start..r.start + c.end
        });
        let ranges = ranges.filter(|r| !r.is_empty()).collect();
        (ranges, cut(if self.empty_line { 2 } else { 0 }))
    }
}

/// Finds a section; `None` when the message has no such part. `tree` is asked for only where it is needed.
pub fn find<'t>(message: &[u8], section: &Section, tree: &mut dyn FnMut() -> &'t Part) -> Option<Found> {
    if section.part.is_empty() {
        let end = header::end(message);
        return Some(match &section.text {
            SectionText::All => Found::one(0..message.len()),
            SectionText::Text => Found::one(end..message.len()),
            SectionText::Header | SectionText::Mime => Found::one(0..end),
            SectionText::Fields(names) => subset(message, 0..end, names, true),
            SectionText::FieldsNot(names) => subset(message, 0..end, names, false),
        });
    }
    let part = descend(tree(), &section.part)?;
    let inner = || part.children.first().filter(|_| part.is("message/rfc822"));
    match &section.text {
        SectionText::All => Some(Found::one(part.body.clone())),
        SectionText::Mime => Some(Found::one(part.header.start..part.body.start)),
        SectionText::Text => inner().map(|m| Found::one(m.body.start..part.body.end)),
        SectionText::Header => inner().map(|m| Found::one(m.header.start..m.body.start)),
        SectionText::Fields(names) => inner().map(|m| subset(message, m.header.start..m.body.start, names, true)),
        SectionText::FieldsNot(names) => inner().map(|m| subset(message, m.header.start..m.body.start, names, false)),
    }
}

/// The part that the numbers name. A message that is no multipart is its own part 1.
fn descend<'t>(root: &'t Part, path: &[u32]) -> Option<&'t Part> {
    let mut part = root;
    for (step, number) in path.iter().enumerate() {
        let mut message = step == 0;
        if !message && part.is("message/rfc822") {
            part = part.children.first()?;
            message = true;
        }
        if part.content_type.kind == "multipart" {
            part = part.children.get((*number as usize).checked_sub(1)?)?;
        } else if !message || *number != 1 {
            return None;
        }
    }
    Some(part)
}

fn subset(message: &[u8], section: Range<usize>, names: &[String], wanted: bool) -> Found {
    let text = &message[section.clone()];
    let named = |f: &header::Field| names.iter().any(|n| header::is(text, f, n));
    let fields = header::fields(text).into_iter().filter(|f| named(f) == wanted);
    let ranges = fields.map(|f| section.start + f.whole.start..section.start + f.whole.end).collect();
    Found { ranges, empty_line: true }
}
