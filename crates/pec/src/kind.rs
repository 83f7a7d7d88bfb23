//! The kinds of system messages (RFC 6109 §2.1.1 and §3).

use std::fmt;

use crate::{Certification, Errore, Tipo, texts};

/// Every message that a provider issues. The delivery receipt is one kind; complete, brief and concise are its
/// [`ReceiptKind`](crate::ReceiptKind).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// *Ricevuta di accettazione* (§3.1.4).
    Acceptance,
    /// *Avviso di non accettazione per eccezioni formali* (§3.1.2).
    NonAcceptance,
    /// *Avviso di non accettazione per virus informatico* (§3.1.3).
    NonAcceptanceVirus,
    /// *Busta di trasporto* (§3.1.5).
    TransportEnvelope,
    /// *Ricevuta di presa in carico* (§3.2.1).
    TakeCharge,
    /// *Ricevuta di avvenuta consegna* (§3.3.2).
    Delivery,
    /// *Avviso di mancata consegna* (§3.3.3).
    NonDelivery,
    /// *Avviso di mancata consegna per virus informatico* (§3.2.4).
    NonDeliveryVirus,
    /// *Avviso di mancata consegna per superamento dei tempi massimi*, after 12 hours (§3.1.6).
    Overdue12h,
    /// The same after 24 hours.
    Overdue24h,
    /// *Avviso di rilevazione virus informatico* (§3.2.3).
    VirusDetection,
    /// *Busta di anomalia* (§3.2.2).
    AnomalyEnvelope,
}

impl Kind {
    /// All kinds, in the order of the rules.
    pub const ALL: [Self; 12] = [
        Self::Acceptance,
        Self::NonAcceptance,
        Self::NonAcceptanceVirus,
        Self::TransportEnvelope,
        Self::TakeCharge,
        Self::Delivery,
        Self::NonDelivery,
        Self::NonDeliveryVirus,
        Self::Overdue12h,
        Self::Overdue24h,
        Self::VirusDetection,
        Self::AnomalyEnvelope,
    ];

    /// A label fit for file names and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acceptance => "accettazione",
            Self::NonAcceptance => "non-accettazione",
            Self::NonAcceptanceVirus => "non-accettazione-virus",
            Self::TransportEnvelope => "busta-trasporto",
            Self::TakeCharge => "presa-in-carico",
            Self::Delivery => "avvenuta-consegna",
            Self::NonDelivery => "mancata-consegna",
            Self::NonDeliveryVirus => "mancata-consegna-virus",
            Self::Overdue12h => "mancata-consegna-12h",
            Self::Overdue24h => "mancata-consegna-24h",
            Self::VirusDetection => "rilevazione-virus",
            Self::AnomalyEnvelope => "busta-anomalia",
        }
    }

    /// Reads what [`Kind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }

    /// The class name in the legal log (pec rule 8.3).
    pub fn class(self) -> &'static str {
        match self {
            Self::Acceptance => "Accettazione",
            Self::NonAcceptance => "NonAccettazione",
            Self::NonAcceptanceVirus => "NonAccettazioneVirus",
            Self::TransportEnvelope => "BustaTrasporto",
            Self::TakeCharge => "PresaInCarico",
            Self::Delivery => "Consegna",
            Self::NonDelivery => "MancataConsegna",
            Self::NonDeliveryVirus => "MancataConsegnaVirus",
            Self::Overdue12h => "MancataConsegna12h",
            Self::Overdue24h => "MancataConsegna24h",
            Self::VirusDetection => "RilevazioneVirus",
            Self::AnomalyEnvelope => "BustaAnomalia",
        }
    }

    /// Reads what [`Kind::class`] wrote.
    pub fn from_class(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.class() == text)
    }

    /// The Italian legal name.
    pub fn label_it(self) -> &'static str {
        texts::label(self)
    }

    /// `postacert/@tipo`, which is also the value of `X-Ricevuta` or `X-Trasporto`; the anomaly envelope has no
    /// certification data.
    pub fn tipo(self) -> Option<Tipo> {
        Some(match self {
            Self::Acceptance => Tipo::Accettazione,
            Self::NonAcceptance | Self::NonAcceptanceVirus => Tipo::NonAccettazione,
            Self::TransportEnvelope => Tipo::PostaCertificata,
            Self::TakeCharge => Tipo::PresaInCarico,
            Self::Delivery => Tipo::AvvenutaConsegna,
            Self::NonDelivery | Self::NonDeliveryVirus => Tipo::ErroreConsegna,
            Self::Overdue12h | Self::Overdue24h => Tipo::PreavvisoErroreConsegna,
            Self::VirusDetection => Tipo::RilevazioneVirus,
            Self::AnomalyEnvelope => return None,
        })
    }

    /// The kind that certification data are about. The two overdue notices differ only by `errore-esteso`, which
    /// begins with `5.4.1` in the 24 hour one (pec rule 2.3.7).
    pub fn of(data: &Certification) -> Self {
        let virus = data.error == Errore::Virus;
        match data.kind {
            Tipo::Accettazione => Self::Acceptance,
            Tipo::NonAccettazione if virus => Self::NonAcceptanceVirus,
            Tipo::NonAccettazione => Self::NonAcceptance,
            Tipo::PostaCertificata => Self::TransportEnvelope,
            Tipo::PresaInCarico => Self::TakeCharge,
            Tipo::AvvenutaConsegna => Self::Delivery,
            Tipo::ErroreConsegna if virus => Self::NonDeliveryVirus,
            Tipo::ErroreConsegna => Self::NonDelivery,
            Tipo::PreavvisoErroreConsegna => {
                let last = data.extended_error.as_deref().is_some_and(|e| e.trim_start().starts_with(texts::CODE_24H));
                if last { Self::Overdue24h } else { Self::Overdue12h }
            }
            Tipo::RilevazioneVirus => Self::VirusDetection,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_classes_read_back_and_differ() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(Kind::from_class(kind.class()), Some(kind));
            assert_eq!(Kind::ALL.iter().filter(|k| k.label_it() == kind.label_it()).count(), 1, "{kind}");
        }
        assert_eq!(Kind::parse("Consegna"), None);
    }
}
