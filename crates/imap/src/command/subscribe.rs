//! SUBSCRIBE (RFC 3501 §6.3.6).

use crate::Request;
use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    Ok(Command::Request(Request::Subscribe { mailbox: args.mailbox()? }))
}

pub fn run(mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.boxes.subscribe(mailbox, true)?;
    work.notices.subscribed(mailbox, true);
    Done::ok("SUBSCRIBE completed").step()
}
