//! CREATE (RFC 3501 §6.3.3), with CREATE-SPECIAL-USE (RFC 6154 §3) and MAILBOXID (RFC 8474 §4.1).

use unicode_normalization::is_nfc;

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Attribute, Code, DELIMITER, Refusal, Request};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mailbox = args.mailbox()?;
    new_name(&mailbox)?;
    let special = if args.eat(b' ') { special_use(args)? } else { None };
    Ok(Command::Request(Request::Create { mailbox, special }))
}

/// `(USE (\Drafts))`. A folder here has one use at the most.
fn special_use(args: &mut Cursor<'_>) -> Read<Option<Attribute>> {
    if !args.eat_text("(USE (") {
        return Err(Problem::Bad("Unknown CREATE parameter"));
    }
    args.needs("CREATE-SPECIAL-USE")?;
    let mut uses = Vec::new();
    while !args.eat(b')') {
        if !uses.is_empty() {
            args.space()?;
        }
        args.need(b'\\', "Wrong special use")?;
        let name = format!("\\{}", args.atom()?);
        uses.push(Attribute::USES.into_iter().find(|a| a.as_str().eq_ignore_ascii_case(&name)));
    }
    args.need(b')', "Missing )")?;
    match uses[..] {
        [] => Ok(None),
        [Some(one)] => Ok(Some(one)),
        _ => Err(Refusal::new(Code::UseAttr, "Uso speciale non previsto").into()),
    }
}

/// A name that a folder may be given: no empty level, no wildcard, no control character, and Net-Unicode, of which others
/// are refused rather than changed (RFC 6855 §3, RFC 9051 §6.3.4).
pub fn new_name(name: &str) -> Result<(), Refusal> {
    if name == "INBOX" {
        return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste gia'"));
    }
    let bad = |c: char| c.is_control() || matches!(c, '*' | '%' | '\u{2028}' | '\u{2029}');
    if !is_nfc(name)
        || name.split(DELIMITER).any(|level| level.is_empty() || level.trim() != level)
        || name.contains(bad)
    {
        return Err(Refusal::new(Code::Cannot, "Nome di cartella non valido"));
    }
    Ok(())
}

pub fn run(mailbox: &str, special: Option<Attribute>, work: &mut Work<'_>) -> Result<Step, Problem> {
    let id = work.boxes.create(mailbox, special)?;
    work.notices.made(work.boxes, mailbox);
    Done::ok("CREATE completed").coded(format!("MAILBOXID ({id})")).step()
}
