//! The selected folder as this session sees it: sequence numbers, and what is still to tell.
//!
//! A message that is gone keeps its sequence number until the client has been told (RFC 3501 §7.4.1).

use std::ops::Range;
use std::sync::Arc;

use crate::enabled::Enabled;
use crate::keywords::Keywords;
use crate::{Flags, FolderRights, FolderState, Refusal, Row, SequenceSet, Status, System, set};

/// What the session knows of the selected folder.
#[derive(Debug)]
pub struct Selected {
    /// See [`FolderState::number`]; its name may change.
    pub number: u32,
    /// EXAMINE, or nothing may be changed.
    pub read_only: bool,
    /// EXAMINE.
    examined: bool,
    /// It took no more keywords when it was selected.
    full: bool,
    /// What the user may do in it, as the client was told.
    rights: Option<FolderRights>,
    /// See [`FolderState::uid_validity`].
    pub uid_validity: u32,
    /// `highest_modseq` at the last look.
    pub version: u64,
    /// `uid_next` at the last look.
    pub uid_next: u32,
    /// `highest_modseq` when nothing was pending last.
    told: u64,
    /// It was deleted, or its UIDs began anew: the session cannot go on.
    pub vanished: bool,
    /// The messages.
    pub view: View,
}

/// What is told of the selected folder. Who never said NOTIFY hears everything; what is held back keeps until he wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// What others brought and removed.
    pub messages: bool,
    /// What others changed.
    pub flags: bool,
    /// Each change with its UID, whatever is switched on (RFC 5465 §5.1).
    pub uids: bool,
    /// New messages are described, beyond their number (RFC 5465 §5.2).
    pub described: bool,
}

impl Telling {
    /// As without NOTIFY.
    pub const ALL: Self = Self { messages: true, flags: true, uids: false, described: false };
    /// Nothing.
    pub const NONE: Self = Self { messages: false, flags: false, uids: false, described: false };
}

/// The messages by sequence number.
#[derive(Debug, Default)]
pub struct View {
    /// Shared with whoever sees the same, until something changes here.
    rows: Arc<Vec<Row>>,
    /// One for each of them.
    marks: Vec<Mark>,
    /// So many of them, from the first, the client has been told of.
    told: usize,
    /// Something may be pending; otherwise a big folder is not gone through for nothing.
    dirty: bool,
    /// UIDs that a search saved (RFC 5182), in ranges. Whoever of them is gone is nothing.
    saved: Vec<(u32, u32)>,
    /// What others bring is held back: for the client it is not there.
    held: bool,
    /// UIDs of messages that this session brought and has not been told of, in ranges.
    own: Vec<(u32, u32)>,
    /// UIDs of messages that were told and are still to be described.
    fresh: Vec<u32>,
}

/// What is still to tell of a message.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    gone: Gone,
    untold: Untold,
}

/// Whether a message is gone, and who removed it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gone {
    #[default]
    No,
    Elsewhere,
    /// By a command of this session, which hears of it in any case.
    Here,
}

/// What the client has not been told of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Untold {
    #[default]
    Nothing,
    /// Its mod-sequence: the flags came back to what they were.
    ModSeq,
    Flags,
}

impl Mark {
    const fn is_here(self) -> bool {
        matches!(self.gone, Gone::No)
    }
}

impl View {
    /// As SELECT finds it; told at once, so that nothing is pending.
    pub fn new(rows: Arc<Vec<Row>>) -> Self {
        debug_assert!(rows.is_sorted_by_key(|row| row.uid), "see `FolderState::rows`");
        Self { told: rows.len(), marks: vec![Mark::default(); rows.len()], rows, ..Self::default() }
    }

    /// Messages, those gone but not told to be included.
    pub const fn len(&self) -> usize {
        if self.held { self.told } else { self.marks.len() }
    }

    /// Holds back what others bring, or not any more.
    pub const fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// The highest UID in use, or zero.
    pub fn last_uid(&self) -> u32 {
        self.rows[..self.len()].last().map_or(0, |row| row.uid)
    }

