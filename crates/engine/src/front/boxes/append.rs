//! APPEND and REPLACE: messages come into a folder, all in one commit. What came lies in the spool, and goes from there into
//! the store chunk by chunk. What is taken from other messages is not copied: a message made of parts is a rope over the
//! bodies that are stored already.

use std::borrow::Cow;

use sigillo_base::{MsgId, said};
use sigillo_imap::{Appended, Code, Draft, DraftPart, Flags, FolderRights, Refusal, Summary};
use sigillo_mime::Windowed;
use sigillo_store::{BodyId, Rope, Store, body, transact};

use super::{Boxes, No, fault};
use crate::fronts::Transaction;
use crate::spool::Came;
use crate::stored::{INLINE, post, put_rope};
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Error, proofs};

/// A message on its way into the store.
struct Ready<'d> {
    draft: &'d Draft,
    id: MsgId,
    parts: Vec<Part<'d>>,
    size: u64,
    /// `None` of a message whose header section is too large, or after too many large ones: it is made when it is asked for.
    summary: Option<Summary>,
    /// The Message-ID of which it may be the sender's own copy.
    copy_of: Option<String>,
}

/// What one commit holds of summaries, in octets: who needs those of the other messages makes them.
const SUMMARIES: usize = 256 * 1024;
/// What it holds of messages' own bytes, in octets, and how many of a message after that: the others become bodies.
const OWN: u64 = 256 * 1024;
const LEAST_OWN: u64 = 256;

/// A part of it, with its octets.
enum Part<'d> {
    Own(&'d [u8]),
    /// Of what came, from this octet on.
    Came {
        from: usize,
        len: usize,
        name: BodyId,
    },
    Stored(Rope),
}

impl Part<'_> {
    fn len(&self) -> u64 {
        match self {
            Self::Own(bytes) => bytes.len() as u64,
            Self::Came { len, .. } => *len as u64,
            Self::Stored(rope) => rope.len(),
        }
    }
}

impl<S: Store> Boxes<S> {
    /// Stores messages of what came and of what is stored; the one in this folder with this UID goes in the same commit.
    pub(super) fn append_drafts(
        &self,
        name: &str,
        drafts: &[Draft],
        came: &mut Came,
        from: Option<(u32, u32)>,
    ) -> Result<Appended, Refusal> {
        let folder = self.target(name)?.folder;
        let rights = self.rights(folder)?;
        let box_bytes = self.size()?;
        let (mut at, mut held) = (0, 0);
        let mut ready = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let message = self.ready(draft, came, &mut at)?;
            held += message.summary.as_ref().map_or(0, summary::weight);
            ready.push(Ready { summary: message.summary.filter(|_| held <= SUMMARIES), ..message });
        }
        let more = ready.iter().map(|message| message.size).sum();
        let _lane = self.engine.lanes.hold(&[self.mailbox]);
        let stored = transact(&self.engine.store, ATTEMPTS, |tx| {
            if let Some((from, uid)) = from
                && self.take_out_in(tx, from, &[uid], |_| true)?.is_empty()
            {
                return Err(Refusal::new(Code::NonExistent, "Il messaggio da sostituire non c'e' piu'").into());
            }
            self.within(tx, box_bytes, more)?;
            let mut stored = Appended { uid_validity: 0, uids: Vec::with_capacity(ready.len()) };
            let mut own = 0;
            for message in &ready {
                let (uid, validity) = self.post_ready(tx, (folder, rights), message, came, &mut own)?;
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
        came: &mut Came,
        own: &mut u64,
    ) -> Result<(u32, u32), Error> {
        let Ready { draft, id, parts, summary, copy_of, .. } = message;
        let rope = rope(tx, parts, came, if *own < OWN { INLINE } else { LEAST_OWN })?;
        *own += rope.inline_len();
        put_rope(tx, *id, &rope)?;
        if let Some(summary) = summary {
            put_summary(tx, *id, summary)?;
        }
        let date = draft.date.unwrap_or(self.now);
        let mut place = self.place(folder, rights, &draft.flags, date);
        if let Some(msgid) = copy_of {
            let flags = Flags::from_parts(place.flags, place.keywords);
            let flags = proofs::copied(tx, self.mailbox, msgid, (*id, &flags), self.now);
            (place.flags, place.keywords) = (flags.bits(), flags.keyword_texts());
        }
        let (uid, validity) = post(tx, &place, *id, rope.len())?;
        Ok((uid.0, validity))
    }

    /// Finds a message's parts, those that came from `at` on, writes the long ones of these ahead, and reads the message
    /// once for its summary.
    fn ready<'d>(&self, draft: &'d Draft, came: &mut Came, at: &mut usize) -> Result<Ready<'d>, Refusal> {
        let mut parts = Vec::new();
        for part in &draft.parts {
            parts.push(match part {
                DraftPart::Came(octets) => {
                    let (from, len) = (*at, usize::try_from(*octets).unwrap_or(usize::MAX));
                    *at = from.saturating_add(len);
                    if *at > came.len() {
                        return Err(fault(Error::Invalid(said!(
                            "il messaggio è più corto di quanto annunciato",
                            "the message is shorter than announced"
                        ))));
                    }
                    let mut read = reader(came, from);
                    let name = body::name_from(*octets, &mut read).map_err(fault)?;
                    body::ahead(&self.engine.store, (name, *octets), &mut read).map_err(fault)?;
                    Part::Came { from, len, name }
                }
                DraftPart::Own(bytes) => Part::Own(bytes),
                DraftPart::Of { folder, uid, range } => {
                    let gone = || Refusal::new(Code::NonExistent, "Un messaggio citato non c'e' piu'");
                    let msg = self.stored(*folder, *uid)?.ok_or_else(gone)?;
                    let rope = self.engine.expect_message(msg).map_err(fault)?;
                    Part::Stored(rope.slice(range.start, range.end.saturating_sub(range.start)))
                }
            });
        }
        let size: u64 = parts.iter().map(Part::len).sum();
        let whole = usize::try_from(size).unwrap_or(usize::MAX);
        let mut source = Windowed::new(whole, |from, len| self.octets(&parts, came, from as u64, len as u64));
        let summary = summary::read(&mut source).map_err(fault)?;
        let date = draft.date.unwrap_or(self.now);
        let copy_of = summary.as_ref().and_then(|summary| proofs::copy_of(&draft.flags, date, summary, self.now));
        Ok(Ready { draft, id: self.engine.new_msg(), parts, size, summary, copy_of })
    }

