//! *Avviso di mancata consegna per virus informatico* (RFC 6109 §3.2.4; pec rule 2.3.11).

use sigillo_base::{Address, PecId, Timestamp};

use super::frame::{Notice, notice};
use crate::{Certification, Draft, Errore, Facts, Kind, Provider, texts};

/// To the sender, from the sender's provider, when the recipient's found `malware`. Every fact comes from that
/// provider's notice.
pub fn non_delivery_virus(
    p: &Provider,
    f: &Facts,
    at: Timestamp,
    message_id: PecId,
    recipient: &Address,
    malware: &str,
) -> Draft {
    let n = Notice {
        kind: Kind::NonDeliveryVirus,
        error: Errore::Virus,
        to: &f.sender,
        extra: &[("X-VerificaSicurezza", "errore")],
        body: texts::non_delivery_virus(f, at, recipient, malware),
    };
    let fill = |c: &mut Certification| {
        c.delivered = Some(recipient.clone());
        c.extended_error = Some(malware.to_owned());
    };
    notice(p, f, at, message_id, n, fill, None)
}
