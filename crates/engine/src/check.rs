//! Whether the rows of a store belong together: read-only, page by page, over a store at work or one that lies still.
//!
//! Each row is judged by itself: that it reads, and that what it refers to, and what is derived from it, is there. So a
//! page needs nothing of another, and memory is bounded by a page. What looks wrong while others commit is read again in
//! one consistent look ([`Transaction`]: the look counts only if nothing of it has changed), and is told only if it holds.

mod administration;
mod aside;
mod boxes;
mod holders;
mod judge;
mod messages;
mod outside;
mod queue;
mod readable;
mod repair;

use std::collections::BTreeMap;

use sigillo_store::{Gap, Row, Store, Transaction, body, key, skim, tag};

use crate::Error;
pub use aside::{Aside, set_aside};
pub(crate) use judge::{Judge, Other};
pub use readable::readable;
pub use repair::{Repair, Repaired};

/// Tags from here on are never used.
const LAST: u8 = 0xf0;
/// Chunks of bodies read at once: they are 64 KiB each.
const CHUNKS: usize = 32;
/// A page ends after so many bytes of bodies.
const BYTES: u64 = 32 << 20;
/// A row that goes on changing while it is judged is left to the next check.
const LOOKS: usize = 5;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is wrong: something is left over that costs room.
    Note,
    /// Something is wrong.
    Error,
}

impl Severity {
    /// The word of the administrative interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Error => "error",
        }
    }
}

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The engine cannot read it: damage on the disk.
    Unreadable,
    /// It is not in the format of its tag, or of another version.
    Undecodable,
    /// Its tag is not known to this release.
    UnknownTag,
    /// What it refers to is not there.
    Dangling,
    /// It was derived from something that is not there.
    Underived,
    /// What is derived from it is not there.
    Missing,
    /// It and what it refers to say different things.
    Differs,
    /// A body or message that nothing refers to. The body is collected in time.
    Orphan,
    /// A body that goes ahead of its commit, or began to before its writer died.
    Reserved,
}

impl Problem {
    /// The word of the administrative interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Undecodable => "undecodable",
            Self::UnknownTag => "unknown-tag",
            Self::Dangling => "dangling",
            Self::Underived => "underived",
            Self::Missing => "missing",
            Self::Differs => "differs",
            Self::Orphan => "orphan",
            Self::Reserved => "reserved",
        }
    }

    fn severity(self) -> Severity {
        if matches!(self, Self::Orphan | Self::Reserved) { Severity::Note } else { Severity::Error }
    }
}

/// What [`Repair`] does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing is to be done.
    Nothing,
    /// Write this row, which follows exactly from others.
    Rebuild(Row),
    /// Move the row aside, so that it stops nobody.
    SetAside,
    /// Nothing that is here can give it back: only a backup can.
    Backup,
}

impl Remedy {
    /// The word of the administrative interface.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Rebuild(_) => "rebuild",
            Self::SetAside => "set-aside",
            Self::Backup => "backup",
        }
    }
}

/// Something about one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub problem: Problem,
    /// The row; of what cannot be read, the first key that may be meant.
    pub key: Vec<u8>,
    /// The other row it is about, if any.
    pub about: Option<Vec<u8>>,
    /// A sentence, in Italian.
    pub what: String,
    /// What can be done.
    pub remedy: Remedy,
}

impl Finding {
    /// How grave it is.
    pub fn severity(&self) -> Severity {
        self.problem.severity()
    }
}

/// What a page of a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckPage {
    /// Rows looked at, by tag.
    pub rows: BTreeMap<u8, u64>,
    /// What is wrong with them, and notes.
    pub findings: Vec<Finding>,
    /// Where to go on; `None` at the end.
    pub next: Option<Vec<u8>>,
}

/// A check of a store.
#[derive(Debug, Clone, Copy)]
pub struct Check<'s, S> {
    store: &'s S,
    deep: bool,
    /// Whether summaries are compared with their messages.
    compare: bool,
}

impl<'s, S: Store> Check<'s, S> {
    /// A check of this store; a `deep` one also reads every body and compares it with its hash, every message with its
    /// summary, and what is counted of mailboxes in use with the mailboxes: all of them for each domain and unit.
    pub fn new(store: &'s S, deep: bool) -> Self {
        Self { store, deep, compare: deep }
    }

