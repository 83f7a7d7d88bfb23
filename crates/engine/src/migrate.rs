//! From the formats of an earlier release to those of this one: forward only, page by page, and where it stopped it goes
//! on. The store has its new version from the first page on, so that no older program opens it half way; nobody serves
//! meanwhile.

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Block, CredentialName, Mailbox, OrdinaryMail, PasswordHash, Profile, State};
use sigillo_base::{MailboxId, MsgId, Timestamp};
use sigillo_store::{KeyBuilder, KeyReader, Row, Store, Transaction, schema, skim, tag, transact};

use crate::folder::{self, Counted};
use crate::rows::{
    ArrivalRow, Carried, ChangesRow, EntryRow, FolderRow, ItemRow, ReceivedRow, Work, arrival_key, credential_key,
    decode, encode, get_large,
};
use crate::{ATTEMPTS, Error, credentials, keepers, profiles};

/// Rows of one commit.
const PAGE: usize = 500;
/// Pages between two words about how far it is.
const TELL_EVERY: u64 = 100;

/// One walk over all rows of a tag, which writes what follows from each.
struct Walk<S: Store> {
    /// The version that has it.
    to: u32,
    tag: u8,
    row: Rewrite<S>,
}

type Rewrite<S> = fn(&mut Transaction<'_, S>, &Row) -> Result<(), sigillo_store::Error>;

/// Every walk of every version, in order. New ones come last: a walk is known by its number while it is under way.
fn walks<S: Store>() -> [Walk<S>; 11] {
    [
        Walk { to: 2, tag: tag::FOLDER_ENTRY, row: link_kept },
        Walk { to: 2, tag: tag::ARCHIVE, row: link_kept },
        Walk { to: 2, tag: tag::QUEUE_ITEM, row: link_kept },
        Walk { to: 2, tag: tag::MESSAGE, row: doubt_unkept },
        Walk { to: 2, tag: tag::FOLDER, row: remember_removals },
        Walk { to: 3, tag: tag::MAILBOX, row: part_password },
        Walk { to: 3, tag: tag::QUEUE_ITEM, row: own_item },
        Walk { to: 3, tag: tag::FOLDER_ENTRY, row: date_entry },
        Walk { to: 3, tag: tag::FOLDER_CHANGES, row: log_changes },
        Walk { to: 3, tag: tag::FOLDER, row: count_folder },
        Walk { to: 3, tag: tag::RECEIVED, row: undated },
    ]
}

/// A row that keeps a message gets its link.
fn link_kept<S: Store>(tx: &mut Transaction<'_, S>, (key, value): &Row) -> Result<(), sigillo_store::Error> {
    if let Some(msg) = keepers::kept_by(key, value)? {
        tx.put(keepers::link_key(msg).raw(key), []);
    }
    Ok(())
}

/// Version 1 kept what nobody referred to any more: receipts that were handed over, drafts that were deleted.
fn doubt_unkept<S: Store>(tx: &mut Transaction<'_, S>, (key, _): &Row) -> Result<(), sigillo_store::Error> {
    let msg = KeyReader::new(key, tag::MESSAGE)?.msg()?;
    if !keepers::is_kept(tx.store(), msg)? {
        tx.put(keepers::doubt_key(msg), []);
    }
    Ok(())
}

/// A folder as version 2 kept it.
#[derive(Serialize, Deserialize)]
struct FolderOfVersion2 {
    name: String,
    uid_validity: u32,
    uid_next: u32,
    modseq: u64,
    subscribed: bool,
    special: Option<String>,
    /// Bytes, messages, unseen ones; counted anew by version 3.
    held: (u64, u64, u64),
    removals: u32,
    forgotten: u64,
}

/// Version 1 remembered no removals.
fn remember_removals<S: Store>(tx: &mut Transaction<'_, S>, (key, value): &Row) -> Result<(), sigillo_store::Error> {
    #[derive(Deserialize)]
    struct Folder {
        name: String,
        uid_validity: u32,
        uid_next: u32,
        modseq: u64,
        subscribed: bool,
        special: Option<String>,
    }
    let Folder { name, uid_validity, uid_next, modseq, subscribed, special } = decode(key, value)?;
    let (held, removals, forgotten) = ((0, 0, 0), 0, modseq);
    let row = FolderOfVersion2 { name, uid_validity, uid_next, modseq, subscribed, special, held, removals, forgotten };
    tx.put(key, encode(&row));
    Ok(())
}

/// Up to version 2 nobody noted when a message came into its folder: what is known of it is its INTERNALDATE.
fn date_entry<S: Store>(tx: &mut Transaction<'_, S>, (key, value): &Row) -> Result<(), sigillo_store::Error> {
    #[derive(Deserialize)]
    struct Entry {
        msg: u128,
        flags: u8,
        keywords: Vec<String>,
        date: i64,
        size: u32,
        modseq: u64,
    }
    let Entry { msg, flags, keywords, date, size, modseq } = decode(key, value)?;
    tx.put(key, encode(&EntryRow { msg, flags, keywords, date, size, modseq, saved: date }));
    Ok(())
}

/// Up to version 2 the log of a folder told of removals only. Nobody asks it for changes so old: who looks again at an open
/// folder opened it after the migration.
fn log_changes<S: Store>(tx: &mut Transaction<'_, S>, (key, value): &Row) -> Result<(), sigillo_store::Error> {
    let gone: Vec<u32> = decode(key, value)?;
    tx.put(key, encode(&ChangesRow { gone, ..ChangesRow::default() }));
    Ok(())
}

/// Up to version 2 no folder counted what is marked as deleted, and that of version 1 counted nothing.
fn count_folder<S: Store>(tx: &mut Transaction<'_, S>, (key, value): &Row) -> Result<(), sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::FOLDER)?;
    let (mailbox, number) = (reader.mailbox()?, reader.u32()?);
    let FolderOfVersion2 { name, uid_validity, uid_next, modseq, subscribed, special, forgotten, .. } =
        decode(key, value)?;
    // A damaged entry cannot be counted: the check tells, and the repair counts anew.
    let Counted { held, logged, .. } = folder::recount(tx.store(), mailbox, number, forgotten)?;
    let counted = FolderRow { name, uid_validity, uid_next, modseq, subscribed, special, held, logged, forgotten };
    tx.put(key, encode(&counted));
    Ok(())
}

/// Up to version 2 a mailbox had one password, in its own row, and the profile it was made with; why it was blocked, nobody
/// wrote down.
fn part_password<S: Store>(tx: &mut Transaction<'_, S>, (key, value): &Row) -> Result<(), sigillo_store::Error> {
    #[derive(Deserialize)]
    enum Standing {
        Active,
        Blocked,
    }
    #[derive(Deserialize)]
    struct Before {
        id: u64,
        address: String,
        profile: Profile,
        state: Standing,
        password: PasswordHash,
        created: i64,
        ordinary: OrdinaryMail,
    }
    let Before { id, address, profile, state, password, created, ordinary } = decode(key, value)?;
    let owner = credentials::owner(password.into(), created);
    tx.put(credential_key(MailboxId(id), &CredentialName::owner()), encode(&owner));
    let state = match state {
        Standing::Active => State::Active,
        Standing::Blocked => State::Blocked(Block::default()),
    };
    let row = Mailbox { id, address, profile: profile.into(), state, created, ordinary, without: Vec::new() };
    tx.put(key, encode(&row));
    profiles::began(tx, &row, Timestamp::from_millis(created));
    Ok(())
}

/// Version 2 knew no owners: an envelope is its sender's, a delivery that of the envelope's sender, a notice of its
/// recipient. Nothing has a turn: what is due is given one by the first look.
fn own_item<S: Store>(tx: &mut Transaction<'_, S>, (key, value): &Row) -> Result<(), sigillo_store::Error> {
    #[derive(Deserialize)]
    struct Item {
        work: Work,
        created: i64,
        due: i64,
        attempts: u32,
        last_error: String,
        pec_id: String,
    }
    let Item { work, created, due, attempts, last_error, pec_id } = decode(key, value)?;
    let owner = match &work {
        Work::Relay { what: Carried::Envelope, from: Some(from), .. } => from.clone(),
        Work::Relay { rcpts, .. } => rcpts.first().cloned().unwrap_or_default(),
        Work::Deliver { msg, .. } => {
            let arrival: Option<ArrivalRow> = get_large(tx.store(), &arrival_key(MsgId(*msg)))?;
            arrival.map(|arrival| arrival.facts.sender().to_owned()).unwrap_or_default()
        }
    };
    let owner = owner.to_ascii_lowercase();
    let (held, route, turn, require_tls) = (None, None, None, false);
    let item = ItemRow { work, created, due, attempts, last_error, pec_id, owner, held, route, turn, require_tls };
    tx.put(key, encode(&item));
    Ok(())
}

/// Version 2 did not say when a message came: its term begins when it is looked at.
fn undated<S: Store>(tx: &mut Transaction<'_, S>, (key, value): &Row) -> Result<(), sigillo_store::Error> {
    tx.put(key, encode(&ReceivedRow { hashes: decode(key, value)?, at: None }));
    Ok(())
}

/// How far a migration is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// The walk under way, by its place in [`walks`].
    walk: u32,
    /// Where it goes on; empty at its beginning.
    at: Vec<u8>,
    /// What the store was, for who is told.
    from: u32,
}

