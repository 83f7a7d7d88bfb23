//! Everything with an end that a provider stands on: what signs, what doors show, who is believed. Kept when material is loaded,
//! judged when it is asked for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::{BASE64, HEXUPPER};
use sigillo_admin::api;
use sigillo_base::Timestamp;
use sigillo_pec::index::Index;
use sigillo_smime::{Certificate, Crl, Identity, Trust, sha256};

use crate::config::{Config, Located};
use crate::dkim;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What something is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs receipts and envelopes.
    Signing,
    /// Will sign after it.
    Next,
    /// Has signed before it.
    Left,
    /// Leads from it to an anchor.
    Chain,
    /// Shown by every door.
    Tls,
    /// Shown where the index is fetched.
    IndexClient,
    /// Signed the index in use.
    IndexSigner,
    /// Vouches for signatures of providers.
    Anchor,
    /// Vouches for what clients show.
    ClientAnchor,
    /// Vouches for time-stamps.
    TimestampAnchor,
}

impl Purpose {
    /// Its word in the interface.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Next => "next",
            Self::Left => "left",
            Self::Chain => "chain",
            Self::Tls => "tls",
            Self::IndexClient => "index-client",
            Self::IndexSigner => "index-signer",
            Self::Anchor => "anchor",
            Self::ClientAnchor => "client-anchor",
            Self::TimestampAnchor => "timestamp-anchor",
        }
    }

    /// How long before its end somebody has to see to it, and when that is urgent. AgID takes weeks to issue one; programs
    /// renew those of doors, which may be of any length, when a third of their life is left.
    pub fn warns(self, life: Duration) -> (Duration, Duration) {
        match self {
            Self::Tls => ((DAY * 30).min(life / 4), (DAY * 7).min(life / 12)),
            _ => (DAY * 60, DAY * 30),
        }
    }
}

/// A certificate, and where it came from.
#[derive(Debug, Clone)]
pub struct Held {
    /// What it is for.
    pub purpose: Purpose,
    /// The key of the configuration that names its file.
    pub at: String,
    /// The certificate.
    pub certificate: Certificate,
}

/// How near its end something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// There is time.
    Fine,
    /// It begins later.
    Future,
    /// It is to be seen to.
    Soon,
    /// At once.
    Urgent,
    /// It is over.
    Expired,
}

impl Standing {
    /// Of a certificate for a purpose.
    pub fn of(purpose: Purpose, certificate: &Certificate, now: Timestamp) -> Self {
        let (from, until) = (certificate.not_before(), certificate.not_after());
        let (warn, alarm) = purpose.warns(until.since(from));
        match until.since(now) {
            _ if until <= now => Self::Expired,
            _ if from > now => Self::Future,
            left if left <= alarm => Self::Urgent,
            left if left <= warn => Self::Soon,
            _ => Self::Fine,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Future => "future",
            Self::Soon => "soon",
            Self::Urgent => "urgent",
            Self::Expired => "expired",
        }
    }
}

/// What a configuration names, as it lies in its files; `identity` is what signs. A file that cannot be read is passed
/// over: whoever needs it says so.
pub fn held(config: &Config, identity: &Identity) -> Vec<Held> {
    let signing = &identity.certificate;
    let next = config.next_certificate.as_ref().and_then(|at| Some((at, first(at)?)));
    // Once the next one was ordered to sign, the other has been left.
    let taken = next.as_ref().is_some_and(|(_, next)| next == signing);
    let (at, other) = match (&config.next_certificate, taken) {
        (Some(at), true) => (at, first(&config.signing_certificate).map(|c| (&config.signing_certificate, c))),
        _ => (&config.signing_certificate, next),
    };
    let purpose = if taken { Purpose::Left } else { Purpose::Next };
    let hold = |purpose, at: &Located<PathBuf>, certificate| Held { purpose, at: at.key.clone(), certificate };
    let mut all = vec![hold(Purpose::Signing, at, signing.clone())];
    all.extend(other.filter(|(_, other)| other != signing).map(|(at, other)| hold(purpose, at, other)));
    all.extend(identity.chain.iter().map(|link| hold(Purpose::Chain, at, link.clone())));
    all.extend(first(&config.tls_certificate).map(|leaf| hold(Purpose::Tls, &config.tls_certificate, leaf)));
    if let Some((at, _)) = &config.directory.client {
        all.extend(first(at).map(|leaf| hold(Purpose::IndexClient, at, leaf)));
    }
    let mut anchors = |purpose, list: &[Located<PathBuf>]| {
        for at in list {
            all.extend(certificates(&at.value).into_iter().map(|anchor| hold(purpose, at, anchor)));
        }
    };
    anchors(Purpose::ClientAnchor, &config.client_anchors);
    anchors(Purpose::TimestampAnchor, config.timestamp.as_ref().map_or(&[], |stamps| &stamps.anchors));
    all
}

