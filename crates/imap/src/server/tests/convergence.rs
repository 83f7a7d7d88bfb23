//! Many sessions on one folder: whatever happens in it, each client that believes what it is told knows the folder, and
//! a client that comes back by QRESYNC knows it again.

use std::collections::BTreeMap;

use super::*;
use crate::SequenceSet;
use proptest::prelude::*;

/// A mail reader: what it was told of the folder, by sequence number.
struct Reader {
    client: Client,
    qresync: bool,
    /// It said NOTIFY, and asks for nothing.
    listens: bool,
    /// What it was told of the other folder.
    other: String,
    slots: Vec<Slot>,
    /// The mod-sequence up to which it knows everything.
    highest: u64,
    uid_next: u32,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Slot {
    uid: u32,
    flags: String,
}

/// One line of the server, as far as it is about messages.
enum Told {
    Exists(usize),
    Expunge(usize),
    Vanished(Vec<(u32, u32)>),
    Fetch { number: usize, uid: Option<u32>, flags: Option<String> },
}

fn between<'t>(text: &'t str, before: &str, after: char) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn read(line: &str) -> Option<Told> {
    let words: Vec<&str> = line.split(' ').collect();
    if words[0] != "*" {
        return None;
    }
    if words[1] == "VANISHED" {
        return Some(Told::Vanished(SequenceSet::parse(words.last()?.as_bytes())?.resolve(u32::MAX)));
    }
    let number: usize = words[1].parse().ok()?;
    match words[2] {
        "EXISTS" => Some(Told::Exists(number)),
        "EXPUNGE" => Some(Told::Expunge(number)),
        "FETCH" => Some(Told::Fetch {
            number,
            uid: between(line, "UID ", ' ').or(between(line, "UID ", ')')).and_then(|uid| uid.parse().ok()),
            flags: between(line, "FLAGS (", ')').map(str::to_owned),
        }),
        _ => None,
    }
}

impl Reader {
    fn new(folder: &mut Toy, qresync: bool, listens: bool) -> Self {
        let mut client = Client::inside(Toy::new());
        if qresync {
            client.ask("e ENABLE QRESYNC");
        }
        let other = String::new();
        let mut reader = Self { client, qresync, listens, other, slots: Vec::new(), highest: 0, uid_next: 1 };
        reader.ask(folder, "SELECT INBOX");
        reader.look_at_new(folder);
        if listens {
            reader.ask(
                folder,
                "NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) \
                 (personal (MessageNew MessageExpunge FlagChange))",
            );
        }
        reader
    }

    /// The lines of an answer, with how far the client knows the folder after it.
    fn lines(&mut self, folder: &mut Toy, command: &str) -> Vec<String> {
        std::mem::swap(&mut self.client.toy, folder);
        let said = self.client.ask(&format!("t {command}"));
        std::mem::swap(&mut self.client.toy, folder);
        assert!(said.contains("t OK") || said.contains("t NO"), "{command}: {said}");
        self.heard(&said)
    }

    /// Hears what happened without asking.
    fn hear(&mut self, folder: &mut Toy) {
        std::mem::swap(&mut self.client.toy, folder);
        self.client.wake();
        std::mem::swap(&mut self.client.toy, folder);
        let said = String::from_utf8(std::mem::take(&mut self.client.received)).unwrap();
        let lines = self.heard(&said);
        self.believe(&lines);
    }

    fn heard(&mut self, said: &str) -> Vec<String> {
        for line in said.lines() {
            if let Some(numbers) = line.strip_prefix("* STATUS Altra ") {
                self.other = numbers.to_owned();
            }
            let modseq = between(line, "HIGHESTMODSEQ ", ']').or(between(line, "MODSEQ (", ')'));
            self.highest = modseq.and_then(|n| n.parse().ok()).map_or(self.highest, |n| self.highest.max(n));
        }
        said.lines().map(str::to_owned).collect()
    }

    fn ask(&mut self, folder: &mut Toy, command: &str) {
        let lines = self.lines(folder, command);
        self.believe(&lines);
    }

