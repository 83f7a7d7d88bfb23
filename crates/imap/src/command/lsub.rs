//! LSUB (RFC 3501 §6.3.9).

use crate::command::{Command, list};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{DELIMITER, Request, text};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    let (reference, pattern) = list::arguments(args)?;
    Ok(Command::Request(Request::Lsub { reference, pattern }))
}

pub fn run(reference: &str, pattern: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    let folders = work.boxes.list()?;
    for (name, attributes) in list::matching(&folders, &format!("{reference}{pattern}"), |f| f.subscribed) {
        work.line(&format!("* LSUB ({}) \"{DELIMITER}\" {}", attributes.join(" "), text::mailbox(&name)));
    }
    Done::ok("LSUB completed").step()
}
