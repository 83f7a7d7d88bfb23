//! CLOSE (RFC 3501 §6.4.2).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Tell, Work};
use crate::{Request, System};

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
            work.boxes.expunge(number, &deleted)?;
        }
    }
    // What was pending for this folder concerns nobody any more.
    work.out.clear();
    *work.selected = None;
    Done::ok("CLOSE completed").telling(Tell::Nothing).step()
}