    /// The row at an index (sequence number less one), unless the message is gone.
    pub fn row(&self, index: usize) -> Option<&Row> {
        self.rows.get(index).filter(|_| self.marks[index].is_here())
    }

    /// Whether something that others did has not been told.
    pub fn is_pending(&self) -> bool {
        let untold = |mark: &Mark| mark.gone == Gone::Elsewhere || mark.untold > Untold::Nothing;
        self.dirty && (self.told < self.marks.len() || self.marks.iter().any(untold))
    }

    /// Messages that this session brings: they are told of, and not described to who knows them.
    pub fn bring(&mut self, uids: impl IntoIterator<Item = u32>) {
        let ranges = uids.into_iter().map(|uid| (uid, uid));
        self.own = set::merged(self.own.drain(..).chain(ranges).collect());
    }

    /// Whether messages were told and are still to be described.
    pub const fn describes(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// The indices of the messages that are to be described now, in ranges.
    pub fn describe(&mut self) -> Vec<Range<usize>> {
        let fresh = std::mem::take(&mut self.fresh);
        joined(fresh.into_iter().filter_map(|uid| self.index_of(uid)).map(|index| index..index + 1).collect())
    }

    /// The UIDs of those in `ranges` that are not gone.
    pub fn uids(&self, ranges: &[Range<usize>]) -> Vec<u32> {
        ranges.iter().cloned().flatten().filter_map(|i| self.row(i)).map(|r| r.uid).collect()
    }

    /// Keeps what a search found as `$`.
    pub fn save(&mut self, uids: Vec<u32>) {
        self.saved = set::merged(uids.into_iter().map(|uid| (uid, uid)).collect());
    }

    /// What `$` stands for, as ranges of UIDs.
    pub fn saved(&self) -> &[(u32, u32)] {
        &self.saved
    }

    /// The index of a UID.
    pub fn index_of(&self, uid: u32) -> Option<usize> {
        self.rows.binary_search_by_key(&uid, |row| row.uid).ok()
    }

    /// Of ascending ranges of UIDs, what no message has, those gone and not told to be included as messages.
    pub fn absent(&self, ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let mut absent = Vec::new();
        for &(first, last) in ranges {
            let mut next = u64::from(first);
            let from = self.rows.partition_point(|row| row.uid < first);
            for uid in self.rows[from..].iter().map(|row| u64::from(row.uid)).take_while(|uid| *uid <= last.into()) {
                absent.extend((next < uid).then_some((next, uid - 1)));
                next = uid + 1;
            }
            absent.extend((next <= last.into()).then_some((next, last.into())));
        }
        let short = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        absent.into_iter().map(|(a, b)| (short(a), short(b))).collect()
    }

    /// The indices that a set names, ascending; `None` when it names a sequence number that does not exist. UIDs
    /// that do not exist are nothing (RFC 3501 §6.4.8).
    pub fn pick(&self, set: &SequenceSet, uid: bool) -> Option<Vec<Range<usize>>> {
        let known = &self.rows[..self.len()];
        let place = |uid: u32| known.partition_point(|row| row.uid < uid);
        let after = |b: u32| b.checked_add(1).map_or(known.len(), place);
        let mut ranges: Vec<Range<usize>> = if uid {
            set.resolve(self.last_uid()).into_iter().map(|(a, b)| place(a)..after(b)).collect()
        } else {
            // `*` is the last that the client knows of.
            let last = u32::try_from(self.told).unwrap_or(u32::MAX);
            if set.highest() > last {
                return None;
            }
            set.resolve(last).into_iter().map(|(a, b)| a as usize - 1..(b.min(last)) as usize).collect()
        };
        if set.names_saved() {
            // By number, only what the client knows the number of.
            let most = if uid { known.len() } else { self.told };
            let there = |range: Range<usize>| range.filter(|i| self.row(*i).is_some()).map(|i| i..i + 1);
            ranges.extend(self.saved.iter().flat_map(|(a, b)| there(place(*a)..after(*b).min(most))));
            ranges.sort_unstable_by_key(|r| (r.start, r.end));
            ranges = joined(ranges);
        }
        ranges.retain(|r| !r.is_empty());
        Some(ranges)
    }

    /// The messages that are not gone.
    fn here(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().zip(&self.marks).filter(|(_, mark)| mark.is_here()).map(|(row, _)| row)
    }

    /// Takes the folder as it is now and notes what differs.
    pub fn apply(&mut self, rows: &[Row]) {
        self.dirty = true;
        let mut now = rows.iter().peekable();
        for index in 0..self.rows.len() {
            let uid = self.rows[index].uid;
            while now.next_if(|row| row.uid < uid).is_some() {}
            match now.next_if(|row| row.uid == uid) {
                Some(row) => self.take(index, row),
                None => self.lose(index, Gone::Elsewhere),
            }
        }
        now.for_each(|row| self.push(row));
    }

    /// Takes only what differs: rows that changed or came, by ascending UID, and UIDs that went.
    pub fn merge(&mut self, rows: &[Row], gone: &[u32]) {
        self.dirty = true;
        for row in rows {
            match self.index_of(row.uid) {
                Some(index) => self.take(index, row),
                None if row.uid > self.last_uid() => self.push(row),
                None => {} // the client was told already that it is gone
            }
        }
        self.remove(gone, Gone::Elsewhere);
    }

    fn push(&mut self, row: &Row) {
        Arc::make_mut(&mut self.rows).push(row.clone());
        self.marks.push(Mark::default());
    }

    /// A row as it is now.
    fn take(&mut self, index: usize, row: &Row) {
        let before = &self.rows[index];
        let untold = match () {
            () if before.flags != row.flags => Untold::Flags,
            () if before.modseq != row.modseq => Untold::ModSeq,
            () => Untold::Nothing,
        };
        if before != row {
            Arc::make_mut(&mut self.rows)[index].clone_from(row);
        }
        self.marks[index].untold = untold.max(self.marks[index].untold);
    }

    fn lose(&mut self, index: usize, by: Gone) {
        self.marks[index].gone = by.max(self.marks[index].gone);
    }

    /// Takes rows that this session changed itself; gives their indices.
    pub fn changed(&mut self, rows: Vec<Row>) -> Vec<usize> {
        let mut indices = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(index) = self.index_of(row.uid) {
                Arc::make_mut(&mut self.rows)[index] = row;
                self.marks[index].untold = Untold::Nothing;
                indices.push(index);
            }
        }
        indices
    }

