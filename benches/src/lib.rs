//! The figures of `docs/performance.md`: how fast each part is beside a plain baseline measured in the same run.
//!
//! Knows: how to measure in pairs, what a person wants to read of a machine, material of two sizes.
//! Must never know: what a good figure is. Nothing here fails because something was slow; what fails is a lost message.
//! Entry point: [`main`], from `cargo bench -p sigillo-benches [-- NAME…]`; a case runs when its name contains a NAME.
//! Invariants: ours and the baseline take turns run by run, so that a ratio survives a busy machine; a message counts
//! when its delivery receipt is in the sender's INBOX (`exchange::World::check`).
#![allow(clippy::expect_used, reason = "a bench that cannot run ends, and says on what")]

mod arguments;
mod backup;
mod commits;
mod compose;
mod counting;
mod exchange;
mod hostile;
mod judging;
mod kept;
mod machine;
mod material;
mod measure;
mod open;
mod restart;
mod signing;
mod sockets;
mod table;

use std::path::Path;

pub use arguments::Arguments;

/// Runs the cases that the command line names (all without names), and prints a table for each group. Stores are made
/// below `folder`, which should lie on the disk that is to be measured; `SIGILLO_BENCH_DIR` names another.
pub fn main(folder: &Path) {
    if open::child() || restart::started() {
        return;
    }
    let arguments = Arguments::read(std::env::args().skip(1));
    let groups: [fn(&Arguments, &Path) -> Option<table::Table>; 21] = [
        compose::run,
        signing::run,
        counting::run,
        judging::run,
        hostile::run,
        commits::run,
        backup::run,
        exchange::run,
        exchange::full,
        restart::start,
        restart::work,
        sockets::run,
        sockets::scanned,
        sockets::paced,
        sockets::crowd,
        sockets::massive,
        sockets::imap,
        sockets::imap_latency,
        sockets::imap_crowd,
        kept::run,
        open::run,
    ];
    let other = std::env::var_os("SIGILLO_BENCH_DIR");
    let folder = other.as_deref().map_or(folder, Path::new);
    std::fs::create_dir_all(folder).expect("the folder for stores can be made");
    if !arguments.list {
        println!("{}", machine::describe(folder));
    }
    for group in groups {
        let before = machine::Busy::now();
        if let Some(table) = group(&arguments, folder) {
            println!("{table}");
            println!("{}\n", machine::Busy::now().since(&before));
        }
    }
}
