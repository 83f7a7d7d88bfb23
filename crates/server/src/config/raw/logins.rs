//! Who says elsewhere who somebody is: `[oauth]`, `[oidc]`, `[[ldap]]`.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Oauth {
    pub introspection_url: Spanned<String>,
    pub client_id: Spanned<String>,
    pub client_secret: Spanned<String>,
    pub audience: Spanned<String>,
    #[serde(default = "claim")]
    pub claim: Spanned<String>,
}

fn claim() -> Spanned<String> {
    Spanned::new(0..0, "email".to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Oidc {
    pub issuer: Spanned<String>,
    pub persons: Option<OidcShown>,
    pub mailboxes: Option<OidcMailboxes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct OidcShown {
    pub audience: Spanned<String>,
    pub claim: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct OidcMailboxes {
    pub audience: Spanned<String>,
    #[serde(default = "claim")]
    pub claim: Spanned<String>,
    pub domains: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Ldap {
    pub domains: Vec<Spanned<String>>,
    pub urls: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub starttls: bool,
    pub roots: Option<Spanned<String>>,
    pub bind_dn: Option<Spanned<String>>,
    pub bind_password_file: Option<Spanned<String>>,
    pub base: Option<Spanned<String>>,
    pub filter: Option<Spanned<String>>,
    pub dn: Option<Spanned<String>>,
    #[serde(default = "directory_timeout_s")]
    pub timeout_s: u64,
    #[serde(default = "directory_concurrency")]
    pub concurrency: usize,
    #[serde(default)]
    pub remember_s: u64,
}

/// Waiting takes a thread that mailboxes want too.
fn directory_timeout_s() -> u64 {
    5
}

fn directory_concurrency() -> usize {
    4
}
