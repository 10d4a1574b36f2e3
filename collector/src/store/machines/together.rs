//! What the fleet asks of a machine when it comes, and of all when a plan came: those who are
//! asked for at once are read together ([`crate::store::queue`]), in a handful of statements.

use super::{MAX_GROUP, Machine, MachineState, MachineStatus};
use crate::store::inventory::MachineSet;
use crate::store::jobs::Job;
use crate::store::plans::Leaf;
use crate::store::queue::{Entry, Results};
use crate::store::sql::Tx;
use crate::store::value::{FromRow, Row, Value, args, from_row};
use crate::store::{Engine, Store, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId, Name, OutboxId};
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::InterlockWord;
use std::collections::{BTreeSet, HashMap};

/// What is stored of a machine that belongs to the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquainted {
    /// Its installer's key, SubjectPublicKeyInfo in DER.
    pub spki: Vec<u8>,
    /// Its care area.
    pub unit: Name,
    /// When two machines seemed to have its identity.
    pub clone_suspected_at: Option<UtcMs>,
    /// The digest of its components; `None` before its first inventory.
    pub set: Option<Digest>,
    /// What it last said of itself; `None` before its first hello.
    pub status: Option<MachineStatus>,
    /// The end of its newest outbox; `None` where it has none.
    pub journal: Option<OutboxEnd>,
}

/// How far an outbox is stored without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEnd {
    /// The outbox.
    pub outbox: OutboxId,
    /// The sequence of the last event before a gap; 0 for none.
    pub sequence: u64,
    /// That event's exact bytes.
    pub event: Option<Vec<u8>>,
}
from_row!(OutboxEnd {
    outbox,
    sequence,
    event
});

/// What a machine reported last, as far as plans look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Its facts, as they came.
    pub facts: Option<Vec<u8>>,
    /// What its interlock says.
    pub interlock: Option<InterlockWord>,
    /// The digest of its components.
    pub set: Option<Digest>,
}
from_row!(Reported {
    facts,
    interlock,
    set
});

/// The tables that a machine stands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The newest assignment that has a row for it.
    pub assignment: Option<Digest>,
    /// The plans in force that have a leaf for it, oldest first.
    pub plans: Vec<Digest>,
}

/// Machines as they were enrolled.
const MACHINES: &str = "SELECT id, id, spki, name, unit, class, model, mode, state, enrolled_at,
                               clone_suspected_at, clone_reason
                        FROM wanted CROSS JOIN machines WHERE id = w";
/// What machines have.
const SETS: &str = "SELECT machine, digest FROM wanted CROSS JOIN machine_sets WHERE machine = w";
/// What they last said of themselves.
const STATUSES: &str = "SELECT machine, boot, agent_version, installer_version, readiness,
                               interlock, hold_until, watermark, fingerprint
                        FROM wanted CROSS JOIN machine_status WHERE machine = w";

impl View {
    /// These machines, in every state; of those that there are.
    pub async fn these_machines(
        &mut self,
        machines: impl IntoIterator<Item = MachineId>,
    ) -> Result<HashMap<MachineId, Machine>, StoreError> {
        last(&mut self.tx, machines, MACHINES).await
    }

    /// What plans look at of machines, of each that is asked for.
    pub async fn reported_by(
        &mut self,
        machines: &[MachineId],
    ) -> Result<HashMap<MachineId, Reported>, StoreError> {
        let sql = "SELECT w, f.facts, s.interlock, c.digest FROM wanted
                   LEFT JOIN machine_facts f ON f.machine = w
                   LEFT JOIN machine_status s ON s.machine = w
                   LEFT JOIN machine_sets c ON c.machine = w";
        last(&mut self.tx, machines.iter().copied(), sql).await
    }

    /// The digests of the components of machines; of those that told.
    pub async fn sets_of(
        &mut self,
        machines: &[MachineId],
    ) -> Result<HashMap<MachineId, Digest>, StoreError> {
        let found = last(&mut self.tx, machines.iter().copied(), SETS).await?;
        Ok(found.into_iter().map(|(id, (set,))| (id, set)).collect())
    }

    /// The same with since when they have them.
    pub async fn these_sets(
        &mut self,
        machines: &[MachineId],
    ) -> Result<HashMap<MachineId, MachineSet>, StoreError> {
        let sql = "SELECT machine, machine, digest, since
                   FROM wanted CROSS JOIN machine_sets WHERE machine = w";
        last(&mut self.tx, machines.iter().copied(), sql).await
    }

