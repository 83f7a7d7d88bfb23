//! The write-ahead log, read before RocksDB reads it: damage is named by file and offset, and a torn end is told from it.
//!
//! RocksDB stops at damage as well, but names no file; and where the damage sits in a record's length or kind it takes
//! the rest of the last block for a torn write (every commit in it is silently gone) or does not come to an end.
//! Format: blocks of 32 KiB of records, each with a header of masked CRC-32C (over kind and payload), length, kind.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::Error;

const BLOCK: usize = 32 * 1024;
const HEADER: usize = 7;
/// Kinds of records that repeat their log's number, which only reused logs have; ours are never reused.
const REUSED: [u8; 6] = [5, 6, 7, 8, 11, 131];

/// Reads every log in this folder.
///
/// # Errors
/// [`Error::Damaged`] at the first damage that is no torn end; [`Error::Folder`] when a log cannot be read.
pub(crate) fn check(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "log") {
            check_log(path)?;
        }
    }
    Ok(())
}

fn check_log(path: PathBuf) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: path.clone(), source };
    let mut file = File::open(&path).map_err(failed)?;
    let (mut block, mut next, mut offset) = (Vec::new(), Vec::new(), 0);
    read_block(&mut file, &mut block).map_err(failed)?;
    while !block.is_empty() {
        read_block(&mut file, &mut next).map_err(failed)?;
        if let Some(at) = damage(&block, next.is_empty()) {
            return Err(Error::Damaged { offset: offset + at as u64, path });
        }
        offset += block.len() as u64;
        std::mem::swap(&mut block, &mut next);
    }
    Ok(())
}

fn read_block(file: &mut File, block: &mut Vec<u8>) -> io::Result<()> {
    block.clear();
    file.take(BLOCK as u64).read_to_end(block).map(drop)
}

/// Where a block is damaged. The last one may end with a record that was cut, or with zeros.
fn damage(block: &[u8], last: bool) -> Option<usize> {
    let mut at = 0;
    // A header that does not fit any more is a filler of zeros.
    while BLOCK - at >= HEADER && at < block.len() {
        match record(&block[at..]) {
            Some(len) => at += len,
            None if last && is_torn(block, at) => return None,
            None => return Some(at),
        }
    }
    block[at.min(block.len())..].iter().position(|b| *b != 0).map(|more| at + more)
}

/// The length of the sound record that begins here, with its header.
fn record(bytes: &[u8]) -> Option<usize> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    let &[.., low, high, kind] = header else { return None };
    let payload = rest.get(..usize::from(u16::from_le_bytes([low, high])))?;
    let sound = kind != 0 && !REUSED.contains(&kind) && matches(header, payload);
    sound.then(|| HEADER + payload.len())
}

/// Whether a header's checksum is that of this payload.
fn matches(header: &[u8], payload: &[u8]) -> bool {
    let &[a, b, c, d, _, _, kind] = header else { return false };
    let sum = crc32c(crc32c(0, &[kind]), payload);
    sum.rotate_right(15).wrapping_add(0xa282_ead8) == u32::from_le_bytes([a, b, c, d])
}

/// Whether what begins here was never written to its end: zeros, or a record that the file's end cuts off. A record
/// whose length is spoilt looks cut as well, but others follow it, or its checksum is that of all there is.
fn is_torn(block: &[u8], at: usize) -> bool {
    let rest = &block[at..];
    if rest.iter().all(|b| *b == 0) {
        return true;
    }
    let Some((header, payload)) = rest.split_at_checked(HEADER) else { return true };
    let &[.., low, high, kind] = header else { return true };
    let end = at + HEADER + usize::from(u16::from_le_bytes([low, high]));
    let cut = (1..=4).contains(&kind) && end > block.len() && end <= BLOCK;
    cut && !matches(header, payload) && (1..rest.len()).all(|more| record(&rest[more..]).is_none())
}

/// CRC-32C (RFC 3720 §12.1), continued from `sum`; 0 at the beginning.
fn crc32c(sum: u32, bytes: &[u8]) -> u32 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut crc = !sum;
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk) ^ u64::from(crc);
        crc = (0..8).fold(0, |mixed, i| mixed ^ TABLES[7 - i][(word >> (8 * i)) as usize & 0xff]);
    }
    !rest.iter().fold(crc, |crc, byte| (crc >> 8) ^ TABLES[0][(crc as u8 ^ byte) as usize])
}

/// `TABLES[n][b]`: what a byte `b` followed by `n` zeros adds.
static TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut n = 0;
    while n < 8 * 256 {
        let (table, byte) = (n / 256, n % 256);
        let mut crc = if table == 0 { byte as u32 } else { tables[table - 1][byte] };
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        tables[table][byte] = crc;
        n += 1;
    }
    tables
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 3720 §B.4.
    #[test]
    fn the_sum_is_the_one_of_the_rfc() {
        assert_eq!(crc32c(0, &[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(0, &[0xff; 32]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(0, &ascending), 0x46dd_794e);
        assert_eq!(crc32c(crc32c(0, &ascending[..5]), &ascending[5..]), 0x46dd_794e, "in parts as at once");
    }
}
