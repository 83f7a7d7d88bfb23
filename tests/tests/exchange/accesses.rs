//! Who comes in to a mailbox, who does not and what he is told, and what is written down of both (ACC-03, AUD-02).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sigillo_accounts::{Block, CredentialName, Request};
use sigillo_base::{Secret, Timestamp};
use sigillo_engine::{
    Access, Change, Kept, NoAnswer, Peer, Reading, Register, Tokens, access_line, front, reading_line,
};
use sigillo_smtp::server::Role;
use sigillo_store::memory::{Fault, Plan};
use sigillo_store::tag;
use sigillo_tests::fixtures::NOW;
use sigillo_tests::wire::Wire;

use super::check::assert_clean;
use super::expiry::expire;
use super::rights::{ANNA, Office, dora_name};
use super::rows;

const PASSWORD: &str = "una frase lunga";

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

/// A new IMAP client at this time, from this address.
fn client(office: &Office, now: Timestamp, ip: IpAddr) -> Wire {
    let mut wire = Wire::new(front::imap(Arc::clone(&office.engine), Peer { ip }, true, Default::default()), now);
    wire.hear();
    wire
}

/// What a login is answered, after the wait that a refusal has.
fn login(wire: &mut Wire, user: &str, password: &str) -> String {
    let said = wire.say(format!("a LOGIN {user} \"{password}\"\r\n"));
    if said.is_empty() { wire.wait() } else { said }
}

