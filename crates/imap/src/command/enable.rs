//! ENABLE (RFC 5161): no extension here changes what is sent, so that nothing is ever enabled.

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    args.word()?;
    while args.eat(b' ') {
        args.word()?;
    }
    Ok(Command::Enable)
}
