//! Scanning what enters, and the virus store (*deposito virus*, RFC 6109 §2.2.4): infected messages as they came, with
//! who, what and when, for 30 months.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigillo_base::{PecId, Timestamp, said};
use sigillo_pec::log::{Custody, ServiceEvent};
use sigillo_store::{BodyId, KeyBuilder, KeyReader, Rope, Store, body, tag, transact};

use crate::front::Arrived;
use crate::fronts::Transaction;
use crate::rows::{get_large, large, put_large, remove_large};
use crate::stored::put_body;
use crate::{ATTEMPTS, Engine, Error, Rejected, Verdict};

/// How long infected messages are kept: 30 months (RFC 6109 §2.2.4; DPR 68/2005 art. 12), each as long as the longest.
pub const RETENTION: Duration = Duration::from_secs(30 * 31 * 24 * 3600);

/// Malware in a message: the scanner's name for it, and the scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malware {
    pub name: String,
    pub engine: String,
}

/// Where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Point {
    /// In a submission of one of our users.
    Access,
    /// In another provider's transport envelope.
    Envelope,
    /// In another provider's receipt: in the original it gives back, as a rule.
    Receipt,
}

impl Point {
    /// The word of the administrative interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Envelope => "envelope",
            Self::Receipt => "receipt",
        }
    }
}

/// An infected message in the virus store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its number there.
    pub id: u128,
    /// When it was found.
    pub at: Timestamp,
    /// Where.
    pub point: Point,
    /// The scanner's name for what was found.
    pub malware: String,
    /// Scanner and version.
    pub engine: String,
    /// The certified identifier.
    pub pec_id: String,
    /// MAIL FROM.
    pub from: String,
    /// RCPT TO.
    pub to: Vec<String>,
    /// Who brought it.
    pub peer: String,
    /// Octets.
    pub size: u64,
}

#[derive(Serialize, Deserialize)]
struct QuarantineRow {
    point: Point,
    malware: String,
    engine: String,
    pec_id: String,
    from: String,
    to: Vec<String>,
    peer: String,
    rope: Vec<u8>,
    size: u64,
}

fn quarantine_key(at: Timestamp, id: u128) -> KeyBuilder {
    KeyBuilder::new(tag::QUARANTINE).time(at).u128(id)
}

impl<S: Store> Engine<S> {
    /// Has a message scanned; what it holds, if anything.
    ///
    /// # Errors
    /// [`Rejected::Refused`] with 451 when there is no verdict and the provider takes nothing unscanned.
    pub(crate) fn scan(&self, message: &[u8]) -> Result<Option<Malware>, Rejected> {
        let Some(antivirus) = &self.antivirus else { return Ok(None) };
        match antivirus.scan(message) {
            Ok(Verdict::Clean) => Ok(None),
            Ok(Verdict::Infected { malware, engine }) => Ok(Some(Malware { name: malware, engine })),
            Err(unavailable) if self.rules.take_unscanned => {
                tracing::error!(%unavailable, "taken UNSCANNED, as configured");
                Ok(None)
            }
            Err(unavailable) => {
                tracing::error!(%unavailable, "nothing is taken unscanned");
                Err(Rejected::refused(451, (4, 7, 1), "Controllo antivirus non disponibile ora, riprovare"))
            }
        }
    }

    /// Puts an infected message into the virus store, as it came, and says so in the legal log.
    pub(crate) fn quarantine(
        &self,
        tx: &mut Transaction<'_, S>,
        (id, at): (u128, Timestamp),
        point: Point,
        mail: &Arrived,
        malware: &Malware,
        pec_id: &PecId,
    ) -> Result<(), sigillo_store::Error> {
        let rope = put_body(tx, &mail.bytes)?;
        let key = quarantine_key(at, id);
        for body in rope.bodies() {
            body::link(tx, body, key.as_ref())?;
        }
        let row = QuarantineRow {
            point,
            malware: malware.name.clone(),
            engine: malware.engine.clone(),
            pec_id: pec_id.as_str().into(),
            from: mail.from.as_ref().map(|a| a.as_str().into()).unwrap_or_default(),
            to: mail.to.iter().map(|a| a.as_str().into()).collect(),
            peer: mail.peer.ip.to_string(),
            rope: rope.encode()?,
            size: rope.len(),
        };
        put_large(tx, &key, &row)?;
        self.log_custody(tx, Custody::Stored, pec_id.as_str(), &malware.name, at);
        Ok(())
    }

