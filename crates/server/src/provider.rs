//! One provider at work: store, engine, listeners, relay, workers, administration, wired together.

mod bell;
mod health;
mod ready;
mod reload;
mod roll;
mod shown;
mod store;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use sigillo_accounts::Profile;
use sigillo_base::{Secret, Timestamp, said};
use sigillo_engine::{Antivirus, Bell, Dkim, Doors, Engine, Hall, Peer, Rules, Screener, Setup, front, verifier};
use sigillo_smtp::server;
use sigillo_store_rocks::{Options, RocksStore, Watch};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::acme::Renewer;
use crate::antivirus::Clamd;
use crate::bell::Bells;
use crate::clock::{ServiceClock, Ticks, system_time};
use crate::complaint::{Context as _, broken_off};
use crate::config::{Config, Problems, Role};
use crate::dns::Dns;
use crate::gate::Gate;
use crate::herald::Herald;
use crate::housekeeping::Stamper;
use crate::ids::{RandomIds, random, random_password};
use crate::material::{self, Material};
use crate::metrics::{self, Measured, Metrics, Signing};
use crate::net::{Driver, Greeter, Limits, Memory, Pool, listen};
use crate::ntp::{Monitor, State};
use crate::oidc::Issuer;
use crate::relay::{Parts, Relay};
use crate::screening::Screen;
use crate::sms::Gateway;
use crate::spool::Folder;
use crate::tls::ServerTls;
use crate::tls_reports::{Mailer, Reporter};
use crate::update::Updater;
use crate::worker::{self, Worker};
use crate::{housekeeping, http, reports, service};
use bell::RingBells;
pub use health::no_antivirus;
pub use roll::Plan;
pub use shown::Shown;
use store::Looked;

/// The engine on its store.
pub type House = Engine<Arc<RocksStore>>;

/// How long connections and transactions may take to end.
const DRAIN: Duration = Duration::from_secs(30);
/// Between two looks at our certificates.
const HOUR: Duration = Duration::from_secs(3600);

/// Memory that the providers of one process share.
#[derive(Debug, Clone)]
pub struct Room {
    /// Of their stores.
    pub store: sigillo_store_rocks::Memory,
    /// Of what is in work.
    pub work: Memory,
    /// Of what is on its way in.
    pub hall: Arc<Hall>,
}

impl Room {
    /// As much as this configuration gives.
    pub fn of(config: &Config) -> Self {
        Self {
            store: sigillo_store_rocks::Memory::new(config.store_memory),
            work: Memory::new(config.limits.work_memory),
            hall: Arc::default(),
        }
    }
}

/// What a provider starts from.
pub struct Start {
    /// Its configuration.
    pub config: Config,
    /// Its keys, certificates, index.
    pub material: Material,
    /// Service time.
    pub clock: Arc<ServiceClock>,
    /// Bound sockets, in the order of the configuration.
    pub listeners: Vec<(Role, TcpListener)>,
    /// The bound doors of the administration.
    pub admin: http::Bound,
    /// The bound socket of figures; `None`: nobody asks for them.
    pub metrics: Option<TcpListener>,
    /// The bound sockets of ACME's challenges.
    pub challenges: Vec<TcpListener>,
    /// Bounds signatures at once.
    pub gate: Arc<Gate>,
    /// Bounds memory.
    pub room: Room,
}

