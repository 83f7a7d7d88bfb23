//! The access point (*punto di accesso*): a user's message becomes an acceptance and a transport envelope, or a notice
//! of non-acceptance (RFC 6109 §3.1). One durable commit, then the answer.

use std::collections::BTreeMap;

use sigillo_accounts::{CredentialName, Mailbox};
use sigillo_base::{Address, Domain, MailboxId, PecId, Timestamp, limits};
use sigillo_pec::access::{self, Examined, Policy, Submission};
use sigillo_pec::{Draft, Facts, ReceiptKind, Recipient, RecipientClass, Signed, compose};
use sigillo_store::{Store, transact};

use crate::front::Arrived;
use crate::fronts::Transaction;
use crate::idle::idle;
use crate::quarantine::{Malware, Point};
use crate::rows::{
    Carried, DispatchRow, FactsRow, SentRow, Work, decode, dispatch_key, get_large, put_large, sent_key,
};
use crate::stored::{Stored, archive, post, put_body, put_message, put_notice};
use crate::{
    ATTEMPTS, DomainPolicy, Engine, Error, Fact, Login, Rejected, Sent, deadlines, filing, proofs, queue, rates, trail,
};

/// Recipients of one queue item: its row stays small, and a server that takes no more at once (RFC 5321 §4.5.3.1.8 asks
/// for a hundred) refuses few.
const AT_ONCE: usize = 100;

/// What became of a submission; either way the sender has a signed notice in his mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// Accepted: envelope queued, acceptance in the sender's INBOX.
    Accepted(PecId),
    /// Refused for formal defects: the notice of non-acceptance is in the sender's INBOX.
    NotAccepted(PecId),
}

/// Everything that one commit of a submission writes.
struct Plan<'a> {
    mailbox: &'a Mailbox,
    credential: CredentialName,
    now: Timestamp,
    facts: &'a Facts,
    /// Octets of the message as it came.
    bytes: u64,
    /// Whether it goes to servers only that protect it on its whole way.
    require_tls: bool,
    /// The acceptance, or the notice of non-acceptance.
    notice: &'a Signed,
    fate: Fate<'a>,
}

/// What happens to the message itself.
enum Fate<'a> {
    /// It enters certified mail: the envelope, and the original it carries.
    Accepted(&'a Signed, &'a [u8]),
    /// It does not.
    Refused,
    /// It does not, and stays in the virus store.
    Infected(&'a Arrived, &'a Malware),
}

impl Plan<'_> {
    /// What the trail of the mailbox says of it.
    fn sent(&self) -> Sent {
        Sent {
            at: self.now,
            id: self.facts.id.to_string(),
            credential: self.credential.clone(),
            accepted: matches!(self.fate, Fate::Accepted(..)),
            recipients: u32::try_from(self.facts.recipients.len()).unwrap_or(u32::MAX),
            bytes: self.bytes,
        }
    }
}

impl<S: Store> Engine<S> {
    /// Whether this user may send now: his state and his rate windows. Asked at MAIL FROM, so that a client over its
    /// limit does not send a body in vain; the commit counts and checks again.
    ///
    /// # Errors
    /// [`Rejected::Refused`] with the limit, its figure and when it ends.
    pub fn may_send(&self, login: &Login, from: Option<&Address>, now: Timestamp) -> Result<Mailbox, Rejected> {
        self.accepting()?;
        match self.rights(login)? {
            Some(rights) if rights.send => {}
            Some(_) => return Err(Rejected::refused(550, (5, 7, 1), "La credenziale non è abilitata all'invio")),
            None => return Err(Rejected::refused(535, (5, 7, 8), "La credenziale è stata revocata o cambiata")),
        }
        let mailbox =
            self.mailbox(login.mailbox)?.ok_or_else(|| Rejected::refused(535, (5, 7, 8), "La casella non esiste"))?;
        if !mailbox.works(now.as_millis()) {
            return Err(Rejected::refused(550, (5, 7, 1), format!("La casella {}", idle(&mailbox).it)));
        }
        if !mailbox.may_send(now.as_millis()) {
            return Err(Rejected::refused(550, (5, 7, 1), "La casella non è abilitata all'invio"));
        }
        match from {
            Some(from) if *from == login.address => {}
            Some(from) => {
                let text = format!("L'indirizzo mittente {from} non appartiene all'utente {}", login.address);
                return Err(Rejected::refused(553, (5, 7, 1), text));
            }
            None => return Err(Rejected::refused(550, (5, 7, 1), "Il mittente vuoto non è ammesso all'accesso")),
        }
        let limits = self.terms(&mailbox).1;
        self.usage(login.mailbox)?.admit(&limits, now).map_err(|e| self.over(&mailbox, &e, now))?;
        Ok(mailbox)
    }

