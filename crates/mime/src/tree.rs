//! The tree of parts, in one pass over the bytes.
//!
//! Every multipart that is being read stands on a stack with its boundary. A line that is one of these boundaries ends
//! everything above its owner; of two owners of the same boundary the outer one wins, so that nothing inside a
//! signed part can reach out of it. A line is a boundary only when it is that boundary exactly, blanks after it
//! excepted (RFC 2046 §5.1.1): a boundary that begins like another one is never taken for it.

use crate::content::{ContentType, Disposition, Encoding};
use crate::{Error, Header, Part, Source};
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
    let Ok(part) = read(&mut { message }, true);
    part
}

/// The same, but an enclosed message is a leaf: what is in it cannot use up depth and parts, so that the parts around
/// it are found whatever it holds.
///
/// # Errors
/// As [`parse`].
pub fn parse_outer(message: &[u8]) -> Result<Part, Error> {
    let Ok(part) = read(&mut { message }, false);
    part
}

/// The same as [`parse`], of octets that need not lie in memory: little more than a header section does at a time.
///
/// # Errors
/// Those of the source; inside, as [`parse`].
pub fn parse_from<S: Source>(source: &mut S) -> Result<Result<Part, Error>, S::Error> {
    read(source, true)
}

fn read<S: Source>(source: &mut S, enclosed: bool) -> Result<Result<Part, Error>, S::Error> {
    let end = source.len();
    let mut reader = Reader { source, end, enclosed, open: Vec::new(), parts: 0 };
    let mut at = reader.open(0, false)?;
    if reader.open.first().is_some_and(|o| o.unreadable) {
        let line = 1 + memchr::memchr_iter(b'\n', &reader.source.read(0..MAX_HEADER)?).count();
        return Ok(Err(Error::HeaderTooLarge { line, limit: MAX_HEADER }));
    }
    while let Some(found) = reader.next_boundary(at)? {
        at = reader.cross(found)?;
    }
    reader.close_above(0, end);
    let mut root = reader.open.pop().map_or_else(|| leaf(0), |o| o.part);
    end_at(&mut root, end);
    Ok(Ok(root))
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

struct Reader<'a, S> {
    source: &'a mut S,
    /// The length of the source.
    end: usize,
    /// Whether messages inside are read too.
    enclosed: bool,
    open: Vec<Open>,
    parts: usize,
}

/// Octets looked at in one go for the end of a line, and for the beginning of a boundary.
const LINE: usize = 1024;
const STRETCH: usize = 64 * 1024;

