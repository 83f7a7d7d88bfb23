//! The provider index: what is in use, and a look for a newer one.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sigillo_admin::api;
use sigillo_base::Said;
use sigillo_pec::index::Index;
use sigillo_smime::Certificate;

use super::{At, Fail, Reply, alive};
use crate::update::Updated;

pub(super) async fn show(State(provider): At) -> Reply<api::Directory> {
    Ok(Json(directory(&alive(&provider)?.engine.index())))
}

pub(super) async fn update(State(provider): At) -> Reply<api::IndexUpdate> {
    let provider = alive(&provider)?;
    let replaced = match provider.updater.update_index().await {
        Updated::Replaced { .. } => true,
        Updated::Unchanged => false,
        Updated::Failed { why } => return Err(Fail::new(StatusCode::BAD_GATEWAY, Said::verbatim(why))),
    };
    Ok(Json(api::IndexUpdate { replaced, index: provider.updater.status() }))
}

/// The index as people look at it.
pub fn directory(index: &Index) -> api::Directory {
    let certificate = |c: &Certificate| api::DirectoryCertificate {
        sha1: c.sha1_hex(),
        subject: c.subject(),
        not_before: c.not_before().to_string(),
        not_after: c.not_after().to_string(),
    };
    let entry = |e: &sigillo_pec::index::Entry| api::DirectoryEntry {
        name: e.name.clone(),
        unit: e.unit.clone(),
        mail_receipt: e.mail_receipt.to_string(),
        domains: e.domains.iter().map(ToString::to_string).collect(),
        description: e.description.clone(),
        url: e.ldif_url.clone(),
        certificates: e.certificates.iter().map(certificate).collect(),
    };
    api::Directory {
        signed_at: index.signed_at().map(|at| at.to_string()),
        location: index.location().map(str::to_owned),
        entries: index.entries().iter().map(entry).collect(),
    }
}
