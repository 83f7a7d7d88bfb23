//! *Ricevuta di avvenuta consegna*, complete, brief or concise (RFC 6109 §3.3.2; pec rule 2.3.6).

use std::ops::Range;

use sigillo_base::{Address, PecId, Timestamp};

use super::brief::brief;
use super::frame::{Notice, notice, whole};
use crate::{Certification, Draft, Error, Errore, Facts, Kind, Provider, ReceiptKind, texts};

/// To the sender, one for each recipient, and only after a valid transport envelope is durably in the mailbox.
///
/// `requested` is what the sender asked for, `issued` what this recipient gets
/// ([`Incoming::receipt_kind_for`](crate::incoming::Incoming::receipt_kind_for)). `original` is the range of
/// `postacert.eml`'s content in `source`: the complete receipt refers to it as it is, the brief one to all of it but
/// the attachments, the concise one not at all.
///
/// # Errors
/// [`Error::Range`] when the range lies outside the source; [`Error::Message`] when a brief receipt is due and the
/// original cannot be read.
#[allow(clippy::too_many_arguments)] // One argument for each fact; a struct would only rename them.
pub fn delivery(
    p: &Provider,
    f: &Facts,
    at: Timestamp,
    message_id: PecId,
    recipient: &Address,
    requested: ReceiptKind,
    issued: ReceiptKind,
    source: &[u8],
    original: Range<usize>,
) -> Result<Draft, Error> {
    if source.get(original.clone()).is_none() {
        return Err(Error::Range);
    }
    let enclosed = match issued {
        ReceiptKind::Complete => Some((source, whole(original))),
        ReceiptKind::Brief => Some((source, brief(source, original)?)),
        ReceiptKind::Concise => None,
    };
    let n = Notice {
        kind: Kind::Delivery,
        error: Errore::Nessuno,
        to: &f.sender,
        extra: &[],
        body: texts::delivery(f, at, recipient, issued),
    };
    let fill = |c: &mut Certification| {
        c.receipt = Some(certified_kind(requested, issued));
        c.delivered = Some(recipient.clone());
    };
    Ok(notice(p, f, at, message_id, n, fill, enclosed))
}

/// The value of `ricevuta/@tipo`. Open in the rules (16.5) for a copy recipient, who gets a concise receipt whatever
/// was asked: the DTD's comment says "type of notification requested by the sender", so that is what is written.
fn certified_kind(requested: ReceiptKind, _issued: ReceiptKind) -> ReceiptKind {
    requested
}
