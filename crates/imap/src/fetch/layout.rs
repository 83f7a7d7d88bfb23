//! Where the parts of a message lie: enough to find what `BODY[…]` and `BINARY[…]` name without reading the message.

use std::ops::Range;

use sigillo_mime::{Encoding, Part};

use crate::{Section, SectionText};

/// The parts of a message, each before those inside it; the first is the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    nodes: Vec<Node>,
}

/// One part, by offsets into the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    header: u32,
    body: u32,
    end: u32,
    /// The index behind everything inside it.
    next: u32,
    /// [`MULTIPART`] or [`MESSAGE`], or neither; and the encoding.
    kind: u32,
}

const MULTIPART: u32 = 1;
/// With the message inside as its only child.
const MESSAGE: u32 = 2;
/// The encoding stands above the kind.
const SHIFT: u32 = 8;
/// Encodings by number; what is not here is unknown.
const ENCODINGS: [Encoding; 5] =
    [Encoding::SevenBit, Encoding::EightBit, Encoding::Binary, Encoding::QuotedPrintable, Encoding::Base64];

impl Node {
    fn content(&self) -> Range<u64> {
        self.body.into()..self.end.into()
    }

    const fn is(&self, kind: u32) -> bool {
        self.kind & ((1 << SHIFT) - 1) == kind
    }
}

/// What a section is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// These octets.
    Octets(Range<u64>),
    /// Some of the fields in these octets, which are a header section.
    Fields(Range<u64>),
}

impl Layout {
    /// Of a message's parts.
    pub fn of(tree: &Part) -> Self {
        let mut layout = Self::default();
        layout.add(tree);
        layout
    }

    fn add(&mut self, part: &Part) {
        let at = self.nodes.len();
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let kind = match () {
            () if part.content_type.kind == "multipart" => MULTIPART,
            () if part.is_message() && !part.children.is_empty() => MESSAGE,
            () => 0,
        };
        let encoding = ENCODINGS.iter().position(|e| *e == part.encoding).unwrap_or(ENCODINGS.len());
        self.nodes.push(Node {
            header: offset(part.header.start),
            body: offset(part.body.start),
            end: offset(part.body.end),
            next: 0,
            kind: kind | offset(encoding) << SHIFT,
        });
        part.children.iter().for_each(|child| self.add(child));
        self.nodes[at].next = offset(self.nodes.len());
    }

    /// As numbers, five for each part.
    pub fn numbers(&self) -> Vec<u32> {
        self.nodes.iter().flat_map(|n| [n.header, n.body, n.end, n.next, n.kind]).collect()
    }

    /// From [`Layout::numbers`].
    pub fn from_numbers(numbers: &[u32]) -> Self {
        let node = |n: &[u32; 5]| Node { header: n[0], body: n[1], end: n[2], next: n[3], kind: n[4] };
        Self { nodes: numbers.as_chunks().0.iter().map(node).collect() }
    }

    /// Octets of the message.
    pub fn size(&self) -> u64 {
        self.nodes.first().map_or(0, |root| root.end.into())
    }

    /// Where a section lies in a message whose own header section has so many octets; `None` when there is no such part.
    pub fn find(&self, section: &Section, header: u64) -> Option<Place> {
        use SectionText::{All, Fields, FieldsNot, Header, Mime, Text};
        if section.part.is_empty() {
            return Some(match section.text {
                All => Place::Octets(0..self.size()),
                Text => Place::Octets(header..self.size()),
                Header | Mime => Place::Octets(0..header),
                Fields(_) | FieldsNot(_) => Place::Fields(0..header),
            });
        }
        let at = self.descend(&section.part)?;
        let part = self.nodes.get(at)?;
        let inner = || self.nodes.get(at + 1).filter(|_| part.is(MESSAGE));
        let inner_header = || inner().map(|m| m.header.into()..m.body.into());
        match section.text {
            All => Some(Place::Octets(part.content())),
            Mime => Some(Place::Octets(part.header.into()..part.body.into())),
            Text => inner().map(|m| Place::Octets(m.body.into()..part.end.into())),
            Header => inner_header().map(Place::Octets),
            Fields(_) | FieldsNot(_) => inner_header().map(Place::Fields),
        }
    }

    /// The octets of a part and their transfer encoding, which is `None` when nobody knows it (RFC 3516 §4.2). Without
    /// numbers it is the message as it is.
    pub fn encoded(&self, part: &[u32]) -> Option<(Range<u64>, Option<Encoding>)> {
        if part.is_empty() {
            return Some((0..self.size(), Some(Encoding::SevenBit)));
        }
        let node = self.nodes.get(self.descend(part)?)?;
        let encoding = ENCODINGS.get((node.kind >> SHIFT) as usize).cloned();
        let container = node.is(MULTIPART) || node.is(MESSAGE);
        Some((node.content(), if container { Some(Encoding::SevenBit) } else { encoding }))
    }

    /// The part that the numbers name. A message that is no multipart is its own part 1.
    fn descend(&self, path: &[u32]) -> Option<usize> {
        let mut at = 0;
        for (step, number) in path.iter().enumerate() {
            let mut message = step == 0;
            if !message && self.nodes.get(at)?.is(MESSAGE) {
                at += 1;
                message = true;
            }
            if self.nodes.get(at)?.is(MULTIPART) {
                at = self.child(at, *number)?;
            } else if !message || *number != 1 {
                return None;
            }
        }
        Some(at)
    }

    /// The child with this number, from one on.
    fn child(&self, parent: usize, number: u32) -> Option<usize> {
        let end = self.nodes.get(parent)?.next as usize;
        let mut at = parent + 1;
        for _ in 1..number {
            // A row that somebody bent must not make this stand still.
            at = (self.nodes.get(at)?.next as usize).max(at + 1);
            if at >= end {
                return None;
            }
        }
        (number > 0 && at < end).then_some(at)
    }
}
