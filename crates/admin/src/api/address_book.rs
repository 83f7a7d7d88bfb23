//! The address book of an administration (BOX-15).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TENANTS, escaped};

/// Entries in one answer.
pub const ADDRESS_BOOK_LIMIT: usize = 1_000;

/// The path of an address book: `GET` with [`BookFilter`] in the query: [`AddressBook`]; `DELETE` takes every entry out:
/// [`Cleared`].
pub fn address_book_path(tenant: u64) -> String {
    format!("{TENANTS}/{tenant}/address-book")
}

/// The path of an entry: `GET`, `PUT` [`NewEntry`], `PATCH` [`EntryChange`] or `DELETE`, answered with [`BookEntry`].
pub fn book_entry_path(tenant: u64, address: &str) -> String {
    format!("{}/{}", address_book_path(tenant), escaped(address))
}

/// The path of a file of entries: `POST` [`Apply`](super::Apply) of [`BookLine`]: steps, at their end
/// [`Applied`](super::Applied).
pub fn book_apply_path(tenant: u64) -> String {
    format!("{}/apply", address_book_path(tenant))
}

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BookFilter {
    /// How many at the most, and never more than [`ADDRESS_BOOK_LIMIT`].
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// Only those with this in their address or in a text, in any case.
    #[serde(rename = "match")]
    pub text: Option<String>,
    /// Only the mailboxes of the administration's own, or only all others.
    pub own: Option<bool>,
}

/// Entries, by address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressBook {
    /// A page of them.
    pub entries: Vec<BookEntry>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Who an address is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BookEntry {
    /// The address, certified or ordinary.
    pub address: String,
    /// Whose it is: a person or an office.
    pub name: String,
    /// The organisation that he is of, or empty.
    pub organisation: String,
    /// His office there, or empty.
    pub office: String,
    /// His telephone number as people write it, or empty.
    pub phone: String,
    /// Whatever else there is to say, or empty.
    pub note: String,
    /// Whether it is a mailbox of the administration's own: an entry of its registry of users.
    pub own: bool,
    /// When it was made, ISO 8601.
    pub created: String,
    /// When it was changed last, ISO 8601.
    pub changed: String,
}

/// An entry as it is to be: what is absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// See [`BookEntry::name`]; up to 200 characters.
    pub name: String,
    /// See [`BookEntry::organisation`]; up to 200 characters.
    #[serde(default)]
    pub organisation: String,
    /// See [`BookEntry::office`]; up to 200 characters.
    #[serde(default)]
    pub office: String,
    /// See [`BookEntry::phone`]; up to 40 characters, a digit among them.
    #[serde(default)]
    pub phone: String,
    /// See [`BookEntry::note`]; up to 500 characters on one line.
    #[serde(default)]
    pub note: String,
}

/// What changes of an entry: what is absent stays, what is empty goes. One that is not there is made, if it gets a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EntryChange {
    /// See [`NewEntry::name`].
    pub name: Option<String>,
    /// See [`NewEntry::organisation`].
    pub organisation: Option<String>,
    /// See [`NewEntry::office`].
    pub office: Option<String>,
    /// See [`NewEntry::phone`].
    pub phone: Option<String>,
    /// See [`NewEntry::note`].
    pub note: Option<String>,
}

/// A line of a file: how an entry is to be. What is absent stays, what is empty goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BookLine {
    /// Its number in the file.
    pub line: usize,
    /// The address.
    pub address: String,
    /// See [`NewEntry::name`].
    pub name: Option<String>,
    /// See [`NewEntry::organisation`].
    pub organisation: Option<String>,
    /// See [`NewEntry::office`].
    pub office: Option<String>,
    /// See [`NewEntry::phone`].
    pub phone: Option<String>,
    /// See [`NewEntry::note`].
    pub note: Option<String>,
    /// `active`, or `cancelled`: it is taken out.
    pub state: Option<String>,
    /// The ticket, where the line has its own.
    pub ticket: Option<String>,
    /// When it was asked for, where the line has its own.
    pub requested_at: Option<String>,
}

/// What was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cleared {
    /// Entries.
    pub entries: u64,
}
