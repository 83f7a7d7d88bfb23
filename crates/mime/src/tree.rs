//! The tree of parts, in one pass over the bytes.
//!
//! Every multipart that is being read stands on a stack with its boundary. A line that is one of these boundaries ends
//! everything above its owner; of two owners of the same boundary the outer one wins, so that nothing inside a
//! signed part can reach out of it. A line is a boundary only when it is that boundary exactly, blanks after it
//! excepted (RFC 2046 §5.1.1): a boundary that begins like another one is never taken for it.

use crate::content::{ContentType, Disposition, Encoding};
use crate::{Error, Header, Part};
use memchr::{memchr, memmem};
use sigillo_base::limits::{MAX_DEPTH, MAX_HEADER, MAX_PARTS};

/// Reads the tree of parts of any message. Lines may end in LF alone; a multipart whose end is missing ends with what
/// is around it; what is nested deeper than [`MAX_DEPTH`] is a leaf, parts beyond [`MAX_PARTS`] are passed over. It
/// repairs nothing and judges nothing: for that, read the header with [`Header::parse`].
///
/// # Errors
/// [`Error::HeaderTooLarge`] when the message's own header does not end within the limit. A part inside whose header
/// is that large is a leaf of type text/plain with an empty header.
pub fn parse(message: &[u8]) -> Result<Part, Error> {
    read(message, true)
}

/// The same, but an enclosed message is a leaf: what is in it cannot use up depth and parts, so that the parts around
/// it are found whatever it holds.
///
/// # Errors
/// As [`parse`].
pub fn parse_outer(message: &[u8]) -> Result<Part, Error> {
    read(message, false)
}

fn read(message: &[u8], enclosed: bool) -> Result<Part, Error> {
    let mut reader = Reader { message, enclosed, open: Vec::new(), parts: 0 };
    let mut at = reader.open(0, false);
    if reader.open.first().is_some_and(|o| o.unreadable) {
        let line = 1 + memchr::memchr_iter(b'\n', &message[..MAX_HEADER]).count();
        return Err(Error::HeaderTooLarge { line, limit: MAX_HEADER });
    }
    while let Some(found) = reader.next_boundary(at) {
        at = reader.cross(found);
    }
    reader.close_above(0, message.len());
    let mut root = reader.open.pop().map_or_else(|| leaf(0), |o| o.part);
    end_at(&mut root, message.len());
    Ok(root)
}

/// A part that is being read.
struct Open {
    part: Part,
    /// Of a multipart whose end has not come.
    boundary: Option<Vec<u8>>,
    unreadable: bool,
}

/// A boundary line.
struct Found {
    /// Index of its owner on the stack.
    owner: usize,
    /// Whether it is the final one (`--boundary--`).
    last: bool,
    /// Where the line begins and where the next one does.
    start: usize,
    next: usize,
}

struct Reader<'a> {
    message: &'a [u8],
    /// Whether messages inside are read too.
    enclosed: bool,
    open: Vec<Open>,
    parts: usize,
}

