//! Until when operating systems, models and products are supported.

use super::value::{args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde_json::json;

words! {
    /// What is supported.
    SupportKind {
        /// An operating system, by the `ID` of its os-release.
        Os = "os",
        /// A model of machines or medical devices.
        Model = "model",
        /// A component, by its name.
        Product = "product",
    }
}

/// When support ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportEnd {
    /// Of what.
    pub kind: SupportKind,
    /// Its name.
    pub name: String,
    /// Of which versions, as a person wrote them.
    pub versions: String,
    /// The last day of support, as `2028-06-30`.
    pub ends_on: String,
    /// Where that is said.
    pub source: Option<Label>,
    /// Who entered it.
    pub put_by: String,
    /// When.
    pub put_at: UtcMs,
}
from_row!(SupportEnd {
    kind,
    name,
    versions,
    ends_on,
    source,
    put_by,
    put_at
});

impl View {
    /// Every end of support, the earliest first.
    pub async fn support_ends(&mut self) -> Result<Vec<SupportEnd>, StoreError> {
        self.tx
            .all(
                "SELECT kind, name, versions, ends_on, source, put_by, put_at FROM support_ends
                 ORDER BY ends_on, kind, name, versions",
                args![],
            )
            .await
    }
}

impl Change {
    /// Enters when support ends; the same versions of the same thing again take its place.
    /// Who enters it and when are this change's.
    pub async fn put_support_end(&mut self, end: &SupportEnd) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let detail = json!({
            "kind": end.kind, "versions": end.versions, "ends": end.ends_on,
            "source": end.source,
        });
        self.step("support.put", &end.name, detail)
            .execute(
                "INSERT INTO support_ends (kind, name, versions, ends_on, source, put_by, put_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (kind, name, versions) DO UPDATE SET ends_on = excluded.ends_on,
                    source = excluded.source, put_by = excluded.put_by,
                    put_at = excluded.put_at",
                args![
                    end.kind,
                    end.name,
                    end.versions,
                    end.ends_on,
                    end.source,
                    by,
                    now
                ],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Removes an end of support.
    pub async fn remove_support_end(
        &mut self,
        kind: SupportKind,
        name: &str,
        versions: &str,
    ) -> Result<(), StoreError> {
        let detail = json!({ "kind": kind, "versions": versions });
        let removed = self
            .step("support.remove", name, detail)
            .execute(
                "DELETE FROM support_ends WHERE kind = $1 AND name = $2 AND versions = $3",
                args![kind, name, versions],
            )
            .await?;
        self.done_if(removed, || StoreError::missing("end of support", name))
    }
}
