//! The first byte of every key. One file, each tag documented, none ever reused or moved.
//!
//! The number also says how the rows are used, so that an engine can keep each kind in a place of its own:
//! `01–7f` ordinary rows, `80–9f` rows that live shortly (queues, timers, leases), `a0–bf` large values (bodies),
//! `c0–ef` ordinary rows, `f0–ff` never used (an engine may keep its own there). A range never spans two tags.
//! A retired tag stays in the file with the word *retired*. The value formats carry a version byte of their own.

/// How rows of a tag are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// Written, read and scanned; mostly there to stay.
    Rows,
    /// Written once, removed soon, scanned from the front.
    Queue,
    /// Values of tens of kilobytes, read by key.
    Bodies,
}

/// How the rows of this tag are used.
pub const fn pattern(tag: u8) -> Pattern {
    match tag {
        0x80..=0x9f => Pattern::Queue,
        0xa0..=0xbf => Pattern::Bodies,
        _ => Pattern::Rows,
    }
}

/// Facts about the store itself: schema version, creation. Text name.
pub const META: u8 = 0x01;
/// Counters from which numbers are drawn. Text name, then whose they are.
pub const COUNTER: u8 = 0x02;
/// Rate windows and other sums with a time. Scope, then window.
pub const RATE: u8 = 0x03;

/// Domains that this provider serves. Domain name.
pub const DOMAIN: u8 = 0x08;
/// Tenants and their directory. Tenant, then 0 for itself, 1 and a number for a unit.
pub const DIRECTORY: u8 = 0x09;

/// Mailboxes: address, profile, state. Mailbox number.
pub const MAILBOX: u8 = 0x10;
/// Mailbox number by address. Address in lower case.
pub const MAILBOX_BY_ADDRESS: u8 = 0x11;
/// Credentials: whose, rights, verifiers of the secret. Mailbox number, then name (empty: the owner's).
pub const CREDENTIAL: u8 = 0x12;

/// How much a mailbox holds: bytes and messages. Mailbox number.
pub const BOX_USAGE: u8 = 0x13;
/// Distribution lists: their members. Address in lower case.
pub const LIST: u8 = 0x14;
/// When a credential was used last. Mailbox number, then name.
pub const CREDENTIAL_USE: u8 = 0x15;
/// Who has a profile of the provider's own. Its name, then mailbox number.
pub const PROFILE_USE: u8 = 0x16;
/// Which profile a mailbox had since when. Mailbox | time.
pub const PROFILE_HISTORY: u8 = 0x17;

/// Folders: name, UIDVALIDITY, UIDNEXT, mod-sequence. Mailbox number, then folder number.
pub const FOLDER: u8 = 0x18;
/// What lies in a folder: flags, date, message. Mailbox | folder | UID.
pub const FOLDER_ENTRY: u8 = 0x19;
/// Which messages of a folder went or changed. Mailbox | folder | mod-sequence of the commit.
pub const FOLDER_CHANGES: u8 = 0x1a;

/// Into which folder a mailbox's receipts go, where it is not the INBOX. Mailbox number.
pub const RECEIPTS_FOLDER: u8 = 0x1b;

/// Names that are subscribed and have no folder. Mailbox number, then name.
pub const SUBSCRIBED: u8 = 0x1c;

/// Stored messages: rope, size, what an index wants to know. Message number.
pub const MESSAGE: u8 = 0x20;
/// Where a certified message stands for one recipient. Certified id, then recipient.
pub const DISPATCH: u8 = 0x21;
/// Envelopes and receipts already received, against taking one twice. Message-ID, then recipient.
pub const RECEIVED: u8 = 0x22;

/// What a received envelope certifies, for the receipts about it. Message number.
pub const ARRIVAL: u8 = 0x23;
/// Who keeps a message. Message number, then the referrer's key.
pub const MESSAGE_LINK: u8 = 0x24;
/// What IMAP tells of a message without its body. Message number.
pub const SUMMARY: u8 = 0x25;