/// A running provider.
pub struct Provider {
    /// The use-cases.
    pub engine: Arc<House>,
    /// Where blocking calls run.
    pub pool: Pool,
    /// Service time.
    pub clock: Arc<ServiceClock>,
    /// Ticks since the start.
    pub ticks: Ticks,
    /// Open connections.
    pub limits: Arc<Limits>,
    /// Keeps index and revocation lists up to date.
    pub updater: Arc<Updater<Arc<RocksStore>>>,
    /// Where it listens.
    pub addresses: Vec<(Role, SocketAddr)>,
    /// Who scans what enters; `None`: nobody.
    pub antivirus: Option<Arc<Clamd>>,
    /// Who signs ordinary mail of ours; `None`: nobody.
    pub dkim: Option<Arc<crate::dkim::Signer>>,
    /// Who renews the certificate of the doors; `None`: somebody else.
    pub acme: Option<Arc<Renewer>>,
    /// Watches the clock.
    pub monitor: Arc<Monitor>,
    /// Whether the clock was off when it was last heeded.
    clock_off: AtomicBool,
    /// What the engine stands on.
    pub store: Arc<RocksStore>,
    /// How that was at the last look.
    looked: ArcSwap<Looked>,
    /// When it started.
    pub started: Instant,
    /// The same in the system's time.
    pub started_at: Timestamp,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How signing goes.
    pub signing: Arc<Signing>,
    config: ArcSwap<Config>,
    shown: ArcSwap<Shown>,
    issuer: ArcSwapOption<Issuer>,
    tls: Arc<ServerTls>,
    submission_tls: Arc<ServerTls>,
    relay: Arc<Relay<Arc<RocksStore>>>,
    /// Who sends short messages; `None`: nobody.
    pub sms: Option<Arc<Gateway>>,
    gate: Arc<Gate>,
    down: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
    /// What goes on while the others come to their end: it ends with the provider.
    last: Mutex<JoinSet<()>>,
}

impl Provider {
    /// Opens the store and begins to serve.
    pub async fn start(start: Start) -> Result<Arc<Self>> {
        let Start { config, material, clock, listeners, admin, metrics: figures, challenges, gate, room } = start;
        let metrics = Arc::new(Metrics::default());
        let signing = Signing::new(Arc::clone(&metrics));
        let pool = Pool::within(config.limits.workers, room.work);
        let (bells, shown) = (Arc::new(Bells::default()), Shown::of(&config, &material.identity));
        let clamd = config.antivirus.as_ref().map(|a| Arc::new(Clamd::new(a.clamd.clone(), a.concurrency, a.timeout)));
        let setup = ports(&config, &material, Arc::new(RingBells(Arc::clone(&bells))), clamd.clone(), room.hall)?;
        let setup = measured(setup, &metrics, &signing);
        let path = config.store.value.join("db");
        let opened = pool.run(move || open(&path, room.store, setup)).await;
        let (store, engine) = opened.told(broken_off)??;
        let (engine, ticks) = (Arc::new(engine), Ticks::start());
        material.adopted_by(&engine);
        let dns = Arc::new(Dns::new(&config.dns, material.dns_anchors.clone()));
        let relay = Arc::new(Relay::new(Parts {
            engine: Arc::clone(&engine),
            clock: Arc::clone(&clock),
            ticks,
            pool: pool.clone(),
            bells: Arc::clone(&bells),
            dns: Arc::clone(&dns),
            trust: material.relay_trust(),
            config: config.relay.clone(),
            metrics: Arc::clone(&metrics),
        }));
        let (reporter, acme) = (reporter(&config, &material, &relay, dns), renewer(&config, &clock, &pool)?);
        let config = Arc::new(config);
        let updater =
            Updater::new(Arc::clone(&engine), Arc::clone(&clock), pool.clone(), Arc::clone(&config), &material);
        let limits = Arc::new(room_at_doors(&config));
        let monitor = Arc::new(Monitor::new(&config.clock.servers, config.clock.tolerance_ms, Arc::clone(&clock)));
        let provider = Arc::new(Self {
            engine,
            pool,
            clock,
            ticks,
            limits,
            updater: Arc::new(updater),
            addresses: listeners.iter().filter_map(|(role, l)| Some((*role, l.local_addr().ok()?))).collect(),
            antivirus: clamd,
            dkim: material.dkim.clone(),
            acme,
            monitor,
            clock_off: AtomicBool::new(false),
            store,
            looked: ArcSwap::default(),
            started: Instant::now(),
            started_at: system_time(),
            metrics,
            signing,
            config: ArcSwap::new(config),
            shown: ArcSwap::from_pointee(shown),
            issuer: ArcSwapOption::new(material.issuer.clone()),
            tls: Arc::new(material.tls),
            submission_tls: Arc::new(material.submission_tls),
            relay,
            sms: material.sms,
            gate,
            down: watch::Sender::new(false),
            tasks: Mutex::default(),
            last: Mutex::default(),
        });
        // Before the first peer comes in.
        provider.heed(&*provider.monitor.measure().await);
        provider.watch_store().await;
        provider.clone().run(listeners, admin, ticks, bells);
        provider.keep_house(material.stamper, reporter);
        provider.keep_doors(challenges, figures);
        Ok(provider)
    }

