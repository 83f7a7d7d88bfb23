//! How the engine's facts are written: a version byte, then postcard; keys from the store's tags.
//!
//! A row that could pass the value limit (a message to a thousand recipients) goes through [`put_large`].

pub(crate) mod bytes;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sigillo_accounts::CredentialName;
use sigillo_base::{Address, MailboxId, MsgId, PecId, Timestamp, Uid};
use sigillo_pec::{Facts, Recipient, RecipientClass};
use sigillo_store::{BodyId, Error, KeyBuilder, Rope, Store, Transaction, body, tag};

const VERSION: u8 = 1;
/// Larger rows become bodies; the value limit is 64 KiB.
const LARGE: usize = 60 * 1024;

/// A row's value: version byte, then the fields.
pub fn encode<T: Serialize>(row: &T) -> Vec<u8> {
    // Writing into a growing vector cannot fail for the plain structs of this file.
    postcard::to_extend(row, vec![VERSION]).unwrap_or_default()
}

/// The same with what a later release has put behind its fields; who does not know that passes over it.
pub fn encode_more<T: Serialize, M: Serialize>(row: &T, more: Option<&M>) -> Vec<u8> {
    match more {
        Some(more) => postcard::to_extend(more, encode(row)).unwrap_or_default(),
        None => encode(row),
    }
}

/// Reads what [`encode`] wrote; a damaged row names its key.
pub fn decode<T: DeserializeOwned>(key: impl AsRef<[u8]>, value: &[u8]) -> Result<T, Error> {
    Ok(decode_part(key, value)?.0)
}

/// Reads what [`encode_more`] wrote.
pub fn decode_more<T, M>(key: impl AsRef<[u8]>, value: &[u8]) -> Result<(T, Option<M>), Error>
where
    T: DeserializeOwned,
    M: DeserializeOwned,
{
    let (row, rest) = decode_part(&key, value)?;
    let more = (!rest.is_empty()).then(|| postcard::from_bytes(rest));
    Ok((row, more.transpose().map_err(|e| Error::corrupt(key, format!("unreadable: {e}")))?))
}

/// The fields of a row, and what is behind them.
fn decode_part<T: DeserializeOwned>(key: impl AsRef<[u8]>, value: &[u8]) -> Result<(T, &[u8]), Error> {
    match value.split_first() {
        Some((&VERSION, fields)) => {
            postcard::take_from_bytes(fields).map_err(|e| Error::corrupt(key, format!("unreadable: {e}")))
        }
        Some((v, _)) => Err(Error::corrupt(key, format!("row version {v}, this release reads {VERSION}"))),
        None => Err(Error::corrupt(key, "empty row")),
    }
}

/// Writes a row of any size: past the value limit its bytes become a body, linked from the row.
pub fn put_large<S: Store, T: Serialize>(tx: &mut Transaction<'_, S>, key: &KeyBuilder, row: &T) -> Result<(), Error> {
    let bytes = encode(row);
    let value = if bytes.len() <= LARGE {
        encode(&Large::Here(bytes))
    } else {
        let id = body::put(tx.store(), tx, &bytes)?;
        body::link(tx, id, key.as_ref())?;
        encode(&Large::Body(id.0, bytes.len() as u64))
    };
    tx.put(key, value);
    Ok(())
}

/// Reads what [`put_large`] wrote.
pub fn get_large<S: Store, T: DeserializeOwned>(store: &S, key: &KeyBuilder) -> Result<Option<T>, Error> {
    store.get(key.as_ref())?.map(|value| large(store, key.as_ref(), &value)).transpose()
}

/// The same of a row that is expected to be so still when this is committed.
pub fn get_large_in<S: Store, T: DeserializeOwned>(
    tx: &mut Transaction<'_, S>,
    key: &KeyBuilder,
) -> Result<Option<T>, Error> {
    let Some(value) = tx.get(key)? else { return Ok(None) };
    let bytes = match decode(key, &value)? {
        Large::Here(bytes) => bytes,
        Large::Body(id, len) => body::get_range_in(tx, BodyId(id), 0, len)?,
    };
    decode(key, &bytes).map(Some)
}

/// Reads the value of a row that [`put_large`] wrote.
pub fn large<S: Store, T: DeserializeOwned>(store: &S, key: &[u8], value: &[u8]) -> Result<T, Error> {
    match decode(key, value)? {
        Large::Here(bytes) => decode(key, &bytes),
        Large::Body(id, len) => decode(key, &body::get_range(store, BodyId(id), 0, len)?),
    }
}