    /// The jobs for which machines have a go whose end is not reported.
    pub async fn going(
        &mut self,
        machines: &[MachineId],
    ) -> Result<HashMap<MachineId, JobId>, StoreError> {
        let sql = "SELECT machine, job FROM wanted CROSS JOIN goes
                   WHERE machine = w AND ended_at IS NULL";
        let found = last(&mut self.tx, machines.iter().copied(), sql).await?;
        Ok(found.into_iter().map(|(id, (job,))| (id, job)).collect())
    }

    /// The jobs of these machines, each newest first; of those that have any.
    pub async fn jobs_of_machines(
        &mut self,
        machines: &[MachineId],
    ) -> Result<HashMap<MachineId, Vec<Job>>, StoreError> {
        let sql = "SELECT machine, id, plan, machine, wave, state, since, attempt, slot_start,
                          slot_end, generation
                   FROM wanted CROSS JOIN jobs WHERE machine = w ORDER BY since DESC, id";
        by_machine(&mut self.tx, machines, sql).await
    }

    /// The jobs of these machines that are not over, and those that ended in another way than in
    /// service with no return to service since; each newest first, of those that have any.
    pub async fn unreturned_jobs_of(
        &mut self,
        machines: &[MachineId],
    ) -> Result<HashMap<MachineId, Vec<Job>>, StoreError> {
        let sql = "SELECT machine, id, plan, machine, wave, state, since, attempt, slot_start,
                          slot_end, generation
                   FROM wanted CROSS JOIN jobs
                   WHERE machine = w AND word <> 'in_service' AND (standing <> 'ended' OR NOT EXISTS
                       (SELECT 1 FROM jobs later
                        WHERE later.machine = w AND later.word = 'in_service'
                            AND (later.since > jobs.since
                                OR (later.since = jobs.since AND later.id > jobs.id))))
                   ORDER BY since DESC, id";
        by_machine(&mut self.tx, machines, sql).await
    }

    /// The leaves of these machines in plans that are in force, oldest first; of those that have
    /// any.
    pub async fn leaves_in_force(
        &mut self,
        machines: &[MachineId],
    ) -> Result<HashMap<MachineId, Vec<(Digest, Leaf)>>, StoreError> {
        let sql = "SELECT l.machine, p.id, l.machine, l.wave, l.leaf
                   FROM wanted CROSS JOIN plan_leaves l JOIN plans p ON p.id = l.plan
                   WHERE l.machine = w AND p.state = 'active' ORDER BY p.created_at, p.id";
        let found = by_machine::<(Digest, MachineId, u32, Vec<u8>)>(&mut self.tx, machines, sql);
        let leaf = |(plan, machine, wave, bytes)| {
            (
                plan,
                Leaf {
                    machine,
                    wave,
                    bytes,
                },
            )
        };
        let found = found.await?.into_iter();
        let found = found.map(|(id, rows)| (id, rows.into_iter().map(leaf).collect()));
        Ok(found.collect())
    }

    /// Every job of those of these machines of which one failed or went back.
    pub async fn jobs_of_failed(&mut self, machines: &[MachineId]) -> Result<Vec<Job>, StoreError> {
        let sql = "SELECT machine, id, plan, machine, wave, state, since, attempt, slot_start,
                          slot_end, generation
                   FROM wanted CROSS JOIN jobs WHERE machine = w AND EXISTS
                       (SELECT 1 FROM jobs one
                        WHERE one.machine = w AND one.word <> 'in_service'
                            AND one.word IN ('failed', 'rolled_back'))";
        let rows = all(&mut self.tx, machines.iter().copied(), sql).await?;
        Ok(rows.into_iter().map(|Of(_, job)| job).collect())
    }
}

impl Store {
    /// What is known of a machine; `None` where none of this id belongs to the fleet.
    pub async fn acquainted(&self, machine: &MachineId) -> Result<Option<Acquainted>, StoreError> {
        self.acquaintances.put(Acquaintance(*machine)).await
    }

    /// The tables that a machine stands in.
    pub async fn standing(&self, machine: &MachineId) -> Result<Standing, StoreError> {
        self.standings.put(Stands(*machine)).await
    }
}

/// Somebody asks what is known of a machine.
pub(in crate::store) struct Acquaintance(MachineId);

impl Entry for Acquaintance {
    type Answer = Option<Acquainted>;
    type Error = StoreError;
    const MAX_GROUP: usize = MAX_GROUP;
    const READS: bool = true;

