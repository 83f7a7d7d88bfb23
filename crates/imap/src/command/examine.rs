//! EXAMINE (RFC 3501 §6.3.2): SELECT that changes nothing.

use crate::Request;
use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    Ok(Command::Request(Request::Select { mailbox: args.mailbox()?, read_only: true }))
}
