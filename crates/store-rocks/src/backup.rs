//! Backups of a store that serves, and the way back.
//!
//! A folder of backups holds them as `1`, `2`, … Each is a whole store of its own with a [`manifest`]: tables and blob
//! files never change, so what the backup before it has already is linked from there, and only the rest is copied.
//! Everything is read back from where it lies before a backup gets its name; what has no name was interrupted.

mod manifest;
mod work;

use std::fmt;
use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rocksdb::DB;
use sigillo_base::{Said, Tell, said};

use crate::{Memory, Options, RocksStore, families, wal};
use manifest::{Entry, Manifest};
use work::{Work, at, folder, remove, sync, write};

/// The name of a manifest in its backup.
const MANIFEST: &str = "manifest";
/// Beside the store, while it is frozen for a backup.
const FROZEN: &str = "backup-in-progress";

/// Why there is no backup, or no way back.
#[derive(Debug)]
pub enum Error {
    /// A file or folder cannot be read or written.
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file of a backup is not what its manifest says.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A disk that does not give back what it was given.
    Unsound(PathBuf),
    /// There is no such backup in this folder.
    None(PathBuf),
    /// Nothing is written over.
    Occupied(PathBuf),
    /// A backup in the folder of the store itself would be lost with it.
    Inside(PathBuf),
    /// Backups of another store lie there.
    Foreign(PathBuf),
    /// One at a time, of a store and in a folder.
    Busy(PathBuf),
    /// It would not fit.
    Room {
        /// Where.
        path: PathBuf,
        /// What would be written, in bytes.
        needed: u64,
        /// What must stay free, in bytes.
        reserve: u64,
        /// What is free, in bytes.
        free: u64,
    },
    /// Whoever follows the progress asked for it.
    Stopped,
    /// The store's own fault.
    Store(sigillo_store::Error),
    /// The copy is no store.
    Open {
        /// Which copy.
        path: PathBuf,
        /// Why not.
        text: String,
    },
}

impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::File { path, source } => Said::verbatim(source).about(path.display()),
            Self::Damaged { path, what } => said!(
                "{}: {what}; questa copia non serve, prenderne un'altra (--number)",
                "{}: {what}; this backup is of no use, take another one (--number)",
                path.display()
            ),
            Self::Unsound(path) => said!(
                "{}: ciò che si legge non è ciò che è stato scritto; il disco non è sano",
                "{}: what is read is not what was written; the disk is not sound",
                path.display()
            ),
            Self::None(path) => said!("{}: qui non c'è nessuna copia", "{}: there is no backup here", path.display()),
            Self::Occupied(path) => said!(
                "{}: c'è già qualcosa; prima fermare il servizio e spostarlo",
                "{}: something is there already; stop the service and move it aside first",
                path.display()
            ),
            Self::Inside(path) => said!(
                "{}: è la cartella dell'archivio stesso; indicarne un'altra, meglio su un altro disco",
                "{}: this is the store's own folder; name another one, best on another disk",
                path.display()
            ),
            Self::Foreign(path) => said!(
                "{}: le copie qui sono di un altro archivio; indicare per ognuno la sua cartella",
                "{}: the backups here are of another store; name a folder of its own for each",
                path.display()
            ),
            Self::Busy(path) => {
                said!("{}: si sta già facendo una copia", "{}: a backup is being made already", path.display())
            }
            Self::Room { path, needed, reserve, free } => said!(
                "{}: sono da scrivere {needed} byte e {reserve} devono restare liberi, ma ne sono liberi solo {free}; \
                 fare posto, o indicare una cartella su un altro disco",
                "{}: {needed} bytes are to be written and {reserve} must stay free, but only {free} are free; \
                 make room, or name a folder on another disk",
                path.display()
            ),
            Self::Stopped => {
                said!("fermato prima della fine; niente è cambiato", "stopped before its end; nothing has changed")
            }
            Self::Store(fault) => Said::verbatim(fault),
            Self::Open { path, text } => {
                said!("{}: la copia non si apre: {text}", "{}: the copy does not open: {text}", path.display())
            }
        }
    }
}

/// In English, as all that the logs have of the store.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said().en)
    }
}

impl std::error::Error for Error {}

impl From<sigillo_store::Error> for Error {
    fn from(fault: sigillo_store::Error) -> Self {
        Self::Store(fault)
    }
}

