//! What would come of a use-case: an engine whose commits go nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::{Mutex, RwLock};
use sigillo_store::Store;

use crate::accepting::Accepting;
use crate::damaged::Damaged;
use crate::guard::Guard;
use crate::looks::Looks;
use crate::refusals::Refusals;
use crate::setup::Lanes;
use crate::{Engine, Lockout, resets};

impl<S: Store + Clone> Engine<S> {
    /// This engine for a trial, on the same store: it checks, refuses and answers alike, sees what it wrote itself, and nothing of that
    /// is ever there for anybody else. No bell rings, nothing is counted. It judges nobody's proof: it forgets who guessed.
    #[must_use]
    pub fn trial(&self) -> Self {
        Self {
            store: self.store.trial(),
            provider: self.provider.clone(),
            host: self.host.clone(),
            service_domain: self.service_domain.clone(),
            ids: Arc::clone(&self.ids),
            bell: Arc::new(()),
            meter: Arc::new(()),
            antivirus: self.antivirus.clone(),
            screener: self.screener.clone(),
            dkim: self.dkim.clone(),
            rules: self.rules.clone(),
            doors: self.doors.clone(),
            guard: Guard::new(self.doors.lockout),
            resets: Guard::new(resets::LIMIT),
            codes: Guard::new(Lockout { of_place: u32::MAX, ..self.doors.lockout }),
            annotated: AtomicU64::default(),
            refusals: Refusals::default(),
            accounts: Arc::clone(&self.accounts),
            maildrops: Arc::clone(&self.maildrops),
            accepting: Accepting::default(),
            current: RwLock::new(self.current()),
            lanes: Lanes::default(),
            shares: Arc::clone(&self.shares),
            process: self.process,
            taken_over: Mutex::new(*self.taken_over.lock()),
            unsettled: AtomicBool::default(),
            roles: Mutex::default(),
            looks: Looks::default(),
            damaged: Damaged::default(),
            verified: Mutex::default(),
            dear_checks: Mutex::default(),
            boot_key: self.boot_key,
            scram_secret: Mutex::new(*self.scram_secret.lock()),
            seal: RwLock::new(Arc::clone(&self.seal.read())),
            tokens: RwLock::new(self.tokens.read().clone()),
            passwords: RwLock::new(self.passwords.read().clone()),
        }
    }
}
