//! The legal log (RFC 6109 §2.3): one row for every event, in the commit of the facts it tells of.

use sigillo_base::Timestamp;
use sigillo_pec::log::Record;
use sigillo_pec::{Certification, Kind, Signed};
use sigillo_store::{KeyBuilder, Store, Transaction, tag};

use crate::rows::{decode, encode};
use crate::{Engine, Error};

impl<S: Store> Engine<S> {
    /// Writes the row of something we issued; an anomaly envelope has nothing certified and its own row.
    pub(crate) fn log_issued(&self, tx: &mut Transaction<'_, S>, signed: &Signed, at: Timestamp) {
        if let Some(certification) = &signed.certification {
            self.log(tx, certification, signed.kind, signed.message_id.as_str(), at);
        }
    }

    /// Writes the row of something certified, ours or another provider's.
    pub(crate) fn log(
        &self,
        tx: &mut Transaction<'_, S>,
        certification: &Certification,
        kind: Kind,
        message_id: &str,
        at: Timestamp,
    ) {
        self.log_record(tx, &Record::certified(at, &self.host, kind, message_id, certification), at);
    }

    /// Writes one row.
    pub(crate) fn log_record(&self, tx: &mut Transaction<'_, S>, record: &Record, at: Timestamp) {
        let number = self.ids.next_id();
        let key = KeyBuilder::new(tag::LEGAL_LOG).text(&at.legal().iso_day).time(at).u128(number);
        // A line to a thousand recipients passes the value limit: it is cut into pieces, read back in order.
        for (n, piece) in (0u32..).zip(record.to_line().as_bytes().chunks(32 * 1024)) {
            tx.put(key.clone().u32(n), encode(&piece));
        }
    }

    /// The lines of one legal day (`2026-03-12`), in order of time.
    ///
    /// # Errors
    /// The store's fault.
    pub fn legal_log(&self, day: &str) -> Result<Vec<String>, Error> {
        let (mut from, to) = KeyBuilder::new(tag::LEGAL_LOG).text(day).range();
        let mut lines: Vec<Vec<u8>> = Vec::new();
        loop {
            let rows = self.store.scan(&from, &to, 1000)?;
            let Some((last, _)) = rows.last() else { break };
            from = sigillo_store::key::successor(last);
            for (key, value) in &rows {
                let piece: Vec<u8> = decode(key, value)?;
                match lines.last_mut() {
                    Some(line) if !key.ends_with(&[0; 4]) => line.extend(piece),
                    _ => lines.push(piece),
                }
            }
        }
        Ok(lines.into_iter().map(|line| String::from_utf8_lossy(&line).into_owned()).collect())
    }
}
