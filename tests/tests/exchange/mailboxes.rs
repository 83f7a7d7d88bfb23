//! A mailbox's folders: what they count, what they remember of what is gone, what may be done with them.

use std::time::Duration;

use sigillo_accounts::Request;
use sigillo_base::{MailboxId, Uid};
use sigillo_engine::check::{Problem, Repair};
use sigillo_engine::{Change, Peer, front};
use sigillo_store::{Batch, Durability, KeyBuilder, MemoryStore, Store, tag};
use sigillo_tests::fixtures::{self, address};
use sigillo_tests::house::{House, Known};
use sigillo_tests::street::Street;

use super::check::{assert_clean, findings};
use super::rows;
use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
/// 3 GB (BOX-01).
const STANDARD: u64 = 3 << 30;
const INBOX: u32 = 1;

struct Desk {
    street: Street,
    wire: Wire,
    mailbox: MailboxId,
}

impl Desk {
    fn new(seed: u64) -> Self {
        let street = Street::new(seed);
        let engine = engine_with_password(&street.houses[0], &address(ANNA), "una frase lunga");
        let mut wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), street.now);
        wire.hear();
        assert!(wire.say(format!("a LOGIN {ANNA} \"una frase lunga\"\r\n")).contains("a OK"));
        let mailbox = street.houses[0].login(&address(ANNA)).mailbox;
        Self { street, wire, mailbox }
    }

    fn store(&self) -> &MemoryStore {
        &self.street.houses[0].store
    }

    fn say(&mut self, command: &str) -> String {
        self.wire.say(format!("t {command}\r\n"))
    }

    fn ok(&mut self, command: &str) -> String {
        let answer = self.say(command);
        assert!(answer.contains("t OK"), "{command}: {answer}");
        answer
    }

    fn no(&mut self, command: &str, code: &str) {
        let answer = self.say(command);
        assert!(answer.contains(&format!("t NO [{code}]")), "{command}: {answer}");
    }

    fn append(&mut self, folder: &str) {
        self.ok(&format!("APPEND {folder} {{18+}}\r\nSubject: x\r\n\r\nciao"));
    }

    fn folders(&mut self) -> Vec<String> {
        let listed = self.ok("LIST \"\" *");
        let name = |line: &str| Some(line.strip_prefix("* LIST ")?.rsplit_once(' ')?.1.trim_matches('"').to_owned());
        listed.lines().filter_map(name).collect()
    }

    fn uid_validity(&mut self, folder: &str) -> u32 {
        number(&self.ok(&format!("STATUS {folder} (UIDVALIDITY)")), "UIDVALIDITY ")
    }

    /// STATUS of every folder says what SELECT and SEARCH find, and the store is clean.
    fn counts_are_exact(&mut self, after: &str) {
        for folder in self.folders() {
            let status = self.ok(&format!("STATUS \"{folder}\" (MESSAGES UNSEEN)"));
            let selected = self.ok(&format!("EXAMINE \"{folder}\""));
            let exists = selected.lines().find_map(|l| l.strip_prefix("* ")?.strip_suffix(" EXISTS")).expect("EXISTS");
            let unseen = self.ok("SEARCH UNSEEN");
            let unseen = unseen.lines().next().expect("an answer").split(' ').count() - 2;
            let expected = format!("(MESSAGES {exists} UNSEEN {unseen})");
            assert!(status.contains(&expected), "after {after}: {folder}: {status}, not {expected}");
        }
        self.ok("UNSELECT");
        assert_clean(self.store(), after);
    }

    fn vanished(&self, folder: u32, since: u64) -> Option<Vec<u32>> {
        self.street.houses[0].engine().vanished(self.mailbox, folder, since).expect("read")
    }

    /// The mod-sequence of the last message of the INBOX.
    fn modseq(&self) -> u64 {
        let filed = self.street.houses[0].engine().inbox(self.mailbox, Uid(0), 99).expect("read");
        filed.last().expect("a message").modseq
    }
}

