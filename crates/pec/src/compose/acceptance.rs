//! *Ricevuta di accettazione* (RFC 6109 §3.1.4; pec rule 2.3.1).

use sigillo_base::{PecId, Timestamp};

use super::frame::{Notice, notice};
use crate::{Draft, Errore, Facts, Kind, Provider, texts};

/// To the sender: the message was accepted and goes out. It names every recipient with its class.
pub fn acceptance(p: &Provider, f: &Facts, at: Timestamp, message_id: PecId) -> Draft {
    let n = Notice {
        kind: Kind::Acceptance,
        error: Errore::Nessuno,
        to: &f.sender,
        extra: &[],
        body: texts::acceptance(f, at),
    };
    notice(p, f, at, message_id, n, |_| {}, None)
}
