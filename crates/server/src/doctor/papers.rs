//! Files: configuration, keys, certificates, the index of providers.

mod following;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use sigillo_base::{Said, Tell, Timestamp, said};
use sigillo_pec::index::{Entry, Index};
use sigillo_smime::{Certificate, PathError};
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};

use super::{Case, Finding, days, plain};
use crate::certificates::{Purpose, Standing};
use crate::config::{Config, Problem, SigningKey};
use crate::gate::Gate;
use crate::material::{self, Material};
use crate::pkcs11::TokenSigner;
use crate::{identity, init, tls};

pub(super) fn configuration(case: &Case) -> Vec<Finding> {
    match Material::load(&case.config, &Gate::for_cores(), case.now) {
        Ok(_) => vec![Finding::fine(
            "",
            said!("si legge, con tutti i file che nomina", "it can be read, with all the files it names"),
        )],
        Err(problems) => problems.0.iter().map(problem).collect(),
    }
}

/// An error of the configuration as a finding.
pub(super) fn problem(problem: &Problem) -> Finding {
    let about = problem.key.clone().unwrap_or_else(|| problem.file.display().to_string());
    let line = problem.line.map(|line| format!("{}:{line}: ", problem.file.display())).unwrap_or_default();
    let what = Said::new(format!("{line}{}", problem.what.it), format!("{line}{}", problem.what.en));
    Finding::error(about, what, problem.remedy.clone())
}

/// Who may read and change keys and configuration.
pub(super) fn keys(case: &Case) -> Vec<Finding> {
    let config = &case.config;
    let mut secrets = vec![config.signing_key.value.secret(), &config.tls_key.value];
    secrets.extend(config.next_key.iter().map(|key| key.value.secret()));
    secrets.extend(config.dkim.iter().map(|dkim| &dkim.key.value));
    secrets.extend(config.directory.client.iter().map(|(_, key)| &key.value));
    secrets.extend(config.oauth.iter().map(|oauth| &oauth.secret.value));
    secrets.extend(config.ldap.iter().filter_map(|ldap| ldap.bind.as_ref()).map(|(_, file)| &file.value));
    secrets.extend(config.relay.routes.iter().filter_map(|r| r.login.as_ref()).map(|login| &login.password.value));
    let mut found: Vec<Finding> = secrets.iter().filter_map(|path| open_to_others(path, 0o027)).collect();
    found.extend(open_to_others(&config.file, 0o022));
    if found.is_empty() {
        let count = secrets.len();
        let text = said!("{count} file segreti, chiusi agli altri utenti", "{count} secret files, shut to other users");
        return vec![Finding::fine("", text)];
    }
    found
}

/// A file with one of these permissions; one that is not there is told by the configuration.
fn open_to_others(path: &Path, shut: u32) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.mode() & 0o777;
    let file = path.display();
    (mode & shut != 0).then(|| {
        Finding::error(
            &file,
            said!("aperto ad altri utenti (modo {mode:o})", "open to other users (mode {mode:o})"),
            plain(format!("`chmod {:o} {file}`", mode & !shut)),
        )
    })
}

pub(super) fn signing(case: &Case) -> Vec<Finding> {
    let config = &case.config;
    let (leaf, mut chain) = match chain(&material::signing_at(config).value) {
        Ok(found) => found,
        Err(finding) => return vec![*finding],
    };
    let mut found = vec![expiry(&leaf, Purpose::Signing, case.now, &renew_signing(config))];
    found.extend(leaf.deviations().into_iter().map(|deviation| {
        let remedy = said!(
            "chiederne uno nel profilo di RFC 6109, 5.5 (`sigillo init` fa la richiesta)",
            "get one of the profile of RFC 6109, 5.5 (`sigillo init` makes the request)"
        );
        Finding::error(leaf.subject(), init::deviates(deviation), remedy)
    }));
    chain.extend(
        config
            .signing_chain
            .iter()
            .filter_map(|at| self::chain(&at.value).ok())
            .flat_map(|(c, rest)| std::iter::once(c).chain(rest)),
    );
    // Out of its time no path is good, and that has been told.
    if leaf.not_after() > case.now
        && let Ok(trust) = material::trust(config)
    {
        found.extend(trust.verify(&leaf, &chain, case.now).err().map(|error| untrusted(&leaf, &error)));
    }
    found.extend(outdated(case, "signing", &leaf));
    found.extend(following::look(case));
    found
}

