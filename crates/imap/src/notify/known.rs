//! One look at the folders, and how it differs from what a client knows.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Events, Notices, SUBSCRIBED, Watch, differs, items};
use crate::command::{list, status};
use crate::enabled::Enabled;
use crate::{Code, DELIMITER, FolderInfo, Mailboxes, Refusal, Status, StatusItem, text};

/// Annotations by their names, with digests of their values.
pub type Notes = BTreeMap<String, u64>;

/// Folders out of sight that are remembered, to say when they come back.
const MAX_HIDDEN: usize = 100;

/// What a client knows of a folder.
#[derive(Debug, Clone)]
pub struct Known {
    pub name: String,
    pub subscribed: bool,
    pub sight: Sight,
    /// As they were told last, or would have been if somebody had wanted them.
    pub numbers: Status,
    /// `None` while nobody wants them.
    pub notes: Option<Notes>,
}

/// What the user may see of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All.
    Readable,
    /// Its name.
    Barred,
    /// Nothing any more, of which the client was told (RFC 5465 §5.9).
    Hidden,
}

impl Known {
    /// As a folder is now; what cannot be seen stays as it was known.
    pub fn of(folder: &FolderInfo, before: Option<&Self>) -> Self {
        Self {
            name: folder.name.clone(),
            subscribed: folder.subscribed,
            sight: sight(folder),
            numbers: folder.status.clone().unwrap_or_else(|| before.map(|b| b.numbers.clone()).unwrap_or_default()),
            notes: before.and_then(|known| known.notes.clone()),
        }
    }
}

fn sight(folder: &FolderInfo) -> Sight {
    if folder.status.is_some() { Sight::Readable } else { Sight::Barred }
}

/// What a folder that nobody knew begins with: nothing in it.
fn empty(now: &Status) -> Status {
    Status { uid_next: 1, uid_validity: now.uid_validity, highest_modseq: now.highest_modseq, ..Status::default() }
}

