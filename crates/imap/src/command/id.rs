//! ID (RFC 2971): read and forgotten.

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("ID")?;
    args.space()?;
    if args.eat_text("NIL") {
        return Ok(Command::Id);
    }
    args.need(b'(', "ID wants a list or NIL")?;
    if args.eat(b')') {
        return Ok(Command::Id);
    }
    for _ in 0..30 {
        args.string()?;
        args.space()?;
        args.nstring()?;
        if args.eat(b')') {
            return Ok(Command::Id);
        }
        args.space()?;
    }
    Err(Problem::Bad("Too many fields"))
}