fn first(at: &Located<PathBuf>) -> Option<Certificate> {
    certificates(&at.value).into_iter().next()
}

fn certificates(path: &Path) -> Vec<Certificate> {
    std::fs::read(path).ok().and_then(|pem| Certificate::from_pem(&pem).ok()).unwrap_or_default()
}

/// By what a list of certificates is judged.
pub struct Around<'a> {
    /// The provider's name in the index.
    pub name: &'a str,
    /// The index in use.
    pub index: &'a Index,
    /// Anchors and lists in use.
    pub trust: &'a Trust,
    /// Service time.
    pub now: Timestamp,
}

impl Around<'_> {
    /// Whether the index lists it as ours.
    pub fn lists(&self, certificate: &Certificate) -> bool {
        self.index.entries().iter().any(|entry| entry.name == self.name && entry.signs_with(certificate))
    }

    /// One that is held, as it is told.
    pub fn told(&self, held: &Held) -> api::Certificate {
        let (purpose, certificate) = (held.purpose, &held.certificate);
        let signs = matches!(purpose, Purpose::Signing | Purpose::Next | Purpose::Left);
        let listed = signs.then(|| self.lists(certificate));
        let state = match Standing::of(purpose, certificate, self.now) {
            // What it signed stays good; nobody has to do anything for it.
            _ if purpose == Purpose::Left => Standing::Fine.word(),
            standing if standing <= Standing::Soon && purpose == Purpose::Signing && listed == Some(false) => {
                "unlisted"
            }
            standing => standing.word(),
        };
        api::Certificate {
            purpose: purpose.word().to_owned(),
            subject: certificate.subject(),
            issuer: Some(certificate.issuer()),
            serial: Some(certificate.serial_hex()),
            sha1: Some(certificate.sha1_hex()),
            sha256: Some(certificate.sha256_hex()),
            not_before: Some(certificate.not_before().to_string()),
            not_after: Some(certificate.not_after().to_string()),
            days_left: Some(days(certificate.not_after(), self.now)),
            at: held.at.clone(),
            listed,
            state: state.to_owned(),
        }
    }

    /// All of it: what is held, who is believed, and the key of ordinary mail.
    pub fn all(&self, held: &[Held], dkim: Option<&dkim::Signer>) -> Vec<api::Certificate> {
        let mut all: Vec<_> = held.iter().map(|held| self.told(held)).collect();
        let with = |purpose, at: &str, certificate: &Certificate| {
            self.told(&Held { purpose, at: at.to_owned(), certificate: certificate.clone() })
        };
        all.extend(self.index.signer().map(|signer| with(Purpose::IndexSigner, "index", signer)));
        all.extend(self.trust.anchors().iter().map(|anchor| with(Purpose::Anchor, "trust", anchor)));
        all.extend(self.lists_of_revocation());
        all.extend(dkim.map(key));
        all
    }

    /// The newest of each issuer: an older one has no say any more.
    fn lists_of_revocation(&self) -> impl Iterator<Item = api::Certificate> {
        let crls = self.trust.crls();
        let superseded = |crl: &Crl| {
            crls.iter().any(|other| other.issuer() == crl.issuer() && other.this_update() > crl.this_update())
        };
        crls.iter().filter(move |crl| !superseded(crl)).map(|crl| {
            let until = crl.next_update();
            api::Certificate {
                not_before: Some(crl.this_update().to_string()),
                not_after: until.map(|at| at.to_string()),
                days_left: until.map(|at| days(at, self.now)),
                state: if until.is_some_and(|at| at <= self.now) { Standing::Expired } else { Standing::Fine }
                    .word()
                    .to_owned(),
                ..bare("crl", crl.issuer(), "trust")
            }
        })
    }
}

fn key(signer: &dkim::Signer) -> api::Certificate {
    let (name, record) = signer.record();
    let public = record.rsplit("p=").next().and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let sha256 = public.map(|der| HEXUPPER.encode(&sha256(&der)));
    api::Certificate { sha256, ..bare("dkim", name.to_owned(), "dkim.key") }
}

fn bare(purpose: &str, subject: String, at: &str) -> api::Certificate {
    api::Certificate {
        purpose: purpose.to_owned(),
        subject,
        issuer: None,
        serial: None,
        sha1: None,
        sha256: None,
        not_before: None,
        not_after: None,
        days_left: None,
        at: at.to_owned(),
        listed: None,
        state: Standing::Fine.word().to_owned(),
    }
}

/// Whole days from `now` to `at`; below zero when that is over.
fn days(at: Timestamp, now: Timestamp) -> i64 {
    (at.as_millis() - now.as_millis()).div_euclid(24 * 3600 * 1000)
}

#[cfg(test)]
mod tests;
