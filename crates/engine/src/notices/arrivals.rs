//! Mail that came, told to who holds the mailbox (NOT-01) and copied to where he reads (NOT-02).
//!
//! The commit that brings a message writes a row for each of the two where the mailbox wants it, and nothing else: nothing
//! of certified mail waits, nor fails, for what is made of the row afterwards. What is made of it, and the row's end, are
//! one commit again, so that no crash loses an alert or makes two.
//!
//! A flood of mail is no flood of messages: of [`BURST`] messages in [`WINDOW`] each has an alert, of what is more one alert
//! tells at the window's end.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Channel, Concern, Mailbox, NoticeKind};
use sigillo_base::{MailboxId, MsgId, Secret, Timestamp};
use sigillo_mime::Header;
use sigillo_store::{Error as StoreError, KeyBuilder, KeyReader, Store, tag, transact};

use super::register::{self, ToldRow};
use crate::fronts::{Lane, Transaction};
use crate::rows::{decode, encode};
use crate::watches::{WatchRow, may, short, watch_key};
use crate::{ATTEMPTS, Alert, Engine, Error, Notice, keepers};

/// Alerts of a mailbox in one window that speak of one message each.
const BURST: u32 = 5;
/// A window of alerts.
const WINDOW: Duration = Duration::from_secs(600);
/// What was not told in this time is of no use any more.
const ALERT_LIFE: Duration = Duration::from_secs(24 * 3600);
/// So much of a message is looked at: its header lies there, or it says too little about itself.
pub(super) const HEADER: u64 = 64 * 1024;
/// What could not be done is tried again after this time.
const AGAIN: Duration = Duration::from_secs(60);

/// What a row of an arrival asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// To tell of a message.
    Alert = 0,
    /// To copy it.
    Copy = 1,
    /// To tell of those that had no alert of their own.
    Digest = 2,
}

/// A row of an arrival.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    due: Timestamp,
    mailbox: MailboxId,
    wish: Wish,
    msg: MsgId,
}

impl Arrival {
    fn key(&self) -> KeyBuilder {
        Lane::Arrivals.prefix().time(self.due).mailbox(self.mailbox).u8(self.wish as u8).msg(self.msg)
    }

    fn read(key: &[u8]) -> Result<Self, StoreError> {
        let mut reader = KeyReader::new(key, tag::ARRIVED)?;
        let (due, mailbox) = (reader.time()?, reader.mailbox()?);
        let wish = match reader.u8()? {
            0 => Wish::Alert,
            1 => Wish::Copy,
            2 => Wish::Digest,
            _ => return Err(StoreError::corrupt(key, "nothing that an arrival asks for")),
        };
        let msg = reader.msg()?;
        reader.end()?;
        Ok(Self { due, mailbox, wish, msg })
    }

    /// The message that its row keeps.
    fn keeps(&self) -> Option<MsgId> {
        (self.wish != Wish::Digest).then_some(self.msg)
    }

    fn put<S: Store>(&self, tx: &mut Transaction<'_, S>) {
        tx.put(self.key(), []);
        if let Some(msg) = self.keeps() {
            keepers::link(tx, msg, self.key());
        }
    }

    /// Removes it; `false` when it is gone already.
    fn take<S: Store>(&self, tx: &mut Transaction<'_, S>) -> Result<bool, StoreError> {
        let there = tx.get(self.key())?.is_some();
        if there {
            tx.delete(self.key());
            if let Some(msg) = self.keeps() {
                keepers::unlink(tx, msg, self.key())?;
            }
        }
        Ok(there)
    }
}

/// When something is to be made of an arrival, whose it is and which message, by its row's key.
pub(crate) fn read_arrival(key: &[u8]) -> Result<(Timestamp, MailboxId, MsgId), StoreError> {
    Arrival::read(key).map(|arrival| (arrival.due, arrival.mailbox, arrival.msg))
}

/// The message that a row of an arrival keeps.
pub(crate) fn kept(key: &[u8]) -> Result<Option<MsgId>, StoreError> {
    Ok(Arrival::read(key)?.keeps())
}

/// What a mailbox was told in the present window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct WindowRow {
    /// When it began.
    begun: i64,
    /// Alerts sent in it.
    sent: u32,
    /// Messages without an alert of their own.
    more: u32,
    /// Sender and subject of the first of them.
    first: Option<(String, String)>,
}

pub(crate) fn read_window(key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    decode::<WindowRow>(key, value).map(drop)
}

fn window_key(mailbox: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::ALERT_WINDOW).mailbox(mailbox)
}

