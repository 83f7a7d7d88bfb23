//! Random batches against the simplest thing that can be right.

use std::collections::BTreeMap;

use crate::{Batch, Durability, Error, Store, tag};

/// Numbers that only look random: the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn key(&mut self) -> Vec<u8> {
        let tags = [tag::TEST, tag::TEST, tag::QUEUE_ITEM, tag::BODY_CHUNK];
        vec![tags[self.roll(4) as usize], self.roll(12) as u8, self.roll(3) as u8]
    }

    fn value(&mut self) -> Vec<u8> {
        let len = if self.roll(10) == 0 { 20_000 } else { self.roll(20) };
        vec![self.roll(256) as u8; len as usize]
    }
}

/// The engine and a map agree after every batch: on the verdict, on every key touched, on a scan.
pub(super) fn random_batches_do_as_the_model<S: Store>(store: &S, rounds: usize) {
    let mut dice = Dice(0x5196_1110);
    let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut verdicts = [0; 2];
    for round in 0..rounds {
        let mut batch = Batch::new();
        let mut holds = true;
        for _ in 0..dice.roll(3) {
            let key = dice.key();
            let really = model.get(&key).cloned();
            let expected = if dice.roll(8) == 0 { Some(dice.value()) } else { really.clone() };
            holds &= expected == really;
            batch.expect(&key, expected.as_deref());
        }
        for _ in 0..dice.roll(6) {
            let key = dice.key();
            if dice.roll(3) == 0 { batch.delete(&key) } else { batch.put(&key, dice.value()) }
        }
        let durability = if dice.roll(4) == 0 { Durability::Synced } else { Durability::Later };
        let wanted = if holds { Ok(()) } else { Err(Error::Conflict) };
        assert_eq!(store.commit(&batch, durability), wanted, "round {round}");
        verdicts[usize::from(holds)] += 1;
        if holds {
            for (key, value) in batch.writes() {
                match value {
                    Some(value) => model.insert(key.to_vec(), value.to_vec()),
                    None => model.remove(key),
                };
            }
        }
        for (key, _) in batch.writes() {
            assert_eq!(store.get(key).unwrap().as_ref(), model.get(key), "round {round}");
        }
        let (a, b, limit) = (dice.key(), dice.key(), dice.roll(20) as usize);
        if a[0] == b[0] {
            let wanted: Vec<_> =
                if a < b { model.range(a.clone()..b.clone()).take(limit).collect() } else { Vec::new() };
            let rows = store.scan(&a, &b, limit).unwrap();
            assert!(rows.iter().map(|(k, v)| (k, v)).eq(wanted), "round {round}: {a:?} to {b:?}");
        }
    }
    assert!(verdicts.iter().all(|n| *n > rounds / 50), "both verdicts were met: {verdicts:?}");
}
