//! The pair that listeners show, in one file: key first, then the certificate with its intermediates.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sigillo_base::{Complaint, Timestamp, said};
use sigillo_smime::Certificate;
use sigillo_smime::authority::Authority;
use tempfile::TempDir;

use super::order::Issued;
use crate::complaint::Context as _;
use crate::config::{Acme, Config, Located};
use crate::files;
use crate::tls::{self, ServerTls};
use crate::trial::DAY;

/// Sees to it that there is something to show before an authority has issued anything: the pair that the configuration
/// names, or one that nobody vouches for, which is due for renewal from its first moment.
///
/// # Errors
/// The folder cannot be written.
pub fn ensure(config: &Config, now: Timestamp) -> Result<()> {
    let Some(acme) = &config.acme else { return Ok(()) };
    files::folder(&acme.folder).with_context(|| acme.folder.display().to_string())?;
    if acme.pair().exists() {
        return Ok(());
    }
    let before = acme.before.as_ref().map(|(certificate, key)| {
        ServerTls::open(certificate, key)?;
        Ok::<_, anyhow::Error>(Issued { key: fs::read_to_string(key)?, chain: fs::read_to_string(certificate)? })
    });
    let issued = match before {
        Some(Ok(issued)) => issued,
        Some(Err(error)) => {
            tracing::warn!(error = format!("{error:#}"), "tls.certificate cannot be shown until ACME brings another");
            stopgap(acme, now)?
        }
        None => stopgap(acme, now)?,
    };
    place(&acme.pair(), &issued)
}

/// The same configuration with something to show in a folder of its own, which goes with it: for who looks at a configuration
/// before its first start. `None`: its own pair is there, or is nobody's to renew.
///
/// # Errors
/// There is no room for such a folder.
pub fn stand_in(config: &Config, now: Timestamp) -> Result<Option<(TempDir, Config)>> {
    let Some(acme) = config.acme.as_ref().filter(|acme| !acme.pair().exists()) else { return Ok(None) };
    let folder = tempfile::tempdir()?;
    let acme = Acme { folder: folder.path().to_owned(), ..acme.clone() };
    let at = Located { value: acme.pair(), ..config.tls_key.clone() };
    let config = Config { tls_certificate: at.clone(), tls_key: at, acme: Some(acme), ..config.clone() };
    ensure(&config, now)?;
    Ok(Some((folder, config)))
}

/// Less than a third of its life is left.
fn stopgap(acme: &Acme, now: Timestamp) -> Result<Issued> {
    let (from, until) = (now.minus(DAY * 70), now.plus(DAY * 30));
    let names: Vec<String> = acme.names.iter().map(ToString::to_string).collect();
    let issued = Authority::new("In attesa di ACME", from, until)?.issue_tls(&names, &[], from, until)?;
    Ok(Issued { key: issued.key_pem.clone(), chain: issued.certificate_pem.clone() })
}

fn place(path: &Path, issued: &Issued) -> Result<()> {
    let text = format!("{}\n{}", issued.key.trim_end(), issued.chain);
    files::write_secret(path, text.as_bytes()).with_context(|| path.display().to_string())
}

/// Puts a new pair into the place of the old one, after it has been shown to be good.
///
/// # Errors
/// It is not what was asked for, or cannot be written; the old one stays.
pub(super) fn replace(acme: &Acme, issued: &Issued, now: Timestamp) -> Result<()> {
    let candidate = acme.folder.join("candidate.pem");
    place(&candidate, issued)?;
    let proven = ServerTls::open(&candidate, &candidate).and_then(|_| {
        let leaf = leaf(&candidate)?;
        if let Some(name) = acme.names.iter().find(|name| !tls::is_for(leaf.der(), name.as_str())) {
            bail!(Complaint(said!(
                "il certificato rilasciato non è per {name}",
                "the issued certificate is not for {name}"
            )));
        }
        if leaf.not_after() <= now {
            bail!(Complaint(said!(
                "il certificato rilasciato è già scaduto ({})",
                "the issued certificate has expired already ({})",
                leaf.not_after()
            )));
        }
        Ok(())
    });
    files::remove(&candidate)?;
    proven?;
    place(&acme.pair(), issued)
}

/// The certificate that is shown.
pub(super) fn shown(acme: &Acme) -> Result<Certificate> {
    leaf(&acme.pair())
}

