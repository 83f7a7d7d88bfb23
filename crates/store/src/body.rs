//! Bodies: bytes stored once under their BLAKE3 hash, in chunks of 64 KiB.
//!
//! Rows of one body: a head ([`tag::BODY`]: there is such a body, this long), its chunks ([`tag::BODY_CHUNK`]), a link
//! per referrer ([`tag::BODY_LINK`]), and while it goes ahead of its commit a reservation ([`tag::BODY_RESERVATION`]).
//! A body exists when its head does; the head comes in the very commit that publishes what refers to it.
//!
//! Why nothing is lost or half there, whoever runs beside:
//! - a link is made only with the head expected as it was read, and a collector first *marks* the head (changing it)
//!   and looks for links after that: whoever linked in between made one of the two commits fail;
//! - marks and reservations carry a number from a counter, so that a state which comes back is never mistaken for the
//!   one that was read;
//! - every chunk that goes ahead is written with the reservation expected, and removing the chunks removes the
//!   reservation in the same commit: an uploader that was overtaken notices and begins again.

use std::borrow::Cow;
use std::fmt;

use crate::{Durability, Error, KeyBuilder, KeyReader, MAX_RIDING, Store, Transaction, key, tag, transact};

mod collect;
mod head;
mod inspect;

pub use collect::{Reservation, collect, discard, reservations, unlinked};
use head::{Head, Held};
pub use inspect::{key_of, link_of, read_chunk_key, read_head_row, read_link_key, read_reservation_row};

/// The length of every chunk but the last, in bytes.
pub const CHUNK: usize = crate::MAX_VALUE;

/// A body up to this length rides in the transaction that publishes it, when there is room. In bytes.
pub const RIDES: usize = 512 * 1024;

/// Chunks in one commit that goes ahead: with their keys they stay within [`MAX_RIDING`].
const CHUNKS_PER_COMMIT: usize = 15;
/// Overtaken this often, an upload gives up for now.
const ATTEMPTS: usize = 50;

/// The name of a body: the BLAKE3 hash of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BodyId(pub [u8; 32]);

impl BodyId {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash as bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<&[u8]> for BodyId {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::corrupt([], "a body id has 32 bytes"))
    }
}

impl fmt::Display for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Stores a body with the transaction: a short one rides in it, a longer one goes ahead in commits of its own and the
/// transaction publishes it; one already stored is used again. [`link`] it in the same transaction, or
/// [`collect`] may take it. `store` is the one that `tx` works on.
///
/// # Errors
/// The store's fault; [`Error::Temporary`] when others kept overtaking the upload.
pub fn put<S: Store + ?Sized>(store: &S, tx: &mut Transaction<'_, S>, bytes: &[u8]) -> Result<BodyId, Error> {
    let id = BodyId::of(bytes);
    put_from(store, tx, (id, bytes.len() as u64), &mut slices(bytes))?;
    Ok(id)
}

/// What gives at most a chunk of a body, by the offset of its first byte and its length, all of it.
pub type Read<'r> = dyn FnMut(u64, usize) -> Result<Cow<'r, [u8]>, Error> + 'r;

fn slices<'b>(bytes: &'b [u8]) -> impl FnMut(u64, usize) -> Result<Cow<'b, [u8]>, Error> {
    |from, len| Ok(Cow::Borrowed(&bytes[from as usize..][..len]))
}

/// The name of so many bytes that lie elsewhere.
///
/// # Errors
/// What `read` returns.
pub fn name_from(len: u64, read: &mut Read<'_>) -> Result<BodyId, Error> {
    let mut hasher = blake3::Hasher::new();
    for (from, len) in chunks(len) {
        hasher.update(&read(from, len)?);
    }
    Ok(BodyId(*hasher.finalize().as_bytes()))
}

