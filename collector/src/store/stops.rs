//! What stands in the way of a start besides documents, freezes and holds: halts that the
//! collector calls by itself.

use super::documents::DocumentKind;
use super::go::lock_all_groups;
use super::value::{args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use serde_json::json;

words! {
    /// What a halt covers.
    HaltScope {
        /// A plan, by its digest; a wave of it, where one is named.
        Plan = "plan",
        /// A release on a model, as `DIGEST/MODEL`.
        ReleaseOnModel = "release_on_model",
    }
}

/// The wave of a halt that covers a whole plan or a release.
pub const EVERY_WAVE: u32 = u32::MAX;

/// A wave as the audit log says it.
fn said(wave: u32) -> serde_json::Value {
    match wave {
        EVERY_WAVE => "all".into(),
        wave => wave.into(),
    }
}

/// The collector stopped starting, by itself, until a person resumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// What kind of thing it covers.
    pub scope: HaltScope,
    /// Which one.
    pub subject: String,
    /// Which wave of it, or [`EVERY_WAVE`].
    pub wave: u32,
    /// Since when.
    pub at: UtcMs,
    /// Why.
    pub reason: String,
    /// When a person resumed.
    pub resumed_at: Option<UtcMs>,
    /// Who that was.
    pub resumed_by: Option<String>,
}
from_row!(Halt {
    scope,
    subject,
    wave,
    at,
    reason,
    resumed_at,
    resumed_by
});

impl View {
    /// Whether a stop of this plan, or of everything, is in force.
    pub async fn is_stopped(&mut self, plan: &Digest, now: UtcMs) -> Result<bool, StoreError> {
        let stops = self.in_force(DocumentKind::Stop, now).await?;
        Ok(stops.iter().any(|stop| match stop.scope.as_deref() {
            Some("plan") => stop.subject == Some(plan.to_string()),
            Some("all") => true,
            _ => false,
        }))
    }

    /// The halts that nobody has resumed, oldest first.
    pub async fn halts(&mut self) -> Result<Vec<Halt>, StoreError> {
        self.tx
            .all(
                "SELECT scope, subject, wave, at, reason, resumed_at, resumed_by FROM halts
                 WHERE resumed_at IS NULL ORDER BY at, scope, subject, wave",
                args![],
            )
            .await
    }

    /// Every halt of one thing, resumed or not, oldest first.
    pub async fn halts_of(
        &mut self,
        scope: HaltScope,
        subject: &str,
    ) -> Result<Vec<Halt>, StoreError> {
        self.tx
            .all(
                "SELECT scope, subject, wave, at, reason, resumed_at, resumed_by FROM halts
                 WHERE scope = $1 AND subject = $2 ORDER BY at, wave",
                args![scope, subject],
            )
            .await
    }
}

impl Change {
    /// Halts something, unless it is halted already.
    pub async fn halt(
        &mut self,
        scope: HaltScope,
        subject: &str,
        wave: u32,
        reason: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let detail = json!({ "scope": scope, "wave": said(wave), "reason": reason });
        let tx = self.step("halt.set", subject, detail);
        lock_all_groups(tx).await?;
        tx.execute(
            "INSERT INTO halts (scope, subject, wave, at, reason) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
            args![scope, subject, wave, now, reason],
        )
        .await?;
        self.done();
        Ok(())
    }

    /// A person resumes what was halted, and has judged what went wrong until now.
    pub async fn resume(
        &mut self,
        scope: HaltScope,
        subject: &str,
        wave: u32,
        reason: &str,
    ) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let detail = json!({ "scope": scope, "wave": said(wave), "reason": reason });
        let tx = self.step("halt.resume", subject, detail);
        match (scope, wave, subject.split_once('/')) {
            (HaltScope::Plan, EVERY_WAVE, _) => {
                tx.execute(
                    "UPDATE jobs SET judged = judged | 1
                     WHERE plan = $1 AND word IN ('failed', 'rolled_back', 'freed')",
                    args![subject],
                )
                .await?;
            }
            (HaltScope::ReleaseOnModel, _, Some((sha256, model))) => {
                tx.execute(
                    "UPDATE jobs SET judged = judged | 2
                     WHERE word IN ('failed', 'rolled_back', 'freed')
                       AND plan IN (SELECT plan FROM plan_releases WHERE sha256 = $1)
                       AND machine IN (SELECT id FROM machines WHERE model = $2)",
                    args![sha256, model],
                )
                .await?;
            }
            _ => {}
        }
        let changed = tx
            .execute(
                "UPDATE halts SET resumed_at = $4, resumed_by = $5
                 WHERE scope = $1 AND subject = $2 AND wave = $3 AND resumed_at IS NULL",
                args![scope, subject, wave, now, by],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("halt of", subject))
    }
}
