//! *Busta di trasporto* (RFC 6109 §2.1.1.2, §3.1.5; pec rule 2.3.4).

use sigillo_base::Timestamp;
use sigillo_mime::Header;

use super::frame::{Fields, assemble, whole};
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
    let copy = |fields: &mut Fields, name: &str| {
        for field in header.all(name) {
            fields.copy(&original[field.whole.clone()]);
        }
    };
    let mut fields = Fields::default();
    copy(&mut fields, "Return-Path");
    copy(&mut fields, "Received");
    fields.kind(Kind::TransportEnvelope);
    fields.put("Date", &at.rfc5322());
    fields.subject(Kind::TransportEnvelope, f.subject.as_deref());
    fields.on_behalf_of(&f.sender, p);
    if header.first("Reply-To").is_some() {
        copy(&mut fields, "Reply-To");
    } else {
        fields.put("Reply-To", f.sender.as_str());
    }
    copy(&mut fields, "To");
    copy(&mut fields, "Cc");
    fields.put("Message-ID", &f.id.bracketed());
    fields.reference(f);
    fields.put("X-TipoRicevuta", receipt.as_str());

    let mut certification = Certification::new(Tipo::PostaCertificata, Errore::Nessuno, f, &p.name, at);
    certification.receipt = Some(receipt);
    let envelope = (Some(f.sender.clone()), f.recipients.iter().map(|r| r.address.clone()).collect());
    let body = texts::transport_envelope(f, at);
    let enclosed = Some((original, whole(0..original.len())));
    Ok(assemble(Kind::TransportEnvelope, f.id.clone(), envelope, fields, &body, Some(certification), enclosed))
}
