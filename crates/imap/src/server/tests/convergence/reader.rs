//! A mail reader that believes what it is told, and holds each command to what it says.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use super::{Happening, NAMES, Naming, Storing};
use crate::{Flags, Row, SequenceSet, StoreOp, set};

/// What a client switches on, and whether it says NOTIFY and asks for nothing.
#[derive(Clone, Copy)]
pub struct Kind {
    enables: &'static str,
    pub listens: bool,
}

pub const KINDS: [Kind; 8] = [
    Kind { enables: "", listens: false },
    Kind { enables: "QRESYNC", listens: false },
    Kind { enables: "CONDSTORE", listens: false },
    Kind { enables: "IMAP4rev2", listens: false },
    Kind { enables: "", listens: true },
    Kind { enables: "QRESYNC", listens: true },
    Kind { enables: "QRESYNC IMAP4rev2", listens: false },
    Kind { enables: "QRESYNC UTF8=ACCEPT", listens: false },
];

impl Kind {
    fn qresync(self) -> bool {
        self.enables.contains("QRESYNC")
    }

    /// Mod-sequences are told.
    fn modseqs(self) -> bool {
        self.qresync() || self.enables.contains("CONDSTORE")
    }
}

/// A message as a client knows it; a UID of zero is one that it has not heard yet.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Slot {
    uid: u32,
    flags: Flags,
    modseq: Option<u64>,
    email: String,
}

/// Messages by their sequence numbers.
type Named = Vec<(u32, Slot)>;

/// What a client was told of the folder it has open, by sequence number.
#[derive(Debug, Clone)]
pub struct Open {
    name: String,
    /// MAILBOXID.
    pub number: u32,
    uid_validity: u32,
    examined: bool,
    pub slots: Vec<Slot>,
    /// It has looked at the messages below.
    uid_next: u32,
    /// The mod-sequence up to which it knows everything.
    highest: u64,
    /// What its STORE under way does to flags that it is not told of.
    silently: Option<(StoreOp, Flags)>,
}

/// A mail reader.
pub struct Reader {
    pub client: Client,
    pub kind: Kind,
    pub open: Option<Open>,
    /// What it knew of a folder of this name when it left it.
    remembers: BTreeMap<String, Open>,
    /// What it was told of folders that it has not open.
    pub others: BTreeMap<String, String>,
}

/// One line of the server, as far as it is about messages.
enum Told {
    Exists(usize),
    Expunge(usize),
    Vanished { uids: Vec<(u32, u32)>, earlier: bool },
    Fetch { number: usize, uid: Option<u32>, flags: Option<Flags>, modseq: Option<u64>, email: Option<String> },
}

pub fn between<'t>(text: &'t str, before: &str, after: char) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn read(line: &str) -> Option<Told> {
    let words: Vec<&str> = line.split(' ').collect();
    if words[0] != "*" {
        return None;
    }
    if words[1] == "VANISHED" {
        let uids = SequenceSet::parse(words.last()?.as_bytes())?.resolve(u32::MAX);
        return Some(Told::Vanished { uids, earlier: words[2] == "(EARLIER)" });
    }
    let number: usize = words[1].parse().ok()?;
    match words[2] {
        "EXISTS" => Some(Told::Exists(number)),
        "EXPUNGE" => Some(Told::Expunge(number)),
        "FETCH" => Some(Told::Fetch {
            number,
            uid: between(line, "UID ", ' ').or(between(line, "UID ", ')')).and_then(|uid| uid.parse().ok()),
            flags: between(line, "FLAGS (", ')').map(|flags| Flags::parse(flags).unwrap()),
            modseq: between(line, "MODSEQ (", ')').map(|modseq| modseq.parse().unwrap()),
            email: between(line, "EMAILID (", ')').map(str::to_owned),
        }),
        _ => None,
    }
}

/// The responses in what was said; what stands in literals is left out.
pub fn responses(mut said: &str) -> Vec<String> {
    let (mut all, mut response) = (Vec::new(), String::new());
    while let Some((line, rest)) = said.split_once("\r\n") {
        response.push_str(line);
        let octets = line.strip_suffix('}').and_then(|l| l.rsplit_once('{')).and_then(|(_, n)| n.parse::<usize>().ok());
        said = &rest[octets.unwrap_or(0)..];
        if octets.is_none() {
            all.push(std::mem::take(&mut response));
        }
    }
    all
}

