//! FETCH (RFC 3501 §6.4.5): message by message, in pieces, so that neither a big message nor a big folder fills the
//! memory.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read};
use crate::fetch::Reads;
use crate::fetch::render::{self, Piece};
use crate::work::{Done, Job, PIECE, Step, Work};
use crate::{
    AtHand, Change, Content, FetchItem, Flags, Refusal, Request, Row, Section, SectionText, SequenceSet, StoreOp,
    Summary, System,
};

const FAST: [FetchItem; 3] = [FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size];
/// Items that came with capabilities.
const ITEMS_OF: [(&str, &str); 8] = [
    ("BINARY", "BINARY"),
    ("BINARY.PEEK", "BINARY"),
    ("BINARY.SIZE", "BINARY"),
    ("EMAILID", "OBJECTID"),
    ("MODSEQ", "CONDSTORE"),
    ("PREVIEW", "PREVIEW"),
    ("SAVEDATE", "SAVEDATE"),
    ("THREADID", "OBJECTID"),
];
/// Things asked of one message.
const MAX_ITEMS: usize = 200;
/// Messages whose `\Seen` is set in one go.
const MAX_SEEN: usize = 500;

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let set = args.set()?;
    args.space()?;
    let mut items = Vec::new();
    if args.eat(b'(') {
        items = self::items(args)?;
    } else {
        let mut ahead = args.clone();
        match ahead.word()?.as_str() {
            "FAST" => items.extend(FAST),
            "ALL" => items.extend(FAST.into_iter().chain([FetchItem::Envelope])),
            "FULL" => items.extend(FAST.into_iter().chain([FetchItem::Envelope, FetchItem::Body])),
            _ => {
                items.push(item(args)?);
                ahead = args.clone();
            }
        }
        *args = ahead;
    }
    items.dedup();
    let (since, vanished) = modifiers(args)?;
    if since.is_some() && !items.contains(&FetchItem::ModSeq) {
        items.push(FetchItem::ModSeq);
    }
    Ok(Command::Request(Request::Fetch { set, uid: false, items, since, vanished }))
}

/// `UID FLAGS)`, behind the opening parenthesis.
pub fn items(args: &mut Cursor<'_>) -> Read<Vec<FetchItem>> {
    let mut items = Vec::new();
    loop {
        items.push(item(args)?);
        if args.eat(b')') {
            return Ok(items);
        }
        args.space()?;
        if items.len() >= MAX_ITEMS {
            return Err(Problem::Bad("Too many items"));
        }
    }
}

/// `(CHANGEDSINCE 12345 VANISHED)` (RFC 7162 §3.1.4, §3.2.6).
fn modifiers(args: &mut Cursor<'_>) -> Read<(Option<u64>, bool)> {
    let (mut since, mut vanished) = (None, false);
    if !args.eat_text(" (") {
        return Ok((since, vanished));
    }
    loop {
        match args.word()?.as_str() {
            "CHANGEDSINCE" if since.is_none() => {
                args.needs("CONDSTORE")?;
                args.space()?;
                since = Some(args.number64()?);
            }
            "VANISHED" if !vanished => {
                args.needs("QRESYNC")?;
                vanished = true;
            }
            _ => return Err(Problem::Bad("Unknown fetch modifier")),
        }
        if args.eat(b')') {
            break;
        }
        args.space()?;
    }
    if vanished && since.is_none() {
        Err(Problem::Bad("VANISHED goes with CHANGEDSINCE"))
    } else {
        Ok((since, vanished))
    }
}

