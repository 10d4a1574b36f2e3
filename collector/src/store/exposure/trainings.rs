//! Since when people must be trained, and what is no longer asked of them.

use super::super::value::args;
use super::super::{Change, StoreError, View};
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use serde_json::json;

impl View {
    /// Since when each training is needed, by product, version and unit; the empty unit stands
    /// for all.
    pub async fn trainings_since(
        &mut self,
    ) -> Result<Vec<(Name, String, String, Option<UtcMs>)>, StoreError> {
        self.tx
            .all(
                "SELECT product, version, unit, needed_at FROM trainings
                 ORDER BY product, version, unit",
                args![],
            )
            .await
    }
}

impl Change {
    /// Takes back that a release needs training.
    pub async fn drop_training(
        &mut self,
        product: &Name,
        version: &str,
        unit: Option<&Name>,
        why: &Label,
    ) -> Result<(), StoreError> {
        let unit = unit.map_or("", Name::as_str);
        let detail = json!({ "version": version, "unit": unit, "why": why });
        let removed = self
            .step("training.drop", product, detail)
            .execute(
                "DELETE FROM trainings WHERE product = $1 AND version = $2 AND unit = $3",
                args![product, version, unit],
            )
            .await?;
        self.done_if(removed, || {
            StoreError::conflict(format!(
                "nobody stated that {product} {version} needs training there; `plan stated` shows \
                 what was stated"
            ))
        })
    }
}
