//! SELECT (RFC 3501 §6.3.1, RFC 9051 §6.3.2), with CONDSTORE and QRESYNC (RFC 7162 §3.1.8, §3.2.5).

use crate::command::{Command, list};
use crate::cursor::{Cursor, Problem, Read};
use crate::view::{Selected, exists, fetched, permanent};
use crate::work::{Done, Step, Tell, Work, highest};
use crate::{FolderState, Known, Refusal, Request, System, keywords, set};

/// Pairs of a sequence number and a UID that a client may show.
const MAX_PAIRS: usize = 1000;
/// Ranges of UIDs in one VANISHED.
const MAX_RANGES: usize = 1000;

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Request(arguments(args, false)?))
}

/// A folder, and what is wanted with it: `INBOX (CONDSTORE QRESYNC (67890007 9000 41:211 (1,10 41,52)))`.
pub fn arguments(args: &mut Cursor<'_>, read_only: bool) -> Read<Request> {
    args.space()?;
    let mailbox = args.mailbox()?;
    let (mut condstore, mut known) = (false, None);
    if args.eat_text(" (") {
        loop {
            match args.word()?.as_str() {
                "CONDSTORE" => {
                    args.needs("CONDSTORE")?;
                    condstore = true;
                }
                "QRESYNC" if known.is_none() => {
                    args.needs("QRESYNC")?;
                    known = Some(remembered(args)?);
                }
                _ => return Err(Problem::Bad("Unknown SELECT parameter")),
            }
            if args.eat(b')') {
                break;
            }
            args.space()?;
        }
    }
    Ok(Request::Select { mailbox, read_only, condstore, known })
}

fn remembered(args: &mut Cursor<'_>) -> Read<Known> {
    args.space()?;
    args.need(b'(', "Missing list")?;
    let uid_validity = args.number()?;
    if uid_validity == 0 {
        return Err(Problem::Bad("Wrong UIDVALIDITY"));
    }
    args.space()?;
    let mut known = Known { uid_validity, modseq: args.number64()?, uids: None, pairs: None };
    if args.peek() == Some(b' ') && args.rest().get(1) != Some(&b'(') {
        args.space()?;
        known.uids = Some(args.numbers()?);
    }
    if args.eat_text(" (") {
        let numbers = args.numbers()?;
        args.space()?;
        known.pairs = Some((numbers, args.numbers()?));
        args.need(b')', "Missing )")?;
    }
    args.need(b')', "Missing )")?;
    Ok(known)
}

pub fn run(
    mailbox: &str,
    read_only: bool,
    condstore: bool,
    known: Option<&Known>,
    work: &mut Work<'_>,
) -> Result<Step, Problem> {
    if known.is_some() && !work.enabled.qresync {
        return Err(Problem::Bad("QRESYNC wants ENABLE QRESYNC first"));
    }
    // Also a SELECT that fails leaves the folder that was selected.
    if work.selected.is_some() {
        work.leave();
        work.line("* OK [CLOSED] Previous mailbox closed");
    }
    if condstore {
        work.enable_condstore();
    }
    let state = work.boxes.select(mailbox)?;
    let rights = work.boxes.rights_in(state.number)?;
    let (examined, read_only) = (read_only, read_only || state.read_only);
    let full = tell(&state, read_only, work);
    if work.enabled.rev2 {
        list::one(mailbox, None, work)?;
    }
    let known = known.filter(|known| known.uid_validity == state.uid_validity);
    *work.selected = Some(Selected::new(examined, state, rights, full));
    if let Some(known) = known
        && let Err(refusal) = resynchronise(known, work)
    {
        // Who is refused has no folder selected (RFC 3501 §6.3.1).
        *work.selected = None;
        return Err(refusal.into());
    }
    work.look_after();
    let (code, text) = if read_only { ("READ-ONLY", "EXAMINE completed") } else { ("READ-WRITE", "SELECT completed") };
    Done::ok(text).coded(code).telling(Tell::Nothing).step()
}