/// The same as [`put`], of bytes that lie elsewhere, with their name ([`name_from`]) and length: about a megabyte of them is
/// in memory at a time.
///
/// # Errors
/// As [`put`]; what `read` returns; [`Error::Temporary`] when what it gives of a long body has not that name. A short one rides
/// as it is given: that it has the name is the caller's word, as it is for [`put`].
pub fn put_from<S: Store + ?Sized>(
    store: &S,
    tx: &mut Transaction<'_, S>,
    (id, len): (BodyId, u64),
    read: &mut Read<'_>,
) -> Result<(), Error> {
    if let Some(head) = read_head(tx, &id)? {
        revive(tx, &id, head);
        return Ok(());
    }
    let head = Head::live(len);
    let riding = len as usize + chunks(len).count() * chunk_key(&id, 0).len();
    if rides(len) && tx.batch().riding() + riding <= MAX_RIDING {
        for (number, (from, len)) in (0..).zip(chunks(len)) {
            tx.put(chunk_key(&id, number), read(from, len)?);
        }
        tx.put(head_key(&id), head.encode());
        return Ok(());
    }
    go_ahead(store, &id, len, read)?;
    match tx.get(reservation_key(&id))? {
        Some(held) if Held::decode(reservation_key(&id), &held)?.complete => tx.delete(reservation_key(&id)),
        // Published or taken away since: the head that this transaction read may be gone, so it must run again.
        _ => tx.doom(),
    }
    tx.put(head_key(&id), head.encode());
    Ok(())
}

/// Writes a long body ahead of the transaction that will [`put_from`] it, which then finds it there: for who holds
/// something in that transaction. Of one that is short, or stored, there is nothing to do.
///
/// # Errors
/// As [`put_from`].
pub fn ahead<S: Store + ?Sized>(store: &S, (id, len): (BodyId, u64), read: &mut Read<'_>) -> Result<(), Error> {
    if rides(len) { Ok(()) } else { go_ahead(store, &id, len, read) }
}

const fn rides(len: u64) -> bool {
    len <= RIDES as u64
}

/// Offset and length of each chunk of a body.
fn chunks(len: u64) -> impl Iterator<Item = (u64, usize)> {
    (0..len).step_by(CHUNK).map(move |from| (from, (len - from).min(CHUNK as u64) as usize))
}

/// Makes `referrer` (usually the key of the row that names the body; at most 900 bytes) a reason to keep the body.
///
/// # Errors
/// [`Error::NoBody`] when it is not stored; the store's fault.
pub fn link<S: Store + ?Sized>(
    tx: &mut Transaction<'_, S>,
    id: BodyId,
    referrer: impl AsRef<[u8]>,
) -> Result<(), Error> {
    let head = read_head(tx, &id)?.ok_or(Error::NoBody(id))?;
    revive(tx, &id, head);
    tx.put(link_key(&id).raw(referrer), []);
    Ok(())
}

/// Removes the link; nothing happens when there is none. Afterwards, and when the transaction is committed,
/// [`collect`] removes the body unless somebody else refers to it.
pub fn unlink<S: Store + ?Sized>(tx: &mut Transaction<'_, S>, id: BodyId, referrer: impl AsRef<[u8]>) {
    tx.delete(link_key(&id).raw(referrer));
}

/// At most `limit` referrers of a body, ascending.
///
/// # Errors
/// The store's fault.
pub fn links<S: Store + ?Sized>(store: &S, id: BodyId, limit: usize) -> Result<Vec<Vec<u8>>, Error> {
    let prefix = link_key(&id);
    let (from, to) = prefix.range();
    Ok(store.scan(&from, &to, limit)?.into_iter().map(|(key, _)| key[from.len()..].to_vec()).collect())
}

/// The length of a stored body in bytes; `None` when it is not stored.
///
/// # Errors
/// The store's fault.
pub fn len<S: Store + ?Sized>(store: &S, id: BodyId) -> Result<Option<u64>, Error> {
    let key = head_key(&id);
    store.get(key.as_ref())?.map(|value| Head::decode(&key, &value).map(|head| head.len)).transpose()
}

