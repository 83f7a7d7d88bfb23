//! SETQUOTA (RFC 9208 §4.1.3): understood, and refused. What fits into a mailbox is its profile.

use crate::command::Command;
use crate::cursor::{Cursor, Read};
use crate::{Code, Refusal};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("QUOTA")?;
    args.space()?;
    args.text()?;
    args.space()?;
    args.need(b'(', "Missing list of limits")?;
    while !args.eat(b')') {
        args.word()?;
        args.space()?;
        args.while_(|b| b.is_ascii_digit());
        let _ = args.eat(b' ');
    }
    Err(Refusal::new(Code::NoPerm, "La quota e' quella del profilo della casella").into())
}
