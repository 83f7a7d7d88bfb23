//! Who works at what: claims on queue items and timers, in this process.

use std::collections::HashSet;

use parking_lot::Mutex;

/// The claims of one provider.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<HashSet<u128>>);

/// A claim, given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim<'c> {
    claims: &'c Claims,
    id: u128,
}

impl Claims {
    /// Claims something by its number; `None` when another worker has it.
    pub(crate) fn take(&self, id: u128) -> Option<Claim<'_>> {
        let free = self.0.lock().insert(id);
        free.then(|| Claim { claims: self, id })
    }

    /// Takes over a claim that was [kept](Claim::keep).
    pub(crate) fn resume(&self, id: u128) -> Claim<'_> {
        Claim { claims: self, id }
    }

    /// Whether somebody has it.
    pub(crate) fn holds(&self, id: u128) -> bool {
        self.0.lock().contains(&id)
    }

    /// How many are held.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Claim<'_> {
    /// Leaves the claim in force beyond this value, for who will [resume](Claims::resume) it.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.claims.0.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_exclusive_until_it_is_given_back() {
        let claims = Claims::default();
        let first = claims.take(1).unwrap();
        assert!(claims.take(1).is_none(), "taken");
        assert!(claims.holds(1), "asking in vain does not free it");
        drop(first);
        claims.take(1).unwrap().keep();
        assert!(claims.take(1).is_none(), "kept");
        drop(claims.resume(1));
        assert_eq!(claims.len(), 0);
    }
}