/// Gives whether the folder has as many keywords as it may.
fn tell(state: &FolderState, read_only: bool, work: &mut Work<'_>) -> bool {
    let system = crate::Flags::all_system();
    let mut known = crate::Flags::all(state.rows.iter().map(|row| &row.flags).chain([&system]));
    let full = known.keywords().len() >= keywords::MAX;
    for keyword in state.permanent_flags.keywords() {
        known.insert_keyword(keyword.clone());
    }
    work.line(&format!("* FLAGS ({known})"));
    work.line(&permanent(state.permanent_flags.clone(), state.new_keywords.then_some(&known), full, read_only));
    let on = *work.enabled;
    work.out.extend_from_slice(exists(state.rows.len(), on).as_bytes());
    if let Some(first) = state.rows.iter().position(|r| !on.rev2 && !r.flags.has(System::Seen)) {
        work.line(&format!("* OK [UNSEEN {}] First unseen", first + 1));
    }
    work.line(&format!("* OK [UIDVALIDITY {}] UIDs valid", state.uid_validity));
    work.line(&format!("* OK [UIDNEXT {}] Next UID", state.uid_next));
    work.line(&highest(state.highest_modseq));
    work.line(&format!("* OK [MAILBOXID ({})] Its identity", state.id));
    full
}

/// What went and what changed since a client looked last, of the messages that it knows.
fn resynchronise(known: &Known, work: &mut Work<'_>) -> Result<(), Refusal> {
    let folder = work.folder()?;
    let last = folder.uid_next.saturating_sub(1);
    let uids = match &known.uids {
        Some(set) => set.resolve(last),
        None if last == 0 => Vec::new(),
        None => vec![(1, last)],
    };
    let untouched = known.pairs.as_ref().map_or(0, |(numbers, uids)| {
        let pairs = numbers.numbers(MAX_PAIRS).into_iter().flatten().zip(uids.numbers(MAX_PAIRS).into_iter().flatten());
        let agrees = |(number, uid): &(u32, u32)| {
            let index = usize::try_from(*number).unwrap_or(0).checked_sub(1);
            index.and_then(|index| folder.view.row(index)).is_some_and(|row| row.uid == *uid)
        };
        pairs.filter(agrees).map(|(_, uid)| uid).max().unwrap_or(0)
    });
    tell_vanished(known.modseq, untouched, &uids, work)?;
    let on = *work.enabled;
    let view = &work.folder()?.view;
    let rows = (0..view.len()).filter_map(|index| Some((index, view.row(index)?)));
    let changed = rows.filter(|(_, row)| row.modseq > known.modseq && set::holds(&uids, row.uid));
    let told: String = changed.map(|(index, row)| fetched(index, row, true, true, on)).collect();
    work.out.extend_from_slice(told.as_bytes());
    Ok(())
}

/// `VANISHED (EARLIER)`: which of these UIDs went after a mod-sequence. Where the folder does not remember, all that are
/// not there, above the UID up to which nothing went: too many rather than too few (RFC 7162 §3.2.5).
pub fn tell_vanished(since: u64, untouched: u32, uids: &[(u32, u32)], work: &mut Work<'_>) -> Result<(), Refusal> {
    let number = work.folder()?.number;
    let gone = work.boxes.vanished(number, since)?;
    let folder = work.folder()?;
    let last = folder.uid_next.saturating_sub(1);
    let vanished = match gone {
        // What went after the last look is told by itself.
        Some(gone) => {
            let told = |uid: &u32| *uid <= last && set::holds(uids, *uid) && folder.view.index_of(*uid).is_none();
            set::ranges(gone.into_iter().filter(told))
        }
        None => {
            let clip = |&(a, b): &(u32, u32)| Some((a.max(untouched + 1), b.min(last))).filter(|(a, b)| a <= b);
            folder.view.absent(&uids.iter().filter_map(clip).collect::<Vec<_>>())
        }
    };
    for some in vanished.chunks(MAX_RANGES) {
        work.line(&format!("* VANISHED (EARLIER) {}", set::text(some)));
    }
    Ok(())
}
