//! What a command has at hand while it is carried out, and how it ends.

use std::ops::Range;

use crate::command::append::AppendJob;
use crate::command::copy::TransferJob;
use crate::command::expunge::ExpungeJob;
use crate::command::fetch::FetchJob;
use crate::command::store::StoreJob;
use crate::cursor::Problem;
use crate::enabled::Enabled;
use crate::keywords::{self, Target};
use crate::notify::Notices;
use crate::search::job::SearchJob;
use crate::view::Selected;
use crate::{Code, Flags, Mailboxes, Refusal, SequenceSet};

/// About so many octets are written before the driver is asked to send them.
pub const PIECE: usize = 256 * 1024;

/// The world of one command.
pub struct Work<'a> {
    /// The folders.
    pub boxes: &'a mut dyn Mailboxes,
    /// The selected folder.
    pub selected: &'a mut Option<Selected>,
    /// What the client has switched on.
    pub enabled: &'a mut Enabled,
    /// What the client hears without asking.
    pub notices: &'a mut Notices,
    /// The folder that it brought keywords into last.
    pub target: &'a mut Option<Target>,
    /// Untagged responses.
    pub out: Vec<u8>,
    /// The command's tag; empty for a look of our own.
    pub tag: String,
}

/// How far a command came.
#[derive(Debug)]
pub enum Step {
    /// It is over.
    Done(Done),
    /// It goes on when the output has gone out.
    More(Job),
    /// The message of APPEND may come.
    Ready,
    /// An answer broke off where nothing can be said any more: the connection ends.
    Broken,
}

/// A command that works, or gives its answer, in pieces.
#[derive(Debug)]
pub enum Job {
    /// APPEND and REPLACE
    Append(Box<AppendJob>),
    /// EXPUNGE
    Expunge(ExpungeJob),
    /// FETCH
    Fetch(FetchJob),
    /// SEARCH, SORT, THREAD
    Search(SearchJob),
    /// STORE
    Store(Box<StoreJob>),
    /// COPY and MOVE
    Transfer(Box<TransferJob>),
}

impl Job {
    /// The memory that its next part takes beyond a piece of output, in octets.
    pub fn weight(&self) -> usize {
        match self {
            Self::Append(job) => job.weight(),
            Self::Fetch(job) => job.weight(),
            Self::Expunge(_) | Self::Search(_) | Self::Store(_) | Self::Transfer(_) => 0,
        }
    }

    /// Messages done and messages in all, of a job that knows and says nothing until its end.
    pub fn progress(&self) -> Option<(usize, usize)> {
        match self {
            Self::Expunge(job) => Some(job.progress()),
            Self::Search(job) => Some(job.progress()),
            Self::Store(job) => job.progress(),
            Self::Transfer(job) => Some(job.progress()),
            Self::Append(_) | Self::Fetch(_) => None,
        }
    }
}

/// What may be told of other sessions' changes when a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Nothing: the folder is not selected, or was left.
    Nothing,
    /// No EXPUNGE: the command used sequence numbers.
    NoExpunge,
    /// All.
    All,
}

/// The tagged response.
#[derive(Debug)]
pub struct Done {
    /// `OK`, or `NO`.
    pub ok: bool,
    /// Response code.
    pub code: Option<String>,
    /// What was done.
    pub text: &'static str,
    /// What precedes it.
    pub tell: Tell,
}

impl Done {
    /// `OK` without a code, telling everything pending.
    pub const fn ok(text: &'static str) -> Self {
        Self { ok: true, code: None, text, tell: Tell::All }
    }

    /// Telling this much.
    pub fn telling(self, tell: Tell) -> Self {
        Self { tell, ..self }
    }

    /// With a code.
    pub fn coded(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// Of a command that named messages: by UID everything may be told.
    pub fn numbered(self, uid: bool) -> Self {
        self.telling(if uid { Tell::All } else { Tell::NoExpunge })
    }

    /// The end of a step.
    pub fn step(self) -> Result<Step, Problem> {
        Ok(Step::Done(self))
    }
}

/// How far a folder is.
pub fn highest(modseq: u64) -> String {
    format!("* OK [HIGHESTMODSEQ {modseq}] Highest")
}

impl Work<'_> {
    /// Writes one line.
    pub fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// The selected folder; commands that need one are not let through without.
    pub fn folder(&mut self) -> Result<&mut Selected, Refusal> {
        self.selected.as_mut().ok_or_else(|| Refusal::new(Code::ServerBug, "Nessuna cartella aperta"))
    }

    /// The same, if it may be changed.
    pub fn writable(&mut self) -> Result<&mut Selected, Refusal> {
        let folder = self.folder()?;
        if folder.read_only {
            return Err(Refusal::new(Code::ReadOnly, "La cartella e' aperta in sola lettura"));
        }
        Ok(folder)
    }

