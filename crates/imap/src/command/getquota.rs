//! GETQUOTA (RFC 9208 §4.1.1).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Code, Refusal, Request};

/// The one root: everything in the mailbox counts for it.
pub const ROOT: &str = "";

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("QUOTA")?;
    args.space()?;
    Ok(Command::Request(Request::GetQuota { root: args.text()? }))
}

pub fn run(root: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    if root != ROOT {
        return Err(Refusal::new(Code::NonExistent, "Non c'e' una quota con questo nome").into());
    }
    tell(work)?;
    Done::ok("GETQUOTA completed").step()
}

/// Octets go in units of 1024: those in use upwards, those that fit downwards, so that nobody is promised too much.
pub fn tell(work: &mut Work<'_>) -> Result<(), Problem> {
    let quota = work.boxes.quota()?;
    let (used, limit) = (quota.bytes.div_ceil(1024), quota.bytes_limit / 1024);
    let (messages, most) = (quota.messages, quota.messages_limit);
    work.line(&format!("* QUOTA \"{ROOT}\" (STORAGE {used} {limit} MESSAGE {messages} {most})"));
    Ok(())
}
