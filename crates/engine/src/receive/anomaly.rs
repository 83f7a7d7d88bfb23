//! What is not certified, or not what a certified message must be: refused, or delivered in an anomaly envelope (*busta
//! di anomalia*, RFC 6109 §3.2.2).

use data_encoding::HEXLOWER;
use sigillo_accounts::{Mailbox, Profile};
use sigillo_base::{Address, MailboxId, PecId};
use sigillo_mime::Composed;
use sigillo_pec::log::Record;
use sigillo_pec::{Recipient, RecipientClass, compose};
use sigillo_store::{Store, Transaction, transact};

use super::screen::Fate;
use super::seen::{Fresh, mark};
use super::{Handed, Received, source, unknown, unwanted};
use crate::notices::Came;
use crate::rows::sent_key;
use crate::stored::{Place, archive, post, put_message, usage};
use crate::summary::{self, put_summary};
use crate::{ATTEMPTS, Engine, Error, Fact, Rejected, Screening, submit};

impl<S: Store> Engine<S> {
    /// A provider's message of wrong form must go on (pec rule 1.5): to everybody it can go to. Only when there is nobody
    /// is it refused.
    pub(super) fn take_malformed(
        &self,
        handed: Handed<'_>,
        provider: &str,
        reason: &str,
    ) -> Result<Received, Rejected> {
        tracing::warn!(provider, reason, "malformed message of a provider");
        let Some((name, fresh)) = self.fresh_anomaly(handed)? else { return Ok(Received::Again) };
        let (mut boxes, mut refusal) = (Vec::new(), None);
        for rcpt in &fresh.rcpts {
            match self.open_box(rcpt, handed) {
                Ok(mailbox) => boxes.push((rcpt.clone(), mailbox)),
                Err(Rejected::Refused(reply)) => {
                    tracing::warn!(%rcpt, %reply, "an anomaly envelope that cannot be delivered");
                    refusal = Some(Rejected::Refused(reply));
                }
                Err(fault) => return Err(fault),
            }
        }
        match refusal {
            Some(refusal) if boxes.is_empty() => Err(refusal),
            _ => self.wrap_anomaly(handed, reason, &name, fresh.hash, &boxes, None),
        }
    }

    /// Ordinary mail goes where every recipient wants it, if nothing speaks against it; the end of the message has one
    /// answer for all.
    pub(super) fn take_ordinary(&self, handed: Handed<'_>, reason: &str) -> Result<Received, Rejected> {
        let Some((name, fresh)) = self.fresh_anomaly(handed)? else { return Ok(Received::Again) };
        let (mut boxes, mut awaited) = (Vec::new(), true);
        for rcpt in &fresh.rcpts {
            let mailbox = self.find_mailbox(rcpt)?.ok_or_else(|| unwanted(rcpt, Some(reason)))?;
            let is_bounce = self.is_bounce(handed, &mailbox)?;
            awaited &= is_bounce;
            if !is_bounce && !self.takes_ordinary(rcpt, &mailbox)? {
                tracing::info!(reason, %rcpt, "ordinary mail refused");
                return Err(unwanted(rcpt, Some(reason)));
            }
            boxes.push((rcpt.clone(), self.open_box(rcpt, handed)?));
        }
        let screening = self.screen(handed, awaited)?;
        self.wrap_anomaly(handed, reason, &name, fresh.hash, &boxes, screening.as_ref())
    }

    /// Only who has not got it yet: a repeat for some of the recipients is no second copy for the others. The name it is
    /// remembered by goes with them; `None` when everybody has it.
    fn fresh_anomaly(&self, handed: Handed<'_>) -> Result<Option<(String, Fresh)>, Error> {
        let bytes = &handed.mail.bytes;
        let name = format!("anomaly {}", HEXLOWER.encode(&sigillo_smime::sha256(bytes)));
        let fresh = self.fresh(&handed.mail.to, &name, bytes)?;
        Ok(Some((name, fresh)).filter(|(_, fresh)| !fresh.rcpts.is_empty()))
    }

    /// A mailbox that can take the message wrapped.
    fn open_box(&self, rcpt: &Address, handed: Handed<'_>) -> Result<Mailbox, Rejected> {
        let mailbox = self.find_mailbox(rcpt)?.ok_or_else(|| unknown(rcpt))?;
        if mailbox.profile.base == Profile::Service {
            return Err(Rejected::refused(550, (5, 7, 1), "La casella di servizio riceve soltanto ricevute e avvisi"));
        }
        if !mailbox.works(handed.now.as_millis()) {
            return Err(Rejected::refused(550, (5, 2, 1), format!("La casella {rcpt} non è attiva")));
        }
        // Before anything is stored: what does not fit must not lie about.
        let mut look = Transaction::new(&self.store);
        if !has_room(&mut look, &mailbox, self.terms(&mailbox).1.box_bytes, handed.mail.bytes.len() as u64)? {
            return Err(full(rcpt));
        }
        Ok(mailbox)
    }

