//! The two times of the program: service time, which the law and the queue know, and real time, which sockets know.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sigillo_base::Timestamp;
use sigillo_wire::Tick;

/// How much real time one reservation of service time lasts (see [`ServiceClock`]).
const RESERVE: Duration = Duration::from_secs(2);

/// Service time: it drives legal time, deadlines, queue retries and rate windows. Sockets, TLS and login delays stay
/// on real time ([`Ticks`]).
///
/// It never goes backwards, neither while it runs nor across a restart on the same data folder, a `kill -9`
/// included. At speed 1 it is the system's clock, held when that steps back; the highest time shown is written down
/// every second. At any other speed it is `start_service + speed × real time since start_real`; since such a clock
/// may run hours in a second, the file then holds a time *ahead*, no later time is shown before the file says a
/// later one, and a restart begins there.
#[derive(Debug)]
pub struct ServiceClock {
    /// Service time at the start.
    pub start_service: Timestamp,
    /// Real time at the start.
    pub start_real: Instant,
    /// Service seconds per real second.
    pub speed: f64,
    /// The highest time shown so far, in milliseconds.
    highest: AtomicI64,
    /// No time after this one is shown, in milliseconds.
    reserved: AtomicI64,
    file: PathBuf,
}

impl ServiceClock {
    /// The clock of the service whose data are kept in `folder`, running `speed` times as fast as real time.
    /// Fails when the file cannot be read or written, or holds no time.
    pub fn open(folder: &Path, speed: f64) -> io::Result<Self> {
        let file = folder.join("clock");
        let kept = match fs::read_to_string(&file) {
            Ok(text) => text.trim().parse::<i64>().map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{}: non contiene un'ora", file.display()))
            })?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
            Err(e) => return Err(e),
        };
        let start_service = Timestamp::from_millis(kept.max(system_time().as_millis()));
        let clock = Self {
            start_service,
            start_real: Instant::now(),
            speed,
            highest: AtomicI64::new(start_service.as_millis()),
            reserved: AtomicI64::new(start_service.as_millis()),
            file,
        };
        clock.keep()?;
        Ok(clock)
    }

    /// Service time now.
    pub fn now(&self) -> Timestamp {
        let wanted = if self.follows_system() {
            system_time().as_millis()
        } else {
            self.at(self.start_real.elapsed()).as_millis().min(self.reserved.load(Ordering::Acquire))
        };
        let before = self.highest.fetch_max(wanted, Ordering::AcqRel);
        Timestamp::from_millis(before.max(wanted))
    }

    /// How far service time is ahead of the system's clock, since that stepped back. Zero at any speed but 1, where
    /// the two have nothing to do with each other.
    pub fn held(&self) -> Duration {
        if self.follows_system() { self.now().since(system_time()) } else { Duration::ZERO }
    }

    /// How long to wait, in real time, until service time is `at`.
    pub fn until(&self, at: Timestamp) -> Duration {
        let span = at.since(self.now());
        if self.speed > 0.0 { span.div_f64(self.speed.max(1e-6)) } else { span }
    }

    /// Writes down how far service time may have come. To be called every second, and at the end.
    pub fn keep(&self) -> io::Result<()> {
        let mark = if self.follows_system() {
            self.now()
        } else {
            self.at(self.start_real.elapsed() + RESERVE).max(self.now())
        };
        self.write(mark)?;
        self.reserved.fetch_max(mark.as_millis(), Ordering::AcqRel);
        Ok(())
    }

    /// Writes the last time shown: nothing may ask for the time afterwards but to wait for the end.
    pub fn close(&self) -> io::Result<()> {
        let last = self.now();
        self.reserved.store(last.as_millis(), Ordering::Release);
        self.write(last)
    }

    fn follows_system(&self) -> bool {
        self.speed == 1.0
    }

    fn at(&self, elapsed: Duration) -> Timestamp {
        Timestamp::from_millis(self.start_service.as_millis() + (elapsed.as_secs_f64() * self.speed * 1000.0) as i64)
    }

    /// Synced: after a power cut the file would be empty otherwise, and no start gets past that.
    fn write(&self, mark: Timestamp) -> io::Result<()> {
        crate::files::write(&self.file, format!("{}\n", mark.as_millis()).as_bytes())
    }
}

/// The system's clock.
pub fn system_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Real time for sessions: milliseconds since the program's start.
#[derive(Debug, Clone, Copy)]
pub struct Ticks(Instant);

impl Ticks {
    /// Starts counting.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The tick of this moment.
    pub fn now(self) -> Tick {
        Tick(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment of a tick.
    pub fn instant(self, tick: Tick) -> Instant {
        self.0.checked_add(Duration::from_millis(tick.0)).unwrap_or_else(|| self.0 + Duration::from_secs(1 << 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_backwards_across_restarts_at_speed() {
        let folder = tempfile::tempdir().unwrap();
        let mut last = Timestamp::default();
        for _ in 0..5 {
            // Dropped without close(): as if killed.
            let clock = ServiceClock::open(folder.path(), 100_000.0).unwrap();
            let first = clock.now();
            assert!(first >= last, "{first} < {last}");
            let begun = Instant::now();
            loop {
                std::thread::sleep(Duration::from_millis(5));
                last = clock.now();
                if last.since(first) >= Duration::from_secs(300) {
                    break;
                }
                assert!(begun.elapsed() < Duration::from_secs(20), "a fast clock must move: {first} {last}");
                // A disk that was slower than what is reserved: it stands still until more is written down.
                clock.keep().unwrap();
            }
        }
    }

    #[test]
    fn shows_no_time_that_is_not_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ServiceClock::open(folder.path(), 1_000_000.0).unwrap();
        let kept: i64 = fs::read_to_string(folder.path().join("clock")).unwrap().trim().parse().unwrap();
        assert!(kept > clock.start_service.as_millis());
        clock.reserved.store(clock.start_service.as_millis() + 7, Ordering::Release);
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(clock.now(), Timestamp::from_millis(clock.start_service.as_millis() + 7));
    }

    #[test]
    fn a_clean_end_leaves_no_gap() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ServiceClock::open(folder.path(), 3600.0).unwrap();
        let ended = clock.now();
        clock.close().unwrap();
        let kept: i64 = fs::read_to_string(folder.path().join("clock")).unwrap().trim().parse().unwrap();
        assert!(kept - ended.as_millis() < 3600 * 1000, "less than a real second ahead");
    }

    #[test]
    fn waits_in_real_time() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ServiceClock::open(folder.path(), 3600.0).unwrap();
        let wait = clock.until(clock.now().plus(Duration::from_secs(7200)));
        assert!(wait > Duration::from_millis(1500) && wait <= Duration::from_secs(2), "{wait:?}");
        assert_eq!(clock.held(), Duration::ZERO, "a fast clock is held by nothing");
    }

    #[test]
    fn held_when_the_system_clock_went_back() {
        let folder = tempfile::tempdir().unwrap();
        let future = system_time().plus(Duration::from_secs(3600));
        fs::write(folder.path().join("clock"), future.as_millis().to_string()).unwrap();
        let clock = ServiceClock::open(folder.path(), 1.0).unwrap();
        assert_eq!(clock.now(), future);
        assert!(clock.held() > Duration::from_secs(3590) && clock.held() <= Duration::from_secs(3600));
        fs::write(folder.path().join("clock"), "x").unwrap();
        assert!(ServiceClock::open(folder.path(), 1.0).is_err());
    }
}
