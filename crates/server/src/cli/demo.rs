//! `sigillo demo`: two providers on loopback and a certified message between them.

use std::path::PathBuf;

use sigillo_admin::Lang;
use sigillo_base::{Complaint, Said, said};

use super::{Exit, complain};
use crate::antivirus::Endpoint;
use crate::demo::{self, Options, Short};
use crate::logging::{self, Format};
use crate::out::{self, say};
use crate::provider::no_antivirus;
use crate::{complaint, ground, service, tls};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Cartella di CA, chiavi, password, porte e archivi; senza, una nuova temporanea
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Finisce dopo lo scambio e scrive le prove in DIR/evidence
    #[arg(long, conflicts_with = "no_exchange")]
    once: bool,
    /// Non manda il messaggio dimostrativo
    #[arg(long)]
    no_exchange: bool,
    /// Alfa usa le porte da N a N+6, Beta da N+10 a N+16
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=65519))]
    base_port: Option<u16>,
    /// Il tempo del servizio corre F volte quello reale
    #[arg(long, value_name = "F", default_value = "1", value_parser = speed)]
    speed: f64,
    /// Lascia fuori uno dei due gestori: resta nell'indice, ma non risponde
    #[arg(long, value_enum, value_name = "alfa|beta", hide_possible_values = true)]
    without: Option<Short>,
    /// Altre N caselle standard (u1@, u2@ …) per gestore
    #[arg(long, value_name = "N", default_value_t = 0)]
    mailboxes: usize,
    /// Altre N caselle massive extra-large (m1@, m2@ …) per gestore
    #[arg(long, value_name = "N", default_value_t = 0)]
    massive: usize,
    /// Socket di clamd (un percorso oppure host:porta) per l'antivirus; con none niente è controllato
    #[arg(long, value_name = "SOCKET|none", default_value = "none", value_parser = scanner)]
    clamd: Scanner,
    /// Registro su standard error in questa forma (human, json); senza, in DIR/sigillo.log
    #[arg(long, value_enum, value_name = "FORMA", hide_possible_values = true)]
    log_format: Option<Format>,
}

fn speed(text: &str) -> Result<f64, Complaint> {
    match text.parse::<f64>() {
        Ok(speed) if speed > 0.0 && speed <= 1_000_000.0 => Ok(speed),
        _ => Err(Complaint(said!("un numero maggiore di 0 e fino a 1000000", "a number above 0 and up to 1000000"))),
    }
}

fn forgetful(kind: &str, lang: Lang) -> String {
    match lang {
        Lang::It => format!("ATTENZIONE: la cartella sta su {kind}, che non è un disco: un riavvio la può cancellare"),
        Lang::En => format!("WARNING: the folder is on {kind}, which is no disk: a restart may delete it"),
    }
}

/// Who scans; nobody, when the word is `none`.
#[derive(Debug, Clone)]
struct Scanner(Option<Endpoint>);

fn scanner(text: &str) -> Result<Scanner, Complaint> {
    if text == "none" {
        return Ok(Scanner(None));
    }
    let folder = std::env::current_dir().map_err(|e| Complaint(Said::verbatim(e)))?;
    let clamd = Endpoint::parse(text, &folder);
    let needed = || {
        Complaint(said!(
            "un percorso (/run/clamav/clamd.ctl), host:porta o none",
            "a path (/run/clamav/clamd.ctl), host:port or none"
        ))
    };
    clamd.map(|at| Scanner(Some(at))).ok_or_else(needed)
}

pub(super) fn run(args: &Args, lang: Lang) -> Exit {
    let data = match demo::folder(args.data.as_deref()) {
        Ok(data) => data,
        Err(error) => return complain(complaint::of(&error), lang, Exit::NoStart),
    };
    say(format_args!("sigillo demo: {}", data.display()));
    let to_stderr = args.log_format.is_some() || std::env::var_os("SIGILLO_LOG").is_some();
    let log = data.join("sigillo.log");
    let started = logging::start(args.log_format.unwrap_or_default(), "info", (!to_stderr).then_some(log.as_path()));
    if let Err(error) = started {
        return complain(complaint::of(&error), lang, Exit::NoStart);
    }
    if args.clamd.0.is_none() {
        out::complain(no_antivirus(lang));
    }
    if let Ok(Some(kind)) = ground::volatile(&data) {
        out::complain(forgetful(kind, lang));
    }
    tls::install();
    service::raise_file_limit();
    let options = Options {
        data,
        once: args.once,
        exchange: !args.no_exchange,
        base_port: args.base_port,
        speed: args.speed,
        without: args.without,
        mailboxes: args.mailboxes,
        massive: args.massive,
        clamd: args.clamd.0.clone(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(Said::verbatim(error), lang, Exit::NoStart),
    };
    let exit = match runtime.block_on(demo::run(&options, lang)) {
        Ok(true) => Exit::Fine,
        Ok(false) => Exit::False,
        Err(error) => complain(complaint::of(&error), lang, Exit::NoStart),
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    exit
}
