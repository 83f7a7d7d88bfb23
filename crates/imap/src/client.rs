//! The client's side, as far as an account is read: what a folder holds, and its messages as they are (RFC 3501, 9051).
//!
//! A [`Client`] makes the bytes of one command at a time and reads the replies to it. It changes nothing at the server:
//! folders are opened by EXAMINE, messages are fetched by `BODY.PEEK[]`. What is no reply that it asked for is passed
//! over; a FETCH that cannot be read is told as [`Reply::Unclear`] and ends nothing.

mod reader;
mod value;

use sigillo_base::Timestamp;

use crate::date;
use reader::{Piece, Reader};
use value::Value;

/// What the server is asked. One command at a time: the next follows [`Reply::Done`].
#[derive(Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// What the server offers.
    Capability,
    /// TLS from here on; the handshake follows its [`Outcome`].
    StartTls,
    /// `AUTHENTICATE PLAIN` (RFC 4616): [`Reply::Continue`] asks for the response, [`Client::respond`].
    AuthenticatePlain,
    /// `LOGIN`: both texts are visible ASCII.
    Login {
        /// Who.
        user: &'a str,
        /// By what.
        password: &'a str,
    },
    /// Every folder.
    List,
    /// Every subscribed folder.
    Lsub,
    /// Opens a folder, read-only; its name as the server wrote it.
    Examine(&'a [u8]),
    /// UID, flags, date and size of every message of the open folder.
    Survey,
    /// The bytes of these messages; UIDs ascending, none twice, at least one.
    Bodies(&'a [u32]),
    /// The end.
    Logout,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `OK`
    Ok,
    /// `NO`
    No,
    /// `BAD`
    Bad,
}

/// A command's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How.
    pub status: Status,
    /// What the server says of it, its code in brackets included.
    pub text: String,
}

/// A folder as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name as it came, in modified UTF-7 or not; [`Command::Examine`] takes it back.
    pub wire: Vec<u8>,
    /// What separates the levels of the name; `None` when it has no levels.
    pub delimiter: Option<char>,
    /// `\Noselect`, `\Sent` and so on.
    pub attributes: Vec<String>,
}

impl Listed {
    /// Whether it has this attribute, in any case.
    pub fn is(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|a| a.eq_ignore_ascii_case(attribute))
    }
}

/// The bytes of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// All of them.
    Whole(Vec<u8>),
    /// More octets than may be held: so many.
    TooLarge(u64),
}

/// What the server says of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetched {
    /// Its UID; zero when it was not told.
    pub uid: u32,
    /// Its flags and keywords as they came.
    pub flags: Option<Vec<String>>,
    /// INTERNALDATE.
    pub date: Option<Timestamp>,
    /// RFC822.SIZE, in octets.
    pub size: Option<u64>,
    /// Its bytes.
    pub body: Option<Body>,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The connection is there; with `PREAUTH` somebody is logged in already.
    Greeting {
        /// Whether it was `PREAUTH`.
        preauth: bool,
    },
    /// What it offers, in upper case.
    Capabilities(Vec<String>),
    /// It waits for the response to a challenge.
    Continue,
    /// A folder.
    Folder(Listed),
    /// A subscribed folder.
    Subscribed(Listed),
    /// The UIDVALIDITY of the folder that is being opened.
    UidValidity(u32),
    /// A message.
    Message(Fetched),
    /// It spoke of a message, and this cannot be read.
    Unclear(String),
    /// It is going to close the connection.
    Bye(String),
    /// The command is over.
    Done(Outcome),
}

/// The server does not speak IMAP, or not in any order: the connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    /// A line has no end.
    #[error("a line of more than {0} octets")]
    LongLine(usize),
    /// A tagged reply to no command.
    #[error("a reply to a command that was not given")]
    Tag,
    /// What should have been a greeting is none.
    #[error("the greeting is not one of IMAP")]
    Greeting,
}

/// A session with a server, without its socket: give it what came by [`Client::input`], take what it says by
/// [`Client::poll`], send what [`Client::command`] and [`Client::respond`] make.
#[derive(Debug)]
pub struct Client {
    reader: Reader,
    greeted: bool,
    last: u32,
    open: bool,
}