/// The device with the signing key, by a session of our own.
pub(super) fn device(case: &Case) -> Vec<Finding> {
    let SigningKey::Token(uri) = &case.config.signing_key.value else {
        return vec![Finding::fine("", said!("la chiave di firma è in un file", "the signing key is in a file"))];
    };
    let key = fs::read(&uri.pin).map_err(|e| e.to_string()).and_then(|pin| {
        let pin = identity::secret(&pin).map_err(|e| e.to_string())?;
        let (leaf, _) = chain(&case.config.signing_certificate.value).map_err(|finding| finding.found.it)?;
        TokenSigner::new(uri.clone(), &pin, &leaf)
    });
    vec![match key.and_then(|key| key.probe().map_err(|e| e.message)) {
        Ok(()) => Finding::fine(uri, said!("ha la chiave del certificato", "it has the certificate's key")),
        Err(error) => Finding::error(
            uri,
            plain(error),
            said!(
                "`pkcs11-tool --module MODULO --list-token-slots`, e `--list-objects --login`; senza, non si accetta posta",
                "`pkcs11-tool --module MODULE --list-token-slots`, and `--list-objects --login`; without it no mail is taken"
            ),
        ),
    }]
}

fn renew_signing(config: &Config) -> Said {
    match &config.next_certificate {
        Some(next) => said!(
            "passare a {} (signing.next_certificate) appena è nell'indice: `sigillo cert roll`",
            "change to {} (signing.next_certificate) as soon as it is in the index: `sigillo cert roll`",
            next.value.display()
        ),
        None => said!(
            "chiederne subito un altro ad AgID (`sigillo cert request`) e pubblicarlo con signing.next_certificate",
            "ask AgID for another at once (`sigillo cert request`) and publish it by signing.next_certificate"
        ),
    }
}

fn untrusted(leaf: &Certificate, error: &PathError) -> Finding {
    let what = match error {
        PathError::Untrusted(why) => {
            said!("non porta a una radice di trust.anchors: {why}", "leads to no root of trust.anchors: {why}")
        }
        PathError::Expired => {
            said!("un certificato della catena è scaduto", "a certificate of its chain has expired")
        }
        PathError::NotYetValid => {
            said!("un certificato della catena non vale ancora", "a certificate of its chain is not valid yet")
        }
        PathError::Revoked => said!("è revocato", "it is revoked"),
        PathError::NoCrl => said!("nessuna lista di revoca attuale", "no current revocation list"),
    };
    let remedy = match error {
        PathError::NoCrl => said!(
            "rinnovare trust.crls, o scrivere trust.crl_urls perché il servizio le scarichi",
            "renew trust.crls, or write trust.crl_urls for the service to fetch them"
        ),
        PathError::Revoked => said!("fermare il servizio e chiedere ad AgID", "stop the service and ask AgID"),
        _ => said!(
            "mettere gli intermedi in signing.certificate e la radice in trust.anchors",
            "put the intermediates into signing.certificate and the root into trust.anchors"
        ),
    };
    Finding::error(leaf.subject(), what, remedy)
}

pub(super) fn server(case: &Case) -> Vec<Finding> {
    let config = &case.config;
    let (leaf, chain) = match chain(&config.tls_certificate.value) {
        Ok(found) => found,
        Err(finding) => return vec![*finding],
    };
    let host = &config.host.value;
    let renew = match &config.acme {
        Some(_) => {
            said!("`sigillo cert renew`, e vedere che cosa risponde", "`sigillo cert renew`, and see what it says")
        }
        None => said!("rinnovarlo, poi `systemctl reload sigillo`", "renew it, then `systemctl reload sigillo`"),
    };
    let mut found = vec![expiry(&leaf, Purpose::Tls, case.now, &renew)];
    if !tls::is_for(leaf.der(), host) {
        found.push(Finding::error(
            leaf.subject(),
            said!("non ha il nome {host}", "it does not have the name {host}"),
            said!("chiederne uno per provider.host", "get one for provider.host"),
        ));
    } else if leaf.not_after() > case.now
        && let Err(error) = verified(config, &leaf, &chain, case.now)
    {
        found.push(Finding::warning(
            leaf.subject(),
            said!(
                "chi si fida delle radici di relay.roots non lo accetta: {error}",
                "who trusts the roots of relay.roots does not accept it: {error}"
            ),
            said!("aggiungere gli intermedi a tls.certificate", "add the intermediates to tls.certificate"),
        ));
    }
    found.extend(outdated(case, "tls", &leaf));
    found.extend(following::acme(case));
    found
}

