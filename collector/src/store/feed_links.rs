//! Addresses that are read without an account, and the revisions of what calendars show.

use super::value::{args, from_row, words};
use super::{Change, Store, StoreError, View};
use crate::schedule::ical::Revision;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use serde_json::json;

/// How long after its end an event keeps its revision: longer than any calendar shows it.
const REVISION_KEPT_MS: i64 = 60 * DAY_MS;

words! {
    /// What stands at an address.
    FeedKind {
        /// Approved work, as a calendar.
        Calendar = "calendar",
        /// Figures of the whole collector, for monitoring.
        Metrics = "metrics",
    }
}

/// An address with a secret in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedLink {
    /// What people call it.
    pub name: Name,
    /// What stands there.
    pub what: FeedKind,
    /// Of which unit; of the whole hospital, if none is named.
    pub unit: Option<Name>,
    /// When it was made.
    pub made_at: UtcMs,
    /// When it was last used, to the minute.
    pub used_at: Option<UtcMs>,
    /// When it ended.
    pub ended_at: Option<UtcMs>,
}
from_row!(FeedLink {
    name,
    what,
    unit,
    made_at,
    used_at,
    ended_at
});
from_row!(Revision {
    uid,
    digest,
    sequence,
    changed_at,
    ends_at
});

impl View {
    /// Every secret address, by name; also those that ended.
    pub async fn feed_links(&mut self) -> Result<Vec<FeedLink>, StoreError> {
        self.tx
            .all(
                "SELECT name, what, unit, made_at, used_at, ended_at FROM feed_links
                 ORDER BY name",
                args![],
            )
            .await
    }

    /// The address with this secret, if it has not ended.
    pub async fn feed_link_by_secret(
        &mut self,
        secret_hash: &Digest,
    ) -> Result<Option<FeedLink>, StoreError> {
        self.tx
            .first(
                "SELECT name, what, unit, made_at, used_at, ended_at FROM feed_links
                 WHERE secret_hash = $1 AND ended_at IS NULL",
                args![secret_hash],
            )
            .await
    }

    /// Which revision of each event calendars have.
    pub async fn calendar_revisions(&mut self) -> Result<Vec<Revision>, StoreError> {
        self.tx
            .all(
                "SELECT uid, digest, sequence, changed_at, ends_at FROM calendar_revisions
                 ORDER BY uid",
                args![],
            )
            .await
    }
}

impl Change {
    /// Makes a secret address.
    pub async fn add_feed_link(
        &mut self,
        name: &Name,
        what: FeedKind,
        unit: Option<&Name>,
        secret_hash: &Digest,
    ) -> Result<(), StoreError> {
        if let Some(unit) = unit {
            self.view().need_unit(unit).await?;
        }
        let now = self.now();
        let detail = json!({ "what": what.word(), "unit": unit });
        let added = self
            .step("feed.add", name, detail)
            .execute(
                "INSERT INTO feed_links (name, what, unit, secret_hash, made_at)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                args![name, what, unit, secret_hash, now],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!("there is, or was, a secret address {name} already"))
        })
    }

    /// Ends a secret address.
    pub async fn end_feed_link(&mut self, name: &Name) -> Result<(), StoreError> {
        let now = self.now();
        let ended = self
            .step("feed.end", name, json!({}))
            .execute(
                "UPDATE feed_links SET ended_at = $2 WHERE name = $1 AND ended_at IS NULL",
                args![name, now],
            )
            .await?;
        self.done_if(ended, || StoreError::missing("secret address", name))
    }
}

impl Store {
    /// Notes that an address was used. It says nothing that an auditor asks for.
    pub async fn feed_link_used(&self, name: &Name, now: UtcMs) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "UPDATE feed_links SET used_at = $2
             WHERE name = $1 AND (used_at IS NULL OR used_at < $2)",
            args![name, now],
        )
        .await?;
        tx.commit().await
    }

    /// Keeps the revisions of events that are new or have changed, and forgets those of
    /// events that are long over. They follow from what is signed and decided, which is
    /// audited; so these are not.
    pub async fn keep_calendar_revisions(
        &self,
        revisions: &[Revision],
        now: UtcMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "DELETE FROM calendar_revisions WHERE ends_at < $1",
            args![now.plus_ms(-REVISION_KEPT_MS)],
        )
        .await?;
        let rows = revisions.iter().map(|one| {
            args![
                one.uid,
                one.digest,
                one.sequence,
                one.changed_at,
                one.ends_at
            ]
        });
        tx.execute_many(
            (
                "INSERT INTO calendar_revisions (uid, digest, sequence, changed_at, ends_at)
                 VALUES",
                "ON CONFLICT (uid) DO UPDATE SET digest = excluded.digest,
                     sequence = excluded.sequence, changed_at = excluded.changed_at,
                     ends_at = excluded.ends_at
                 WHERE calendar_revisions.sequence < excluded.sequence",
            ),
            rows.collect(),
        )
        .await?;
        tx.commit().await
    }
}
