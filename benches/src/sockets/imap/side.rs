//! The two servers that are compared, seen alike: where they listen, who has a mailbox there, what they take of the machine.

use std::path::{Path, PathBuf};

use openssl::ssl::SslConnector;
use sigillo_base::{Address, Secret};
use sigillo_tests::dovecot::Dovecot;
use tempfile::TempDir;

use crate::machine::{files_of, memory_below, ticks_below};
use crate::sockets::client::{Sender, connector};
use crate::sockets::demo::Demo;
use crate::sockets::reader::Reader;
use crate::sockets::street::Mailbox;
use crate::sockets::{MASSIVE, dovecot};

const PASSWORD: &str = "una-parola-lunga";
/// Octets read at once where much comes.
const ROOM: usize = 64 << 10;

/// How a password is kept where somebody logs in. We keep all that is needed for each; a mailbox of Dovecot's has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// For LOGIN, as argon2id.
    Dear,
    /// For LOGIN, in what costs next to nothing.
    Cheap,
    /// For SCRAM-SHA-256.
    Scram,
}

enum Server {
    Ours(Box<Demo>),
    Theirs {
        dovecot: Dovecot,
        /// Where it lies, with its certificate.
        _folder: TempDir,
    },
}

/// One of them, until it is dropped.
pub struct Side {
    server: Server,
    tls: SslConnector,
    address: String,
    /// Submission, which Dovecot has none of.
    submissions: Option<String>,
    people: Vec<Mailbox>,
}

/// What differs from the configuration of a demonstration: the limits of this bench, memory as without a word about it.
const CHANGES: [(&str, &str); 3] = [
    ("memory_mb = 128", "memory_mb = 256\ntext_index = false"),
    ("connections = 4000", "connections = 20000\nconnections_per_account = 20000"),
    ("connections_per_address = 4000", "connections_per_address = 20000"),
];

impl Side {
    /// The built program with so many mailboxes, its index of texts not made.
    pub fn ours(program: &Path, folder: &Path, people: usize) -> Self {
        let mut demo = Demo::start(program, folder, people, 0, None);
        let place = demo.place(MASSIVE);
        demo.serve(program, &CHANGES);
        let people = place.pairs.into_iter().map(|(own, _)| own);
        // The first is the demonstration's own, under another password.
        let people = people.skip(1).collect();
        Self {
            server: Server::Ours(Box::new(demo)),
            tls: connector(&place.ca_file),
            address: place.imaps,
            submissions: Some(place.submissions),
            people,
        }
    }

    /// A Dovecot with so many; `None`, and why, where it cannot be.
    pub fn theirs(folder: &Path, people: usize) -> Option<Self> {
        if !dovecot::possible(&[dovecot::PROGRAM], folder) {
            return None;
        }
        let folder = dovecot::folder(folder);
        let [imaps] = dovecot::ports();
        let server = dovecot::start(folder.path(), imaps, &users(people), &settings());
        let mailbox = |n: usize| Mailbox {
            address: Address::parse(&format!("m{n}@alfa.example")).expect("an address"),
            password: PASSWORD.into(),
        };
        Some(Self {
            tls: connector(&folder.path().join("tls.pem")),
            address: format!("127.0.0.1:{imaps}"),
            submissions: None,
            people: (1..=people).map(mailbox).collect(),
            server: Server::Theirs { dovecot: server, _folder: folder },
        })
    }

    pub fn is_ours(&self) -> bool {
        matches!(self.server, Server::Ours(_))
    }

    /// Ours begins anew, and makes its index of texts from now on.
    pub fn index_texts(&mut self, program: &Path) {
        if let Server::Ours(demo) = &mut self.server {
            demo.serve(program, &[("text_index = false", "text_index = true")]);
        }
    }

    /// The process above all others.
    fn pid(&self) -> u32 {
        match &self.server {
            Server::Ours(demo) => demo.pid(),
            Server::Theirs { dovecot, .. } => dovecot.pid(),
        }
    }

