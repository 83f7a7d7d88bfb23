//! IMAP sessions over mailboxes of their own.

use std::sync::Arc;

use sigillo_base::Timestamp;
use sigillo_imap::{
    Appended, Attribute, Change, Custody, Destination, Draft, DraftPart, Flags, FolderInfo, FolderRights, FolderState,
    LoginRefusal, Mailboxes, Quota, Refusal, RightsChange, Row, Status, Stored,
};
use sigillo_wire::sasl::{Claim, Query, ScramKeys};
use sigillo_wire::{Session, Tick};

use super::NOW;
use super::sessions::{Did, any_cuts, push};

/// An IMAP session after TLS, over two folders of fixed messages.
pub fn imap(data: &[u8]) {
    let new = |tls| {
        let config = sigillo_imap::Config { max_literal: 4096, ..sigillo_imap::Config::default() };
        sigillo_imap::Server::new(config, tls, Tick(0))
    };
    any_cuts(data, |pieces| {
        let (mut server, mut boxes, mut trace) = (new(true), Boxes::new(), Vec::new());
        drive_imap(&mut server, &mut boxes, &mut trace);
        for piece in pieces {
            server.input(Tick(0), piece);
            drive_imap(&mut server, &mut boxes, &mut trace);
        }
        // Something happened in the mailbox: who listens is told.
        boxes.put(0, LETTER.to_vec(), Flags::new());
        server.wake(&mut boxes, Tick(0));
        drive_imap(&mut server, &mut boxes, &mut trace);
        server.end_of_input(Tick(0));
        drive_imap(&mut server, &mut boxes, &mut trace);
        trace
    });
    let mut server = new(false);
    server.input(Tick(0), data);
    drive_imap(&mut server, &mut Boxes::new(), &mut Vec::new());
}

fn drive_imap(server: &mut sigillo_imap::Server, boxes: &mut Boxes, trace: &mut Vec<Did>) {
    use sigillo_imap::Action;
    loop {
        let Some(action) = server.poll() else {
            if !server.more() {
                return;
            }
            server.run(boxes, Tick(0));
            continue;
        };
        match action {
            Action::Write(bytes) => push(trace, Did::Wrote(bytes)),
            Action::AppendChunk(bytes) => {
                boxes.appended.extend(&bytes);
                push(trace, Did::Took(bytes));
            }
            Action::AppendDropped => {
                boxes.appended.clear();
                push(trace, Did::Other("dropped".into()));
            }
            Action::StartTls => server.tls_started(Tick(0)),
            Action::Lookup(Query::Keys(user)) => server.keys(ScramKeys::of_nobody(b"fuzz", &user), "NONCE", Tick(0)),
            Action::Lookup(Query::Token { user, .. }) => server.token(user, Tick(0)),
            Action::Login(Claim::Refuted(_) | Claim::BadToken { .. }) => {
                server.logged_in(Err(LoginRefusal::Credentials), Tick(0));
            }
            Action::Login(claim) => server.logged_in(Ok(claim.user().to_owned()), Tick(0)),
            Action::Request(request) => {
                push(trace, Did::Other(format!("{request:?}")));
                server.run(boxes, Tick(0));
            }
            // What follows would be compressed: here it ends.
            Action::Compress => server.expel("compressed"),
            other => push(trace, Did::Other(format!("{other:?}"))),
        }
    }
}

/// One folder: its number for good, its name, and its messages in order of UID.
struct Folder {
    number: u32,
    name: String,
    messages: Vec<(Row, Vec<u8>)>,
}

/// Two folders; INBOX begins with two messages. What a session writes it reads again.
struct Boxes {
    folders: Vec<Folder>,
    appended: Vec<u8>,
    /// The last number of a folder, and the next UID.
    last: u32,
    next: u32,
}

const LETTER: &[u8] = b"From: Anna <anna@comune-alfa.example>\r\nTo: bruno@ente-beta.example\r\n\
    Subject: =?utf-8?q?Perch=C3=A9_s=C3=AC?=\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nuno\r\n--x\r\n\
    Content-Type: message/rfc822\r\n\r\nSubject: dentro\r\n\r\ndue\r\n--x--\r\n";

impl Boxes {
    fn new() -> Self {
        let mut boxes = Boxes { folders: Vec::new(), appended: Vec::new(), last: 0, next: 1 };
        boxes.add("INBOX");
        boxes.add("Inviati");
        for _ in 0..2 {
            boxes.put(0, LETTER.to_vec(), Flags::new());
        }
        boxes
    }

