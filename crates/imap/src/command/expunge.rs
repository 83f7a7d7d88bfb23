//! EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315).

use std::ops::Range;

use crate::command::Command;
use crate::command::close;
use crate::command::copy::PAGE;
use crate::cursor::{Cursor, Problem, Read};
use crate::view::Selected;
use crate::work::{Done, Job, Step, Work};
use crate::{Code, Request, SequenceSet, System};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Request(Request::Expunge { uids: None }))
}

pub fn run(set: Option<&SequenceSet>, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.refresh()?;
    work.writable()?;
    let ranges = set.map(|s| work.pick(s, true)).transpose()?;
    let folder = work.folder()?;
    let deleted = carrying(folder, System::Deleted, ranges.as_deref());
    ExpungeJob { folder: folder.number, closing: false, any: false, uids: deleted, at: 0 }.step(work)
}

/// An EXPUNGE under way.
#[derive(Debug)]
pub struct ExpungeJob {
    folder: u32,
    /// For CLOSE, which tells nothing of it.
    closing: bool,
    any: bool,
    uids: Vec<u32>,
    /// So many of the messages have been dealt with.
    at: usize,
}

impl ExpungeJob {
    /// Of all that are to go, before the folder is left.
    pub fn closing(folder: &Selected) -> Self {
        let uids = carrying(folder, System::Deleted, None);
        Self { folder: folder.number, closing: true, any: false, uids, at: 0 }
    }

    /// Messages dealt with, and messages in all.
    pub const fn progress(&self) -> (usize, usize) {
        (self.at, self.uids.len())
    }

    /// Removes the next page.
    pub fn step(mut self, work: &mut Work<'_>) -> Result<Step, Problem> {
        let next = self.uids.len().min(self.at + PAGE);
        if self.at < next {
            match work.boxes.expunge(self.folder, &self.uids[self.at..next]) {
                // Who may not expunge leaves the folder as it is (RFC 4314 §4).
                Err(refusal) if self.closing && refusal.code == Some(Code::NoPerm) => return close::left(work),
                removed => {
                    let removed = removed?;
                    work.folder()?.view.gone(&removed);
                    self.any |= !removed.is_empty();
                }
            }
            self.at = next;
        }
        if self.at < self.uids.len() {
            return Ok(Step::More(Job::Expunge(self)));
        }
        if self.closing {
            return close::left(work);
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
