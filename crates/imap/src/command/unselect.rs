//! UNSELECT (RFC 3691): leaves the folder as it is.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Unselect)
}
