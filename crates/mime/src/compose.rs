//! A new message around ranges of an old one: signed bytes are referred to, never written again.

use std::ops::Range;

/// A piece of a composed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of its own.
    Own(Vec<u8>),
    /// A range of the one source buffer.
    Source(Range<usize>),
}

/// A message made of own bytes and of ranges of ONE source buffer, which the holder keeps beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composed {
    /// The pieces, in order.
    pub pieces: Vec<Piece>,
}

impl Composed {
    /// Appends own bytes; neighbours are joined.
    pub fn own(&mut self, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        match self.pieces.last_mut() {
            _ if bytes.is_empty() => {}
            Some(Piece::Own(last)) => last.extend_from_slice(&bytes),
            _ => self.pieces.push(Piece::Own(bytes)),
        }
    }

    /// Appends a range of the source; a range that goes on where the last one ended is joined to it.
    pub fn source(&mut self, range: Range<usize>) {
        match self.pieces.last_mut() {
            _ if range.is_empty() => {}
            Some(Piece::Source(last)) if last.end == range.start => last.end = range.end,
            _ => self.pieces.push(Piece::Source(range)),
        }
    }

    /// Appends another composition over the same source.
    pub fn append(&mut self, other: Composed) {
        for piece in other.pieces {
            match piece {
                Piece::Own(bytes) => self.own(bytes),
                Piece::Source(range) => self.source(range),
            }
        }
    }

    /// Length in octets.
    pub fn len(&self) -> usize {
        let len = |p: &Piece| match p {
            Piece::Own(bytes) => bytes.len(),
            Piece::Source(range) => range.len(),
        };
        self.pieces.iter().map(len).sum()
    }

    /// Whether it has no octet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the bytes piece by piece, for hashing, signing, sending.
    ///
    /// # Panics
    /// When a range lies outside `source`: it is then not the source this was composed over, and to go on would send
    /// or sign something else.
    pub fn for_each<'s>(&'s self, source: &'s [u8], mut f: impl FnMut(&'s [u8])) {
        for piece in &self.pieces {
            match piece {
                Piece::Own(bytes) => f(bytes),
                Piece::Source(range) => f(&source[range.clone()]),
            }
        }
    }

    /// All bytes in one buffer.
    ///
    /// # Panics
    /// As [`Composed::for_each`].
    pub fn to_bytes(&self, source: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.for_each(source, |bytes| out.extend_from_slice(bytes));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_bytes_around_ranges() {
        let source = b"Subject: x\r\n\r\nbody";
        let mut inner = Composed::default();
        inner.source(0..4);
        inner.source(4..10);
        inner.source(3..3);
        inner.own("!");
        let mut all = Composed::default();
        assert!(all.is_empty());
        all.own("A");
        all.own(b"B".to_vec());
        all.own("");
        all.append(inner);
        all.own("?");
        all.source(14..18);
        let own = |s: &str| Piece::Own(s.as_bytes().to_vec());
        assert_eq!(all.pieces, [own("AB"), Piece::Source(0..10), own("!?"), Piece::Source(14..18)]);
        assert_eq!(all.to_bytes(source), b"ABSubject: x!?body");
        assert_eq!(all.len(), 18);
        let mut pieces = 0;
        all.for_each(source, |_| pieces += 1);
        assert_eq!(pieces, 4);
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn another_source_is_a_bug() {
        let mut all = Composed::default();
        all.source(0..4);
        all.to_bytes(b"abc");
    }
}