/// `len` bytes of a body from `from`. For a whole message prefer [`for_each`].
///
/// # Errors
/// [`Error::Corrupt`] when a chunk is missing or too short for the range; the store's fault.
pub fn get_range<S: Store + ?Sized>(store: &S, id: BodyId, from: u64, len: u64) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for_each(store, id, from, len, |chunk| {
        out.extend_from_slice(chunk);
        Ok::<_, Error>(())
    })?;
    Ok(out)
}

/// Gives `len` bytes of a body from `from` to `f`, at most a chunk at a time.
///
/// # Errors
/// As [`get_range`], or what `f` returns.
pub fn for_each<S, E>(
    store: &S,
    id: BodyId,
    from: u64,
    len: u64,
    mut f: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E>
where
    S: Store + ?Sized,
    E: From<Error>,
{
    ranged(|key| store.get(key), id, from, len, &mut f)
}

/// The same as [`get_range`], of a body that may ride in this transaction.
///
/// # Errors
/// As [`get_range`].
pub fn get_range_in<S: Store + ?Sized>(
    tx: &Transaction<'_, S>,
    id: BodyId,
    from: u64,
    len: u64,
) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    ranged(|key| tx.peek(key), id, from, len, &mut |chunk: &[u8]| {
        out.extend_from_slice(chunk);
        Ok::<_, Error>(())
    })?;
    Ok(out)
}

fn ranged<E: From<Error>>(
    get: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, Error>,
    id: BodyId,
    from: u64,
    len: u64,
    f: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let chunk_len = CHUNK as u64;
    let end = from.saturating_add(len);
    let mut at = from;
    while at < end {
        let number = u32::try_from(at / chunk_len).map_err(|_| Error::corrupt(head_key(&id), "no body is so long"))?;
        let key = chunk_key(&id, number);
        let chunk = get(key.as_ref())?.ok_or_else(|| Error::corrupt(&key, "a chunk is missing"))?;
        let first = (at % chunk_len) as usize;
        let last = (end - u64::from(number) * chunk_len).min(chunk_len) as usize;
        f(chunk.get(first..last).ok_or_else(|| Error::corrupt(&key, "a chunk is too short"))?)?;
        at += (last - first) as u64;
    }
    Ok(())
}

/// Reads the whole body and compares it with its name; gives its length in bytes.
///
/// # Errors
/// [`Error::NoBody`] when it is not stored, [`Error::Corrupt`] when it is not what it was; the store's fault.
pub fn verify<S: Store + ?Sized>(store: &S, id: BodyId) -> Result<u64, Error> {
    let len = len(store, id)?.ok_or(Error::NoBody(id))?;
    let mut hasher = blake3::Hasher::new();
    for_each(store, id, 0, len, |chunk| {
        hasher.update(chunk);
        Ok::<_, Error>(())
    })?;
    if *hasher.finalize().as_bytes() == id.0 {
        Ok(len)
    } else {
        Err(Error::corrupt(head_key(&id), "the body does not have its hash"))
    }
}

/// Writes all chunks under a reservation, in commits that the publishing one makes durable.
fn go_ahead<S: Store + ?Sized>(store: &S, id: &BodyId, len: u64, read: &mut Read<'_>) -> Result<(), Error> {
    for _ in 0..ATTEMPTS {
        let Some(held) = reserve(store, id, len)? else { return Ok(()) };
        if held.complete {
            return Ok(());
        }
        match upload(store, id, len, read, &held) {
            Err(Error::Conflict) => {}
            done => return done,
        }
    }
    Err(Error::Temporary("another upload of the same body is in the way".into()))
}

