//! Drafts composed and hashed: everything of a notice but its signature.

use std::path::Path;

use sigillo_tests::fixtures::NOW;

use crate::material::{Certified, SIZES};
use crate::measure::{Pair, Plain, Prepared, pair};
use crate::signing::Openssl;
use crate::table::{Table, digits};
use crate::{Arguments, material};

/// Columns of what is measured on one thread.
pub const COLUMNS: [&str; 8] = ["what", "size", "µs", "per second", "baseline µs", "ratio", "lowest–highest", "runs"];

/// A row of such a table; the ratio is the baseline's time over ours.
pub fn row(table: &mut Table, what: &str, size: &str, pair: &Pair) {
    let (ours, ratio) = (pair.ours.median(), pair.baseline.over(&pair.ours));
    table.row(vec![
        what.into(),
        size.into(),
        digits(ours),
        digits(1e6 / ours),
        digits(pair.baseline.median()),
        digits(ratio.median()),
        ratio.spread(),
        ratio.runs().to_string(),
    ]);
}

/// Acceptance, envelope, complete delivery receipt; then their hash.
pub fn run(arguments: &Arguments, _: &Path) -> Option<Table> {
    let note = "CPU time of one thread. Baseline of a draft: one RSA-2048 signature by openssl; of a hash: openssl's \
                SHA-256 of the same bytes. Ratio: baseline over ours, more is better.";
    let mut table = Table::new("Drafts, without their signature", &COLUMNS, note);
    for size in SIZES {
        let wanted = |kind: &str| arguments.wants(&format!("compose/{kind}/{}", size.name));
        let cases = ["acceptance", "envelope", "delivery", "hash"].map(|k| (k, wanted(k)));
        if !cases.iter().any(|(_, wanted)| *wanted) {
            continue;
        }
        let certified = Certified::new(size);
        for (kind, _) in cases.into_iter().filter(|(_, wanted)| *wanted) {
            let (what, pair) = one(arguments, kind, &certified);
            row(&mut table, what, size.name, &pair);
        }
    }
    table.filled()
}

fn one(arguments: &Arguments, kind: &str, certified: &material::Certified) -> (&'static str, Pair) {
    let rsa = Openssl::new(material::ALFA_KEY);
    let attributes = certified.acceptance().to_be_signed(&[], NOW, &certified.alfa.identity);
    let baseline = || Plain(|| rsa.sign(&attributes));
    match kind {
        "acceptance" => ("acceptance", pair(arguments, Plain(|| certified.acceptance()), baseline())),
        "envelope" => ("transport envelope", pair(arguments, Plain(|| certified.transport_envelope()), baseline())),
        "delivery" => ("delivery receipt, complete", pair(arguments, Plain(|| certified.delivery()), baseline())),
        _ => {
            let (identity, source) = (&certified.alfa.identity, &certified.original);
            let draft = || certified.transport_envelope();
            let hash = |draft: sigillo_pec::Draft| (draft.to_be_signed(source, NOW, identity), draft);
            let entity = certified.signed_entity();
            let plain = Plain(|| openssl::sha::sha256(&entity));
            ("hash of the envelope, attributes", pair(arguments, Prepared(draft, hash), plain))
        }
    }
}
