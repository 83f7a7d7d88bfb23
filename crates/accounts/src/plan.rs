//! What an administration ordered (*Piano dei fabbisogni*: WEB-04, WEB-11).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Mailboxes by the name of their profile.
pub type Quantities = BTreeMap<String, u64>;

/// A version of the plan. Only the one that was approved last counts; an administration without one is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How many mailboxes of each profile: of one that is not named, none.
    pub quantities: Quantities,
    /// How many of these a unit may have, where that is said: of a profile that is not named then, none.
    pub units: BTreeMap<u64, Quantities>,
    /// What it goes back to: the act, the order's number.
    pub note: String,
    /// When it was written, in milliseconds since the Unix epoch.
    pub created: i64,
    /// Who wrote it.
    pub by: String,
    /// When it was approved, in milliseconds, and by whom.
    pub approved: Option<(i64, String)>,
}

impl Plan {
    /// How many of a profile the administration may have.
    pub fn of(&self, profile: &str) -> u64 {
        self.quantities.get(profile).copied().unwrap_or_default()
    }

    /// How many of a profile a unit may have; `None`: as many as the administration.
    pub fn of_unit(&self, unit: u64, profile: &str) -> Option<u64> {
        self.units.get(&unit).map(|own| own.get(profile).copied().unwrap_or_default())
    }
}
