//! A provider for tests: an engine on a store that outlives it, in memory where nothing else is said.

use std::sync::Arc;

use parking_lot::Mutex;
use sigillo_accounts::{PasswordHash, Profile, Profiles};
use sigillo_base::{Address, Domain, MailboxId, Timestamp, Uid};
use sigillo_engine::{
    Antivirus, Arrived, Engine, Fact, Login, Meter, Peer, Rules, Screener, Screening, Setup, Unavailable, Verdict,
    Wishes,
};
use sigillo_pec::index::Index;
use sigillo_smime::Trust;
use sigillo_store::{MemoryStore, Store};

use crate::fixtures::{self, Fixture, Numbers};

/// Remembers what it was told.
#[derive(Debug, Default)]
pub struct Facts(Mutex<Vec<Fact>>);

impl Facts {
    /// What was told since this was asked the last time, in order.
    pub fn take(&self) -> Vec<Fact> {
        std::mem::take(&mut self.0.lock())
    }
}

impl Meter for Facts {
    fn note(&self, fact: Fact) {
        self.0.lock().push(fact);
    }
}

/// What every provider is told about the others: whom to trust, who is who.
#[derive(Clone)]
pub struct Known {
    /// Anchors and revocation lists.
    pub trust: Arc<Trust>,
    /// The directory of providers.
    pub index: Arc<Index>,
}

impl Known {
    /// The three fixtures under the test authority.
    pub fn fixtures() -> Self {
        Self { trust: Arc::new(fixtures::trust()), index: Arc::new(fixtures::index()) }
    }
}

/// A provider and its store.
pub struct House<S = MemoryStore> {
    /// Who it is.
    pub fixture: Fixture,
    /// Its rows; they stay when the engine stops.
    pub store: S,
    /// `None` while it is down.
    pub engine: Option<Arc<Engine<S>>>,
    /// What it told its meter.
    pub facts: Arc<Facts>,
    ids: Arc<Numbers>,
    known: Known,
    antivirus: Option<Arc<dyn Antivirus>>,
    screener: Option<Arc<dyn Screener>>,
    rules: Rules,
    profiles: Profiles,
}

impl House {
    /// A provider at work, with its service mailbox and no other.
    pub fn new(fixture: Fixture, seed: u64, known: &Known, now: Timestamp) -> Self {
        let service = fixture.provider.service_address.clone();
        let house = Self::on(MemoryStore::new(), fixture, seed, known);
        house.add(&service, Profile::Service, now);
        house
    }

    /// Begins, or begins again after [`House::stop`] or a crash of the store.
    pub fn start(&mut self) {
        self.store.restart();
        self.open();
    }

    /// Ends as by a power cut.
    pub fn stop(&mut self) {
        self.engine = None;
        self.store.plan(sigillo_store::memory::Plan::new());
        self.store.power_cut();
    }
}

impl<S: Store + Clone> House<S> {
    /// A provider at work on a store, with the mailboxes that are there.
    pub fn on(store: S, fixture: Fixture, seed: u64, known: &Known) -> Self {
        let (ids, known) = (Numbers::new(seed), known.clone());
        let (antivirus, screener, rules, profiles) = (None, None, Rules::default(), Profiles::default());
        let facts = Arc::default();
        let mut house = Self { fixture, store, engine: None, facts, ids, known, antivirus, screener, rules, profiles };
        house.open();
        house
    }

    fn open(&mut self) {
        self.engine = Some(Arc::new(Engine::open(self.store.clone(), self.setup()).expect("the provider starts")));
    }

    /// All it stands on but a store.
    pub fn setup(&self) -> Setup {
        Setup {
            provider: self.fixture.provider.clone(),
            host: format!("mx.{}", self.fixture.provider.service_address.domain()),
            identity: self.fixture.identity.clone(),
            signer: Arc::new(self.fixture.signer()),
            trust: Arc::clone(&self.known.trust),
            index: Arc::clone(&self.known.index),
            ids: Arc::clone(&self.ids) as _,
            bell: Arc::new(()),
            meter: Arc::clone(&self.facts) as _,
            local_domains: self.fixture.domains.clone(),
            antivirus: self.antivirus.clone(),
            screener: self.screener.clone(),
            dkim: None,
            rules: self.rules.clone(),
            doors: Default::default(),
            profiles: self.profiles.clone(),
        }
    }

    /// Begins again with this antivirus.
    pub fn scan_with(&mut self, antivirus: impl Antivirus + 'static) {
        self.antivirus = Some(Arc::new(antivirus));
        self.open();
    }

