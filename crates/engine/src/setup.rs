//! The engine with all it stands on: its store, its identity, what it trusts, and the ports to the world.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard, RwLock};
use sigillo_accounts::{CredentialName, PasswordPolicy, Profiles, Seal};
use sigillo_base::{Domain, IdSource, MailboxId, MsgId, PecId, said};
use sigillo_pec::Provider;
use sigillo_pec::index::Index;
use sigillo_smime::{Identity, Signer, Trust};
use sigillo_store::{Store, body};

use crate::accepting::Accepting;
use crate::claims::Tokens;
use crate::damaged::Damaged;
use crate::elsewhere::Passwords;
use crate::fronts::Fronted;
use crate::guard::Guard;
use crate::looks::Looks;
use crate::meter::Part;
use crate::refusals::Refusals;
use crate::roles::Roles;
use crate::turns::Shares;
use crate::{Antivirus, Dkim, Hall, Lockout, MemorySpool, Meter, Places, Screener, Spool, migrate, profiles, resets};

/// What the engine tells the program around it, so that nobody has to poll. Calls must not block.
pub trait Bell: Send + Sync {
    /// Something changed in this mailbox: messages, flags, folders, annotations, rights.
    fn mailbox_changed(&self, mailbox: MailboxId);
    /// Work of this part of the queue has fallen due, or will before all that was known.
    fn queue_changed(&self, part: Part);
}

/// Hears nothing.
impl Bell for () {
    fn mailbox_changed(&self, _: MailboxId) {}
    fn queue_changed(&self, _: Part) {}
}

/// A provider's identity and ports. What may change while running (index, trust, identity, profiles, domains) can be replaced later.
#[derive(Clone)]
pub struct Setup {
    /// Name and service address, as certification data show them.
    pub provider: Provider,
    /// Our name in SMTP and in trace lines.
    pub host: String,
    /// The signing certificate with its chain.
    pub identity: Identity,
    /// Its key.
    pub signer: Arc<dyn Signer>,
    /// Anchors and revocation lists for other providers' certificates.
    pub trust: Arc<Trust>,
    /// The directory of providers.
    pub index: Arc<Index>,
    /// Where fresh numbers come from.
    pub ids: Arc<dyn IdSource>,
    /// Whom to tell about changes.
    pub bell: Arc<dyn Bell>,
    /// Who counts what happens; `Arc::new(())` counts nothing.
    pub meter: Arc<dyn Meter>,
    /// Domains whose mailboxes are here, the service domain included.
    pub local_domains: Vec<Domain>,
    /// Who scans what enters; `None` scans nothing, and the program says so when it starts.
    pub antivirus: Option<Arc<dyn Antivirus>>,
    /// Who is asked about ordinary mail; `None` takes it as it comes.
    pub screener: Option<Arc<dyn Screener>>,
    /// Who signs ordinary mail of its own for its domain; `None`: nobody.
    pub dkim: Option<Arc<dyn Dkim>>,
    /// What this provider has chosen where the rules leave a choice.
    pub rules: Rules,
    /// How clients are met.
    pub doors: Doors,
    /// Profiles of its own.
    pub profiles: Profiles,
}

/// How clients are met, whatever they speak.
#[derive(Clone)]
pub struct Doors {
    /// Where messages wait while they arrive.
    pub spool: Arc<dyn Spool>,
    /// What they may hold in memory meanwhile, all together.
    pub hall: Arc<Hall>,
    /// Connections of one account at once, of whatever protocol.
    pub per_account: usize,
    /// When failed logins lock.
    pub lockout: Lockout,
    /// How slowly a message may arrive.
    pub pace: Pace,
}

/// How slowly a message may arrive: after some time, so many bytes must have come for each second beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What is given to everybody, in milliseconds.
    pub grace_ms: u64,
    /// Bytes a second; 0 for any pace.
    pub bytes_s: u64,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            spool: Arc::new(MemorySpool),
            hall: Arc::default(),
            per_account: 100,
            lockout: Lockout::default(),
            pace: Pace { grace_ms: 60_000, bytes_s: 500 },
        }
    }
}