    fn believe(&mut self, lines: &[String]) {
        for told in lines.iter().filter_map(|line| read(line)) {
            match told {
                Told::Exists(number) => {
                    assert!(number >= self.slots.len(), "messages go by EXPUNGE only");
                    self.slots.resize(number, Slot::default());
                }
                Told::Expunge(number) => {
                    assert!(!self.qresync, "VANISHED was switched on");
                    self.slots.remove(number - 1);
                }
                Told::Vanished(uids) => {
                    assert!(self.qresync, "nobody switched it on");
                    self.slots.retain(|slot| !crate::set::holds(&uids, slot.uid));
                }
                Told::Fetch { number, uid, flags } => {
                    let slot = &mut self.slots[number - 1];
                    assert!(slot.uid == 0 || uid.is_none_or(|uid| uid == slot.uid), "a number means one message");
                    slot.uid = uid.unwrap_or(slot.uid);
                    slot.flags = flags.unwrap_or_else(|| slot.flags.clone());
                }
            }
        }
    }

    fn look_at_new(&mut self, folder: &mut Toy) {
        let next = self.uid_next;
        self.ask(folder, &format!("UID FETCH {next}:* (FLAGS)"));
        self.uid_next = self.slots.iter().map(|slot| slot.uid + 1).max().unwrap_or(1).max(next);
    }

    /// Goes, and comes back with what it knows. Who is cut off had no time for a last look.
    fn come_back(&mut self, folder: &mut Toy, cut_off: bool, meanwhile: &[Happening]) {
        if !cut_off {
            self.ask(folder, "NOOP");
            self.look_at_new(folder);
        }
        self.lines(folder, "UNSELECT");
        meanwhile.iter().for_each(|event| event.happen(folder));
        let mut known: BTreeMap<u32, String> =
            self.slots.drain(..).filter(|slot| slot.uid > 0).map(|slot| (slot.uid, slot.flags)).collect();
        let mut exists = 0;
        let back = format!("SELECT INBOX (QRESYNC (7 {}))", self.highest);
        let new = format!("UID FETCH {}:* (FLAGS)", self.uid_next);
        for command in [back, new] {
            for told in self.lines(folder, &command).iter().filter_map(|line| read(line)) {
                match told {
                    Told::Exists(number) => exists = number,
                    Told::Vanished(uids) => known.retain(|uid, _| !crate::set::holds(&uids, *uid)),
                    Told::Fetch { uid: Some(uid), flags: Some(flags), .. } => drop(known.insert(uid, flags)),
                    Told::Expunge(_) | Told::Fetch { .. } => panic!("not after {command}"),
                }
            }
        }
        assert_eq!(known.len(), exists);
        self.slots = known.into_iter().map(|(uid, flags)| Slot { uid, flags }).collect();
        self.uid_next = self.slots.last().map_or(1, |slot| slot.uid + 1).max(self.uid_next);
    }
}

/// What others do in the folder.
#[derive(Debug, Clone)]
enum Happening {
    Arrives,
    Flagged(usize),
    Goes(usize),
    Forgets,
}

