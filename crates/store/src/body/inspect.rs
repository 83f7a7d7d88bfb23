//! The rows of a body as who checks a store sees them.

use super::{BodyId, Head, Held, Reservation, head_key, id_of, link_key};
use crate::{Error, KeyReader, tag};

/// The key of a body's head: the body is stored when this row is there.
pub fn key_of(id: BodyId) -> Vec<u8> {
    head_key(&id).done()
}

/// The key of the link that `referrer` keeps a body by.
pub fn link_of(id: BodyId, referrer: impl AsRef<[u8]>) -> Vec<u8> {
    link_key(&id).raw(referrer).done()
}

/// Which body a head is of, and its length in bytes.
///
/// # Errors
/// [`Error::Corrupt`] when it is no head.
pub fn read_head_row(key: &[u8], value: &[u8]) -> Result<(BodyId, u64), Error> {
    Ok((id_of(key, tag::BODY)?, Head::decode(key, value)?.len))
}

/// Which body a link keeps, and for whom.
///
/// # Errors
/// [`Error::Corrupt`] when it is no link.
pub fn read_link_key(key: &[u8]) -> Result<(BodyId, &[u8]), Error> {
    let mut reader = KeyReader::new(key, tag::BODY_LINK)?;
    Ok((BodyId(reader.array()?), reader.rest()))
}

/// Which body a chunk belongs to, and its number from 0.
///
/// # Errors
/// [`Error::Corrupt`] when it is no chunk.
pub fn read_chunk_key(key: &[u8]) -> Result<(BodyId, u32), Error> {
    let mut reader = KeyReader::new(key, tag::BODY_CHUNK)?;
    let chunk = (BodyId(reader.array()?), reader.u32()?);
    reader.end()?;
    Ok(chunk)
}

/// A reservation, from its row.
///
/// # Errors
/// [`Error::Corrupt`] when it is none.
pub fn read_reservation_row(key: &[u8], value: &[u8]) -> Result<Reservation, Error> {
    let held = Held::decode(key, value)?;
    Ok(Reservation { id: id_of(key, tag::BODY_RESERVATION)?, number: held.number, len: held.len })
}
