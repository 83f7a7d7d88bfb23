//! COPY (RFC 3501 §6.4.7) with COPYUID (RFC 4315), and what MOVE shares with it: page by page, so that a delivery into the
//! same mailbox waits for one page and not for all.

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Job, Step, Work};
use crate::{Destination, Flags, Refusal, Request, SequenceSet, set};

/// Messages that one commit copies, moves or removes.
pub const PAGE: usize = 1000;
/// Octets of keywords that one commit copies or moves.
const KEYWORDS: usize = 256 * 1024;

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
    TransferJob::start(set, uid, mailbox, false, work)
}

/// A COPY or MOVE under way.
#[derive(Debug)]
pub struct TransferJob {
    source: u32,
    /// The target, and the name by which it was found: by now another folder may have that.
    into: Destination,
    name: String,
    moving: bool,
    uids: Vec<u32>,
    /// Where each message went: UID in the source, UID in the target.
    pairs: Vec<(u32, u32)>,
    /// So many of the messages have been dealt with.
    at: usize,
}

impl TransferJob {
    /// Messages dealt with, and messages in all.
    pub const fn progress(&self) -> (usize, usize) {
        (self.at, self.uids.len())
    }

    /// Copies or moves the first page.
    pub fn start(
        set: &SequenceSet,
        uid: bool,
        mailbox: &str,
        moving: bool,
        work: &mut Work<'_>,
    ) -> Result<Step, Problem> {
        let ranges = work.pick(set, uid)?;
        let into = work.boxes.destination(mailbox)?;
        let folder = work.folder()?;
        let (uids, source) = (folder.view.uids(&ranges), folder.number);
        // All of them, before the first page: a page that is refused would leave half a MOVE.
        let rows = ranges.into_iter().flatten().filter_map(|index| folder.view.row(index));
        let named = Flags::all(rows.map(|row| &row.flags));
        work.check_keywords(mailbox, &named)?;
        Self { source, into, name: mailbox.to_owned(), moving, uids, pairs: Vec::new(), at: 0 }.step(work)
    }

    /// Copies or moves the next page.
    pub fn step(mut self, work: &mut Work<'_>) -> Result<Step, Problem> {
        let next = self.page_end(work)?;
        let page = &self.uids[self.at..next];
        if !page.is_empty() {
            let done = if self.moving {
                work.boxes.move_(self.source, page, self.into)
            } else {
                work.boxes.copy(self.source, page, self.into)
            };
            match done {
                Ok(pairs) => self.note(pairs, work)?,
                Err(refusal) => return Err(self.give_up(refusal, work).into()),
            }
            self.at = next;
        }
        if self.at < self.uids.len() {
            return Ok(Step::More(Job::Transfer(Box::new(self))));
        }
        if self.moving {
            self.tell_moved(work);
            let done = Done::ok("MOVE completed");
            return if self.pairs.is_empty() { done } else { work.removed(done) }.step();
        }
        let done = Done::ok("COPY completed");
        if self.pairs.is_empty() { done } else { done.coded(self.code()) }.step()
    }

    /// Where the next page ends.
    fn page_end(&self, work: &mut Work<'_>) -> Result<usize, Refusal> {
        let view = &work.folder()?.view;
        let keywords = |uid: &u32| view.row(view.index_of(*uid)?).map(|row| row.flags.keyword_octets());
        let (mut next, mut octets) = (self.at, 0);
        for uid in self.uids[self.at..].iter().take(PAGE) {
            octets += keywords(uid).unwrap_or(0);
            if octets > KEYWORDS && next > self.at {
                break;
            }
            next += 1;
        }
        Ok(next)
    }

    fn note(&mut self, pairs: Vec<(u32, u32)>, work: &mut Work<'_>) -> Result<(), Refusal> {
        if self.moving {
            let gone: Vec<u32> = pairs.iter().map(|p| p.0).collect();
            work.folder()?.view.gone(&gone);
        }
        let came: Vec<u32> = pairs.iter().map(|p| p.1).collect();
        let Destination { folder, uid_validity } = self.into;
        match work.selected.as_mut().filter(|selected| selected.number == folder) {
            Some(selected) => selected.view.bring(came),
            // What is not selected is known by its name, as long as it has it.
            None if work.boxes.locate(&self.name) == Ok((folder, uid_validity)) => {
                work.notices.brought(work.boxes, &self.name, &came);
            }
            None => {}
        }
        self.pairs.extend(pairs);
        Ok(())
    }

    /// Before the EXPUNGEs, so that a client can follow the messages (RFC 6851 §4.3).
    fn tell_moved(&self, work: &mut Work<'_>) {
        if !self.pairs.is_empty() {
            work.line(&format!("* OK [{}] Moved", self.code()));
        }
    }

    /// A page was refused. What was copied goes again, as RFC 3501 §6.4.7 asks; what was moved stays where it is, and the
    /// client hears of it (RFC 6851 §3.3).
    fn give_up(&self, refusal: Refusal, work: &mut Work<'_>) -> Refusal {
        if self.moving {
            self.tell_moved(work);
            return refusal;
        }
        let uids: Vec<u32> = self.pairs.iter().map(|p| p.1).collect();
        for page in uids.chunks(PAGE) {
            if let Err(why) = work.boxes.withdraw(self.into, page) {
                return Refusal { text: format!("{}; parte delle copie e' rimasta", refusal.text), ..why };
            }
        }
        refusal
    }

    /// `COPYUID validity source target`
    fn code(&self) -> String {
        let from = set::compress(self.pairs.iter().map(|p| p.0));
        let to = set::compress(self.pairs.iter().map(|p| p.1));
        format!("COPYUID {} {from} {to}", self.into.uid_validity)
    }
}