    /// Takes rows that this session changed and answers one by one, until [`View::answered`] each is to be told; gives their
    /// indices.
    pub fn changing(&mut self, rows: Vec<Row>) -> Vec<usize> {
        self.dirty = true;
        let indices = self.changed(rows);
        indices.iter().for_each(|index| self.marks[*index].untold = Untold::Flags);
        indices
    }

    /// The flags of a message were told with an answer about it, and its mod-sequence to who hears of these.
    pub fn answered(&mut self, index: usize) {
        if let Some(mark) = self.marks.get_mut(index) {
            mark.untold = Untold::Nothing;
        }
    }

    /// Notes that messages are gone by a command of this session.
    pub fn gone(&mut self, uids: &[u32]) {
        self.remove(uids, Gone::Here);
    }

    fn remove(&mut self, uids: &[u32], by: Gone) {
        self.dirty = true;
        for uid in uids {
            if let Some(index) = self.index_of(*uid) {
                self.lose(index, by);
            }
        }
    }

    /// The untagged responses for what is pending and wanted. EXPUNGE or VANISHED only when `expunge`: never in answer to
    /// FETCH, STORE and SEARCH (RFC 3501 §7.4.1).
    pub fn tell(&mut self, expunge: bool, telling: Telling, enabled: Enabled) -> String {
        let mut out = String::new();
        if !self.dirty {
            return out;
        }
        if expunge {
            let least = if telling.messages { Gone::Elsewhere } else { Gone::Here };
            out = self.tell_gone(least, enabled);
        }
        if telling.messages && self.told < self.marks.len() {
            let known = self.told;
            self.told = self.marks.len();
            out.push_str(&exists(self.told, enabled));
            let own = std::mem::take(&mut self.own);
            let new = (known..self.told).filter_map(|index| self.row(index)).map(|row| row.uid);
            let fresh: Vec<u32> = new.filter(|uid| telling.described && !set::holds(&own, *uid)).collect();
            self.fresh.extend(fresh);
        }
        if telling.flags {
            let least = if enabled.condstore { Untold::ModSeq } else { Untold::Flags };
            let known = self.marks[..self.told].iter_mut().zip(&*self.rows).enumerate();
            for (index, (mark, row)) in known.filter(|(_, (mark, _))| mark.untold >= least && mark.is_here()) {
                mark.untold = Untold::Nothing;
                out.push_str(&fetched(index, row, true, telling.uids, enabled));
            }
        }
        let held = |mark: &Mark| !mark.is_here() || (mark.untold > Untold::Nothing && !telling.flags);
        self.dirty = self.told < self.marks.len() || self.marks.iter().any(held);
        out
    }

