//! What forecasts are made from: when machines are idle, what became of their slots, due
//! dates, and machines that fit in no slot. History is reported, not audited.

use super::value::{args, from_row};
use super::{Change, Store, StoreError, View};
use crate::forecast::{Counts, History, Outcome};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId, Name};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::wire::machine::InterlockWord;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Spans of one machine, in their order, each with what its interlock said.
pub type Spans = Vec<(Interval, InterlockWord)>;

/// A machine that was asked for and is in no slot of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The machine.
    pub machine: MachineId,
    /// Why.
    pub reason: String,
    /// Who can change it, by their word.
    pub owner: String,
}
from_row!(Unfit {
    machine,
    reason,
    owner
});

fn history(machine: &MachineId, bytes: &[u8]) -> Result<History, StoreError> {
    History::from_bytes(bytes)
        .ok_or_else(|| StoreError::Corrupt(format!("interlock history of machine {machine}")))
}

fn outcome(word: &str) -> Result<Outcome, StoreError> {
    Outcome::of_word(word).ok_or_else(|| StoreError::Corrupt(format!("outcome of a slot: {word}")))
}

impl View {
    /// When a machine is idle; empty where nothing is known.
    pub async fn interlock_history(&mut self, machine: &MachineId) -> Result<History, StoreError> {
        let row: Option<(Vec<u8>,)> = self
            .tx
            .first(
                "SELECT hours FROM interlock_history WHERE machine = $1",
                args![machine],
            )
            .await?;
        row.map_or_else(
            || Ok(History::default()),
            |(bytes,)| history(machine, &bytes),
        )
    }

    /// When the machines of a unit are idle; those of which nothing is known are left out.
    pub async fn interlock_histories(&mut self, unit: &Name) -> Result<Vec<History>, StoreError> {
        let rows: Vec<(MachineId, Vec<u8>)> = self
            .tx
            .all(
                "SELECT m.id, h.hours FROM machines m JOIN interlock_history h ON h.machine = m.id
                 WHERE m.unit = $1 AND m.state = 'enrolled' ORDER BY m.id",
                args![unit],
            )
            .await?;
        let read = rows.iter().map(|(machine, bytes)| history(machine, bytes));
        read.collect()
    }

