//! A machine handed over at the machine itself.

use crate::id::{JobId, Label};
use crate::time::{Interval, UtcMs};
use crate::wire::local::MAX_HOLD_MS;
use serde::{Deserialize, Serialize};

/// A stand-in named at the machine itself, for the profile `handover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalHandover {
    /// The job.
    pub job: JobId,
    /// Until when.
    pub until: UtcMs,
    /// What the ward uses meanwhile.
    pub stand_in: Label,
}

impl LocalHandover {
    /// As it counts: for the job's slot that is open now or comes next, and ending with it.
    ///
    /// # Errors
    /// What to do, where there is no such slot or it begins too late.
    pub fn within(self, slot: Option<Interval>, now: UtcMs) -> Result<Self, String> {
        let slot = slot.ok_or("this job has no slot here that is open or still comes")?;
        let until = self.until.min(slot.end()).min(now.plus_ms(MAX_HOLD_MS));
        if until <= slot.start() {
            let starts = slot.start();
            return Err(format!(
                "the job's slot only begins at {starts}; say it then"
            ));
        }
        Ok(Self { until, ..self })
    }
}
