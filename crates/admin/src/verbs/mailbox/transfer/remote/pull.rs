//! Fetching: messages one after the other, each noted once the service has it.

use std::collections::{BTreeSet, VecDeque};

use sigillo_archive::message::Wrong;
use sigillo_base::limits::RECEPTION_LIMIT;
use sigillo_base::{Said, Tell, Timestamp, said};
use sigillo_imap::client::{Body, Command, Outcome, Reply};

use super::super::{lacking, lying, marks};
use super::ledger::Known;
use super::link::Link;
use super::survey::{Pair, Row, Survey};
use super::{Pass, Trouble, failed};
use crate::api::{Filing, NewFolder};
use crate::verbs::Error;

/// Messages, and octets of them, that one command asks for.
const MESSAGES: usize = 200;
const OCTETS: u64 = 8 << 20;
/// Connections that may break one after the other without a message between them.
const BREAKS: u32 = 5;

/// Messages of one command.
struct Batch {
    rows: Vec<Row>,
    /// Whether it is one message that did not come with others.
    again: bool,
}

fn batches(rows: Vec<Row>) -> VecDeque<Batch> {
    let mut batches: VecDeque<Batch> = VecDeque::new();
    let mut octets = 0;
    for row in rows {
        octets += row.size;
        match batches.back_mut().filter(|b| b.rows.len() < MESSAGES && octets <= OCTETS) {
            Some(batch) => batch.rows.push(row),
            None => {
                octets = row.size;
                batches.push_back(Batch { rows: vec![row], again: false });
            }
        }
    }
    batches
}

/// The flags of a message here after those at the account changed from `before` to `now`; what else is here stays.
/// Without `before` the account decides all but keywords.
fn carried(before: Option<&[String]>, now: &[String], here: &[String]) -> Vec<String> {
    let system = |flag: &&String| flag.starts_with('\\');
    let gone: Vec<&String> = match before {
        Some(before) => before.iter().filter(|flag| !now.contains(flag)).collect(),
        None => here.iter().filter(system).filter(|flag| !now.contains(flag)).collect(),
    };
    let come = now.iter().filter(|flag| before.is_none_or(|before| !before.contains(flag)));
    let mut flags: BTreeSet<&String> = here.iter().filter(|flag| !gone.contains(flag)).collect();
    flags.extend(come);
    flags.into_iter().cloned().collect()
}