/// The legal log (RFC 6109 §2.3). Day, then time, then number, then piece of the line or `ff ff ff ff`: its place in
/// the chain.
pub const LEGAL_LOG: u8 = 0x30;
/// The archive. Mailbox | time.
pub const ARCHIVE: u8 = 0x31;
/// The legal log in its one order: which row, and the hash of everything up to it. Sequence number.
pub const LOG_CHAIN: u8 = 0x32;
/// Rows of the legal log by what they are about. Identifier, then time, then number.
pub const LOG_BY_ID: u8 = 0x33;
/// Segments of the legal log and their time stamps. 0 for the segment, 1 for its stamp, then its number.
pub const LOG_SEGMENT: u8 = 0x34;
/// Accesses and administrative events. Mailbox or scope, then time.
pub const EVENT: u8 = 0x38;

/// Infected messages, kept as they came (*deposito virus*). Time, then number.
pub const QUARANTINE: u8 = 0x39;

/// Rows that a repair moved here, as they were, with the reason. BLAKE3 hash of the row's key, then time.
pub const SET_ASIDE: u8 = 0x3a;

/// Limits that mailboxes reached. Legal day, then mailbox | end of the window | which window.
pub const OVERRUN: u8 = 0x3b;
/// Which credential submitted what. Mailbox | time, then identifier.
pub const TRAIL: u8 = 0x3c;
/// Messages that a mailbox sent on a day that is over. Mailbox, then legal day.
pub const SENT_DAY: u8 = 0x3d;

/// Stored bodies: length and state. Body id.
pub const BODY: u8 = 0x40;
/// Who refers to a body. Body id, then the referrer's key.
pub const BODY_LINK: u8 = 0x41;

/// How TLS with others went. Day, then domain.
pub const TLS_RESULTS: u8 = 0x48;
/// Ordinary mail by what became of it. Legal day, then the word for it.
pub const SCREENED: u8 = 0x4c;

/// What was done to mailboxes and lists on somebody's request. Legal month, then number.
pub const OPERATION: u8 = 0x4d;
/// What an administration ordered. Tenant, then version (0: which one counts).
pub const PLAN: u8 = 0x4e;
/// Mailboxes that count, by profile. 2 and a domain, or 3, domain, tenant and unit; 0 and 1 as a release before counted them.
pub const COUNTED: u8 = 0x4f;
/// Since when a mailbox counts or does not. Mailbox | time.
pub const STANDING: u8 = 0x50;
/// Mailboxes that were cancelled, by when their contents go. Time, then mailbox.
pub const LEAVING: u8 = 0x51;
/// Which unit of its administration a list belongs to. Address in lower case.
pub const LIST_UNIT: u8 = 0x52;
/// Lists that were cancelled: since when, and until when they can be called back. Address in lower case.
pub const LIST_CANCELLED: u8 = 0x53;

/// MTA-STS policies of other domains. Domain name.
pub const STS_POLICY: u8 = 0x54;
/// Domains that were told how TLS with them went. Day, then domain.
pub const TLS_REPORTED: u8 = 0x55;
/// What people were told outside of certified mail, and what came of it. Number of the notice.
pub const TOLD: u8 = 0x56;
/// What of a mailbox's mail is told and copied outside of certified mail. Mailbox number.
pub const WATCH: u8 = 0x57;
/// What a mailbox was told of its mail just now. Mailbox number.
pub const ALERT_WINDOW: u8 = 0x58;
/// The certificate of ours that was seen last. What it is for.
pub const CERTIFICATE_SEEN: u8 = 0x59;
/// When an administration was told of a certificate of ours. What it is for | SHA-256 of it | days before its end, 0: replaced
/// | tenant.
pub const CERTIFICATE_TOLD: u8 = 0x5a;
/// The trigrams of a message's texts, for searches. Message number.
pub const GRAMS: u8 = 0x5b;
/// Up to which UID a folder's messages have their trigrams. Mailbox | folder.
pub const TEXT_MARK: u8 = 0x5c;
/// Requests that are done once: what became of them. SHA-256 of who asked and of his key.
pub const ONCE: u8 = 0x5d;
/// What somebody may do in a folder. Mailbox | folder (0: where nothing is said) | name of the credential.
pub const GRANT: u8 = 0x60;
/// Annotations of folders. Mailbox | folder (0: of the mailbox) | 0 for everybody's, 1 for one person's | whose | entry.
pub const ANNOTATION: u8 = 0x61;
/// What the annotations of a mailbox come to. Mailbox number.
pub const ANNOTATED: u8 = 0x62;

