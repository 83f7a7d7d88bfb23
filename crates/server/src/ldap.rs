//! Directories that keep the passwords of mailboxes (LDAP, RFC 4511): who logs in is found there, and his password is right when
//! the directory lets him in with it, by a simple bind as him. Nothing is compared, and nothing of him is read.
//!
//! A directory that is slow or away costs nobody but its own users: so many logins are with it at once, the others wait a moment
//! and come again; after a failure nobody asks it for a while. Calls block.

mod remembered;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use ldap3::adapters::EntriesOnly;
use ldap3::{LdapConnAsync, LdapConnSettings, LdapResult, Scope, SearchEntry, SearchOptions, dn_escape, ldap_escape};
use parking_lot::Mutex;
use sigillo_base::{Address, Domain, Secret};
use sigillo_engine::{NoAnswer, Passwords};
use tokio::runtime::Handle;
use tokio_rustls::rustls::ClientConfig;

use crate::config::{Entry, Ldap, LdapUrl, PLACES};
use crate::gate::Gate;
use remembered::Remembered;

/// How long a login waits for its turn: waiting takes a thread that other work wants too.
const TURN: Duration = Duration::from_secs(1);
/// How long nobody asks a directory that did not answer.
const PAUSE: Duration = Duration::from_secs(2);

/// Result codes of RFC 4511 §4.1.9 that tell something.
mod code {
    pub(super) const SUCCESS: u32 = 0;
    /// constraintViolation, noSuchObject, invalidDNSyntax, inappropriateAuthentication, invalidCredentials,
    /// insufficientAccessRights, unwillingToPerform: what directories say of a wrong password, of nobody, of who is locked or
    /// to change his password. All else says something of the directory, and nothing of the user.
    pub(super) const REFUSED: [u32; 7] = [19, 32, 34, 48, 49, 50, 53];
}

/// All directories, by the domains whose passwords they keep.
pub struct Directories(HashMap<Domain, Arc<Directory>>);

impl Directories {
    /// Those of a configuration.
    pub fn new(all: impl IntoIterator<Item = Directory>) -> Self {
        let each = |directory: Directory| {
            let directory = Arc::new(directory);
            directory.config.domains.clone().into_iter().map(move |domain| (domain, Arc::clone(&directory)))
        };
        Self(all.into_iter().flat_map(each).collect())
    }
}

impl Passwords for Directories {
    fn keeps(&self, domain: &Domain) -> bool {
        self.0.contains_key(domain)
    }

    /// Called on a thread that may block, inside the runtime.
    fn is_password(&self, address: &Address, password: &Secret) -> Result<bool, NoAnswer> {
        match self.0.get(address.domain()) {
            Some(directory) => directory.is_password(address, password),
            None => Err(NoAnswer(format!("nessuna directory per {}", address.domain()))),
        }
    }
}

/// One directory.
pub struct Directory {
    config: Ldap,
    /// Our own password there.
    secret: Option<Secret>,
    tls: Arc<ClientConfig>,
    gate: Arc<Gate>,
    remembered: Mutex<Remembered>,
    /// Since when it does not answer, and what was wrong.
    away: Mutex<Option<(Instant, String)>>,
}

impl Directory {
    /// A directory that is asked as `config` says, with the certificates that `tls` trusts. Nothing is connected yet.
    pub fn new(config: Ldap, secret: Option<Secret>, tls: Arc<ClientConfig>) -> Self {
        let (gate, remembered) = (Gate::new(config.concurrency), Mutex::new(Remembered::new(config.remember)));
        Self { config, secret, tls, gate, remembered, away: Mutex::default() }
    }

    /// Where it is asked, and for whom.
    pub fn config(&self) -> &Ldap {
        &self.config
    }

    fn is_password(&self, address: &Address, password: &Secret) -> Result<bool, NoAnswer> {
        // RFC 4513 §5.1.2: a bind without a password lets everybody in, as nobody.
        if password.expose().is_empty() {
            return Ok(false);
        }
        if self.remembered.lock().has(address, password, Instant::now()) {
            return Ok(true);
        }
        self.unless_away()?;
        let Some(_turn) = self.gate.enter(TURN.min(self.config.timeout)) else {
            return Err(NoAnswer("troppi accessi in attesa della directory; rimedio: ldap.concurrency".into()));
        };
        // Whoever waited for his turn may have waited for a directory that does not answer.
        self.unless_away()?;
        match Handle::current().block_on(self.asked(address, password)) {
            Ok(right) => {
                self.remembered.lock().learn(address, password, right, Instant::now());
                Ok(right)
            }
            Err(error) => {
                let why = format!("{error:#}");
                *self.away.lock() = Some((Instant::now(), why.clone()));
                Err(NoAnswer(why))
            }
        }
    }

    fn unless_away(&self) -> Result<(), NoAnswer> {
        match &*self.away.lock() {
            Some((since, why)) if since.elapsed() < PAUSE => Err(NoAnswer(why.clone())),
            _ => Ok(()),
        }
    }