fn item(args: &mut Cursor<'_>) -> Read<FetchItem> {
    let name = args.word()?;
    let bracket = args.eat(b'[');
    if let Some((_, capability)) = ITEMS_OF.iter().find(|(item, _)| *item == name) {
        args.needs(capability)?;
    }
    Ok(match (name.as_str(), bracket) {
        ("UID", false) => FetchItem::Uid,
        ("FLAGS", false) => FetchItem::Flags,
        ("INTERNALDATE", false) => FetchItem::InternalDate,
        ("RFC822.SIZE", false) => FetchItem::Size,
        ("MODSEQ", false) => FetchItem::ModSeq,
        ("EMAILID", false) => FetchItem::EmailId,
        ("THREADID", false) => FetchItem::ThreadId,
        ("SAVEDATE", false) => FetchItem::SaveDate,
        ("ENVELOPE", false) => FetchItem::Envelope,
        ("BODY", false) => FetchItem::Body,
        ("BODYSTRUCTURE", false) => FetchItem::BodyStructure,
        ("RFC822", false) => FetchItem::Rfc822,
        ("RFC822.HEADER", false) => FetchItem::Rfc822Header,
        ("RFC822.TEXT", false) => FetchItem::Rfc822Text,
        ("BODY" | "BODY.PEEK", true) => {
            let section = section(args)?;
            FetchItem::Section { section, partial: partial(args)?, peek: name == "BODY.PEEK" }
        }
        ("BINARY" | "BINARY.PEEK", true) => {
            let part = part_alone(args)?;
            FetchItem::Binary { part, partial: partial(args)?, peek: name == "BINARY.PEEK" }
        }
        ("BINARY.SIZE", true) => FetchItem::BinarySize { part: part_alone(args)? },
        ("PREVIEW", false) => {
            if args.eat_text(" (") {
                // The only modifier there is; a preview is always at hand.
                if !args.eat_text("LAZY)") {
                    return Err(Problem::Bad("Unknown modifier of PREVIEW"));
                }
            }
            FetchItem::Preview
        }
        _ => return Err(Problem::Bad("Unknown fetch item")),
    })
}

/// A part's numbers between the brackets, and nothing else; and the closing one.
fn part_alone(args: &mut Cursor<'_>) -> Read<Vec<u32>> {
    let (part, more) = part(args)?;
    if more { Err(Problem::Bad("Wrong part number")) } else { args.need(b']', "Missing ]").map(|()| part) }
}

/// A part's numbers; whether a point stands behind the last.
fn part(args: &mut Cursor<'_>) -> Read<(Vec<u32>, bool)> {
    let mut part = Vec::new();
    while args.peek().is_some_and(|b| b.is_ascii_digit()) {
        part.push(args.number()?);
        if part.len() > sigillo_base::limits::MAX_DEPTH || part.last() == Some(&0) {
            return Err(Problem::Bad("Wrong part number"));
        }
        if !args.eat(b'.') {
            return Ok((part, false));
        }
    }
    let more = !part.is_empty();
    Ok((part, more))
}

/// What stands between the brackets of `BODY[…]`, or of a URL's section.
pub fn section_text(args: &mut Cursor<'_>) -> Read<Section> {
    let (part, more) = part(args)?;
    if !more && (!part.is_empty() || args.rest().is_empty() || args.peek() == Some(b']')) {
        return Ok(Section { part, text: SectionText::All });
    }
    let text = match args.word()?.as_str() {
        "HEADER" => SectionText::Header,
        "HEADER.FIELDS" => SectionText::Fields(names(args)?),
        "HEADER.FIELDS.NOT" => SectionText::FieldsNot(names(args)?),
        "TEXT" => SectionText::Text,
        "MIME" if !part.is_empty() => SectionText::Mime,
        _ => return Err(Problem::Bad("Unknown section")),
    };
    Ok(Section { part, text })
}

/// The same, and the closing bracket.
fn section(args: &mut Cursor<'_>) -> Read<Section> {
    let section = section_text(args)?;
    args.need(b']', "Missing ]")?;
    Ok(section)
}

