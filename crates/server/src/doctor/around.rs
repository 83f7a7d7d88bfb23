//! What the service leans on: clock, antivirus, disk, backups.

use std::path::Path;
use std::time::Duration;

use sigillo_base::{Tell, Timestamp, said};
use sigillo_engine::{Antivirus, Verdict};
use sigillo_store_rocks::backup;

use super::{Case, Finding, days, plain};
use crate::antivirus::Clamd;
use crate::ntp;

/// Signatures of an antivirus are new every day: older than the first is odd, than the second useless.
const SIGNATURES: (Duration, Duration) = (Duration::from_secs(3 * 24 * 3600), Duration::from_secs(10 * 24 * 3600));
/// How long a scan may take here.
const SCAN: Duration = Duration::from_secs(30);
/// Below this share of a disk somebody should see to it.
const FREE_PERCENT: u64 = 10;

pub(super) async fn clock(case: &Case) -> Vec<Finding> {
    let config = &case.config.clock;
    if config.servers.is_empty() {
        return vec![Finding::warning(
            "",
            said!(
                "nessuno misura quanto l'orologio dista da UTC (DM 2-11-2005, art. 9)",
                "nobody measures how far the clock is from UTC (DM 2-11-2005, art. 9)"
            ),
            said!(
                "scrivere clock.servers, meglio tre di reti diverse",
                "write clock.servers, best three of different networks"
            ),
        )];
    }
    vec![match ntp::measure(&config.servers, config.tolerance_ms).await {
        ntp::State::Synchronised { offset_ms } => Finding::fine("", plain(format!("UTC {offset_ms:+} ms"))),
        ntp::State::Off { offset_ms } => Finding::error(
            "",
            plain(format!("UTC {offset_ms:+} ms")),
            said!(
                "regolare l'orologio: `chronyc tracking`, `chronyc makestep`",
                "set the clock right: `chronyc tracking`, `chronyc makestep`"
            ),
        ),
        ntp::State::Unknown { why } => Finding::warning(
            "",
            said!("non si misura: {why}", "it cannot be measured: {why}"),
            said!("guardare clock.servers e se UDP 123 esce", "look at clock.servers and whether UDP 123 gets out"),
        ),
    }]
}

/// The harmless test file that every antivirus reports (eicar.org). In pieces, or scanners would report this program.
fn eicar() -> String {
    let body = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE", "!$H+H*"].concat();
    format!("Subject: sigillo doctor\r\n\r\n{body}\r\n")
}

pub(super) fn antivirus(case: &Case) -> Vec<Finding> {
    let Some(config) = &case.config.antivirus else {
        return vec![Finding::error(
            "",
            said!("nessuno controlla la posta (DPR 68/2005, art. 12)", "nobody scans the mail (DPR 68/2005, art. 12)"),
            said!("installare clamav-daemon e scrivere [antivirus]", "install clamav-daemon and write [antivirus]"),
        )];
    };
    let clamd = Clamd::new(config.clamd.clone(), 1, config.timeout.min(SCAN));
    let about = config.clamd.to_string();
    let down = |error: &dyn std::fmt::Display| {
        Finding::error(
            &about,
            said!("non risponde: {error}", "does not answer: {error}"),
            said!(
                "`systemctl start clamav-daemon`; il socket deve essere leggibile al servizio (gruppo clamav)",
                "`systemctl start clamav-daemon`; its socket must be open to the service (group clamav)"
            ),
        )
    };
    let version = match clamd.full_version() {
        Ok(version) => version,
        Err(error) => return vec![down(&error)],
    };
    let mut found = vec![match clamd.scan(eicar().as_bytes()) {
        Ok(Verdict::Infected { engine, .. }) => {
            Finding::fine(&about, said!("{engine}, riconosce EICAR", "{engine}, knows EICAR"))
        }
        Ok(Verdict::Clean) => Finding::error(
            &about,
            said!("dice pulito il file di prova EICAR", "calls the test file EICAR clean"),
            said!("scaricare le firme: `freshclam`", "fetch its signatures: `freshclam`"),
        ),
        Err(error) => down(&error),
    }];
    found.extend(made(&version).and_then(|made| signatures(&about, case.now.since(made))));
    found
}

fn signatures(about: &str, age: Duration) -> Option<Finding> {
    let text = said!("le firme hanno {} giorni", "its signatures are {} days old", days(age));
    let remedy = said!("`systemctl status clamav-freshclam`", "`systemctl status clamav-freshclam`");
    match age {
        age if age > SIGNATURES.1 => Some(Finding::error(about, text, remedy)),
        age if age > SIGNATURES.0 => Some(Finding::warning(about, text, remedy)),
        _ => None,
    }
}