/// What a migration came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The version that the store had; the present one when nothing was to be done.
    pub from: u32,
    /// Rows looked at.
    pub rows: u64,
    /// Rows passed over because they are damaged; a check tells which.
    pub damaged: u64,
}

/// Brings a store to the formats of this release, and goes on with what was interrupted; a new store gets its version.
/// `each` hears now and then, and at the end, how far it is.
///
/// # Errors
/// The store's fault: the next call goes on where this one ended; [`sigillo_store::Error::Newer`] when a newer program
/// wrote it.
pub fn run<S: Store>(store: &S, mut each: impl FnMut(Migrated)) -> Result<Migrated, Error> {
    let walks = walks::<S>();
    let Some(mut progress) = begin(store, &walks)? else {
        return Ok(Migrated { from: schema::VERSION, ..Migrated::default() });
    };
    let mut done = Migrated { from: progress.from, ..Migrated::default() };
    for pages in 1.. {
        let Some(walk) = walks.get(progress.walk as usize) else { break };
        let from = if progress.at.is_empty() { vec![walk.tag] } else { progress.at.clone() };
        let page = skim(store, &from, &[walk.tag + 1], PAGE)?;
        let next = Progress {
            walk: progress.walk + u32::from(page.next.is_none()),
            at: page.next.unwrap_or_default(),
            from: progress.from,
        };
        done.rows += page.rows.len() as u64;
        done.damaged += page.gaps.len() as u64 + rewrite(store, walk, &page.rows, &progress, &next)?;
        progress = next;
        if pages % TELL_EVERY == 0 {
            each(done);
        }
    }
    transact(store, ATTEMPTS, |tx| {
        tx.delete(progress_key());
        Ok::<_, Error>(())
    })?;
    each(done);
    Ok(done)
}