    /// Whether this is the bounce of a message that this user sent to an external recipient: it quotes an identifier that
    /// we gave him. Such a one is delivered whatever the mailbox does with ordinary mail, or nobody would tell the sender
    /// (pec rule 6).
    fn is_bounce(&self, handed: Handed<'_>, mailbox: &Mailbox) -> Result<bool, Error> {
        if handed.mail.from.is_some() {
            return Ok(false);
        }
        for id in quoted(&handed.mail.bytes, self.service_domain.as_str()).into_iter().take(QUOTED) {
            let Some(sent) = submit::sent(&self.store, &id)? else { continue };
            let facts = sent.facts.facts(sent_key(&id))?;
            let external = facts.recipients.iter().any(|r| r.class == RecipientClass::External);
            if sent.mailbox == mailbox.id && external {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn wrap_anomaly(
        &self,
        handed: Handed<'_>,
        reason: &str,
        name: &str,
        hash: [u8; 32],
        boxes: &[(Address, Mailbox)],
        screening: Option<&Screening>,
    ) -> Result<Received, Rejected> {
        let Handed { mail, now, .. } = handed;
        if let Some(malware) = self.scan_handed(handed)? {
            tracing::warn!(malware = malware.name, reason, "infected message that is not certified, refused");
            let text = format!("Messaggio rifiutato: contenuto pericoloso ({})", malware.name);
            return Err(Rejected::refused(554, (5, 7, 1), text));
        }
        let (p, from) = (&self.provider, mail.from.as_ref());
        let draft = compose::anomaly_envelope(p, now, self.new_pec_id(), from, &mail.to, &mail.bytes, reason);
        // Its header cannot be read, and will not be tomorrow either.
        let draft = draft.map_err(|e| Rejected::refused(554, (5, 6, 0), format!("Messaggio non conforme: {e}")))?;
        let envelope = self.sign(draft, &mail.bytes, now)?;
        let mut content = Composed::default();
        content.own(screening.map(|s| s.fields(&self.host)).unwrap_or_default());
        content.append(envelope.content);
        let header = sigillo_mime::Header::parse(&mail.bytes).ok();
        let subject = header.as_ref().and_then(|h| h.text("Subject"));
        let came = if header.is_some_and(|h| self.is_our_copy(&h)) { Came::Copy } else { Came::Message };
        let rcpts: Vec<Recipient> =
            mail.to.iter().map(|a| Recipient { address: a.clone(), class: RecipientClass::Certified }).collect();
        let record = Record::anomaly(now, &self.host, from, &rcpts, subject.as_deref(), &p.name, reason);
        let summary = summary::of(&content.to_bytes(&mail.bytes));
        let report = self.delivered(handed, boxes, screening);
        let msg = self.new_msg();
        let ids: Vec<MailboxId> = boxes.iter().map(|(_, m)| MailboxId(m.id)).collect();
        let _lanes = self.lanes.hold(&ids);
        transact(&self.store, ATTEMPTS, |tx| {
            let source = source(tx, handed, None)?;
            let message = put_message(tx, msg, &content, &source)?;
            put_summary(tx, msg, &summary)?;
            for (rcpt, mailbox) in boxes {
                let id = MailboxId(mailbox.id);
                if !has_room(tx, mailbox, self.terms(mailbox).1.box_bytes, message.size)? {
                    return Err(full(rcpt));
                }
                post(tx, &Place::inbox(id, now), message.id, message.size)?;
                self.note_arrival(tx, id, message.id, came, now)?;
                archive(tx, id, now, message.id);
                mark(tx, name, rcpt, &hash, now)?;
            }
            if let (Some(report), Some((owner, _))) = (&report, boxes.first()) {
                self.queue_report(tx, report, &source, owner, handed)?;
            }
            self.log_record(tx, &record, now);
            Ok::<_, Rejected>(())
        })?;
        self.meter.note(Fact::Issued(envelope.kind));
        tracing::info!(reason, rcpts = boxes.len(), "delivered in an anomaly envelope");
        if let Some(screening) = screening {
            self.count(Fate::of_taken(screening), now);
        }
        ids.iter().for_each(|m| self.bell.mailbox_changed(*m));
        Ok(Received::Anomaly)
    }
}

fn has_room<S: Store>(tx: &mut Transaction<'_, S>, mailbox: &Mailbox, room: u64, size: u64) -> Result<bool, Error> {
    Ok(usage(tx, MailboxId(mailbox.id))?.bytes.saturating_add(size) <= room)
}

fn full(rcpt: &Address) -> Rejected {
    Rejected::refused(452, (4, 2, 2), format!("La casella {rcpt} è piena"))
}

/// Identifiers that a bounce is searched for.
const QUOTED: usize = 8;

/// Identifiers of this domain between angle brackets, each once.
fn quoted(bytes: &[u8], domain: &str) -> Vec<PecId> {
    let mark = format!("@{domain}>");
    let mut found: Vec<PecId> = Vec::new();
    for at in memchr::memmem::find_iter(bytes, mark.as_bytes()) {
        let end = at + mark.len() - 1;
        let begin = bytes[at.saturating_sub(64)..at].iter().rposition(|b| *b == b'<');
        let id = begin.map(|n| at.saturating_sub(64) + n + 1).and_then(|n| std::str::from_utf8(&bytes[n..end]).ok());
        if let Some(id) = id.and_then(PecId::parse).filter(|id| !found.contains(id)) {
            found.push(id);
        }
    }
    found
}
