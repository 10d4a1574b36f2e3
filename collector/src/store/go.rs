//! Go: counted, decided and issued in one transaction that holds the lock of every
//! coverage group of the machine. What forbids a start (a stop, a freeze, a hold, a halt)
//! takes the locks of all groups when it is added, so that it waits for the decisions
//! under way and is seen by every one after it.

mod locks;

pub(super) use locks::{lock_all_groups, lock_groups, lock_groups_and_none};

use super::documents::{Document, DocumentKind};
use super::holds::Hold;
use super::jobs::Job;
use super::machines::{Machine, MachineState, MachineStatus, Readiness};
use super::places::{Group, Unit};
use super::plans::Plan;
use super::sql::Tx;
use super::stops::Halt;
use super::value::{args, from_row};
use super::windows::{Feed, Freeze, Window};
use super::{Actor, Change, Store, StoreError, View};
use crate::rollout::go::run_from;
use crate::rollout::wave::Before;
use patchward_common::id::{JobId, MachineId, Name, Nonce};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::stop::Scope;
use patchward_common::wire::machine::InterlockWord;
use serde_json::json;

/// A machine asks to start a job.
#[derive(Clone, Copy, Debug)]
pub struct GoAsk {
    /// The machine, by its certificate.
    pub machine: MachineId,
    /// The job.
    pub job: JobId,
    /// The installer's nonce.
    pub nonce: Nonce,
    /// The longest that the job may run: freezes that begin within it count.
    pub longest_run_ms: i64,
}

/// Everything that a decision on go may look at, read under the locks.
#[derive(Clone, Debug)]
pub struct GoSnapshot {
    /// The machine.
    pub machine: Machine,
    /// What it last said of itself.
    pub status: Option<MachineStatus>,
    /// Its unit.
    pub unit: Unit,
    /// The job.
    pub job: Job,
    /// The job's plan.
    pub plan: Plan,
    /// How many jobs of the plan have failed or were rolled back since a person last
    /// resumed it.
    pub failures: u64,
    /// On how many machines of this one's model a release of the plan failed or was rolled
    /// back since HTM last judged it there; of several releases the most.
    pub of_model: u32,
    /// What came out of the wave before; `None` for the first.
    pub before: Option<Before>,
    /// The machine's groups, by name.
    pub groups: Vec<GroupSnapshot>,
    /// Every stop in force.
    pub stops: Vec<Document>,
    /// Every halt in force.
    pub halts: Vec<Halt>,
    /// Every hold in force.
    pub holds: Vec<Hold>,
    /// The windows of the machine's unit.
    pub windows: Vec<Window>,
    /// Every freeze that is in force before the longest run would be over.
    pub freezes: Vec<Freeze>,
    /// The calendars and when they were read.
    pub feeds: Vec<Feed>,
    /// Whether a restored database waits for a person's yes.
    pub awaits_confirmation: bool,
    /// Whether the machine reported events that are not turned into states of jobs yet.
    pub is_unread: bool,
    /// Another job of the machine that is under way.
    pub at_work: Option<JobId>,
}

/// One coverage group with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// The group and its rule.
    pub group: Group,
    /// Its members, by id; the machine that asks is one of them.
    pub members: Vec<Member>,
}

/// A member of a group, as far as readiness goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The machine.
    pub machine: MachineId,
    /// Whether it belongs to the fleet.
    pub state: MachineState,
    /// How far we may go on it.
    pub mode: Mode,
    /// How long a person's word counts that it is fit for use, where somebody gave it.
    pub vouched_until: Option<UtcMs>,
    /// What its readiness probes say; `None` before its first hello.
    pub readiness: Option<Readiness>,
    /// What its interlock says.
    pub interlock: Option<InterlockWord>,
    /// When it was last heard.
    pub heard_at: Option<UtcMs>,
    /// Until when the ward holds it.
    pub hold_until: Option<UtcMs>,
    /// The job for which it has a go whose end is not reported.
    pub go: Option<JobId>,
    /// Its open job.
    pub open_job: Option<JobId>,
}
from_row!(Member {
    machine,
    state,
    mode,
    vouched_until,
    readiness,
    interlock,
    heard_at,
    hold_until,
    go,
    open_job
});

