//! STATUS (RFC 3501 §6.3.10).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Request, StatusItem, text};

const ITEMS: [(&str, StatusItem); 6] = [
    ("MESSAGES", StatusItem::Messages),
    ("RECENT", StatusItem::Recent),
    ("UIDNEXT", StatusItem::UidNext),
    ("UIDVALIDITY", StatusItem::UidValidity),
    ("UNSEEN", StatusItem::Unseen),
    ("HIGHESTMODSEQ", StatusItem::HighestModSeq),
];

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mailbox = args.mailbox()?;
    args.space()?;
    args.need(b'(', "Missing list of items")?;
    let mut items = Vec::new();
    loop {
        let name = args.word()?;
        let item = ITEMS.iter().find(|i| i.0 == name).ok_or(Problem::Bad("Unknown status item"))?.1;
        if !items.contains(&item) {
            items.push(item);
        }
        if args.eat(b')') {
            return Ok(Command::Request(Request::Status { mailbox, items }));
        }
        args.space()?;
    }
}

pub fn run(mailbox: &str, items: &[StatusItem], work: &mut Work<'_>) -> Result<Step, Problem> {
    if items.contains(&StatusItem::HighestModSeq) {
        work.enable_condstore();
    }
    let status = work.boxes.status(mailbox)?;
    let value = |item| match item {
        StatusItem::Messages => status.messages.into(),
        StatusItem::Recent => 0,
        StatusItem::UidNext => status.uid_next.into(),
        StatusItem::UidValidity => status.uid_validity.into(),
        StatusItem::Unseen => status.unseen.into(),
        StatusItem::HighestModSeq => status.highest_modseq,
    };
    let named = ITEMS.iter().map(|(name, item)| (*item, *name));
    let name_of = |item| named.clone().find(|n| n.0 == item).map_or("", |n| n.1);
    let told: Vec<String> = items.iter().map(|i| format!("{} {}", name_of(*i), value(*i))).collect();
    work.line(&format!("* STATUS {} ({})", text::mailbox(mailbox), told.join(" ")));
    Done::ok("STATUS completed").step()
}
