//! `sigillo index publish|show|check|update`: the provider index (RFC 6109 §4.5).

use std::fs;
use std::path::{Path, PathBuf};

use sigillo_admin::verbs::Where;
use sigillo_admin::{Lang, verbs};
use sigillo_base::{Said, Tell, Timestamp, said};
use sigillo_pec::index::{Examined, Index, seal, write_ldif};
use sigillo_smime::{Certificate, Crl, PathError, Trust};

use super::{Exit, ask, complain};
use crate::clock::system_time;
use crate::config::Config;
use crate::fetch::Url;
use crate::material::Publication;
use crate::out::say;
use crate::{complaint, files, http};

#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Verb {
    /// Scrive il record di questo gestore, firmato, nella forma in cui va pubblicato (.ldif.p7m)
    Publish {
        /// La configurazione: nome, domini, certificati, ambienti secondari
        #[arg(long, value_name = "FILE", default_value = "/etc/sigillo/sigillo.toml")]
        config: PathBuf,
        /// Il file da scrivere
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// L'indirizzo a cui il file sarà pubblicato (LDIFLocationURL)
        #[arg(long, value_name = "URL")]
        url: Option<Url>,
        /// Una descrizione del gestore
        #[arg(long, value_name = "TESTO")]
        description: Option<String>,
    },
    /// Mostra gestori, domini e certificati: dell'indice in uso, oppure di un file
    Show {
        #[command(flatten)]
        at: Where,
        /// Un indice firmato (.p7m) invece di quello in uso; vuole anche --ca
        #[arg(long, value_name = "FILE", requires = "anchors")]
        file: Option<PathBuf>,
        #[command(flatten)]
        believed: Believed,
    },
    /// Controlla un indice firmato (.p7m) senza rete e dice che cosa non va
    Check {
        /// L'indice firmato
        file: PathBuf,
        #[command(flatten)]
        believed: Believed,
    },
    /// Fa cercare subito una copia nuova a un gestore in servizio
    Update(verbs::index::Update),
}

/// Whose signatures are believed.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Believed {
    /// Le radici della firma (PEM)
    #[arg(long = "ca", value_name = "FILE", id = "anchors")]
    ca: Option<PathBuf>,
    /// La loro lista di revoca (DER o PEM); senza, la revoca non si controlla
    #[arg(long, value_name = "FILE", requires = "anchors")]
    crl: Option<PathBuf>,
}

pub(super) fn run(verb: &Verb, lang: Lang) -> Exit {
    match verb {
        Verb::Publish { config, out, url, description } => publish(config, out, url.as_ref(), description, lang),
        Verb::Show { at, file: None, .. } => ask(lang, verbs::index::in_use(at, lang)),
        Verb::Show { at, file: Some(file), believed } => show(at, file, believed, lang),
        Verb::Check { file, believed } => check(file, believed, lang),
        Verb::Update(args) => ask(lang, verbs::index::update(args, lang)),
    }
}

fn publish(config: &Path, out: &Path, url: Option<&Url>, description: &Option<String>, lang: Lang) -> Exit {
    let now = system_time();
    let loaded = Config::load(config).and_then(|config| Publication::load(&config, now));
    let Publication { identity, signer, mut entries } = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => return complain(problems, lang, Exit::Usage),
    };
    if let Some(main) = entries.first_mut() {
        (main.ldif_url, main.description) = (url.map(ToString::to_string), description.clone());
    }
    let ldif = write_ldif(&entries);
    // What is published must be readable by the rules by which others read it.
    if let Err(error) = Index::parse_ldif(ldif.as_bytes()) {
        return complain(Said::verbatim(error), lang, Exit::Usage);
    }
    let p7m = match seal(&ldif, &identity, signer.as_ref(), now) {
        Ok(p7m) => p7m,
        Err(error) => return complain(Said::verbatim(error), lang, Exit::False),
    };
    if let Err(error) = files::write(out, &p7m) {
        return complain(Said::verbatim(error), lang, Exit::Usage);
    }
    let certificates: usize = entries.iter().map(|e| e.certificates.len()).sum();
    let domains: usize = entries.iter().map(|e| e.domains.len()).sum();
    say(format_args!(
        "{}: {} ({} {}, {domains} {}, {certificates} {})",
        lang.pick("scritto", "wrote"),
        out.display(),
        entries.len(),
        lang.pick("ambienti", "environments"),
        lang.pick("domini", "domains"),
        lang.pick("certificati", "certificates"),
    ));
    Exit::Fine
}