impl Pass<'_> {
    /// Brings in what is missing in a folder and the flags that changed, and verifies it.
    pub(super) async fn bring(&mut self, mut survey: Survey) -> Result<(), Error> {
        let origin = &survey.origin;
        let new = NewFolder {
            name: origin.name.clone(),
            special_use: origin.special_use.clone(),
            subscribed: Some(origin.subscribed),
        };
        match self.client.make_folder(&self.address, &new).await {
            Ok(_) => {}
            Err(crate::Error::Refused(problem)) if problem.status < 500 => {
                let place = origin.there.clone();
                self.wrong(survey.at, place, problem.detail);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        for pair in std::mem::take(&mut survey.pairs) {
            self.reflag(&survey, pair).await?;
        }
        if !survey.wanting.is_empty() {
            self.reopen(&survey).await?;
            self.fetch(&mut survey).await?;
        }
        let held = marks(&lying(&self.client, &self.address, &survey.origin.name).await?);
        let missing = lacking(&survey.wanted, &held);
        self.told(&survey).missing = missing;
        Ok(())
    }

    /// Carries over what changed in the flags of a message since the last pass.
    async fn reflag(&mut self, survey: &Survey, pair: Pair) -> Result<(), Error> {
        let Pair { row, known, here: (uid, here) } = pair;
        if row.flags == known.flags {
            return Ok(());
        }
        let flags = carried(Some(&known.flags), &row.flags, &here);
        if self.set_flags(survey, (row.uid, uid), &here, &flags).await? {
            let known = Known { flags: row.flags, ..known };
            self.ledger.note(&survey.origin.wire, survey.uid_validity, row.uid, known)?;
        }
        Ok(())
    }

    /// Whether the message here has these flags now.
    async fn set_flags(
        &mut self,
        survey: &Survey,
        (there, uid): (u32, u32),
        before: &[String],
        flags: &[String],
    ) -> Result<bool, Error> {
        if before.iter().collect::<BTreeSet<_>>() == flags.iter().collect() {
            return Ok(true);
        }
        match self.client.set_flags(&self.address, &survey.origin.name, uid, flags.join(" ")).await {
            Ok(_) => Ok(true),
            Err(crate::Error::Refused(problem)) if problem.status < 500 => {
                self.wrong(survey.at, format!("UID {there}"), problem.detail);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the folder of the survey again.
    async fn reopen(&mut self, survey: &Survey) -> Result<(), Error> {
        let there = &survey.origin.there;
        let found = self.examine(&survey.origin).await.map_err(|trouble| self.failed(there, &trouble))?;
        match found {
            Ok(uid_validity) if uid_validity == survey.uid_validity => Ok(()),
            Ok(_) => {
                let why = said!("UIDVALIDITY è cambiata durante il passaggio", "UIDVALIDITY changed during the pass");
                Err(self.failed(there, &Trouble::Lost(why)))
            }
            Err(outcome) => Err(self.failed(there, &Trouble::Refused(outcome.text))),
        }
    }

    /// Fetches what is wanting. What does not come with others is asked for alone, on another connection if need be, and
    /// left out if it does not come then either.
    async fn fetch(&mut self, survey: &mut Survey) -> Result<(), Error> {
        let (mut batches, mut breaks) = (batches(std::mem::take(&mut survey.wanting)), 0);
        while let Some(Batch { rows, again }) = batches.pop_front() {
            let asked = rows.len();
            let (left, ended) = self.batch(survey, rows).await?;
            breaks = if left.len() < asked { 0 } else { breaks };
            let why = match ended {
                Ok(outcome) => format!("{:?} {}", outcome.status, outcome.text).to_uppercase(),
                Err(trouble) => {
                    breaks += 1;
                    let uid = left.first().map(|row| format!(", UID {}", row.uid)).unwrap_or_default();
                    let there = &survey.origin.there;
                    let place = said!(", «{there}»{uid}", ", “{there}”{uid}");
                    if !trouble.is_passing() || breaks > BREAKS {
                        return Err(failed(&self.door.account, &place, &trouble));
                    }
                    let fresh = Link::open(&self.door).await;
                    self.link = fresh.map_err(|why| {
                        let (first, then) = (trouble.said(), why.said());
                        let both =
                            Said { it: format!("{}; {}", first.it, then.it), en: format!("{}; {}", first.en, then.en) };
                        failed(&self.door.account, &place, &Trouble::Lost(both))
                    })?;
                    self.reopen(survey).await?;
                    trouble.said().pick(self.lang).to_owned()
                }
            };
            if again {
                for row in left {
                    self.wrong(survey.at, format!("UID {}", row.uid), why.clone());
                    self.progress.step();
                }
            } else {
                left.into_iter().rev().for_each(|row| batches.push_front(Batch { rows: vec![row], again: true }));
            }
        }
        Ok(())
    }

    /// Fetches these: which did not come, and how it ended.
    async fn batch(
        &mut self,
        survey: &mut Survey,
        rows: Vec<Row>,
    ) -> Result<(Vec<Row>, Result<Outcome, Trouble>), Error> {
        let uids: Vec<u32> = rows.iter().map(|row| row.uid).collect();
        let mut left = rows;
        if let Err(trouble) = self.link.send(&Command::Bodies(&uids)).await {
            return Ok((left, Err(trouble)));
        }
        loop {
            match self.link.next().await {
                Ok(Reply::Done(outcome)) => return Ok((left, Ok(outcome))),
                Ok(Reply::Message(message)) => {
                    let at = left.iter().position(|row| row.uid == message.uid);
                    if let (Some(at), Some(body)) = (at, message.body) {
                        let row = left.remove(at);
                        self.take(survey, row, body).await?;
                    }
                }
                Ok(_) => {}
                Err(trouble) => return Ok((left, Err(trouble))),
            }
        }
    }

    /// Takes a message: it is here already, or is put here.
    async fn take(&mut self, survey: &mut Survey, row: Row, body: Body) -> Result<(), Error> {
        self.progress.step();
        let place = format!("UID {}", row.uid);
        let bytes = match body {
            Body::Whole(bytes) if bytes.is_empty() => {
                self.wrong(survey.at, place, Wrong::Empty.said().pick(self.lang).to_owned());
                return Ok(());
            }
            Body::Whole(bytes) => bytes,
            Body::TooLarge(_) => {
                self.wrong(survey.at, place, Wrong::TooLarge(RECEPTION_LIMIT).said().pick(self.lang).to_owned());
                return Ok(());
            }
        };
        let mark = (sigillo_smime::sha256(&bytes), row.date);
        if let Some((uid, here)) = survey.held.take(&mark) {
            self.told(survey).already += 1;
            let flags = carried(None, &row.flags, &here);
            if !self.set_flags(survey, (row.uid, uid), &here, &flags).await? {
                return Ok(());
            }
        } else {
            let date = Timestamp::from_millis(row.date * 1000).to_string();
            let filing = Filing { folder: survey.origin.name.clone(), date, flags: row.flags.join(" ") };
            match self.client.file_message(&self.address, &filing, bytes).await {
                Ok(_) => self.told(survey).added += 1,
                // This message alone; what concerns them all ends the pass.
                Err(crate::Error::Refused(problem)) if problem.status < 500 => {
                    self.wrong(survey.at, place, problem.detail);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        *survey.wanted.entry(mark).or_default() += 1;
        let known = Known { sha256: data_encoding::HEXLOWER.encode(&mark.0), date: row.date, flags: row.flags };
        self.ledger.note(&survey.origin.wire, survey.uid_validity, row.uid, known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn flags_that_changed_are_carried_over_and_no_others() {
        for (before, now, here, then) in [
            (Some("\\Seen a"), "\\Seen b", "\\Flagged \\Seen a x", "\\Flagged \\Seen b x"),
            (Some(""), "\\Seen", "", "\\Seen"),
            (Some("\\Seen"), "", "\\Answered \\Seen", "\\Answered"),
            (None, "\\Seen", "\\Flagged $PECAccepted", "$PECAccepted \\Seen"),
        ] {
            let before = before.map(words);
            assert_eq!(carried(before.as_deref(), &words(now), &words(here)), words(then));
        }
    }

    #[test]
    fn commands_ask_for_a_bounded_number_of_octets() {
        let row = |uid, size| Row { uid, flags: Vec::new(), date: 0, size };
        let rows = vec![row(1, OCTETS), row(2, 1), row(3, OCTETS - 1), row(4, 1)];
        let uids: Vec<Vec<u32>> = batches(rows).iter().map(|b| b.rows.iter().map(|r| r.uid).collect()).collect();
        assert_eq!(uids, [vec![1], vec![2, 3], vec![4]]);
        assert_eq!(batches((1..=401).map(|uid| row(uid, 1)).collect()).len(), 3);
    }
}
