//! What is not certified, or not what a certified message must be: refused, or delivered in an anomaly envelope (*busta
//! di anomalia*, RFC 6109 §3.2.2).

use data_encoding::HEXLOWER;
use sigillo_accounts::{Mailbox, State};
use sigillo_base::{Address, MailboxId};
use sigillo_pec::log::Record;
use sigillo_pec::{Recipient, RecipientClass, compose};
use sigillo_store::{Store, transact};

use super::seen::mark;
use super::{Handed, Received, source, unknown};
use crate::stored::{Place, archive, post, put_message, usage};
use crate::{Engine, Rejected};

impl<S: Store> Engine<S> {
    /// A provider's message of wrong form must go on (pec rule 1.5).
    pub(super) fn take_malformed(
        &self,
        handed: Handed<'_>,
        provider: &str,
        reason: &str,
    ) -> Result<Received, Rejected> {
        tracing::warn!(provider, reason, "malformed message of a provider");
        self.take_anomaly(handed, reason, |_, _| Ok(()))
    }

    /// Ordinary mail goes where every recipient wants it; the end of the message has one answer for all.
    pub(super) fn take_ordinary(&self, handed: Handed<'_>, reason: &str) -> Result<Received, Rejected> {
        self.take_anomaly(handed, reason, |rcpt, mailbox| {
            if self.takes_ordinary(rcpt, mailbox)? {
                return Ok(());
            }
            tracing::info!(reason, %rcpt, "ordinary mail refused");
            let text = "Messaggio rifiutato dal sistema. Indirizzo destinatario sconosciuto o non abilitato alla \
                        ricezione di posta non certificata";
            Err(Rejected::refused(554, (5, 7, 1), format!("{text} ({reason})")))
        })
    }

    fn take_anomaly(
        &self,
        handed: Handed<'_>,
        reason: &str,
        wanted: impl Fn(&Address, &Mailbox) -> Result<(), Rejected>,
    ) -> Result<Received, Rejected> {
        let Handed { mail, now, .. } = handed;
        let name = format!("anomaly {}", HEXLOWER.encode(&sigillo_smime::sha256(&mail.bytes)));
        let fresh = self.fresh(mail, &name)?;
        if fresh.rcpts.is_empty() {
            return Ok(Received::Again);
        }
        // Only who has not got it yet: a repeat for some of the recipients is no second copy for the others.
        let mut boxes = Vec::new();
        for rcpt in &fresh.rcpts {
            let mailbox = self.find_mailbox(rcpt)?.ok_or_else(|| unknown(rcpt))?;
            wanted(rcpt, &mailbox)?;
            if mailbox.state != State::Active {
                return Err(Rejected::refused(550, (5, 2, 1), format!("La casella {rcpt} non è attiva")));
            }
            boxes.push((rcpt, mailbox));
        }
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
        let subject = sigillo_mime::Header::parse(&mail.bytes).ok().and_then(|h| h.text("Subject"));
        let rcpts: Vec<Recipient> =
            mail.to.iter().map(|a| Recipient { address: a.clone(), class: RecipientClass::Certified }).collect();
        let record = Record::anomaly(now, &self.host, from, &rcpts, subject.as_deref(), &p.name, reason);
        let msg = self.new_msg();
        let ids: Vec<MailboxId> = boxes.iter().map(|(_, m)| MailboxId(m.id)).collect();
        let _lanes = self.lanes.hold(&ids);
        transact(&self.store, 8, |tx| {
            let source = source(tx, handed, None)?;
            let message = put_message(tx, msg, &envelope.content, &source)?;
            for (rcpt, mailbox) in &boxes {
                let id = MailboxId(mailbox.id);
                if usage(tx, id)?.bytes.saturating_add(message.size) > mailbox.profile.limits().box_bytes {
                    return Err(Rejected::refused(452, (4, 2, 2), format!("La casella {rcpt} è piena")));
                }
                post(tx, &Place::inbox(id, now), message.id, message.size)?;
                archive(tx, id, now, message.id);
                mark(tx, &name, rcpt, &fresh.hash)?;
            }
            self.log_record(tx, &record, now);
            Ok::<_, Rejected>(())
        })?;
        tracing::info!(reason, rcpts = boxes.len(), "delivered in an anomaly envelope");
        ids.iter().for_each(|m| self.bell.mailbox_changed(*m));
        Ok(Received::Anomaly)
    }
}
