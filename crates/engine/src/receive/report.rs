//! Ordinary mail that reached its mailboxes: told by RFC 3464 to a sender who asked for it (RFC 3461 §4.1,
//! `NOTIFY=SUCCESS`) and whose address is shown to be his. Failures are told by the answer of SMTP, since nothing is
//! accepted that is not delivered in the same commit; inside certified mail there are receipts instead (pec rule 6).

use sigillo_accounts::Mailbox;
use sigillo_base::Address;
use sigillo_pec::compose::{self, Action, Dsn, Fate, Report, Returned};
use sigillo_store::{Rope, Store};

use super::Handed;
use crate::front::Wish;
use crate::fronts::Transaction;
use crate::rows::{Carried, Work};
use crate::stored::put_message;
use crate::{Engine, Error, Screening, queue};

impl<S: Store> Engine<S> {
    /// What the sender wants to hear about these recipients; mostly nothing. Anybody can write anybody's address into a
    /// reverse-path: only who is shown to be there hears anything, or reports would be mail that nobody asked for.
    pub(super) fn delivered(
        &self,
        handed: Handed<'_>,
        boxes: &[(Address, Mailbox)],
        screening: Option<&Screening>,
    ) -> Option<Dsn> {
        let Handed { mail, now, .. } = handed;
        let wanted = |(rcpt, _): &(Address, Mailbox)| {
            let wish = mail.wishes.about(rcpt).filter(|w| w.notify.is_some_and(|n| n.success))?;
            Some(fate(rcpt, wish))
        };
        let fates: Vec<Fate> = boxes.iter().filter_map(wanted).collect();
        let to = mail.from.as_ref().filter(|_| !fates.is_empty())?;
        let why = if self.current().index.provider_of(to.domain()).is_some() {
            Some("its domain is certified")
        } else if !to.is_ascii() {
            Some("its address is not ASCII") // the relay could not keep what was promised (RFC 6531 §3.5)
        } else if !screening.is_some_and(|s| s.vouches_for(to)) {
            Some("neither SPF nor DMARC shows that it is its own")
        } else {
            None
        };
        if let Some(why) = why {
            tracing::info!(%to, why, "a report of delivery that was asked for is not sent");
            return None;
        }
        let report = Report {
            to: to.clone(),
            message_id: self.new_pec_id(),
            at: now,
            host: self.host.clone(),
            envelope_id: mail.wishes.envid.clone(),
            arrived: now,
            fates,
            // RFC 3461 §6.2: RET speaks of failures. Of a message that asks for TLS it is the header alone anyway (RFC 8689 §5).
            returned: Returned::Header,
        };
        let dsn = compose::dsn(&self.provider, &report, &mail.bytes);
        Some(Dsn { content: self.under_dkim(dsn.content, &mail.bytes), ..dsn })
    }

    /// Queues it to the sender's server, from nobody; `owner` is the mailbox whose turn it takes.
    pub(super) fn queue_report(
        &self,
        tx: &mut Transaction<'_, S>,
        dsn: &Dsn,
        source: &Rope,
        owner: &Address,
        handed: Handed<'_>,
    ) -> Result<(), Error> {
        let stored = put_message(tx, self.new_msg(), &dsn.content, source)?;
        let work = Work::Relay {
            domain: dsn.to.domain().as_str().into(),
            local: false,
            from: None,
            rcpts: vec![dsn.to.as_str().into()],
            msg: stored.id.0,
            size: stored.size,
            eight_bit: dsn.eight_bit,
            what: Carried::Notice,
        };
        let id = self.new_pec_id();
        let queued = queue::Queued { work, pec_id: &id, owner, require_tls: handed.mail.wishes.require_tls };
        queue::enqueue(tx, self.ids.next_id(), queued, handed.now)?;
        Ok(())
    }
}

fn fate(rcpt: &Address, wish: &Wish) -> Fate {
    Fate {
        recipient: rcpt.clone(),
        original: wish.orcpt.as_ref().map(|o| format!("{};{}", o.kind, o.address)),
        action: Action::Delivered,
        status: "2.1.5".into(),
        remote: None,
        diagnostic: None,
        last_attempt: None,
        until: None,
    }
}
