//! MTA-STS (RFC 8461): what a domain says about its servers over HTTPS, and that we remember, also over a restart.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sigillo_base::{Complaint, Domain, Timestamp};
use sigillo_engine::{Engine, StsPolicy};
use sigillo_store::Store;
use tokio_rustls::rustls;
use tokio_rustls::rustls::ClientConfig;

use super::report::Trouble;
use crate::clock::ServiceClock;
use crate::dns::Dns;
use crate::fetch::{Fetch, Url};
use crate::net::Pool;

/// A larger policy is no policy (RFC 8461 §3.2).
pub(super) const MAX_POLICY: usize = 64 * 1024;
/// The longest that a policy may be kept: a year.
const MAX_AGE_S: u64 = 31_557_600;
/// A policy is fetched anew after this time, whatever its id says.
const REFRESH: Duration = Duration::from_secs(24 * 3600);
/// After a fetch that failed the domain is left alone so long (RFC 8461 §3.3).
const PAUSE: Duration = Duration::from_secs(300);
/// A web server that is slower must not hold up mail.
const PATIENCE: Duration = Duration::from_secs(30);
/// Domains that are remembered.
const MOST: usize = 10_000;

/// What is to be done with a server that does not keep to the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is sent to it.
    Enforce,
    /// It is reported.
    Testing,
    /// Nothing.
    None,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What it asks for.
    pub mode: Mode,
    /// How long it holds.
    pub max_age: Duration,
    /// Names of servers; `*.` stands for one label.
    pub mx: Vec<String>,
    /// Its lines, for reports.
    pub lines: Vec<String>,
}

impl Policy {
    /// Reads a policy; `None` when it is none (RFC 8461 §3.2). Of a key that is there twice the first counts.
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<String> = text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
        let pairs: Vec<(&str, &str)> =
            lines.iter().map(|l| l.split_once(':').map(|(k, v)| (k.trim(), v.trim()))).collect::<Option<_>>()?;
        let value = |key: &str| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        let mode = match value("mode")? {
            "enforce" => Mode::Enforce,
            "testing" => Mode::Testing,
            "none" => Mode::None,
            _ => return None,
        };
        let max_age = value("max_age")?.parse().ok().filter(|s| *s <= MAX_AGE_S).map(Duration::from_secs)?;
        let mx: Vec<String> = pairs.iter().filter(|(k, _)| *k == "mx").map(|(_, v)| v.to_ascii_lowercase()).collect();
        let sound = value("version") == Some("STSv1")
            && (mode == Mode::None || !mx.is_empty())
            && mx.iter().all(|m| Domain::parse(m.strip_prefix("*.").unwrap_or(m)).is_ok());
        sound.then_some(Self { mode, max_age, mx, lines })
    }

    /// Whether a server is one of the policy's (RFC 8461 §4.1).
    pub fn allows(&self, host: &str) -> bool {
        self.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(rest) => host.split_once('.').is_some_and(|(label, above)| !label.is_empty() && above == rest),
            None => host == pattern,
        })
    }
}

/// The id of the policy that TXT records announce; `None` when they announce none (RFC 8461 §3.1).
pub fn id(records: &[String]) -> Option<String> {
    let mut announced = records.iter().filter(|text| text.starts_with("v=STSv1;"));
    let text = announced.next()?;
    if announced.next().is_some() {
        return None;
    }
    let mut fields = text.split(';').filter_map(|field| field.trim().split_once('='));
    let (_, id) = fields.find(|(key, _)| key.trim() == "id")?;
    let id = id.trim();
    let sound = (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    sound.then(|| id.to_owned())
}

/// A policy that was fetched.
struct Kept {
    id: String,
    policy: Arc<Policy>,
    fetched: Timestamp,
}

impl Kept {
    fn until(&self) -> Timestamp {
        self.fetched.plus(self.policy.max_age)
    }

    fn holds(&self, now: Timestamp) -> bool {
        now < self.until()
    }

    /// As it was written down; `None` when it is none.
    fn read(kept: &StsPolicy) -> Option<Self> {
        let policy = Arc::new(Policy::parse(&kept.text)?);
        Some(Self { id: kept.id.clone(), policy, fetched: kept.fetched })
    }

    fn written(&self) -> StsPolicy {
        let text = self.policy.lines.join("\n");
        StsPolicy { id: self.id.clone(), text, fetched: self.fetched, until: self.until() }
    }
}

#[derive(Default)]
struct Known {
    kept: Option<Kept>,
    /// The last fetch that failed, in real time, and how.
    failed: Option<(Instant, Trouble)>,
}

/// What is known of a domain's policy now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The policy in force.
    pub policy: Option<Arc<Policy>>,
    /// Why a policy that is announced could not be had.
    pub trouble: Option<Trouble>,
}

/// The policies of others, as long as each says. They are kept by the recipient's domain: servers that several domains
/// share obey each domain's own policy for its own mail.
pub struct Sts<S: Store> {
    dns: Arc<Dns>,
    fetch: ArcSwap<Fetch>,
    port: u16,
    shelf: Shelf<S>,
    known: Mutex<HashMap<Domain, Arc<tokio::sync::Mutex<Known>>>>,
}

/// Where policies lie over a restart, and the time of their end.
pub struct Shelf<S: Store> {
    /// Whose store it is.
    pub engine: Arc<Engine<S>>,
    /// Where blocking calls run.
    pub pool: Pool,
    /// Service time.
    pub clock: Arc<ServiceClock>,
}