    async fn together(engine: &Engine, entries: &[Self]) -> Result<Results<Self>, StoreError> {
        let asked = || entries.iter().map(|one| one.0);
        let tx = &mut engine.view().await?;
        let machines: HashMap<_, Machine> = last(tx, asked(), MACHINES).await?;
        let sets: HashMap<_, (Digest,)> = last(tx, asked(), SETS).await?;
        let statuses: HashMap<_, MachineStatus> = last(tx, asked(), STATUSES).await?;
        let ends: HashMap<_, OutboxEnd> = last(
            tx,
            asked(),
            "SELECT o.machine, o.outbox, o.contiguous, e.bytes
                 FROM wanted CROSS JOIN outboxes o
                 LEFT JOIN journal_events e ON e.outbox = o.id AND e.sequence = o.contiguous
                 WHERE o.machine = w ORDER BY o.id",
        )
        .await?;
        let of = |one: &Self| {
            let id = &one.0;
            let machine = machines.get(id)?;
            (machine.state == MachineState::Enrolled).then(|| Acquainted {
                spki: machine.spki.clone(),
                unit: machine.unit.clone(),
                clone_suspected_at: machine.clone_suspected_at,
                set: sets.get(id).map(|(set,)| *set),
                status: statuses.get(id).cloned(),
                journal: ends.get(id).cloned(),
            })
        };
        Ok(entries.iter().map(|one| Ok(of(one))).collect())
    }
}

/// Somebody asks which tables a machine stands in.
pub(in crate::store) struct Stands(MachineId);

impl Entry for Stands {
    type Answer = Standing;
    type Error = StoreError;
    const MAX_GROUP: usize = MAX_GROUP;
    const READS: bool = true;

    async fn together(engine: &Engine, entries: &[Self]) -> Result<Results<Self>, StoreError> {
        let asked = || entries.iter().map(|one| one.0);
        let tx = &mut engine.view().await?;
        let assignments: HashMap<_, (Digest,)> = last(
            tx,
            asked(),
            "SELECT l.machine, d.digest FROM wanted CROSS JOIN assignment_leaves l
                 JOIN documents d ON d.digest = l.document
                 WHERE l.machine = w ORDER BY d.number",
        )
        .await?;
        let plans: Vec<Of<(Digest,)>> = all(
            tx,
            asked(),
            "SELECT l.machine, p.id FROM wanted CROSS JOIN plan_leaves l
                 JOIN plans p ON p.id = l.plan
                 WHERE l.machine = w AND p.state = 'active' ORDER BY p.created_at, p.id",
        )
        .await?;
        let mut found: HashMap<MachineId, Standing> = HashMap::new();
        for (machine, (assignment,)) in assignments {
            found.entry(machine).or_default().assignment = Some(assignment);
        }
        for Of(machine, (plan,)) in plans {
            found.entry(machine).or_default().plans.push(plan);
        }
        let of = |one: &Self| Ok(found.get(&one.0).cloned().unwrap_or_default());
        Ok(entries.iter().map(of).collect())
    }
}

/// Whose a row is, and the rest of it.
struct Of<T>(MachineId, T);

impl<T: FromRow> FromRow for Of<T> {
    fn from_row(row: &mut Row) -> Result<Self, StoreError> {
        Ok(Self(row.next()?, T::from_row(row)?))
    }
}

/// The rows of machines, each asked for once, those of one machine in the order that the
/// statement says. It looks up `wanted (w)`, and its first column is the machine.
async fn all<T: FromRow>(
    tx: &mut Tx,
    machines: impl IntoIterator<Item = MachineId>,
    select: &str,
) -> Result<Vec<Of<T>>, StoreError> {
    // A statement that names one twice gives its rows twice.
    let machines: BTreeSet<MachineId> = machines.into_iter().collect();
    let rows: Vec<Vec<Value>> = machines.iter().map(|one| args![one]).collect();
    let after = format!(") {select}");
    tx.all_many(("WITH wanted (w) AS (VALUES", &after), rows)
        .await
}

/// All rows of each.
async fn by_machine<T: FromRow>(
    tx: &mut Tx,
    machines: &[MachineId],
    select: &str,
) -> Result<HashMap<MachineId, Vec<T>>, StoreError> {
    let mut found: HashMap<MachineId, Vec<T>> = HashMap::new();
    for Of(machine, row) in all(tx, machines.iter().copied(), select).await? {
        found.entry(machine).or_default().push(row);
    }
    Ok(found)
}

/// The last row of each.
async fn last<T: FromRow>(
    tx: &mut Tx,
    machines: impl IntoIterator<Item = MachineId>,
    select: &str,
) -> Result<HashMap<MachineId, T>, StoreError> {
    let rows = all(tx, machines, select).await?;
    Ok(rows
        .into_iter()
        .map(|Of(machine, row)| (machine, row))
        .collect())
}
