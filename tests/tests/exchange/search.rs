//! Searches in many messages, the index of their texts, and the threads of certified mail.

use std::sync::Arc;

use proptest::prelude::*;
use sigillo_engine::check::Repair;
use sigillo_engine::{Engine, Peer, Submitted, front};
use sigillo_store::{Batch, Durability, MemoryStore, Store, tag};
use sigillo_tests::fixtures::address;
use sigillo_tests::observed::Observed;
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};

use super::check::{assert_clean, findings};
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

type Watched = Observed<MemoryStore>;

/// A mail reader, and the store it reads from.
struct Desk {
    street: Street,
    wire: Wire,
    engine: Arc<Engine<Watched>>,
}

impl Desk {
    fn new(seed: u64) -> Self {
        Self::of(Street::new(seed), ANNA)
    }

    fn of(street: Street, user: &str) -> Self {
        let house = street.house(&address(user));
        engine_with_password(house, &address(user), "una frase lunga");
        let engine = Arc::new(Engine::open(Observed::new(house.store.clone()), house.setup()).expect("an engine"));
        let mut wire = Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), street.now);
        wire.hear();
        assert!(wire.say(format!("a LOGIN {user} \"una frase lunga\"\r\n")).contains("a OK"));
        Self { street, wire, engine }
    }

    fn store(&self) -> &MemoryStore {
        &self.engine.store().store
    }

    fn ok(&mut self, command: &str) -> String {
        let answer = self.wire.say(format!("t {command}\r\n"));
        assert!(answer.contains("t OK"), "{command}: {answer}");
        answer
    }

    fn append(&mut self, message: &str) {
        self.ok(&format!("APPEND Bozze {{{}+}}\r\n{message}", message.len()));
    }

    /// The first line of an answer.
    fn ask(&mut self, command: &str) -> String {
        self.ok(command).lines().next().unwrap_or_default().to_owned()
    }

    /// One whole round of the index; gives how often it was gone on with.
    fn index(&self, all: bool) -> usize {
        let (mut place, mut goes) = (None, 0);
        loop {
            place = self.engine.index_texts(place, all).expect("indexed");
            goes += 1;
            if place.is_none() {
                return goes;
            }
        }
    }

    /// Messages read since the last question.
    fn messages_read(&self) -> usize {
        self.engine.store().read().get(&tag::MESSAGE).copied().unwrap_or_default()
    }

    fn lose(&self, which: impl Fn(usize) -> bool) {
        let mut batch = Batch::new();
        let kept = rows::of(self.store(), tag::GRAMS);
        kept.iter().enumerate().filter(|(at, _)| which(*at)).for_each(|(_, (key, _))| batch.delete(key));
        self.store().commit(&batch, Durability::Synced).expect("removed");
    }
}

fn letter(subject: &str, text: &str) -> String {
    format!("Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n")
}

#[test]
fn a_search_reads_few_messages_of_ten_thousand() {
    const MANY: usize = 10_000;
    let mut desk = Desk::new(71);
    for n in 0..MANY {
        let word = if n % 2_500 == 7 { "Città di Castello" } else { "altrove" };
        desk.append(&letter(&format!("lettera {n}"), &format!("Protocollo {n:06}, {word}.")));
    }
    desk.ok("SELECT Bozze");
    assert!(desk.index(false) > 10, "in goes, between which others have their turn");
    desk.messages_read();
    assert_eq!(desk.ask("SEARCH BODY \"citta di castello\""), "* SEARCH");
    assert_eq!(desk.ask("SEARCH BODY {6+}\r\nCITTÀ"), "* SEARCH 8 2508 5008 7508");
    let read = desk.messages_read();
    assert!((4..=40).contains(&read), "{read} messages read");
    assert_eq!(desk.ask("SEARCH TEXT \"protocollo 001234\""), "* SEARCH 1235");
    assert_eq!(desk.ask("SEARCH RETURN (COUNT) NOT BODY altrove"), "* ESEARCH (TAG \"t\") COUNT 4");
    desk.messages_read();
    assert!(desk.ask("SORT (REVERSE SUBJECT SIZE) UTF-8 ALL").starts_with("* SORT 10000 9999 9998 "));
    assert!(desk.ask("THREAD REFERENCES UTF-8 ALL").starts_with("* THREAD (1)(2)(3)"));
    assert_eq!(desk.messages_read(), 0, "orders and threads read no message");
    let octets: usize = rows::of(desk.store(), tag::GRAMS).iter().map(|(_, value)| value.len()).sum();
    println!("{} octets of trigrams for a message", octets / MANY);
    // What is not indexed is read, and the answer is the same.
    desk.lose(|at| at % 10 == 0);
    assert_eq!(desk.ask("SEARCH BODY {6+}\r\nCITTÀ"), "* SEARCH 8 2508 5008 7508");
    assert!(desk.messages_read() >= MANY / 10);
}

