//! Lists that come in pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many of a list one answer shows where nothing is said.
pub const LISTING_LIMIT: usize = 100;
/// And at the most.
pub const LISTING_MOST: usize = 1_000;

/// Which page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// How many at the most: [`LISTING_LIMIT`] when absent, [`LISTING_MOST`] whatever is said.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// A list that comes in pages.
pub trait Paged {
    /// What to ask as `after` for those that follow, taken out; none at the end.
    fn take_next(&mut self) -> Option<String>;
    /// Adds the page behind it.
    fn add(&mut self, page: Self);
}

macro_rules! paged {
    ($($list:ident $items:ident),*) => {$(
        impl Paged for super::$list {
            fn take_next(&mut self) -> Option<String> {
                self.next.take()
            }

            fn add(&mut self, page: Self) {
                self.$items.extend(page.$items);
                self.next = page.next;
            }
        }
    )*};
}
paged!(
    Administrators persons, Credentials credentials, Domains domains, FolderRights rights, Lists lists,
    Mailboxes mailboxes, Plans versions, Tenants tenants, Tokens tokens, Units units
);
