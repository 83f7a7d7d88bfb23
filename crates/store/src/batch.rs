//! What one commit expects and writes.

use std::collections::BTreeMap;

use crate::{Error, MAX_BATCH, MAX_KEY, MAX_RIDING, MAX_VALUE, tag};

/// Expectations and writes of one commit. Of several writes to one key the last counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    expectations: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    contradictory: bool,
    bytes: usize,
    riding: usize,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The commit holds only if the key has this value (`None`: no row). Two different expectations of one key can
    /// never hold both: such a batch always meets [`Error::Conflict`].
    pub fn expect(&mut self, key: impl AsRef<[u8]>, value: Option<&[u8]>) {
        let value = value.map(<[u8]>::to_vec);
        match self.expectations.get(key.as_ref()) {
            Some(known) => self.contradictory |= *known != value,
            None => {
                self.expectations.insert(key.as_ref().to_vec(), value);
            }
        }
    }

    /// Makes its commit meet a conflict, as contradictory expectations do.
    pub(crate) fn doom(&mut self) {
        self.contradictory = true;
    }

    /// Writes a row.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.write(key.as_ref().to_vec(), Some(value.as_ref().to_vec()));
    }

    /// Removes a row; nothing happens when there is none.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) {
        self.write(key.as_ref().to_vec(), None);
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let rides = key.first() == Some(&tag::BODY_CHUNK);
        let added = weight(&key, value.as_ref());
        let key_len = key.len();
        let old = self.writes.insert(key, value).map_or(0, |old| key_len + old.map_or(0, |v| v.len()));
        let sum = if rides { &mut self.riding } else { &mut self.bytes };
        *sum = *sum + added - old;
    }

    /// What it writes outside of bodies, in bytes: bounded by [`MAX_BATCH`].
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What it writes in chunks of bodies, in bytes: bounded by [`MAX_RIDING`].
    pub fn riding(&self) -> usize {
        self.riding
    }

    /// Whether it writes nothing (it may still expect).
    pub fn is_read_only(&self) -> bool {
        self.writes.is_empty()
    }

    /// What was written to this key so far: `None` nothing, `Some(None)` a removal.
    pub fn written(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.writes.get(key).map(Option::as_deref)
    }

    /// What was expected of this key so far.
    pub fn expected(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.expectations.get(key).map(Option::as_deref)
    }

    /// Every expectation, ascending by key.
    pub fn expectations(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.expectations.iter().map(|(k, v)| (k.as_slice(), v.as_deref()))
    }

    /// Every write, ascending by key; `None` removes.
    pub fn writes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|(k, v)| (k.as_slice(), v.as_deref()))
    }

    /// Every write by its key.
    pub(crate) const fn written_rows(&self) -> &BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        &self.writes
    }

    /// The checks that every engine makes before it looks at a row.
    ///
    /// # Errors
    /// [`Error::TooLarge`] past the limits of the seam; [`Error::Conflict`] for contradictory expectations;
    /// [`Error::Range`] for an empty key.
    pub fn check(&self) -> Result<(), Error> {
        for (key, value) in self.expectations.iter().chain(&self.writes) {
            if key.is_empty() {
                return Err(Error::Range { from: Vec::new(), to: Vec::new() });
            }
            within("key", key.len(), MAX_KEY)?;
            within("value", value.as_ref().map_or(0, Vec::len), MAX_VALUE)?;
        }
        within("batch", self.bytes, MAX_BATCH)?;
        within("riding bodies", self.riding, MAX_RIDING)?;
        if self.contradictory { Err(Error::Conflict) } else { Ok(()) }
    }
}

fn weight(key: &[u8], value: Option<&Vec<u8>>) -> usize {
    key.len() + value.map_or(0, Vec::len)
}

fn within(what: &'static str, len: usize, limit: usize) -> Result<(), Error> {
    if len > limit { Err(Error::TooLarge { what, len, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_the_last_write_of_a_key_and_bodies_apart() {
        let mut batch = Batch::new();
        batch.put([1, 2], [0; 10]);
        batch.put([1, 2], [0; 4]);
        assert_eq!(batch.bytes(), 6);
        batch.delete([1, 2]);
        assert_eq!((batch.bytes(), batch.riding()), (2, 0));
        batch.put([tag::BODY_CHUNK, 1], [0; 100]);
        assert_eq!((batch.bytes(), batch.riding()), (2, 102));
        assert_eq!(batch.written(&[1, 2]), Some(None));
    }

    #[test]
    fn contradictory_expectations_never_hold() {
        let mut batch = Batch::new();
        batch.expect([1], Some(b"a"));
        batch.expect([1], Some(b"a"));
        assert_eq!(batch.check(), Ok(()));
        batch.expect([1], None);
        assert_eq!(batch.check(), Err(Error::Conflict));
    }
}