#[test]
fn what_is_lost_is_made_again_and_what_goes_takes_its_trigrams() {
    let mut desk = Desk::new(72);
    for n in 0..30 {
        desk.append(&letter("x", &format!("numero {n}")));
    }
    let kept = |desk: &Desk| rows::of(desk.store(), tag::GRAMS).len();
    desk.index(false);
    assert_eq!(kept(&desk), 30);
    desk.lose(|at| at < 20);
    desk.index(false);
    assert_eq!(kept(&desk), 10, "what the marks say is done is not looked at");
    desk.index(true);
    assert_eq!(kept(&desk), 30);
    // A row that does not read, and one of an earlier release, cost a reading and nothing else.
    let victims = rows::of(desk.store(), tag::GRAMS);
    let mut batch = Batch::new();
    batch.put(&victims[3].0, b"\x01\x07");
    batch.put(&victims[4].0, b"");
    desk.store().commit(&batch, Durability::Synced).expect("written");
    assert_eq!(findings(desk.store()).len(), 2);
    desk.ok("SELECT Bozze");
    assert_eq!(desk.ask("SEARCH BODY \"numero 29\""), "* SEARCH 30");
    assert_eq!(desk.ask("SEARCH RETURN (COUNT) BODY numero"), "* ESEARCH (TAG \"t\") COUNT 30");
    Repair::new(&desk.store().fork(), desk.street.now).run().expect("repaired");
    desk.index(true);
    assert_clean(desk.store(), "made again");
    // A store of an earlier release has no summaries: what is indexed has one from then on.
    let mut batch = Batch::new();
    for tag in [tag::SUMMARY, tag::GRAMS] {
        rows::of(desk.store(), tag).iter().for_each(|(key, _)| batch.delete(key));
    }
    desk.store().commit(&batch, Durability::Synced).expect("removed");
    desk.index(true);
    desk.messages_read();
    assert!(desk.ask("SORT (SUBJECT) UTF-8 ALL").starts_with("* SORT 1 2 3 "));
    assert_eq!(desk.messages_read(), 0, "no message is read");
    // A copy in another folder is the same message; the last one that goes takes its row.
    desk.ok("CREATE Altra");
    desk.ok("COPY 1:10 Altra");
    desk.index(false);
    assert_eq!((kept(&desk), rows::of(desk.store(), tag::TEXT_MARK).len()), (30, 2));
    desk.ok("STORE 1:20 +FLAGS.SILENT (\\Deleted)");
    desk.ok("EXPUNGE");
    let sweep = |desk: &Desk| while desk.engine.sweep_messages(None, 100).expect("swept").is_some() {};
    sweep(&desk);
    assert_eq!(kept(&desk), 20);
    desk.ok("DELETE Altra");
    sweep(&desk);
    assert_eq!((kept(&desk), rows::of(desk.store(), tag::TEXT_MARK).len()), (10, 1));
    assert_clean(desk.store(), "after removals");
}