/// The numbers of a set without `*`, ascending.
fn numbers(set: &str) -> Vec<u32> {
    let mut all = SequenceSet::parse(set.as_bytes()).unwrap().numbers(1000).unwrap();
    all.sort_unstable();
    all
}

/// Whether a command names messages by their numbers, so that these have to stay as they are (RFC 3501 §7.4.1).
fn keeps_numbers(command: &str) -> bool {
    ["FETCH ", "STORE ", "SEARCH "].iter().any(|name| command.starts_with(name))
}

/// The tagged line of an answer; nothing where the connection was closed instead.
fn answer(lines: &[String]) -> &str {
    lines.iter().find(|line| line.starts_with("t ")).map_or("", String::as_str)
}

/// What is in a folder, as a client of this kind can know it; `None` when it is not there.
pub fn truth(world: &Toy, number: u32, kind: Kind) -> Option<Vec<Slot>> {
    let slot = |row: &Row| Slot {
        uid: row.uid,
        flags: row.flags.clone(),
        modseq: kind.modseqs().then_some(row.modseq),
        email: format!("M{:032x}", row.email),
    };
    let folder = world.folders.values().find(|folder| folder.number == number)?;
    Some(folder.messages.iter().map(|(row, _)| slot(row)).collect())
}

/// Every message of every folder: what a command that is refused leaves as it is.
fn everything(world: &Toy) -> Vec<(u32, Row)> {
    world.folders.values().flat_map(|f| f.messages.iter().map(|(row, _)| (f.number, row.clone()))).collect()
}

/// The messages that a client names.
#[derive(Debug, Clone, Copy)]
pub struct Set {
    pub at: usize,
    pub span: usize,
    pub uid: bool,
}

/// How a client goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// After a last look.
    Unselect,
    Close,
    /// The next SELECT does it.
    Select,
    /// The line is cut, without a last look.
    Cut,
}

/// What a client that comes back shows of what it knows.
#[derive(Debug, Clone, Copy)]
pub struct Showing {
    pub uids: usize,
    /// Every so-manieth number with its UID.
    pub pairs: Option<usize>,
}

impl Open {
    fn picked(&self, set: Set) -> Named {
        let known = self.slots.iter().enumerate().filter(|(_, slot)| slot.uid > 0);
        let known: Named = known.map(|(index, slot)| (index as u32 + 1, slot.clone())).collect();
        let from = set.at % known.len().max(1);
        known.into_iter().skip(from).take(set.span).collect()
    }

    /// A message that has not been looked at is one of those between its neighbours.
    fn vanished(&mut self, uid: u32) {
        let known = |slot: &Slot| slot.uid > 0 && slot.uid < uid;
        let after = self.slots.iter().rposition(known).map_or(0, |last| last + 1);
        let there = self.slots[after..].iter().position(|slot| slot.uid > 0).map_or(self.slots.len(), |n| after + n);
        let index = if self.slots.get(there).is_some_and(|slot| slot.uid == uid) { there } else { after };
        assert!(self.slots.get(index).is_some_and(|slot| slot.uid == 0 || slot.uid == uid), "UID {uid} was not there");
        self.slots.remove(index);
    }

    fn believe(&mut self, told: Told, kind: Kind) {
        match told {
            Told::Exists(number) => {
                assert!(number >= self.slots.len(), "messages go by EXPUNGE only");
                self.slots.resize(number, Slot::default());
            }
            Told::Expunge(number) => {
                assert!(!kind.qresync(), "VANISHED was switched on");
                self.slots.remove(number - 1);
            }
            Told::Vanished { uids, .. } => {
                assert!(kind.qresync(), "nobody switched it on");
                uids.into_iter().flat_map(|(first, last)| first..=last).for_each(|uid| self.vanished(uid));
            }
            Told::Fetch { number, uid, flags, modseq, email } => {
                let slot = &mut self.slots[number - 1];
                assert!(slot.uid == 0 || uid.is_none_or(|uid| uid == slot.uid), "a number means one message");
                let same = |email: &String| slot.email.is_empty() || slot.email == *email;
                assert!(email.as_ref().is_none_or(same), "a UID means one message");
                slot.uid = uid.unwrap_or(slot.uid);
                // In this order: what others did before is told before, and what they did since is told after.
                let stored = self.silently.as_ref().filter(|_| modseq.is_some());
                slot.flags = match (flags, stored) {
                    (Some(flags), _) => flags,
                    (None, Some((op, named))) => slot.flags.after(*op, named),
                    (None, None) => slot.flags.clone(),
                };
                slot.modseq = modseq.or(slot.modseq);
                slot.email = email.unwrap_or_else(|| slot.email.clone());
            }
        }
    }
}

