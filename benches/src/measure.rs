//! Measuring in pairs: ours, baseline, ours, baseline …, so that what else the machine does meets both alike.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Arguments;
use crate::table::digits;

/// Runs that make a median, for what takes microseconds.
pub const RUNS: usize = 11;
/// One run of it, in CPU time.
const RUN: Duration = Duration::from_millis(50);

/// Figures of several runs.
#[derive(Debug, Clone, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// The one in the middle.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }

    /// `lowest–highest`.
    pub fn spread(&self) -> String {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{}–{}", digits(low), digits(high))
    }

    /// How many there are.
    pub fn runs(&self) -> usize {
        self.0.len()
    }

    /// One more.
    pub fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// Run by run, `self` divided by `other`.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }
}

impl FromIterator<f64> for Figures {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Self(figures.into_iter().collect())
    }
}

/// What this part of them stays below, in milliseconds; they ascend.
pub fn percentile(ascending: &[Duration], part: f64) -> f64 {
    let last = ascending.len().saturating_sub(1);
    let at = ((ascending.len() as f64 * part).ceil() as usize).saturating_sub(1).min(last);
    ascending.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// CPU time of this thread: what other processes take is not in it.
fn thread_time() -> Duration {
    as_duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// CPU time of this process with all its threads, user and system.
pub fn process_time() -> Duration {
    as_duration(clock_gettime(ClockId::ProcessCPUTime))
}

fn as_duration(time: rustix::time::Timespec) -> Duration {
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Something to measure: prepares what `n` operations need (not measured), then does them.
pub trait Case {
    /// What one operation consumes.
    type Input;
    /// What it gives.
    type Output;
    /// Makes the input.
    fn prepare(&mut self) -> Self::Input;
    /// One operation. Its result is given back so that dropping it is not measured, and nothing is optimised away.
    fn once(&mut self, input: Self::Input) -> Self::Output;
}

/// An operation that needs nothing prepared.
pub struct Plain<F>(pub F);

impl<R, F: FnMut() -> R> Case for Plain<F> {
    type Input = ();
    type Output = R;
    fn prepare(&mut self) {}
    fn once(&mut self, (): ()) -> R {
        (self.0)()
    }
}

/// An operation that consumes something.
pub struct Prepared<P, F>(pub P, pub F);

impl<I, R, P: FnMut() -> I, F: FnMut(I) -> R> Case for Prepared<P, F> {
    type Input = I;
    type Output = R;
    fn prepare(&mut self) -> I {
        (self.0)()
    }
    fn once(&mut self, input: I) -> R {
        (self.1)(input)
    }
}

/// Microseconds of CPU time an operation: ours, and the baseline's.
pub struct Pair {
    /// Ours.
    pub ours: Figures,
    /// The baseline's.
    pub baseline: Figures,
}

/// Measures both, taking turns.
pub fn pair(arguments: &Arguments, mut ours: impl Case, mut baseline: impl Case) -> Pair {
    let (n, m) = (how_many(arguments, &mut ours), how_many(arguments, &mut baseline));
    let runs = arguments.runs(RUNS);
    let mut pair = Pair { ours: Figures::default(), baseline: Figures::default() };
    for _ in 0..runs {
        pair.ours.push(run(&mut ours, n));
        pair.baseline.push(run(&mut baseline, m));
    }
    pair
}

/// How many operations make a run; finding it out also warms up.
fn how_many(arguments: &Arguments, case: &mut impl Case) -> usize {
    if arguments.quick {
        return 1;
    }
    let mut n = 1;
    loop {
        let micros = run(case, n) * n as f64;
        if micros > RUN.as_secs_f64() * 0.2e6 {
            return ((n as f64 * RUN.as_secs_f64() * 1e6 / micros) as usize).max(1);
        }
        n *= 2;
    }
}

fn run(case: &mut impl Case, n: usize) -> f64 {
    // In portions, so that what is prepared and what comes out fit into memory.
    let mut spent = Duration::ZERO;
    let mut left = n;
    while left > 0 {
        let portion = left.min(256);
        let inputs: Vec<_> = (0..portion).map(|_| case.prepare()).collect();
        let mut results = Vec::with_capacity(portion);
        let before = thread_time();
        for input in inputs {
            results.push(black_box(case.once(black_box(input))));
        }
        spent += thread_time() - before;
        drop(results);
        left -= portion;
    }
    spent.as_secs_f64() * 1e6 / n as f64
}

/// Operations a second of `threads` threads that do nothing else for `window`; each gets its number and makes its own
/// operation with it.
pub fn together<F: FnMut()>(threads: usize, window: Duration, make: impl Fn(usize) -> F + Sync) -> Together {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let ready = Barrier::new(threads + 1);
    std::thread::scope(|scope| {
        for n in 0..threads {
            let (done, stop, ready, make) = (&done, &stop, &ready, &make);
            scope.spawn(move || {
                let mut operation = make(n);
                ready.wait();
                while !stop.load(Ordering::Relaxed) {
                    operation();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        ready.wait();
        let (begun, cpu, flushes) = (Instant::now(), process_time(), crate::machine::flushes());
        std::thread::sleep(window);
        let count = done.load(Ordering::Relaxed) as f64;
        let together = Together {
            per_second: count / begun.elapsed().as_secs_f64(),
            cpu_us: (process_time() - cpu).as_secs_f64() * 1e6 / count,
            flushes: crate::machine::flushes_since(flushes) / count,
        };
        stop.store(true, Ordering::Relaxed);
        together
    })
}

/// What [`together`] found.
pub struct Together {
    /// Operations a second of all threads, by the wall clock.
    pub per_second: f64,
    /// CPU time of the whole process for one, in microseconds.
    pub cpu_us: f64,
    /// Flushes of the disk for one.
    pub flushes: f64,
}
