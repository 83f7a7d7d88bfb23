//! STORE (RFC 3501 §6.4.6).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Step, Work};
use crate::{Flags, Request, SequenceSet, StoreOp};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let set = args.set()?;
    args.space()?;
    let op = match args.peek() {
        Some(b'+') => StoreOp::Add,
        Some(b'-') => StoreOp::Remove,
        _ => StoreOp::Set,
    };
    if op != StoreOp::Set {
        let _sign = args.while_(|b| matches!(b, b'+' | b'-'));
    }
    let silent = match args.word()?.as_str() {
        "FLAGS" => false,
        "FLAGS.SILENT" => true,
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
    Ok(Command::Request(Request::Store { set, uid: false, op, silent, flags }))
}

pub fn run(
    set: &SequenceSet,
    uid: bool,
    op: StoreOp,
    silent: bool,
    flags: &Flags,
    work: &mut Work<'_>,
) -> Result<Step, Problem> {
    work.writable()?;
    work.refresh_and_tell()?;
    let ranges = work.pick(set, uid)?;
    let folder = work.folder()?;
    let (mut touched, mut same, mut gone) = (Vec::new(), Vec::new(), false);
    for index in ranges.into_iter().flatten() {
        match folder.view.row(index) {
            Some(row) if row.flags.after(op, flags) == row.flags => same.push(index),
            Some(row) => touched.push(row.uid),
            None => gone = true,
        }
    }
    let name = folder.name.clone();
    if !touched.is_empty() {
        let rows = work.boxes.store_flags(&name, &touched, op, flags)?;
        gone |= rows.len() < touched.len();
        same.extend(work.folder()?.view.changed(rows));
        same.sort_unstable();
    }
    if !silent {
        tell(&same, uid, work)?;
    }
    super::fetch::done(gone, uid, "STORE completed").step()
}

fn tell(indices: &[usize], uid: bool, work: &mut Work<'_>) -> Result<(), Problem> {
    for index in indices {
        if let Some(row) = work.folder()?.view.row(*index) {
            let number = if uid { format!("UID {} ", row.uid) } else { String::new() };
            let line = format!("* {} FETCH ({number}FLAGS ({}))", index + 1, row.flags);
            work.line(&line);
        }
    }
    Ok(())
}