/// What is wanted of a backup.
#[derive(Debug, Clone, Copy)]
pub struct Order<'o> {
    /// The folder of backups; made when it is not there.
    pub dir: &'o Path,
    /// What the manifest says of when it was made: one line.
    pub time: &'o str,
    /// How many backups stay once this one is made, the newest ones; `None`: all.
    pub keep: Option<NonZeroUsize>,
    /// Bytes that must stay free on the disk of that folder.
    pub reserve_bytes: u64,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its number in its folder.
    pub number: u64,
    /// Where it lies, or where it was restored to.
    pub path: PathBuf,
    /// When it was made, as [`Order::time`] said.
    pub time: String,
    /// The number of the last write in it.
    pub sequence: u64,
    /// Its files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that were copied; the rest was there already.
    pub copied_bytes: u64,
    /// Older backups that were removed for this one.
    pub removed: Vec<u64>,
}

/// Is told how many bytes of how many are done, and may stop it.
pub type Progress<'p> = &'p mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Makes the next backup. Everything committed before the call is in it, whatever its durability.
///
/// # Errors
/// What failed; no backup that was there has changed.
pub fn make(store: &RocksStore, order: &Order<'_>, progress: Progress<'_>) -> Result<Backup, Error> {
    let Order { dir, keep, .. } = *order;
    let _turn = store.backing_up.try_lock().ok_or_else(|| Error::Busy(store.path().to_owned()))?;
    folder(dir)?;
    let own = own(store.path())?;
    if dir.canonicalize().map_err(at(dir))?.starts_with(&own) {
        return Err(Error::Inside(dir.to_owned()));
    }
    let _lock = lock(dir)?;
    clear(dir)?;
    let last = numbers(dir)?.last().copied();
    // A backup whose manifest cannot be read has nothing to give.
    let before = last.map(|last| dir.join(last.to_string())).and_then(|b| Some((read_manifest(&b).ok()?, b)));
    let name = identity(store)?;
    if before.as_ref().is_some_and(|(manifest, _)| manifest.store != name) {
        return Err(Error::Foreign(dir.to_owned()));
    }
    let number = last.map_or(1, |last| last + 1);
    let (part, path) = (dir.join(format!("{number}.part")), dir.join(number.to_string()));
    let frozen = beside(&own, FROZEN);
    remove(&frozen)?;
    // Flushes every buffer first, so that commits without a sync are in it as well; then links, beside the store.
    let made = store.checkpoint(&frozen).map_err(Error::from).and_then(|()| {
        let (manifest, copied) = copy(&frozen, before.as_ref(), &part, name, order, &mut resting(progress))?;
        fs::rename(&part, &path).map_err(at(&part))?;
        sync(dir)?;
        Ok((manifest, copied))
    });
    discard(&frozen);
    let (manifest, copied) = made.inspect_err(|_| discard(&part))?;
    let removed = keep.map_or(Ok(Vec::new()), |keep| retain(dir, keep))?;
    Ok(manifest.backup(number, path, copied, removed))
}

/// Brings a backup in `dir` back (the newest one without a `number`): as the store `to`, which is an empty folder or not
/// there. Every file is proven, before and after; then `ready` makes of it what is to be there.
///
/// # Errors
/// What failed; then nothing is at `to`.
pub fn restore(
    dir: &Path,
    number: Option<u64>,
    to: &Path,
    ready: impl FnOnce(&RocksStore) -> Result<(), sigillo_store::Error>,
    progress: Progress<'_>,
) -> Result<Backup, Error> {
    let there = numbers(dir)?;
    let number = number.or(there.last().copied()).ok_or_else(|| Error::None(dir.to_owned()))?;
    let from = dir.join(number.to_string());
    if !there.contains(&number) {
        return Err(Error::None(from));
    }
    let manifest = read_manifest(&from)?;
    match fs::read_dir(to).map(|mut entries| entries.next()) {
        Ok(None) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Ok(Some(_)) => return Err(Error::Occupied(to.to_owned())),
        Err(e) => return Err(at(to)(e)),
    }
    let part = beside(to, "restore-in-progress");
    remove(&part)?;
    folder(&part)?;
    let bytes = manifest.bytes();
    let mut work = Work::new(2 * bytes, progress);
    let restored = room(&part, bytes, 0).and_then(|()| bring_back(&manifest, &from, &part, &mut work));
    restored.and_then(|()| prepare(&part, ready)).inspect_err(|_| discard(&part))?;
    // Over an empty folder, never over anything else.
    fs::rename(&part, to).map_err(at(to)).inspect_err(|_| discard(&part))?;
    sync(parent(to))?;
    Ok(manifest.backup(number, to.to_owned(), bytes, Vec::new()))
}

