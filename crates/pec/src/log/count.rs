//! How often each of the nine events of the service occurred (PEC-03).

use std::collections::HashMap;
use std::time::Duration;

use sigillo_base::Timestamp;

use super::{Record, consistency::Name};
use crate::{Kind, ReceiptKind};

/// The nine events, in the order of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// *Busta di trasporto*.
    TransportEnvelope,
    /// *Busta di anomalia*.
    AnomalyEnvelope,
    /// *Ricevuta completa di avvenuta consegna*.
    CompleteDelivery,
    /// *Ricevuta breve di avvenuta consegna*.
    BriefDelivery,
    /// *Ricevuta sintetica di avvenuta consegna*.
    ConciseDelivery,
    /// *Avviso di mancata consegna*.
    NonDelivery,
    /// The same for exceeding the time limit, after 12 hours.
    Overdue12h,
    /// The same after 24 hours.
    Overdue24h,
    /// The same for malware.
    NonDeliveryVirus,
}

impl Event {
    /// All nine.
    pub const ALL: [Self; 9] = [
        Self::TransportEnvelope,
        Self::AnomalyEnvelope,
        Self::CompleteDelivery,
        Self::BriefDelivery,
        Self::ConciseDelivery,
        Self::NonDelivery,
        Self::Overdue12h,
        Self::Overdue24h,
        Self::NonDeliveryVirus,
    ];

    /// Its name in the specification.
    pub fn label_it(self) -> &'static str {
        match self {
            Self::TransportEnvelope => "Busta di Trasporto",
            Self::AnomalyEnvelope => "Busta di Anomalia",
            Self::CompleteDelivery => "Ricevuta Completa di Avvenuta Consegna",
            Self::BriefDelivery => "Ricevuta Breve di Avvenuta Consegna",
            Self::ConciseDelivery => "Ricevuta Sintetica di Avvenuta Consegna",
            Self::NonDelivery => "Avviso di Mancata Consegna",
            Self::Overdue12h => "Avviso di Mancata Consegna per superamento tempi 12 ore",
            Self::Overdue24h => "Avviso di Mancata Consegna per superamento tempi 24 ore",
            Self::NonDeliveryVirus => "Avviso di Mancata Consegna per Virus",
        }
    }

    /// What a record tells of; `None` for an event that is none of the nine. A delivery receipt counts as what was
    /// issued; where the record does not say it, as what was asked for.
    pub fn of(record: &Record) -> Option<Self> {
        Some(match record.kind {
            Kind::TransportEnvelope => Self::TransportEnvelope,
            Kind::AnomalyEnvelope => Self::AnomalyEnvelope,
            Kind::Delivery => match record.issued.or(record.receipt) {
                Some(ReceiptKind::Brief) => Self::BriefDelivery,
                Some(ReceiptKind::Concise) => Self::ConciseDelivery,
                Some(ReceiptKind::Complete) | None => Self::CompleteDelivery,
            },
            Kind::NonDelivery => Self::NonDelivery,
            Kind::Overdue12h => Self::Overdue12h,
            Kind::Overdue24h => Self::Overdue24h,
            Kind::NonDeliveryVirus => Self::NonDeliveryVirus,
            Kind::Acceptance
            | Kind::NonAcceptance
            | Kind::NonAcceptanceVirus
            | Kind::TakeCharge
            | Kind::VirusDetection => return None,
        })
    }
}

/// After this time nobody hands a message over any more, so none is logged a second time.
const REPEATED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Counts events. A message that one provider issued and received itself is in its log twice, and counts once.
#[derive(Debug, Clone, Default)]
pub struct Count {
    rows: [u64; 9],
    seen: HashMap<Name, (Event, Timestamp)>,
}

impl Count {
    /// Counts a record. In any order.
    pub fn add(&mut self, record: &Record) {
        let Some(event) = Event::of(record).filter(|_| !record.proves_nothing()) else { return };
        // Nothing identifies an anomaly envelope; it is logged once, by who made it.
        let known = if record.message_id.is_empty() { None } else { self.seen.get_mut(&Name::of(record)) };
        match known {
            // The one of the two that knows what was issued counts.
            Some((before, _)) if record.issued.is_some() => {
                self.rows[*before as usize] -= 1;
                *before = event;
            }
            Some(_) => return,
            None => {
                if !record.message_id.is_empty() {
                    self.seen.insert(Name::of(record), (event, record.at));
                }
            }
        }
        self.rows[event as usize] += 1;
    }

    /// Forgets what cannot come again when everything up to `until` was counted, so that a long period is counted in
    /// the memory of a week.
    pub fn settle(&mut self, until: Timestamp) {
        self.seen.retain(|_, (_, at)| until.since(*at) <= REPEATED);
    }

    /// How often each event occurred.
    pub fn rows(&self) -> [(Event, u64); 9] {
        Event::ALL.map(|event| (event, self.rows[event as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{address, facts, now, sender};
    use crate::{Certification, Errore, Recipient, RecipientClass, Tipo};

    fn record(kind: Kind, message_id: &str) -> Record {
        let tipo = kind.tipo().unwrap_or(Tipo::PostaCertificata);
        let mut c = Certification::new(tipo, Errore::Nessuno, &facts(), &sender().name, now());
        c.receipt = Some(ReceiptKind::Complete);
        Record::certified(now(), "a", kind, message_id, &c)
    }

    fn delivery(asked: ReceiptKind, message_id: &str) -> Record {
        Record { receipt: Some(asked), ..record(Kind::Delivery, message_id) }
    }

    #[test]
    fn one_of_each_of_the_nine_gives_one_in_each_row() {
        let to = [Recipient { address: address("anna@ente.example"), class: RecipientClass::Certified }];
        let mut count = Count::default();
        let others = Kind::ALL.into_iter().filter(|k| !matches!(k, Kind::Delivery | Kind::AnomalyEnvelope));
        others.for_each(|kind| count.add(&record(kind, kind.as_str())));
        count.add(&Record::anomaly(now(), "a", None, &to, None, "Gestore", "firma assente"));
        for asked in [ReceiptKind::Complete, ReceiptKind::Brief, ReceiptKind::Concise] {
            count.add(&delivery(asked, asked.as_str()));
        }
        assert_eq!(count.rows(), Event::ALL.map(|event| (event, 1)));
    }

    #[test]
    fn what_was_issued_counts_not_what_was_asked_for() {
        let issued = Record { issued: Some(ReceiptKind::Concise), ..delivery(ReceiptKind::Complete, "r1") };
        assert_eq!(Record::parse_line(&issued.to_line()).unwrap(), issued);
        assert!(issued.to_line().contains(": tipo_ricevuta=completa: ricevuta_emessa=sintetica"));
        let received = Record { issued: None, ..issued.clone() };
        for order in [[&issued, &received], [&received, &issued]] {
            let mut count = Count::default();
            order.into_iter().for_each(|r| count.add(r));
            let told: Vec<_> = count.rows().into_iter().filter(|(_, n)| *n > 0).collect();
            assert_eq!(told, [(Event::ConciseDelivery, 1)], "issued and received by ourselves is one");
        }
    }

    #[test]
    fn settling_forgets_only_what_cannot_come_again() {
        let mut count = Count::default();
        let one = record(Kind::NonDelivery, "n1");
        count.add(&one);
        count.settle(now().plus(REPEATED));
        count.add(&one);
        assert_eq!(count.rows()[5], (Event::NonDelivery, 1));
        count.settle(now().plus(REPEATED + Duration::from_millis(1)));
        assert!(count.seen.is_empty());
        assert_eq!(count.rows()[5], (Event::NonDelivery, 1));
    }
}