/// What became of an ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoOutcome<R> {
    /// These bytes are the go; durable before they were given back.
    Issued(Vec<u8>),
    /// The decision said no. Nothing was stored.
    Refused(R),
}

/// A go that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Go {
    /// The nonce that it answers.
    pub nonce: Nonce,
    /// Its job.
    pub job: JobId,
    /// Its machine.
    pub machine: MachineId,
    /// When it was issued.
    pub issued_at: UtcMs,
    /// When its end was reported.
    pub ended_at: Option<UtcMs>,
    /// By what.
    pub ended_by: Option<String>,
}
from_row!(Go {
    nonce,
    job,
    machine,
    issued_at,
    ended_at,
    ended_by
});

impl Store {
    /// Decides on a go. `decide` gets what stands in the database under the locks and gives
    /// back the signed go's bytes, or its reason to refuse; it may be long, but must not
    /// wait. It decides anew each time: a stop that came since is not passed by asking
    /// twice. Where it agrees, the same nonce for the same job gets the bytes that it got
    /// before, while that go has not ended; another nonce of the machine takes the place
    /// of the one before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the job is not this machine's.
    pub async fn decide_go<R>(
        &self,
        ask: &GoAsk,
        now: UtcMs,
        decide: impl FnOnce(&GoSnapshot) -> Result<Vec<u8>, R>,
    ) -> Result<GoOutcome<R>, StoreError> {
        let mut change = self.change(Actor::Collector, now).await?;
        change.lock_groups_of(&ask.machine).await?;
        let snapshot = change.view().go_snapshot(ask, now).await?;
        let token = match decide(&snapshot) {
            Ok(token) => token,
            Err(refusal) => return Ok(GoOutcome::Refused(refusal)),
        };
        // Answered before, and the answer was lost on the way.
        let again: Option<(Vec<u8>,)> = change
            .view()
            .tx
            .first(
                "SELECT token FROM goes
                 WHERE nonce = $1 AND machine = $2 AND job = $3 AND ended_at IS NULL",
                args![ask.nonce, ask.machine, ask.job],
            )
            .await?;
        if let Some((token,)) = again {
            return Ok(GoOutcome::Issued(token));
        }
        let tx = change.step("go.issue", ask.job, json!({ "machine": ask.machine }));
        tx.execute(
            "UPDATE goes SET ended_at = $2, ended_by = 'another nonce'
             WHERE machine = $1 AND ended_at IS NULL",
            args![ask.machine, now],
        )
        .await?;
        tx.execute(
            "INSERT INTO goes (nonce, job, machine, token, issued_at) VALUES ($1, $2, $3, $4, $5)",
            args![ask.nonce, ask.job, ask.machine, token, now],
        )
        .await?;
        change.done();
        change.commit().await?;
        Ok(GoOutcome::Issued(token))
    }
}

impl View {
    /// The goes whose end is not reported, oldest first.
    pub async fn outstanding_goes(&mut self) -> Result<Vec<Go>, StoreError> {
        self.tx
            .all(
                "SELECT nonce, job, machine, issued_at, ended_at, ended_by FROM goes
                 WHERE ended_at IS NULL ORDER BY issued_at, nonce",
                args![],
            )
            .await
    }

    /// Every go of a job, oldest first.
    pub async fn goes_of(&mut self, job: &JobId) -> Result<Vec<Go>, StoreError> {
        self.tx
            .all(
                "SELECT nonce, job, machine, issued_at, ended_at, ended_by FROM goes
                 WHERE job = $1 ORDER BY issued_at, nonce",
                args![job],
            )
            .await
    }

    /// A job's go whose end is not reported: the nonce that it answers, and its bytes.
    pub async fn outstanding_go(
        &mut self,
        job: &JobId,
    ) -> Result<Option<(Nonce, Vec<u8>)>, StoreError> {
        self.tx
            .first(
                "SELECT nonce, token FROM goes WHERE job = $1 AND ended_at IS NULL",
                args![job],
            )
            .await
    }