/// The reservation of this body, made now if there was none; `None` when the body is published already.
fn reserve<S: Store + ?Sized>(store: &S, id: &BodyId, len: u64) -> Result<Option<Held>, Error> {
    transact(store, ATTEMPTS, |tx| {
        tx.later();
        if tx.get(head_key(id))?.is_some() {
            return Ok(None);
        }
        let key = reservation_key(id);
        if let Some(value) = tx.get(&key)? {
            return Held::decode(&key, &value).map(Some);
        }
        let held = Held { number: next_number(tx)?, len, complete: false };
        tx.put(key, held.encode());
        Ok(Some(held))
    })
}

fn upload<S: Store + ?Sized>(store: &S, id: &BodyId, len: u64, read: &mut Read<'_>, held: &Held) -> Result<(), Error> {
    let mut hasher = blake3::Hasher::new();
    let mut chunks = (0..).zip(chunks(len)).peekable();
    while chunks.peek().is_some() {
        let mut batch = crate::Batch::new();
        batch.expect(reservation_key(id), Some(&held.encode()));
        for (number, (from, len)) in chunks.by_ref().take(CHUNKS_PER_COMMIT) {
            let chunk = read(from, len)?;
            hasher.update(&chunk);
            batch.put(chunk_key(id, number), chunk);
        }
        if chunks.peek().is_none() {
            if *hasher.finalize().as_bytes() != id.0 {
                return Err(Error::Temporary("what was to be stored is not what its name says".into()));
            }
            batch.put(reservation_key(id), Held { complete: true, ..*held }.encode());
        }
        store.commit(&batch, Durability::Later)?;
    }
    Ok(())
}

fn read_head<S: Store + ?Sized>(tx: &mut Transaction<'_, S>, id: &BodyId) -> Result<Option<Head>, Error> {
    let key = head_key(id);
    tx.get(&key)?.map(|value| Head::decode(&key, &value)).transpose()
}

/// Takes a collector's mark away: the collector then meets a conflict.
fn revive<S: Store + ?Sized>(tx: &mut Transaction<'_, S>, id: &BodyId, head: Head) {
    if head.mark.is_some() {
        tx.put(head_key(id), Head::live(head.len).encode());
    }
}

/// A number that no reservation and no mark had before.
fn next_number<S: Store + ?Sized>(tx: &mut Transaction<'_, S>) -> Result<u64, Error> {
    let key = KeyBuilder::new(tag::COUNTER).text("body");
    let last = match tx.get(&key)? {
        None => 0,
        Some(value) => {
            u64::from_be_bytes(value.as_slice().try_into().map_err(|_| Error::corrupt(&key, "not a number"))?)
        }
    };
    let next = last + 1;
    tx.put(key, next.to_be_bytes());
    Ok(next)
}

fn head_key(id: &BodyId) -> KeyBuilder {
    KeyBuilder::new(tag::BODY).raw(id.0)
}

fn link_key(id: &BodyId) -> KeyBuilder {
    KeyBuilder::new(tag::BODY_LINK).raw(id.0)
}

fn reservation_key(id: &BodyId) -> Vec<u8> {
    KeyBuilder::new(tag::BODY_RESERVATION).raw(id.0).done()
}

fn chunk_key(id: &BodyId, number: u32) -> Vec<u8> {
    KeyBuilder::new(tag::BODY_CHUNK).raw(id.0).u32(number).done()
}

/// The body that a head's or a reservation's key names.
fn id_of(key: &[u8], tag: u8) -> Result<BodyId, Error> {
    let mut reader = KeyReader::new(key, tag)?;
    let id = BodyId(reader.array()?);
    reader.end()?;
    Ok(id)
}

/// The range of rows of `tag` with bodies after `after` (all without it).
fn range_after(tag: u8, after: Option<BodyId>) -> (Vec<u8>, Vec<u8>) {
    let (from, to) = KeyBuilder::new(tag).range();
    match after {
        Some(id) => (key::successor(KeyBuilder::new(tag).raw(id.0)), to),
        None => (from, to),
    }
}

#[cfg(test)]
mod tests;
