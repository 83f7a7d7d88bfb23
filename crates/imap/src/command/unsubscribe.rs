//! UNSUBSCRIBE (RFC 3501 §6.3.7).

use crate::Request;
use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    Ok(Command::Request(Request::Unsubscribe { mailbox: args.mailbox()? }))
}

pub fn run(mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.boxes.subscribe(mailbox, false)?;
    work.notices.subscribed(mailbox, false);
    Done::ok("UNSUBSCRIBE completed").step()
}
