//! Where a message stands for one recipient, told by the records of the legal log alone.

use sigillo_base::Address;

use super::Record;
use crate::Kind;

/// What the evidence proves about one recipient, the strongest statement of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing yet.
    Open,
    /// The recipient's provider has taken charge.
    Taken,
    /// The second overdue notice went out: presumed lost (RFC 6109 §3.1.6).
    PresumedFailed,
    /// A notice of non-delivery.
    Failed,
    /// The recipient's provider found malware.
    Infected,
    /// A delivery receipt: that outlasts everything said before.
    Delivered,
}

impl Standing {
    /// What these records, all of one message, prove about a recipient.
    pub fn of<'r>(records: impl IntoIterator<Item = &'r Record>, rcpt: &Address) -> Self {
        records.into_iter().map(|r| r.standing(rcpt)).max().unwrap_or(Self::Open)
    }

    /// The word of the administrative interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken-in-charge",
            Self::PresumedFailed => "presumed-failed",
            Self::Failed => "failed",
            Self::Infected => "infected",
            Self::Delivered => "delivered",
        }
    }
}

impl Record {
    /// The recipients this event is about: one, those taken charge of, or, for what concerns the message, none.
    pub fn about(&self) -> impl Iterator<Item = &Address> {
        self.delivered.iter().chain(&self.taken)
    }

    fn standing(&self, rcpt: &Address) -> Standing {
        match self.kind {
            _ if self.proves_nothing() || !self.about().any(|a| a == rcpt) => Standing::Open,
            Kind::TakeCharge => Standing::Taken,
            Kind::Delivery => Standing::Delivered,
            Kind::NonDelivery => Standing::Failed,
            Kind::VirusDetection | Kind::NonDeliveryVirus => Standing::Infected,
            Kind::Overdue24h => Standing::PresumedFailed,
            _ => Standing::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{address, facts, now};
    use crate::{Certification, Errore};

    fn record(kind: Kind, rcpt: &str) -> Record {
        let tipo = kind.tipo().unwrap();
        let mut c = Certification::new(tipo, Errore::Nessuno, &facts(), "Gestore", now());
        if kind == Kind::TakeCharge {
            c.taken = vec![address(rcpt)];
        } else {
            c.delivered = Some(address(rcpt));
        }
        Record::certified(now(), "mx", kind, "x@y.example", &c)
    }

    #[test]
    fn the_strongest_evidence_counts_whatever_its_order() {
        let (anna, ufficio) = ("anna@ente.example", "ufficio@ente.example");
        let mut all = vec![record(Kind::TakeCharge, anna)];
        assert_eq!(Standing::of(&all, &address(anna)), Standing::Taken);
        assert_eq!(Standing::of(&all, &address(ufficio)), Standing::Open, "nobody spoke of this one");
        all.push(record(Kind::Overdue12h, anna));
        assert_eq!(Standing::of(&all, &address(anna)), Standing::Taken, "the first notice ends nothing");
        all.push(record(Kind::Overdue24h, anna));
        assert_eq!(Standing::of(&all, &address(anna)), Standing::PresumedFailed);
        all.insert(0, record(Kind::Delivery, anna));
        assert_eq!(Standing::of(&all, &address("ANNA@ente.example")), Standing::Delivered, "a late receipt counts");
        assert_eq!(Standing::of(&[record(Kind::NonDeliveryVirus, anna)], &address(anna)), Standing::Infected);
        assert_eq!(Standing::of(&[record(Kind::NonDelivery, anna)], &address(anna)), Standing::Failed);
        let mut forged = record(Kind::Delivery, anna);
        forged.exceptions = Some("il gestore non serve il destinatario".into());
        assert_eq!(
            Standing::of(&[forged], &address(anna)),
            Standing::Open,
            "a receipt of somebody else's proves nothing"
        );
    }
}
