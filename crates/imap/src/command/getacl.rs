//! GETACL (RFC 4314 §3.3).

use crate::command::{Command, setacl};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Request, text};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("ACL")?;
    args.space()?;
    Ok(Command::Request(Request::GetAcl { mailbox: args.mailbox()? }))
}

pub fn run(mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    let mut line = format!("* ACL {}", text::mailbox(mailbox, *work.enabled));
    for (who, rights) in work.boxes.acl(mailbox)? {
        line += &format!(" {} {}", setacl::quoted(&who), rights.told());
    }
    work.line(&line);
    Done::ok("GETACL completed").step()
}