/// Until a release that finds more has looked at a message itself, what an earlier one made of it counts for nothing.
#[test]
fn trigrams_of_an_earlier_release_are_made_anew() {
    let mut desk = Desk::new(74);
    desk.append(
        "Subject: fuori\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/global\r\n\r\n\
         Subject: dentro\r\n\r\nciao\r\n--x--\r\n",
    );
    desk.index(false);
    let (key, made) = rows::of(desk.store(), tag::GRAMS).remove(0);
    let (mark, said) = rows::of(desk.store(), tag::TEXT_MARK).remove(0);
    let mut batch = Batch::new();
    // Of kind 1, and without a single trigram; the mark says that nothing is to be done.
    batch.put(&key, [made[0], 0, 4, made[0], 1, 1, 8]);
    batch.put(&mark, [&[said[0], 1], &said[2..]].concat());
    desk.store().commit(&batch, Durability::Synced).expect("written");
    desk.ok("SELECT Bozze");
    assert_eq!(desk.ask("SEARCH BODY \"subject: dentro\""), "* SEARCH 1");
    assert_clean(desk.store(), "an earlier release was here");
    desk.index(false);
    assert_eq!(rows::of(desk.store(), tag::GRAMS), [(key, made)], "in the background, without a whole round");
    assert_eq!(rows::of(desk.store(), tag::TEXT_MARK), [(mark, said)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// With the index, with half of it, without, and by looking.
    #[test]
    fn the_index_changes_no_answer(
        texts in prop::collection::vec("[kwzà ]{0,9}", 1..8),
        keys in prop::collection::vec("[kwzÀ]{1,4}", 1..5),
        lost in any::<u8>(),
    ) {
        let mut desk = Desk::new(73);
        for text in &texts {
            desk.append(&letter("x", text));
        }
        desk.ok("SELECT Bozze");
        let fold = |t: &str| t.to_lowercase().replace('à', "a`");
        let ask = |desk: &mut Desk| -> Vec<String> {
            keys.iter().map(|key| desk.ask(&format!("SEARCH BODY {{{}+}}\r\n{key}", key.len()))).collect()
        };
        let naive: Vec<String> = keys.iter().map(|key| {
            let found = texts.iter().enumerate().filter(|(_, t)| fold(t).contains(&fold(key)));
            found.fold("* SEARCH".to_owned(), |line, (at, _)| format!("{line} {}", at + 1))
        }).collect();
        prop_assert_eq!(&ask(&mut desk), &naive, "without");
        desk.index(false);
        prop_assert_eq!(&ask(&mut desk), &naive, "with");
        desk.lose(|at| lost >> (at % 8) & 1 == 1);
        prop_assert_eq!(&ask(&mut desk), &naive, "with some of it");
    }
}

/// The certified message has no Message-ID of its client, so that only the *identificativo* joins it with its receipts.
#[test]
fn a_message_its_receipts_and_the_answer_are_one_conversation() {
    let mut street = Street::new(74);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let send = |street: &Street, from: &sigillo_base::Address, to: &sigillo_base::Address, more: &str| {
        let bytes = format!("From: <{from}>\r\nTo: <{to}>\r\n{more}\r\nTesto.\r\n").into_bytes();
        let sent = street.submit_bytes(from, std::slice::from_ref(to), bytes);
        assert!(matches!(sent, Ok(Submitted::Accepted(_))), "{sent:?}");
    };
    send(&street, &anna, &bruno, "Subject: Domanda\r\n");
    street.run();
    send(&street, &anna, &bruno, "Subject: Altro\r\nMessage-ID: <altro@client.example>\r\n");
    street.run();
    let envelope = String::from_utf8_lossy(&street.inbox(&bruno)[0].bytes).into_owned();
    let id = envelope.lines().find_map(|l| l.strip_prefix("Message-ID: ")).expect("its identifier");
    send(
        &street,
        &bruno,
        &anna,
        &format!("Subject: Risposta\r\nMessage-ID: <due@client.example>\r\nIn-Reply-To: {id}\r\n"),
    );
    street.run();
    // Acceptance and delivery of the first, of the other, and the answer.
    let mut desk = Desk::of(street, ANNA);
    desk.ok("SELECT INBOX");
    desk.messages_read();
    let subjects = desk.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (Subject)])");
    let of = |word: &str| -> Vec<usize> {
        let lines: Vec<&str> = subjects.lines().filter(|l| l.starts_with("Subject: ")).collect();
        lines.iter().enumerate().filter(|(_, l)| l.contains(word)).map(|(at, _)| at + 1).collect()
    };
    let (first, other, answer) = (of("Domanda"), of("Altro"), of("Risposta"));
    assert_eq!((first.len(), other.len(), answer.len()), (2, 2, 1), "{subjects}");
    let told = desk.ask("THREAD X-CONVERSATION UTF-8 ALL");
    assert!(told.contains(&format!("({} ({})({}))", first[0], first[1], answer[0])), "{told} {first:?} {answer:?}");
    assert!(told.contains(&format!("({} {})", other[0], other[1])), "{told}");
    assert_eq!(desk.messages_read(), 0, "no message is read");
}

/// So many different trigrams that two hundred of them are more than one commit takes.
fn long_text(seed: u32) -> String {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[(state >> 16) as usize % 36])
    };
    (0..1_000).map(|_| (0..9).map(|_| letter()).collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[test]
fn two_hundred_long_texts_are_indexed() {
    let mut desk = Desk::new(74);
    for n in 0..200 {
        desk.append(&letter(&format!("lunga {n}"), &long_text(n)));
    }
    desk.ok("SELECT Bozze");
    assert!(desk.index(false) > 1, "as many at a time as one commit takes");
    let octets: usize = rows::of(desk.store(), tag::GRAMS).iter().map(|(_, value)| value.len()).sum();
    assert!(octets > 1 << 20, "{octets}");
    let word = long_text(77).split(' ').nth(900).expect("a word").to_owned();
    desk.messages_read();
    assert_eq!(desk.ask(&format!("SEARCH BODY {word}")), "* SEARCH 78");
    let read = desk.messages_read();
    assert!(read < 20, "{read} messages read");
    assert_clean(desk.store(), "indexed");
}

#[test]
fn a_folder_that_cannot_be_indexed_stops_no_other() {
    let mut desk = Desk::new(75);
    let first = letter("prima", "qualcosa");
    desk.ok(&format!("APPEND INBOX {{{}+}}\r\n{first}", first.len()));
    desk.index(false);
    let marks = rows::of(desk.store(), tag::TEXT_MARK);
    assert_eq!(marks.len(), 1, "that of the INBOX, before all others");
    desk.store().damage(&marks[0].0);
    desk.ok(&format!("APPEND INBOX {{{}+}}\r\n{first}", first.len()));
    desk.append(&letter("seconda", "Città di Castello"));
    desk.index(false);
    desk.ok("SELECT Bozze");
    desk.messages_read();
    assert_eq!(desk.ask("SEARCH BODY altrove"), "* SEARCH");
    assert_eq!(desk.messages_read(), 0, "what stands behind it is indexed");
}
