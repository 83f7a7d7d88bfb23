//! The rate profiles of mailboxes, with the figures of the public specification (BOX-01 … BOX-06).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sigillo_base::limits::{LARGEST_PROFILE_MESSAGE, MAX_RECIPIENTS, MB};
use sigillo_base::{Said, Tell, said, told};

use crate::CredentialName;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownProfile {
    name: String,
    known: String,
}

impl Tell for UnknownProfile {
    fn said(&self) -> Said {
        let Self { name, known } = self;
        said!("«{name}» non è un profilo: usare uno fra {known}", "“{name}” is no profile: use one of {known}")
    }
}

told!(UnknownProfile);

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

/// The profile of a mailbox: one of the specification, or one of the provider's own that is made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the mailbox is made for.
    pub base: Profile,
    /// The provider's own profile, by its name.
    pub custom: Option<String>,
}

impl Choice {
    /// The name used in configuration, CLI, API and reports.
    pub fn name(&self) -> &str {
        self.custom.as_deref().unwrap_or(self.base.name())
    }
}

impl From<Profile> for Choice {
    fn from(base: Profile) -> Self {
        Self { base, custom: None }
    }
}

/// A profile of the provider's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    /// Its name: as [`crate::CredentialName`] is written.
    pub name: String,
    /// What its mailboxes are made for.
    pub base: Profile,
    /// Its figures.
    pub limits: Limits,
}

/// Why a profile of the provider's own cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProfile {
    /// Its name is none, or is taken.
    #[error(
        "«{0}» non può essere il nome di un profilo: da 1 a 64 fra lettere minuscole, cifre, «.», «_» e «-», diverso dagli altri"
    )]
    Name(String),
    /// The service mailbox never sends: there is nothing to choose.
    #[error("il profilo «{0}» non può nascere da service")]
    Service(String),
    /// A figure that cannot be.
    #[error("il profilo «{0}» ha un limite fuori misura: {1}")]
    Figure(String, &'static str),
}

/// The provider's own profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profiles(Vec<Custom>);

impl Profiles {
    /// These, if they can be.
    ///
    /// # Errors
    /// [`BadProfile`], with the name of the first that cannot.
    pub fn new(custom: Vec<Custom>) -> Result<Self, BadProfile> {
        for (n, one) in custom.iter().enumerate() {
            let taken = Profile::from_str(&one.name).is_ok() || custom[..n].iter().any(|other| other.name == one.name);
            let plain = CredentialName::parse(&one.name).is_ok_and(|name| name.as_str() == one.name);
            if taken || !plain {
                return Err(BadProfile::Name(one.name.clone()));
            }
            if one.base == Profile::Service {
                return Err(BadProfile::Service(one.name.clone()));
            }
            one.limits.check().map_err(|what| BadProfile::Figure(one.name.clone(), what))?;
        }
        Ok(Self(custom))
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// [`UnknownProfile`], which lists those that are.
    pub fn choose(&self, name: &str) -> Result<Choice, UnknownProfile> {
        if let Some(custom) = self.find(name) {
            return Ok(Choice { base: custom.base, custom: Some(custom.name.clone()) });
        }
        Profile::from_str(name).map(Choice::from).map_err(|_| unknown(name, self.0.iter().map(|c| c.name.as_str())))
    }

    /// Every profile that can be chosen, those of the specification first: its name, what it is made for, its figures.
    pub fn all(&self) -> impl Iterator<Item = (&str, Profile, Limits)> {
        let known = Profile::ALL.into_iter().map(|profile| (profile.name(), profile, profile.limits()));
        known.chain(self.0.iter().map(|custom| (custom.name.as_str(), custom.base, custom.limits)))
    }

    /// The provider's own profile of this name.
    pub fn find(&self, name: &str) -> Option<&Custom> {
        self.0.iter().find(|custom| custom.name == name)
    }

    /// What a mailbox is made for and its figures. One whose own profile is gone has the figures of what it is made for.
    pub fn of(&self, chosen: &Choice) -> (Profile, Limits) {
        match chosen.custom.as_deref().and_then(|name| self.find(name)) {
            Some(custom) => (custom.base, custom.limits),
            None => (chosen.base, chosen.base.limits()),
        }
    }
}

impl Limits {
    /// No more than the session takes, and nothing that would be no mailbox.
    fn check(&self) -> Result<(), &'static str> {
        let checks = [
            (self.per_minute > 0, "per_minute: da 1 in su"),
            (self.per_day > 0, "per_day: da 1 in su"),
            ((MB..=LARGEST_PROFILE_MESSAGE).contains(&self.max_message), "max_message_mb: da 1 a 50"),
            ((1..=MAX_RECIPIENTS).contains(&self.max_recipients), "max_recipients: da 1 a 1000"),
            (self.box_bytes >= 1024 * MB, "box_gb: da 1 in su"),
            (self.box_bytes <= MOST_BYTES, "box_gb: fino a 65536"),
        ];
        checks.iter().find(|(fine, _)| !fine).map_or(Ok(()), |(_, what)| Err(*what))
    }
}

const MOST_BYTES: u64 = 65_536 * 1024 * MB;

fn unknown<'n>(name: &str, custom: impl IntoIterator<Item = &'n str>) -> UnknownProfile {
    let known: Vec<&str> = Profile::ALL.map(Profile::name).into_iter().chain(custom).collect();
    UnknownProfile { name: name.chars().take(64).collect(), known: known.join(", ") }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|p| p.name() == s).ok_or_else(|| unknown(s, []))
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
    fn a_profile_of_the_providers_own_has_its_figures_and_a_name_that_is_no_others() {
        let limits = Limits { per_minute: 7, ..Profile::Standard.limits() };
        let custom = |name: &str, base, limits| Custom { name: name.into(), base, limits };
        let own = Profiles::new(vec![custom("scuole", Profile::Structured, limits)]).unwrap();
        let chosen = own.choose("scuole").unwrap();
        assert_eq!((chosen.name(), own.of(&chosen)), ("scuole", (Profile::Structured, limits)));
        assert_eq!(own.of(&Profile::Standard.into()), (Profile::Standard, Profile::Standard.limits()));
        let gone = Profiles::default().of(&chosen);
        assert_eq!(gone, (Profile::Structured, Profile::Structured.limits()), "the figures of what it is made for");
        assert!(own.choose("enorme").unwrap_err().to_string().contains("service, scuole"));
        for name in ["", "standard", "Scuole", "a b", "à"] {
            assert!(Profiles::new(vec![custom(name, Profile::Standard, limits)]).is_err(), "{name}");
        }
        assert!(
            Profiles::new(vec![custom("a", Profile::Standard, limits), custom("a", Profile::Standard, limits)])
                .is_err()
        );
        assert!(Profiles::new(vec![custom("a", Profile::Service, limits)]).is_err());
        for bad in [
            Limits { per_minute: 0, ..limits },
            Limits { per_day: 0, ..limits },
            Limits { max_message: 51 * MB, ..limits },
            Limits { max_recipients: 1_001, ..limits },
            Limits { max_recipients: 0, ..limits },
            Limits { box_bytes: 0, ..limits },
        ] {
            let refused = Profiles::new(vec![custom("a", Profile::Standard, bad)]);
            assert!(matches!(refused, Err(BadProfile::Figure(..))), "{bad:?}");
        }
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
