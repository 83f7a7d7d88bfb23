//! How the store is, and what follows: what it cannot keep is not taken.

use sigillo_admin::api::StoreStatus;
use sigillo_engine::Obstacle;
use sigillo_store_rocks::{Health, Trouble};

use super::Provider;

/// What peers hear while the disk has too little room.
const FULL: &str = "Spazio insufficiente nell'archivio del gestore: non si accettano messaggi, riprovare piu' tardi";
/// What they hear while the store does not write.
const UNAVAILABLE: &str = "L'archivio del gestore non e' disponibile: non si accettano messaggi, riprovare piu' tardi";

/// The store at the last look.
#[derive(Debug, Default)]
pub(super) struct Looked {
    health: Health,
    trouble: Option<Trouble>,
}

impl Provider {
    /// Takes mail or refuses it, as the store can keep it.
    pub(super) fn heed_store(&self, health: Health, trouble: Option<Trouble>) {
        let obstacle = trouble.as_ref().map(|trouble| match trouble {
            Trouble::Space { .. } | Trouble::Inodes { .. } => (Obstacle::Disk, FULL),
            Trouble::Commits(_) | Trouble::Background(_) | Trouble::Stalled => (Obstacle::Store, UNAVAILABLE),
        });
        for each in [Obstacle::Disk, Obstacle::Store] {
            let why = obstacle.filter(|(found, _)| *found == each).map(|(_, why)| why.to_owned());
            self.engine.set_accepting(each, why.map_or(Ok(()), Err));
        }
        let before = self.looked.swap(Looked { health, trouble: trouble.clone() }.into());
        match (&before.trouble, &trouble) {
            (None, Some(why)) => tracing::error!(%why, "the store is in trouble: nothing is accepted"),
            (Some(was), None) => tracing::info!(%was, "the store is well again"),
            _ => {}
        }
    }

    /// The figures of the last look.
    pub fn store_health(&self) -> Health {
        self.looked.load().health
    }

    /// Whether the store has latched an error, of which only a restart frees it.
    pub fn latched(&self) -> bool {
        matches!(self.looked.load().trouble, Some(Trouble::Commits(_) | Trouble::Background(_)))
    }

    /// Whether a restart would not help, after a read of the store: where that hangs, this does not return.
    pub fn answers(&self) -> bool {
        if let Err(error) = self.engine.find_mailbox(&self.engine.provider().service_address) {
            tracing::warn!(%error, "the store does not read");
        }
        !self.latched()
    }

    /// How the store is, by the last look.
    pub fn store_status(&self) -> StoreStatus {
        let looked = self.looked.load();
        let reserve = self.config().store_reserve;
        let state = match looked.trouble {
            None => "well",
            Some(Trouble::Space { .. }) => "full",
            Some(Trouble::Inodes { .. }) => "inodes",
            Some(Trouble::Commits(_)) => "failing",
            Some(Trouble::Background(_)) => "background",
            Some(Trouble::Stalled) => "stalled",
        };
        StoreStatus {
            path: self.store.path().display().to_string(),
            state: state.to_owned(),
            why: looked.trouble.as_ref().map(ToString::to_string),
            free_bytes: looked.health.free_bytes,
            reserve_bytes: reserve.bytes,
            free_inodes: Some(looked.health.free_inodes).filter(|n| *n != u64::MAX),
            reserve_inodes: reserve.inodes,
        }
    }
}
