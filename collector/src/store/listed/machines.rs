//! The machines as a list.

use super::{Column, Kind, List, Page, Wanted, Where, column, word};
use crate::store::machines::{MachineState, Readiness};
use crate::store::value::from_row;
use crate::store::{StoreError, View};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::InterlockWord;

/// A machine in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMachine {
    /// What people call it.
    pub name: Name,
    /// Its care area.
    pub unit: Name,
    /// Its class.
    pub class: Class,
    /// Its model.
    pub model: Name,
    /// How far we may go on it.
    pub mode: Mode,
    /// Whether it belongs to the fleet.
    pub state: MachineState,
    /// When a clone was suspected.
    pub clone_suspected_at: Option<UtcMs>,
    /// When it was last heard.
    pub seen_at: Option<UtcMs>,
    /// What its interlock says.
    pub interlock: Option<InterlockWord>,
    /// What its readiness probes say.
    pub readiness: Option<Readiness>,
}
from_row!(ListedMachine {
    name,
    unit,
    class,
    model,
    mode,
    state,
    clone_suspected_at,
    seen_at,
    interlock,
    readiness
});

/// Of one name the one that belongs to the fleet comes first by the words of the states.
const COLUMNS: &[Column] = &[
    word("machine", "m.name"),
    word("unit", "m.unit"),
    word("class", "m.class"),
    word("model", "m.model"),
    word("mode", "m.mode"),
    word(
        "state",
        "CASE WHEN m.clone_suspected_at IS NULL THEN m.state ELSE 'clone?' END",
    ),
    column("last_seen", "seen.at", Kind::Number)
        .joined()
        .not_searched(),
    column(
        "in_use",
        "CASE s.interlock WHEN 'in_use' THEN 'in use' ELSE s.interlock END",
        Kind::Text,
    )
    .joined()
    .not_searched(),
    column("ready", "s.readiness", Kind::Text)
        .joined()
        .not_searched(),
];

const MACHINES: List = List {
    select: "m.name, m.unit, m.class, m.model, m.mode, m.state, m.clone_suspected_at, seen.at,
             s.interlock, s.readiness",
    table: "machines m",
    key: "m.id",
    joins: "LEFT JOIN machine_status s ON s.machine = m.id
            LEFT JOIN machine_seen seen ON seen.machine = m.id",
    columns: COLUMNS,
    order: "m.name, m.id",
    seen: "m.unit IN ({})",
    seen_is_joined: false,
};

impl View {
    /// A page of the machines, of one unit or of all, in every state.
    pub async fn listed_machines(
        &mut self,
        unit: Option<&Name>,
        wanted: &Wanted,
    ) -> Result<Page<ListedMachine>, StoreError> {
        let mut of = Where::default();
        if let Some(unit) = unit {
            of.is("m.unit", unit);
        }
        self.page(&MACHINES, of, wanted).await
    }
}
