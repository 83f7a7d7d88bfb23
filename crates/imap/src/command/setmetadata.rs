//! SETMETADATA (RFC 5464 §4.3).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Code, MAX_ANNOTATION, Refusal, Request};

/// A folder's special use (RFC 6154 §4).
const SPECIAL_USE: &str = "/private/specialuse";

/// Octets of an entry's name, and entries of one command.
const MAX_NAME: usize = 256;
const MAX_ENTRIES: usize = 100;

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("METADATA")?;
    args.space()?;
    let mailbox = args.mailbox()?;
    args.space()?;
    args.need(b'(', "Missing list of entries")?;
    let mut entries = Vec::new();
    loop {
        let name = entry(args)?;
        if matches!(name.as_str(), "/private" | "/shared") {
            return Err(Problem::Bad("Wrong entry name"));
        }
        args.space()?;
        let value = args.value()?;
        if value.as_ref().is_some_and(|value| value.len() > MAX_ANNOTATION) {
            return Err(Refusal::new(Code::MetadataMaxSize, "Annotazione troppo lunga").into());
        }
        entries.push((name, value));
        if args.eat(b')') {
            return Ok(Command::Request(Request::SetMetadata { mailbox, entries }));
        }
        if entries.len() >= MAX_ENTRIES {
            return Err(Refusal::new(Code::MetadataTooMany, "Troppe annotazioni in una volta").into());
        }
        args.space()?;
    }
}

/// The name of an entry, in lower case (RFC 5464 §3.2): below `/private` or `/shared`, no empty level, no wildcard.
pub fn entry(args: &mut Cursor<'_>) -> Read<String> {
    let name = args.text()?.to_ascii_lowercase();
    let below = name.strip_prefix("/private").or_else(|| name.strip_prefix("/shared"));
    let level =
        |level: &str| !level.is_empty() && level.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'*' && b != b'%');
    let fine = match below {
        Some("") => true,
        Some(below) => below.strip_prefix('/').is_some_and(|below| below.split('/').all(level)),
        None => false,
    };
    if fine && name.len() <= MAX_NAME { Ok(name) } else { Err(Problem::Bad("Wrong entry name")) }
}

pub fn run(mailbox: &str, entries: &[(String, Option<Vec<u8>>)], work: &mut Work<'_>) -> Result<Step, Problem> {
    if mailbox.is_empty() && entries.iter().any(|(entry, _)| entry == "/shared/admin") {
        // Whom to turn to: never for a client to say (RFC 5464 §6.2.2).
        return Err(Refusal::new(Code::Cannot, "L'annotazione /shared/admin non si cambia").into());
    }
    if entries.iter().any(|(entry, _)| entry == SPECIAL_USE) {
        // It follows from the folder, and is said when one is made (RFC 6154 §3, §4).
        return Err(Refusal::new(Code::UseAttr, "L'uso speciale si dice creando la cartella").into());
    }
    work.boxes.annotate(mailbox, entries)?;
    work.notices.annotated(mailbox, entries);
    Done::ok("SETMETADATA completed").step()
}