    /// Tells of what is gone, of all or of what this session removed, and forgets it.
    fn tell_gone(&mut self, least: Gone, enabled: Enabled) -> String {
        let mut out = String::new();
        if self.marks.iter().all(|mark| mark.gone < least) {
            return out;
        }
        let gone: Vec<usize> = (0..self.told).filter(|index| self.marks[*index].gone >= least).collect();
        if enabled.qresync && !gone.is_empty() {
            let uids = set::compress(gone.iter().map(|index| self.rows[*index].uid));
            out.push_str(&format!("* VANISHED {uids}\r\n"));
        } else {
            gone.iter().rev().for_each(|index| out.push_str(&format!("* {} EXPUNGE\r\n", index + 1)));
        }
        self.told -= gone.len();
        let mut marks = self.marks.iter();
        Arc::make_mut(&mut self.rows).retain(|_| marks.next().is_some_and(|mark| mark.gone < least));
        self.marks.retain(|mark| mark.gone < least);
        out
    }
}

/// The responses that tell how many messages there are. No message here is recent, and RFC 9051 knows none.
pub fn exists(messages: usize, enabled: Enabled) -> String {
    let recent = if enabled.rev2 { "" } else { "* 0 RECENT\r\n" };
    format!("* {messages} EXISTS\r\n{recent}")
}

/// The response, without its end, that tells which flags a client may change for good. `known` are the keywords of the
/// folder, where he may change them: what is told with FLAGS and not here would not stay (RFC 3501 §7.1).
pub fn permanent(mut flags: Flags, known: Option<&Flags>, full: bool, read_only: bool) -> String {
    for keyword in known.map_or(&[][..], Flags::keywords) {
        flags.insert_keyword(keyword.clone());
    }
    let all = if known.is_some() && !full { format!("{flags} \\*") } else { flags.to_string() };
    let told = if read_only { "" } else { all.trim_start() };
    format!("* OK [PERMANENTFLAGS ({told})] Flags that stay")
}

/// The response that tells of a message's flags, or of its mod-sequence alone. `uid` asks for the UID.
pub fn fetched(index: usize, row: &Row, flags: bool, uid: bool, enabled: Enabled) -> String {
    let mut items = Vec::new();
    if uid || enabled.tells_uids() {
        items.push(format!("UID {}", row.uid));
    }
    if flags {
        items.push(format!("FLAGS ({})", row.flags));
    }
    if enabled.condstore {
        items.push(format!("MODSEQ ({})", row.modseq));
    }
    format!("* {} FETCH ({})\r\n", index + 1, items.join(" "))
}

