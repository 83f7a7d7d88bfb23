//! Whether a provider accepts mail: every condition, and of each that does not hold, why.

use sigillo_base::Timestamp;
use sigillo_engine::Obstacle;

use super::Provider;
use crate::metrics::{Condition, Word};

/// What is signed to learn whether the key signs again.
const PROBE: &[u8] = b"sigillo";

impl Provider {
    /// Every condition; with a sentence, in Italian, where it does not hold. Nothing in it is secret or personal. May
    /// block as long as a signature.
    pub fn conditions(&self) -> Vec<(Condition, Option<String>)> {
        Condition::ALL.iter().map(|condition| (*condition, self.missing(*condition))).collect()
    }

    fn missing(&self, condition: Condition) -> Option<String> {
        let obstacle = |obstacle| self.engine.obstacles().remove(&obstacle);
        match condition {
            Condition::Serving => self.draining().then(|| "il servizio si sta fermando".to_owned()),
            Condition::Disk => obstacle(Obstacle::Disk),
            Condition::Store => obstacle(Obstacle::Store),
            Condition::Clock => obstacle(Obstacle::Clock),
            Condition::Index => {
                self.engine.index().entries().is_empty().then(|| "l'indice dei gestori è vuoto".to_owned())
            }
            Condition::Revocation => match self.revocation_ends() {
                Some(end) if end > self.clock.now() => None,
                Some(end) => Some(format!("le liste di revoca di un'autorità sono scadute il {end}")),
                None => Some("non c'è nessuna lista di revoca".to_owned()),
            },
            Condition::Signer => self.unsigned(),
            Condition::Antivirus => {
                let waits = self.config().antivirus.as_ref().is_some_and(|a| !a.take_unscanned);
                let down = self.metrics.antivirus_up.get(()) == Some(0.0);
                (waits && down).then(|| "l'antivirus non risponde: niente è accettato senza controllo".to_owned())
            }
        }
    }

    fn unsigned(&self) -> Option<String> {
        let ((from, until), now) = (self.shown().signing, self.clock.now());
        if now < from || now >= until {
            return Some(format!("il certificato di firma vale dal {from} al {until}"));
        }
        // After a failure nobody may ask for another signature until this answer says that they are made again.
        let fails = self.signing.failed() && self.engine.signer().sign(PROBE).is_err();
        fails.then(|| "la chiave di firma non firma".to_owned())
    }

    /// When the revocation lists of the first authority that has some will all have expired; `None`: there are none.
    pub fn revocation_ends(&self) -> Option<Timestamp> {
        let trust = self.engine.trust();
        let last =
            |anchor| trust.crls().iter().filter(|crl| crl.issued_by(anchor)).filter_map(|crl| crl.next_update()).max();
        trust.anchors().iter().filter_map(last).min()
    }
}
