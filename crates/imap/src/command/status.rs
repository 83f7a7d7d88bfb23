//! STATUS (RFC 3501 §6.3.10), with the items of RFC 7162 (HIGHESTMODSEQ), 8438 (SIZE), 9051 (DELETED), 9208 (DELETED-STORAGE), 8474 (MAILBOXID).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::enabled::Enabled;
use crate::work::{Done, Step, Work};
use crate::{Request, Status, StatusItem, text};

const ITEMS: [(&str, StatusItem); 10] = [
    ("MESSAGES", StatusItem::Messages),
    ("RECENT", StatusItem::Recent),
    ("UIDNEXT", StatusItem::UidNext),
    ("UIDVALIDITY", StatusItem::UidValidity),
    ("UNSEEN", StatusItem::Unseen),
    ("HIGHESTMODSEQ", StatusItem::HighestModSeq),
    ("SIZE", StatusItem::Size),
    ("DELETED", StatusItem::Deleted),
    ("DELETED-STORAGE", StatusItem::DeletedStorage),
    ("MAILBOXID", StatusItem::MailboxId),
];

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mailbox = args.mailbox()?;
    args.space()?;
    Ok(Command::Request(Request::Status { mailbox, items: items(args)? }))
}

/// `(MESSAGES UNSEEN)`
pub fn items(args: &mut Cursor<'_>) -> Read<Vec<StatusItem>> {
    args.need(b'(', "Missing list of items")?;
    let mut items = Vec::new();
    loop {
        let name = args.word()?;
        let item = ITEMS.iter().find(|i| i.0 == name).ok_or(Problem::Bad("Unknown status item"))?.1;
        match item {
            StatusItem::HighestModSeq => args.needs("CONDSTORE")?,
            StatusItem::Size => args.needs("STATUS=SIZE")?,
            // Also of RFC 9051.
            StatusItem::Deleted => args.needs("IMAP4rev2").or_else(|_| args.needs("QUOTA=RES-MESSAGE"))?,
            StatusItem::DeletedStorage => args.needs("QUOTA=RES-STORAGE")?,
            StatusItem::MailboxId => args.needs("OBJECTID")?,
            StatusItem::Messages
            | StatusItem::Recent
            | StatusItem::UidNext
            | StatusItem::UidValidity
            | StatusItem::Unseen => {}
        }
        if !items.contains(&item) {
            items.push(item);
        }
        if args.eat(b')') {
            return Ok(items);
        }
        args.space()?;
    }
}

pub fn run(mailbox: &str, items: &[StatusItem], work: &mut Work<'_>) -> Result<Step, Problem> {
    if items.contains(&StatusItem::HighestModSeq) {
        work.enable_condstore();
    }
    let status = work.boxes.status(mailbox)?;
    let line = line(mailbox, items, &status, *work.enabled);
    work.line(&line);
    Done::ok("STATUS completed").step()
}

/// The response, without its end.
pub fn line(mailbox: &str, items: &[StatusItem], status: &Status, on: Enabled) -> String {
    let name = |item| ITEMS.iter().find(|i| i.1 == item).map_or("", |i| i.0);
    let told: Vec<String> = items.iter().map(|item| format!("{} {}", name(*item), value(*item, status))).collect();
    format!("* STATUS {} ({})", text::mailbox(mailbox, on), told.join(" "))
}

fn value(item: StatusItem, status: &Status) -> String {
    match item {
        StatusItem::Messages => status.messages.to_string(),
        StatusItem::Recent => "0".to_owned(),
        StatusItem::UidNext => status.uid_next.to_string(),
        StatusItem::UidValidity => status.uid_validity.to_string(),
        StatusItem::Unseen => status.unseen.to_string(),
        StatusItem::HighestModSeq => status.highest_modseq.to_string(),
        StatusItem::Size => status.size.to_string(),
        StatusItem::Deleted => status.deleted.to_string(),
        StatusItem::DeletedStorage => status.deleted_storage.to_string(),
        StatusItem::MailboxId => format!("({})", status.id),
    }
}
