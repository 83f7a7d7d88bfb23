//! MOVE (RFC 6851).

use crate::command::{Command, copy};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Step, Work};
use crate::{Request, SequenceSet};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("MOVE")?;
    let (set, mailbox) = copy::arguments(args)?;
    Ok(Command::Request(Request::Move { set, uid: false, mailbox }))
}

pub fn run(set: &SequenceSet, uid: bool, mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.writable()?;
    work.refresh()?;
    copy::TransferJob::start(set, uid, mailbox, true, work)
}
