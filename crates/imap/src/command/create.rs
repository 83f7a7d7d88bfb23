//! CREATE (RFC 3501 §6.3.3).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Code, DELIMITER, Refusal, Request};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mailbox = args.mailbox()?;
    new_name(&mailbox)?;
    Ok(Command::Request(Request::Create { mailbox }))
}

/// A name that a folder may be given: no empty level, no wildcard, no control character.
pub fn new_name(name: &str) -> Result<(), Refusal> {
    if name == "INBOX" {
        return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste gia'"));
    }
    let bad = |c: char| c.is_control() || matches!(c, '*' | '%');
    if name.split(DELIMITER).any(|level| level.is_empty() || level.trim() != level) || name.contains(bad) {
        return Err(Refusal::new(Code::Cannot, "Nome di cartella non valido"));
    }
    Ok(())
}

pub fn run(mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.boxes.create(mailbox)?;
    Done::ok("CREATE completed").step()
}
