//! A rehearsal says once in a slot that it would have started: more would only take go
//! from others of its group.

use super::Installer;
use crate::authorise::Denied;
use crate::clock;
use patchward_common::id::JobId;
use patchward_common::job;
use patchward_common::time::{Interval, UtcMs};

impl Installer {
    /// The slots in which a job was rehearsed. None where HTM signs another mode now: then
    /// they are slots as any.
    pub fn rehearsed(&self, job: JobId) -> Vec<Interval> {
        let history = self.history(job).filter(|job| !job.state.is_open());
        let events = history.iter().flat_map(|history| &history.events);
        let mut slots = job::rehearsed(events.map(|(_, _, event)| event));
        let (watermark, papers) = self.snapshot();
        if !slots.is_empty() && !papers.rehearses(&watermark, clock::now()) {
            slots.clear();
        }
        slots
    }

    /// Refuses to rehearse a second time in a slot.
    pub(super) fn once_a_slot(&self, job: JobId, now: UtcMs) -> Result<(), Denied> {
        match self.rehearsed(job).iter().find(|slot| slot.contains(now)) {
            None => Ok(()),
            Some(slot) => Err(Denied::Wrong(format!(
                "job {job} was rehearsed in this slot already, which ends at {}",
                slot.end()
            ))),
        }
    }
}
