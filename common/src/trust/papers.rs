//! The documents that a machine keeps: only what verified when it came, so that an
//! agent cannot fill the disk, and verified again whenever it is used.

use crate::codec;
use crate::id::{BootId, JobId, MachineId, Nonce};
use crate::job::LocalHandover;
use crate::plan::MAX_LEAF_BYTES;
use crate::time::{Interval, UtcMs};
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::assignment::Mode;
use crate::trust::check::{self, Ask, Authority, Place, Refusal, Step, Stops, Why};
use crate::trust::sign::{Signed, Verified};
use crate::trust::stop::{Downgrade, Handover, Scope};
use crate::trust::watermark::Watermark;
use crate::wire::local::{Documents, Placed};
use serde::{Deserialize, Serialize};

mod foreseen;
mod take;

pub use take::{Taken, raise};

/// Most approvals that are kept; a machine waits for a handful.
const MAX_APPROVALS: usize = 64;
/// Most stops, lifts, downgrades or handovers of each sort.
const MAX_OTHERS: usize = 1_024;

/// Most bytes of all that is kept: what one request may bring, and what was there.
pub const MAX_PAPERS_BYTES: usize = 32 * 1024 * 1024;

/// What is kept, as one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Papers {
    /// Documents as they came. Charters begin with the watermark's.
    pub documents: Documents,
    /// Scopes that were stopped without a signature.
    pub unsigned_stops: Vec<Scope>,
}

impl Papers {
    /// Step 1 with what is kept.
    pub fn authority(&self, watermark: &Watermark, now: UtcMs) -> Result<Authority, Refusal> {
        let charters = &self.documents.charters;
        let known = charters
            .iter()
            .find(|charter| charter.digest() == watermark.charter.digest);
        // The newest charter is signed by its own root keys as well, and those the
        // watermark has.
        let known = known.and_then(|charter| watermark.root.verify(charter).ok());
        let roster = self.documents.roster.as_ref().ok_or(Refusal {
            step: Step::Roster,
            why: Why::Missing("roster"),
        })?;
        let at = charters
            .iter()
            .position(|c| c.digest() == watermark.charter.digest);
        let newer = charters.get(at.unwrap_or(0)..).unwrap_or_default();
        check::charter_and_roster(watermark, known.as_ref(), newer, roster, now)
    }

    /// Step 2 with what is kept.
    pub fn place(
        &self,
        authority: &Authority,
        watermark: &Watermark,
        now: UtcMs,
    ) -> Result<Place, Refusal> {
        let placed = self.documents.assignment.as_ref().ok_or(Refusal {
            step: Step::Assignment,
            why: Why::Missing("assignment"),
        })?;
        let Placed {
            signed,
            leaf,
            proof,
        } = placed;
        check::assignment(authority, watermark, signed, leaf, proof, now)
    }

    /// Whether HTM signed this machine `rehearse`, by steps 1 and 2.
    pub fn rehearses(&self, watermark: &Watermark, now: UtcMs) -> bool {
        let authority = self.authority(watermark, now);
        let place = authority.and_then(|authority| self.place(&authority, watermark, now));
        place.is_ok_and(|place| place.leaf.mode == Mode::Rehearse)
    }

    /// The approval of a job.
    pub fn approval(&self, job: JobId, machine: MachineId) -> Option<&Placed<Approval>> {
        let mut approvals = self.documents.approvals.iter();
        approvals.find(|placed| JobId::of(placed.signed.digest(), machine) == job)
    }

    /// The slot of a job that is open now, or else the next one.
    pub fn slot(&self, job: JobId, machine: MachineId, now: UtcMs) -> Option<Interval> {
        let placed = self.approval(job, machine)?;
        let leaf: PlanLeaf = codec::decode_deterministic(&placed.leaf, MAX_LEAF_BYTES).ok()?;
        leaf.slots.into_iter().find(|slot| now < slot.end())
    }

    /// The stops in force.
    pub fn stops(&self, authority: &Authority, place: &Place, now: UtcMs) -> Stops {
        let Documents { stops, lifts, .. } = &self.documents;
        Stops::in_force(authority, Some(&place.leaf), stops, lifts, now)
            .with_unsigned(self.unsigned_stops.iter().cloned())
    }

    /// The downgrades that a known person signed; who is enough, step 6 says.
    pub fn downgrades(&self, authority: &Authority, now: UtcMs) -> Vec<Verified<Downgrade>> {
        let keys = authority.roster.people_keys(now);
        let downgrades = self.documents.downgrades.iter();
        downgrades
            .filter_map(|signed| signed.verify(&keys).ok())
            .collect()
    }

    /// Whether somebody who may hands this machine over for the job in the slot that is
    /// open now; with the slot it ends.
    pub fn handed_over(
        &self,
        authority: &Authority,
        leaf: &PlanLeaf,
        place: &Place,
        job: JobId,
        local: Option<&LocalHandover>,
        now: UtcMs,
    ) -> bool {
        let Some(slot) = leaf.slots.iter().find(|slot| slot.contains(now)) else {
            return false;
        };
        // A handover answers for a job on a machine; the rest of an ask is the go's.
        let ask = Ask {
            job,
            machine: place.leaf.machine,
            boot: BootId([0; 16]),
            nonce: Nonce([0; 32]),
            age_ms: 0,
        };
        let counts = |signed: &Signed<Handover>| {
            check::handover(authority, &place.leaf, &ask, signed, *slot, now).is_ok()
        };
        self.documents.handovers.iter().any(counts)
            || local.is_some_and(|local| local.job == job && now < local.until)
    }

    /// Stops a scope without a signature.
    pub fn stop(&mut self, scope: Scope) {
        let scope = match self.unsigned_stops.len() < MAX_OTHERS {
            true => scope,
            false => Scope::All,
        };
        if !self.unsigned_stops.contains(&scope) {
            self.unsigned_stops.push(scope);
        }
    }
}

#[cfg(test)]
mod tests;
