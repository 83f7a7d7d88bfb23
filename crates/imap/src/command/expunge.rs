//! EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315).

use std::ops::Range;

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::view::Selected;
use crate::work::{Done, Step, Work};
use crate::{Request, SequenceSet, System};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Request(Request::Expunge { uids: None }))
}

pub fn run(set: Option<&SequenceSet>, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.writable()?;
    work.refresh()?;
    let ranges = set.map(|s| work.pick(s, true)).transpose()?;
    let folder = work.folder()?;
    let deleted = carrying(folder, System::Deleted, ranges.as_deref());
    let number = folder.number;
    if !deleted.is_empty() {
        let removed = work.boxes.expunge(number, &deleted)?;
        work.folder()?.view.gone(&removed);
        return work.removed(Done::ok("EXPUNGE completed")).step();
    }
    Done::ok("EXPUNGE completed").step()
}

/// The UIDs that carry a flag, of all or of these.
pub fn carrying(folder: &Selected, flag: System, among: Option<&[Range<usize>]>) -> Vec<u32> {
    let all = 0..folder.view.len();
    let indices = among.unwrap_or(std::slice::from_ref(&all)).iter().cloned().flatten();
    indices.filter_map(|i| folder.view.row(i)).filter(|r| r.flags.has(flag)).map(|r| r.uid).collect()
}
