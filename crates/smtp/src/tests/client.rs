//! The client against scripted servers.

use sigillo_wire::{Session, Tick};

use super::smuggling::vectors;
use super::stub::address;
use crate::Reply;
use crate::client::{Action, Client, Config, Envelope, Failure, RecipientOutcome};

pub(super) fn envelope(to: &[&str]) -> Envelope {
    let to = to.iter().map(|t| address(t)).collect();
    Envelope {
        from: Some(address("anna@alfa.example")),
        to,
        size: 4,
        eight_bit: false,
        utf8: false,
        require_tls: false,
    }
}

pub(super) fn client(envelope: Envelope, adjust: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config::new("mx.alfa.example");
    adjust(&mut config);
    Client::new(config, envelope, Tick(0))
}

pub(super) fn drain(client: &mut Client) -> Vec<Action> {
    std::iter::from_fn(|| client.poll()).collect()
}

/// A client, and what it did since.
pub(super) struct Run {
    pub(super) client: Client,
    pub(super) body: Vec<u8>,
    pub(super) outcomes: Vec<RecipientOutcome>,
    pub(super) closed: bool,
}

impl Run {
    pub(super) fn new(to: &[&str], adjust: impl FnOnce(&mut Config)) -> Self {
        Self::with(client(envelope(to), adjust))
    }

    pub(super) fn with(client: Client) -> Self {
        Self { client, body: b"hi\r\n".to_vec(), outcomes: Vec::new(), closed: false }
    }

    /// Feeds replies, and expects exactly these bytes from the client.
    pub(super) fn say(&mut self, replies: &str, expected: &str) {
        self.client.input(Tick(0), replies.as_bytes());
        assert_eq!(self.take(), expected, "after {replies:?}");
    }

    pub(super) fn take(&mut self) -> String {
        let mut said = Vec::new();
        while let Some(action) = self.client.poll() {
            match action {
                Action::Write(bytes) => said.extend(bytes),
                Action::StartTls => said.extend_from_slice(b"<TLS>"),
                Action::NeedBody => {
                    let body = self.body.clone();
                    body.chunks(3).for_each(|piece| self.client.body(piece));
                    self.client.body_end();
                }
                Action::Done(outcomes) => self.outcomes = outcomes,
                Action::Close => self.closed = true,
            }
        }
        String::from_utf8(said).unwrap()
    }

    pub(super) fn failure(&self, i: usize) -> &Failure {
        self.outcomes[i].result.as_ref().unwrap_err()
    }
}

pub(super) const HELLO: &str = "EHLO mx.alfa.example\r\n";
pub(super) const MAIL: &str = "MAIL FROM:<anna@alfa.example>";

#[test]
fn one_by_one_without_pipelining() {
    let mut r = Run::new(&["a@x.example", "no@x.example"], |_| ());
    r.say("220-hi\r\n220 there\r\n", HELLO);
    r.say("250 x\r\n", &format!("{MAIL}\r\n"));
    r.say("250 ok\r\n", "RCPT TO:<a@x.example>\r\n");
    r.say("250 ok\r\n", "RCPT TO:<no@x.example>\r\n");
    r.say("550 5.1.1 unknown\r\n", "DATA\r\n");
    r.say("354 go\r\n", "hi\r\n.\r\n");
    r.say("250 2.0.0 taken\r\n", "");
    assert_eq!(r.outcomes[0].result, Ok(Reply::new(250, (2, 0, 0), "taken")));
    assert_eq!(r.failure(1).text, "550 5.1.1 unknown");
    assert!(r.failure(1).permanent && !r.closed);
    r.client.quit(Tick(0));
    r.say("", "QUIT\r\n");
    r.say("221 bye\r\n", "");
    assert!(r.closed);
}

#[test]
fn helo_where_ehlo_is_unknown() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.say("220 hi\r\n", HELLO);
    r.say("502 what\r\n", "HELO mx.alfa.example\r\n");
    r.say("250 x\r\n", &format!("{MAIL}\r\n"));
}

