//! `sigillo cert list|request|check|roll`: certificates of a provider from the request to the change.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sigillo_admin::{Lang, verbs};
use sigillo_base::{Said, said};

use super::{Exit, ask, complain};
use crate::clock::system_time;
use crate::config::Config;
use crate::init::{self, Judged, Use, Wanted};
use crate::out::say;

#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Verb {
    /// Mostra certificati, liste di revoca e chiavi di un gestore in servizio: impronte, scadenze, dove servono
    ///
    /// Esce con 1 se ce n'è uno da guardare: scade presto, è scaduto, o l'indice in uso non lo ha.
    List(verbs::cert::List),
    /// Crea una chiave nuova e la richiesta del suo certificato (CSR), per il gestore di una configurazione
    Request(Request),
    /// Giudica un certificato rilasciato (PEM): chiave, nome, indirizzo, profilo di RFC 6109, catena
    Check {
        /// Il certificato, con i suoi intermedi
        file: PathBuf,
        #[command(flatten)]
        of: Of,
        /// Risponde in JSON
        #[arg(long)]
        json: bool,
    },
    /// Chiede subito all'autorità ACME un altro certificato TLS ([tls.acme])
    Renew(verbs::cert::Renew),
    /// Firma da adesso con signing.next_certificate, se l'indice in uso lo ha già
    Roll(verbs::cert::RollArgs),
}

/// Whose certificates.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Of {
    /// La configurazione del gestore
    #[arg(long, value_name = "FILE", default_value = "/etc/sigillo/sigillo.toml")]
    config: PathBuf,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Request {
    #[command(flatten)]
    of: Of,
    /// Il file della chiave nuova (modo 0600); senza, signing.next_key della configurazione
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Il file della richiesta
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Chiede un certificato TLS per provider.host (ECDSA P-256) invece di uno di firma (RSA 2048)
    #[arg(long, requires = "key")]
    tls: bool,
}

pub(super) fn run(verb: &Verb, lang: Lang) -> Exit {
    match verb {
        Verb::List(args) => ask(lang, verbs::cert::list(args, lang)),
        Verb::Request(args) => request(args, lang),
        Verb::Check { file, of, json } => check(file, of, *json, lang),
        Verb::Renew(args) => ask(lang, verbs::cert::renew(args, lang)),
        Verb::Roll(args) => ask(lang, verbs::cert::roll(args, lang)),
    }
}

fn config(of: &Of, lang: Lang) -> Result<Config, Exit> {
    Config::load(&of.config).map_err(|problems| complain(problems, lang, Exit::Usage))
}

fn request(args: &Request, lang: Lang) -> Exit {
    let config = match config(&args.of, lang) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let next = config.next_key.as_ref().and_then(|at| at.value.file());
    let Some(key) = args.key.as_deref().or(next) else {
        let where_to = said!(
            "dove va la chiave nuova? --key FILE, oppure signing.next_key nella configurazione",
            "where does the new key go? --key FILE, or signing.next_key in the configuration"
        );
        return complain(where_to, lang, Exit::Usage);
    };
    let wanted = if args.tls { Wanted::Tls } else { Wanted::Signing };
    match init::request(&config, wanted, key, &args.out) {
        Ok(()) => {
            say(format_args!("{}: {}", lang.pick("chiave", "key"), key.display()));
            say(format_args!("{}: {}", lang.pick("richiesta", "request"), args.out.display()));
            Exit::Fine
        }
        Err(text) => complain(text, lang, Exit::Usage),
    }
}

#[derive(Serialize)]
struct Told<'j> {
    subject: String,
    /// `signing`, `next`, `tls`.
    purpose: Option<&'static str>,
    sha1: String,
    sha256: String,
    not_before: String,
    not_after: String,
    faults: Vec<&'j str>,
    notes: Vec<&'j str>,
}

impl<'j> Told<'j> {
    fn of(judged: &'j Judged, lang: Lang) -> Self {
        let leaf = &judged.leaf;
        Self {
            subject: leaf.subject(),
            purpose: judged.usage.map(|usage| match usage {
                Use::Signing => "signing",
                Use::Next => "next",
                Use::Tls => "tls",
            }),
            sha1: leaf.sha1_hex(),
            sha256: leaf.sha256_hex(),
            not_before: leaf.not_before().to_string(),
            not_after: leaf.not_after().to_string(),
            faults: judged.faults.iter().map(|text| text.pick(lang)).collect(),
            notes: judged.notes.iter().map(|text| text.pick(lang)).collect(),
        }
    }
}

fn check(file: &Path, of: &Of, json: bool, lang: Lang) -> Exit {
    let config = match config(of, lang) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let judged = match init::judge(file, &config, system_time()) {
        Ok(judged) => judged,
        Err(text) => return complain(text, lang, Exit::Usage),
    };
    let told = Told::of(&judged, lang);
    let exit = if told.faults.is_empty() { Exit::Fine } else { Exit::False };
    if json {
        return match serde_json::to_string_pretty(&told) {
            Ok(text) => {
                say(text);
                exit
            }
            Err(error) => complain(Said::verbatim(error), lang, Exit::False),
        };
    }
    let purpose = told.purpose.unwrap_or("?");
    say(format_args!("{purpose}: {} (SHA-1 {})\n{} → {}", told.subject, told.sha1, told.not_before, told.not_after));
    for note in &told.notes {
        say(format_args!("{}: {note}", lang.pick("nota", "note")));
    }
    for fault in &told.faults {
        complain(Said::verbatim(fault).about(file.display()), lang, Exit::False);
    }
    if told.faults.is_empty() {
        say(lang.pick("va bene", "fine"));
    }
    exit
}
