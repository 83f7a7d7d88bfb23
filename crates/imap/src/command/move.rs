//! MOVE (RFC 6851).

use crate::command::{Command, copy};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Request, SequenceSet};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    let (set, mailbox) = copy::arguments(args)?;
    Ok(Command::Request(Request::Move { set, uid: false, mailbox }))
}

pub fn run(set: &SequenceSet, uid: bool, mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.writable()?;
    work.refresh()?;
    let ranges = work.pick(set, uid)?;
    let folder = work.folder()?;
    let (uids, number) = (folder.view.uids(&ranges), folder.number);
    if uids.is_empty() {
        return Done::ok("MOVE completed, of nothing").step();
    }
    let moved = work.boxes.move_(number, &uids, mailbox)?;
    if !moved.pairs.is_empty() {
        // Before the EXPUNGEs, so that a client can follow the messages (RFC 6851 §4.3).
        work.line(&format!("* OK [{}] Moved", copy::code(&moved)));
        let gone: Vec<u32> = moved.pairs.iter().map(|p| p.0).collect();
        work.folder()?.view.gone(&gone);
        return work.removed(Done::ok("MOVE completed")).step();
    }
    Done::ok("MOVE completed").step()
}