impl<S: Store> Shelf<S> {
    async fn find(&self, domain: &Domain) -> Option<Kept> {
        let (engine, domain, now) = (Arc::clone(&self.engine), domain.clone(), self.clock.now());
        let found = self.pool.run(move || engine.sts_policy(&domain, now)).await?;
        match found {
            Ok(found) => found.as_ref().and_then(Kept::read),
            Err(error) => {
                tracing::error!(%error, "the MTA-STS policy that is kept cannot be read");
                None
            }
        }
    }

    async fn keep(&self, domain: &Domain, kept: &Kept) {
        let (engine, domain, policy) = (Arc::clone(&self.engine), domain.clone(), kept.written());
        if let Some(Err(error)) = self.pool.run(move || engine.keep_sts_policy(&domain, &policy)).await {
            tracing::error!(%error, "an MTA-STS policy holds until the next restart only");
        }
    }
}

impl<S: Store> Sts<S> {
    /// Fetches with these roots; `port` is 443.
    pub fn new(dns: Arc<Dns>, tls: Arc<ClientConfig>, port: u16, shelf: Shelf<S>) -> Self {
        Self { dns, fetch: ArcSwap::from_pointee(fetch(tls)), port, shelf, known: Mutex::default() }
    }

    /// Takes other roots.
    pub fn replace(&self, tls: Arc<ClientConfig>) {
        self.fetch.store(Arc::new(fetch(tls)));
    }

    /// The policy of a domain. Of several that ask at once, one fetches.
    pub async fn find(&self, domain: &Domain) -> Found {
        let announced = match self.dns.txt(&format!("_mta-sts.{domain}")).await {
            Ok(found) => id(&found.records),
            Err(_) => None,
        };
        let Some(known) = self.known(domain, announced.is_some()).await else {
            return Found { policy: None, trouble: None };
        };
        let mut known = known.lock().await;
        let now = self.shelf.clock.now();
        if known.kept.as_ref().is_some_and(|kept| !kept.holds(now)) {
            known.kept = None;
        }
        // Nothing announced: what was promised before stays promised, or hiding a record would undo it.
        if let Some(id) = announced
            && known.kept.as_ref().is_none_or(|kept| kept.id != id || now.since(kept.fetched) > REFRESH)
            && known.failed.is_none_or(|(at, _)| at.elapsed() > PAUSE)
        {
            let fetch = self.fetch.load_full();
            match current(&self.dns, &fetch, self.port, domain).await {
                Ok(policy) => {
                    let kept = Kept { id, policy: Arc::new(policy), fetched: now };
                    self.shelf.keep(domain, &kept).await;
                    *known = Known { kept: Some(kept), failed: None };
                }
                Err((trouble, error)) => {
                    tracing::warn!(%domain, error = format!("{error:#}"), "the MTA-STS policy could not be had");
                    known.failed = Some((Instant::now(), trouble));
                }
            }
        }
        Found {
            policy: known.kept.as_ref().map(|kept| Arc::clone(&kept.policy)),
            trouble: known.failed.map(|(_, trouble)| trouble),
        }
    }

    /// What is known of a domain: what an earlier process kept as well, or hiding a record after a restart would undo it.
    async fn known(&self, domain: &Domain, announced: bool) -> Option<Arc<tokio::sync::Mutex<Known>>> {
        if let Some(found) = self.known.lock().get(domain) {
            return Some(Arc::clone(found));
        }
        let kept = self.shelf.find(domain).await;
        if kept.is_none() && !announced {
            return None;
        }
        let now = self.shelf.clock.now();
        let mut known = self.known.lock();
        if known.len() >= MOST {
            known.retain(|_, k| k.try_lock().map_or(true, |k| k.kept.as_ref().is_some_and(|kept| kept.holds(now))));
        }
        let new = || Arc::new(tokio::sync::Mutex::new(Known { kept, failed: None }));
        (known.len() < MOST).then(|| Arc::clone(known.entry(domain.clone()).or_insert_with(new)))
    }
}

/// The policy that a domain's web server shows on this port, asked for now.
///
/// # Errors
/// Why there is none, for reports and for people.
pub async fn current(dns: &Dns, fetch: &Fetch, port: u16, domain: &Domain) -> Result<Policy, (Trouble, anyhow::Error)> {
    let host = format!("mta-sts.{domain}");
    let unreachable = |error| (Trouble::StsPolicyFetchError, error);
    let url: Url =
        format!("https://{host}/.well-known/mta-sts.txt").parse().map_err(|bad: Complaint| unreachable(bad.into()))?;
    let found = dns.addresses(&host).await.map_err(|e| unreachable(anyhow::anyhow!("{host}: {e:?}")))?;
    let at: Vec<_> = found.records.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    let answer = fetch.get_at(&url, &at).await.map_err(|error| {
        let refused = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()?.get_ref());
        let mut causes = refused.filter_map(|inner| inner.downcast_ref::<rustls::Error>());
        let untrusted = causes.any(|e| matches!(e, rustls::Error::InvalidCertificate(_)));
        (if untrusted { Trouble::StsWebpkiInvalid } else { Trouble::StsPolicyFetchError }, error)
    })?;
    let plain = answer.content_type.as_deref().and_then(|t| t.split(';').next()).map(str::trim);
    let text = String::from_utf8(answer.body).ok().filter(|_| plain == Some("text/plain"));
    let invalid = || (Trouble::StsPolicyInvalid, anyhow::anyhow!("{url}: non è una policy MTA-STS"));
    text.as_deref().and_then(Policy::parse).ok_or_else(invalid)
}

/// Who fetches policies, with these roots.
pub fn fetch(tls: Arc<ClientConfig>) -> Fetch {
    Fetch::new(tls, MAX_POLICY).patience(PATIENCE)
}
