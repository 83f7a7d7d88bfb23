//! UNAUTHENTICATE (RFC 8437): the connection is nobody's again.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Unauthenticate)
}
