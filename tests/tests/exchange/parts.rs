//! Messages into a mailbox and through it: of parts, several at once, one for another, very many.

use std::io::{Cursor, Read, Result, Seek, SeekFrom, Write};
use std::sync::Arc;

use sigillo_engine::{Doors, Engine, Peer, Setup, Spool, Spooled, front};
use sigillo_store::{KeyBuilder, MemoryStore, tag};
use sigillo_tests::fixtures::address;
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};

use super::check::assert_clean;
use super::rows;

const ANNA: &str = "anna@comune-alfa.example";

struct Desk {
    street: Street,
    engine: Arc<Engine<MemoryStore>>,
    wire: Wire,
}

impl Desk {
    fn new(seed: u64) -> Self {
        let street = Street::new(seed);
        let engine = engine_with_password(&street.houses[0], &address(ANNA), "una frase lunga");
        let wire = reader(&street, &engine);
        Self { street, engine, wire }
    }

    fn ok(&mut self, command: &str) -> String {
        let answer = self.wire.say(format!("t {command}\r\n"));
        assert!(answer.contains("t OK"), "{}: {}", &command[..command.len().min(80)], &answer[..answer.len().min(300)]);
        answer
    }

    fn messages(&mut self, folder: &str) -> u32 {
        let told = self.ok(&format!("STATUS {folder} (MESSAGES)"));
        told.split("MESSAGES ").nth(1).and_then(|t| t.split(')').next()?.parse().ok()).expect("a number")
    }

    /// Writes that the mailbox holds so much.
    fn fill(&self, bytes: u64, messages: u64) {
        let house = &self.street.houses[0];
        let key = KeyBuilder::new(tag::BOX_USAGE).mailbox(house.login(&address(ANNA)).mailbox);
        rows::put(&house.store, &key, &(bytes, messages));
    }

    /// Sends a command and does one piece of its work.
    fn begin(&mut self, command: &str) {
        self.wire.connection.input(self.wire.tick, format!("t {command}\r\n").as_bytes());
        assert!(matches!(self.wire.connection.step(), front::Step::Work { .. }));
        self.wire.connection.work(self.wire.now, self.wire.tick);
    }

    /// What it is answered in the end.
    fn end(&mut self) -> String {
        String::from_utf8(self.wire.hear()).expect("ASCII")
    }

    /// So many messages in this folder.
    fn crowd(&mut self, folder: &str, messages: u32) {
        self.ok("CREATE Fabbrica");
        self.ok("APPEND Fabbrica {18+}\r\nSubject: x\r\n\r\nciao");
        self.ok("SELECT Fabbrica");
        let mut here = 1;
        while here < messages {
            let more = here.min(messages - here);
            self.ok(&format!("COPY 1:{more} Fabbrica"));
            here += more;
            self.ok("NOOP");
        }
        self.ok(&format!("MOVE 1:* {folder}"));
        self.ok(&format!("SELECT {folder}"));
    }
}