    /// The configuration in use.
    pub fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }

    /// What the status tells of keys.
    pub fn shown(&self) -> Arc<Shown> {
        self.shown.load_full()
    }

    /// Who signs tokens that are checked here.
    pub fn issuer(&self) -> Option<Arc<Issuer>> {
        self.issuer.load_full()
    }

    /// Whether the provider is coming to its end.
    pub fn draining(&self) -> bool {
        *self.down.borrow()
    }

    /// Tells when it is.
    pub fn down(&self) -> watch::Receiver<bool> {
        self.down.subscribe()
    }

    /// Makes the service mailbox when there is none: every provider must have it before the first message comes.
    /// `password` is taken for a new one; without it nobody knows the password until it is set.
    pub async fn ensure_service_mailbox(&self, password: Option<Secret>) -> Result<()> {
        let (engine, now) = (Arc::clone(&self.engine), self.clock.now());
        let make = move || -> Result<bool> {
            let address = engine.provider().service_address.clone();
            if engine.find_mailbox(&address)?.is_some() {
                return Ok(false);
            }
            let password = verifier(&password.unwrap_or_else(random_password), random())?;
            engine.add_mailbox(&address, Profile::Service, password, now)?;
            Ok(true)
        };
        if self.pool.run(make).await.told(broken_off)?? {
            tracing::info!(address = %self.engine.provider().service_address, "made the service mailbox");
        }
        Ok(())
    }

    /// Stops accepting, lets connections and transactions come to their end, closes the store.
    pub async fn stop(self: Arc<Self>) {
        tracing::info!(provider = self.config().name.value, "draining");
        self.down.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!("connections cut off after {} s", DRAIN.as_secs());
            tasks.shutdown().await;
        }
        if let Err(error) = housekeeping::link(&self.engine, &self.pool, &self.clock).await {
            tracing::warn!(%error, "lines of the legal log get their place at the next start");
        }
        if let Err(error) = crate::files::remove(&self.config().admin_socket.value) {
            tracing::warn!(%error, "the administrative socket stays behind");
        }
        let store = Arc::clone(&self.store);
        // A compaction may have hours before it, and whoever waits for one is told already.
        if self.pool.run(move || store.interrupt()).await.is_none() {
            tracing::warn!("compactions go on to the end of the process");
        }
        tracing::info!(provider = self.config().name.value, "stopped");
    }

    fn run(self: Arc<Self>, listeners: Vec<(Role, TcpListener)>, admin: http::Bound, ticks: Ticks, bells: Arc<Bells>) {
        let driver = Arc::new(Driver {
            clock: Arc::clone(&self.clock),
            ticks,
            pool: self.pool.clone(),
            bells: Arc::clone(&bells),
            shutdown: self.down.subscribe(),
            numbers: AtomicU64::new(1),
            metrics: Arc::clone(&self.metrics),
        });
        let span = tracing::info_span!("provider", name = self.config().name.value);
        self.tell_of_certificates();
        let mut tasks = self.tasks.lock();
        for (role, listener) in listeners {
            let greeter = self.greeter(role, ticks);
            let submission = matches!(role, Role::Submission | Role::Submissions);
            let tls = Arc::clone(if submission { &self.submission_tls } else { &self.tls });
            let (limits, driver) = (Arc::clone(&self.limits), Arc::clone(&driver));
            tasks.spawn(listen(listener, greeter, limits, tls, driver).instrument(span.clone()));
        }
        tasks.spawn(Arc::clone(&self.relay).run(self.down.subscribe()).instrument(span.clone()));
        tasks.spawn(Arc::clone(&self.updater).run(self.down.subscribe()).instrument(span.clone()));
        let worker = || Worker {
            engine: Arc::clone(&self.engine),
            pool: self.pool.clone(),
            bells: Arc::clone(&bells),
            clock: Arc::clone(&self.clock),
            shutdown: self.down.subscribe(),
        };
        let persist = worker::persist(Arc::clone(&self.engine), self.pool.clone(), self.down.subscribe());
        tasks.spawn(persist.instrument(span.clone()));
        for _ in 0..worker::COUNT {
            tasks.spawn(worker().light().instrument(span.clone()));
        }
        tasks.spawn(worker().heavy().instrument(span.clone()));
        let herald = Arc::new(Herald {
            engine: Arc::clone(&self.engine),
            pool: self.pool.clone(),
            clock: Arc::clone(&self.clock),
            bells: Arc::clone(&bells),
            gateway: self.sms.clone(),
        });
        tasks.spawn(Arc::clone(&herald).texts(self.down.subscribe()).instrument(span.clone()));
        tasks.spawn(herald.letters(self.down.subscribe()).instrument(span.clone()));
        // Weakly, or the provider would keep itself alive by its own tasks.
        let provider = Arc::downgrade(&self);
        let tell = move |state: &State| {
            if let Some(provider) = provider.upgrade() {
                provider.heed(state);
            }
        };
        tasks.spawn(Arc::clone(&self.monitor).run(tell, self.down.subscribe()).instrument(span.clone()));
        let serve = http::serve(admin, Arc::clone(&self.tls), ticks, Arc::downgrade(&self), self.down.subscribe());
        tasks.spawn(serve.instrument(span));
    }

    fn keep_house(&self, stamper: Option<Stamper>, reporter: Option<Arc<Mailer<Arc<RocksStore>>>>) {
        let (engine, pool, clock) = (Arc::clone(&self.engine), self.pool.clone(), Arc::clone(&self.clock));
        let span = tracing::info_span!("provider", name = self.config().name.value);
        let keep = housekeeping::run(engine, pool, clock, stamper, self.down.subscribe());
        let (engine, pool, clock) = (Arc::clone(&self.engine), self.pool.clone(), Arc::clone(&self.clock));
        let sweep = housekeeping::sweep(engine, pool, clock, self.config().retention, self.down.subscribe());
        let mut tasks = self.tasks.lock();
        if self.config().text_index {
            let (engine, pool, clock) = (Arc::clone(&self.engine), self.pool.clone(), Arc::clone(&self.clock));
            tasks.spawn(housekeeping::index(engine, pool, clock, self.down.subscribe()).instrument(span.clone()));
        }
        if let Some(folder) = &self.config().reports {
            let (engine, pool, clock) = (Arc::clone(&self.engine), self.pool.clone(), Arc::clone(&self.clock));
            let write = reports::run(engine, pool, clock, folder.value.clone(), self.down.subscribe());
            tasks.spawn(write.instrument(span.clone()));
        }
        if let Some(reporter) = reporter {
            tasks.spawn(reporter.run(self.down.subscribe()).instrument(span.clone()));
        }
        tasks.spawn(keep.instrument(span.clone()));
        tasks.spawn(sweep.instrument(span));
    }

    /// Shows figures, if anybody asks for them, and renews the certificate of the doors, if that is ours to do.
    fn keep_doors(self: &Arc<Self>, challenges: Vec<TcpListener>, figures: Option<TcpListener>) {
        if let Some(figures) = figures {
            self.show_figures(figures);
        }
        let Some(acme) = &self.acme else { return };
        let span = tracing::info_span!("provider", name = self.config().name.value);
        // Weakly, or the provider would keep itself alive by its own tasks.
        let run = Arc::clone(acme).run(Arc::downgrade(self), self.down.subscribe());
        self.tasks.lock().spawn(run.instrument(span));
        let mut last = self.last.lock();
        for listener in challenges {
            last.spawn(Arc::clone(acme).answer(listener));
        }
    }

    /// Shows at every door what lies in its file now; connections already open keep what they have.
    ///
    /// # Errors
    /// It cannot be shown; the doors keep what they have.
    pub async fn take_tls(&self) -> Result<()> {
        let (config, identity) = (self.config(), self.engine.identity());
        let load = move || Ok((material::server_tls(&config)?, Shown::of(&config, &identity)));
        let loaded: Result<_, Problems> = self.pool.run(load).await.told(broken_off)?;
        let ((tls, submission), shown) = loaded?;
        self.tls.renew(&tls);
        self.submission_tls.renew(&submission);
        self.shown.store(Arc::new(shown));
        self.tell_certificates().await;
        Ok(())
    }

    /// Asks the ACME authority for another certificate now.
    ///
    /// # Errors
    /// Why there is none; the doors keep what they have.
    pub async fn renew_tls(&self, acme: &Renewer) -> Result<()> {
        acme.renew().await?;
        self.take_tls().await
    }

    /// Says which configuration is in use, and looks at our certificates now and each hour.
    fn tell_of_certificates(self: &Arc<Self>) {
        // Weakly, or the provider would keep itself alive by its own tasks.
        let (provider, mut down) = (Arc::downgrade(self), self.down.subscribe());
        let every = HOUR.div_f64(self.clock.speed.max(1.0)).max(Duration::from_secs(1));
        let span = tracing::info_span!("provider", name = self.config().name.value);
        let watching = async move {
            if let Some(provider) = provider.upgrade() {
                provider.tell_configuration(None).await;
            }
            while let Some(provider) = provider.upgrade().filter(|provider| !provider.draining()) {
                provider.tell_certificates().await;
                drop(provider);
                tokio::select! {
                    _ = down.wait_for(|down| *down) => {}
                    () = tokio::time::sleep(every) => {}
                }
            }
        };
        self.tasks.lock().spawn(watching.instrument(span));
    }

    fn show_figures(self: &Arc<Self>, listener: TcpListener) {
        let mut last = self.last.lock();
        last.spawn(metrics::sample(Arc::downgrade(self), self.down.subscribe()));
        last.spawn(metrics::serve(listener, Arc::downgrade(self)));
    }

    /// Looks at the store, and goes on looking.
    async fn watch_store(self: &Arc<Self>) {
        let watch = Watch::new(self.config().store_reserve);
        let Some(watch) = housekeeping::look(&self.store, watch, |h, t| self.heed_store(h, t)).await else { return };
        // Weakly, or the provider would keep itself alive by its own tasks.
        let provider = Arc::downgrade(self);
        let tell = move |health, trouble| {
            if let Some(provider) = provider.upgrade() {
                provider.heed_store(health, trouble);
            }
        };
        let span = tracing::info_span!("provider", name = self.config().name.value);
        let watching = housekeeping::watch(Arc::downgrade(&self.store), watch, tell, self.down.subscribe());
        self.tasks.lock().spawn(watching.instrument(span));
    }

    fn greeter(&self, role: Role, ticks: Ticks) -> Greeter {
        let engine = Arc::clone(&self.engine);
        let implicit_tls = matches!(role, Role::Submissions | Role::Imaps | Role::Pop3s);
        let busy = match role {
            Role::Smtp | Role::Submission | Role::Submissions => {
                "421 4.3.2 Troppe connessioni, riprovare piu' tardi\r\n"
            }
            Role::Imap | Role::Imaps => "* BYE Troppe connessioni, riprovare piu' tardi\r\n",
            Role::Pop3 | Role::Pop3s => "-ERR [SYS/TEMP] Troppe connessioni, riprovare piu' tardi\r\n",
        };
        let open = move |ip| {
            let (engine, peer) = (Arc::clone(&engine), Peer { ip });
            let smtp = |engine, role| front::smtp(engine, role, peer, implicit_tls, ticks.now());
            match role {
                Role::Smtp => smtp(engine, server::Role::Reception),
                Role::Submission => smtp(engine, server::Role::Submission),
                Role::Submissions => smtp(engine, server::Role::SubmissionTls),
                Role::Imap | Role::Imaps => front::imap(engine, peer, implicit_tls, ticks.now()),
                Role::Pop3 | Role::Pop3s => front::pop3(engine, peer, implicit_tls, ticks.now()),
            }
        };
        let proxies = self.config().proxies.clone();
        Greeter { role, implicit_tls, busy, open: Box::new(open), proxies }
    }
}

