//! Mail readers that come back: over the store's rows, QRESYNC and the changes of an open folder tell all of them what
//! it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sigillo_accounts::{PasswordHash, Profile};
use sigillo_base::Secret;
use sigillo_engine::{Engine, Peer, front};
use sigillo_store::{Batch, Durability, Error, MemoryStore, Row, Store, tag};
use sigillo_tests::fixtures::{NOW, address, providers};
use sigillo_tests::house::{House, Known};
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";

/// A mail reader with its copy of the INBOX: flags by UID, and UIDs by number.
struct Reader {
    connect: Box<dyn Fn() -> Wire + Send>,
    wire: Wire,
    /// It says ENABLE QRESYNC; otherwise it reads everything anew when it comes back.
    qresync: bool,
    copy: BTreeMap<u32, String>,
    /// Zero of a message that it has not looked at.
    numbers: Vec<u32>,
    uid_validity: u32,
    highest: u64,
}

fn after<'t>(text: &'t str, before: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split([' ', ')', ']']).next()
}

fn number<T: std::str::FromStr>(text: &str, before: &str) -> Option<T> {
    after(text, before)?.parse().ok()
}

/// The UIDs of a set, as ranges.
fn ranges(uids: &str) -> impl Iterator<Item = std::ops::RangeInclusive<u32>> {
    uids.split(',').map(|range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        first.parse().expect("a UID")..=last.parse().expect("a UID")
    })
}

/// Whether a set of UIDs holds one.
fn holds(uids: &str, uid: u32) -> bool {
    ranges(uids).any(|range| range.contains(&uid))
}

impl Reader {
    fn new(street: &Street) -> Self {
        Self::of(street, true)
    }

