//! `sigillo serve`: one provider for real.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use sigillo_admin::Lang;
use sigillo_base::{Said, said};
use tokio::net::TcpListener;

use super::{Exit, complain};
use crate::clock::ServiceClock;
use crate::config::{Config, Located, Problem, Role};
use crate::gate::Gate;
use crate::logging::{self, Format};
use crate::material::Material;
use crate::out::{self, say};
use crate::provider::{Provider, Room, Start};
use crate::service::{self, Asked, ClockKeeper, Signals};
use crate::systemd::{self, HandedOver, Notifier};
use crate::{acme, complaint, files, ground, http, net, tls, update};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// File di configurazione (TOML); un esempio: `sigillo config init CARTELLA`
    #[arg(long, value_name = "FILE", default_value = "/etc/sigillo/sigillo.toml")]
    config: PathBuf,
    /// Forma del registro (human, json); viene prima di quella della configurazione
    #[arg(long, value_enum, value_name = "FORMA", hide_possible_values = true)]
    log_format: Option<Format>,
}

pub(super) fn run(args: &Args, lang: Lang) -> Exit {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(problems) => return complain(problems, lang, Exit::Usage),
    };
    if let Err(error) = logging::start(args.log_format.unwrap_or(config.log_format), &config.log_level, None) {
        return complain(complaint::of(&error), lang, Exit::Usage);
    }
    // Before there are threads: what is taken leaves the environment.
    let handed_over = match HandedOver::take() {
        Ok(sockets) => sockets,
        Err(error) => return complain(Said::verbatim(error), lang, Exit::NoStart),
    };
    let notifier = Arc::new(Notifier::from_env());
    tls::install();
    service::raise_file_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(Said::verbatim(error), lang, Exit::NoStart),
    };
    let exit = runtime.block_on(serve(config, handed_over, notifier, lang));
    // Blocking work that hangs must not hold the end for ever.
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    exit
}

async fn serve(config: Config, handed_over: HandedOver, notifier: Arc<Notifier>, lang: Lang) -> Exit {
    notifier.status(lang.pick("apre l'archivio", "opening the store"));
    if let Err(problems) = ground::prepare(&config) {
        return complain(problems, lang, Exit::NoStart);
    }
    let prepared = async {
        let lock = files::lock(&config.store.value)?;
        let clock = Arc::new(ServiceClock::open(&config.store.value, 1.0)?);
        Ok((lock, ClockKeeper::start(Arc::clone(&clock))?, clock, Signals::take()?))
    };
    let (_lock, _keeper, clock, signals) = match prepared.await {
        Ok(prepared) => prepared,
        Err::<_, std::io::Error>(error) => {
            let Said { it, en } = complaint::alone(&error);
            let what = said!("la cartella non si usa: {it}", "unusable folder: {en}");
            let remedy =
                said!("controllare percorso, permessi e altri processi", "check path, permissions and other processes");
            let problem = config.store.problem(&config.file, what, remedy);
            return complain(problem, lang, Exit::NoStart);
        }
    };
    let (provider, others) = match open(config, handed_over, clock, lang).await {
        Ok(provider) => provider,
        Err(exit) => return exit,
    };
    // Before the announcement, whose warnings ask an antivirus that may hang.
    notifier.ready(&how(&provider, lang).await);
    let watch = tokio::spawn(systemd::watch(Arc::downgrade(&provider), Arc::clone(&notifier), lang));
    announce(&provider, others, lang).await;
    heed(&provider, signals, &notifier, lang).await;
    watch.abort();
    Exit::Fine
}