    fn add(&mut self, name: &str) {
        self.last += 1;
        self.folders.push(Folder { number: self.last, name: name.into(), messages: Vec::new() });
    }

    fn put(&mut self, folder: usize, bytes: Vec<u8>, flags: Flags) -> u32 {
        let uid = self.next;
        self.next += 1;
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let row = Row { uid, flags, date: NOW, size, modseq: uid.into(), saved: NOW, email: uid.into() };
        self.folders[folder].messages.push((row, bytes));
        uid
    }

    fn at(&self, name: &str) -> Result<usize, Refusal> {
        self.folders.iter().position(|folder| folder.name == name).ok_or_else(Refusal::no_folder)
    }

    fn open(&self, number: u32) -> Result<usize, Refusal> {
        self.folders.iter().position(|folder| folder.number == number).ok_or_else(Refusal::no_folder)
    }

    fn state(&self, at: usize) -> FolderState {
        let folder = &self.folders[at];
        FolderState {
            number: folder.number,
            id: format!("F{}", folder.number),
            uid_validity: 7,
            uid_next: self.next,
            highest_modseq: self.next.into(),
            rows: Arc::new(folder.messages.iter().map(|(row, _)| row.clone()).collect()),
            permanent_flags: Flags::all_system(),
            ..FolderState::default()
        }
    }
}

/// One who owns everything: whatever he asks is answered, and nothing of it is kept.
impl Custody for Boxes {
    fn quota(&mut self) -> Result<Quota, Refusal> {
        Ok(Quota { bytes: self.appended.len() as u64, bytes_limit: 1 << 20, messages: 2, messages_limit: 100 })
    }

    fn quota_root(&mut self, name: &str) -> Result<(), Refusal> {
        self.at(name).map(drop)
    }

    fn my_rights(&mut self, name: &str) -> Result<FolderRights, Refusal> {
        self.at(name).map(|_| FolderRights::ALL)
    }

    fn acl(&mut self, name: &str) -> Result<Vec<(String, FolderRights)>, Refusal> {
        self.at(name).map(|_| vec![("anna".into(), FolderRights::ALL), ("con spazio".into(), FolderRights::LOOKUP)])
    }

    fn set_acl(&mut self, name: &str, _who: &str, _change: RightsChange) -> Result<(), Refusal> {
        self.at(name).map(drop)
    }

    fn kept_rights(&mut self, name: &str, _who: &str) -> Result<FolderRights, Refusal> {
        self.at(name).map(|_| FolderRights::NONE)
    }

    fn annotations(&mut self, _name: &str) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
        Ok(vec![("/private/a/b".into(), LETTER.to_vec()), ("/shared/comment".into(), b"x".to_vec())])
    }

    fn annotate(&mut self, _name: &str, _entries: &[(String, Option<Vec<u8>>)]) -> Result<(), Refusal> {
        Ok(())
    }
}

impl Mailboxes for Boxes {
    fn list(&mut self) -> Result<Vec<FolderInfo>, Refusal> {
        let info = |folder: &Folder| FolderInfo {
            number: folder.number,
            name: folder.name.clone(),
            subscribed: true,
            ..FolderInfo::default()
        };
        let all: Vec<FolderInfo> = self.folders.iter().map(info).collect();
        Ok(all.into_iter().map(|info| FolderInfo { status: self.status(&info.name).ok(), ..info }).collect())
    }

    fn select(&mut self, name: &str) -> Result<FolderState, Refusal> {
        Ok(self.state(self.at(name)?))
    }

    fn refresh(&mut self, folder: u32, _since: u64, _uid_next: u32) -> Result<FolderState, Refusal> {
        Ok(self.state(self.open(folder)?))
    }

    fn message(&mut self, folder: u32, uid: u32) -> Result<Option<Vec<u8>>, Refusal> {
        let folder = &self.folders[self.open(folder)?].messages;
        Ok(folder.iter().find(|(row, _)| row.uid == uid).map(|(_, bytes)| bytes.clone()))
    }

    fn now(&mut self) -> Timestamp {
        NOW
    }

