//! Taking away what nobody refers to: bodies without links, reservations without uploaders.

use super::{ATTEMPTS, BodyId, CHUNK, Head, Held};
use super::{
    chunk_key, head_key, id_of, links, next_number, range_after, read_head, read_reservation_row, reservation_key,
};
use crate::{Error, Store, Transaction, tag, transact};

/// A reservation: a body that goes ahead, or that began to before its uploader died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// Which body.
    pub id: BodyId,
    /// Which reservation of all that ever were; a later upload of the same body has another number.
    pub number: u64,
    /// The body's length in bytes.
    pub len: u64,
}

/// Removes the body if nothing links to it; says whether it did. Others may put and link it meanwhile.
///
/// # Errors
/// The store's fault.
pub fn collect<S: Store + ?Sized>(store: &S, id: BodyId) -> Result<bool, Error> {
    let marked = transact(store, ATTEMPTS, |tx| {
        let Some(head) = read_head(tx, &id)? else { return Ok(None) };
        if !links(store, id, 1)?.is_empty() {
            return Ok(None);
        }
        let marked = Head { mark: Some(next_number(tx)?), ..head };
        tx.put(head_key(&id), marked.encode());
        Ok::<_, Error>(Some(marked))
    })?;
    let Some(marked) = marked else { return Ok(false) };
    // Whoever links from here on takes the mark away first, so what this look finds (or not) decides.
    let keep = !links(store, id, 1)?.is_empty();
    let mut tx = Transaction::new(store);
    tx.expect(head_key(&id), Some(&marked.encode()));
    if keep {
        tx.put(head_key(&id), Head::live(marked.len).encode());
    } else {
        // An upload that is overtaken by all this must notice that its chunks are gone.
        if tx.get(reservation_key(&id))?.is_some() {
            tx.delete(reservation_key(&id));
        }
        tx.delete(head_key(&id));
        delete_chunks(&mut tx, &id, marked.len);
    }
    match tx.commit() {
        Ok(()) => Ok(!keep),
        Err(Error::Conflict) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// At most `limit` bodies without a link among those after `after`, and where to go on (`None`: at the end). For the
/// nightly round; a body just published may be among them, and [`collect`] decides.
///
/// # Errors
/// The store's fault.
pub fn unlinked<S: Store + ?Sized>(
    store: &S,
    after: Option<BodyId>,
    limit: usize,
) -> Result<(Vec<BodyId>, Option<BodyId>), Error> {
    let (from, to) = range_after(tag::BODY, after);
    let heads = store.scan(&from, &to, limit)?;
    let mut free = Vec::new();
    let mut last = None;
    for (key, _) in &heads {
        let id = id_of(key, tag::BODY)?;
        if links(store, id, 1)?.is_empty() {
            free.push(id);
        }
        last = Some(id);
    }
    Ok((free, last.filter(|_| heads.len() >= limit)))
}

/// At most `limit` reservations. One that is still here long after it was seen first, or that was here when the only
/// server opened the store, has no uploader any more: [`discard`] it.
///
/// # Errors
/// The store's fault.
pub fn reservations<S: Store + ?Sized>(
    store: &S,
    after: Option<BodyId>,
    limit: usize,
) -> Result<Vec<Reservation>, Error> {
    let (from, to) = range_after(tag::BODY_RESERVATION, after);
    let rows = store.scan(&from, &to, limit)?;
    rows.iter().map(|(key, value)| read_reservation_row(key, value)).collect()
}

/// Removes a reservation with the chunks that were written under it, unless it was used meanwhile; says whether it
/// did. Should its uploader live after all, it notices and begins again.
///
/// # Errors
/// The store's fault.
pub fn discard<S: Store + ?Sized>(store: &S, reservation: Reservation) -> Result<bool, Error> {
    let Reservation { id, number, len } = reservation;
    let key = reservation_key(&id);
    transact(store, ATTEMPTS, |tx| {
        match tx.get(&key)? {
            Some(value) if Held::decode(&key, &value)?.number == number => {}
            _ => return Ok(false),
        }
        tx.delete(&key);
        // Somebody else published the same body, riding: then the chunks are its own.
        if tx.get(head_key(&id))?.is_none() {
            delete_chunks(tx, &id, len);
        }
        Ok(true)
    })
}

fn delete_chunks<S: Store + ?Sized>(tx: &mut Transaction<'_, S>, id: &BodyId, len: u64) {
    let chunks = u32::try_from(len.div_ceil(CHUNK as u64)).unwrap_or(u32::MAX);
    for number in 0..chunks {
        tx.delete(chunk_key(id, number));
    }
}
