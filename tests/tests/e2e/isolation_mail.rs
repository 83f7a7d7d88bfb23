//! Administrations do not see each other by mail either (SEC-05): who has a mailbox of one says, at every door and in every way
//! of logging in, that he is somebody of another, and asks for what is of another by every name that a command takes.
//!
//! Whatever is of the other bears a mark that nobody of the first ever says. No octet that he is sent may hold it; whoever holds
//! the other mailbox is shown it by the same questions. Claims and commands are drawn by a row of numbers that is the same every time.

use std::io::{Read, Write};
use std::net::TcpStream;

use data_encoding::BASE64;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::ssl::{SslConnector, SslStream};
use sigillo_tests::demo::Guard;

use crate::administration::{COMUNE, ENTE, two_administrations};
use crate::doors::{changed, connect, trusting};
use crate::rates::{ANNA, BRUNO, ask};
use crate::serve::Sample;

/// Stands in everything of the other administration, and in nothing that the first says.
const MARK: &str = "zq93f1";
const SECRET: &str = "quattro cavalli neri";
/// Logins that are tried, and commands that are given at each door.
const CLAIMS: usize = 96;
const OF_IMAP: usize = 600;
const OF_OTHERS: usize = 80;
/// Who tries at once: each failure waits for its answer.
const AT_ONCE: usize = 24;

/// A door under TLS, by its port after the sample's base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Imap = 4,
    Pop3 = 6,
    Smtp = 2,
}

const DOORS: [Door; 3] = [Door::Imap, Door::Pop3, Door::Smtp];

/// A row of numbers.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

/// A client that looks at every octet.
struct Client {
    door: Door,
    stream: SslStream<TcpStream>,
    /// Whether it may be shown what is marked.
    theirs: bool,
    closed: bool,
}

impl Client {
    fn new(sample: &Sample, connector: &SslConnector, door: Door) -> Self {
        let stream = connector.connect("localhost", connect(sample, door as u16)).expect("TLS");
        let mut client = Self { door, stream, theirs: false, closed: false };
        let greeting = client.line();
        assert!(["* OK", "+OK", "220"].iter().any(|fine| greeting.starts_with(fine)), "{greeting}");
        if door == Door::Smtp {
            client.say("EHLO pc");
        }
        client
    }

    /// One line; empty at the end of the connection.
    fn line(&mut self) -> String {
        let (mut line, mut octet) = (Vec::new(), [0]);
        while !line.ends_with(b"\n") {
            match self.stream.read(&mut octet) {
                Ok(1) => line.push(octet[0]),
                _ => {
                    self.closed = true;
                    break;
                }
            }
        }
        String::from_utf8_lossy(&line).into_owned()
    }

    /// All of an answer, or of an invitation to go on.
    fn answer(&mut self, to: &str) -> String {
        let mut all = String::new();
        let many = |first: &str| {
            let verb = to.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let alone = !to.trim().contains(' ');
            first.starts_with("+OK")
                && (["RETR", "TOP", "CAPA"].contains(&verb.as_str())
                    || alone && ["LIST", "UIDL"].contains(&verb.as_str()))
        };
        loop {
            let line = self.line();
            let first = all.is_empty();
            all += &line;
            let ended = match self.door {
                _ if self.closed => true,
                Door::Smtp => line.as_bytes().get(3) != Some(&b'-'),
                Door::Imap => line.starts_with("z ") || line.starts_with('+'),
                Door::Pop3 if first => !many(&line),
                Door::Pop3 => line == ".\r\n",
            };
            if ended {
                let told = all.to_ascii_lowercase().contains(MARK);
                assert!(self.theirs || !told, "{:?}: {to:?}: told {all}", self.door);
                return all;
            }
        }
    }

    fn say(&mut self, line: &str) -> String {
        // Whoever is not heard any more is told so by the end of the connection.
        if self.stream.write_all(format!("{line}\r\n").as_bytes()).is_err() {
            self.closed = true;
        }
        self.answer(line)
    }

