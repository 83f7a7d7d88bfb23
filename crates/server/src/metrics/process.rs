//! What the process uses, as Linux tells it. A figure that it does not tell is absent.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::Metrics;

/// Reads the figures of this process.
pub(super) fn read(metrics: &Metrics) {
    metrics.memory.set((), resident_bytes());
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    metrics.cpu.set((), cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9);
    metrics.files.set((), fs::read_dir("/proc/self/fd").ok().map(|open| open.count() as f64));
    metrics.files_limit.set((), getrlimit(Resource::Nofile).current.map(|limit| limit as f64));
}

/// `VmRSS` of `/proc/self/status`, which is in kB.
fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
}
