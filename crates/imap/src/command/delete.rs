//! DELETE (RFC 3501 §6.3.4).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Tell, Work};
use crate::{Code, Refusal, Request};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mailbox = args.mailbox()?;
    if mailbox == "INBOX" {
        return Err(Refusal::new(Code::Cannot, "La posta in arrivo non si puo' eliminare").into());
    }
    Ok(Command::Request(Request::Delete { mailbox }))
}

pub fn run(mailbox: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    let selected = work.selects(mailbox);
    work.boxes.delete(mailbox)?;
    work.notices.removed(work.boxes, mailbox);
    let done = Done::ok("DELETE completed");
    if selected {
        *work.selected = None;
        return done.telling(Tell::Nothing).step();
    }
    done.step()
}
