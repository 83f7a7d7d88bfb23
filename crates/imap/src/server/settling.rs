//! How a request ends: what is told, and the tagged response.

use sigillo_wire::Tick;

use super::{Dialogue, MAX_BAD, PROGRESS_EVERY, Pending, Server, Wait};
use crate::cursor::Problem;
use crate::work::{Done, Step, Tell};
use crate::{Refusal, text};

impl Server {
    /// After a request was run, whole or in part.
    pub(super) fn settle(&mut self, mut pending: Pending, result: Result<Step, Problem>) {
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
            Ok(Step::Done(done)) => self.done(pending.tag.as_deref(), &done),
            Err(problem) => self.failed(pending.tag.as_deref(), problem),
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
        if let Some((done, all)) = job.progress().filter(|_| now >= told.plus_ms(PROGRESS_EVERY)) {
            self.line(&format!("* OK [INPROGRESS (\"{tag}\" {done} {all})] Still working"));
            pending.told = Some(now);
        }
    }

    fn done(&mut self, tag: Option<&str>, done: &Done) {
        if let (Some(folder), true) = (self.selected.as_mut(), done.tell != Tell::Nothing) {
            let told = folder.view.tell(done.tell == Tell::All, self.enabled);
            self.write(told.into_bytes());
        }
        if let Some(tag) = tag {
            let code = done.code.as_ref().map(|c| format!("[{c}] ")).unwrap_or_default();
            let word = if done.ok { "OK" } else { "NO" };
            self.line(&format!("{tag} {word} {code}{}", done.text));
        }
    }

    fn failed(&mut self, tag: Option<&str>, problem: Problem) {
        match (tag, &self.append) {
            // The message will not be taken: the framer passes over what of it comes anyway, and then it is said.
            (Some(tag), Some(append)) if append.tag == *tag => {
                self.append = None;
                self.refused = Some(problem);
                self.framer.refuse();
            }
            (Some(tag), _) => self.problem(tag, problem),
            (None, _) => debug_assert!(matches!(self.dialogue, Some(Dialogue::Idle { .. }))),
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
