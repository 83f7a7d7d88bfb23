//! UNSELECT (RFC 3691): leaves the folder as it is.

use crate::Request;
use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Tell, Work};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("UNSELECT")?;
    Ok(Command::Request(Request::Unselect))
}

pub fn run(work: &mut Work<'_>) -> Result<Step, Problem> {
    work.leave();
    work.look_after();
    Done::ok("UNSELECT completed").telling(Tell::Nothing).step()
}
