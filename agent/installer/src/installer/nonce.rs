//! The nonce that ties a go to this moment.

use super::Installer;
use crate::authorise::Denied;
use crate::clock;
use crate::pin;
use patchward_common::id::{BootId, JobId, Nonce};
use patchward_common::trust::check::Ask;
use patchward_common::trust::go::NONCE_LIFE_MS;

/// The outstanding nonce. In memory only: after a restart it answers nothing.
pub(super) struct Asked {
    job: JobId,
    nonce: Nonce,
    boot: BootId,
    at_boot_ms: i64,
}

impl Asked {
    /// Whether a go that answers it can still come.
    pub(super) fn lives(&self) -> bool {
        clock::boot_ms().saturating_sub(self.at_boot_ms) <= NONCE_LIFE_MS
    }
}

impl Installer {
    /// Draws the nonce that the next go must answer; an earlier one answers nothing. None
    /// is drawn where a go would be of no use.
    pub fn nonce(&self, job: JobId) -> Result<Nonce, Denied> {
        self.once_a_slot(job, clock::now())?;
        let nonce = Nonce(pin::random().map_err(|error| Denied::Wrong(error.to_string()))?);
        let boot = self.boot().map_err(Denied::Wrong)?;
        self.core().asked = Some(Asked {
            job,
            nonce,
            boot,
            at_boot_ms: clock::boot_ms(),
        });
        Ok(nonce)
    }

    /// Takes the outstanding nonce: it answers once, whatever comes of it.
    pub fn take_nonce(&self, job: JobId) -> Result<Ask, Denied> {
        let asked = self.core().asked.take();
        let none = || Denied::Wrong("no nonce is outstanding; ask for one first".to_owned());
        let asked = asked.ok_or_else(none)?;
        if asked.job != job {
            return Err(Denied::Wrong(
                "the nonce was drawn for another job".to_owned(),
            ));
        }
        Ok(Ask {
            job,
            machine: self.pin.machine,
            boot: asked.boot,
            nonce: asked.nonce,
            age_ms: clock::boot_ms().saturating_sub(asked.at_boot_ms),
        })
    }
}
