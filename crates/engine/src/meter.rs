//! What is worth a figure: facts, told to a port once they are durable, and the closed words they are told in.
//!
//! A fact carries no address, no identifier, no text of a peer: who reads figures learns nothing about anybody, and
//! nobody outside can make a figure more than there are words.

use std::time::Duration;

use sigillo_accounts::{Channel, Window};
use sigillo_pec::Kind;
use sigillo_pec::incoming::Judgement;

use crate::{LoginError, Received, Rejected, Submitted};

/// Whom to tell what happened, for figures. Calls must not block.
pub trait Meter: Send + Sync {
    /// Something happened.
    fn note(&self, fact: Fact);
}

/// Counts nothing.
impl Meter for () {
    fn note(&self, _: Fact) {}
}

/// Something that happened. Times are spans of service time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// A message of ours stands: signed, stored, its commit done.
    Issued(Kind),
    /// A certified message of another provider, or of ourselves, was taken.
    Came(Kind),
    /// What the incoming point found a message to be.
    Judged(Nature),
    /// What the incoming point answered.
    Reception(Reception),
    /// What the access point answered.
    Submission(Submission),
    /// What became of so many recipients of a hand-over.
    HandOver(Way, HandOver, usize),
    /// An envelope is in its mailbox or its notice is in the queue, so long after it was taken charge of.
    Delivered(Duration),
    /// The receipt of a delivery came, so long after the message was accepted.
    Confirmed(Duration),
    /// Somebody tried to log in.
    Login(LoginResult),
    /// A sender was over the limit of his box.
    Limit(Limit),
    /// What became of a notice to a person.
    Told(Medium, Telling),
}

/// A closed list of words: each with the word that figures and documents show.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    )*};
}

words! {
    /// What a message is that came to the incoming point.
    Nature {
        /// A valid transport envelope.
        Envelope = "envelope",
        /// A valid receipt or notice.
        Receipt = "receipt",
        /// A provider's message of wrong form.
        Malformed = "malformed",
        /// Not certified.
        Ordinary = "ordinary",
        /// It could not be judged.
        Undecided = "undecided",
    }

    /// What the incoming point answered.
    Reception {
        /// Taken charge of.
        TakenCharge = "taken_charge",
        /// Malware inside: its provider is told.
        Infected = "infected",
        /// A receipt was filed.
        Receipt = "receipt",
        /// Delivered in an anomaly envelope.
        Anomaly = "anomaly",
        /// It was here before.
        Again = "again",
        /// A bounce to the service address, forgotten.
        Swallowed = "swallowed",
        /// Refused, for good or for now.
        Refused = "refused",
        /// Nothing was done: a fault of ours.
        Failed = "failed",
    }

    /// What the access point answered to a whole message.
    Submission {
        /// Accepted.
        Accepted = "accepted",
        /// Its sender has a notice of non-acceptance.
        NotAccepted = "not_accepted",
        /// Refused in SMTP.
        Refused = "refused",
        /// Nothing was done: a fault of ours.
        Failed = "failed",
    }

    /// Where a hand-over goes.
    Way {
        /// To ourselves.
        Local = "local",
        /// To a certified domain.
        Certified = "certified",
        /// To an ordinary one.
        Ordinary = "ordinary",
    }

    /// What became of a recipient in a hand-over.
    HandOver {
        /// The other server has taken it.
        Taken = "taken",
        /// Refused for good, or given up.
        Refused = "refused",
        /// To be tried again.
        Deferred = "deferred",
    }

    /// How a log-in ended.
    LoginResult {
        /// Well.
        Fine = "ok",
        /// Unknown user or wrong password.
        Wrong = "wrong",
        /// The box is blocked, or the credential is not for this.
        Blocked = "blocked",
        /// The password is to be changed, or no longer good.
        Expired = "expired",
        /// Too many failures before: not checked.
        Locked = "locked",
        /// Too many connections of the account.
        Full = "full",
        /// It could not be checked.
        Failed = "failed",
    }

    /// A limit of a box.
    Limit {
        /// Messages in a minute.
        Minute = "minute",
        /// Messages in a day.
        Day = "day",
    }

    /// What a connection asks of a worker thread.
    Task {
        /// A log-in.
        Login = "login",
        /// The address of a sender or a recipient.
        Address = "address",
        /// A piece of a message that is put aside while the rest arrives.
        Spool = "spool",
        /// A user's whole message: from its end to the answer.
        Submission = "submission",
        /// Another server's whole message: from its end to the answer.
        Reception = "reception",
        /// A command of a mail reader.
        Mailbox = "mailbox",
    }

    /// A part of the queue.
    Part {
        /// What this provider does in itself.
        Local = "local",
        /// What goes to other servers.
        Relay = "relay",
        /// Notices to people that did not go out yet.
        Notices = "notices",
    }

    /// How a person is told something.
    Medium {
        /// By short message.
        Sms = "sms",
        /// By ordinary mail.
        Mail = "mail",
    }

    /// What became of a notice.
    Telling {
        /// The gateway has it, or the queue of mail.
        Sent = "sent",
        /// It is tried again.
        Deferred = "deferred",
        /// It was given up.
        GivenUp = "given_up",
    }

    /// How an item of the queue stands.
    Standing {
        /// Its time has come.
        Due = "due",
        /// It waits for another attempt.
        Later = "later",
        /// Somebody works at it.
        InWork = "in_work",
    }
}

