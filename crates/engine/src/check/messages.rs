//! Messages, what they are made of, and who keeps them.

use sigillo_base::MsgId;
use sigillo_imap::Summary;
use sigillo_store::{BodyId, Error, KeyReader, Rope, Store, body, tag};

use super::judge::{Judge, Other};
use super::{Problem, Remedy, aside};
use crate::rows::{ArrivalRow, MessageRow, arrival_key, decode, encode, get_large, large, large_body, message_key};
use crate::summary::SummaryRow;
use crate::text_index::{GramsRow, Mark};
use crate::{keepers, quarantine, summary};

impl<S: Store> Judge<'_, '_, S> {
    pub(super) fn message(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::MESSAGE)?.msg()?;
        let row: MessageRow = decode(self.key, self.value)?;
        let rope = row.rope(self.key)?;
        if rope.len() != row.size {
            let what = format!("il messaggio dice {} ottetti e ne ha {}", row.size, rope.len());
            let remedy = Remedy::Rebuild((self.key.to_vec(), encode(&MessageRow::new(&rope)?)));
            self.find(Problem::Differs, what, remedy);
        }
        if !keepers::is_kept(self.tx.store(), id)? && self.absent(keepers::doubt_key(id))? {
            self.find(Problem::Orphan, "nessuno tiene il messaggio: resta qui", Remedy::Nothing);
        }
        self.bodies(&rope)
    }

    /// The link by which this row keeps a message.
    pub(super) fn keeps(&mut self, msg: MsgId) -> Result<(), Error> {
        let link = keepers::link_key(msg).raw(self.key).done();
        self.derived((link, Vec::new()), "manca il legame che trattiene il messaggio")
    }

    pub(super) fn message_link(&mut self) -> Result<(), Error> {
        let (msg, referrer) = keepers::read_link_key(self.key)?;
        let lost = match self.bytes(referrer)? {
            Other::Is(value) => keepers::kept_by(referrer, &value).is_ok_and(|kept| kept != Some(msg)),
            Other::Absent => !aside::holds(self.tx.store(), referrer)?,
            Other::Unreadable => false,
        };
        if lost {
            let what = "chi è detto tenere il messaggio non lo tiene";
            self.find_about(Problem::Underived, referrer, what, Remedy::SetAside);
        }
        Ok(())
    }

    pub(super) fn arrival(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::ARRIVAL)?.msg()?;
        let row: ArrivalRow = large(self.tx.store(), self.key, self.value)?;
        row.facts.facts(self.key)?;
        self.large_link()?;
        let message = message_key(id);
        match (self.other::<MessageRow>(&message)?, row.original) {
            (Other::Absent, _) => {
                self.find_about(Problem::Dangling, message, "la busta non c'è", Remedy::SetAside);
            }
            (Other::Is(stored), Some((from, to))) if from > to || to > stored.size => {
                let what = "l'originale della busta va oltre la sua fine";
                self.find_about(Problem::Differs, message, what, Remedy::Backup);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn summary(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::SUMMARY)?.msg()?;
        let row: SummaryRow = large(self.tx.store(), self.key, self.value)?;
        self.large_link()?;
        let summary = row.summary(self.key)?;
        let message = message_key(id);
        match self.other::<MessageRow>(&message)? {
            Other::Absent => {
                let what = "il messaggio del riassunto non c'è";
                self.find_about(Problem::Underived, message, what, Remedy::SetAside);
            }
            Other::Is(stored) if self.compare => {
                if let (Ok(rope), Some(said)) = (stored.rope(&message), summary)
                    && !says(self.tx.store(), &rope, &said)?
                {
                    let what = "il riassunto non dice quello che dice il messaggio";
                    self.find_about(Problem::Differs, message, what, Remedy::SetAside);
                }
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        Ok(())
    }

    pub(super) fn grams(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::GRAMS)?.msg()?;
        large::<_, GramsRow>(self.tx.store(), self.key, self.value)?;
        self.large_link()?;
        let message = message_key(id);
        if matches!(self.other::<MessageRow>(&message)?, Other::Absent) {
            let what = "il messaggio indicizzato non c'è";
            self.find_about(Problem::Underived, message, what, Remedy::SetAside);
        }
        Ok(())
    }

    pub(super) fn text_mark(&mut self) -> Result<(), Error> {
        decode::<Mark>(self.key, self.value).map(drop)
    }

    pub(super) fn archived(&mut self) -> Result<(), Error> {
        let mut reader = KeyReader::new(self.key, tag::ARCHIVE)?;
        let (mailbox, _, msg) = (reader.mailbox()?, reader.time()?, reader.msg()?);
        reader.end()?;
        decode::<()>(self.key, self.value)?;
        self.of_mailbox(mailbox, Remedy::Backup)?;
        self.keeps(msg)?;
        self.refers(message_key(msg), "il messaggio archiviato non c'è", Remedy::Backup)
    }

    pub(super) fn quarantined(&mut self) -> Result<(), Error> {
        let rope = quarantine::rope_of(self.tx.store(), self.key, self.value)?;
        self.large_link()?;
        self.bodies(&rope)
    }

    /// A row that became a body is linked to it.
    pub(super) fn large_link(&mut self) -> Result<(), Error> {
        match large_body(self.key, self.value)? {
            Some(id) => {
                self.derived((body::link_of(id, self.key), Vec::new()), "manca il legame che trattiene il corpo")
            }
            None => Ok(()),
        }
    }

    pub(super) fn body(&mut self) -> Result<(), Error> {
        let (id, _) = body::read_head_row(self.key, self.value)?;
        if body::links(self.tx.store(), id, 1)?.is_empty() {
            self.find(Problem::Orphan, "nessuno si riferisce al corpo: sarà tolto", Remedy::Nothing);
        }
        Ok(())
    }

    pub(super) fn body_link(&mut self) -> Result<(), Error> {
        let (id, referrer) = body::read_link_key(self.key)?;
        match self.bytes(referrer)? {
            Other::Is(value) if !refers_to(self.tx.store(), referrer, &value, id) => {
                let what = "chi è detto riferirsi al corpo non vi si riferisce";
                self.find_about(Problem::Underived, referrer, what, Remedy::SetAside);
            }
            Other::Absent if !aside::holds(self.tx.store(), referrer)? => {
                let what = "chi è detto riferirsi al corpo non c'è";
                self.find_about(Problem::Underived, referrer, what, Remedy::SetAside);
            }
            _ => self.refers(body::key_of(id), "il corpo non c'è", Remedy::Backup)?,
        }
        Ok(())
    }

    pub(super) fn body_chunk(&mut self) -> Result<(), Error> {
        let (id, number) = body::read_chunk_key(self.key)?;
        let head = body::key_of(id);
        let last = |len: u64| u64::from(number) >= len.div_ceil(body::CHUNK as u64);
        let lost = match self.bytes(&head)? {
            Other::Is(value) => body::read_head_row(&head, &value).is_ok_and(|(_, len)| last(len)),
            Other::Absent => {
                let mut reservation = head.clone();
                reservation[0] = tag::BODY_RESERVATION;
                self.absent(reservation)?
            }
            Other::Unreadable => false,
        };
        if lost {
            self.find_about(Problem::Orphan, head, "pezzo di un corpo che non c'è", Remedy::Nothing);
        }
        Ok(())
    }

    pub(super) fn body_reservation(&mut self) -> Result<(), Error> {
        let held = body::read_reservation_row(self.key, self.value)?;
        let what = format!("{} ottetti in attesa di chi li pubblichi, o rimasti da un arresto", held.len);
        self.find(Problem::Reserved, what, Remedy::Nothing);
        Ok(())
    }
}

/// Whether a message says what its summary says. One whose bodies are damaged is told of itself.
fn says<S: Store>(store: &S, rope: &Rope, said: &Summary) -> Result<bool, Error> {
    let sound = |id: &BodyId| body::verify(store, *id).map(drop);
    match rope.read_all(store).map(|bytes| summary::of(&bytes) == *said) {
        Ok(false) => rope.bodies().iter().try_for_each(sound).map(|()| false),
        said => said,
    }
    .or_else(|fault| match fault {
        Error::Corrupt { .. } | Error::NoBody(_) => Ok(true),
        fault => Err(fault),
    })
}

/// Whether a row refers to a body. One that does not read keeps what it has.
fn refers_to<S: Store>(store: &S, key: &[u8], value: &[u8], id: BodyId) -> bool {
    let rope = |rope: Result<Rope, Error>| rope.is_ok_and(|rope| !rope.bodies().contains(&id));
    let by_rope_only_others = match key.first() {
        Some(&tag::MESSAGE) => return !rope(decode::<MessageRow>(key, value).and_then(|row| row.rope(key))),
        Some(&tag::QUARANTINE) => rope(quarantine::rope_of(store, key, value)),
        _ => true,
    };
    !by_rope_only_others || large_body(key, value).map_or(true, |own| own == Some(id))
}

/// Whether a stored message is an envelope that certifies this identifier.
pub(super) fn certifies<S: Store>(store: &S, msg: MsgId, id: &str) -> Result<bool, Error> {
    let key = arrival_key(msg);
    match get_large::<S, ArrivalRow>(store, &key) {
        Ok(Some(row)) => Ok(row.facts.facts(&key).is_ok_and(|facts| facts.id.as_str() == id)),
        Ok(None) => Ok(false),
        Err(Error::Corrupt { .. }) => Ok(true), // told of itself
        Err(fault) => Err(fault),
    }
}
