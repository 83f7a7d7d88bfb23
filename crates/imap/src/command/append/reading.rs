//! The text of APPEND and REPLACE, which stops at every literal that streams.

use sigillo_base::Timestamp;

use crate::command::append::url;
use crate::cursor::{Cursor, Problem, Read};
use crate::enabled::Enabled;
use crate::{Appending, Code, Flags, Portion, Refusal, Replaced, Request, date};

/// Messages of one command.
const MAX_MESSAGES: usize = 500;
/// Parts of one CATENATE.
const MAX_PARTS: usize = 200;

/// A literal announced at the end of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// Octets.
    pub size: u32,
}

/// What a text leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The literal is a name or a URL: it becomes part of the text, which is read again.
    Kept,
    /// The literal belongs to a message: it streams, and the text after it is read on.
    Streams {
        /// It is a literal8, which may hold NUL.
        eight: bool,
    },
    /// The command is over.
    End,
}

/// What a message holds before a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The message begins with it.
    Nothing,
    /// Octets that streamed, all of them.
    Literals,
    /// Octets that are in the mailbox already.
    Others,
}

/// A command as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    on: Enabled,
    replaced: Option<Replaced>,
    mailbox: String,
    messages: Vec<Appending>,
    place: Place,
}

/// Where reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the number that REPLACE names.
    Number { uid: bool },
    /// Before the folder.
    Mailbox,
    /// Before a message, or the end.
    Message,
    /// Before a part of CATENATE.
    Part,
    /// Behind one.
    AfterPart,
    /// Behind the literal of `UTF8 (…)`, in CATENATE or not.
    AfterUtf8 { part: bool },
}

impl Reading {
    /// APPEND, from behind its name, of somebody who switched this on.
    pub const fn append(on: Enabled) -> Self {
        Self::at(Place::Mailbox, on)
    }

    /// REPLACE (RFC 8508), from behind its name.
    pub const fn replace(uid: bool, on: Enabled) -> Self {
        Self::at(Place::Number { uid }, on)
    }

    const fn at(place: Place, on: Enabled) -> Self {
        Self { on, replaced: None, mailbox: String::new(), messages: Vec::new(), place }
    }

    /// The folder, once it was read.
    pub fn mailbox(&self) -> &str {
        &self.mailbox
    }

    /// What REPLACE names.
    pub const fn replaced(&self) -> Option<&Replaced> {
        self.replaced.as_ref()
    }

    /// What comes before the last literal in its message: nothing, or literals alone, or also what URLs name.
    pub fn before_literal(&self) -> Before {
        let parts = self.messages.last().map_or(&[][..], |message| &message.parts);
        match parts.split_last() {
            None | Some((_, [])) => Before::Nothing,
            Some((_, before)) if before.iter().all(|part| matches!(part, Portion::Came(_))) => Before::Literals,
            Some(_) => Before::Others,
        }
    }

    /// The request for the end of the command, with the octets that streamed.
    pub fn done(self, octets: u64) -> Read<Request> {
        let Self { replaced, mailbox, messages, place, .. } = self;
        if messages.is_empty() || place != Place::Message {
            return Err(Problem::Bad("A message is wanted, as literal or as CATENATE"));
        }
        Ok(Request::AppendEnd { mailbox, messages, octets, replaced })
    }

    /// Reads on, up to the end of `text` and the literal announced there, if any. A text that ends in a kept literal's
    /// announcement is given again with the literal in it, to a reading as it was before.
    pub fn read(&mut self, text: &[u8], announced: Option<Announced>) -> Read<Next> {
        let (text, eight) = match announced {
            Some(_) => {
                let text = &text[..text.iter().rposition(|b| *b == b'{').unwrap_or(text.len())];
                text.strip_suffix(b"~").map_or((text, false), |text| (text, true))
            }
            None => (text, false),
        };
        let mut args = Cursor::of(text, self.on);
        loop {
            let at_end = args.rest().is_empty();
            match self.place {
                Place::Message if at_end && announced.is_none() => return Ok(Next::End),
                Place::Number { uid } => {
                    args.needs("REPLACE")?;
                    args.space()?;
                    self.replaced = Some(Replaced { set: args.one()?, uid });
                    self.place = Place::Mailbox;
                }
                Place::Mailbox => {
                    args.space()?;
                    if args.rest().is_empty() && announced.is_some() {
                        return Ok(Next::Kept);
                    }
                    self.mailbox = args.mailbox()?;
                    self.place = Place::Message;
                }
                Place::Message => {
                    args.space()?;
                    if let Some(next) = self.message(&mut args, announced, eight)? {
                        return Ok(next);
                    }
                }
                Place::Part => {
                    if let Some(next) = self.part(&mut args, announced, eight)? {
                        return Ok(next);
                    }
                }
                Place::AfterUtf8 { part } => {
                    args.need(b')', "Missing )")?;
                    self.place = if part { Place::AfterPart } else { Place::Message };
                }
                Place::AfterPart => {
                    if args.eat(b')') {
                        self.place = Place::Message;
                    } else {
                        args.space()?;
                        self.place = Place::Part;
                    }
                }
            }
        }
    }