/// The newest backup of a folder by its manifest; `None` where there is none. Its files are not read.
///
/// # Errors
/// The folder cannot be read, or the manifest is not whole.
pub fn newest(dir: &Path) -> Result<Option<Backup>, Error> {
    let Some(number) = numbers(dir)?.last().copied() else { return Ok(None) };
    let path = dir.join(number.to_string());
    Ok(Some(read_manifest(&path)?.backup(number, path, 0, Vec::new())))
}

/// Removes what a backup left beside a store whose process was killed: it keeps room that was given back.
pub(crate) fn tidy(store: &Path) {
    match own(store) {
        // RocksDB's own beginning of it, and it.
        Ok(own) => [format!("{FROZEN}.tmp"), FROZEN.to_owned()].iter().for_each(|what| discard(&beside(&own, what))),
        Err(error) => tracing::warn!(%error, "what an interrupted backup left was not looked for"),
    }
}

/// After each portion leaves disk and processor to the mail for as long as it took.
fn resting(progress: Progress<'_>) -> impl FnMut(u64, u64) -> ControlFlow<()> {
    let mut begun = Instant::now();
    move |done, total| {
        std::thread::sleep(begun.elapsed());
        let going_on = progress(done, total);
        begun = Instant::now();
        going_on
    }
}

/// A file that is to be in the backup, and what the backup before it knows of it.
struct Source {
    name: String,
    found: Metadata,
    known: Option<blake3::Hash>,
}

impl Source {
    fn modified(&self) -> i128 {
        i128::from(self.found.mtime()) * 1_000_000_000 + i128::from(self.found.mtime_nsec())
    }
}

fn copy(
    frozen: &Path,
    before: Option<&(Manifest, PathBuf)>,
    part: &Path,
    store: String,
    order: &Order<'_>,
    progress: Progress<'_>,
) -> Result<(Manifest, u64), Error> {
    folder(part)?;
    let sources = sources(frozen, before.map(|(manifest, _)| manifest))?;
    let sum = |new: bool| sources.iter().filter(|s| s.known.is_none() == new).map(|s| s.found.len()).sum::<u64>();
    room(part, sum(true), order.reserve_bytes)?;
    let mut work = Work::new(2 * sum(true) + sum(false), progress);
    let (mut entries, mut copied) = (Vec::with_capacity(sources.len()), 0);
    for source in sources {
        let (target, len) = (part.join(&source.name), source.found.len());
        let linked = match (source.known, before) {
            (Some(digest), Some((_, path))) => link(&path.join(&source.name), digest, &target, &mut work)?,
            _ => None,
        };
        let digest = match linked {
            Some(digest) => digest,
            None => {
                copied += len;
                work.copy(&frozen.join(&source.name), &target)?
            }
        };
        entries.push(Entry { modified: source.modified(), name: source.name, len, digest });
    }
    let sequence = opens(part)?;
    let manifest = Manifest { store, time: order.time.to_owned(), sequence, entries };
    write(&part.join(MANIFEST), manifest.to_string().as_bytes())?;
    sync(part)?;
    Ok((manifest, copied))
}