/// As another provider would see it, who believes the same roots.
fn verified(config: &Config, leaf: &Certificate, chain: &[Certificate], now: Timestamp) -> anyhow::Result<()> {
    let judge = tls::verifier(tls::certificates(&config.relay_roots.value)?)?;
    let name = ServerName::try_from(config.host.value.as_str())?;
    let ders: Vec<_> = chain.iter().map(|c| c.der().to_vec().into()).collect();
    let now = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now.as_millis())?));
    judge.verify_server_cert(&leaf.der().to_vec().into(), &ders, &name, &[], now)?;
    Ok(())
}

/// The certificates of a file, the first apart.
fn chain(path: &Path) -> Result<(Certificate, Vec<Certificate>), Box<Finding>> {
    let read = fs::read(path).and_then(|pem| Certificate::from_pem(&pem).map_err(io::Error::other));
    let mut all = read.map_err(|error| {
        Box::new(Finding::error(
            path.display(),
            said!("non si legge: {error}", "cannot be read: {error}"),
            said!(
                "mettervi il certificato: `sigillo init CARTELLA --certificate FILE`",
                "put it there: `sigillo init FOLDER --certificate FILE`"
            ),
        ))
    })?;
    Ok((all.remove(0), all))
}

fn expiry(leaf: &Certificate, purpose: Purpose, now: Timestamp, remedy: &Said) -> Finding {
    let (ends, about) = (leaf.not_after(), leaf.subject());
    let left = days(ends.since(now));
    let text = match Standing::of(purpose, leaf, now) {
        Standing::Expired => said!("scaduto {ends}", "expired {ends}"),
        _ => said!("vale ancora {left} giorni, fino a {ends}", "valid for {left} more days, until {ends}"),
    };
    match Standing::of(purpose, leaf, now) {
        Standing::Expired | Standing::Urgent => Finding::error(about, text, remedy.clone()),
        Standing::Soon => Finding::warning(about, text, remedy.clone()),
        Standing::Fine | Standing::Future => Finding::fine(about, text),
    }
}

/// The service may still show what was in the file before.
fn outdated(case: &Case, purpose: &str, leaf: &Certificate) -> Option<Finding> {
    let status = case.status.as_ref().ok()?;
    let shown = status.certificates.iter().find(|shown| shown.purpose == purpose)?;
    (shown.sha256.as_ref() != Some(&leaf.sha256_hex())).then(|| {
        let until = shown.not_after.as_deref().unwrap_or_default();
        Finding::warning(
            leaf.subject(),
            said!(
                "il servizio usa ancora quello che vale fino a {until}",
                "the service still uses the one that is valid until {until}"
            ),
            plain("`systemctl reload sigillo`"),
        )
    })
}

pub(super) fn index(case: &Case) -> Vec<Finding> {
    let config = &case.config;
    let file = config.index.value.display();
    let update = said!("`sigillo index update`, e guardare index.url", "`sigillo index update`, and look at index.url");
    let opened = material::trust(config).map_err(|_| None).and_then(|trust| {
        let bytes = fs::read(&config.index.value).map_err(|e| Some(Said::verbatim(e)))?;
        Index::open(&bytes, &trust, case.now).map_err(|e| Some(e.said()))
    });
    let index = match opened {
        Ok(index) => index,
        Err(None) => return vec![Finding::skipped(file, said!("mancano le radici", "there are no roots"))],
        Err(Some(why)) => return vec![Finding::error(file, why, update)],
    };
    let mut found = vec![age(&index, config, case.now, &update)];
    let failing = case.status.as_ref().ok().and_then(|status| status.index.last_error.clone());
    found.extend(failing.map(|error| {
        let text = said!("l'ultimo aggiornamento è fallito: {error}", "the last update failed: {error}");
        Finding::warning(&file, text, update)
    }));
    found.extend(own(&index, config));
    found
}