fn names(args: &mut Cursor<'_>) -> Read<Vec<String>> {
    args.space()?;
    args.need(b'(', "Missing list of fields")?;
    let mut names = Vec::new();
    loop {
        // A name in brackets' way: `(To])` cannot be meant.
        names.push(if args.peek() == Some(b'"') || args.peek() == Some(b'{') {
            args.text()?
        } else {
            args.atom()?.to_owned()
        });
        if args.eat(b')') {
            return Ok(names);
        }
        args.space()?;
        if names.len() >= MAX_ITEMS {
            return Err(Problem::Bad("Too many fields"));
        }
    }
}

fn partial(args: &mut Cursor<'_>) -> Read<Option<(u64, u64)>> {
    if !args.eat(b'<') {
        return Ok(None);
    }
    let first = args.number64()?;
    args.need(b'.', "Wrong partial")?;
    let most = args.number64()?;
    args.need(b'>', "Wrong partial")?;
    if most == 0 { Err(Problem::Bad("Wrong partial")) } else { Ok(Some((first, most))) }
}

/// A FETCH under way.
#[derive(Debug)]
pub struct FetchJob {
    ranges: Vec<Range<usize>>,
    items: Vec<FetchItem>,
    uid: bool,
    /// Messages that did not change after this mod-sequence are passed over.
    since: Option<u64>,
    missed: bool,
    /// Up to this index `\Seen` has been set.
    seen_until: usize,
    /// Those of them that had not been read before.
    newly_seen: Vec<usize>,
    /// The message of this index has to be read whole, of so many octets: nothing is kept of it.
    whole: Option<(usize, usize)>,
    half: Option<Open>,
}

/// A response half written.
#[derive(Debug)]
struct Open {
    content: Box<dyn Content>,
    pieces: VecDeque<Piece>,
    begun: bool,
}

/// What an answer is made from.
type Answers = (Box<Summary>, Box<dyn Content>);

/// Octets read from a message in one go.
const READ: usize = 64 * 1024;

pub fn run(
    set: &SequenceSet,
    uid: bool,
    items: &[FetchItem],
    since: Option<u64>,
    vanished: bool,
    work: &mut Work<'_>,
) -> Result<Step, Problem> {
    if vanished && !(uid && work.enabled.qresync) {
        return Err(Problem::Bad("VANISHED goes with UID FETCH, after ENABLE QRESYNC"));
    }
    if items.contains(&FetchItem::ModSeq) {
        work.enable_condstore();
    }
    work.refresh_and_tell()?;
    if let (Some(since), true) = (since, vanished) {
        let last = work.folder()?.uid_next.saturating_sub(1);
        super::select::tell_vanished(since, 0, &set.resolve(last), work)?;
    }
    let ranges = work.pick(set, uid)?;
    FetchJob { uid, since, ..FetchJob::new(ranges, items.to_vec()) }.step(work)
}

/// The end of a command that named messages, some of which may have been gone (RFC 5530).
pub fn done(missed: bool, uid: bool, text: &'static str) -> Done {
    if missed && !uid {
        let text = "Alcuni messaggi non ci sono piu'";
        return Done { ok: false, text, ..Done::ok(text) }.coded("EXPUNGEISSUED").numbered(uid);
    }
    Done::ok(text).numbered(uid)
}

impl FetchJob {
    /// Of the messages in these ranges of indices, ascending.
    pub fn new(mut ranges: Vec<Range<usize>>, items: Vec<FetchItem>) -> Self {
        ranges.reverse();
        let (newly_seen, whole, half) = (Vec::new(), None, None);
        Self { ranges, items, uid: true, since: None, missed: false, seen_until: 0, newly_seen, whole, half }
    }

    /// The memory that the next step takes beyond a piece of output, in octets.
    pub fn weight(&self) -> usize {
        self.whole.map_or(0, |(_, octets)| octets)
    }

    /// Whether a response is half written, in a literal perhaps: until its end nothing else can be said.
    pub fn is_within_a_response(&self) -> bool {
        self.half.as_ref().is_some_and(|open| open.begun)
    }

