//! What ends by its age: what is remembered of each message, what the archive keeps, what was counted of days, what
//! others promised for a time, and tokens that are good no more.
//!
//! One walk over the tables that grow with every message, page by page, so that it costs a little at any time and nothing
//! at once. Where keys are in order of time it passes over what is young without reading it. The legal log itself stays.

use sigillo_accounts::Token;
use sigillo_base::{MailboxId, PecId, Timestamp};
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, Transaction, key, tag, transact};

use crate::rows::{DispatchRow, ReceivedRow, SentRow, decode, encode, large, remove_large, sent_key};
use crate::{
    ATTEMPTS, Engine, Error, accesses, keepers, notices, once, persons, proofs, rates, readings, refusals,
    sts_policies, trail, unlocks,
};

/// From when on things are kept: what is older ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// What the archive keeps (ARC-01); `None`: for ever.
    pub archive: Option<Timestamp>,
    /// What is remembered of a message: where it stands for each recipient, that it came, which credential sent it.
    pub records: Timestamp,
    /// Who came in to a mailbox, and who was turned away; who read what over the administrative interface; what people were told
    /// that need not stay.
    pub accesses: Timestamp,
    /// What is counted of a day, and limits that were reached; tokens of who administrates that ended.
    pub counts: Timestamp,
}

/// What a page of the walk came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expired {
    /// What ended: a sent message counts once, whatever its recipients.
    pub ended: usize,
    /// Where to go on; `None` at the end.
    pub next: Option<Vec<u8>>,
}

/// The tables, ascending.
const TABLES: [u8; 16] = [
    tag::DISPATCH,
    tag::RECEIVED,
    tag::ARCHIVE,
    tag::EVENT,
    tag::OVERRUN,
    tag::TRAIL,
    tag::SENT_DAY,
    tag::SCREENED,
    tag::STS_POLICY,
    tag::TOLD,
    tag::ONCE,
    tag::PROOF,
    tag::TOKEN,
    tag::UNLOCKED,
    tag::READING,
    tag::STRANGER,
];

/// What becomes of a row.
#[derive(PartialEq, Eq)]
enum Verdict {
    Ends,
    Stays,
    /// It stays, and so does what follows up to this key.
    StaysUpTo(Vec<u8>),
    /// Nobody knows how old it is: its term begins now.
    Begins,
}

impl Verdict {
    /// Of a row in a table of which this part is in order of time.
    fn of(ends: bool, part: &KeyBuilder) -> Self {
        if ends { Self::Ends } else { Self::StaysUpTo(part.range().1) }
    }
}

impl<S: Store> Engine<S> {
    /// Looks at no more than `limit` rows from `from` on, and ends what is older than what is kept.
    ///
    /// # Errors
    /// The store's fault; what ended until then has ended. A damaged row stays, is counted, and stops nobody.
    pub fn expire(&self, kept: &Kept, from: Option<&[u8]>, limit: usize, now: Timestamp) -> Result<Expired, Error> {
        let mut at = from.map_or_else(|| vec![TABLES[0]], <[u8]>::to_vec);
        let table = at.first().copied().unwrap_or_default();
        if let (tag::ARCHIVE, Some(until)) = (table, kept.archive) {
            self.archive_begins_at(until)?;
        }
        let read = |key: &[u8], value: &[u8]| Ok((key.to_vec(), judge(&self.store, (kept, now), key, value)?));
        let page = self.sound(&at, &[table + 1], limit, read)?;
        let (whole, mut ended) = (page.len() < limit, 0);
        for (key, verdict) in page {
            if key < at {
                continue;
            }
            ended += match verdict {
                Verdict::Ends | Verdict::Begins => usize::from(self.settle_age(kept, &key, now)?),
                Verdict::Stays | Verdict::StaysUpTo(_) => 0,
            };
            at = match verdict {
                Verdict::StaysUpTo(next) => next,
                _ => key::successor(&key),
            };
        }
        let over = whole || at.first() != Some(&table);
        let further = || TABLES.iter().find(|other| **other > table).map(|other| vec![*other]);
        Ok(Expired { ended, next: if over { further() } else { Some(at) } })
    }

    /// Ends a row, or begins its term, if it is still so in one look. Not synced: what a power cut brings back comes back
    /// whole, and ends another time.
    fn settle_age(&self, kept: &Kept, key: &[u8], now: Timestamp) -> Result<bool, Error> {
        let settled = transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            let Some(value) = tx.get(key)? else { return Ok(false) };
            let verdict = judge(tx.store(), (kept, now), key, &value)?;
            match (verdict, key.first()) {
                (Verdict::Begins, _) => {
                    let row: ReceivedRow = decode(key, &value)?;
                    tx.put(key, encode(&ReceivedRow { at: Some(now.as_millis()), ..row }));
                    return Ok(false);
                }
                (Verdict::Ends, Some(&tag::DISPATCH)) => return forget_sent(tx, key),
                (Verdict::Ends, Some(&tag::ARCHIVE)) => keepers::unlink(tx, keepers::archived(key)?, key)?,
                (Verdict::Ends, Some(&tag::TOKEN)) => persons::forget_token(tx, key),
                (Verdict::Ends, Some(&tag::STS_POLICY)) => {
                    return remove_large(tx, &KeyBuilder::new(tag::STS_POLICY).raw(&key[1..]));
                }
                (Verdict::Ends, _) => {}
                (Verdict::Stays | Verdict::StaysUpTo(_), _) => return Ok(false),
            }
            tx.delete(key);
            Ok::<_, StoreError>(true)
        });
        match settled {
            Err(StoreError::Corrupt { key, what }) => self.damaged.note(&key, &what),
            Err(StoreError::Conflict) => {} // somebody is at it: another time
            settled => return Ok(settled?),
        }
        Ok(false)
    }

    /// Before anything of the archive goes nobody asks for it any more: a log line of then no longer proves that
    /// something is missing.
    fn archive_begins_at(&self, until: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            if keepers::archive_begins(tx.get(keepers::begin_key())?)? < until {
                tx.put(keepers::begin_key(), encode(&until.as_millis()));
            }
            Ok::<_, Error>(())
        })
    }
}

