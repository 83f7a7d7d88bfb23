//! How a request ends: what is told, and the tagged response.

use sigillo_wire::Tick;

use super::{Action, MAX_BAD, PROGRESS_EVERY, Pending, Server, Wait};
use crate::command::fetch::FetchJob;
use crate::cursor::Problem;
use crate::work::{Done, Job, Step, Tell};
use crate::{Refusal, Request, text};

impl Server {
    /// After a request was run, whole or in part.
    pub(super) fn settle(&mut self, mut pending: Pending, result: Result<Step, Problem>) {
        let refused = result.as_ref().map_or(true, |step| matches!(step, Step::Done(Done { ok: false, .. })));
        if refused && matches!(pending.request, Request::AppendEnd { octets: 1.., .. }) && pending.ended.is_none() {
            self.actions.push_back(Action::AppendDropped);
        }
        match result {
            Ok(Step::More(job)) => {
                pending.job = Some(job);
                self.wait = Wait::Request(Box::new(pending));
            }
            Ok(Step::Ready) => {
                if self.append.as_ref().is_some_and(|a| a.sync) {
                    self.line("+ Ready");
                }
                self.framer.stream();
            }
            Ok(Step::Broken) => self.close(),
            Ok(Step::Done(_)) | Err(_) if let Some(ended) = pending.ended.take() => {
                // What could not be described any more is gone, or is asked for again.
                self.answer(pending.tag.as_deref(), &ended);
            }
            Ok(Step::Done(done)) => self.done(pending, done),
            Err(problem) => {
                self.failed(pending.tag.as_deref(), problem);
                if !self.closed && self.selected.as_ref().is_some_and(|folder| folder.view.describes()) {
                    // Told of before the command failed.
                    self.ask(None, Request::Poll);
                }
            }
        }
        if self.selected.as_ref().is_some_and(|s| s.vanished) {
            self.selected = None;
            self.bye("La cartella aperta non esiste piu'");
        }
    }

    /// `INPROGRESS`, now and then, for a command that says nothing else while it works.
    pub(super) fn tell_progress(&mut self, pending: &mut Pending, result: &Result<Step, Problem>, now: Tick) {
        let told = *pending.told.get_or_insert(now);
        let (Some(tag), Ok(Step::More(job))) = (&pending.tag, result) else { return };
        if self.enabled.without.holds("INPROGRESS") {
            return;
        }
        if let Some((done, all)) = job.progress().filter(|_| now >= told.plus_ms(PROGRESS_EVERY)) {
            self.line(&format!("* OK [INPROGRESS (\"{tag}\" {done} {all})] Still working"));
            pending.told = Some(now);
        }
    }

    fn done(&mut self, mut pending: Pending, done: Done) {
        if let (Some(folder), true) = (self.selected.as_mut(), done.tell != Tell::Nothing) {
            // In answer to a command that allows it, in IDLE, or whenever it happens (RFC 5465 §6.1).
            let now = pending.tag.is_some() || self.dialogue.is_some() || !self.notices.delays();
            let told = folder.tell(now && done.tell == Tell::All, self.notices.telling(), self.enabled);
            let new = folder.view.describe();
            self.write(told.into_bytes());
            if !new.is_empty() {
                pending.job = Some(Job::Fetch(FetchJob::new(new, self.notices.items(self.enabled))));
                pending.ended = Some(done);
                self.wait = Wait::Request(Box::new(pending));
                return;
            }
        }
        self.answer(pending.tag.as_deref(), &done);
    }

    /// The tagged response, if somebody asked.
    fn answer(&mut self, tag: Option<&str>, done: &Done) {
        if let Some(tag) = tag {
            let code = done.code.as_ref().map(|c| format!("[{c}] ")).unwrap_or_default();
            let word = if done.ok { "OK" } else { "NO" };
            self.line(&format!("{tag} {word} {code}{}", done.text));
        }
    }

    fn failed(&mut self, tag: Option<&str>, problem: Problem) {
        match (tag, &self.append) {
            (Some(tag), Some(append)) if append.tag == *tag => self.refuse_literal(problem),
            (Some(tag), _) => self.problem(tag, problem),
            // The next look tells it.
            (None, _) => {}
        }
    }

    /// `NO` or `BAD`.
    pub(super) fn problem(&mut self, tag: &str, problem: Problem) {
        match problem {
            Problem::No(refusal) => {
                self.line(&format!("{tag} NO {}", refused(&refusal)));
            }
            Problem::Bad(why) => {
                self.line(&format!("{tag} BAD {why}"));
                self.bad_commands += 1;
                if self.bad_commands >= MAX_BAD {
                    self.bye("Troppi comandi errati");
                }
            }
        }
    }
}

fn refused(refusal: &Refusal) -> String {
    let code = refusal.code.map(|c| format!("[{}] ", c.as_str())).unwrap_or_default();
    format!("{code}{}", text::human(&refusal.text))
}
