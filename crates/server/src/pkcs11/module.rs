//! The library of a device. A process initialises each once (PKCS #11 §5.4), however many keys it has there and however often a
//! configuration is read; it is ended only when nobody is in a call, and with every session that was opened by it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use parking_lot::{Mutex, RwLock};

use super::{Uri, Wrong, said};

/// How long a device that failed is not asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long calls that are under way are waited for, before a module is ended.
const CALLS: Duration = Duration::from_secs(5);

/// The modules that are in use.
static MODULES: LazyLock<Mutex<HashMap<PathBuf, Arc<Module>>>> = LazyLock::new(Mutex::default);

/// One library.
pub(super) struct Module {
    path: PathBuf,
    /// Read by who is in a call, written by who begins and ends it.
    live: RwLock<Option<Live>>,
    /// When a device of it failed, and why.
    away: Mutex<Option<(Instant, String)>>,
}

/// As long as it is initialised.
struct Live {
    pkcs11: Pkcs11,
    idle: Mutex<Vec<(Uri, Ready)>>,
    /// Told apart from earlier and later ones.
    begun: Instant,
}

/// An open session and the key in it.
pub(super) struct Ready {
    pub(super) session: Session,
    pub(super) key: ObjectHandle,
}

impl Module {
    /// The one of this file. It is not loaded yet.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        let new = || Self { path: path.to_owned(), live: RwLock::default(), away: Mutex::default() };
        Arc::clone(MODULES.lock().entry(path.to_owned()).or_insert_with(|| Arc::new(new())))
    }

    /// Does something in an idle session of this key, or in one that `open` makes. When the device fails, the module is ended, and the
    /// next call begins it anew.
    pub(super) fn with<T>(
        &self,
        uri: &Uri,
        open: impl FnOnce(&Pkcs11) -> Result<Ready, Wrong>,
        work: impl FnOnce(&Ready) -> Result<T, Error>,
    ) -> Result<T, Wrong> {
        if let Some((since, why)) = &*self.away.lock()
            && since.elapsed() < PAUSE
        {
            return Err(Wrong::Away(why.clone()));
        }
        self.begin()?;
        let live = self.live.read();
        let Some(in_use) = live.as_ref() else { return Err(Wrong::Away("il modulo riparte".into())) };
        let idle = {
            let mut all = in_use.idle.lock();
            all.iter().position(|(of, _)| of == uri).map(|at| all.swap_remove(at).1)
        };
        let had = idle.is_some();
        let done = idle.map_or_else(|| open(&in_use.pkcs11), Ok).and_then(|ready| {
            let done = work(&ready)?;
            in_use.idle.lock().push((uri.clone(), ready));
            Ok(done)
        });
        if let Err(Wrong::Away(why)) = &done {
            let begun = in_use.begun;
            drop(live);
            self.end(begun);
            // A session of before tells nothing of the device as it is now.
            if !had {
                *self.away.lock() = Some((Instant::now(), why.clone()));
            }
        }
        done
    }

    fn begin(&self) -> Result<(), Wrong> {
        if self.live.read().is_some() {
            return Ok(());
        }
        let mut live = self.live.write();
        if live.is_none() {
            let broken = |error: Error| {
                Wrong::Refused(format!("il modulo {} non si carica: {}", self.path.display(), said(&error)))
            };
            let pkcs11 = Pkcs11::new(&self.path).map_err(broken)?;
            match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
                Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
                Err(error) => return Err(error.into()),
            }
            *live = Some(Live { pkcs11, idle: Mutex::default(), begun: Instant::now() });
        }
        Ok(())
    }

    /// Ends it, unless somebody has done that since, or a call is under way that does not end.
    fn end(&self, begun: Instant) {
        let Some(mut live) = self.live.try_write_for(CALLS) else { return };
        let Some(Live { pkcs11, idle, .. }) = live.take_if(|live| live.begun == begun) else { return };
        drop(idle);
        if let Err(error) = pkcs11.finalize() {
            tracing::warn!(error = said(&error), "a module of PKCS #11 does not end well");
        }
    }
}
