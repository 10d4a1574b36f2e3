//! Steps 8 to 11, which are asked at the start and again on the way.

use super::Papered;
use crate::simulate::fault::Fault;
use crate::simulate::installer::Denied;
use crate::simulate::mutant::Mutant;
use crate::simulate::world::World;
use patchward_common::id::JobId;
use patchward_common::job::Reason;
use patchward_common::time::Interval;
use patchward_common::trust::check::{self, Ask, Interlock, Stops};
use patchward_common::trust::go::{CLOCK_BOUND_MS, Go};
use patchward_common::trust::sign::Signed;

impl World {
    /// Steps 8 to 11.
    pub(super) fn moment(
        &mut self,
        m: usize,
        papered: &Papered,
        ask: &Ask,
        signed: &Signed<Go>,
        longest_run_ms: i64,
    ) -> Result<(Interval, String), Denied> {
        let now = self.clock_of(m);
        // 8 go.
        let clock = match (self.mutant, signed.peek()) {
            (Some(Mutant::GoWithoutNonce), Ok(go)) => {
                let ask = Ask {
                    nonce: go.nonce,
                    ..ask.clone()
                };
                check::go(&papered.authority, &ask, signed, now)?.clock
            }
            (Some(Mutant::GoOfAnyKey), Ok(go)) => go.clock,
            _ => check::go(&papered.authority, ask, signed, now)?.clock,
        };
        // 9 time.
        let seen = self.machines[m].disk.watermark.time;
        let compared = match self.mutant {
            Some(Mutant::ClockBoundSkipped) => now,
            _ => clock,
        };
        let age_ms = match self.mutant {
            Some(Mutant::ClockBoundSkipped) => 0,
            _ => ask.age_ms,
        };
        let leaf = &papered.leaf;
        let slot = check::time(seen, (compared, age_ms), leaf, longest_run_ms, now);
        let slot = match (self.mutant, papered.leaf.slots.first()) {
            (Some(Mutant::SlotSkipped), Some(first)) => Ok(*first),
            _ => slot,
        };
        if now.since_ms(clock).saturating_abs() <= CLOCK_BOUND_MS {
            self.raise(m, |watermark| watermark.time = watermark.time.max(clock))?;
        }
        let slot = slot?;
        // 10 and 11.
        let interlock = match self.mutant {
            Some(Mutant::InterlockSkipped) => "idle".to_owned(),
            _ => self.undisturbed(m, papered, ask.job)?,
        };
        Ok((slot, interlock))
    }

    /// Steps 10 and 11.
    fn undisturbed(&mut self, m: usize, papered: &Papered, job: JobId) -> Result<String, Denied> {
        let now = self.clock_of(m);
        let Papered {
            authority,
            place,
            approval,
            leaf,
            ..
        } = papered;
        // 10 hold and stop.
        let (mut stops, mut held) = (papered.stops.clone(), self.machines[m].disk.held_until);
        match self.mutant {
            Some(Mutant::StopIgnored) => stops = Stops::default(),
            Some(Mutant::HoldIgnored) => held = None,
            _ => {}
        }
        check::hold_and_stop(held, &stops, approval, &place.leaf, &authority.charter, now)?;
        // 11 interlock.
        let local = self.machines[m].disk.handover.clone();
        let papers = &papered.papers;
        let handed_over = papers.handed_over(authority, leaf, place, job, local.as_ref(), now);
        let found = self.interlock(m, handed_over);
        match &found {
            Interlock::Idle => {}
            Interlock::InUse(_) => self.count(Fault::InUse),
            Interlock::Unknown(_) => self.count(Fault::UseUnknown),
        }
        check::interlock(&found)?;
        Ok("idle".to_owned())
    }

    /// Steps 10 and 11 on the way.
    pub(in crate::simulate) fn ask_again(&mut self, m: usize, job: JobId) -> Result<(), Reason> {
        let reason = |denied: Denied| match denied {
            Denied::Refused(reason) => reason,
            _ => Reason::new("it could not be asked"),
        };
        let papered = self.papers(m, job).map_err(reason)?;
        self.undisturbed(m, &papered, job)
            .map(|_| ())
            .map_err(reason)
    }
}
