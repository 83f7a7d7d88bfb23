//! What COMPRESS puts between a session and its connection (RFC 4978): raw DEFLATE, each piece of output flushed so that it
//! can be read at once. What arrives expands piece by piece, when the session can take it, so that a few octets that
//! mean many cost time but no memory. UNAUTHENTICATE ends it in both directions (RFC 8437 §4.1).

use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Octets that come out of one expansion.
const PIECE: usize = 16 * 1024;
/// How a flush ends: what was written before it can be read, and what is not compressed any more may follow.
const FLUSHED: [u8; 4] = [0, 0, 0xff, 0xff];

/// Both directions of a connection: by the library's structures some 45 KiB, and 300 more from what is said until it [sleeps](Deflate::sleep).
pub(super) struct Deflate {
    /// None while nothing is said. Every piece of output is flushed to its last octet, so that a new one may go on where
    /// another ended: it refers to nothing that was said before.
    deflate: Option<Box<Compress>>,
    inflate: Decompress,
    /// What arrived and is not expanded yet.
    waiting: Vec<u8>,
    /// There may be more to come out of what was taken in.
    more: bool,
    /// The last octets that were taken in.
    last: [u8; 4],
    /// The peer ended its stream.
    over: bool,
    /// Nothing compressed is to come but the end of what came.
    ending: bool,
}

/// What arrived is not DEFLATE, or its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl fmt::Debug for Deflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deflate({} octets wait)", self.waiting.len())
    }
}

impl Deflate {
    pub(super) fn new() -> Self {
        let (waiting, inflate) = (Vec::new(), Decompress::new(false));
        Self { deflate: None, inflate, waiting, more: false, last: [0xff; 4], over: false, ending: false }
    }

    /// Whether [`Deflate::last`] was called.
    pub(super) const fn is_ending(&self) -> bool {
        self.ending
    }

    /// Gives back what compressing holds.
    pub(super) fn sleep(&mut self) {
        self.deflate = None;
        self.waiting.shrink_to_fit();
    }

    /// Whether there is anything to give back.
    pub(super) fn is_awake(&self) -> bool {
        self.deflate.is_some()
    }

