//! The demonstration: two complete providers in one process on loopback, each with its own store, keys and service
//! mailbox, and one certified message sent between them by real SMTP and read back by real IMAP.

mod announce;
mod evidence;
mod exchange;
mod layout;
mod plan;
mod ports;
mod reader;
mod sender;
mod show;
mod talk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use sigillo_accounts::Verifier;
use sigillo_admin::Lang;
use sigillo_base::said;
use tokio_rustls::rustls::ClientConfig;

use crate::antivirus::Endpoint;
use crate::clock::ServiceClock;
use crate::complaint::{Context as _, broken_off};
use crate::config::Config;
use crate::gate::Gate;
use crate::ids::random;
use crate::material::Material;
use crate::out::{complain, say};
use crate::provider::{Provider, Room, Start};
use crate::service::{Asked, ClockKeeper, Signals};
use crate::{files, ground, housekeeping, http, legal_log, net, tls};
use layout::Layout;
pub use plan::Short;
use plan::{Box, House};
use ports::Ports;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder, absolute and there.
    pub data: PathBuf,
    /// End after the exchange.
    pub once: bool,
    /// Send the demonstration message.
    pub exchange: bool,
    /// The first port.
    pub base_port: Option<u16>,
    /// Service seconds per real second.
    pub speed: f64,
    /// Who does not run.
    pub without: Option<Short>,
    /// More standard mailboxes per provider.
    pub mailboxes: usize,
    /// More massive mailboxes per provider.
    pub massive: usize,
    /// Who scans what enters either provider.
    pub clamd: Option<Endpoint>,
}

/// A provider of the demonstration, up.
pub(crate) struct Running {
    house: House,
    ports: Ports,
    boxes: Vec<Box>,
    provider: Arc<Provider>,
}

/// The folder to work in, absolute; a fresh temporary one when none is asked.
pub fn folder(asked: Option<&Path>) -> Result<PathBuf> {
    let path = match asked {
        Some(path) => {
            files::folder(path).with_context(|| path.display().to_string())?;
            path.to_owned()
        }
        None => tempfile::Builder::new().prefix("sigillo-demo-").tempdir()?.keep(),
    };
    path.canonicalize().with_context(|| path.display().to_string())
}

/// Runs the demonstration to its end. `false` when evidence is missing or false; an error when it could not start.
pub async fn run(options: &Options, lang: Lang) -> Result<bool> {
    let mut signals = Signals::take()?;
    // Before anything is touched: another demonstration may be running here.
    let _lock = files::lock(&options.data)?;
    let layout = Layout::new(&options.data);
    files::remove(&layout.demo_json())?;
    let clock = Arc::new(ServiceClock::open(&options.data, options.speed)?);
    let keeper = ClockKeeper::start(Arc::clone(&clock))?;
    let mut up = Vec::new();
    let served = tokio::select! {
        served = serve(options, &layout, &clock, &mut up, lang) => served,
        () = signals.stop() => Ok(Outcome::Interrupted),
    };
    let fine = match served {
        Ok(Outcome::Stay(fine)) => {
            say(lang.pick("Ctrl-C per finire.", "Ctrl-C to stop."));
            while signals.next().await == Asked::Reload {
                for running in &up {
                    if let Err(problems) = running.provider.reload().await {
                        complain(problems.say(lang));
                    }
                }
            }
            Ok(fine)
        }
        Ok(Outcome::End(fine)) => Ok(fine),
        Ok(Outcome::Interrupted) => Ok(true),
        Err(error) => Err(error),
    };
    files::remove(&layout.demo_json())?;
    let stops: Vec<_> = up.drain(..).map(|running| tokio::spawn(running.provider.stop())).collect();
    for stop in stops {
        stop.await.told(|| said!("arresto interrotto", "the stop broke off"))?;
    }
    drop(keeper);
    fine
}

enum Outcome {
    /// Go on serving; whether the evidence was fine.
    Stay(bool),
    /// `--once`; whether the evidence was fine.
    End(bool),
    /// Ctrl-C.
    Interrupted,
}