    fn store_flags(&mut self, folder: u32, uids: &[u32], change: &Change) -> Result<Stored, Refusal> {
        let at = self.open(folder)?;
        let mut stored = Stored::default();
        for (row, _) in self.folders[at].messages.iter_mut().filter(|(row, _)| uids.contains(&row.uid)) {
            if change.allows(row.modseq) {
                row.flags = row.flags.after(change.op, &change.flags);
                stored.rows.push(row.clone());
            } else {
                stored.modified.push(row.uid);
            }
        }
        Ok(stored)
    }

    fn append_start(&mut self, name: &str, _size: u64, _replaced: Option<(u32, u32)>) -> Result<(), Refusal> {
        self.appended.clear();
        self.at(name).map(drop)
    }

    fn append(&mut self, name: &str, drafts: &[Draft], replaced: Option<(u32, u32)>) -> Result<Appended, Refusal> {
        let at = self.at(name)?;
        let came = std::mem::take(&mut self.appended);
        let (mut came, mut uids) = (&came[..], Vec::new());
        for draft in drafts {
            let mut bytes = Vec::new();
            for part in &draft.parts {
                match part {
                    DraftPart::Came(octets) => {
                        bytes.extend_from_slice(came.split_off(..*octets as usize).expect("it came"));
                    }
                    DraftPart::Of { folder, uid, range } => {
                        let whole = self.message(*folder, *uid)?.expect("a message just looked at");
                        bytes.extend_from_slice(&whole[range.start as usize..range.end as usize]);
                    }
                    DraftPart::Own(own) => bytes.extend_from_slice(own),
                }
            }
            uids.push(self.put(at, bytes, draft.flags.clone()));
        }
        assert!(came.is_empty(), "every octet that came is in a message");
        if let Some((folder, uid)) = replaced {
            let at = self.open(folder)?;
            self.folders[at].messages.retain(|(row, _)| row.uid != uid);
        }
        Ok(Appended { uid_validity: 7, uids })
    }

    fn expunge(&mut self, folder: u32, uids: &[u32]) -> Result<Vec<u32>, Refusal> {
        let at = self.open(folder)?;
        let before: Vec<u32> = self.folders[at].messages.iter().map(|(row, _)| row.uid).collect();
        self.folders[at].messages.retain(|(row, _)| !uids.contains(&row.uid));
        Ok(before.into_iter().filter(|uid| uids.contains(uid)).collect())
    }

    fn destination(&mut self, name: &str) -> Result<Destination, Refusal> {
        Ok(Destination { folder: self.folders[self.at(name)?].number, uid_validity: 7 })
    }

    fn copy(&mut self, folder: u32, uids: &[u32], into: Destination) -> Result<Vec<(u32, u32)>, Refusal> {
        let (from, to) = (self.open(folder)?, self.open(into.folder)?);
        let chosen: Vec<_> =
            self.folders[from].messages.iter().filter(|(r, _)| uids.contains(&r.uid)).cloned().collect();
        Ok(chosen.into_iter().map(|(row, bytes)| (row.uid, self.put(to, bytes, row.flags))).collect())
    }

    fn withdraw(&mut self, into: Destination, uids: &[u32]) -> Result<(), Refusal> {
        let at = self.open(into.folder)?;
        self.folders[at].messages.retain(|(row, _)| !uids.contains(&row.uid));
        Ok(())
    }

    fn move_(&mut self, folder: u32, uids: &[u32], into: Destination) -> Result<Vec<(u32, u32)>, Refusal> {
        let pairs = self.copy(folder, uids, into)?;
        self.expunge(folder, uids)?;
        Ok(pairs)
    }

    fn create(&mut self, name: &str, _special: Option<Attribute>) -> Result<String, Refusal> {
        if self.at(name).is_err() && self.folders.len() < 20 {
            self.add(name);
        }
        Ok(format!("F{}", self.last))
    }

    fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        let at = self.at(name)?;
        self.folders.remove(at);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let at = self.at(from)?;
        self.folders[at].name = to.to_owned();
        Ok(())
    }

    fn subscribe(&mut self, _name: &str, _on: bool) -> Result<(), Refusal> {
        Ok(())
    }

    fn status(&mut self, name: &str) -> Result<Status, Refusal> {
        let at = self.at(name)?;
        let messages = u32::try_from(self.folders[at].messages.len()).unwrap_or(u32::MAX);
        Ok(Status { messages, uid_next: self.next, uid_validity: 7, id: self.state(at).id, ..Status::default() })
    }
}
