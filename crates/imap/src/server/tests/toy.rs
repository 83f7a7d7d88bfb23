//! Folders in memory, and a client's end of a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use sigillo_base::{Secret, Timestamp};
use sigillo_wire::sasl::{Claim, Query, ScramKeys};
use sigillo_wire::{Session, Tick, transcript};

use crate::command::copy::PAGE;
use crate::{
    Action, Appended, AtHand, Attribute, Change, Code, Config, Content, Destination, Draft, DraftPart, Flags,
    FolderInfo, FolderState, Grams, LoginRefusal, Mailboxes, Refusal, Row, Server, Status, Stored, Summary, System,
};

/// The keys of `anna`, or of nobody.
fn keys(user: &str) -> ScramKeys {
    match user {
        "anna" => ScramKeys::derive(&Secret::new("pw".into()), b"0123456789abcdef", 4096).unwrap(),
        _ => ScramKeys::of_nobody(b"secret", user),
    }
}

/// Why a login is refused whatever it proves.
fn unwanted(user: &str) -> Option<LoginRefusal> {
    let why = "Rivolgersi a noi".to_owned();
    match user {
        "bloccata" => Some(LoginRefusal::Blocked(why)),
        "scaduta" => Some(LoginRefusal::Expired(why)),
        "estranea" => Some(LoginRefusal::Denied(why)),
        _ => None,
    }
}

fn proves(claim: &Claim) -> bool {
    match claim {
        Claim::Password(c) => c.user == "anna" && c.password.expose() == "pw",
        Claim::Proven(user, proven) => *proven == keys(user),
        Claim::Token(_) | Claim::Certificate(_) => true,
        Claim::Refuted(_) | Claim::BadToken { .. } => false,
    }
}

/// When everything is saved: the 1st of March 2026.
const NOW: Timestamp = Timestamp::from_millis(1_772_360_000_000);

#[derive(Default, Clone)]
pub struct Folder {
    pub number: u32,
    pub info: FolderInfo,
    pub uid_validity: u32,
    pub uid_next: u32,
    pub modseq: u64,
    pub messages: Vec<(Row, Vec<u8>)>,
    /// Mod-sequence and UID of each removal that is remembered.
    pub gone: Vec<(u64, u32)>,
    /// Removals up to here may have been forgotten.
    pub forgotten: u64,
    pub read_only: bool,
    /// The user may see it and not read it; may not see it.
    pub barred: bool,
    pub hidden: bool,
}

impl Folder {
    fn state(&self) -> FolderState {
        FolderState {
            number: self.number,
            id: format!("F{}", self.number),
            uid_validity: self.uid_validity,
            uid_next: self.uid_next,
            highest_modseq: self.modseq,
            rows: Arc::new(self.messages.iter().map(|m| m.0.clone()).collect()),
            gone: None,
            permanent_flags: Flags::all_system(),
            new_keywords: true,
            read_only: self.read_only,
        }
    }

    fn status(&self) -> Status {
        let with = |flag| self.messages.iter().filter(|m| m.0.flags.has(flag)).count() as u32;
        let messages = self.messages.len() as u32;
        Status {
            messages,
            unseen: messages - with(System::Seen),
            deleted: with(System::Deleted),
            deleted_storage: self
                .messages
                .iter()
                .filter(|m| m.0.flags.has(System::Deleted))
                .map(|m| u64::from(m.0.size))
                .sum(),
            size: self.messages.iter().map(|m| u64::from(m.0.size)).sum(),
            uid_next: self.uid_next,
            uid_validity: self.uid_validity,
            highest_modseq: self.modseq,
            id: format!("F{}", self.number),
        }
    }

    /// As another session changes a message.
    pub fn change(&mut self, uid: u32, change: &Change) {
        let modseq = self.modseq + 1;
        for (row, _) in self.messages.iter_mut().filter(|m| m.0.uid == uid) {
            row.flags = row.flags.after(change.op, &change.flags);
            (row.modseq, self.modseq) = (modseq, modseq);
        }
    }

    /// The same for a flag more.
    pub fn flag(&mut self, uid: u32, flag: System) {
        self.change(uid, &Change::new(crate::StoreOp::Add, Flags::new().with(flag)));
    }

    /// As another session removes messages.
    pub fn remove(&mut self, dead: impl Fn(&Row) -> bool) -> Vec<u32> {
        let removed: Vec<u32> = self.messages.iter().filter(|m| dead(&m.0)).map(|m| m.0.uid).collect();
        self.messages.retain(|m| !dead(&m.0));
        self.modseq += u64::from(!removed.is_empty());
        self.gone.extend(removed.iter().map(|uid| (self.modseq, *uid)));
        removed
    }