impl std::fmt::Debug for Command<'_> {
    /// Without names and passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Capability => "Capability",
            Self::StartTls => "StartTls",
            Self::AuthenticatePlain => "AuthenticatePlain",
            Self::Login { .. } => "Login",
            Self::List => "List",
            Self::Lsub => "Lsub",
            Self::Examine(_) => "Examine",
            Self::Survey => "Survey",
            Self::Bodies(_) => "Bodies",
            Self::Logout => "Logout",
        })
    }
}

impl std::fmt::Debug for Body {
    /// Without what it says.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} octets)", bytes.len()),
            Self::TooLarge(octets) => write!(f, "TooLarge({octets})"),
        }
    }
}

impl Client {
    /// For a new connection. A literal of more than `most` octets is not held: a message of that size is
    /// [`Body::TooLarge`].
    pub fn new(most: u64) -> Self {
        Self { reader: Reader::new(most), greeted: false, last: 0, open: false }
    }

    /// For a connection whose greeting was heard before TLS began.
    #[must_use]
    pub fn past_greeting(mut self) -> Self {
        self.greeted = true;
        self
    }

    /// The bytes of a command.
    pub fn command(&mut self, command: &Command<'_>) -> Vec<u8> {
        self.last += 1;
        self.open = true;
        let mut out = format!("s{} ", self.last).into_bytes();
        match command {
            Command::Capability => out.extend_from_slice(b"CAPABILITY"),
            Command::StartTls => out.extend_from_slice(b"STARTTLS"),
            Command::AuthenticatePlain => out.extend_from_slice(b"AUTHENTICATE PLAIN"),
            Command::Login { user, password } => {
                out.extend_from_slice(b"LOGIN ");
                out.extend(quoted(user.as_bytes()));
                out.push(b' ');
                out.extend(quoted(password.as_bytes()));
            }
            Command::List => out.extend_from_slice(b"LIST \"\" \"*\""),
            Command::Lsub => out.extend_from_slice(b"LSUB \"\" \"*\""),
            Command::Examine(name) => {
                out.extend_from_slice(b"EXAMINE ");
                out.extend(quoted(name));
            }
            Command::Survey => out.extend_from_slice(b"UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)"),
            Command::Bodies(uids) => {
                out.extend_from_slice(format!("UID FETCH {} (UID BODY.PEEK[])", ranges(uids)).as_bytes());
            }
            Command::Logout => out.extend_from_slice(b"LOGOUT"),
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// The bytes of a response to [`Reply::Continue`]: base64, or `*` to give up.
    pub fn respond(&mut self, base64: &str) -> Vec<u8> {
        format!("{base64}\r\n").into_bytes()
    }

    /// Takes what the server sent.
    pub fn input(&mut self, bytes: &[u8]) {
        self.reader.input(bytes);
    }

    /// Whether nothing that came is left: after STARTTLS nothing may, since it came in the open (RFC 3501 §6.2.1).
    pub fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    /// What the server says next; `None` until more has come.
    ///
    /// # Errors
    /// [`Garbled`]: nothing that follows can be understood.
    pub fn poll(&mut self) -> Result<Option<Reply>, Garbled> {
        while let Some(pieces) = self.reader.next()? {
            if let Some(reply) = self.reply(pieces)? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    fn reply(&mut self, pieces: Vec<Piece>) -> Result<Option<Reply>, Garbled> {
        let first = match pieces.first() {
            Some(Piece::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        let (tag, rest) = first.split_once(' ').unwrap_or((first.trim_end(), ""));
        if !self.greeted {
            self.greeted = true;
            return match (tag, word(rest).as_str()) {
                ("*", "OK") => Ok(Some(Reply::Greeting { preauth: false })),
                ("*", "PREAUTH") => Ok(Some(Reply::Greeting { preauth: true })),
                ("*", "BYE") => Ok(Some(Reply::Bye(after(rest)))),
                _ => Err(Garbled::Greeting),
            };
        }
        match tag {
            "+" => Ok(Some(Reply::Continue)),
            "*" => Ok(untagged(rest, pieces)),
            _ => {
                let status = match word(rest).as_str() {
                    "OK" => Status::Ok,
                    "NO" => Status::No,
                    "BAD" => Status::Bad,
                    _ => return Err(Garbled::Tag),
                };
                if !std::mem::take(&mut self.open) || tag != format!("s{}", self.last) {
                    return Err(Garbled::Tag);
                }
                Ok(Some(Reply::Done(Outcome { status, text: after(rest) })))
            }
        }
    }
}

/// A reply without a tag; `None` for one that nobody waits for.
fn untagged(rest: &str, pieces: Vec<Piece>) -> Option<Reply> {
    let kind = word(rest);
    match kind.as_str() {
        "BYE" => return Some(Reply::Bye(after(rest))),
        "CAPABILITY" => return Some(Reply::Capabilities(after(rest).split(' ').map(str::to_uppercase).collect())),
        "OK" => {
            let text = after(rest).to_ascii_uppercase();
            let number = text.strip_prefix("[UIDVALIDITY ")?.split(']').next()?.trim();
            return Some(Reply::UidValidity(number.parse().ok()?));
        }
        _ => {}
    }
    if kind == "LIST" || kind == "LSUB" {
        let listed = listed(value::read(pieces)?)?;
        return Some(if kind == "LIST" { Reply::Folder(listed) } else { Reply::Subscribed(listed) });
    }
    let is_fetch = kind.bytes().all(|b| b.is_ascii_digit()) && word(&after(rest)) == "FETCH";
    if !is_fetch {
        return None;
    }
    let fetched = value::read(pieces).and_then(fetched);
    Some(fetched.map_or_else(|| Reply::Unclear(rest.chars().take(200).collect()), Reply::Message))
}

/// `* LIST (attributes) delimiter name`
fn listed(values: Vec<Value>) -> Option<Listed> {
    let mut values = values.into_iter().skip(2);
    let attributes = values.next()?.list()?.into_iter().filter_map(Value::word).collect();
    let delimiter = match values.next()? {
        Value::Nil => None,
        other => String::from_utf8(other.bytes()?).ok()?.chars().next(),
    };
    let wire = match values.next()? {
        // A folder may have this name.
        Value::Nil => b"NIL".to_vec(),
        other => other.bytes()?,
    };
    Some(Listed { wire, delimiter, attributes })
}

/// `* 12 FETCH (item value …)`
fn fetched(values: Vec<Value>) -> Option<Fetched> {
    let mut items = values.into_iter().nth(3)?.list()?.into_iter();
    let mut fetched = Fetched::default();
    while let Some(name) = items.next() {
        let (name, value) = (name.word()?.to_ascii_uppercase(), items.next()?);
        match name.as_str() {
            "UID" => fetched.uid = value.word()?.parse().ok()?,
            "RFC822.SIZE" => fetched.size = Some(value.word()?.parse().ok()?),
            "FLAGS" => fetched.flags = Some(value.list()?.into_iter().filter_map(Value::word).collect()),
            "INTERNALDATE" => fetched.date = date::date_time(&String::from_utf8(value.bytes()?).ok()?),
            "BODY[]" => {
                fetched.body = match value {
                    // The message cannot be read there.
                    Value::Nil => None,
                    Value::Dropped(octets) => Some(Body::TooLarge(octets)),
                    other => Some(Body::Whole(other.bytes()?)),
                };
            }
            _ => {}
        }
    }
    Some(fetched)
}

/// The first word, in upper case.
fn word(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_ascii_uppercase()
}

/// What follows the first word.
fn after(text: &str) -> String {
    text.split_once(' ').map_or(String::new(), |(_, rest)| rest.to_owned())
}

/// A quoted string. Octets above 127 stand in it as they came: a server that lists such a name takes it so.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
    out
}

/// Ascending numbers as a sequence set: `1:3,7`.
pub fn ranges(uids: &[u32]) -> String {
    let mut ends: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match ends.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*uid) => *last = *uid,
            _ => ends.push((*uid, *uid)),
        }
    }
    let text = |(a, b): &(u32, u32)| if a == b { a.to_string() } else { format!("{a}:{b}") };
    ends.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