/// What a credential's secret was before, hashed as it was. Mailbox | name of the credential.
pub const FORMER_PASSWORD: u8 = 0x63;

/// How a mailbox's holder is reached outside of it. Mailbox number.
pub const CONTACT: u8 = 0x64;

/// Second factors: a seed, what was used of it, spare codes. Mailbox | name of the credential.
pub const SECOND_FACTOR: u8 = 0x65;

/// A sender's own copies of a message and its certified identifier. Mailbox | SHA-256 of the Message-ID.
pub const PROOF: u8 = 0x66;

/// Whose a domain is. Domain name.
pub const DOMAIN_OWNER: u8 = 0x67;
/// Which unit of its administration a mailbox belongs to. Mailbox number.
pub const MAILBOX_UNIT: u8 = 0x68;
/// Who administrates. Person's number.
pub const PERSON: u8 = 0x69;
/// Person's number by what he is called. Name.
pub const PERSON_BY_NAME: u8 = 0x6a;
/// What persons prove themselves with. SHA-256 of the secret.
pub const TOKEN: u8 = 0x6b;

/// The last one-time secret of a mailbox's holder, and how many there were. Mailbox number.
pub const RESET: u8 = 0x6c;

/// Entries of address books: who an address is. Tenant, then 0 and the address in lower case, or 1: how many there are.
pub const ADDRESS_BOOK: u8 = 0x6d;
/// Second factors of who administrates, as [`SECOND_FACTOR`]. Person's number.
pub const PERSON_FACTOR: u8 = 0x6e;
/// Until when a token of who has one needs no code. SHA-256 of the token's secret.
pub const UNLOCKED: u8 = 0x6f;
/// The sum of an administration's accesses of a day, as it stands in the legal log. Number of the administration, 0 for none; day;
/// then 1 where it is that of what was read over the administrative interface.
pub const ACCESS_SEAL: u8 = 0x70;
/// Whose a domain was from when on, once it changed hands. Domain name, then time; 0: nobody's.
pub const DOMAIN_HISTORY: u8 = 0x75;
/// What was read over the administrative interface. Tenant whose it is (0: none), then time, then number.
pub const READING: u8 = 0x76;
/// Failed logins by names that no mailbox has. Tenant whose domain they name (0: none), then minute, then hash of what they have in
/// common.
pub const STRANGER: u8 = 0x77;

/// Queue items: envelope, rope, attempts. Item number.
pub const QUEUE_ITEM: u8 = 0x80;
/// When queue items are due. Part of the queue and whether it is due, then time or turn, then item number.
pub const QUEUE_DUE: u8 = 0x81;
/// When deadlines (12 h, 24 h) and other timers are due. Time, then what.
pub const TIMER_DUE: u8 = 0x82;
/// Who works at a queue item, and until when. The item's key.
pub const LEASE: u8 = 0x83;
/// Bodies that go ahead of the commit that publishes them. Body id.
pub const BODY_RESERVATION: u8 = 0x84;
/// Rows of the legal log that have no place in the chain yet. Time, then number.
pub const LOG_PENDING: u8 = 0x85;

/// Messages that lost a referrer and may have no other. Message number.
pub const MESSAGE_DOUBT: u8 = 0x86;

/// Notices that wait to go out. 0 for short messages, 1 for mail, then when it is due, then number of the notice.
pub const NOTICE: u8 = 0x87;

/// Mail that came and is to be told or copied outside. Time, then mailbox, then what is to be done, then message.
pub const ARRIVED: u8 = 0x88;

/// Chunks of bodies, 64 KiB each. Body id, then number from 0.
pub const BODY_CHUNK: u8 = 0xa0;

/// Rows of tests; no release ever writes one.
pub const TEST: u8 = 0xef;