/// What came into a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// A message.
    Message,
    /// A message that is one of our copies, come back.
    Copy,
    /// A receipt or notice.
    Receipt,
}

/// The field that names the mailbox which a copy comes from; other forwarders know it too.
pub(super) const MARK: &str = "Delivered-To";

impl<S: Store> Engine<S> {
    /// Notes, in the commit that brings it, that a message came, where somebody wants to hear of it. Never a reason for that
    /// commit to fail but the store's own.
    pub(crate) fn note_arrival(
        &self,
        tx: &mut Transaction<'_, S>,
        mailbox: MailboxId,
        msg: MsgId,
        came: Came,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = watch_key(mailbox);
        let Some(value) = tx.get(&key)? else { return Ok(()) };
        let watch: WatchRow = match decode(&key, &value) {
            Ok(watch) => watch,
            Err(_) => {
                self.damaged.note(key.as_ref(), "what is told of this mailbox cannot be read");
                return Ok(());
            }
        };
        let alert = watch.alert.as_ref().is_some_and(|alert| alert.receipts || came != Came::Receipt);
        let copy = came == Came::Message && watch.copies_to().is_some();
        for (wish, _) in [(Wish::Alert, alert), (Wish::Copy, copy)].into_iter().filter(|(_, wanted)| *wanted) {
            Arrival { due: now, mailbox, wish, msg }.put(tx);
        }
        Ok(())
    }

    /// Makes of at most `limit` arrivals what is wanted of them; gives how many there were.
    ///
    /// # Errors
    /// The store's fault while looking; one that fails is logged, tried again later, and stops nobody.
    pub fn tell_arrivals(&self, now: Timestamp, limit: usize) -> Result<usize, Error> {
        let due = self.look_until(Lane::Arrivals, now, limit, Arrival::read)?;
        for arrival in &due {
            let done = match arrival.wish {
                Wish::Alert => self.alert_of(arrival, now),
                Wish::Copy => self.copy_of(arrival, now),
                Wish::Digest => self.digest_of(arrival, now),
            };
            if let Err(error) = done {
                self.arrival_again(arrival, &error, now);
            }
        }
        Ok(due.len())
    }

