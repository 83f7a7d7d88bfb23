//! APPEND (RFC 3501 §6.3.11) with APPENDUID (RFC 4315). The message streams to the driver.

use sigillo_base::Timestamp;

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::work::{Done, Step, Work};
use crate::{Flags, date};

/// What a literal announced by APPEND is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// The folder's name.
    Name,
    /// The message.
    Message {
        /// Where to.
        mailbox: String,
        /// Its flags.
        flags: Flags,
        /// Its date.
        date: Option<Timestamp>,
    },
}

/// Reached only when the command ended without a message.
pub fn read(_args: &mut Cursor<'_>) -> Read<Command> {
    Err(Problem::Bad("APPEND wants a message as literal"))
}

/// Reads what stands between `APPEND` and the literal announced at its end.
pub fn head(after_name: &[u8]) -> Read<Head> {
    let start = after_name.iter().rposition(|b| *b == b'{').unwrap_or(after_name.len());
    let mut args = Cursor::new(&after_name[..start]);
    args.space()?;
    if args.rest().is_empty() {
        return Ok(Head::Name);
    }
    let mailbox = args.mailbox()?;
    args.space()?;
    let mut flags = Flags::new();
    if args.peek() == Some(b'(') {
        flags = args.flag_list()?;
        args.space()?;
    }
    let mut date = None;
    if args.peek() == Some(b'"') {
        let text = String::from_utf8(args.string()?).unwrap_or_default();
        date = Some(date::date_time(&text).ok_or(Problem::Bad("Wrong date"))?);
        args.space()?;
    }
    args.end()?;
    Ok(Head::Message { mailbox, flags, date })
}

pub fn start(mailbox: &str, size: u64, work: &mut Work<'_>) -> Result<Step, Problem> {
    work.boxes.append_start(mailbox, size)?;
    Ok(Step::Ready)
}

pub fn end(mailbox: &str, flags: &Flags, date: Option<Timestamp>, work: &mut Work<'_>) -> Result<Step, Problem> {
    let (validity, uid) = work.boxes.append(mailbox, flags, date)?;
    if work.selected.as_ref().is_some_and(|s| s.name == mailbox) {
        // The message is stored whatever the look at the folder gives.
        let _seen = work.refresh().is_ok();
    }
    Done::ok("APPEND completed").coded(format!("APPENDUID {validity} {uid}")).step()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        assert_eq!(head(b" {5}").unwrap(), Head::Name);
        let Head::Message { mailbox, flags, date } =
            head(b" \"Posta inviata\" (\\Seen x) \"12-Mar-2026 10:15:01 +0100\" {310+}").unwrap()
        else {
            panic!()
        };
        assert_eq!((mailbox.as_str(), flags.to_string().as_str()), ("Posta inviata", "\\Seen x"));
        assert_eq!(date.unwrap().as_millis(), 1_773_306_901_000);
        assert!(matches!(head(b" {5}\r\ninbox {3}").unwrap(), Head::Message { mailbox, .. } if mailbox == "INBOX"));
        for bad in ["{5}", " INBOX{5}", " INBOX (\\Foo) {5}", " INBOX \"today\" {5}", " INBOX x {5}"] {
            assert!(head(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