fn judge<S: Store>(
    store: &S,
    (kept, now): (&Kept, Timestamp),
    key: &[u8],
    value: &[u8],
) -> Result<Verdict, StoreError> {
    let whole = |tag| KeyBuilder::new(tag);
    let of_box = |tag, mailbox: MailboxId| KeyBuilder::new(tag).mailbox(mailbox);
    let day = || kept.counts.legal().iso_day;
    Ok(match key.first().copied().unwrap_or_default() {
        tag::DISPATCH => {
            let Some(id) = sent_id(key)? else { return Ok(Verdict::Stays) };
            let sent: SentRow = large(store, key, value)?;
            Verdict::of(Timestamp::from_millis(sent.at) < kept.records, &whole(tag::DISPATCH).text(id.as_str()))
        }
        tag::RECEIVED => match decode::<ReceivedRow>(key, value)?.at {
            None => Verdict::Begins,
            Some(at) if Timestamp::from_millis(at) < kept.records => Verdict::Ends,
            Some(_) => Verdict::Stays,
        },
        tag::ARCHIVE => {
            let Some(until) = kept.archive else { return Ok(Verdict::of(false, &whole(tag::ARCHIVE))) };
            let (mailbox, at, _) = keepers::read_archive_key(key)?;
            Verdict::of(at < until, &of_box(tag::ARCHIVE, mailbox))
        }
        tag::TRAIL => {
            let (mailbox, sent) = trail::read(key, value)?;
            Verdict::of(sent.at < kept.records, &of_box(tag::TRAIL, mailbox))
        }
        tag::EVENT => {
            let (mailbox, access) = accesses::read(key, value)?;
            Verdict::of(access.at < kept.accesses, &of_box(tag::EVENT, mailbox))
        }
        tag::READING => {
            let (tenant, reading) = readings::read(key, value)?;
            Verdict::of(reading.at < kept.accesses, &readings::part(tenant))
        }
        tag::STRANGER => {
            let (tenant, (_, access)) = refusals::read(key, value)?;
            Verdict::of(access.at < kept.accesses, &refusals::part(tenant))
        }
        tag::SENT_DAY => {
            let (mailbox, sent) = rates::sent_day(key)?;
            Verdict::of(sent < day(), &of_box(tag::SENT_DAY, mailbox))
        }
        table @ (tag::OVERRUN | tag::SCREENED) => {
            Verdict::of(KeyReader::new(key, table)?.text()? < day(), &whole(table))
        }
        tag::STS_POLICY if sts_policies::read(store, key, value)?.until <= now => Verdict::Ends,
        tag::ONCE if once::ends(key, value)? <= now => Verdict::Ends,
        tag::TOKEN if Timestamp::from_millis(decode::<Token>(key, value)?.end()) < kept.counts => Verdict::Ends,
        tag::UNLOCKED if unlocks::read(key, value)?.1 <= now => Verdict::Ends,
        tag::TOLD => {
            let told = notices::read(key, value)?;
            let ends = told.at < kept.accesses;
            if ends && told.kind.stays() { Verdict::Stays } else { Verdict::of(ends, &whole(tag::TOLD)) }
        }
        tag::PROOF if proofs::ends(key, value, now)? => Verdict::Ends,
        _ => Verdict::Stays,
    })
}

/// The message whose first row this is; the others are its recipients'.
fn sent_id(key: &[u8]) -> Result<Option<PecId>, StoreError> {
    let mut reader = KeyReader::new(key, tag::DISPATCH)?;
    let (id, rcpt) = (reader.text()?, reader.text()?);
    let id = PecId::parse(&id).ok_or_else(|| StoreError::corrupt(key, "not an identifier"))?;
    Ok(Some(id).filter(|_| rcpt.is_empty()))
}

/// Forgets a sent message with all its recipients, unless one of them still waits for a deadline.
fn forget_sent<S: Store>(tx: &mut Transaction<'_, S>, key: &[u8]) -> Result<bool, StoreError> {
    let Some(id) = sent_id(key)? else { return Ok(false) };
    let (_, to) = KeyBuilder::new(tag::DISPATCH).text(id.as_str()).range();
    for (rcpt, _) in tx.scan(key::successor(key), &to, usize::MAX)? {
        // Read once more, so that who moves it meanwhile is noticed.
        let Some(value) = tx.get(&rcpt)? else { continue };
        if decode::<DispatchRow>(&rcpt, &value)?.timer.is_some() {
            return Ok(false);
        }
        tx.delete(&rcpt);
    }
    remove_large(tx, &sent_key(&id))
}