impl Happening {
    fn happen(&self, folder: &mut Toy) {
        let pick = |folder: &mut Toy, at: usize| {
            let messages = &folder.inbox().messages;
            messages.get(at % messages.len().max(1)).map(|m| m.0.uid)
        };
        match self {
            Self::Arrives => {
                folder.deliver("INBOX", PLAIN);
            }
            Self::Forgets => folder.inbox().forget(),
            Self::Flagged(at) => {
                if let Some(uid) = pick(folder, *at) {
                    folder.inbox().flag(uid, System::ALL[at % 2]);
                }
            }
            Self::Goes(at) => {
                let uid = pick(folder, *at);
                folder.inbox().remove(|row| Some(row.uid) == uid);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Others(Happening),
    Noop,
    Store(usize),
    Expunge(usize),
    Move(usize),
    ComesBack(Vec<Happening>),
    /// Changes a message, another session another one between the look and the commit, and the line is cut.
    Overtaken(usize, usize),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => Just(Happening::Arrives),
        3 => (0usize..40).prop_map(Happening::Flagged),
        2 => (0usize..40).prop_map(Happening::Goes),
        1 => Just(Happening::Forgets),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => happening().prop_map(Step::Others),
        2 => Just(Step::Noop),
        2 => (0usize..40).prop_map(Step::Store),
        1 => (0usize..40).prop_map(Step::Expunge),
        1 => (0usize..40).prop_map(Step::Move),
        2 => prop::collection::vec(happening(), 0..8).prop_map(Step::ComesBack),
        2 => (0usize..40, 0usize..40).prop_map(|(at, other)| Step::Overtaken(at, other)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn every_client_knows_the_folder(steps in prop::collection::vec((0usize..6, step()), 1..40)) {
        let mut folder = Toy::new();
        crate::Mailboxes::create(&mut folder, "Altra", None).unwrap();
        for _ in 0..3 {
            folder.deliver("INBOX", PLAIN);
        }
        let mut readers: Vec<Reader> = (0..6).map(|n| Reader::new(&mut folder, n % 2 == 1, n >= 4)).collect();
        for (who, step) in steps {
            let reader = &mut readers[who];
            let picked = |at: usize, reader: &Reader| reader.slots.get(at % reader.slots.len().max(1)).map(|s| s.uid);
            match step {
                Step::Others(event) => event.happen(&mut folder),
                Step::Noop => reader.ask(&mut folder, "NOOP"),
                Step::Store(at) => {
                    if let Some(uid) = picked(at, reader).filter(|uid| *uid > 0) {
                        let how = ["+FLAGS", "-FLAGS"][at % 2];
                        reader.ask(&mut folder, &format!("UID STORE {uid} {how} (\\Seen Lavoro)"));
                    }
                }
                Step::Expunge(at) => {
                    if let Some(uid) = picked(at, reader).filter(|uid| *uid > 0) {
                        reader.ask(&mut folder, &format!("UID STORE {uid} +FLAGS (\\Deleted)"));
                        reader.ask(&mut folder, &format!("UID EXPUNGE {uid}"));
                    }
                }
                Step::Move(at) => {
                    if let Some(uid) = picked(at, reader).filter(|uid| *uid > 0) {
                        reader.ask(&mut folder, &format!("UID MOVE {uid} Altra"));
                    }
                }
                Step::Overtaken(at, other) => {
                    if let (Some(uid), Some(other)) = (picked(at, reader), picked(other, reader)) {
                        folder.overtaken = Some((other, System::ALL[at % 2]));
                        reader.ask(&mut folder, &format!("UID STORE {uid} +FLAGS ($Mia{at})"));
                        folder.overtaken = None;
                    }
                    if reader.qresync {
                        reader.come_back(&mut folder, true, &[]);
                    }
                }
                Step::ComesBack(meanwhile) if reader.qresync => reader.come_back(&mut folder, false, &meanwhile),
                Step::ComesBack(meanwhile) => meanwhile.iter().for_each(|event| event.happen(&mut folder)),
            }
            readers[who].look_at_new(&mut folder);
            // Who listens is not always quick.
            for reader in readers.iter_mut().skip(who).filter(|reader| reader.listens) {
                reader.hear(&mut folder);
            }
        }
        let is: Vec<Slot> =
            folder.inbox().messages.iter().map(|(row, _)| Slot { uid: row.uid, flags: row.flags.to_string() }).collect();
        let other = crate::Mailboxes::status(&mut folder, "Altra").unwrap();
        for reader in &mut readers {
            if reader.listens {
                reader.hear(&mut folder);
                let known: Option<u32> = between(&reader.other, "MESSAGES ", ' ').and_then(|n| n.parse().ok());
                // Who put them there himself is not told.
                prop_assert!(known.is_some_and(|known| known <= other.messages));
            } else {
                reader.ask(&mut folder, "NOOP");
                reader.look_at_new(&mut folder);
            }
            prop_assert_eq!(&reader.slots, &is);
        }
    }
}
