//! Every Italian text that a person reads in a notice, an envelope or a refusal. Nowhere else in this crate.
//!
//! The wording follows the model of the technical rules (pec rules 2.3; the RFC is its English rendering). It is what
//! a court reads: change it only with the rules at hand. Values that a user wrote pass through [`line`] first, so none
//! of them can begin a line of its own.

use sigillo_base::{Address, Timestamp};

use crate::{Errore, Facts, Kind, ReceiptKind, Recipient, RecipientClass};

/// What the 24 hour notice begins its `errore-esteso` with, and the 12 hour one never does: large senders tell the two
/// apart by nothing else (pec rule 2.3.7).
pub(crate) const CODE_24H: &str = "5.4.1";

/// The readable part: a title and the lines below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    /// First line, heading of the HTML form.
    pub title: &'static str,
    /// The other lines, without ends of line.
    pub lines: Vec<String>,
}

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

/// `Il giorno 12/03/2026 alle ore 10:15:01 (+0100)`
fn when(at: Timestamp) -> String {
    let l = at.legal();
    format!("Il giorno {} alle ore {} ({})", l.day, l.time, l.zone)
}

fn subject(f: &Facts) -> String {
    line(f.subject.as_deref().unwrap_or_default())
}

/// `"oggetto" proveniente da "mittente"`
fn from_whom(f: &Facts) -> String {
    format!("\"{}\" proveniente da \"{}\"", subject(f), f.sender)
}

fn identified(f: &Facts) -> String {
    format!("Identificativo messaggio: {}", f.id)
}

fn addresses(recipients: &[Recipient]) -> impl Iterator<Item = String> {
    recipients.iter().map(|r| r.address.to_string())
}

fn with_class(r: &Recipient) -> String {
    let class = match r.class {
        RecipientClass::Certified => "posta certificata",
        RecipientClass::External => "posta ordinaria",
    };
    format!("{} (\"{class}\")", r.address)
}

/// Pec rule 2.3.1.
pub(crate) fn acceptance(f: &Facts, at: Timestamp) -> Body {
    let mut lines = vec![format!("{} il messaggio", when(at)), from_whom(f), "ed indirizzato a:".into()];
    lines.extend(f.recipients.iter().map(with_class));
    lines.extend(["è stato accettato dal sistema ed inoltrato.".into(), identified(f)]);
    Body { title: "Ricevuta di accettazione", lines }
}

/// Pec rule 2.3.2.
pub(crate) fn non_acceptance(f: &Facts, at: Timestamp, defects: &str) -> Body {
    let mut lines = vec![format!("{} nel messaggio", when(at)), from_whom(f), "ed indirizzato a:".into()];
    lines.extend(addresses(&f.recipients));
    lines.extend([
        "è stato rilevato un problema che ne impedisce l'accettazione".into(),
        format!("a causa di {}.", line(defects)),
        "Il messaggio non è stato accettato.".into(),
        identified(f),
    ]);
    Body { title: "Errore nell'accettazione del messaggio", lines }
}

/// Pec rule 2.3.3.
pub(crate) fn non_acceptance_virus(f: &Facts, at: Timestamp, malware: &str) -> Body {
    let mut lines = vec![format!("{} nel messaggio", when(at)), from_whom(f), "ed indirizzato a:".into()];
    lines.extend(addresses(&f.recipients));
    lines.extend([security_problem(malware), "Il messaggio non è stato accettato.".into(), identified(f)]);
    Body { title: "Errore nell'accettazione del messaggio per presenza virus", lines }
}

fn security_problem(malware: &str) -> String {
    format!("è stato rilevato un problema di sicurezza {}.", line(malware))
}

/// Pec rule 2.3.4.
pub(crate) fn transport_envelope(f: &Facts, at: Timestamp) -> Body {
    let mut lines = vec![
        format!("{} il messaggio", when(at)),
        format!("\"{}\" è stato inviato da \"{}\"", subject(f), f.sender),
        "indirizzato a:".into(),
    ];
    lines.extend(addresses(&f.recipients));
    lines.extend([ORIGINAL_ENCLOSED.into(), identified(f)]);
    Body { title: "Messaggio di posta certificata", lines }
}