fn peer(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn all(office: &Office) -> Vec<Access> {
    office.engine.accesses(office.mailbox, (NOW, after(1 << 40)), None, 10_000).expect("read").0
}

#[test]
fn who_may_not_come_in_hears_why_and_where_to_go() {
    let office = Office::new(51);
    let (owner, dora) = (CredentialName::owner(), format!("{ANNA}/dora"));
    let told = |user: &str, now| login(&mut client(&office, now, peer(1)), user, PASSWORD);
    let state = |name: &CredentialName, change, expires| {
        office.engine.set_standing(office.mailbox, name, change, expires).expect("changed");
    };
    state(&dora_name(), Some(true), None);
    let said = told(&dora, after(1));
    assert!(said.contains("a NO [EXPIRED] La password e' da cambiare") && said.contains("rivolgersi al"), "{said}");
    state(&dora_name(), Some(false), Some(Some(after(100))));
    assert!(told(&dora, after(99)).contains("a OK"));
    assert!(told(&dora, after(100)).contains("a NO [EXPIRED] La password e' scaduta"));
    assert!(told(ANNA, after(100)).contains("a OK"), "each credential for itself");
    state(&dora_name(), None, Some(None));
    assert!(told(&dora, after(100)).contains("a OK"));
    state(&owner, Some(true), None);
    // Who does not know the password hears nothing of it.
    let said = login(&mut client(&office, after(101), peer(2)), ANNA, "sbagliata");
    assert!(said.contains("a NO [AUTHENTICATIONFAILED]"), "{said}");
    state(&owner, Some(false), None);
    // A block is for everybody, and for who is inside already.
    let mut inside = client(&office, after(102), peer(1));
    assert!(login(&mut inside, ANNA, PASSWORD).contains("a OK"));
    let block = Block { since: 0, until: Some(after(200).as_millis()), reason: "in mora".into() };
    office.engine.change(office.mailbox, &Change::Block(block), &Request::own(NOW)).expect("blocked");
    let said = inside.say("b SELECT INBOX\r\n");
    assert!(said.contains("* BYE La casella e' bloccata dal 01/01/1970 alle 01:00:00 al "), "{said}");
    for user in [ANNA, &dora] {
        let said = told(user, after(103));
        assert!(said.contains("a NO [CONTACTADMIN] La casella e' bloccata") && !said.contains("mora"), "{said}");
    }
    let mut smtp = Wire::new(
        front::smtp(Arc::clone(&office.engine), Role::Submission, Peer::LOCAL, true, Default::default()),
        after(104),
    );
    smtp.hear();
    smtp.say("EHLO x\r\n");
    let plain = data_encoding::BASE64.encode(format!("\0{ANNA}\0{PASSWORD}").as_bytes());
    smtp.say(format!("AUTH PLAIN {plain}\r\n"));
    let said = smtp.wait();
    assert!(said.contains("535 5.7.13 La casella"), "{said}");
    assert!(told(ANNA, after(200)).contains("a OK"), "it ends by itself");
    assert_clean(office.store(), "all that");
}

#[test]
fn what_happens_at_the_door_is_written_down() {
    let office = Office::new(52);
    let before = all(&office).len();
    assert_eq!(before, 2, "Anna and Dora came in");
    let dora = format!("{ANNA}/dora");
    assert!(login(&mut client(&office, after(1), peer(1)), &dora, PASSWORD).contains("a OK"));
    assert!(login(&mut client(&office, after(2), peer(2)), ANNA, "sbagliata").contains("a NO"));
    assert!(login(&mut client(&office, after(3), peer(3)), "nessuno@comune-alfa.example", "x").contains("a NO"));
    let found: Vec<_> = all(&office).into_iter().skip(2).collect();
    let row = |at, protocol: &str, from, person, outcome: &str| Access {
        what: String::new(),
        at,
        protocol: protocol.into(),
        from,
        person,
        outcome: outcome.into(),
        since: None,
    };
    let expected = [
        row(after(1), "imap", peer(1), dora_name(), "ok"),
        row(after(2), "imap", peer(2), CredentialName::owner(), "wrong"),
    ];
    assert_eq!(found, expected, "of who is nobody there is nothing to say");
    // Page by page it is the same.
    let period = (NOW, after(10));
    let (first, next) = office.engine.accesses(office.mailbox, period, None, 3).expect("read");
    let (second, end) = office.engine.accesses(office.mailbox, period, next.as_deref(), 3).expect("read");
    assert_eq!(([first, second].concat(), end), (all(&office), None));
    // A disk that takes nothing keeps nobody out, and nobody waits for it.
    office.store().plan(Plan::new().fail_commit(1, Fault::Refused));
    assert!(login(&mut client(&office, after(5), peer(1)), ANNA, PASSWORD).contains("a OK"));
    assert_clean(office.store(), "logins");
}

#[test]
fn accesses_of_long_ago_are_forgotten_and_others_kept() {
    let office = Office::new(53);
    for second in 1..700 {
        let mut wire = client(&office, after(second), peer(1));
        assert!(login(&mut wire, ANNA, PASSWORD).contains("a OK"));
    }
    assert_eq!(all(&office).len(), 701);
    let early = Timestamp::from_millis(0);
    let kept = Kept { archive: None, records: early, accesses: after(600), counts: early };
    assert_eq!(expire(&office.engine, kept, after(700)), 601);
    assert!(all(&office).iter().all(|access| access.at >= after(600)));
    assert_eq!(rows::of(office.store(), tag::EVENT).len(), 100);
    assert_eq!(expire(&office.engine, kept, after(700)), 0);
}

/// How many failed logins a row stands for.
fn times(access: &Access) -> u64 {
    access.what.strip_prefix('×').map_or(1, |times| times.parse().expect("a number"))
}

#[test]
fn who_fails_as_nobody_or_is_locked_out_is_counted_and_sealed() {
    const DAY: u64 = 24 * 3600;
    let office = Office::new(60);
    let tenant = office.engine.add_tenant("Comune di Alfa", "c_a", &[], NOW).expect("an administration");
    let domain = sigillo_tests::fixtures::address(ANNA).domain().clone();
    office.engine.assign_domain(&domain, Some(tenant), NOW).expect("its domain");
    office.engine.seal_accesses(after(1)).expect("the day before");
    let fail = |user: &str, from, at| {
        assert!(login(&mut client(&office, after(at), peer(from)), user, "sbagliata").contains("a NO"), "{user}");
    };
    for n in 0..30 {
        fail(&format!("n{n}@{domain}"), 1, 61);
    }
    for _ in 0..200 {
        fail(&format!("Nessuno@{domain}"), 2, 62);
        fail(ANNA, 3, 62);
    }
    fail(&format!("nessuno@{domain}"), 2, 3_000);
    fail("root", 4, 62);
    fail("altri@altrove.example", 4, 62);
    let of = |tenant| office.engine.strangers(tenant, (NOW, after(DAY)), None, 10_000).expect("read").0;
    let told = |rows: &[(String, Access)], from| -> Vec<(String, String, u64)> {
        let of_place = rows.iter().filter(|(_, access)| access.from == peer(from));
        let mut told: Vec<_> = of_place.map(|(name, a)| (name.clone(), a.outcome.clone(), times(a))).collect();
        told.sort();
        told
    };
    let own = of(Some(tenant));
    let named = told(&own, 1);
    assert_eq!((named.len(), named.iter().map(|(.., n)| n).sum::<u64>()), (11, 30), "{named:?}");
    assert_eq!(named[0], (String::new(), "wrong".into(), 20), "ten names, and the others together");
    let nobody = format!("nessuno@{domain}");
    let row = |outcome: &str, times| (nobody.clone(), outcome.to_owned(), times);
    assert_eq!(told(&own, 2), [row("locked", 1), row("locked", 195), row("wrong", 5)], "a row for each minute");
    let provided = told(&of(None), 4);
    assert_eq!(provided.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["altri@altrove.example", "root"]);
    // At a mailbox that there is the first failures stand one by one.
    let at_anna: Vec<_> = all(&office).into_iter().filter(|a| a.from == peer(3)).collect();
    assert_eq!(at_anna.iter().map(times).sum::<u64>(), 200);
    assert_eq!(at_anna.iter().filter(|a| a.outcome == "locked").map(times).collect::<Vec<_>>(), [195]);
    // All of it is sealed: the mailboxes' first, behind them what is nobody's.
    office.engine.seal_accesses(after(DAY)).expect("sealed");
    let seal =
        office.engine.access_seals(Some(tenant), Register::Accesses, (NOW, after(2 * DAY))).expect("seals").remove(0).1;
    let of_box = all(&office).into_iter().map(|access| access_line(ANNA, &access));
    let lines = of_box.chain(own.iter().map(|(name, access)| access_line(name, access)));
    let text: String = lines.map(|line| line + "\n").collect();
    assert_eq!(seal.sha256, data_encoding::HEXLOWER.encode(&sigillo_smime::sha256(text.as_bytes())));
    assert_clean(office.store(), "failed logins");
    let early = Timestamp::from_millis(0);
    expire(&office.engine, Kept { archive: None, records: early, accesses: after(DAY), counts: early }, after(2 * DAY));
    assert_eq!((of(Some(tenant)), of(None)), (vec![], vec![]));
}

#[test]
fn guessers_fill_no_disk() {
    let office = Office::new(54);
    let (mut written, mut host) = (0, 0_u32);
    // From ever other addresses, so that no lock stops them; the password is known again, which costs no hash.
    office.engine.set_standing(office.mailbox, &dora_name(), Some(true), None).expect("changed");
    while host < 2_100 {
        host += 1;
        let mut wire = client(&office, after(61), IpAddr::from(host.to_be_bytes()));
        assert!(login(&mut wire, &format!("{ANNA}/dora"), PASSWORD).contains("a NO"));
        written = all(&office).len();
    }
    // One by one, then by the place they came from, then all together; none is forgotten.
    assert_eq!(written, 2 + 1_000 + 1_000 + 1);
    let failed = |all: Vec<Access>| all.iter().filter(|a| a.outcome == "expired").map(times).sum::<u64>();
    assert_eq!(failed(all(&office)), 2_100);
    assert!(login(&mut client(&office, after(62), peer(1)), ANNA, PASSWORD).contains("a OK"));
    assert_eq!(all(&office).len(), written + 1, "who comes in is always written down");
}

/// What was done beside coming in: by whom, and to what.
fn deeds(office: &Office) -> Vec<(String, String, String, String)> {
    let told = |a: Access| (a.protocol, a.person.as_str().to_owned(), a.outcome, a.what);
    let mut all: Vec<_> = all(office).into_iter().filter(|a| !a.what.is_empty()).map(told).collect();
    // All in one moment of the simulation.
    all.sort();
    all
}

#[test]
fn who_reads_for_another_and_who_removes_is_written_down() {
    let office = Office::new(57);
    let deed =
        |protocol: &str, who: &str, did: &str, what: &str| (protocol.into(), who.into(), did.into(), what.into());
    let mut dora = client(&office, after(1), peer(3));
    login(&mut dora, &format!("{ANNA}/dora"), PASSWORD);
    let letter = "Subject: x\r\n\r\nciao\r\n";
    for _ in 0..3 {
        dora.say(format!("a APPEND INBOX {{{}+}}\r\n{letter}\r\n", letter.len()));
    }
    dora.say("a SELECT INBOX\r\n");
    dora.say("a FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)\r\n");
    assert_eq!(deeds(&office), [], "what a list shows is not what a message holds");
    dora.say("a FETCH 2 BODY.PEEK[TEXT]\r\n");
    dora.say("a FETCH 2 BODY.PEEK[]<0.4>\r\n");
    assert_eq!(deeds(&office), [deed("imap", "dora", "read", "INBOX 2")], "parts of one message are one");
    dora.say("a STORE 1:2 +FLAGS (\\Deleted)\r\n");
    dora.say("a EXPUNGE\r\n");
    let mut owner = client(&office, after(2), peer(4));
    login(&mut owner, ANNA, PASSWORD);
    owner.say("a SELECT INBOX\r\n");
    owner.say("a FETCH 1 BODY[]\r\n");
    owner.say("a STORE 1 +FLAGS (\\Deleted)\r\n");
    owner.say("a CLOSE\r\n");
    let wanted = [
        deed("imap", "", "removed", "INBOX 3"),
        deed("imap", "dora", "read", "INBOX 2"),
        deed("imap", "dora", "removed", "INBOX 1:2"),
    ];
    assert_eq!(deeds(&office), wanted, "who holds a mailbox reads his own");
    assert_clean(&office.street.houses[0].store, "the office");
}

#[test]
fn the_accesses_of_a_day_are_sealed_by_the_legal_log() {
    const DAY: u64 = 24 * 3600;
    let office = Office::new(58);
    let tenant = office.engine.add_tenant("Comune di Alfa", "c_a", &[], NOW).expect("an administration");
    let domain = sigillo_tests::fixtures::address(ANNA).domain().clone();
    office.engine.assign_domain(&domain, Some(tenant), NOW).expect("its domain");
    login(&mut client(&office, after(1), peer(3)), ANNA, PASSWORD);
    login(&mut client(&office, after(2), peer(3)), ANNA, "sbagliata");
    let seal = |at| office.engine.seal_accesses(after(at)).expect("sealed");
    assert_eq!(seal(3), 1, "the day before, on which nothing was");
    let lines = || {
        let all = office.engine.log_between(NOW, after(90 * DAY), None, usize::MAX).expect("the log");
        all.into_iter().map(|l| l.line).filter(|line| line.contains("PEC_Access")).collect::<Vec<_>>()
    };
    assert_eq!(lines(), Vec::<String>::new());
    login(&mut client(&office, after(2 * DAY), peer(3)), ANNA, PASSWORD);
    assert_eq!((seal(3 * DAY), seal(3 * DAY)), (3, 0), "each day once");
    let of_first: Vec<Access> = all(&office).into_iter().filter(|access| access.at < after(DAY)).collect();
    assert!(of_first.len() >= 2, "{of_first:?}");
    let (first, second) = (lines()[0].clone(), lines()[1].clone());
    assert!(first.contains(&format!(": amministrazione={}: righe={}: sha256=", tenant.0, of_first.len())), "{first}");
    assert!(second.contains(": righe=1: "), "{second}");
    let seals = office.engine.access_seals(Some(tenant), Register::Accesses, (NOW, after(90 * DAY))).expect("seals");
    assert_eq!(seals.iter().map(|(_, seal)| seal.line.clone()).collect::<Vec<_>>(), lines());
    // The sum is that of the lines as anybody can make it.
    let mut text = String::new();
    for access in &of_first {
        text += &(access_line(ANNA, access) + "\n");
    }
    assert_eq!(seals[0].1.sha256, data_encoding::HEXLOWER.encode(&sigillo_smime::sha256(text.as_bytes())));
    assert_clean(&office.street.houses[0].store, "the office");
}

#[test]
fn what_is_read_by_who_administrates_is_kept_for_each_administration_and_sealed() {
    const DAY: u64 = 24 * 3600;
    let office = Office::new(59);
    let tenants = ["Alfa", "Beta"].map(|name| office.engine.add_tenant(name, "c_a", &[], NOW).expect("one"));
    let looked = |tenant, second, object: &str| {
        let (by, token, act) = ("l.bianchi".to_owned(), Some("=1+1".to_owned()), "mailbox-read".to_owned());
        let reading =
            Reading { at: after(second), by, token, from: Some(peer(7)), act, object: object.into(), status: 200 };
        office.engine.has_looked(tenant, &reading);
        reading
    };
    office.engine.seal_accesses(after(1)).expect("the day before");
    let first: Vec<Reading> = (1..=5).map(|n| looked(Some(tenants[0]), n, "/v1/mailboxes?after=a,b")).collect();
    let second = looked(Some(tenants[1]), 2, "/v1/mailboxes");
    let own = looked(None, 3, "/v1/status");
    let period = (NOW, after(90 * DAY));
    let read = |tenant| office.engine.readings(tenant, period, None, 10_000).expect("read").0;
    assert_eq!((read(Some(tenants[0])), read(Some(tenants[1])), read(None)), (first.clone(), vec![second], vec![own]));
    let (page, next) = office.engine.readings(Some(tenants[0]), period, None, 3).expect("read");
    let (rest, end) = office.engine.readings(Some(tenants[0]), period, next.as_deref(), 3).expect("read");
    assert_eq!(([page, rest].concat(), end), (first.clone(), None));
    office.engine.seal_accesses(after(DAY)).expect("sealed");
    let seals = |tenant| office.engine.access_seals(tenant, Register::Readings, period).expect("seals");
    let text: String = first.iter().map(|reading| reading_line(reading) + "\n").collect();
    assert!(
        text.starts_with("2026")
            && text.contains(",'=1+1,192.0.2.7,")
            && text.contains(",\"/v1/mailboxes?after=a,b\",200")
    );
    let of_first = seals(Some(tenants[0])).pop().expect("a seal").1;
    let sum = data_encoding::HEXLOWER.encode(&sigillo_smime::sha256(text.as_bytes()));
    assert_eq!((of_first.rows, &of_first.sha256), (5, &sum));
    let told = format!(": amministrazione={}: registro=amministrazione: righe=5: sha256={sum}", tenants[0].0);
    assert!(of_first.line.contains(&told), "{}", of_first.line);
    assert_eq!((seals(Some(tenants[1])).len(), seals(None).len()), (1, 1));
    let accesses = office.engine.access_seals(None, Register::Accesses, period).expect("seals");
    assert!(accesses.len() == 1 && !accesses[0].1.line.contains("registro"), "{accesses:?}");
    assert_clean(office.store(), "readings and their seals");
    // They end as accesses do, and a store that takes nothing keeps nobody from looking.
    let early = Timestamp::from_millis(0);
    expire(&office.engine, Kept { archive: None, records: early, accesses: after(4), counts: early }, after(DAY));
    assert_eq!(read(Some(tenants[0])), first[3..]);
    office.store().plan(Plan::new().fail_commit(1, Fault::Refused));
    looked(None, 9, "/v1/status");
}

/// What happened at the door after the office was opened: when, how, with what outcome, and since when.
fn outcomes(office: &Office) -> Vec<(Timestamp, String, String, Option<Timestamp>)> {
    let told = |a: Access| (a.at, a.protocol, a.outcome, a.since);
    all(office).into_iter().skip(2).map(told).collect()
}

#[test]
fn who_gives_his_connection_away_went_then() {
    let office = Office::new(55);
    let mut wire = client(&office, after(1), peer(1));
    assert!(login(&mut wire, ANNA, PASSWORD).contains("a OK"));
    wire.now = after(2);
    assert!(wire.say("b UNAUTHENTICATE\r\n").contains("b OK"));
    assert!(wire.say("c SELECT INBOX\r\n").contains("c BAD"));
    wire.now = after(500);
    wire.connection.ended(after(500));
    let imap = |at, outcome: &str, since| (at, "imap".to_owned(), outcome.to_owned(), since);
    assert_eq!(outcomes(&office), [imap(after(1), "ok", None), imap(after(2), "left", Some(after(1)))]);
}

#[test]
fn who_finds_the_maildrop_in_use_did_not_come_in() {
    let office = Office::new(56);
    let pop3 = |now| {
        let mut wire = Wire::new(front::pop3(Arc::clone(&office.engine), Peer::LOCAL, true, Default::default()), now);
        wire.hear();
        let said = wire.say(format!("USER {ANNA}\r\nPASS {PASSWORD}\r\n"));
        (wire, said)
    };
    let (mut first, said) = pop3(after(1));
    assert!(said.ends_with("messaggi\r\n") || said.contains("+OK"), "{said}");
    let (mut second, said) = pop3(after(2));
    assert!(said.contains("-ERR [IN-USE] "), "{said}");
    second.connection.ended(after(3));
    first.connection.ended(after(4));
    let row = |at, outcome: &str, since| (at, "pop3".to_owned(), outcome.to_owned(), since);
    let expected = [row(after(1), "ok", None), row(after(2), "full", None), row(after(4), "left", Some(after(1)))];
    assert_eq!(outcomes(&office), expected);
}

/// Whose tokens are good: one is Anna's.
struct Issuer;

impl Tokens for Issuer {
    fn owner(&self, token: &Secret) -> Result<Option<String>, NoAnswer> {
        Ok((token.expose() == "buono").then(|| ANNA.to_owned()))
    }
}

/// A client at a door, which has said `AUTH` with this token of Anna's; and what it was answered.
fn bearer(office: &Office, protocol: &str, ip: IpAddr, token: &str) -> (Wire, String) {
    let (engine, peer) = (Arc::clone(&office.engine), Peer { ip });
    let connection = match protocol {
        "imap" => front::imap(engine, peer, true, Default::default()),
        "pop3" => front::pop3(engine, peer, true, Default::default()),
        _ => front::smtp(engine, Role::SubmissionTls, peer, true, Default::default()),
    };
    // What is counted has the minute in which it was, which is to be in the period that is read.
    let mut wire = Wire::new(connection, after(61));
    wire.hear();
    if protocol == "smtp" {
        wire.say("EHLO x\r\n");
    }
    let verb = if protocol == "imap" { "a AUTHENTICATE" } else { "AUTH" };
    let first = data_encoding::BASE64.encode(format!("n,a={ANNA},\u{1}auth=Bearer {token}\u{1}\u{1}").as_bytes());
    let said = wire.say(format!("{verb} OAUTHBEARER {first}\r\n"));
    (wire, said)
}

/// RFC 7628 §3.2.3: the bearer of a bad token is told so, and answers; or he goes, and has failed all the same.
#[test]
fn a_bad_token_is_counted_once_however_its_bearer_goes_on() {
    let office = Office::new(61);
    office.engine.replace_tokens(Some(Arc::new(Issuer)));
    let answers = [
        ("imap", ["a NO [AUTHENTICATIONFAILED] ", "a BAD "]),
        ("pop3", ["-ERR [AUTH] "; 2]),
        ("smtp", ["535 5.7.8 ", "501 "]),
    ];
    for (place, (protocol, [failed, wrong])) in (1u8..).zip(answers) {
        let ends = [("AQ==\r\n", failed), ("*\r\n", wrong), ("\0\r\n", wrong), ("", "")];
        for (n, (said, answer)) in ends.into_iter().enumerate() {
            let (mut wire, told) = bearer(&office, protocol, peer(place), "cattivo");
            assert!(told.contains("eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0="), "{protocol}: {told}");
            if said.is_empty() {
                wire.connection.end_of_input(wire.tick);
                wire.hear();
                wire.connection.ended(after(62));
            } else {
                assert_eq!(wire.say(said), "", "{protocol}: not at once");
                let heard = wire.wait();
                assert!(heard.starts_with(answer), "{protocol}: {said:?}: {heard}");
            }
            let of_place: Vec<_> = all(&office).into_iter().filter(|access| access.from == peer(place)).collect();
            assert!(of_place.iter().all(|a| a.protocol == protocol && a.outcome == "wrong"), "{of_place:?}");
            assert_eq!(of_place.iter().map(times).sum::<u64>(), n as u64 + 1, "{protocol}: {said:?}");
        }
        // Four failures lock nobody out, five do: also him who has a good token, and he is written down.
        let (_, told) = bearer(&office, protocol, peer(place), "buono");
        assert!(["a OK", "+OK", "235"].iter().any(|fine| told.starts_with(fine)), "{protocol}: {told}");
        let place = peer(place + 10);
        (0..5).for_each(|_| drop(bearer(&office, protocol, place, "cattivo")));
        let (mut wire, told) = bearer(&office, protocol, place, "buono");
        assert_eq!(told, "", "{protocol}");
        let told = wire.wait();
        assert!(told.contains("Troppi accessi falliti"), "{protocol}: {told}");
        let outcomes = all(&office).into_iter().filter(|access| access.from == place);
        let locked: u64 = outcomes.filter(|access| access.outcome == "locked").map(|access| times(&access)).sum();
        assert_eq!(locked, 1, "{protocol}");
    }
    assert_clean(office.store(), "bad tokens");
}
