//! Searching: a field of the header, and a word in the text.

use std::time::{Duration, Instant};

use super::Bench;
use super::messages::{one_command, small};
use crate::sockets::reader::Answer;

/// A word of which only every five hundredth message has one, and which that is.
pub const RARE: &str = "i verbi";
pub const RARE_AT: usize = 10;

/// Ours makes its index in the background: it is at rest when it took no CPU for so long.
const REST: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(300);

/// Without the index of texts, then with it.
pub fn run(bench: &mut Bench) {
    let folder = small(bench);
    bench.fill(folder);
    searches(bench, "no index");
    let program = bench.program.clone();
    for side in &mut bench.sides {
        side.index_texts(&program);
        let (begun, mut rest, mut ticks) = (Instant::now(), Instant::now(), side.ticks());
        while side.is_ours() && rest.elapsed() < REST {
            assert!(begun.elapsed() < PATIENCE, "the index of texts is not made");
            std::thread::sleep(Duration::from_millis(500));
            // What a server does at rest is a tick or two.
            if side.ticks() > ticks + 2 {
                rest = Instant::now();
            }
            ticks = side.ticks();
        }
    }
    searches(bench, "ours with its index of texts");
}

fn searches(bench: &mut Bench, how: &str) {
    let folder = small(bench);
    let found = folder.count.div_ceil(500);
    let rare = format!("TEXT \"{RARE}\"");
    let keys: [(&str, &str, usize); 4] = [
        ("of a field, one has it", "HEADER Message-ID \"<n7.@\"", 1),
        ("of a text, one of 500 has it", &rare, found),
        ("of a text, none has it", "TEXT \"ornitorinco\"", 0),
        ("of a text, all have it", "TEXT \"allegato\"", folder.count),
    ];
    for (said, key, hits) in keys {
        let what = format!("SEARCH {said}, {} messages of {}, {how}", folder.count, folder.size.name);
        let all = |answer: &Answer| {
            let line = answer.text.lines().find_map(|line| line.strip_prefix("* SEARCH")).unwrap_or_default();
            assert_eq!(line.split_whitespace().count(), hits, "{key}: {line}");
        };
        one_command(bench, (&what, "messages"), folder.count as f64, folder, &format!("SEARCH {key}"), all);
    }
}