    /// Begins again with somebody who is asked about ordinary mail.
    pub fn screen_with(&mut self, screener: impl Screener + 'static) {
        self.screener = Some(Arc::new(screener));
        self.open();
    }

    /// Begins again with these choices.
    pub fn choose(&mut self, rules: Rules) {
        self.rules = rules;
        self.open();
    }

    /// Begins again with these profiles of its own.
    ///
    /// # Errors
    /// What the engine says; then it is down.
    pub fn profile(&mut self, profiles: Profiles) -> Result<(), sigillo_engine::Error> {
        self.profiles = profiles;
        self.engine = None;
        self.engine = Some(Arc::new(Engine::open(self.store.clone(), self.setup())?));
        Ok(())
    }

    /// The engine, which must be up.
    pub fn engine(&self) -> &Arc<Engine<S>> {
        self.engine.as_ref().expect("asked while up")
    }

    /// Makes a mailbox into which nobody can log in with a password.
    pub fn add(&self, user: &Address, profile: Profile, now: Timestamp) -> MailboxId {
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let hash = PasswordHash::parse(hash).expect("a hash");
        self.engine().add_mailbox(user, profile, hash, now).expect("a mailbox")
    }

    /// Whether mail for this domain belongs here.
    pub fn serves(&self, domain: &Domain) -> bool {
        self.fixture.entry().manages(domain)
    }

    /// A user who has logged in.
    pub fn login(&self, user: &Address) -> Login {
        let row = self.engine().find_mailbox(user).expect("the store answers").expect("the mailbox exists");
        Login::ours(MailboxId(row.id), user.clone())
    }

    /// Everything in an INBOX: when it came and its bytes. UIDs without a gap are part of it.
    ///
    /// # Errors
    /// What the engine says, or what is wrong with the mailbox.
    pub fn inbox(&self, user: &Address) -> Result<Vec<(Timestamp, Vec<u8>)>, String> {
        let engine = self.engine.as_ref().ok_or("the provider is down")?;
        let text = |e: sigillo_engine::Error| e.to_string();
        let Some(mailbox) = engine.find_mailbox(user).map_err(text)? else { return Err(format!("no mailbox {user}")) };
        let filed = engine.inbox(MailboxId(mailbox.id), Uid(0), usize::MAX).map_err(text)?;
        let mut messages = Vec::new();
        for (n, f) in filed.iter().enumerate() {
            if f.uid.0 as usize != n + 1 {
                return Err(format!("{user}: UIDs have a gap at {}", f.uid.0));
            }
            let rope = engine.message(f.message).map_err(text)?.ok_or("an entry without its message")?;
            messages.push((f.date, engine.read_all(&rope).map_err(text)?));
        }
        Ok(messages)
    }
}

/// An antivirus of the simulation: what holds one of these texts is infected.
#[derive(Debug, Clone, Copy)]
pub struct Knows(pub &'static [&'static str]);

impl Antivirus for Knows {
    fn scan(&self, message: &[u8]) -> Result<Verdict, Unavailable> {
        let holds = |text: &&&str| message.windows(text.len()).any(|w| w == text.as_bytes());
        let infected = |text: &&str| {
            let (malware, engine) = (format!("Prova.{text}"), "simulato 1".to_owned());
            Verdict::Infected { malware, engine }
        };
        Ok(self.0.iter().find(holds).map_or(Verdict::Clean, infected))
    }
}

/// An antivirus that never answers.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Antivirus for Silent {
    fn scan(&self, _: &[u8]) -> Result<Verdict, Unavailable> {
        Err(Unavailable("nessuna risposta".into()))
    }
}

/// Somebody who says what the test wants of ordinary mail.
pub struct Opinion<F>(pub F);

impl<F: Fn(&Arrived) -> Option<Screening> + Send + Sync> Screener for Opinion<F> {
    fn screen(&self, mail: &Arrived) -> Option<Screening> {
        self.0(mail)
    }
}

/// A message as SMTP would have brought it over TLS; `authenticated` for a submission.
pub fn arrived(from: Option<&Address>, to: &[Address], bytes: Vec<u8>, ehlo: &str, authenticated: bool) -> Arrived {
    Arrived {
        from: from.cloned(),
        to: to.to_vec(),
        bytes,
        peer: Peer::LOCAL,
        ehlo: ehlo.into(),
        tls: true,
        authenticated,
        utf8: false,
        wishes: Wishes::default(),
    }
}
