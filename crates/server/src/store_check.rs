//! The check and the repair of a store, for the administrative interface and for a store that lies still.

use std::path::{Path, PathBuf};

use anyhow::Context;
use data_encoding::HEXLOWER;
use sigillo_admin::{api, verbs};
use sigillo_base::{Complaint, Timestamp, said};
use sigillo_engine::check::{self, Check, Finding, Problem, Remedy, readable};
use sigillo_engine::migrate;
use sigillo_store::{salvage, tag};
use sigillo_store_rocks::{Options, RocksStore};

use crate::complaint::{self, Context as _};
use crate::legal_log::no_store;

/// Rows of a page.
const PAGE: usize = 2_000;

/// A page of a check.
///
/// # Errors
/// The store's fault; what is no place to begin at is `Invalid`.
pub fn page(store: &RocksStore, asked: &api::CheckFrom) -> Result<api::CheckPage, sigillo_engine::Error> {
    let bad = |_| sigillo_engine::Error::Invalid(said!("from: non è esadecimale", "from: not hexadecimal"));
    let from = asked.from.as_ref().map(|text| HEXLOWER.decode(text.as_bytes()).map_err(bad)).transpose()?;
    let page = Check::new(store, asked.deep).page(from.as_deref(), PAGE)?;
    let mut findings = Vec::with_capacity(page.findings.len());
    for finding in &page.findings {
        findings.push(shown(store, finding)?);
    }
    let percent = page.next.as_ref().map_or(100, |next| {
        let done = tag::ALL.iter().filter(|(t, _)| next.first().is_some_and(|at| t < at)).count();
        u8::try_from(done * 100 / tag::ALL.len()).unwrap_or(99)
    });
    let rows = page.rows.into_iter().map(|(tag, rows)| (name(&[tag]), rows)).collect();
    Ok(api::CheckPage { rows, findings, next: page.next.map(|key| HEXLOWER.encode(&key)), percent })
}

/// Only the formats of this release can be judged.
fn present(store: &RocksStore) -> anyhow::Result<()> {
    if let Some(from) = migrate::due(store)? {
        let path = store.path().parent().unwrap_or(store.path()).display();
        anyhow::bail!(Complaint(said!(
            "l'archivio ha i formati della versione {from}: prima `sigillo store migrate --store {path}`",
            "the store has the formats of version {from}: first `sigillo store migrate --store {path}`"
        )));
    }
    Ok(())
}

fn name(key: &[u8]) -> String {
    readable(key.get(..1).unwrap_or_default())
}

fn shown(store: &RocksStore, finding: &Finding) -> Result<api::Finding, sigillo_engine::Error> {
    let mut files = Vec::new();
    if finding.problem == Problem::Unreadable {
        // Of a body the damaged chunk; of a gap its beginning.
        let chunk = finding.about.as_ref().filter(|about| about.first() == Some(&tag::BODY_CHUNK));
        files = store.files_of(chunk.unwrap_or(&finding.key))?;
    }
    Ok(api::Finding {
        severity: finding.severity().as_str().to_owned(),
        problem: finding.problem.as_str().to_owned(),
        tag: name(&finding.key),
        key: HEXLOWER.encode(&finding.key),
        row: readable(&finding.key),
        about: finding.about.as_ref().map(|key| HEXLOWER.encode(key)),
        what: finding.what.clone(),
        remedy: finding.remedy.as_str().to_owned(),
        files: files.iter().map(|path| path.display().to_string()).collect(),
    })
}

/// The store of a provider that does not run.
pub struct Still {
    store: RocksStore,
    path: PathBuf,
}

impl Still {
    /// Opens the store in a provider's folder, or in the one that holds the database itself.
    ///
    /// # Errors
    /// It is not there, in use, or too damaged to be opened.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let inside = folder.join("db");
        let path = if inside.is_dir() { inside } else { folder.to_owned() };
        anyhow::ensure!(path.join("CURRENT").exists(), Complaint(no_store(&path)));
        let store = RocksStore::open(&path, &Options::default());
        let store = store.told(|| said!("archivio {}", "store {}", path.display()))?;
        Ok(Self { store, path })
    }

    /// The store itself.
    pub fn store(&self) -> &RocksStore {
        &self.store
    }

    /// Puts right what can be, or with `write` false only says what. When something on the disk cannot be read, every
    /// row that can be goes into a new store first, which takes the place of the damaged one; that one is kept beside.
    ///
    /// # Errors
    /// The store's fault, or a folder's.
    pub fn repair(self, write: bool, now: Timestamp) -> anyhow::Result<api::Repair> {
        present(&self.store)?;
        let mut found = Vec::new();
        Check::new(&self.store, true).run(|page| found.extend(page.findings))?;
        let mut repair = api::Repair { written: write, ..api::Repair::default() };
        // Whatever cannot be read is told of the store as it was: a new one no longer knows the files.
        let (unreadable, others): (Vec<_>, Vec<_>) = found.iter().partition(|f| f.problem == Problem::Unreadable);
        for finding in &unreadable {
            repair.left.push(shown(&self.store, finding)?);
        }
        if !write {
            for finding in others {
                let right = matches!(finding.remedy, Remedy::Rebuild(_) | Remedy::SetAside);
                let list = if right { &mut repair.done } else { &mut repair.left };
                list.push(shown(&self.store, finding)?);
            }
            return Ok(repair);
        }
        let store = if unreadable.is_empty() { self.store } else { self.leave(now, &mut repair)? };
        let repaired = check::Repair::new(&store, now).run()?;
        for finding in &repaired.done {
            repair.done.push(shown(&store, finding)?);
        }
        for finding in &repaired.left {
            repair.left.push(shown(&store, finding)?);
        }
        Ok(repair)
    }

    /// Leaves a damaged store for a new one at its place.
    fn leave(self, now: Timestamp, repair: &mut api::Repair) -> anyhow::Result<RocksStore> {
        let beside = |what: &str| {
            let mut path = self.path.clone().into_os_string();
            path.push(format!(".{what}-{}", now.as_millis()));
            PathBuf::from(path)
        };
        let (new, damaged) = (beside("nuovo"), beside("danneggiato"));
        let store = RocksStore::open(&new, &Options::default())?;
        let gaps = salvage(&self.store, &store)?;
        tracing::warn!(gaps = gaps.len(), damaged = %damaged.display(), "damaged store left for a new one");
        store.flush()?;
        drop((self.store, store));
        std::fs::rename(&self.path, &damaged).with_context(|| damaged.display().to_string())?;
        std::fs::rename(&new, &self.path).with_context(|| self.path.display().to_string())?;
        if let Some(parent) = self.path.parent() {
            std::fs::File::open(parent)?.sync_all()?;
        }
        repair.damaged = Some(damaged.display().to_string());
        Ok(RocksStore::open(&self.path, &Options::default())?)
    }
}

impl verbs::store_check::Source for Still {
    async fn page(&mut self, from: Option<&str>, deep: bool) -> Result<api::CheckPage, verbs::Error> {
        let asked = api::CheckFrom { from: from.map(str::to_owned), deep };
        let refused = |e: anyhow::Error| verbs::Error::Refused(complaint::of(&e));
        present(&self.store).map_err(refused)?;
        page(&self.store, &asked).map_err(|e| refused(e.into()))
    }
}

#[cfg(test)]
mod tests;
