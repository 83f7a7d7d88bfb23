//! *Avviso di mancata consegna* (RFC 6109 §3.3.3; pec rule 2.3.7).

use sigillo_base::{Address, PecId, Timestamp};

use super::frame::{Notice, notice};
use crate::{Draft, Errore, Facts, Kind, Provider, texts};

/// Why a message could not be delivered. The code must stand in the readable part and in `daticert.xml`, in the form
/// `5.1.1 - Gestore S.p.A. - indirizzo non valido` (note 12 of 5-10-2015).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonDelivery {
    /// `no-dest`, `no-dominio` or `altro`.
    pub errore: Errore,
    /// The enhanced status code (RFC 3463).
    pub code: &'static str,
    /// The Italian reason, without code and provider.
    pub text: String,
}

impl NonDelivery {
    /// No such mailbox, or a revoked one.
    pub fn unknown_mailbox() -> Self {
        Self { errore: Errore::NoDest, code: "5.1.1", text: texts::INVALID_ADDRESS.into() }
    }

    /// The domain exists nowhere, or nobody serves mail for it.
    pub fn unknown_domain() -> Self {
        Self { errore: Errore::NoDominio, code: "5.1.2", text: texts::INVALID_DOMAIN.into() }
    }

    /// A mailbox that exists and takes nothing for now: a sender reads the same words as for an unknown one (pec rule
    /// 2.3.7), and the code tells.
    pub fn mailbox_disabled() -> Self {
        Self { errore: Errore::Altro, code: "5.2.1", text: texts::INVALID_ADDRESS.into() }
    }

    /// No room in the mailbox.
    pub fn mailbox_full() -> Self {
        Self { errore: Errore::Altro, code: "5.2.2", text: texts::MAILBOX_FULL.into() }
    }

    /// Larger than the mailbox takes.
    pub fn too_large() -> Self {
        Self { errore: Errore::Altro, code: "5.2.3", text: texts::MESSAGE_TOO_LARGE.into() }
    }

    /// The other server refused for good; `text` is what it said.
    pub fn refused(text: &str) -> Self {
        Self { errore: Errore::Altro, code: "5.0.0", text: texts::line(text) }
    }
}

/// To the sender, one for each recipient. From the recipient's provider, or from the sender's when SMTP failed for
/// good on the way.
pub fn non_delivery(
    p: &Provider,
    f: &Facts,
    at: Timestamp,
    message_id: PecId,
    recipient: &Address,
    why: NonDelivery,
) -> Draft {
    let error = texts::coded(why.code, &p.name, &why.text);
    let n = Notice {
        kind: Kind::NonDelivery,
        error: why.errore,
        to: &f.sender,
        extra: &[],
        body: texts::non_delivery(f, at, recipient, &error),
    };
    let fill = |c: &mut crate::Certification| {
        c.delivered = Some(recipient.clone());
        c.extended_error = Some(error);
    };
    notice(p, f, at, message_id, n, fill, None)
}
