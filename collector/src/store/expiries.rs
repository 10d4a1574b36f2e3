//! Which warnings of an end were told: of each step one line in the log, and no more. Nobody
//! audits that.

use super::value::args;
use super::{Store, StoreError};
use patchward_common::time::{DAY_MS, UtcMs};

/// How long after its end it is remembered what was told of something: longer than anything
/// that has ended stays in sight unnoticed.
const KEPT_MS: i64 = 2 * 366 * DAY_MS;

impl Store {
    /// Notes that a step on the way to an end is told. Gives back whether this is the first
    /// time: only then is it to be told.
    pub async fn tell_expiry(
        &self,
        thing: &str,
        ends_at: UtcMs,
        days: i64,
        now: UtcMs,
    ) -> Result<bool, StoreError> {
        let mut tx = self.engine.begin().await?;
        let told = tx
            .execute(
                "INSERT INTO expiries_told (thing, ends_at, days, told_at)
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                args![thing, ends_at, days, now],
            )
            .await?;
        tx.execute(
            "DELETE FROM expiries_told WHERE ends_at < $1",
            args![now.plus_ms(-KEPT_MS)],
        )
        .await?;
        tx.commit().await?;
        Ok(told > 0)
    }
}
