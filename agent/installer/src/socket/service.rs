//! What answers: the installer, or the reason why there is none yet.

use crate::installer::{Installer, OpenError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Open = dyn Fn() -> Result<Installer, OpenError> + Send + Sync;

/// The installer, once this machine is pinned.
pub struct Service {
    ready: Mutex<Option<Arc<Installer>>>,
    open: Box<Open>,
}

impl Service {
    /// Opens the installer, where this machine is pinned. A job that was cut off goes on
    /// before anybody asks.
    ///
    /// # Errors
    /// Where another process works on the folder, or the disk fails: then there is nothing
    /// to serve. Everything else is told to whoever asks.
    pub fn begin(
        open: impl Fn() -> Result<Installer, OpenError> + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let service = Self {
            ready: Mutex::new(None),
            open: Box::new(open),
        };
        match service.installer() {
            Err(error @ (OpenError::Busy(_) | OpenError::Disk(_))) => return Err(error),
            Err(error) => tracing::error!(%error, "everything is refused"),
            Ok(_) => {}
        }
        Ok(service)
    }

    /// The installer. Where there was none it is looked for again: the machine may have been
    /// pinned since somebody first knocked.
    ///
    /// # Errors
    /// Why there is none.
    pub fn installer(&self) -> Result<Arc<Installer>, OpenError> {
        let mut ready = self.ready();
        if let Some(installer) = &*ready {
            return Ok(Arc::clone(installer));
        }
        let installer = Arc::new((self.open)()?);
        installer.resume();
        Ok(Arc::clone(ready.insert(installer)))
    }

    /// Whether nothing is under way that this process has to be there for.
    pub fn rests(&self) -> bool {
        let ready = self.ready();
        ready.as_ref().is_none_or(|installer| installer.rests())
    }

    fn ready(&self) -> MutexGuard<'_, Option<Arc<Installer>>> {
        // What a thread died of changes nothing about which installer there is.
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