    fn log_custody(&self, tx: &mut Transaction<'_, S>, what: Custody, id: &str, why: &str, at: Timestamp) {
        let event = ServiceEvent::Quarantine { what, id: id.to_owned(), why: why.to_owned() };
        self.log_event(tx, event, at);
    }

    /// At most `limit` infected messages after this one (time and number), oldest first.
    ///
    /// # Errors
    /// The store's fault.
    pub fn quarantined(&self, after: Option<(Timestamp, u128)>, limit: usize) -> Result<Vec<Quarantined>, Error> {
        let (first, to) = KeyBuilder::new(tag::QUARANTINE).range();
        let from = after.map_or(first, |(at, id)| sigillo_store::key::successor(quarantine_key(at, id)));
        Ok(self.sound(&from, &to, limit, |key, value| shown(key, large(&self.store, key, value)?))?)
    }

    /// The bytes of an infected message, exactly as it came: for the authorities and for who examines the malware. Who
    /// asked (`by`) is written into the legal log before anything is given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such message; the store's fault.
    pub fn quarantined_bytes(&self, at: Timestamp, id: u128, by: &str, now: Timestamp) -> Result<Vec<u8>, Error> {
        let key = quarantine_key(at, id);
        let row: Option<QuarantineRow> = get_large(&self.store, &key)?;
        let row = row.ok_or_else(|| {
            Error::Invalid(said!(
                "nessun messaggio {id:032x} nel deposito virus",
                "no message {id:032x} in the virus store"
            ))
        })?;
        transact(&self.store, ATTEMPTS, |tx| {
            self.log_custody(tx, Custody::Read, &row.pec_id, by, now);
            Ok::<_, Error>(())
        })?;
        tracing::warn!(pec_id = row.pec_id, malware = row.malware, by, "infected message taken out for reading");
        self.read_all(&rope(&key, &row)?)
    }

    /// Forgets the infected messages whose 30 months are over; gives how many.
    ///
    /// # Errors
    /// The store's fault.
    pub fn expire_quarantine(&self, now: Timestamp) -> Result<usize, Error> {
        let over = now.minus(RETENTION);
        let (from, _) = KeyBuilder::new(tag::QUARANTINE).range();
        let rows = self.store.scan(&from, KeyBuilder::new(tag::QUARANTINE).time(over).as_ref(), 256)?;
        for (raw, value) in &rows {
            // A damaged row must not keep the others for ever.
            if let Err(error) = self.expire_one(raw, value, now) {
                tracing::error!(%error, "a row of the virus store cannot be removed");
            }
        }
        Ok(rows.len())
    }

    fn expire_one(&self, raw: &[u8], value: &[u8], now: Timestamp) -> Result<(), Error> {
        let row: QuarantineRow = large(&self.store, raw, value)?;
        let found = shown(raw, row)?;
        let key = quarantine_key(found.at, found.id);
        let bodies = transact(&self.store, ATTEMPTS, |tx| {
            let row: Option<QuarantineRow> = get_large(tx.store(), &key)?;
            let bodies: Vec<BodyId> =
                row.map(|row| rope(&key, &row)).transpose()?.iter().flat_map(Rope::bodies).collect();
            for body in &bodies {
                body::unlink(tx, *body, key.as_ref());
            }
            if remove_large(tx, &key)? {
                self.log_custody(tx, Custody::Removed, &found.pec_id, "trenta mesi trascorsi", now);
            }
            Ok::<_, Error>(bodies)
        })?;
        for body in bodies {
            body::collect(&self.store, body)?;
        }
        tracing::info!(pec_id = found.pec_id, malware = found.malware, "30 months over in the virus store");
        Ok(())
    }
}

fn rope(key: &KeyBuilder, row: &QuarantineRow) -> Result<Rope, sigillo_store::Error> {
    Rope::decode(&row.rope).map_err(|e| sigillo_store::Error::corrupt(key, e.to_string()))
}

/// Where the bytes of an infected message are.
pub(crate) fn rope_of<S: Store>(store: &S, key: &[u8], value: &[u8]) -> Result<Rope, sigillo_store::Error> {
    let row: QuarantineRow = large(store, key, value)?;
    Rope::decode(&row.rope).map_err(|e| sigillo_store::Error::corrupt(key, e.to_string()))
}

fn shown(key: &[u8], row: QuarantineRow) -> Result<Quarantined, sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::QUARANTINE)?;
    let (at, id) = (reader.time()?, reader.u128()?);
    let QuarantineRow { point, malware, engine, pec_id, from, to, peer, size, .. } = row;
    Ok(Quarantined { id, at, point, malware, engine, pec_id, from, to, peer, size })
}
