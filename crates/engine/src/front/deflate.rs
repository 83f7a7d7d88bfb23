//! What COMPRESS puts between a session and its connection (RFC 4978): raw DEFLATE, each piece of output flushed so that it
//! can be read at once. What arrives expands piece by piece, when the session can take it, so that a few octets that
//! mean many cost time but no memory.

use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Octets that come out of one expansion.
const PIECE: usize = 16 * 1024;

/// Both directions of a connection. About 400 KiB.
pub(super) struct Deflate {
    deflate: Compress,
    inflate: Decompress,
    /// What arrived and is not expanded yet.
    waiting: Vec<u8>,
    /// There may be more to come out of what was taken in.
    more: bool,
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
        let deflate = Compress::new(Compression::fast(), false);
        Self { deflate, inflate: Decompress::new(false), waiting: Vec::new(), more: false }
    }

    /// Octets arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.more = true;
    }

    /// The next piece of what they mean; `None` when that needs more of them.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        while self.more {
            let mut out = Vec::with_capacity(PIECE);
            let before = self.inflate.total_in();
            let status = self.inflate.decompress_vec(&self.waiting, &mut out, FlushDecompress::None);
            let taken = usize::try_from(self.inflate.total_in() - before).unwrap_or(usize::MAX);
            self.waiting.drain(..taken.min(self.waiting.len()));
            // As long as anything moves, more may come, also without any input.
            self.more = taken > 0 || !out.is_empty();
            match status {
                Ok(Status::StreamEnd) | Err(_) => return Err(Broken),
                Ok(_) if out.is_empty() => {}
                Ok(_) => return Ok(Some(out)),
            }
        }
        Ok(None)
    }

    /// These octets for the wire.
    pub(super) fn pack(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut out = Vec::new();
        let begun = self.deflate.total_in();
        loop {
            out.reserve(bytes.len() / 2 + 64);
            let at = usize::try_from(self.deflate.total_in() - begun).unwrap_or(usize::MAX).min(bytes.len());
            let room = out.capacity() - out.len();
            let before = out.len();
            self.deflate.compress_vec(&bytes[at..], &mut out, FlushCompress::Sync).map_err(|_| Broken)?;
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
                let mut read = Vec::new();
                for piece in packed.chunks(cut) {
                    there.push(piece);
                    read.extend(all(&mut there).unwrap());
                }
                assert!(read == text, "{} octets cut by {cut}: {}", text.len(), read.len());
            }
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
