//! UID (RFC 3501 §6.4.8): the same commands by UID.

use crate::command::{Command, append, copy, fetch, r#move, search, sort, store, thread};
use crate::cursor::{Cursor, Problem, Read};
use crate::{FetchItem, Request};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mut command = match args.word()?.as_str() {
        "COPY" => copy::read(args)?,
        "FETCH" => fetch::read(args)?,
        "MOVE" => r#move::read(args)?,
        "SEARCH" => search::read(args)?,
        "SORT" => sort::read(args)?,
        "STORE" => store::read(args)?,
        "THREAD" => thread::read(args)?,
        "REPLACE" => return append::whole(append::Reading::replace(true, args.on()), args),
        "EXPUNGE" => {
            args.needs("UIDPLUS")?;
            args.space()?;
            return Ok(Command::Request(Request::Expunge { uids: Some(args.set()?) }));
        }
        _ => return Err(Problem::Bad("Unknown UID command")),
    };
    if let Command::Request(request) = &mut command {
        by_uid(request);
    }
    Ok(command)
}

fn by_uid(request: &mut Request) {
    match request {
        Request::Fetch { uid, items, .. } => {
            *uid = true;
            if !items.contains(&FetchItem::Uid) {
                items.insert(0, FetchItem::Uid);
            }
        }
        Request::Store { uid, .. }
        | Request::Search { uid, .. }
        | Request::Copy { uid, .. }
        | Request::Move { uid, .. } => *uid = true,
        _ => {}
    }
}
