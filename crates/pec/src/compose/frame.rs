//! What all system messages have in common: the header of notices and the signed multipart/mixed (pec rule 2.1).

use std::ops::Range;
use std::sync::OnceLock;

use sigillo_base::{Address, PecId, Timestamp};
use sigillo_mime::{Composed, Field, Header, write};

use super::readable::Readable;
use crate::texts::{self, Body};
use crate::{Certification, Draft, Errore, Facts, Kind, Provider};

/// Header fields in the order they are put. MIME fields come with the signature.
#[derive(Default)]
pub(super) struct Fields(Vec<u8>);

impl Fields {
    /// A field with a structured value; the writer folds it and lets no end of line through.
    pub fn put(&mut self, name: &str, value: &str) {
        self.0.extend_from_slice(write::field(name, &texts::line(value)).as_bytes());
    }

    /// A field with a text for people.
    pub fn text(&mut self, name: &str, text: &str) {
        self.0.extend_from_slice(write::unstructured(name, &texts::line(text)).as_bytes());
    }

    /// An empty line: the group of fields ends.
    pub fn blank(&mut self) {
        self.0.extend_from_slice(b"\r\n");
    }

    /// What was put.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The subject: prefix and the decoded original one, encoded again (pec rule 2.1). One without a subject gives
    /// the prefix alone, blank included.
    pub fn subject(&mut self, kind: Kind, original: Option<&str>) {
        let (prefix, original) = (texts::subject_prefix(kind), texts::subject(original.unwrap_or_default().trim()));
        let field = match original.trim() {
            "" => format!("Subject: {prefix}\r\n"),
            original => write::unstructured("Subject", &format!("{prefix}{original}")),
        };
        self.0.extend_from_slice(field.as_bytes());
    }

    /// Every field of a name in another message, to the byte.
    pub fn copy(&mut self, message: &[u8], header: &Header<'_>, name: &str) {
        for field in header.all(name) {
            self.0.extend_from_slice(&message[field.whole.clone()]);
        }
    }

    /// The other message's Reply-To, each of them; the sender when it has none, or none with a value.
    pub fn reply_to(&mut self, message: &[u8], header: &Header<'_>, sender: &Address) {
        let blank = |f: &Field| header.raw(f).iter().all(u8::is_ascii_whitespace);
        if header.all("Reply-To").all(blank) && sender.is_ascii() {
            self.put("Reply-To", sender.as_str());
        } else if header.all("Reply-To").all(blank) {
            // As it is (RFC 6532): another spelling would be another address.
            self.0.extend_from_slice(format!("Reply-To: {sender}\r\n").as_bytes());
        } else {
            self.copy(message, header, "Reply-To");
        }
    }

    /// `X-Ricevuta` or `X-Trasporto`, the field by which receivers tell the kinds apart.
    pub fn kind(&mut self, kind: Kind) {
        match kind.tipo() {
            Some(tipo @ crate::Tipo::PostaCertificata) => self.put("X-Trasporto", tipo.as_str()),
            Some(tipo) => self.put("X-Ricevuta", tipo.as_str()),
            None => self.put("X-Trasporto", "errore"),
        }
    }

    /// From of an envelope: `"Per conto di: sender" <service address>`.
    pub fn on_behalf_of(&mut self, sender: &Address, provider: &Provider) {
        let name = write::phrase(&texts::on_behalf_of(sender));
        self.put("From", &format!("{name} <{}>", provider.service_address));
    }

    /// The client's own identifier, when there was one.
    pub fn reference(&mut self, facts: &Facts) {
        if let Some(msgid) = &facts.msgid {
            self.put("X-Riferimento-Message-ID", msgid);
        }
    }
}

/// What differs between the notices (everything that is not an envelope).
pub(super) struct Notice<'a> {
    pub kind: Kind,
    pub error: Errore,
    /// The original sender, or the other provider's service mailbox.
    pub to: &'a Address,
    /// Fields beyond the common ones, after `X-Ricevuta`.
    pub extra: &'a [(&'static str, &'a str)],
    pub body: Body,
}

