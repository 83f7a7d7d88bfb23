//! NAMESPACE (RFC 2342): personal folders only.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Namespace)
}
