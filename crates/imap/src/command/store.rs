//! STORE (RFC 3501 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use std::iter::Flatten;
use std::ops::Range;
use std::vec;

use crate::command::Command;
use crate::command::copy::PAGE;
use crate::cursor::{Cursor, Problem, Read};
use crate::view::fetched;
use crate::work::{Job, Step, Work};
use crate::{Change, Flags, Request, Row, SequenceSet, StoreOp, set};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let set = args.set()?;
    args.space()?;
    let mut unchanged_since = None;
    if args.eat_text("(UNCHANGEDSINCE ") {
        args.needs("CONDSTORE")?;
        unchanged_since = Some(args.number64()?);
        args.need(b')', "Missing )")?;
        args.space()?;
    }
    let (op, silent) = match args.word()?.as_str() {
        "FLAGS" => (StoreOp::Set, false),
        "FLAGS.SILENT" => (StoreOp::Set, true),
        "+FLAGS" => (StoreOp::Add, false),
        "+FLAGS.SILENT" => (StoreOp::Add, true),
        "-FLAGS" => (StoreOp::Remove, false),
        "-FLAGS.SILENT" => (StoreOp::Remove, true),
        _ => return Err(Problem::Bad("STORE changes FLAGS only")),
    };
    args.space()?;
    let mut flags = Flags::new();
    if args.peek() == Some(b'(') {
        flags = args.flag_list()?;
    } else {
        args.flag(&mut flags)?;
        while args.eat(b' ') {
            args.flag(&mut flags)?;
        }
    }
    Ok(Command::Request(Request::Store { set, uid: false, silent, change: Change { op, flags, unchanged_since } }))
}

pub fn run(set: &SequenceSet, uid: bool, silent: bool, change: &Change, work: &mut Work<'_>) -> Result<Step, Problem> {
    if change.unchanged_since.is_some() {
        work.enable_condstore();
    }
    work.refresh_and_tell()?;
    work.writable()?;
    let ranges = work.pick(set, uid)?;
    let folder = work.folder()?;
    let all = ranges.iter().map(Range::len).sum();
    let mut rows = ranges.iter().cloned().flatten().filter_map(|index| folder.view.row(index));
    if change.op != StoreOp::Remove && rows.any(|row| changes(change, row)) {
        folder.check_keywords(&change.flags)?;
    }
    let indices = ranges.into_iter().flatten();
    let change = change.clone();
    Box::new(StoreJob { indices, all, at: 0, uid, silent, change, modified: Vec::new(), gone: false }).step(work)
}

/// Whether a change would be one of this message.
fn changes(change: &Change, row: &Row) -> bool {
    change.allows(row.modseq) && row.flags.after(change.op, &change.flags) != row.flags
}

/// A STORE under way: page by page, each told as it is done, so that neither a big folder nor long flags fill the memory.
/// Numbers hold until it is over.
#[derive(Debug)]
pub struct StoreJob {
    indices: Flatten<vec::IntoIter<Range<usize>>>,
    all: usize,
    /// So many of the messages have been dealt with.
    at: usize,
    uid: bool,
    silent: bool,
    change: Change,
    /// The UIDs of those that UNCHANGEDSINCE kept from it.
    modified: Vec<u32>,
    /// Some were gone.
    gone: bool,
}

impl StoreJob {
    /// Messages dealt with, and messages in all; nothing when each is told.
    pub fn progress(&self) -> Option<(usize, usize)> {
        self.silent.then_some((self.at, self.all))
    }

    /// Changes the next page.
    pub fn step(mut self: Box<Self>, work: &mut Work<'_>) -> Result<Step, Problem> {
        let page: Vec<usize> = self.indices.by_ref().take(PAGE).collect();
        self.at += page.len();
        let folder = work.folder()?;
        let (number, mut touched, mut same) = (folder.number, Vec::new(), Vec::new());
        for index in page {
            match folder.view.row(index) {
                Some(row) if !self.change.allows(row.modseq) => self.modified.push(row.uid),
                Some(row) if changes(&self.change, row) => touched.push(row.uid),
                Some(_) => same.push(index),
                None => self.gone = true,
            }
        }
        let mut surprising = Vec::new();
        if !touched.is_empty() {
            let stored = work.boxes.store_flags(number, &touched, &self.change)?;
            self.gone |= stored.rows.len() + stored.modified.len() < touched.len();
            self.modified.extend(stored.modified);
            let (view, Change { op, flags, .. }) = (&mut work.folder()?.view, &self.change);
            let before = |row: &Row| view.row(view.index_of(row.uid)?).map(|row| row.flags.clone());
            // Somebody else was quicker: who says SILENT knows what he did himself, and no more (RFC 3501 §6.4.6).
            let odd = |row: &&Row| before(row).is_none_or(|before| before.after(*op, flags) != row.flags);
            surprising.extend(stored.rows.iter().filter(odd).map(|row| row.uid));
            same.extend(view.changed(stored.rows));
            same.sort_unstable();
            work.refresh_after();
        }
        tell(&same, self.uid, |row| !self.silent || surprising.contains(&row.uid), work)?;
        if self.at < self.all {
            return Ok(Step::More(Job::Store(self)));
        }
        let done = super::fetch::done(self.gone, self.uid, "STORE completed");
        if self.modified.is_empty() { done } else { done.coded(refused(self.modified, self.uid, work)?) }.step()
    }
}

/// `MODIFIED` with the messages that were not changed, as the command named them.
fn refused(mut uids: Vec<u32>, uid: bool, work: &mut Work<'_>) -> Result<String, Problem> {
    uids.sort_unstable();
    if !uid {
        let view = &work.folder()?.view;
        let number = |uid: &u32| u32::try_from(view.index_of(*uid)? + 1).ok();
        uids = uids.iter().filter_map(number).collect();
    }
    Ok(format!("MODIFIED {}", set::compress(uids)))
}

/// Tells what became of messages: the flags of which that is wanted, and to who hears of mod-sequences those that his own
/// changes made (RFC 7162 §3.1.3).
fn tell(indices: &[usize], uid: bool, flags: impl Fn(&Row) -> bool, work: &mut Work<'_>) -> Result<(), Problem> {
    let on = *work.enabled;
    let view = &work.folder()?.view;
    let rows = indices.iter().filter_map(|index| Some((*index, view.row(*index)?)));
    let told = rows.filter(|(_, row)| flags(row) || on.condstore);
    let told: String = told.map(|(index, row)| fetched(index, row, flags(row), uid, on)).collect();
    work.out.extend_from_slice(told.as_bytes());
    Ok(())
}
