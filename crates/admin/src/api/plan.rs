//! What an administration ordered (*Piano dei fabbisogni*).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tenant_path;

/// Mailboxes by profile.
pub type Quantities = BTreeMap<String, u64>;

/// The path of an administration's plan: `GET` [`Plans`]; `POST` [`NewPlan`], answered with [`Plans`].
pub fn plan_path(tenant: u64) -> String {
    format!("{}/plan", tenant_path(tenant))
}

/// The path to approve a version: `PUT`, answered with [`Plans`].
pub fn approval_path(tenant: u64, version: u64) -> String {
    format!("{}/{version}/approval", plan_path(tenant))
}

/// The path of how many mailboxes there were on the 15th: `GET ?month=2026-11` [`Consistency`].
pub fn consistency_path(tenant: u64) -> String {
    format!("{}/consistency", tenant_path(tenant))
}

/// The versions of a plan, and how much is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plans {
    /// The administration.
    pub tenant: u64,
    /// The version that counts; none: it is not limited.
    pub counts: Option<u64>,
    /// A page of them, by number; of who writes or approves one, from that on.
    pub versions: Vec<Plan>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Mailboxes that count now.
    pub used: Quantities,
    /// How many may be added, of each profile that was ordered.
    pub left: Option<Quantities>,
    /// The same of each unit.
    pub used_by_unit: BTreeMap<u64, Quantities>,
    /// The same of each unit with quantities of its own.
    pub left_by_unit: BTreeMap<u64, Quantities>,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// From 1.
    pub version: u64,
    /// How many of each profile; of one that is not named, none.
    pub quantities: Quantities,
    /// How many of them each unit may have, where that is said.
    pub units: BTreeMap<u64, Quantities>,
    /// What it goes back to.
    pub note: String,
    /// When it was written, ISO 8601.
    pub created: String,
    /// By whom.
    pub by: String,
    /// When it was approved, ISO 8601.
    pub approved: Option<String>,
    /// By whom.
    pub approved_by: Option<String>,
}

/// A version to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlan {
    /// See [`Plan::quantities`].
    pub quantities: Quantities,
    /// See [`Plan::units`].
    #[serde(default)]
    pub units: BTreeMap<u64, Quantities>,
    /// See [`Plan::note`].
    #[serde(default)]
    pub note: String,
}

/// How many mailboxes an administration had on the 15th of a month, at 23:59:59 in Rome (BIL-02, X-16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consistency {
    /// The administration.
    pub tenant: u64,
    /// The month.
    pub month: String,
    /// The instant, ISO 8601.
    pub at: String,
    /// How many, by profile.
    pub active: Quantities,
    /// All of them.
    pub total: u64,
}
