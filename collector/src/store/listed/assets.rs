//! The hospital's own list.

use super::{Column, Kind, List, Page, Wanted, Where, column, word};
use crate::store::assets::LifeCycle;
use crate::store::value::from_row;
use crate::store::{StoreError, View};
use patchward_common::id::{Label, MachineId, Name};

/// An asset in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAsset {
    /// The hospital's tag.
    pub tag: Label,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// The maker's serial number.
    pub serial: String,
    /// Where it is used.
    pub unit: Option<Name>,
    /// What it is, in a word: `machine`, `device` or `none_yet`.
    pub kind: String,
    /// Where it stands in its life.
    pub life_cycle: LifeCycle,
    /// The machine that it is.
    pub machine: Option<MachineId>,
}
from_row!(ListedAsset {
    tag,
    manufacturer,
    model,
    serial,
    unit,
    kind,
    life_cycle,
    machine
});

const KIND: &str = "CASE WHEN a.machine IS NULL THEN a.kind ELSE 'machine' END";

const COLUMNS: &[Column] = &[
    column("tag", "a.tag", Kind::Text).in_each(),
    column("manufacturer", "a.manufacturer", Kind::Text),
    column("model", "a.model", Kind::Text),
    column("serial", "a.serial", Kind::Text),
    column("unit", "a.unit", Kind::Text),
    word("kind", KIND),
    word("life_cycle", "a.life_cycle"),
    column("machine", "a.machine", Kind::Text),
];

const ASSETS: List = List {
    select: "a.tag, a.manufacturer, a.model, a.serial, a.unit,
             CASE WHEN a.machine IS NULL THEN a.kind ELSE 'machine' END, a.life_cycle, a.machine",
    table: "assets a",
    key: "a.tag",
    joins: "",
    columns: COLUMNS,
    order: "a.tag",
    // What is of no unit and no machine concerns everybody.
    seen: "a.unit IN ({}) OR (a.unit IS NULL AND (a.machine IS NULL
           OR a.machine IN (SELECT id FROM machines WHERE unit IN ({}))))",
    seen_is_joined: false,
};

impl View {
    /// A page of the list, of one unit or of all, in one state of their life or in any.
    pub async fn listed_assets(
        &mut self,
        unit: Option<&Name>,
        state: Option<LifeCycle>,
        wanted: &Wanted,
    ) -> Result<Page<ListedAsset>, StoreError> {
        let mut of = Where::default();
        if let Some(unit) = unit {
            of.is("a.unit", unit);
        }
        if let Some(state) = &state {
            of.is("a.life_cycle", state);
        }
        self.page(&ASSETS, of, wanted).await
    }
}
