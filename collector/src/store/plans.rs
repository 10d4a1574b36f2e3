//! Plans: the exact bytes that people sign, one leaf per machine, and how far each is.

mod counted;

pub use counted::Counted;

use super::conditions::Conditions;
use super::value::{Value, args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::time::UtcMs;
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// How far a plan is.
    PlanState {
        /// Nobody has signed enough.
        Draft = "draft",
        /// Signed by enough; not yet given to machines.
        Signed = "signed",
        /// Given to machines.
        Active = "active",
        /// Every job has ended.
        Done = "done",
        /// A person stopped it for good.
        Stopped = "stopped",
        /// Its last slot is over.
        Expired = "expired",
    }
}

/// A plan to store.
#[derive(Clone, Copy, Debug)]
pub struct NewPlan<'a> {
    /// What people call it.
    pub title: &'a Label,
    /// The approval's exact payload.
    pub payload: &'a [u8],
    /// When it ends.
    pub expires_at: UtcMs,
    /// The coverage groups that it touches.
    pub groups: &'a [Name],
    /// The SHA-256 of the releases that it installs.
    pub releases: &'a [Digest],
    /// Its leaves.
    pub leaves: &'a [Leaf],
}

/// One machine's part of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The machine.
    pub machine: MachineId,
    /// Its wave.
    pub wave: u32,
    /// The leaf's exact bytes.
    pub bytes: Vec<u8>,
}
from_row!(Leaf {
    machine,
    wave,
    bytes
});

/// A plan without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The digest of its payload.
    pub id: Digest,
    /// What people call it.
    pub title: Label,
    /// How far it is.
    pub state: PlanState,
    /// When it was made.
    pub created_at: UtcMs,
    /// By whom.
    pub created_by: String,
    /// When it ends.
    pub expires_at: UtcMs,
    /// Since when it is in its state.
    pub changed_at: UtcMs,
}
from_row!(Plan {
    id,
    title,
    state,
    created_at,
    created_by,
    expires_at,
    changed_at
});

impl Plan {
    /// The first digits of its id, as people type them.
    pub fn short(&self) -> String {
        self.id.to_string().chars().take(12).collect()
    }
}

