//! The provider index: fetched or read, verified, compared, written down.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use sigillo_base::Timestamp;
use sigillo_pec::index::{Index, MAX_FILE};
use sigillo_smime::Trust;

use crate::config::{Config, Source};
use crate::fetch::{Fetch, Url};
use crate::net::Pool;
use crate::{files, material};

/// A copy newer than `current`, verified and safe in its file; `None` when there is none.
pub(super) async fn renew(
    config: &Arc<Config>,
    fetch: &Fetch,
    trust: &Arc<Trust>,
    current: Option<&Arc<Index>>,
    pool: &Pool,
    now: Timestamp,
) -> Result<Option<Arc<Index>>> {
    let url = address(&config.directory.source, current.map(Arc::as_ref))?;
    let fetched = match &url {
        Some(url) => Some(fetch.get(url).await?.body),
        None => None,
    };
    let (config, trust, current) = (Arc::clone(config), Arc::clone(trust), current.cloned());
    let origin = url.map_or_else(|| config.index.value.display().to_string(), |url| url.to_string());
    let work = move || take(fetched.as_deref(), &config, &trust, current.as_deref(), now);
    pool.run(work).await.context("lavoro interrotto")?.context(origin)
}

/// `None`: the copy comes from its file.
fn address(source: &Source, current: Option<&Index>) -> Result<Option<Url>> {
    let location = match source {
        Source::File => return Ok(None),
        Source::Url(url) => return Ok(Some(url.clone())),
        Source::Location => current.and_then(Index::location),
    };
    let location =
        location.context("la copia in uso non dice da dove si scarica (LDIFLocationURL): indicare index.url")?;
    let url: Url = location.parse::<Url>().context("LDIFLocationURL")?;
    if !url.is_https() {
        bail!("LDIFLocationURL: {url} non è HTTPS: indicare index.url");
    }
    Ok(Some(url))
}

/// Whole or not at all: what is written is what was verified.
fn take(
    fetched: Option<&[u8]>,
    config: &Config,
    trust: &Trust,
    current: Option<&Index>,
    now: Timestamp,
) -> Result<Option<Arc<Index>>> {
    let file = &config.index.value;
    let index = match fetched {
        Some(bytes) => Index::open(bytes, trust, now)?,
        None => Index::open(&read(file)?, trust, now)?,
    };
    let newer = index.replaces(current, now)?;
    if let Some(bytes) = fetched
        && (newer || !file.exists())
    {
        if let Some(current) = current.filter(|current| current.lists_more_than(&index)) {
            keep(file, &config.store.value.join("index"), current);
        }
        files::write(file, bytes).context("l'indice nuovo non si scrive")?;
    }
    Ok(newer.then(|| Arc::new(index)))
}

/// Keeps a copy whose certificates are not all in the next one: what they signed is shown to be genuine by the index of its
/// day alone.
fn keep(file: &Path, folder: &Path, current: &Index) {
    let name = current.signed_at().map_or(0, Timestamp::as_secs);
    let kept = files::folder(folder).and_then(|()| files::write(&folder.join(format!("{name}.p7m")), &read(file)?));
    if let Err(error) = kept {
        tracing::error!(%error, "the provider index of before is not kept");
    }
}

/// Fetches a copy when the file holds none that may be believed now. What it holds still counts for its age: a copy
/// whose signer has expired since is not replaced by an older one.
pub(super) async fn ensure(config: &Arc<Config>, pool: &Pool, now: Timestamp) -> Result<()> {
    let trust = Arc::new(material::trust(config)?);
    let file = match read(&config.index.value) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        // What cannot be read may be newer than what would be fetched: it is not written over.
        Err(error) => return Err(error).with_context(|| config.index.value.display().to_string()),
    };
    if file.as_ref().is_some_and(|bytes| Index::open(bytes, &trust, now).is_ok()) {
        return Ok(());
    }
    let known = file.and_then(|bytes| Index::examine(&bytes, &trust, now).ok()?.index.ok()).map(Arc::new);
    let fetch = Fetch::new(material::directory_client(config)?, MAX_FILE).patience(super::START);
    renew(config, &fetch, &trust, known.as_ref(), pool, now).await?;
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than is taken, so that the reader sees that it is too much.
    File::open(path)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
