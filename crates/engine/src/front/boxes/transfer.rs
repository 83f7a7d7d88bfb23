//! APPEND, COPY and MOVE: messages come into a folder; bodies are never copied.

use sigillo_base::{MsgId, Timestamp, Uid};
use sigillo_imap::{Code, Copied, Flags, Refusal, Summary};
use sigillo_store::{Store, transact};

use super::{Boxes, fault};
use crate::Error;
use crate::rows::{EntryRow, decode, encode, entry_key, folder_key, usage_key};
use crate::stored::{Place, post, put_body, put_rope, usage};
use crate::summary::put_summary;

/// Messages of one COPY or MOVE: all of them fit into one commit, so that it happens wholly or not at all.
const MOST: usize = 2000;

impl<S: Store> Boxes<S> {
    /// Refuses what the store has no room for now. What helps to make room (MOVE to the bin, EXPUNGE) goes on.
    pub(super) fn may_file(&self) -> Result<(), Refusal> {
        self.engine.may_file().map_err(|why| Refusal::new(Code::Unavailable, why))
    }

    /// Refuses what would pass the size of the box.
    pub(super) fn check_room(&self, more: u64) -> Result<(), Refusal> {
        let missing = || fault(Error::Invalid("la casella non esiste più".into()));
        let mailbox = self.engine.mailbox(self.mailbox).map_err(fault)?.ok_or_else(missing)?;
        let key = usage_key(self.mailbox);
        let held = match self.engine.store.get(key.as_ref()).map_err(fault)? {
            Some(value) => decode::<crate::rows::BoxUsage>(&key, &value).map_err(fault)?.bytes,
            None => 0,
        };
        if held.saturating_add(more) > mailbox.profile.limits().box_bytes {
            return Err(Refusal::new(Code::OverQuota, "La casella e' piena"));
        }
        Ok(())
    }

    pub(super) fn append_bytes(
        &self,
        name: &str,
        flags: &Flags,
        date: Timestamp,
        bytes: &[u8],
    ) -> Result<(u32, u32), Refusal> {
        let folder = self.target(name)?;
        self.check_room(bytes.len() as u64)?;
        let summary = Summary::of(bytes);
        let msg = self.engine.new_msg();
        let place =
            Place { mailbox: self.mailbox, folder, flags: flags.bits(), keywords: flags.keywords().to_vec(), date };
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let (uid, validity) = transact(&self.engine.store, 8, |tx| {
            let rope = put_body(tx, bytes)?;
            put_rope(tx, msg, &rope)?;
            put_summary(tx, msg, &summary)?;
            post(tx, &place, msg, rope.len())
        })
        .map_err(fault)?;
        self.changed();
        Ok((validity, uid.0))
    }

    pub(super) fn transfer(&self, name: &str, uids: &[u32], target: &str, moving: bool) -> Result<Copied, Refusal> {
        if uids.len() > MOST {
            let text = format!("Al massimo {MOST} messaggi alla volta");
            return Err(Refusal::new(Code::Limit, text));
        }
        let (from, _) = self.folder(name)?;
        let to = self.target(target)?;
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let copied = transact(&self.engine.store, 8, |tx| {
            let mut copied = Copied::default();
            if moving {
                self.advance(tx, from)?;
            }
            for &uid in uids {
                let Some(entry) = self.entry(tx, from, uid)? else { continue };
                let place = self.place(to, &entry);
                let (new, validity) = post(tx, &place, MsgId(entry.msg), u64::from(entry.size))?;
                copied.uid_validity = validity;
                copied.pairs.push((uid, new.0));
                if moving {
                    tx.delete(entry_key(self.mailbox, from, Uid(uid)));
                    let mut held = usage(tx, self.mailbox)?;
                    held.bytes = held.bytes.saturating_sub(u64::from(entry.size));
                    held.messages = held.messages.saturating_sub(1);
                    tx.put(usage_key(self.mailbox), encode(&held));
                }
            }
            if copied.pairs.is_empty() {
                let key = folder_key(self.mailbox, to);
                if let Some(value) = tx.get(&key)? {
                    copied.uid_validity = decode::<crate::rows::FolderRow>(&key, &value)?.uid_validity;
                }
            }
            Ok::<_, Error>(copied)
        })
        .map_err(fault)?;
        self.changed();
        Ok(copied)
    }

    fn place(&self, folder: u32, entry: &EntryRow) -> Place {
        Place {
            mailbox: self.mailbox,
            folder,
            flags: entry.flags,
            keywords: entry.keywords.clone(),
            date: Timestamp::from_millis(entry.date),
        }
    }
}