    /// A command that speaks of mod-sequences switches them on (RFC 7162 §3.1); the client hears how far the folder is.
    pub fn enable_condstore(&mut self) {
        if self.enabled.switch_on("CONDSTORE").is_some()
            && let Some(folder) = self.selected.as_ref()
        {
            let line = highest(folder.told());
            self.line(&line);
        }
    }

    /// The same as [`Work::refresh`], and tells all but what is gone: before an answer that names messages by their
    /// numbers, which stay as they are.
    pub fn refresh_and_tell(&mut self) -> Result<(), Refusal> {
        self.refresh()?;
        if let Some(folder) = self.selected.as_mut() {
            self.out.extend_from_slice(folder.tell(false, self.notices.telling(), *self.enabled).as_bytes());
        }
        Ok(())
    }

    /// Looks what others changed in the selected folder; it is told when the command ends.
    pub fn refresh(&mut self) -> Result<(), Refusal> {
        let Some(folder) = self.selected.as_mut() else { return Ok(()) };
        if let Some(rights) = self.boxes.rights_in(folder.number)? {
            self.out.extend_from_slice(folder.allow(rights).as_bytes());
        }
        let seen = match self.boxes.version(folder.number) {
            Ok(Some(version)) if version == folder.version => return Ok(()),
            Ok(_) => self.boxes.refresh(folder.number, folder.version, folder.uid_next),
            Err(refusal) => Err(refusal),
        };
        match seen {
            Ok(state) if state.uid_validity != folder.uid_validity => folder.vanished = true,
            Ok(state) => {
                (folder.version, folder.uid_next) = (state.highest_modseq, state.uid_next);
                match state.gone {
                    Some(gone) => folder.view.merge(&state.rows, &gone),
                    None => folder.view.apply(&state.rows),
                }
            }
            Err(refusal) if refusal.code == Some(Code::NonExistent) => folder.vanished = true,
            Err(refusal) => return Err(refusal),
        }
        Ok(())
    }

    /// Whether this is the selected folder's name: another session may have given it one, and its own to another folder.
    pub fn selects(&mut self, name: &str) -> bool {
        let Some(number) = self.selected.as_ref().map(|folder| folder.number) else { return false };
        self.boxes.locate(name).is_ok_and(|(found, _)| found == number)
    }

    /// Leaves the selected folder: from now on it is one of the others.
    pub fn leave(&mut self) {
        if let Some(folder) = self.selected.take() {
            self.notices.left(&folder);
        }
    }

    /// The same look after another one was left or selected: the command is done whatever it gives.
    pub fn look_after(&mut self) {
        let _seen = self.look_around().is_ok();
    }

    /// Looks what others changed in the folders that are not selected, and tells what the client wants to hear of it.
    pub fn look_around(&mut self) -> Result<(), Refusal> {
        let selected = self.selected.as_ref().map(|folder| folder.number);
        let told = self.notices.look(self.boxes, selected, *self.enabled)?;
        self.out.extend(told);
        Ok(())
    }

    /// Messages that this session put into a folder, by the folder's name and their UIDs: who did it knows.
    pub fn brought(&mut self, name: &str, uids: &[u32]) {
        let here = self.selects(name);
        match self.selected.as_mut().filter(|_| here) {
            Some(folder) => folder.view.bring(uids.iter().copied()),
            None => self.notices.brought(self.boxes, name, uids),
        }
    }

    /// After a change of ours: what others did before it is told with it, so that no mod-sequence that the client hears
    /// of lies above one that it does not.
    pub fn refresh_after(&mut self) {
        if self.enabled.condstore {
            // The change is made whatever the look at the folder gives.
            let _seen = self.refresh().is_ok();
        }
    }

    /// The end of a command that removed messages: how far the folder is now (RFC 7162 §3.2.7, RFC 6851 §4.4).
    pub fn removed(&mut self, done: Done) -> Done {
        self.refresh_after();
        match self.selected.as_ref() {
            Some(folder) if self.enabled.condstore => {
                done.coded(format!("HIGHESTMODSEQ {}", folder.known_to(self.notices.telling())))
            }
            _ => done,
        }
    }

    /// Refuses keywords that messages would bring into a folder, when it takes no more.
    pub fn check_keywords(&mut self, name: &str, named: &Flags) -> Result<(), Refusal> {
        match named.keywords() {
            [] => Ok(()),
            _ if self.selects(name) => self.folder()?.check_keywords(named),
            _ => keywords::check(name, named, self.target, self.boxes),
        }
    }

    /// The messages that a set names in the selected folder.
    pub fn pick(&mut self, set: &SequenceSet, uid: bool) -> Result<Vec<Range<usize>>, Problem> {
        self.folder()?.view.pick(set, uid).ok_or(Problem::Bad("No message with this number"))
    }
}
