//! What waits: queue items, what is known of sent messages, and their timers.

use sigillo_base::{Address, MailboxId, PecId, Timestamp};
use sigillo_store::{Error, KeyReader, Store, tag};

use super::judge::{Judge, Other};
use super::{Problem, Remedy};
use crate::rows::{
    DispatchRow, ItemRow, LeaseRow, SentRow, Work, arrival_key, decode, dispatch_key, encode, item_key, large,
    message_key, sent_key, timer_key,
};
use crate::{deadlines, leases, queue};

impl<S: Store> Judge<'_, '_, S> {
    pub(super) fn queue_item(&mut self) -> Result<(), Error> {
        let id = KeyReader::new(self.key, tag::QUEUE_ITEM)?.u128()?;
        let item: ItemRow = decode(self.key, self.value)?;
        let (key, value) = queue::index_row(&item, id);
        self.derived((key.done(), value), "nulla dice quando è da fare")?;
        let msg = item.work.message();
        if matches!(item.work, Work::Deliver { .. }) {
            self.refers(arrival_key(msg), "i dati della busta non ci sono", Remedy::SetAside)?;
        }
        self.keeps(msg)?;
        self.refers(message_key(msg), "il messaggio da inoltrare non c'è", Remedy::SetAside)
    }

    pub(super) fn queue_due(&mut self) -> Result<(), Error> {
        let mut reader = KeyReader::new(self.key, tag::QUEUE_DUE)?;
        // A time or a turn.
        let (_, _, id) = (reader.u8()?, reader.u64()?, reader.u128()?);
        reader.end()?;
        let key = item_key(id);
        match self.other::<ItemRow>(&key)? {
            Other::Absent => self.find_about(Problem::Underived, key, "il lavoro non c'è", Remedy::SetAside),
            Other::Is(item) if queue::index_row(&item, id).0.as_ref() != self.key => {
                self.find_about(Problem::Underived, key, "il lavoro è da fare a un'altra ora", Remedy::SetAside);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        Ok(())
    }

    pub(super) fn lease(&mut self) -> Result<(), Error> {
        let key = item_key(leases::item_of(self.key)?);
        let lease: LeaseRow = decode(self.key, self.value)?;
        match self.other::<ItemRow>(&key)? {
            Other::Absent => self.find_about(Problem::Underived, key, "il lavoro non c'è", Remedy::SetAside),
            Other::Is(item) if item.due != lease.until => {
                let remedy = Remedy::Rebuild((self.key.to_vec(), encode(&LeaseRow { until: item.due, ..lease })));
                self.find_about(Problem::Differs, key, "non finisce quando il lavoro è da fare di nuovo", remedy);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        Ok(())
    }

    pub(super) fn dispatch(&mut self) -> Result<(), Error> {
        let mut reader = KeyReader::new(self.key, tag::DISPATCH)?;
        let (id, rcpt) = (reader.text()?, reader.text()?);
        reader.end()?;
        let id = PecId::parse(&id).ok_or_else(|| Error::corrupt(self.key, "not an identifier"))?;
        if rcpt.is_empty() {
            return self.sent(&id);
        }
        let rcpt = Address::parse(&rcpt).map_err(|_| Error::corrupt(self.key, "not an address"))?;
        let row: DispatchRow = decode(self.key, self.value)?;
        let key = sent_key(&id);
        let sent: SentRow = match self.bytes(&key)? {
            Other::Is(value) => match large(self.tx.store(), key.as_ref(), &value) {
                Ok(sent) => sent,
                Err(Error::Corrupt { .. }) => return Ok(()),
                Err(fault) => return Err(fault),
            },
            Other::Absent => {
                let what = "il messaggio spedito a questo destinatario non c'è";
                self.find_about(Problem::Dangling, key, what, Remedy::SetAside);
                return Ok(());
            }
            Other::Unreadable => return Ok(()),
        };
        let due = deadlines::due(&row, Timestamp::from_millis(sent.at));
        if row.timer != due.map(Timestamp::as_millis) {
            let row = DispatchRow { timer: due.map(Timestamp::as_millis), ..row };
            let remedy = Remedy::Rebuild((self.key.to_vec(), encode(&row)));
            self.find(Problem::Differs, "la scadenza non è quella che segue dallo stato", remedy);
        } else if let Some(due) = due {
            let timer = timer_key(due, &id, &rcpt).done();
            self.derived((timer, Vec::new()), "manca la scadenza del destinatario")?;
        }
        Ok(())
    }

    fn sent(&mut self, id: &PecId) -> Result<(), Error> {
        let row: SentRow = large(self.tx.store(), self.key, self.value)?;
        let facts = row.facts.facts(self.key)?;
        self.large_link()?;
        self.of_mailbox(MailboxId(row.mailbox), Remedy::Backup)?;
        for rcpt in &facts.recipients {
            let what = format!("lo stato del destinatario {} non c'è", rcpt.address);
            self.refers(dispatch_key(id, &rcpt.address), &what, Remedy::Backup)?;
        }
        Ok(())
    }

    pub(super) fn timer(&mut self) -> Result<(), Error> {
        let (at, due) = deadlines::read_timer(self.key)?;
        let key = dispatch_key(&due.id, &due.rcpt);
        match self.other::<DispatchRow>(&key)? {
            Other::Absent => {
                self.find_about(Problem::Underived, key, "il destinatario della scadenza non c'è", Remedy::SetAside);
            }
            Other::Is(row) if row.timer != Some(at.as_millis()) => {
                self.find_about(Problem::Underived, key, "il destinatario ha un'altra scadenza", Remedy::SetAside);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        Ok(())
    }
}