fn leaf(path: &Path) -> Result<Certificate> {
    let pem = fs::read(path).with_context(|| path.display().to_string())?;
    Certificate::from_pem(&pem)?.into_iter().next().told(|| said!("nessun certificato", "no certificate"))
}

/// When a certificate is to be renewed: when a third of its life is left, and at once when a name is missing.
pub(super) fn due(acme: &Acme, leaf: &Certificate) -> Timestamp {
    let (from, until) = (leaf.not_before(), leaf.not_after());
    let covers = acme.names.iter().all(|name| tls::is_for(leaf.der(), name.as_str()));
    if covers { until.minus(until.since(from) / 3) } else { Timestamp::default() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::clock::system_time;
    use crate::config::SAMPLE;

    fn config(folder: &Path) -> Config {
        let acme = "[tls.acme]\ndirectory = \"https://ca.example/directory\"\nagree = true\n";
        let text = SAMPLE.replace("[signing]\n", &format!("{acme}names = [\"imap.example\"]\n[signing]\n"));
        Config::parse(&folder.join("sigillo.toml"), &text).unwrap()
    }

    #[test]
    fn something_is_shown_before_anything_was_issued_and_is_due_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (config, now) = (config(folder.path()), system_time());
        let acme = config.acme.as_ref().unwrap();
        ensure(&config, now).unwrap();
        ServerTls::open(&config.tls_certificate.value, &config.tls_key.value).unwrap();
        assert_eq!(fs::metadata(acme.pair()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(due(acme, &shown(acme).unwrap()) <= now);
        let before = fs::read(acme.pair()).unwrap();
        ensure(&config, now).unwrap();
        assert_eq!(fs::read(acme.pair()).unwrap(), before, "what is there stays");
    }

    #[test]
    fn the_pair_of_the_configuration_is_shown_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let (config, now) = (config(folder.path()), system_time());
        let acme = config.acme.as_ref().unwrap();
        let (certificate, key) = acme.before.clone().unwrap();
        files::folder(certificate.parent().unwrap()).unwrap();
        let authority = Authority::new("CA", now.minus(DAY), now.plus(DAY * 90)).unwrap();
        let names = acme.names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let issued = authority.issue_tls(&names, &[], now.minus(DAY), now.plus(DAY * 89)).unwrap();
        fs::write(&certificate, &issued.certificate_pem).unwrap();
        fs::write(&key, &issued.key_pem).unwrap();
        ensure(&config, now).unwrap();
        assert_eq!(shown(acme).unwrap(), issued.certificate());
        // Certificates know whole seconds.
        let whole = Timestamp::from_millis(now.as_millis() / 1000 * 1000);
        assert_eq!(due(acme, &issued.certificate()), whole.plus(DAY * 59));
    }

    #[test]
    fn what_is_not_good_never_takes_the_place_of_what_is() {
        let folder = tempfile::tempdir().unwrap();
        let (config, now) = (config(folder.path()), system_time());
        let acme = config.acme.as_ref().unwrap();
        ensure(&config, now).unwrap();
        let before = fs::read(acme.pair()).unwrap();
        let authority = Authority::new("CA", now.minus(DAY * 9), now.plus(DAY * 90)).unwrap();
        let issue = |names: &[&str], until| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let issued = authority.issue_tls(&names, &[], now.minus(DAY * 8), until).unwrap();
            Issued { key: issued.key_pem.clone(), chain: issued.certificate_pem.clone() }
        };
        let all = ["mx.pec.esempio.example", "imap.example"];
        let (good, other) = (issue(&all, now.plus(DAY * 30)), issue(&all, now.plus(DAY * 30)));
        let bad = [
            issue(&all[..1], now.plus(DAY * 30)),
            issue(&all, now.minus(DAY)),
            Issued { key: other.key, chain: good.chain.clone() },
            Issued { key: good.key.clone(), chain: String::new() },
        ];
        for issued in &bad {
            assert!(replace(acme, issued, now).is_err());
            assert_eq!(fs::read(acme.pair()).unwrap(), before);
        }
        replace(acme, &good, now).unwrap();
        assert!(due(acme, &shown(acme).unwrap()) > now);
        assert_eq!(fs::read_dir(&acme.folder).unwrap().count(), 1, "no candidate is left behind");
    }
}
