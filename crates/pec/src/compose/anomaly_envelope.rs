//! *Busta di anomalia* (RFC 6109 §3.2.2; pec rule 2.3.12).

use sigillo_base::{Address, PecId, Timestamp};
use sigillo_mime::Header;

use super::frame::{Fields, assemble, whole};
use super::readable::Readable;
use crate::{Draft, Error, Kind, Provider, texts};

/// For recipients of ours: a message that is not certified, or comes malformed from a provider, whole inside and with
/// the Italian reason `why`. Routing is unaltered, so `mail_from` and `rcpts` are as received; there is no
/// certification data and no receipt ever follows. `received` is the draft's source. `message_id` names the draft
/// only: the envelope keeps the received Message-ID.
///
/// # Errors
/// [`Error::Message`] when the received header cannot be read.
pub fn anomaly_envelope(
    p: &Provider,
    at: Timestamp,
    message_id: PecId,
    mail_from: Option<&Address>,
    rcpts: &[Address],
    received: &[u8],
    why: &str,
) -> Result<Draft, Error> {
    let header = Header::parse(received)?;
    let author = header.mailboxes("From").ok().and_then(|all| all.into_iter().next()).map(|m| m.address);
    let sender = mail_from.or(author.as_ref()).unwrap_or(&p.service_address);
    let subject = header.text("Subject").unwrap_or_default();
    let mut fields = Fields::default();
    fields.copy(received, &header, "Return-Path");
    fields.copy(received, &header, "Received");
    fields.kind(Kind::AnomalyEnvelope);
    fields.put("Date", &at.rfc5322());
    fields.subject(Kind::AnomalyEnvelope, Some(&subject));
    fields.on_behalf_of(sender, p);
    fields.reply_to(received, &header, sender);
    fields.copy(received, &header, "To");
    fields.copy(received, &header, "Cc");
    fields.copy(received, &header, "Message-ID");
    let readable = Readable::new(&texts::anomaly(&subject, sender.as_str(), rcpts, at, why), p);
    let envelope = (mail_from.cloned(), rcpts.to_vec());
    let enclosed = Some((received, whole(0..received.len())));
    Ok(assemble(Kind::AnomalyEnvelope, message_id, envelope, fields, &readable, None, enclosed))
}
