//! NAMESPACE (RFC 2342): personal folders only.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("NAMESPACE")?;
    Ok(Command::Namespace)
}