    fn imap(&mut self, command: &str) -> String {
        self.say(&format!("z {command}"))
    }

    /// An exchange of SASL: what is said first, and what answers each challenge. Whether it lets in.
    fn sasl(&mut self, mechanism: &str, first: Option<&[u8]>, mut next: impl FnMut(&str) -> Option<Vec<u8>>) -> bool {
        let verb = if self.door == Door::Imap { "z AUTHENTICATE" } else { "AUTH" };
        let first = first.map(|first| format!(" {}", BASE64.encode(first))).unwrap_or_default();
        let mut said = self.say(&format!("{verb} {mechanism}{first}"));
        while said.starts_with("334") || said.starts_with('+') && !said.starts_with("+OK") {
            let challenge = said.split_once(' ').map(|(_, text)| text.trim()).unwrap_or_default();
            let challenge = BASE64.decode(challenge.as_bytes()).unwrap_or_default();
            let answer = next(&String::from_utf8_lossy(&challenge)).map_or("*".to_owned(), |text| BASE64.encode(&text));
            said = self.say(&answer);
        }
        let last = said.lines().last().unwrap_or_default();
        last.starts_with("z OK") || last.starts_with("+OK") || last.starts_with("235")
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(key).expect("a key");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
    signer.sign_oneshot_to_vec(text).expect("a sum")
}

/// The client's last word (RFC 5802 §3).
fn proof(header: &str, bare: &str, server: &str, password: &str) -> Option<Vec<u8>> {
    let field = |name: &str| server.split(',').find_map(|field| field.strip_prefix(name));
    let salt = BASE64.decode(field("s=")?.as_bytes()).ok()?;
    let mut salted = [0; 32];
    let rounds = field("i=")?.parse().ok()?;
    openssl::pkcs5::pbkdf2_hmac(password.as_bytes(), &salt, rounds, MessageDigest::sha256(), &mut salted).ok()?;
    let key = hmac(&salted, b"Client Key");
    let without = format!("c={},r={}", BASE64.encode(header.as_bytes()), field("r=")?);
    let signature = hmac(&openssl::sha::sha256(&key), format!("{bare},{server},{without}").as_bytes());
    let proof: Vec<u8> = key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
    Some(format!("{without},p={}", BASE64.encode(&proof)).into_bytes())
}

/// A claim: a way, who proves himself and by what, who he wants to be.
#[derive(Debug, Clone, Copy)]
struct Claim {
    door: Door,
    way: &'static str,
    user: &'static str,
    password: &'static str,
    as_whom: &'static str,
}

const WAYS: [&str; 8] =
    ["PLAIN", "PLAIN, asked", "LOGIN", "SCRAM-SHA-256", "the protocol's own", "EXTERNAL", "OAUTHBEARER", "CRAM-MD5"];
const USERS: [&str; 12] = [
    ANNA,
    ANNA,
    BRUNO,
    "BRUNO@ENTE-ESEMPIO.EXAMPLE",
    "bruno@ente-esempio.example/anna@comune-esempio.example",
    "anna@comune-esempio.example/bruno@ente-esempio.example",
    "bruno@ente-esempio.example*anna@comune-esempio.example",
    "bruno%ente-esempio.example@comune-esempio.example",
    "bruno",
    "bruno@comune-esempio.example",
    "anna@ente-esempio.example",
    "posta-certificata@pec.esempio.example",
];
const PASSWORDS: [&str; 4] = ["segreta", "segreta", "sgt_sbagliato", ""];
const WHOM: [&str; 7] = [
    "",
    "",
    BRUNO,
    BRUNO,
    "bruno@ente-esempio.example/anna@comune-esempio.example",
    "u:bruno@ente-esempio.example",
    "posta-certificata@pec.esempio.example",
];

impl Claim {
    fn draw(draw: &mut Draw) -> Self {
        let door = DOORS[draw.below(DOORS.len())];
        let (way, user) = (draw.of(&WAYS), draw.of(&USERS));
        Self { door, way, user, password: draw.of(&PASSWORDS), as_whom: draw.of(&WHOM) }
    }

