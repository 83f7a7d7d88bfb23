//! GETQUOTAROOT (RFC 9208 §4.1.2).

use crate::command::{Command, getquota};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Request, text};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("QUOTA")?;
    args.space()?;
    Ok(Command::Request(Request::GetQuotaRoot { mailbox: args.mailbox()? }))
}

pub fn run(mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.boxes.quota_root(mailbox)?;
    work.line(&format!("* QUOTAROOT {} \"{}\"", text::mailbox(mailbox, *work.enabled), getquota::ROOT));
    getquota::tell(work)?;
    Done::ok("GETQUOTAROOT completed").step()
}
