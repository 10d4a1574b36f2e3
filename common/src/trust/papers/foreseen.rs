//! What a machine's documents foresee, for the people who use it.

use super::Papers;
use crate::id::JobId;
use crate::job::History;
use crate::notice::{Over, Planned, Screen};
use crate::time::UtcMs;
use crate::trust::check;
use crate::trust::watermark::Watermark;

impl Papers {
    /// What is planned, and what was done last: of approvals that steps 1 to 4 let pass now, so
    /// that no agent puts words on a screen that no approver signed. Nothing is planned where
    /// HTM did not sign the machine `active`. `history` is what the journal says of a job.
    pub fn foreseen(
        &self,
        watermark: &Watermark,
        now: UtcMs,
        history: impl Fn(JobId) -> Option<History>,
    ) -> Screen {
        let mut screen = Screen::default();
        let Ok(authority) = self.authority(watermark, now) else {
            return screen;
        };
        let Ok(place) = self.place(&authority, watermark, now) else {
            return screen;
        };
        let may_install = place.may_install().is_ok();
        let stops = self.stops(&authority, &place, now);
        for placed in &self.documents.approvals {
            let (machine, signed) = (watermark.machine, &placed.signed);
            let approval = check::approval(&authority, &place.leaf, &stops, signed, now);
            let Ok(approval) = approval else { continue };
            let leaf =
                check::placement(machine, &place.leaf, &approval, &placed.leaf, &placed.proof);
            let Ok(leaf) = leaf else { continue };
            let job = JobId::of(signed.digest(), machine);
            let history = history(job).unwrap_or_default();
            screen.take_over(Over::of(job, &approval.title, &history));
            if may_install && !history.state.is_open() && !history.state.is_final() {
                screen.planned.push(Planned::of(job, &approval, leaf));
            }
        }
        screen
    }
}
