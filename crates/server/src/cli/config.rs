//! `sigillo config check|dkim|init`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sigillo_admin::Lang;
use sigillo_base::{Complaint, said};
use sigillo_pec::index::Entry;

use super::{Exit, complain};
use crate::clock::system_time;
use crate::config::{Config, SAMPLE};
use crate::gate::Gate;
use crate::material::{Material, Publication};
use crate::out::say;
use crate::{acme, complaint, files, trial};

#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Verb {
    /// Controlla una configurazione e i file che nomina, senza avviare niente
    Check {
        /// La configurazione
        file: PathBuf,
    },
    /// Mostra il record DNS che pubblica la chiave DKIM del gestore
    Dkim {
        /// La configurazione
        file: PathBuf,
    },
    /// Copia la configurazione d'esempio in una cartella e crea chiavi e certificati di prova che ancora mancano
    Init {
        /// La cartella; una configurazione che c'è già non si tocca
        folder: PathBuf,
    },
}

pub(super) fn run(verb: &Verb, lang: Lang) -> Exit {
    match verb {
        Verb::Check { file } => check(file, lang),
        Verb::Dkim { file } => dkim(file, lang),
        Verb::Init { folder } => match init(folder) {
            Ok(file) => {
                say(format_args!("{}: {}", lang.pick("pronta", "ready"), file.display()));
                say(format_args!("  sigillo config check {0}\n  sigillo serve --config {0}", file.display()));
                Exit::Fine
            }
            Err(error) => complain(complaint::of(&error), lang, Exit::Usage),
        },
    }
}

fn dkim(file: &Path, lang: Lang) -> Exit {
    let loaded = Config::load(file).and_then(|config| Material::load(&config, &Gate::for_cores(), system_time()));
    match loaded.map(|material| material.dkim) {
        Ok(Some(signer)) => {
            say(signer.zone_line());
            Exit::Fine
        }
        Ok(None) => complain(said!("manca la sezione [dkim]", "there is no section [dkim]"), lang, Exit::False),
        Err(problems) => complain(problems, lang, Exit::Usage),
    }
}

fn check(file: &Path, lang: Lang) -> Exit {
    let now = system_time();
    let loaded = Config::load(file).map(|config| (acme::stand_in(&config, now), config));
    let checked = match loaded {
        Ok((Err(error), _)) => return complain(complaint::of(&error), lang, Exit::Usage),
        Ok((Ok(stand_in), config)) => {
            let shown = stand_in.as_ref().map_or(&config, |(_, stand_in)| stand_in);
            let material = Material::load(shown, &Gate::for_cores(), now);
            material.and_then(|_| Publication::load(&config, now)).map(|_| config)
        }
        Err(problems) => Err(problems),
    };
    match checked {
        Ok(config) => {
            say(format_args!("{}: {} ({})", file.display(), lang.pick("va bene", "fine"), config.name.value));
            Exit::Fine
        }
        Err(problems) => complain(problems, lang, Exit::Usage),
    }
}

/// Makes what a configuration names and is not there. What is there stays as it is.
pub(super) fn init(folder: &Path) -> Result<PathBuf> {
    let file = folder.join("sigillo.toml");
    if !file.exists() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        files::write(&file, SAMPLE.as_bytes())?;
    }
    let config = Config::load(&file)?;
    let (Some(anchor), Some(crl)) = (config.anchors.first(), config.crls.first()) else {
        bail!(Complaint(said!(
            "{}: servono trust.anchors e trust.crls",
            "{}: trust.anchors and trust.crls are needed",
            file.display()
        )));
    };
    let ca_key = anchor.value.with_extension("key");
    if anchor.value.exists() && !ca_key.exists() {
        bail!(Complaint(said!(
            "{}: c'è già e non è di prova; qui si creano solo materiali di prova",
            "{}: it is there and not for trials; only trial material is made here",
            anchor.value.display()
        )));
    }
    let Some(signing_key) = config.signing_key.value.file() else {
        bail!(Complaint(said!(
            "{}: la chiave di firma è in un dispositivo; qui si creano solo materiali di prova",
            "{}: the signing key is in a device; only trial material is made here",
            file.display()
        )));
    };
    let named = [anchor.value.as_path(), signing_key, &config.tls_key.value, &config.index.value, &crl.value];
    for folder in named.iter().filter_map(|path| path.parent()) {
        files::folder(folder).with_context(|| folder.display().to_string())?;
    }
    let now = system_time();
    let authority = trial::authority(&anchor.value, &ca_key)?;
    let pair = (config.signing_certificate.value.as_path(), signing_key);
    let (name, address) = (config.name.value.as_str(), &config.service_address.value);
    let certificate = trial::signing(&authority, pair, (name, address), now)?;
    trial::tls(&authority, &config.tls_certificate.value, &config.tls_key.value, &[&config.host.value])?;
    if !crl.value.exists() {
        trial::crl(&authority, &crl.value, now)?;
    }
    if !config.index.value.exists() {
        let entry = Entry {
            name: name.to_owned(),
            unit: None,
            certificates: vec![certificate],
            mail_receipt: address.clone(),
            domains: config.domains.clone(),
            description: Some("Gestore di prova".to_owned()),
            ldif_url: None,
        };
        trial::index(&authority, &config.index.value, &[entry], now)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_works_after_init_and_init_keeps_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("prova");
        let file = init(&at).unwrap();
        assert_eq!(check(&file, Lang::It), Exit::Fine);
        let key = fs::read(at.join("prova/firma.key")).unwrap();
        init(&at).unwrap();
        assert_eq!(fs::read(at.join("prova/firma.key")).unwrap(), key);
        fs::remove_file(at.join("prova/ca.crl")).unwrap();
        assert_eq!(check(&file, Lang::It), Exit::Usage);
    }

    #[test]
    fn material_that_does_not_fit_is_named_by_key_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = init(folder.path()).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("prova/firma.key", "prova/ca.key").replace("Esempio PEC", "Altro PEC")).unwrap();
        let config = Config::load(&file).unwrap();
        let problems = Material::load(&config, &Gate::for_cores(), system_time()).err().unwrap();
        let keys: Vec<_> = problems.0.iter().map(|p| p.key.clone().unwrap()).collect();
        assert_eq!(keys, ["provider.name", "signing.key"]);
        assert!(problems.0.iter().all(|p| p.line.is_some()));
    }
}
