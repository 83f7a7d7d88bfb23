//! Folders in memory, and a client's end of a session.

use std::collections::BTreeMap;

use sigillo_base::{Secret, Timestamp};
use sigillo_wire::sasl::{Claim, Query, ScramKeys};
use sigillo_wire::{Session, Tick, transcript};

use crate::{
    Action, Attribute, Code, Config, Copied, Flags, FolderInfo, FolderState, LoginRefusal, Mailboxes, Refusal, Row,
    Server, Status, StoreOp, Summary, System,
};

/// The keys of `anna`, or of nobody.
fn keys(user: &str) -> ScramKeys {
    match user {
        "anna" => ScramKeys::derive(&Secret::new("pw".into()), b"0123456789abcdef", 4096).unwrap(),
        _ => ScramKeys::of_nobody(b"secret", user),
    }
}

fn proves(claim: &Claim) -> bool {
    match claim {
        Claim::Password(c) => c.user == "anna" && c.password.expose() == "pw",
        Claim::Proven(user, proven) => *proven == keys(user),
        Claim::Token(_) | Claim::Certificate(_) => true,
        Claim::Refuted(_) => false,
    }
}

#[derive(Default, Clone)]
pub struct Folder {
    pub info: FolderInfo,
    pub uid_next: u32,
    pub messages: Vec<(Row, Vec<u8>)>,
    pub read_only: bool,
}

#[derive(Default)]
pub struct Toy {
    pub folders: BTreeMap<String, Folder>,
    pub spool: Vec<u8>,
    pub reads: usize,
    pub summaries: usize,
    pub commits: usize,
    pub faulty: bool,
}

impl Toy {
    pub fn new() -> Self {
        let mut toy = Self::default();
        toy.create("INBOX", None).unwrap();
        toy
    }

    pub fn deliver(&mut self, name: &str, message: &[u8]) -> u32 {
        let flags = Flags::new();
        self.put(name, flags, Timestamp::from_millis(1_773_306_901_000), message.to_vec()).unwrap()
    }

    fn folder(&mut self, name: &str) -> Result<&mut Folder, Refusal> {
        if self.faulty {
            return Err(Refusal::unavailable());
        }
        self.folders.get_mut(name).ok_or_else(Refusal::no_folder)
    }

    fn target(&mut self, name: &str) -> Result<&mut Folder, Refusal> {
        self.folders.get_mut(name).ok_or_else(|| Refusal::new(Code::TryCreate, "La cartella non esiste"))
    }

    fn put(&mut self, name: &str, flags: Flags, date: Timestamp, bytes: Vec<u8>) -> Result<u32, Refusal> {
        let folder = self.target(name)?;
        let uid = folder.uid_next;
        folder.uid_next += 1;
        folder.messages.push((Row { uid, flags, date, size: bytes.len() as u32, modseq: 0 }, bytes));
        Ok(uid)
    }
}

impl Mailboxes for Toy {
    fn list(&mut self) -> Result<Vec<FolderInfo>, Refusal> {
        Ok(self.folders.values().map(|f| f.info.clone()).collect())
    }
    fn select(&mut self, name: &str) -> Result<FolderState, Refusal> {
        let folder = self.folder(name)?;
        Ok(FolderState {
            uid_validity: 7,
            uid_next: folder.uid_next,
            highest_modseq: 0,
            rows: folder.messages.iter().map(|m| m.0.clone()).collect(),
            permanent_flags: Flags::all_system(),
            new_keywords: true,
            read_only: folder.read_only,
        })
    }
    fn refresh(&mut self, name: &str) -> Result<FolderState, Refusal> {
        self.select(name)
    }
    fn message(&mut self, name: &str, uid: u32) -> Result<Option<Vec<u8>>, Refusal> {
        self.reads += 1;
        Ok(self.folder(name)?.messages.iter().find(|m| m.0.uid == uid).map(|m| m.1.clone()))
    }
    fn summary(&mut self, name: &str, uid: u32) -> Result<Option<Summary>, Refusal> {
        self.summaries += 1;
        Ok(self.folder(name)?.messages.iter().find(|m| m.0.uid == uid).map(|m| Summary::of(&m.1)))
    }
    fn store_flags(&mut self, name: &str, uids: &[u32], op: StoreOp, flags: &Flags) -> Result<Vec<Row>, Refusal> {
        self.commits += 1;
        let mut rows = Vec::new();
        for (row, _) in self.folder(name)?.messages.iter_mut().filter(|m| uids.contains(&m.0.uid)) {
            row.flags = row.flags.after(op, flags);
            rows.push(row.clone());
        }
        Ok(rows)
    }
    fn append_start(&mut self, name: &str, _size: u64) -> Result<(), Refusal> {
        self.spool.clear();
        self.target(name).map(|_| ())
    }
    fn append(&mut self, name: &str, flags: &Flags, date: Option<Timestamp>) -> Result<(u32, u32), Refusal> {
        let bytes = std::mem::take(&mut self.spool);
        Ok((7, self.put(name, flags.clone(), date.unwrap_or_default(), bytes)?))
    }
    fn expunge(&mut self, name: &str, uids: &[u32]) -> Result<Vec<u32>, Refusal> {
        let folder = self.folder(name)?;
        let dead = |r: &Row| uids.contains(&r.uid) && r.flags.has(System::Deleted);
        let removed = folder.messages.iter().filter(|m| dead(&m.0)).map(|m| m.0.uid).collect();
        folder.messages.retain(|m| !dead(&m.0));
        Ok(removed)
    }
    fn copy(&mut self, name: &str, uids: &[u32], target: &str) -> Result<Copied, Refusal> {
        self.target(target)?;
        let source = self.folder(name)?.messages.clone();
        let mut pairs = Vec::new();
        for (row, bytes) in source.into_iter().filter(|m| uids.contains(&m.0.uid)) {
            pairs.push((row.uid, self.put(target, row.flags, row.date, bytes)?));
        }
        Ok(Copied { uid_validity: 7, pairs })
    }
    fn move_(&mut self, name: &str, uids: &[u32], target: &str) -> Result<Copied, Refusal> {
        let copied = self.copy(name, uids, target)?;
        self.folder(name)?.messages.retain(|m| !uids.contains(&m.0.uid));
        Ok(copied)
    }
    fn create(&mut self, name: &str, special: Option<Attribute>) -> Result<(), Refusal> {
        if self.folders.contains_key(name) {
            return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste già"));
        }
        let attributes = special.into_iter().collect();
        let info = FolderInfo { name: name.into(), attributes, subscribed: true };
        self.folders.insert(name.into(), Folder { info, uid_next: 1, ..Folder::default() });
        Ok(())
    }
    fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        self.folders.remove(name).map(|_| ()).ok_or_else(Refusal::no_folder)
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let mut folder = self.folders.remove(from).ok_or_else(Refusal::no_folder)?;
        folder.info.name = to.into();
        self.folders.insert(to.into(), folder);
        Ok(())
    }
    fn subscribe(&mut self, name: &str, on: bool) -> Result<(), Refusal> {
        self.folder(name)?.info.subscribed = on;
        Ok(())
    }
    fn status(&mut self, name: &str) -> Result<Status, Refusal> {
        let folder = self.folder(name)?;
        let unseen = folder.messages.iter().filter(|m| !m.0.flags.has(System::Seen)).count() as u32;
        let messages = folder.messages.len() as u32;
        Ok(Status { messages, unseen, uid_next: folder.uid_next, uid_validity: 7 })
    }
}

