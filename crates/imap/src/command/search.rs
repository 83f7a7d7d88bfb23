//! SEARCH (RFC 3501 §6.4.4).

use std::ops::Range;

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::search::plan::{Candidate, Plan};
use crate::work::{Done, Job, Step, Work};
use crate::{Code, Criteria, Key, Refusal, Request, System, date};

/// Keys inside keys.
const MAX_DEPTH: usize = 30;
/// Keys of one command.
const MAX_KEYS: usize = 500;
/// Octets of messages, and messages, looked at until others may have their turn.
const OCTETS_AT_ONCE: usize = 16 << 20;
const MESSAGES_AT_ONCE: usize = 200_000;

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    if args.eat_text("CHARSET ") {
        let name = args.text()?;
        if !["UTF-8", "US-ASCII"].iter().any(|c| c.eq_ignore_ascii_case(&name)) {
            return Err(Refusal::new(Code::BadCharset, "Codifica non riconosciuta").into());
        }
        args.space()?;
    }
    let mut count = 0;
    let mut keys = vec![key(args, 0, &mut count)?];
    while args.eat(b' ') {
        keys.push(key(args, 0, &mut count)?);
    }
    Ok(Command::Request(Request::Search { uid: false, criteria: Criteria(keys) }))
}

fn key(args: &mut Cursor<'_>, depth: usize, count: &mut usize) -> Read<Key> {
    *count += 1;
    if depth > MAX_DEPTH || *count > MAX_KEYS {
        return Err(Problem::Bad("Too many search keys, or nested too deep"));
    }
    if args.eat(b'(') {
        let mut keys = vec![key(args, depth + 1, count)?];
        while args.eat(b' ') {
            keys.push(key(args, depth + 1, count)?);
        }
        args.need(b')', "Missing )")?;
        return Ok(Key::And(keys));
    }
    if args.peek().is_some_and(|b| b.is_ascii_digit() || b == b'*') {
        return Ok(Key::Set(args.set()?));
    }
    let name = args.word()?;
    if let Some(key) = plain(&name) {
        return Ok(key);
    }
    args.space()?;
    Ok(match name.as_str() {
        "NOT" => Key::Not(Box::new(key(args, depth + 1, count)?)),
        "OR" => {
            let first = key(args, depth + 1, count)?;
            args.space()?;
            Key::Or(Box::new(first), Box::new(key(args, depth + 1, count)?))
        }
        "UID" => Key::Uid(args.set()?),
        "KEYWORD" => Key::Keyword(args.atom()?.to_owned(), true),
        "UNKEYWORD" => Key::Keyword(args.atom()?.to_owned(), false),
        "BEFORE" => Key::Before(day(args)?),
        "ON" => Key::On(day(args)?),
        "SINCE" => Key::Since(day(args)?),
        "SENTBEFORE" => Key::SentBefore(day(args)?),
        "SENTON" => Key::SentOn(day(args)?),
        "SENTSINCE" => Key::SentSince(day(args)?),
        "LARGER" => Key::Larger(args.number()?),
        "SMALLER" => Key::Smaller(args.number()?),
        "HEADER" => {
            let field = args.text()?;
            args.space()?;
            Key::Header(field, text(args)?)
        }
        "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => Key::Header(name, text(args)?),
        "BODY" => Key::Body(text(args)?),
        "TEXT" => Key::Text(text(args)?),
        _ => return Err(Problem::Bad("Unknown search key")),
    })
}

/// Keys without an argument.
fn plain(name: &str) -> Option<Key> {
    Some(match name {
        "ALL" | "OLD" => Key::All,
        "NEW" | "RECENT" => Key::Recent,
        "ANSWERED" => Key::Flag(System::Answered, true),
        "DELETED" => Key::Flag(System::Deleted, true),
        "DRAFT" => Key::Flag(System::Draft, true),
        "FLAGGED" => Key::Flag(System::Flagged, true),
        "SEEN" => Key::Flag(System::Seen, true),
        "UNANSWERED" => Key::Flag(System::Answered, false),
        "UNDELETED" => Key::Flag(System::Deleted, false),
        "UNDRAFT" => Key::Flag(System::Draft, false),
        "UNFLAGGED" => Key::Flag(System::Flagged, false),
        "UNSEEN" => Key::Flag(System::Seen, false),
        _ => return None,
    })
}

fn text(args: &mut Cursor<'_>) -> Read<String> {
    let text = String::from_utf8(args.astring()?);
    let text = text.map_err(|_| Refusal::new(Code::BadCharset, "Il testo cercato non e' UTF-8"))?;
    Ok(text.to_lowercase())
}

fn day(args: &mut Cursor<'_>) -> Read<String> {
    date::day(&args.text()?).ok_or(Problem::Bad("Wrong date"))
}

/// A SEARCH under way.
#[derive(Debug)]
pub struct SearchJob {
    plan: Plan,
    uid: bool,
    left: Range<usize>,
    found: String,
}

pub fn run(uid: bool, criteria: &Criteria, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.refresh_and_tell()?;
    let view = &work.folder()?.view;
    let plan = Plan::new(criteria, view.len(), view.last_uid());
    SearchJob { plan, uid, left: 0..view.len(), found: "* SEARCH".to_owned() }.step(work)
}

impl SearchJob {
    /// Looks at some messages.
    pub fn step(mut self, work: &mut Work<'_>) -> Result<Step, Problem> {
        let (mut octets, mut messages) = (0, 0);
        while octets < OCTETS_AT_ONCE && messages < MESSAGES_AT_ONCE {
            let Some(index) = self.left.next() else {
                work.line(&self.found);
                return Done::ok("SEARCH completed").numbered(self.uid).step();
            };
            messages += 1;
            let folder = work.selected.as_ref();
            let Some((folder, row)) = folder.and_then(|f| Some((f, f.view.row(index)?))) else { continue };
            let mut read = |whole| {
                let read = if whole {
                    work.boxes.message(folder.number, row.uid)
                } else {
                    work.boxes.summary(folder.number, row.uid).map(|s| s.map(|s| s.header))
                };
                octets += read.as_ref().ok().and_then(Option::as_ref).map_or(0, Vec::len);
                read
            };
            if self.plan.matches(&mut Candidate { index, row, read: &mut read, header: None, message: None })? {
                let number = if self.uid { row.uid as usize } else { index + 1 };
                self.found.push(' ');
                self.found.push_str(&number.to_string());
            }
        }
        Ok(Step::More(Job::Search(self)))
    }
}
