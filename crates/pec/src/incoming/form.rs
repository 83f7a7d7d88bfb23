//! Formal correctness of a validly signed message (pec rule 1.5 steps 4–5). Errors are Italian reasons.

use std::collections::HashSet;
use std::ops::Range;

use sigillo_base::Address;
use sigillo_mime::{Header, Part};
use sigillo_smime::Certificate;

use super::Incoming;
use super::signature::Verified;
use crate::index::Index;
use crate::texts::odd;
use crate::{Certification, Kind, ReceiptKind, Tipo};

/// A `daticert.xml` for the most recipients allowed stays far below this.
const MAX_CERTIFICATION: usize = 4 << 20;

/// What a message that has the form of its kind certifies.
pub(crate) struct Certified {
    pub certification: Certification,
    /// The content of `postacert.eml` as a range of the message.
    pub original: Option<Range<usize>>,
}

/// An identifier fits a line (RFC 5322 §2.1.1): every receipt repeats it in a field.
const MAX_LINE: usize = 998;

/// What every certified message must be.
pub(super) fn check(
    message: &[u8],
    header: &Header<'_>,
    signed: &Verified<'_>,
    index: &Index,
) -> Result<Incoming, String> {
    check_from(header, &signed.signer, Some(index))?;
    let Certified { certification, original } = certified(message, header, signed.content)?;
    check_sender(&certification, &signed.signer, index)?;
    let asked = header.unfolded("X-TipoRicevuta").and_then(|t| ReceiptKind::parse(&t));
    let recipients = |name| {
        let all = header.mailboxes(name).unwrap_or_default();
        all.into_iter().map(|m| m.address).collect::<Vec<_>>()
    };
    Ok(Incoming {
        kind: Kind::of(&certification),
        requested: asked.or(certification.receipt).unwrap_or(ReceiptKind::Complete),
        original,
        certification,
        provider: signed.entry.name.clone(),
        mail_receipt: signed.entry.mail_receipt.clone(),
        signer: signed.signer.clone(),
        message_id: message_id(header),
        signed: signed.content.whole(),
        primary: recipients("To"),
        copy: recipients("Cc"),
    })
}

/// The form of header, parts and `daticert.xml`, whoever signed `content`.
pub(crate) fn certified(message: &[u8], header: &Header<'_>, content: &Part) -> Result<Certified, String> {
    let announced = announced(header)?;
    let parts = parts(content)?;
    let certification = read(message, parts.certification)?;
    if certification.kind != announced {
        return Err(odd::HEADER_NOT_TIPO.into());
    }
    if !certification.is_complete() {
        return Err(odd::DATICERT_FIELDS.into());
    }
    let reference = header.unfolded("X-Riferimento-Message-ID").filter(|t| !t.is_empty());
    let msgid = certification.facts.msgid.clone().filter(|t| !t.is_empty());
    if without_blanks(reference.as_deref()) != without_blanks(msgid.as_deref()) {
        return Err(odd::REFERENCE.into());
    }
    if msgid.is_some_and(|m| m.len() > MAX_LINE) {
        return Err(odd::LONG_MSGID.into());
    }
    let original = original(&parts, certification.kind)?;
    // An envelope's identifier is the certified one.
    if announced == Tipo::PostaCertificata && message_id(header) != certification.facts.id.as_str() {
        return Err(odd::ID.into());
    }
    Ok(Certified { certification, original })
}

/// The certification data among the parts of a message whose form is wrong elsewhere: what it says, not what it
/// certifies. `None` when they are not there or cannot be read.
pub(crate) fn declared(message: &[u8], content: &Part) -> Option<Certification> {
    content.children.iter().filter(|p| is_certification(p)).find_map(|p| read(message, p).ok())
}

fn read(message: &[u8], part: &Part) -> Result<Certification, String> {
    read_body(part, message.get(part.body.clone()).ok_or(odd::DATICERT_CODING)?)
}

/// What this part certifies, from its body as it was transmitted.
pub(crate) fn read_body(part: &Part, body: &[u8]) -> Result<Certification, String> {
    let xml = part.decode(body, MAX_CERTIFICATION).map_err(|_| odd::DATICERT_CODING)?;
    Certification::parse(&xml).map_err(|e| e.to_string())
}

/// The Message-ID without angle brackets.
fn message_id(header: &Header<'_>) -> String {
    let id = header.unfolded("Message-ID").unwrap_or_default();
    id.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or(&id).to_owned()
}

/// What only SMTP can show of a transport envelope: it said the same as `daticert.xml`.
pub(super) fn check_envelope(i: &Incoming, mail_from: Option<&Address>, rcpts: &[Address]) -> Option<&'static str> {
    let facts = &i.certification.facts;
    if mail_from != Some(&facts.sender) {
        return Some(odd::SENDER);
    }
    let rcpts: HashSet<&Address> = rcpts.iter().collect();
    if !facts.recipients.iter().any(|r| rcpts.contains(&r.address)) {
        return Some(odd::RECIPIENTS);
    }
    None
}

/// Whether the signer may speak of these people at all: it serves the sender of what only the sender's provider says, and
/// the recipients of what only theirs does. That a message was not delivered either may say.
pub(crate) fn check_parties(c: &Certification, signer: &Certificate, index: &Index) -> Result<(), String> {
    check_sender(c, signer, index)?;
    let mut about = c.delivered.iter().chain(&c.taken);
    let fine = match c.kind {
        Tipo::PresaInCarico | Tipo::AvvenutaConsegna | Tipo::RilevazioneVirus => {
            about.all(|rcpt| index.serves(signer, rcpt.domain()))
        }
        Tipo::ErroreConsegna => {
            let sender = std::iter::once(&c.facts.sender);
            sender.chain(about).any(|address| index.serves(signer, address.domain()))
        }
        _ => true,
    };
    if fine { Ok(()) } else { Err(odd::FOREIGN_RECIPIENT.into()) }
}

