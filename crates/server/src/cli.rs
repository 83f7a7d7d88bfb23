//! The command line. One file for each verb; the administrative ones live in `sigillo-admin`.

mod cert;
mod config;
mod demo;
mod doctor;
mod index;
mod init;
mod log;
mod manual;
mod message;
mod serve;
mod store;
mod words;

use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use sigillo_admin::{Lang, verbs};
use sigillo_base::Said;

use crate::http;
use crate::out::{self, say};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// The verb ran, and what it was to show is not so.
    False = 1,
    /// Wrong usage or configuration; for `message`, a file that cannot be read.
    Usage = 2,
    /// It could not start.
    NoStart = 3,
    /// Wrong usage of `message` (EX_USAGE of sysexits.h).
    Misuse = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Sigillo: un gestore di posta elettronica certificata in un solo programma
#[derive(Debug, Parser)]
#[command(name = "sigillo", version, disable_help_flag = true, disable_version_flag = true)]
#[command(disable_help_subcommand = true, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    /// Lingua dei messaggi: it, en
    #[arg(long, global = true, env = "SIGILLO_LANG", default_value = "it", hide_env = true, help_heading = OPTIONS)]
    lang: Lang,
    /// Mostra questo aiuto
    #[arg(short, long, global = true, action = ArgAction::Help, help_heading = OPTIONS)]
    help: Option<bool>,
    /// Mostra la versione
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = OPTIONS)]
    version: Option<bool>,
    #[command(subcommand)]
    verb: Verb,
}

const OPTIONS: &str = "Opzioni";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Due gestori completi in prova su questa macchina, e un messaggio certificato dall'uno all'altro
    Demo(demo::Args),
    /// Prepara un gestore dal nulla: configurazione, chiavi, richieste di certificato, record DNS e dell'indice, unità di systemd
    Init(init::Args),
    /// Un gestore in servizio
    Serve(serve::Args),
    /// Certificati: elencarli, chiederne uno nuovo, controllarlo, passare al prossimo certificato di firma
    #[command(subcommand)]
    Cert(cert::Verb),
    /// Controlla una configurazione o ne crea una di prova
    #[command(subcommand)]
    Config(config::Verb),
    /// Esamina un messaggio salvato, senza collegarsi a niente
    #[command(subcommand)]
    Message(message::Verb),
    /// Visita un gestore in servizio: DNS, certificati, orologio, antivirus, indice, disco, copie; per ogni male dice il rimedio
    ///
    /// Esce con 0 se tutto va bene, con 1 se c'è qualcosa da guardare, con 2 se qualcosa non va.
    Doctor(doctor::Args),
    /// Mostra come sta un gestore in servizio
    Status(verbs::status::Args),
    /// Elenca, crea o cambia le caselle di un gestore in servizio
    #[command(subcommand)]
    Mailbox(verbs::mailbox::Verb),
    /// Le credenziali di una casella: applicazioni e persone che la usano, ognuna con la sua password
    #[command(subcommand)]
    Credential(verbs::credential::Verb),
    /// I profili delle caselle: quanto tengono, quanto inviano
    #[command(subcommand)]
    Profile(verbs::profile::Verb),
    /// Le password delle caselle: chi le tiene cambia la propria, il referente tecnico ne porta un file
    #[command(subcommand)]
    Password(verbs::password::Verb),
    /// Il secondo fattore di chi tiene una casella
    #[command(subcommand)]
    Totp(verbs::totp::Verb),
    /// I rapporti di un gestore in servizio
    #[command(subcommand)]
    Report(verbs::report::Verb),
    /// Mostra la coda di un gestore in servizio
    #[command(subcommand)]
    Queue(verbs::queue::Verb),
    /// Mostra a che punto è un messaggio certificato
    #[command(subcommand)]
    Dispatch(verbs::dispatch::Verb),
    /// Elenca i domini di un gestore in servizio o ne cambia le scelte
    #[command(subcommand)]
    Domain(verbs::domain::Verb),
    /// Le amministrazioni servite
    #[command(subcommand)]
    Tenant(verbs::tenant::Verb),
    /// Le strutture di un'amministrazione, che possono gestire le proprie caselle
    #[command(subcommand)]
    Unit(verbs::unit::Verb),
    /// Chi amministra: persone, ruoli, token
    #[command(subcommand)]
    Person(verbs::person::Verb),
    /// Che cosa permette ogni ruolo
    #[command(subcommand)]
    Role(verbs::role::Verb),
    /// Le liste di distribuzione di un gestore in servizio
    #[command(subcommand)]
    List(verbs::list::Verb),
    /// La rubrica di un'amministrazione: l'anagrafica dei suoi utenti e gli altri contatti, esportabile come testo
    #[command(subcommand)]
    AddressBook(verbs::address_book::Verb),
    /// Gli avvisi alle persone, per SMS o posta ordinaria: quelli da mandare e il registro
    #[command(subcommand)]
    Notice(verbs::notice::Verb),
    /// Il registro delle operazioni su caselle, liste e rubriche: chi le ha chieste, quando, quando sono state fatte
    #[command(subcommand)]
    Operation(verbs::operation::Verb),
    /// Il piano dei fabbisogni di un'amministrazione: quante caselle può avere, quante ne ha
    #[command(subcommand)]
    Plan(verbs::plan::Verb),
    /// Il deposito virus di un gestore in servizio
    #[command(subcommand)]
    Quarantine(verbs::quarantine::Verb),
    /// L'indice dei gestori: mostrarlo, controllarlo, rinnovarlo, pubblicare il proprio record
    #[command(subcommand)]
    Index(index::Verb),
    /// Mostra, esporta, conta e verifica il log legale di un gestore
    #[command(subcommand)]
    Log(verbs::log::Verb),
    /// Come sono andate le sessioni TLS verso gli altri (RFC 8460)
    #[command(subcommand)]
    TlsReport(verbs::tls_report::Verb),
    /// L'archivio di un gestore: controllarlo, rimetterlo a posto, copiarlo e riportarlo, compattarlo, misurarlo
    #[command(subcommand)]
    Store(verbs::store::Verb),
    /// Scrive la descrizione dell'interfaccia amministrativa (OpenAPI 3.1) di questa versione
    Openapi,
    /// Scrive le pagine di manuale in una cartella, una per ogni comando
    Man(manual::ManArgs),
    /// Scrive su standard output il completamento dei comandi per una shell
    Completions(manual::CompletionsArgs),
}

