//! Octets that are read by ranges, wherever they lie.

use std::borrow::Cow;
use std::convert::Infallible;
use std::ops::Range;

/// A message's octets: in memory, or in a file or a store, from where they come in pieces.
pub trait Source {
    /// What keeps it from being read.
    type Error;

    /// How many octets there are; it does not change.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// These octets, all of them: the range lies within the length.
    ///
    /// # Errors
    /// What lies behind it.
    fn read(&mut self, range: Range<usize>) -> Result<Cow<'_, [u8]>, Self::Error>;
}

impl Source for &[u8] {
    type Error = Infallible;

    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn read(&mut self, range: Range<usize>) -> Result<Cow<'_, [u8]>, Infallible> {
        Ok(Cow::Borrowed(&self[range]))
    }
}

/// Octets that `load` brings, given where they begin and how many: about [`Windowed::OCTETS`] of them are held, so that who
/// reads forwards in small ranges loads each octet about once.
pub struct Windowed<F> {
    len: usize,
    at: usize,
    held: Vec<u8>,
    load: F,
}

impl<F> Windowed<F> {
    /// Octets that are held.
    pub const OCTETS: usize = 256 * 1024;

    /// So many octets.
    pub const fn new(len: usize, load: F) -> Self {
        Self { len, at: 0, held: Vec::new(), load }
    }
}

impl<E, F: FnMut(usize, usize) -> Result<Vec<u8>, E>> Source for Windowed<F> {
    type Error = E;

    fn len(&self) -> usize {
        self.len
    }

    fn read(&mut self, range: Range<usize>) -> Result<Cow<'_, [u8]>, E> {
        if range.start < self.at || range.end > self.at + self.held.len() {
            // Gives its room back before it takes more.
            self.held = Vec::new();
            let more = range.len().max(Self::OCTETS).min(self.len.saturating_sub(range.start));
            self.held = (self.load)(range.start, more)?;
            self.at = range.start;
        }
        let held = self.held.get(range.start - self.at..range.end - self.at);
        Ok(Cow::Borrowed(held.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_octet_is_loaded_about_once() {
        let all: Vec<u8> = (0..3_000_000_u32).map(|n| (n >> 7) as u8).collect();
        let mut loaded = 0;
        let mut windowed = Windowed::new(all.len(), |from, len| {
            loaded += len;
            Ok::<_, Infallible>(all[from..from + len].to_vec())
        });
        for at in (0..all.len() - 900).step_by(300) {
            let Ok(read) = windowed.read(at..at + 900);
            assert!(*read == all[at..at + 900], "at {at}");
        }
        let Ok(large) = windowed.read(1000..1_900_000);
        assert!(*large == all[1000..1_900_000], "also what is larger than the window");
        assert!(loaded < all.len() * 11 / 10 + 1_900_000, "{loaded}");
    }
}
