//! Administrations, their units and domains.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DOMAINS, MAILBOXES, escaped};

/// `GET`: [`Tenants`]; `POST` [`NewTenant`], answered with [`Tenant`].
pub const TENANTS: &str = "/v1/tenants";

/// The path of an administration: `PATCH` [`TenantChange`] or `DELETE`, answered with [`Tenant`].
pub fn tenant_path(id: u64) -> String {
    format!("{TENANTS}/{id}")
}

/// The path of its units: `GET` [`Units`]; `POST` [`NewUnit`], answered with [`Unit`].
pub fn units_path(tenant: u64) -> String {
    format!("{TENANTS}/{tenant}/units")
}

/// The path of one: `PATCH` [`NewUnit`] gives it another name, answered with [`Unit`]; `DELETE`, answered with [`Units`].
pub fn unit_path(tenant: u64, unit: u64) -> String {
    format!("{TENANTS}/{tenant}/units/{unit}")
}

/// The path of whose a domain is: `PUT` [`Owner`], answered with [`Owner`].
pub fn owner_path(domain: &str) -> String {
    format!("{DOMAINS}/{}/tenant", escaped(domain))
}

/// The path of a mailbox's unit: `PUT` [`OfUnit`], answered with it.
pub fn of_unit_path(address: &str) -> String {
    format!("{MAILBOXES}/{}/unit", escaped(address))
}

/// Administrations, by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tenants {
    /// A page of those that who asks may see.
    pub tenants: Vec<Tenant>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An administration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tenant {
    /// Its number, never given again.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its code in the public index, or another of the contract's.
    pub code: String,
    /// Whom the provider tells what concerns it.
    pub contacts: Vec<String>,
    /// Its domains, in alphabetical order.
    pub domains: Vec<String>,
    /// When it was made.
    pub created: String,
}

/// An administration to be taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// Its name.
    pub name: String,
    /// See [`Tenant::code`].
    #[serde(default)]
    pub code: String,
    /// See [`Tenant::contacts`].
    #[serde(default)]
    pub contacts: Vec<String>,
}

/// What changes; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TenantChange {
    /// See [`Tenant::name`].
    pub name: Option<String>,
    /// See [`Tenant::code`].
    pub code: Option<String>,
    /// See [`Tenant::contacts`].
    pub contacts: Option<Vec<String>>,
}

/// Whose a domain is; `null` is the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The number of the administration.
    pub tenant: Option<u64>,
}

/// The unit of a mailbox; `null` for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfUnit {
    /// Its number.
    pub unit: Option<u64>,
}

/// The units of an administration, by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Units {
    /// A page of them.
    pub units: Vec<Unit>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unit {
    /// Its number, never given again.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// A unit to be made, or its other name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUnit {
    /// Its name, once in its administration.
    pub name: String,
}
