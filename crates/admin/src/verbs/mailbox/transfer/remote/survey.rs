//! What a folder of the account holds, beside what is known of it and what lies here.

use std::collections::{HashMap, VecDeque};

use sigillo_archive::message::Wrong;
use sigillo_base::limits::RECEPTION_LIMIT;
use sigillo_base::{Tell, Timestamp};
use sigillo_imap::client::{Command, Fetched, Reply, Status};

use super::super::report::Told;
use super::super::{Mark, Marks, lying, mark_of};
use super::ledger::{Folder, Known};
use super::names::Origin;
use super::{Pass, Trouble};
use crate::api::Message;
use crate::verbs::Error;

/// A message of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub uid: u32,
    /// Flags that can be kept, in order.
    pub flags: Vec<String>,
    /// Seconds.
    pub date: i64,
    pub size: u64,
}

/// Messages that lie here and were not found there yet, with UID and flags.
#[derive(Debug, Default)]
pub struct Held(HashMap<Mark, VecDeque<(u32, Vec<String>)>>);

impl Held {
    pub fn of(messages: Vec<Message>) -> Self {
        let mut held = Self::default();
        for message in messages {
            if let Some(mark) = mark_of(&message) {
                held.0.entry(mark).or_default().push_back((message.uid, message.flags));
            }
        }
        held
    }

    /// One of these, which is then found.
    pub fn take(&mut self, mark: &Mark) -> Option<(u32, Vec<String>)> {
        self.0.get_mut(mark)?.pop_front()
    }
}

/// A message that came at an earlier pass, and lies here.
#[derive(Debug)]
pub struct Pair {
    pub row: Row,
    pub known: Known,
    /// UID and flags here.
    pub here: (u32, Vec<String>),
}

/// A folder of the account before the pass.
#[derive(Debug)]
pub struct Survey {
    pub origin: Origin,
    pub uid_validity: u32,
    /// Its place in the report.
    pub at: usize,
    /// What must be fetched.
    pub wanting: Vec<Row>,
    /// Octets of it that are probably not here.
    pub missing_bytes: u64,
    pub pairs: Vec<Pair>,
    pub held: Held,
    /// What has to lie here by the end.
    pub wanted: Marks,
}

pub fn mark_of_known(known: &Known) -> Option<Mark> {
    let hash = data_encoding::HEXLOWER.decode(known.sha256.as_bytes()).ok()?;
    Some((hash.try_into().ok()?, known.date))
}

/// Flags of the account that can be kept here: the five that clients set, and keywords.
fn kept(flags: Vec<String>) -> Vec<String> {
    const SYSTEM: [&str; 5] = ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"];
    let system = |flag: &str| SYSTEM.into_iter().find(|s| s.eq_ignore_ascii_case(flag)).map(str::to_owned);
    let keep = |flag: String| if flag.starts_with('\\') { system(&flag) } else { Some(flag) };
    let mut kept: Vec<String> = flags.into_iter().filter_map(keep).collect();
    kept.sort();
    kept.dedup();
    kept
}