    /// The machines whose interlock cannot tell, and since when.
    pub async fn interlocks_unknown(&mut self) -> Result<BTreeMap<MachineId, UtcMs>, StoreError> {
        let rows: Vec<(MachineId, UtcMs)> = self
            .tx
            .all(
                "SELECT machine, changed_at FROM machine_status WHERE interlock = 'unknown'",
                args![],
            )
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// When the machines of a plan are idle; those of which nothing is known are left out.
    pub async fn interlock_histories_of_plan(
        &mut self,
        plan: &Digest,
    ) -> Result<BTreeMap<MachineId, History>, StoreError> {
        let rows: Vec<(MachineId, Vec<u8>)> = self
            .tx
            .all(
                "SELECT h.machine, h.hours FROM plan_leaves l
                 JOIN interlock_history h ON h.machine = l.machine WHERE l.plan = $1",
                args![plan],
            )
            .await?;
        let read = rows.iter().map(|(machine, bytes)| {
            let read = history(machine, bytes)?;
            Ok((*machine, read))
        });
        read.collect()
    }

    /// What became of the slots of the whole fleet.
    pub async fn outcomes(&mut self) -> Result<Counts, StoreError> {
        let rows: Vec<(String, u32)> = self
            .tx
            .all(
                "SELECT outcome, COUNT(*) FROM slot_outcomes GROUP BY outcome",
                args![],
            )
            .await?;
        let mut counts = Counts::default();
        for (word, count) in rows {
            counts.add(outcome(&word)?, count);
        }
        Ok(counts)
    }

    /// What became of the slots of each machine of a plan, in whichever plan they were.
    pub async fn outcomes_of_plan(
        &mut self,
        plan: &Digest,
    ) -> Result<BTreeMap<MachineId, Counts>, StoreError> {
        let rows: Vec<(MachineId, String, u32)> = self
            .tx
            .all(
                "SELECT o.machine, o.outcome, COUNT(*) FROM plan_leaves l
                 JOIN slot_outcomes o ON o.machine = l.machine
                 WHERE l.plan = $1 GROUP BY o.machine, o.outcome",
                args![plan],
            )
            .await?;
        let mut counts: BTreeMap<MachineId, Counts> = BTreeMap::new();
        for (machine, word, count) in rows {
            counts
                .entry(machine)
                .or_default()
                .add(outcome(&word)?, count);
        }
        Ok(counts)
    }

    /// The slots of a plan that were judged already, by job and start.
    pub async fn judged(&mut self, plan: &Digest) -> Result<BTreeSet<(JobId, UtcMs)>, StoreError> {
        let rows: Vec<(JobId, UtcMs)> = self
            .tx
            .all(
                "SELECT o.job, o.slot_start FROM slot_outcomes o JOIN jobs j ON j.id = o.job
                 WHERE j.plan = $1",
                args![plan],
            )
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// A machine's signed events that came at `from` or later, oldest first.
    pub async fn journal_since(
        &mut self,
        machine: &MachineId,
        from: UtcMs,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows: Vec<(Vec<u8>,)> = self
            .tx
            .all(
                "SELECT bytes FROM outboxes CROSS JOIN journal_events
                 WHERE machine = $1 AND journal_events.outbox = outboxes.id
                   AND received_at >= $2
                 ORDER BY received_at, sequence",
                args![machine, from],
            )
            .await?;
        Ok(rows.into_iter().map(|(bytes,)| bytes).collect())
    }

    /// When a plan has to be done, where somebody entered it.
    pub async fn due_of(&mut self, plan: &Digest) -> Result<Option<UtcMs>, StoreError> {
        let row: Option<(UtcMs,)> = self
            .tx
            .first("SELECT due FROM plan_due WHERE plan = $1", args![plan])
            .await?;
        Ok(row.map(|(due,)| due))
    }

    /// The machines that fit in no slot of a plan.
    pub async fn unfit_of(&mut self, plan: &Digest) -> Result<Vec<Unfit>, StoreError> {
        self.tx
            .all(
                "SELECT machine, reason, owner FROM plan_unfit WHERE plan = $1 ORDER BY machine",
                args![plan],
            )
            .await
    }
}

impl Store {
    /// Adds what interlocks said, of many machines at once.
    pub async fn record_interlocks(
        &self,
        said: &BTreeMap<MachineId, Spans>,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        let keys = said.keys().map(|machine| args![machine]).collect();
        // Only machines that are still there: a revoked one may have been heard before.
        let rows: Vec<(MachineId, Option<Vec<u8>>)> = tx
            .all_many(
                (
                    "WITH wanted (m) AS (VALUES",
                    ") SELECT x.id, h.hours FROM wanted CROSS JOIN machines x
                     LEFT JOIN interlock_history h ON h.machine = x.id WHERE x.id = m",
                ),
                keys,
            )
            .await?;
        let mut written = BTreeMap::new();
        for (machine, bytes) in rows {
            let mut known =
                bytes.map_or_else(|| Ok(History::default()), |bytes| history(&machine, &bytes))?;
            for (span, word) in said.get(&machine).into_iter().flatten() {
                known.record(*span, *word);
            }
            written.insert(machine, known.to_bytes());
        }
        let rows = written
            .iter()
            .map(|(machine, bytes)| args![machine, bytes, now]);
        tx.execute_many(
            (
                "INSERT INTO interlock_history (machine, hours, changed_at) VALUES",
                "ON CONFLICT (machine) DO UPDATE SET hours = excluded.hours,
                    changed_at = excluded.changed_at",
            ),
            rows.collect(),
        )
        .await?;
        tx.commit().await
    }

    /// Notes what became of slots; one that was judged stays as it was.
    pub async fn record_outcomes(
        &self,
        judged: &[(JobId, UtcMs, MachineId, Outcome)],
    ) -> Result<(), StoreError> {
        let rows = judged
            .iter()
            .map(|(job, start, machine, outcome)| args![job, start, machine, outcome.word()]);
        let mut tx = self.engine.begin().await?;
        tx.execute_many(
            (
                "INSERT INTO slot_outcomes (job, slot_start, machine, outcome) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            rows.collect(),
        )
        .await?;
        tx.commit().await
    }
}

impl Change {
    /// Enters when a plan has to be done.
    pub async fn set_due(&mut self, plan: &Digest, due: UtcMs) -> Result<(), StoreError> {
        self.view().need_plan(plan).await?;
        self.step("plan.due", plan, json!({ "due": due.to_string() }))
            .execute(
                "INSERT INTO plan_due (plan, due) VALUES ($1, $2)
                 ON CONFLICT (plan) DO UPDATE SET due = excluded.due",
                args![plan, due],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Keeps which machines fit in no slot of a plan.
    pub async fn add_unfit(&mut self, plan: &Digest, unfit: &[Unfit]) -> Result<(), StoreError> {
        let rows = unfit
            .iter()
            .map(|u| args![plan, u.machine, u.reason, u.owner]);
        self.step("plan.unfit", plan, json!({ "machines": unfit.len() }))
            .execute_many(
                (
                    "INSERT INTO plan_unfit (plan, machine, reason, owner) VALUES",
                    "ON CONFLICT DO NOTHING",
                ),
                rows.collect(),
            )
            .await?;
        self.done();
        Ok(())
    }
}