    fn arrival_again(&self, arrival: &Arrival, error: &Error, now: Timestamp) {
        tracing::error!(mailbox = arrival.mailbox.0, wish = ?arrival.wish, %error, "an arrival is told later");
        if let Error::Store(StoreError::Corrupt { key, what }) = error {
            self.damaged.note(key, what);
        }
        let moved = transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            if tx.get(arrival.key())?.is_some() {
                Arrival { due: now.plus(AGAIN), ..*arrival }.put(tx);
                arrival.take(tx)?;
            }
            Ok::<_, Error>(())
        });
        if let Err(error) = moved {
            tracing::error!(%error, "it stays in front");
        }
    }

    /// The header of a stored message, or what of it can be read.
    fn head_of(&self, msg: MsgId) -> Result<Vec<u8>, Error> {
        self.read(&self.expect_message(msg)?, 0, HEADER)
    }

    fn alert_of(&self, arrival: &Arrival, now: Timestamp) -> Result<(), Error> {
        let head = self.head_of(arrival.msg)?;
        let (from, subject) = about(&head);
        transact(&self.store, ATTEMPTS, |tx| {
            if !arrival.take(tx)? {
                return Ok(());
            }
            let Some((row, alert)) = self.alerted(tx, arrival.mailbox, now)? else { return Ok(()) };
            let key = window_key(arrival.mailbox);
            let mut window: WindowRow = tx.get(&key)?.map_or(Ok(WindowRow::default()), |v| decode(&key, &v))?;
            let ends = Timestamp::from_millis(window.begun).plus(WINDOW);
            if now >= ends && window.more == 0 {
                window = WindowRow { begun: now.as_millis(), ..WindowRow::default() };
            }
            if window.sent < BURST && window.more == 0 {
                window.sent += 1;
                self.tell_in(tx, &notice_of(&row, &alert, 1, (&from, &subject), now), now)?;
            } else {
                if window.more == 0 {
                    window.first = Some((from.clone(), subject.clone()));
                    Arrival { due: ends, mailbox: arrival.mailbox, wish: Wish::Digest, msg: MsgId(0) }.put(tx);
                }
                window.more += 1;
            }
            tx.put(&key, encode(&window));
            Ok::<_, Error>(())
        })
    }

    fn digest_of(&self, arrival: &Arrival, now: Timestamp) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            if !arrival.take(tx)? {
                return Ok(());
            }
            let key = window_key(arrival.mailbox);
            let Some(value) = tx.get(&key)? else { return Ok(()) };
            let window: WindowRow = decode(&key, &value)?;
            tx.put(&key, encode(&WindowRow { begun: now.as_millis(), sent: 1, ..WindowRow::default() }));
            let Some((row, alert)) = self.alerted(tx, arrival.mailbox, now)? else { return Ok(()) };
            let (from, subject) = window.first.unwrap_or_default();
            self.tell_in(tx, &notice_of(&row, &alert, window.more, (&from, &subject), now), now)
        })
    }

    /// The mailbox and how it is told, if it still is.
    fn alerted(
        &self,
        tx: &mut Transaction<'_, S>,
        id: MailboxId,
        now: Timestamp,
    ) -> Result<Option<(Mailbox, Alert)>, Error> {
        let Some((row, watch)) = self.watched(tx, id, now)? else { return Ok(None) };
        Ok(watch.alert.map(|alert| (row, alert)))
    }

    /// The mailbox and what is done with its mail, if it works and its profile still allows it.
    fn watched(
        &self,
        tx: &mut Transaction<'_, S>,
        id: MailboxId,
        now: Timestamp,
    ) -> Result<Option<(Mailbox, WatchRow)>, Error> {
        let (key, mailbox) = (watch_key(id), crate::rows::mailbox_key(id));
        let (Some(watch), Some(row)) = (tx.get(&key)?, tx.get(&mailbox)?) else { return Ok(None) };
        let row: Mailbox = decode(&mailbox, &row)?;
        let watch = decode(&key, &watch)?;
        Ok((may(&row) && row.works(now.as_millis())).then_some((row, watch)))
    }

    fn copy_of(&self, arrival: &Arrival, now: Timestamp) -> Result<(), Error> {
        let original = self.original(&self.expect_message(arrival.msg)?)?;
        transact(&self.store, ATTEMPTS, |tx| {
            if !arrival.take(tx)? || original.came_back {
                return Ok(());
            }
            let Some((row, watch)) = self.watched(tx, arrival.mailbox, now)? else { return Ok(()) };
            let Some(to) = watch.copies_to() else { return Ok(()) };
            let id = register::new_number(self.ids.as_ref(), now);
            let (channel, about) = (Channel::Mail(to.clone()), Concern::Mailbox(arrival.mailbox));
            let told = ToldRow::new(NoticeKind::Forward, channel, about, "Copia di un messaggio arrivato".into());
            register::begin(tx, id, &told);
            if self.is_certified(&to) {
                // It was ordinary when it was chosen.
                let why = "l'indirizzo è ormai in un dominio di posta certificata";
                return Ok(register::end(tx, id, Some(why), now)?);
            }
            self.queue_copy(tx, id, (&row.address, &to), &original, now)
        })
    }
}

/// Sender and subject of a message, as far as it says them.
fn about(head: &[u8]) -> (String, String) {
    let header = Header::parse_tolerant(head);
    let from = header.text("From").unwrap_or_default();
    // An envelope comes from its provider, for somebody (RFC 6109 §3.1.5).
    let from = match from.split_once("Per conto di:") {
        Some((_, rest)) => rest.split(['"', '<']).next().unwrap_or_default().to_owned(),
        None => from,
    };
    let subject = header.text("Subject").unwrap_or_default();
    let subject = subject.trim().strip_prefix("POSTA CERTIFICATA:").map_or(subject.clone(), str::to_owned);
    (short(&from, 64), short(&subject, 70))
}

fn notice_of(row: &Mailbox, alert: &Alert, count: u32, (from, subject): (&str, &str), now: Timestamp) -> Notice {
    let address = short(&row.address, 80);
    let of = if from.is_empty() { String::new() } else { format!(" da {from}") };
    let titled = if subject.is_empty() { String::new() } else { format!(": {subject}") };
    let text = match (count, alert.discreet) {
        (1, true) => format!("Nuovo messaggio per {address}"),
        (1, false) => format!("PEC per {address}{of}{titled}"),
        (n, true) => format!("Altri {n} messaggi per {address}"),
        (n, false) => format!("PEC per {address}: altri {n} messaggi, il primo{of}{titled}"),
    };
    Notice {
        kind: NoticeKind::Alert,
        to: alert.to.clone(),
        about: Concern::Mailbox(MailboxId(row.id)),
        subject: format!("Nuova posta per {address}"),
        text: Secret::new(text),
        not_after: now.plus(ALERT_LIFE),
    }
}
