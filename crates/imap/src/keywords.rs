//! How many different keywords a folder takes, whoever brings them.

use std::collections::BTreeSet;

use crate::{Code, Flags, FolderState, Mailboxes, Refusal, Row};

/// Different keywords of a folder: no client brings more, and SELECT says so.
pub const MAX: usize = 500;

/// Keywords that messages carry, whatever their case.
#[derive(Debug, Default)]
pub struct Keywords(BTreeSet<String>);

impl Keywords {
    /// Of these messages.
    pub fn of<'f>(messages: impl IntoIterator<Item = &'f Flags>) -> Self {
        Self(messages.into_iter().flat_map(Flags::keywords).map(|keyword| keyword.to_ascii_lowercase()).collect())
    }

    /// Refuses those that are new here, when there are as many as may be.
    pub fn take(&self, named: &Flags) -> Result<(), Refusal> {
        let new = named.keywords().iter().filter(|keyword| !self.0.contains(&keyword.to_ascii_lowercase())).count();
        if new > 0 && self.0.len() + new > MAX {
            return Err(Refusal::new(Code::Limit, format!("Al massimo {MAX} etichette diverse per cartella")));
        }
        Ok(())
    }
}

/// The folder, not the selected one, that this session brought keywords into last: it is read once, and then what changed.
#[derive(Debug)]
pub struct Target {
    number: u32,
    uid_validity: u32,
    /// As [`FolderState`] at the last look.
    version: u64,
    uid_next: u32,
    /// All that it has; those that it had since it was read, too.
    keywords: Keywords,
}

impl Target {
    fn of(state: &FolderState) -> Self {
        let FolderState { number, uid_validity, highest_modseq: version, uid_next, .. } = *state;
        Self { number, uid_validity, version, uid_next, keywords: Keywords::of(flags(&state.rows)) }
    }

    /// Takes what changed; whether that is known.
    fn look(&mut self, boxes: &mut dyn Mailboxes) -> bool {
        if boxes.version(self.number).is_ok_and(|version| version == Some(self.version)) {
            return true;
        }
        let Ok(state) = boxes.refresh(self.number, self.version, self.uid_next) else { return false };
        let before = std::mem::replace(self, Self::of(&state));
        if state.gone.is_some() {
            self.keywords.0.extend(before.keywords.0);
        }
        self.uid_validity == before.uid_validity
    }
}

fn flags(rows: &[Row]) -> impl Iterator<Item = &Flags> {
    rows.iter().map(|row| &row.flags)
}

/// Refuses keywords that a folder does not take. Of a folder that is missing, or may not be read, nothing is known: who puts
/// the messages in says what there is to say.
pub fn check(name: &str, named: &Flags, known: &mut Option<Target>, boxes: &mut dyn Mailboxes) -> Result<(), Refusal> {
    let Ok((number, uid_validity)) = boxes.locate(name) else { return Ok(()) };
    let same = |target: &Target| (target.number, target.uid_validity) == (number, uid_validity);
    if let Some(mut target) = known.take().filter(same)
        && target.look(boxes)
        && target.keywords.take(named).is_ok()
    {
        *known = Some(target);
        return Ok(());
    }
    let Ok(state) = boxes.select(name) else { return Ok(()) };
    known.insert(Target::of(&state)).keywords.take(named)
}
