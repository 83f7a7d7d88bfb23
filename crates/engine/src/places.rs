//! Places that are counted: so many for each key, given back when dropped.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// At most so many places for each key.
#[derive(Debug)]
pub struct Places<K> {
    most: usize,
    taken: Mutex<HashMap<K, usize>>,
}

/// One place; given back when dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    key: K,
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// `most` places for each key.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// A place, unless all of this key are taken.
    pub fn enter(self: &Arc<Self>, key: K) -> Option<Place<K>> {
        let mut taken = self.taken.lock();
        let count = taken.entry(key.clone()).or_default();
        if *count >= self.most {
            if *count == 0 {
                taken.remove(&key);
            }
            return None;
        }
        *count += 1;
        Some(Place { places: Arc::clone(self), key })
    }

    /// How many places of a key are taken.
    pub fn taken(&self, key: &K) -> usize {
        self.taken.lock().get(key).copied().unwrap_or(0)
    }

    /// How many there are for each key.
    pub fn most(&self) -> usize {
        self.most
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_each_key_and_come_back() {
        let places = Places::new(2);
        let first = places.enter('a').unwrap();
        let _second = places.enter('a').unwrap();
        assert!(places.enter('a').is_none());
        let other = places.enter('b').unwrap();
        drop((first, other));
        assert_eq!((places.taken(&'a'), places.taken(&'b')), (1, 0));
        assert!(places.enter('a').is_some());
        assert!(Places::new(0).enter('a').is_none());
        assert_eq!(places.taken.lock().len(), 1, "who is gone takes no memory");
    }
}
