//! SORT (RFC 5256 §3), with RFC 5957's keys and RFC 5267's RETURN.

use crate::command::{Command, search};
use crate::cursor::{Cursor, Problem, Read};
use crate::search::Wanted;
use crate::sort::{By, Criterion};

/// Criteria of one command: there are no more keys than these.
const MAX_CRITERIA: usize = 18;

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("SORT")?;
    args.space()?;
    let returns = search::returns(args, "ESORT")?;
    args.need(b'(', "Missing list of criteria")?;
    let mut order = vec![criterion(args)?];
    while args.eat(b' ') {
        order.push(criterion(args)?);
        if order.len() > MAX_CRITERIA {
            return Err(Problem::Bad("Too many criteria"));
        }
    }
    args.need(b')', "Missing )")?;
    args.space()?;
    let known = search::charset(args)?;
    let criteria = search::criteria(args, known)?;
    Ok(search::command(Wanted::Sorted(order, returns), criteria))
}

fn criterion(args: &mut Cursor<'_>) -> Read<Criterion> {
    let mut name = args.word()?;
    let reverse = name == "REVERSE";
    if reverse {
        args.space()?;
        name = args.word()?;
    }
    if name.starts_with("DISPLAY") {
        args.needs("SORT=DISPLAY")?;
    }
    let by = match name.as_str() {
        "ARRIVAL" => By::Arrival,
        "CC" => By::Mailbox("Cc"),
        "DATE" => By::Date,
        "DISPLAYFROM" => By::Display("From"),
        "DISPLAYTO" => By::Display("To"),
        "FROM" => By::Mailbox("From"),
        "SIZE" => By::Size,
        "SUBJECT" => By::Subject,
        "TO" => By::Mailbox("To"),
        _ => return Err(Problem::Bad("Unknown sort key")),
    };
    Ok(Criterion { by, reverse })
}
