//! A stored message as a list of segments: own bytes, and ranges of stored bodies.
//!
//! The original message is stored once; envelope, receipt, archive and copies are ropes that refer to it.

use crate::{BodyId, Error, MAX_VALUE, Store, Transaction, body};

/// The version that [`Rope::encode`] writes first.
const VERSION: u8 = 1;
const INLINE: u8 = 0;
const BODY: u8 = 1;

/// One piece of a rope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Bytes kept in the rope itself.
    Inline(Vec<u8>),
    /// A range of a stored body.
    Body {
        /// Which body.
        id: BodyId,
        /// Its first byte.
        from: u64,
        /// How many bytes.
        len: u64,
    },
}

impl Segment {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::Body { len, .. } => *len,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Bytes as a list of segments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rope {
    /// The segments in order; none is empty when only the methods here were used.
    pub segments: Vec<Segment>,
}

impl Rope {
    /// No bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole stored body.
    pub fn of_body(id: BodyId, len: u64) -> Self {
        let mut rope = Self::new();
        rope.push_body(id, 0, len);
        rope
    }

    /// Adds own bytes; joins them to own bytes that stand last.
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.segments.last_mut() {
            Some(Segment::Inline(last)) => last.extend_from_slice(bytes),
            _ => self.segments.push(Segment::Inline(bytes.to_vec())),
        }
    }

    /// Adds a range of a stored body; joins it to a range that ends where it begins.
    pub fn push_body(&mut self, id: BodyId, from: u64, len: u64) {
        if len == 0 {
            return;
        }
        match self.segments.last_mut() {
            Some(Segment::Body { id: last, from: start, len: had }) if *last == id && *start + *had == from => {
                *had += len
            }
            _ => self.segments.push(Segment::Body { id, from, len }),
        }
    }

