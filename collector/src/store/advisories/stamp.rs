//! What a run of the matching was computed from, and whether it stands still.

use super::super::audit::{self, Head};
use super::super::value::args;
use super::super::{Change, StoreError, View};
use patchward_common::digest::Digest;

/// Actions of people and of the collector that change what a match comes to, as the audit log
/// names them. Marks, notes and readers are none of them.
const TELLING: &str = "(action IN ('advisory.add', 'advisory.remove', 'advisory.alias',
    'advisory.unalias', 'advisory.decide', 'advisory.undo', 'advisory.match',
    'enrolment.accept')
    OR action LIKE 'asset.%' OR action LIKE 'device.%' OR action LIKE 'machine.%'
    OR action LIKE 'release.%')";

/// Those of them that change what the hospital has.
const HAVING: &str = "(action = 'enrolment.accept' OR action LIKE 'asset.%'
    OR action LIKE 'device.%' OR action LIKE 'machine.%')";

/// A state of everything that matches are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The last row of the audit log.
    pub audit: u64,
    /// How many machines have an inventory.
    pub machines: u64,
    /// Since when the newest of these stands.
    pub since: u64,
    /// The versions that devices have answered, and what each counts as.
    pub devices: Digest,
}

/// What moved since a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Nothing that matters.
    Nothing,
    /// Machines or devices said other software: the next run takes it.
    Inventory,
    /// Somebody changed advisories, what is said of them, or what the hospital has.
    People,
}

impl View {
    /// What moves whenever a match may change.
    pub async fn matching_stamp(&mut self) -> Result<Stamp, StoreError> {
        let (audit, machines, since) = self
            .tx
            .one(
                "SELECT (SELECT seq FROM audit_head WHERE id = 1), COUNT(*),
                        COALESCE(MAX(since), 0) FROM machine_sets",
                args![],
            )
            .await?;
        let answers = self.device_versions().await?;
        let lines = answers.iter().map(|one| {
            let (asset, component, version) = (&one.asset, &one.component, &one.version);
            let counts = (one.of_model, one.lost_at.is_some());
            format!("{asset}\0{component}\0{version}\0{counts:?}\0")
        });
        Ok(Stamp {
            audit,
            machines,
            since,
            devices: Digest::of(lines.collect::<String>().as_bytes()),
        })
    }

    /// Whether the hospital has at `now`, this view's own state, what it had at `then`.
    pub async fn has_the_same(&mut self, then: &Stamp, now: &Stamp) -> Result<bool, StoreError> {
        let audit = then.audit;
        if (Stamp { audit, ..*now }) != *then || now.audit < audit {
            return Ok(false);
        }
        let sql = format!("SELECT MIN(seq) FROM audit WHERE seq > $1 AND {HAVING}");
        let (said,): (Option<u64>,) = self.tx.one(sqlx::AssertSqlSafe(sql), args![audit]).await?;
        Ok(said.is_none())
    }

    /// What moved since `stamp`.
    pub async fn moved_since(&mut self, stamp: &Stamp) -> Result<Moved, StoreError> {
        let now = self.matching_stamp().await?;
        if now == *stamp {
            return Ok(Moved::Nothing);
        }
        let sql = format!("SELECT MIN(seq) FROM audit WHERE seq > $1 AND {TELLING}");
        let (said,): (Option<u64>,) = self
            .tx
            .one(sqlx::AssertSqlSafe(sql), args![stamp.audit])
            .await?;
        let audit = stamp.audit;
        Ok(match said {
            Some(_) => Moved::People,
            None if (Stamp { audit, ..now }) == *stamp => Moved::Nothing,
            None => Moved::Inventory,
        })
    }
}

impl Change {
    /// Commits where what the change was computed from stands still; gives back what moved,
    /// and writes nothing, where it does not. The end of the audit log is locked first, so
    /// that nobody's row comes between looking and committing.
    pub async fn commit_unless_moved(
        mut self,
        stamp: &Stamp,
        may_move: impl Fn(Moved) -> bool,
    ) -> Result<Result<Head, Moved>, StoreError> {
        audit::lock_head(&mut self.view().tx).await?;
        let moved = self.view().moved_since(stamp).await?;
        if moved != Moved::Nothing && !may_move(moved) {
            return Ok(Err(moved));
        }
        Ok(Ok(self.commit().await?))
    }
}