impl From<&Judgement> for Nature {
    fn from(judgement: &Judgement) -> Self {
        match judgement {
            Judgement::Envelope(_) => Self::Envelope,
            Judgement::Receipt(_) => Self::Receipt,
            Judgement::Malformed { .. } => Self::Malformed,
            Judgement::Ordinary { .. } => Self::Ordinary,
            Judgement::Undecided { .. } => Self::Undecided,
        }
    }
}

impl From<&Result<Received, Rejected>> for Reception {
    fn from(answer: &Result<Received, Rejected>) -> Self {
        match answer {
            Ok(Received::TakenCharge(_)) => Self::TakenCharge,
            Ok(Received::Infected(_)) => Self::Infected,
            Ok(Received::Receipt(_)) => Self::Receipt,
            Ok(Received::Anomaly) => Self::Anomaly,
            Ok(Received::Again) => Self::Again,
            Ok(Received::Swallowed) => Self::Swallowed,
            Err(Rejected::Refused(_)) => Self::Refused,
            Err(Rejected::Fault(_)) => Self::Failed,
        }
    }
}

impl From<&Result<Submitted, Rejected>> for Submission {
    fn from(answer: &Result<Submitted, Rejected>) -> Self {
        match answer {
            Ok(Submitted::Accepted(_)) => Self::Accepted,
            Ok(Submitted::NotAccepted(_)) => Self::NotAccepted,
            Err(Rejected::Refused(_)) => Self::Refused,
            Err(Rejected::Fault(_)) => Self::Failed,
        }
    }
}

impl From<&LoginError> for LoginResult {
    fn from(error: &LoginError) -> Self {
        match error {
            LoginError::Credentials | LoginError::WrongCode => Self::Wrong,
            LoginError::Blocked(_) | LoginError::Rights | LoginError::SecondFactor | LoginError::CodeWanted => {
                Self::Blocked
            }
            LoginError::MustChange | LoginError::Expired(_) => Self::Expired,
            LoginError::TooManyCodes(_) => Self::Locked,
            LoginError::Fault(_) => Self::Failed,
        }
    }
}

impl Medium {
    /// The way to a channel.
    pub fn of(channel: &Channel) -> Self {
        match channel {
            Channel::Sms(_) => Self::Sms,
            Channel::Mail(_) => Self::Mail,
        }
    }
}

impl From<Window> for Limit {
    fn from(window: Window) -> Self {
        match window {
            Window::Minute => Self::Minute,
            Window::Day => Self::Day,
        }
    }
}