    /// Forgets the removals so far.
    pub fn forget(&mut self) {
        self.gone.clear();
        self.forgotten = self.modseq;
    }

    fn removed_since(&self, since: u64) -> Option<Vec<u32>> {
        let mut uids: Vec<u32> = self.gone.iter().filter(|(modseq, _)| *modseq > since).map(|(_, uid)| *uid).collect();
        uids.sort_unstable();
        (since >= self.forgotten).then_some(uids)
    }
}

/// What another session does.
pub type Others = Box<dyn FnOnce(&mut Toy)>;

#[derive(Default)]
pub struct Toy {
    pub folders: BTreeMap<String, Folder>,
    pub spool: Vec<u8>,
    pub reads: usize,
    pub summaries: usize,
    pub commits: usize,
    /// Folders opened, with all that is in them.
    pub opened: usize,
    pub faulty: bool,
    /// What another session does between the look and the next commit of ours.
    pub overtaken: Option<Others>,
    /// The number of the last folder.
    last: u32,
    /// Each folder that is made has a UIDVALIDITY of its own; otherwise all have the same.
    pub own_validity: bool,
    /// Trigrams are kept.
    pub indexed: bool,
    pub now: Timestamp,
    /// Keeps no summaries.
    pub forgetful: bool,
    /// A message that is read on from here cannot be read.
    pub unreadable_from: Option<u64>,
    /// Messages are read for their texts, in one piece.
    pub searched: bool,
    /// So many pages are copied, and no more.
    pub pages: Option<usize>,
    /// So many octets may come.
    pub room: Option<u64>,
    /// Subscribed names without a folder.
    pub missing: Vec<String>,
    /// What went cannot be told.
    pub lost: bool,
    /// Nobody may change flags.
    pub unflagged: bool,
    pub kept: super::custody::Kept,
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

    /// Before a commit of ours.
    fn overtake(&mut self) {
        if let Some(others) = self.overtaken.take() {
            others(self);
        }
    }

    fn folder(&mut self, name: &str) -> Result<&mut Folder, Refusal> {
        if self.faulty {
            return Err(Refusal::unavailable());
        }
        self.folders.get_mut(name).ok_or_else(Refusal::no_folder)
    }

    fn numbered(&mut self, number: u32) -> Result<&mut Folder, Refusal> {
        if self.faulty {
            return Err(Refusal::unavailable());
        }
        self.folders.values_mut().find(|f| f.number == number).ok_or_else(Refusal::no_folder)
    }

    /// The INBOX, for what other sessions do.
    pub fn inbox(&mut self) -> &mut Folder {
        self.at("INBOX")
    }

    /// Any folder, for the same.
    pub fn at(&mut self, name: &str) -> &mut Folder {
        self.folders.get_mut(name).unwrap()
    }

    fn target(&mut self, name: &str) -> Result<&mut Folder, Refusal> {
        self.folders.get_mut(name).ok_or_else(|| Refusal::new(Code::TryCreate, "La cartella non esiste"))
    }

    /// The name that a folder has now.
    fn still(&mut self, into: Destination) -> Result<String, Refusal> {
        let folder = self.numbered(into.folder)?;
        if folder.uid_validity != into.uid_validity {
            return Err(Refusal::no_folder());
        }
        Ok(folder.info.name.clone())
    }

    fn put(&mut self, name: &str, flags: Flags, date: Timestamp, bytes: Vec<u8>) -> Result<u32, Refusal> {
        let folder = self.target(name)?;
        let uid = folder.uid_next;
        folder.uid_next += 1;
        folder.modseq += 1;
        let modseq = folder.modseq;
        let (size, saved) = (bytes.len() as u32, NOW);
        // In the INBOX the UID itself.
        let email = u128::from(folder.number - 1) << 32 | u128::from(uid);
        folder.messages.push((Row { uid, flags, date, size, modseq, saved, email }, bytes));
        Ok(uid)
    }
}

#[derive(Debug)]
struct Fragile {
    bytes: Vec<u8>,
    fails: u64,
    most: usize,
}

impl Content for Fragile {
    fn read(&mut self, from: u64, most: usize) -> Result<Vec<u8>, Refusal> {
        assert!(most <= self.most, "nothing large is asked for at once");
        if from >= self.fails { Err(Refusal::unavailable()) } else { self.bytes.read(from, most) }
    }
}

