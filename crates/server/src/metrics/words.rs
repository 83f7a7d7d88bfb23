//! The labels: which lists of words there are, and what they are called.

use sigillo_engine::Obstacle;
use sigillo_engine::meter::{
    HandOver, Limit, LoginResult, Medium, Nature, Part, Reception, Standing, Submission, Task, Telling, Way,
};
use sigillo_pec::Kind;

use super::family::Word;
use crate::config::Role;
use crate::net::Full;

/// A list that lives elsewhere becomes a label.
macro_rules! labels {
    ($($words:ty: $label:literal, $word:ident;)*) => {$(
        impl Word for $words {
            const LABEL: &'static str = $label;
            const ALL: &'static [Self] = &<$words>::ALL;

            fn word(self) -> &'static str {
                <$words>::$word(self)
            }
        }
    )*};
}

labels! {
    Role: "role", name;
    Kind: "kind", as_str;
}

/// The same for lists that are slices.
macro_rules! slices {
    ($($words:ty: $label:literal;)*) => {$(
        impl Word for $words {
            const LABEL: &'static str = $label;
            const ALL: &'static [Self] = <$words>::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )*};
}

slices! {
    Full: "limit";
    Limit: "limit";
    Task: "task";
    LoginResult: "result";
    Submission: "outcome";
    Reception: "outcome";
    HandOver: "outcome";
    Nature: "nature";
    Way: "destination";
    Part: "part";
    Standing: "state";
    Medium: "medium";
    Telling: "outcome";
    Obstacle: "obstacle";
}

/// A list that only figures need.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident $label:literal { $($(#[$each:meta])* $variant:ident = $word:expr,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)* }

        impl Word for $name {
            const LABEL: &'static str = $label;
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    )*};
}

words! {
    /// How an attempt of the relay ended.
    Attempt "outcome" {
        /// The other server has taken the message for everybody.
        Taken = "taken",
        /// It has refused everybody for good.
        Refused = "refused",
        /// Somebody has to be tried again.
        Deferred = "deferred",
        /// No server could be spoken to.
        Unreachable = "unreachable",
    }

    /// What became of a report about TLS.
    ReportEnd "outcome" {
        /// It was queued as a mail.
        Mailed = "mailed",
        /// It was taken over HTTPS.
        Posted = "posted",
        /// It was not taken, or could not be queued: the domain is asked again an hour later.
        Failed = "failed",
    }

    /// How a signature ended.
    Signature "result" {
        /// Well.
        Made = "ok",
        /// Not.
        Failed = "failed",
    }

    /// The verdict of a scan.
    Scan "verdict" {
        /// Nothing was found.
        Clean = "clean",
        /// Malware.
        Infected = "infected",
        /// There was no verdict.
        Missing = "none",
    }

    /// The states of a store, as the status names them.
    StoreState "state" {
        /// It takes more.
        Well = "well",
        /// Too little room.
        Full = "full",
        /// Too few inodes.
        Inodes = "inodes",
        /// Commits fail.
        Failing = "failing",
        /// Flushes or compactions failed.
        Background = "background",
        /// Writes stand still.
        Stalled = "stalled",
    }

    /// The states of the clock, as the status names them.
    ClockState "state" {
        /// Within the tolerance.
        Synchronised = "synchronised",
        /// Beyond it.
        Off = "off",
        /// Not measured.
        Unknown = "unknown",
    }

    /// What must hold for mail to be accepted.
    Condition "condition" {
        /// The ports are open, and the service is not coming to its end.
        Serving = "serving",
        /// The disk has its reserve.
        Disk = "disk",
        /// The store commits.
        Store = "store",
        /// The clock is not off.
        Clock = "clock",
        /// There is a provider index.
        Index = "index",
        /// The revocation lists are current.
        Revocation = "revocation",
        /// The signing certificate is valid and its key signs.
        Signer = "signer",
        /// The antivirus answers, or is not waited for.
        Antivirus = "antivirus",
    }

    /// What a certificate of ours is for.
    Purpose "purpose" {
        /// Envelopes, receipts and notices.
        Signing = "signing",
        /// Listeners.
        Tls = "tls",
    }

    /// The version of this program.
    Version "version" {
        /// This one.
        This = env!("CARGO_PKG_VERSION"),
    }
}