/// What only the sender's provider may say, it says of its own users: another one that listed somebody else's as the
/// sender could make a third provider certify what never was sent.
fn check_sender(certification: &Certification, signer: &Certificate, index: &Index) -> Result<(), String> {
    let senders_own = matches!(
        certification.kind,
        Tipo::Accettazione | Tipo::NonAccettazione | Tipo::PostaCertificata | Tipo::PreavvisoErroreConsegna
    );
    let own = index.serves(signer, certification.facts.sender.domain());
    if own || !senders_own { Ok(()) } else { Err(odd::FOREIGN_SENDER.into()) }
}

/// From is the address in the signer's certificate (RFC 6109 §2.1), under a domain of the signer (§7), which only a
/// directory can tell.
pub(crate) fn check_from(header: &Header<'_>, signer: &Certificate, index: Option<&Index>) -> Result<(), String> {
    let from = header.mailboxes("From").map_err(|_| odd::FROM)?;
    let [from] = from.as_slice() else { return Err(odd::FROM.into()) };
    if !signer.emails().iter().any(|e| e.eq_ignore_ascii_case(from.address.as_str())) {
        return Err(odd::FROM_NOT_SAN.into());
    }
    if index.is_none_or(|i| i.serves(signer, from.address.domain())) { Ok(()) } else { Err(odd::FROM_DOMAIN.into()) }
}

/// The kind that the header announces: exactly one of `X-Ricevuta` and `X-Trasporto`.
pub(crate) fn announced(header: &Header<'_>) -> Result<Tipo, String> {
    if header.all("X-Ricevuta").count() + header.all("X-Trasporto").count() > 1 {
        return Err(odd::BOTH_HEADERS.into());
    }
    if let Some(value) = header.unfolded("X-Trasporto") {
        let value = value.to_ascii_lowercase();
        return match Tipo::parse(&value) {
            Some(Tipo::PostaCertificata) => Ok(Tipo::PostaCertificata),
            _ if value == "errore" => Err(odd::ANOMALY.into()),
            _ => Err(odd::HEADER_NOT_TIPO.into()),
        };
    }
    let value = header.unfolded("X-Ricevuta").ok_or(odd::NO_HEADER)?;
    let tipo = Tipo::parse(&value.to_ascii_lowercase()).filter(|t| *t != Tipo::PostaCertificata);
    tipo.ok_or_else(|| odd::HEADER_NOT_TIPO.into())
}

struct Parts<'a> {
    certification: &'a Part,
    original: Option<&'a Part>,
}

/// The parts of the signed multipart/mixed: readable text first, exactly one `daticert.xml`, at most one
/// `postacert.eml`. Parts further inside (of the original, say) do not count.
fn parts(content: &Part) -> Result<Parts<'_>, String> {
    text_first(content)?;
    let mut certifications = content.children.iter().filter(|p| is_certification(p));
    let certification = certifications.next().ok_or(odd::NO_DATICERT)?;
    if certifications.next().is_some() {
        return Err(odd::MANY_DATICERT.into());
    }
    if !(certification.is("application/xml") || certification.is("text/xml")) {
        return Err(odd::NO_DATICERT.into());
    }
    let mut originals = content.children.iter().filter(|p| is_original(p));
    let original = originals.next();
    if originals.next().is_some() {
        return Err(odd::MANY_ORIGINAL.into());
    }
    Ok(Parts { certification, original })
}

/// Parts in a row, of which the first is the readable text.
pub(crate) fn text_first(content: &Part) -> Result<(), String> {
    if !content.is("multipart/mixed") {
        return Err(odd::NOT_MIXED.into());
    }
    let text = content.children.first().ok_or(odd::NO_TEXT)?;
    if text.is("text/plain") || text.is("multipart/alternative") { Ok(()) } else { Err(odd::NO_TEXT.into()) }
}

/// The RFC's English name is accepted beside the real one (pec rule 0.1).
pub(crate) fn is_certification(part: &Part) -> bool {
    named(part, &["daticert.xml", "certdata.xml"])
}

pub(crate) fn is_original(part: &Part) -> bool {
    part.is("message/rfc822") && named(part, &["postacert.eml"])
}

fn named(part: &Part, names: &[&str]) -> bool {
    part.file_name().is_some_and(|n| names.iter().any(|known| n.eq_ignore_ascii_case(known)))
}

/// Where the original is. An envelope must hold it; a delivery receipt may; the notices that must not are refused
/// when they do; the others are taken as they come.
fn original(parts: &Parts<'_>, tipo: Tipo) -> Result<Option<Range<usize>>, String> {
    let forbidden = matches!(tipo, Tipo::NonAccettazione | Tipo::PreavvisoErroreConsegna | Tipo::RilevazioneVirus);
    match parts.original {
        None if tipo == Tipo::PostaCertificata => Err(odd::NO_ORIGINAL.into()),
        None => Ok(None),
        Some(_) if forbidden => Err(odd::ORIGINAL_FORBIDDEN.into()),
        Some(part) => enclosed(part).map(Some),
    }
}

/// Where an enclosed message stands: its part is not encoded.
pub(crate) fn enclosed(part: &Part) -> Result<Range<usize>, String> {
    if part.encoding.is_identity() { Ok(part.body.clone()) } else { Err(odd::ORIGINAL_CODING.into()) }
}

fn without_blanks(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect()
}
