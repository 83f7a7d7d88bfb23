//! Putting right what can be: rows that follow from others are written again, rows that stop others are moved aside.
//! Nothing is deleted, nothing is guessed.

use sigillo_base::Timestamp;
use sigillo_store::{Store, Transaction, transact};

use super::judge::Judge;
use super::{Check, Finding, Remedy, aside};
use crate::{ATTEMPTS, Error};

/// One thing put right may bring to light another (a message moved aside, its entry): so many rounds at the most.
const ROUNDS: usize = 8;

/// A repair of a store that nobody else has open.
#[derive(Debug, Clone, Copy)]
pub struct Repair<'s, S> {
    store: &'s S,
    now: Timestamp,
}

/// What a repair came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What was put right, in order.
    pub done: Vec<Finding>,
    /// What is left: it needs a backup, or is a note.
    pub left: Vec<Finding>,
}

impl<'s, S: Store> Repair<'s, S> {
    /// A repair of this store, at this time.
    pub fn new(store: &'s S, now: Timestamp) -> Self {
        Self { store, now }
    }

    /// Checks everything and puts right what can be, until there is nothing more.
    ///
    /// # Errors
    /// The store's fault; what was done stays done, and the next repair goes on.
    pub fn run(&self) -> Result<Repaired, Error> {
        let mut repaired = Repaired::default();
        for round in 1..=ROUNDS {
            let before = repaired.done.len();
            repaired.left.clear();
            let mut from: Option<Vec<u8>> = None;
            loop {
                let check = Check { store: self.store, deep: false, compare: round == 1 };
                let page = check.page(from.as_deref(), super::PAGE)?;
                for finding in page.findings {
                    if self.apply(&finding)? { repaired.done.push(finding) } else { repaired.left.push(finding) }
                }
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
            if repaired.done.len() == before || round == ROUNDS {
                break;
            }
        }
        Ok(repaired)
    }

    /// Puts one finding right, if it still holds.
    fn apply(&self, finding: &Finding) -> Result<bool, Error> {
        if !matches!(finding.remedy, Remedy::Rebuild(_) | Remedy::SetAside) {
            return Ok(false);
        }
        transact(self.store, ATTEMPTS, |tx| {
            let Some(value) = tx.get(&finding.key)? else { return Ok(false) };
            // What was put right a moment ago may have changed what is to be done here.
            let again = Judge::new(&mut Transaction::new(self.store), (&finding.key, &value), true).judge()?;
            let same = |f: &&Finding| f.problem == finding.problem && f.about == finding.about;
            let Some(now) = again.iter().find(same) else { return Ok(false) };
            match &now.remedy {
                Remedy::Rebuild((key, value)) => {
                    tx.get(key)?;
                    tx.put(key, value);
                }
                Remedy::SetAside => aside::put(tx, (finding.key.clone(), value), &now.what, self.now)?,
                Remedy::Nothing | Remedy::Backup => return Ok(false),
            }
            tracing::warn!(
                key = super::readable(&finding.key),
                what = now.what,
                remedy = now.remedy.as_str(),
                "put right"
            );
            Ok::<_, Error>(true)
        })
    }
}