/// As many connections as the configuration wants and the system bears.
fn room_at_doors(config: &Config) -> Limits {
    let most = config.limits.connections.min(service::room_for_connections());
    Limits::new(most, config.limits.connections_per_address)
}

/// Who renews the certificate of the doors; nobody without `[tls.acme]`.
fn renewer(config: &Config, clock: &Arc<ServiceClock>, pool: &Pool) -> Result<Option<Arc<Renewer>>> {
    let (Some(acme), Some(tls)) = (config.acme.clone(), material::acme_client(config)?) else { return Ok(None) };
    Ok(Some(Arc::new(Renewer::open(acme, tls, Arc::clone(clock), pool.clone())?)))
}

/// Who sends reports about TLS; nobody without a signature.
fn reporter(
    config: &Config,
    material: &Material,
    relay: &Relay<Arc<RocksStore>>,
    dns: Arc<Dns>,
) -> Option<Arc<Mailer<Arc<RocksStore>>>> {
    config.dkim.as_ref()?;
    Some(Arc::new(Mailer {
        engine: Arc::clone(&relay.engine),
        pool: relay.pool.clone(),
        clock: Arc::clone(&relay.clock),
        dns,
        tls: Arc::clone(&material.relay),
        reporter: Reporter::of(config),
        metrics: Arc::clone(&relay.metrics),
    }))
}

