//! `sigillo store check|repair`: over a service, or over the store of one that is stopped.

use std::io::IsTerminal;

use sigillo_admin::verbs::store_check::{CheckArgs, RepairArgs, Verb, check, repaired};
use sigillo_admin::{Client, Lang, verbs};

use super::{Exit, complain};
use crate::clock;
use crate::out::{progress, say};
use crate::store_check::Still;

/// Arguments of `sigillo store`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// What to do.
    #[command(subcommand)]
    verb: Verb,
}

pub(super) fn run(args: &Args, lang: Lang) -> Exit {
    match &args.verb {
        Verb::Check(args) => run_check(args, lang),
        Verb::Repair(args) => run_repair(args, lang),
    }
}

fn run_check(args: &CheckArgs, lang: Lang) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error, Exit::NoStart),
    };
    let shown = std::io::stderr().is_terminal();
    let far = &mut |percent: u8| {
        if shown {
            progress(percent);
        }
    };
    let told = &mut |line: &str| say(line);
    let done = match &args.store {
        None => runtime.block_on(check(args, &mut Client::new(&args.at.socket), lang, told, far)),
        Some(folder) => match Still::open(folder) {
            Ok(mut still) => runtime.block_on(check(args, &mut still, lang, told, far)),
            Err(error) => return complain(&format!("{error:#}"), Exit::NoStart),
        },
    };
    match done {
        Ok(true) => Exit::Fine,
        Ok(false) => Exit::False,
        Err(error @ verbs::Error::Client(_)) => complain(&error, Exit::NoStart),
        Err(error) => complain(&error, Exit::False),
    }
}

fn run_repair(args: &RepairArgs, lang: Lang) -> Exit {
    let repair = match Still::open(&args.store) {
        Ok(still) => still.repair(args.yes, clock::system_time()),
        Err(error) => return complain(&format!("{error:#}"), Exit::NoStart),
    };
    match repair.map(|repair| repaired(args, &repair, lang, &mut |line| say(line))) {
        Ok(Ok(true)) => Exit::Fine,
        Ok(Ok(false)) => Exit::False,
        Ok(Err(error)) => complain(&error, Exit::False),
        Err(error) => complain(&format!("{error:#}"), Exit::False),
    }
}
