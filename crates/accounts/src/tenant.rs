//! Administrations and their units.

use serde::{Deserialize, Serialize};

/// An administration (*amministrazione*) that the provider serves, isolated from every other (SEC-05).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// Its code in the public index (*codice IPA*), or another that the contract uses; empty where there is none.
    pub code: String,
    /// Whom the provider tells what concerns it (NOT-03): ordinary or certified addresses.
    pub contacts: Vec<String>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: i64,
    /// When it was removed, in milliseconds.
    pub removed: Option<i64>,
}

/// A unit of an administration, which makes and manages mailboxes of its own (*provisioning periferico*, WEB-09).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its name, once in its administration.
    pub name: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: i64,
    /// When it was removed, in milliseconds.
    pub removed: Option<i64>,
}
