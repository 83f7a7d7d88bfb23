//! The end of APPEND and REPLACE: URLs become places of messages, then all is stored in one commit.

use std::collections::VecDeque;
use std::ops::Range;

use crate::command::append::find_replaced;
use crate::command::append::url::Url;
use crate::cursor::Problem;
use crate::work::{Done, Job, Step, Work};
use crate::{Appending, AtHand, Code, Draft, DraftPart, Flags, Portion, Refusal, Replaced, Summary, fetch};

/// An APPEND whose messages have come.
#[derive(Debug)]
pub struct AppendJob {
    mailbox: String,
    replaced: Option<Replaced>,
    /// What is not made ready yet of each draft, by the draft's place.
    waiting: VecDeque<(usize, Portion)>,
    drafts: Vec<Draft>,
    /// Octets of all messages, and how many there may be.
    octets: u64,
    most: u64,
    /// The message that the next step reads whole.
    whole: Option<Whole>,
}

/// A message of the mailbox that nothing is kept of, with leave to hold it in memory.
#[derive(Debug, Clone, Copy)]
struct Whole {
    folder: u32,
    uid: u32,
    octets: usize,
}

/// What a URL names, if that can be said.
enum Named {
    Octets(Vec<Range<u64>>, Vec<u8>),
    /// Nothing that is there.
    Nothing,
    /// So many octets have to be read first.
    Unread(usize),
}

impl AppendJob {
    /// Of what came, `octets` of it; `most` is the limit of all together.
    pub fn new(mailbox: String, replaced: Option<Replaced>, messages: Vec<Appending>, octets: u64, most: u64) -> Self {
        let (mut waiting, mut drafts) = (VecDeque::new(), Vec::with_capacity(messages.len()));
        for Appending { flags, date, parts } in messages {
            waiting.extend(parts.into_iter().map(|portion| (drafts.len(), portion)));
            drafts.push(Draft { flags, date, parts: Vec::new() });
        }
        Self { mailbox, replaced, waiting, drafts, octets, most, whole: None }
    }

    /// The memory that the next step takes beyond what came, in octets.
    pub fn weight(&self) -> usize {
        self.whole.map_or(0, |whole| whole.octets)
    }

    /// Makes messages ready, and stores them when all are.
    pub fn step(mut self, work: &mut Work<'_>) -> Result<Step, Problem> {
        // The leave is for that message alone, and for this step.
        let granted = self.whole.take();
        while let Some((place, portion)) = self.waiting.front() {
            let parts = &mut self.drafts[*place].parts;
            let url = match portion {
                Portion::Came(octets) => {
                    parts.push(DraftPart::Came(*octets));
                    self.waiting.pop_front();
                    continue;
                }
                Portion::Url(url) => url,
            };
            let bad = || Done { ok: false, ..Done::ok("Parte non trovata") }.coded(format!("BADURL {url}"));
            let Some(parsed) = Url::parse(url) else { return bad().step() };
            let Some((folder, uid)) = locate(&parsed, work)? else { return bad().step() };
            let whole = granted.is_some_and(|granted| (granted.folder, granted.uid) == (folder, uid));
            match named(&parsed, folder, uid, whole, work)? {
                Named::Nothing => return bad().step(),
                Named::Unread(octets) => {
                    self.whole = Some(Whole { folder, uid, octets });
                    return Ok(Step::More(Job::Append(Box::new(self))));
                }
                Named::Octets(ranges, own) => {
                    self.octets += ranges.iter().map(|r| r.end - r.start).sum::<u64>() + own.len() as u64;
                    parts.extend(ranges.into_iter().map(|range| DraftPart::Of { folder, uid, range }));
                    parts.extend((!own.is_empty()).then_some(DraftPart::Own(own)));
                }
            }
            if self.octets > self.most {
                return Err(Refusal::new(Code::TooBig, "Il messaggio supera la dimensione ammessa").into());
            }
            self.waiting.pop_front();
        }
        if self.drafts.iter().any(Draft::is_empty) {
            return Err(Refusal::new(Code::Cannot, "Il messaggio e' vuoto").into());
        }
        self.store(work)
    }

    fn store(self, work: &mut Work<'_>) -> Result<Step, Problem> {
        let replaced = self.replaced.as_ref().map(|r| find_replaced(r, work)).transpose()?;
        work.check_keywords(&self.mailbox, &Flags::all(self.drafts.iter().map(|draft| &draft.flags)))?;
        let stored = work.boxes.append(&self.mailbox, &self.drafts, replaced)?;
        work.brought(&self.mailbox, &stored.uids);
        let uids = crate::set::compress(stored.uids);
        let code = format!("APPENDUID {} {uids}", stored.uid_validity);
        if let Some((_, uid)) = replaced {
            // Before the EXPUNGE, so that a client can follow the message (RFC 8508 §3.2).
            work.line(&format!("* OK [{code}] Replacement stored"));
            work.folder()?.view.gone(&[uid]);
        }
        if work.selects(&self.mailbox) {
            // The message is stored whatever the look at the folder gives.
            let _seen = work.refresh().is_ok();
        }
        match self.replaced {
            Some(_) => work.removed(Done::ok("REPLACE completed")).step(),
            None => Done::ok("APPEND completed").coded(code).step(),
        }
    }
}

/// The folder and the message of a URL; `None` when that folder is not this one.
fn locate(url: &Url, work: &mut Work<'_>) -> Result<Option<(u32, u32)>, Problem> {
    let found = match &url.mailbox {
        Some(name) => work.boxes.locate(name),
        None => match work.selected.as_ref() {
            Some(folder) => Ok((folder.number, folder.uid_validity)),
            None => return Ok(None),
        },
    };
    match found {
        Ok((folder, validity)) => Ok(url.uid_validity.is_none_or(|v| v == validity).then_some((folder, url.uid))),
        Err(refusal) if refusal.code == Some(Code::NonExistent) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

fn named(url: &Url, folder: u32, uid: u32, whole: bool, work: &mut Work<'_>) -> Result<Named, Refusal> {
    let known = if whole {
        work.boxes.summary(folder, uid).map(|s| s.map_or(AtHand::Gone, |s| AtHand::Summary(Box::new(s))))
    } else {
        work.boxes.at_hand(folder, uid)
    };
    let summary: Box<Summary> = match known {
        Ok(AtHand::Summary(summary)) => summary,
        Ok(AtHand::Unread(octets)) => return Ok(Named::Unread(octets)),
        Ok(AtHand::Gone) => return Ok(Named::Nothing),
        Err(refusal) if refusal.code == Some(Code::NonExistent) => return Ok(Named::Nothing),
        Err(refusal) => return Err(refusal),
    };
    let Some(mut content) = work.boxes.content(folder, uid)? else { return Ok(Named::Nothing) };
    let Some(found) = fetch::find(&summary, &url.section, content.as_mut())? else { return Ok(Named::Nothing) };
    let (first, most) = url.partial.map_or((0, u64::MAX), |range| range);
    let (ranges, line) = found.partial(first, most);
    Ok(Named::Octets(ranges, b"\r\n"[line].to_vec()))
}
