//! STARTTLS (RFC 3501 §6.2.1).

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("STARTTLS")?;
    Ok(Command::StartTls)
}
