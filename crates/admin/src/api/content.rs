//! What lies in a mailbox, taken out and brought in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{escaped, mailbox_path};

/// The path of a mailbox's folders. `GET`: [`Folders`]. `PUT` [`NewFolder`]: [`Folders`]; the folder and the levels above it
/// are made where they are missing.
pub fn folders_path(address: &str) -> String {
    format!("{}/folders", mailbox_path(address))
}

/// The path of what lies in a folder. `GET` with [`PageOf`] as query: [`Messages`]. `POST` of a message
/// (`message/rfc822`) with [`Filing`] as query: [`Filed`] (201); 507 when the mailbox has no room for it.
pub fn messages_path(address: &str, folder: &str, more: &str) -> String {
    format!("{}/messages?folder={}{more}", mailbox_path(address), escaped(folder))
}

/// The path of a message: `GET` gives its bytes (`message/rfc822`); `PUT` [`NewFlags`] gives it other flags.
pub fn message_path(address: &str, folder: &str, uid: u32) -> String {
    format!("{}/messages/{uid}?folder={}", mailbox_path(address), escaped(folder))
}

/// The folders of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Folders {
    /// Their full names, levels separated by `/`.
    pub folders: Vec<String>,
    /// Those that have a special use.
    #[serde(default)]
    pub uses: Vec<FolderUse>,
}

/// A folder with a special use (RFC 6154).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FolderUse {
    /// Its full name.
    pub name: String,
    /// `\Sent`, `\Drafts` and so on.
    pub special_use: String,
}

/// The flags and keywords that a message is to have, and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFlags {
    /// As IMAP writes them, between blanks.
    pub flags: String,
}

/// A folder to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFolder {
    /// Its full name.
    pub name: String,
    /// The special use of a folder that is made, when no other has it: `\Sent` and so on.
    #[serde(default)]
    pub special_use: Option<String>,
    /// Whether it is subscribed, also where it is there already; without, a new one is.
    #[serde(default)]
    pub subscribed: Option<bool>,
}

/// Which page of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageOf {
    /// The full name of the folder.
    pub folder: String,
    /// [`Message::uid`] of the last message of the page before.
    #[serde(default)]
    pub after: u32,
}

/// The folder of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InFolder {
    /// Its full name.
    pub folder: String,
}

/// How a message is to lie in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filing {
    /// The full name of the folder.
    pub folder: String,
    /// Its INTERNALDATE, ISO 8601.
    pub date: String,
    /// Its flags and keywords as IMAP writes them, between blanks.
    #[serde(default)]
    pub flags: String,
}

/// A page of what lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    /// By UID; none at the end of the folder.
    pub messages: Vec<Message>,
    /// What to ask as `after` for those that follow; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A message as it lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its UID.
    pub uid: u32,
    /// Octets.
    pub size: u32,
    /// Its INTERNALDATE, ISO 8601.
    pub date: String,
    /// Its flags and keywords as IMAP writes them.
    pub flags: Vec<String>,
    /// SHA-256 of its bytes, in hexadecimal; none when they cannot be read, or are gone by now.
    pub sha256: Option<String>,
}

/// A message that was put into a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Filed {
    /// Its UID.
    pub uid: u32,
}
