//! EXAMINE (RFC 3501 §6.3.2): SELECT that changes nothing.

use crate::command::{Command, select};
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Request(select::arguments(args, true)?))
}
