//! What a provider keeps of a mailbox.

use serde::{Deserialize, Serialize};

use crate::{Profile, profile::Choice};

/// Whether a mailbox works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Sends and receives.
    Active,
    /// Neither logs in nor receives: what arrives gets a notice of non-delivery.
    Blocked(Block),
    /// Keeps what it holds, neither logs in nor receives, and is not paid for (*disattivata*, BOX-12).
    Inactive(Inactive),
    /// Cancelled (*cancellata*): until its grace ends it can be called back as it was.
    Cancelled(Cancelled),
    /// Its grace is over and its contents went. The row stays, so that its number is never another's and what the law keeps
    /// has a name; the address may be given again.
    Gone(Gone),
}

/// That a mailbox is out of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inactive {
    /// Since when, in milliseconds since the Unix epoch.
    pub since: i64,
}

/// That a mailbox is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Since when, in milliseconds since the Unix epoch.
    pub since: i64,
    /// When its grace ends, in milliseconds.
    pub until: i64,
    /// How it was before, and is again if it is called back.
    pub before: Box<State>,
}

/// That nothing is left of a mailbox but its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Since when, in milliseconds since the Unix epoch.
    pub since: i64,
}

/// That a mailbox is blocked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// When it was, in milliseconds since the Unix epoch.
    pub since: i64,
    /// When it ends by itself, in milliseconds.
    pub until: Option<i64>,
    /// Why: for the provider's own people.
    pub reason: String,
}

/// What a mailbox does with mail that no provider certifies: the provider's choice for each (RFC 6109 §2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrdinaryMail {
    /// The sender's server hears in SMTP that it is not taken.
    #[default]
    Refuse,
    /// It is delivered inside an anomaly envelope (*busta di anomalia*).
    Accept,
}

/// A mailbox (*casella*): its address, what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Its number in the store: see `sigillo_base::MailboxId`.
    pub id: u64,
    /// Its address, as it was spelled when it was created.
    pub address: String,
    /// What it is made for, and the provider's own figures for it, if any.
    pub profile: Choice,
    /// Whether it works.
    pub state: State,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created: i64,
    /// What it does with ordinary mail.
    pub ordinary: OrdinaryMail,
    /// Capabilities that its clients are not offered, in upper case: those that some client cannot cope with.
    pub without: Vec<String>,
}

impl Mailbox {
    /// Whether it works at this time, in milliseconds.
    pub fn works(&self, now_ms: i64) -> bool {
        match &self.state {
            State::Active => true,
            State::Blocked(block) => block.until.is_some_and(|until| until <= now_ms),
            State::Inactive(_) | State::Cancelled(_) | State::Gone(_) => false,
        }
    }

    /// Whether it counts among the mailboxes that an administration has and pays for (BIL-02): a blocked one does.
    pub const fn counts(&self) -> bool {
        matches!(self.state, State::Active | State::Blocked(_))
    }

    /// Whether nothing is left of it but its name.
    pub const fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone(_))
    }

    /// Whether the mailbox may send: the service mailbox never does (RFC 6109 §2.2.5).
    pub fn may_send(&self, now_ms: i64) -> bool {
        self.works(now_ms) && self.profile.base != Profile::Service
    }

    /// Whether the mailbox takes ordinary mail: never the service mailbox (RFC 6109 §2.2.5).
    pub fn takes_ordinary_mail(&self) -> bool {
        self.ordinary == OrdinaryMail::Accept && self.profile.base != Profile::Service
    }
}
