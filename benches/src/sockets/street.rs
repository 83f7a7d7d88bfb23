//! Users at work: each sends over connections of his own, and looks for what must come of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use openssl::ssl::SslConnector;
use sigillo_base::Address;

use super::client::{Sender, connector};
use super::reader::Reader;
use crate::material::{Size, attachment, message};

/// Where nothing has come for so long nothing will: however much a slow machine is behind, something comes.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a reader looks whether its messages are there.
pub const LOOK: Duration = Duration::from_millis(100);

/// A mailbox and what opens it.
#[derive(Debug, Clone)]
pub struct Mailbox {
    pub address: Address,
    pub password: String,
}

/// Where users send and read.
#[derive(Debug, Clone)]
pub struct Place {
    /// The authority of its TLS certificate.
    pub ca_file: PathBuf,
    /// Submission with TLS from the first byte, `host:port`.
    pub submissions: String,
    /// IMAP with TLS from the first byte, `host:port`.
    pub imaps: String,
    /// Who sends to whom.
    pub pairs: Vec<(Mailbox, Mailbox)>,
    /// Whether each message brings its sender an acceptance and a delivery receipt; otherwise the recipient is asked.
    pub certified: bool,
}

impl Place {
    /// Messages in the mailbox that is looked at, for each that was sent.
    fn expected(&self) -> usize {
        1 + usize::from(self.certified)
    }
}

/// The users, logged in.
pub struct Street {
    users: Vec<User>,
    size: Size,
    attachment: String,
}

struct User {
    pair: (Mailbox, Mailbox),
    senders: Vec<Sender>,
    reader: Reader,
    expected: usize,
    sent: usize,
}

impl Street {
    /// The first `users` pairs of a place, each sender on `sessions` connections.
    pub fn open(place: &Place, users: usize, sessions: usize, size: Size) -> Self {
        let tls = connector(&place.ca_file);
        let users = place.pairs.iter().take(users).map(|pair| User::open(place, &tls, pair, sessions)).collect();
        Self { users, size, attachment: attachment(size.bytes, 5) }
    }

    /// Everybody sends his part of `count` as fast as the answers come, a message at a time on each connection, then
    /// waits for what must come of it. Messages a second.
    pub fn run(&mut self, count: usize) -> f64 {
        let part = count / self.users.len();
        let (size, attachment) = (self.size, &self.attachment);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for user in &mut self.users {
                scope.spawn(move || {
                    user.send(part, size, attachment);
                    user.wait();
                });
            }
        });
        count as f64 / begun.elapsed().as_secs_f64()
    }

    /// Together they send `rate` messages a second for `window`, spread evenly over all connections, each at its time;
    /// then all wait for what must come of it. How long each submission took from the moment it was due, so that none
    /// hides behind a slow one before it.
    pub fn paced(&mut self, rate: f64, window: Duration) -> Vec<Duration> {
        let (size, attachment) = (self.size, &self.attachment);
        let all: usize = self.users.iter().map(|user| user.senders.len()).sum();
        let begun = Instant::now();
        let due = |connection: usize| {
            let times = (0..).map(move |turn: usize| (turn * all + connection) as f64 / rate);
            times.map(Duration::from_secs_f64).take_while(move |at| *at < window).map(move |at| begun + at)
        };
        let mut first = 0;
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for user in &mut self.users {
                let own = first;
                first += user.senders.len();
                threads.push(scope.spawn(move || {
                    let took = user.send_at(|s| due(own + s), size, attachment);
                    user.wait();
                    took
                }));
            }
            threads.into_iter().flat_map(|thread| thread.join().expect("a user who ends")).collect()
        })
    }
}

impl User {
    fn open(place: &Place, tls: &SslConnector, pair: &(Mailbox, Mailbox), sessions: usize) -> Self {
        let watched = if place.certified { &pair.0 } else { &pair.1 };
        Self {
            pair: pair.clone(),
            senders: (0..sessions).map(|_| Sender::open(tls, &place.submissions, &pair.0)).collect(),
            reader: Reader::open(tls, &place.imaps, watched),
            expected: place.expected(),
            sent: 0,
        }
    }

    /// On all connections at once.
    fn send(&mut self, count: usize, size: Size, attachment: &str) {
        let (each, more, first) = (count / self.senders.len(), count % self.senders.len(), self.sent);
        let (from, to) = (&self.pair.0.address, &self.pair.1.address);
        std::thread::scope(|scope| {
            for (s, sender) in self.senders.iter_mut().enumerate() {
                scope.spawn(move || {
                    for n in 0..each + usize::from(s < more) {
                        sender.send(
                            from,
                            to,
                            &message(from, to, &format!("n{first}.{s}.{n}.{from}"), size, attachment),
                        );
                    }
                });
            }
        });
        self.sent += count;
    }

    /// On each connection when a message is due there.
    fn send_at<D: Iterator<Item = Instant> + Send>(
        &mut self,
        due: impl Fn(usize) -> D,
        size: Size,
        attachment: &str,
    ) -> Vec<Duration> {
        let (from, to, first) = (&self.pair.0.address, &self.pair.1.address, self.sent);
        let took: Vec<Duration> = std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for (s, sender) in self.senders.iter_mut().enumerate() {
                let due = due(s);
                threads.push(scope.spawn(move || {
                    let sent = due.enumerate().map(|(n, at)| {
                        let bytes = message(from, to, &format!("p{first}.{s}.{n}.{from}"), size, attachment);
                        std::thread::sleep(at.saturating_duration_since(Instant::now()));
                        sender.send(from, to, &bytes);
                        at.elapsed()
                    });
                    sent.collect::<Vec<_>>()
                }));
            }
            threads.into_iter().flat_map(|thread| thread.join().expect("a connection that ends")).collect()
        });
        self.sent += took.len();
        took
    }

    fn wait(&mut self) {
        let (wanted, mut here, mut since) = (self.expected * self.sent, self.reader.messages(), Instant::now());
        while here < wanted {
            assert!(since.elapsed() < PATIENCE, "{}: {} messages are missing", self.pair.0.address, wanted - here);
            std::thread::sleep(LOOK);
            let now = self.reader.messages();
            if now != here {
                (here, since) = (now, Instant::now());
            }
        }
        assert_eq!(here, wanted, "{}: each message once, no more", self.pair.0.address);
    }
}