    /// Octets arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.more = true;
    }

    /// The next piece of what they mean; `None` when that needs more of them.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        while self.more {
            let out = self.expand()?;
            if !out.is_empty() {
                return Ok(Some(out));
            }
            if self.over {
                return Err(Broken);
            }
        }
        Ok(None)
    }

    /// What arrived behind the end of what was compressed; `None` while that end has not come. After [`Deflate::last`].
    pub(super) fn rest(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        while self.more && !self.over && self.last != FLUSHED {
            self.expand()?;
        }
        let ended = self.over || self.last == FLUSHED;
        Ok(ended.then(|| std::mem::take(&mut self.waiting)))
    }

    /// Expands up to the next flush, or a piece.
    fn expand(&mut self) -> Result<Vec<u8>, Broken> {
        let mut out = Vec::with_capacity(PIECE);
        let before = self.inflate.total_in();
        let end = self.flushed().unwrap_or(self.waiting.len());
        let status = self.inflate.decompress_vec(&self.waiting[..end], &mut out, FlushDecompress::None);
        let taken = usize::try_from(self.inflate.total_in() - before).unwrap_or(usize::MAX).min(end);
        let kept = taken.min(self.last.len());
        self.last.rotate_left(kept);
        self.last[FLUSHED.len() - kept..].copy_from_slice(&self.waiting[taken - kept..taken]);
        self.waiting.drain(..taken);
        // As long as anything moves, more may come, also without any input.
        self.more = taken > 0 || !out.is_empty();
        self.over = matches!(status.map_err(|_| Broken)?, Status::StreamEnd);
        Ok(out)
    }

    /// How far it is to the end of the next flush, if that is here: it may have begun in what was taken in.
    fn flushed(&self) -> Option<usize> {
        let begun = |k: &usize| self.last.ends_with(&FLUSHED[..*k]) && self.waiting.starts_with(&FLUSHED[*k..]);
        let left = (1..FLUSHED.len()).rev().find(begun).map(|begun| FLUSHED.len() - begun);
        left.or_else(|| memchr::memmem::find(&self.waiting, &FLUSHED).map(|at| at + FLUSHED.len()))
    }

    /// These octets for the wire, the last that are compressed.
    pub(super) fn last(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Broken> {
        self.ending = true;
        self.packed(bytes, FlushCompress::Finish)
    }

    /// These octets for the wire.
    pub(super) fn pack(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Broken> {
        self.packed(bytes, FlushCompress::Sync)
    }

    fn packed(&mut self, bytes: &[u8], flush: FlushCompress) -> Result<Vec<u8>, Broken> {
        let mut out = Vec::new();
        let deflate = self.deflate.get_or_insert_with(|| Box::new(Compress::new(Compression::fast(), false)));
        let begun = deflate.total_in();
        loop {
            out.reserve(bytes.len() / 2 + 64);
            let at = usize::try_from(deflate.total_in() - begun).unwrap_or(usize::MAX).min(bytes.len());
            let room = out.capacity() - out.len();
            let before = out.len();
            deflate.compress_vec(&bytes[at..], &mut out, flush).map_err(|_| Broken)?;
            // Room left over means that all of it, flush included, is out.
            if out.len() - before < room {
                return Ok(out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(layer: &mut Deflate) -> Result<Vec<u8>, Broken> {
        let mut out = Vec::new();
        while let Some(piece) = layer.next()? {
            assert!(piece.len() <= PIECE);
            out.extend(piece);
        }
        Ok(out)
    }

    fn noise(octets: usize) -> Vec<u8> {
        (0..octets as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    #[test]
    fn what_one_end_packs_the_other_reads_at_once_in_any_cuts() {
        for cut in [1, 7, 100_000] {
            let (mut here, mut there) = (Deflate::new(), Deflate::new());
            for text in [b"a NOOP\r\n".to_vec(), Vec::new(), noise(70_000), b"x".repeat(300_000), b"b OK\r\n".to_vec()]
            {
                let packed = here.pack(&text).unwrap();
                if cut == 7 {
                    here.sleep();
                }
                let mut read = Vec::new();
                for piece in packed.chunks(cut) {
                    there.push(piece);
                    read.extend(all(&mut there).unwrap());
                }
                assert!(read == text, "{} octets cut by {cut}: {}", text.len(), read.len());
            }
        }
    }

    /// However the peer ends its stream, and wherever it is cut: what follows is found, to the octet.
    #[test]
    fn what_is_not_compressed_any_more_is_found_behind_what_was() {
        for (finish, cut) in [(false, 1), (false, 3), (false, 1000), (true, 1), (true, 3), (true, 1000)] {
            let (mut here, mut there) = (Deflate::new(), Deflate::new());
            let mut sent = there.pack(b"a NOOP\r\n").unwrap();
            let bye = b"b UNAUTHENTICATE\r\n";
            sent.extend(if finish { there.last(bye) } else { there.pack(bye) }.unwrap());
            sent.extend_from_slice(b"c LOGIN anna pw\r\n");
            let (mut read, mut rest) = (Vec::new(), Vec::new());
            for piece in sent.chunks(cut) {
                if here.is_ending() && !rest.is_empty() {
                    rest.extend_from_slice(piece);
                    continue;
                }
                here.push(piece);
                while !here.is_ending() {
                    let Some(piece) = here.next().unwrap() else { break };
                    read.extend(piece);
                    if read.ends_with(bye) {
                        here.last(b"b OK\r\n").unwrap();
                    }
                }
                if here.is_ending() {
                    rest.extend(here.rest().unwrap().unwrap_or_default());
                }
            }
            assert_eq!(read, [&b"a NOOP\r\n"[..], bye].concat(), "{finish} {cut}");
            assert_eq!(rest, b"c LOGIN anna pw\r\n", "{finish} {cut}");
        }
    }

    #[test]
    fn a_bomb_comes_out_in_small_pieces_and_nonsense_is_said() {
        let mut layer = Deflate::new();
        let bomb = Deflate::new().pack(&b"0".repeat(50 << 20)).unwrap();
        assert!(bomb.len() < 400_000);
        layer.push(&bomb);
        let (mut octets, mut pieces) = (0, 0);
        while let Some(piece) = layer.next().unwrap() {
            octets += piece.len();
            pieces += 1;
            assert!(piece.len() <= PIECE && layer.waiting.len() <= bomb.len());
        }
        assert!(octets == 50 << 20 && pieces >= octets / PIECE);
        layer.push(b"\xff\xff\xff");
        assert_eq!(layer.next(), Err(Broken));
    }
}
