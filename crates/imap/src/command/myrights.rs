//! MYRIGHTS (RFC 4314 §3.5).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::enabled::Enabled;
use crate::work::{Done, Step, Work};
use crate::{FolderRights, Request, text};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("ACL")?;
    args.space()?;
    Ok(Command::Request(Request::MyRights { mailbox: args.mailbox()? }))
}

pub fn run(mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    let rights = work.boxes.my_rights(mailbox)?;
    let line = line(mailbox, rights, *work.enabled);
    work.line(&line);
    Done::ok("MYRIGHTS completed").step()
}

/// The response, without its end; LIST gives it too (RFC 8440).
pub fn line(mailbox: &str, rights: FolderRights, on: Enabled) -> String {
    format!("* MYRIGHTS {} {}", text::mailbox(mailbox, on), rights.told())
}
