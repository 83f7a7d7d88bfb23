//! Two providers on RocksDB in a process of their own, which is killed at every commit and at random moments, whose
//! disk is full at every commit, or whose power is cut. Every durable step is a commit of the store, so these are all
//! the moments there are: submission, relay, take-charge, delivery, receipt, expunge, notices, seal.
//! `SIGILLO_KILLS=N` makes N random kills, or power cuts, instead of the few of `make test`; `SIGILLO_KILLS_SEED` repeats a run.

#![allow(clippy::expect_used, reason = "a test: what cannot be read is a failure")]

mod kills {
    pub mod life;
    pub mod mortal;
    pub mod scenario;
}

use kills::life::{Pair, template};
use kills::mortal::End;
use sigillo_tests::fixtures::Numbers;
use sigillo_tests::power::{cut, traced};
use tempfile::TempDir;

/// What a kill must meet, and the words of the commit that is it.
const PHASES: [(&str, &str); 12] = [
    ("submission", "alfa: accettazione posta-certificata"),
    ("a body that goes ahead", "+body-chunk"),
    ("non-acceptance", "alfa: non-accettazione"),
    ("take-charge", "beta: presa-in-carico posta-certificata"),
    ("relay", "alfa: +dispatch -queue-item"),
    ("delivery", "beta: avvenuta-consegna"),
    ("non-delivery", "beta: errore-consegna"),
    ("receipt", "alfa: avvenuta-consegna"),
    ("expunge", "-folder-entry"),
    ("overdue notice", "alfa: preavviso-errore-consegna"),
    ("seal", "+log-segment"),
    ("a message that nobody keeps", "-message-doubt"),
];

/// The commits of a life that nobody ends, each with what it is about; it comes to the end of the model.
fn commits(template: &TempDir) -> Vec<String> {
    let mut pair = Pair::new(template);
    pair.live(End::Never, &[]);
    let commits = pair.commits.clone();
    for (phase, words) in PHASES {
        let is = |commit: &String| words.split(' ').all(|word| commit.contains(word));
        assert!(commits.iter().any(is), "no commit is a {phase}: {commits:#?}");
    }
    pair.finish(End::Never);
    commits
}

/// Gives how many commits there are, and how many the disk refused in all.
fn at_every_commit(end: fn(u64) -> End) -> (usize, usize) {
    let template = template();
    let (commits, mut refused) = (commits(&template).len(), 0);
    for n in 1..=commits as u64 {
        let mut pair = Pair::new(&template);
        pair.live(end(n), &[]);
        refused += pair.refused;
        pair.finish(end(n));
    }
    eprintln!("{commits} ends, one at each commit; {refused} commits were refused");
    (commits, refused)
}

#[test]
fn a_kill_before_any_commit_loses_and_doubles_nothing() {
    at_every_commit(End::Before);
}

#[test]
fn a_kill_after_any_commit_loses_and_doubles_nothing() {
    at_every_commit(End::After);
}

/// The file system refuses to let the log grow, in the middle of a record: nobody hears "taken" from then on.
#[test]
fn a_disk_that_is_full_at_any_commit_loses_and_doubles_nothing() {
    // From nothing at all to most of a record.
    let (commits, refused) = at_every_commit(|n| End::Full(n, n * 61 % 900));
    assert!(refused * 10 > commits * 9, "only {refused} commits of {commits} lives were refused");
}

/// From the environment, or else this.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Each pair of stores dies again and again until the scenario is over.
#[test]
fn kills_at_any_moment_again_and_again_lose_and_double_nothing() {
    let (wanted, seed) = (number("SIGILLO_KILLS", 60), number("SIGILLO_KILLS_SEED", 1));
    let (template, random) = (template(), Numbers::new(seed));
    let begun = std::time::Instant::now();
    let commits = commits(&template).len() as u64;
    let whole = begun.elapsed().as_micros() as u64;
    eprintln!("seed {seed}: {wanted} kills");
    let mut kills = 0;
    while kills < wanted {
        let mut pair = Pair::new(&template);
        let mut end = End::Never;
        while !pair.done && kills < wanted {
            // A machine that has become slow since it was measured comes to no commit in time: every other life has some.
            end = match kills % 2 {
                0 => End::In(random.below(whole / 2)),
                _ => End::After(1 + random.below(commits / 2)),
            };
            pair.live(end, &[]);
            kills += u64::from(!pair.done);
        }
        pair.finish(end);
    }
}

/// Everything that was not synced is gone, or a part of it: at commits, and at any moment.
#[test]
fn a_power_cut_takes_nothing_that_was_answered() {
    let (wanted, seed) = (number("SIGILLO_KILLS", 24), number("SIGILLO_KILLS_SEED", 1));
    let (template, random) = (template(), Numbers::new(seed));
    let traces = tempfile::tempdir().expect("a folder");
    let trace = traces.path().join("trace");
    let Some(traced) = traced(&trace) else { return };
    let traced: Vec<&str> = traced.iter().map(String::as_str).collect();
    let begun = std::time::Instant::now();
    let commits = commits(&template);
    // What a power cut is sure to take: a body that went ahead.
    let ahead = 1 + commits.iter().position(|c| c.contains("+body-chunk")).expect("a body goes ahead") as u64;
    let commits = commits.len() as u64;
    let whole = begun.elapsed().as_micros() as u64;
    let mut gone = 0;
    for n in 0..wanted {
        let end = match n {
            0 => End::After(ahead),
            n if n % 2 == 0 => End::After(1 + n * commits / wanted),
            _ => End::In(random.below(whole)),
        };
        let mut pair = Pair::new(&template);
        pair.live(end, &traced);
        // The first half of the cuts takes everything, the other leaves a torn end.
        gone += cut(&trace, pair.path(), &mut |unsynced| if n < wanted / 2 { 0 } else { random.below(unsynced + 1) });
        pair.finish(end);
    }
    eprintln!("seed {seed}: {wanted} power cuts took {gone} bytes");
    assert!(gone > 100_000, "only {gone} unsynced bytes were lost: nothing is shown");
}
