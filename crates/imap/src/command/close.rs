//! CLOSE (RFC 3501 §6.4.2).

use crate::Request;
use crate::command::Command;
use crate::command::expunge::ExpungeJob;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Tell, Work};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Request(Request::Close))
}

pub fn run(work: &mut Work<'_>) -> Result<Step, Problem> {
    if work.folder()?.read_only {
        return left(work);
    }
    work.refresh()?;
    let folder = work.folder()?;
    if folder.vanished {
        return left(work);
    }
    ExpungeJob::closing(folder).step(work)
}

/// The end of it. The folder is left whatever the last look at it gives; who listens to it (NOTIFY) knows what he removed
/// himself.
pub fn left(work: &mut Work<'_>) -> Result<Step, Problem> {
    let _seen = work.refresh().is_ok();
    // What was pending for this folder concerns nobody any more.
    work.out.clear();
    work.leave();
    work.look_after();
    Done::ok("CLOSE completed").telling(Tell::Nothing).step()
}
