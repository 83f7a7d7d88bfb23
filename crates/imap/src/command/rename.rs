//! RENAME (RFC 3501 §6.3.5, RFC 9051 §6.3.6).

use crate::Request;
use crate::command::{Command, create, list};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};

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
    if work.enabled.rev2 && from != "INBOX" {
        // The folder has its name whatever the look at the list gives.
        let _told = list::one(to, Some(from), work).is_ok();
    }
    Done::ok("RENAME completed").step()
}
