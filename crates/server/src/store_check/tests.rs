use std::path::Path;

use sigillo_store::{Batch, Durability, KeyBuilder, Store, Transaction, body};

use super::*;

fn noise(n: u64, len: u64) -> Vec<u8> {
    let hash = |i: u64| *sigillo_store::BodyId::of(&[n.to_be_bytes(), i.to_be_bytes()].concat()).as_bytes();
    (0..len / 32).flat_map(hash).collect()
}

/// Flips a bit in the middle of these bytes, in the one file of this kind that holds them.
fn flip(store: &Path, kind: &str, bytes: &[u8]) -> String {
    for file in std::fs::read_dir(store).unwrap().map(|e| e.unwrap().path()) {
        let mut content = std::fs::read(&file).unwrap_or_default();
        let at = content.windows(bytes.len()).position(|w| w == bytes);
        if let Some(at) = at.filter(|_| file.extension().is_some_and(|e| e == kind)) {
            content[at + bytes.len() / 2] ^= 0x10;
            std::fs::write(&file, content).unwrap();
            return file.display().to_string();
        }
    }
    panic!("no {kind} file holds these bytes");
}

/// A store with rows of an unknown meaning and three bodies.
fn filled(path: &Path) -> RocksStore {
    let store = RocksStore::open(path, &Options::default()).unwrap();
    let mut batch = Batch::new();
    (0..100).for_each(|n| batch.put(KeyBuilder::new(tag::TEST).u64(n), noise(n, 960)));
    store.commit(&batch, Durability::Synced).unwrap();
    for n in 0..3 {
        let mut tx = Transaction::new(&store);
        body::put(&store, &mut tx, &noise(n, 96_000)).unwrap();
        tx.commit().unwrap();
    }
    store.compact().unwrap();
    store
}

#[test]
fn a_flipped_bit_in_a_table_is_told_with_its_file_and_the_rest_moves_to_a_new_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(filled(&path));
    let file = flip(&path, "sst", &noise(50, 960)[..64]);
    let now = Timestamp::from_millis(1_773_306_901_000);
    let planned = Still::open(dir.path()).unwrap().repair(false, now).unwrap();
    let damage = planned.left.iter().find(|f| f.problem == "unreadable").unwrap();
    assert!(
        damage.files.contains(&file) || damage.what.contains(Path::new(&file).file_name().unwrap().to_str().unwrap()),
        "{damage:?}"
    );
    assert!(planned.damaged.is_none() && !planned.written, "only looked at");
    let done = Still::open(dir.path()).unwrap().repair(true, now).unwrap();
    let kept = done.damaged.unwrap();
    assert!(Path::new(&kept).join("CURRENT").exists(), "the damaged store is kept");
    let store = RocksStore::open(&path, &Options::default()).unwrap();
    let (from, to) = KeyBuilder::new(tag::TEST).range();
    let rows = store.scan(&from, &to, 1000).unwrap();
    assert!((80..100).contains(&rows.len()), "{} rows moved", rows.len());
    store.compact().unwrap();
    drop(store);
    let again = Still::open(dir.path()).unwrap().repair(true, now).unwrap();
    assert!(again.done.is_empty() && again.left.iter().all(|f| f.severity == "note"), "{again:?}");
}

#[test]
fn a_flipped_bit_in_a_blob_is_told_with_its_file_and_body() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(filled(&path));
    let file = flip(&path, "blob", &noise(1, 96_000)[40_000..40_064]);
    let still = Still::open(dir.path()).unwrap();
    let mut from = None;
    let mut found = Vec::new();
    loop {
        let page = page(&still.store, &api::CheckFrom { from, deep: true }).unwrap();
        found.extend(page.findings.into_iter().filter(|f| f.severity == "error"));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let [damage] = &found[..] else { panic!("{found:?}") };
    assert!(damage.files.contains(&file), "{damage:?}");
    assert!(damage.row.contains(&sigillo_store::BodyId::of(&noise(1, 96_000)).to_string()), "{damage:?}");
    let done = still.repair(true, Timestamp::from_millis(1)).unwrap();
    assert!(done.damaged.is_some());
    let store = RocksStore::open(&path, &Options::default()).unwrap();
    for n in [0, 2] {
        assert!(body::verify(&store, sigillo_store::BodyId::of(&noise(n, 96_000))).is_ok());
    }
    store.compact().unwrap();
}
