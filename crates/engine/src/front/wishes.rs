//! What the sender of ordinary mail wants to hear of it (RFC 3461), and how (RFC 8689). Certified mail has receipts.

use sigillo_base::Address;
use sigillo_smtp::dsn::{Notify, OriginalRecipient, Ret};
use sigillo_smtp::server::{MailFrom, RcptTo};

/// The wishes of one message. The default is that of a sender who said nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// How much of it a report returns.
    pub ret: Option<Ret>,
    /// His own name for it, for reports.
    pub envid: Option<String>,
    /// What is handed on of it goes to servers only that protect it, and say so. Met by itself where it ends in a mailbox.
    pub require_tls: bool,
    /// For each recipient who has some.
    pub rcpts: Vec<(Address, Wish)>,
}

/// The wishes about one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// When a report is wanted; `None` is failure only.
    pub notify: Option<Notify>,
    /// Who was written to in the first place.
    pub orcpt: Option<OriginalRecipient>,
}

impl Wishes {
    /// Of a message that this MAIL began.
    pub fn of(mail: &MailFrom) -> Self {
        Self { ret: mail.ret, envid: mail.envid.clone(), require_tls: mail.require_tls, rcpts: Vec::new() }
    }

    /// Adds those of a recipient.
    pub fn add(&mut self, rcpt: &RcptTo) {
        if rcpt.notify.is_some() || rcpt.orcpt.is_some() {
            let wish = Wish { notify: rcpt.notify, orcpt: rcpt.orcpt.clone() };
            self.rcpts.push((rcpt.address.clone(), wish));
        }
    }

    /// Those about this recipient.
    pub fn about(&self, rcpt: &Address) -> Option<&Wish> {
        self.rcpts.iter().find(|(address, _)| address == rcpt).map(|(_, wish)| wish)
    }
}
