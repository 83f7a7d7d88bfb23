//! NOOP (RFC 3501 §6.1.2): in a folder the same as CHECK.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Noop)
}
