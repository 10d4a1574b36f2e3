//! Whom the collector tells what is open: targets, what each was told, and the outbox from
//! which it is delivered.

mod outbox;

pub use outbox::{Outgoing, Waiting};

use super::value::{FromRow, Row, args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use serde_json::json;

/// Most targets: each is a task and a connection of its own.
pub const MAX_TARGETS: u64 = 32;
/// How long it is remembered that something ended of which a target was told.
const TOLD_KEPT_MS: i64 = 30 * DAY_MS;

words! {
    /// How a target is reached.
    Way {
        /// JSON by HTTP, signed.
        Webhook = "webhook",
        /// Mail.
        Mail = "mail",
    }
}

/// Who is told what is open.
#[derive(Clone, PartialEq, Eq)]
pub struct NoticeTarget {
    /// What people call it.
    pub name: Name,
    /// How it is reached.
    pub way: Way,
    /// A URL, which may itself be a secret, or addresses of mail apart by commas.
    pub place: String,
    /// What a webhook is signed with.
    pub secret: Option<String>,
    /// Words of kinds of items; the usual ones, where there are none.
    pub kinds: Vec<String>,
    /// Units; the whole hospital, where there are none.
    pub units: Vec<Name>,
    /// When it was added.
    pub added_at: UtcMs,
}

impl std::fmt::Debug for NoticeTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("NoticeTarget");
        shown.field("name", &self.name).field("way", &self.way);
        shown.finish_non_exhaustive()
    }
}

impl FromRow for NoticeTarget {
    fn from_row(row: &mut Row) -> Result<Self, StoreError> {
        let list = |text: String| -> Vec<String> {
            let parts = text.split(',').filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        Ok(Self {
            name: row.next()?,
            way: row.next()?,
            place: row.next()?,
            secret: row.next()?,
            kinds: list(row.next()?),
            units: {
                let names = list(row.next()?);
                let names = names.iter().map(|name| Name::new(name.as_str()));
                names
                    .collect::<Result<_, _>>()
                    .map_err(|error| StoreError::Corrupt(error.to_string()))?
            },
            added_at: row.next()?,
        })
    }
}

/// How well a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The target.
    pub target: Name,
    /// Tries in a row that failed.
    pub failures: u32,
    /// Why the last of them failed.
    pub problem: Option<String>,
    /// Until when it is left alone.
    pub rest_until: UtcMs,
    /// When something last arrived.
    pub delivered_at: Option<UtcMs>,
    /// Since when something was given up, and nothing has arrived.
    pub gave_up_at: Option<UtcMs>,
}
from_row!(Reached {
    target,
    failures,
    problem,
    rest_until,
    delivered_at,
    gave_up_at
});

/// What a target was told is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The item's key.
    pub item: String,
    /// Since when it was open.
    pub since: UtcMs,
    /// What was told, as JSON.
    pub notice: String,
    /// When it was open no more.
    pub ended_at: Option<UtcMs>,
}
from_row!(Told {
    item,
    since,
    notice,
    ended_at
});

impl View {
    /// Every target, by name.
    pub async fn notice_targets(&mut self) -> Result<Vec<NoticeTarget>, StoreError> {
        self.tx
            .all(
                "SELECT name, way, place, secret, kinds, units, added_at FROM notice_targets
                 ORDER BY name",
                args![],
            )
            .await
    }

    /// How well each target is reached, by name.
    pub async fn notices_reach(&mut self) -> Result<Vec<Reached>, StoreError> {
        self.tx
            .all(
                "SELECT name, failures, problem, rest_until, delivered_at, gave_up_at
                 FROM notice_targets ORDER BY name",
                args![],
            )
            .await
    }

    /// What a target was told, also what has ended.
    pub async fn notices_told(&mut self, target: &Name) -> Result<Vec<Told>, StoreError> {
        self.tx
            .all(
                "SELECT item, since, notice, ended_at FROM notices_told WHERE target = $1
                 ORDER BY item, since",
                args![target],
            )
            .await
    }
}

impl Change {
    /// Adds a target. Neither what follows the host in a URL nor the secret goes into the
    /// audit log; `shown` is what of its place does.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is one of that name, or there are
    /// [`MAX_TARGETS`].
    pub async fn add_notice_target(
        &mut self,
        target: &NoticeTarget,
        shown: &str,
    ) -> Result<(), StoreError> {
        for unit in &target.units {
            self.view().need_unit(unit).await?;
        }
        let now = self.now();
        let (count,): (u64,) = self
            .view()
            .tx
            .one("SELECT COUNT(*) FROM notice_targets", args![])
            .await?;
        if count >= MAX_TARGETS {
            return Err(StoreError::conflict(format!(
                "there are {MAX_TARGETS} targets of notices already; remove one that nobody reads"
            )));
        }
        let detail = json!({
            "way": target.way.word(), "to": shown, "kinds": target.kinds, "units": target.units,
        });
        let units: Vec<&str> = target.units.iter().map(Name::as_str).collect();
        let added = self
            .step("notice.add", &target.name, detail)
            .execute(
                "INSERT INTO notice_targets (name, way, place, secret, kinds, units, added_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                args![
                    target.name,
                    target.way,
                    target.place,
                    target.secret,
                    target.kinds.join(","),
                    units.join(","),
                    now
                ],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!(
                "there is a target of notices {} already",
                target.name
            ))
        })
    }

    /// Removes a target with what waits for it.
    pub async fn remove_notice_target(&mut self, name: &Name) -> Result<(), StoreError> {
        let tx = self.step("notice.remove", name, json!({}));
        for sql in [
            "DELETE FROM notice_outbox WHERE target = $1",
            "DELETE FROM notices_told WHERE target = $1",
        ] {
            tx.execute(sql, args![name]).await?;
        }
        let removed = tx
            .execute("DELETE FROM notice_targets WHERE name = $1", args![name])
            .await?;
        self.done_if(removed, || StoreError::missing("target of notices", name))
    }

    /// Notes what a target is told now, and puts it into the outbox: both or neither. What
    /// ended long ago is forgotten.
    pub async fn tell(
        &mut self,
        target: &Name,
        told: &[Told],
        outgoing: &[Outgoing],
    ) -> Result<(), StoreError> {
        let now = self.now();
        let keys = |is_ended: bool| -> Vec<&str> {
            let of = told.iter().filter(|one| one.ended_at.is_some() == is_ended);
            of.map(|one| one.item.as_str()).collect()
        };
        let detail = json!({ "new": keys(false), "ended": keys(true) });
        let rows = told
            .iter()
            .map(|one| args![target, one.item, one.since, one.notice, now, one.ended_at]);
        let rows = rows.collect();
        let tx = self.step("notice.tell", target, detail);
        tx.execute_many(
            (
                "INSERT INTO notices_told (target, item, since, notice, told_at, ended_at) VALUES",
                "ON CONFLICT (target, item, since) DO UPDATE SET notice = excluded.notice,
                     told_at = excluded.told_at, ended_at = excluded.ended_at",
            ),
            rows,
        )
        .await?;
        outbox::put(tx, target, outgoing, now).await?;
        outbox::forget(tx, target, now).await?;
        tx.execute(
            "DELETE FROM notices_told WHERE target = $1 AND ended_at < $2",
            args![target, now.plus_ms(-TOLD_KEPT_MS)],
        )
        .await?;
        self.done();
        Ok(())
    }
}
