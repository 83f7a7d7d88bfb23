//! Certification data: the content of `daticert.xml` (RFC 6109 §4.4; pec rule 3).

mod read;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;

use sigillo_base::{Address, Timestamp};

use crate::{Error, Facts, ReceiptKind, calendar, texts};

/// `postacert/@tipo`: also the value of `X-Ricevuta` and `X-Trasporto`. The variants are the DTD's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names are the documentation: they are the words of the DTD.
pub enum Tipo {
    Accettazione,
    NonAccettazione,
    PresaInCarico,
    AvvenutaConsegna,
    PostaCertificata,
    ErroreConsegna,
    PreavvisoErroreConsegna,
    RilevazioneVirus,
}

impl Tipo {
    /// All of them, in the order of the DTD.
    pub const ALL: [Self; 8] = [
        Self::Accettazione,
        Self::NonAccettazione,
        Self::PresaInCarico,
        Self::AvvenutaConsegna,
        Self::PostaCertificata,
        Self::ErroreConsegna,
        Self::PreavvisoErroreConsegna,
        Self::RilevazioneVirus,
    ];

    /// The word of the DTD.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accettazione => "accettazione",
            Self::NonAccettazione => "non-accettazione",
            Self::PresaInCarico => "presa-in-carico",
            Self::AvvenutaConsegna => "avvenuta-consegna",
            Self::PostaCertificata => "posta-certificata",
            Self::ErroreConsegna => "errore-consegna",
            Self::PreavvisoErroreConsegna => "preavviso-errore-consegna",
            Self::RilevazioneVirus => "rilevazione-virus",
        }
    }

    /// Reads the word of the DTD.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

impl fmt::Display for Tipo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `postacert/@errore`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Errore {
    /// No error.
    Nessuno,
    /// Wrong recipient.
    NoDest,
    /// Wrong domain.
    NoDominio,
    /// Malware.
    Virus,
    /// Anything else.
    Altro,
}

impl Errore {
    /// All of them, in the order of the DTD.
    pub const ALL: [Self; 5] = [Self::Nessuno, Self::NoDest, Self::NoDominio, Self::Virus, Self::Altro];

    /// The word of the DTD.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nessuno => "nessuno",
            Self::NoDest => "no-dest",
            Self::NoDominio => "no-dominio",
            Self::Virus => "virus",
            Self::Altro => "altro",
        }
    }

    /// Reads the word of the DTD.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.as_str() == text)
    }

    /// What it means, in Italian words.
    pub fn label_it(self) -> &'static str {
        texts::error(self)
    }
}

impl fmt::Display for Errore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The time of certification as it is written: legal time and its offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedTime {
    /// `12/03/2026`
    pub day: String,
    /// `10:15:01`
    pub time: String,
    /// `+0100` (`+01:00` is kept when another provider wrote it so)
    pub zone: String,
}

impl CertifiedTime {
    /// The legal time of an instant.
    pub fn of(at: Timestamp) -> Self {
        let legal = at.legal();
        Self { day: legal.day, time: legal.time, zone: legal.zone }
    }

    /// The instant that is written here; `None` when it is no date, no time or no offset.
    pub fn instant(&self) -> Option<Timestamp> {
        let day = split(&self.day, '/', &[2, 2, 4])?;
        let time = split(&self.time, ':', &[2, 2, 2])?;
        calendar::instant((day[2], day[1], day[0]), (time[0], time[1], time[2]), 0, calendar::offset(&self.zone)?)
    }

    /// ISO 8601 with the offset as it is certified: `2026-03-12T10:15:01+01:00`; `None` as for
    /// [`CertifiedTime::instant`].
    pub fn iso(&self) -> Option<String> {
        let (day, offset) = (split(&self.day, '/', &[2, 2, 4])?, calendar::offset(&self.zone)?);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        let (hours, minutes) = (minutes / 60, minutes % 60);
        self.instant()?;
        Some(format!("{:04}-{:02}-{:02}T{}{sign}{hours:02}:{minutes:02}", day[2], day[1], day[0], self.time))
    }
}

/// Three numbers of the given widths.
fn split(text: &str, separator: char, widths: &[usize; 3]) -> Option<[i64; 3]> {
    let parts: Vec<&str> = text.split(separator).collect();
    let fine = parts.len() == 3 && parts.iter().zip(widths).all(|(p, w)| p.len() == *w);
    if !fine {
        return None;
    }
    Some([calendar::number(parts[0])?, calendar::number(parts[1])?, calendar::number(parts[2])?])
}

/// What a provider certifies about one message. Receivers rely on this part only, never on the readable one
/// (RFC 6109 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certification {
    /// `postacert/@tipo`
    pub kind: Tipo,
    /// `postacert/@errore`
    pub error: Errore,
    /// `intestazione`, with `identificativo` and `msgid`
    pub facts: Facts,
    /// `gestore-emittente`: who issued this message
    pub issuer: String,
    /// `data`
    pub time: CertifiedTime,
    /// `ricevuta/@tipo`
    pub receipt: Option<ReceiptKind>,
    /// `consegna`: the one recipient this is about
    pub delivered: Option<Address>,
    /// `ricezione`: the recipients taken charge of
    pub taken: Vec<Address>,
    /// `errore-esteso`
    pub extended_error: Option<String>,
}

impl Certification {
    /// Bare data of a kind: no receipt kind, no recipient of its own, no error text.
    pub(crate) fn new(kind: Tipo, error: Errore, facts: &Facts, issuer: &str, at: Timestamp) -> Self {
        Self {
            kind,
            error,
            facts: facts.clone(),
            issuer: issuer.to_owned(),
            time: CertifiedTime::of(at),
            receipt: None,
            delivered: None,
            taken: Vec::new(),
            extended_error: None,
        }
    }

    /// The file, in the form of real providers: UTF-8, declaration, no DOCTYPE, four blanks of indentation, LF,
    /// `errore` always written out (pec rule 3.2). Characters that XML 1.0 forbids are left out and ends of line in
    /// free texts become blanks.
    pub fn to_xml(&self) -> String {
        write::document(self)
    }

    /// Reads a file by the DTD: elements in its order, no other element or attribute, no DOCTYPE, no entity but the
    /// five of XML and characters by number, UTF-8 only.
    ///
    /// # Errors
    /// [`Error::Certification`] says in Italian what is wrong.
    pub fn parse(xml: &[u8]) -> Result<Self, Error> {
        read::document(xml)
    }

    /// Whether the elements that this kind must carry are there (the comments of the DTD). `rilevazione-virus` may
    /// carry `ricezione` for `consegna`, as an older engine wrote it.
    pub fn is_complete(&self) -> bool {
        match self.kind {
            Tipo::Accettazione | Tipo::NonAccettazione | Tipo::PostaCertificata => true,
            Tipo::PresaInCarico => !self.taken.is_empty(),
            Tipo::AvvenutaConsegna | Tipo::ErroreConsegna | Tipo::PreavvisoErroreConsegna => self.delivered.is_some(),
            Tipo::RilevazioneVirus => self.delivered.is_some() || !self.taken.is_empty(),
        }
    }
}
