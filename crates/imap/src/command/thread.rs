//! THREAD (RFC 5256 §3).

use crate::command::{Command, search};
use crate::cursor::{Cursor, Problem, Read};
use crate::search::Wanted;
use crate::thread::Algorithm;

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let name = args.word()?;
    let algorithm = Algorithm::named(&name).ok_or(Problem::Bad("Unknown algorithm"))?;
    args.needs(&format!("THREAD={name}"))?;
    args.space()?;
    let known = search::charset(args)?;
    let criteria = search::criteria(args, known)?;
    Ok(search::command(Wanted::Threads(algorithm), criteria))
}