    /// Flags, date and what begins the message.
    fn message(&mut self, args: &mut Cursor<'_>, announced: Option<Announced>, eight: bool) -> Read<Option<Next>> {
        if self.messages.len() >= MAX_MESSAGES || (self.replaced.is_some() && !self.messages.is_empty()) {
            return Err(Refusal::new(Code::Limit, "Troppi messaggi in un comando").into());
        }
        if !self.messages.is_empty() {
            args.needs("MULTIAPPEND")?;
        }
        let mut flags = Flags::new();
        if args.peek() == Some(b'(') {
            flags = args.flag_list()?;
            args.space()?;
        }
        let mut date: Option<Timestamp> = None;
        if args.peek() == Some(b'"') {
            let text = String::from_utf8(args.string()?).unwrap_or_default();
            date = Some(date::date_time(&text).ok_or(Problem::Bad("Wrong date"))?);
            args.space()?;
        }
        self.messages.push(Appending { flags, date, parts: Vec::new() });
        if args.eat_text("CATENATE (") {
            args.needs("CATENATE")?;
            self.place = Place::Part;
            return Ok(None);
        }
        if args.eat_text("UTF8 (") {
            return self.utf8(args, announced, eight, false).map(Some);
        }
        match announced.filter(|_| args.rest().is_empty()) {
            // A message of nothing is how a client gives up (RFC 3502 §3).
            Some(literal) if literal.size == 0 => Err(Refusal::new(Code::Cannot, "Il messaggio e' vuoto").into()),
            Some(literal) => self.taken(args, literal, eight).map(Some),
            None => Err(Problem::Bad("A message is wanted, as literal or as CATENATE")),
        }
    }

    fn part(&mut self, args: &mut Cursor<'_>, announced: Option<Announced>, eight: bool) -> Read<Option<Next>> {
        if args.eat_text("TEXT ") {
            self.place = Place::AfterPart;
            let literal = announced.filter(|_| args.rest().is_empty()).ok_or(Problem::Bad("TEXT wants a literal"))?;
            return self.taken(args, literal, eight).map(Some);
        }
        if args.eat_text("UTF8 (") {
            return self.utf8(args, announced, eight, true).map(Some);
        }
        if !args.eat_text("URL ") {
            return Err(Problem::Bad("CATENATE is made of TEXT, UTF8 and URL"));
        }
        if args.rest().is_empty() && announced.is_some() {
            return Ok(Some(Next::Kept));
        }
        let text = args.text()?;
        self.add(Portion::Url(url::shown(&text)))?;
        self.place = Place::AfterPart;
        Ok(None)
    }

    /// The literal of `UTF8 (~{12}` (RFC 6855 §4).
    fn utf8(&mut self, args: &Cursor<'_>, announced: Option<Announced>, eight: bool, part: bool) -> Read<Next> {
        args.needs("UTF8=ACCEPT")?;
        let literal = announced.filter(|literal| eight && literal.size > 0 && args.rest().is_empty());
        self.place = Place::AfterUtf8 { part };
        self.streams(literal.ok_or(Problem::Bad("UTF8 wants a literal8"))?, eight)
    }

    /// A literal that nothing encloses.
    fn taken(&mut self, args: &Cursor<'_>, literal: Announced, eight: bool) -> Read<Next> {
        if eight {
            args.needs("BINARY")?;
        }
        self.streams(literal, eight)
    }

    fn streams(&mut self, literal: Announced, eight: bool) -> Read<Next> {
        self.add(Portion::Came(literal.size.into()))?;
        Ok(Next::Streams { eight })
    }