async fn serve(
    options: &Options,
    layout: &Layout,
    clock: &Arc<ServiceClock>,
    up: &mut Vec<Running>,
    lang: Lang,
) -> Result<Outcome> {
    let plan = plan::houses();
    let ports = ports::choose(options.base_port, &layout.ports_json())?;
    let mut bound = Vec::new();
    for (house, ports) in plan.iter().zip(&ports) {
        let runs = options.without != Some(house.short);
        bound.push(if runs { Some(ports::bind(ports).await?) } else { None });
    }
    ports::keep(&ports, &layout.ports_json())?;
    layout.prepare(&plan, &ports, options.clamd.as_ref(), clock.now())?;
    let passwords = layout.passwords(&plan)?;
    let (gate, mut room) = (Gate::for_cores(), None);
    for ((house, ports), listeners) in plan.into_iter().zip(ports).zip(bound) {
        let Some(listeners) = listeners else { continue };
        let config = Config::load(&layout.config(&house))?;
        ground::prepare(&config)?;
        let material = Material::load(&config, &gate, clock.now())?;
        let admin = http::bind(&config.admin_socket.value).await?;
        let metrics = Some(net::bind(ports.metrics()).await.told(|| said!("porta metrics", "port metrics"))?);
        let (clock, gate) = (Arc::clone(clock), Arc::clone(&gate));
        let room = room.get_or_insert_with(|| Room::of(&config)).clone();
        let start = Start {
            config,
            material,
            clock,
            listeners,
            admin: admin.into(),
            metrics,
            challenges: Vec::new(),
            gate,
            room,
        };
        let provider = Provider::start(start).await?;
        let boxes = house.boxes(options.mailboxes, options.massive, &passwords)?;
        up.push(Running { house, ports, boxes, provider });
        if let Some(running) = up.last() {
            make_boxes(running).await?;
        }
    }
    announce::write(layout, options, up)?;
    tracing::info!(data = %options.data.display(), "demo ready");
    let client = tls::client_config(tls::certificates(&layout.ca_file())?)?;
    let fine = if options.exchange { exchange(options, layout, up, clock, client, lang).await? } else { true };
    if options.once {
        return Ok(Outcome::End(fine));
    }
    say(show::how_to_connect(up, layout, lang));
    Ok(Outcome::Stay(fine))
}

async fn exchange(
    options: &Options,
    layout: &Layout,
    up: &[Running],
    clock: &ServiceClock,
    client: Arc<ClientConfig>,
    lang: Lang,
) -> Result<bool> {
    let trust = layout.trust()?;
    let result = exchange::run(up, clock, client, trust, options.without).await;
    say(show::chain(&result, lang));
    if options.once {
        evidence::write(layout, &result)?;
        say(format_args!("{}: {}", lang.pick("prove", "evidence"), layout.evidence_json().display()));
        for running in up {
            let folder = export_log(layout, running).await?;
            say(format_args!("{}: {}", lang.pick("registro legale", "legal log"), folder.display()));
        }
    }
    for complaint in &result.complaints {
        complain(complaint.pick(lang));
    }
    // Who is left out cannot prove anything; while the demonstration stays up that is no failure.
    Ok(if options.once || options.without.is_none() { result.is_whole() } else { result.is_true() })
}

/// Writes the legal log of a provider into files, for `sigillo log verify --files`.
async fn export_log(layout: &Layout, running: &Running) -> Result<PathBuf> {
    let provider = &running.provider;
    housekeeping::link(&provider.engine, &provider.pool, &provider.clock).await?;
    let (engine, folder) = (Arc::clone(&provider.engine), layout.log(&running.house));
    let written = folder.clone();
    let export = move || -> Result<()> {
        if written.exists() {
            std::fs::remove_dir_all(&written).with_context(|| written.display().to_string())?;
        }
        legal_log::export_all(&engine.ledger(), &written).map(drop)
    };
    provider.pool.run(export).await.told(broken_off)??;
    Ok(folder)
}

/// Makes the mailboxes that are not there. One password for many boxes is hashed once.
async fn make_boxes(running: &Running) -> Result<()> {
    let (engine, boxes) = (Arc::clone(&running.provider.engine), running.boxes.clone());
    let now = running.provider.clock.now();
    let make = move || -> Result<()> {
        let mut last: Option<(sigillo_base::Secret, Verifier)> = None;
        for wanted in boxes {
            if engine.find_mailbox(&wanted.address)?.is_some() {
                continue;
            }
            let verifier = match &last {
                Some((password, verifier)) if *password == wanted.password => verifier.clone(),
                _ => sigillo_engine::verifier(&wanted.password, random())?,
            };
            engine.add_mailbox(&wanted.address, wanted.profile, verifier.clone(), now)?;
            last = Some((wanted.password, verifier));
        }
        Ok(())
    };
    running.provider.pool.run(make).await.told(broken_off)?
}