/// When the signatures were made: `ClamAV 1.0.7/27500/Sat Dec 14 09:43:26 2024`. To the day, since it is said in the
/// time zone of whoever made them.
fn made(version: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = version.rsplit('/').next()?.split_whitespace().skip(1);
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u32 = words.next()?.parse().ok()?;
    let year: u32 = words.nth(1)?.parse().ok()?;
    Timestamp::from_iso(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z"))
}

pub(super) fn disk(case: &Case) -> Vec<Finding> {
    let config = &case.config;
    let mut found = vec![room(&config.store.value, config.store_reserve.bytes)];
    found.extend(config.backups.iter().filter(|b| b.folder.value.exists()).map(|b| room(&b.folder.value, 0)));
    found
}

/// The room on the disk of a folder.
fn room(folder: &Path, reserve: u64) -> Finding {
    let about = folder.display();
    let grow = said!(
        "allargare il disco, `sigillo store compact`, o accorciare archive.retention_days",
        "make the disk larger, `sigillo store compact`, or shorten archive.retention_days"
    );
    let disk = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk,
        Err(error) => {
            let text = said!("non si legge: {error}", "cannot be read: {error}");
            return Finding::error(about, text, said!("controllare percorso e permessi", "check path and permissions"));
        }
    };
    let (free, total) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
    let percent =
        |free: u64, total: u64| u64::try_from(u128::from(free) * 100 / u128::from(total.max(1))).unwrap_or(100);
    let (bytes, inodes) = (percent(free, total), percent(disk.f_favail, disk.f_files));
    let mb = free >> 20;
    let text =
        said!("{mb} MB liberi ({bytes} %), riserva {} MB", "{mb} MB free ({bytes} %), reserve {} MB", reserve >> 20);
    // File systems that make inodes as they need them count none.
    let scarce = bytes < FREE_PERCENT || (disk.f_files > 0 && inodes < FREE_PERCENT);
    if free <= reserve {
        Finding::error(about, text, grow)
    } else if scarce || free / 2 <= reserve {
        Finding::warning(about, text, grow)
    } else {
        Finding::fine(about, text)
    }
}

pub(super) fn backup(case: &Case) -> Vec<Finding> {
    let Some(config) = &case.config.backups else {
        return vec![Finding::warning(
            "",
            said!("non si sa dove stiano le copie dell'archivio", "nobody knows where backups of the store are"),
            said!(
                "scrivere [backup] folder, e `sigillo store backup` ogni giorno",
                "write [backup] folder, and `sigillo store backup` every day"
            ),
        )];
    };
    let folder = &config.folder.value;
    let about = folder.display();
    let make = plain(format!("`sigillo store backup {about}`"));
    let newest = match backup::newest(folder) {
        Ok(Some(newest)) => newest,
        Ok(None) => {
            let text = said!("qui non c'è nessuna copia", "there is no backup here");
            return vec![Finding::error(about, text, make)];
        }
        Err(error) => return vec![Finding::error(about, error.said(), make)],
    };
    let Some(time) = Timestamp::from_iso(&newest.time) else {
        let text = said!("la copia non dice di quando è", "the backup does not say when it was made");
        return vec![Finding::error(newest.path.display(), text, make)];
    };
    let (number, hours) = (newest.number, case.now.since(time).as_secs() / 3600);
    let text = said!("la copia {number} ha {hours} ore", "backup {number} is {hours} hours old");
    if case.now.since(time) > config.max_age {
        return vec![Finding::error(about, text, make)];
    }
    vec![Finding::fine(about, text)]
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn the_day_of_signatures_is_read_and_what_says_none_is_no_fault() {
        let at = |text: &str| Timestamp::from_iso(text).unwrap();
        assert_eq!(made("ClamAV 1.0.7/27500/Sat Dec 14 09:43:26 2024"), Some(at("2024-12-14T00:00:00Z")));
        assert_eq!(made("ClamAV 1.0.7/27500/Sun Dec  1 09:43:26 2024"), Some(at("2024-12-01T00:00:00Z")));
        for none in ["ClamAV 1.0.7", "", "ClamAV 1.0.7/27500/", "a/b/Sat Foo 1 x 2024", "a/b/Sat Dec 99 x 2024"] {
            assert_eq!(made(none), None, "{none}");
        }
        let state = |days: u64| signatures("x", Duration::from_secs(days * 24 * 3600 + 1)).map(|f| f.state);
        assert_eq!([state(1), state(3), state(10)], [None, Some(State::Warning), Some(State::Error)]);
    }

    #[test]
    fn a_disk_is_judged_by_what_must_stay_free() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(room(folder.path(), u64::MAX).state, State::Error);
        assert_eq!(room(&folder.path().join("manca"), 0).state, State::Error);
        assert_ne!(room(folder.path(), 0).state, State::Error);
    }
}
