//! IDLE (RFC 2177): the session itself waits for DONE.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("IDLE")?;
    Ok(Command::Idle)
}
