//! The readable parts, Italian and English of each line beside each other, so that neither says what the other does not.
//!
//! The Italian is the model of the technical rules, the English that of the RFC. A reason that `errore-esteso` certifies
//! is quoted in the English too as it is certified.

#[cfg(test)]
mod tests;

use sigillo_base::{Address, Timestamp};

use super::line;
use crate::{Facts, ReceiptKind, Recipient, RecipientClass};

/// A readable part in both languages: a title and the lines below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    /// First line, heading of the HTML form.
    pub title: Line,
    pub lines: Vec<Line>,
}

/// One line in both languages, without ends of line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub it: String,
    pub en: String,
}

pub(super) fn say(it: impl Into<String>, en: impl Into<String>) -> Line {
    Line { it: it.into(), en: en.into() }
}

/// What needs no translation.
pub(super) fn same(fact: impl ToString) -> Line {
    say(fact.to_string(), fact.to_string())
}

/// `Il giorno 12/03/2026 alle ore 10:15:01 (+0100)`, and how the line goes on.
fn when(at: Timestamp, it: &str, en: &str) -> Line {
    let l = at.legal();
    say(
        format!("Il giorno {} alle ore {} ({}) {it}", l.day, l.time, l.zone),
        format!("On {} at {} ({}) {en}", l.day, l.time, l.zone),
    )
}

pub(super) fn the_message(at: Timestamp) -> Line {
    when(at, "il messaggio", "the message")
}

fn in_the_message(at: Timestamp) -> Line {
    when(at, "nel messaggio", "in the message")
}

fn subject(f: &Facts) -> String {
    super::subject(f.subject.as_deref().unwrap_or_default())
}

/// `"oggetto" proveniente da "mittente"`
fn from_whom(f: &Facts) -> Line {
    let (subject, sender) = (subject(f), &f.sender);
    say(format!("\"{subject}\" proveniente da \"{sender}\""), format!("\"{subject}\" originating from \"{sender}\""))
}

fn addressed_to() -> Line {
    say("ed indirizzato a:", "and addressed to:")
}

fn for_whom(recipient: &Address) -> Line {
    say(format!("e destinato all'utente \"{recipient}\""), format!("and addressed to the user \"{recipient}\""))
}

fn security_problem(malware: &str) -> Line {
    let malware = line(malware);
    say(
        format!("è stato rilevato un problema di sicurezza {malware}."),
        format!("a security problem was detected: {malware}."),
    )
}

fn not_accepted() -> Line {
    say("Il messaggio non è stato accettato.", "The message was not accepted.")
}

fn original_enclosed() -> Line {
    say("Il messaggio originale è incluso in allegato.", "The original message is attached.")
}

fn identified(f: &Facts) -> Line {
    say(format!("Identificativo messaggio: {}", f.id), format!("Message identifier: {}", f.id))
}

fn addresses(recipients: &[Recipient]) -> impl Iterator<Item = Line> {
    recipients.iter().map(|r| same(&r.address))
}

fn with_class(r: &Recipient) -> Line {
    let (it, en) = match r.class {
        RecipientClass::Certified => ("posta certificata", "certified mail"),
        RecipientClass::External => ("posta ordinaria", "ordinary mail"),
    };
    say(format!("{} (\"{it}\")", r.address), format!("{} (\"{en}\")", r.address))
}

/// Pec rule 2.3.1.
pub(crate) fn acceptance(f: &Facts, at: Timestamp) -> Body {
    let mut lines = vec![the_message(at), from_whom(f), addressed_to()];
    lines.extend(f.recipients.iter().map(with_class));
    lines.push(say("è stato accettato dal sistema ed inoltrato.", "was accepted by the system and forwarded."));
    lines.push(identified(f));
    Body { title: say("Ricevuta di accettazione", "Acceptance receipt"), lines }
}

/// Pec rule 2.3.2.
pub(crate) fn non_acceptance(f: &Facts, at: Timestamp, defects: &str) -> Body {
    let mut lines = vec![in_the_message(at), from_whom(f), addressed_to()];
    lines.extend(addresses(&f.recipients));
    let defects = line(defects);
    lines.extend([
        say(
            "è stato rilevato un problema che ne impedisce l'accettazione",
            "a problem was detected that prevents its acceptance",
        ),
        say(format!("a causa di {defects}."), format!("due to: {defects}.")),
        not_accepted(),
        identified(f),
    ]);
    Body { title: say("Errore nell'accettazione del messaggio", "Error in the acceptance of the message"), lines }
}

/// Pec rule 2.3.3.
pub(crate) fn non_acceptance_virus(f: &Facts, at: Timestamp, malware: &str) -> Body {
    let mut lines = vec![in_the_message(at), from_whom(f), addressed_to()];
    lines.extend(addresses(&f.recipients));
    lines.extend([security_problem(malware), not_accepted(), identified(f)]);
    let title = say(
        "Errore nell'accettazione del messaggio per presenza virus",
        "Error in the acceptance of the message due to the presence of a virus",
    );
    Body { title, lines }
}

/// Pec rule 2.3.4.
pub(crate) fn transport_envelope(f: &Facts, at: Timestamp) -> Body {
    let (subject, sender) = (subject(f), &f.sender);
    let mut lines = vec![
        the_message(at),
        say(
            format!("\"{subject}\" è stato inviato da \"{sender}\""),
            format!("\"{subject}\" was sent by \"{sender}\""),
        ),
        say("indirizzato a:", "addressed to:"),
    ];
    lines.extend(addresses(&f.recipients));
    lines.extend([original_enclosed(), identified(f)]);
    Body { title: say("Messaggio di posta certificata", "Certified mail message"), lines }
}

