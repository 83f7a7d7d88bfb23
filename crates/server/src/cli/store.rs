//! `sigillo store`: over a service, or over the store of one that is stopped.

use std::ops::ControlFlow;

use sigillo_admin::verbs::store::{
    BackupArgs, CompactArgs, PlaceArgs, RestoreArgs, Verb, backed_up, compacted, migrated, restored, stats as shown,
};
use sigillo_admin::verbs::store_check::{CheckArgs, WriteArgs, check, repaired};
use sigillo_admin::{Client, Lang, api, verbs};
use sigillo_base::Said;
use sigillo_store_rocks::RocksStore;

use super::{Exit, complain, far};
use crate::out::say;
use crate::store_check::Still;
use crate::{clock, complaint, store_work};

pub(super) fn run(verb: &Verb, lang: Lang) -> Exit {
    match verb {
        Verb::Check(args) => run_check(args, lang),
        Verb::Repair(args) => run_repair(args, lang),
        Verb::Migrate(args) => migrate(args, lang),
        Verb::Backup(args) => backup(args, lang),
        Verb::Restore(args) => restore(args, lang),
        Verb::Compact(args) => compact(args, lang),
        Verb::Stats(place) => stats(place, lang),
    }
}

fn backup(args: &BackupArgs, lang: Lang) -> Exit {
    // The service has another working folder.
    let dir = match std::path::absolute(&args.dir) {
        Ok(dir) => dir,
        Err(error) => return complain(Said::verbatim(error).about(args.dir.display()), lang, Exit::Usage),
    };
    let (place, order) = (&args.place, api::BackupOrder { dir, keep: args.keep });
    let asked = async |client: Client| client.work(api::STORE_BACKUP, &order, &mut far()).await;
    let reserve = args.reserve.bytes();
    let here =
        |store: &RocksStore| store_work::backup(store, &order, reserve, clock::system_time(), &mut going_on(far()));
    over(place, asked, here, |done| backed_up(done, place.at.json, lang))
}

fn compact(args: &CompactArgs, lang: Lang) -> Exit {
    let (place, reserve) = (&args.place, args.reserve.bytes());
    let asked = async |client: Client| client.work(api::STORE_COMPACT, &(), &mut far()).await;
    let here = |store: &RocksStore| store_work::compact(store, reserve, &mut going_on(far()));
    over(place, asked, here, |done| compacted(done, place.at.json, lang))
}

fn stats(place: &PlaceArgs, lang: Lang) -> Exit {
    let asked = async |client: Client| client.get(api::STORE_STATS).await;
    over(place, asked, |store| Ok(store_work::stats(store)?), |done| shown(done, place.at.json, lang))
}

fn migrate(args: &WriteArgs, lang: Lang) -> Exit {
    let still = match Still::open(&args.store) {
        Ok(still) => still,
        Err(error) => return complain(complaint::of(&error), lang, Exit::NoStart),
    };
    let done = store_work::migrate(still.store(), args.confirm.yes, clock::system_time());
    let sound = done.as_ref().is_ok_and(|done| done.damaged == 0 && done.errors.unwrap_or_default() == 0);
    match ended(done.and_then(|done| Ok(migrated(&done, args.json, lang)?)), lang) {
        Exit::Fine if !sound => Exit::False,
        exit => exit,
    }
}

fn restore(args: &RestoreArgs, lang: Lang) -> Exit {
    let done = store_work::restore(&args.dir, args.number, &args.store, clock::system_time(), &mut going_on(far()));
    ended(done.and_then(|done| Ok(restored(&done, args.json, lang)?)), lang)
}

/// Asks the service, or does it here to a store that lies still; shows what it came to.
fn over<T>(
    place: &PlaceArgs,
    asked: impl AsyncFnOnce(Client) -> Result<T, sigillo_admin::Error>,
    here: impl FnOnce(&RocksStore) -> anyhow::Result<T>,
    show: impl FnOnce(&T) -> Result<String, verbs::Error>,
) -> Exit {
    let lang = place.at.lang;
    let done = match &place.store {
        None => match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => match runtime.block_on(asked(place.at.client())) {
                Err(error @ sigillo_admin::Error::Connect { .. }) => return complain(error, lang, Exit::NoStart),
                done => done.map_err(Into::into),
            },
            Err(error) => return complain(Said::verbatim(error), lang, Exit::NoStart),
        },
        Some(folder) => match Still::open(folder) {
            Ok(still) => here(still.store()),
            Err(error) => return complain(complaint::of(&error), lang, Exit::NoStart),
        },
    };
    ended(done.and_then(|done| Ok(show(&done)?)), lang)
}

fn ended(done: anyhow::Result<String>, lang: Lang) -> Exit {
    match done {
        Ok(text) => {
            say(text);
            Exit::Fine
        }
        Err(error) => complain(complaint::of(&error), lang, Exit::False),
    }
}

fn going_on(mut far: impl FnMut(u64, u64)) -> impl FnMut(u64, u64) -> ControlFlow<()> {
    move |done, total| {
        far(done, total);
        ControlFlow::Continue(())
    }
}

fn run_check(args: &CheckArgs, lang: Lang) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(Said::verbatim(error), lang, Exit::NoStart),
    };
    let mut shown = far();
    let far = &mut |percent: u8| shown(percent.into(), 100);
    let told = &mut |line: &str| say(line);
    let done = match &args.store {
        None => runtime.block_on(check(args, &mut args.at.client(), lang, told, far)),
        Some(folder) => match Still::open(folder) {
            Ok(mut still) => runtime.block_on(check(args, &mut still, lang, told, far)),
            Err(error) => return complain(complaint::of(&error), lang, Exit::NoStart),
        },
    };
    match done {
        Ok(true) => Exit::Fine,
        Ok(false) => Exit::False,
        Err(error @ verbs::Error::Client(_)) => complain(error, lang, Exit::NoStart),
        Err(error) => complain(error, lang, Exit::False),
    }
}

fn run_repair(args: &WriteArgs, lang: Lang) -> Exit {
    let repair = match Still::open(&args.store) {
        Ok(still) => still.repair(args.confirm.yes, clock::system_time()),
        Err(error) => return complain(complaint::of(&error), lang, Exit::NoStart),
    };
    match repair.map(|repair| repaired(args, &repair, lang, &mut |line| say(line))) {
        Ok(Ok(true)) => Exit::Fine,
        Ok(Ok(false)) => Exit::False,
        Ok(Err(error)) => complain(error, lang, Exit::False),
        Err(error) => complain(complaint::of(&error), lang, Exit::False),
    }
}
