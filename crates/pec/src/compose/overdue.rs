//! *Avviso di mancata consegna per superamento dei tempi massimi* (RFC 6109 §3.1.6; pec rules 2.3.8, 2.3.9).

use sigillo_base::{Address, PecId, Timestamp};

use super::frame::{Notice, notice};
use crate::deadline::Overdue;
use crate::{Certification, Draft, Errore, Facts, Kind, Provider, texts};

/// To the sender (the RFC's "To: original recipient" is an erratum), one for each recipient and deadline. The original
/// must not be enclosed.
pub fn overdue(
    p: &Provider,
    f: &Facts,
    at: Timestamp,
    message_id: PecId,
    recipient: &Address,
    which: Overdue,
) -> Draft {
    let (kind, body, error) = match which {
        Overdue::First => (Kind::Overdue12h, texts::overdue_12h(f, at, recipient), texts::OVERDUE_12H.to_owned()),
        Overdue::Second => (Kind::Overdue24h, texts::overdue_24h(f, at, recipient), texts::overdue_24h_error(&p.name)),
    };
    let n = Notice { kind, error: Errore::Altro, to: &f.sender, extra: &[], body };
    let fill = |c: &mut Certification| {
        c.delivered = Some(recipient.clone());
        c.extended_error = Some(error);
    };
    notice(p, f, at, message_id, n, fill, None)
}
