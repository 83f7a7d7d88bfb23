//! APPEND (RFC 3501 §6.3.11) with APPENDUID (RFC 4315), of several messages (RFC 3502), with literal8 (RFC 3516) and of parts
//! (CATENATE, RFC 4469), and with UTF-8 in the header (RFC 6855 §4). Messages stream to the driver; all of them are stored
//! in one commit, or none.

mod header;
mod job;
mod reading;
mod url;

pub use header::HeaderSection;
pub use job::AppendJob;
pub use reading::{Announced, Before, Next, Reading};

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Step, Work};
use crate::{Code, Refusal, Replaced};

/// A command that came whole: of parts that are all in the mailbox already, or without a message.
pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    whole(Reading::append(args.on()), args)
}

/// Reads all that is left of a command without streamed literals.
pub fn whole(mut reading: Reading, args: &mut Cursor<'_>) -> Read<Command> {
    let text = args.while_(|_| true);
    reading.read(text, None)?;
    Ok(Command::Request(reading.done(0)?))
}

/// Says whether the message whose literal was announced may come. `size` is that of all that came and comes.
pub fn start(
    mailbox: &str,
    size: u64,
    first: bool,
    replaced: Option<&Replaced>,
    work: &mut Work<'_>,
) -> Result<Step, Problem> {
    let replaced = replaced.map(|replaced| find_replaced(replaced, work)).transpose()?;
    if first {
        work.boxes.append_start(mailbox, size, replaced)?;
    } else {
        work.boxes.append_more(mailbox, size, replaced)?;
    }
    Ok(Step::Ready)
}

/// The message that REPLACE names, in the selected folder.
fn find_replaced(replaced: &Replaced, work: &mut Work<'_>) -> Result<(u32, u32), Problem> {
    work.writable()?;
    let ranges = work.pick(&replaced.set, replaced.uid)?;
    let folder = work.folder()?;
    let gone = || Refusal::new(Code::NonExistent, "Il messaggio da sostituire non c'e' piu'");
    let uid = folder.view.uids(&ranges).first().copied().ok_or_else(gone)?;
    Ok((folder.number, uid))
}
