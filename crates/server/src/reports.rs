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

/// Writes the reports of the days since the last that is there; of yesterday only, where there is none.
fn write_due(engine: &House, folder: &Path, now: Timestamp) -> Result<()> {
    let mut missing = Vec::new();
    let mut day = before(now.minus(OVER));
    for _ in 0..DAYS {
        if folder.join(report::blocked_boxes_name(&day.legal().iso_day)).try_exists()? {
            return missing.iter().rev().try_for_each(|day: &Timestamp| write(engine, folder, &day.legal().iso_day));
        }
        missing.push(day);
        day = before(day);
    }
    files::folder(folder).with_context(|| folder.display().to_string())?;
    missing.first().map_or(Ok(()), |day| write(engine, folder, &day.legal().iso_day))
}

/// A moment of the legal day before.
fn before(at: Timestamp) -> Timestamp {
    Timestamp::legal_day(&at.legal().iso_day).map_or(at, |(midnight, _)| midnight.minus(Duration::from_millis(1)))
}

fn write(engine: &House, folder: &Path, day: &str) -> Result<()> {
    let found = http::blocked_boxes(engine, day)?;
    let path = folder.join(report::blocked_boxes_name(day));
    files::write(&path, report::blocked_boxes(&found).as_bytes())?;
    tracing::info!(day, overruns = found.overruns.len(), file = %path.display(), "report of blocked boxes written");
    Ok(())
}