    /// Some octets of a message of these parts.
    fn octets(&self, parts: &[Part<'_>], came: &mut Came, from: u64, len: u64) -> Result<Vec<u8>, Error> {
        let (mut octets, mut begin, end) = (Vec::new(), 0, from.saturating_add(len));
        for part in parts {
            let (first, last) = (from.max(begin), end.min(begin + part.len()));
            if first < last {
                let (skip, most) = (first - begin, last - first);
                match part {
                    Part::Own(bytes) => octets.extend_from_slice(&bytes[skip as usize..(skip + most) as usize]),
                    Part::Came { from, .. } => octets.extend_from_slice(&reader(came, *from)(skip, most as usize)?),
                    Part::Stored(rope) => octets.extend(self.engine.read(rope, skip, most)?),
                }
            }
            begin += part.len();
        }
        Ok(octets)
    }
}

/// Reads what came from this octet on, as a body is read.
fn reader<'c>(
    came: &'c mut Came,
    begin: usize,
) -> impl FnMut(u64, usize) -> Result<Cow<'c, [u8]>, sigillo_store::Error> {
    move |from, len| {
        let unread = |e: std::io::Error| sigillo_store::Error::Temporary(format!("the spool cannot be read: {e}"));
        came.read(begin + from as usize, len).map(Cow::Owned).map_err(unread)
    }
}

/// The octets of a message, at most `own` of them its own: a body each where it came in one piece, or the piece is long.
fn rope<S: Store>(tx: &mut Transaction<'_, S>, parts: &[Part<'_>], came: &mut Came, own: u64) -> Result<Rope, Error> {
    let mut rope = Rope::new();
    for part in parts {
        match part {
            Part::Own(bytes) => rope.push(bytes),
            Part::Stored(slice) => rope.append(slice),
            Part::Came { from, len, .. } if parts.len() > 1 && (*len as u64) < INLINE => {
                rope.push(&reader(came, *from)(0, *len)?);
            }
            Part::Came { from, len, name } => {
                let size = *len as u64;
                body::put_from(tx.store(), tx, (*name, size), &mut reader(came, *from))?;
                rope.push_body(*name, 0, size);
            }
        }
    }
    rope.spill(tx, own)?;
    Ok(rope)
}
