//! UNAUTHENTICATE (RFC 8437): the connection is nobody's again.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("UNAUTHENTICATE")?;
    Ok(Command::Unauthenticate)
}
