//! A folder of very many messages: opened, and brought up to date by QRESYNC (RFC 7162).

use super::messages::selected;
use super::side::Side;
use super::{Bench, Folder};
use crate::material::Size;
use crate::sockets::reader::{number, spread};

/// Messages that got another flag, and as many that went, since the client was there.
const CHANGED: usize = 100;
/// Looks in one run.
const LOOKS: usize = 20;

/// SELECT, then SELECT with what a client knows.
pub fn run(bench: &mut Bench) {
    let size = Size { name: "1KB", bytes: 1 << 10 };
    let folder = Folder { name: "Many", count: bench.scale(100_000, 400), size };
    bench.fill(folder);
    let looks = bench.scale(LOOKS, 2);
    let what = format!("SELECT of {} messages", folder.count);
    let select = format!("SELECT {}", folder.name);
    bench.row(
        (&what, "SELECTs"),
        looks as f64,
        |side, _| side.open(0),
        |_, reader, _| {
            for _ in 0..looks {
                reader.ask(&select);
                reader.ask("UNSELECT");
            }
        },
    );
    // All runs after the first change and lose further messages, while what the client knows is of before.
    let prepare = |side: &Side, run: usize| {
        let mut reader = selected(side, folder);
        let known = reader.ask(&format!("STATUS {} (UIDVALIDITY HIGHESTMODSEQ)", folder.name)).text;
        let [validity, modseq] =
            ["UIDVALIDITY ", "HIGHESTMODSEQ "].map(|name| number(&known, name).expect("as STATUS says"));
        let left = folder.count - 2 * CHANGED * (run + 1);
        reader.ask(&format!("STORE {} +FLAGS.SILENT (\\Seen kw{run})", spread(CHANGED, left)));
        reader.ask(&format!("STORE {} +FLAGS.SILENT (\\Deleted)", spread(CHANGED, left)));
        reader.ask("EXPUNGE");
        let mut reader = side.open(0);
        reader.ask("ENABLE QRESYNC");
        (reader, format!("SELECT {} (QRESYNC ({validity} {modseq}))", folder.name))
    };
    let what = format!("SELECT with QRESYNC, {} messages, {CHANGED} gone", folder.count);
    bench.row((&what, "SELECTs"), looks as f64, prepare, |_, (reader, select), _| {
        for _ in 0..looks {
            let told = reader.ask(select).text;
            assert!(told.contains("VANISHED (EARLIER)"), "{told}");
            reader.ask("UNSELECT");
        }
    });
}
