//! SELECT (RFC 3501 §6.3.1).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::view::Selected;
use crate::work::{Done, Step, Tell, Work};
use crate::{FolderState, Request, System};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    Ok(Command::Request(Request::Select { mailbox: args.mailbox()?, read_only: false }))
}

pub fn run(mailbox: &str, read_only: bool, work: &mut Work<'_>) -> Result<Step, Problem> {
    // Also a SELECT that fails leaves the folder that was selected.
    *work.selected = None;
    let state = work.boxes.select(mailbox)?;
    let read_only = read_only || state.read_only;
    tell(&state, read_only, work);
    *work.selected = Some(Selected::new(mailbox.to_owned(), read_only, state));
    let (code, text) = if read_only { ("READ-ONLY", "EXAMINE completed") } else { ("READ-WRITE", "SELECT completed") };
    Done::ok(text).coded(code).telling(Tell::Nothing).step()
}

fn tell(state: &FolderState, read_only: bool, work: &mut Work<'_>) {
    let mut known = crate::Flags::all_system();
    for row in &state.rows {
        for keyword in row.flags.keywords() {
            known.insert_keyword(keyword.clone());
        }
    }
    for keyword in state.permanent_flags.keywords() {
        known.insert_keyword(keyword.clone());
    }
    let mut permanent = String::new();
    if !read_only {
        let star = if state.new_keywords { " \\*" } else { "" };
        permanent = format!("{}{star}", state.permanent_flags).trim_start().to_owned();
    }
    work.line(&format!("* FLAGS ({known})"));
    work.line(&format!("* OK [PERMANENTFLAGS ({permanent})] Flags that stay"));
    work.line(&format!("* {} EXISTS", state.rows.len()));
    work.line("* 0 RECENT");
    if let Some(first) = state.rows.iter().position(|r| !r.flags.has(System::Seen)) {
        work.line(&format!("* OK [UNSEEN {}] First unseen", first + 1));
    }
    work.line(&format!("* OK [UIDVALIDITY {}] UIDs valid", state.uid_validity));
    work.line(&format!("* OK [UIDNEXT {}] Next UID", state.uid_next));
}
