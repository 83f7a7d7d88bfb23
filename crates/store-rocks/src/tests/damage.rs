use std::path::{Path, PathBuf};

use sigillo_store::{Batch, Durability, KeyBuilder, Store, body, conformance, skim, tag, transact};

use super::small;
use crate::RocksStore;

/// Flips a bit in the middle of these bytes, in the one file of this kind that holds them.
pub(super) fn flip(store: &Path, kind: &str, bytes: &[u8]) -> PathBuf {
    for file in std::fs::read_dir(store).unwrap().map(|e| e.unwrap().path()) {
        if file.extension().is_none_or(|e| e != kind) {
            continue;
        }
        let mut content = std::fs::read(&file).unwrap();
        if let Some(at) = content.windows(bytes.len()).position(|w| w == bytes) {
            content[at + bytes.len() / 2] ^= 0x10;
            std::fs::write(&file, content).unwrap();
            return file;
        }
    }
    panic!("no {kind} file holds these bytes");
}

fn noise(n: u64) -> Vec<u8> {
    (0..3000u64).flat_map(|i| *body::BodyId::of(&[n.to_be_bytes(), i.to_be_bytes()].concat()).as_bytes()).collect()
}

#[test]
fn a_flipped_bit_in_a_table_hides_its_block_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    conformance::survives_damage(RocksStore::open(&path, &small()).unwrap(), |store, key| {
        let value = store.get(key).unwrap().unwrap();
        store.compact().unwrap();
        drop(store);
        let file = flip(&path, "sst", &value[..64]);
        let store = RocksStore::open(&path, &small()).unwrap();
        let (from, to) = KeyBuilder::new(tag::TEST).range();
        let page = skim(&store, &from, &to, 1000).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(page.gaps.len() == 1 && page.gaps[0].what.contains(name), "{name}: {:?}", page.gaps);
        store
    });
}

#[test]
fn a_flipped_bit_in_a_blob_hides_its_chunk_and_names_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let store = RocksStore::open(&path, &small()).unwrap();
    let ids: Vec<_> = (0..5)
        .map(|n| {
            transact(&store, 9, |tx| {
                let id = body::put(&store, tx, &noise(n))?;
                body::link(tx, id, [tag::TEST])?;
                Ok::<_, sigillo_store::Error>(id)
            })
            .unwrap()
        })
        .collect();
    store.flush().unwrap();
    drop(store);
    let file = flip(&path, "blob", &noise(2)[40_000..40_064]);
    let store = RocksStore::open(&path, &small()).unwrap();
    let (from, to) = KeyBuilder::new(tag::BODY_CHUNK).range();
    let page = skim(&store, &from, &to, 1000).unwrap();
    assert_eq!((page.rows.len(), page.gaps.len()), (9, 1), "two chunks each, and one is damaged: {:?}", page.gaps);
    let key = KeyBuilder::new(tag::BODY_CHUNK).raw(ids[2].0).u32(0).done();
    let gap = &page.gaps[0];
    assert!(gap.from <= key && gap.to == sigillo_store::key::successor(&key), "{gap:?}");
    assert!(store.files_of(&key).unwrap().contains(&file), "{:?}", store.files_of(&key));
    assert_eq!(
        store.files_of(&KeyBuilder::new(tag::BODY_CHUNK).raw([0; 32]).u32(0).done()).unwrap(),
        Vec::<PathBuf>::new()
    );
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(body::verify(&store, *id).is_ok(), n != 2, "body {n}");
    }
    let mut batch = Batch::new();
    batch.put([tag::TEST, 1], b"the rest goes on");
    store.commit(&batch, Durability::Synced).unwrap();
}
