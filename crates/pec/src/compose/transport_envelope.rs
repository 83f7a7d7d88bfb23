//! *Busta di trasporto* (RFC 6109 §2.1.1.2, §3.1.5; pec rule 2.3.4).

use sigillo_base::Timestamp;
use sigillo_mime::Header;

use super::frame::{Fields, assemble, whole};
use super::readable::Readable;
use crate::{Certification, Draft, Error, Errore, Facts, Kind, Provider, ReceiptKind, Tipo, texts};

/// To every recipient, certified and external: the accepted original inside, MAIL FROM and RCPT TO unaltered.
/// `original` is what [`accepted_original`](crate::access::accepted_original) gave, and is the draft's source.
/// The envelope's Message-ID is the certified identifier, `f.id`.
///
/// # Errors
/// [`Error::Message`] when the original's header cannot be read.
pub fn transport_envelope(
    p: &Provider,
    f: &Facts,
    at: Timestamp,
    receipt: ReceiptKind,
    original: &[u8],
) -> Result<Draft, Error> {
    let header = Header::parse(original)?;
    let mut fields = Fields::default();
    fields.copy(original, &header, "Return-Path");
    fields.copy(original, &header, "Received");
    fields.kind(Kind::TransportEnvelope);
    fields.put("Date", &at.rfc5322());
    fields.subject(Kind::TransportEnvelope, f.subject.as_deref());
    fields.on_behalf_of(&f.sender, p);
    fields.reply_to(original, &header, &f.sender);
    fields.copy(original, &header, "To");
    fields.copy(original, &header, "Cc");
    fields.put("Message-ID", &f.id.bracketed());
    fields.reference(f);
    fields.put("X-TipoRicevuta", receipt.as_str());

    let mut certification = Certification::new(Tipo::PostaCertificata, Errore::Nessuno, f, &p.name, at);
    certification.receipt = Some(receipt);
    let envelope = (Some(f.sender.clone()), f.recipients.iter().map(|r| r.address.clone()).collect());
    let readable = Readable::new(&texts::transport_envelope(f, at), p);
    let enclosed = Some((original, whole(0..original.len())));
    Ok(assemble(Kind::TransportEnvelope, f.id.clone(), envelope, fields, &readable, Some(certification), enclosed))
}
