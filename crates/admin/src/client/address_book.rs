//! Requests about address books.

use hyper::Method;

use super::{Client, Error, FETCHING, PATIENCE, query};
use crate::api;

impl Client {
    /// A page of an address book.
    pub async fn address_book(&self, tenant: u64, filter: &api::BookFilter) -> Result<api::AddressBook, Error> {
        let (limit, own) = (filter.limit.map(|n| n.to_string()), filter.own.map(|own| own.to_string()));
        let given = [
            ("limit", limit.as_deref()),
            ("after", filter.after.as_deref()),
            ("match", filter.text.as_deref()),
            ("own", own.as_deref()),
        ];
        self.get(&format!("{}?{}", api::address_book_path(tenant), query(&given))).await
    }

    /// All of it that the filter lets through, page by page.
    pub async fn whole_address_book(
        &self,
        tenant: u64,
        filter: &api::BookFilter,
    ) -> Result<Vec<api::BookEntry>, Error> {
        let (mut filter, mut all) = (filter.clone(), Vec::new());
        loop {
            let page = self.address_book(tenant, &filter).await?;
            all.extend(page.entries);
            filter.after = page.next;
            if filter.after.is_none() {
                return Ok(all);
            }
        }
    }

    /// An entry.
    pub async fn book_entry(&self, tenant: u64, address: &str) -> Result<api::BookEntry, Error> {
        self.get(&api::book_entry_path(tenant, address)).await
    }

    /// Changes an entry, or makes one.
    pub async fn change_book_entry(
        &self,
        tenant: u64,
        address: &str,
        change: &api::EntryChange,
    ) -> Result<api::BookEntry, Error> {
        self.send(Method::PATCH, &api::book_entry_path(tenant, address), Some(change), PATIENCE).await
    }

    /// Takes an entry out.
    pub async fn remove_book_entry(&self, tenant: u64, address: &str) -> Result<api::BookEntry, Error> {
        self.send(Method::DELETE, &api::book_entry_path(tenant, address), None::<&()>, PATIENCE).await
    }

    /// Takes every entry out.
    pub async fn clear_address_book(&self, tenant: u64) -> Result<api::Cleared, Error> {
        self.send(Method::DELETE, &api::address_book_path(tenant), None::<&()>, FETCHING).await
    }
}