#[test]
fn in_one_go_with_pipelining_and_what_is_offered() {
    let mut r = Run::with(client(Envelope { eight_bit: true, ..envelope(&["a@x.example", "b@x.example"]) }, |_| ()));
    r.body = b".a\r\n..\r\nno end".to_vec();
    r.say("220 hi\r\n", HELLO);
    r.say(
        "250-x\r\n250-pipelining\r\n250-SIZE 0\r\n250 8BITMIME\r\n",
        &format!("{MAIL} SIZE=4 BODY=8BITMIME\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"),
    );
    r.say("250 ok\r\n250 ok\r\n", "");
    r.say("452 4.5.3 later\r\n354 go\r\n", "..a\r\n...\r\nno end\r\n.\r\n");
    r.say("250 taken\r\n", "");
    assert!(r.outcomes[0].result.is_ok() && !r.failure(1).permanent);
    // The next one on the same connection, without RSET because the last was decided.
    assert!(r.client.next(envelope(&["c@x.example"]), Tick(0)));
    r.say("", &format!("{MAIL} SIZE=4\r\nRCPT TO:<c@x.example>\r\nDATA\r\n"));
}

#[test]
fn recipients_go_in_batches() {
    let to: Vec<String> = (0..150).map(|i| format!("u{i}@x.example")).collect();
    let mut r = Run::new(&to.iter().map(String::as_str).collect::<Vec<_>>(), |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n");
    let first = r.take();
    assert_eq!((first.matches("RCPT").count(), first.matches("DATA").count()), (99, 0));
    r.client.input(Tick(0), "250 ok\r\n".repeat(100).as_bytes());
    let second = r.take();
    assert_eq!((second.matches("RCPT").count(), second.matches("DATA").count()), (51, 1));
}

#[test]
fn nobody_accepted() {
    let mut r = Run::new(&["a@x.example", "b@x.example"], |_| ());
    r.say("220 hi\r\n", HELLO);
    r.client.input(Tick(0), b"250-x\r\n250 PIPELINING\r\n");
    r.take();
    r.say("250 ok\r\n550 no\r\n451 later\r\n354 go\r\n", ".\r\n");
    assert_eq!(r.outcomes.len(), 0, "told when the server has swallowed the empty message");
    r.say("250 fine\r\n", "");
    assert!(r.failure(0).permanent && !r.failure(1).permanent);
    assert!(r.client.next(envelope(&["c@x.example"]), Tick(0)));
    r.say("", "RSET\r\n");
    r.say("250 ok\r\n", &format!("{MAIL}\r\nRCPT TO:<c@x.example>\r\nDATA\r\n"));
    // MAIL refused: the replies to the rest say nothing.
    r.say("451 4.3.0 tired\r\n503 what\r\n503 what\r\n", "");
    assert_eq!(r.failure(0).text, "451 4.3.0 tired");
    assert!(!r.closed);
}

#[test]
fn without_pipelining_no_recipient_means_no_data() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.say("220 hi\r\n", HELLO);
    r.say("250 x\r\n", &format!("{MAIL}\r\n"));
    r.say("250 ok\r\n", "RCPT TO:<a@x.example>\r\n");
    r.say("552 too many\r\n", "");
    assert!(!r.failure(0).permanent, "552 to RCPT is 452 (RFC 5321 4.5.3.1.10)");
    assert!(r.client.next(envelope(&["a@x.example"]), Tick(0)));
    r.say("", "RSET\r\n");
    r.say("250 ok\r\n", &format!("{MAIL}\r\n"));
    r.say("250 ok\r\n", "RCPT TO:<a@x.example>\r\n");
    r.say("552 5.2.2 mailbox full\r\n", "");
    assert!(r.failure(0).permanent);
}

#[test]
fn refusals_of_the_whole_message() {
    for (reply, permanent) in [("554 5.6.0 no", true), ("451 4.3.0 later", false), ("421 4.3.2 bye", false)] {
        let mut r = Run::new(&["a@x.example"], |_| ());
        r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n354 x\r\n");
        r.take();
        r.say(&format!("{reply}\r\n"), "");
        let failure = r.failure(0);
        assert_eq!((failure.permanent, failure.maybe_delivered, failure.text.as_str()), (permanent, false, reply));
        assert_eq!(r.closed, reply.starts_with("421"));
    }
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 SIZE 3\r\n");
    r.take();
    assert!(r.failure(0).permanent && r.failure(0).text.contains("3 byte"), "{:?}", r.outcomes);
}

