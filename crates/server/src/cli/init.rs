//! `sigillo init`: a new provider, or the next step of one.

use std::io::{self, BufRead, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use sigillo_admin::Lang;
use sigillo_base::{Address, Domain, Said};

use super::{Exit, complain};
use crate::clock::system_time;
use crate::init::{self, Asked, Done, Facts, Fate, Given};
use crate::out::say;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// La cartella del gestore: ciò che c'è resta com'è, e ogni giro continua da dove il precedente si è fermato
    folder: PathBuf,
    /// Il nome del gestore, come starà nell'indice e nel certificato di firma
    #[arg(long, value_name = "NOME")]
    provider: Option<String>,
    /// Un dominio certificato; ripetibile. Nel primo sta la casella di servizio
    #[arg(long = "domain", value_name = "DOMINIO")]
    domains: Vec<Domain>,
    /// La casella di servizio; senza, posta-certificata@ nel primo dominio
    #[arg(long, value_name = "INDIRIZZO")]
    service_address: Option<Address>,
    /// Il nome di questa macchina nel record MX; senza, mx. e il primo dominio
    #[arg(long, value_name = "NOME")]
    host: Option<Domain>,
    /// Un indirizzo IP di questa macchina, per i record DNS; ripetibile
    #[arg(long = "address", value_name = "IP")]
    addresses: Vec<IpAddr>,
    /// La cartella di messaggi, code e registro
    #[arg(long, value_name = "CARTELLA", default_value = "/var/lib/sigillo")]
    data: PathBuf,
    /// Il socket amministrativo da scrivere nella configurazione
    #[arg(long, value_name = "PATH", default_value = "/run/sigillo/admin.sock")]
    socket: PathBuf,
    /// Un certificato rilasciato, con i suoi intermedi (PEM); ripetibile. Per che cosa è lo dice la sua chiave
    #[arg(long = "certificate", value_name = "FILE")]
    certificates: Vec<PathBuf>,
    /// Le radici delle firme dei gestori (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// La loro lista di revoca (DER o PEM)
    #[arg(long, value_name = "FILE")]
    crl: Option<PathBuf>,
    /// L'indice dei gestori firmato (.p7m)
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// Dice soltanto che cosa farebbe
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, lang: Lang) -> Exit {
    let asked = match asked(args, lang) {
        Ok(asked) => asked,
        Err(error) => return complain(Said::verbatim(error), lang, Exit::Usage),
    };
    match init::run(&asked, lang, system_time()) {
        Ok(done) => {
            tell(&done, lang);
            Exit::Fine
        }
        Err(text) => complain(text, lang, Exit::Usage),
    }
}

/// What the options say; what they leave out of a first configuration is asked, if anybody is there to answer.
fn asked(args: &Args, lang: Lang) -> io::Result<Asked> {
    let Args { provider, domains, service_address, host, data, socket, .. } = args.clone();
    let mut facts = Facts { provider, domains, service_address, host, store: data, socket };
    let first = !args.folder.join("sigillo.toml").exists();
    if first && io::stdin().is_terminal() && io::stderr().is_terminal() {
        if facts.provider.is_none() {
            let question =
                lang.pick("Nome del gestore, come starà nel certificato", "Provider's name, as in its certificate");
            facts.provider = answer(question, &|text| (!text.trim().is_empty()).then(|| text.to_owned()))?;
        }
        while facts.domains.is_empty() {
            let question = lang.pick("Domini certificati, separati da spazi", "Certified domains, separated by blanks");
            let read =
                |text: &str| text.split_whitespace().map(|word| Domain::parse(word).ok()).collect::<Option<Vec<_>>>();
            let Some(domains) = answer(question, &read)? else { break };
            facts.domains = domains;
        }
        if facts.host.is_none()
            && let Some(domain) = facts.domains.first()
        {
            let question = lang.pick("Nome di questa macchina nel record MX", "Name of this host in the MX record");
            let usual = format!("mx.{domain}");
            let read = |text: &str| Domain::parse(if text.is_empty() { &usual } else { text });
            facts.host = answer(&format!("{question} [{usual}]"), &|text| read(text).ok())?;
        }
    }
    let store = std::path::absolute(&facts.store)?;
    let given = Given {
        certificates: args.certificates.clone(),
        anchors: args.ca.clone(),
        crl: args.crl.clone(),
        index: args.index.clone(),
    };
    let facts = Facts { store, socket: std::path::absolute(&facts.socket)?, ..facts };
    Ok(Asked { folder: args.folder.clone(), facts, given, addresses: args.addresses.clone(), dry: args.dry_run })
}

/// Asks until the answer can be read; `None` at the end of the input.
fn answer<T>(question: &str, read: &dyn Fn(&str) -> Option<T>) -> io::Result<Option<T>> {
    loop {
        write!(io::stderr(), "{question}: ")?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if let Some(value) = read(line.trim()) {
            return Ok(Some(value));
        }
    }
}

fn tell(done: &Done, lang: Lang) {
    for placed in &done.placed {
        let fate = match placed.fate {
            Fate::Made => lang.pick("fatto", "made"),
            Fate::Kept => lang.pick("c'è già", "there already"),
            Fate::Differs => lang.pick(
                "c'è già ed è diverso: per rifarlo, toglierlo",
                "there and different: remove it to have it made anew",
            ),
            Fate::Would => lang.pick("da fare", "to be made"),
        };
        say(format_args!("{}: {fate}", placed.path.display()));
    }
    for note in &done.notes {
        say(format_args!("{}: {}", lang.pick("nota", "note"), note.pick(lang)));
    }
    say(format_args!("\n{}:\n{}", lang.pick("Record DNS da pubblicare", "DNS records to publish"), done.zone));
    say(format_args!("{}:", lang.pick("Che cosa fare adesso", "What to do next")));
    for (step, number) in done.next.iter().zip(1..) {
        say(format_args!("{number:2}. {}", step.pick(lang)));
    }
}
