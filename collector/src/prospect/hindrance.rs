//! What keeps a machine of a plan from being done whatever its slots are, with who can
//! change it.

use crate::control::Failure;
use crate::item::Owner;
use crate::item::machine::Exception;
use crate::quarantine;
use crate::replan;
use crate::rollout::model;
use crate::rollout::replan::keeps;
use crate::store::View;
use crate::store::documents::{Document, DocumentKind};
use crate::store::machines::MachineLine;
use crate::store::plans::Plan;
use crate::store::stops::{EVERY_WAVE, Halt, HaltScope};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::sign::Document as _;
use std::collections::{BTreeMap, HashMap};

/// Why a machine cannot be done as things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// Why, in words.
    pub reason: String,
    /// Who can change it.
    pub owner: Owner,
}

/// One with its reason.
pub(super) fn because(owner: Owner, reason: impl Into<String>) -> Hindrance {
    let reason = reason.into();
    Hindrance { reason, owner }
}

/// What is the same for all machines of a plan.
#[derive(Debug)]
pub(super) struct Ground {
    /// `None` where it cannot be read.
    approval: Option<Approval>,
    plan: Plan,
    vendors: Vec<Name>,
    stops: Vec<Document>,
    halts: Vec<Halt>,
    exceptions: BTreeMap<MachineId, Exception>,
    /// What its machines keep in quarantine.
    barred: HashMap<MachineId, Vec<Digest>>,
    openings: BTreeMap<Name, Vec<Interval>>,
    now: UtcMs,
}

impl Ground {
    /// Reads it; `waits` are the machines on which work is still to begin.
    pub(super) async fn read(
        view: &mut View,
        plan: &Plan,
        waits: impl Fn(&MachineId) -> bool,
        now: UtcMs,
    ) -> Result<Self, Failure> {
        let payload = view.plan_payload(&plan.id).await?.unwrap_or_default();
        let approval: Option<Approval> =
            codec::decode_deterministic(&payload, Approval::MAX_BYTES).ok();
        let releases = approval
            .as_ref()
            .map_or(&[][..], |approval| &approval.releases);
        let vendors = view.vendors_of(releases).await?;
        let gone_wrong = view.gone_wrong_in(&plan.id).await?;
        let gone_wrong: Vec<MachineId> = gone_wrong.into_iter().filter(waits).collect();
        Ok(Self {
            approval,
            plan: plan.clone(),
            vendors,
            stops: view.in_force(DocumentKind::Stop, now).await?,
            halts: view.halts().await?,
            exceptions: view.exceptions().await?,
            barred: quarantine::of_machines(view, &gone_wrong).await?,
            openings: BTreeMap::new(),
            now,
        })
    }

    /// The slots of a machine that can still be used, or what is in the way of all.
    pub(super) async fn slots(
        &mut self,
        view: &mut View,
        leaf: &PlanLeaf,
        line: Option<&MachineLine>,
    ) -> Result<Result<Vec<Interval>, Hindrance>, Failure> {
        let Some(approval) = &self.approval else {
            let why = "its plan is damaged; compare the database with a backup";
            return Ok(Err(because(Owner::It, why)));
        };
        if let Some(hindrance) = self.of_all_slots(approval, leaf, line) {
            return Ok(Err(hindrance));
        }
        if let Some(barred) = self.barred.get(&leaf.machine) {
            let is_barred = |digest| barred.contains(digest) && !approval.clears.contains(digest);
            if approval.artifacts().any(|one| is_barred(&one.sha256)) {
                let why = "it keeps the release in quarantine, and the plan does not clear it; \
                           plan it again with `--clear`";
                return Ok(Err(because(Owner::Htm, why)));
            }
        }
        if !self.openings.contains_key(&leaf.unit) {
            let (unit, plan) = (&leaf.unit, &self.plan);
            let openings = replan::openings(view, unit, plan, approval, self.now).await?;
            self.openings.insert(leaf.unit.clone(), openings);
        }
        let allowed: &[Interval] = self.openings.get(&leaf.unit).map_or(&[], Vec::as_slice);
        let longest_ms = approval.longest_run_ms();
        let is_kept = |slot: &&Interval| keeps(slot, allowed, longest_ms, self.now);
        let slots: Vec<Interval> = leaf.slots.iter().filter(is_kept).copied().collect();
        Ok(match slots.is_empty() {
            false => Ok(slots),
            true => {
                let why = "it has no slot left where work is allowed; `plan again` makes one";
                Err(because(Owner::Htm, why))
            }
        })
    }

    /// What is in the way, whichever slot it is.
    fn of_all_slots(
        &self,
        approval: &Approval,
        leaf: &PlanLeaf,
        line: Option<&MachineLine>,
    ) -> Option<Hindrance> {
        let Some(line) = line else {
            return Some(because(
                Owner::It,
                "it does not belong to the fleet any more",
            ));
        };
        if matches!(line.mode, Mode::Observe | Mode::Rehearse) {
            let mode = line.mode.word();
            let why = format!("its mode is {mode}, and nothing is installed; assign it active");
            return Some(because(Owner::Htm, why));
        }
        if (&leaf.unit, leaf.class) != (&line.unit, line.class) {
            let why = "it is in another unit or class since; plan it again";
            return Some(because(Owner::Htm, why));
        }
        let exception = self.exceptions.get(&leaf.machine);
        if let Some(exception) = exception.filter(|exception| self.now < exception.until) {
            let why = format!("it is left as it is until {}", exception.until);
            return Some(because(Owner::Security, why));
        }
        if self
            .stops
            .iter()
            .any(|stop| self.is_stopped_by(stop, approval, line))
        {
            let why = "it is stopped: `stop list` shows by what";
            return Some(because(Owner::Htm, why));
        }
        let halted = self
            .halts
            .iter()
            .find(|halt| self.is_halted_by(halt, approval, (leaf, line)));
        halted.map(|halt| because(Owner::Htm, format!("halted: {}", halt.reason)))
    }

    /// As a go judges it: a scope that is not known stops everything.
    fn is_stopped_by(&self, stop: &Document, approval: &Approval, line: &MachineLine) -> bool {
        let subject = stop.subject.as_deref().unwrap_or_default();
        match stop.scope.as_deref() {
            Some("unit") => subject == line.unit.as_str(),
            Some("plan") => subject == self.plan.id.to_string(),
            Some("release") => {
                let mut releases = approval.releases.iter();
                releases.any(|release| subject == release.sha256.to_string())
            }
            Some("vendor") => self.vendors.iter().any(|one| subject == one.as_str()),
            _ => true,
        }
    }

    fn is_halted_by(
        &self,
        halt: &Halt,
        approval: &Approval,
        (leaf, line): (&PlanLeaf, &MachineLine),
    ) -> bool {
        match halt.scope {
            HaltScope::Plan => {
                let is_wave = halt.wave == EVERY_WAVE || halt.wave == u32::from(leaf.wave);
                is_wave && halt.subject == self.plan.id.to_string()
            }
            HaltScope::ReleaseOnModel => approval.releases.iter().any(|release| {
                halt.subject == model::subject(&release.sha256, line.model.as_str())
            }),
        }
    }
}
