//! COMPRESS (RFC 4978): what follows the answer is compressed. The driver does it.

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("COMPRESS=DEFLATE")?;
    args.space()?;
    match args.word()?.as_str() {
        "DEFLATE" => Ok(Command::Compress),
        _ => Err(Problem::Bad("Unknown compression")),
    }
}
