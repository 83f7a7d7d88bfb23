//! CAPABILITY (RFC 3501 §6.1.1).

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Capability)
}

/// What is announced: only what is complete. Before TLS, nothing that takes a password.
pub fn capabilities(tls: bool, may_login: bool, logged_in: bool) -> String {
    let mut all = vec!["IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "ENABLE", "IDLE", "NAMESPACE", "UIDPLUS"];
    all.extend(["UNSELECT", "MOVE", "CHILDREN", "SPECIAL-USE", "CREATE-SPECIAL-USE"]);
    if !logged_in {
        all.extend((!tls).then_some("STARTTLS"));
        all.push(if may_login { "AUTH=PLAIN" } else { "LOGINDISABLED" });
    }
    all.join(" ")
}