impl View {
    /// Every plan, or those in one state, newest first.
    pub async fn plans(&mut self, state: Option<PlanState>) -> Result<Vec<Plan>, StoreError> {
        let of = Conditions::default().and("state = ?", state.map(|state| args![state]));
        let sql = format!(
            "SELECT id, title, state, created_at, created_by, expires_at, changed_at
             FROM plans {of} ORDER BY created_at DESC, id"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// The plans that were signed by enough and are not over, newest first: also those of which
    /// every job has ended.
    pub async fn plans_standing(&mut self, now: UtcMs) -> Result<Vec<Plan>, StoreError> {
        self.tx
            .all(
                "SELECT id, title, state, created_at, created_by, expires_at, changed_at
                 FROM plans WHERE state IN ('signed', 'active', 'done', 'stopped')
                     AND expires_at > $1
                 ORDER BY created_at DESC, id",
                args![now],
            )
            .await
    }

    /// The newest plans that are no drafts.
    pub async fn plans_given_out(&mut self, limit: u32) -> Result<Vec<Plan>, StoreError> {
        self.tx
            .all(
                "SELECT id, title, state, created_at, created_by, expires_at, changed_at
                 FROM plans WHERE state <> 'draft' ORDER BY created_at DESC, id LIMIT $1",
                args![limit],
            )
            .await
    }

    /// The plans whose ids begin with these digits, newest first.
    pub async fn plans_beginning(&mut self, digits: &str) -> Result<Vec<Plan>, StoreError> {
        // No digit comes after this sign.
        let end = format!("{digits}g");
        self.tx
            .all(
                "SELECT id, title, state, created_at, created_by, expires_at, changed_at
                 FROM plans WHERE id >= $1 AND id < $2 ORDER BY created_at DESC, id",
                args![digits, end],
            )
            .await
    }

    /// One plan.
    pub async fn plan(&mut self, id: &Digest) -> Result<Option<Plan>, StoreError> {
        self.tx
            .first(
                "SELECT id, title, state, created_at, created_by, expires_at, changed_at
                 FROM plans WHERE id = $1",
                args![id],
            )
            .await
    }

    /// The exact payload of a plan; its signatures are [`View::signatures`].
    pub async fn plan_payload(&mut self, id: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>,)> = self
            .tx
            .first("SELECT payload FROM plans WHERE id = $1", args![id])
            .await?;
        Ok(row.map(|(payload,)| payload))
    }

    /// All leaves of a plan, by machine: what its Merkle root covers.
    pub async fn leaves(&mut self, plan: &Digest) -> Result<Vec<Leaf>, StoreError> {
        self.tx
            .all(
                "SELECT machine, wave, leaf FROM plan_leaves WHERE plan = $1 ORDER BY machine",
                args![plan],
            )
            .await
    }

    /// When some plans were made; of those that there are.
    pub async fn plans_made(
        &mut self,
        plans: impl IntoIterator<Item = Digest>,
    ) -> Result<BTreeMap<Digest, UtcMs>, StoreError> {
        let plans: BTreeSet<Digest> = plans.into_iter().collect();
        let rows: Vec<Vec<Value>> = plans.iter().map(|plan| args![plan]).collect();
        let after = ") SELECT id, created_at FROM wanted CROSS JOIN plans WHERE id = w";
        let made: Vec<(Digest, UtcMs)> = self
            .tx
            .all_many(("WITH wanted (w) AS (VALUES", after), rows)
            .await?;
        Ok(made.into_iter().collect())
    }

    /// The plans in `state` that name a machine, with its leaf, oldest first.
    pub async fn leaves_of(
        &mut self,
        machine: &MachineId,
        state: PlanState,
    ) -> Result<Vec<(Digest, Leaf)>, StoreError> {
        let rows: Vec<(Digest, u32, Vec<u8>)> = self
            .tx
            .all(
                "SELECT p.id, l.wave, l.leaf FROM plan_leaves l JOIN plans p ON p.id = l.plan
                 WHERE l.machine = $1 AND p.state = $2 ORDER BY p.created_at, p.id",
                args![machine, state],
            )
            .await?;
        let leaf = |(plan, wave, bytes)| {
            let machine = *machine;
            (
                plan,
                Leaf {
                    machine,
                    wave,
                    bytes,
                },
            )
        };
        Ok(rows.into_iter().map(leaf).collect())
    }

    /// The plans that stand at `now` and touch a group: signed, whatever became of them,
    /// and not expired.
    pub async fn plans_touching(
        &mut self,
        group: &Name,
        now: UtcMs,
    ) -> Result<Vec<Plan>, StoreError> {
        self.tx
            .all(
                "SELECT id, title, state, created_at, created_by, expires_at, changed_at
                 FROM plans p JOIN plan_groups g ON g.plan = p.id
                 WHERE g.group_name = $1 AND p.expires_at > $2 AND p.state <> 'draft'
                 ORDER BY created_at, id",
                args![group, now],
            )
            .await
    }

    /// The plans that are done and have a job whose work goes on again.
    pub async fn plans_at_work_again(&mut self) -> Result<Vec<Plan>, StoreError> {
        self.tx
            .all(
                "SELECT id, title, state, created_at, created_by, expires_at, changed_at
                 FROM plans WHERE state = 'done' AND id IN
                    (SELECT plan FROM jobs WHERE standing <> 'ended')
                 ORDER BY created_at, id",
                args![],
            )
            .await
    }

    pub(super) async fn need_plan(&mut self, id: &Digest) -> Result<Plan, StoreError> {
        self.plan(id)
            .await?
            .ok_or_else(|| StoreError::missing("plan", id))
    }
}

impl Change {
    /// Stores a draft; the same bytes again change nothing. Gives back its digest.
    pub async fn add_plan(&mut self, plan: &NewPlan<'_>) -> Result<Digest, StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let id = Digest::of(plan.payload);
        let detail = json!({ "title": plan.title, "machines": plan.leaves.len() });
        let tx = self.step("plan.add", id, detail);
        let added = tx
            .execute(
                "INSERT INTO plans (id, title, payload, state, created_at, created_by, expires_at,
                                    changed_at)
                 VALUES ($1, $2, $3, 'draft', $4, $5, $6, $4) ON CONFLICT DO NOTHING",
                args![id, plan.title, plan.payload, now, by, plan.expires_at],
            )
            .await?;
        if added == 1 {
            let leaves = plan.leaves.iter();
            let leaves = leaves.map(|l| args![id, l.machine, l.wave, l.bytes]);
            tx.execute_many(
                (
                    "INSERT INTO plan_leaves (plan, machine, wave, leaf) VALUES",
                    "",
                ),
                leaves.collect(),
            )
            .await?;
            let groups = plan.groups.iter().map(|group| args![id, group]);
            tx.execute_many(
                ("INSERT INTO plan_groups (plan, group_name) VALUES", ""),
                groups.collect(),
            )
            .await?;
            let releases: BTreeSet<&Digest> = plan.releases.iter().collect();
            let releases = releases.into_iter().map(|release| args![id, release]);
            tx.execute_many(
                ("INSERT INTO plan_releases (plan, sha256) VALUES", ""),
                releases.collect(),
            )
            .await?;
        }
        self.done();
        Ok(id)
    }