/// What a provider may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Largest product of size and recipients of a submission, in bytes; DM 12 demands at least 30 MB. `None`: no limit.
    /// Massive boxes, which are made for more, never have one.
    pub size_times_recipients: Option<u64>,
    /// Whether an address in To or Cc that is no recipient in SMTP refuses the submission (pec rule 16.7).
    pub header_recipients_must_be_rcpt: bool,
    /// Whether mail is taken unscanned while the antivirus does not answer; the peer is asked to come again otherwise.
    pub take_unscanned: bool,
    /// What is made of what is found out about ordinary mail.
    pub ordinary: OrdinaryRules,
    /// Where a user is sent who may not come in: an address or a page.
    pub help: Option<String>,
    /// What passwords must be.
    pub passwords: PasswordPolicy,
    /// The page where a user changes his own, where there is one.
    pub password_page: Option<String>,
    /// For how long a mailbox that was cancelled can be called back, before its contents go.
    pub grace: Duration,
    /// Whether short messages go out: without a gateway what is told by one alone is told to nobody.
    pub texts: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            size_times_recipients: None,
            header_recipients_must_be_rcpt: true,
            take_unscanned: false,
            ordinary: OrdinaryRules::default(),
            help: None,
            passwords: PasswordPolicy::NONE,
            password_page: None,
            grace: Duration::from_secs(30 * 24 * 3600),
            texts: true,
        }
    }
}

/// What refuses ordinary mail. All else is recorded only; certified mail knows none of it (SEC-02).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrdinaryRules {
    /// A client that the sender's domain excludes (SPF `fail`), unless DMARC vouches for the author.
    pub refuse_spf: bool,
    /// What the author's domain asks to refuse (DMARC `p=reject`).
    pub refuse_dmarc: bool,
    /// A client that is on a list.
    pub refuse_listed: bool,
    /// What the antispam would refuse.
    pub refuse_spam: bool,
    /// What the antispam would have come again.
    pub defer_suspects: bool,
    /// Mail without a verdict of the antispam: it may come again.
    pub defer_unjudged: bool,
}

/// One provider at work. Its methods are the use-cases; they may block (store, signature) and belong on worker threads.
pub struct Engine<S> {
    pub(crate) store: Fronted<S>,
    pub(crate) provider: Provider,
    pub(crate) host: String,
    pub(crate) service_domain: Domain,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) bell: Arc<dyn Bell>,
    pub(crate) meter: Arc<dyn Meter>,
    pub(crate) antivirus: Option<Arc<dyn Antivirus>>,
    pub(crate) screener: Option<Arc<dyn Screener>>,
    pub(crate) dkim: Option<Arc<dyn Dkim>>,
    pub(crate) rules: Rules,
    pub(crate) doors: Doors,
    /// Failed logins, of every protocol.
    pub(crate) guard: Guard,
    /// Who asked for secrets to set a password anew.
    pub(crate) resets: Guard,
    /// Who said wrong codes of a second factor, by token.
    pub(crate) codes: Guard,
    /// Moves with every annotation that is set or removed, in any mailbox: who listens reads none for nothing.
    pub(crate) annotated: AtomicU64,
    /// Failed logins that were written down today.
    pub(crate) refusals: Refusals,
    /// Connections that logged in.
    pub(crate) accounts: Arc<Places<MailboxId>>,
    /// Who has a mailbox open by POP3: one session at a time.
    pub(crate) maildrops: Arc<Places<MailboxId>>,
    pub(crate) accepting: Accepting,
    pub(crate) current: RwLock<Current>,
    pub(crate) lanes: Lanes,
    /// What is being handed over, by owner and by destination.
    pub(crate) shares: Arc<Shares>,
    /// This process among those of the server.
    pub(crate) process: u128,
    /// Whether the leases of earlier processes were taken over.
    pub(crate) taken_over: Mutex<bool>,
    /// Whether something was recorded that no disk was waited for.
    pub(crate) unsettled: AtomicBool,
    /// What the roles of all persons came to when they were read last.
    pub(crate) roles: Mutex<Option<Arc<Roles>>>,
    /// What folders held when they were opened last.
    pub(crate) looks: Looks,
    /// Damaged rows that were passed over.
    pub(crate) damaged: Damaged,
    /// Verified passwords: a keyed digest per credential, so that argon2 runs once.
    pub(crate) verified: Mutex<HashMap<(MailboxId, CredentialName), [u8; 32]>>,
    /// Hashes that take more memory than our own are checked one at a time.
    pub(crate) dear_checks: Mutex<()>,
    pub(crate) boot_key: u128,
    /// What the SCRAM keys of unknown users are made with, once it was wanted.
    pub(crate) scram_secret: Mutex<Option<[u8; 32]>>,
    /// What seeds of second factors are closed with.
    pub(crate) seal: RwLock<Arc<Seal>>,
    /// Who knows tokens, if anybody.
    pub(crate) tokens: RwLock<Option<Arc<dyn Tokens>>>,
    /// Who keeps passwords for us, if anybody.
    pub(crate) passwords: RwLock<Option<Arc<dyn Passwords>>>,
}