    /// Whether somebody who says this is let in: as who proves himself by his own password, and as nobody else.
    fn is_good(&self) -> bool {
        let himself = self.as_whom.is_empty() || matches!(self.way, "LOGIN" | "the protocol's own");
        let proves = matches!(self.way, "PLAIN" | "PLAIN, asked" | "LOGIN" | "SCRAM-SHA-256");
        let own = self.way == "the protocol's own" && self.door != Door::Smtp;
        self.user == ANNA && self.password == "segreta" && himself && (proves || own)
    }

    fn tried(&self, client: &mut Client) -> bool {
        let Self { user, password, as_whom, .. } = *self;
        let plain = format!("{as_whom}\0{user}\0{password}").into_bytes();
        match self.way {
            "PLAIN" => client.sasl("PLAIN", Some(&plain), |_| None),
            "PLAIN, asked" => client.sasl("PLAIN", None, |_| Some(plain.clone())),
            "LOGIN" => {
                let mut said = [password, user].map(|text| text.as_bytes().to_vec()).to_vec();
                client.sasl("LOGIN", None, |_| said.pop())
            }
            "SCRAM-SHA-256" => {
                let whom = if as_whom.is_empty() { String::new() } else { format!("a={as_whom}") };
                let (header, bare) = (format!("n,{whom},"), format!("n={user},r=abcdefgh"));
                let mut asked = 0;
                client.sasl("SCRAM-SHA-256", Some(format!("{header}{bare}").as_bytes()), |server| {
                    asked += 1;
                    if asked == 1 { proof(&header, &bare, server, password) } else { Some(Vec::new()) }
                })
            }
            "EXTERNAL" => client.sasl("EXTERNAL", Some(as_whom.as_bytes()), |_| Some(as_whom.as_bytes().to_vec())),
            "OAUTHBEARER" => {
                let first = format!("n,a={as_whom},\u{1}auth=Bearer {password}\u{1}\u{1}");
                client.sasl("OAUTHBEARER", Some(first.as_bytes()), |_| Some(vec![1]))
            }
            "CRAM-MD5" => client.sasl("CRAM-MD5", None, |_| Some(format!("{user} 0123456789abcdef").into_bytes())),
            _ => match client.door {
                Door::Imap => client.imap(&format!("LOGIN \"{user}\" \"{password}\"")).starts_with("z OK"),
                Door::Pop3 => {
                    let apop = client.say(&format!("APOP {user} c4c9334bac560ecc979e58001b3e22fb"));
                    assert!(apop.starts_with("-ERR"), "{apop}");
                    client.say(&format!("USER {user}"));
                    client.say(&format!("PASS {password}")).starts_with("+OK")
                }
                Door::Smtp => client.say(&format!("MAIL FROM:<{user}>")).starts_with("250"),
            },
        }
    }
}

/// Names that the other's folders and mailbox might have.
const NAMES: [&str; 14] = [
    BRUNO,
    "user/bruno@ente-esempio.example",
    "user/bruno@ente-esempio.example/INBOX",
    "user.bruno.INBOX",
    "Other Users/bruno@ente-esempio.example/INBOX",
    "Shared/ente-esempio.example/bruno",
    "#user/bruno@ente-esempio.example",
    "#shared/INBOX",
    "~bruno/INBOX",
    "../bruno@ente-esempio.example/INBOX",
    "/2/INBOX",
    "2",
    "INBOX/../../bruno",
    "INBOX",
];
const PATTERNS: [&str; 8] = ["*", "%", "*/*", "*bruno*", "user/%/INBOX", "Other Users/*", "../*", "~bruno/*"];
const SOMEBODY: [&str; 8] = [
    BRUNO,
    "bruno",
    "-bruno@ente-esempio.example",
    "bruno@ente-esempio.example/paghe",
    "anyone",
    "authenticated",
    "administrators",
    "tutti@ente-esempio.example",
];
const URLS: [&str; 7] = [
    "imap://bruno%40ente-esempio.example@localhost/INBOX/;UID=1",
    "imap://bruno%40ente-esempio.example;AUTH=*@localhost/INBOX;UIDVALIDITY=1/;UID=1",
    "imap://localhost/user%2fbruno%40ente-esempio.example/INBOX/;UID=1",
    "/user/bruno@ente-esempio.example/INBOX/;UID=1",
    "/..%2fbruno/INBOX/;UID=1/;SECTION=TEXT",
    "/INBOX/;UID=1;URLAUTH=user+bruno:internal",
    "/2/INBOX/;UID=2",
];
const TEXT: &str = "Message-ID: <a@x>\r\n\r\nx\r\n";

/// A command that asks for what is of the other.
fn command(draw: &mut Draw) -> String {
    let (name, other, who) = (draw.of(&NAMES), draw.of(&NAMES), draw.of(&SOMEBODY));
    let (pattern, url, n) = (draw.of(&PATTERNS), draw.of(&URLS), draw.below(5) + 1);
    let size = TEXT.len();
    match draw.below(34) {
        0 => format!("LIST \"\" \"{pattern}\""),
        1 => format!("LIST \"{name}\" \"{pattern}\""),
        2 => format!("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (\"{pattern}\" \"{name}\") RETURN (CHILDREN SPECIAL-USE)"),
        3 => format!("LIST \"\" (\"{pattern}\" \"{name}\") RETURN (STATUS (MESSAGES UIDNEXT MAILBOXID) MYRIGHTS)"),
        4 => format!("LSUB \"{name}\" \"{pattern}\""),
        5 => format!("STATUS \"{name}\" (MESSAGES UNSEEN UIDVALIDITY MAILBOXID)"),
        6 => format!("SELECT \"{name}\""),
        7 => format!("EXAMINE \"{name}\" (QRESYNC (1 1))"),
        8 => format!("GETACL \"{name}\""),
        9 => format!("MYRIGHTS \"{name}\""),
        10 => format!("LISTRIGHTS \"{name}\" \"{who}\""),
        11 => format!("SETACL \"{name}\" \"{who}\" lrswipkxtea"),
        12 => format!("DELETEACL \"{name}\" \"{who}\""),
        13 => format!("GETMETADATA (DEPTH infinity) \"{name}\" (/shared /private)"),
        14 => "GETMETADATA \"\" (/shared/comment /private/comment /shared/admin)".to_owned(),
        15 => format!("SETMETADATA \"{name}\" (/shared/comment \"x\")"),
        16 => format!("GETQUOTAROOT \"{name}\""),
        17 => format!("GETQUOTA \"{name}\""),
        18 => format!("SUBSCRIBE \"{name}\""),
        19 => format!("UNSUBSCRIBE \"{name}\""),
        20 => format!("RENAME \"{name}\" \"mia/{n}\""),
        21 => format!("DELETE \"{name}\""),
        22 => format!("COPY {n} \"{name}\""),
        23 => format!("UID MOVE {n} \"{name}\""),
        24 => format!("APPEND INBOX CATENATE (URL \"{url}\")"),
        25 => format!("APPEND INBOX CATENATE (TEXT {{{size}+}}\r\n{TEXT} URL \"{url}\")"),
        26 => format!("REPLACE {n} \"{name}\" {{{size}+}}\r\n{TEXT}"),
        27 => format!("ESEARCH IN (mailboxes (\"{name}\" \"{other}\") subtree \"{name}\") ALL"),
        28 => format!(
            "NOTIFY SET STATUS (mailboxes (\"{name}\") (MessageNew MessageExpunge)) (subtree \"{other}\" (MailboxName))"
        ),
        29 => format!("UID FETCH {n}:* (FLAGS ENVELOPE BODY.PEEK[] PREVIEW EMAILID)"),
        30 => format!("UID SEARCH RETURN (ALL) EMAILID {n} OR FROM \"bruno\" HEADER To \"{who}\""),
        31 => format!("UID THREAD X-CONVERSATION UTF-8 TEXT \"{who}\""),
        32 => format!("CREATE \"{name}/mia\""),
        _ => format!("URLFETCH \"{url}\""),
    }
}

fn of_pop3(draw: &mut Draw) -> String {
    let n = [0, 1, 2, 3, 999, usize::MAX][draw.below(6)];
    match draw.below(9) {
        0 => format!("RETR {n}"),
        1 => format!("TOP {n} 100"),
        2 => "LIST".to_owned(),
        3 => "UIDL".to_owned(),
        4 => format!("DELE {n}"),
        5 => format!("USER {}", draw.of(&USERS)),
        6 => format!("APOP {} c4c9334bac560ecc979e58001b3e22fb", draw.of(&USERS)),
        7 => format!("XTND {}", draw.of(&NAMES)),
        _ => "STAT".to_owned(),
    }
}

fn of_smtp(draw: &mut Draw) -> String {
    let theirs = [BRUNO, "BRUNO@Ente-Esempio.example", "tutti@ente-esempio.example", "chiunque@ente-esempio.example"];
    let from = draw.of(&theirs);
    match draw.below(7) {
        0 => format!("MAIL FROM:<{from}>"),
        1 => format!("MAIL FROM:<{from}> AUTH=<{ANNA}> SIZE=10"),
        2 => format!("MAIL FROM:<@{COMUNE}:{from}>"),
        3 => format!("MAIL FROM:<\"{from}\"@{ENTE}>"),
        4 => format!("VRFY {from}"),
        5 => format!("EXPN {from}"),
        _ => format!("HELP {from}"),
    }
}

/// What is asked of a mailbox; who holds the other one is shown the mark by each.
const QUESTIONS: [&str; 6] = [
    "LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT HIGHESTMODSEQ))",
    "LSUB \"\" \"*\"",
    "GETACL INBOX",
    "GETMETADATA (DEPTH infinity) INBOX (/shared /private)",
    "GETMETADATA \"\" (/private/comment)",
    "UID FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[] PREVIEW)",
];

/// The two of the street, and everything of bruno's with the mark.
fn street() -> (Sample, Guard) {
    // Whoever fails is not to be locked out here: he waits for each answer all the same.
    let sample = changed(&[
        ("login_failures = 5", "login_failures = 100000"),
        ("login_failures_per_address = 50", "login_failures_per_address = 100000"),
    ]);
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    sample.add(BRUNO, SECRET);
    two_administrations(&sample);
    ask(&sample, &["list", "set", &format!("tutti@{ENTE}"), BRUNO], "");
    ask(&sample, &["credential", "add", BRUNO, MARK, "--rights", "read"], "");
    (sample, guard)
}

/// What bruno is answered, when he asks.
fn his(client: &mut Client) -> Vec<String> {
    assert!(client.imap("SELECT INBOX").contains("z OK"));
    // The first that asks for mod-sequences is told that they are on.
    client.imap("NOOP");
    client.imap("STATUS INBOX (HIGHESTMODSEQ)");
    let answers: Vec<String> = QUESTIONS.iter().map(|question| client.imap(question)).collect();
    for (question, answer) in QUESTIONS.iter().zip(&answers) {
        assert!(answer.to_ascii_lowercase().contains(MARK), "{question}: there is nothing to be found: {answer}");
    }
    answers
}

fn fills(client: &mut Client) {
    let text = format!("From: {BRUNO}\r\nSubject: Delibera {MARK}\r\nMessage-ID: <{MARK}@x>\r\n\r\nTesto {MARK}.\r\n");
    for command in [
        format!("CREATE \"Fascicolo {MARK}\""),
        format!("SUBSCRIBE \"Fascicolo {MARK}\""),
        format!("APPEND INBOX ({MARK}) {{{}+}}\r\n{text}", text.len()),
        format!("APPEND \"Fascicolo {MARK}\" {{{}+}}\r\n{text}", text.len()),
        format!("SETACL INBOX {BRUNO}/{MARK} lr"),
        format!("SETMETADATA INBOX (/private/comment \"{MARK}\" /shared/comment \"{MARK}\")"),
        format!("SETMETADATA \"\" (/private/comment \"{MARK}\" /shared/comment \"{MARK}\")"),
    ] {
        let said = client.imap(&command);
        assert!(said.contains("z OK"), "{command}: {said}");
    }
}

/// Whoever is anna after all is shown nothing either, and is nobody else.
fn is_anna(client: &mut Client) {
    match client.door {
        Door::Imap => {
            assert!(client.imap("SELECT INBOX").contains("z OK"));
            for question in QUESTIONS {
                client.imap(question);
            }
        }
        Door::Pop3 => drop(client.say("UIDL")),
        Door::Smtp => {
            let said = client.say(&format!("MAIL FROM:<{BRUNO}>"));
            assert!(said.starts_with("553 5.7.1"), "{said}");
        }
    }
}

/// Anna, as she is.
fn anna(sample: &Sample, connector: &SslConnector, door: Door) -> Client {
    let mut client = Client::new(sample, connector, door);
    let claim = Claim { door, way: "PLAIN", user: ANNA, password: "segreta", as_whom: "" };
    assert!(claim.tried(&mut client), "{door:?}");
    client
}

#[test]
fn whoever_says_he_is_of_another_administration_is_nobody_and_hears_nothing() {
    let (sample, _guard) = street();
    let connector = trusting(&sample);
    let mut bruno = Client::new(&sample, &connector, Door::Imap);
    bruno.theirs = true;
    assert!(bruno.imap(&format!("LOGIN {BRUNO} \"{SECRET}\"")).contains("z OK"));
    fills(&mut bruno);
    let before = his(&mut bruno);

    // Claims, many at once.
    let mut draw = Draw(20_261_101);
    let claims: Vec<Claim> = (0..CLAIMS).map(|_| Claim::draw(&mut draw)).collect();
    assert!(claims.iter().any(Claim::is_good) && claims.iter().any(|c| c.user == ANNA && c.as_whom == BRUNO));
    let try_all = |part: &[Claim]| {
        for claim in part {
            let mut client = Client::new(&sample, &connector, claim.door);
            assert_eq!(claim.tried(&mut client), claim.is_good(), "{claim:?}");
            if claim.is_good() {
                is_anna(&mut client);
            }
        }
    };
    std::thread::scope(|scope| {
        for part in claims.chunks(CLAIMS.div_ceil(AT_ONCE)) {
            scope.spawn({
                let try_all = &try_all;
                move || try_all(part)
            });
        }
    });

    // Commands of one who is let in.
    for door in DOORS {
        let mut client = anna(&sample, &connector, door);
        for at in 0..if door == Door::Imap { OF_IMAP } else { OF_OTHERS } {
            if client.closed {
                client = anna(&sample, &connector, door); // after so many mistakes
            }
            if door == Door::Imap && at % 20 == 0 {
                client.imap(&format!("APPEND INBOX {{{}+}}\r\n{TEXT}", TEXT.len()));
                client.imap("SELECT INBOX");
            }
            match door {
                Door::Imap => drop(client.imap(&command(&mut draw))),
                Door::Pop3 => drop(client.say(&of_pop3(&mut draw))),
                Door::Smtp => {
                    let line = of_smtp(&mut draw);
                    let said = client.say(&line);
                    assert!(!(line.starts_with("MAIL") && said.starts_with('2')), "{line}: {said}");
                }
            }
        }
    }
    assert_eq!(his(&mut bruno), before, "something of his was changed");
}