/// Pec rule 2.3.5: only the recipients taken charge of.
pub(crate) fn take_charge(f: &Facts, at: Timestamp, taken: &[Address]) -> Body {
    let mut lines = vec![the_message(at), from_whom(f), addressed_to()];
    lines.extend(taken.iter().map(same));
    lines.push(say("è stato accettato dal sistema.", "was accepted by the system."));
    lines.push(identified(f));
    Body { title: say("Ricevuta di presa in carico", "Take-charge receipt"), lines }
}

/// Pec rule 2.3.6.
pub(crate) fn delivery(f: &Facts, at: Timestamp, recipient: &Address, issued: ReceiptKind) -> Body {
    let title = match issued {
        ReceiptKind::Complete => say("Ricevuta di avvenuta consegna", "Delivery receipt"),
        ReceiptKind::Brief => say("Ricevuta breve di avvenuta consegna", "Brief delivery receipt"),
        ReceiptKind::Concise => say("Ricevuta sintetica di avvenuta consegna", "Concise delivery receipt"),
    };
    let lines = vec![
        the_message(at),
        from_whom(f),
        say(format!("ed indirizzato a \"{recipient}\""), format!("and addressed to \"{recipient}\"")),
        say("è stato consegnato nella casella di destinazione.", "was delivered to the destination mailbox."),
        identified(f),
    ];
    Body { title, lines }
}

/// Pec rule 2.3.7; `error` is the text of `errore-esteso`, because the code must stand in both (note 12 of 2015).
pub(crate) fn non_delivery(f: &Facts, at: Timestamp, recipient: &Address, error: &str) -> Body {
    let error = line(error);
    let lines = vec![
        in_the_message(at),
        from_whom(f),
        for_whom(recipient),
        say(format!("è stato rilevato un errore {error}."), format!("an error was detected: {error}.")),
        say("Il messaggio è stato rifiutato dal sistema.", "The message was refused by the system."),
        identified(f),
    ];
    Body { title: non_delivery_notice(), lines }
}

fn non_delivery_notice() -> Line {
    say("Avviso di mancata consegna", "Non-delivery notice")
}

/// Pec rule 2.3.8.
pub(crate) fn overdue_12h(f: &Facts, at: Timestamp, recipient: &Address) -> Body {
    let lines = vec![
        the_message(at),
        from_whom(f),
        for_whom(recipient),
        say(
            "non è stato consegnato nelle prime dodici ore dal suo invio. Non escludendo",
            "was not delivered within the first twelve hours after it was sent. While this",
        ),
        say(
            "che questo possa avvenire in seguito, si ritiene utile considerare che",
            "may still happen later, it is deemed useful to consider that",
        ),
        say(
            "l'invio potrebbe non andare a buon fine. Il sistema provvederà comunque",
            "the dispatch might not have a positive outcome. In any case the system will",
        ),
        say(
            "ad inviare un ulteriore avviso di mancata consegna se nelle prossime",
            "send a further notice of non-delivery if within the next",
        ),
        say(
            "dodici ore non vi sarà la conferma della ricezione da parte del destinatario.",
            "twelve hours there is no confirmation of receipt from the recipient.",
        ),
        identified(f),
    ];
    Body { title: non_delivery_notice(), lines }
}

/// Pec rule 2.3.9.
pub(crate) fn overdue_24h(f: &Facts, at: Timestamp, recipient: &Address) -> Body {
    let lines = vec![
        the_message(at),
        from_whom(f),
        for_whom(recipient),
        say(
            "non è stato consegnato nelle ventiquattro ore successive al suo invio. Si ritiene che",
            "was not delivered within the twenty-four hours after it was sent.",
        ),
        say(
            "la spedizione debba considerarsi non andata a buon fine.",
            "The dispatch is to be considered unsuccessful.",
        ),
        identified(f),
    ];
    Body { title: non_delivery_notice(), lines }
}

/// Pec rule 2.3.10.
pub(crate) fn virus_detection(f: &Facts, at: Timestamp, recipient: &Address, malware: &str) -> Body {
    let lines = vec![in_the_message(at), from_whom(f), for_whom(recipient), security_problem(malware), identified(f)];
    Body { title: say("Avviso di rilevazione virus", "Virus detection notice"), lines }
}

/// Pec rule 2.3.11: this model names no sender.
pub(crate) fn non_delivery_virus(f: &Facts, at: Timestamp, recipient: &Address, malware: &str) -> Body {
    let subject = subject(f);
    let lines = vec![
        in_the_message(at),
        say(
            format!("\"{subject}\" destinato all'utente \"{recipient}\""),
            format!("\"{subject}\" addressed to the user \"{recipient}\""),
        ),
        security_problem(malware),
        say("Il messaggio non è stato consegnato.", "The message was not delivered."),
        identified(f),
    ];
    Body { title: say("Avviso di mancata consegna per virus", "Notice of non-delivery due to a virus"), lines }
}

/// Pec rule 2.3.12; nothing here is certified, so it takes loose values.
pub(crate) fn anomaly(original_subject: &str, sender: &str, recipients: &[Address], at: Timestamp, why: &str) -> Body {
    let (subject, sender) = (super::subject(original_subject), line(sender));
    let mut lines = vec![
        when(at, "è stato ricevuto", "the system received"),
        say(
            format!("il messaggio \"{subject}\" proveniente da \"{sender}\""),
            format!("the message \"{subject}\" originating from \"{sender}\""),
        ),
        addressed_to(),
    ];
    lines.extend(recipients.iter().map(same));
    lines.extend([
        say(
            "Tali dati non sono stati certificati per il seguente errore:",
            "These data have not been certified because of the following error:",
        ),
        same(line(why)),
        original_enclosed(),
    ]);
    Body { title: say("Anomalia nel messaggio", "Message anomaly"), lines }
}