impl<S: Source> Reader<'_, S> {
    /// Opens the part that begins at `start`, and the message inside it when it is one, and so on. Returns where
    /// reading goes on.
    fn open(&mut self, start: usize, in_digest: bool) -> Result<usize, S::Error> {
        let (mut at, mut in_digest) = (start, in_digest);
        loop {
            let opened = self.read_header(at, in_digest)?;
            at = opened.part.body.start;
            in_digest = false;
            let kind = &opened.part.content_type;
            let message =
                self.enclosed && opened.part.encoding.is_identity() && kind.is_message() && !opened.unreadable;
            self.open.push(opened);
            self.parts += 1;
            if !message || self.open.len() >= MAX_DEPTH || self.parts >= MAX_PARTS {
                return Ok(at);
            }
        }
    }

    /// Reads a part's header: up to an empty line, a boundary line, or the end.
    fn read_header(&mut self, start: usize, in_digest: bool) -> Result<Open, S::Error> {
        let limit = self.end.min(start + MAX_HEADER);
        let mut at = start;
        let body = loop {
            let end = self.line_end(at, limit)?.unwrap_or(limit);
            let begins = self.source.read(at..end.min(at + 2))?;
            if matches!(&*begins, b"\n" | b"\r\n") {
                break end;
            }
            let dashes = *begins == *b"--";
            if dashes && self.boundary_at(at, self.longest())?.is_some() {
                break at;
            }
            if end == limit {
                if limit < self.end {
                    return Ok(Open { part: leaf(start), boundary: None, unreadable: true });
                }
                break end;
            }
            at = end;
        };
        let mut part = describe(&self.source.read(start..body)?, in_digest);
        part.header = start..body;
        part.body = body..body;
        let deep = self.open.len() + 1 >= MAX_DEPTH;
        let boundary = part.content_type.param("boundary").map(|b| b.trim_end_matches([' ', '\t']).as_bytes().to_vec());
        let boundary = boundary.filter(|b| part.content_type.kind == "multipart" && !b.is_empty() && !deep);
        Ok(Open { part, boundary, unreadable: false })
    }

    /// Past the LF of the line that goes on at `from`; `None` when there is none before `limit`.
    fn line_end(&mut self, mut from: usize, limit: usize) -> Result<Option<usize>, S::Error> {
        while from < limit {
            let to = limit.min(from + LINE);
            if let Some(i) = memchr(b'\n', &self.source.read(from..to)?) {
                return Ok(Some(from + i + 1));
            }
            from = to;
        }
        Ok(None)
    }

    /// The next line from `at` on (the beginning of a line) that is a boundary of an open multipart.
    fn next_boundary(&mut self, at: usize) -> Result<Option<Found>, S::Error> {
        if self.open.iter().all(|o| o.boundary.is_none()) {
            return Ok(None);
        }
        let longest = self.longest();
        if let Some(found) = self.boundary_at(at, longest)? {
            return Ok(Some(found));
        }
        let (finder, mut from) = (memmem::Finder::new(b"\n--"), at);
        while from < self.end {
            let to = self.end.min(from + STRETCH);
            match finder.find(&self.source.read(from..to)?) {
                Some(i) => {
                    from += i + 1;
                    if let Some(found) = self.boundary_at(from, longest)? {
                        return Ok(Some(found));
                    }
                }
                None if to == self.end => break,
                // The first octets of it may stand at the end of this stretch.
                None => from = to - 2,
            }
        }
        Ok(None)
    }

    /// The length of the longest boundary that is open.
    fn longest(&self) -> usize {
        self.open.iter().filter_map(|o| o.boundary.as_ref()).map(Vec::len).max().unwrap_or(0)
    }

    /// Whether the line at `at` is a boundary, and whose: the outermost owner's. Of the open ones the longest is so long.
    fn boundary_at(&mut self, at: usize, longest: usize) -> Result<Option<Found>, S::Error> {
        // The dashes on both sides, the line end, and a blank: where more follows the line is no boundary, or ends in blanks.
        let to = self.end.min(at + longest + 7);
        let start = self.source.read(at..to)?;
        let Some(after) = start.strip_prefix(b"--") else { return Ok(None) };
        let lf = memchr(b'\n', after);
        let line = trim_blanks(&after[..lf.unwrap_or(after.len())]);
        let matched = |(owner, open): (usize, &Open)| {
            let tail = line.strip_prefix(open.boundary.as_deref()?)?;
            (tail.is_empty() || tail == b"--").then_some((owner, !tail.is_empty()))
        };
        let Some((owner, last)) = self.open.iter().enumerate().find_map(matched) else { return Ok(None) };
        let next = match lf {
            Some(i) => Some(at + 2 + i + 1),
            None => self.blank_until(to)?,
        };
        Ok(next.map(|next| Found { owner, last, start: at, next }))
    }

    /// Where the line ends that goes on at `from`, if nothing but blanks is left of it.
    fn blank_until(&mut self, mut from: usize) -> Result<Option<usize>, S::Error> {
        while from < self.end {
            let to = self.end.min(from + STRETCH);
            let stretch = self.source.read(from..to)?;
            match stretch.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r')) {
                Some(i) => return Ok((stretch[i] == b'\n').then_some(from + i + 1)),
                None => from = to,
            }
        }
        Ok(Some(self.end))
    }

    /// Goes over a boundary line: closes what it ends and opens what it begins.
    fn cross(&mut self, found: Found) -> Result<usize, S::Error> {
        let line_end = match &*self.source.read(found.start.saturating_sub(2)..found.start)? {
            b"\r\n" => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        self.close_above(found.owner, found.start - line_end);
        let owner = &mut self.open[found.owner];
        if found.last || self.parts >= MAX_PARTS {
            owner.boundary = None;
            return Ok(found.next);
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
