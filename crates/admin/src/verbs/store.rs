//! `sigillo store backup|restore|compact|stats`: copies of a store, and its room on the disk.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use sigillo_base::limits::MB;

use super::store_check::{CheckArgs, WriteArgs};
use super::{Error, Where, header, json, table, yes};
use crate::Lang;
use crate::api::{Backup, Compacted, Migration, StoreStats};

/// What can be done with a store.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Controlla che le righe dell'archivio siano leggibili e si corrispondano; non scrive niente
    Check(CheckArgs),
    /// Rimette a posto l'archivio di un gestore fermo: senza --yes dice soltanto che cosa farebbe
    Repair(WriteArgs),
    /// Porta ai formati di questa versione l'archivio di un gestore fermo; senza --yes lo prova su una copia
    Migrate(WriteArgs),
    /// Fa una copia di sicurezza dell'archivio, anche in servizio; copia soltanto ciò che è nuovo
    Backup(BackupArgs),
    /// Riporta una copia di sicurezza in una cartella dove non c'è un archivio
    Restore(RestoreArgs),
    /// Riscrive l'archivio, anche in servizio, e rende al disco lo spazio di ciò che è stato cancellato
    Compact(CompactArgs),
    /// Mostra quanto spazio occupa l'archivio, di che cosa, e come sta
    Stats(PlaceArgs),
}

/// Arguments of `sigillo store backup`.
#[derive(Debug, Clone, clap::Args)]
pub struct BackupArgs {
    /// Cartella delle copie, meglio su un altro disco; in servizio la scrive il gestore
    #[arg(value_name = "CARTELLA")]
    pub dir: PathBuf,
    /// Dopo la copia restano soltanto le N più recenti
    #[arg(long, value_name = "N")]
    pub keep: Option<NonZeroUsize>,
    /// What stays free.
    #[command(flatten)]
    pub reserve: ReserveArgs,
    /// Which store.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Arguments of `sigillo store compact`.
#[derive(Debug, Clone, clap::Args)]
pub struct CompactArgs {
    /// What stays free.
    #[command(flatten)]
    pub reserve: ReserveArgs,
    /// Which store.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Room that must stay free on the disk where no service with a configuration says how much.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct ReserveArgs {
    /// Con --store: spazio (MB) che deve restare libero sul disco, come store.reserve_mb della configurazione
    #[arg(long, value_name = "MB", default_value_t = 512, requires = "store")]
    reserve_mb: u64,
}

impl ReserveArgs {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.reserve_mb.saturating_mul(MB)
    }
}

/// Arguments of `sigillo store restore`.
#[derive(Debug, Clone, clap::Args)]
pub struct RestoreArgs {
    /// Cartella delle copie
    #[arg(value_name = "CARTELLA")]
    pub dir: PathBuf,
    /// Numero della copia; senza, la più recente
    #[arg(long, value_name = "N")]
    pub number: Option<u64>,
    /// Cartella dell'archivio di un gestore fermo: la copia diventa db al suo interno
    #[arg(long, value_name = "CARTELLA")]
    pub store: PathBuf,
    /// Risponde in JSON
    #[arg(long)]
    pub json: bool,
}