/// The body that a row of [`put_large`] became, if it did.
pub fn large_body(key: &[u8], value: &[u8]) -> Result<Option<BodyId>, Error> {
    Ok(match decode(key, value)? {
        Large::Here(_) => None,
        Large::Body(id, _) => Some(BodyId(id)),
    })
}

/// Removes what [`put_large`] wrote; `false` when there was nothing.
pub fn remove_large<S: Store>(tx: &mut Transaction<'_, S>, key: &KeyBuilder) -> Result<bool, Error> {
    let Some(value) = tx.get(key)? else { return Ok(false) };
    if let Large::Body(id, _) = decode(key, &value)? {
        body::unlink(tx, BodyId(id), key.as_ref());
    }
    tx.delete(key);
    Ok(true)
}

#[derive(Serialize, Deserialize)]
enum Large {
    Here(#[serde(with = "bytes")] Vec<u8>),
    Body([u8; 32], u64),
}

/// A stored message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MessageRow {
    #[serde(with = "bytes")]
    rope: Vec<u8>,
    /// Octets.
    pub size: u64,
}

impl MessageRow {
    pub fn new(rope: &Rope) -> Result<Self, Error> {
        Ok(Self { rope: rope.encode()?, size: rope.len() })
    }

    pub fn rope(&self, key: impl AsRef<[u8]>) -> Result<Rope, Error> {
        Rope::decode(&self.rope).map_err(|e| Error::corrupt(key, e.to_string()))
    }
}

/// What lies in a folder: the sums of its entries, changed in the commit that changes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub bytes: u64,
    pub messages: u64,
    /// Of these without `\Seen`.
    pub unseen: u64,
    /// Of these with `\Deleted`.
    pub deleted: u64,
    /// What these come to.
    pub deleted_bytes: u64,
}

/// A folder of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRow {
    pub name: String,
    pub uid_validity: u32,
    pub uid_next: u32,
    pub modseq: u64,
    pub subscribed: bool,
    /// `sent`, `trash` …: the special use of RFC 6154, if any.
    pub special: Option<String>,
    pub held: Held,
    /// Rows in its log ([`ChangesRow`]).
    pub logged: u32,
    /// What happened up to this mod-sequence may be missing in the log.
    pub forgotten: u64,
}

impl FolderRow {
    /// A folder that is empty.
    pub fn new(name: &str, uid_validity: u32) -> Self {
        Self {
            name: name.into(),
            uid_validity,
            uid_next: 1,
            modseq: 1,
            subscribed: false,
            special: None,
            held: Held::default(),
            logged: 0,
            forgotten: 0,
        }
    }
}

/// What one commit did to the messages of a folder, apart from arrivals: their UIDs tell when they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesRow {
    /// UIDs of messages that went.
    pub gone: Vec<u32>,
    /// UIDs of messages whose row changed.
    pub changed: Vec<u32>,
}

/// The last numbers given to folders of a mailbox: neither is given again, also when the folder is gone.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FolderNumbers {
    pub folder: u32,
    pub uid_validity: u32,
}

/// A message in a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EntryRow {
    pub msg: u128,
    /// The system flags, one bit each (`sigillo_imap::Flags::bits`).
    pub flags: u8,
    pub keywords: Vec<String>,
    /// INTERNALDATE, in milliseconds.
    pub date: i64,
    pub size: u32,
    pub modseq: u64,
    /// When it came into this folder, in milliseconds.
    pub saved: i64,
}

/// What a mailbox holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxUsage {
    pub bytes: u64,
    pub messages: u64,
}

/// Something that waits to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ItemRow {
    /// First, so that it reads in rows of every version.
    pub work: Work,
    pub created: i64,
    /// When it is due; while somebody works at it, when his lease ends; while it is held, when it is given up.
    pub due: i64,
    /// Attempts begun.
    pub attempts: u32,
    /// Why the last attempt failed; empty before the first.
    pub last_error: String,
    /// The certified identifier it belongs to, for logs and questions.
    pub pec_id: String,
    /// The sender of the transaction it belongs to.
    pub owner: String,
    /// Who holds it back.
    pub held: Option<HoldRow>,
    /// Where it is handed over, `host:port`, instead of where its domain's mail goes.
    pub route: Option<String>,
    /// Its message goes only to servers that protect it on its whole way (REQUIRETLS, RFC 8689).
    pub require_tls: bool,
    /// Its turn among what is due; none before its time has come.
    pub turn: Option<u64>,
}

