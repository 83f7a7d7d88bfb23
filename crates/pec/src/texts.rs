//! Every text that a person reads in a notice, an envelope or a refusal. Nowhere else in this crate.
//!
//! The Italian wording follows the model of the technical rules (pec rules 2.3; the RFC is its English rendering). It is
//! what a court reads: change it only with the rules at hand. Values that a user wrote pass through [`line`] first, so
//! none of them can begin a line of its own.

mod notices;
pub(crate) mod odd;
pub(crate) mod refused;
mod status;

use sigillo_base::Address;

pub(crate) use notices::*;
pub(crate) use status::delivery_status;

use crate::{Errore, Kind};

/// What the 24 hour notice begins its `errore-esteso` with, and the 12 hour one never does: large senders tell the two
/// apart by nothing else (pec rule 2.3.7).
pub(crate) const CODE_24H: &str = "5.4.1";

/// One line of text out of what a user wrote: ends of line and tabs become blanks, other control characters go.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\r' | '\n' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect()
}

/// Characters of a subject in a header and in a readable part. In a header each may take six bytes, and a header that
/// grows beyond what a header may be is none for whoever reads it. Certification data have the subject whole.
pub(crate) const MAX_SUBJECT: usize = 8192;

/// A subject as people are shown it: on one line, a very long one cut.
pub(crate) fn subject(text: &str) -> String {
    let text = line(text);
    match text.char_indices().nth(MAX_SUBJECT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// The Italian legal name of a kind.
pub(crate) fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Acceptance => "Ricevuta di accettazione",
        Kind::NonAcceptance => "Avviso di non accettazione per eccezioni formali",
        Kind::NonAcceptanceVirus => "Avviso di non accettazione per virus informatico",
        Kind::TransportEnvelope => "Busta di trasporto",
        Kind::TakeCharge => "Ricevuta di presa in carico",
        Kind::Delivery => "Ricevuta di avvenuta consegna",
        Kind::NonDelivery => "Avviso di mancata consegna",
        Kind::NonDeliveryVirus => "Avviso di mancata consegna per virus informatico",
        Kind::Overdue12h => "Avviso di mancata consegna per superamento dei tempi massimi (12 ore)",
        Kind::Overdue24h => "Avviso di mancata consegna per superamento dei tempi massimi (24 ore)",
        Kind::VirusDetection => "Avviso di rilevazione virus informatico",
        Kind::AnomalyEnvelope => "Busta di anomalia",
    }
}

/// What stands before the original's subject (RFC 6109 §3; pec rule 2.2).
pub(crate) fn subject_prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Acceptance => "ACCETTAZIONE: ",
        Kind::NonAcceptance => "AVVISO DI NON ACCETTAZIONE: ",
        Kind::NonAcceptanceVirus => "AVVISO DI NON ACCETTAZIONE PER VIRUS: ",
        Kind::TransportEnvelope => "POSTA CERTIFICATA: ",
        Kind::TakeCharge => "PRESA IN CARICO: ",
        Kind::Delivery => "CONSEGNA: ",
        Kind::NonDelivery => "AVVISO DI MANCATA CONSEGNA: ",
        Kind::NonDeliveryVirus => "AVVISO DI MANCATA CONSEGNA PER VIRUS: ",
        Kind::Overdue12h | Kind::Overdue24h => "AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO: ",
        Kind::VirusDetection => "PROBLEMA DI SICUREZZA: ",
        Kind::AnomalyEnvelope => "ANOMALIA MESSAGGIO: ",
    }
}

/// Display name of the From of envelopes (RFC 6109 §2.1; the bare address, never the person's name).
pub(crate) fn on_behalf_of(sender: &Address) -> String {
    format!("Per conto di: {sender}")
}

/// `errore-esteso` of the 12 hour notice.
pub(crate) const OVERDUE_12H: &str = "il messaggio non è stato consegnato nelle prime dodici ore dal suo invio";

/// `errore-esteso` of the 24 hour notice.
pub(crate) fn overdue_24h_error(provider: &str) -> String {
    let text = "il messaggio non è stato consegnato nelle prime ventiquattro ore dal suo invio";
    coded(CODE_24H, provider, text)
}

/// The form of coded errors, compulsory since 1-4-2016: `5.1.1 - Gestore S.p.A. - indirizzo non valido`.
pub(crate) fn coded(code: &str, provider: &str, text: &str) -> String {
    format!("{code} - {} - {}", line(provider), line(text))
}

/// Texts behind the codes of a non-delivery notice.
pub(crate) const INVALID_ADDRESS: &str = "indirizzo non valido";
pub(crate) const INVALID_DOMAIN: &str = "dominio non valido";
pub(crate) const MAILBOX_FULL: &str = "casella piena";
pub(crate) const MESSAGE_TOO_LARGE: &str = "messaggio troppo grande per la casella di destinazione";

/// The value of `errore` in words, for logs and the help desk.
pub(crate) fn error(error: Errore) -> &'static str {
    match error {
        Errore::Nessuno => "nessun errore",
        Errore::NoDest => "destinatario errato",
        Errore::NoDominio => "dominio errato",
        Errore::Virus => "virus informatico",
        Errore::Altro => "altro errore",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(line("a\r\nb\tc\0d\u{85}e\u{2028}f"), "a  b cde f");
    }

    #[test]
    fn only_a_very_long_subject_is_cut() {
        let long = "\u{e8}".repeat(MAX_SUBJECT);
        assert_eq!(subject(&long), long);
        assert_eq!(subject(&(long.clone() + "x")), long + "...");
    }
}