impl Reader {
    pub fn new(world: &mut Toy, kind: Kind) -> Self {
        let (remembers, others) = (BTreeMap::new(), BTreeMap::new());
        let mut reader = Self { client: Client::inside(Toy::new()), kind, open: None, remembers, others };
        reader.enter(world);
        reader
    }

    /// A new connection, with the INBOX open.
    fn enter(&mut self, world: &mut Toy) {
        self.client = Client::inside(Toy::new());
        if !self.kind.enables.is_empty() {
            self.client.ask(&format!("e ENABLE {}", self.kind.enables));
        }
        if self.kind.listens {
            self.command(
                world,
                "NOTIFY SET STATUS (selected (MessageNew (UID FLAGS EMAILID) MessageExpunge FlagChange)) \
                 (personal (MessageNew MessageExpunge FlagChange))",
            );
        }
        self.select(world, "INBOX", false, None);
    }

    fn say(&mut self, world: &mut Toy, text: &str) -> String {
        std::mem::swap(&mut self.client.toy, world);
        let said = self.client.ask(text);
        std::mem::swap(&mut self.client.toy, world);
        said
    }

    /// Hears what happened without asking.
    pub fn hear(&mut self, world: &mut Toy) -> String {
        std::mem::swap(&mut self.client.toy, world);
        self.client.wake();
        std::mem::swap(&mut self.client.toy, world);
        String::from_utf8(std::mem::take(&mut self.client.received)).unwrap()
    }

    /// Says a command and believes the answer; gives its lines, the last of them tagged, or BYE.
    pub fn command(&mut self, world: &mut Toy, command: &str) -> Vec<String> {
        let said = self.say(world, &format!("t {command}"));
        let lines = responses(&said);
        assert!(
            lines.iter().any(|line| line.starts_with("t OK") || line.starts_with("t NO")) || self.client.closed,
            "{command}: {said}"
        );
        let numbered = keeps_numbers(command);
        // Behind the answer, who listens may hear of it (RFC 5465 §6.1).
        for told in lines.iter().take_while(|line| !line.starts_with("t ")).filter_map(|line| read(line)) {
            let goes = matches!(told, Told::Expunge(_) | Told::Vanished { earlier: false, .. });
            assert!(!(numbered && goes), "{command}: {said}");
        }
        self.believe(&lines, !numbered);
        lines
    }

    /// `up_to_date` when everything may have been told: only then a mod-sequence says how far the client is.
    pub fn believe(&mut self, lines: &[String], up_to_date: bool) {
        for line in lines {
            if let Some((name, numbers)) = line.strip_prefix("* STATUS ").and_then(|rest| rest.split_once(' ')) {
                self.others.insert(name.to_owned(), numbers.to_owned());
            }
            let Some(open) = self.open.as_mut() else { continue };
            let modseq = between(line, "[HIGHESTMODSEQ ", ']')
                .or_else(|| between(line, "MODSEQ (", ')').filter(|_| up_to_date && line.contains(" FETCH (")));
            open.highest = modseq.map_or(open.highest, |n| n.parse::<u64>().unwrap().max(open.highest));
            if let Some(told) = read(line) {
                open.believe(told, self.kind);
            }
        }
    }

