//! SEARCH (RFC 3501 §6.4.4), with RETURN (RFC 4731, RFC 5182), and without CHARSET where UTF-8 is switched on
//! (RFC 6855 §3).

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::search::casemap::fold;
use crate::search::{Query, Returns, Wanted};
use crate::{Criteria, Key, Request, System, date};

/// Keys inside keys.
const MAX_DEPTH: usize = 30;
/// Keys that came with capabilities.
const KEYS_OF: [(&str, &str); 9] = [
    ("EMAILID", "OBJECTID"),
    ("MODSEQ", "CONDSTORE"),
    ("OLDER", "WITHIN"),
    ("SAVEDATESUPPORTED", "SAVEDATE"),
    ("SAVEDBEFORE", "SAVEDATE"),
    ("SAVEDON", "SAVEDATE"),
    ("SAVEDSINCE", "SAVEDATE"),
    ("THREADID", "OBJECTID"),
    ("YOUNGER", "WITHIN"),
];
/// Keys of one command.
const MAX_KEYS: usize = 500;

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let returns = returns(args, "ESEARCH")?;
    let named = args.eat_text("CHARSET ");
    if named && args.on().utf8 {
        return Err(Problem::Bad("No CHARSET after ENABLE UTF8=ACCEPT"));
    }
    let known = !named || charset(args)?;
    let criteria = criteria(args, known)?;
    Ok(command(Wanted::Numbers(returns), criteria))
}

/// The command that asks for these.
pub fn command(wanted: Wanted, criteria: Option<Criteria>) -> Command {
    Command::Request(Request::Search { uid: false, query: Query { wanted, criteria } })
}

/// `RETURN (…)` and the blank after it, if it is there; it comes with this capability.
pub fn returns(args: &mut Cursor<'_>, capability: &str) -> Read<Option<Returns>> {
    if !args.eat_text("RETURN (") {
        return Ok(None);
    }
    args.needs(capability)?;
    let mut asked = Returns::default();
    args.words(|args, word| {
        match word {
            "MIN" => asked.min = true,
            "MAX" => asked.max = true,
            "ALL" => asked.all = true,
            "COUNT" => asked.count = true,
            "SAVE" => {
                args.needs("SEARCHRES")?;
                asked.save = true;
            }
            _ => return Err(Problem::Bad("Unknown return option")),
        }
        Ok(())
    })?;
    args.space()?;
    Ok(Some(asked))
}

/// The charset of what is looked for and the blank after it; `false` when it is not known.
pub fn charset(args: &mut Cursor<'_>) -> Read<bool> {
    let name = args.text()?;
    args.space()?;
    Ok(["UTF-8", "US-ASCII"].iter().any(|c| c.eq_ignore_ascii_case(&name)))
}

/// Search keys to the end of the command; in a charset that is not known they are passed over.
pub fn criteria(args: &mut Cursor<'_>, known: bool) -> Read<Option<Criteria>> {
    if !known {
        args.skip();
        return Ok(None);
    }
    let mut count = 0;
    let mut keys = vec![key(args, 0, &mut count)?];
    while args.eat(b' ') {
        keys.push(key(args, 0, &mut count)?);
    }
    Ok(Some(Criteria(keys)))
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
    if args.peek().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'*' | b'$')) {
        return Ok(Key::Set(args.set()?));
    }
    let name = args.word()?;
    if let Some((_, capability)) = KEYS_OF.iter().find(|(key, _)| *key == name) {
        args.needs(capability)?;
    }
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
        "EMAILID" => Key::EmailId(email(args.atom()?)),
        // No message has a thread's identity here (RFC 8474 §5.3).
        "THREADID" => {
            args.atom()?;
            Key::Not(Box::new(Key::All))
        }
        "SAVEDBEFORE" => Key::SavedBefore(day(args)?),
        "SAVEDON" => Key::SavedOn(day(args)?),
        "SAVEDSINCE" => Key::SavedSince(day(args)?),
        "BEFORE" => Key::Before(day(args)?),
        "ON" => Key::On(day(args)?),
        "SINCE" => Key::Since(day(args)?),
        "SENTBEFORE" => Key::SentBefore(day(args)?),
        "SENTON" => Key::SentOn(day(args)?),
        "SENTSINCE" => Key::SentSince(day(args)?),
        "LARGER" => Key::Larger(args.number64()?),
        "SMALLER" => Key::Smaller(args.number64()?),
        "OLDER" => Key::Older(interval(args)?),
        "YOUNGER" => Key::Younger(interval(args)?),
        "MODSEQ" => Key::ModSeq(modseq(args)?),
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
        "ALL" | "OLD" | "SAVEDATESUPPORTED" => Key::All,
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
    let text = String::from_utf8(args.astring()?).map_err(|_| Problem::Bad("Not UTF-8"))?;
    Ok(fold(&text))
}

fn day(args: &mut Cursor<'_>) -> Read<String> {
    date::day(&args.text()?).ok_or(Problem::Bad("Wrong date"))
}

/// An EMAILID as FETCH writes it.
fn email(id: &str) -> Option<u128> {
    let digits =
        id.strip_prefix('M').filter(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u128::from_str_radix(digits, 16).ok()
}

/// Seconds, at least one (RFC 5032 §3).
fn interval(args: &mut Cursor<'_>) -> Read<u32> {
    let seconds = args.number()?;
    if seconds == 0 { Err(Problem::Bad("Wrong interval")) } else { Ok(seconds) }
}

/// `[<flag's entry> <kind> ]<mod-sequence>` (RFC 7162 §3.1.5).
fn modseq(args: &mut Cursor<'_>) -> Read<u64> {
    if args.peek() == Some(b'"') {
        args.string()?;
        args.space()?;
        if !["PRIV", "SHARED", "ALL"].contains(&args.word()?.as_str()) {
            return Err(Problem::Bad("Wrong entry type"));
        }
        args.space()?;
    }
    args.number64()
}
