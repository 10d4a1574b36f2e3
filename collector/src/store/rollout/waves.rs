//! How the waves of a plan went: what came out of each, since when that is enough, and
//! which of them a person opened.

use super::super::value::{args, from_row};
use crate::rollout::wave::{Before, FEWEST_OUTCOMES, SHARE_PERCENT, has_enough};
use crate::store::jobs::Standing;
use crate::store::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde_json::json;

/// How the jobs of one wave stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaveCounts {
    /// The wave.
    pub wave: u32,
    /// Its machines.
    pub size: u32,
    /// Measured with the new version, or attested by a person.
    pub verified: u32,
    /// Failed, rolled back, or freed by a person and not measured.
    pub wrong: u32,
    /// Those that rehearse and have no outcome: nothing comes out of them.
    pub rehearsing: u32,
    /// Not started yet, or installed and not restarted: they ask for go. None that rehearse.
    pub waiting: u32,
    /// Under way.
    pub open: u32,
    /// When the last of them ended; the return to service is no end.
    pub ended_at: Option<UtcMs>,
    /// When the last of them went wrong.
    pub wrong_at: Option<UtcMs>,
}

/// Wave, word, standing, how many jobs, when the last of them moved, and how many of the
/// machines rehearse.
pub type WordCount = (u32, String, Standing, u32, UtcMs, u32);

fn is_verified(word: &str) -> bool {
    matches!(word, "verified" | "attested" | "in_service")
}

/// Whether a job with this word went wrong: it failed, was rolled back, or was freed by a
/// person and not measured.
pub fn is_wrong(word: &str) -> bool {
    matches!(word, "failed" | "rolled_back" | "freed")
}

impl WaveCounts {
    /// The counts of one wave out of its rows.
    pub fn of(rows: &[WordCount]) -> Self {
        let those = |is: &dyn Fn(&WordCount) -> bool| {
            let those = rows.iter().filter(|row| is(row));
            let last = those.clone().map(|row| row.4).max();
            (those.map(|row| row.3).sum(), last)
        };
        let count = |is: &dyn Fn(&WordCount) -> bool| those(is).0;
        let asks = |row: &WordCount| row.2 == Standing::Waiting || row.1 == "reboot_pending";
        let nothing_comes =
            |row: &&WordCount| row.2 != Standing::Open && !is_verified(&row.1) && !is_wrong(&row.1);
        let rehearsing = rows.iter().filter(nothing_comes);
        let rehearse_and_wait = rehearsing.clone().filter(|row| asks(row)).map(|row| row.5);
        let rehearse_and_wait: u32 = rehearse_and_wait.sum();
        Self {
            wave: rows.first().map_or(0, |row| row.0),
            size: count(&|_| true),
            verified: count(&|row| is_verified(&row.1)),
            wrong: count(&|row| is_wrong(&row.1)),
            rehearsing: rehearsing.map(|row| row.5).sum(),
            waiting: count(&asks).saturating_sub(rehearse_and_wait),
            open: count(&|row| row.2 == Standing::Open && !asks(row)),
            ended_at: those(&|row| row.2 == Standing::Ended && row.1 != "in_service").1,
            wrong_at: those(&|row| is_wrong(&row.1)).1,
        }
    }

    /// What came out of this wave, for the one after it; [`View::with_soak`] adds since
    /// when that is enough.
    pub fn before(&self, wrong_since_opened: Option<u32>, share_percent: u32) -> Before {
        Before {
            size: self.size.saturating_sub(self.rehearsing),
            verified: self.verified,
            wrong: self.wrong,
            wrong_since_opened,
            share_percent,
            enough_at: None,
            soak_ms: 0,
        }
    }
}

/// A wave that a person opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaveOpening {
    /// The wave.
    pub wave: u32,
    /// When.
    pub opened_at: UtcMs,
    /// Who.
    pub opened_by: String,
    /// Why.
    pub reason: String,
}
from_row!(WaveOpening {
    wave,
    opened_at,
    opened_by,
    reason
});

impl View {
    /// How each wave of a plan went so far, by wave.
    pub async fn waves(&mut self, plan: &Digest) -> Result<Vec<WaveCounts>, StoreError> {
        let rows: Vec<WordCount> = self
            .tx
            .all(
                "SELECT j.wave, j.word, j.standing, COUNT(*), MAX(j.since),
                        SUM(CASE WHEN m.mode = 'rehearse' THEN 1 ELSE 0 END)
                 FROM jobs j JOIN machines m ON m.id = j.machine WHERE j.plan = $1
                 GROUP BY j.wave, j.word, j.standing ORDER BY j.wave",
                args![plan],
            )
            .await?;
        let waves = rows.chunk_by(|a, b| a.0 == b.0);
        Ok(waves.map(WaveCounts::of).collect())
    }