fn open(path: &Path, memory: sigillo_store_rocks::Memory, setup: Setup) -> Result<(Arc<RocksStore>, House)> {
    let options = Options { memory, ..Options::default() };
    let store = RocksStore::open(path, &options).told(|| said!("archivio {}", "store {}", path.display()))?;
    let store = Arc::new(store);
    Ok((Arc::clone(&store), Engine::open(store, setup)?))
}

/// The same ports, counted on their way.
fn measured(setup: Setup, metrics: &Arc<Metrics>, signing: &Arc<Signing>) -> Setup {
    let count = |inner| Arc::new(Measured::new(Arc::clone(metrics), inner)) as Arc<dyn Antivirus>;
    let (signer, antivirus) = (signing.of(setup.signer), setup.antivirus.map(count));
    Setup { signer, antivirus, meter: Arc::clone(metrics) as _, ..setup }
}

/// What the engine stands on while it serves.
fn ports(
    config: &Config,
    material: &Material,
    bell: Arc<dyn Bell>,
    clamd: Option<Arc<Clamd>>,
    hall: Arc<Hall>,
) -> Result<Setup> {
    let spool = Folder::open(&config.store.value.join("spool"))?;
    let doors = Doors { spool: Arc::new(spool), hall, ..config.limits.doors() };
    let screen = Screen::new(config, &material.relay).map(|screen| Arc::new(screen) as Arc<dyn Screener>);
    let antivirus = clamd.map(|clamd| clamd as Arc<dyn Antivirus>);
    Ok(Setup { doors, ..setup(config, material, bell, antivirus, screen) })
}

