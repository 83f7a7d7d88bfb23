//! The rows of the legal log before the judge of a store. Nothing of the log is ever moved or written anew, but what only
//! points into it.

use sigillo_accounts::Mailbox;
use sigillo_base::MailboxId;
use sigillo_pec::Kind;
use sigillo_pec::log::{Entry, Record, chained, link};
use sigillo_store::{Error, KeyReader, Store, tag};

use super::rows::{
    LinkRow, PIECE, Place, RowKey, SegmentRow, TipRow, by_id_key, chain_key, pending_key, read_key, read_line,
    stamp_key,
};
use crate::check::{Judge, Other, Problem, Remedy};
use crate::ledger::LegalLog;
use crate::rows::{address_key, decode, mailbox_key};

/// Lines about one message among which a receipt's delivery is looked for.
const OF_ONE: usize = 10_000;

impl<S: Store> Judge<'_, '_, S> {
    /// A piece of a line, or its number in the chain.
    pub(crate) fn log_line(&mut self) -> Result<(), Error> {
        let (place, row) = read_key(self.key)?;
        match row {
            RowKey::Linked => {
                let sequence: u64 = decode(self.key, self.value)?;
                let key = chain_key(sequence);
                match self.other::<LinkRow>(&key)? {
                    Other::Is(link) if link.place() != place => {
                        let what = format!("alla posizione {sequence} della catena sta un'altra riga");
                        self.find_about(Problem::Differs, key, what, Remedy::Backup);
                    }
                    Other::Absent => {
                        let what = format!("la posizione {sequence} della catena manca");
                        self.find_about(Problem::Dangling, key, what, Remedy::Backup);
                    }
                    Other::Is(_) | Other::Unreadable => {}
                }
                self.refers(place.piece(0), "il testo della riga manca", Remedy::Backup)
            }
            RowKey::Piece(0) => self.line(place),
            RowKey::Piece(number) => {
                decode::<Vec<u8>>(self.key, self.value)?;
                match self.other::<Vec<u8>>(place.piece(number - 1))? {
                    Other::Is(before) if before.len() == PIECE => Ok(()),
                    Other::Unreadable => Ok(()),
                    _ => {
                        self.find(Problem::Dangling, "il pezzo precedente della riga manca", Remedy::Backup);
                        Ok(())
                    }
                }
            }
        }
    }

    fn line(&mut self, place: Place) -> Result<(), Error> {
        decode::<Vec<u8>>(self.key, self.value)?;
        let Some(line) = read_line(self.tx.store(), place)? else {
            return Err(Error::corrupt(self.key, "an empty line"));
        };
        let linked = self.bytes(place.linked())?;
        if matches!(linked, Other::Absent) {
            let what = "la riga non è nella catena e non attende di entrarvi";
            self.derived((pending_key(place).done(), Vec::new()), what)?;
        }
        let entry = Entry::parse_line(&line).map_err(|e| Error::corrupt(self.key, e.to_string()))?;
        let Entry::Event(record) = entry else { return Ok(()) };
        if !record.id.is_empty() {
            let by_id = place.onto(by_id_key(&record.id)).done();
            self.derived((by_id, Vec::new()), "la riga non si trova dall'identificativo")?;
        }
        self.delivery(&record)
    }

    /// A delivery receipt of ours is never without its message: the mailbox's archive has it at the receipt's very time.
    /// A receipt that came back to us (sender and recipient share the provider) is told by the line of its issue.
    fn delivery(&mut self, record: &Record) -> Result<(), Error> {
        let Some(rcpt) = record.delivered.as_ref().filter(|_| record.kind == Kind::Delivery) else { return Ok(()) };
        if record.exceptions.is_some() {
            return Ok(());
        }
        let Other::Is(mailbox) = self.other::<u64>(address_key(rcpt))? else { return Ok(()) };
        let mailbox = MailboxId(mailbox);
        // Delivered to another mailbox of this address, which was cancelled since.
        if let Other::Is(row) = self.other::<Mailbox>(mailbox_key(mailbox))?
            && row.created > record.at.as_millis()
        {
            return Ok(());
        }
        if self.archived_at(mailbox, record.at, &record.id)? {
            return Ok(());
        }
        let about = LegalLog::new(self.tx.store()).of(&record.id, None, OF_ONE);
        let Ok(lines) = about else { return Ok(()) };
        for line in lines {
            let at = line.place.at;
            let same = |r: &Record| r.kind == Kind::Delivery && r.delivered.as_ref() == Some(rcpt);
            if at != record.at
                && Record::parse_line(&line.line).is_ok_and(|r| same(&r))
                && self.archived_at(mailbox, at, &record.id)?
            {
                return Ok(());
            }
        }
        let what = format!("ricevuta di avvenuta consegna a {rcpt}, e la busta {} non è nella casella", record.id);
        self.find(Problem::Dangling, what, Remedy::Backup);
        Ok(())
    }