const ORIGINAL_ENCLOSED: &str = "Il messaggio originale è incluso in allegato.";

/// Pec rule 2.3.5: only the recipients taken charge of.
pub(crate) fn take_charge(f: &Facts, at: Timestamp, taken: &[Address]) -> Body {
    let mut lines = vec![format!("{} il messaggio", when(at)), from_whom(f), "ed indirizzato a:".into()];
    lines.extend(taken.iter().map(Address::to_string));
    lines.extend(["è stato accettato dal sistema.".into(), identified(f)]);
    Body { title: "Ricevuta di presa in carico", lines }
}

/// Pec rule 2.3.6.
pub(crate) fn delivery(f: &Facts, at: Timestamp, recipient: &Address, issued: ReceiptKind) -> Body {
    let title = match issued {
        ReceiptKind::Complete => "Ricevuta di avvenuta consegna",
        ReceiptKind::Brief => "Ricevuta breve di avvenuta consegna",
        ReceiptKind::Concise => "Ricevuta sintetica di avvenuta consegna",
    };
    let lines = vec![
        format!("{} il messaggio", when(at)),
        from_whom(f),
        format!("ed indirizzato a \"{recipient}\""),
        "è stato consegnato nella casella di destinazione.".into(),
        identified(f),
    ];
    Body { title, lines }
}

/// Pec rule 2.3.7; `error` is the text of `errore-esteso`, because the code must stand in both (note 12 of 2015).
pub(crate) fn non_delivery(f: &Facts, at: Timestamp, recipient: &Address, error: &str) -> Body {
    let lines = vec![
        format!("{} nel messaggio", when(at)),
        from_whom(f),
        format!("e destinato all'utente \"{recipient}\""),
        format!("è stato rilevato un errore {}.", line(error)),
        "Il messaggio è stato rifiutato dal sistema.".into(),
        identified(f),
    ];
    Body { title: "Avviso di mancata consegna", lines }
}

/// Pec rule 2.3.8.
pub(crate) fn overdue_12h(f: &Facts, at: Timestamp, recipient: &Address) -> Body {
    let mut lines = overdue_head(f, at, recipient);
    lines.extend(
        [
            "non è stato consegnato nelle prime dodici ore dal suo invio. Non escludendo",
            "che questo possa avvenire in seguito, si ritiene utile considerare che",
            "l'invio potrebbe non andare a buon fine. Il sistema provvederà comunque",
            "ad inviare un ulteriore avviso di mancata consegna se nelle prossime",
            "dodici ore non vi sarà la conferma della ricezione da parte del destinatario.",
        ]
        .map(String::from),
    );
    lines.push(identified(f));
    Body { title: "Avviso di mancata consegna", lines }
}

/// Pec rule 2.3.9.
pub(crate) fn overdue_24h(f: &Facts, at: Timestamp, recipient: &Address) -> Body {
    let mut lines = overdue_head(f, at, recipient);
    lines.extend([
        "non è stato consegnato nelle ventiquattro ore successive al suo invio. Si ritiene che".into(),
        "la spedizione debba considerarsi non andata a buon fine.".into(),
        identified(f),
    ]);
    Body { title: "Avviso di mancata consegna", lines }
}