/// A value without the value: of ten thousand annotations each may have 8 KiB.
pub fn digest(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn digests(all: Vec<(String, Vec<u8>)>) -> Notes {
    all.into_iter().map(|(entry, value)| (entry, digest(&value))).collect()
}

/// The folders as they are, and what is to be told of them.
pub struct Look {
    pub folders: Vec<FolderInfo>,
    /// Their numbers.
    here: BTreeSet<u32>,
    /// Annotations of the folders whose annotations are wanted, if they were read.
    notes: BTreeMap<u32, Notes>,
    /// Those of the mailbox itself.
    pub server: Option<Notes>,
    pub annotated: Option<u64>,
    /// Subscribed names that have no folder, if names or subscriptions are wanted.
    pub missing: BTreeSet<String>,
    /// Names that something happened to, and those that they had.
    pub names: Vec<(String, Option<String>)>,
    /// Names that are watched no more, since nothing is seen of them.
    out_of_sight: Vec<String>,
    pub statuses: Vec<(String, Vec<StatusItem>, Status)>,
    /// Entries that changed, of folders and of the mailbox itself.
    entries: Vec<(String, Vec<String>)>,
}

impl Look {
    /// Reads what is wanted. Annotations are read only when some may have changed.
    pub fn take(boxes: &mut dyn Mailboxes, notices: &Notices) -> Result<Self, Refusal> {
        let annotated = boxes.annotated();
        let folders = boxes.list()?;
        let mut look = Self {
            here: folders.iter().map(|folder| folder.number).collect(),
            folders,
            notes: BTreeMap::new(),
            server: None,
            annotated,
            missing: BTreeSet::new(),
            names: Vec::new(),
            out_of_sight: Vec::new(),
            statuses: Vec::new(),
            entries: Vec::new(),
        };
        let Some(watch) = &notices.watch else { return Ok(look) };
        if watch.wants(SUBSCRIBED) {
            look.missing = boxes.subscriptions()?.into_iter().collect();
        }
        let moved = annotated.is_none() || annotated != notices.annotated;
        if watch.wants(Events::SERVER) && moved {
            look.server = Some(digests(boxes.annotations("")?));
        }
        if !watch.wants(Events::ANNOTATIONS) {
            return Ok(look);
        }
        for folder in look.folders.iter().filter(|folder| folder.status.is_some()) {
            let unread = notices.known.get(&folder.number).is_none_or(|known| known.notes.is_none());
            if (moved || unread) && watch.events(&folder.name, folder.subscribed).has(Events::ANNOTATIONS) {
                match boxes.annotations(&folder.name) {
                    Ok(all) => drop(look.notes.insert(folder.number, digests(all))),
                    // It went, or may not be read any more: the next look says so.
                    Err(refusal) if matches!(refusal.code, Some(Code::NonExistent | Code::NoPerm)) => {}
                    Err(refusal) => return Err(refusal),
                }
            }
        }
        Ok(look)
    }

    /// What is to be told to who knows this.
    pub fn compare(
        &mut self,
        watch: &Watch,
        known: &BTreeMap<u32, Known>,
        (server, missing): (&Notes, &BTreeSet<String>),
        selected: Option<u32>,
        on: Enabled,
    ) {
        let folders = std::mem::take(&mut self.folders);
        let renames = renames(&folders, known);
        for folder in &folders {
            match known.get(&folder.number) {
                Some(before) if before.sight != Sight::Hidden => self.compare_one(watch, before, folder, &renames),
                hidden => {
                    self.affected(watch, &folders, &folder.name, folder.subscribed);
                    if hidden.is_some() && !watch.events(&folder.name, folder.subscribed).is_empty() {
                        self.names.push((folder.name.clone(), None));
                    }
                }
            }
            if selected != Some(folder.number) {
                self.compare_numbers(watch, known.get(&folder.number), folder, on);
            }
            self.compare_notes(known.get(&folder.number), folder);
        }
        for (number, before) in known.iter().filter(|(_, before)| before.sight != Sight::Hidden) {
            if !self.here.contains(number) {
                self.compare_gone(watch, before, &folders);
            }
        }
        for name in missing.difference(&self.missing) {
            // Not subscribed any more, unless a folder has the name now, and the subscription with it.
            let here = folders.iter().any(|folder| folder.name == *name);
            if !here && watch.events(name, true).has(Events::SUBSCRIPTIONS) {
                self.names.push((name.clone(), None));
            }
        }
        if let Some(now) = &self.server {
            self.entries.extend(changed(server, now).map(|entries| (String::new(), entries)));
        }
        self.folders = folders;
    }

    /// A name came or went: it and the one above it are affected (RFC 5465 §5.4).
    fn affected(&mut self, watch: &Watch, folders: &[FolderInfo], name: &str, subscribed: bool) {
        if watch.events(name, subscribed).has(Events::NAMES) {
            self.names.push((name.to_owned(), None));
        }
        if let Some((above, _)) = name.rsplit_once(DELIMITER) {
            let subscribed = folders.iter().any(|folder| folder.name == above && folder.subscribed);
            if watch.events(above, subscribed).has(Events::NAMES) {
                self.names.push((above.to_owned(), None));
            }
        }
    }

    fn compare_one(&mut self, watch: &Watch, before: &Known, folder: &FolderInfo, renames: &[(&Known, &FolderInfo)]) {
        let then = watch.events(&before.name, before.subscribed);
        let now = watch.events(&folder.name, folder.subscribed);
        // Who is told of a folder's new name knows those of the folders below it.
        let above = |(old, new): &(&Known, &FolderInfo)| {
            let rest = before.name.strip_prefix(&old.name).filter(|rest| rest.starts_with(DELIMITER));
            let told = watch.events(&old.name, old.subscribed).and(watch.events(&new.name, new.subscribed));
            rest.is_some() && folder.name.strip_prefix(&new.name) == rest && told.has(Events::NAMES)
        };
        if before.name != folder.name && then.and(now).has(Events::NAMES) && !renames.iter().any(above) {
            self.names.push((folder.name.clone(), Some(before.name.clone())));
        }
        let subscribed = before.subscribed != folder.subscribed && then.and(now).has(Events::SUBSCRIPTIONS);
        if subscribed || (before.sight != sight(folder) && !now.is_empty()) {
            self.names.push((folder.name.clone(), None));
        }
    }

    fn compare_numbers(&mut self, watch: &Watch, before: Option<&Known>, folder: &FolderInfo, on: Enabled) {
        let events = watch.events(&folder.name, folder.subscribed);
        let Some(now) = folder.status.as_ref().filter(|_| events.has(Events::MESSAGES)) else { return };
        let before = before.map_or_else(|| empty(now), |known| known.numbers.clone());
        if differs(events, on, &before, now) {
            self.statuses.push((folder.name.clone(), items(events, on.condstore), now.clone()));
        }
    }

    fn compare_notes(&mut self, before: Option<&Known>, folder: &FolderInfo) {
        let Some(now) = self.notes.get(&folder.number) else { return };
        let nothing = Notes::new();
        // What nobody wanted to know before is not told now.
        let Some(before) = before.map_or(Some(&nothing), |known| known.notes.as_ref()) else { return };
        self.entries.extend(changed(before, now).map(|entries| (folder.name.clone(), entries)));
    }

    fn compare_gone(&mut self, watch: &Watch, before: &Known, folders: &[FolderInfo]) {
        let events = watch.events(&before.name, before.subscribed);
        self.affected(watch, folders, &before.name, before.subscribed);
        if events.has(Events::SUBSCRIPTIONS) && before.subscribed {
            self.names.push((before.name.clone(), None));
        }
        let told = self.names.iter().any(|(name, _)| *name == before.name);
        if !told && !events.is_empty() && folders.iter().all(|folder| folder.name != before.name) {
            self.out_of_sight.push(before.name.clone());
        }
    }

    /// Of what is known, what is seen no more and may be seen again.
    pub fn hidden(&self, watch: &Watch, known: &BTreeMap<u32, Known>) -> Vec<(u32, Known)> {
        let gone = |(number, before): &(&u32, &Known)| {
            !self.here.contains(number) && !watch.events(&before.name, before.subscribed).is_empty()
        };
        let hidden = known.iter().filter(gone).take(MAX_HIDDEN);
        hidden.map(|(number, before)| (*number, Known { sight: Sight::Hidden, ..before.clone() })).collect()
    }

    /// What the client knows after this.
    pub fn known<'k>(&mut self, before: impl Fn(u32) -> Option<&'k Known>) -> BTreeMap<u32, Known> {
        let mut all = BTreeMap::new();
        for folder in &self.folders {
            let mut known = Known::of(folder, before(folder.number));
            known.notes = self.notes.remove(&folder.number).or(known.notes);
            all.insert(folder.number, known);
        }
        all
    }

    /// The responses: names, then numbers, then annotations.
    pub fn told(mut self, on: Enabled) -> Vec<String> {
        let every = list::every(&self.folders);
        let mut told = Vec::new();
        // The name that it had is told with it, if both are to be told.
        self.names.sort_by(|(a, had_a), (b, had_b)| a.cmp(b).then(had_b.cmp(had_a)));
        self.names.dedup_by(|(later, _), (name, _)| later == name);
        for (name, old) in &self.names {
            let found = every.iter().find(|found| found.name == name);
            let subscribed = self.missing.contains(name).then_some("\\Subscribed");
            let gone = || list::response(name, &Vec::from_iter(["\\NonExistent"].into_iter().chain(subscribed)), on);
            told.push(found.map_or_else(gone, |found| found.told(old.as_deref(), on)));
        }
        for name in &self.out_of_sight {
            told.push(list::response(name, &["\\NonExistent", "\\NoAccess"], on));
        }
        told.extend(self.statuses.iter().map(|(name, items, numbers)| status::line(name, items, numbers, on)));
        for (name, entries) in &self.entries {
            let mut line = format!("* METADATA {}", text::mailbox(name, on)).into_bytes();
            for entry in entries {
                line.push(b' ');
                text::string(&mut line, entry.as_bytes());
            }
            told.push(String::from_utf8_lossy(&line).into_owned());
        }
        told.iter_mut().for_each(|line| line.push_str("\r\n"));
        told
    }
}

/// Folders that have another name: as they were, and as they are.
fn renames<'f>(folders: &'f [FolderInfo], known: &'f BTreeMap<u32, Known>) -> Vec<(&'f Known, &'f FolderInfo)> {
    let renamed = |folder: &'f FolderInfo| {
        let before = known.get(&folder.number).filter(|known| known.sight != Sight::Hidden)?;
        (before.name != folder.name).then_some((before, folder))
    };
    folders.iter().filter_map(renamed).collect()
}

/// The entries that came, changed or went, if any did.
fn changed(before: &Notes, now: &Notes) -> Option<Vec<String>> {
    let came = now.iter().filter(|(entry, value)| before.get(*entry) != Some(value));
    let went = before.iter().filter(|(entry, _)| !now.contains_key(*entry));
    let mut entries: Vec<String> = came.chain(went).map(|(entry, _)| entry.clone()).collect();
    entries.sort_unstable();
    (!entries.is_empty()).then_some(entries)
}
