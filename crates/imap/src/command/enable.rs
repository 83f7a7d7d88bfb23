//! ENABLE (RFC 5161). What can be switched on is [`Enabled`](crate::enabled::Enabled); other names are passed over.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("ENABLE")?;
    args.space()?;
    let mut names = vec![args.atom()?.to_ascii_uppercase()];
    while args.eat(b' ') {
        names.push(args.atom()?.to_ascii_uppercase());
    }
    Ok(Command::Enable(names))
}
