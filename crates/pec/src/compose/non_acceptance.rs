//! *Avviso di non accettazione per eccezioni formali* (RFC 6109 §3.1.2; pec rule 2.3.2).

use sigillo_base::{PecId, Timestamp};

use super::frame::{Notice, notice};
use crate::{Draft, Errore, Facts, Kind, Provider, texts};

/// To the sender: the message was refused. `defects` is the Italian reason
/// ([`Examined::reasons`](crate::access::Examined::reasons)). The original must not be enclosed.
pub fn non_acceptance(p: &Provider, f: &Facts, at: Timestamp, message_id: PecId, defects: &str) -> Draft {
    let n = Notice {
        kind: Kind::NonAcceptance,
        error: Errore::Altro,
        to: &f.sender,
        extra: &[],
        body: texts::non_acceptance(f, at, defects),
    };
    notice(p, f, at, message_id, n, |c| c.extended_error = Some(defects.to_owned()), None)
}