/// Which store.
#[derive(Debug, Clone, clap::Args)]
pub struct PlaceArgs {
    /// Cartella dell'archivio di un gestore fermo, invece del socket
    #[arg(long, value_name = "CARTELLA")]
    pub store: Option<PathBuf>,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Tells of a backup that was made.
///
/// # Errors
/// It cannot be written as JSON.
pub fn backed_up(backup: &Backup, as_json: bool, lang: Lang) -> Result<String, Error> {
    if as_json {
        return json(backup);
    }
    let Backup { path, files, bytes, copied_bytes, removed, .. } = backup;
    let (bytes, copied) = (size(*bytes), size(*copied_bytes));
    let mut text = match lang {
        Lang::It => format!("copia {path}: {files} file, {bytes}, di cui {copied} copiati ora; tutto riletto"),
        Lang::En => format!("backup {path}: {files} files, {bytes}, of which {copied} copied now; all read back"),
    };
    if !removed.is_empty() {
        let numbers: Vec<String> = removed.iter().map(ToString::to_string).collect();
        let gone = lang.pick("copie tolte", "backups removed");
        text += &format!("\n{gone}: {}", numbers.join(", "));
    }
    Ok(text)
}

/// Tells of a backup that was brought back.
///
/// # Errors
/// It cannot be written as JSON.
pub fn restored(backup: &Backup, as_json: bool, lang: Lang) -> Result<String, Error> {
    if as_json {
        return json(backup);
    }
    let Backup { number, path, time, files, bytes, .. } = backup;
    let bytes = size(*bytes);
    Ok(match lang {
        Lang::It => format!("{path}: la copia {number} del {time}, {files} file, {bytes}, ogni file provato"),
        Lang::En => format!("{path}: backup {number} of {time}, {files} files, {bytes}, every file proven"),
    })
}

/// Tells of a migration, or of its trial.
///
/// # Errors
/// It cannot be written as JSON.
pub fn migrated(migration: &Migration, as_json: bool, lang: Lang) -> Result<String, Error> {
    if as_json {
        return json(migration);
    }
    let Migration { from, to, rows, damaged, errors, written } = migration;
    if from == to {
        return Ok(lang.pick("niente da migrare", "nothing to migrate").to_owned());
    }
    let mut text = match lang {
        Lang::It => format!("dalla versione {from} alla {to}: {rows} righe lette, {damaged} danneggiate"),
        Lang::En => format!("from version {from} to {to}: {rows} rows read, {damaged} damaged"),
    };
    if let Some(errors) = errors {
        text += &match lang {
            Lang::It => format!("; la copia controllata ha {errors} errori"),
            Lang::En => format!("; the copy was checked and has {errors} errors"),
        };
    }
    if !written {
        text += lang.pick("; con --yes si migra l'archivio", "; --yes migrates the store");
    }
    Ok(text)
}

/// Tells of a compaction.
///
/// # Errors
/// It cannot be written as JSON.
pub fn compacted(compacted: &Compacted, as_json: bool, lang: Lang) -> Result<String, Error> {
    if as_json {
        return json(compacted);
    }
    let Compacted { before_bytes, after_bytes } = *compacted;
    let (before, after, freed) =
        (size(before_bytes), size(after_bytes), size(before_bytes.saturating_sub(after_bytes)));
    Ok(match lang {
        Lang::It => format!("prima {before}, ora {after}: {freed} resi al disco"),
        Lang::En => format!("{before} before, {after} now: {freed} given back to the disk"),
    })
}

/// The figures of a store.
///
/// # Errors
/// They cannot be written as JSON.
pub fn stats(stats: &StoreStats, as_json: bool, lang: Lang) -> Result<String, Error> {
    if as_json {
        return json(stats);
    }
    let columns = [
        ("famiglia", "family"),
        ("righe (stima)", "rows (estimate)"),
        ("tabelle", "tables"),
        ("spazio", "room"),
        ("file di corpi", "body files"),
        ("spazio", "room"),
        ("da togliere", "garbage"),
        ("dati vivi (stima)", "live data (estimate)"),
    ];
    let mut families = table(&header(lang, &columns));
    for f in &stats.families {
        let (tables, blobs) = (f.tables.to_string(), f.blobs.to_string());
        let sizes = [f.table_bytes, f.blob_bytes, f.garbage_bytes, f.live_bytes].map(size);
        let [table_room, blob_room, garbage, live] = sizes;
        families.add_row([f.name.clone(), f.keys.to_string(), tables, table_room, blobs, blob_room, garbage, live]);
    }
    let mut rows = table(&header(lang, &[("voce", "item"), ("valore", "value")]));
    let mut row = |it: &str, en: &str, value: String| {
        rows.add_row([lang.pick(it, en).to_owned(), value]);
    };
    let absent = || "–".to_owned();
    row("archivio", "store", stats.path.clone());
    row("messaggi nelle caselle", "messages in mailboxes", stats.messages.to_string());
    row("come li conta chi legge", "as readers count them", size(stats.message_bytes));
    row("sul disco", "on the disk", size(stats.disk_bytes));
    row("per messaggio", "a message", stats.bytes_per_message.map_or_else(absent, size));
    row("dati vivi (stima)", "live data (estimate)", size(stats.live_bytes));
    let amplification = stats.amplification.map(|a| format!("{a:.2}"));
    row("disco per dati vivi", "disk for live data", amplification.unwrap_or_else(absent));
    row("corpi da togliere", "garbage of bodies", size(stats.garbage_bytes));
    row("registro di scrittura", "write-ahead log", size(stats.log_bytes));
    health(stats, lang, &mut row);
    Ok(format!("{rows}\n{families}"))
}

fn health(stats: &StoreStats, lang: Lang, row: &mut dyn FnMut(&str, &str, String)) {
    let health = &stats.health;
    let errors = format!("{}, {}", health.background_errors, health.refused_commits);
    row("errori di sfondo, scritture rifiutate", "background errors, refused commits", errors);
    row("l'ultima scrittura è fallita", "the last commit failed", yes(lang, health.failing).to_owned());
    let slowed = match (health.write_stopped, health.delayed_write_rate) {
        (true, _) => lang.pick("FERME", "STOPPED").to_owned(),
        (false, 0) => lang.pick("a piena velocità", "at full speed").to_owned(),
        (false, rate) => format!("{}/s", size(rate)),
    };
    row("scritture", "writes", slowed);
    row("ancora da compattare", "still to compact", size(health.pending_compaction_bytes));
    row("buffer", "buffers", size(health.buffer_bytes));
    let cache = format!("{} / {}", size(health.cache_bytes), size(health.cache_capacity_bytes));
    row("cache", "cache", cache);
    row("liberi sul disco", "free on the disk", size(health.free_bytes));
    if let Some(inodes) = health.free_inodes {
        row("inode liberi", "free inodes", inodes.to_string());
    }
}

/// Bytes for people, in three digits.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 99.95 { 0 } else { 1 };
    format!("{value:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_at_a_glance() {
        let sizes = [0, 999, 1000, 1540, 99_949, 123_456, 999_600, 5_000_000_000, u64::MAX].map(size);
        let shown = ["0 B", "999 B", "1.0 kB", "1.5 kB", "99.9 kB", "123 kB", "1.0 MB", "5.0 GB", "18446744 TB"];
        assert_eq!(sizes, shown);
    }

    #[test]
    fn a_backup_says_what_it_copied_and_what_went_for_it() {
        let backup = Backup {
            number: 4,
            path: "/backup/4".into(),
            time: "2026-03-12T10:05:01.000+01:00".into(),
            files: 9,
            bytes: 8_000_000,
            copied_bytes: 100_000,
            removed: vec![1, 2],
        };
        let text = backed_up(&backup, false, Lang::It).unwrap();
        assert_eq!(
            text,
            "copia /backup/4: 9 file, 8.0 MB, di cui 100 kB copiati ora; tutto riletto\ncopie tolte: 1, 2"
        );
        let text = restored(&backup, false, Lang::En).unwrap();
        assert!(text.contains("backup 4 of 2026-03-12T10:05:01.000+01:00, 9 files"), "{text}");
        let read: Backup = serde_json::from_str(&backed_up(&backup, true, Lang::It).unwrap()).unwrap();
        assert_eq!(read, backup);
    }
}