#[test]
fn unfriendly_greetings() {
    for (greeting, permanent) in [("554 go away", false), ("421 busy", false), ("521 no mail here", true)] {
        let mut r = Run::new(&["a@x.example"], |_| ());
        r.say(&format!("{greeting}\r\n"), "QUIT\r\n");
        assert_eq!((r.failure(0).permanent, r.closed), (permanent, true), "{greeting}");
        assert!(!r.client.next(envelope(&["a@x.example"]), Tick(0)));
    }
}

/// Who has no name for us has none for any message of ours: another server of the domain may have one.
#[test]
fn a_server_that_takes_no_name_is_as_one_that_greets_with_a_refusal() {
    for (reply, permanent) in [("554 5.7.1 go away", false), ("421 busy", false), ("521 no mail here", true)] {
        let mut r = Run::new(&["a@x.example"], |_| ());
        r.say("220 hi\r\n", HELLO);
        r.say("554 5.7.1 not you\r\n", "HELO mx.alfa.example\r\n");
        r.say(&format!("{reply}\r\n"), "QUIT\r\n");
        assert_eq!((r.failure(0).permanent, r.closed), (permanent, true), "{reply}");
        assert!(r.failure(0).text.contains(reply) && !r.client.is_met());
    }
}

#[test]
fn tls_where_offered_and_everything_forgotten() {
    let mut r = Run::new(&["a@x.example"], |c| c.require_tls = true);
    r.say("220 hi\r\n", HELLO);
    r.say("250-x\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "STARTTLS\r\n");
    r.say("220 go\r\n250-injected\r\n250 PIPELINING\r\n250 ok\r\n", "<TLS>");
    r.say("250 injected later\r\n", "");
    r.client.tls_started(Tick(0));
    r.say("", HELLO);
    r.say("250 x\r\n", &format!("{MAIL}\r\n"));
    assert!(r.client.is_tls() && !r.client.extensions().pipelining);
}

#[test]
fn required_tls_that_is_not_there() {
    for (replies, what) in [
        ("220 x\r\n250 x\r\n", "non offre"),
        ("220 x\r\n500 x\r\n250 x\r\n", "non offre"),
        ("220 x\r\n250-x\r\n250 STARTTLS\r\n454 4.7.0 no\r\n", "rifiuta"),
        ("220 x\r\n250-x\r\n250 STARTTLS\r\n502 5.5.1 no\r\n", "rifiuta"),
    ] {
        let mut r = Run::new(&["a@x.example"], |c| (c.require_tls, c.try_tls) = (true, false));
        r.client.input(Tick(0), replies.as_bytes());
        let said = r.take();
        assert!(!said.contains("MAIL") && r.closed, "{said}");
        assert!(!r.failure(0).permanent && r.failure(0).text.contains(what), "{:?}", r.failure(0));
    }
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 STARTTLS\r\n454 4.7.0 no\r\n");
    assert!(r.take().ends_with(&format!("{MAIL}\r\n")), "in clear where TLS is not required");
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n");
    r.take();
    r.client.tls_failed("certificato scaduto", Tick(0));
    r.take();
    assert!(r.closed && !r.failure(0).permanent && r.failure(0).text.contains("certificato scaduto"));
}

#[test]
fn a_lost_connection_before_and_after_the_final_dot() {
    let mut r = Run::new(&["a@x.example", "no@x.example"], |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n");
    r.take();
    r.client.end_of_input(Tick(0));
    r.take();
    assert!(!r.failure(0).maybe_delivered && !r.failure(0).permanent && r.closed);

    let mut r = Run::new(&["a@x.example", "no@x.example"], |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n550 x\r\n354 x\r\n25");
    r.take();
    r.client.end_of_input(Tick(0));
    r.take();
    assert!(r.failure(0).maybe_delivered && !r.failure(0).permanent);
    assert!(!r.failure(1).maybe_delivered && r.failure(1).permanent, "who was refused did not get it");

    // A reply that came just before the end counts.
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n354 x\r\n250 taken\r\n");
    r.client.end_of_input(Tick(0));
    // The end in the midst of the message: an early yes is none.
    r.take();
    assert!(r.outcomes[0].result.is_err());
}

#[test]
fn a_refusal_in_the_midst_of_the_message() {
    let mut c = client(envelope(&["a@x.example"]), |_| ());
    c.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n354 x\r\n");
    assert_eq!(drain(&mut c).last(), Some(&Action::NeedBody));
    c.body(b"hel");
    c.input(Tick(0), b"552 5.3.4 too big\r\n");
    assert_eq!(drain(&mut c), [Action::Write(b"hel".to_vec()), Action::NeedBody]);
    c.end_of_input(Tick(0));
    let actions = drain(&mut c);
    let [Action::Done(outcomes), Action::Close] = &actions[..] else { panic!("{actions:?}") };
    let failure = outcomes[0].result.as_ref().unwrap_err();
    assert!(failure.permanent && !failure.maybe_delivered && failure.text.contains("too big"));
}

#[test]
fn a_body_that_cannot_be_read_never_ends() {
    let mut c = client(envelope(&["a@x.example"]), |_| ());
    c.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n354 x\r\n");
    drain(&mut c);
    c.body(b"half a mess");
    c.abort("disco guasto", Tick(0));
    assert!(matches!(drain(&mut c)[..], [Action::Done(_), Action::Close]), "not even what was waiting goes out");
    c.body_end();
    assert_eq!(c.poll(), None);
}

#[test]
fn no_smuggling_outwards() {
    for vector in vectors().filter(|v| !v.contains('\0')) {
        let mut r = Run::new(&["a@x.example"], |_| ());
        r.body = format!("hello{vector}MAIL FROM:<evil@x.example>\r\n").into_bytes();
        r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n354 x\r\n");
        let said = r.take();
        assert!(r.closed && r.failure(0).permanent && !r.failure(0).maybe_delivered, "{vector:?}");
        assert!(!said.contains("evil") && !said.ends_with(".\r\n"), "{said:?}");
    }
}

#[test]
fn waiting_has_an_end() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    assert_eq!(r.client.deadline(), Some(Tick(300_000)));
    r.client.timeout(Tick(299_999));
    assert_eq!(r.client.poll(), None);
    r.client.timeout(Tick(300_000));
    r.take();
    assert!(r.closed && r.failure(0).text.contains("tempo scaduto") && !r.failure(0).maybe_delivered);

    // After the dot: ten minutes, counted from when the driver tells the time, and then nobody knows.
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n354 x\r\n");
    r.take();
    assert_eq!(r.client.deadline(), Some(Tick(0)), "at once: tell me the time");
    r.client.timeout(Tick(90_000_000));
    assert_eq!(r.client.deadline(), Some(Tick(90_600_000)), "however long the message took");
    r.client.input(Tick(90_500_000), b"250-sl");
    r.take();
    r.client.timeout(Tick(90_600_000));
    r.take();
    assert!(r.failure(0).maybe_delivered && !r.failure(0).permanent);
}

#[test]
fn a_tarpit_is_left() {
    let to: Vec<String> = (0..99).map(|i| format!("u{i}@x.example")).collect();
    let mut r = Run::new(&to.iter().map(String::as_str).collect::<Vec<_>>(), |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n");
    r.take();
    let mut now = 0;
    while !r.closed {
        now += 299_000;
        assert!(now < 8_000_000, "two hours are enough");
        r.client.input(Tick(now), b"250 x\r\n");
        r.take();
        if r.client.deadline().is_some_and(|d| d.0 <= now + 299_000) {
            r.client.timeout(r.client.deadline().unwrap());
            r.take();
        }
    }
}

#[test]
fn nothing_unasked_between_transactions() {
    let mut r = Run::new(&["a@x.example"], |_| ());
    r.client.input(Tick(0), b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 x\r\n250 x\r\n354 x\r\n250 taken\r\n250 tak");
    r.take();
    assert!(r.outcomes[0].result.is_ok() && !r.closed);
    assert!(!r.client.next(envelope(&["b@x.example"]), Tick(0)), "the connection is out of step");
    r.say("en\r\n", "");
    assert!(r.closed);
}
