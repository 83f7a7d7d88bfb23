//! Mail readers that come back: over the store's rows, QRESYNC and the changes of an open folder tell all of them what
//! it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use sigillo_engine::{Peer, front};
use sigillo_store::tag;
use sigillo_tests::fixtures::address;
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";

/// A mail reader with its copy of the INBOX: flags by UID.
struct Reader {
    wire: Wire,
    copy: BTreeMap<u32, String>,
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

impl Reader {
    fn new(street: &Street) -> Self {
        let engine = Arc::clone(street.houses[0].engine());
        let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
        wire.hear();
        let mut reader = Self { wire, copy: BTreeMap::new(), uid_validity: 1, highest: 1 };
        reader.say(&format!("LOGIN {ANNA} \"una frase lunga\""));
        reader.say("ENABLE QRESYNC");
        reader
    }

    fn say(&mut self, command: &str) -> String {
        let said = self.wire.say(format!("t {command}\r\n"));
        assert!(said.contains("t OK"), "{command}: {said}");
        said
    }

    /// A command whose answer changes the copy.
    fn learn(&mut self, command: &str) {
        for line in self.say(command).lines() {
            if let Some((_, uids)) = line.strip_prefix("* VANISHED ").map(|l| l.split_once(' ').unwrap_or(("", l))) {
                for range in uids.split(',') {
                    let (first, last) = range.split_once(':').unwrap_or((range, range));
                    let range = first.parse().expect("a UID")..=last.parse::<u32>().expect("a UID");
                    self.copy.retain(|uid, _| !range.contains(uid));
                }
            }
            assert!(!line.ends_with(" EXPUNGE"), "{line}");
            if line.contains(" FETCH (")
                && let (Some(uid), Some((_, flags))) = (number(line, "UID "), line.split_once("FLAGS ("))
            {
                let flags = flags.split(')').next().unwrap_or_default();
                self.copy.insert(uid, flags.to_owned());
            }
            self.uid_validity = number(line, "[UIDVALIDITY ").unwrap_or(self.uid_validity);
            let modseq = number(line, "[HIGHESTMODSEQ ").or(number(line, "MODSEQ ("));
            self.highest = modseq.map_or(self.highest, |modseq: u64| self.highest.max(modseq));
        }
    }

    fn append(&mut self) {
        self.learn("APPEND INBOX {18+}\r\nSubject: x\r\n\r\nciao");
    }

    fn next(&self) -> u32 {
        self.copy.last_key_value().map_or(1, |(uid, _)| uid + 1)
    }

    /// Opens the INBOX with what it remembers, and looks at what is new.
    fn open(&mut self) {
        let next = self.next();
        self.learn(&format!("SELECT INBOX (QRESYNC ({} {}))", self.uid_validity, self.highest));
        self.learn(&format!("UID FETCH {next}:* (FLAGS MODSEQ)"));
    }

    /// The same for an INBOX that stayed open.
    fn look(&mut self) {
        let next = self.next();
        self.learn("NOOP");
        self.learn(&format!("UID FETCH {next}:* (FLAGS MODSEQ)"));
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
        (_, Some(uid)) => writer.learn(&format!("UID MOVE {uid} Cestino")),
    }
    writer.look();
}

#[test]
fn a_client_that_comes_back_knows_the_folder_after_any_history() {
    let street = street(91);
    let (mut writer, mut stays, mut comes) = (Reader::new(&street), Reader::new(&street), Reader::new(&street));
    let (mut fresh, mut dice) = (Reader::new(&street), Dice(91));
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
        // What is there, from the beginning.
        fresh.copy.clear();
        fresh.learn("EXAMINE INBOX");
        fresh.learn("UID FETCH 1:* (FLAGS)");
        for (who, reader) in [("the writer", &writer), ("who stayed", &stays), ("who came back", &comes)] {
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
