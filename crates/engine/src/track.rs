//! Where a certified message stands: what the legal log proves of each recipient, and, for a message of one of our
//! users, what still waits in the queue.

use sigillo_base::{Address, PecId, Timestamp, said};
use sigillo_pec::log::{Entry, Record, Standing};
use sigillo_pec::{Kind, RecipientClass};
use sigillo_store::{Store, Transaction};

use crate::rows::{DispatchRow, ItemRow, Outcome, Work};
use crate::{Engine, Error, Login, queue, submit};

/// A message and its evidence.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// The certified identifier.
    pub id: PecId,
    /// The client's own Message-ID, when the message is one of ours and had one.
    pub msgid: Option<String>,
    /// The sender.
    pub sender: String,
    /// The subject.
    pub subject: Option<String>,
    /// When one of our users handed it in; `None` for a message from another provider, or one that was refused.
    pub accepted: Option<Timestamp>,
    /// Each recipient, in the order of the certification data.
    pub recipients: Vec<TrackedRecipient>,
    /// What the legal log holds about it, in order of time.
    pub evidence: Vec<Record>,
}

/// One recipient of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedRecipient {
    /// The address.
    pub address: Address,
    /// Certified or external.
    pub class: RecipientClass,
    /// Where the message stands for it.
    pub stage: Stage,
}

/// Where a message stands for a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The message was not accepted.
    Refused,
    /// It waits in our queue.
    Queued {
        /// Attempts that failed.
        attempts: u32,
        /// The next one.
        due: Timestamp,
        /// Why the last one failed; empty when there was none.
        last_error: String,
    },
    /// The other server took it. For an external recipient nobody certifies more.
    HandedOver,
    /// What evidence says.
    Proven(Standing),
    /// A recipient of another provider, in a message that is not ours: we know nothing of it.
    Elsewhere,
}

impl<S: Store> Engine<S> {
    /// What is known of a certified message; `None` when the legal log has never heard of it.
    ///
    /// # Errors
    /// The store's fault.
    pub fn track(&self, id: &PecId) -> Result<Option<Tracked>, Error> {
        let lines = self.log_of(id.as_str())?;
        let evidence: Vec<Record> = lines.iter().filter_map(|l| readable(&l.line)).collect();
        let Some(first) = evidence.first() else { return Ok(None) };
        let sent = submit::sent(&self.store, id)?;
        let refused = evidence.iter().any(|r| matches!(r.kind, Kind::NonAcceptance | Kind::NonAcceptanceVirus));
        let mut recipients = Vec::with_capacity(first.recipients.len());
        for rcpt in &first.recipients {
            let stage = match (Standing::of(&evidence, &rcpt.address), sent.is_some()) {
                _ if refused => Stage::Refused,
                (Standing::Open, true) => self.on_its_way(id, &rcpt.address)?,
                (Standing::Open, false) if !self.is_local(rcpt.address.domain()) => Stage::Elsewhere,
                (standing, _) => Stage::Proven(standing),
            };
            recipients.push(TrackedRecipient { address: rcpt.address.clone(), class: rcpt.class, stage });
        }
        Ok(Some(Tracked {
            id: id.clone(),
            msgid: sent.as_ref().and_then(|s| s.facts.msgid().map(str::to_owned)),
            sender: first.sender.clone(),
            subject: first.subject.clone(),
            accepted: sent.as_ref().map(|s| Timestamp::from_millis(s.at)),
            recipients,
            evidence,
        }))
    }

    /// A recipient of ours that no evidence speaks of yet.
    fn on_its_way(&self, id: &PecId, rcpt: &Address) -> Result<Stage, Error> {
        let mut look = Transaction::new(&self.store);
        let Some(row): Option<DispatchRow> = submit::dispatch(&mut look, id, rcpt)? else {
            return Ok(Stage::Proven(Standing::Open));
        };
        let waits = |item: &ItemRow| match &item.work {
            Work::Relay { rcpts, .. } => rcpts.iter().any(|r| r == rcpt.as_str()),
            Work::Deliver { .. } => false,
        };
        Ok(match queue::item(&mut look, row.item)?.filter(waits) {
            Some(item) => Stage::Queued {
                attempts: item.attempts,
                due: Timestamp::from_millis(item.due),
                last_error: item.last_error,
            },
            // What tells of an external recipient's failure is no evidence of this message.
            None if row.outcome == Some(Outcome::Failed) => Stage::Proven(Standing::Failed),
            None if row.handed => Stage::HandedOver,
            None => Stage::Proven(Standing::Open),
        })
    }

    /// What the legal log says of a user's own mailbox, for himself, where his domain's owner allows it (PEC-08): the
    /// events of messages he sent or is a recipient of, with times in `[from, to)`, at most `limit`, in order of time.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is not allowed; the store's fault.
    pub fn holder_log(
        &self,
        login: &Login,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let domain = login.address.domain();
        if !self.domain_policy(domain)?.holder_reads_log {
            return Err(Error::Invalid(said!(
                "il dominio {domain} non consente ai titolari di leggere il registro",
                "the domain {domain} does not let holders read the log"
            )));
        }
        // What was of another mailbox of this address, which was cancelled, is not this one's.
        let made = self.mailbox(login.mailbox)?.map_or(to, |row| Timestamp::from_millis(row.created));
        let from = from.max(made);
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.log_between(from, to, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.place);
            for record in page.iter().filter_map(|l| readable(&l.line)).filter(|r| concerns(r, &login.address)) {
                if found.len() == limit {
                    return Ok(found);
                }
                found.push(record);
            }
        }
    }
}

/// Lines of the log read at once.
const PAGE: usize = 1_000;

/// An event. Lines about the service are none; a damaged line is said and stops nobody.
fn readable(line: &str) -> Option<Record> {
    match Entry::parse_line(line) {
        Ok(Entry::Event(record)) => Some(*record),
        Ok(Entry::Service(_)) => None,
        Err(error) => {
            tracing::error!(%error, "a line of the legal log cannot be read");
            None
        }
    }
}

fn concerns(record: &Record, address: &Address) -> bool {
    record.sender.eq_ignore_ascii_case(address.as_str()) || record.recipients.iter().any(|r| r.address == *address)
}
