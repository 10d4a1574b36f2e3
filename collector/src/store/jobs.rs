//! Jobs: one approval's work on one machine, moved by compare-and-set.

pub mod closings;
mod counting;

use super::value::{Row, args, words};
use super::{Change, StoreError, View};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::State;
use patchward_common::time::{Interval, UtcMs};
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;

/// Largest stored state: its reason repeats at most a few lines of output.
const MAX_STATE_BYTES: usize = 64 * 1024;

words! {
    /// What a job's state means for its group.
    Standing {
        /// Nothing has begun.
        Waiting = "waiting",
        /// Work has begun and is not measured: the machine counts as down.
        Open = "open",
        /// Nothing more happens.
        Ended = "ended",
    }
}

impl Standing {
    /// What a state means.
    pub fn of(state: &State) -> Self {
        if state.is_open() {
            Self::Open
        } else if state.is_final() {
            Self::Ended
        } else {
            Self::Waiting
        }
    }
}

/// One approval's work on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its plan.
    pub plan: Digest,
    /// Its machine.
    pub machine: MachineId,
    /// Its wave.
    pub wave: u32,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: UtcMs,
    /// How often it has been started.
    pub attempt: u32,
    /// The slot that it waits for, or runs in.
    pub slot: Option<Interval>,
    /// Rises with every change.
    pub generation: u64,
}

impl super::value::FromRow for Job {
    fn from_row(row: &mut Row) -> Result<Self, StoreError> {
        let id: JobId = row.next()?;
        let damaged = |what: String| StoreError::Corrupt(format!("job {id}: {what}"));
        let (plan, machine, wave) = (row.next()?, row.next()?, row.next()?);
        let state: Vec<u8> = row.next()?;
        let state = codec::decode(&state, MAX_STATE_BYTES).map_err(|e| damaged(e.to_string()))?;
        let (since, attempt) = (row.next()?, row.next()?);
        let slot = match (row.next()?, row.next()?) {
            (Some(start), Some(end)) => {
                Some(Interval::new(start, end).map_err(|e| damaged(e.to_string()))?)
            }
            _ => None,
        };
        Ok(Self {
            id,
            plan,
            machine,
            wave,
            state,
            since,
            attempt,
            slot,
            generation: row.next()?,
        })
    }
}

impl View {
    /// One job.
    pub async fn job(&mut self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.tx
            .first(
                "SELECT id, plan, machine, wave, state, since, attempt, slot_start, slot_end,
                        generation
                 FROM jobs WHERE id = $1",
                args![id],
            )
            .await
    }

    /// Those of the jobs that there are, by their ids.
    pub async fn jobs_by_id(
        &mut self,
        ids: impl IntoIterator<Item = JobId>,
    ) -> Result<HashMap<JobId, Job>, StoreError> {
        let jobs: Vec<Job> = self
            .tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT id, plan, machine, wave, state, since, attempt, slot_start,
                              slot_end, generation
                     FROM wanted CROSS JOIN jobs WHERE id = w",
                ),
                ids.into_iter().map(|id| args![id]).collect(),
            )
            .await?;
        Ok(jobs.into_iter().map(|job| (job.id, job)).collect())
    }

    /// The jobs of a plan, by wave and machine.
    pub async fn jobs_of_plan(&mut self, plan: &Digest) -> Result<Vec<Job>, StoreError> {
        self.tx
            .all(
                "SELECT id, plan, machine, wave, state, since, attempt, slot_start, slot_end,
                        generation
                 FROM jobs WHERE plan = $1 ORDER BY wave, machine",
                args![plan],
            )
            .await
    }

    /// The jobs of a machine, newest first.
    pub async fn jobs_of_machine(&mut self, machine: &MachineId) -> Result<Vec<Job>, StoreError> {
        self.tx
            .all(
                "SELECT id, plan, machine, wave, state, since, attempt, slot_start, slot_end,
                        generation
                 FROM jobs WHERE machine = $1 ORDER BY since DESC, id",
                args![machine],
            )
            .await
    }

    /// The jobs that ended with a measurement of something else than what was planned, on any
    /// machine, newest first: as few as the index of them has.
    pub async fn jobs_gone_wrong(&mut self) -> Result<Vec<Job>, StoreError> {
        self.tx
            .all(
                "SELECT id, plan, machine, wave, state, since, attempt, slot_start, slot_end,
                        generation
                 FROM jobs WHERE word IN ('failed', 'rolled_back', 'freed')
                 ORDER BY since DESC, id",
                args![],
            )
            .await
    }

    /// Those of them that ended so since an instant.
    pub async fn jobs_gone_wrong_since(&mut self, since: UtcMs) -> Result<Vec<Job>, StoreError> {
        self.tx
            .all(
                "SELECT id, plan, machine, wave, state, since, attempt, slot_start, slot_end,
                        generation
                 FROM jobs WHERE word IN ('failed', 'rolled_back', 'freed') AND since >= $1
                 ORDER BY since DESC, id",
                args![since],
            )
            .await
    }

    /// The job of a machine that is under way, where it is another than this one.
    pub async fn at_work(
        &mut self,
        machine: &MachineId,
        job: &JobId,
    ) -> Result<Option<JobId>, StoreError> {
        let open: Option<(JobId,)> = self
            .tx
            .first(
                "SELECT id FROM jobs WHERE machine = $1 AND standing = 'open' AND id <> $2",
                args![machine, job],
            )
            .await?;
        Ok(open.map(|(id,)| id))
    }

    /// The jobs that are waiting, open or ended, longest first.
    pub async fn jobs_standing(&mut self, standing: Standing) -> Result<Vec<Job>, StoreError> {
        // Spelt out, so that the index of those that are open is used: a bound value never is.
        let sql = format!(
            "SELECT id, plan, machine, wave, state, since, attempt, slot_start, slot_end,
                    generation
             FROM jobs WHERE standing = '{}' ORDER BY since, id",
            standing.word()
        );
        self.tx.all(AssertSqlSafe(sql), args![]).await
    }

    /// The jobs whose ids begin with these digits, by id.
    pub async fn jobs_beginning(&mut self, digits: &str) -> Result<Vec<Job>, StoreError> {
        // No digit comes after this sign.
        let end = format!("{digits}g");
        self.tx
            .all(
                "SELECT id, plan, machine, wave, state, since, attempt, slot_start, slot_end,
                        generation
                 FROM jobs WHERE id >= $1 AND id < $2 ORDER BY id",
                args![digits, end],
            )
            .await
    }

    /// How many jobs of all plans are in each state, by the state's word.
    pub async fn jobs_by_state(&mut self) -> Result<Vec<(String, u64)>, StoreError> {
        self.tx
            .all(
                "SELECT word, COUNT(*) FROM jobs GROUP BY word ORDER BY word",
                args![],
            )
            .await
    }
}

