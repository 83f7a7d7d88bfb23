//! Keys whose bytes sort as their parts do.
//!
//! Numbers are big-endian; texts and byte strings of any length end in `00 00` with inner `00` written as `00 ff`,
//! so that a shorter text sorts before every longer one that begins with it, whatever follows in the key.

use sigillo_base::{MailboxId, MsgId, Timestamp, Uid};

use crate::Error;

/// Builds a key part by part, after its tag. Use it wherever a key is wanted (`AsRef<[u8]>`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBuilder(Vec<u8>);

impl KeyBuilder {
    /// A key of this tag ([`crate::tag`]).
    pub fn new(tag: u8) -> Self {
        let mut bytes = Vec::with_capacity(48);
        bytes.push(tag);
        Self(bytes)
    }

    /// One byte.
    #[must_use]
    pub fn u8(self, n: u8) -> Self {
        self.raw([n])
    }

    /// A 32-bit number.
    #[must_use]
    pub fn u32(self, n: u32) -> Self {
        self.raw(n.to_be_bytes())
    }

    /// A 64-bit number.
    #[must_use]
    pub fn u64(self, n: u64) -> Self {
        self.raw(n.to_be_bytes())
    }

    /// A 128-bit number.
    #[must_use]
    pub fn u128(self, n: u128) -> Self {
        self.raw(n.to_be_bytes())
    }

    /// An instant, in milliseconds; it sorts like time does.
    #[must_use]
    pub fn time(self, at: Timestamp) -> Self {
        // Timestamps are never negative (sigillo_base), so the bits sort as they are.
        self.u64(at.as_millis().cast_unsigned())
    }

    /// A mailbox's number.
    #[must_use]
    pub fn mailbox(self, id: MailboxId) -> Self {
        self.u64(id.0)
    }

    /// A message's number.
    #[must_use]
    pub fn msg(self, id: MsgId) -> Self {
        self.u128(id.0)
    }

    /// A message's number in its folder.
    #[must_use]
    pub fn uid(self, uid: Uid) -> Self {
        self.u32(uid.0)
    }

    /// A text of any length.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Bytes of any length.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        for &b in bytes {
            self.0.push(b);
            if b == 0 {
                self.0.push(0xff);
            }
        }
        self.raw([0, 0])
    }

    /// Bytes as they are: of a fixed length (a hash), or the key's last part.
    #[must_use]
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    /// The finished key.
    pub fn done(self) -> Vec<u8> {
        self.0
    }

    /// The range of all keys that begin with this one, as `scan` wants it.
    pub fn range(&self) -> (Vec<u8>, Vec<u8>) {
        (self.0.clone(), prefix_end(&self.0))
    }
}

impl AsRef<[u8]> for KeyBuilder {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<KeyBuilder> for Vec<u8> {
    fn from(key: KeyBuilder) -> Self {
        key.0
    }
}

/// The first key after all keys that begin with `prefix`.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let kept = prefix.iter().rposition(|&b| b != 0xff).map_or(0, |last| last + 1);
    let mut end = prefix[..kept].to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// The first key after this one.
pub fn successor(key: impl AsRef<[u8]>) -> Vec<u8> {
    let mut next = key.as_ref().to_vec();
    next.push(0);
    next
}

/// Whether `[from, to)` can hold rows. A range stays inside one tag: both bounds begin with the same byte, or `to` is
/// just the next byte. That lets an engine keep tags apart, and no scan runs into what it does not know.
///
/// # Errors
/// [`Error::Range`] when it leaves its tag or has none.
pub fn check_range(from: &[u8], to: &[u8]) -> Result<bool, Error> {
    let (Some(&first), Some(&last)) = (from.first(), to.first()) else {
        return Err(Error::Range { from: from.to_vec(), to: to.to_vec() });
    };
    if from >= to {
        return Ok(false);
    }
    if first == last || (to.len() == 1 && first.checked_add(1) == Some(last)) {
        return Ok(true);
    }
    Err(Error::Range { from: from.to_vec(), to: to.to_vec() })
}

/// Takes a key apart again.
#[derive(Debug, Clone)]
pub struct KeyReader<'k> {
    key: &'k [u8],
    rest: &'k [u8],
}

impl<'k> KeyReader<'k> {
    /// Reads a key of this tag.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key has another tag. The same for every part that is not there.
    pub fn new(key: &'k [u8], tag: u8) -> Result<Self, Error> {
        match key.split_first() {
            Some((&first, rest)) if first == tag => Ok(Self { key, rest }),
            _ => Err(Error::corrupt(key, format!("not a key of tag {tag:02x}"))),
        }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) =
            self.rest.split_first_chunk::<N>().ok_or_else(|| Error::corrupt(self.key, "the key is too short"))?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    /// A 32-bit number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A 64-bit number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A 128-bit number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn u128(&mut self) -> Result<u128, Error> {
        Ok(u128::from_be_bytes(self.array()?))
    }

    /// An instant.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn time(&mut self) -> Result<Timestamp, Error> {
        Ok(Timestamp::from_millis(i64::try_from(self.u64()?).unwrap_or(i64::MAX)))
    }

    /// A mailbox's number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn mailbox(&mut self) -> Result<MailboxId, Error> {
        Ok(MailboxId(self.u64()?))
    }

    /// A message's number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn msg(&mut self) -> Result<MsgId, Error> {
        Ok(MsgId(self.u128()?))
    }

    /// A message's number in its folder.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the key is shorter.
    pub fn uid(&mut self) -> Result<Uid, Error> {
        Ok(Uid(self.u32()?))
    }

    /// Bytes written by [`KeyBuilder::bytes`].
    ///
    /// # Errors
    /// [`Error::Corrupt`] when they do not end.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        loop {
            match self.rest {
                [0, 0, rest @ ..] => {
                    self.rest = rest;
                    return Ok(out);
                }
                [0, 0xff, rest @ ..] => {
                    out.push(0);
                    self.rest = rest;
                }
                [b, rest @ ..] if *b != 0 => {
                    out.push(*b);
                    self.rest = rest;
                }
                _ => return Err(Error::corrupt(self.key, "a text in the key has no end")),
            }
        }
    }

    /// A text written by [`KeyBuilder::text`].
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not end or is not UTF-8.
    pub fn text(&mut self) -> Result<String, Error> {
        String::from_utf8(self.bytes()?).map_err(|_| Error::corrupt(self.key, "a text in the key is not UTF-8"))
    }

    /// All that is left, as it is.
    pub fn rest(self) -> &'k [u8] {
        self.rest
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something is.
    pub fn end(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::corrupt(self.key, "the key is too long")) }
    }
}

#[cfg(test)]
mod tests;
