//! REPLACE (RFC 8508): a message comes in and another goes, in one commit.

use crate::command::Command;
use crate::command::append::{self, Reading};
use crate::cursor::{Cursor, Read};

/// A command that came whole; otherwise it is read literal by literal, as APPEND.
pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    append::whole(Reading::replace(false, args.on()), args)
}