    /// What [`Store::decide_go`] shows to a decision, without the locks: for forecasts and
    /// for explaining.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the job is not this machine's.
    pub async fn go_snapshot(&mut self, ask: &GoAsk, now: UtcMs) -> Result<GoSnapshot, StoreError> {
        let job = self
            .job(&ask.job)
            .await?
            .filter(|job| job.machine == ask.machine)
            .ok_or_else(|| StoreError::missing("job of this machine", ask.job))?;
        let machine = self.need_machine(&ask.machine).await?;
        let run = run_from(now, ask.longest_run_ms)
            .ok_or_else(|| StoreError::Invalid("the last instant of all".into()))?;
        let mut groups = Vec::new();
        for name in self.groups_of(&ask.machine).await? {
            groups.push(self.group_snapshot(&name).await?);
        }
        Ok(GoSnapshot {
            status: self.machine_status(&ask.machine).await?,
            unit: self.need_unit(&machine.unit).await?,
            plan: self.need_plan(&job.plan).await?,
            failures: self.failures(&job.plan).await?,
            of_model: self.wrong_on_model(&job.plan, &machine.model).await?,
            before: self.wave_before(&job.plan, job.wave).await?,
            windows: self.windows(Some(&machine.unit)).await?,
            stops: self.in_force(DocumentKind::Stop, now).await?,
            halts: self.halts().await?,
            holds: self.holds(now).await?,
            freezes: self.freezes(run).await?,
            feeds: self.feeds().await?,
            awaits_confirmation: self.awaits_confirmation().await?,
            is_unread: self.is_unread(&ask.machine).await?,
            at_work: self.at_work(&ask.machine, &ask.job).await?,
            machine,
            job,
            groups,
        })
    }

    /// A group with its members as they stand.
    pub async fn group_snapshot(&mut self, name: &Name) -> Result<GroupSnapshot, StoreError> {
        let group = self.need_group(name).await?;
        let members = self
            .tx
            .all(
                "SELECT m.id, m.state, m.mode, word.until, s.readiness, s.interlock, seen.at, s.hold_until,
                        g.job, j.id
                 FROM group_members gm
                 JOIN machines m ON m.id = gm.machine
                 LEFT JOIN assets a ON a.machine = m.id
                 LEFT JOIN member_statements word ON word.asset = a.tag
                 LEFT JOIN machine_status s ON s.machine = m.id
                 LEFT JOIN machine_seen seen ON seen.machine = m.id
                 LEFT JOIN goes g ON g.machine = m.id AND g.ended_at IS NULL
                 LEFT JOIN jobs j ON j.machine = m.id AND j.standing = 'open'
                 WHERE gm.group_name = $1 ORDER BY m.id",
                args![name],
            )
            .await?;
        Ok(GroupSnapshot { group, members })
    }
}

impl Change {
    /// Takes the locks of a machine's groups until this change ends: no go is decided on
    /// for it in between. Whoever moves it to other groups takes the locks of those it
    /// had.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where the machine was moved to other groups meanwhile.
    pub async fn lock_groups_of(&mut self, machine: &MachineId) -> Result<(), StoreError> {
        let groups = self.view().groups_of(machine).await?;
        lock_groups(&mut self.view().tx, &groups).await?;
        if self.view().groups_of(machine).await? != groups {
            return Err(StoreError::Busy);
        }
        Ok(())
    }

    /// Notes that a job's go has ended without a final state: the machine refused, or its
    /// slot passed. Gives back whether there was one.
    pub async fn end_go(&mut self, job: &JobId, by: &str) -> Result<bool, StoreError> {
        let now = self.now();
        let tx = self.step("go.end", job, json!({ "by": by }));
        let ended = end_goes(tx, job, by, now).await?;
        self.done();
        Ok(ended > 0)
    }
}

pub(super) async fn end_goes(
    tx: &mut Tx,
    job: &JobId,
    by: &str,
    now: UtcMs,
) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE goes SET ended_at = $2, ended_by = $3 WHERE job = $1 AND ended_at IS NULL",
        args![job, now, by],
    )
    .await
}

/// A scope as two columns.
pub(super) fn scope_columns(scope: &Scope) -> (&'static str, String) {
    match scope {
        Scope::Plan(digest) => ("plan", digest.to_string()),
        Scope::Release(digest) => ("release", digest.to_string()),
        Scope::Vendor(name) => ("vendor", name.to_string()),
        Scope::Unit(name) => ("unit", name.to_string()),
        Scope::All => ("all", String::new()),
    }
}
