//! The same bytes in any cuts give the same actions; and no bytes make a session panic.

use proptest::prelude::*;
use sigillo_wire::{Session, Tick};

use super::stub::{address, reply_to};
use crate::client::{Action as ClientAction, Client, Config as ClientConfig, Envelope};
use crate::server::{Action, Config, Role, Server};

/// Pieces between the cuts.
fn pieces<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|c| c % (bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect()
}

/// What a server does. TLS begins after the first stream: what came before it in clear must not count.
fn serve(role: Role, streams: [&[&[u8]]; 2]) -> Vec<Action> {
    let config = Config { size_limit: 60, bad_commands: 30, ..Config::new(role, "mx.alfa.example") };
    let mut server = Server::new(config, role == Role::SubmissionTls, Tick(0));
    let mut actions: Vec<Action> = Vec::new();
    for stream in streams {
        for piece in stream {
            server.input(Tick(0), piece);
            while let Some(action) = server.poll() {
                reply_to(&mut server, &action, Tick(0));
                match (actions.last_mut(), action) {
                    (Some(Action::Write(held)), Action::Write(more)) => held.extend(more),
                    (Some(Action::DataChunk(held)), Action::DataChunk(more)) => held.extend(more),
                    (_, action) => actions.push(action),
                }
            }
        }
        server.tls_started(Tick(0));
    }
    server.end_of_input(Tick(0));
    actions.extend(std::iter::from_fn(|| server.poll()));
    actions
}

/// What a client does; its message is two lines with dots.
fn call(require_tls: bool, streams: [&[&[u8]]; 2]) -> Vec<ClientAction> {
    let to = vec![address("a@x.example"), address("b@x.example")];
    let envelope = Envelope { from: None, to, size: 9, eight_bit: true, utf8: false, require_tls: false };
    let mut client = Client::new(ClientConfig { require_tls, ..ClientConfig::new("c") }, envelope, Tick(0));
    let mut actions: Vec<ClientAction> = Vec::new();
    for stream in streams {
        for piece in stream {
            client.input(Tick(0), piece);
            while let Some(action) = client.poll() {
                if action == ClientAction::NeedBody {
                    client.body(b".a\r\n");
                    client.body("..è".as_bytes());
                    client.body_end();
                }
                match (actions.last_mut(), action) {
                    (Some(ClientAction::Write(held)), ClientAction::Write(more)) => held.extend(more),
                    (_, action) => actions.push(action),
                }
            }
        }
        client.tls_started(Tick(0));
    }
    client.end_of_input(Tick(0));
    actions.extend(std::iter::from_fn(|| client.poll()));
    actions
}

const COMMANDS: &[&str] = &[
    "EHLO b\r\n",
    "HELO b\r\n",
    "MAIL FROM:<a@x.example>\r\n",
    "MAIL FROM:<> SIZE=5\r\n",
    "MAIL FROM:<banned@x.example>\r\n",
    "RCPT TO:<a@x.example>\r\n",
    "RCPT TO:<no@x.example>\r\n",
    "DATA\r\n",
    "text\r\n",
    ".\r\n",
    "..\r\n",
    "\r\n",
    "\r\n.\r\n",
    "\n.\n",
    "\0",
    "\r",
    "è",
    "RSET\r\n",
    "NOOP\r\n",
    "AUTH PLAIN AGFubmEAcHc=\r\n",
    "AUTH LOGIN\r\n",
    "YW5uYQ==\r\n",
    "cHc=\r\n",
    "STARTTLS\r\n",
    "EHLO b\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
    "EHLO b\r\nAUTH PLAIN AGFubmEAcHc=\r\n",
    "a long line that goes over the limit of sixty octets for the message\r\n",
    "QUIT\r\n",
];

const REPLIES: &[&str] = &[
    "220 hi\r\n",
    "250 ok\r\n",
    "250 ok\r\n",
    "250-x\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 99\r\n",
    "250-x\r\n250-STARTTLS\r\n250 PIPELINING\r\n",
    "250-more\r\n",
    "354 go\r\n",
    "550 5.1.1 no\r\n",
    "451 later\r\n",
    "421 bye\r\n",
    "220 x\r\n250-x\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n",
    "\r",
    "\n",
    "x",
    "\0",
];

fn stream(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(words), 0..16).prop_map(|w| w.concat().into_bytes())
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(vec![Role::Submission, Role::SubmissionTls, Role::Reception])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn server(role in role(), a in stream(COMMANDS), b in stream(COMMANDS), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let whole = serve(role, [&[&a], &[&b]]);
        prop_assert_eq!(&serve(role, [&pieces(&a, &cuts), &pieces(&b, &cuts)]), &whole);
        let single = |s: &'_ [u8]| s.iter().map(|b| vec![*b]).collect::<Vec<_>>();
        let (sa, sb) = (single(&a), single(&b));
        let (ra, rb): (Vec<&[u8]>, Vec<&[u8]>) = (sa.iter().map(|p| &p[..]).collect(), sb.iter().map(|p| &p[..]).collect());
        prop_assert_eq!(&serve(role, [&ra, &rb]), &whole);
        check_order(&whole)?;
    }

    #[test]
    fn client(require in any::<bool>(), a in stream(REPLIES), b in stream(REPLIES), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let whole = call(require, [&[&a], &[&b]]);
        prop_assert_eq!(&call(require, [&pieces(&a, &cuts), &pieces(&b, &cuts)]), &whole);
        let told = whole.iter().filter(|x| matches!(x, ClientAction::Done(o) if o.len() == 2)).count();
        prop_assert_eq!(told, 1, "every transaction is told exactly once: {:?}", whole);
        prop_assert_eq!(whole.last(), Some(&ClientAction::Close));
    }

    #[test]
    fn arbitrary_bytes(role in role(), a in prop::collection::vec(any::<u8>(), 0..300), b in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        prop_assert_eq!(serve(role, [&pieces(&a, &cuts), &pieces(&b, &cuts)]), serve(role, [&[&a], &[&b]]));
        let greeted = [b"220 hi\r\n250 x\r\n250 x\r\n", &b[..]].concat();
        prop_assert_eq!(call(false, [&pieces(&a, &cuts), &pieces(&b, &cuts)]), call(false, [&[&a], &[&b]]));
        prop_assert_eq!(call(false, [&pieces(&greeted, &cuts), &[]]), call(false, [&[&greeted], &[]]));
    }
}

/// A transaction is begun by `Mail`, and what begins by `DataStart` ends by `DataEnd` or `Reset`, never by both.
fn check_order(actions: &[Action]) -> Result<(), TestCaseError> {
    let (mut open, mut data) = (false, false);
    for action in actions {
        match action {
            Action::Mail(mail) => {
                prop_assert!(!open && !data);
                open = mail.from.as_ref().is_none_or(|a| a.local() != "banned");
            }
            Action::Rcpt(_) => prop_assert!(open && !data),
            Action::DataStart => {
                prop_assert!(open && !data);
                data = true;
            }
            Action::DataChunk(_) => prop_assert!(data),
            Action::DataEnd { .. } => {
                prop_assert!(data);
                (open, data) = (false, false);
            }
            Action::Reset => {
                prop_assert!(open, "a reset without a transaction");
                (open, data) = (false, false);
            }
            Action::Close => prop_assert!(!open && !data),
            _ => {}
        }
    }
    prop_assert_eq!(actions.last(), Some(&Action::Close));
    Ok(())
}