impl Selected {
    /// From what SELECT was given.
    pub fn new(examined: bool, state: FolderState, rights: Option<FolderRights>, full: bool) -> Self {
        Self {
            number: state.number,
            read_only: examined || state.read_only,
            examined,
            full,
            rights,
            uid_validity: state.uid_validity,
            version: state.highest_modseq,
            told: state.highest_modseq,
            uid_next: state.uid_next,
            vanished: false,
            view: View::new(state.rows),
        }
    }

    /// Takes the rights as they are now. What came of it is told by who looks at each command (RFC 4314 §5.1.1), as
    /// responses.
    pub fn allow(&mut self, rights: FolderRights) -> String {
        if self.rights.replace(rights).is_none_or(|before| before == rights) {
            return String::new();
        }
        let read_only = self.examined || !rights.has_any(FolderRights::CHANGING);
        let known = Flags::all(self.view.here().map(|row| &row.flags));
        let known = rights.has(FolderRights::WRITE).then_some(&known);
        let mut told = permanent(rights.flags(), known, self.full, read_only) + "\r\n";
        if std::mem::replace(&mut self.read_only, read_only) != read_only {
            let code = if read_only { "READ-ONLY" } else { "READ-WRITE" };
            told.push_str(&format!("* OK [{code}] Rights have changed\r\n"));
        }
        told
    }

    /// Refuses keywords that the folder does not take.
    pub fn check_keywords(&self, named: &Flags) -> Result<(), Refusal> {
        let here = || self.view.here().map(|row| &row.flags);
        let mut new = named.keywords().to_vec();
        for flags in here() {
            if new.is_empty() {
                return Ok(());
            }
            new.retain(|keyword| !flags.has_keyword(keyword));
        }
        Keywords::of(here()).take(&Flags::from_parts(0, new))
    }

    /// Tells what is pending and wanted: see [`View::tell`].
    pub fn tell(&mut self, expunge: bool, telling: Telling, enabled: Enabled) -> String {
        let told = self.view.tell(expunge, telling, enabled);
        if !self.view.dirty {
            self.told = self.version;
        }
        told
    }

    /// The mod-sequence up to which the client has been told everything.
    pub const fn told(&self) -> u64 {
        self.told
    }

    /// The mod-sequence up to which the client knows everything, once it has been told all that it wants to hear.
    pub fn known_to(&self, telling: Telling) -> u64 {
        if telling.messages && telling.flags { self.version } else { self.told }
    }

    /// The folder's numbers as the client knows them; nothing while something is pending. Those that it does not hear of are zero.
    pub fn numbers(&self) -> Option<Status> {
        let here = || self.view.here();
        let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (!self.view.is_pending()).then(|| Status {
            messages: short(here().count()),
            unseen: short(here().filter(|row| !row.flags.has(System::Seen)).count()),
            uid_next: self.uid_next,
            uid_validity: self.uid_validity,
            highest_modseq: self.version,
            ..Status::default()
        })
    }
}