/// The parts that a reload replaces.
#[derive(Clone)]
pub(crate) struct Current {
    pub identity: Identity,
    pub signer: Arc<dyn Signer>,
    pub trust: Arc<Trust>,
    pub index: Arc<Index>,
    pub profiles: Arc<Profiles>,
    pub domains: Arc<HashSet<Domain>>,
}

impl<S: Store> Engine<S> {
    /// Starts a provider on its store.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when the signing certificate does not carry the service address, since nothing that
    /// it signed would be accepted (RFC 6109 §2.1), or a mailbox has a profile that is not there; the store's fault, or that a newer program wrote it.
    pub fn open(store: S, setup: Setup) -> Result<Self, crate::Error> {
        let service = &setup.provider.service_address;
        if !setup.identity.certificate.emails().iter().any(|e| e.eq_ignore_ascii_case(service.as_str())) {
            return Err(crate::Error::Invalid(said!(
                "il certificato di firma non contiene l'indirizzo di servizio {service} (subjectAltName rfc822Name)",
                "the signing certificate does not have the service address {service} in it (subjectAltName rfc822Name)"
            )));
        }
        migrate::run(&store, |done| {
            tracing::info!(from = done.from, rows = done.rows, damaged = done.damaged, "the store is migrated: so far");
        })?;
        profiles::all_known(&store, &setup.profiles)?;
        discard_uploads(&store)?;
        let service_domain = service.domain().clone();
        let domains = Arc::new(with(&service_domain, setup.local_domains));
        let (boot_key, process) = (setup.ids.next_id(), setup.ids.next_id());
        Ok(Self {
            store: Fronted::new(store, Arc::clone(&setup.bell)),
            provider: setup.provider,
            host: setup.host,
            service_domain,
            ids: setup.ids,
            bell: setup.bell,
            meter: setup.meter,
            antivirus: setup.antivirus,
            screener: setup.screener,
            dkim: setup.dkim,
            rules: setup.rules,
            guard: Guard::new(setup.doors.lockout),
            resets: Guard::new(resets::LIMIT),
            // Codes have no place: who has the token may guess from many.
            codes: Guard::new(Lockout { of_place: u32::MAX, ..setup.doors.lockout }),
            annotated: AtomicU64::default(),
            refusals: Refusals::default(),
            accounts: Places::new(setup.doors.per_account),
            doors: setup.doors,
            maildrops: Places::new(1),
            accepting: Accepting::default(),
            current: RwLock::new(Current {
                identity: setup.identity,
                signer: setup.signer,
                trust: setup.trust,
                index: setup.index,
                profiles: Arc::new(setup.profiles),
                domains,
            }),
            lanes: Lanes::default(),
            shares: Arc::default(),
            process,
            taken_over: Mutex::default(),
            unsettled: AtomicBool::new(false),
            roles: Mutex::default(),
            looks: Looks::default(),
            damaged: Damaged::default(),
            verified: Mutex::default(),
            dear_checks: Mutex::default(),
            boot_key,
            scram_secret: Mutex::default(),
            seal: RwLock::default(),
            tokens: RwLock::default(),
            passwords: RwLock::default(),
        })
    }

