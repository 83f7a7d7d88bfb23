//! A knob that does nothing is worse than none: what RocksDB itself wrote down as in force must be what we asked for.

use std::collections::BTreeMap;
use std::path::Path;

use sigillo_store::{Durability::Synced, tag};

use super::{put, small, store};
use crate::{Memory, Options, RocksStore};

/// The newest OPTIONS file, as section → name → value.
fn in_force(path: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let files = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
    let newest = files.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("OPTIONS-")).max().unwrap();
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut section = String::new();
    for line in std::fs::read_to_string(newest).unwrap().lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((name, value)) = line.split_once('=') {
            sections.entry(section.clone()).or_default().insert(name.to_owned(), value.to_owned());
        }
    }
    sections
}

#[test]
fn the_options_in_force_are_the_ones_asked_for() {
    let (_dir, store) = store();
    let all = in_force(store.path());
    let expect = |section: &str, wanted: &[(&str, &str)]| {
        for (name, value) in wanted {
            assert_eq!(all[section].get(*name).map(String::as_str), Some(*value), "{section}: {name}");
        }
    };
    expect(
        "DBOptions",
        &[
            ("paranoid_checks", "true"),
            ("wal_recovery_mode", "kTolerateCorruptedTailRecords"),
            ("track_and_verify_wals_in_manifest", "true"),
            ("use_fsync", "false"),
            ("manual_wal_flush", "false"),
            ("enable_pipelined_write", "false"),
            ("unordered_write", "false"),
            ("enable_write_thread_adaptive_yield", "false"),
            ("max_total_wal_size", "67108864"),
            ("max_open_files", "1000"),
            ("max_background_jobs", "2"),
            ("keep_log_file_num", "10"),
            ("bytes_per_sync", "1048576"),
        ],
    );
    expect(
        "CFOptions \"bodies\"",
        &[
            ("enable_blob_files", "true"),
            ("min_blob_size", "4096"),
            ("blob_file_size", "268435456"),
            ("blob_compression_type", "kLZ4Compression"),
            ("enable_blob_garbage_collection", "true"),
            ("blob_garbage_collection_age_cutoff", "0.000000"),
            ("blob_garbage_collection_force_threshold", "0.250000"),
            ("write_buffer_size", "2097152"),
        ],
    );
    expect(
        "CFOptions \"rows\"",
        &[
            ("compression", "kLZ4Compression"),
            ("bottommost_compression", "kZSTD"),
            ("enable_blob_files", "false"),
            ("write_buffer_size", "2097152"),
            ("level_compaction_dynamic_level_bytes", "true"),
        ],
    );
    expect("CFOptions \"queue\"", &[("compression", "kNoCompression"), ("target_file_size_base", "16777216")]);
    for family in ["rows", "queue", "bodies"] {
        expect(
            &format!("TableOptions/BlockBasedTable \"{family}\""),
            &[("cache_index_and_filter_blocks", "true"), ("filter_policy", "bloomfilter")],
        );
    }
}

#[test]
fn the_memory_budget_is_one_and_is_kept() {
    let (_dir, store) = store();
    assert_eq!(store.health().cache_capacity_bytes, 16 << 20);
    let value: Vec<u8> = (0..60_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for n in 0..16u32 {
        put(&store, &[&[tag::RATE][..], &n.to_be_bytes()].concat(), &value, sigillo_store::Durability::Later);
    }
    let health = store.health();
    assert!(health.buffer_bytes > 900_000 && health.cache_bytes > 900_000, "buffers count in the cache: {health:?}");
    for n in 0..600u32 {
        put(&store, &[&[tag::BODY_CHUNK][..], &n.to_be_bytes()].concat(), &value, sigillo_store::Durability::Later);
        put(&store, &[&[tag::TEST][..], &n.to_be_bytes()].concat(), &value, sigillo_store::Durability::Later);
        let buffers = store.health().buffer_bytes;
        assert!(buffers < 24 << 20, "{buffers} bytes in buffers after {n} rows");
    }
    assert!(store.health().cache_bytes <= 17 << 20, "{:?}", store.health());
    assert_eq!(store.health().background_errors, 0);
    let path = store.path().to_owned();
    drop(store);
    let larger = RocksStore::open(path, &Options { memory: Memory::new(64 << 20), ..small() }).unwrap();
    assert_eq!(larger.health().cache_capacity_bytes, 64 << 20);
}

#[test]
fn each_kind_of_row_lies_in_its_family() {
    let (_dir, store) = store();
    for (n, tag) in [tag::META, tag::QUEUE_DUE, tag::BODY_CHUNK, tag::TEST].into_iter().enumerate() {
        put(&store, &[tag, n as u8], &[0; 5000], Synced);
    }
    let keys = |name: &str| {
        let family = store.named(name).unwrap();
        let rows = store.db.iterator_cf(family, rocksdb::IteratorMode::Start);
        rows.map(|row| row.unwrap().0[0]).collect::<Vec<u8>>()
    };
    assert_eq!(keys("default"), [0; 0]);
    assert_eq!(keys("rows"), [tag::META, tag::TEST]);
    assert_eq!(keys("queue"), [tag::QUEUE_DUE]);
    assert_eq!(keys("bodies"), [tag::BODY_CHUNK]);
    store.flush().unwrap();
    assert!(store.health().blob_bytes > 0, "a body's chunk lies in a blob file");
}