/// Ascending ranges, those that touch or overlap made one.
fn joined(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Whether resolved sequence numbers hold that of an index.
pub fn holds(ranges: &[(u32, u32)], index: usize) -> bool {
    u32::try_from(index + 1).is_ok_and(|n| set::holds(ranges, n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Enabled = Enabled::NOTHING;

    fn row(uid: u32, bits: u8) -> Row {
        Row { uid, flags: Flags::from_parts(bits, None::<String>), size: 1, ..Row::default() }
    }

    #[test]
    fn numbers_hold_until_told() {
        let mut view = View::new(Arc::new(vec![row(10, 0), row(20, 0), row(30, 0)]));
        assert_eq!(view.tell(true, Telling::ALL, PLAIN), "");
        view.apply(&[row(10, 1), row(30, 0), row(31, 0)]);
        assert_eq!(view.tell(false, Telling::ALL, PLAIN), "* 4 EXISTS\r\n* 0 RECENT\r\n* 1 FETCH (FLAGS (\\Seen))\r\n");
        assert_eq!(view.row(2).unwrap().uid, 30, "sequence number 3 is still UID 30");
        assert!(view.row(1).is_none());
        assert_eq!(view.tell(true, Telling::ALL, PLAIN), "* 2 EXPUNGE\r\n");
        assert_eq!(view.row(1).unwrap().uid, 30);
        assert_eq!(view.tell(true, Telling::ALL, PLAIN), "");
    }

    #[test]
    fn sets_pick() {
        let view = View::new(Arc::new(vec![row(10, 0), row(20, 0), row(30, 0)]));
        let pick = |view: &View, t: &str, uid| {
            let ranges = view.pick(&SequenceSet::parse(t.as_bytes()).unwrap(), uid)?;
            Some(ranges.into_iter().flatten().collect::<Vec<usize>>())
        };
        for (set, uid, indices) in [
            ("2:*", false, Some(vec![1, 2])),
            ("4", false, None),
            ("9:*", false, Some(vec![2])),
            ("15:25,30", true, Some(vec![1, 2])),
            ("99:*", true, Some(vec![2])),
            ("11:19", true, Some(vec![])),
        ] {
            assert_eq!(pick(&view, set, uid), indices, "{set}");
        }
        assert_eq!(pick(&View::default(), "1:*", false), Some(vec![]));
    }

    #[test]
    fn what_was_saved_is_picked_while_it_is_there() {
        let mut view = View::new(Arc::new(vec![row(10, 0), row(20, 0), row(30, 0)]));
        let pick = |view: &View, t: &str, uid| {
            let ranges = view.pick(&SequenceSet::parse(t.as_bytes()).unwrap(), uid).unwrap();
            ranges.into_iter().flatten().collect::<Vec<usize>>()
        };
        assert!(pick(&view, "$", false).is_empty(), "nothing was saved");
        view.save(vec![30, 10]);
        assert_eq!(pick(&view, "$", false), [0, 2]);
        assert_eq!(pick(&view, "$", true), [0, 2]);
        assert_eq!(pick(&view, "1,2,$", false), [0, 1, 2]);
        view.apply(&[row(20, 0), row(30, 0)]);
        assert_eq!(pick(&view, "$", false), [2], "gone, though not told");
        view.tell(true, Telling::ALL, PLAIN);
        assert_eq!(pick(&view, "$", false), [1]);
    }

    proptest! {
        /// A client that believes what it is told knows exactly the folder.
        #[test]
        fn told_client_agrees(steps in prop::collection::vec((any::<u16>(), 0usize..3, any::<bool>(), any::<bool>()), 1..20)) {
            let mut folder: Vec<u32> = vec![1, 2, 3, 4];
            let mut next = 5;
            let mut view = View::new(Arc::new(folder.iter().map(|u| row(*u, 0)).collect()));
            let mut client: Vec<Option<u32>> = folder.iter().copied().map(Some).collect();
            for (keep, arrivals, expunge, silent) in steps {
                folder = folder.iter().enumerate().filter(|(i, _)| keep >> (i % 16) & 1 == 1).map(|(_, u)| *u).collect();
                for _ in 0..arrivals {
                    folder.push(next);
                    next += 1;
                }
                view.apply(&folder.iter().map(|u| row(*u, 0)).collect::<Vec<_>>());
                if silent {
                    continue;
                }
                for line in view.tell(expunge, Telling::ALL, PLAIN).lines() {
                    let words: Vec<&str> = line.split(' ').collect();
                    let n: usize = words[1].parse().unwrap();
                    match words[2] {
                        "EXPUNGE" => { prop_assert!(expunge); client.remove(n - 1); }
                        "EXISTS" => { prop_assert!(n >= client.len()); client.resize(n, None); }
                        _ => {}
                    }
                }
                prop_assert_eq!(client.len(), view.len());
                for (i, slot) in client.iter_mut().enumerate() {
                    if let Some(known) = view.row(i) {
                        prop_assert_eq!(*slot.get_or_insert(known.uid), known.uid);
                    }
                }
            }
            view.tell(true, Telling::ALL, PLAIN);
            prop_assert_eq!(view.uids(std::slice::from_ref(&(0..view.len()))), folder);
        }
    }
}