fn reader(street: &Street, engine: &Arc<Engine<MemoryStore>>) -> Wire {
    let mut wire = Wire::new(front::imap(Arc::clone(engine), Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    assert!(wire.say(format!("a LOGIN {ANNA} \"una frase lunga\"\r\n")).contains("a OK"));
    wire
}

#[test]
fn a_message_of_parts_takes_them_without_copying_them() {
    let mut desk = Desk::new(61);
    let attachment = "QUFB".repeat(100_000);
    let message = format!(
        "Subject: con allegato\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nprima\r\n--x\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{attachment}\r\n--x--\r\n"
    );
    desk.ok(&format!("APPEND Bozze {{{}+}}\r\n{message}", message.len()));
    let store = desk.street.houses[0].store.clone();
    let before: usize = rows::of(&store, tag::BODY_CHUNK).iter().map(|(_, chunk)| chunk.len()).sum();
    let head = "Subject: di parti\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    desk.ok("SELECT Bozze");
    let told = desk.ok(&format!(
        "REPLACE 1 Bozze (\\Draft) CATENATE (TEXT {{{}+}}\r\n{head} URL \"/Bozze/;UID=1/;SECTION=2\")",
        head.len()
    ));
    assert!(told.contains("* 1 EXPUNGE\r\n") && told.contains("APPENDUID"), "{told}");
    let after: usize = rows::of(&store, tag::BODY_CHUNK).iter().map(|(_, chunk)| chunk.len()).sum();
    assert_eq!(after, before, "the attachment lies where it lay");
    let told = desk.ok("UID FETCH 2 (FLAGS BODY.PEEK[] BINARY.SIZE[1])");
    assert!(told.contains("FLAGS (\\Draft)") && told.contains(&format!("{head}{attachment}")));
    assert!(told.contains("BINARY.SIZE[1] 300000)"), "{}", &told[told.len() - 100..]);
    // The first one goes for good, and what both share stays.
    desk.engine.sweep_messages(None, usize::MAX).expect("swept");
    assert!(desk.ok("UID FETCH 2 BODY.PEEK[]").contains(&attachment));
    assert_clean(&store, "a message of parts");
}

#[test]
fn several_messages_come_in_one_commit_or_not_at_all() {
    let mut desk = Desk::new(62);
    desk.ok("APPEND Bozze {6+}\r\nA: b\r\n (\\Seen) {6+}\r\nC: d\r\n");
    assert_eq!(desk.messages("Bozze"), 2);
    let answer = desk.wire.say("t APPEND Bozze {6+}\r\nA: b\r\n CATENATE (URL \"/Bozze/;UID=9\")\r\n");
    assert!(answer.contains("t NO [BADURL"), "{answer}");
    let answer = desk.wire.say("t APPEND Bozze {6+}\r\nA: b\r\n {0+}\r\n\r\n");
    assert!(answer.contains("t NO"), "{answer}");
    assert_eq!(desk.messages("Bozze"), 2);
    assert_clean(&desk.street.houses[0].store, "afterwards");
}

/// `SIGILLO_CROWD=100000` measures what a large folder takes.
#[test]
fn very_many_messages_are_copied_moved_and_removed_while_mail_comes_in() {
    let many: u32 = std::env::var("SIGILLO_CROWD").ok().and_then(|n| n.parse().ok()).unwrap_or(3_500);
    let mut desk = Desk::new(63);
    desk.crowd("INBOX", many);
    let begun = std::time::Instant::now();
    let took = |what: &str, since: std::time::Instant| eprintln!("{what} of {many}: {:?}", since.elapsed());
    let told = desk.ok("COPY 1:* Inviata");
    assert!(told.contains(&format!("1:{many} 1:{many}] COPY completed")), "{told}");
    took("COPY", begun);
    let mut other = reader(&desk.street, &desk.engine);
    // Page by page; between the pages others come in.
    let begun = std::time::Instant::now();
    desk.wire.connection.input(desk.wire.tick, b"m UID MOVE 1:* Bozze\r\n");
    let (mut heard, mut between) = (Vec::new(), 0);
    loop {
        match desk.wire.connection.step() {
            front::Step::Write(bytes) => heard.extend(bytes),
            front::Step::Work { .. } => {
                desk.wire.connection.work(desk.wire.now, desk.wire.tick);
                if between < 3 {
                    between += 1;
                    let answer = other.say("o APPEND Bozze {6+}\r\nA: b\r\n\r\n");
                    assert!(answer.contains("o OK"), "{answer}");
                }
            }
            _ => break,
        }
    }
    took("MOVE", begun);
    let heard = String::from_utf8(heard).expect("ASCII");
    assert!(heard.contains(&format!(" 1:{many} ")) && heard.contains("m OK"), "{}", &heard[..200]);
    assert_eq!((desk.messages("INBOX"), desk.messages("Bozze")), (0, many + between));
    desk.ok("SELECT Bozze");
    desk.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)");
    let begun = std::time::Instant::now();
    assert_eq!(desk.ok("UID EXPUNGE 1:*").matches(" EXPUNGE\r\n").count(), (many + between) as usize);
    took("UID EXPUNGE", begun);
    assert_eq!((desk.messages("Inviata"), desk.messages("Bozze")), (many, 0));
    assert_clean(&desk.street.houses[0].store, "afterwards");
}

#[test]
fn a_move_that_breaks_off_between_two_pages_has_every_message_once() {
    let mut desk = Desk::new(64);
    desk.crowd("INBOX", 2_500);
    desk.wire.connection.input(desk.wire.tick, b"m MOVE 1:* Bozze\r\n");
    // Two pages, and the connection, or the whole program, is gone.
    let mut pages = 0;
    while pages < 2 {
        if let front::Step::Work { .. } = desk.wire.connection.step() {
            desk.wire.connection.work(desk.wire.now, desk.wire.tick);
            pages += 1;
        }
    }
    desk.wire = reader(&desk.street, &desk.engine);
    assert_eq!((desk.messages("INBOX"), desk.messages("Bozze")), (500, 2_000));
    assert_clean(&desk.street.houses[0].store, "afterwards");
}

#[test]
fn a_compressed_session_says_the_same() {
    use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
    let mut desk = Desk::new(65);
    desk.crowd("Bozze", 50);
    let commands = ["a FETCH 1:* (UID FLAGS BODY.PEEK[])\r\n", "b NOOP\r\nc SEARCH ALL\r\n", "d LOGOUT\r\n"];
    let mut other = reader(&desk.street, &desk.engine);
    other.say("s SELECT Bozze\r\n");
    let plain: String = commands.iter().map(|command| other.say(command)).collect();
    assert!(desk.wire.say("z COMPRESS DEFLATE\r\n").ends_with("z OK DEFLATE active\r\n"));
    let (mut pack, mut unpack) = (Compress::new(Compression::best(), false), Decompress::new(false));
    let (mut heard, mut told) = (Vec::new(), Vec::with_capacity(1 << 20));
    for command in commands {
        let mut packed = Vec::with_capacity(1000);
        pack.compress_vec(command.as_bytes(), &mut packed, FlushCompress::Sync).expect("packed");
        for piece in packed.chunks(3) {
            desk.wire.connection.input(desk.wire.tick, piece);
            heard.extend(desk.wire.hear());
        }
    }
    unpack.decompress_vec(&heard, &mut told, FlushDecompress::None).expect("DEFLATE");
    assert_eq!(String::from_utf8_lossy(&told), plain);
    assert!(desk.wire.closed && heard.len() * 5 < told.len(), "{} of {}", heard.len(), told.len());
}

/// RFC 8437 §4.1: both ends stop compressing with the line that ends the login, and what follows at once is plain.
#[test]
fn a_compressed_connection_that_changes_hands_is_plain_again() {
    use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
    for (flush, cut) in [
        (FlushCompress::Sync, 1000),
        (FlushCompress::Sync, 1),
        (FlushCompress::Finish, 1000),
        (FlushCompress::Finish, 2),
    ] {
        let mut desk = Desk::new(66);
        desk.wire.say("z COMPRESS DEFLATE\r\n");
        let mut pack = Compress::new(Compression::best(), false);
        let mut sent = Vec::with_capacity(1000);
        pack.compress_vec(b"a NOOP\r\n", &mut sent, FlushCompress::Sync).expect("packed");
        pack.compress_vec(b"b UNAUTHENTICATE\r\n", &mut sent, flush).expect("packed");
        sent.extend_from_slice(format!("c LOGIN {ANNA} \"una frase lunga\"\r\nd SELECT INBOX\r\n").as_bytes());
        let mut heard = Vec::new();
        for piece in sent.chunks(cut) {
            desk.wire.connection.input(desk.wire.tick, piece);
            heard.extend(desk.wire.hear());
        }
        let (mut unpack, mut told) = (Decompress::new(false), Vec::with_capacity(10_000));
        let ended = unpack.decompress_vec(&heard, &mut told, FlushDecompress::None).expect("DEFLATE");
        assert_eq!(ended, Status::StreamEnd, "our stream is over, too");
        let told = String::from_utf8_lossy(&told);
        assert!(told.starts_with("a OK ") && told.ends_with("Nobody is logged in\r\n"), "{told}");
        let plain = String::from_utf8_lossy(&heard[usize::try_from(unpack.total_in()).expect("little")..]).into_owned();
        assert!(plain.starts_with("c OK ") && plain.contains("\r\nd OK "), "{plain}");
        assert!(!desk.wire.closed);
    }
}

/// Its client may be silent for half an hour.
#[test]
fn a_compressed_connection_that_waits_holds_little() {
    let mut desk = Desk::new(66);
    assert!(desk.wire.say("z COMPRESS DEFLATE\r\n").ends_with("z OK DEFLATE active\r\n"));
    let idle = desk.wire.connection.deadline();
    // NOOP, compressed: a stored block, then what ends a flush.
    desk.wire.connection.input(desk.wire.tick, b"\x00\x08\x00\xf7\xffa NOOP\r\n\x00\x00\x00\xff\xff");
    assert!(!desk.wire.hear().is_empty());
    let rest = desk.wire.connection.deadline().expect("what compressing holds is given back");
    assert!(Some(rest) < idle && rest == desk.wire.tick.plus_ms(5_000));
    desk.wire.connection.timeout(rest);
    assert!(desk.wire.connection.deadline() > Some(rest), "and that is over until something is said");
}

#[test]
fn what_comes_at_once_fits_into_one_commit_whatever_is_kept_beside_it() {
    let mut desk = Desk::new(65);
    // More headers than a commit holds: the summaries of the last ones are made when they are asked for.
    let header: String = (0..50).map(|n| format!("X-Riga-{n}: {}\r\n", "x".repeat(70))).collect();
    let message = |n: usize| format!("Subject: n. {n}\r\nMessage-ID: <{n}@x.example>\r\n{header}\r\nciao\r\n");
    let command: String = (0..300).map(|n| format!(" {{{}+}}\r\n{}", message(n).len(), message(n))).collect();
    desk.ok(&format!("APPEND Inviata{command}"));
    assert_eq!(desk.messages("Inviata"), 300);
    desk.ok("SELECT Inviata");
    let told = desk.ok("FETCH 1:300 (ENVELOPE)");
    assert!(told.contains("\"n. 0\"") && told.contains("\"n. 299\""), "each has its own");
    // And more short parts than it holds.
    let part = |n: usize, which: &str| format!("{which} {n} {}\r\n", "abcdefgh".repeat(2_000));
    let command: String = (0..100)
        .map(|n| {
            let (head, one, two) = ("Subject: parti\r\n\r\n", part(n, "prima"), part(n, "seconda"));
            let text = |text: &str| format!("TEXT {{{}+}}\r\n{text}", text.len());
            let url = "URL \"/Inviata/;UID=1/;SECTION=TEXT\"";
            format!(" CATENATE ({} {} {url} {})", text(head), text(&one), text(&two))
        })
        .collect();
    desk.ok(&format!("APPEND Bozze{command}"));
    desk.ok("SELECT Bozze");
    let told = desk.ok("FETCH 100 BODY.PEEK[]");
    let expected = format!("Subject: parti\r\n\r\n{}ciao\r\n{}", part(99, "prima"), part(99, "seconda"));
    assert!(told.contains(&format!("{{{}}}\r\n{expected})", expected.len())), "{}", &told[..200]);
    assert_clean(&desk.street.houses[0].store, "afterwards");
}

fn keywords(count: usize, mark: &str) -> String {
    (0..count).map(|n| format!("{mark}{n:0>200}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_cannot_be_one_commit_is_refused_as_too_much() {
    let mut desk = Desk::new(66);
    let one = format!(" ({}) {{6+}}\r\nA: b\r\n", keywords(9, "k"));
    let answer = desk.wire.say(format!("t APPEND Bozze{}\r\n", one.repeat(700)));
    assert!(answer.contains("t NO [LIMIT] "), "{}", &answer[answer.len().saturating_sub(200)..]);
    assert_eq!(desk.messages("Bozze"), 0);
    desk.ok(&format!("APPEND Bozze{}", one.repeat(200)));
}

#[test]
fn messages_with_many_keywords_are_changed_copied_and_moved_by_as_many_as_fit() {
    let mut desk = Desk::new(67);
    desk.ok(&format!("APPEND Bozze ({}) {{6+}}\r\nA: b\r\n", keywords(9, "k")));
    desk.ok("SELECT Bozze");
    for _ in 0..10 {
        desk.ok("COPY 1:* Bozze");
        desk.ok("NOOP");
    }
    // No message takes more, and one that is refused stays as it is.
    let answer = desk.wire.say(format!("t STORE 1 +FLAGS (ancora{:0>200})\r\n", 1));
    assert!(answer.contains("t NO [LIMIT] "), "{answer}");
    desk.ok(&format!("STORE 1 +FLAGS (\\Seen K{:0>200})", 7));
    assert!(!desk.ok("UID FETCH 1 FLAGS").contains("ancora"));
    desk.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)");
    assert!(desk.ok("STATUS Bozze (MESSAGES)").contains("(MESSAGES 1024)"));
    assert!(desk.ok("SEARCH RETURN (COUNT) FLAGGED").contains("COUNT 1024"));
    desk.ok("MOVE 1:* INBOX");
    desk.ok("RENAME INBOX Vecchia");
    assert_eq!(desk.messages("Vecchia"), 1024);
    let log = rows::of(&desk.street.houses[0].store, tag::FOLDER_CHANGES).len();
    assert!(log > 8, "{log}: several commits for each");
    desk.ok("SELECT Vecchia");
    assert!(desk.ok("FETCH 1024 FLAGS").contains(&format!("k{:0>200}", 8)));
    assert_clean(&desk.street.houses[0].store, "afterwards");
}

/// Between two pages its target gets another name, and another folder gets that name.
#[test]
fn a_copy_that_gives_up_takes_back_its_own_copies_and_nothing_else() {
    let mut desk = Desk::new(68);
    desk.crowd("INBOX", 1_500);
    desk.ok("CREATE Prima");
    desk.ok("CREATE Altra");
    desk.ok("COPY 1:* Altra");
    let mut other = reader(&desk.street, &desk.engine);
    desk.begin("COPY 1:* Prima");
    assert!(other.say("o DELETE Prima\r\n").contains("o OK"));
    let answer = desk.end();
    assert!(answer.contains("t NO [NONEXISTENT] ") && !answer.contains("rimasta"), "{answer}");
    desk.ok("CREATE Prima");
    desk.begin("COPY 1:* Prima");
    assert!(other.say("o RENAME Prima Dopo\r\n").contains("o OK"));
    assert!(other.say("o RENAME Altra Prima\r\n").contains("o OK"));
    let answer = desk.end();
    assert!(answer.contains(" 1:1500 1:1500] COPY completed"), "{answer}");
    assert_eq!((desk.messages("Dopo"), desk.messages("Prima")), (1_500, 1_500));
    assert_clean(&desk.street.houses[0].store, "so far");
    desk.ok("CREATE Altra");
    desk.begin("COPY 1:* Altra");
    assert!(other.say("o RENAME Altra Ultima\r\n").contains("o OK"));
    assert!(other.say("o RENAME Prima Altra\r\n").contains("o OK"));
    desk.fill(3 << 30, 10_000);
    let answer = desk.end();
    assert!(answer.contains("t NO [OVERQUOTA] "), "{answer}");
    assert_eq!((desk.messages("Ultima"), desk.messages("Altra")), (0, 1_500), "no other mail went");
}

/// RFC 8508 §3.4: what the commit takes is not refused before.
#[test]
fn a_message_that_takes_the_place_of_another_needs_no_room_beside_it() {
    let mut desk = Desk::new(69);
    let literal = |octets: usize| format!("{{{octets}+}}\r\n{}", "x".repeat(octets));
    desk.ok(&format!("APPEND Bozze {}", literal(5_000)));
    desk.ok("SELECT Bozze");
    desk.fill((3 << 30) - 1_000, 1);
    let answer = desk.wire.say(format!("t REPLACE 1 Bozze {}\r\n", literal(6_001)));
    assert!(answer.contains("t NO [OVERQUOTA] "), "{answer}");
    desk.ok(&format!("REPLACE 1 Bozze {}", literal(6_000)));
    desk.ok(&format!("REPLACE 1 Bozze CATENATE (TEXT {} TEXT {})", literal(3_000), literal(3_000)));
    // A box that holds too much takes what makes it hold no more than it may.
    desk.fill((3 << 30) + 1_000, 1);
    let part = |octets: usize| format!("REPLACE 1 Bozze CATENATE (URL \"/;UID=3/;PARTIAL=0.{octets}\")");
    let answer = desk.wire.say(format!("t {}\r\n", part(5_001)));
    assert!(answer.contains("t NO [OVERQUOTA] "), "{answer}");
    desk.ok(&part(5_000));
    assert_eq!(desk.messages("Bozze"), 1);
}

/// A spool that knows how many messages lie in it: who has one has a reference.
struct Counted(Arc<()>);

struct Place {
    bytes: Cursor<Vec<u8>>,
    _lies: Arc<()>,
}

impl Spool for Counted {
    fn open(&self) -> Result<Box<dyn Spooled>> {
        Ok(Box::new(Place { bytes: Cursor::default(), _lies: Arc::clone(&self.0) }))
    }
}

impl Read for Place {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        self.bytes.read(bytes)
    }
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn a_message_that_is_refused_does_not_stay_in_the_spool() {
    let desk = Desk::new(70);
    let house = &desk.street.houses[0];
    let lying = Arc::new(());
    let doors = Doors { spool: Arc::new(Counted(Arc::clone(&lying))), ..Doors::default() };
    let engine = Arc::new(Engine::open(house.store.clone(), Setup { doors, ..house.setup() }).expect("it starts"));
    let mut wire = reader(&desk.street, &engine);
    let before = Arc::strong_count(&lying);
    let text = "Una riga fra tante.\r\n".repeat(100_000);
    let cases = [
        (format!("APPEND Bozze {{{}+}}\r\n{text}\0", text.len() + 1), "\r\n", "t BAD "),
        (format!("APPEND Bozze {{{}+}}\r\n{text}", text.len()), " x\r\n", "t BAD "),
        (format!("APPEND Bozze {{{}+}}\r\n{text}", text.len()), " {999999999}\r\n", "t NO [TOOBIG] "),
        (format!("APPEND Bozze CATENATE (TEXT {{{}+}}\r\n{text}", text.len()), " URL \"/x\")\r\n", "t NO [BADURL "),
    ];
    for (begin, end, answer) in cases {
        assert_eq!(wire.say(format!("t {begin}")), "");
        assert_eq!(Arc::strong_count(&lying), before + 1, "it lies there");
        let told = wire.say(end);
        assert!(told.contains(answer), "{told}");
        assert_eq!(Arc::strong_count(&lying), before, "and not any more: {answer}");
    }
    assert!(wire.say(format!("t APPEND Bozze {{{}+}}\r\n{text}\r\n", text.len())).contains("t OK "));
}