/// Every tag in use with its name, ascending. `1d–1f`, `26–2f`, `35–37`, `3e–3f`, `42–47`, `49–4b`, `5e–5f`, `71–74`, `78–7f`, `89–9f`, `a1–bf` and
/// `c0–ee` are free where not named here.
pub const ALL: &[(u8, &str)] = &[
    (META, "meta"),
    (COUNTER, "counter"),
    (RATE, "rate"),
    (DOMAIN, "domain"),
    (DIRECTORY, "directory"),
    (MAILBOX, "mailbox"),
    (MAILBOX_BY_ADDRESS, "mailbox-by-address"),
    (CREDENTIAL, "credential"),
    (BOX_USAGE, "box-usage"),
    (LIST, "list"),
    (CREDENTIAL_USE, "credential-use"),
    (PROFILE_USE, "profile-use"),
    (PROFILE_HISTORY, "profile-history"),
    (FOLDER, "folder"),
    (FOLDER_ENTRY, "folder-entry"),
    (FOLDER_CHANGES, "folder-changes"),
    (RECEIPTS_FOLDER, "receipts-folder"),
    (SUBSCRIBED, "subscribed"),
    (MESSAGE, "message"),
    (DISPATCH, "dispatch"),
    (RECEIVED, "received"),
    (ARRIVAL, "arrival"),
    (MESSAGE_LINK, "message-link"),
    (SUMMARY, "summary"),
    (LEGAL_LOG, "legal-log"),
    (ARCHIVE, "archive"),
    (LOG_CHAIN, "log-chain"),
    (LOG_BY_ID, "log-by-id"),
    (LOG_SEGMENT, "log-segment"),
    (EVENT, "event"),
    (QUARANTINE, "quarantine"),
    (SET_ASIDE, "set-aside"),
    (OVERRUN, "overrun"),
    (TRAIL, "trail"),
    (SENT_DAY, "sent-day"),
    (BODY, "body"),
    (BODY_LINK, "body-link"),
    (TLS_RESULTS, "tls-results"),
    (SCREENED, "screened"),
    (OPERATION, "operation"),
    (PLAN, "plan"),
    (COUNTED, "counted"),
    (STANDING, "standing"),
    (LEAVING, "leaving"),
    (LIST_UNIT, "list-unit"),
    (LIST_CANCELLED, "list-cancelled"),
    (STS_POLICY, "sts-policy"),
    (TLS_REPORTED, "tls-reported"),
    (TOLD, "told"),
    (WATCH, "watch"),
    (ALERT_WINDOW, "alert-window"),
    (CERTIFICATE_SEEN, "certificate-seen"),
    (CERTIFICATE_TOLD, "certificate-told"),
    (GRAMS, "grams"),
    (TEXT_MARK, "text-mark"),
    (ONCE, "once"),
    (GRANT, "grant"),
    (ANNOTATION, "annotation"),
    (ANNOTATED, "annotated"),
    (FORMER_PASSWORD, "former-password"),
    (CONTACT, "contact"),
    (SECOND_FACTOR, "second-factor"),
    (PROOF, "proof"),
    (DOMAIN_OWNER, "domain-owner"),
    (MAILBOX_UNIT, "mailbox-unit"),
    (PERSON, "person"),
    (PERSON_BY_NAME, "person-by-name"),
    (TOKEN, "token"),
    (RESET, "reset"),
    (ADDRESS_BOOK, "address-book"),
    (PERSON_FACTOR, "person-factor"),
    (UNLOCKED, "unlocked"),
    (ACCESS_SEAL, "access-seal"),
    (DOMAIN_HISTORY, "domain-history"),
    (READING, "reading"),
    (STRANGER, "stranger"),
    (QUEUE_ITEM, "queue-item"),
    (QUEUE_DUE, "queue-due"),
    (TIMER_DUE, "timer-due"),
    (LEASE, "lease"),
    (BODY_RESERVATION, "body-reservation"),
    (LOG_PENDING, "log-pending"),
    (MESSAGE_DOUBT, "message-doubt"),
    (NOTICE, "notice"),
    (ARRIVED, "arrived"),
    (BODY_CHUNK, "body-chunk"),
    (TEST, "test"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_is_listed_once_and_ascending() {
        assert!(ALL.windows(2).all(|pair| pair[0].0 < pair[1].0), "tags ascend, so none is there twice");
        let constants = include_str!("tag.rs").lines().filter(|l| l.starts_with("pub const ") && l.contains(": u8 ="));
        assert_eq!(constants.count(), ALL.len(), "a tag without its line in ALL, or the other way round");
        assert!(ALL.iter().all(|(tag, _)| *tag > 0 && *tag < 0xf0), "the first and the last numbers stay free");
    }
}