impl Pass<'_> {
    /// Reads what a folder holds; `None` when it cannot be read, which is told.
    pub(super) async fn survey(&mut self, origin: Origin, there: &[String]) -> Result<Option<Survey>, Error> {
        let at = self.report.folders.len();
        let source = (origin.there != origin.name).then(|| origin.there.clone());
        self.report.folders.push(Told { folder: origin.name.clone(), source, ..Told::default() });
        let place = origin.there.clone();
        let broken = |pass: &Self, trouble: Trouble| pass.failed(&place, &trouble);
        let uid_validity = match self.examine(&origin).await.map_err(|t| broken(self, t))? {
            Ok(uid_validity) => uid_validity,
            Err(outcome) => {
                let text = self.lang.pick("la cartella non si legge", "the folder cannot be read");
                self.wrong(at, origin.there.clone(), format!("{text}: {}", outcome.text));
                return Ok(None);
            }
        };
        let (mut fetched, mut unclear) = (Vec::new(), Vec::new());
        let heard = |reply| match reply {
            Reply::Message(message) => fetched.push(message),
            Reply::Unclear(text) => unclear.push(text),
            _ => {}
        };
        let outcome = self.link.run(&Command::Survey, heard).await.map_err(|t| broken(self, t))?;
        if outcome.status != Status::Ok {
            let text = self.lang.pick("l'elenco dei messaggi non è intero", "the list of messages is not whole");
            self.wrong(at, origin.there.clone(), format!("{text}: {}", outcome.text));
        }
        let rows = self.rows(at, fetched, unclear);
        let held = match there.contains(&origin.name) {
            true => lying(&self.client, &self.address, &origin.name).await?,
            false => Vec::new(),
        };
        let known = self.ledger.folder(&origin.wire, uid_validity);
        Ok(Some(self.compared((origin, uid_validity, at), rows, known, held)))
    }

    /// The messages that can be fetched.
    fn rows(&mut self, at: usize, fetched: Vec<Fetched>, unclear: Vec<String>) -> Vec<Row> {
        self.report.folders[at].found = (fetched.len() + unclear.len()) as u64;
        for text in unclear {
            let why = self.lang.pick("la risposta non si capisce", "the reply cannot be understood").to_owned();
            self.wrong(at, text, why);
        }
        let mut rows = Vec::new();
        for Fetched { uid, flags, date, size, .. } in fetched {
            let place = format!("UID {uid}");
            match (date, size.unwrap_or_default()) {
                (None, _) => {
                    let why = self.lang.pick("senza INTERNALDATE", "without INTERNALDATE").to_owned();
                    self.wrong(at, place, why);
                }
                (_, size) if size > RECEPTION_LIMIT => {
                    self.wrong(at, place, Wrong::TooLarge(RECEPTION_LIMIT).said().pick(self.lang).to_owned());
                }
                (Some(date), size) => {
                    self.report.folders[at].bytes += size;
                    rows.push(Row {
                        uid,
                        flags: kept(flags.unwrap_or_default()),
                        date: Timestamp::as_secs(date),
                        size,
                    });
                }
            }
        }
        rows.sort_by_key(|row| row.uid);
        rows.dedup_by_key(|row| row.uid);
        rows
    }

    fn compared(
        &mut self,
        (origin, uid_validity, at): (Origin, u32, usize),
        rows: Vec<Row>,
        known: Folder,
        messages: Vec<Message>,
    ) -> Survey {
        let told = &mut self.report.folders[at];
        let is_there = |uid: &&u32| rows.binary_search_by_key(*uid, |row| row.uid).is_err();
        told.gone = known.keys().filter(is_there).count() as u64;
        // What came without being noted, when a pass broke off, is told by size and date until it is fetched.
        let mut alike: HashMap<(u64, i64), u64> = HashMap::new();
        for message in &messages {
            if let Some((_, date)) = mark_of(message) {
                *alike.entry((u64::from(message.size), date)).or_default() += 1;
            }
        }
        let mut held = Held::of(messages);
        let (mut wanting, mut pairs, mut wanted, mut missing_bytes) = (Vec::new(), Vec::new(), Marks::new(), 0);
        let mut fresh = Vec::new();
        for row in rows {
            let mark = known.get(&row.uid).and_then(mark_of_known);
            let (Some(mark), Some(known)) = (mark, known.get(&row.uid)) else {
                fresh.push(row);
                continue;
            };
            match held.take(&mark) {
                Some(here) => {
                    alike.entry((row.size, row.date)).and_modify(|n| *n = n.saturating_sub(1));
                    *wanted.entry(mark).or_default() += 1;
                    told.already += 1;
                    told.flags += u64::from(row.flags != known.flags);
                    pairs.push(Pair { row, known: known.clone(), here });
                }
                None => fresh.push(row),
            }
        }
        for row in fresh {
            match alike.get_mut(&(row.size, row.date)).filter(|n| **n > 0) {
                Some(n) => *n -= 1,
                None => {
                    missing_bytes += row.size;
                    told.missing += 1;
                }
            }
            wanting.push(row);
        }
        if self.report.dry_run {
            told.already += wanting.len() as u64 - told.missing;
        }
        Survey { origin, uid_validity, at, wanting, missing_bytes, pairs, held, wanted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_are_kept() {
        let all = ["\\recent", "\\SEEN", "b", "\\Junk", "$A", "b"].map(str::to_owned).to_vec();
        assert_eq!(kept(all), ["$A", "\\Seen", "b"]);
    }
}
