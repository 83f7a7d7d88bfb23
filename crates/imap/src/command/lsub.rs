//! LSUB (RFC 3501 §6.3.9).

use crate::command::list::Parents;
use crate::command::{Command, list};
use crate::cursor::{Cursor, Problem, Read, inbox};
use crate::work::{Done, Step, Work};
use crate::{DELIMITER, FolderInfo, Request, text};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    let (reference, pattern) = list::arguments(args)?;
    Ok(Command::Request(Request::Lsub { reference, pattern }))
}

pub fn run(reference: &str, pattern: &str, work: &mut Work<'_>) -> Result<Step, Problem> {
    let mut folders = work.boxes.list()?;
    folders.extend(work.boxes.subscriptions()?.into_iter().map(FolderInfo::missing));
    let pattern = inbox(&format!("{reference}{pattern}"));
    for found in list::matching(&folders, &[pattern], |f| f.subscribed, Parents::Percent) {
        // What is not subscribed itself is not to be selected from here.
        let mut attributes =
            if found.selected { found.attributes("\\Noselect") } else { vec!["\\Noselect", "\\HasChildren"] };
        if !found.folder.is_none_or(FolderInfo::is_there) {
            attributes[0] = "\\Noselect";
        }
        work.line(&format!(
            "* LSUB ({}) \"{DELIMITER}\" {}",
            attributes.join(" "),
            text::mailbox(found.name, *work.enabled)
        ));
    }
    Done::ok("LSUB completed").step()
}