/// Ports that are not for mail, by name.
type Others = [(&'static str, Option<SocketAddr>); 2];

/// Binds every port and opens the store.
async fn open(
    config: Config,
    handed_over: HandedOver,
    clock: Arc<ServiceClock>,
    lang: Lang,
) -> Result<(Arc<Provider>, Others), Exit> {
    let gate = Gate::for_cores();
    update::prepare(&config, clock.now()).await;
    acme::ensure(&config, clock.now()).map_err(|error| complain(complaint::of(&error), lang, Exit::NoStart))?;
    let material =
        Material::load(&config, &gate, clock.now()).map_err(|problems| complain(problems, lang, Exit::Usage))?;
    let bound = bind(&config, handed_over).await;
    let Doors { listeners, metrics, admin: port, challenges } =
        bound.map_err(|problem| complain(problem, lang, Exit::NoStart))?;
    let at = |listener: &Option<TcpListener>| listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let others = [("metrics", at(&metrics)), ("admin", at(&port))];
    let socket = http::bind(&config.admin_socket.value).await.map_err(|error| {
        let remedy = said!("scegliere un altro percorso (al più 100 caratteri)", "choose another path");
        let what = Said::verbatim(error.to_string());
        complain(config.admin_socket.problem(&config.file, what, remedy), lang, Exit::NoStart)
    })?;
    let (room, admin) = (Room::of(&config), http::Bound { socket, port });
    let begun = begin(Start { config, material, clock, listeners, admin, metrics, challenges, gate, room }).await;
    begun.map(|provider| (provider, others)).map_err(|error| complain(complaint::of(&error), lang, Exit::NoStart))
}

/// Does what signals ask, to the end of the service.
async fn heed(provider: &Arc<Provider>, mut signals: Signals, notifier: &Notifier, lang: Lang) {
    while signals.next().await == Asked::Reload {
        notifier.reloading(lang.pick("rilegge la configurazione", "reading the configuration again"));
        match provider.reload().await {
            Ok(reloaded) => {
                if !reloaded.waiting.is_empty() {
                    let text = lang.pick("vale solo dal prossimo avvio", "valid only from the next start");
                    out::complain(format_args!("{text}: {}", reloaded.waiting.join(", ")));
                }
                notifier.ready(&how(provider, lang).await);
            }
            Err(problems) => {
                let text = lang.pick("rilettura fallita, vale quel che valeva", "not reloaded, all is as before");
                notifier.ready(&format!("{text}: {}", problems.say(lang)));
                out::complain(problems.say(lang));
            }
        }
    }
    notifier.stopping(lang.pick("si ferma: attende le transazioni in corso", "stopping: waits for open transactions"));
    Arc::clone(provider).stop().await;
}

/// How the provider is, asked where it may block.
async fn how(provider: &Arc<Provider>, lang: Lang) -> String {
    let provider = Arc::clone(provider);
    let sentence = tokio::task::spawn_blocking(move || systemd::sentence(&provider, lang)).await;
    sentence.unwrap_or_else(|broken| broken.to_string())
}

async fn announce(provider: &Provider, others: Others, lang: Lang) {
    let name = &provider.config().name.value;
    say(format_args!("sigillo: {name} {}", lang.pick("è in servizio", "is in service")));
    let roles = provider.addresses.iter().map(|(role, address)| (role.name(), *address));
    for (role, address) in roles.chain(others.into_iter().filter_map(|(name, address)| Some((name, address?)))) {
        say(format_args!("  {role:<12}{address}"));
    }
    for warning in provider.warnings(lang).await {
        out::complain(warning);
    }
}

async fn begin(start: Start) -> Result<Arc<Provider>> {
    let provider = Provider::start(start).await?;
    if let Err(error) = provider.ensure_service_mailbox(None).await {
        provider.stop().await;
        return Err(error);
    }
    Ok(provider)
}

/// The ports of mail, that of figures, that of the administration, those of ACME's challenges.
struct Doors {
    listeners: Vec<(Role, TcpListener)>,
    metrics: Option<TcpListener>,
    admin: Option<TcpListener>,
    challenges: Vec<TcpListener>,
}

async fn bind(config: &Config, mut handed_over: HandedOver) -> Result<Doors, Problem> {
    let mut listeners = Vec::new();
    for role in Role::ALL {
        let taken =
            handed_over.of(role.name()).map_err(|error| useless(config, &format!("listen.{}", role.name()), &error))?;
        if taken.is_empty() {
            for (_, address) in config.listen.iter().filter(|(of, _)| *of == role) {
                listeners.push((role, bind_at(config, address).await?));
            }
        }
        listeners.extend(taken.into_iter().map(|listener| (role, listener)));
    }
    let metrics = perhaps(config, config.metrics.as_ref()).await?;
    let admin = perhaps(config, config.admin_door.as_ref().map(|door| &door.listen)).await?;
    let handed_over = handed_over.of(systemd::CHALLENGES).map_err(|error| useless(config, "tls.acme.listen", &error));
    let mut challenges = handed_over?;
    let asked = config.acme.iter().filter(|_| challenges.is_empty()).flat_map(|acme| &acme.listen);
    for at in asked.collect::<Vec<_>>() {
        challenges.push(bind_at(config, at).await?);
    }
    Ok(Doors { listeners, metrics, admin, challenges })
}

async fn perhaps(config: &Config, at: Option<&Located<SocketAddr>>) -> Result<Option<TcpListener>, Problem> {
    match at {
        Some(at) => bind_at(config, at).await.map(Some),
        None => Ok(None),
    }
}

fn useless(config: &Config, key: &str, error: &std::io::Error) -> Problem {
    let what = said!("un socket di systemd non si usa: {error}", "a socket of systemd cannot be used: {error}");
    let remedy = said!("controllare l'unità .socket di quel ruolo", "check the .socket unit of that role");
    Problem { file: config.file.clone(), line: None, key: Some(key.to_owned()), what, remedy }
}

async fn bind_at(config: &Config, address: &Located<SocketAddr>) -> Result<TcpListener, Problem> {
    net::bind(address.value).await.map_err(|error| {
        let remedy = said!(
            "cambiare indirizzo o porta, o fermare chi la occupa (`ss -ltnp`)",
            "change address or port, or stop who holds it (`ss -ltnp`)"
        );
        address.problem(&config.file, complaint::alone(&error), remedy)
    })
}