/// What the engine stands on.
pub(crate) fn setup(
    config: &Config,
    material: &Material,
    bell: Arc<dyn Bell>,
    antivirus: Option<Arc<dyn Antivirus>>,
    screener: Option<Arc<dyn Screener>>,
) -> Setup {
    Setup {
        provider: sigillo_pec::Provider {
            name: config.name.value.clone(),
            service_address: config.service_address.value.clone(),
            english: config.english,
        },
        host: config.host.value.clone(),
        identity: material.identity.clone(),
        signer: Arc::clone(&material.signer),
        trust: Arc::clone(&material.trust),
        index: Arc::clone(&material.index),
        ids: Arc::new(RandomIds),
        bell,
        meter: Arc::new(()),
        local_domains: config.domains.clone(),
        antivirus,
        screener,
        dkim: material.dkim.clone().map(|dkim| dkim as Arc<dyn Dkim>),
        rules: Rules {
            size_times_recipients: config.access.size_times_recipients,
            header_recipients_must_be_rcpt: config.access.strict_recipients,
            take_unscanned: config.antivirus.as_ref().is_some_and(|a| a.take_unscanned),
            ordinary: config.ordinary.rules,
            help: config.access.help.clone(),
            passwords: config.passwords.policy.clone(),
            password_page: config.passwords.page.clone(),
            grace: config.retention.cancelled,
            texts: material.sms.is_some(),
        },
        doors: Doors::default(),
        profiles: config.profiles.clone(),
    }
}