/// An order to hold an item back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    /// In milliseconds.
    pub since: i64,
    pub by: String,
    pub why: String,
}

/// Who works at a queue item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// The server's name in SMTP.
    pub server: String,
    /// Its process: what an earlier one held, nobody works at any more.
    pub process: u128,
    /// When the item was taken, in milliseconds.
    pub since: i64,
    /// When somebody else may take it, in milliseconds; the item is due then.
    pub until: i64,
}

/// What a queue item does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Work {
    /// Hands a message over to the provider of a domain; `local` when that is this provider itself.
    Relay {
        domain: String,
        local: bool,
        from: Option<String>,
        rcpts: Vec<String>,
        msg: u128,
        size: u64,
        eight_bit: bool,
        what: Carried,
    },
    /// Puts a received envelope into one mailbox; `issued` is the word of the receipt's kind.
    Deliver { msg: u128, rcpt: String, issued: String },
}

impl Work {
    /// The domain it goes to.
    pub fn destination(&self) -> &str {
        match self {
            Self::Relay { domain, .. } => domain,
            Self::Deliver { rcpt, .. } => rcpt.rsplit('@').next().unwrap_or_default(),
        }
    }

    /// The message it is about.
    pub fn message(&self) -> MsgId {
        match self {
            Self::Relay { msg, .. } | Self::Deliver { msg, .. } => MsgId(*msg),
        }
    }
}

/// What a relayed message is: it decides what its failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Carried {
    /// A transport envelope: a failure is told to the sender.
    Envelope,
    /// A receipt or notice: a failure is logged, never answered (RFC 6109 §3.3.3).
    Notice,
    /// A report about TLS: the same, and it goes out whatever is wrong with TLS (RFC 8460 §3).
    Report,
    /// Ordinary mail to people: notices and forwarded copies. What became of it is in the register of notices.
    Outside,
}

/// Facts of a certified message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FactsRow {
    sender: String,
    recipients: Vec<(String, bool)>,
    reply_to: String,
    subject: Option<String>,
    id: String,
    msgid: Option<String>,
}

impl From<&Facts> for FactsRow {
    fn from(f: &Facts) -> Self {
        let certified = |r: &Recipient| r.class == RecipientClass::Certified;
        Self {
            sender: f.sender.as_str().into(),
            recipients: f.recipients.iter().map(|r| (r.address.as_str().into(), certified(r))).collect(),
            reply_to: f.reply_to.clone(),
            subject: f.subject.clone(),
            id: f.id.as_str().into(),
            msgid: f.msgid.clone(),
        }
    }
}

impl FactsRow {
    /// MAIL FROM.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// The client's own Message-ID, with its brackets.
    pub fn msgid(&self) -> Option<&str> {
        self.msgid.as_deref()
    }

    pub fn facts(&self, key: impl AsRef<[u8]>) -> Result<Facts, Error> {
        let bad = |what: &str| Error::corrupt(key.as_ref(), format!("not an address or id: {what}"));
        let recipients = self.recipients.iter().map(|(text, certified)| {
            let class = if *certified { RecipientClass::Certified } else { RecipientClass::External };
            Ok(Recipient { address: Address::parse(text).map_err(|_| bad(text))?, class })
        });
        Ok(Facts {
            sender: Address::parse(&self.sender).map_err(|_| bad(&self.sender))?,
            recipients: recipients.collect::<Result<_, Error>>()?,
            reply_to: self.reply_to.clone(),
            subject: self.subject.clone(),
            id: PecId::parse(&self.id).ok_or_else(|| bad(&self.id))?,
            msgid: self.msgid.clone(),
        })
    }
}

/// A certified message that one of our users sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SentRow {
    pub facts: FactsRow,
    /// The sender's mailbox.
    pub mailbox: u64,
    /// Acceptance, in milliseconds: the start of every deadline.
    pub at: i64,
}

/// Where a sent message stands for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DispatchRow {
    /// Receipts and deadlines are about certified recipients only.
    pub certified: bool,
    /// The other server took the envelope.
    pub handed: bool,
    pub taken: bool,
    pub first_sent: bool,
    pub outcome: Option<Outcome>,
    /// The queue item that carries the envelope to this recipient, while there may be one.
    pub item: u128,
    /// When its timer is due, in milliseconds, if one runs.
    pub timer: Option<i64>,
}

impl DispatchRow {
    /// A recipient at acceptance.
    pub fn new(certified: bool, item: u128) -> Self {
        Self { certified, handed: false, taken: false, first_sent: false, outcome: None, item, timer: None }
    }
}

