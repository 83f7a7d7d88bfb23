//! What `BODY[…]` means in a message (RFC 3501 §6.4.5).

use std::ops::Range;

use crate::fetch::header;
use crate::fetch::layout::Place;
use crate::{Content, Refusal, Section, SectionText, Summary};

/// Octets of a section: ranges of the message, in order, and whether an empty line of ours ends them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Ranges of the message.
    pub ranges: Vec<Range<u64>>,
    /// A header subset ends in an empty line, also where the message has none.
    pub empty_line: bool,
}

impl Found {
    /// The part of it that begins at `first` and has at most `most` octets, as ranges; and of the empty line.
    pub fn partial(&self, first: u64, most: u64) -> (Vec<Range<u64>>, Range<usize>) {
        let (mut skip, mut left) = (first, most);
        let mut cut = |length: u64| {
            let from = skip.min(length);
            let to = from + left.min(length - from);
            skip -= from;
            left -= to - from;
            from..to
        };
        let ranges = self.ranges.iter().map(|r| {
            let c = cut(r.end - r.start);
            r.start + c.start..r.start + c.end
        });
        let ranges = ranges.filter(|r| !r.is_empty()).collect();
        let line = cut(if self.empty_line { 2 } else { 0 });
        (ranges, line.start as usize..line.end as usize)
    }
}

/// Finds a section; `None` when the message has no such part. Of `content` no more is read than the header section of a
/// message inside.
pub fn find(summary: &Summary, section: &Section, content: &mut dyn Content) -> Result<Option<Found>, Refusal> {
    let own = summary.header.len() as u64;
    Ok(match summary.layout.find(section, own) {
        None => None,
        Some(Place::Octets(range)) => Some(Found { ranges: vec![range], empty_line: false }),
        Some(Place::Fields(range)) if range == (0..own) => Some(subset(&summary.header, 0, &section.text)),
        Some(Place::Fields(range)) => {
            let header = content.read(range.start, usize::try_from(range.end - range.start).unwrap_or(usize::MAX))?;
            Some(subset(&header, range.start, &section.text))
        }
    })
}

/// The fields wanted of a header section that begins at `start`.
fn subset(header: &[u8], start: u64, wanted: &SectionText) -> Found {
    let (names, named): (&[String], bool) = match wanted {
        SectionText::Fields(names) => (names, true),
        SectionText::FieldsNot(names) => (names, false),
        _ => (&[], false),
    };
    let is_named = |f: &header::Field| names.iter().any(|n| header::is(header, f, n));
    let fields = header::fields(header).into_iter().filter(|f| is_named(f) == named);
    let ranges = fields.map(|f| start + f.whole.start as u64..start + f.whole.end as u64).collect();
    Found { ranges, empty_line: true }
}
