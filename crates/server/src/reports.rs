//! The reports that are written by themselves, each day, into the folder of `[reports]`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use sigillo_admin::report;
use sigillo_base::Timestamp;
use tokio::sync::watch;

use crate::clock::ServiceClock;
use crate::net::Pool;
use crate::provider::House;
use crate::{files, http};

/// Between two looks at the day, in service time.
const LOOK: Duration = Duration::from_secs(60);
/// A day is told when it is over for so long: what was under way at midnight has ended.
const OVER: Duration = Duration::from_secs(5 * 60);
/// So many days that were missed are made up for.
const DAYS: usize = 31;

/// Writes what is due until the service ends.
pub async fn run(
    engine: Arc<House>,
    pool: Pool,
    clock: Arc<ServiceClock>,
    folder: PathBuf,
    mut shutdown: watch::Receiver<bool>,
) {
    let every = LOOK.div_f64(clock.speed.max(1.0)).max(Duration::from_secs(1));
    while !*shutdown.borrow() {
        let (engine, folder, now) = (Arc::clone(&engine), folder.clone(), clock.now());
        let written = pool.run(move || write_due(&engine, &folder, now)).await;
        if let Err(error) = written.context("lavoro interrotto").and_then(|written| written) {
            tracing::error!(error = %format_args!("{error:#}"), "the daily reports wait");
        }
        tokio::select! {
            _ = shutdown.wait_for(|down| *down) => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

fn write_due(engine: &House, folder: &Path, now: Timestamp) -> Result<()> {
    files::folder(folder).with_context(|| folder.display().to_string())?;
    for day in due(folder, now)? {
        let found = http::blocked_boxes(engine, &day)?;
        let path = folder.join(report::blocked_boxes_name(&day));
        files::write(&path, report::blocked_boxes(&found).as_bytes())?;
        tracing::info!(day, overruns = found.overruns.len(), file = %path.display(), "report of blocked boxes written");
    }
    Ok(())
}

/// The days since the last whose report is there, the earliest first; yesterday only, where there is none.
fn due(folder: &Path, now: Timestamp) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    let mut day = before(now.minus(OVER));
    for _ in 0..DAYS {
        let name = day.legal().iso_day;
        if folder.join(report::blocked_boxes_name(&name)).try_exists()? {
            missing.reverse();
            return Ok(missing);
        }
        missing.push(name);
        day = before(day);
    }
    missing.truncate(1);
    Ok(missing)
}

/// A moment of the legal day before.
fn before(at: Timestamp) -> Timestamp {
    Timestamp::legal_day(&at.legal().iso_day).map_or(at, |(midnight, _)| midnight.minus(Duration::from_millis(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_told_once_when_it_is_over_and_those_that_were_missed_are_made_up_for() {
        let folder = tempfile::tempdir().unwrap();
        let due = |iso: &str| due(folder.path(), Timestamp::from_iso(iso).unwrap()).unwrap();
        let written = |day: &str| files::write(&folder.path().join(report::blocked_boxes_name(day)), b"").unwrap();
        assert_eq!(due("2026-03-28T12:00"), ["2026-03-27"], "the first time: yesterday");
        written("2026-03-27");
        assert!(due("2026-03-28T23:59").is_empty());
        assert!(due("2026-03-29T00:04").is_empty(), "what was under way at midnight has five minutes");
        assert_eq!(due("2026-03-29T00:05"), ["2026-03-28"]);
        assert_eq!(due("2026-03-31T08:00"), ["2026-03-28", "2026-03-29", "2026-03-30"], "over the night of 23 hours");
        written("2026-03-30");
        assert!(due("2026-03-31T08:00").is_empty());
        assert_eq!(due("2026-07-01T08:00"), ["2026-06-30"], "nobody asked for so long");
    }
}
