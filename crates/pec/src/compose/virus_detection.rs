//! *Avviso di rilevazione virus informatico* (RFC 6109 §3.2.3; pec rule 2.3.10).

use sigillo_base::{Address, PecId, Timestamp};

use super::frame::{Notice, notice};
use crate::{Certification, Draft, Errore, Facts, Kind, Provider, texts};

/// To the sending provider's service mailbox (`to`, its `mailReceipt`), one for each recipient of ours: a valid
/// envelope held `malware`. The original must not be enclosed.
pub fn virus_detection(
    p: &Provider,
    f: &Facts,
    at: Timestamp,
    message_id: PecId,
    to: &Address,
    recipient: &Address,
    malware: &str,
) -> Draft {
    let n = Notice {
        kind: Kind::VirusDetection,
        error: Errore::Virus,
        to,
        extra: &[("X-Mittente", f.sender.as_str())],
        body: texts::virus_detection(f, at, recipient, malware),
    };
    let fill = |c: &mut Certification| {
        c.delivered = Some(recipient.clone());
        c.extended_error = Some(malware.to_owned());
    };
    notice(p, f, at, message_id, n, fill, None)
}
