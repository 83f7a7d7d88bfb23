//! GETMETADATA (RFC 5464 §4.2).

use crate::command::{Command, setmetadata};
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Request, text};

/// Entries that one command may name.
const MAX_ENTRIES: usize = 100;

/// How far below an entry a client looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    /// `0`: the entry itself.
    #[default]
    Itself,
    /// `1`: also what is right below it.
    Children,
    /// `infinity`
    All,
}

impl Depth {
    fn reaches(self, asked: &str, entry: &str) -> bool {
        match entry.strip_prefix(asked) {
            Some("") => true,
            Some(below) if below.starts_with('/') => match self {
                Self::Itself => false,
                Self::Children => !below[1..].contains('/'),
                Self::All => true,
            },
            _ => false,
        }
    }
}

/// What narrows or widens the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Values of more octets are left out.
    pub max_size: Option<u32>,
    /// What of the tree below each entry.
    pub depth: Depth,
}

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("METADATA")?;
    args.space()?;
    let mut given = options(args)?;
    let mailbox = args.mailbox()?;
    args.space()?;
    if given.is_none() {
        // The examples of RFC 5464 have them here, its grammar before the name.
        given = options(args)?;
    }
    let entries = if args.eat(b'(') { list(args)? } else { vec![setmetadata::entry(args)?] };
    Ok(Command::Request(Request::GetMetadata { mailbox, options: given.unwrap_or_default(), entries }))
}

/// `(MAXSIZE 1024 DEPTH 1) `, if that comes next.
fn options(args: &mut Cursor<'_>) -> Read<Option<Options>> {
    let mut ahead = args.clone();
    if !(ahead.eat(b'(') && (ahead.eat_text("MAXSIZE ") || ahead.eat_text("DEPTH "))) {
        return Ok(None);
    }
    let mut given = Options::default();
    args.need(b'(', "Missing options")?;
    loop {
        if args.eat_text("MAXSIZE ") {
            given.max_size = Some(args.number()?);
        } else if args.eat_text("DEPTH ") {
            given.depth = match args.word()?.as_str() {
                "0" => Depth::Itself,
                "1" => Depth::Children,
                "INFINITY" => Depth::All,
                _ => return Err(Problem::Bad("Wrong depth")),
            };
        } else {
            return Err(Problem::Bad("Unknown GETMETADATA option"));
        }
        if args.eat(b')') {
            args.space()?;
            return Ok(Some(given));
        }
        args.space()?;
    }
}

fn list(args: &mut Cursor<'_>) -> Read<Vec<String>> {
    let mut entries = Vec::new();
    loop {
        entries.push(setmetadata::entry(args)?);
        if args.eat(b')') {
            return Ok(entries);
        }
        if entries.len() >= MAX_ENTRIES {
            return Err(Problem::Bad("Too many entries"));
        }
        args.space()?;
    }
}

pub fn run(mailbox: &str, options: Options, entries: &[String], work: &mut Work<'_>) -> Result<Step, Problem> {
    let all = work.boxes.annotations(mailbox)?;
    let (mut told, mut longest) = (Vec::new(), 0);
    for asked in entries {
        let found = all.iter().filter(|(entry, _)| options.depth.reaches(asked, entry));
        for (entry, value) in found {
            let fits = options.max_size.is_none_or(|most| value.len() <= most as usize);
            if fits {
                told.push((entry.as_str(), Some(value.as_slice())));
            } else {
                longest = longest.max(value.len());
            }
        }
        // What was asked for by its name and is not there has no value.
        if options.depth == Depth::Itself && !all.iter().any(|(entry, _)| entry == asked) {
            told.push((asked.as_str(), None));
        }
    }
    if !told.is_empty() {
        let mut out = format!("* METADATA {} (", text::mailbox(mailbox, *work.enabled)).into_bytes();
        for (at, (entry, value)) in told.into_iter().enumerate() {
            out.extend_from_slice(if at > 0 { b" " } else { b"" });
            text::string(&mut out, entry.as_bytes());
            out.push(b' ');
            text::value(&mut out, value);
        }
        out.extend_from_slice(b")\r\n");
        work.out.extend(out);
    }
    let done = Done::ok("GETMETADATA completed");
    if longest > 0 { done.coded(format!("METADATA LONGENTRIES {longest}")) } else { done }.step()
}