impl Change {
    /// Makes the jobs of a plan from its leaves, in `Assigned`; those that are there stay
    /// as they are. Gives back how many are new.
    pub async fn add_jobs(
        &mut self,
        plan: &Digest,
        machines: &[(MachineId, u32)],
    ) -> Result<u64, StoreError> {
        let now = self.now();
        self.view().need_plan(plan).await?;
        let assigned = State::Assigned;
        let state = codec::encode(&assigned);
        let row = |(machine, wave): &(MachineId, u32)| {
            args![
                JobId::of(*plan, *machine),
                plan,
                machine,
                wave,
                assigned.word(),
                Standing::of(&assigned),
                state,
                now,
                0i64,
                1i64
            ]
        };
        let rows = machines.iter().map(row).collect();
        let tx = self.step("job.assign", plan, json!({ "machines": machines.len() }));
        let added = tx
            .execute_many(
                (
                    "INSERT INTO jobs (id, plan, machine, wave, word, standing, state, since,
                                       attempt, generation) VALUES",
                    "ON CONFLICT DO NOTHING",
                ),
                rows,
            )
            .await?;
        tx.execute(
            "UPDATE plans SET jobs = jobs + $2 WHERE id = $1",
            args![plan, added],
        )
        .await?;
        self.done();
        Ok(added)
    }

    /// Moves a job on from exactly what `job` was when it was read, and gives back what it
    /// is now. With a state that is final, its go ends too; but not where it was stopped,
    /// for its machine may have started with it a moment before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody else moved it first, or where the machine
    /// has another open job.
    pub async fn move_job(
        &mut self,
        job: &Job,
        state: &State,
        slot: Option<Interval>,
        attempt: u32,
    ) -> Result<Job, StoreError> {
        let now = self.now();
        let standing = Standing::of(state);
        let detail = json!({ "from": job.state.word(), "to": state.word(), "state": state });
        let tx = self.step("job.move", job.id, detail);
        let changed = tx
            .execute(
                "UPDATE jobs SET word = $3, standing = $4, state = $5, since = $6, attempt = $7,
                    slot_start = $8, slot_end = $9, generation = generation + 1, judged = 0
                 WHERE id = $1 AND generation = $2",
                args![
                    job.id,
                    job.generation,
                    state.word(),
                    standing,
                    codec::encode(state),
                    now,
                    attempt,
                    slot.map(Interval::start),
                    slot.map(Interval::end)
                ],
            )
            .await?;
        if standing == Standing::Ended && !matches!(state, State::Stopped(_)) {
            super::go::end_goes(tx, &job.id, state.word(), now).await?;
        }
        self.is_about_job_of(job.plan, job.machine);
        self.done_if(changed, || {
            StoreError::conflict(format!("job {} was moved by somebody else", job.id))
        })?;
        Ok(Job {
            state: state.clone(),
            since: now,
            attempt,
            slot,
            generation: job.generation + 1,
            ..job.clone()
        })
    }
}
