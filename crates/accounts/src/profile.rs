//! The rate profiles of mailboxes, with the figures of the public specification (BOX-01 … BOX-06).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sigillo_base::limits::{LARGEST_PROFILE_MESSAGE, MAX_RECIPIENTS, MB};

/// What a mailbox is made for. The figures are in [`Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// *Casella standard*: one person (BOX-01).
    Standard,
    /// *Casella strutturata*: several persons with credentials of their own (BOX-02).
    Structured,
    /// *Casella massiva small* (BOX-03).
    MassiveSmall,
    /// *Casella massiva medium* (BOX-04).
    MassiveMedium,
    /// *Casella massiva large* (BOX-05).
    MassiveLarge,
    /// *Casella massiva extra-large* (BOX-06).
    MassiveExtraLarge,
    /// *Casella di servizio*: the provider's own, for take-charge receipts and virus notices (RFC 6109 §2.2.5).
    /// It is read, never used to send.
    Service,
}

/// What a profile allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the box, in bytes.
    pub box_bytes: u64,
    /// Messages accepted for sending in one minute.
    pub per_minute: u32,
    /// Messages accepted for sending in one legal day.
    pub per_day: u32,
    /// Largest message, in bytes.
    pub max_message: u64,
    /// Recipients of one message.
    pub max_recipients: usize,
}

/// A text that names no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("«{0}» non è un profilo: usare uno fra {all}", all = Profile::ALL.map(Profile::name).join(", "))]
pub struct UnknownProfile(String);

impl Profile {
    /// Every profile, in the order of the specification.
    pub const ALL: [Self; 7] = [
        Self::Standard,
        Self::Structured,
        Self::MassiveSmall,
        Self::MassiveMedium,
        Self::MassiveLarge,
        Self::MassiveExtraLarge,
        Self::Service,
    ];

    /// The name used in configuration, CLI and API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Structured => "structured",
            Self::MassiveSmall => "massive-small",
            Self::MassiveMedium => "massive-medium",
            Self::MassiveLarge => "massive-large",
            Self::MassiveExtraLarge => "massive-extra-large",
            Self::Service => "service",
        }
    }

    /// Whether it is made for sending in great numbers.
    pub const fn is_massive(self) -> bool {
        matches!(self, Self::MassiveSmall | Self::MassiveMedium | Self::MassiveLarge | Self::MassiveExtraLarge)
    }

    /// The figures of this profile.
    pub const fn limits(self) -> Limits {
        let (gb, per_day, per_minute) = match self {
            Self::Standard => (3, 500, 50),
            Self::Structured => (6, 500, 50),
            Self::MassiveSmall => (6, 5_000, 250),
            Self::MassiveMedium => (18, 12_000, 1_200),
            Self::MassiveLarge => (36, 25_000, 2_500),
            Self::MassiveExtraLarge => (64, 50_000, 5_000),
            Self::Service => (64, 0, 0),
        };
        Limits {
            box_bytes: gb * 1024 * MB,
            per_minute,
            per_day,
            max_message: LARGEST_PROFILE_MESSAGE,
            max_recipients: MAX_RECIPIENTS,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|p| p.name() == s).ok_or_else(|| UnknownProfile(s.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_specification() {
        let rows = Profile::ALL.map(|p| {
            let l = p.limits();
            (p.name(), l.box_bytes / MB / 1024, l.per_day, l.per_minute)
        });
        assert_eq!(
            rows,
            [
                ("standard", 3, 500, 50),
                ("structured", 6, 500, 50),
                ("massive-small", 6, 5_000, 250),
                ("massive-medium", 18, 12_000, 1_200),
                ("massive-large", 36, 25_000, 2_500),
                ("massive-extra-large", 64, 50_000, 5_000),
                ("service", 64, 0, 0),
            ]
        );
        assert!(Profile::ALL.iter().all(|p| p.limits().max_message == 50 * MB && p.limits().max_recipients == 1_000));
    }

    #[test]
    fn names_round_trip_and_an_unknown_one_lists_the_known() {
        for p in Profile::ALL {
            assert_eq!(p.name().parse::<Profile>().unwrap(), p);
        }
        let e = "enorme".parse::<Profile>().unwrap_err().to_string();
        assert!(e.contains("enorme") && e.contains("massive-extra-large"), "{e}");
    }
}
