//! What the passwords of users must be: `[passwords]`.

use std::path::PathBuf;

use sigillo_accounts::PasswordPolicy;

use super::Located;
use super::located::Reader;
use super::raw;

/// What the passwords of users must be, and where they are changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passwords {
    /// The rules.
    pub policy: PasswordPolicy,
    /// Where a user changes his own.
    pub page: Option<String>,
    /// The file of the key that seeds of second factors are closed with.
    pub seal_key: Option<Located<PathBuf>>,
}

impl Reader<'_> {
    pub(super) fn passwords(&mut self, raw: raw::Passwords) -> Option<Passwords> {
        // Fewer characters protect nothing, and nobody types more.
        let min_length = self.within("passwords.min_length", &raw.min_length, 6, 64)?;
        // Each former password costs a slow hash when another is chosen.
        let history = self.within("passwords.history", &raw.history, 0, 24)?;
        let max_age_days = match raw.max_age_days {
            Some(days) => {
                let age = self.days("passwords.max_age_days", &days, 1)?;
                u32::try_from(age.as_secs() / (24 * 3600)).ok()
            }
            None => None,
        };
        let page = match raw.page {
            Some(page) => Some(self.page("passwords.page", page)?),
            None => None,
        };
        let policy = PasswordPolicy { min_length, history, max_age_days, first_change: raw.first_change };
        let seal_key = match raw.seal_key {
            Some(file) => Some(self.path("passwords.seal_key", file)?),
            None => None,
        };
        Some(Passwords { policy, page, seal_key })
    }
}
