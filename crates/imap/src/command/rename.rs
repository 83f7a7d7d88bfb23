//! RENAME (RFC 3501 §6.3.5, RFC 9051 §6.3.6).

use crate::command::{Command, create, list};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{DELIMITER, Request};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let from = args.mailbox()?;
    args.space()?;
    let to = args.mailbox()?;
    create::new_name(&to)?;
    Ok(Command::Request(Request::Rename { from, to }))
}

pub fn run(from: &str, to: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.boxes.rename(from, to)?;
    if from != "INBOX" {
        work.notices.renamed(work.boxes, from, to);
    }
    work.notices.made(work.boxes, to);
    // The selected folder may be the one that has another name now, or lie below it. Renaming INBOX moves its
    // messages and leaves it where it is.
    if let (Some(folder), false) = (work.selected.as_mut(), from == "INBOX") {
        match folder.name.strip_prefix(from) {
            Some(below) if below.is_empty() || below.starts_with(DELIMITER) => folder.name = format!("{to}{below}"),
            _ => {}
        }
    }
    if work.enabled.rev2 && from != "INBOX" {
        // The folder has its name whatever the look at the list gives.
        let _told = list::one(to, Some(from), work).is_ok();
    }
    Done::ok("RENAME completed").step()
}
