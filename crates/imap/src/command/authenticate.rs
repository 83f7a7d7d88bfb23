//! AUTHENTICATE (RFC 3501 §6.2.2), with an initial response (RFC 4959).

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mechanism = args.word()?;
    let mut initial = None;
    if args.eat(b' ') {
        args.needs("SASL-IR")?;
        initial = Some(args.while_(|b| b > b' ' && b < 0x7f).to_vec());
    }
    Ok(Command::Authenticate { mechanism, initial })
}