impl Mailboxes for Toy {
    fn list(&mut self) -> Result<Vec<FolderInfo>, Refusal> {
        if self.faulty {
            return Err(Refusal::unavailable());
        }
        Ok(self
            .folders
            .values()
            .filter(|f| !f.hidden)
            .map(|f| FolderInfo {
                number: f.number,
                status: (!f.barred).then(|| f.status()),
                rights: crate::FolderRights::ALL,
                ..f.info.clone()
            })
            .collect())
    }
    fn select(&mut self, name: &str) -> Result<FolderState, Refusal> {
        self.opened += 1;
        Ok(self.folder(name)?.state())
    }
    fn locate(&mut self, name: &str) -> Result<(u32, u32), Refusal> {
        self.folder(name).map(|folder| (folder.number, folder.uid_validity))
    }
    fn refresh(&mut self, folder: u32, since: u64, uid_next: u32) -> Result<FolderState, Refusal> {
        let folder = self.numbered(folder)?;
        let (mut state, gone) = (folder.state(), folder.removed_since(since));
        if gone.is_some() {
            Arc::make_mut(&mut state.rows).retain(|row| row.modseq > since);
            assert!(state.rows.iter().all(|row| row.uid < uid_next || row.modseq > since));
        }
        Ok(FolderState { gone, ..state })
    }
    fn version(&mut self, folder: u32) -> Result<Option<u64>, Refusal> {
        Ok(Some(self.numbered(folder)?.modseq))
    }
    fn rights_in(&mut self, _folder: u32) -> Result<Option<crate::FolderRights>, Refusal> {
        Ok(self.kept.mine)
    }
    fn vanished(&mut self, folder: u32, since: u64) -> Result<Option<Vec<u32>>, Refusal> {
        if self.lost {
            return Err(Refusal::unavailable());
        }
        Ok(self.numbered(folder)?.removed_since(since))
    }
    fn message(&mut self, folder: u32, uid: u32) -> Result<Option<Vec<u8>>, Refusal> {
        self.reads += 1;
        Ok(self.numbered(folder)?.messages.iter().find(|m| m.0.uid == uid).map(|m| m.1.clone()))
    }
    fn summary(&mut self, folder: u32, uid: u32) -> Result<Option<Summary>, Refusal> {
        self.summaries += 1;
        Ok(self.numbered(folder)?.messages.iter().find(|m| m.0.uid == uid).map(|m| Summary::of(&m.1)))
    }
    fn grams(&mut self, folder: u32, uid: u32) -> Result<Option<Grams>, Refusal> {
        let indexed = self.indexed;
        Ok(self.numbered(folder)?.messages.iter().find(|m| indexed && m.0.uid == uid).map(|m| Grams::of(&m.1)))
    }
    fn now(&mut self) -> Timestamp {
        self.now
    }
    fn content(&mut self, folder: u32, uid: u32) -> Result<Option<Box<dyn Content>>, Refusal> {
        let fails = self.unreadable_from.unwrap_or(u64::MAX);
        let bytes = self.message(folder, uid)?;
        let most = if self.searched { usize::MAX } else { 256 * 1024 };
        Ok(bytes.map(|bytes| Box::new(Fragile { bytes, fails, most }) as Box<dyn Content>))
    }
    fn at_hand(&mut self, folder: u32, uid: u32) -> Result<AtHand, Refusal> {
        let size = self.numbered(folder)?.messages.iter().find(|m| m.0.uid == uid).map(|m| m.1.len());
        match size {
            Some(size) if self.forgetful => Ok(AtHand::Unread(size)),
            Some(_) => Ok(self.summary(folder, uid)?.map_or(AtHand::Gone, |s| AtHand::Summary(Box::new(s)))),
            None => Ok(AtHand::Gone),
        }
    }
    fn store_flags(&mut self, folder: u32, uids: &[u32], change: &Change) -> Result<Stored, Refusal> {
        assert!(uids.len() <= PAGE, "a page at a time");
        if self.unflagged {
            return Err(Refusal::new(Code::NoPerm, "Manca il diritto"));
        }
        self.commits += 1;
        self.overtake();
        let folder = self.numbered(folder)?;
        let modseq = folder.modseq + 1;
        let mut stored = Stored::default();
        for (row, _) in folder.messages.iter_mut().filter(|m| uids.contains(&m.0.uid)) {
            if !change.allows(row.modseq) {
                stored.modified.push(row.uid);
                continue;
            }
            row.flags = row.flags.after(change.op, &change.flags);
            (row.modseq, folder.modseq) = (modseq, modseq);
            stored.rows.push(row.clone());
        }
        Ok(stored)
    }
    fn append_start(&mut self, name: &str, size: u64, replaced: Option<(u32, u32)>) -> Result<(), Refusal> {
        self.spool.clear();
        self.target(name)?;
        self.append_more(name, size, replaced)
    }
    fn append_more(&mut self, _name: &str, size: u64, replaced: Option<(u32, u32)>) -> Result<(), Refusal> {
        let freed = match replaced {
            Some((folder, uid)) => {
                let old = self.numbered(folder)?.messages.iter().find(|m| m.0.uid == uid);
                old.map_or(0, |m| u64::from(m.0.size))
            }
            None => 0,
        };
        if self.room.is_some_and(|room| size > room + freed) {
            return Err(Refusal::new(Code::OverQuota, "La casella e' piena"));
        }
        Ok(())
    }
    fn append(&mut self, name: &str, drafts: &[Draft], replaced: Option<(u32, u32)>) -> Result<Appended, Refusal> {
        self.target(name)?;
        self.commits += 1;
        self.overtake();
        let uid_validity = self.target(name)?.uid_validity;
        if let Some((folder, uid)) = replaced
            && self.numbered(folder)?.messages.iter().all(|m| m.0.uid != uid)
        {
            return Err(Refusal::new(Code::NonExistent, "Il messaggio da sostituire non c'è più"));
        }
        let spool = std::mem::take(&mut self.spool);
        let (mut came, mut uids) = (&spool[..], Vec::new());
        for draft in drafts {
            let mut bytes = Vec::new();
            for part in &draft.parts {
                match part {
                    DraftPart::Came(octets) => {
                        let (these, rest) = came.split_at(*octets as usize);
                        bytes.extend_from_slice(these);
                        came = rest;
                    }
                    DraftPart::Of { folder, uid, range } => {
                        let whole = self.message(*folder, *uid)?.ok_or_else(Refusal::no_folder)?;
                        bytes.extend_from_slice(&whole[range.start as usize..range.end as usize]);
                    }
                    DraftPart::Own(own) => bytes.extend_from_slice(own),
                }
            }
            uids.push(self.put(name, draft.flags.clone(), draft.date.unwrap_or_default(), bytes)?);
        }
        assert!(came.is_empty(), "every octet that came is in a message");
        if let Some((folder, uid)) = replaced {
            self.numbered(folder)?.remove(|r| r.uid == uid);
        }
        Ok(Appended { uid_validity, uids })
    }
    fn expunge(&mut self, folder: u32, uids: &[u32]) -> Result<Vec<u32>, Refusal> {
        assert!(uids.len() <= PAGE, "a page at a time");
        self.overtake();
        Ok(self.numbered(folder)?.remove(|r| uids.contains(&r.uid) && r.flags.has(System::Deleted)))
    }
    fn destination(&mut self, name: &str) -> Result<Destination, Refusal> {
        let target = self.target(name)?;
        Ok(Destination { folder: target.number, uid_validity: target.uid_validity })
    }
    fn copy(&mut self, folder: u32, uids: &[u32], into: Destination) -> Result<Vec<(u32, u32)>, Refusal> {
        self.commits += 1;
        self.overtake();
        let target = self.still(into)?;
        if let Some(left) = self.pages.as_mut() {
            *left = left.checked_sub(1).ok_or_else(|| Refusal::new(Code::OverQuota, "La casella e' piena"))?;
        }
        let source = self.numbered(folder)?.messages.clone();
        let mut pairs = Vec::new();
        for (row, bytes) in source.into_iter().filter(|m| uids.contains(&m.0.uid)) {
            pairs.push((row.uid, self.put(&target, row.flags, row.date, bytes)?));
            if let Some((copy, _)) = self.target(&target)?.messages.last_mut() {
                copy.email = row.email;
            }
        }
        Ok(pairs)
    }
    fn withdraw(&mut self, into: Destination, uids: &[u32]) -> Result<(), Refusal> {
        if self.folders.values().any(|folder| folder.number == into.folder) {
            let target = self.still(into)?;
            self.at(&target).remove(|r| uids.contains(&r.uid));
        }
        Ok(())
    }
    fn move_(&mut self, folder: u32, uids: &[u32], into: Destination) -> Result<Vec<(u32, u32)>, Refusal> {
        let pairs = self.copy(folder, uids, into)?;
        self.numbered(folder)?.remove(|r| uids.contains(&r.uid));
        Ok(pairs)
    }
    fn create(&mut self, name: &str, special: Option<Attribute>) -> Result<String, Refusal> {
        if self.folders.contains_key(name) {
            return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste già"));
        }
        let attributes = special.into_iter().collect();
        let info = FolderInfo { name: name.into(), attributes, subscribed: true, ..FolderInfo::default() };
        self.last += 1;
        let uid_validity = 7 + if self.own_validity { self.last } else { 0 };
        let folder = Folder { number: self.last, info, uid_validity, uid_next: 1, modseq: 1, ..Folder::default() };
        self.folders.insert(name.into(), folder);
        Ok(format!("F{}", self.last))
    }
    fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        self.folders.remove(name).map(|_| ()).ok_or_else(Refusal::no_folder)
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        if self.folders.contains_key(to) {
            return Err(Refusal::new(Code::AlreadyExists, "La cartella esiste già"));
        }
        let mut folder = self.folders.remove(from).ok_or_else(Refusal::no_folder)?;
        folder.info.name = to.into();
        self.folders.insert(to.into(), folder);
        Ok(())
    }
    fn subscribe(&mut self, name: &str, on: bool) -> Result<(), Refusal> {
        let missing = self.missing.len();
        self.missing.retain(|there| on || there != name);
        if self.missing.len() == missing {
            self.folder(name)?.info.subscribed = on;
        }
        Ok(())
    }
    fn subscriptions(&mut self) -> Result<Vec<String>, Refusal> {
        Ok(self.missing.clone())
    }
    fn status(&mut self, name: &str) -> Result<Status, Refusal> {
        Ok(self.folder(name)?.status())
    }
}

