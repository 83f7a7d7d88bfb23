//! Backups, compaction and figures of a store, for the administrative interface and for a store that lies still.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sigillo_admin::api;
use sigillo_base::{Complaint, Timestamp, said};
use sigillo_engine::check::{Check, Severity};
use sigillo_engine::migrate::{self, Migrated};
use sigillo_store::schema;
use sigillo_store_rocks::backup::{self, Backup, Order, Progress};
use sigillo_store_rocks::{Family, Health, Options, RocksStore};

use crate::files;

/// Makes a backup.
///
/// # Errors
/// Why there is none.
pub fn backup(
    store: &RocksStore,
    order: &api::BackupOrder,
    reserve_bytes: u64,
    now: Timestamp,
    progress: Progress<'_>,
) -> anyhow::Result<api::Backup> {
    let dir = order.dir.display();
    anyhow::ensure!(
        order.dir.is_absolute(),
        Complaint(said!("{dir}: serve un percorso assoluto", "{dir}: an absolute path is needed"))
    );
    let order = Order { dir: &order.dir, time: &now.to_string(), keep: order.keep, reserve_bytes };
    Ok(shown(backup::make(store, &order, progress)?))
}

/// Brings a backup back as the store of a provider that does not run; the newest one without a `number`. Mail clients
/// read its folders anew.
///
/// # Errors
/// Why nothing was brought back.
pub fn restore(
    dir: &Path,
    number: Option<u64>,
    store: &Path,
    now: Timestamp,
    progress: Progress<'_>,
) -> anyhow::Result<api::Backup> {
    files::folder(store).with_context(|| store.display().to_string())?;
    // A service that begins meanwhile would make a new store.
    let _lock = files::lock(store).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => anyhow::Error::new(Complaint(said!(
            "{}: un gestore è in servizio su questa cartella",
            "{}: a provider is in service in this folder",
            store.display()
        ))),
        _ => anyhow::Error::new(error).context(store.display().to_string()),
    })?;
    let ready = |store: &RocksStore| {
        let renumbered = migrate::run(store, |_| ()).and_then(|_| sigillo_engine::renumber_folders(store, now));
        renumbered.map_err(|error| match error {
            sigillo_engine::Error::Store(fault) => fault,
            other => sigillo_store::Error::Temporary(other.to_string()),
        })
    };
    Ok(shown(backup::restore(dir, number, &store.join("db"), ready, progress)?))
}

fn shown(backup: Backup) -> api::Backup {
    let Backup { number, path, time, files, bytes, copied_bytes, removed, .. } = backup;
    api::Backup { number, path: path.display().to_string(), time, files, bytes, copied_bytes, removed }
}

/// Brings a store to the formats of this release; with `write` false a copy of it, which is checked and then removed.
///
/// # Errors
/// The store's fault: the next migration goes on.
pub fn migrate(store: &RocksStore, write: bool, now: Timestamp) -> anyhow::Result<api::Migration> {
    let shown = |migrated: Migrated, errors| api::Migration {
        from: migrated.from,
        to: schema::VERSION,
        rows: migrated.rows,
        damaged: migrated.damaged,
        errors,
        written: write,
    };
    if write {
        return Ok(shown(migrate::run(store, |_| ())?, None));
    }
    let mut name = store.path().as_os_str().to_owned();
    name.push(format!(".prova-{}", now.as_millis()));
    let copy = PathBuf::from(name);
    store.checkpoint(&copy)?;
    let tried = try_out(&copy);
    std::fs::remove_dir_all(&copy).with_context(|| copy.display().to_string())?;
    let (migrated, errors) = tried?;
    Ok(shown(migrated, Some(errors)))
}

/// Migrates a copy, and checks it.
fn try_out(copy: &Path) -> anyhow::Result<(Migrated, usize)> {
    let copy = RocksStore::open(copy, &Options::default())?;
    let migrated = migrate::run(&copy, |_| ())?;
    let mut errors = 0;
    Check::new(&copy, false).run(|page| {
        errors += page.findings.iter().filter(|found| found.severity() == Severity::Error).count();
    })?;
    Ok((migrated, errors))
}

/// Compacts the store, if its disk has room for what is written anew before the old goes. How far it is cannot be told.
///
/// # Errors
/// The disk's fault, or its lack of room.
pub fn compact(store: &RocksStore, reserve_bytes: u64, progress: Progress<'_>) -> anyhow::Result<api::Compacted> {
    let before = store.stats()?;
    let needed = before.families.iter().map(|family| family.live_bytes).max().unwrap_or_default();
    let free = store.health().free_bytes;
    anyhow::ensure!(
        free >= needed.saturating_add(reserve_bytes),
        Complaint(said!(
            "{}: per compattare servono {needed} byte oltre alla riserva di {reserve_bytes}, e ne sono liberi {free}",
            "{}: compacting needs {needed} bytes beyond the reserve of {reserve_bytes}, and {free} are free",
            store.path().display()
        ))
    );
    anyhow::ensure!(
        progress(0, 1) == ControlFlow::Continue(()),
        Complaint(said!("interrotto prima di cominciare", "broken off before it began"))
    );
    store.compact()?;
    Ok(api::Compacted { before_bytes: before.disk_bytes, after_bytes: store.stats()?.disk_bytes })
}

/// The store in figures.
///
/// # Errors
/// The store's fault.
pub fn stats(store: &RocksStore) -> Result<api::StoreStats, sigillo_engine::Error> {
    let (messages, message_bytes) = sigillo_engine::held(store)?;
    let stats = store.stats()?;
    let sum = |of: fn(&Family) -> u64| stats.families.iter().map(of).sum::<u64>();
    let (live_bytes, garbage_bytes) = (sum(|f| f.live_bytes), sum(|f| f.garbage_bytes));
    let disk_bytes = stats.disk_bytes;
    Ok(api::StoreStats {
        path: store.path().display().to_string(),
        messages,
        message_bytes,
        disk_bytes,
        live_bytes,
        garbage_bytes,
        log_bytes: stats.log_bytes,
        amplification: (live_bytes > 0).then(|| disk_bytes as f64 / live_bytes as f64),
        bytes_per_message: disk_bytes.checked_div(messages),
        families: stats.families.into_iter().map(family).collect(),
        health: health(&store.health()),
    })
}

fn family(family: Family) -> api::Family {
    let Family { name, tables, table_bytes, blobs, blob_bytes, garbage_bytes, live_bytes, keys } = family;
    api::Family { name: name.to_owned(), tables, table_bytes, blobs, blob_bytes, garbage_bytes, live_bytes, keys }
}

fn health(health: &Health) -> api::StoreHealth {
    api::StoreHealth {
        background_errors: health.background_errors,
        failing: health.failing,
        refused_commits: health.refused_commits,
        write_stopped: health.write_stopped,
        delayed_write_rate: health.delayed_write_rate,
        pending_compaction_bytes: health.pending_compaction_bytes,
        buffer_bytes: health.buffer_bytes,
        cache_bytes: health.cache_bytes,
        cache_capacity_bytes: health.cache_capacity_bytes,
        free_bytes: health.free_bytes,
        free_inodes: Some(health.free_inodes).filter(|free| *free != u64::MAX),
    }
}
