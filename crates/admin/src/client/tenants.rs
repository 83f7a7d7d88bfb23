//! Requests about administrations, and about persons who administrate.

use hyper::Method;
use sigillo_base::Secret;

use super::{Client, Error, PATIENCE, query};
use crate::api;

impl Client {
    /// The administrations that who asks may see.
    pub async fn tenants(&self) -> Result<api::Tenants, Error> {
        self.whole(api::TENANTS).await
    }

    /// Takes in an administration.
    pub async fn add_tenant(&self, new: &api::NewTenant) -> Result<api::Tenant, Error> {
        self.send(Method::POST, api::TENANTS, Some(new), PATIENCE).await
    }

    /// Changes an administration.
    pub async fn change_tenant(&self, id: u64, change: &api::TenantChange) -> Result<api::Tenant, Error> {
        self.send(Method::PATCH, &api::tenant_path(id), Some(change), PATIENCE).await
    }

    /// Ends an administration.
    pub async fn remove_tenant(&self, id: u64) -> Result<api::Tenant, Error> {
        self.send(Method::DELETE, &api::tenant_path(id), None::<&()>, PATIENCE).await
    }

    /// A page of the accesses of a month to all mailboxes of an administration.
    pub async fn tenant_accesses(
        &self,
        id: u64,
        month: &str,
        after: Option<&str>,
    ) -> Result<api::TenantAccesses, Error> {
        let given = query(&[("month", Some(month)), ("after", after)]);
        self.get(&format!("{}?{given}", api::tenant_accesses_path(id))).await
    }

    /// A page of the administrative acts of a month that concern an administration.
    pub async fn acts(&self, id: u64, month: &str, after: Option<&str>) -> Result<api::Acts, Error> {
        let given = query(&[("month", Some(month)), ("after", after)]);
        self.get(&format!("{}?{given}", api::acts_path(id))).await
    }

    /// A page of what was read of an administration, or by its own.
    pub async fn readings(&self, id: u64, month: &str, after: Option<&str>) -> Result<api::Readings, Error> {
        let given = query(&[("month", Some(month)), ("after", after)]);
        self.get(&format!("{}?{given}", api::readings_path(id))).await
    }

    /// The units of an administration.
    pub async fn units(&self, tenant: u64) -> Result<api::Units, Error> {
        self.whole(&api::units_path(tenant)).await
    }

    /// Makes a unit.
    pub async fn add_unit(&self, tenant: u64, name: &str) -> Result<api::Unit, Error> {
        let new = api::NewUnit { name: name.to_owned() };
        self.send(Method::POST, &api::units_path(tenant), Some(&new), PATIENCE).await
    }

    /// Gives a unit another name.
    pub async fn rename_unit(&self, tenant: u64, unit: u64, name: &str) -> Result<api::Unit, Error> {
        let new = api::NewUnit { name: name.to_owned() };
        self.send(Method::PATCH, &api::unit_path(tenant, unit), Some(&new), PATIENCE).await
    }

    /// Ends a unit.
    pub async fn remove_unit(&self, tenant: u64, unit: u64) -> Result<api::Units, Error> {
        let first = self.send(Method::DELETE, &api::unit_path(tenant, unit), None::<&()>, PATIENCE).await?;
        self.followed(&api::units_path(tenant), first).await
    }

    /// Says whose a domain is.
    pub async fn assign_domain(&self, domain: &str, tenant: Option<u64>) -> Result<api::Owner, Error> {
        self.send(Method::PUT, &api::owner_path(domain), Some(&api::Owner { tenant }), PATIENCE).await
    }

    /// Says which unit a mailbox belongs to.
    pub async fn set_unit(&self, address: &str, unit: Option<u64>) -> Result<api::OfUnit, Error> {
        self.send(Method::PUT, &api::of_unit_path(address), Some(&api::OfUnit { unit }), PATIENCE).await
    }

    /// The persons that who asks may see.
    pub async fn persons(&self) -> Result<api::Administrators, Error> {
        self.whole(api::PERSONS).await
    }

    /// Names somebody.
    pub async fn add_person(&self, new: &api::NewAdministrator) -> Result<api::Administrator, Error> {
        self.send(Method::POST, api::PERSONS, Some(new), PATIENCE).await
    }

    /// Ends somebody.
    pub async fn end_person(&self, name: &str) -> Result<api::Administrator, Error> {
        self.send(Method::DELETE, &api::person_path(name), None::<&()>, PATIENCE).await
    }

    /// Gives somebody a role, or takes it.
    pub async fn set_role(&self, name: &str, grant: &api::RoleGrant, given: bool) -> Result<api::Administrator, Error> {
        let method = if given { Method::PUT } else { Method::DELETE };
        self.send(method, &api::roles_path(name), Some(grant), PATIENCE).await
    }

    /// Somebody's tokens, without their secrets.
    pub async fn tokens(&self, name: &str) -> Result<api::Tokens, Error> {
        self.whole(&api::tokens_path(name)).await
    }

    /// Gives somebody a token.
    pub async fn add_token(&self, name: &str, new: &api::NewToken) -> Result<api::MadeToken, Error> {
        self.send(Method::POST, &api::tokens_path(name), Some(new), PATIENCE).await
    }

    /// Gives who asks another token in place of the one that he shows.
    pub async fn change_my_token(&self, change: &api::TokenChange) -> Result<api::MadeToken, Error> {
        self.send(Method::POST, api::MY_TOKEN, Some(change), PATIENCE).await
    }

    /// Gives who asks an authenticator.
    pub async fn begin_my_totp(&self) -> Result<api::Enrolment, Error> {
        self.send(Method::POST, api::MY_TOTP, None::<&()>, PATIENCE).await
    }

    /// Takes its first code.
    pub async fn confirm_my_totp(&self, code: Secret) -> Result<api::SpareCodes, Error> {
        self.send(Method::PUT, api::MY_TOTP, Some(&api::Code { code }), PATIENCE).await
    }

    /// Ends the second factor of who asks.
    pub async fn remove_my_totp(&self, code: Secret) -> Result<api::Administrator, Error> {
        self.send(Method::POST, api::MY_TOTP_REMOVE, Some(&api::Code { code }), PATIENCE).await
    }

    /// Ends the second factor of somebody who has lost it.
    pub async fn reset_totp(&self, name: &str) -> Result<api::Administrator, Error> {
        self.send(Method::DELETE, &api::person_totp_path(name), None::<&()>, PATIENCE).await
    }

    /// Unlocks the token of who asks.
    pub async fn unlock(&self, unlocking: &api::Unlocking) -> Result<api::Unlocked, Error> {
        self.send(Method::POST, api::MY_UNLOCK, Some(unlocking), PATIENCE).await
    }

    /// Ends a token.
    pub async fn revoke_token(&self, name: &str, token: &str) -> Result<api::Tokens, Error> {
        let first = self.send(Method::DELETE, &api::token_path(name, token), None::<&()>, PATIENCE).await?;
        self.followed(&api::tokens_path(name), first).await
    }
}