    /// Asks the first server that answers.
    async fn asked(&self, address: &Address, password: &Secret) -> Result<bool> {
        let mut failed = anyhow!("nessun server");
        for url in &self.config.urls {
            match self.in_time(&url.value, self.binds(&url.value, address, password)).await {
                Ok(right) => return Ok(right),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn in_time<T>(&self, url: &LdapUrl, asked: impl Future<Output = Result<T>>) -> Result<T> {
        let late = |_| anyhow!("nessuna risposta entro {} s", self.config.timeout.as_secs());
        tokio::time::timeout(self.config.timeout, asked).await.map_err(late).flatten().with_context(|| url.to_string())
    }

    /// Whether this user can log in there. The connection ends with the login, whatever became of it: none is ever somebody
    /// else's.
    async fn binds(&self, url: &LdapUrl, address: &Address, password: &Secret) -> Result<bool> {
        let mut ldap = self.connect(url).await?;
        let dn = match &self.config.entry {
            Entry::Named(template) => Some(filled(&template.value, address, |text| dn_escape(text).into_owned())),
            Entry::Search { base, filter } => {
                self.introduce(&mut ldap).await?;
                only_one(&mut ldap, base, &filled(&filter.value, address, |text| ldap_escape(text).into_owned()))
                    .await?
            }
        };
        // A name of no length would be nobody's, and the bind anonymous (RFC 4513 §5.1.1).
        let Some(dn) = dn.filter(|dn| !dn.is_empty()) else { return Ok(false) };
        let said = ldap.simple_bind(&dn, password.expose()).await.context("accesso dell'utente")?;
        let right = judged(&said)?;
        if !right {
            tracing::info!(%address, code = said.rc, text = said.text, "the directory refuses a login");
        }
        Ok(right)
    }

    async fn connect(&self, url: &LdapUrl) -> Result<ldap3::Ldap> {
        let settings = LdapConnSettings::new().set_config(Arc::clone(&self.tls)).set_starttls(self.config.starttls);
        let (connection, ldap) = LdapConnAsync::with_settings(settings, url.as_str()).await.context("connessione")?;
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "a connection to a directory broke off");
            }
        });
        Ok(ldap)
    }

    /// Says who we are ourselves, where somebody has to be looked for.
    async fn introduce(&self, ldap: &mut ldap3::Ldap) -> Result<()> {
        let (Some((dn, _)), Some(secret)) = (&self.config.bind, &self.secret) else { return Ok(()) };
        let said = ldap.simple_bind(dn, secret.expose()).await.context("accesso nostro")?;
        if said.rc != code::SUCCESS {
            bail!("la directory non fa entrare {dn}: {} {}", said.rc, said.text);
        }
        Ok(())
    }

    /// Whether a server can be used: reached, shown to be itself, and where somebody has to be looked for, whether there is a place to
    /// look. For who looks after the service.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn probe(&self, url: &LdapUrl) -> Result<()> {
        self.in_time(url, async {
            let mut ldap = self.connect(url).await?;
            let Entry::Search { base, .. } = &self.config.entry else { return Ok(()) };
            self.introduce(&mut ldap).await?;
            let found = ldap.search(base, Scope::Base, "(objectClass=*)", vec!["1.1"]).await?;
            match found.1.rc {
                code::SUCCESS => Ok(()),
                rc => bail!("{base} non si legge: {rc} {}", found.1.text),
            }
        })
        .await
    }
}

/// The DN of the one entry that a filter finds; none when there is none or more than one. Of the entry nothing else is asked.
/// Referrals are not followed: who they lead to is nobody that we were told to trust.
async fn only_one(ldap: &mut ldap3::Ldap, base: &str, filter: &str) -> Result<Option<String>> {
    // One more than there may be, and no more: who asks for everybody does not get them.
    let two = SearchOptions::new().sizelimit(2);
    let search = ldap.with_search_options(two);
    let mut found = search
        .streaming_search_with(EntriesOnly::new(), base, Scope::Subtree, filter, vec!["1.1"])
        .await
        .context("ricerca")?;
    let first = found.next().await.context("ricerca")?;
    let second = if first.is_some() { found.next().await.context("ricerca")? } else { None };
    if second.is_some() {
        tracing::warn!(base, filter, "the directory has more than one entry for a login: nobody is let in");
        return Ok(None);
    }
    let said = found.finish().await;
    match said.rc {
        code::SUCCESS => Ok(first.map(|entry| SearchEntry::construct(entry).dn)),
        rc => bail!("la directory non cerca in {base}: {rc} {}", said.text),
    }
}

/// Whether a bind let the user in.
fn judged(said: &LdapResult) -> Result<bool> {
    match said.rc {
        code::SUCCESS => Ok(true),
        rc if code::REFUSED.contains(&rc) => Ok(false),
        rc => bail!("la directory non decide: {rc} {}", said.text),
    }
}

/// A template with who the user is in its places, in lower case, written so that it means nothing but itself.
fn filled(template: &str, address: &Address, escaped: impl Fn(String) -> String) -> String {
    let whole = address.key();
    let user = whole[..address.local().len()].to_owned();
    let values = [escaped(whole), escaped(user)];
    // In one pass: what was filled in is not looked at again, whatever places it names.
    let mut text = String::new();
    let mut rest = template;
    while let Some((at, which)) = PLACES.iter().enumerate().filter_map(|(i, p)| Some((rest.find(p)?, i))).min() {
        text += &rest[..at];
        text += &values[which];
        rest = &rest[at + PLACES[which].len()..];
    }
    text + rest
}
