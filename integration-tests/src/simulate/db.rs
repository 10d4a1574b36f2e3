//! The store, as a value: what a transaction reads and writes. A crash before COMMIT leaves
//! it as it was; a crash after COMMIT loses the answer alone.

use patchward_collector::store::holds::Hold;
use patchward_collector::store::jobs::Job;
use patchward_collector::store::machines::{Machine as MachineRow, MachineStatus};
use patchward_collector::store::places::{Group, Unit};
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::stops::Halt;
use patchward_collector::store::windows::{Feed, Freeze, Window};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label, MachineId, Name, Nonce, OutboxId};
use patchward_common::job::JobEvent;
use patchward_common::plan::{PlacedLeaf, Table};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::go::Go;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::Signed;
use patchward_common::trust::stop::{Handover, Lift, Stop};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A plan with all that it consists of.
#[derive(Clone)]
pub(super) struct PlanRow {
    pub(super) digest: Digest,
    pub(super) title: Label,
    pub(super) table: Table<Approval>,
    pub(super) approval: Rc<Approval>,
    pub(super) leaves: Rc<Vec<PlanLeaf>>,
    pub(super) placed: Rc<Vec<PlacedLeaf>>,
    pub(super) state: PlanState,
    pub(super) made_at: UtcMs,
}

impl PlanRow {
    pub(super) fn leaf(&self, machine: MachineId) -> Option<(&PlanLeaf, &PlacedLeaf)> {
        let at = self
            .leaves
            .binary_search_by_key(&machine, |leaf| leaf.machine);
        at.ok().map(|at| (&self.leaves[at], &self.placed[at]))
    }
}

/// A go that was issued.
#[derive(Clone)]
pub(super) struct GoRow {
    pub(super) job: JobId,
    pub(super) token: Signed<Go>,
    pub(super) issued_at: UtcMs,
    pub(super) has_ended: bool,
}

/// An outbox's events in the order of their rows.
#[derive(Clone, Default)]
pub(super) struct OutboxRows {
    pub(super) events: Vec<(u64, Rc<Signed<JobEvent>>)>,
    pub(super) end: Digest,
    pub(super) consumed: usize,
}

/// A stop with what the collector knows of it.
#[derive(Clone)]
pub(super) struct StopRow {
    pub(super) signed: Signed<Stop>,
    pub(super) stop: Stop,
    pub(super) digest: Digest,
    pub(super) is_lifted: bool,
    pub(super) at: UtcMs,
}

#[derive(Clone)]
pub(super) struct Db {
    pub(super) machines: Vec<MachineRow>,
    pub(super) statuses: Vec<Option<MachineStatus>>,
    pub(super) units: Vec<Unit>,
    pub(super) groups: BTreeMap<Name, Group>,
    /// The members of each group, by index of machine.
    pub(super) members: BTreeMap<Name, Vec<usize>>,
    pub(super) roster: Rc<(Roster, Signed<Roster>)>,
    /// How many of the hospital's assignments it has.
    pub(super) assignments: usize,
    pub(super) plans: Vec<PlanRow>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    /// What a person judged of jobs that went wrong, until they go on.
    pub(super) judged: BTreeMap<JobId, u8>,
    /// Waves that a person opened.
    pub(super) openings: BTreeSet<(Digest, u32)>,
    /// The newest go of each machine is the one that counts.
    pub(super) goes: BTreeMap<Nonce, GoRow>,
    pub(super) go_of: BTreeMap<MachineId, Nonce>,
    /// The go of each job's newest start.
    pub(super) last_go_used: BTreeMap<JobId, Digest>,
    pub(super) stops: Vec<StopRow>,
    pub(super) lifts: Vec<Signed<Lift>>,
    pub(super) handovers: Vec<(MachineId, Signed<Handover>)>,
    pub(super) halts: Vec<Halt>,
    pub(super) holds: Vec<Hold>,
    pub(super) windows: Vec<Window>,
    pub(super) freezes: Vec<Freeze>,
    pub(super) feeds: Vec<Feed>,
    pub(super) outboxes: BTreeMap<(MachineId, OutboxId), OutboxRows>,
    /// Machines with events that are stored and not yet turned into states of jobs.
    pub(super) to_consume: BTreeSet<usize>,
    /// Events that came before their jobs were here, and the machines that sent them.
    pub(super) early: BTreeMap<JobId, Vec<(usize, JobEvent)>>,
    /// Rises with every change of a job, of a judgement, of a go's end or of a plan's state.
    pub(super) changes: u64,
    pub(super) awaits_confirmation: bool,
    /// Rises with everything that changes what machines are given.
    pub(super) orders: u64,
}

impl Db {
    pub(super) fn plan(&self, digest: Digest) -> Option<&PlanRow> {
        self.plans.iter().find(|plan| plan.digest == digest)
    }

    pub(super) fn plan_mut(&mut self, digest: Digest) -> Option<&mut PlanRow> {
        self.plans.iter_mut().find(|plan| plan.digest == digest)
    }

    /// The open job of a machine.
    pub(super) fn open_job(&self, machine: MachineId) -> Option<JobId> {
        let mut jobs = self.jobs.values();
        let found = jobs.find(|job| job.machine == machine && job.state.is_open());
        found.map(|job| job.id)
    }

    /// The job for which a machine has a go whose end is not reported.
    pub(super) fn outstanding(&self, machine: MachineId) -> Option<&GoRow> {
        let go = self
            .go_of
            .get(&machine)
            .and_then(|nonce| self.goes.get(nonce));
        go.filter(|go| !go.has_ended)
    }

    /// The end of the newest go of a machine is known, where it is for this job.
    pub(super) fn end_go(&mut self, machine: MachineId, job: JobId) {
        if let Some(nonce) = self.go_of.get(&machine)
            && let Some(go) = self.goes.get_mut(nonce)
            && go.job == job
        {
            go.has_ended = true;
            self.changes += 1;
        }
    }
}
