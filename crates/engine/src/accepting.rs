//! Whether mail is taken at all. Somebody outside decides (a clock that is off certifies nothing: DM 2-11-2005 art. 9);
//! what was taken before goes on, and mailboxes stay open.

use parking_lot::RwLock;
use sigillo_store::Store;

use crate::{Engine, Rejected};

/// The sentence for peers while nothing is taken.
#[derive(Debug, Default)]
pub(crate) struct Accepting(RwLock<Option<String>>);

impl<S: Store> Engine<S> {
    /// Takes mail from now on, or refuses it for the time being with this sentence. An engine begins by taking.
    pub fn set_accepting(&self, accepting: Result<(), String>) {
        *self.accepting.0.write() = accepting.err();
    }

    /// Whether mail is taken now, from users and from other providers.
    ///
    /// # Errors
    /// 451 4.3.2 with the sentence of [`Engine::set_accepting`]: the peer comes again.
    pub fn accepting(&self) -> Result<(), Rejected> {
        match &*self.accepting.0.read() {
            Some(why) => Err(Rejected::refused(451, (4, 3, 2), why)),
            None => Ok(()),
        }
    }
}