    /// Writes about one piece of output.
    pub fn step(mut self, work: &mut Work<'_>) -> Result<Step, Problem> {
        loop {
            if let Some(open) = self.half.take() {
                match open.write(&mut work.out) {
                    Ok(open) => self.half = open,
                    Err(Unwritten::Nothing(refusal)) => return Err(refusal.into()),
                    Err(Unwritten::Half) => return Ok(Step::Broken),
                }
            }
            if self.half.is_some() || work.out.len() >= PIECE {
                return Ok(Step::More(Job::Fetch(self)));
            }
            let index = match self.whole {
                Some((index, _)) => index,
                None => match self.next_index() {
                    Some(index) => index,
                    None => return done(self.missed, self.uid, "FETCH completed").step(),
                },
            };
            self.begin(index, work)?;
            if self.whole.is_some() {
                return Ok(Step::More(Job::Fetch(self)));
            }
        }
    }

    /// Whether a message changed since then.
    fn wants(&self, row: &Row) -> bool {
        self.since.is_none_or(|since| row.modseq > since)
    }

    /// Ranges stand in reverse, so that the first is taken from the end.
    fn next_index(&mut self) -> Option<usize> {
        while let Some(range) = self.ranges.last_mut() {
            match range.next() {
                Some(index) => return Some(index),
                None => self.ranges.truncate(self.ranges.len() - 1),
            }
        }
        None
    }

    fn begin(&mut self, index: usize, work: &mut Work<'_>) -> Result<(), Problem> {
        if work.folder()?.view.row(index).is_some_and(|row| !self.wants(row)) {
            return Ok(());
        }
        let newly_seen = self.mark_seen(index, work)?;
        let folder = work.selected.as_ref();
        let Some((folder, row)) = folder.and_then(|f| Some((f, f.view.row(index)?))) else {
            self.missed = true;
            return Ok(());
        };
        let (row, number) = (row.clone(), folder.number);
        let Some((summary, mut content)) = self.open(index, (number, row.uid), work)? else { return Ok(()) };
        let mut items = Cow::Borrowed(&self.items[..]);
        if newly_seen {
            let on = *work.enabled;
            let told = [(FetchItem::Uid, on.tells_uids()), (FetchItem::Flags, true), (FetchItem::ModSeq, on.condstore)];
            for (item, _) in told.into_iter().filter(|(_, told)| *told) {
                if !items.contains(&item) {
                    items.to_mut().push(item);
                }
            }
        }
        let pieces = render::render(index + 1, &row, &items, &summary, content.as_mut())?;
        self.half = Some(Open { content, pieces: pieces.into(), begun: false });
        let told = items.contains(&FetchItem::Flags) && (items.contains(&FetchItem::ModSeq) || !work.enabled.condstore);
        if told {
            work.folder()?.view.answered(index);
        }
        Ok(())
    }

    /// What the answer about a message is made from; `None` when it is gone, or has to be read whole in the next step.
    fn open(
        &mut self,
        index: usize,
        (folder, uid): (u32, u32),
        work: &mut Work<'_>,
    ) -> Result<Option<Answers>, Refusal> {
        let reads = self.items.iter().map(FetchItem::reads).max().unwrap_or(Reads::Row);
        let nothing = || Box::new(Vec::new()) as Box<dyn Content>;
        let (known, content) = match reads {
            Reads::Row => (AtHand::Summary(Box::default()), Some(nothing())),
            _ if self.whole.take().is_some() => {
                let summary = work.boxes.summary(folder, uid)?;
                let known = summary.map_or(AtHand::Gone, |summary| AtHand::Summary(Box::new(summary)));
                (known, work.boxes.content(folder, uid)?)
            }
            Reads::Summary => (work.boxes.at_hand(folder, uid)?, Some(nothing())),
            Reads::Message => work.boxes.reading(folder, uid)?,
        };
        match (known, content) {
            (AtHand::Summary(summary), Some(content)) => {
                if reads == Reads::Message {
                    work.boxes.shown(folder, uid);
                }
                return Ok(Some((summary, content)));
            }
            (AtHand::Unread(octets), _) => self.whole = Some((index, octets)),
            (AtHand::Gone | AtHand::Summary(_), _) => self.missed = true,
        }
        Ok(None)
    }

