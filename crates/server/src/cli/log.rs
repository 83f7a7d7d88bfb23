//! `sigillo log`: over a service, or over the store of one that is stopped.

use sigillo_admin::{Lang, verbs};
use sigillo_base::Said;

use super::{Exit, complain};
use crate::complaint;
use crate::legal_log::Still;
use crate::out::say;

pub(super) fn run(verb: &verbs::log::Verb, lang: Lang) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(Said::verbatim(error), lang, Exit::NoStart),
    };
    let from = verb.log();
    let told = &mut |line: &str| say(line);
    let done = match &from.store {
        None => runtime.block_on(verbs::log::run(verb, &mut from.at.client(), lang, told)),
        Some(folder) => match Still::open(folder) {
            Ok(mut still) => runtime.block_on(verbs::log::run(verb, &mut still, lang, told)),
            Err(error) => return complain(complaint::of(&error), lang, Exit::NoStart),
        },
    };
    match done {
        Ok(true) => Exit::Fine,
        Ok(false) => Exit::False,
        Err(error) => complain(error, lang, Exit::NoStart),
    }
}
