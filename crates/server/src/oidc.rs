//! An OpenID Connect issuer whose signed tokens (RFC 7519, 9068) say who somebody is: a person of the administrative interface, or
//! the owner of a mailbox. Tokens are checked here, under keys that the issuer publishes (OpenID Connect Discovery 1.0, RFC 7517) and
//! that are fetched over HTTPS; nobody is made because a token names him.

mod jws;
mod keys;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwapOption;
use serde::Deserialize;
use serde_json::{Map, Value};
use sigillo_accounts::LoginName;
use sigillo_base::{Secret, Timestamp};
use sigillo_engine::{NoAnswer, Tokens};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::clock::system_time;
use crate::config::{Oidc, Shown};
use crate::fetch::{Fetch, Url};
use jws::Jws;
use keys::Keys;

/// Nobody waits longer for keys that somebody else is asking for: the client is asked to come again.
const TURN: Duration = Duration::from_secs(1);

/// The largest answer that is read, in bytes: some issuers publish dozens of keys with their certificates.
pub const MAX_ANSWER: usize = 256 << 10;
/// How far the issuer's clock may be from ours.
const LEEWAY_S: f64 = 60.0;

/// When keys are fetched.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// They are asked for again when they are older.
    fresh: Duration,
    /// They are believed so long, where nobody answers.
    lasting: Duration,
    /// The issuer is asked no oftener, whatever keys tokens name.
    between: Duration,
}

const PACE: Pace = Pace {
    fresh: Duration::from_secs(3600),
    lasting: Duration::from_secs(24 * 3600),
    between: Duration::from_secs(30),
};

/// An issuer and what is known of its keys.
pub struct Issuer {
    config: Oidc,
    fetch: Fetch,
    pace: Pace,
    known: ArcSwapOption<Known>,
    /// When keys were last asked for, and why they did not come. Who holds it asks.
    asking: Mutex<Option<(Instant, Option<String>)>>,
}

struct Known {
    keys: Keys,
    since: Instant,
}

/// What an issuer says of itself (Discovery §3), as far as it is looked at.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// What a token claims (RFC 7519 §4.1).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    email_verified: Option<bool>,
    #[serde(flatten)]
    others: Map<String, Value>,
    sub: Option<String>,
}

/// One or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Several(all) => all.iter().any(|one| one == wanted),
        }
    }
}

impl Issuer {
    /// An issuer whose keys are fetched as `fetch` does; see [`MAX_ANSWER`]. Nothing is fetched yet.
    pub fn new(config: Oidc, fetch: Fetch) -> Self {
        Self { config, fetch, pace: PACE, known: ArcSwapOption::empty(), asking: Mutex::default() }
    }

    /// How it is asked.
    pub fn config(&self) -> &Oidc {
        &self.config
    }

    /// The person whom a token names; `None` when the token is not good, or persons do not come by tokens of this issuer.
    ///
    /// # Errors
    /// [`NoAnswer`] when its keys cannot be had now.
    pub async fn person(&self, token: &Secret) -> Result<Option<String>, NoAnswer> {
        match &self.config.persons {
            Some(shown) => self.named(token, shown, system_time()).await,
            None => Ok(None),
        }
    }

    async fn named(&self, token: &Secret, shown: &Shown, now: Timestamp) -> Result<Option<String>, NoAnswer> {
        let refused = |why: &str| {
            tracing::info!(issuer = self.config.issuer.value, why, "a token is not good");
            Ok(None)
        };
        let jws = match Jws::read(token.expose()) {
            Ok(jws) => jws,
            Err(why) => return refused(why),
        };
        let known = self.keys(jws.kid()).await.map_err(|error| NoAnswer(format!("{error:#}")))?;
        if !known.keys.of(jws.kid()).any(|key| jws.is_signed_by(key)) {
            return refused("not signed by a key of the issuer");
        }
        match self.judged(jws.claims(), shown, now) {
            Ok(name) => Ok(Some(name)),
            Err(why) => refused(why),
        }
    }

