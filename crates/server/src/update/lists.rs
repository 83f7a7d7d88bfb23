//! Revocation lists: fetched, verified, kept under the store's folder.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sigillo_base::Timestamp;
use sigillo_smime::{Certificate, Crl, sha256};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::config::Config;
use crate::fetch::{Fetch, Url};
use crate::net::Pool;
use crate::{files, material};

/// The largest list that is fetched, in bytes.
pub(super) const MAX_LIST: usize = 16 << 20;

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A newer list is kept.
    Replaced,
    /// The kept one is the newest.
    Unchanged,
    /// The kept one stays.
    Failed,
}

/// Where the last good list of an address is kept.
fn path(config: &Config, url: &Url) -> PathBuf {
    let name = HEXLOWER.encode(&sha256(url.to_string().as_bytes())[..16]);
    config.store.value.join("crl").join(format!("{name}.crl"))
}

/// The last good list of an address; `None` when there is none yet, or none that can be read.
pub fn kept(config: &Config, url: &Url) -> Option<Crl> {
    let path = path(config, url);
    let read = match fs::read(&path) {
        Ok(bytes) => one(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => Err(error.into()),
    };
    read.inspect_err(|error| tracing::error!(path = %path.display(), %error, "a kept revocation list is lost")).ok()
}

/// Whether a list speaks for `now`.
pub(super) fn is_current(list: &Crl, now: Timestamp) -> bool {
    list.this_update() <= now && list.next_update().is_some_and(|next| now < next)
}

/// Renews several at once, so that a slow server holds up its own list only; each outcome is logged.
pub(super) async fn renew_all(
    urls: Vec<Url>,
    config: &Arc<Config>,
    fetch: &Fetch,
    pool: &Pool,
    now: Timestamp,
) -> Vec<(Url, Outcome)> {
    let mut open = JoinSet::new();
    for url in urls {
        let (config, fetch, pool) = (Arc::clone(config), fetch.clone(), pool.clone());
        let work = async move {
            let outcome = match renew(&url, &config, &fetch, &pool, now).await {
                Ok(true) => Outcome::Replaced,
                Ok(false) => Outcome::Unchanged,
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "a revocation list stays as it is");
                    Outcome::Failed
                }
            };
            tracing::debug!(%url, ?outcome, "revocation list");
            (url, outcome)
        };
        open.spawn(work.in_current_span());
    }
    open.join_all().await
}

async fn renew(url: &Url, config: &Arc<Config>, fetch: &Fetch, pool: &Pool, now: Timestamp) -> Result<bool> {
    let bytes = fetch.get(url).await?.body;
    let (config, at) = (Arc::clone(config), url.clone());
    let take = move || -> Result<bool> {
        let fresh = one(&bytes)?;
        let newer = replaces(&fresh, kept(&config, &at).as_ref(), &material::issuers(&config)?, now)?;
        if newer {
            let path = path(&config, &at);
            files::folder(path.parent().unwrap_or(&config.store.value))?;
            files::write(&path, &bytes)?;
        }
        Ok(newer)
    };
    pool.run(take).await.context("lavoro interrotto")?.with_context(|| url.to_string())
}

/// An address holds one list (RFC 5280 §4.2.1.13).
fn one(bytes: &[u8]) -> Result<Crl> {
    let mut found = Crl::read(bytes)?;
    match (found.pop(), found.is_empty()) {
        (Some(list), true) => Ok(list),
        _ => bail!("più di una lista di revoca"),
    }
}

/// Whether a list takes the place of the kept one.
fn replaces(fresh: &Crl, kept: Option<&Crl>, issuers: &[Certificate], now: Timestamp) -> Result<bool> {
    let believed = |list: &Crl| issuers.iter().any(|issuer| list.issued_by(issuer));
    if !believed(fresh) {
        bail!("la lista di «{}» non è firmata da nessuno di trust.anchors o signing.chain", fresh.issuer());
    }
    if !is_current(fresh, now) {
        let until = fresh.next_update().map(|at| at.to_string()).unwrap_or_default();
        bail!("la lista non vale adesso ({} … {until})", fresh.this_update());
    }
    match kept.filter(|kept| believed(kept)) {
        None => Ok(true),
        Some(kept) if kept.issuer() != fresh.issuer() => {
            bail!("la lista è di «{}» e non più di «{}»", fresh.issuer(), kept.issuer())
        }
        Some(kept) if fresh.this_update() < kept.this_update() => {
            bail!("la lista è del {}, più vecchia di quella in uso ({})", fresh.this_update(), kept.this_update())
        }
        Some(kept) => Ok(fresh.this_update() > kept.this_update()),
    }
}

#[cfg(test)]
mod tests;