    /// Takes the locks of a plan's groups until this change ends, and gives back every
    /// other plan that stands and touches one of them: none is added in between.
    pub async fn lock_beside(&mut self, id: &Digest) -> Result<Vec<Digest>, StoreError> {
        let now = self.now();
        let groups: Vec<(Name,)> = self
            .view()
            .tx
            .all(
                "SELECT group_name FROM plan_groups WHERE plan = $1 ORDER BY group_name",
                args![id],
            )
            .await?;
        let groups: Vec<Name> = groups.into_iter().map(|(group,)| group).collect();
        super::go::lock_groups(&mut self.view().tx, &groups).await?;
        let mut beside = BTreeSet::new();
        for group in &groups {
            let touching = self.view().plans_touching(group, now).await?;
            beside.extend(touching.into_iter().map(|plan| plan.id));
        }
        beside.remove(id);
        Ok(beside.into_iter().collect())
    }

    /// Moves a plan from one state to another.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is not in the state `from`.
    pub async fn move_plan(
        &mut self,
        id: &Digest,
        from: PlanState,
        to: PlanState,
        reason: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let title = self.view().need_plan(id).await?.title;
        let detail = json!({ "from": from, "to": to, "reason": reason });
        let changed = self
            .step("plan.move", id, detail)
            .execute(
                "UPDATE plans SET state = $3, changed_at = $4 WHERE id = $1 AND state = $2",
                args![id, from, to, now],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::conflict(format!("plan {title} is not {}", from.word()))
        })
    }

    /// Removes a draft that nobody signed.
    pub async fn remove_draft(&mut self, id: &Digest) -> Result<(), StoreError> {
        let tx = self.step("plan.remove", id, json!({}));
        for sql in [
            "DELETE FROM plan_leaves WHERE plan = $1",
            "DELETE FROM plan_groups WHERE plan = $1",
            "DELETE FROM plan_due WHERE plan = $1",
            "DELETE FROM plan_unfit WHERE plan = $1",
            "DELETE FROM plan_policies WHERE plan = $1",
            "DELETE FROM plan_releases WHERE plan = $1",
        ] {
            tx.execute(sql, args![id]).await?;
        }
        let removed = tx
            .execute(
                "DELETE FROM plans WHERE id = $1 AND state = 'draft'
                 AND NOT EXISTS (SELECT 1 FROM signatures s WHERE s.document = plans.id)",
                args![id],
            )
            .await?;
        self.done_if(removed, || {
            StoreError::conflict(format!("plan {id} is no draft, or somebody signed it"))
        })
    }
}