/// The version from which a store is still to be brought to that of this release; `None` when there is nothing to do.
///
/// # Errors
/// As [`run`].
pub fn due<S: Store>(store: &S) -> Result<Option<u32>, Error> {
    let version = schema::check(store)?.filter(|version| *version < schema::VERSION);
    let begun =
        store.get(progress_key().as_ref())?.map(|value| decode::<Progress>(progress_key(), &value)).transpose()?;
    Ok(begun.map(|progress| progress.from).or(version))
}

/// Where to go on; `None` when there is nothing to do.
fn begin<S: Store>(store: &S, walks: &[Walk<S>]) -> Result<Option<Progress>, Error> {
    transact(store, ATTEMPTS, |tx| {
        let found = schema::version(tx)?;
        if let Some(value) = tx.get(progress_key())? {
            schema::write(tx);
            return Ok(Some(decode(progress_key(), &value)?));
        }
        let Some(from) = found.filter(|version| *version < schema::VERSION) else {
            if found.is_none() {
                schema::write(tx);
            }
            return Ok(None);
        };
        let walk = walks.iter().take_while(|walk| walk.to <= from).count();
        let progress = Progress { walk: u32::try_from(walk).unwrap_or(u32::MAX), at: Vec::new(), from };
        schema::write(tx);
        tx.put(progress_key(), encode(&progress));
        Ok(Some(progress))
    })
}

/// Writes what follows from a page of rows, and how far that is; gives how many were damaged.
fn rewrite<S: Store>(
    store: &S,
    walk: &Walk<S>,
    rows: &[Row],
    progress: &Progress,
    next: &Progress,
) -> Result<u64, Error> {
    transact(store, ATTEMPTS, |tx| {
        tx.later(); // the last commit is for all
        tx.expect(progress_key(), Some(&encode(progress)));
        let mut damaged = 0;
        for row in rows {
            match (walk.row)(tx, row) {
                Err(sigillo_store::Error::Corrupt { .. }) => damaged += 1,
                done => done?,
            }
        }
        tx.put(progress_key(), encode(next));
        Ok::<_, Error>(damaged)
    })
}

fn progress_key() -> KeyBuilder {
    KeyBuilder::new(tag::META).text("migration")
}
