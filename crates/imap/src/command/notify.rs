//! NOTIFY (RFC 5465 §3.1, §8).

use crate::command::{Command, fetch};
use crate::cursor::{Cursor, Problem, Read};
use crate::notify::{Events, Filter, Group, MAX_GROUPS, MAX_NAMES, OfSelected, Watch};
use crate::view::Telling;
use crate::work::{Done, Step, Tell, Work};
use crate::{Code, FetchItem, Refusal, Request};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.needs("NOTIFY")?;
    args.space()?;
    match args.word()?.as_str() {
        "NONE" => return Ok(Command::Request(Request::Notify { watch: None, status: false })),
        "SET" => args.space()?,
        _ => return Err(Problem::Bad("NOTIFY is SET or NONE")),
    }
    let status = args.eat_text("STATUS ");
    let mut reading = Reading::default();
    loop {
        reading.group(args)?;
        if !args.eat(b' ') {
            break;
        }
        if reading.watch.groups.len() >= MAX_GROUPS {
            return Err(too_much());
        }
    }
    if reading.unknown {
        // The code names every event there is (RFC 5465 §3.1).
        return Err(Refusal::new(Code::BadEvent, "Evento non previsto").into());
    }
    Ok(Command::Request(Request::Notify { watch: Some(reading.watch), status }))
}

fn too_much() -> Problem {
    Refusal::new(Code::NotificationOverflow, "Troppe cartelle, o troppi gruppi, in un NOTIFY").into()
}

#[derive(Default)]
struct Reading {
    watch: Watch,
    /// `SELECTED` or `SELECTED-DELAYED` was there.
    selected: bool,
    /// Folders named so far.
    names: usize,
    /// An event was there that is none here.
    unknown: bool,
}

/// The events of one group.
#[derive(Default)]
struct Wanted {
    new: bool,
    expunge: bool,
    flags: bool,
    /// Those that are not about messages.
    others: Events,
    items: Vec<FetchItem>,
}

impl Reading {
    /// `(subtree (A B) (MessageNew MessageExpunge))`
    fn group(&mut self, args: &mut Cursor<'_>) -> Read<()> {
        args.need(b'(', "Missing group of events")?;
        let word = args.word()?;
        let delayed = word == "SELECTED-DELAYED";
        if delayed || word == "SELECTED" {
            args.space()?;
            if std::mem::replace(&mut self.selected, true) {
                return Err(Problem::Bad("SELECTED stands once"));
            }
            let wanted = self.events(args)?;
            if !wanted.others.is_empty() {
                return Err(Problem::Bad("SELECTED goes with events of messages only"));
            }
            let Wanted { new, flags, items, .. } = wanted;
            self.watch.selected = new.then_some(OfSelected { delayed, flags, items });
        } else {
            let filter = self.filter(&word, args)?;
            args.space()?;
            let wanted = self.events(args)?;
            if !wanted.items.is_empty() {
                return Err(Problem::Bad("Fetch items go with SELECTED only"));
            }
            let messages = if wanted.new { Events::MESSAGES } else { Events::default() };
            let flags = if wanted.flags { Events::FLAGS } else { Events::default() };
            self.watch.groups.push(Group { filter, events: wanted.others.and(messages).and(flags) });
        }
        args.need(b')', "Missing )")
    }

    fn filter(&mut self, word: &str, args: &mut Cursor<'_>) -> Read<Filter> {
        Ok(match word {
            "INBOXES" => Filter::Inboxes,
            "PERSONAL" => Filter::Personal,
            "SUBSCRIBED" => Filter::Subscribed,
            "SUBTREE" => Filter::Subtree(self.mailboxes(args)?),
            "MAILBOXES" => Filter::Mailboxes(self.mailboxes(args)?),
            _ => return Err(Problem::Bad("Unknown mailbox filter")),
        })
    }

    /// A name, or several in parentheses.
    fn mailboxes(&mut self, args: &mut Cursor<'_>) -> Read<Vec<String>> {
        args.space()?;
        let several = args.eat(b'(');
        let mut names = Vec::new();
        loop {
            self.names += 1;
            if self.names > MAX_NAMES {
                return Err(too_much());
            }
            names.push(args.mailbox()?);
            if !several || args.eat(b')') {
                return Ok(names);
            }
            args.space()?;
        }
    }

    fn events(&mut self, args: &mut Cursor<'_>) -> Read<Wanted> {
        let mut wanted = Wanted::default();
        if args.eat_text("NONE") {
            return Ok(wanted);
        }
        args.need(b'(', "Missing events")?;
        loop {
            self.event(args, &mut wanted)?;
            if args.eat(b')') {
                break;
            }
            args.space()?;
        }
        // RFC 5465 §5.
        if wanted.new != wanted.expunge {
            return Err(Problem::Bad("MessageNew and MessageExpunge go together"));
        }
        if wanted.flags && !wanted.new {
            return Err(Problem::Bad("FlagChange goes with MessageNew and MessageExpunge"));
        }
        Ok(wanted)
    }

    fn event(&mut self, args: &mut Cursor<'_>, wanted: &mut Wanted) -> Read<()> {
        let others = match args.atom()?.to_ascii_uppercase().as_str() {
            "MESSAGENEW" => {
                wanted.new = true;
                if args.eat_text(" (") {
                    wanted.items = fetch::items(args)?;
                }
                return Ok(());
            }
            "MESSAGEEXPUNGE" => {
                wanted.expunge = true;
                return Ok(());
            }
            "FLAGCHANGE" => {
                wanted.flags = true;
                return Ok(());
            }
            "MAILBOXNAME" => Events::NAMES,
            "SUBSCRIPTIONCHANGE" => Events::SUBSCRIPTIONS,
            "MAILBOXMETADATACHANGE" => {
                args.needs("METADATA")?;
                Events::ANNOTATIONS
            }
            "SERVERMETADATACHANGE" => {
                args.needs("METADATA")?;
                Events::SERVER
            }
            _ => {
                self.unknown = true;
                return Ok(());
            }
        };
        wanted.others = wanted.others.and(others);
        Ok(())
    }
}

pub fn run(watch: Option<&Watch>, status: bool, work: &mut Work<'_>) -> Result<Step, Problem> {
    let done = Done::ok("NOTIFY completed").telling(Tell::Nothing);
    let Some(watch) = watch else {
        work.notices.cease();
        return done.step();
    };
    work.refresh()?;
    if watch.selected.as_ref().is_some_and(|wanted| wanted.items.contains(&FetchItem::ModSeq)) {
        work.enable_condstore();
    }
    let on = *work.enabled;
    if let Some(folder) = work.selected.as_mut() {
        // What has come together is told, whatever is wanted from now on (RFC 5465 §3.1).
        work.out.extend_from_slice(folder.tell(true, Telling::ALL, on).as_bytes());
    }
    let selected = work.selected.as_ref().map(|folder| folder.number);
    let told = work.notices.begin(watch.clone(), status, work.boxes, selected, on)?;
    work.out.extend(told);
    done.step()
}