    fn of(street: &Street, qresync: bool) -> Self {
        let (engine, now) = (Arc::clone(street.houses[0].engine()), street.now);
        let connect = move || {
            let mut wire = Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), now);
            wire.hear();
            wire
        };
        Self::on(Box::new(connect), qresync)
    }

    /// One who reads everything from the store's rows: nothing that was looked at before is known there.
    fn from_rows(street: &Street) -> Self {
        let (engine, now) = (Arc::clone(street.houses[0].engine()), street.now);
        let connect = move || {
            let engine = Arc::new(engine.trial());
            let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), now);
            wire.hear();
            wire
        };
        Self::on(Box::new(connect), false)
    }

    fn on(connect: Box<dyn Fn() -> Wire + Send>, qresync: bool) -> Self {
        let (wire, copy, numbers) = (connect(), BTreeMap::new(), Vec::new());
        let mut reader = Self { connect, wire, qresync, copy, numbers, uid_validity: 1, highest: 1 };
        reader.enter();
        reader
    }

    fn enter(&mut self) {
        self.wire = (self.connect)();
        self.say(&format!("LOGIN {ANNA} \"una frase lunga\""));
        if self.qresync {
            self.say("ENABLE QRESYNC");
        }
    }

    fn say(&mut self, command: &str) -> String {
        let said = self.wire.say(format!("t {command}\r\n"));
        assert!(said.contains("t OK") || said.contains("t NO [EXPUNGEISSUED]"), "{command}: {said}");
        said
    }

    /// A command whose answer changes the copy.
    fn learn(&mut self, command: &str) -> String {
        let said = self.say(command);
        let numbered = ["FETCH", "STORE"].iter().any(|name| command.starts_with(name));
        for line in said.lines() {
            if let Some(uids) = line.strip_prefix("* VANISHED (EARLIER) ") {
                self.copy.retain(|uid, _| !holds(uids, *uid));
            } else if let Some(uids) = line.strip_prefix("* VANISHED ") {
                assert!(self.qresync && !numbered, "{command}: {said}");
                self.copy.retain(|uid, _| !holds(uids, *uid));
                ranges(uids).flatten().for_each(|uid| self.vanished(uid));
            }
            self.uid_validity = number(line, "[UIDVALIDITY ").unwrap_or(self.uid_validity);
            // Where it is not told what went, no mod-sequence says how far the client is.
            let modseq = number(line, "[HIGHESTMODSEQ ").or(number(line, "MODSEQ (").filter(|_| !numbered));
            self.highest = modseq.map_or(self.highest, |modseq: u64| self.highest.max(modseq));
            let words: Vec<&str> = line.split(' ').collect();
            let ["*", n, what, ..] = words[..] else { continue };
            let Ok(n) = n.parse::<usize>() else { continue };
            match what {
                "EXISTS" => {
                    assert!(n >= self.numbers.len(), "{command}: {said}");
                    self.numbers.resize(n, 0);
                }
                "EXPUNGE" => {
                    assert!(!self.qresync && !numbered, "{command}: {said}");
                    let uid = self.numbers.remove(n - 1);
                    self.copy.remove(&uid);
                }
                "FETCH" => {
                    let known = &mut self.numbers[n - 1];
                    let uid = number(line, "UID ").unwrap_or(*known);
                    assert!(*known == 0 || *known == uid, "{command}, a number means one message: {said}");
                    *known = uid;
                    if let Some((_, flags)) = line.split_once("FLAGS (").filter(|_| uid > 0) {
                        self.copy.insert(uid, flags.split(')').next().unwrap_or_default().to_owned());
                    }
                }
                _ => {}
            }
        }
        said
    }

    /// A message that has not been looked at is one of those between its neighbours.
    fn vanished(&mut self, uid: u32) {
        let after = self.numbers.iter().rposition(|n| *n > 0 && *n < uid).map_or(0, |last| last + 1);
        let there = self.numbers[after..].iter().position(|n| *n > 0).map_or(self.numbers.len(), |n| after + n);
        let index = if self.numbers.get(there) == Some(&uid) { there } else { after };
        assert!(self.numbers.get(index).is_some_and(|n| [0, uid].contains(n)), "UID {uid} was not there");
        self.numbers.remove(index);
    }

    fn append(&mut self) {
        self.learn("APPEND INBOX {18+}\r\nSubject: x\r\n\r\nciao");
    }

    /// Looks at what it knows by number alone.
    fn look_at_new(&mut self) {
        let known = self.numbers.iter().take_while(|uid| **uid > 0).last();
        let next = known.map_or(1, |uid| uid + 1);
        let items = if self.qresync { "FLAGS MODSEQ" } else { "FLAGS" };
        self.learn(&format!("UID FETCH {next}:* ({items})"));
    }

    /// Opens the INBOX with what it remembers, and looks at what is new.
    fn open(&mut self) {
        self.numbers.clear();
        if self.qresync {
            self.learn(&format!("SELECT INBOX (QRESYNC ({} {}))", self.uid_validity, self.highest));
        } else {
            self.copy.clear();
            self.learn("SELECT INBOX");
        }
        // What is older than what is new has its number by its UID.
        for (known, uid) in self.numbers.iter_mut().zip(self.copy.keys()) {
            assert!(*known == 0 || known == uid, "what is remembered is what is there");
            *known = *uid;
        }
        assert!(self.copy.len() <= self.numbers.len(), "what went is not remembered");
        self.look_at_new();
    }

    /// The line is cut, without a last look.
    fn cut(&mut self) {
        self.enter();
        self.open();
    }

    /// The same for an INBOX that stayed open.
    fn look(&mut self) {
        self.learn("NOOP");
        self.look_at_new();
    }
}

/// A street where Anna has her password.
fn street(seed: u64) -> Street {
    let street = Street::new(seed);
    engine_with_password(&street.houses[0], &address(ANNA), "una frase lunga");
    street
}

/// A small series of numbers, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

