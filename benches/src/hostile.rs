//! What attackers send, beside an ordinary message of the same size: an attack that pays would show as a small ratio.

use std::path::Path;

use sigillo_tests::hostile::{Street, certifications, plain, submissions};

use crate::Arguments;
use crate::measure::{Pair, Plain, pair};
use crate::table::{Table, digits};

/// The whole way of each submission, and the judgement of each certification.
pub fn run(arguments: &Arguments, _: &Path) -> Option<Table> {
    let note = "CPU time of one thread. A submission: examined; refused by a signed notice, or wrapped, signed, judged, and \
                answered by all three delivery receipts. Certification data: the envelope judged. Baseline: the whole way \
                of an ordinary message with one attachment, of the same size. Ratio: ours over baseline, more is better.";
    let columns = ["what", "KB", "MB/s", "baseline MB/s", "ratio", "lowest–highest", "runs"];
    let mut table = Table::new("Hostile input", &columns, note);
    let street = Street::default();
    let wanted = |name: &str| arguments.wants(&format!("hostile/{}", name.replace(' ', "-")));
    for trap in submissions().into_iter().filter(|t| wanted(t.name)) {
        let ordinary = plain(trap.message.len());
        let pair = pair(arguments, Plain(|| street.send(&trap.message)), Plain(|| street.send(&ordinary)));
        row(&mut table, trap.name, trap.message.len(), &pair);
    }
    for (name, xml, _) in certifications().into_iter().filter(|(name, ..)| wanted(name)) {
        let envelope = street.envelope_with(&xml);
        let ordinary = plain(envelope.len());
        let pair = pair(arguments, Plain(|| street.judge(&envelope)), Plain(|| street.send(&ordinary)));
        row(&mut table, name, envelope.len(), &pair);
    }
    table.filled()
}

fn row(table: &mut Table, name: &str, bytes: usize, pair: &Pair) {
    // Bytes a microsecond are megabytes a second.
    let rate = |micros: f64| digits(bytes as f64 / micros);
    let ratio = pair.baseline.over(&pair.ours);
    table.row(vec![
        name.into(),
        (bytes >> 10).to_string(),
        rate(pair.ours.median()),
        rate(pair.baseline.median()),
        digits(ratio.median()),
        ratio.spread(),
        ratio.runs().to_string(),
    ]);
}