    /// Adds all of another rope.
    pub fn append(&mut self, other: &Self) {
        for segment in &other.segments {
            match segment {
                Segment::Inline(bytes) => self.push(bytes),
                Segment::Body { id, from, len } => self.push_body(*id, *from, *len),
            }
        }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        self.segments.iter().map(Segment::len).sum()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes kept in the rope itself.
    pub fn inline_len(&self) -> u64 {
        self.segments.iter().filter(|s| matches!(s, Segment::Inline(_))).map(Segment::len).sum()
    }

    /// The bodies it refers to, each once, in order of first use: the links that a referrer must make.
    pub fn bodies(&self) -> Vec<BodyId> {
        let mut ids = Vec::new();
        for segment in &self.segments {
            if let Segment::Body { id, .. } = segment
                && !ids.contains(id)
            {
                ids.push(*id);
            }
        }
        ids
    }

    /// The part of `len` bytes from `from`, as a rope; what lies past the end is left out.
    #[must_use]
    pub fn slice(&self, from: u64, len: u64) -> Self {
        let end = from.saturating_add(len);
        let mut part = Self::new();
        let mut at = 0;
        for segment in &self.segments {
            let next = at + segment.len();
            let (first, last) = (from.max(at), end.min(next));
            if first < last {
                match segment {
                    Segment::Inline(bytes) => part.push(&bytes[(first - at) as usize..(last - at) as usize]),
                    Segment::Body { id, from: start, .. } => part.push_body(*id, start + (first - at), last - first),
                }
            }
            at = next;
        }
        part
    }

    /// Gives the bytes in order, chunk by chunk (a body's at most 64 KiB at a time): nothing larger lies in memory.
    ///
    /// # Errors
    /// The store's fault, or what `f` returns.
    pub fn for_each<S, E>(&self, store: &S, mut f: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E>
    where
        S: Store + ?Sized,
        E: From<Error>,
    {
        for segment in &self.segments {
            match segment {
                Segment::Inline(bytes) => f(bytes)?,
                Segment::Body { id, from, len } => body::for_each(store, *id, *from, *len, &mut f)?,
            }
        }
        Ok(())
    }

    /// At most `len` bytes from `from`; fewer only at the end.
    ///
    /// # Errors
    /// The store's fault; [`Error::Corrupt`] when a chunk is missing or damaged.
    pub fn read<S: Store + ?Sized>(&self, store: &S, from: u64, len: u64) -> Result<Vec<u8>, Error> {
        let part = self.slice(from, len);
        let mut out = Vec::with_capacity(usize::try_from(part.len()).unwrap_or(0));
        part.for_each(store, |chunk| {
            out.extend_from_slice(chunk);
            Ok::<_, Error>(())
        })?;
        Ok(out)
    }

    /// All bytes. For messages that must lie in memory as a whole; prefer [`for_each`](Self::for_each).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_all<S: Store + ?Sized>(&self, store: &S) -> Result<Vec<u8>, Error> {
        self.read(store, 0, u64::MAX)
    }

    /// Moves own bytes into bodies, the longest segment first, until at most `most` stay: so that the encoded rope
    /// fits into its row. The bodies ride in `tx` or go ahead, as [`body::put`] decides.
    ///
    /// # Errors
    /// As [`body::put`].
    pub fn spill<S: Store + ?Sized>(&mut self, tx: &mut Transaction<'_, S>, most: u64) -> Result<(), Error> {
        while self.inline_len() > most {
            let longest = self.segments.iter_mut().filter(|s| matches!(s, Segment::Inline(_))).max_by_key(|s| s.len());
            let Some(segment) = longest else { break };
            let len = segment.len();
            if let Segment::Inline(bytes) = segment {
                let id = body::put(tx.store(), tx, bytes)?;
                *segment = Segment::Body { id, from: 0, len };
            }
        }
        Ok(())
    }

    /// The rope as a row keeps it, a version first.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when it does not fit into one value: [`spill`](Self::spill) it before.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut out = vec![VERSION];
        number(&mut out, self.segments.len() as u64);
        for segment in &self.segments {
            match segment {
                Segment::Inline(bytes) => {
                    out.push(INLINE);
                    number(&mut out, bytes.len() as u64);
                    out.extend_from_slice(bytes);
                }
                Segment::Body { id, from, len } => {
                    out.push(BODY);
                    out.extend_from_slice(&id.0);
                    number(&mut out, *from);
                    number(&mut out, *len);
                }
            }
        }
        if out.len() > MAX_VALUE {
            return Err(Error::TooLarge { what: "rope", len: out.len(), limit: MAX_VALUE });
        }
        Ok(out)
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`Error::Corrupt`] (with an empty key: the caller knows the row) when it is anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (rope, rest) = Self::decode_prefix(bytes)?;
        if rest.is_empty() { Ok(rope) } else { Err(bad("bytes after the rope")) }
    }

    /// Reads a rope at the beginning of a longer value; gives what follows it.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_prefix(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let mut rest = match bytes.split_first() {
            Some((&VERSION, rest)) => rest,
            _ => return Err(bad("unknown version of a rope")),
        };
        let mut segments = Vec::new();
        for _ in 0..read_number(&mut rest)? {
            segments.push(read_segment(&mut rest)?);
        }
        Ok((Self { segments }, rest))
    }
}

fn read_segment(rest: &mut &[u8]) -> Result<Segment, Error> {
    match take(rest, 1)?[0] {
        INLINE => {
            let len = usize::try_from(read_number(rest)?).map_err(|_| bad("a rope's segment is cut"))?;
            Ok(Segment::Inline(take(rest, len)?.to_vec()))
        }
        BODY => {
            let id = BodyId::try_from(take(rest, 32)?)?;
            let (from, len) = (read_number(rest)?, read_number(rest)?);
            from.checked_add(len).ok_or_else(|| bad("a rope's range overflows"))?;
            Ok(Segment::Body { id, from, len })
        }
        _ => Err(bad("unknown kind of segment in a rope")),
    }
}

fn take<'b>(rest: &mut &'b [u8], len: usize) -> Result<&'b [u8], Error> {
    let (head, tail) = rest.split_at_checked(len).ok_or_else(|| bad("a rope is cut"))?;
    *rest = tail;
    Ok(head)
}

/// LEB128, as short as can be.
fn number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8 & 0x7f) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn read_number(rest: &mut &[u8]) -> Result<u64, Error> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let b = take(rest, 1)?[0];
        let bits = u64::from(b & 0x7f);
        if (bits << shift) >> shift != bits {
            break;
        }
        n |= bits << shift;
        if b & 0x80 == 0 {
            return Ok(n);
        }
    }
    Err(bad("a number in a rope is too long"))
}

fn bad(what: &str) -> Error {
    Error::corrupt([], what)
}

#[cfg(test)]
mod tests;
