//! What a client hears without asking (RFC 5465): which folders and events, and what it knows of them.
//!
//! Nothing is queued. The folders are looked at when something changed, and compared with what the client knows: whoever
//! reads slowly hears less often, and of everything in the end.

mod known;

use std::collections::{BTreeMap, BTreeSet};

use crate::enabled::Enabled;
use crate::view::{Selected, Telling};
use crate::{DELIMITER, FetchItem, FolderInfo, Mailboxes, Refusal, Status, StatusItem};
use known::{Known, Look, Notes, Sight, digest};

/// Groups of one NOTIFY, and folders that they name: more are refused with [`crate::Code::NotificationOverflow`].
pub const MAX_GROUPS: usize = 50;
/// See [`MAX_GROUPS`].
pub const MAX_NAMES: usize = 200;
/// Of whom these are wanted the subscribed names without a folder are known.
const SUBSCRIBED: Events = Events::NAMES.and(Events::SUBSCRIPTIONS);
/// Responses of one look. A client that has more to hear is told so, and hears nothing any more (RFC 5465 §5.8).
const MAX_TOLD: usize = 1000;

/// What NOTIFY SET asks for; nothing is NOTIFY NONE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Of the selected folder.
    pub selected: Option<OfSelected>,
    /// Of the others.
    pub groups: Vec<Group>,
}

/// What is wanted of the selected folder: what others bring and remove, and what follows. `None` in [`Watch`] is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfSelected {
    /// `SELECTED-DELAYED`: no EXPUNGE but in answer to a command that allows it.
    pub delayed: bool,
    /// `FlagChange`
    pub flags: bool,
    /// What is told of each new message.
    pub items: Vec<FetchItem>,
}

/// Some folders, and what is wanted of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which folders.
    pub filter: Filter,
    /// Nothing is `NONE`: these folders, whatever other groups say.
    pub events: Events,
}

/// Folders by what they are (RFC 5465 §6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Where messages are delivered: the INBOX.
    Inboxes,
    /// Everything: each folder here is the user's own.
    Personal,
    /// Those that are subscribed at the moment.
    Subscribed,
    /// These and those below them.
    Subtree(Vec<String>),
    /// These.
    Mailboxes(Vec<String>),
}

impl Filter {
    /// Whether it means a folder of this name.
    pub fn holds(&self, name: &str, subscribed: bool) -> bool {
        let below = |top: &String| {
            let rest = name.strip_prefix(top.as_str());
            top.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(DELIMITER))
        };
        match self {
            Self::Inboxes => name == "INBOX",
            Self::Personal => true,
            Self::Subscribed => subscribed,
            Self::Subtree(tops) => tops.iter().any(below),
            Self::Mailboxes(names) => names.iter().any(|one| one == name),
        }
    }
}

/// A set of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Events(u8);

impl Events {
    /// `MessageNew` and `MessageExpunge`, which go together.
    pub const MESSAGES: Self = Self(1);
    /// `FlagChange`
    pub const FLAGS: Self = Self(2);
    /// `MailboxName`
    pub const NAMES: Self = Self(4);
    /// `SubscriptionChange`
    pub const SUBSCRIPTIONS: Self = Self(8);
    /// `MailboxMetadataChange`
    pub const ANNOTATIONS: Self = Self(16);
    /// `ServerMetadataChange`
    pub const SERVER: Self = Self(32);