/// A client at a session, and the driver between them.
pub struct Client {
    pub server: Server,
    pub toy: Toy,
    pub received: Vec<u8>,
    said: Said,
    pub now: Tick,
    pub closed: bool,
    pub idle: bool,
    pub biggest_piece: usize,
    pub log: Vec<String>,
    /// The memory that was asked for before a part of an answer.
    pub weights: Vec<usize>,
}

/// All that a client received. Whatever a test was about, others must be able to read it.
#[derive(Default)]
struct Said(Vec<u8>);

impl Drop for Said {
    fn drop(&mut self) {
        if let (false, Err(why)) = (std::thread::panicking(), super::witness::read(&self.0)) {
            panic!("{why}");
        }
    }
}

impl Client {
    pub fn new(tls: bool) -> Self {
        Self::with(Toy::new(), Config { max_literal: 100_000, ..Config::default() }, tls)
    }

    pub fn with(toy: Toy, config: Config, tls: bool) -> Self {
        let server = Server::new(config, tls, Tick(0));
        let (received, said, log) = (Vec::new(), Said::default(), Vec::new());
        let (now, closed, idle, biggest_piece, weights) = (Tick(0), false, false, 0, Vec::new());
        let mut client = Self { server, toy, received, said, now, closed, idle, biggest_piece, log, weights };
        client.pump();
        client
    }

