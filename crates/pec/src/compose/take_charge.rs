//! *Ricevuta di presa in carico* (RFC 6109 §3.2.1; pec rule 2.3.5).

use sigillo_base::{Address, PecId, Timestamp};

use super::frame::{Notice, notice};
use crate::{Draft, Errore, Facts, Kind, Provider, texts};

/// To the sending provider's service mailbox (`to`, its `mailReceipt`), never to a user: responsibility for the
/// recipients `taken` is ours from now on. One for each SMTP transaction.
pub fn take_charge(
    p: &Provider,
    f: &Facts,
    at: Timestamp,
    message_id: PecId,
    to: &Address,
    taken: &[Address],
) -> Draft {
    let n = Notice {
        kind: Kind::TakeCharge,
        error: Errore::Nessuno,
        to,
        extra: &[],
        body: texts::take_charge(f, at, taken),
    };
    notice(p, f, at, message_id, n, |c| c.taken = taken.to_vec(), None)
}