    fn add(&mut self, portion: Portion) -> Read<()> {
        let parts = self.messages.last_mut().map(|m| &mut m.parts).filter(|parts| parts.len() < MAX_PARTS);
        let parts = parts.ok_or_else(|| Refusal::new(Code::Limit, "Troppe parti in un messaggio"))?;
        parts.push(portion);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Option<Announced> = Some(Announced { size: 5 });
    const OFF: Enabled = Enabled::NOTHING;
    const STREAMS: Next = Next::Streams { eight: false };

    #[test]
    fn texts_up_to_their_literals() {
        assert_eq!(Reading::append(OFF).read(b" {5}", FIVE), Ok(Next::Kept));
        let mut reading = Reading::append(OFF);
        let text = b" \"Posta inviata\" (\\Seen x) \"12-Mar-2026 10:15:01 +0100\" {5+}";
        assert_eq!(reading.read(text, FIVE), Ok(STREAMS));
        assert_eq!(reading.read(b" (\\Draft) ~{5}", FIVE), Ok(Next::Streams { eight: true }));
        assert_eq!(reading.clone().read(b" CATENATE (URL /a URL {5}", FIVE), Ok(Next::Kept));
        assert_eq!(reading.read(b"", None), Ok(Next::End));
        let Ok(Request::AppendEnd { mailbox, messages, .. }) = reading.done(10) else { panic!() };
        assert_eq!((mailbox.as_str(), messages[0].flags.to_string().as_str()), ("Posta inviata", "\\Seen x"));
        assert_eq!(messages[0].date.unwrap().as_millis(), 1_773_306_901_000);
        let mut reading = Reading::append(OFF);
        assert_eq!(reading.read(b" {5}\r\ninbox {5}", FIVE), Ok(STREAMS));
        assert_eq!(reading.mailbox(), "INBOX");
        let mut reading = Reading::append(OFF);
        assert_eq!(reading.read(b" INBOX UTF8 (~{5}", FIVE), Ok(Next::Streams { eight: true }));
        assert_eq!(reading.read(b") CATENATE (TEXT {5}", FIVE), Ok(STREAMS));
        assert_eq!(reading.read(b" UTF8 (~{5}", FIVE), Ok(Next::Streams { eight: true }));
        assert_eq!(reading.read(b") URL /a)", None), Ok(Next::End));
        let Ok(Request::AppendEnd { messages, .. }) = reading.done(15) else { panic!() };
        assert_eq!((messages[0].parts.len(), messages[1].parts.len()), (1, 3));
        let mut reading = Reading::replace(true, OFF);
        assert_eq!(reading.read(b" 12 Bozze CATENATE (TEXT {5}", FIVE), Ok(STREAMS));
        assert_eq!(reading.read(b" URL \"/INBOX/;UID=1\" TEXT {5}", FIVE), Ok(STREAMS));
        assert_eq!(reading.read(b")", None), Ok(Next::End));
        let Ok(Request::AppendEnd { messages, replaced: Some(_), .. }) = reading.done(10) else { panic!() };
        assert_eq!(messages[0].parts.len(), 3);
    }

    #[test]
    fn what_is_no_append() {
        for bad in [
            "{5}",
            " INBOX{5}",
            " INBOX (\\Foo) {5}",
            " INBOX \"today\" {5}",
            " INBOX x {5}",
            " INBOX CATENATE {5}",
            " INBOX CATENATE (TEXT x {5}",
            " INBOX CATENATE (URL /a) TEXT {5}",
            " INBOX UTF8 ({5}",
            " INBOX UTF8 ~{5}",
            " INBOX CATENATE (UTF8 {5}",
        ] {
            assert!(Reading::append(OFF).read(bad.as_bytes(), FIVE).is_err(), "{bad}");
        }
        for bad in ["", " INBOX ", " INBOX CATENATE ()", " INBOX CATENATE (TEXT x)", " INBOX CATENATE (URL /a"] {
            assert!(Reading::append(OFF).read(bad.as_bytes(), None).is_err(), "{bad}");
        }
        // One number, or the last message (RFC 8508 §3.4: seq-number).
        for bad in [" 1:2", " 1,2", " 0", " $", " *:*", ""] {
            assert!(Reading::replace(false, OFF).read(format!("{bad} INBOX {{5}}").as_bytes(), FIVE).is_err(), "{bad}");
        }
        assert!(Reading::replace(false, OFF).read(b" * INBOX {5}", FIVE).is_ok());
        let mut open = Reading::append(OFF);
        assert!(open.read(b" INBOX UTF8 (~{5}", FIVE).is_ok() && open.clone().read(b"", None).is_err());
        assert!(open.read(b" {5}", FIVE).is_err(), "the parenthesis stays open");
        let mut two = Reading::replace(false, OFF);
        assert_eq!(two.read(b" 1 INBOX {5}", FIVE), Ok(STREAMS));
        assert!(two.read(b" {5}", FIVE).is_err(), "one message replaces one");
    }
}