    /// Takes a new directory of providers; messages in work keep the old one.
    pub fn replace_index(&self, index: Arc<Index>) {
        self.current.write().index = index;
    }

    /// The directory of providers in use.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.current.read().index)
    }

    /// The anchors and revocation lists in use.
    pub fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.current.read().trust)
    }

    /// Takes new anchors and revocation lists.
    pub fn replace_trust(&self, trust: Arc<Trust>) {
        self.current.write().trust = trust;
    }

    /// The signing key in use.
    pub fn signer(&self) -> Arc<dyn Signer> {
        Arc::clone(&self.current.read().signer)
    }

    /// The signing certificate in use, with its chain.
    pub fn identity(&self) -> Identity {
        self.current.read().identity.clone()
    }

    /// Takes a new signing certificate and key.
    pub fn replace_identity(&self, identity: Identity, signer: Arc<dyn Signer>) {
        let mut current = self.current.write();
        (current.identity, current.signer) = (identity, signer);
    }

    /// The provider's name and service address.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Our name in SMTP.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether mailboxes of this domain are here.
    pub fn is_local(&self, domain: &Domain) -> bool {
        self.current.read().domains.contains(domain)
    }

    /// Takes other domains for ours, the service domain always among them. Mailboxes of one that goes stay as they are, and
    /// nobody reaches them until it is back.
    pub fn replace_domains(&self, domains: Vec<Domain>) {
        self.current.write().domains = Arc::new(with(&self.service_domain, domains));
    }

    /// The store, for maintenance and tests: for reading only, since what is written here the queue does not notice.
    pub fn store(&self) -> &S {
        self.store.inner()
    }

    pub(crate) fn current(&self) -> Current {
        self.current.read().clone()
    }

    pub(crate) fn new_pec_id(&self) -> PecId {
        PecId::new(self.ids.next_id(), &self.service_domain)
    }

    pub(crate) fn new_msg(&self) -> MsgId {
        MsgId(self.ids.next_id())
    }
}

fn with(service: &Domain, domains: Vec<Domain>) -> HashSet<Domain> {
    domains.into_iter().chain([service.clone()]).collect()
}

/// Removes what a crash left of bodies that no commit published: this is the only server on the store.
fn discard_uploads<S: Store>(store: &S) -> Result<(), crate::Error> {
    let mut after = None;
    loop {
        let left = body::reservations(store, after, 64)?;
        let Some(last) = left.last() else { return Ok(()) };
        after = Some(last.id);
        for reservation in left {
            body::discard(store, reservation)?;
        }
    }
}

/// One writer per mailbox in this process, so that transactions on its UIDs never meet: conflicts are left to
/// several servers on one store.
pub(crate) struct Lanes(Vec<Mutex<()>>);

const LANES: usize = 256;

impl Default for Lanes {
    fn default() -> Self {
        Self((0..LANES).map(|_| Mutex::new(())).collect())
    }
}

impl Lanes {
    /// Holds the lanes of these mailboxes, always taken in the same order.
    pub(crate) fn hold(&self, mailboxes: &[MailboxId]) -> Vec<MutexGuard<'_, ()>> {
        let mut lanes: Vec<usize> = mailboxes.iter().map(|m| (m.0 % LANES as u64) as usize).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes.into_iter().map(|lane| self.0[lane].lock()).collect()
    }
}
