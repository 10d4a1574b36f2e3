//! Risk assessments: one per release and model.

use super::super::value::{args, from_row, words};
use super::super::{Change, StoreError, View};
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use serde_json::json;

words! {
    /// What was decided.
    Decision {
        /// Patch.
        Patch = "patch",
        /// Patch, as the reason says.
        PatchWithCare = "patch_with_care",
        /// Not yet.
        Wait = "wait",
        /// Not at all.
        DoNotPatch = "do_not_patch",
    }
}

/// Every decision.
pub const DECISIONS: [Decision; 4] = [
    Decision::Patch,
    Decision::PatchWithCare,
    Decision::Wait,
    Decision::DoNotPatch,
];

impl Decision {
    /// The one with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        DECISIONS.into_iter().find(|one| one.word() == word)
    }

    /// Whether it speaks against a plan with that release.
    pub fn speaks_against(self) -> bool {
        matches!(self, Self::Wait | Self::DoNotPatch)
    }
}

/// One assessment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The product.
    pub product: Name,
    /// Its version.
    pub version: String,
    /// The model.
    pub model: Name,
    /// What patching may do.
    pub of_patching: Label,
    /// What not patching may do.
    pub of_waiting: Label,
    /// What was decided.
    pub decision: Decision,
    /// Why, and how.
    pub reason: Label,
    /// Who decided.
    pub decided_by: Label,
    /// When it is looked at again.
    pub review_at: UtcMs,
    /// When it was put down.
    pub put_at: UtcMs,
}
from_row!(Risk {
    product,
    version,
    model,
    of_patching,
    of_waiting,
    decision,
    reason,
    decided_by,
    review_at,
    put_at
});

impl View {
    /// Every assessment, by product, version and model.
    pub async fn risks(&mut self) -> Result<Vec<Risk>, StoreError> {
        self.tx
            .all(
                "SELECT product, version, model, of_patching, of_waiting, decision, reason,
                        decided_by, review_at, put_at
                 FROM risks ORDER BY product, version, model",
                args![],
            )
            .await
    }
}

impl Change {
    /// Puts an assessment down, in place of the one before; the log keeps that.
    pub async fn put_risk(&mut self, risk: &Risk) -> Result<(), StoreError> {
        let (by, at) = (self.actor().to_string(), self.now());
        let detail = json!({
            "version": risk.version, "model": risk.model, "of_patching": risk.of_patching,
            "of_waiting": risk.of_waiting, "decision": risk.decision, "reason": risk.reason,
            "by": risk.decided_by, "review": risk.review_at,
        });
        self.step("risk.put", &risk.product, detail)
            .execute(
                "INSERT INTO risks (product, version, model, of_patching, of_waiting, decision,
                     reason, decided_by, review_at, put_by, put_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 ON CONFLICT (product, version, model) DO UPDATE SET
                     of_patching = excluded.of_patching, of_waiting = excluded.of_waiting,
                     decision = excluded.decision, reason = excluded.reason,
                     decided_by = excluded.decided_by, review_at = excluded.review_at,
                     put_by = excluded.put_by, put_at = excluded.put_at",
                args![
                    risk.product,
                    risk.version,
                    risk.model,
                    risk.of_patching,
                    risk.of_waiting,
                    risk.decision,
                    risk.reason,
                    risk.decided_by,
                    risk.review_at,
                    by,
                    at
                ],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Removes an assessment: the release is no longer used.
    pub async fn remove_risk(
        &mut self,
        product: &Name,
        version: &str,
        model: &Name,
    ) -> Result<(), StoreError> {
        let detail = json!({ "version": version, "model": model });
        let removed = self
            .step("risk.remove", product, detail)
            .execute(
                "DELETE FROM risks WHERE product = $1 AND version = $2 AND model = $3",
                args![product, version, model],
            )
            .await?;
        self.done_if(removed, || {
            StoreError::missing("risk assessment", format!("{product}={version} of {model}"))
        })
    }
}
