//! APPEND and REPLACE: messages come into a folder, all in one commit. What they take from other messages is not copied: a
//! message made of parts is a rope over the bodies that are stored already.

use sigillo_base::MsgId;
use sigillo_imap::{Appended, Code, Draft, DraftPart, Flags, FolderRights, Refusal, Summary};
use sigillo_store::{Rope, Store, transact};

use super::{Boxes, No, fault};
use crate::fronts::Transaction;
use crate::stored::{INLINE, post, put_body, put_rope};
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Error, folder, proofs};

/// A message on its way into the store.
struct Ready<'d> {
    draft: &'d Draft,
    id: MsgId,
    parts: Vec<Part<'d>>,
    size: u64,
    summary: Summary,
}

enum Part<'d> {
    Bytes(&'d [u8]),
    Stored(Rope),
}

impl<S: Store> Boxes<S> {
    /// Stores messages of what came and of what is stored; the one in this folder with this UID goes in the same commit.
    pub(super) fn append_drafts(
        &self,
        name: &str,
        drafts: &[Draft],
        came: &[u8],
        from: Option<(u32, u32)>,
    ) -> Result<Appended, Refusal> {
        let folder = self.target(name)?;
        let rights = self.rights(folder)?;
        let box_bytes = self.size()?;
        let mut rest = came;
        let ready: Vec<Ready<'_>> =
            drafts.iter().map(|draft| self.ready(draft, &mut rest)).collect::<Result<_, _>>()?;
        let more = ready.iter().map(|message| message.size).sum();
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let stored = transact(&self.engine.store, ATTEMPTS, |tx| {
            if let Some((from, uid)) = from
                && folder::take_out(tx, self.mailbox, from, &[uid], |_| true)?.is_empty()
            {
                return Err(Refusal::new(Code::NonExistent, "Il messaggio da sostituire non c'e' piu'").into());
            }
            self.within(tx, box_bytes, more)?;
            let mut stored = Appended { uid_validity: 0, uids: Vec::with_capacity(ready.len()) };
            for message in &ready {
                let (uid, validity) = self.post_ready(tx, (folder, rights), message)?;
                stored.uid_validity = validity;
                stored.uids.push(uid);
            }
            Ok(stored)
        })
        .map_err(|no: No| no.0)?;
        self.changed();
        Ok(stored)
    }

    fn post_ready(
        &self,
        tx: &mut Transaction<'_, S>,
        (folder, rights): (u32, FolderRights),
        message: &Ready<'_>,
    ) -> Result<(u32, u32), Error> {
        let Ready { draft, id, parts, summary, .. } = message;
        let rope = match parts[..] {
            [Part::Bytes(bytes)] => put_body(tx, bytes)?,
            _ => {
                let mut rope = Rope::new();
                for part in parts {
                    match part {
                        Part::Bytes(bytes) => rope.push(bytes),
                        Part::Stored(slice) => rope.append(slice),
                    }
                }
                rope.spill(tx, INLINE)?;
                rope
            }
        };
        put_rope(tx, *id, &rope)?;
        put_summary(tx, *id, summary)?;
        let date = draft.date.unwrap_or(self.now);
        let mut place = self.place(folder, rights, &draft.flags, date);
        if let Some(msgid) = proofs::copy_of(&draft.flags, date, summary, self.now) {
            let flags = Flags::from_parts(place.flags, place.keywords);
            let flags = proofs::copied(tx, self.mailbox, &msgid, (*id, &flags), self.now);
            (place.flags, place.keywords) = (flags.bits(), flags.keywords().to_vec());
        }
        let (uid, validity) = post(tx, &place, *id, rope.len())?;
        Ok((uid.0, validity))
    }

    /// Finds a message's parts, the first of `rest` among them, and reads them once for the summary.
    fn ready<'d>(&self, draft: &'d Draft, rest: &mut &'d [u8]) -> Result<Ready<'d>, Refusal> {
        let mut parts = Vec::new();
        for part in &draft.parts {
            parts.push(match part {
                DraftPart::Came(octets) => {
                    let octets = usize::try_from(*octets).unwrap_or(usize::MAX);
                    let cut = || fault(Error::Invalid("il messaggio è più corto di quanto annunciato".into()));
                    let (these, after) = rest.split_at_checked(octets).ok_or_else(cut)?;
                    *rest = after;
                    Part::Bytes(these)
                }
                DraftPart::Own(bytes) => Part::Bytes(bytes),
                DraftPart::Of { folder, uid, range } => {
                    let gone = || Refusal::new(Code::NonExistent, "Un messaggio citato non c'e' piu'");
                    let msg = self.stored(*folder, *uid)?.ok_or_else(gone)?;
                    let rope = self.engine.expect_message(msg).map_err(fault)?;
                    Part::Stored(rope.slice(range.start, range.end.saturating_sub(range.start)))
                }
            });
        }
        let (size, summary) = match parts[..] {
            [Part::Bytes(bytes)] => (bytes.len(), summary::of(bytes)),
            _ => {
                let mut whole = Vec::new();
                for part in &parts {
                    match part {
                        Part::Bytes(bytes) => whole.extend_from_slice(bytes),
                        Part::Stored(rope) => whole.extend(self.engine.read_all(rope).map_err(fault)?),
                    }
                }
                (whole.len(), summary::of(&whole))
            }
        };
        Ok(Ready { draft, id: self.engine.new_msg(), parts, size: size as u64, summary })
    }
}
