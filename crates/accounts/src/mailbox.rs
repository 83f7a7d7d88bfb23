//! What a provider keeps of a mailbox.

use serde::{Deserialize, Serialize};

use crate::{Profile, profile::Choice};

/// Whether a mailbox works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Sends and receives.
    Active,
    /// Neither logs in nor receives: what arrives gets a notice of non-delivery.
    Blocked,
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
}

impl Mailbox {
    /// Whether the owner may log in.
    pub fn may_log_in(&self) -> bool {
        self.state == State::Active
    }

    /// Whether the mailbox may send: the service mailbox never does (RFC 6109 §2.2.5).
    pub fn may_send(&self) -> bool {
        self.state == State::Active && self.profile.base != Profile::Service
    }

    /// Whether the mailbox takes ordinary mail: never the service mailbox (RFC 6109 §2.2.5).
    pub fn takes_ordinary_mail(&self) -> bool {
        self.ordinary == OrdinaryMail::Accept && self.profile.base != Profile::Service
    }
}
