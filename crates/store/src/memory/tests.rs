use super::*;
use crate::Durability::{Later, Synced};

fn put(key: u8) -> Batch {
    let mut batch = Batch::new();
    batch.put([1, key], [key]);
    batch
}

fn keys(store: &MemoryStore) -> Vec<u8> {
    store.rows().into_iter().map(|(k, _)| k[1]).collect()
}

#[test]
fn the_suite_of_every_engine() {
    crate::conformance::run(MemoryStore::new);
    crate::conformance::survives(MemoryStore::new(), |store| {
        store.power_cut();
        store
    });
}

#[test]
fn a_power_cut_forgets_what_no_synced_commit_followed() {
    let store = MemoryStore::new();
    store.commit(&put(1), Later).unwrap();
    store.commit(&put(2), Synced).unwrap();
    store.commit(&put(3), Later).unwrap();
    let mut removal = Batch::new();
    removal.delete([1, 1]);
    removal.put([1, 2], b"other");
    store.commit(&removal, Later).unwrap();
    assert_eq!(keys(&store), [2, 3]);
    let partly = store.fork();
    store.power_cut();
    assert_eq!(keys(&store), [1, 2]);
    assert_eq!(store.get(&[1, 2]).unwrap().unwrap(), [2]);
    assert_eq!(store.bytes(), 6);
    assert_eq!(keys(&partly), [2, 3], "a fork is another store");
    store.commit(&put(3), Later).unwrap();
    store.commit(&put(4), Later).unwrap();
    store.power_cut_keeping(1);
    assert_eq!(keys(&store), [1, 2, 3]);
}

#[test]
fn commits_fail_by_plan() {
    let store = MemoryStore::new();
    store.plan(Plan::new().fail_commit(2, Fault::Refused).fail_commit(3, Fault::Lost));
    store.commit(&put(1), Synced).unwrap();
    assert!(matches!(store.commit(&put(2), Synced), Err(Error::Temporary(_))));
    assert!(matches!(store.commit(&put(3), Synced), Err(Error::Temporary(_))));
    store.commit(&put(4), Synced).unwrap();
    assert_eq!(keys(&store), [1, 3, 4]);
    store.plan(Plan::new().fail_call(2));
    assert!(store.get(&[1, 1]).is_ok());
    assert!(matches!(store.scan(&[1], &[2], 1), Err(Error::Temporary(_))));
    assert!(store.get(&[1, 1]).is_ok());
}

#[test]
fn a_crash_stays_until_the_restart() {
    for (fault, left) in [(Fault::CrashBefore, &[1u8][..]), (Fault::CrashAfter, &[1, 2])] {
        let store = MemoryStore::new();
        store.plan(Plan::new().fail_commit(2, fault));
        store.commit(&put(1), Synced).unwrap();
        assert!(store.commit(&put(2), Synced).is_err());
        assert!(store.is_down() && store.get(&[1, 1]).is_err() && store.commit(&put(3), Synced).is_err());
        store.restart();
        assert_eq!(keys(&store), left);
        assert!(store.get(&[1, 1]).is_ok());
    }
}

#[test]
fn a_full_disk_refuses_growth_and_takes_removals() {
    let store = MemoryStore::new();
    store.plan(Plan::new().capacity(6));
    store.commit(&put(1), Synced).unwrap();
    store.commit(&put(2), Synced).unwrap();
    assert!(matches!(store.commit(&put(3), Synced), Err(Error::Temporary(_))));
    store.commit(&put(2), Synced).unwrap();
    store.plan(Plan::new().capacity(1));
    let mut removal = Batch::new();
    removal.delete([1, 1]);
    store.commit(&removal, Synced).unwrap();
    assert_eq!(keys(&store), [2]);
}

#[test]
fn the_hook_sees_each_commit_and_may_use_the_store() {
    let store = MemoryStore::new();
    let handle = store.clone();
    store.plan(Plan::new().hook(move |commit| {
        let writes = commit.batch.writes().count();
        assert!(handle.get(&[1, 1]).is_ok());
        (commit.number == 2 && writes == 1 && commit.durability == Synced).then_some(Fault::Refused)
    }));
    store.commit(&put(1), Synced).unwrap();
    assert!(store.commit(&put(2), Synced).is_err());
    assert_eq!(keys(&store), [1]);
}

#[test]
fn a_damaged_row_hides_no_other() {
    crate::conformance::survives_damage(MemoryStore::new(), |store, key| {
        store.damage(key);
        store
    });
}
