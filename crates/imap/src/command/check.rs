//! CHECK (RFC 3501 §6.4.1), NOOP and looks of our own: every change is durable already, so it only looks what is new.

use crate::Request;
use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Request(Request::Poll))
}

pub fn run(work: &mut Work<'_>) -> Result<Step, Problem> {
    // A look that fails now succeeds at the next: NOOP always succeeds (RFC 3501 §6.1.2).
    let (seen, around) = (work.refresh(), work.look_around());
    Done::ok(if seen.is_ok() && around.is_ok() { "Done" } else { "Nothing new is known" }).step()
}