fn sources(frozen: &Path, before: Option<&Manifest>) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(frozen).map_err(at(frozen))? {
        let entry = entry.map_err(at(frozen))?;
        let (name, found) = (entry.file_name().to_string_lossy().into_owned(), entry.metadata());
        let mut source = Source { name, found: found.map_err(at(&entry.path()))?, known: None };
        let known = before.and_then(|m| m.immutable(&source.name, source.found.len(), source.modified()));
        source.known = known.map(|entry| entry.digest);
        sources.push(source);
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

/// Links a file of the backup before, if it is still what it was and the file system can.
fn link(old: &Path, digest: blake3::Hash, target: &Path, work: &mut Work<'_>) -> Result<Option<blake3::Hash>, Error> {
    let linked = match work.digest(old) {
        Ok(found) if found == digest => fs::hard_link(old, target).map_err(at(target)),
        Ok(_) => Err(Error::Damaged { path: old.to_owned(), what: "its checksum is another" }),
        Err(Error::Stopped) => return Err(Error::Stopped),
        Err(error) => Err(error),
    };
    if let Err(error) = linked {
        tracing::warn!(%error, "a file that the backup before has is copied anew");
        work.more(2 * fs::metadata(old).map_or(0, |found| found.len()));
        return Ok(None);
    }
    Ok(Some(digest))
}

fn bring_back(manifest: &Manifest, from: &Path, part: &Path, work: &mut Work<'_>) -> Result<(), Error> {
    for entry in &manifest.entries {
        let source = from.join(&entry.name);
        if work.copy(&source, &part.join(&entry.name))? != entry.digest {
            return Err(Error::Damaged { path: source, what: "its checksum is another" });
        }
    }
    opens(part)?;
    sync(part)
}

/// Opens what was brought back, for good.
fn prepare(part: &Path, ready: impl FnOnce(&RocksStore) -> Result<(), sigillo_store::Error>) -> Result<(), Error> {
    let failed = |e: crate::Error| Error::Open { path: part.to_owned(), text: e.to_string() };
    let store = RocksStore::open(part, &Options::default()).map_err(failed)?;
    ready(&store)?;
    store.flush()?;
    drop(store);
    sync(part)
}

/// Opens a copy without writing to it, so that RocksDB finds every file it needs; gives the number of its last write.
fn opens(copy: &Path) -> Result<u64, Error> {
    let failed = |text| Error::Open { path: copy.to_owned(), text };
    wal::check(copy).map_err(|e| failed(e.to_string()))?;
    let options = Options { memory: Memory::new(0), ..Options::default() };
    let database = families::database(&options, false);
    let open = || {
        let db = DB::open_cf_descriptors_read_only(&database, copy, families::descriptors(&options), false)?;
        Ok::<_, rocksdb::Error>(db.latest_sequence_number())
    };
    open().map_err(|e| failed(e.to_string()))
}

fn identity(store: &RocksStore) -> Result<String, Error> {
    let name = store.db.get_db_identity().map_err(|e| crate::error::fault(&e))?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// Whether so many bytes fit, with the reserve left free.
fn room(dir: &Path, needed: u64, reserve: u64) -> Result<(), Error> {
    let disk = rustix::fs::statvfs(dir).map_err(|e| at(dir)(e.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if needed.saturating_add(reserve) > free {
        return Err(Error::Room { path: dir.to_owned(), needed, reserve, free });
    }
    Ok(())
}

fn read_manifest(backup: &Path) -> Result<Manifest, Error> {
    let path = backup.join(MANIFEST);
    let bytes = fs::read(&path).map_err(at(&path))?;
    let manifest = std::str::from_utf8(&bytes).ok().and_then(Manifest::parse);
    manifest.ok_or(Error::Damaged { path, what: "this is no whole manifest" })
}

/// Takes a folder of backups for this process, until the file is closed.
fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(Error::File { path, source }),
    }
}

/// The numbers of the backups in a folder, ascending.
fn numbers(dir: &Path) -> Result<Vec<u64>, Error> {
    let mut numbers = named(dir, |name| name.parse().ok().filter(|number: &u64| number.to_string() == name))?;
    numbers.sort_unstable();
    Ok(numbers)
}

/// Removes what was interrupted.
fn clear(dir: &Path) -> Result<(), Error> {
    let part = |name: &str| {
        let number = name.strip_suffix(".part")?;
        number.parse::<u64>().ok().map(|_| dir.join(name))
    };
    named(dir, part)?.iter().try_for_each(|path| remove(path))
}

/// Removes the oldest backups until so many are left. What they share with others stays with those.
fn retain(dir: &Path, keep: NonZeroUsize) -> Result<Vec<u64>, Error> {
    let mut there = numbers(dir)?;
    there.truncate(there.len().saturating_sub(keep.get()));
    for number in &there {
        // Without its name first: one that is half removed is none.
        let (path, part) = (dir.join(number.to_string()), dir.join(format!("{number}.part")));
        fs::rename(&path, &part).map_err(at(&path))?;
        remove(&part)?;
    }
    sync(dir)?;
    Ok(there)
}

fn named<T>(dir: &Path, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let name = entry.map_err(at(dir))?.file_name();
        found.extend(name.to_str().and_then(&read));
    }
    Ok(found)
}

/// Where a store really lies: links are possible beside it, not beside a name for it.
fn own(store: &Path) -> Result<PathBuf, Error> {
    store.canonicalize().map_err(at(store))
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    parent(path).join(name)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes what came to nothing; what stays behind has no name that counts, and the next one removes it.
fn discard(folder: &Path) {
    if let Err(error) = remove(folder) {
        tracing::warn!(%error, "what an interrupted backup left stays behind");
    }
}