fn show(at: &Where, file: &Path, believed: &Believed, lang: Lang) -> Exit {
    let now = system_time();
    let examined = match examine(file, believed, now, lang) {
        Ok(examined) => examined,
        Err(exit) => return exit,
    };
    let faults = faults(&examined, believed, now);
    for fault in &faults {
        complain(fault.clone().about(file.display()), lang, Exit::False);
    }
    let Ok(index) = &examined.index else { return Exit::False };
    let directory = http::directory(index);
    if at.json {
        match verbs::index::as_json(&directory) {
            Ok(text) => say(text),
            Err(error) => return complain(error, lang, Exit::False),
        }
    } else {
        say(verbs::index::show(&directory, lang));
    }
    if faults.is_empty() { Exit::Fine } else { Exit::False }
}

fn check(file: &Path, believed: &Believed, lang: Lang) -> Exit {
    let now = system_time();
    let examined = match examine(file, believed, now, lang) {
        Ok(examined) => examined,
        Err(exit) => return exit,
    };
    say(format_args!("{}: {}", lang.pick("firmatario", "signer"), examined.signer.subject()));
    if believed.crl.is_none() {
        say(lang.pick("la revoca non è controllata: serve --crl", "revocation is not checked: --crl is needed"));
    }
    if let Ok(index) = &examined.index {
        for remark in remarks(index, now, lang) {
            say(format_args!("{}: {remark}", lang.pick("nota", "note")));
        }
    }
    let faults = faults(&examined, believed, now);
    for fault in &faults {
        complain(fault.clone().about(file.display()), lang, Exit::False);
    }
    if !faults.is_empty() {
        return Exit::False;
    }
    let signed = examined.index.ok().and_then(|i| i.signed_at()).map(|at| at.to_string()).unwrap_or_default();
    say(format_args!("{}: {} ({signed})", file.display(), lang.pick("va bene", "fine")));
    Exit::Fine
}

/// Opens a file; says itself why it cannot.
fn examine(file: &Path, believed: &Believed, now: Timestamp, lang: Lang) -> Result<Examined, Exit> {
    let named = |path: &Path, error: &(dyn std::error::Error + 'static)| {
        let Said { it, en } = complaint::alone(error);
        let why = said!("{}: non si legge: {it}", "{}: cannot be read: {en}", path.display());
        complain(why, lang, Exit::Usage)
    };
    let Some(ca) = &believed.ca else {
        let why = said!("servono le radici della firma: --ca FILE", "the signature's roots are needed: --ca FILE");
        return Err(complain(why, lang, Exit::Usage));
    };
    let read = |path: &Path| fs::read(path).map_err(|error| named(path, &error));
    let anchors = Certificate::from_pem(&read(ca)?).map_err(|error| named(ca, &error))?;
    let crls = match &believed.crl {
        Some(crl) => Crl::read(&read(crl)?).map_err(|error| named(crl, &error))?,
        None => Vec::new(),
    };
    let examined = Index::examine(&read(file)?, &Trust::new(anchors, crls), now);
    examined.map_err(|error| complain(Said::verbatim(error).about(file.display()), lang, Exit::False))
}

/// What makes a file worthless.
fn faults(examined: &Examined, believed: &Believed, now: Timestamp) -> Vec<Said> {
    let mut found = Vec::new();
    match &examined.path {
        Ok(()) => {}
        // Everything else on the path is good, or that would have been said.
        Err(PathError::NoCrl) if believed.crl.is_none() => {}
        Err(error) => {
            let (signer, Said { it, en }) = (examined.signer.subject(), error.said());
            found.push(said!("firmatario {signer}: {it}", "signer {signer}: {en}"));
        }
    }
    match &examined.index {
        Err(error) => found.push(error.said()),
        Ok(index) => found.extend(index.replaces(None, now).err().map(|error| error.said())),
    }
    found
}

/// What is worth a look, though the file is good.
fn remarks(index: &Index, now: Timestamp, lang: Lang) -> Vec<String> {
    let mut found = Vec::new();
    for entry in index.entries() {
        if entry.certificates.iter().all(|c| c.not_after() <= now) {
            let text = lang.pick("nessun certificato valido", "no valid certificate");
            found.push(format!("{}: {text}", entry.name));
        }
    }
    for domain in index.listed_twice() {
        found.push(format!(
            "{domain}: {}",
            lang.pick("è in più di un record, vale il primo", "in several records, the first counts")
        ));
    }
    found
}

#[cfg(test)]
mod tests;