/// A notice: its header, and certification data which `fill` completes. `original` is a message to enclose.
///
/// No Return-Path: the server that puts the notice into the mailbox writes that one (RFC 5321 §4.4).
pub(super) fn notice(
    p: &Provider,
    f: &Facts,
    at: Timestamp,
    message_id: PecId,
    n: Notice<'_>,
    fill: impl FnOnce(&mut Certification),
    original: Option<(&[u8], Composed)>,
) -> Draft {
    let mut fields = Fields::default();
    fields.kind(n.kind);
    for (name, value) in n.extra {
        fields.put(name, value);
    }
    fields.put("Date", &at.rfc5322());
    fields.subject(n.kind, f.subject.as_deref());
    fields.put("From", p.service_address.as_str());
    fields.put("To", n.to.as_str());
    fields.put("Message-ID", &message_id.bracketed());
    fields.reference(f);
    let certification = n.kind.tipo().map(|tipo| {
        let mut c = Certification::new(tipo, n.error, f, &p.name, at);
        fill(&mut c);
        c
    });
    let envelope = (Some(p.service_address.clone()), vec![n.to.clone()]);
    assemble(n.kind, message_id, envelope, fields, &Readable::new(&n.body, p), certification, original)
}

/// Puts header, readable part, certification data and the enclosed original together.
pub(super) fn assemble(
    kind: Kind,
    message_id: PecId,
    (mail_from, rcpt_to): (Option<Address>, Vec<Address>),
    fields: Fields,
    readable: &Readable,
    certification: Option<Certification>,
    original: Option<(&[u8], Composed)>,
) -> Draft {
    let mut eight_bit = false;
    if let Some((source, enclosed)) = &original {
        enclosed.for_each(source, |bytes| eight_bit |= !bytes.is_ascii());
    }
    let token = token(&message_id, original.as_ref().map(|(source, enclosed)| (*source, enclosed)));
    let (mixed, alternative) = (format!("=_{token}.m"), format!("=_{token}.a"));
    let mut entity = Composed::default();
    let coding = if eight_bit { "Content-Transfer-Encoding: 8bit\r\n" } else { "" };
    entity.own(format!("Content-Type: multipart/mixed; boundary=\"{mixed}\"\r\n{coding}\r\n--{mixed}\r\n"));
    entity.own(readable.alternative(&alternative));
    if let Some(c) = &certification {
        entity.own(format!(
            "\r\n--{mixed}\r\n\
             Content-Type: application/xml; name=\"daticert.xml\"\r\n\
             Content-Disposition: inline; filename=\"daticert.xml\"\r\n\
             Content-Transfer-Encoding: base64\r\n\
             \r\n\
             {}",
            write::base64_lines(c.to_xml().as_bytes())
        ));
    }
    if let Some((_, enclosed)) = original {
        let coding = if eight_bit { "8bit" } else { "7bit" };
        entity.own(format!(
            "\r\n--{mixed}\r\n\
             Content-Type: message/rfc822; name=\"postacert.eml\"\r\n\
             Content-Disposition: inline; filename=\"postacert.eml\"\r\n\
             Content-Transfer-Encoding: {coding}\r\n\
             \r\n"
        ));
        entity.append(enclosed);
    }
    entity.own(format!("\r\n--{mixed}--\r\n"));
    let boundary = format!("=_{token}.s");
    Draft {
        kind,
        message_id,
        mail_from,
        rcpt_to,
        eight_bit,
        certification,
        header: fields.0,
        entity,
        boundary,
        digest: OnceLock::new(),
    }
}

/// What the three boundaries share: out of the message's own identifier, so that the same arguments give the same
/// bytes. It begins with `=_`, which neither base64 nor quoted-printable can produce, and the enclosed original is
/// searched for it.
pub(super) fn token(message_id: &PecId, original: Option<(&[u8], &Composed)>) -> String {
    (0u32..)
        .map(|attempt| {
            let hash = sigillo_smime::sha256(format!("{message_id} {attempt}").as_bytes());
            data_encoding::HEXLOWER.encode(&hash[..16])
        })
        .find(|token| !original.is_some_and(|(source, enclosed)| occurs(token.as_bytes(), source, enclosed)))
        .unwrap_or_default()
}

/// Whether the token occurs in the enclosed bytes. Pieces are searched one by one: an own piece ends in a hash and what
/// follows it begins with a line end, so that no boundary line can lie across two.
fn occurs(token: &[u8], source: &[u8], enclosed: &Composed) -> bool {
    let finder = memchr::memmem::Finder::new(token);
    let mut found = false;
    enclosed.for_each(source, |bytes| found |= finder.find(bytes).is_some());
    found
}

/// A range of the source as it is.
pub(super) fn whole(range: Range<usize>) -> Composed {
    let mut c = Composed::default();
    c.source(range);
    c
}