    /// CPU time of all its processes so far, in clock ticks.
    pub fn ticks(&self) -> u64 {
        ticks_below(self.pid())
    }

    /// Memory of all its processes, in bytes; what several share counts once.
    pub fn memory(&self) -> u64 {
        memory_below(self.pid())
    }

    /// How many files its process may open.
    pub fn files(&self) -> usize {
        files_of(self.pid())
    }

    /// A person's mailbox.
    pub fn mailbox(&self, n: usize, kept: Kept) -> Mailbox {
        let own = &self.people[n % self.people.len()];
        let letter = match kept {
            _ if self.is_ours() => return own.clone(),
            Kept::Cheap => "m",
            Kept::Dear => "d",
            Kept::Scram => "s",
        };
        let address = own.address.to_string().replacen('m', letter, 1);
        Mailbox { address: Address::parse(&address).expect("an address"), password: own.password.clone() }
    }

    /// A connection that has said nothing yet, with so many octets read at once.
    pub fn greeted(&self, room: usize) -> Reader {
        Reader::greeted(&self.tls, &self.address, room)
    }

    /// A submission connection of this person's, who has a mailbox of ours.
    pub fn sender(&self, mailbox: &Mailbox) -> Sender {
        Sender::open(&self.tls, self.submissions.as_deref().expect("a provider"), mailbox)
    }

    /// Where Dovecot takes mail for its mailboxes.
    pub fn lmtp(&self) -> Option<PathBuf> {
        match &self.server {
            Server::Ours(_) => None,
            Server::Theirs { dovecot, .. } => Some(dovecot.path(dovecot::LMTP_SOCKET)),
        }
    }

    /// A connection of this person, logged in.
    pub fn open(&self, n: usize) -> Reader {
        let mut reader = self.greeted(ROOM);
        reader.login(&self.mailbox(n, Kept::Cheap));
        reader
    }
}

/// Everybody three times: under the same argon2id hash and SCRAM keys as our own mailboxes have, and in clear.
fn users(people: usize) -> String {
    let verifier = sigillo_engine::verifier(&Secret::new(PASSWORD.to_owned()), [7; 32]).expect("a sound password");
    let scram = verifier.scram.expect("a password for SCRAM");
    let base64 = |octets: &[u8]| data_encoding::BASE64.encode(octets);
    let keys = [&scram.salt[..], &scram.stored_key, &scram.server_key].map(base64).join(",");
    let kept = [
        ("d", format!("{{ARGON2ID}}{}", verifier.hash.text())),
        ("m", format!("{{PLAIN}}{PASSWORD}")),
        ("s", format!("{{SCRAM-SHA-256}}{},{keys}", scram.iterations)),
    ];
    let lines =
        kept.iter().flat_map(|(letter, kept)| (1..=people).map(move |n| format!("{letter}{n}@alfa.example:{kept}\n")));
    lines.collect()
}

/// As its manual advises a busy server to be: processes that serve one client after the other, connections that only
/// listen put together in one process. Every change waits for the disk, as ours does.
fn settings() -> String {
    let more = "auth_mechanisms = plain scram-sha-256\nmail_fsync = always\nssl_min_protocol = TLSv1.2\ndefault_vsz_limit = 1G\n\
     imap_hibernate_timeout = 5s\n\
     service imap-login {\n service_count = 0\n client_limit = 2000\n process_min_avail = 2\n}\n\
     service imap {\n service_count = 1000\n process_limit = 2000\n process_min_avail = 4\n unix_listener imap-master {\n  user = $default_internal_user\n }\n}\n\
     service imap-hibernate {\n client_limit = 10000\n unix_listener imap-hibernate {\n  mode = 0666\n }\n}\n\
     service anvil {\n client_limit = 10000\n}\nservice auth {\n client_limit = 10000\n}\n";
    format!("{}{more}", dovecot::LMTP)
}
