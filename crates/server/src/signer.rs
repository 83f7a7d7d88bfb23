//! The signing key behind a gate: so many signatures at once, a bounded crowd waiting.

use std::sync::Arc;
use std::time::Duration;

use sigillo_smime::{SignError, Signer};

use crate::gate::Gate;

/// How long a signature may wait for its turn. Longer means overload: the peer hears 4xx and comes again.
const PATIENCE: Duration = Duration::from_secs(20);

/// A key behind a gate.
pub struct GatedSigner<K> {
    key: K,
    gate: Arc<Gate>,
}

impl<K: Signer> GatedSigner<K> {
    /// Signs with `key`, no more at once than `gate` lets in.
    pub fn new(key: K, gate: Arc<Gate>) -> Self {
        Self { key, gate }
    }
}

impl<K: Signer> Signer for GatedSigner<K> {
    fn sign(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, SignError> {
        let Some(_pass) = self.gate.enter(PATIENCE) else {
            return Err(SignError { temporary: true, message: "troppe firme in attesa".to_owned() });
        };
        self.key.sign(to_be_signed)
    }
}