impl Reader<'_> {
    /// Opens the part that begins at `start`, and the message inside it when it is one, and so on. Returns where
    /// reading goes on.
    fn open(&mut self, start: usize, in_digest: bool) -> usize {
        let (mut at, mut in_digest) = (start, in_digest);
        loop {
            let opened = self.read_header(at, in_digest);
            at = opened.part.body.start;
            in_digest = false;
            let kind = &opened.part.content_type;
            let message =
                self.enclosed && opened.part.encoding.is_identity() && kind.is_message() && !opened.unreadable;
            self.open.push(opened);
            self.parts += 1;
            if !message || self.open.len() >= MAX_DEPTH || self.parts >= MAX_PARTS {
                return at;
            }
        }
    }

    /// Reads a part's header: up to an empty line, a boundary line, or the end.
    fn read_header(&self, start: usize, in_digest: bool) -> Open {
        let limit = self.message.len().min(start + MAX_HEADER);
        let mut at = start;
        let body = loop {
            let end = memchr(b'\n', &self.message[at..limit]).map_or(limit, |i| at + i + 1);
            let line = &self.message[at..end];
            if matches!(line, b"\n" | b"\r\n") {
                break end;
            }
            if line.starts_with(b"--") && self.boundary_at(at).is_some() {
                break at;
            }
            if end == limit {
                if limit < self.message.len() {
                    return Open { part: leaf(start), boundary: None, unreadable: true };
                }
                break end;
            }
            at = end;
        };
        let mut part = describe(&self.message[start..body], in_digest);
        part.header = start..body;
        part.body = body..body;
        let deep = self.open.len() + 1 >= MAX_DEPTH;
        let boundary = part.content_type.param("boundary").map(|b| b.trim_end_matches([' ', '\t']).as_bytes().to_vec());
        let boundary = boundary.filter(|b| part.content_type.kind == "multipart" && !b.is_empty() && !deep);
        Open { part, boundary, unreadable: false }
    }

    /// The next line from `at` on (the beginning of a line) that is a boundary of an open multipart.
    fn next_boundary(&self, at: usize) -> Option<Found> {
        if self.open.iter().all(|o| o.boundary.is_none()) {
            return None;
        }
        if let Some(found) = self.boundary_at(at) {
            return Some(found);
        }
        memmem::find_iter(&self.message[at..], b"\n--").find_map(|i| self.boundary_at(at + i + 1))
    }

    /// Whether the line at `at` is a boundary, and whose: the outermost owner's.
    fn boundary_at(&self, at: usize) -> Option<Found> {
        let after = self.message[at..].strip_prefix(b"--")?;
        let lf = memchr(b'\n', after);
        let line = trim_blanks(&after[..lf.unwrap_or(after.len())]);
        let matched = |(owner, open): (usize, &Open)| {
            let tail = line.strip_prefix(open.boundary.as_deref()?)?;
            (tail.is_empty() || tail == b"--").then_some((owner, !tail.is_empty()))
        };
        let (owner, last) = self.open.iter().enumerate().find_map(matched)?;
        let next = lf.map_or(self.message.len(), |i| at + 2 + i + 1);
        Some(Found { owner, last, start: at, next })
    }

    /// Goes over a boundary line: closes what it ends and opens what it begins.
    fn cross(&mut self, found: Found) -> usize {
        let before = &self.message[..found.start];
        let before = before.strip_suffix(b"\n").map_or(before, |b| b.strip_suffix(b"\r").unwrap_or(b));
        self.close_above(found.owner, before.len());
        let owner = &mut self.open[found.owner];
        if found.last || self.parts >= MAX_PARTS {
            owner.boundary = None;
            return found.next;
        }
        let in_digest = owner.part.is("multipart/digest");
        self.open(found.next, in_digest)
    }

    /// Closes every part above the one at `owner`: they end at `end`.
    fn close_above(&mut self, owner: usize, end: usize) {
        while self.open.len() > owner + 1 {
            if let Some(closed) = self.open.pop()
                && let Some(parent) = self.open.last_mut()
            {
                let mut part = closed.part;
                end_at(&mut part, end);
                parent.part.children.push(part);
            }
        }
    }
}

/// Sets a part's end. It may lie before what was read as its beginning, when the line end that the empty line was
/// made of turns out to belong to the boundary after it.
fn end_at(part: &mut Part, end: usize) {
    part.header.start = part.header.start.min(end);
    part.header.end = part.header.end.min(end);
    part.body = part.header.end..end;
}

/// A line's end without its CR and the blanks that may follow a boundary.
fn trim_blanks(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|b| !matches!(b, b' ' | b'\t' | b'\r')).map_or(0, |i| i + 1);
    &line[..end]
}

fn leaf(at: usize) -> Part {
    Part {
        header: at..at,
        body: at..at,
        content_type: ContentType::text_plain(),
        disposition: None,
        encoding: Encoding::SevenBit,
        children: Vec::new(),
    }
}

/// What a header says of its part; of repeated fields the first counts.
fn describe(bytes: &[u8], in_digest: bool) -> Part {
    let header = Header::parse_tolerant(bytes);
    let value = |name: &str| header.first(name).map(|f| header.raw(f));
    let default = || if in_digest { ContentType::message() } else { ContentType::text_plain() };
    let kind = value("content-type");
    Part {
        content_type: kind.map_or_else(default, |v| ContentType::parse(v).unwrap_or_else(ContentType::text_plain)),
        disposition: value("content-disposition").and_then(Disposition::parse),
        encoding: value("content-transfer-encoding").map(Encoding::parse).unwrap_or_default(),
        ..leaf(0)
    }
}

#[cfg(test)]
mod tests;
