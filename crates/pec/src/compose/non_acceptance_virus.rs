//! *Avviso di non accettazione per virus informatico* (RFC 6109 §3.1.3; pec rule 2.3.3).

use sigillo_base::{PecId, Timestamp};

use super::frame::{Notice, notice};
use crate::{Draft, Errore, Facts, Kind, Provider, texts};

/// To the sender: the message was refused for `malware`, the scanner's name for what it found. The original must not
/// be enclosed.
pub fn non_acceptance_virus(p: &Provider, f: &Facts, at: Timestamp, message_id: PecId, malware: &str) -> Draft {
    let n = Notice {
        kind: Kind::NonAcceptanceVirus,
        error: Errore::Virus,
        to: &f.sender,
        extra: &[("X-VerificaSicurezza", "errore")],
        body: texts::non_acceptance_virus(f, at, malware),
    };
    notice(p, f, at, message_id, n, |c| c.extended_error = Some(malware.to_owned()), None)
}
