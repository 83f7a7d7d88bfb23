//! SEARCH, SORT and THREAD under way: the folder is gone through once, in steps, and each message found is asked, while
//! it is at hand, what the order or the threads need of it.

use std::ops::Range;

use sigillo_mime::Windowed;

use crate::cursor::Problem;
use crate::search::found::{Findings, Found};
use crate::search::grams::Needle;
use crate::search::plan::{Candidate, Plan, Source};
use crate::search::texts::Texts;
use crate::search::{Query, Returns, Wanted};
use crate::sort::Sorter;
use crate::thread::Threader;
use crate::work::{Done, Job, Step, Work};
use crate::{Code, Mailboxes, Refusal, Summary};

/// Octets of messages, and messages, looked at until others may have their turn.
const OCTETS_AT_ONCE: usize = 16 << 20;
const MESSAGES_AT_ONCE: usize = 200_000;

/// A search under way.
#[derive(Debug)]
pub struct SearchJob {
    plan: Plan,
    uid: bool,
    /// Messages are named by their sequence numbers.
    numbers: bool,
    modseq: bool,
    left: Range<usize>,
    found: Vec<Found>,
    gather: Gather,
    returns: Option<Returns>,
}

/// What is gathered of the messages found.
#[derive(Debug)]
enum Gather {
    Numbers,
    Sort(Sorter),
    Threads(Threader),
}

/// Begins a search.
pub fn run(uid: bool, query: &Query, work: &mut Work<'_>) -> Result<Step, Problem> {
    let started = start(uid, query, work).and_then(|job| job.advance(work));
    saving(query.wanted.returns(), work, started)
}

fn start(uid: bool, query: &Query, work: &mut Work<'_>) -> Result<SearchJob, Problem> {
    let unknown = || Refusal::new(Code::BadCharset, "Codifica non riconosciuta");
    let criteria = query.criteria.as_ref().ok_or_else(unknown)?;
    work.refresh_and_tell()?;
    if criteria.ask_modseq() {
        work.enable_condstore();
    }
    let now = work.boxes.now();
    // SEARCH without RETURN is answered as with an empty one (RFC 9051 §6.4.4).
    let extended = work.enabled.rev2 && matches!(query.wanted, Wanted::Numbers(None));
    let view = &work.folder()?.view;
    Ok(SearchJob {
        plan: Plan::new(criteria, view, now),
        uid,
        numbers: criteria.name_numbers(),
        modseq: criteria.ask_modseq(),
        left: 0..view.len(),
        found: Vec::new(),
        gather: match &query.wanted {
            Wanted::Numbers(_) => Gather::Numbers,
            Wanted::Sorted(criteria, _) => Gather::Sort(Sorter::new(criteria)),
            Wanted::Threads(algorithm) => Gather::Threads(Threader::new(*algorithm)),
        },
        returns: query.wanted.returns().or_else(|| extended.then(Returns::default)),
    })
}

/// A search that was to save what it found, and is refused, saves nothing (RFC 5182 §2.1).
fn saving(returns: Option<Returns>, work: &mut Work<'_>, result: Result<Step, Problem>) -> Result<Step, Problem> {
    if let (Err(Problem::No(_)), Some(Returns { save: true, .. }), Some(folder)) =
        (&result, returns, work.selected.as_mut())
    {
        folder.view.save(Vec::new());
    }
    result
}

impl SearchJob {
    /// Messages looked at, and messages in all.
    pub const fn progress(&self) -> (usize, usize) {
        (self.left.start, self.left.end)
    }

    /// Looks at some messages.
    pub fn step(self, work: &mut Work<'_>) -> Result<Step, Problem> {
        let returns = self.returns;
        let advanced = self.advance(work);
        saving(returns, work, advanced)
    }

    fn advance(mut self, work: &mut Work<'_>) -> Result<Step, Problem> {
        let (mut octets, mut messages) = (0, 0);
        while octets < OCTETS_AT_ONCE && messages < MESSAGES_AT_ONCE {
            let Some(index) = self.left.next() else { return self.tell(work) };
            messages += 1;
            let folder = work.selected.as_ref();
            let Some((folder, row)) = folder.and_then(|f| Some((f, f.view.row(index)?))) else { continue };
            let mut source = Reading { boxes: &mut *work.boxes, folder: folder.number, uid: row.uid, octets: 0 };
            let mut candidate = Candidate::new(index, row, &mut source);
            if self.plan.matches(&mut candidate)? && self.gather.take(&mut candidate)? {
                self.found.push(Found { index, uid: row.uid, modseq: row.modseq });
            }
            octets += source.octets;
        }
        Ok(Step::More(Job::Search(self)))
    }

    fn tell(self, work: &mut Work<'_>) -> Result<Step, Problem> {
        let Self { uid, modseq, found, gather, returns, numbers, .. } = self;
        let (name, found) = match gather {
            Gather::Threads(threader) => {
                work.line(&threader.threads(&found, uid));
                return Done::ok("THREAD completed").numbered(uid && !numbers).step();
            }
            Gather::Sort(sorter) => ("SORT", sorter.sorted(found)),
            Gather::Numbers => ("SEARCH", found),
        };
        let findings = Findings { found: &found, uid, modseq };
        let line = match returns {
            Some(asked) => findings.extended(&work.tag, asked),
            None => Some(findings.line(name)),
        };
        if let Some(line) = line {
            work.line(&line);
        }
        if let Some(asked) = returns.filter(|asked| asked.save) {
            let uids = findings.told(asked).map(|f| f.uid).collect();
            work.folder()?.view.save(uids);
        }
        Done::ok(if name == "SORT" { "SORT completed" } else { "SEARCH completed" }).numbered(uid && !numbers).step()
    }
}

impl Gather {
    /// Asks a message what is needed of it; `false` when it is gone.
    fn take(&mut self, candidate: &mut Candidate<'_>) -> Result<bool, Refusal> {
        match self {
            Self::Numbers => Ok(true),
            Self::Sort(sorter) => sorter.take(candidate),
            Self::Threads(threader) => threader.take(candidate),
        }
    }
}

/// One message of the folder, and what was read of it.
struct Reading<'r> {
    boxes: &'r mut dyn Mailboxes,
    folder: u32,
    uid: u32,
    octets: usize,
}

impl Source for Reading<'_> {
    fn summary(&mut self) -> Result<Option<Summary>, Refusal> {
        let summary = self.boxes.summary(self.folder, self.uid)?;
        self.octets += summary.as_ref().map_or(0, |s| s.header.len());
        Ok(summary)
    }

    fn may_hold(&mut self, needle: &Needle) -> Result<bool, Refusal> {
        let grams = self.boxes.grams(self.folder, self.uid)?;
        self.octets += grams.as_ref().map_or(0, |g| g.as_bytes().len());
        Ok(grams.is_none_or(|g| g.may_hold(needle)))
    }

    fn texts(&mut self, octets: u32) -> Result<Option<Texts>, Refusal> {
        let Some(mut content) = self.boxes.content(self.folder, self.uid)? else { return Ok(None) };
        let octets = usize::try_from(octets).unwrap_or(usize::MAX);
        self.octets += octets;
        Texts::read(&mut Windowed::new(octets, |from, most| content.read(from as u64, most))).map(Some)
    }
}