    /// Takes a user's message. When it returns, everything it says is durable: the notice in the sender's INBOX and,
    /// if accepted, the envelope in the queue, the original, the legal log, the counters and the deadlines.
    ///
    /// # Errors
    /// [`Rejected::Refused`] when the sender may not send it at all; [`Rejected::Fault`] when nothing was done.
    pub fn submit(&self, login: &Login, mail: &Arrived, now: Timestamp) -> Result<Submitted, Rejected> {
        let answer = self.take_submission(login, mail, now);
        self.meter.note(Fact::Submission((&answer).into()));
        answer
    }

    fn take_submission(&self, login: &Login, mail: &Arrived, now: Timestamp) -> Result<Submitted, Rejected> {
        let mailbox = self.may_send(login, mail.from.as_ref(), now)?;
        let from = mail.from.as_ref().unwrap_or(&login.address);
        let policy = self.domain_policy(from.domain())?;
        let id = self.new_pec_id();
        let examined = self.examine(from, mail, &mailbox, &policy, id.clone())?;
        let (facts, bytes) = (&examined.facts, mail.bytes.len() as u64);
        let plan = |notice, fate| {
            let credential = login.credential();
            let require_tls = mail.wishes.require_tls;
            Plan { mailbox: &mailbox, credential, now, facts, bytes, require_tls, notice, fate }
        };
        let answer = if !examined.is_accepted() {
            let defects = examined.reasons();
            let draft = compose::non_acceptance(&self.provider, facts, now, self.new_pec_id(), &defects);
            let notice = self.sign(draft, &[], now)?;
            self.commit_submission(&plan(&notice, Fate::Refused))?;
            tracing::info!(pec_id = %id, defects, "not accepted");
            Submitted::NotAccepted(id)
        } else if let Some(malware) = self.scan(&mail.bytes)? {
            let draft = compose::non_acceptance_virus(&self.provider, facts, now, self.new_pec_id(), &malware.name);
            let notice = self.sign(draft, &[], now)?;
            self.commit_submission(&plan(&notice, Fate::Infected(mail, &malware)))?;
            tracing::warn!(pec_id = %id, from = %from, malware = malware.name, "infected, not accepted");
            Submitted::NotAccepted(id)
        } else {
            let receipt = examined.requested.or(policy.receipt).unwrap_or(ReceiptKind::Complete);
            let (original, acceptance, envelope) = self.wrap(from, mail, facts, receipt, now)?;
            self.commit_submission(&plan(&acceptance, Fate::Accepted(&envelope, &original)))?;
            tracing::info!(pec_id = %id, from = %from, rcpts = facts.recipients.len(), "accepted");
            Submitted::Accepted(id)
        };
        self.bell.mailbox_changed(login.mailbox);
        Ok(answer)
    }

    fn examine(
        &self,
        from: &Address,
        mail: &Arrived,
        mailbox: &Mailbox,
        choices: &DomainPolicy,
        id: PecId,
    ) -> Result<Examined, Error> {
        let index = self.current().index;
        let classify = |a: &Address| match index.provider_of(a.domain()) {
            Some(_) => RecipientClass::Certified,
            None => RecipientClass::External,
        };
        let (profile, limits) = self.terms(mailbox);
        let policy = Policy {
            max_message: limits.max_message.min(limits::LARGEST_PROFILE_MESSAGE),
            max_recipients: limits.max_recipients,
            size_times_recipients: self.rules.size_times_recipients.filter(|_| !profile.is_massive()),
            header_recipients_must_be_rcpt: self.rules.header_recipients_must_be_rcpt,
            certified_only: choices.certified_only,
        };
        let lists = self.lists_among(&mail.to)?;
        let submission = Submission { from, to: &mail.to, lists: &lists, message: &mail.bytes };
        Ok(access::examine(&submission, &classify, &policy, id))
    }

    /// The accepted original, the acceptance and the envelope, signed.
    fn wrap(
        &self,
        from: &Address,
        mail: &Arrived,
        facts: &Facts,
        receipt: ReceiptKind,
        now: Timestamp,
    ) -> Result<(Vec<u8>, Signed, Signed), Error> {
        let trace = format!("Return-Path: <{from}>\r\n{}", mail.received(&self.host, facts.id.as_str(), now));
        let original = access::accepted_original(&mail.bytes, &facts.id, &trace)?;
        let acceptance = compose::acceptance(&self.provider, facts, now, self.new_pec_id());
        let envelope = compose::transport_envelope(&self.provider, facts, now, receipt, &original)?;
        let acceptance = self.sign(acceptance, &[], now)?;
        let envelope = self.sign(envelope, &original, now)?;
        Ok((original, acceptance, envelope))
    }

    /// Signs a draft with the provider's current key.
    pub(crate) fn sign(&self, draft: Draft, source: &[u8], now: Timestamp) -> Result<Signed, Error> {
        let current = self.current();
        Ok(draft.sign(source, now, &current.identity, current.signer.as_ref())?)
    }

