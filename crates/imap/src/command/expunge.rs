//! EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315).

use std::ops::Range;

use crate::command::Command;
use crate::command::copy::PAGE;
use crate::cursor::{Cursor, Problem, Read};
use crate::view::Selected;
use crate::work::{Done, Job, Step, Work};
use crate::{Request, SequenceSet, System};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Request(Request::Expunge { uids: None }))
}

pub fn run(set: Option<&SequenceSet>, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.refresh()?;
    work.writable()?;
    let ranges = set.map(|s| work.pick(s, true)).transpose()?;
    let folder = work.folder()?;
    let deleted = carrying(folder, System::Deleted, ranges.as_deref());
    ExpungeJob { folder: folder.number, any: false, uids: deleted, at: 0 }.step(work)
}

/// An EXPUNGE under way.
#[derive(Debug)]
pub struct ExpungeJob {
    folder: u32,
    any: bool,
    uids: Vec<u32>,
    /// So many of the messages have been dealt with.
    at: usize,
}

impl ExpungeJob {
    /// Messages dealt with, and messages in all.
    pub const fn progress(&self) -> (usize, usize) {
        (self.at, self.uids.len())
    }

    /// Removes the next page.
    pub fn step(mut self, work: &mut Work<'_>) -> Result<Step, Problem> {
        let next = self.uids.len().min(self.at + PAGE);
        if self.at < next {
            let removed = work.boxes.expunge(self.folder, &self.uids[self.at..next])?;
            work.folder()?.view.gone(&removed);
            self.any |= !removed.is_empty();
            self.at = next;
        }
        if self.at < self.uids.len() {
            return Ok(Step::More(Job::Expunge(self)));
        }
        let done = Done::ok("EXPUNGE completed");
        if self.any { work.removed(done) } else { done }.step()
    }
}

/// The UIDs that carry a flag, of all or of these.
pub fn carrying(folder: &Selected, flag: System, among: Option<&[Range<usize>]>) -> Vec<u32> {
    let all = 0..folder.view.len();
    let indices = among.unwrap_or(std::slice::from_ref(&all)).iter().cloned().flatten();
    indices.filter_map(|i| folder.view.row(i)).filter(|r| r.flags.has(flag)).map(|r| r.uid).collect()
}
