//! What of approved work is not done any more, as things stand.

use crate::control::Failure;
use crate::replan;
use crate::rollout::forbid::{halt_of, is_stopped};
use crate::rollout::replan::keeps_a_slot;
use crate::store::View;
use crate::store::documents::{Document, DocumentKind};
use crate::store::jobs::Job;
use crate::store::plans::{Plan, PlanState};
use crate::store::stops::Halt;
use patchward_common::codec;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::sign::Document as _;
use std::collections::BTreeMap;

/// What becomes of a machine's slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Work is done in it, was, or could have been.
    Stands,
    /// The machine does not need it: its work has ended.
    NotNeeded,
    /// Nothing starts in it, and why.
    Off(&'static str),
}

/// How a plan stands in one unit.
pub(super) struct Standing {
    state: PlanState,
    approval: Approval,
    jobs: BTreeMap<MachineId, Job>,
    allowed: Vec<Interval>,
    is_stopped: bool,
    halts: Vec<Halt>,
    plan: patchward_common::digest::Digest,
    now: UtcMs,
}

impl Standing {
    /// Reads it; `None` where the plan cannot be read, which whoever looks at it is told.
    pub(super) async fn read(
        view: &mut View,
        plan: &Plan,
        unit: &Name,
        now: UtcMs,
    ) -> Result<Option<Self>, Failure> {
        let payload = view.plan_payload(&plan.id).await?.unwrap_or_default();
        let Ok(approval) = codec::decode_deterministic::<Approval>(&payload, Approval::MAX_BYTES)
        else {
            return Ok(None);
        };
        let vendors = view.vendors_of(&approval.releases).await?;
        let stops: Vec<Document> = view.in_force(DocumentKind::Stop, now).await?;
        let jobs = view.jobs_of_plan(&plan.id).await?.into_iter();
        Ok(Some(Self {
            state: plan.state,
            allowed: replan::openings(view, unit, plan, &approval, now).await?,
            is_stopped: is_stopped(&stops, unit, &plan.id, &approval, &vendors),
            halts: view.halts().await?,
            jobs: jobs.map(|job| (job.machine, job)).collect(),
            plan: plan.id,
            approval,
            now,
        }))
    }

    /// What becomes of a slot of a machine of this model.
    pub(super) fn fate(&self, leaf: &PlanLeaf, model: Option<&Name>, slot: Interval) -> Fate {
        let job = self.jobs.get(&leaf.machine);
        let ended = job.filter(|job| job.state.is_final());
        if slot.end() <= self.now {
            // What was, was; what would have come after the end was not needed.
            return match ended.is_some_and(|job| job.since < slot.start()) {
                true => Fate::NotNeeded,
                false => Fate::Stands,
            };
        }
        if ended.is_some() {
            return Fate::NotNeeded;
        }
        if job.is_some_and(|job| job.state.is_open()) {
            return Fate::Stands;
        }
        if self.state == PlanState::Stopped || self.is_stopped {
            return Fate::Off("It is stopped.");
        }
        let wave = u32::from(leaf.wave);
        if halt_of(&self.halts, &self.plan, wave, &self.approval, model).is_some() {
            return Fate::Off("It is halted until a person has judged it.");
        }
        let only = PlanLeaf {
            slots: vec![slot],
            ..leaf.clone()
        };
        let longest_ms = self.approval.longest_run_ms();
        match keeps_a_slot(&only, &self.allowed, longest_ms, self.now) {
            true => Fate::Stands,
            false => Fate::Off("It is not allowed then: frozen, or its window is gone."),
        }
    }
}
