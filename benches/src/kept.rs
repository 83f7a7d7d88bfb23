//! What a certified message costs the disk: bytes written on its way, and bytes kept when everything has come to rest.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::Profile;
use sigillo_base::{Address, Uid};
use sigillo_engine::Submitted;
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, Known};
use sigillo_tests::street::Street;

use crate::Arguments;
use crate::material::{SIZES, Size, attachment, message};
use crate::measure::Figures;
use crate::table::{Table, digits};

const MESSAGES: usize = 200;
const RUNS: usize = 3;
const COLUMNS: [&str; 7] = ["providers", "size", "written ×", "kept ×", "sender's ×", "recipient's ×", "runs"];

type Providers = Street<Arc<RocksStore>>;

/// Times the size of the original.
#[derive(Default)]
struct Found {
    written: Figures,
    kept: Figures,
    sender: Figures,
    recipient: Figures,
    messages: usize,
}

/// Inside one provider and between two, both sizes.
pub fn run(arguments: &Arguments, folder: &Path) -> Option<Table> {
    let note = "Bytes, as a multiple of the original's size (the baseline: a file that holds it once); less is better. Each message has one recipient and a \
                complete delivery receipt: four signed messages, of which three enclose the original. Written: what this process sent to the disk \
                (`/proc/self/io`), all flushes included, up to stores at rest; the logs of the stores are among it. Kept: the stores' folders after \
                compaction, sender's and recipient's messages, receipts, archive and legal log together.";
    let mut table = Table::new("Bytes on the disk", &COLUMNS, note);
    for size in SIZES {
        for providers in [1, 2] {
            if arguments.wants(&format!("kept/{}/{providers}", size.name)) {
                row(&mut table, providers, size, &one(arguments, folder, providers, size));
            }
        }
    }
    table.filled()
}

fn row(table: &mut Table, providers: usize, size: Size, found: &Found) {
    let two = |figures: &Figures| if providers == 2 { digits(figures.median()) } else { "–".into() };
    table.row(vec![
        providers.to_string(),
        size.name.into(),
        digits(found.written.median()),
        digits(found.kept.median()),
        two(&found.sender),
        two(&found.recipient),
        format!("{} × {}", found.kept.runs(), found.messages),
    ]);
}

fn one(arguments: &Arguments, folder: &Path, providers: usize, size: Size) -> Found {
    let mut found = Found { messages: if arguments.quick { 5 } else { MESSAGES }, ..Found::default() };
    let original = (found.messages * size.bytes) as f64;
    for run in 0..arguments.runs(RUNS) {
        let folder = tempfile::tempdir_in(folder).expect("a folder");
        let mut street = open(folder.path(), providers);
        compact(&street);
        let (before, written) = (sizes(&street), written());
        exchange(&mut street, found.messages, size, run as u64);
        for house in &street.houses {
            house.store.flush().and_then(|()| house.store.settle()).expect("flushed");
        }
        found.written.push((self::written() - written) as f64 / original);
        compact(&street);
        let grown: Vec<f64> = sizes(&street).iter().zip(before).map(|(n, b)| (n - b) as f64 / original).collect();
        found.kept.push(grown.iter().sum());
        found.sender.push(grown[0]);
        found.recipient.push(grown[providers - 1]);
    }
    found
}

const ANNA: &str = "anna@comune-alfa.example";

fn recipient(providers: usize) -> Address {
    address(if providers == 2 { "bruno@ente-beta.example" } else { "bruno@comune-alfa.example" })
}

fn open(folder: &Path, providers: usize) -> Providers {
    let known = Known::fixtures();
    let mut houses = Vec::new();
    for (n, fixture) in fixtures::providers().into_iter().enumerate().take(providers) {
        let store = RocksStore::open(folder.join(n.to_string()), &Options::default()).expect("a store");
        let service = fixture.provider.service_address.clone();
        let house = House::on(Arc::new(store), fixture, n as u64, &known);
        house.add(&service, Profile::Service, NOW);
        for user in [address(ANNA), recipient(providers)] {
            if house.serves(user.domain()) {
                house.add(&user, Profile::MassiveExtraLarge, NOW);
            }
        }
        houses.push(house);
    }
    Street::of(houses, known, NOW)
}

/// One message after the other, each to its delivery receipt; the log in its order.
fn exchange(street: &mut Providers, messages: usize, size: Size, run: u64) {
    let (anna, bruno) = (address(ANNA), recipient(street.houses.len()));
    for n in 0..messages {
        let attachment = attachment(size.bytes, run << 32 | n as u64);
        let bytes = message(&anna, &bruno, &format!("n{n}"), size, &attachment);
        let answer = street.submit_bytes(&anna, std::slice::from_ref(&bruno), bytes).expect("taken");
        assert!(matches!(answer, Submitted::Accepted(_)), "{answer:?}");
        street.pass(Duration::from_secs(1));
        for house in &street.houses {
            house.engine().chain_log(street.now).expect("linked");
        }
    }
    for (user, each) in [(&anna, 2), (&bruno, 1)] {
        let house = street.house(user);
        let filed = house.engine().inbox(house.login(user).mailbox, Uid(0), usize::MAX).expect("the INBOX can be read");
        assert_eq!(filed.len(), each * messages, "{user}");
    }
}

fn compact(street: &Providers) {
    street.houses.iter().for_each(|h| h.store.compact().expect("compacted"));
}

fn sizes(street: &Providers) -> Vec<u64> {
    street.houses.iter().map(|h| size_of(h.store.path())).collect()
}

/// Bytes of the files in a folder.
pub fn size_of(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry"));
    files.map(|e| e.metadata().map_or(0, |m| m.len())).sum()
}

/// What this process has sent to the disk.
fn written() -> u64 {
    let io = fs::read_to_string("/proc/self/io").expect("Linux counts what a process writes");
    let line = io.lines().find_map(|l| l.strip_prefix("write_bytes: "));
    line.and_then(|n| n.parse().ok()).expect("a number")
}
