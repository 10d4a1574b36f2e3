//! What people at the machine see, and new logins, which are refused while a job is worked on.

use super::Installer;
use crate::clock;
use jiff::tz::TimeZone;
use patchward_common::codec;
use patchward_common::notice::{REFUSAL_BEGINS, Screen, Underway};
use patchward_steps::shown::show;
use std::sync::PoisonError;

impl Installer {
    /// Shows how things stand now, and refuses logins or lets them in. Neither decides over a
    /// job, so a failure is only told: until the point of no return the interlock is asked
    /// again, whoever came in.
    pub fn tell(&self) {
        let _one = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, (watermark, papers)) = (clock::now(), self.snapshot());
        let underway = self.open_job().and_then(|record| {
            let (approval, slot) = (record.approval().ok()?, record.start.slot);
            let (until, phase) = (record.install_until, self.phase(&record));
            Underway::of(record.job, &approval, until, slot, &phase)
        });
        let screen = Screen {
            call: self.settings.call.clone(),
            hold: self.hold(),
            underway,
            ..papers.foreseen(&watermark, now, |job| self.history(job))
        };
        let refusal = screen.refusal(&TimeZone::system(), now);
        let refusal = refusal.as_ref().map(String::as_bytes);
        for shown in [
            show(&self.settings.nologin_file, refusal, REFUSAL_BEGINS),
            show(
                &self.settings.screen_file,
                Some(&codec::encode(&screen)),
                "",
            ),
        ] {
            if let Err(error) = shown {
                tracing::warn!(%error, "people at the machine are not told");
            }
        }
    }
}
