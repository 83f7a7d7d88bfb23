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
    pub code: String,
    /// The Italian reason, without code and provider.
    pub text: String,
}

impl NonDelivery {
    /// No such mailbox, or a revoked one.
    pub fn unknown_mailbox() -> Self {
        Self::new(Errore::NoDest, "5.1.1", texts::INVALID_ADDRESS)
    }

    /// The domain exists nowhere, or nobody serves mail for it.
    pub fn unknown_domain() -> Self {
        Self::new(Errore::NoDominio, "5.1.2", texts::INVALID_DOMAIN)
    }

    /// A mailbox that exists and takes nothing for now: a sender reads the same words as for an unknown one (pec rule
    /// 2.3.7), and the code tells.
    pub fn mailbox_disabled() -> Self {
        Self::new(Errore::Altro, "5.2.1", texts::INVALID_ADDRESS)
    }

    /// No room in the mailbox.
    pub fn mailbox_full() -> Self {
        Self::new(Errore::Altro, "5.2.2", texts::MAILBOX_FULL)
    }

    /// Larger than the mailbox takes.
    pub fn too_large() -> Self {
        Self::new(Errore::Altro, "5.2.3", texts::MESSAGE_TOO_LARGE)
    }

    /// The other server refused for good, or nobody could be reached; `reply` is what it said
    /// (`550 5.1.1 no such user`), or what went wrong on the way. Its own code is certified when it names a permanent
    /// failure, except `5.4.1`, which in certified mail says that 24 hours are over; else `5.0.0`.
    pub fn refused(reply: &str) -> Self {
        let told = reply.split_ascii_whitespace().nth(1).filter(|c| is_permanent(c) && *c != texts::CODE_24H);
        let errore = match told {
            Some("5.1.1" | "5.1.6" | "5.1.10") => Errore::NoDest,
            Some("5.1.2") => Errore::NoDominio,
            _ => Errore::Altro,
        };
        Self::new(errore, told.unwrap_or("5.0.0"), &texts::line(reply))
    }

    fn new(errore: Errore, code: &str, text: &str) -> Self {
        Self { errore, code: code.into(), text: text.into() }
    }
}

/// `5.` and two numbers of one to three digits (RFC 3463 §2).
fn is_permanent(code: &str) -> bool {
    let number = |n: &str| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    let mut parts = code.split('.');
    parts.next() == Some("5") && parts.clone().count() == 2 && parts.all(number)
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
    let error = texts::coded(&why.code, &p.name, &why.text);
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