fn number(text: &str, after: &str) -> u32 {
    let at = text.find(after).expect("it is told") + after.len();
    text[at..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

fn put(store: &MemoryStore, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(key, value);
    store.commit(&batch, Durability::Synced).expect("written");
}

#[test]
fn counts_are_exact_whatever_is_done() {
    let mut desk = Desk::new(61);
    desk.street.submit(&address(ANNA), &[address("carla@comune-alfa.example")], "").expect("accepted");
    desk.street.run();
    desk.counts_are_exact("a delivery");
    (0..4).for_each(|_| desk.append("INBOX"));
    desk.ok("CREATE Pratiche");
    for (select, command) in [
        ("INBOX", "STORE 1:2 +FLAGS (\\Seen)"),
        ("INBOX", "STORE 2:3 FLAGS (\\Seen \\Flagged)"),
        ("INBOX", "STORE 3 -FLAGS (\\Seen)"),
        ("INBOX", "FETCH 4 BODY[]"),
        ("INBOX", "COPY 1:4 Pratiche"),
        ("INBOX", "COPY 1:2 INBOX"),
        ("INBOX", "MOVE 3:5 INBOX"),
        ("INBOX", "MOVE 1 Pratiche"),
        ("Pratiche", "STORE 2:3 +FLAGS (\\Deleted)"),
        ("Pratiche", "EXPUNGE"),
        ("Pratiche", "EXPUNGE"),
        ("INBOX", "RENAME INBOX Vecchia"),
        ("INBOX", "DELETE Pratiche"),
    ] {
        desk.ok(&format!("SELECT {select}"));
        desk.ok(command);
        desk.counts_are_exact(command);
    }
}

#[test]
fn a_wrong_count_is_found_and_counted_anew() {
    let mut desk = Desk::new(62);
    (0..3).for_each(|_| desk.append("INBOX"));
    let key = KeyBuilder::new(tag::FOLDER).mailbox(desk.mailbox).u32(INBOX).done();
    let (store, sound) = (desk.store().fork(), desk.store().get(&key).expect("read").expect("the INBOX"));
    // Version, "INBOX" with its length, UIDVALIDITY in five bytes, UIDNEXT, MODSEQ, subscribed, no special use; then the
    // bytes, the messages, the unseen ones, and the removals.
    for at in [16, 17, 18, 19] {
        let mut wrong = sound.clone();
        wrong[at] += 1;
        put(&store, &key, &wrong);
        let found = findings(&store);
        assert!(found.iter().any(|f| f.key == key && f.problem == Problem::Differs), "{at}: {found:?}");
        Repair::new(&store, desk.street.now).run().expect("repaired");
        assert_eq!(store.rows(), desk.store().rows(), "as it was");
    }
}

#[test]
fn the_quota_is_kept_and_no_sum_falls_below_nothing() {
    let mut desk = Desk::new(63);
    desk.append("INBOX");
    let store = desk.store().clone();
    let usage = KeyBuilder::new(tag::BOX_USAGE).mailbox(desk.mailbox).done();
    let sound = store.get(&usage).expect("read").expect("the usage");
    rows::fill(&store, desk.mailbox, STANDARD - 18);
    desk.append("INBOX");
    desk.ok("SELECT INBOX");
    desk.no("COPY 1 Bozze", "OVERQUOTA");
    desk.no("APPEND Bozze {18+}\r\nSubject: x\r\n\r\nciao", "OVERQUOTA");
    desk.ok("MOVE 2 Bozze");
    desk.ok("STORE 1 +FLAGS (\\Deleted)");
    rows::fill(&store, desk.mailbox, 17);
    desk.no("EXPUNGE", "UNAVAILABLE");
    assert_eq!(rows::of(&store, tag::FOLDER_ENTRY).len(), 2, "nothing was half done");
    Repair::new(&store, desk.street.now).run().expect("repaired");
    assert!(desk.ok("EXPUNGE").contains("* 1 EXPUNGE"));
    assert_eq!(store.get(&usage).expect("read"), Some(sound), "one message is left");
    assert_clean(&store, "repaired");
}

#[test]
fn what_was_removed_is_remembered_by_its_commit() {
    let mut desk = Desk::new(64);
    (0..5).for_each(|_| desk.append("INBOX"));
    let begin = desk.modseq();
    desk.ok("SELECT INBOX");
    assert_eq!(desk.vanished(INBOX, begin), Some(vec![]));
    desk.ok("STORE 2,4 +FLAGS (\\Deleted)");
    desk.ok("EXPUNGE");
    desk.append("INBOX");
    let between = desk.modseq();
    desk.ok("UID MOVE 3 Bozze");
    desk.ok("UID MOVE 1 INBOX");
    desk.append("INBOX");
    assert_eq!(desk.vanished(INBOX, begin), Some(vec![1, 2, 3, 4]));
    assert_eq!(desk.vanished(INBOX, 0), Some(vec![1, 2, 3, 4]));
    assert_eq!(desk.vanished(INBOX, between), Some(vec![1, 3]));
    assert_eq!(desk.vanished(INBOX, desk.modseq()), Some(vec![]));
    assert!(desk.street.houses[0].engine().vanished(desk.mailbox, 77, 0).is_err(), "there is no such folder");
    // A row that does not read: nothing can be said of what it told.
    let log = rows::of(desk.store(), tag::FOLDER_CHANGES);
    assert_eq!(log.len(), 4, "one commit of STORE, three that removed");
    put(desk.store(), &log[1].0, b"\x01\x05");
    assert_eq!(desk.vanished(INBOX, begin), None);
    assert_eq!(desk.vanished(INBOX, between), Some(vec![1, 3]));
    desk.store().damage(&log[3].0);
    assert_eq!(desk.vanished(INBOX, between), None);
}

#[test]
fn the_oldest_removals_are_forgotten_and_a_folder_takes_its_own_along() {
    let mut desk = Desk::new(65);
    desk.ok("CREATE Giro");
    desk.ok("SELECT Giro");
    for uid in 1..=10_003 {
        desk.append("Giro");
        desk.ok(&format!("UID MOVE {uid} Cestino"));
    }
    let giro = 5;
    assert_eq!(rows::of(desk.store(), tag::FOLDER_CHANGES).len(), 10_000);
    // Arrivals and removals take turns from 2 on: the third removal, the last one forgotten, is 7.
    assert!(desk.vanished(giro, 0).is_none() && desk.vanished(giro, 6).is_none(), "there was more");
    assert!(desk.vanished(giro, 7) == Some((4..=10_003).collect()), "all that followed");
    assert_eq!(desk.vanished(giro, 20_005), Some(vec![10_003]));
    assert_clean(desk.store(), "ten thousand removals");
    desk.ok("DELETE Giro");
    assert_eq!(rows::of(desk.store(), tag::FOLDER_CHANGES), []);
    assert_clean(desk.store(), "the folder is gone");
}

#[test]
fn folders_are_renamed_with_what_is_below_and_no_two_have_one_name() {
    let mut desk = Desk::new(66);
    desk.ok("CREATE A/B/C");
    desk.append("A/B");
    desk.no("RENAME A A/B/D", "CANNOT");
    desk.ok("CREATE Z/B");
    desk.no("RENAME A Z", "ALREADYEXISTS");
    desk.ok("DELETE Z/B");
    desk.ok("DELETE Z");
    desk.ok("CREATE Z/B");
    desk.ok("RENAME Z/B Y");
    desk.no("RENAME A/B Y", "ALREADYEXISTS");
    desk.ok("DELETE Y");
    // A/B would be Z/B, which is free; Z itself is taken.
    desk.no("RENAME A Z", "ALREADYEXISTS");
    desk.ok("RENAME A 2026/Uno/A");
    let folders = desk.folders();
    for name in ["2026", "2026/Uno", "2026/Uno/A", "2026/Uno/A/B", "2026/Uno/A/B/C", "Z"] {
        assert_eq!(folders.iter().filter(|f| *f == name).count(), 1, "{name} in {folders:?}");
    }
    assert!(desk.ok("STATUS 2026/Uno/A/B (MESSAGES)").contains("(MESSAGES 1)"));
    desk.ok("SELECT 2026/Uno/A/B");
    desk.ok("COPY 1 2026");
    desk.ok("UNSELECT");
    desk.no("DELETE 2026", "HASCHILDREN");
    assert!(desk.ok("STATUS 2026 (MESSAGES)").contains("(MESSAGES 1)"), "a refusal removes nothing");
    desk.no("RENAME Z Z", "ALREADYEXISTS");
    desk.no("RENAME Nessuna Nessuna", "NONEXISTENT");
    for kept in ["INBOX", "Inviata", "Bozze", "Cestino"] {
        desk.no(&format!("DELETE {kept}"), "CANNOT");
    }
    desk.ok("RENAME Inviata Spedita");
    assert!(desk.ok("LIST \"\" Spedita").contains("\\Sent"), "the use goes with the folder");
    desk.no("DELETE Spedita", "CANNOT");
    assert_clean(desk.store(), "renamed");
}

#[test]
fn renaming_the_inbox_moves_its_messages_and_leaves_it() {
    let mut desk = Desk::new(67);
    desk.ok("CREATE INBOX/Sotto");
    (0..3).for_each(|_| desk.append("INBOX"));
    let validity = desk.uid_validity("INBOX");
    desk.ok("SELECT INBOX");
    let told = desk.ok("RENAME INBOX Vecchia/2025");
    assert!(told.matches("EXPUNGE").count() == 3 || desk.ok("NOOP").matches("EXPUNGE").count() == 3, "{told}");
    assert!(desk.ok("STATUS INBOX (MESSAGES UIDNEXT)").contains("(MESSAGES 0 UIDNEXT 4)"));
    assert!(desk.ok("STATUS Vecchia/2025 (MESSAGES UIDNEXT)").contains("(MESSAGES 3 UIDNEXT 4)"));
    assert_eq!(desk.uid_validity("INBOX"), validity);
    assert!(desk.folders().contains(&"INBOX/Sotto".to_owned()));
    desk.no("RENAME INBOX Vecchia/2025", "ALREADYEXISTS");
}

/// The same second, and the same number of folders: only what was given before tells them apart.
#[test]
fn a_name_used_again_has_another_uidvalidity() {
    let mut desk = Desk::new(68);
    let mut given = Vec::new();
    for round in 0..4 {
        for name in ["X", "Y"] {
            desk.ok(&format!("CREATE {name}"));
            given.push(desk.uid_validity(name));
        }
        desk.ok("DELETE X");
        desk.ok("DELETE Y");
        desk.wire.now = desk.wire.now.plus(std::time::Duration::from_secs(round % 2));
    }
    assert!(given.is_sorted_by(|a, b| a < b), "{given:?}");
    assert_clean(desk.store(), "made again");
}

#[test]
fn a_folder_is_made_for_a_special_use_that_no_other_has() {
    let mut desk = Desk::new(69);
    desk.ok("CREATE Indesiderata (USE (\\Junk))");
    assert!(desk.ok("LIST \"\" Indesiderata").contains("\\Junk"));
    desk.ok("CREATE Carte/Archivio (USE (\\archive))");
    assert!(desk.ok("LIST \"\" Carte/Archivio").contains("\\Archive"));
    assert!(!desk.ok("LIST \"\" Carte").contains("\\Archive"), "the level above has no use");
    // RFC 6154 §4: an annotation says it too, and is not how it is given.
    let told = desk.ok("GETMETADATA Carte/Archivio /private/specialuse");
    assert!(told.contains("* METADATA Carte/Archivio (\"/private/specialuse\" \"\\\\Archive\")"), "{told}");
    assert!(desk.ok("GETMETADATA Carte /private/specialuse").contains("(\"/private/specialuse\" NIL)"));
    desk.no("SETMETADATA Carte (/private/specialuse \"\\\\Junk\")", "USEATTR");
    desk.no("CREATE Altra (USE (\\Junk))", "USEATTR");
    desk.no("CREATE Altra (USE (\\All))", "USEATTR");
    desk.no("CREATE Altra (USE (\\Sent \\Trash))", "USEATTR");
    desk.no("CREATE Altra (USE (\\Strano))", "USEATTR");
    for wrong in ["CREATE Altra ()", "CREATE Altra (USE)", "CREATE Altra (USE (Junk))", "CREATE Altra (USE (\\Junk)"] {
        assert!(desk.say(wrong).contains("t BAD"), "{wrong}");
    }
    assert!(!desk.folders().contains(&"Altra".to_owned()));
    desk.ok("CREATE Altra (USE ())");
    desk.ok("DELETE Indesiderata");
    desk.ok("CREATE Altra2 (USE (\\Junk))");
}

#[test]
fn after_a_restore_no_folder_has_a_uidvalidity_that_any_had_since_the_backup() {
    let mut desk = Desk::new(70);
    desk.ok("CREATE Pratiche");
    let backup = desk.store().fork();
    desk.ok("DELETE Pratiche");
    desk.ok("CREATE Pratiche");
    let names = desk.folders();
    let since = names.iter().map(|name| desk.uid_validity(name)).max().expect("folders");
    let later = desk.street.now.plus(Duration::from_secs(60));
    sigillo_engine::renumber_folders(&backup, later).expect("renumbered");
    assert_clean(&backup, "after a restore");
    let house = House::on(backup, fixtures::alfa(), 71, &Known::fixtures());
    let engine = engine_with_password(&house, &address(ANNA), "una frase lunga");
    desk.wire = Wire::new(front::imap(engine, Peer::LOCAL, true, Default::default()), later);
    desk.wire.hear();
    desk.ok(&format!("LOGIN {ANNA} \"una frase lunga\""));
    let mut now: Vec<u32> = names.iter().map(|name| desk.uid_validity(name)).collect();
    assert!(now.iter().all(|validity| *validity > since), "{since}, then {now:?}");
    now.sort_unstable();
    now.dedup();
    assert_eq!(now.len(), names.len(), "each its own");
}

#[test]
fn a_folder_is_who_it_is_whatever_another_session_calls_it() {
    let mut desk = Desk::new(72);
    desk.ok("CREATE A");
    desk.append("A");
    desk.ok("SELECT A");
    let mut other = Wire::new(
        front::imap(std::sync::Arc::clone(desk.street.houses[0].engine()), Peer::LOCAL, true, Default::default()),
        desk.street.now,
    );
    other.hear();
    other.say(format!("a LOGIN {ANNA} \"una frase lunga\"\r\n"));
    assert!(other.say("b RENAME A B\r\nc CREATE A\r\n").contains("c OK"));
    desk.ok("DELETE A");
    assert!(desk.ok("FETCH 1 FLAGS").contains("* 1 FETCH"), "the selected folder is B, and there");
    desk.append("B");
    assert!(desk.ok("DELETE B").starts_with("t OK"));
    assert!(desk.say("FETCH 1 FLAGS").contains("t BAD"), "and now it is gone");
}

#[test]
fn what_is_switched_off_for_a_mailbox_is_neither_announced_nor_done() {
    let desk = Desk::new(73);
    let engine = std::sync::Arc::clone(desk.street.houses[0].engine());
    let set = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        engine.change(desk.mailbox, &Change::Without(names), &Request::own(desk.street.now))
    };
    let wrong = set(&["MVOE"]).expect_err("nobody announces it").to_string();
    assert!(wrong.contains("«MVOE»") && wrong.contains(" MOVE, "), "{wrong}");
    assert!(set(&["imap4REV1"]).is_err(), "the protocol itself stays");
    set(&["move", "COMPRESS=DEFLATE", "imap4rev2", "CATENATE"]).expect("switched off");
    let mut wire =
        Wire::new(front::imap(std::sync::Arc::clone(&engine), Peer::LOCAL, true, Default::default()), desk.street.now);
    wire.hear();
    wire.say(format!("a LOGIN {ANNA} \"una frase lunga\"\r\n"));
    let told = wire.say("b CAPABILITY\r\n");
    assert!(!told.contains(" MOVE") && !told.contains("COMPRESS") && told.contains(" SORT "), "{told}");
    wire.say("c APPEND INBOX {18+}\r\nSubject: x\r\n\r\nciao\r\nd SELECT INBOX\r\n");
    let cited = "APPEND INBOX CATENATE (URL \"/INBOX/;UID=1\")";
    for command in ["MOVE 1 Bozze", "UID MOVE 1 Bozze", "COMPRESS DEFLATE", cited] {
        assert_eq!(wire.say(format!("t {command}\r\n")), "t BAD Unknown command or argument\r\n", "{command}");
    }
    assert!(wire.say("e SORT (DATE) UTF-8 ALL\r\n").contains("* SORT 1\r\n"));
}

#[test]
fn a_subscription_stays_with_its_name() {
    let mut desk = Desk::new(74);
    let subscribed = |desk: &mut Desk, name: &str| desk.ok(&format!("LIST (SUBSCRIBED) \"\" {name}"));
    let missing = |name: &str| format!("* LIST (\\NonExistent \\Subscribed) \"/\" {name}\r\n");
    desk.ok("CREATE A/B");
    desk.ok("SUBSCRIBE A/B");
    desk.ok("SUBSCRIBE A");
    desk.ok("DELETE A/B");
    assert!(subscribed(&mut desk, "A/B").contains(&missing("A/B")));
    assert!(desk.ok("LSUB \"\" A/B").contains("* LSUB (\\Noselect) \"/\" A/B\r\n"));
    assert!(desk.ok("LIST \"\" A/B").starts_with("t OK"), "there is no such folder");
    desk.ok("SUBSCRIBE A/B");
    desk.no("SUBSCRIBE Nessuna", "NONEXISTENT");
    assert_clean(desk.store(), "deleted");
    // The name keeps it, whichever folder has the name.
    desk.ok("CREATE A/B");
    assert!(subscribed(&mut desk, "A/B").contains("* LIST (\\HasNoChildren \\Subscribed) \"/\" A/B\r\n"));
    assert!(rows::of(desk.store(), tag::SUBSCRIBED).is_empty());
    desk.ok("RENAME A C");
    let told = subscribed(&mut desk, "*");
    assert!(told.contains(&missing("A")) && told.contains(&missing("A/B")) && !told.contains("\"/\" C\r\n"), "{told}");
    desk.ok("RENAME C/B A");
    let told = subscribed(&mut desk, "A*");
    assert!(told.contains("\\HasNoChildren \\Subscribed) \"/\" A\r\n") && told.contains(&missing("A/B")), "{told}");
    desk.ok("UNSUBSCRIBE A/B");
    desk.no("UNSUBSCRIBE A/B", "NONEXISTENT");
    assert!(rows::of(desk.store(), tag::SUBSCRIBED).is_empty());
    // So many names are remembered, and no more.
    for n in 0..1_005 {
        desk.ok(&format!("CREATE N{n}"));
        desk.ok(&format!("SUBSCRIBE N{n}"));
        desk.ok(&format!("DELETE N{n}"));
    }
    assert_eq!(rows::of(desk.store(), tag::SUBSCRIBED).len(), 1_000);
    assert_clean(desk.store(), "renamed");
}