/// Reads the arguments and runs the verb.
pub fn main() -> ExitCode {
    let asked = words::asked();
    let read = |matches: ArgMatches| Ok((Cli::from_arg_matches(&matches)?, is_tried(&matches)));
    let parsed = command(asked).try_get_matches().and_then(read);
    let (cli, tried) = match parsed.map_err(|error| words::told(error, asked)) {
        Ok(read) => read,
        Err(error) if error.use_stderr() && asks_for("message", asked) => {
            drop(error.print());
            return Exit::Misuse.into();
        }
        Err(error) => error.exit(),
    };
    let lang = cli.lang;
    let exit = run(cli.verb, lang);
    if tried && exit == Exit::Fine {
        out::note(lang.pick("prova: non è cambiato niente", "trial: nothing was changed"));
    }
    exit.into()
}

fn run(verb: Verb, lang: Lang) -> Exit {
    match verb {
        Verb::Demo(args) => demo::run(&args, lang),
        Verb::Init(args) => init::run(&args, lang),
        Verb::Serve(args) => serve::run(&args, lang),
        Verb::Cert(verb) => cert::run(&verb, lang),
        Verb::Config(verb) => config::run(&verb, lang),
        Verb::Message(verb) => message::run(&verb, lang),
        Verb::Doctor(args) => doctor::run(&args, lang),
        Verb::Status(args) => ask(lang, verbs::status::run(&args, lang)),
        Verb::Mailbox(verb) => ask(lang, verbs::mailbox::run(&verb, lang, &mut far())),
        Verb::Credential(verb) => ask(lang, verbs::credential::run(&verb, lang)),
        Verb::Profile(verb) => ask(lang, verbs::profile::run(&verb, lang)),
        Verb::Password(verb) => ask(lang, verbs::password::run(&verb, lang, &mut far())),
        Verb::Totp(verb) => ask(lang, verbs::totp::run(&verb, lang)),
        Verb::Report(verb) => ask(lang, verbs::report::run(&verb, lang)),
        Verb::Queue(verb) => ask(lang, verbs::queue::run(&verb, lang)),
        Verb::Dispatch(verb) => ask(lang, verbs::dispatch::run(&verb, lang)),
        Verb::Domain(verb) => ask(lang, verbs::domain::run(&verb, lang)),
        Verb::Tenant(verb) => ask(lang, verbs::tenant::run(&verb, lang)),
        Verb::Unit(verb) => ask(lang, verbs::unit::run(&verb, lang)),
        Verb::Person(verb) => ask(lang, verbs::person::run(&verb, lang)),
        Verb::Role(verb) => ask(lang, async { verbs::role::run(&verb) }),
        Verb::List(verb) => ask(lang, verbs::list::run(&verb, lang, &mut far())),
        Verb::AddressBook(verb) => ask(lang, verbs::address_book::run(&verb, lang, &mut far())),
        Verb::Notice(verb) => ask(lang, verbs::notice::run(&verb, lang)),
        Verb::Operation(verb) => ask(lang, verbs::operation::run(&verb, lang)),
        Verb::Plan(verb) => ask(lang, verbs::plan::run(&verb, lang)),
        Verb::Quarantine(verb) => ask(lang, verbs::quarantine::run(&verb, lang)),
        Verb::Index(verb) => index::run(&verb, lang),
        Verb::Log(verb) => log::run(&verb, lang),
        Verb::TlsReport(verb) => ask(lang, verbs::tls_report::run(&verb, lang)),
        Verb::Store(verb) => store::run(&verb, lang),
        Verb::Openapi => ask(lang, async { Ok(format!("{:#}", http::document())) }),
        Verb::Man(args) => manual::man(&args, lang),
        Verb::Completions(args) => manual::completions(&args, lang),
    }
}

