//! The pair that signs. The configuration names one, and may name the one that follows; `sigillo cert roll` orders the change.
//! That order is a file beside the store, so that a restart keeps it; it is read with the configuration and compared with
//! it, and what the two cannot both mean is an error. A certificate that was left never signs again by an omission.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sigillo_base::{Said, Timestamp, said};
use sigillo_smime::{Certificate, Identity, Signer};

use super::{Loader, misfits};
use crate::config::{Config, Located, Problem, Problems, SigningKey};
use crate::files;
use crate::gate::Gate;

/// The last order to sign with the next pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolled {
    /// The certificate that was taken: its SHA-256, upper-case hexadecimal.
    pub taken: String,
    /// The one that was left.
    pub left: String,
    /// When, ISO 8601.
    pub since: String,
}

impl Rolled {
    /// Where it stands.
    pub fn file(config: &Config) -> PathBuf {
        config.store.value.join("signing.json")
    }

    /// The last order; `None`: there was none.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(config: &Config) -> io::Result<Option<Self>> {
        match fs::read(Self::file(config)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Durable when this comes back.
    ///
    /// # Errors
    /// The disk's.
    pub fn write(&self, config: &Config) -> io::Result<()> {
        files::write(&Self::file(config), &serde_json::to_vec_pretty(self)?)
    }
}

/// The files of a certificate and its key.
#[derive(Clone, Copy)]
pub(super) struct Pair<'c> {
    pub certificate: &'c Located<PathBuf>,
    pub key: &'c Located<SigningKey>,
}

/// A pair that is ready to sign.
pub struct Successor {
    /// The certificate with its chain.
    pub identity: Identity,
    /// Its key.
    pub signer: Arc<dyn Signer>,
}

/// The pair that follows the certificate in use.
///
/// # Errors
/// There is none, or it cannot sign for this provider now: everything that is wrong.
pub fn successor(
    config: &Config,
    in_use: &Certificate,
    gate: &Arc<Gate>,
    now: Timestamp,
) -> Result<Successor, Problems> {
    let mut l = Loader { config, problems: Vec::new() };
    let absent = |key: &str| Problem {
        file: config.file.clone(),
        line: None,
        key: Some(key.to_owned()),
        what: said!("manca", "missing"),
        remedy: said!(
            "scriverla con il file che seguirà, poi `systemctl reload sigillo`",
            "write it with the file that will follow, then `systemctl reload sigillo`"
        ),
    };
    let (Some(certificate), Some(key)) = (&config.next_certificate, &config.next_key) else {
        let named = [
            ("signing.next_certificate", config.next_certificate.is_none()),
            ("signing.next_key", config.next_key.is_none()),
        ];
        let missing = named.into_iter().filter(|(_, missing)| *missing);
        return Err(Problems(missing.map(|(key, _)| absent(key)).collect()));
    };
    let identity = l.identity(certificate, now);
    let signer = l.signer(key, identity.as_ref(), gate);
    if identity.as_ref().is_some_and(|next| next.certificate == *in_use) {
        let what = said!("firma già", "signs already");
        let remedy = said!(
            "scriverlo in signing.certificate, la sua chiave in signing.key, e togliere signing.next_*",
            "write it into signing.certificate, its key into signing.key, and remove signing.next_*"
        );
        l.tell(certificate, what, remedy);
    }
    match (identity, signer) {
        (Some(identity), Some(signer)) if l.problems.is_empty() => Ok(Successor { identity, signer }),
        _ => Err(Problems(l.problems)),
    }
}

impl<'c> Loader<'c> {
    /// The pair that signs: that of the configuration, or its next one when that was ordered.
    pub(super) fn pair(&mut self) -> Option<Pair<'c>> {
        let config = self.config;
        let main = Pair { certificate: &config.signing_certificate, key: &config.signing_key };
        let rolled = match Rolled::read(config) {
            Ok(None) => return Some(main),
            Ok(Some(rolled)) => rolled,
            Err(error) => {
                let file = Rolled::file(config);
                let file = file.display();
                let remedy = said!(
                    "renderlo leggibile; dice con quale certificato si firma da quando è stato ordinato",
                    "make it readable; it says which certificate signs since that was ordered"
                );
                let text = format!("{file}: {error}");
                self.tell(main.certificate, Said::verbatim(text), remedy);
                return None;
            }
        };
        if let (Some(certificate), Some(key)) = (&config.next_certificate, &config.next_key)
            && self.leaf(certificate)?.sha256_hex() == rolled.taken
        {
            return Some(Pair { certificate, key });
        }
        let leaf = self.leaf(main.certificate)?;
        if leaf.sha256_hex() == rolled.left {
            let (taken, since) = (&rolled.taken, &rolled.since);
            let what = said!(
                "è il certificato lasciato il {since} (`sigillo cert roll`); quello preso allora, SHA-256 {taken}, qui non c'è più",
                "is the certificate left on {since} (`sigillo cert roll`); the one taken then, SHA-256 {taken}, is no longer here"
            );
            let file = Rolled::file(config);
            let file = file.display();
            let remedy = said!(
                "scrivere quello in signing.certificate e la sua chiave in signing.key; chi vuole davvero tornare al vecchio toglie {file}",
                "write that one into signing.certificate and its key into signing.key; who really wants the old one back removes {file}"
            );
            self.tell(main.certificate, what, remedy);
            return None;
        }
        Some(main)
    }

    fn leaf(&mut self, at: &Located<PathBuf>) -> Option<Certificate> {
        self.certificates(at)?.into_iter().next()
    }

    pub(super) fn identity(&mut self, at: &Located<PathBuf>, now: Timestamp) -> Option<Identity> {
        let config = self.config;
        let mut found = self.certificates(at)?;
        let certificate = found.remove(0);
        if let Some(chain) = &config.signing_chain {
            found.extend(self.certificates(chain)?);
        }
        self.problems.extend(misfits(config, at, &certificate, now));
        Some(Identity { certificate, chain: found })
    }
}
