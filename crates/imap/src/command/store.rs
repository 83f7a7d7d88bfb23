//! STORE (RFC 3501 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::view::fetched;
use crate::work::{Step, Work};
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
    let (mut touched, mut same, mut modified, mut gone) = (Vec::new(), Vec::new(), Vec::new(), false);
    for index in ranges.into_iter().flatten() {
        match folder.view.row(index) {
            Some(row) if !change.allows(row.modseq) => modified.push(row.uid),
            Some(row) if row.flags.after(change.op, &change.flags) == row.flags => same.push(index),
            Some(row) => touched.push(row.uid),
            None => gone = true,
        }
    }
    if change.op != StoreOp::Remove && !touched.is_empty() {
        folder.check_keywords(&change.flags)?;
    }
    let (number, mut surprising) = (folder.number, Vec::new());
    if !touched.is_empty() {
        let stored = work.boxes.store_flags(number, &touched, change)?;
        gone |= stored.rows.len() + stored.modified.len() < touched.len();
        modified.extend(stored.modified);
        let view = &mut work.folder()?.view;
        let before = |row: &Row| view.row(view.index_of(row.uid)?).map(|row| row.flags.clone());
        // Somebody else was quicker: who says SILENT knows what he did himself, and no more (RFC 3501 §6.4.6).
        let odd = |row: &&Row| before(row).is_none_or(|flags| flags.after(change.op, &change.flags) != row.flags);
        surprising = stored.rows.iter().filter(odd).map(|row| row.uid).collect();
        same.extend(view.changed(stored.rows));
        same.sort_unstable();
        work.refresh_after();
    }
    tell(&same, uid, |row| !silent || surprising.contains(&row.uid), work)?;
    let done = super::fetch::done(gone, uid, "STORE completed");
    if modified.is_empty() { done } else { done.coded(refused(modified, uid, work)?) }.step()
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