    fn commit_submission(&self, plan: &Plan<'_>) -> Result<(), Rejected> {
        let mailbox = MailboxId(plan.mailbox.id);
        let limits = self.terms(plan.mailbox).1;
        let lane = self.lanes.hold(&[mailbox]);
        let (mut full, mut copied) = (None, false);
        let (notice_msg, envelope_msg, quarantine_id) = (self.new_msg(), self.new_msg(), self.ids.next_id());
        let done = transact(&self.store, ATTEMPTS, |tx| {
            full = rates::count(tx, mailbox, &limits, plan.now)?.err();
            if full.is_some() {
                return Ok(());
            }
            trail::put(tx, mailbox, &plan.sent());
            let notice = put_notice(tx, notice_msg, plan.notice)?;
            let place = filing::place(tx, mailbox, plan.now)?;
            post(tx, &place, notice.id, notice.size)?;
            archive(tx, mailbox, plan.now, notice.id);
            self.log_issued(tx, plan.notice, plan.now);
            match plan.fate {
                Fate::Accepted(envelope, original) => {
                    let source = put_body(tx, original)?;
                    let stored = put_message(tx, envelope_msg, &envelope.content, &source)?;
                    archive(tx, mailbox, plan.now, stored.id);
                    self.log_issued(tx, envelope, plan.now);
                    self.send_out(tx, plan, &stored, envelope.eight_bit)?;
                    let Facts { msgid, id, .. } = plan.facts;
                    copied = msgid.as_ref().is_some_and(|of| proofs::accepted(tx, mailbox, of, id, plan.now));
                }
                Fate::Refused => {}
                Fate::Infected(mail, malware) => {
                    let number = (quarantine_id, plan.now);
                    self.quarantine(tx, number, Point::Access, mail, malware, &plan.facts.id)?;
                }
            }
            Ok::<_, Rejected>(())
        });
        if copied && done.is_ok() {
            self.show_proofs(mailbox, plan.facts.msgid.as_deref(), &plan.facts.id);
        }
        drop(lane);
        match full {
            Some(exceeded) if done.is_ok() => return Err(self.over(plan.mailbox, &exceeded, plan.now)),
            _ => done.map_err(too_many)?,
        }
        self.meter.note(Fact::Issued(plan.notice.kind));
        if let Fate::Accepted(envelope, _) = plan.fate {
            self.meter.note(Fact::Issued(envelope.kind));
        }
        Ok(())
    }

    /// Queues the envelope, an item for each destination domain and [`AT_ONCE`] recipients, and begins to watch every
    /// recipient.
    fn send_out(
        &self,
        tx: &mut Transaction<'_, S>,
        plan: &Plan<'_>,
        envelope: &Stored,
        eight_bit: bool,
    ) -> Result<(), Error> {
        let facts = plan.facts;
        let sent = SentRow { facts: FactsRow::from(facts), mailbox: plan.mailbox.id, at: plan.now.as_millis() };
        put_large(tx, &sent_key(&facts.id), &sent)?;
        let mut by_domain: BTreeMap<&Domain, Vec<&Recipient>> = BTreeMap::new();
        for rcpt in &facts.recipients {
            by_domain.entry(rcpt.address.domain()).or_default().push(rcpt);
        }
        for (domain, all) in by_domain {
            for rcpts in all.chunks(AT_ONCE) {
                let item = self.ids.next_id();
                let work = Work::Relay {
                    domain: domain.as_str().into(),
                    local: self.is_local(domain),
                    from: Some(facts.sender.as_str().into()),
                    rcpts: rcpts.iter().map(|r| r.address.as_str().into()).collect(),
                    msg: envelope.id.0,
                    size: envelope.size,
                    eight_bit,
                    what: Carried::Envelope,
                };
                let (pec_id, owner) = (&facts.id, &facts.sender);
                let queued = queue::Queued { work, pec_id, owner, require_tls: plan.require_tls };
                queue::enqueue(tx, item, queued, plan.now)?;
                for rcpt in rcpts {
                    let row = DispatchRow::new(rcpt.class == RecipientClass::Certified, item);
                    deadlines::write(tx, &facts.id, &rcpt.address, row, plan.now)?;
                }
            }
        }
        Ok(())
    }
}

/// What does not fit into one commit can never be taken: a thousand recipients do, unless their addresses are very long.
fn too_many(rejected: Rejected) -> Rejected {
    match rejected {
        Rejected::Fault(Error::Store(sigillo_store::Error::TooLarge { .. })) => {
            let text = "Troppi destinatari, con indirizzi cosi' lunghi, per un solo messaggio: dividerli in piu' invii";
            Rejected::refused(554, (5, 5, 3), text)
        }
        other => other,
    }
}

/// What we know of a certified message that one of our users sent.
pub(crate) fn sent<S: Store>(store: &S, id: &PecId) -> Result<Option<SentRow>, Error> {
    Ok(get_large(store, &sent_key(id))?)
}

/// The state of a sent message for one recipient.
pub(crate) fn dispatch<S: Store>(
    tx: &mut Transaction<'_, S>,
    id: &PecId,
    rcpt: &Address,
) -> Result<Option<DispatchRow>, Error> {
    let key = dispatch_key(id, rcpt);
    Ok(tx.get(&key)?.map(|value| decode(&key, &value)).transpose()?)
}
