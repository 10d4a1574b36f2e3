//! How a hospital's file is read: which heading is which field.

use crate::store::value::{args, from_row};
use crate::store::{Change, StoreError, View};
use patchward_common::id::Name;
use serde_json::json;

/// One column of a saved mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedColumn {
    /// The mapping.
    pub mapping: Name,
    /// The column's heading, as the file has it.
    pub heading: String,
    /// The word of its field.
    pub field: String,
}
from_row!(MappedColumn {
    mapping,
    heading,
    field
});

impl View {
    /// Every column of every saved mapping, by name and heading.
    pub async fn asset_mappings(&mut self) -> Result<Vec<MappedColumn>, StoreError> {
        self.tx
            .all(
                "SELECT mapping, heading, field FROM asset_mappings ORDER BY mapping, heading",
                args![],
            )
            .await
    }
}

impl Change {
    /// Saves a mapping in place of the one with its name.
    pub async fn save_asset_mapping(
        &mut self,
        mapping: &Name,
        columns: &[(String, String)],
    ) -> Result<(), StoreError> {
        let detail = json!({ "columns": columns });
        let rows = columns.iter();
        let rows = rows.map(|(heading, field)| args![mapping, heading, field]);
        let tx = self.step("asset.mapping", mapping, detail);
        tx.execute(
            "DELETE FROM asset_mappings WHERE mapping = $1",
            args![mapping],
        )
        .await?;
        tx.execute_many(
            (
                "INSERT INTO asset_mappings (mapping, heading, field) VALUES",
                "",
            ),
            rows.collect(),
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Removes a saved mapping.
    pub async fn remove_asset_mapping(&mut self, mapping: &Name) -> Result<(), StoreError> {
        let removed = self
            .step("asset.mapping_remove", mapping, json!({}))
            .execute(
                "DELETE FROM asset_mappings WHERE mapping = $1",
                args![mapping],
            )
            .await?;
        self.done_if(removed, || StoreError::missing("mapping", mapping))
    }
}
