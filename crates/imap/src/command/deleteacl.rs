//! DELETEACL (RFC 4314 §3.2): somebody has no right any more.

use crate::command::{Command, setacl};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{FolderRights, Request, RightsChange};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("ACL")?;
    args.space()?;
    let mailbox = args.mailbox()?;
    args.space()?;
    Ok(Command::Request(Request::DeleteAcl { mailbox, who: setacl::identifier(args)? }))
}

pub fn run(mailbox: &str, who: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.boxes.set_acl(mailbox, who, RightsChange::Set(FolderRights::NONE))?;
    Done::ok("DELETEACL completed").step()
}