/// Whether the verb is to say only what would come of it.
fn is_tried(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some((_, verb)) => is_tried(verb),
        None => matches.try_get_one::<bool>(verbs::TRIAL).is_ok_and(|trial| trial == Some(&true)),
    }
}

/// Whether the arguments, which are wrong somewhere, begin with this verb.
fn asks_for(verb: &str, lang: Lang) -> bool {
    let tolerant = command(lang).ignore_errors(true).try_get_matches();
    tolerant.is_ok_and(|matches| matches.subcommand_name() == Some(verb))
}

/// The command line with its help in this language.
fn command(lang: Lang) -> clap::Command {
    words::speak(Cli::command(), lang)
}

/// Runs an administrative verb and prints what it gives.
fn ask(lang: Lang, verb: impl Future<Output = Result<String, verbs::Error>>) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(Said::verbatim(error), lang, Exit::NoStart),
    };
    match runtime.block_on(verb) {
        Ok(text) => {
            say(text);
            Exit::Fine
        }
        Err(verbs::Error::Shown(text)) => {
            say(text);
            Exit::False
        }
        Err(error) => complain(error, lang, Exit::False),
    }
}

/// Shows on a terminal how far something is.
fn far() -> impl FnMut(u64, u64) {
    let on_terminal = std::io::stderr().is_terminal();
    let mut last = None;
    move |done, total| {
        let percent = u8::try_from(u128::from(done) * 100 / u128::from(total.max(1))).unwrap_or(100).min(100);
        if on_terminal && last.replace(percent) != Some(percent) {
            out::progress(percent);
        }
    }
}

/// Says why in the language of who asked: every error of the command line comes by here.
fn complain(why: impl Into<Said>, lang: Lang, exit: Exit) -> Exit {
    out::complain(why.into().pick(lang));
    exit
}

#[cfg(test)]
mod tests;
