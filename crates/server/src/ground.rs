//! The ground a store stands on, looked at before anything is written: not memory that calls itself a disk, nobody
//! else's files.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sigillo_base::said;

use crate::config::{Config, Problems};
use crate::files;

/// File systems that forget (`statfs(2)`, linux/magic.h): a restart, or the end of a container, takes all with it.
const VOLATILE: [(u64, &str); 4] =
    [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x794c_7630, "overlay"), (0x6175_6673, "aufs")];

/// The name of the file system under a folder, when it is one that forgets.
pub fn volatile(folder: &Path) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::statfs(folder)?.f_type as u64 & 0xffff_ffff;
    Ok(VOLATILE.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name))
}

/// Something in the store's folder (or the folder itself) that belongs to somebody else, and to whom.
pub fn foreign(folder: &Path) -> io::Result<Option<(PathBuf, u32)>> {
    foreign_to(folder, rustix::process::geteuid().as_raw())
}

fn foreign_to(folder: &Path, user: u32) -> io::Result<Option<(PathBuf, u32)>> {
    for place in [folder.to_owned(), folder.join("db")] {
        if !place.exists() {
            continue;
        }
        let entries = fs::read_dir(&place)?.map(|entry| entry.map(|e| e.path()));
        for path in std::iter::once(Ok(place)).chain(entries) {
            let path = path?;
            match fs::symlink_metadata(&path) {
                Ok(found) if found.uid() != user => return Ok(Some((path, found.uid()))),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(None)
}

/// Makes the folder of a store where there is none, and judges whether a provider may keep it there.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn prepare(config: &Config) -> Result<(), Problems> {
    let folder = &config.store.value;
    let problem = |what, remedy| Problems(vec![config.store.problem(&config.file, what, remedy)]);
    let unreadable = |error: io::Error| {
        problem(
            said!("la cartella non si usa: {error}", "unusable folder: {error}"),
            said!("controllare percorso e permessi", "check path and permissions"),
        )
    };
    files::folder(folder).map_err(unreadable)?;
    if let Some((path, owner)) = foreign(folder).map_err(unreadable)? {
        let (path, own) = (path.display(), rustix::process::geteuid().as_raw());
        return Err(problem(
            said!(
                "{path} è dell'utente {owner}, e il servizio gira come utente {own}",
                "{path} belongs to user {owner}, and the service runs as user {own}"
            ),
            said!(
                "avviare il servizio come utente {owner}, oppure `chown -R {own} {}`",
                "start the service as user {owner}, or `chown -R {own} {}`",
                folder.display()
            ),
        ));
    }
    match volatile(folder).map_err(unreadable)? {
        Some(kind) if !config.store_volatile => Err(problem(
            said!(
                "la cartella sta su {kind}: a un riavvio la posta sarebbe perduta",
                "the folder is on {kind}: a restart would lose the mail"
            ),
            said!(
                "usare un disco (o un volume del container); per una prova: store.allow_volatile = true",
                "use a disk (or a volume of the container); for a trial: store.allow_volatile = true"
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_somebody_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("db")).unwrap();
        fs::write(folder.path().join("db/CURRENT"), b"").unwrap();
        assert_eq!(foreign(folder.path()).unwrap(), None);
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(foreign_to(folder.path(), own + 1).unwrap(), Some((folder.path().to_owned(), own)));
        if own == 0 {
            std::os::unix::fs::chown(folder.path().join("db/CURRENT"), Some(4711), None).unwrap();
            let found = foreign(folder.path()).unwrap();
            assert_eq!(found, Some((folder.path().join("db/CURRENT"), 4711)));
        }
    }

    #[test]
    fn memory_is_told_from_a_disk() {
        let here = Path::new("/dev/shm");
        let df = std::process::Command::new("stat").args(["-f", "-c", "%T", "/dev/shm"]).output().unwrap();
        if df.stdout == b"tmpfs\n" {
            assert_eq!(volatile(here).unwrap(), Some("tmpfs"));
        }
        assert_eq!(volatile(Path::new("/proc")).unwrap(), None, "only what is known to forget");
        assert!(volatile(Path::new("/nonexistent")).is_err());
    }
}