    /// Looks at about `rows` rows from this key on (from the beginning without one).
    ///
    /// # Errors
    /// The store's fault; damage is a finding.
    pub fn page(&self, from: Option<&[u8]>, rows: usize) -> Result<CheckPage, Error> {
        let mut page = CheckPage::default();
        let (mut at, mut seen, mut bytes) = (from.unwrap_or(&[tag::META]).to_vec(), 0, 0);
        while let Some(&tag) = at.first().filter(|tag| **tag < LAST) {
            if seen >= rows || bytes >= BYTES {
                page.next = Some(at);
                return Ok(page);
            }
            let limit = if tag == tag::BODY_CHUNK { CHUNKS.min(rows - seen) } else { rows - seen };
            let bodies = tag == tag::BODY_CHUNK;
            at = if bodies && !self.deep { vec![tag + 1] } else { self.tag(tag, &at, limit, &mut page, &mut bytes)? };
            seen = page.rows.values().sum::<u64>() as usize;
        }
        Ok(page)
    }

    /// Looks at everything, giving each page to `each`.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub fn run(&self, mut each: impl FnMut(CheckPage)) -> Result<(), Error> {
        let mut from: Option<Vec<u8>> = None;
        loop {
            let page = self.page(from.as_deref(), PAGE)?;
            from.clone_from(&page.next);
            each(page);
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Looks at rows of one tag; gives where to go on.
    fn tag(&self, tag: u8, at: &[u8], limit: usize, page: &mut CheckPage, bytes: &mut u64) -> Result<Vec<u8>, Error> {
        let known = tag::ALL.iter().any(|(t, _)| *t == tag);
        let found = skim(self.store, at, &[tag + 1], if known { limit } else { 1 })?;
        // What a chunk's damage means is told of its body.
        if tag != tag::BODY_CHUNK {
            page.findings.extend(found.gaps.into_iter().map(unreadable));
        }
        for row in found.rows {
            *page.rows.entry(tag).or_default() += 1;
            if !known {
                let what = "tipo di riga che questa versione non conosce: l'ha scritta una più recente";
                page.findings.push(finding(Problem::UnknownTag, row.0, what, Remedy::Backup));
                return Ok(vec![tag + 1]);
            }
            page.findings.extend(self.row(&row)?);
            if self.deep && tag == tag::BODY {
                *bytes += self.whole(&row, page)?;
                if *bytes >= BYTES {
                    return Ok(key::successor(&row.0));
                }
            }
        }
        Ok(found.next.unwrap_or_else(|| vec![tag + 1]))
    }

    /// What is wrong with one row.
    fn row(&self, (key, value): &Row) -> Result<Vec<Finding>, Error> {
        let found = Judge::new(&mut Transaction::new(self.store), (key, value), self.compare).judge()?;
        if found.is_empty() { Ok(found) } else { self.look_again(key) }
    }

    /// The same in one consistent look; nothing when the row is gone or does not come to rest.
    fn look_again(&self, key: &[u8]) -> Result<Vec<Finding>, Error> {
        for _ in 0..LOOKS {
            let mut look = Transaction::new(self.store);
            look.later();
            let Some(value) = look.get(key)? else { return Ok(Vec::new()) };
            let found = Judge::new(&mut look, (key, &value), self.compare).judge()?;
            match look.commit() {
                Ok(()) => return Ok(found),
                Err(sigillo_store::Error::Conflict) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(Vec::new())
    }

    /// Reads a whole body and compares it with its hash; gives its length in bytes.
    fn whole(&self, (key, value): &Row, page: &mut CheckPage) -> Result<u64, Error> {
        let Ok((id, len)) = body::read_head_row(key, value) else { return Ok(0) };
        match body::verify(self.store, id) {
            Ok(_) | Err(sigillo_store::Error::NoBody(_)) => {}
            Err(sigillo_store::Error::Corrupt { key: at, what }) => {
                // Between reading the head and the chunks somebody may have collected it.
                if self.store.get(key)?.is_some() {
                    let by = body::links(self.store, id, SHOWN)?;
                    let by = by.iter().map(|key| readable(key)).collect::<Vec<_>>().join(", ");
                    let what = format!("il corpo non è più quello che era ({what}); lo contiene: {by}");
                    let about = (at != *key).then_some(at);
                    let damage = finding(Problem::Unreadable, key.clone(), what, Remedy::Backup);
                    page.findings.push(Finding { about, ..damage });
                }
            }
            Err(fault) => return Err(fault.into()),
        }
        Ok(len)
    }
}

/// Rows of a page, where nobody says otherwise.
const PAGE: usize = 1_000;
/// Referrers of a damaged body that are named.
const SHOWN: usize = 5;

fn finding(problem: Problem, key: Vec<u8>, what: impl Into<String>, remedy: Remedy) -> Finding {
    Finding { problem, key, about: None, what: what.into(), remedy }
}

fn unreadable(gap: Gap) -> Finding {
    let what = format!("illeggibile fino a {}: {}", readable(&gap.to), gap.what);
    Finding { about: Some(gap.to), ..finding(Problem::Unreadable, gap.from, what, Remedy::Backup) }
}