    fn items(&self) -> &'static str {
        if self.kind.modseqs() { "(FLAGS EMAILID MODSEQ)" } else { "(FLAGS EMAILID)" }
    }

    pub fn look_at_new(&mut self, world: &mut Toy) {
        let Some(next) = self.open.as_ref().map(|open| open.uid_next) else { return };
        self.command(world, &format!("UID FETCH {next}:* {}", self.items()));
        if let Some(open) = self.open.as_mut() {
            open.uid_next = open.slots.iter().map(|slot| slot.uid + 1).max().unwrap_or(1).max(next);
        }
    }

    /// At the end of each step: who was sent away comes again.
    pub fn settle(&mut self, world: &mut Toy) {
        if !self.client.closed {
            self.look_at_new(world);
        }
        if self.client.closed {
            self.forget_nothing();
            self.enter(world);
        }
        if self.open.is_none() {
            self.select(world, "INBOX", false, None);
        }
    }

    /// The folder is left, and what is known of it is kept.
    fn forget_nothing(&mut self) {
        if let Some(open) = self.open.take() {
            self.remembers.insert(open.name.clone(), open);
        }
    }

    /// Opens a folder, with what is known of it if that is shown.
    pub fn select(&mut self, world: &mut Toy, name: &str, examined: bool, showing: Option<Showing>) {
        self.forget_nothing();
        let known = self.remembers.get(name).cloned().filter(|_| showing.is_some() && self.kind.qresync());
        let word = if examined { "EXAMINE" } else { "SELECT" };
        let command = format!("{word} {name}{}", known.iter().zip(showing).map(shown).collect::<String>());
        let lines = self.command(world, &command);
        let Some(folder) = world.folders.get(name) else {
            assert!(answer(&lines).starts_with("t NO [NONEXISTENT]"), "{lines:?}");
            return;
        };
        let code = |name: &str, end| lines.iter().find_map(|line| between(line, name, end)).unwrap().parse().unwrap();
        let uid_validity = code("[UIDVALIDITY ", ']');
        let number = code("[MAILBOXID (F", ')');
        assert_eq!((number, uid_validity), (folder.number, folder.uid_validity));
        let told: Vec<Told> = lines.iter().filter_map(|line| read(line)).collect();
        let known = known.filter(|known| known.uid_validity == uid_validity);
        assert!(known.is_some() || !told.iter().any(|t| !matches!(t, Told::Exists(_))), "another folder: {lines:?}");
        let uid_next = known.as_ref().map_or(1, |known| known.uid_next);
        let mut slots: BTreeMap<u32, Slot> =
            known.iter().flat_map(|k| &k.slots).filter(|s| s.uid > 0).map(|s| (s.uid, s.clone())).collect();
        let mut order: BTreeMap<usize, u32> = BTreeMap::new();
        let mut exists = 0;
        let new = self.command(world, &format!("UID FETCH {uid_next}:* {}", self.items()));
        for told in told.into_iter().chain(new.iter().filter_map(|line| read(line))) {
            match told {
                Told::Exists(number) => exists = number,
                Told::Vanished { uids, earlier: true } => slots.retain(|uid, _| !set::holds(&uids, *uid)),
                Told::Fetch { number, uid: Some(uid), flags: Some(flags), modseq, email } => {
                    assert!(order.insert(number, uid).is_none_or(|before| before == uid), "a number means one message");
                    let slot = slots.entry(uid).or_default();
                    (slot.uid, slot.flags, slot.modseq) = (uid, flags, modseq);
                    slot.email = email.unwrap_or_else(|| slot.email.clone());
                }
                _ => panic!("not after {command}: {lines:?}"),
            }
        }
        assert_eq!(slots.len(), exists, "{command}");
        let slots: Vec<Slot> = slots.into_values().collect();
        assert!(order.into_iter().all(|(number, uid)| slots[number - 1].uid == uid), "{command}: {lines:?}");
        assert_eq!(Some(&slots), truth(world, number, self.kind).as_ref(), "{command}: {lines:?}");
        let uid_next = slots.last().map_or(1, |slot| slot.uid + 1).max(uid_next);
        let highest = code("[HIGHESTMODSEQ ", ']').into();
        self.open = Some(Open {
            name: name.to_owned(),
            number,
            uid_validity,
            examined,
            slots,
            uid_next,
            highest,
            silently: None,
        });
    }

    pub fn go(&mut self, world: &mut Toy, going: Going) {
        let Some(open) = self.open.clone() else { return };
        match going {
            Going::Unselect => {
                self.command(world, "NOOP");
                self.look_at_new(world);
                if !self.client.closed {
                    self.command(world, "UNSELECT");
                    self.forget_nothing();
                }
            }
            Going::Close => {
                let mut left = truth(world, open.number, self.kind);
                let before = everything(world);
                let lines = self.command(world, "CLOSE");
                assert!(lines.iter().all(|line| read(line).is_none()), "in silence: {lines:?}");
                if let Some(left) = left.as_mut().filter(|_| !open.examined) {
                    left.retain(|slot| !slot.flags.has(System::Deleted));
                    assert_eq!(truth(world, open.number, self.kind).as_ref(), Some(&*left));
                } else {
                    assert_eq!(everything(world), before);
                }
                self.forget_nothing();
            }
            Going::Cut => {
                self.forget_nothing();
                self.enter(world);
            }
            Going::Select => {}
        }
    }

    /// A command that names messages: what it names as the client believes it, and the answer. `None` when there is
    /// nothing to name.
    fn on(&mut self, world: &mut Toy, set: Set, name: &str, rest: &str) -> Option<(Named, Vec<String>)> {
        let named = self.open.as_ref().map(|open| open.picked(set)).filter(|named| !named.is_empty())?;
        let set = if set.uid {
            format!("UID {name} {}", set::compress(named.iter().map(|(_, slot)| slot.uid)))
        } else {
            format!("{name} {}", set::compress(named.iter().map(|(number, _)| *number)))
        };
        let lines = self.command(world, &format!("{set}{rest}"));
        Some((named, lines))
    }

    /// The messages of the open folder before a command, if what the command does can be foretold.
    fn before(&self, world: &Toy) -> Option<(Open, Vec<Slot>)> {
        let open = self.open.clone()?;
        let slots = truth(world, open.number, self.kind).filter(|_| world.overtaken.is_none())?;
        Some((open, slots))
    }

    pub fn fetch(&mut self, world: &mut Toy, set: Set, reads: bool) {
        let before = self.before(world);
        let items = if reads { " (FLAGS EMAILID BODY[TEXT])" } else { " (FLAGS EMAILID)" };
        let Some((named, lines)) = self.on(world, set, "FETCH", items) else { return };
        let Some((open, mut slots)) = before else { return };
        let there: BTreeSet<u32> = slots.iter().map(|slot| slot.uid).collect();
        let told = lines.iter().filter_map(|line| match read(line) {
            Some(Told::Fetch { uid, email: Some(email), .. }) if set.uid => Some((uid.unwrap(), email)),
            Some(Told::Fetch { number, email: Some(email), .. }) => Some((number as u32, email)),
            _ => None,
        });
        let told: BTreeMap<u32, String> = told.collect();
        for (number, slot) in &named {
            // The number is that which the client has, whatever went meanwhile.
            let expected = there.contains(&slot.uid).then_some(&slot.email);
            assert_eq!(told.get(if set.uid { &slot.uid } else { number }), expected, "{lines:?}");
        }
        let gone = named.iter().any(|(_, slot)| !there.contains(&slot.uid));
        assert_eq!(answer(&lines).starts_with("t NO [EXPUNGEISSUED]"), gone && !set.uid, "{lines:?}");
        if reads && !open.examined {
            for slot in slots.iter_mut().filter(|slot| named.iter().any(|(_, named)| named.uid == slot.uid)) {
                slot.flags.insert(System::Seen);
            }
        }
        assert_eq!(flags(&truth(world, open.number, self.kind).unwrap()), flags(&slots));
    }

    pub fn store(&mut self, world: &mut Toy, set: Set, storing: &Storing) {
        let before = self.before(world);
        let Storing { op, named: flags, silent, back } = storing;
        let modseq = world.folders.values().find(|f| self.open.as_ref().is_some_and(|o| o.number == f.number));
        let modseq = modseq.map_or(1, |folder| folder.modseq);
        let since = back.filter(|_| self.kind.modseqs()).map(|back| modseq.saturating_sub(back));
        let since_text = since.map(|n| format!("(UNCHANGEDSINCE {n}) ")).unwrap_or_default();
        let sign = match op {
            StoreOp::Set => "",
            StoreOp::Add => "+",
            StoreOp::Remove => "-",
        };
        let silently = if *silent { ".SILENT" } else { "" };
        let rest = format!(" {since_text}{sign}FLAGS{silently} ({flags})");
        if let Some(open) = self.open.as_mut() {
            open.silently = silent.then(|| (*op, flags.clone()));
        }
        let done = self.on(world, set, "STORE", &rest);
        if let Some(open) = self.open.as_mut() {
            open.silently = None;
        }
        let Some((named, lines)) = done else { return };
        let answer = answer(&lines);
        let modified = between(answer, "[MODIFIED ", ']').map(numbers).unwrap_or_default();
        let id = |(number, slot): &(u32, Slot)| if set.uid { slot.uid } else { *number };
        if *silent && !self.kind.modseqs() && !answer.contains("[READ-ONLY]") {
            // Who says SILENT, and hears of no mod-sequence, knows what he did.
            let slots = self.open.iter_mut().flat_map(|open| &mut open.slots);
            for slot in slots.filter(|slot| named.iter().any(|(_, named)| named.uid == slot.uid)) {
                slot.flags = slot.flags.after(*op, flags);
            }
        }
        let Some((open, mut slots)) = before else { return };
        let mut refused = Vec::new();
        for slot in slots.iter_mut().filter(|_| !open.examined) {
            match named.iter().find(|(_, named)| named.uid == slot.uid) {
                Some(entry) if since.is_some() && slot.modseq > since => refused.push(id(entry)),
                Some(_) => slot.flags = slot.flags.after(*op, flags),
                None => {}
            }
        }
        assert_eq!(modified, refused, "{rest}: {lines:?}");
        assert_eq!(self::flags(&truth(world, open.number, self.kind).unwrap()), self::flags(&slots), "{lines:?}");
        let gone = named.iter().any(|(_, named)| slots.iter().all(|slot| slot.uid != named.uid));
        assert_eq!(answer.starts_with("t NO"), open.examined || (gone && !set.uid), "{rest}: {lines:?}");
    }

    pub fn search(&mut self, world: &mut Toy) {
        let before = self.before(world);
        let lines = self.command(world, "SEARCH RETURN (ALL) DELETED");
        let Some((open, slots)) = before else { return };
        let found = lines.iter().find_map(|line| line.strip_prefix("* ESEARCH (TAG \"t\") ALL "));
        let now = self.open.as_ref().unwrap();
        let found: Vec<u32> =
            found.map(numbers).unwrap_or_default().iter().map(|n| now.slots[*n as usize - 1].uid).collect();
        // What came since the last look has no UID for the client yet.
        let known = |uid: &u32| *uid < open.uid_next;
        let deleted = slots.iter().filter(|slot| slot.flags.has(System::Deleted)).map(|slot| slot.uid);
        assert_eq!(
            found.into_iter().filter(|uid| *uid > 0 && known(uid)).collect::<Vec<_>>(),
            deleted.filter(known).collect::<Vec<_>>(),
            "{lines:?}"
        );
    }

    /// EXPUNGE, or UID EXPUNGE.
    pub fn expunge(&mut self, world: &mut Toy, set: Option<Set>) {
        let (before, all) = (self.before(world), everything(world));
        let named: Option<BTreeSet<u32>>;
        let lines = if let Some(set) = set {
            let Some((picked, lines)) = self.on(world, Set { uid: true, ..set }, "EXPUNGE", "") else { return };
            named = Some(picked.iter().map(|(_, slot)| slot.uid).collect());
            lines
        } else {
            named = None;
            self.command(world, "EXPUNGE")
        };
        let Some((open, mut slots)) = before else { return };
        if open.examined {
            assert_eq!((everything(world), answer(&lines).starts_with("t NO [READ-ONLY]")), (all, true));
            return;
        }
        let named = |uid| named.as_ref().is_none_or(|named| named.contains(&uid));
        slots.retain(|slot| !(slot.flags.has(System::Deleted) && named(slot.uid)));
        assert_eq!(flags(&truth(world, open.number, self.kind).unwrap()), flags(&slots), "{lines:?}");
    }

    /// COPY or MOVE.
    pub fn transfer(&mut self, world: &mut Toy, set: Set, target: &str, moving: bool) {
        let (before, all) = (self.before(world), everything(world));
        let target_before = world.folders.get(target).map(|folder| folder.uid_next);
        let name = if moving { "MOVE" } else { "COPY" };
        let Some((named, lines)) = self.on(world, set, name, &format!(" {target}")) else { return };
        let Some((open, slots)) = before else { return };
        let Some(first) = target_before.filter(|_| !(moving && open.examined)) else {
            let refused = if moving && open.examined { "t NO [READ-ONLY]" } else { "t NO [TRYCREATE]" };
            // Where there is nothing left to copy, nobody asks where to.
            let there = named.iter().any(|(_, named)| slots.iter().any(|slot| slot.uid == named.uid));
            assert!(answer(&lines).starts_with(refused) || !there, "{lines:?}");
            assert_eq!(everything(world), all);
            return;
        };
        let there: Vec<&Slot> = named.iter().filter(|n| slots.iter().any(|s| s.uid == n.1.uid)).map(|n| &n.1).collect();
        let code = lines.iter().find_map(|line| between(line, "[COPYUID ", ']'));
        let pairs: Vec<&str> = code.into_iter().flat_map(|code| code.split(' ')).collect();
        assert_eq!(code.is_some(), !there.is_empty(), "{lines:?}");
        if let [validity, from, to] = pairs[..] {
            let folder = &world.folders[target];
            assert_eq!(validity, folder.uid_validity.to_string());
            assert_eq!(numbers(from), there.iter().map(|slot| slot.uid).collect::<Vec<_>>(), "{lines:?}");
            let came: Vec<Slot> = truth(world, folder.number, self.kind).unwrap();
            let came: Vec<&Slot> = came.iter().filter(|slot| slot.uid >= first).collect();
            assert_eq!(numbers(to), came.iter().map(|slot| slot.uid).collect::<Vec<_>>(), "{lines:?}");
            // What the client believes to have copied is what was copied.
            let emails = |slots: &[&Slot]| slots.iter().map(|slot| slot.email.clone()).collect::<Vec<_>>();
            assert_eq!(emails(&there), emails(&came), "{lines:?}");
        }
        let left = truth(world, open.number, self.kind).unwrap();
        let stays = |slot: &&Slot| !moving || there.iter().all(|moved| moved.uid != slot.uid);
        let kept: Vec<u32> = slots.iter().filter(stays).map(|slot| slot.uid).collect();
        let left = left.iter().map(|slot| slot.uid);
        assert!(world.folders[target].number == open.number || left.eq(kept), "{lines:?}");
    }

    pub fn append(&mut self, world: &mut Toy, target: &str, count: usize) {
        let (all, overtaken) = (everything(world), world.overtaken.is_some());
        let first = world.folders.get(target).map(|folder| folder.uid_next);
        let message = |n| format!(" (\\Flagged) {{12+}}\r\nA: {n:02}\r\n\r\nxyz");
        let lines = self.command(world, &format!("APPEND {target}{}", (0..count).map(message).collect::<String>()));
        if overtaken {
            return;
        }
        let code = lines.iter().find_map(|line| between(line, "[APPENDUID ", ']'));
        let Some(first) = first else {
            assert!(code.is_none() && everything(world) == all, "{lines:?}");
            return;
        };
        let folder = &world.folders[target];
        let (validity, uids) = code.and_then(|code| code.split_once(' ')).unwrap();
        assert_eq!(validity, folder.uid_validity.to_string());
        assert_eq!(numbers(uids), (first..first + count as u32).collect::<Vec<_>>());
        for (n, (row, bytes)) in folder.messages.iter().filter(|m| m.0.uid >= first).enumerate() {
            assert_eq!((&bytes[3..5], row.flags.to_string()), (format!("{n:02}").as_bytes(), "\\Flagged".to_owned()));
        }
    }

    pub fn replace(&mut self, world: &mut Toy, set: Set, target: &str) {
        let (before, all) = (self.before(world), everything(world));
        let first = world.folders.get(target).map(|folder| folder.uid_next);
        let rest = format!(" {target} {{12+}}\r\nA: RR\r\n\r\nxyz");
        let Some((named, lines)) = self.on(world, Set { span: 1, ..set }, "REPLACE", &rest) else { return };
        let Some((open, slots)) = before else { return };
        let (_, replaced) = &named[0];
        let there = slots.iter().any(|slot| slot.uid == replaced.uid);
        let Some(first) = first.filter(|_| there && !open.examined) else {
            assert!(answer(&lines).starts_with("t NO ["), "{lines:?}");
            assert_eq!(everything(world), all, "{lines:?}");
            return;
        };
        let code = lines.iter().find_map(|line| between(line, "[APPENDUID ", ']')).unwrap();
        assert_eq!(code, format!("{} {first}", world.folders[target].uid_validity));
        let left = truth(world, open.number, self.kind).unwrap();
        let kept = slots.iter().map(|slot| slot.uid).filter(|uid| *uid != replaced.uid);
        let came = (world.folders[target].number == open.number).then_some(first);
        assert!(left.iter().map(|slot| slot.uid).eq(kept.chain(came)), "{lines:?}");
    }

    pub fn idle(&mut self, world: &mut Toy, event: &Happening) {
        let mut said = self.say(world, "t IDLE");
        event.happen(world);
        said += &self.hear(world);
        if !self.client.closed {
            said += &self.say(world, "DONE");
        }
        self.believe(&responses(&said), true);
        if let (Some(open), false) = (&self.open, self.client.closed) {
            // Everything was told at once.
            let now = truth(world, open.number, self.kind).map(|slots| slots.len());
            assert_eq!(Some(open.slots.len()), now, "{said}");
        }
    }

    /// RENAME, DELETE and CREATE.
    pub fn name(&mut self, world: &mut Toy, deed: &Naming) {
        let possible = deed.possible(world);
        let number = world.folders.get(NAMES[deed.from()]).map(|folder| folder.number);
        let command = match deed {
            Naming::Create(name) => format!("CREATE {}", NAMES[*name]),
            Naming::Delete(name) => format!("DELETE {}", NAMES[*name]),
            Naming::Rename(from, to) => format!("RENAME {} {}", NAMES[*from], NAMES[*to]),
        };
        let lines = self.command(world, &command);
        assert_eq!(lines.iter().any(|line| line.starts_with("t OK")), possible, "{lines:?}");
        let Some(open) = self.open.as_mut().filter(|open| possible && Some(open.number) == number) else { return };
        match deed {
            Naming::Delete(_) => self.forget_nothing(),
            Naming::Rename(_, to) => open.name = NAMES[*to].to_owned(),
            Naming::Create(_) => {}
        }
    }
}

