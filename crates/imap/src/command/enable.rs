//! ENABLE (RFC 5161). What can be switched on is [`Enabled`](crate::enabled::Enabled); other names are passed over.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mut names = vec![args.word()?];
    while args.eat(b' ') {
        names.push(args.word()?);
    }
    Ok(Command::Enable(names))
}
