//! `sigillo init`: from nothing to a provider that can be served. What it makes follows from the configuration file, which it
//! writes at the first run and only reads at every other one; what is there already is never replaced, so that each run goes
//! on where the one before stopped.

mod first;
mod next;
mod renew;
mod site;
mod take;
#[cfg(test)]
mod tests;
mod unit;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sigillo_admin::Lang;
use sigillo_base::{Said, Timestamp, said};
use sigillo_pec::index::{Entry, seal, write_ldif};
use sigillo_smime::authority::request as csr;

use crate::config::Config;
use crate::material::Publication;
use crate::{dkim, published};
pub use first::Facts;
pub use renew::{Wanted, request};
pub use site::{Fate, Placed};
use site::{Site, of_file, same_bytes};
pub use take::{Given, Judged, Use, deviates, judge};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The folder of the configuration, keys and certificates.
    pub folder: PathBuf,
    /// What the first configuration says; not needed when there is one.
    pub facts: Facts,
    /// Files that have come from others.
    pub given: Given,
    /// Addresses of this host, for its DNS records.
    pub addresses: Vec<IpAddr>,
    /// Nothing is written.
    pub dry: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// Each file, and what became of it.
    pub placed: Vec<Placed>,
    /// What is worth knowing, though nothing failed.
    pub notes: Vec<Said>,
    /// The DNS records to publish, as a zone file has them.
    pub zone: String,
    /// What is to be done next, in order.
    pub next: Vec<Said>,
}

/// The keys, PEM.
struct Keys {
    signing: String,
    tls: String,
    dkim: Option<String>,
}

/// Makes what is missing, and takes in what was given.
///
/// # Errors
/// What is wrong and what to do. What was made before it stays, and the next run goes on.
pub fn run(asked: &Asked, lang: Lang, now: Timestamp) -> Result<Done, Said> {
    let folder = std::path::absolute(&asked.folder).map_err(|e| of_file(&asked.folder, &e))?;
    let mut site = Site::new(!asked.dry);
    let config = first::configuration(&folder.join("sigillo.toml"), &asked.facts, lang, &mut site)?;
    let keys = keys(&config, &mut site)?;
    requests(&folder.join("requests"), &config, &keys, &mut site)?;
    take::take(&asked.given, &config, now, &mut site)?;
    let zone = publish(&folder.join("publish"), &config, &keys, &asked.addresses, now, &mut site)?;
    unit::place(&folder.join("systemd"), &config, &mut site)?;
    let next = next::steps(&folder, &config);
    let numbered = next.iter().zip(1..).map(|(step, i)| format!("{i}. {}\n", step.pick(lang)));
    site.report(&folder.join("NEXT-STEPS.txt"), &numbered.collect::<String>())?;
    Ok(Done { placed: site.placed, notes: site.notes, zone, next })
}

fn keys(config: &Config, site: &mut Site) -> Result<Keys, Said> {
    let Some(signing_key) = config.signing_key.value.file() else {
        return Err(said!(
            "la chiave di firma è in un dispositivo: chiave e richiesta si fanno con i suoi strumenti (docs/operations.md), e poi `sigillo config check`",
            "the signing key is in a device: key and request are made with its own tools (docs/operations.md), then `sigillo config check`"
        ));
    };
    for (key, certificate) in
        [(signing_key, &config.signing_certificate), (config.tls_key.value.as_path(), &config.tls_certificate)]
    {
        if certificate.value.exists() && !key.exists() {
            let (key, certificate) = (key.display(), certificate.value.display());
            return Err(said!(
                "{certificate} c'è, ma manca la sua chiave {key}: rimetterla, o togliere il certificato",
                "{certificate} is there without its key {key}: bring the key back, or remove the certificate"
            ));
        }
    }
    let signing = site.secret(signing_key, csr::rsa_key)?;
    let tls = site.secret(&config.tls_key.value, csr::server_key)?;
    let dkim = config.dkim.as_ref().map(|dkim| site.secret(&dkim.key.value, csr::rsa_key)).transpose()?;
    Ok(Keys { signing, tls, dkim })
}

/// What goes to the authorities.
fn requests(folder: &Path, config: &Config, keys: &Keys, site: &mut Site) -> Result<(), Said> {
    let (pec, tls) = (Wanted::Signing.request(config, &keys.signing)?, Wanted::Tls.request(config, &keys.tls)?);
    for (name, text) in [("firma.csr", pec), ("tls.csr", tls)] {
        let same = |there: &[u8]| csr::same(&String::from_utf8_lossy(there), &text);
        site.place(&folder.join(name), text.as_bytes(), same)?;
    }
    Ok(())
}

/// What others must know of us; gives the DNS records.
fn publish(
    folder: &Path,
    config: &Config,
    keys: &Keys,
    addresses: &[IpAddr],
    now: Timestamp,
    site: &mut Site,
) -> Result<String, Said> {
    let dkim = match config.dkim.as_ref().zip(keys.dkim.as_ref()) {
        Some((dkim, pem)) => {
            let signer = dkim::Signer::new(dkim, pem.as_bytes());
            Some(signer.map_err(|e| said!("{e:#}", "{e:#}"))?)
        }
        None => None,
    };
    let zone = published::zone(&published::records(config, dkim.as_ref(), addresses));
    site.place(&folder.join("dns.zone"), zone.as_bytes(), same_bytes(zone.as_bytes()))?;
    let policy = published::sts_policy(config);
    site.place(&folder.join("mta-sts.txt"), policy.as_bytes(), same_bytes(policy.as_bytes()))?;
    record(folder, config, now, site)?;
    Ok(zone)
}

/// Our record of the index of providers: a draft until there is a certificate, then the file that is published.
fn record(folder: &Path, config: &Config, now: Timestamp, site: &mut Site) -> Result<(), Said> {
    if !config.signing_certificate.value.exists() {
        let entry = Entry {
            name: config.name.value.clone(),
            unit: None,
            certificates: Vec::new(),
            mail_receipt: config.service_address.value.clone(),
            domains: config.domains.clone(),
            description: None,
            ldif_url: None,
        };
        let waits = "# providerCertificateHash: SHA-1\n# providerCertificate;binary:: DER\n\
                     # (sigillo init FOLDER --certificate FILE)\n";
        let draft = write_ldif(&[entry]) + waits;
        return site.place(&folder.join("igpec-draft.ldif"), draft.as_bytes(), same_bytes(draft.as_bytes()));
    }
    let own = Publication::load(config, now)?;
    let ldif = write_ldif(&own.entries);
    site.place(&folder.join("igpec.ldif"), ldif.as_bytes(), same_bytes(ldif.as_bytes()))?;
    let sealed = seal(&ldif, &own.identity, own.signer.as_ref(), now).map_err(Said::verbatim)?;
    // Its signature has a time in it: whether it is still ours is seen from the LDIF beside it.
    site.place(&folder.join("igpec.ldif.p7m"), &sealed, |_| true)
}