fn overdue_head(f: &Facts, at: Timestamp, recipient: &Address) -> Vec<String> {
    vec![format!("{} il messaggio", when(at)), from_whom(f), format!("e destinato all'utente \"{recipient}\"")]
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

/// Pec rule 2.3.10.
pub(crate) fn virus_detection(f: &Facts, at: Timestamp, recipient: &Address, malware: &str) -> Body {
    let lines = vec![
        format!("{} nel messaggio", when(at)),
        from_whom(f),
        format!("e destinato all'utente \"{recipient}\""),
        security_problem(malware),
        identified(f),
    ];
    Body { title: "Avviso di rilevazione virus", lines }
}

/// Pec rule 2.3.11: this model names no sender.
pub(crate) fn non_delivery_virus(f: &Facts, at: Timestamp, recipient: &Address, malware: &str) -> Body {
    let lines = vec![
        format!("{} nel messaggio", when(at)),
        format!("\"{}\" destinato all'utente \"{recipient}\"", subject(f)),
        security_problem(malware),
        "Il messaggio non è stato consegnato.".into(),
        identified(f),
    ];
    Body { title: "Avviso di mancata consegna per virus", lines }
}

/// Pec rule 2.3.12; nothing here is certified, so it takes loose values.
pub(crate) fn anomaly(original_subject: &str, sender: &str, recipients: &[Address], at: Timestamp, why: &str) -> Body {
    let mut lines = vec![
        format!("{} è stato ricevuto", when(at)),
        format!("il messaggio \"{}\" proveniente da \"{}\"", line(original_subject), line(sender)),
        "ed indirizzato a:".into(),
    ];
    lines.extend(recipients.iter().map(Address::to_string));
    lines.extend([
        "Tali dati non sono stati certificati per il seguente errore:".into(),
        line(why),
        ORIGINAL_ENCLOSED.into(),
    ]);
    Body { title: "Anomalia nel messaggio", lines }
}

/// Why the access point refuses (RFC 6109 §3.1.1, §3.1.2). Each completes `a causa di …`.
pub(crate) mod refused {
    use sigillo_base::{Address, limits};

    pub(crate) fn unreadable(why: &str) -> String {
        format!("un'intestazione non conforme a RFC 5322: {}", super::line(why))
    }
    pub(crate) fn not_ascii(field: &str) -> String {
        format!("caratteri non ASCII nel campo {field}")
    }
    pub(crate) fn long_line(field: &str) -> String {
        format!("una riga troppo lunga nel campo {field}")
    }
    pub(crate) fn repeated(field: &str) -> String {
        format!("un campo {field} presente più volte")
    }
    /// `why` names field and line.
    pub(crate) fn bad_addresses(why: &str) -> String {
        format!("un indirizzo non valido: {}", super::line(why))
    }
    pub(crate) fn no_from() -> String {
        "l'assenza di un indirizzo nel campo From".into()
    }
    pub(crate) fn many_from(count: usize) -> String {
        format!("la presenza di {count} indirizzi nel campo From, dove ne è ammesso uno solo")
    }
    pub(crate) fn group_from() -> String {
        "la presenza di un gruppo di indirizzi nel campo From".into()
    }
    pub(crate) fn no_to() -> String {
        "l'assenza di un indirizzo nel campo To".into()
    }
    pub(crate) fn from_differs(from: &Address, mail_from: &Address) -> String {
        format!("la differenza fra l'indirizzo {from} nel campo From e il mittente {mail_from} dichiarato in SMTP")
    }
    pub(crate) fn not_in_header(address: &Address) -> String {
        format!("il destinatario {address} non compare nei campi To o Cc")
    }
    pub(crate) fn not_recipient(address: &Address) -> String {
        format!("l'indirizzo {address} nei campi To o Cc non è fra i destinatari dichiarati in SMTP")
    }
    pub(crate) fn bcc() -> String {
        "la presenza di un valore nel campo Bcc (Ccn)".into()
    }
    pub(crate) fn no_recipient() -> String {
        "l'assenza di destinatari".into()
    }
    pub(crate) fn too_large(size: u64, limit: u64) -> String {
        format!("una dimensione di {} superiore al limite di {}", megabytes(size), megabytes(limit))
    }
    pub(crate) fn too_many(count: usize, limit: usize) -> String {
        format!("un numero di destinatari ({count}) superiore al limite di {limit}")
    }
    pub(crate) fn too_much(product: u64, limit: u64) -> String {
        let (product, limit) = (megabytes(product), megabytes(limit));
        format!("un prodotto fra dimensione e numero di destinatari ({product}) superiore al limite di {limit}")
    }
    pub(crate) fn inhibited(address: &Address) -> String {
        format!("il destinatario {address} non è una casella certificata e lo scambio con la posta ordinaria è inibito")
    }
    pub(crate) fn and_others(count: usize) -> String {
        format!("e altri {count} problemi")
    }

    /// `30 MB`, or `10,1 MB` when it is not whole; rounded up, so that a size just over its limit shows as more.
    fn megabytes(bytes: u64) -> String {
        let tenths = u128::from(bytes).saturating_mul(10).div_ceil(u128::from(limits::MB));
        match (tenths / 10, tenths % 10) {
            (whole, 0) => format!("{whole} MB"),
            (whole, tenth) => format!("{whole},{tenth} MB"),
        }
    }
}

/// Why a message from outside is not what it should be (RFC 6109 §2.2.2). They end up in the anomaly envelope.
pub(crate) mod odd {
    pub(crate) const UNREADABLE: &str = "messaggio non conforme a RFC 5322";
    pub(crate) const UNSIGNED: &str = "firma S/MIME assente";
    pub(crate) const SIGNATURE_FORM: &str = "firma S/MIME non leggibile";
    pub(crate) const NO_SIGNER: &str = "certificato di firma assente";
    pub(crate) const UNKNOWN_SIGNER: &str = "certificato di firma non presente nell'indice dei gestori";
    pub(crate) const BROKEN: &str = "firma non valida: il messaggio è stato alterato";
    pub(crate) const EXPIRED: &str = "certificato di firma scaduto";
    pub(crate) const NOT_YET: &str = "certificato di firma non ancora valido";
    pub(crate) const REVOKED: &str = "certificato di firma revocato";
    pub(crate) const UNTRUSTED: &str = "certificato di firma non emesso da un'autorità riconosciuta";
    pub(crate) const NO_CRL: &str = "lista di revoca non disponibile o non aggiornata";

    pub(crate) const FROM: &str = "il campo From non contiene un solo indirizzo";
    pub(crate) const FROM_NOT_SAN: &str = "il mittente del campo From non è quello del certificato di firma";
    pub(crate) const FROM_DOMAIN: &str = "il dominio del campo From non è fra quelli gestiti dal firmatario";
    pub(crate) const BOTH_HEADERS: &str = "campi X-Ricevuta e X-Trasporto entrambi presenti o ripetuti";
    pub(crate) const NO_HEADER: &str = "campi X-Ricevuta e X-Trasporto assenti";
    pub(crate) const ANOMALY: &str = "busta di anomalia di un altro gestore";
    pub(crate) const HEADER_NOT_TIPO: &str = "campo X-Ricevuta o X-Trasporto diverso dal tipo in daticert.xml";
    pub(crate) const NOT_MIXED: &str = "la parte firmata non è multipart/mixed";
    pub(crate) const NO_TEXT: &str = "la prima parte non è il testo leggibile";
    pub(crate) const NO_DATICERT: &str = "daticert.xml assente";
    pub(crate) const MANY_DATICERT: &str = "daticert.xml presente più volte";
    pub(crate) const DATICERT_CODING: &str = "daticert.xml non decodificabile";
    pub(crate) const DATICERT_FIELDS: &str = "daticert.xml privo dei dati richiesti dal tipo";
    pub(crate) const NO_ORIGINAL: &str = "postacert.eml assente";
    pub(crate) const MANY_ORIGINAL: &str = "postacert.eml presente più volte";
    pub(crate) const ORIGINAL_FORBIDDEN: &str = "postacert.eml presente dove non ammesso";
    pub(crate) const ORIGINAL_CODING: &str = "postacert.eml codificato";
    pub(crate) const ID: &str = "Message-ID diverso dall'identificativo in daticert.xml";
    pub(crate) const REFERENCE: &str = "X-Riferimento-Message-ID diverso da msgid in daticert.xml";
    pub(crate) const SENDER: &str = "mittente SMTP diverso dal mittente in daticert.xml";
    pub(crate) const RECIPIENTS: &str = "nessun destinatario SMTP fra i destinatari in daticert.xml";
}

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
    fn sizes_are_rounded_up() {
        use sigillo_base::limits::MB;
        assert!(refused::too_large(30 * MB + 1, 30 * MB).contains("30,1 MB superiore al limite di 30 MB"));
        assert!(refused::too_much(u64::MAX, 1).contains("MB"));
    }
}
