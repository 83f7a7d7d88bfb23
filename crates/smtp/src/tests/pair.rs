//! A client against a server in memory: bytes travel in random cuts, TLS is pretended.

use proptest::prelude::*;
use sigillo_base::Address;
use sigillo_wire::{Session, Tick};

use super::stub::{address, reply_to, verdict};
use crate::client::{self, Client, Envelope, RecipientOutcome};
use crate::server::{self, MailFrom, Role, Server};

/// A message as the server took it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Taken {
    from: Option<Address>,
    to: Vec<Address>,
    bytes: Vec<u8>,
    eight_bit: bool,
}

struct Pair {
    client: Client,
    server: Server,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    body: Vec<u8>,
    given: usize,
    random: u64,
    pending: Taken,
    taken: Vec<Taken>,
    outcomes: Option<Vec<RecipientOutcome>>,
    tls: (bool, bool),
    closed: (bool, bool),
}

impl Pair {
    fn new(client: client::Config, server: server::Config, envelope: Envelope, body: &[u8], seed: u64) -> Self {
        Self {
            client: Client::new(client, envelope, Tick(0)),
            server: Server::new(server, false, Tick(0)),
            to_server: Vec::new(),
            to_client: Vec::new(),
            body: body.to_vec(),
            given: 0,
            random: seed | 1,
            pending: Taken::default(),
            taken: Vec::new(),
            outcomes: None,
            tls: (false, false),
            closed: (false, false),
        }
    }

    /// A number below `n` (xorshift).
    fn below(&mut self, n: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % n as u64) as usize
    }

    /// Runs until nothing moves any more.
    fn run(&mut self) {
        for _ in 0..1_000_000 {
            self.drive_client();
            self.drive_server();
            if self.tls == (true, true) {
                self.tls = (false, false);
                self.client.tls_started(Tick(0));
                self.server.tls_started(Tick(0));
                continue;
            }
            if self.to_server.is_empty() && self.to_client.is_empty() {
                return;
            }
            let n = self.below(40) + 1;
            let piece: Vec<u8> = self.to_server.drain(..n.min(self.to_server.len())).collect();
            self.server.input(Tick(0), &piece);
            let n = self.below(40) + 1;
            let piece: Vec<u8> = self.to_client.drain(..n.min(self.to_client.len())).collect();
            self.client.input(Tick(0), &piece);
        }
        panic!("the two never come to rest");
    }

    fn drive_client(&mut self) {
        while let Some(action) = self.client.poll() {
            match action {
                client::Action::Write(bytes) => self.to_server.extend(bytes),
                client::Action::StartTls => self.tls.0 = true,
                client::Action::NeedBody if self.given == self.body.len() => self.client.body_end(),
                client::Action::NeedBody => {
                    let n = self.below(9).min(self.body.len() - self.given);
                    self.client.body(&self.body[self.given..self.given + n]);
                    self.given += n;
                }
                client::Action::Done(outcomes) => {
                    self.outcomes = Some(outcomes);
                    self.client.quit(Tick(0));
                }
                client::Action::Close => self.closed.0 = true,
            }
        }
    }

    fn drive_server(&mut self) {
        while let Some(action) = self.server.poll() {
            match &action {
                server::Action::Write(bytes) => self.to_client.extend(bytes),
                server::Action::StartTls => self.tls.1 = true,
                server::Action::Mail(MailFrom { from, .. }) => {
                    self.pending = Taken { from: from.clone(), ..Taken::default() };
                }
                server::Action::Rcpt(to) if verdict(to).is_positive() => self.pending.to.push(to.clone()),
                server::Action::DataChunk(bytes) => self.pending.bytes.extend(bytes),
                server::Action::DataEnd { size, eight_bit } => {
                    assert_eq!(*size, self.pending.bytes.len() as u64);
                    self.pending.eight_bit = *eight_bit;
                    self.taken.push(std::mem::take(&mut self.pending));
                }
                server::Action::Reset => self.pending = Taken::default(),
                server::Action::Close => self.closed.1 = true,
                _ => {}
            }
            reply_to(&mut self.server, &action, Tick(0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_handed_over_arrives_once_and_whole(
        lines in prop::collection::vec("[.aè]{0,6}", 0..12),
        to in prop::collection::vec("(no|busy|a|b)[0-9]{1,2}", 1..6),
        seed in any::<u64>(),
        tls in any::<bool>(),
    ) {
        let body: String = lines.iter().map(|l| format!("{l}\r\n")).collect();
        let to: Vec<Address> = to.iter().map(|l| address(&format!("{l}@x.example"))).collect();
        let envelope =
            Envelope { from: None, to: to.clone(), size: body.len() as u64, eight_bit: !body.is_ascii(), utf8: false, require_tls: false };
        let config = client::Config { require_tls: tls, try_tls: tls, ..client::Config::new("c.example") };
        let server = server::Config::new(Role::Reception, "s.example");
        let mut pair = Pair::new(config, server, envelope, body.as_bytes(), seed);
        pair.run();
        prop_assert_eq!(pair.closed, (true, true));
        prop_assert_eq!((pair.client.is_tls(), pair.server.is_tls()), (tls, tls));
        let outcomes = pair.outcomes.unwrap();
        let welcome: Vec<Address> = to.iter().filter(|a| verdict(a).is_positive()).cloned().collect();
        prop_assert_eq!(outcomes.len(), to.len());
        for (outcome, address) in outcomes.iter().zip(&to) {
            prop_assert_eq!(&outcome.address, address);
            match &outcome.result {
                Ok(reply) => prop_assert!(reply.code == 250 && welcome.contains(address)),
                Err(failure) => prop_assert_eq!(failure.permanent, verdict(address).is_permanent()),
            }
        }
        let eight_bit = !body.is_ascii();
        let expected = Taken { from: None, to: welcome.clone(), bytes: body.into_bytes(), eight_bit };
        prop_assert_eq!(pair.taken, if welcome.is_empty() { vec![] } else { vec![expected] });
    }
}

#[test]
fn a_thousand_recipients_and_a_big_message() {
    let to: Vec<Address> = (0..1_000).map(|i| address(&format!("u{i}@x.example"))).collect();
    let body = b".line of a big message\r\n".repeat(4_000);
    let envelope =
        Envelope { from: None, to, size: body.len() as u64, eight_bit: false, utf8: false, require_tls: false };
    let server = server::Config::new(Role::Reception, "s.example");
    let mut pair = Pair::new(client::Config::new("c.example"), server, envelope, &body, 7);
    pair.run();
    assert_eq!((pair.taken[0].to.len(), pair.taken[0].bytes == body), (1_000, true));
    assert!(pair.outcomes.unwrap().iter().all(|o| o.result.is_ok()));
}

#[test]
fn a_server_that_goes_down_in_between() {
    let envelope = Envelope {
        from: None,
        to: vec![address("a@x.example")],
        size: 3,
        eight_bit: false,
        utf8: false,
        require_tls: false,
    };
    let server = server::Config::new(Role::Reception, "s.example");
    let mut pair = Pair::new(client::Config::new("c.example"), server, envelope, b"a\r\n", 7);
    pair.server.shutdown(Tick(0));
    pair.run();
    let outcomes = pair.outcomes.unwrap();
    let failure = outcomes[0].result.as_ref().unwrap_err();
    assert!(!failure.permanent && !failure.maybe_delivered, "{failure:?}");
    assert_eq!(pair.taken, []);
}
