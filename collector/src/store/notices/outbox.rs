//! What waits to be delivered. It leaves when the other side took it, or when it is given
//! up; both are written after the fact, so something may arrive twice and is told by its id.

use crate::store::sql::Tx;
use crate::store::value::{args, from_row};
use crate::store::{Change, Store, StoreError, View};
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use serde_json::json;

/// How long what was given up is shown.
const GIVEN_UP_KEPT_MS: i64 = 30 * DAY_MS;
/// Most of what was given up that is kept of a target.
const MAX_GIVEN_UP: u32 = 200;

/// Something to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The same however often it is sent.
    pub id: String,
    /// What is said, as JSON.
    pub body: String,
}

/// Something that waits, or was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// For whom.
    pub target: Name,
    /// What is said, as JSON.
    pub body: String,
    /// When it was written.
    pub made_at: UtcMs,
    /// When it is tried next.
    pub due_at: UtcMs,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub problem: Option<String>,
    /// When it was given up.
    pub given_up_at: Option<UtcMs>,
}
from_row!(Waiting {
    id,
    target,
    body,
    made_at,
    due_at,
    attempts,
    problem,
    given_up_at
});

/// Puts something into the outbox, due at once.
pub(super) async fn put(
    tx: &mut Tx,
    target: &Name,
    outgoing: &[Outgoing],
    now: UtcMs,
) -> Result<(), StoreError> {
    let rows = outgoing
        .iter()
        .map(|one| args![one.id, target, one.body, now, now]);
    tx.execute_many(
        (
            "INSERT INTO notice_outbox (id, target, body, made_at, due_at) VALUES",
            "ON CONFLICT DO NOTHING",
        ),
        rows.collect(),
    )
    .await?;
    Ok(())
}

impl View {
    /// What waits and what was given up, the oldest first, at most `limit`.
    pub async fn notice_outbox(&mut self, limit: u32) -> Result<Vec<Waiting>, StoreError> {
        self.tx
            .all(
                "SELECT id, target, body, made_at, due_at, attempts, problem, given_up_at
                 FROM notice_outbox ORDER BY made_at, id LIMIT $1",
                args![limit],
            )
            .await
    }

    /// What of a target is due, what was never tried first, at most `limit`. What waits for
    /// longer than until `latest` was noted by a clock that went back, and is due too.
    pub async fn notices_due(
        &mut self,
        target: &Name,
        (now, latest): (UtcMs, UtcMs),
        limit: u32,
    ) -> Result<Vec<Waiting>, StoreError> {
        self.tx
            .all(
                "SELECT id, target, body, made_at, due_at, attempts, problem, given_up_at
                 FROM notice_outbox
                 WHERE target = $1 AND given_up_at IS NULL AND (due_at <= $2 OR due_at > $3)
                 ORDER BY attempts, made_at, id LIMIT $4",
                args![target, now, latest, limit],
            )
            .await
    }

    /// How many wait for a target.
    pub async fn notices_waiting(&mut self, target: &Name) -> Result<u64, StoreError> {
        let (count,) = self
            .tx
            .one(
                "SELECT COUNT(*) FROM notice_outbox WHERE target = $1 AND given_up_at IS NULL",
                args![target],
            )
            .await?;
        Ok(count)
    }

    /// When the oldest of what waits for a target was written.
    pub async fn notices_oldest(&mut self, target: &Name) -> Result<Option<UtcMs>, StoreError> {
        let (oldest,) = self
            .tx
            .one(
                "SELECT MIN(made_at) FROM notice_outbox
                 WHERE target = $1 AND given_up_at IS NULL",
                args![target],
            )
            .await?;
        Ok(oldest)
    }

    /// How many wait, and how many were given up, of all targets.
    pub async fn notices_left(&mut self) -> Result<(u64, u64), StoreError> {
        let (all, given_up): (u64, u64) = self
            .tx
            .one(
                "SELECT COUNT(*), COUNT(given_up_at) FROM notice_outbox",
                args![],
            )
            .await?;
        Ok((all - given_up.min(all), given_up))
    }
}

impl Change {
    /// Gives up what was written before `before` and has not arrived at a target; gives back
    /// how many. Where there is none, nothing is noted.
    pub async fn give_up_notices(
        &mut self,
        target: &Name,
        before: UtcMs,
    ) -> Result<u64, StoreError> {
        let now = self.now();
        let (count,): (u64,) = self
            .view()
            .tx
            .one(
                "SELECT COUNT(*) FROM notice_outbox
                 WHERE target = $1 AND given_up_at IS NULL AND made_at < $2",
                args![target, before],
            )
            .await?;
        if count == 0 {
            return Ok(0);
        }
        let tx = self.step("notice.give-up", target, json!({ "notices": count }));
        tx.execute(
            "UPDATE notice_outbox SET given_up_at = $3
             WHERE target = $1 AND given_up_at IS NULL AND made_at < $2",
            args![target, before, now],
        )
        .await?;
        tx.execute(
            "UPDATE notice_targets SET gave_up_at = $2 WHERE name = $1 AND gave_up_at IS NULL",
            args![target, now],
        )
        .await?;
        forget(tx, target, now).await?;
        self.done();
        Ok(count)
    }
}

/// Forgets what was given up long ago, and what is too much of it.
pub(super) async fn forget(tx: &mut Tx, target: &Name, now: UtcMs) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM notice_outbox WHERE target = $1 AND given_up_at IS NOT NULL
             AND (given_up_at < $2 OR id NOT IN
                 (SELECT id FROM notice_outbox WHERE target = $1 AND given_up_at IS NOT NULL
                  ORDER BY given_up_at DESC, id LIMIT $3))",
        args![target, now.plus_ms(-GIVEN_UP_KEPT_MS), MAX_GIVEN_UP],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Notes that a target took something: it is gone from the outbox, and the target is
    /// well. `id` is none where it was only tried whether it is.
    pub async fn notice_delivered(
        &self,
        target: &Name,
        id: Option<&str>,
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "DELETE FROM notice_outbox WHERE id = $1 AND target = $2",
            args![id.unwrap_or_default(), target],
        )
        .await?;
        tx.execute(
            "UPDATE notice_targets SET failures = 0, problem = NULL, rest_until = 0,
                 gave_up_at = NULL, delivered_at = $2 WHERE name = $1",
            args![target, now],
        )
        .await?;
        if id.is_none() {
            // It is well again: what waits need not wait for longer.
            tx.execute(
                "UPDATE notice_outbox SET due_at = $2
                 WHERE target = $1 AND given_up_at IS NULL AND due_at > $2",
                args![target, now],
            )
            .await?;
        }
        tx.commit().await
    }

    /// Notes that a target did not take something: it is tried again at `due_at`, and the
    /// target is left alone until `rest_until`.
    pub async fn notice_failed(
        &self,
        (target, id): (&Name, &str),
        problem: &str,
        due_at: UtcMs,
        rest_until: UtcMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "UPDATE notice_outbox SET attempts = attempts + 1, problem = $3, due_at = $4
             WHERE id = $1 AND target = $2",
            args![id, target, problem, due_at],
        )
        .await?;
        tx.execute(
            "UPDATE notice_targets SET failures = failures + 1, problem = $2, rest_until = $3
             WHERE name = $1",
            args![target, problem, rest_until],
        )
        .await?;
        tx.commit().await
    }
}