fn something(writer: &mut Reader, dice: &mut Dice) {
    let uids: Vec<u32> = writer.copy.keys().copied().collect();
    let pick = |dice: &mut Dice| uids.get(dice.roll(uids.len().max(1))).copied();
    match (dice.roll(8), pick(dice)) {
        (0..=2, _) | (_, None) => writer.append(),
        (3..=5, Some(uid)) => {
            let how = ["+FLAGS (\\Seen)", "-FLAGS (\\Seen)", "FLAGS (\\Flagged Lavoro)"][dice.roll(3)];
            writer.learn(&format!("UID STORE {uid} {how}"));
        }
        (6, Some(uid)) => {
            writer.learn(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"));
            writer.learn(&format!("UID EXPUNGE {uid}"));
        }
        (_, Some(uid)) => drop(writer.learn(&format!("UID MOVE {uid} Cestino"))),
    }
    writer.look();
}

/// What one of many does. Gives what it marked by number: the message that it believed to be that, and the keyword, which
/// nobody else uses.
fn wander(reader: &mut Reader, who: usize) -> Vec<(u32, String)> {
    let (mut dice, mut marks) = (Dice(1_000 + who as u64), Vec::new());
    for step in 0..120 {
        let n = dice.roll(reader.numbers.len().max(1));
        let uid = reader.numbers.get(n).copied().unwrap_or(0);
        let n = n + 1;
        match dice.roll(16) {
            0..=3 => reader.append(),
            _ if uid == 0 => drop(reader.learn("NOOP")),
            4..=6 => {
                let how = ["+FLAGS (\\Seen)", "-FLAGS (\\Seen)", "+FLAGS (\\Flagged)"][dice.roll(3)];
                reader.learn(&format!("UID STORE {uid} {how}"));
            }
            7 | 8 => {
                let keyword = format!("$Di{who}-{step}");
                let said = reader.learn(&format!("STORE {n} +FLAGS ({keyword})"));
                marks.extend(said.contains("t OK").then_some((uid, keyword)));
            }
            9 => drop(reader.learn(&format!("FETCH {n} (UID FLAGS)"))),
            10 => {
                reader.learn(&format!("STORE {n} +FLAGS (\\Deleted)"));
                reader.learn("EXPUNGE");
            }
            11 => drop(reader.learn(&format!("MOVE {n} Cestino"))),
            12 => drop(reader.learn(&format!("UID COPY {uid} INBOX"))),
            13 => {
                reader.say("UNSELECT");
                reader.open();
            }
            14 if step % 3 == 0 => reader.cut(),
            _ => reader.look(),
        }
        reader.look_at_new();
    }
    marks
}

#[test]
fn many_clients_at_once_know_the_folder_and_who_was_away_knows_it_again() {
    let street = street(93);
    let mut readers: Vec<Reader> = (0..6).map(|who| Reader::of(&street, who % 3 > 0)).collect();
    let mut away = Reader::new(&street);
    (0..5).for_each(|_| away.append());
    away.open();
    away.say("UNSELECT");
    readers.iter_mut().for_each(Reader::open);
    let marks: Vec<(u32, String)> = std::thread::scope(|scope| {
        let wandering: Vec<_> =
            readers.iter_mut().enumerate().map(|(who, reader)| scope.spawn(move || wander(reader, who))).collect();
        wandering.into_iter().flat_map(|thread| thread.join().expect("it comes to its end")).collect()
    });
    let (mut fresh, mut again) = (Reader::from_rows(&street), Reader::of(&street, false));
    fresh.cut();
    again.open();
    away.open();
    readers.iter_mut().for_each(Reader::look);
    for (who, reader) in readers.iter().chain([&away, &again]).enumerate() {
        assert_eq!((&reader.copy, &reader.numbers), (&fresh.copy, &fresh.numbers), "client {who}");
    }
    for (uid, keyword) in &marks {
        let marked = |flags: &&String| flags.split(' ').any(|flag| flag == keyword);
        let others = fresh.copy.iter().filter(|(there, flags)| *there != uid && marked(flags));
        // A copy takes its keywords along.
        assert!(others.clone().all(|(there, _)| there > uid), "{keyword} is for UID {uid}");
        assert!(fresh.copy.get(uid).is_none_or(|flags| marked(&flags)), "{keyword} is lost");
    }
    assert!(marks.len() > 10 && !fresh.copy.is_empty());
    assert_clean(&street.houses[0].store, "a crowd of clients");
}

#[test]
fn a_client_that_comes_back_knows_the_folder_after_any_history() {
    let street = street(91);
    let (mut writer, mut stays, mut comes) = (Reader::new(&street), Reader::new(&street), Reader::new(&street));
    let (mut fresh, mut again, mut dice) = (Reader::from_rows(&street), Reader::of(&street, false), Dice(91));
    for reader in [&mut writer, &mut stays, &mut comes] {
        reader.open();
    }
    for round in 0..40 {
        comes.say("UNSELECT");
        (0..dice.roll(6)).for_each(|_| something(&mut writer, &mut dice));
        if round == 20 {
            // Of what happened so far nothing can be read: all that is not there may have gone.
            for (key, _) in rows::of(&street.houses[0].store, tag::FOLDER_CHANGES) {
                street.houses[0].store.damage(&key);
            }
        }
        comes.open();
        stays.look();
        again.open();
        // What is there, from the beginning.
        fresh.cut();
        for (who, reader) in
            [("the writer", &writer), ("who stayed", &stays), ("who came back", &comes), ("who reads all", &again)]
        {
            assert_eq!(reader.copy, fresh.copy, "round {round}: {who}");
        }
    }
    assert!(!writer.copy.is_empty());
}

#[test]
fn an_unchanged_folder_is_told_as_such_and_a_store_is_clean_after_changes() {
    let street = street(92);
    let mut reader = Reader::new(&street);
    reader.open();
    (0..3).for_each(|_| reader.append());
    reader.look();
    reader.learn("UID STORE 2 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)");
    assert_eq!(reader.copy[&2], "", "it changed since: nothing was done");
    let highest = reader.highest;
    let said = reader.say(&format!("SELECT INBOX (QRESYNC ({} {highest}))", reader.uid_validity));
    assert!(said.starts_with("* OK [CLOSED]") && !said.contains("VANISHED") && !said.contains("FETCH"), "{said}");
    let status = reader.say("STATUS INBOX (SIZE DELETED HIGHESTMODSEQ)");
    assert!(status.contains(&format!("(SIZE 54 DELETED 0 HIGHESTMODSEQ {highest})")), "{status}");
    reader.learn("UID STORE 1:2 +FLAGS (\\Deleted)");
    assert!(reader.say("STATUS INBOX (DELETED)").contains("(DELETED 2)"));
    let before = reader.say("UID FETCH 3 (EMAILID)");
    reader.learn("UID MOVE 3 Cestino");
    reader.say("SELECT Cestino");
    let moved = reader.say("UID FETCH 1 (EMAILID)");
    assert_eq!(after(&before, "EMAILID ("), after(&moved, "EMAILID ("));
    assert_clean(&street.houses[0].store, "changes");
}

/// What somebody does just before an entry of a folder is read, once.
#[derive(Default)]
struct Between {
    store: MemoryStore,
    then: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Store for Between {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if key.first() == Some(&tag::FOLDER_ENTRY) {
            let then = self.then.lock().take();
            then.into_iter().for_each(|others| others());
        }
        self.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, Error> {
        self.store.scan(from, to, limit)
    }

    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        self.store.commit(batch, durability)
    }
}

/// A look is not one moment: what it meets of later changes says nothing of what else happened up to then.
#[test]
fn no_mod_sequence_is_told_above_what_was_looked_at() {
    let house = House::new(providers().remove(0), 94, &Known::fixtures(), NOW);
    let store = Arc::new(Between::default());
    let engine = Arc::new(Engine::open(Arc::clone(&store), house.setup()).expect("an engine"));
    let hash = PasswordHash::create(&Secret::new("una frase lunga".into()), [7; 16]).expect("a hash");
    engine.add_mailbox(&address(ANNA), Profile::Standard, hash, NOW).expect("a mailbox");
    let reader = |qresync| {
        let engine = Arc::clone(&engine);
        let connect = move || {
            let mut wire = Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), NOW);
            wire.hear();
            wire
        };
        Reader::on(Box::new(connect), qresync)
    };
    let (mut stays, mut other, mut fresh) = (reader(true), reader(false), reader(false));
    (0..3).for_each(|_| other.append());
    [&mut stays, &mut other].into_iter().for_each(Reader::open);
    other.learn("UID STORE 3 +FLAGS (\\Seen)");
    *store.then.lock() = Some(Box::new(move || {
        other.learn("UID STORE 1 +FLAGS.SILENT (\\Deleted)");
        other.learn("EXPUNGE");
        other.learn("UID STORE 3 +FLAGS (\\Flagged)");
    }));
    let said = stays.learn("NOOP");
    assert!(said.contains("FETCH (UID 3 FLAGS (\\Flagged \\Seen)") && !said.contains("VANISHED"), "{said}");
    stays.cut();
    fresh.open();
    assert_eq!((&stays.copy, &stays.numbers), (&fresh.copy, &fresh.numbers));
}