fn age(index: &Index, config: &Config, now: Timestamp, update: &Said) -> Finding {
    let file = config.index.value.display();
    let Some(signed) = index.signed_at() else {
        return Finding::error(
            file,
            said!("non dice quando è stato firmato", "does not say when it was signed"),
            update.clone(),
        );
    };
    let (hours, providers) = (now.since(signed).as_secs() / 3600, index.entries().len());
    let text = said!("{providers} gestori, firmato {hours} ore fa", "{providers} providers, signed {hours} hours ago");
    if now.since(signed) > config.directory.stale {
        return Finding::error(file, text, update.clone());
    }
    Finding::fine(file, text)
}

/// What the index says of us, by which others know us.
fn own(index: &Index, config: &Config) -> Vec<Finding> {
    let name = &config.name.value;
    let publish = said!(
        "pubblicare il proprio record (`sigillo index publish`) e attendere che l'indice lo riporti",
        "publish the own record (`sigillo index publish`) and wait until the index holds it"
    );
    let records: Vec<&Entry> = index.entries().iter().filter(|e| e.name == *name).collect();
    if records.is_empty() {
        return vec![Finding::error(
            name,
            said!("l'indice non ha questo gestore", "the index does not hold this provider"),
            publish,
        )];
    }
    let mut found = Vec::new();
    if let Ok((leaf, _)) = chain(&material::signing_at(config).value)
        && !records.iter().any(|record| record.signs_with(&leaf))
    {
        let hash = leaf.sha1_hex();
        let text = said!(
            "l'indice non ha il certificato in uso ({hash}): nessuno crede alle nostre firme",
            "the index does not hold the certificate in use ({hash}): nobody believes our signatures"
        );
        found.push(Finding::error(name, text, publish.clone()));
    }
    let main = records.iter().find(|record| record.unit.is_none()).or(records.first());
    if let Some(record) = main.filter(|record| record.mail_receipt != config.service_address.value) {
        let text = said!("l'indice manda le ricevute a {}", "the index sends receipts to {}", record.mail_receipt);
        found.push(Finding::error(name, text, publish.clone()));
    }
    for domain in &config.domains {
        match index.provider_of(domain) {
            Some(entry) if entry.name == *name => {}
            Some(entry) => {
                let text = said!("nell'indice è di {}", "in the index it is of {}", entry.name);
                found.push(Finding::error(domain, text, publish.clone()));
            }
            None => {
                let text = said!(
                    "non è nell'indice: per gli altri non è certificato",
                    "not in the index: not certified for others"
                );
                found.push(Finding::error(domain, text, publish.clone()));
            }
        }
    }
    if found.is_empty() {
        let text = said!(
            "il nostro record ha certificato, casella e domini",
            "our record has certificate, mailbox and domains"
        );
        found.push(Finding::fine(name, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::trial::DAY;

    #[test]
    fn an_end_is_told_before_it_comes() {
        let now = crate::clock::system_time();
        let authority = sigillo_smime::authority::Authority::new("CA", now.minus(DAY), now.plus(DAY * 400)).unwrap();
        let state = |left: Duration| {
            let issued = authority.issue_tls(&["mx.example".into()], &[], now.minus(DAY), now.plus(left)).unwrap();
            let finding = expiry(&issued.certificate(), Purpose::Signing, now, &plain("x"));
            assert_eq!(finding.remedy.is_some(), finding.state != State::Fine);
            finding.state
        };
        assert_eq!(state(DAY * 61), State::Fine);
        assert_eq!(state(DAY * 59), State::Warning);
        assert_eq!(state(DAY * 29), State::Error);
        assert_eq!(state(Duration::from_secs(0)), State::Error);
    }
}
