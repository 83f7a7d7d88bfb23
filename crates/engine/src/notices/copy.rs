//! A copy of a message on its way to where the holder of a mailbox reads (NOT-02).

use sigillo_base::{Address, Timestamp};
use sigillo_mime::{Composed, Header, write};
use sigillo_store::{Rope, Store};

use super::arrivals::{HEADER, MARK};
use crate::fronts::Transaction;
use crate::rows::{Carried, Work};
use crate::stored::put_message;
use crate::{Engine, Error, queue};

/// Bytes looked at in one go.
const PIECE: u64 = 256 * 1024;

/// A message that is copied.
pub(super) struct Original {
    /// Its bytes, without the Return-Path that its delivery wrote (RFC 5321 §4.4).
    rope: Rope,
    eight_bit: bool,
    /// It is one of our copies, come back.
    pub came_back: bool,
}

impl<S: Store> Engine<S> {
    /// Whether a message says that it went through a mailbox of ours already.
    pub(crate) fn is_our_copy(&self, header: &Header<'_>) -> bool {
        let ours = |raw: &[u8]| {
            let text = String::from_utf8_lossy(raw);
            Address::parse(text.trim()).is_ok_and(|address| self.is_local(address.domain()))
        };
        header.all(MARK).any(|field| ours(header.raw(field)))
    }

    pub(super) fn original(&self, rope: &Rope) -> Result<Original, Error> {
        let head = self.read(rope, 0, HEADER)?;
        let header = Header::parse_tolerant(&head);
        let came_back = self.is_our_copy(&header);
        let first = header.fields().first().filter(|first| header.name(first).eq_ignore_ascii_case("Return-Path"));
        let from = first.map_or(0, |first| first.whole.end as u64);
        let rope = rope.slice(from, rope.len() - from);
        let (mut at, mut eight_bit) = (0, false);
        while at < rope.len() && !eight_bit {
            eight_bit = !self.read(&rope, at, PIECE)?.is_ascii();
            at += PIECE;
        }
        Ok(Original { rope, eight_bit, came_back })
    }

    /// Queues a copy as the item `id`: its bytes as they are, so that the signature over them holds, under fields that say
    /// who sent it on (RFC 5322 §3.6.6), and from nobody, since a bounce would come back to the mailbox or go to a sender
    /// who knows nothing of it.
    pub(super) fn queue_copy(
        &self,
        tx: &mut Transaction<'_, S>,
        id: u128,
        (mailbox, to): (&str, &Address),
        original: &Original,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut content = Composed::default();
        for (name, value) in [
            (MARK, mailbox),
            ("Resent-Date", &now.rfc5322()),
            ("Resent-From", mailbox),
            ("Resent-To", to.as_str()),
            ("Resent-Message-ID", &format!("<copia.{id:032x}@{}>", self.host)),
        ] {
            content.own(write::field(name, value));
        }
        content.source(0..usize::try_from(original.rope.len()).unwrap_or(usize::MAX));
        let stored = put_message(tx, self.new_msg(), &content, &original.rope)?;
        let work = Work::Relay {
            domain: to.domain().as_str().into(),
            local: false,
            from: None,
            rcpts: vec![to.as_str().into()],
            msg: stored.id.0,
            size: stored.size,
            eight_bit: original.eight_bit,
            what: Carried::Outside,
        };
        let owner = Address::parse(mailbox).unwrap_or_else(|_| self.provider.service_address.clone());
        let queued = queue::Queued { work, pec_id: &self.new_pec_id(), owner: &owner, require_tls: false };
        Ok(queue::enqueue(tx, id, queued, now)?)
    }
}