    /// Sets `\Seen` where this fetch reads: for about as many messages together as go into one piece, so that it
    /// costs few commits and a broken connection marks little that was not read. Tells whether this one changed.
    fn mark_seen(&mut self, index: usize, work: &mut Work<'_>) -> Result<bool, Problem> {
        let folder = work.folder()?;
        if folder.read_only || !self.items.iter().any(FetchItem::marks_seen) {
            return Ok(false);
        }
        if index >= self.seen_until {
            self.mark_window(index, work)?;
        }
        Ok(self.newly_seen.binary_search(&index).is_ok())
    }

    fn mark_window(&mut self, index: usize, work: &mut Work<'_>) -> Result<(), Problem> {
        let folder = work.folder()?;
        let (mut uids, mut octets) = (Vec::new(), 0usize);
        let rest = self.ranges.iter().rev().cloned().flatten();
        for i in std::iter::once(index).chain(rest) {
            if octets >= PIECE || uids.len() >= MAX_SEEN {
                break;
            }
            if let Some(row) = folder.view.row(i).filter(|row| self.wants(row)) {
                octets += row.size as usize;
                uids.extend((!row.flags.has(System::Seen)).then_some(row.uid));
            }
            self.seen_until = i + 1;
        }
        self.newly_seen.clear();
        if !uids.is_empty() {
            let (number, seen) = (folder.number, Flags::new().with(System::Seen));
            let stored = match work.boxes.store_flags(number, &uids, &Change::new(StoreOp::Add, seen)) {
                // Who may read but not say so reads without a trace (RFC 4314 §4).
                Err(refusal) if refusal.code == Some(crate::Code::NoPerm) => crate::Stored::default(),
                stored => stored?,
            };
            // Told with each answer: where the FETCH breaks off, the rest is told by itself.
            self.newly_seen = work.folder()?.view.changing(stored.rows);
            self.newly_seen.sort_unstable();
            work.refresh_after();
        }
        Ok(())
    }
}

/// Why a response was not written.
enum Unwritten {
    /// Nothing of it was: it can be said.
    Nothing(Refusal),
    /// It broke off, in a literal perhaps: nothing that could be said would be understood.
    Half,
}

impl Open {
    /// Writes up to a piece; gives itself back when there is more.
    fn write(mut self, out: &mut Vec<u8>) -> Result<Option<Self>, Unwritten> {
        let before = out.len();
        match self.pieces(out) {
            Ok(true) => Ok(None),
            Ok(false) => {
                self.begun = true;
                Ok(Some(self))
            }
            Err(_) if self.begun => Err(Unwritten::Half),
            Err(refusal) => {
                out.truncate(before);
                Err(Unwritten::Nothing(refusal))
            }
        }
    }

    /// Whether all is written.
    fn pieces(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let mut read = 0;
        while let Some(piece) = self.pieces.front_mut() {
            // What is only counted is work, too.
            if out.len() >= PIECE || read >= 16 * PIECE {
                return Ok(false);
            }
            let written = match piece {
                Piece::Own(bytes) => {
                    out.append(bytes);
                    true
                }
                Piece::Message(range) => {
                    let left = usize::try_from(range.end - range.start).unwrap_or(READ);
                    let bytes = self.content.read(range.start, left.min(READ))?;
                    if bytes.is_empty() && left > 0 {
                        return Err(Refusal::unavailable());
                    }
                    range.start += bytes.len() as u64;
                    out.extend_from_slice(&bytes);
                    range.is_empty()
                }
                Piece::Decoded(decoding) => {
                    read += READ;
                    decoding.step(self.content.as_mut(), out)?
                }
            };
            if written {
                self.pieces.pop_front();
            }
        }
        Ok(true)
    }
}