/// What a client shows of what it knows.
fn shown((known, showing): (&Open, Showing)) -> String {
    let all = known.slots.iter().enumerate().map(|(index, slot)| (index as u32 + 1, slot.uid)).filter(|n| n.1 > 0);
    let all: Vec<(u32, u32)> = all.collect();
    let uids = match showing.uids {
        1 if !all.is_empty() => format!(" {}", set::compress(all.iter().map(|(_, uid)| *uid))),
        2 if !all.is_empty() => format!(" 1:{}", all.iter().map(|(_, uid)| *uid).fold(known.uid_next - 1, u32::max)),
        _ => String::new(),
    };
    let some: Vec<&(u32, u32)> = all.iter().step_by(showing.pairs.unwrap_or(1)).collect();
    let pairs = showing.pairs.filter(|_| !some.is_empty()).map(|_| {
        let numbers = set::compress(some.iter().map(|pair| pair.0));
        format!(" ({numbers} {})", set::compress(some.iter().map(|pair| pair.1)))
    });
    format!(" (QRESYNC ({} {}{uids}{}))", known.uid_validity, known.highest, pairs.unwrap_or_default())
}

fn flags(slots: &[Slot]) -> Vec<(u32, String)> {
    slots.iter().map(|slot| (slot.uid, slot.flags.to_string())).collect()
}
