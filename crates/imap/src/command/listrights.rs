//! LISTRIGHTS (RFC 4314 §3.4): what somebody always has, and what he can be given, each right for itself.

use crate::command::{Command, setacl};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{FolderRights, Request, text};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("ACL")?;
    args.space()?;
    let mailbox = args.mailbox()?;
    args.space()?;
    Ok(Command::Request(Request::ListRights { mailbox, who: setacl::identifier(args)? }))
}

pub fn run(mailbox: &str, who: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    let kept = work.boxes.kept_rights(mailbox, who)?;
    let always = if kept == FolderRights::NONE { "\"\"".to_owned() } else { kept.told() };
    let mut line = format!("* LISTRIGHTS {} {} {always}", text::mailbox(mailbox, *work.enabled), setacl::quoted(who));
    for letter in FolderRights::ALL.told().chars().filter(|letter| !always.contains(*letter)) {
        line += &format!(" {letter}");
    }
    work.line(&line);
    Done::ok("LISTRIGHTS completed").step()
}