    /// Logged in, greeting read.
    pub fn inside(toy: Toy) -> Self {
        let mut client = Self::with(toy, Config { max_literal: 100_000, ..Config::default() }, true);
        client.script("S: * OK …\nC: l LOGIN anna pw\nS: l OK …");
        client
    }

    fn hear(&mut self, bytes: Vec<u8>) {
        self.biggest_piece = self.biggest_piece.max(bytes.len());
        self.said.0.extend_from_slice(&bytes);
        self.received.extend(bytes);
    }

    pub fn pump(&mut self) {
        while let Some(action) = self.server.poll() {
            match action {
                Action::Write(bytes) => self.hear(bytes),
                Action::StartTls => self.server.tls_started(self.now),
                Action::Lookup(Query::Keys(user)) => self.server.keys(keys(&user), "NONCE", self.now),
                Action::Lookup(Query::Token { user, token }) => {
                    self.server.token(user.filter(|_| token.expose() == "good"), self.now);
                }
                Action::Login(claim) if proves(&claim) => {
                    self.server.logged_in(Ok("anna".into()), self.now);
                }
                Action::Login(c) if unwanted(c.user()).is_some() => {
                    let refusal = unwanted(c.user()).expect("it is");
                    self.server.logged_in(Err(refusal), self.now);
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
                Action::AppendDropped => self.toy.spool.clear(),
                Action::LoggedOut => self.log.push("logged out".into()),
                Action::IdleStart => self.idle = true,
                Action::IdleEnd => self.idle = false,
                Action::Compress => self.log.push("compressed".into()),
                Action::Expand(bytes) => {
                    self.log.push("expanded".into());
                    self.hear(bytes);
                }
                Action::Close => self.closed = true,
            }
            while self.server.more() {
                while let Some(action) = self.server.poll() {
                    let Action::Write(bytes) = action else { panic!("{action:?} in the middle of an answer") };
                    self.hear(bytes);
                }
                self.weights.extend(Some(self.server.weight()).filter(|weight| *weight > 0));
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