/// How a recipient ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A delivery receipt came.
    Delivered,
    /// A notice of non-delivery came or was made.
    Failed,
    /// The second deadline passed; a later delivery receipt turns it into `Delivered`.
    PresumedFailed,
    /// An external recipient's server took the envelope: nobody certifies more (RFC 6109 §2.2.1).
    HandedOver,
}

/// What was received under a name for a recipient.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReceivedRow {
    /// SHA-256 of each content.
    pub hashes: Vec<[u8; 32]>,
    /// When the last of them came, in milliseconds; none where an earlier release did not write it down.
    pub at: Option<i64>,
}

/// What the delivery point must know of a received envelope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArrivalRow {
    pub facts: FactsRow,
    /// The word of the receipt kind that the sender asked for.
    pub requested: String,
    /// Where the content of postacert.eml lies in the stored message.
    pub original: Option<(u64, u64)>,
}

pub fn message_key(id: MsgId) -> KeyBuilder {
    KeyBuilder::new(tag::MESSAGE).msg(id)
}

pub fn arrival_key(id: MsgId) -> KeyBuilder {
    KeyBuilder::new(tag::ARRIVAL).msg(id)
}

pub fn summary_key(id: MsgId) -> KeyBuilder {
    KeyBuilder::new(tag::SUMMARY).msg(id)
}

pub fn folder_key(mailbox: MailboxId, folder: u32) -> KeyBuilder {
    KeyBuilder::new(tag::FOLDER).mailbox(mailbox).u32(folder)
}

pub fn entry_key(mailbox: MailboxId, folder: u32, uid: Uid) -> KeyBuilder {
    KeyBuilder::new(tag::FOLDER_ENTRY).mailbox(mailbox).u32(folder).uid(uid)
}

pub fn changes_key(mailbox: MailboxId, folder: u32, modseq: u64) -> KeyBuilder {
    KeyBuilder::new(tag::FOLDER_CHANGES).mailbox(mailbox).u32(folder).u64(modseq)
}

pub fn folder_numbers_key(mailbox: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::COUNTER).text("folders").mailbox(mailbox)
}

pub fn usage_key(mailbox: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::BOX_USAGE).mailbox(mailbox)
}

pub fn rate_key(mailbox: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::RATE).mailbox(mailbox)
}

pub fn mailbox_key(id: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::MAILBOX).mailbox(id)
}

pub fn credential_key(id: MailboxId, name: &CredentialName) -> KeyBuilder {
    KeyBuilder::new(tag::CREDENTIAL).mailbox(id).text(name.as_str())
}

pub fn credential_use_key(id: MailboxId, name: &CredentialName) -> KeyBuilder {
    KeyBuilder::new(tag::CREDENTIAL_USE).mailbox(id).text(name.as_str())
}

pub fn address_key(address: &Address) -> KeyBuilder {
    KeyBuilder::new(tag::MAILBOX_BY_ADDRESS).text(&address.key())
}

pub fn list_key(address: &Address) -> KeyBuilder {
    KeyBuilder::new(tag::LIST).text(&address.key())
}

pub fn item_key(id: u128) -> KeyBuilder {
    KeyBuilder::new(tag::QUEUE_ITEM).u128(id)
}

pub fn lease_key(item: u128) -> KeyBuilder {
    KeyBuilder::new(tag::LEASE).raw(item_key(item))
}

pub fn sent_key(id: &PecId) -> KeyBuilder {
    KeyBuilder::new(tag::DISPATCH).text(id.as_str()).text("")
}

pub fn dispatch_key(id: &PecId, rcpt: &Address) -> KeyBuilder {
    KeyBuilder::new(tag::DISPATCH).text(id.as_str()).text(&rcpt.key())
}

pub fn timer_key(due: Timestamp, id: &PecId, rcpt: &Address) -> KeyBuilder {
    KeyBuilder::new(tag::TIMER_DUE).time(due).text(id.as_str()).text(&rcpt.key())
}

pub fn received_key(message_id: &str, rcpt: &Address) -> KeyBuilder {
    KeyBuilder::new(tag::RECEIVED).bytes(&sigillo_smime::sha256(message_id.as_bytes())).text(&rcpt.key())
}

pub fn archive_key(mailbox: MailboxId, at: Timestamp, msg: MsgId) -> KeyBuilder {
    KeyBuilder::new(tag::ARCHIVE).mailbox(mailbox).time(at).msg(msg)
}
