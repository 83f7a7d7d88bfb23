//! CLOSE (RFC 3501 §6.4.2).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Tell, Work};
use crate::{Code, Request, System};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Request(Request::Close))
}

pub fn run(work: &mut Work<'_>) -> Result<Step, Problem> {
    if !work.folder()?.read_only {
        work.refresh()?;
        let folder = work.folder()?;
        let deleted = super::expunge::carrying(folder, System::Deleted, None);
        let number = folder.number;
        if !deleted.is_empty() && !folder.vanished {
            match work.boxes.expunge(number, &deleted) {
                // Who may not expunge leaves the folder as it is (RFC 4314 §4).
                Err(refusal) if refusal.code == Some(Code::NoPerm) => {}
                expunged => work.folder()?.view.gone(&expunged?),
            }
            // It is left whatever the look at it gives; who listens to it (NOTIFY) knows what he removed himself.
            let _seen = work.refresh().is_ok();
        }
    }
    // What was pending for this folder concerns nobody any more.
    work.out.clear();
    work.leave();
    work.look_after();
    Done::ok("CLOSE completed").telling(Tell::Nothing).step()
}