    /// These and those.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether one of these is among them.
    pub const fn has(self, some: Self) -> bool {
        self.0 & some.0 != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Watch {
    /// What is wanted of a folder that is not selected.
    pub fn events(&self, name: &str, subscribed: bool) -> Events {
        let mut events = Events::default();
        for group in self.groups.iter().filter(|group| group.filter.holds(name, subscribed)) {
            if group.events.is_empty() {
                return Events::default();
            }
            events = events.and(group.events);
        }
        events
    }

    /// Whether any group asks for one of these.
    pub fn wants(&self, some: Events) -> bool {
        self.groups.iter().any(|group| group.events.has(some))
    }

    /// Whether anything can ever be told.
    fn listens(&self) -> bool {
        self.selected.is_some() || self.groups.iter().any(|group| !group.events.is_empty())
    }
}

/// A session's ear.
#[derive(Debug, Default)]
pub struct Notices {
    /// What is wanted; `None` of who never said NOTIFY, and hears by commands alone.
    watch: Option<Watch>,
    /// Every folder that the client may see, by its number; and those that went out of sight and were told as such.
    known: BTreeMap<u32, Known>,
    /// Names that are subscribed and have no folder, as far as they are wanted.
    missing: BTreeSet<String>,
    /// Annotations of the mailbox itself.
    server: Notes,
    /// [`crate::Custody::annotated`] when annotations were read last.
    annotated: Option<u64>,
}

impl Notices {
    /// Whether something may have to be told between commands.
    pub fn listens(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::listens)
    }

    /// Whether the client hears of removed messages by commands alone, though it listens.
    pub fn delays(&self) -> bool {
        self.of_selected().is_some_and(|wanted| wanted.delayed)
    }

    /// What is told of the selected folder.
    pub fn telling(&self) -> Telling {
        match (&self.watch, self.of_selected()) {
            (None, _) => Telling::ALL,
            (Some(_), None) => Telling::NONE,
            (_, Some(wanted)) => {
                Telling { messages: true, flags: wanted.flags, uids: true, described: !wanted.items.is_empty() }
            }
        }
    }

    /// What is told of a new message of the selected folder; who hears mod-sequences hears them here too (RFC 7162 §3.2).
    pub fn items(&self, on: Enabled) -> Vec<FetchItem> {
        let mut items = vec![FetchItem::Uid];
        let wanted = self.of_selected().into_iter().flat_map(|wanted| wanted.items.iter().cloned());
        for item in wanted.chain(on.condstore.then_some(FetchItem::ModSeq)) {
            if !items.contains(&item) {
                items.push(item);
            }
        }
        items
    }

    fn of_selected(&self) -> Option<&OfSelected> {
        self.watch.as_ref()?.selected.as_ref()
    }

    /// Nothing is told any more (NOTIFY NONE).
    pub fn cease(&mut self) {
        *self = Self { watch: Some(Watch::default()), ..Self::default() };
    }

    /// Takes what is wanted, from now on. Gives the folders that the client may see and not read, and, of those that are
    /// not selected, the numbers that are wanted, each as a response.
    ///
    /// # Errors
    /// What the folders refuse; then all is as it was.
    pub fn begin(
        &mut self,
        watch: Watch,
        status: bool,
        boxes: &mut dyn Mailboxes,
        selected: Option<u32>,
        on: Enabled,
    ) -> Result<Vec<u8>, Refusal> {
        let mut new = Self { watch: Some(watch), ..Self::default() };
        let mut look = Look::take(boxes, &new)?;
        let Some(watch) = &new.watch else { return Ok(Vec::new()) };
        for folder in &look.folders {
            let events = watch.events(&folder.name, folder.subscribed);
            match &folder.status {
                None if !events.is_empty() => look.names.push((folder.name.clone(), None)),
                Some(numbers) if status && events.has(Events::MESSAGES) && selected != Some(folder.number) => {
                    // The mod-sequence also before it is switched on (RFC 5465 §3.1).
                    let modseq = on.condstore || events.has(Events::FLAGS);
                    look.statuses.push((folder.name.clone(), items(events, modseq), numbers.clone()));
                }
                _ => {}
            }
        }
        new.known = look.known(|_| None);
        new.server = look.server.take().unwrap_or_default();
        new.annotated = look.annotated;
        new.missing = look.missing.clone();
        *self = new;
        Ok(look.told(on).concat().into_bytes())
    }

    /// Looks at the folders and tells, as responses, what changed since the client was told last.
    ///
    /// # Errors
    /// What the folders refuse; nothing is lost by it, the next look tells.
    pub fn look(&mut self, boxes: &mut dyn Mailboxes, selected: Option<u32>, on: Enabled) -> Result<Vec<u8>, Refusal> {
        if self.watch.as_ref().is_none_or(|watch| watch.groups.is_empty()) {
            return Ok(Vec::new());
        }
        let mut look = Look::take(boxes, self)?;
        let Some(watch) = &self.watch else { return Ok(Vec::new()) };
        look.compare(watch, &self.known, (&self.server, &self.missing), selected, on);
        let hidden = look.hidden(watch, &self.known);
        self.known = look.known(|number| self.known.get(&number));
        self.known.extend(hidden);
        if let Some(server) = look.server.take() {
            self.server = server;
        }
        self.annotated = look.annotated;
        self.missing = look.missing.clone();
        let told = look.told(on);
        if told.len() > MAX_TOLD {
            self.cease();
            return Ok(b"* OK [NOTIFICATIONOVERFLOW] Troppi cambiamenti in una volta, NOTIFY finisce qui\r\n".to_vec());
        }
        Ok(told.concat().into_bytes())
    }

    /// A folder is selected no more: what the client knows of it is what the session told. What was not told is told as of
    /// any other folder.
    pub fn left(&mut self, folder: &Selected) {
        if let Some(known) = self.known.get_mut(&folder.number) {
            known.numbers = folder.numbers().unwrap_or_default();
        }
    }

    /// This session put messages with these UIDs into a folder: if nothing else happened there, nothing is told.
    pub fn brought(&mut self, boxes: &mut dyn Mailboxes, name: &str, uids: &[u32]) {
        let Some(known) = self.named(name) else { return };
        // Every message that comes moves the mod-sequence by one, and every other change too.
        if let Ok(now) = boxes.status(name)
            && now.highest_modseq.checked_sub(uids.len() as u64) == Some(known.numbers.highest_modseq)
        {
            known.numbers = now;
        }
    }

    /// This session made a folder, or gave one this name: it and the levels above that came with it are known.
    pub fn made(&mut self, boxes: &mut dyn Mailboxes, name: &str) {
        if self.watch.is_none() {
            return;
        }
        let Ok(folders) = boxes.list() else { return };
        let ours = |folder: &FolderInfo| Filter::Subtree(vec![folder.name.clone()]).holds(name, false);
        for folder in folders.into_iter().filter(ours) {
            self.known.entry(folder.number).or_insert_with(|| Known::of(&folder, None));
        }
    }

    /// This session removed a folder, whose subscription stays with the name.
    pub fn removed(&mut self, boxes: &mut dyn Mailboxes, name: &str) {
        self.kept(boxes, &Filter::Mailboxes(vec![name.to_owned()]));
        self.known.retain(|_, known| known.name != name);
    }

    /// Names that stayed subscribed when this session took their folders away.
    fn kept(&mut self, boxes: &mut dyn Mailboxes, which: &Filter) {
        if self.watch.as_ref().is_some_and(|watch| watch.wants(SUBSCRIBED)) {
            let names = boxes.subscriptions().unwrap_or_default();
            self.missing.extend(names.into_iter().filter(|name| which.holds(name, true)));
        }
    }

    /// This session gave a folder, and those below it, another name.
    pub fn renamed(&mut self, boxes: &mut dyn Mailboxes, from: &str, to: &str) {
        if self.watch.is_none() {
            return;
        }
        let below = Filter::Subtree(vec![from.to_owned()]);
        self.kept(boxes, &below);
        // The subscription stays where it was.
        let subscribed: Vec<u32> =
            boxes.list().unwrap_or_default().iter().filter(|f| f.subscribed).map(|f| f.number).collect();
        for (number, known) in self.known.iter_mut().filter(|(_, known)| below.holds(&known.name, false)) {
            known.name.replace_range(..from.len(), to);
            known.subscribed = subscribed.contains(number);
        }
    }

    /// This session changed a subscription.
    pub fn subscribed(&mut self, name: &str, on: bool) {
        if let Some(known) = self.named(name) {
            known.subscribed = on;
        } else if !on {
            self.missing.remove(name);
        }
    }

    /// This session changed annotations, of the mailbox itself where there is no name.
    pub fn annotated(&mut self, name: &str, entries: &[(String, Option<Vec<u8>>)]) {
        let notes = match name {
            "" => Some(&mut self.server),
            _ => self.named(name).and_then(|known| known.notes.as_mut()),
        };
        let Some(notes) = notes else { return };
        for (entry, value) in entries {
            match value {
                Some(value) => drop(notes.insert(entry.clone(), digest(value))),
                None => drop(notes.remove(entry)),
            }
        }
    }

    fn named(&mut self, name: &str) -> Option<&mut Known> {
        self.known.values_mut().find(|known| known.name == name && known.sight != Sight::Hidden)
    }
}

/// The numbers that are told of a folder (RFC 5465 §5.1-5.3).
fn items(events: Events, modseq: bool) -> Vec<StatusItem> {
    let mut items = vec![StatusItem::Messages, StatusItem::UidNext, StatusItem::UidValidity];
    items.extend(events.has(Events::FLAGS).then_some(StatusItem::Unseen));
    items.extend(modseq.then_some(StatusItem::HighestModSeq));
    items
}

/// Whether the numbers that are told differ.
fn differs(events: Events, on: Enabled, before: &Status, now: &Status) -> bool {
    let messages = |s: &Status| (s.messages, s.uid_next, s.uid_validity);
    // Without mod-sequences nothing else of a flag can be told.
    let flags = |s: &Status| if on.condstore { s.highest_modseq } else { s.unseen.into() };
    messages(before) != messages(now) || (events.has(Events::FLAGS) && flags(before) != flags(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_by_what_they_are() {
        let tops = || vec!["A/B".to_owned(), "INBOX".to_owned()];
        for (filter, held) in [
            (Filter::Inboxes, vec!["INBOX"]),
            (Filter::Personal, vec!["INBOX", "INBOX/x", "A", "A/B", "A/Bx", "A/B/c"]),
            (Filter::Subscribed, vec!["A"]),
            (Filter::Subtree(tops()), vec!["INBOX", "INBOX/x", "A/B", "A/B/c"]),
            (Filter::Mailboxes(tops()), vec!["INBOX", "A/B"]),
        ] {
            let all = ["INBOX", "INBOX/x", "A", "A/B", "A/Bx", "A/B/c"];
            let found: Vec<&str> = all.into_iter().filter(|name| filter.holds(name, *name == "A")).collect();
            assert_eq!(found, held, "{filter:?}");
        }
    }

    #[test]
    fn groups_add_up_and_none_takes_away() {
        let group = |filter, events| Group { filter, events };
        let watch = Watch {
            selected: None,
            groups: vec![
                group(Filter::Personal, Events::NAMES),
                group(Filter::Inboxes, Events::MESSAGES),
                group(Filter::Mailboxes(vec!["B".into()]), Events::default()),
            ],
        };
        assert_eq!(watch.events("INBOX", false), Events::NAMES.and(Events::MESSAGES));
        assert_eq!(watch.events("A", true), Events::NAMES);
        assert_eq!(watch.events("B", true), Events::default());
    }
}
