//! LOGIN (RFC 3501 §6.2.3).

use sigillo_base::Secret;
use sigillo_wire::sasl::Credentials;

use crate::command::Command;
use crate::cursor::{Cursor, Read};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let user = args.text()?;
    args.space()?;
    let password = Secret::new(args.text()?);
    Ok(Command::Login(Credentials { user, password }))
}
