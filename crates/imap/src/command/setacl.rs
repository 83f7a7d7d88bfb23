//! SETACL (RFC 4314 §3.1).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Code, Refusal, Request, RightsChange};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("ACL")?;
    args.space()?;
    let mailbox = args.mailbox()?;
    args.space()?;
    let who = identifier(args)?;
    args.space()?;
    let change = RightsChange::parse(&args.text()?).ok_or(Problem::Bad("Unknown right"))?;
    Ok(Command::Request(Request::SetAcl { mailbox, who, change }))
}

/// Whom rights are given. With a `-` before it they would be denied (RFC 4314 §2), which nobody here can be.
pub fn identifier(args: &mut Cursor<'_>) -> Read<String> {
    let who = args.text()?;
    if who.starts_with('-') {
        return Err(Refusal::new(Code::Cannot, "I diritti si danno o non si danno: non si negano").into());
    }
    Ok(who)
}

/// An identifier as it is told: one that was taken from a client can be anything, those of the mailbox are ASCII.
pub fn quoted(who: &str) -> String {
    let plain = !who.is_empty() && who.bytes().all(crate::cursor::is_atom);
    if plain { who.to_owned() } else { format!("\"{}\"", who.replace('\\', "\\\\").replace('"', "\\\"")) }
}

pub fn run(mailbox: &str, who: &str, change: RightsChange, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.boxes.set_acl(mailbox, who, change)?;
    Done::ok("SETACL completed").step()
}