    /// What came out of the wave before this one; `None` for the first.
    pub async fn wave_before(
        &mut self,
        plan: &Digest,
        wave: u32,
    ) -> Result<Option<Before>, StoreError> {
        let Some(before) = wave.checked_sub(1) else {
            return Ok(None);
        };
        // By the index alone: every go asks.
        let counts: Vec<(String, u32)> = self
            .tx
            .all(
                "SELECT word, COUNT(*) FROM jobs WHERE plan = $1 AND wave = $2 GROUP BY word",
                args![plan, before],
            )
            .await?;
        let sum = |is: fn(&str) -> bool| {
            let those = counts.iter().filter(|(word, _)| is(word));
            those.map(|(_, count)| count).sum()
        };
        let policy = self.plan_policy(plan).await?;
        let (mut size, verified, wrong): (u32, u32, u32) =
            (sum(|_| true), sum(is_verified), sum(is_wrong));
        // With enough outcomes it does not matter how many there could be.
        if verified.saturating_add(wrong) < FEWEST_OUTCOMES {
            size = size.saturating_sub(self.rehearsing(plan, before).await?);
        }
        let soak_ms = policy.as_ref().map_or(0, |policy| policy.soak_ms);
        let found = Before {
            size,
            verified,
            wrong,
            wrong_since_opened: self.wrong_since_opened(plan, wave).await?,
            share_percent: policy.map_or(SHARE_PERCENT, |policy| policy.share_percent),
            enough_at: None,
            soak_ms: 0,
        };
        self.with_soak(plan, before, found, soak_ms).await.map(Some)
    }

    /// Adds to what came out of a wave since when it is enough, and how long is waited from
    /// there. An outcome is as old as its measurement: the return to service, which comes
    /// later, is none.
    pub async fn with_soak(
        &mut self,
        plan: &Digest,
        wave: u32,
        before: Before,
        soak_ms: i64,
    ) -> Result<Before, StoreError> {
        if soak_ms <= 0 || has_enough(&before).is_err() {
            return Ok(before);
        }
        let last_needed = before.needed_verified().saturating_sub(1);
        let row: Option<(UtcMs,)> = self
            .tx
            .first(
                "SELECT CASE WHEN j.word = 'in_service' THEN COALESCE(
                            (SELECT MAX(e.at) FROM evidence e WHERE e.job = j.id),
                            (SELECT MAX(r.recorded_at) FROM manual_records r WHERE r.job = j.id),
                            j.since)
                        ELSE j.since END AS came_at
                 FROM jobs j WHERE j.plan = $1 AND j.wave = $2
                    AND j.word IN ('verified', 'attested', 'in_service')
                 ORDER BY came_at LIMIT 1 OFFSET $3",
                args![plan, wave, last_needed],
            )
            .await?;
        Ok(Before {
            enough_at: row.map(|(at,)| at),
            soak_ms,
            ..before
        })
    }

    /// How many machines of a wave rehearse and have no outcome.
    async fn rehearsing(&mut self, plan: &Digest, wave: u32) -> Result<u32, StoreError> {
        let (count,) = self
            .tx
            .one(
                "SELECT COUNT(*) FROM jobs j JOIN machines m ON m.id = j.machine
                 WHERE j.plan = $1 AND j.wave = $2 AND m.mode = 'rehearse'
                    AND j.standing <> 'open'
                    AND j.word NOT IN ('verified', 'attested', 'in_service',
                                       'failed', 'rolled_back', 'freed')",
                args![plan, wave],
            )
            .await?;
        Ok(count)
    }

    /// Where a person opened a wave: how many jobs of earlier waves went wrong since.
    pub async fn wrong_since_opened(
        &mut self,
        plan: &Digest,
        wave: u32,
    ) -> Result<Option<u32>, StoreError> {
        let row: Option<(u32,)> = self
            .tx
            .first(
                "SELECT (SELECT COUNT(*) FROM jobs
                         WHERE plan = $1 AND word IN ('failed', 'rolled_back', 'freed')
                           AND judged & 4 = 0 AND wave < $2)
                 FROM wave_openings o WHERE o.plan = $1 AND o.wave = $2",
                args![plan, wave],
            )
            .await?;
        Ok(row.map(|(count,)| count))
    }

    /// The waves of a plan that people opened.
    pub async fn wave_openings(&mut self, plan: &Digest) -> Result<Vec<WaveOpening>, StoreError> {
        self.tx
            .all(
                "SELECT wave, opened_at, opened_by, reason FROM wave_openings
                 WHERE plan = $1 ORDER BY wave",
                args![plan],
            )
            .await
    }
}

impl Change {
    /// A person opens a wave that is closed. What goes wrong later closes it again.
    pub async fn open_wave(
        &mut self,
        plan: &Digest,
        wave: u32,
        reason: &Label,
    ) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let tx = self.step("wave.open", plan, json!({ "wave": wave, "reason": reason }));
        tx.execute(
            "UPDATE jobs SET judged = judged | 4
             WHERE plan = $1 AND word IN ('failed', 'rolled_back', 'freed') AND wave < $2",
            args![plan, wave],
        )
        .await?;
        tx.execute(
            "INSERT INTO wave_openings (plan, wave, opened_at, opened_by, reason)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (plan, wave) DO UPDATE SET opened_at = excluded.opened_at,
                    opened_by = excluded.opened_by, reason = excluded.reason",
            args![plan, wave, now, by, reason],
        )
        .await?;
        self.done();
        Ok(())
    }
}