    /// What signed claims say of a name, if they are of this issuer, for us and for now.
    fn judged(&self, claims: &[u8], shown: &Shown, now: Timestamp) -> Result<String, &'static str> {
        let claims: Claims = serde_json::from_slice(claims).map_err(|_| "no claims of a token")?;
        let now = now.as_millis() as f64 / 1000.0;
        if claims.iss != self.config.issuer.value {
            return Err("of another issuer");
        }
        if !claims.aud.names(&shown.audience) {
            return Err("for another service");
        }
        if claims.exp + LEEWAY_S <= now {
            return Err("expired");
        }
        if !claims.nbf.into_iter().chain(claims.iat).all(|from| from <= now + LEEWAY_S) {
            return Err("of the future");
        }
        if shown.claim == "email" && claims.email_verified == Some(false) {
            return Err("of an address that nobody verified");
        }
        let name = match shown.claim.as_str() {
            "sub" => claims.sub,
            other => claims.others.get(other).and_then(Value::as_str).map(str::to_owned),
        };
        name.filter(|name| !name.is_empty()).ok_or("without the claim that names somebody")
    }

    /// Keys among which one of this name is, if the issuer has it. A name that nobody knows may be new, and is asked about, but not by
    /// everybody who invents one.
    async fn keys(&self, kid: Option<&str>) -> Result<Arc<Known>> {
        let usable = |known: &Arc<Known>| known.since.elapsed() < self.pace.lasting;
        let known = self.known.load_full().filter(usable);
        let has = known.as_ref().is_some_and(|known| known.keys.of(kid).next().is_some());
        if let Some(known) = known.as_ref().filter(|known| has && known.since.elapsed() < self.pace.fresh) {
            return Ok(Arc::clone(known));
        }
        // Who has the key need not wait for who is asking already.
        let mut asking = match (has, self.asking.try_lock()) {
            (_, Ok(asking)) => asking,
            (true, Err(_)) => return known.context("nessuna chiave"),
            // Whoever invents names of keys waits on a thread that mailboxes want too.
            (false, Err(_)) => timeout(TURN, self.asking.lock()).await.context("le chiavi si stanno già chiedendo")?,
        };
        let now_known = || self.known.load_full().filter(usable);
        if let Some((when, why)) = &*asking
            && when.elapsed() < self.pace.between
        {
            return match (now_known(), why) {
                (Some(known), _) => Ok(known),
                (None, Some(why)) => bail!("{why}"),
                (None, None) => bail!("le chiavi sono scadute"),
            };
        }
        let fetched = self.fetched().await;
        *asking = Some((Instant::now(), fetched.as_ref().err().map(|error| format!("{error:#}"))));
        match fetched {
            Ok(keys) => self.known.store(Some(Arc::new(Known { keys, since: Instant::now() }))),
            Err(error) => tracing::warn!(issuer = self.config.issuer.value, error = format!("{error:#}"), "no keys"),
        }
        now_known().with_context(|| asking.as_ref().and_then(|(_, why)| why.clone()).unwrap_or_default())
    }

    /// What the issuer publishes now, by way of its own description, which must be of whom was asked (Discovery §4.3).
    async fn fetched(&self) -> Result<Keys> {
        let description = self.fetch.get(&self.config.discovery).await?;
        let description: Discovery =
            serde_json::from_slice(&description.body).context("la descrizione non è quella di OpenID Connect")?;
        if description.issuer != self.config.issuer.value {
            bail!("la descrizione è di un altro: {}", description.issuer);
        }
        let url: Url = description.jwks_uri.parse::<Url>().context("jwks_uri")?;
        if !url.is_https() {
            bail!("le chiavi non sono pubblicate con https: {url}");
        }
        let keys = Keys::read(&self.fetch.get(&url).await?.body)?;
        tracing::info!(issuer = self.config.issuer.value, keys = keys.count(), "fetched keys");
        Ok(keys)
    }

    /// How many keys it has now that tokens can be checked under. For who looks after the service.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn probe(&self) -> Result<usize> {
        Ok(self.fetched().await?.count())
    }
}

impl Tokens for Issuer {
    /// Called on a thread that may block, inside the runtime.
    fn owner(&self, token: &Secret) -> Result<Option<String>, NoAnswer> {
        let Some(mailboxes) = &self.config.mailboxes else { return Ok(None) };
        let owner = Handle::current().block_on(self.named(token, &mailboxes.shown, system_time()))?;
        let here = |owner: &String| {
            LoginName::parse(owner).is_some_and(|name| mailboxes.domains.contains(name.address.domain()))
        };
        Ok(owner.filter(here))
    }
}
