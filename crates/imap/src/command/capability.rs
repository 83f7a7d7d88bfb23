//! CAPABILITY (RFC 3501 §6.1.1).

use sigillo_wire::sasl::Offer;

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Ok(Command::Capability)
}

/// What is announced: only what is complete. Before TLS, nothing that takes a password.
pub fn capabilities(tls: bool, offer: Option<&Offer>, logged_in: bool) -> String {
    let mut all = vec!["IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "ENABLE", "IDLE", "NAMESPACE", "UIDPLUS"];
    all.extend(["UNSELECT", "MOVE", "CHILDREN", "SPECIAL-USE", "CREATE-SPECIAL-USE"]);
    if !logged_in {
        all.extend((!tls).then_some("STARTTLS"));
        all.extend(offer.is_none().then_some("LOGINDISABLED"));
    }
    let mut all: Vec<String> = all.into_iter().map(str::to_owned).collect();
    if let Some(offer) = offer.filter(|_| !logged_in) {
        all.extend(offer.mechanisms().into_iter().map(|name| format!("AUTH={name}")));
    }
    all.join(" ")
}