/// A client at a session, and the driver between them.
pub struct Client {
    pub server: Server,
    pub toy: Toy,
    pub received: Vec<u8>,
    pub now: Tick,
    pub closed: bool,
    pub idle: bool,
    pub biggest_piece: usize,
    pub log: Vec<String>,
}

impl Client {
    pub fn new(tls: bool) -> Self {
        Self::with(Toy::new(), Config { max_literal: 100_000, ..Config::default() }, tls)
    }

    pub fn with(toy: Toy, config: Config, tls: bool) -> Self {
        let server = Server::new(config, tls, Tick(0));
        let (received, log) = (Vec::new(), Vec::new());
        let mut client =
            Self { server, toy, received, now: Tick(0), closed: false, idle: false, biggest_piece: 0, log };
        client.pump();
        client
    }

    /// Logged in, greeting read.
    pub fn inside(toy: Toy) -> Self {
        let mut client = Self::with(toy, Config { max_literal: 100_000, ..Config::default() }, true);
        client.script("S: * OK …\nC: l LOGIN anna pw\nS: l OK …");
        client
    }

    pub fn pump(&mut self) {
        while let Some(action) = self.server.poll() {
            match action {
                Action::Write(bytes) => {
                    self.biggest_piece = self.biggest_piece.max(bytes.len());
                    self.received.extend(bytes);
                }
                Action::StartTls => self.server.tls_started(self.now),
                Action::Lookup(Query::Keys(user)) => self.server.keys(keys(&user), "NONCE", self.now),
                Action::Lookup(Query::Token { user, token }) => {
                    self.server.token(user.filter(|_| token.expose() == "good"), self.now);
                }
                Action::Login(claim) if proves(&claim) => {
                    self.server.logged_in(Ok("anna".into()), self.now);
                }
                Action::Login(c) if c.user() == "rotto" => {
                    self.server.logged_in(Err(LoginRefusal::Unavailable), self.now);
                }
                Action::Login(_) => self.server.logged_in(Err(LoginRefusal::Credentials), self.now),
                Action::Request(request) => {
                    self.log.push(format!("{request:?}"));
                    self.server.run(&mut self.toy, self.now);
                }
                Action::AppendChunk(bytes) => self.toy.spool.extend(bytes),
                Action::IdleStart => self.idle = true,
                Action::IdleEnd => self.idle = false,
                Action::Close => self.closed = true,
            }
            while self.server.more() {
                while let Some(action) = self.server.poll() {
                    let Action::Write(bytes) = action else { panic!("{action:?} in the middle of an answer") };
                    self.biggest_piece = self.biggest_piece.max(bytes.len());
                    self.received.extend(bytes);
                }
                self.server.run(&mut self.toy, self.now);
            }
        }
    }

    pub fn script(&mut self, script: &str) {
        transcript::run(script, self).unwrap();
    }

    /// Sends a command and gives all that comes.
    pub fn ask(&mut self, command: &str) -> String {
        transcript::Peer::send(self, format!("{command}\r\n").as_bytes());
        String::from_utf8(std::mem::take(&mut self.received)).unwrap()
    }

    pub fn wake(&mut self) {
        self.server.wake(&mut self.toy, self.now);
        self.pump();
    }
}

impl transcript::Peer for Client {
    fn send(&mut self, bytes: &[u8]) {
        self.server.input(self.now, bytes);
        self.pump();
    }

    fn line(&mut self) -> Option<String> {
        let end = self.received.windows(2).position(|w| w == b"\r\n")?;
        let rest = self.received.split_off(end + 2);
        let line = std::mem::replace(&mut self.received, rest);
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }
}
