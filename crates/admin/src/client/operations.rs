//! Requests about operations and plans.

use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, Error, PATIENCE, query};
use crate::api;

impl Client {
    /// The same with what every request says of itself, beside what it said before: names of headers and their texts.
    #[must_use]
    pub fn asking(mut self, headers: Vec<(&'static str, String)>) -> Self {
        self.headers.retain(|(known, _)| headers.iter().all(|(name, _)| name != known));
        self.headers.extend(headers);
        self
    }

    /// Any request whose answer does not take long.
    pub async fn ask<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, Error> {
        self.send(method, path, body, PATIENCE).await
    }

    /// A page of the register of operations.
    pub async fn operations(&self, filter: &api::OperationFilter) -> Result<api::Operations, Error> {
        let tenant = filter.tenant.map(|tenant| tenant.to_string());
        let given = [
            ("tenant", tenant.as_deref()),
            ("object", filter.object.as_deref()),
            ("month", filter.month.as_deref()),
            ("kind", filter.kind.as_deref()),
            ("ticket", filter.ticket.as_deref()),
            ("after", filter.after.as_deref()),
        ];
        self.get(&format!("{}?{}", api::OPERATIONS, query(&given))).await
    }

    /// A record of it.
    pub async fn operation(&self, id: &str) -> Result<api::Operation, Error> {
        self.get(&api::operation_path(id)).await
    }

    /// What the profiles of mailboxes allow.
    pub async fn profiles(&self) -> Result<api::Profiles, Error> {
        self.get(api::PROFILES).await
    }

    /// What an administration ordered.
    pub async fn plans(&self, tenant: u64) -> Result<api::Plans, Error> {
        self.whole(&api::plan_path(tenant)).await
    }

    /// Writes another version of it.
    pub async fn add_plan(&self, tenant: u64, new: &api::NewPlan) -> Result<api::Plans, Error> {
        self.ask(Method::POST, &api::plan_path(tenant), Some(new)).await
    }

    /// Approves a version.
    pub async fn approve_plan(&self, tenant: u64, version: u64) -> Result<api::Plans, Error> {
        self.ask(Method::PUT, &api::approval_path(tenant, version), None::<&()>).await
    }

    /// How many mailboxes it had on the 15th of a month.
    pub async fn consistency(&self, tenant: u64, month: &str) -> Result<api::Consistency, Error> {
        self.get(&format!("{}?{}", api::consistency_path(tenant), query(&[("month", Some(month))]))).await
    }

    /// Says which unit a list belongs to.
    pub async fn set_list_unit(&self, list: &str, unit: Option<u64>) -> Result<api::OfUnit, Error> {
        self.ask(Method::PUT, &api::list_unit_path(list), Some(&api::OfUnit { unit })).await
    }
}