    pub(crate) fn log_link(&mut self) -> Result<(), Error> {
        let sequence = KeyReader::new(self.key, tag::LOG_CHAIN)?.u64()?;
        let row: LinkRow = decode(self.key, self.value)?;
        let place = row.place();
        let linked = place.linked();
        match self.other::<u64>(&linked)? {
            Other::Is(said) if said != sequence => {
                let what = format!("la riga dice di stare alla posizione {said}");
                self.find_about(Problem::Differs, linked, what, Remedy::Backup);
            }
            Other::Absent => {
                self.find_about(Problem::Dangling, linked, "la riga della catena manca", Remedy::Backup);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        let before = match sequence.checked_sub(1) {
            None => Other::Is([0; 32]),
            Some(last) => match self.other::<LinkRow>(chain_key(last))? {
                Other::Is(link) => Other::Is(link.hash),
                Other::Absent => Other::Absent,
                Other::Unreadable => Other::Unreadable,
            },
        };
        match (before, read_line(self.tx.store(), place)) {
            (Other::Absent, _) => {
                self.find(Problem::Dangling, "l'anello precedente della catena manca", Remedy::Backup);
            }
            (Other::Is(before), Ok(Some(line))) if link(&before, chained(&line, &before).as_bytes()) != row.hash => {
                self.find(Problem::Differs, "la riga non è quella che fu incatenata", Remedy::Backup);
            }
            (_, Err(fault)) if !matches!(fault, Error::Corrupt { .. }) => return Err(fault),
            _ => {}
        }
        Ok(())
    }

    /// The end of the chain is its last link.
    pub(crate) fn log_tip(&mut self) -> Result<(), Error> {
        let tip: TipRow = decode(self.key, self.value)?;
        let Some(last) = tip.next.checked_sub(1) else { return Ok(()) };
        let key = chain_key(last);
        match self.other::<LinkRow>(&key)? {
            Other::Absent => {
                self.find_about(Problem::Dangling, key, "l'ultimo anello della catena manca", Remedy::Backup)
            }
            Other::Is(link) if link.hash != tip.head => {
                let what = "la fine della catena non è quella della sua ultima riga";
                self.find_about(Problem::Differs, key, what, Remedy::Backup);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        Ok(())
    }

    pub(crate) fn log_by_id(&mut self) -> Result<(), Error> {
        let mut reader = KeyReader::new(self.key, tag::LOG_BY_ID)?;
        let id = reader.text()?;
        let place = Place::read(&mut reader)?;
        reader.end()?;
        let key = place.piece(0);
        if self.absent(&key)? {
            self.find_about(Problem::Underived, key, "la riga del log non c'è", Remedy::SetAside);
            return Ok(());
        }
        match read_line(self.tx.store(), place) {
            Ok(Some(line)) => {
                if let Ok(Entry::Event(record)) = Entry::parse_line(&line)
                    && record.id != id
                {
                    let what = format!("la riga del log è del messaggio {}", record.id);
                    self.find_about(Problem::Underived, key, what, Remedy::SetAside);
                }
                Ok(())
            }
            Ok(None) | Err(Error::Corrupt { .. }) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    pub(crate) fn log_segment(&mut self) -> Result<(), Error> {
        let mut reader = KeyReader::new(self.key, tag::LOG_SEGMENT)?;
        let (what, number) = (reader.u8()?, reader.u64()?);
        reader.end()?;
        if what != 0 {
            return decode::<Vec<u8>>(self.key, self.value).map(drop);
        }
        let row: SegmentRow = decode(self.key, self.value)?;
        let key = chain_key(row.last);
        match self.other::<LinkRow>(&key)? {
            Other::Absent => {
                self.find_about(Problem::Dangling, key, "l'ultima riga del segmento manca", Remedy::Backup)
            }
            Other::Is(link) if link.hash != row.head => {
                self.find_about(Problem::Differs, key, "il segmento non finisce come fu chiuso", Remedy::Backup);
            }
            Other::Is(_) | Other::Unreadable => {}
        }
        if row.stamped.is_some() {
            self.refers(stamp_key(number), "la marca temporale del segmento manca", Remedy::Backup)?;
        }
        Ok(())
    }

    pub(crate) fn log_pending(&mut self) -> Result<(), Error> {
        let place = Place::read(&mut KeyReader::new(self.key, tag::LOG_PENDING)?)?;
        let (line, linked) = (place.piece(0), place.linked());
        if self.absent(&line)? {
            self.find_about(Problem::Underived, line, "la riga che attende non c'è", Remedy::SetAside);
        } else if !self.absent(&linked)? {
            self.find_about(Problem::Underived, linked, "la riga attende, ed è già nella catena", Remedy::SetAside);
        }
        Ok(())
    }
}
