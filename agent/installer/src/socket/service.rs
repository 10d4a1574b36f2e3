//! What answers: the installer, or the reason why there is none yet.

use crate::config::Settings;
use crate::installer::{Installer, OpenError};
use patchward_steps::disk::Observer;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The installer, once this machine is pinned.
pub struct Service {
    ready: Mutex<Option<Arc<Installer>>>,
    /// The installer's settings.
    pub settings: Settings,
    program: PathBuf,
    observer: Observer,
}

impl Service {
    /// What [`Installer::open`] takes.
    pub fn new(settings: Settings, program: PathBuf, observer: Observer) -> Self {
        Self {
            ready: Mutex::default(),
            settings,
            program,
            observer,
        }
    }

    /// The installer; where it was opened just now, a job that was cut off goes on. Where
    /// there is none it is looked for again: the machine may have been pinned since somebody
    /// first knocked.
    ///
    /// # Errors
    /// Why there is none.
    pub fn installer(&self) -> Result<Arc<Installer>, OpenError> {
        // What a thread died of changes nothing about which installer there is.
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(installer) = &*ready {
            return Ok(Arc::clone(installer));
        }
        let (settings, program) = (self.settings.clone(), self.program.clone());
        let installer = Arc::new(Installer::open(settings, program, self.observer)?);
        installer.tell();
        installer.resume();
        Ok(Arc::clone(ready.insert(installer)))
    }
}
