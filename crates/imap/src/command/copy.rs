//! COPY (RFC 3501 §6.4.7) with COPYUID (RFC 4315).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Copied, Request, SequenceSet, set};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    let (set, mailbox) = arguments(args)?;
    Ok(Command::Request(Request::Copy { set, uid: false, mailbox }))
}

/// A set and a folder.
pub fn arguments(args: &mut Cursor<'_>) -> Read<(SequenceSet, String)> {
    args.space()?;
    let set = args.set()?;
    args.space()?;
    Ok((set, args.mailbox()?))
}

pub fn run(set: &SequenceSet, uid: bool, mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.refresh()?;
    let ranges = work.pick(set, uid)?;
    let folder = work.folder()?;
    let (uids, number) = (folder.view.uids(&ranges), folder.number);
    if uids.is_empty() {
        return Done::ok("COPY completed, of nothing").step();
    }
    let copied = work.boxes.copy(number, &uids, mailbox)?;
    let done = Done::ok("COPY completed");
    if copied.pairs.is_empty() { done } else { done.coded(code(&copied)) }.step()
}

/// `COPYUID validity source target`
pub fn code(copied: &Copied) -> String {
    let from = set::compress(copied.pairs.iter().map(|p| p.0));
    let to = set::compress(copied.pairs.iter().map(|p| p.1));
    format!("COPYUID {} {from} {to}", copied.uid_validity)
}
