//! What the first day asks of the fleet: counts by unit.

use super::value::{args, from_row};
use super::{StoreError, View};
use patchward_common::id::Name;

/// The enrolled machines of a unit, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitCounts {
    /// The unit.
    pub unit: Name,
    /// All of them.
    pub machines: u64,
    /// Those that stand in no assignment.
    pub unassigned: u64,
    /// Those with an agent whose interlock cannot tell, or has not yet.
    pub untold: u64,
    /// Those on which people work by hand.
    pub manual: u64,
    /// Those that rehearse.
    pub rehearsing: u64,
    /// Those on which updates are installed.
    pub active: u64,
}
from_row!(UnitCounts {
    unit,
    machines,
    unassigned,
    untold,
    manual,
    rehearsing,
    active
});

impl View {
    /// How many enrolled machines each unit has that has some, by unit.
    pub async fn enrolled_by_unit(&mut self) -> Result<Vec<(Name, u64)>, StoreError> {
        self.tx
            .all(
                "SELECT unit, COUNT(*) FROM machines WHERE state = 'enrolled'
                 GROUP BY unit ORDER BY unit",
                args![],
            )
            .await
    }

    /// The enrolled machines of every unit that has some, counted, by unit.
    pub async fn unit_counts(&mut self) -> Result<Vec<UnitCounts>, StoreError> {
        self.tx
            .all(
                "SELECT m.unit, COUNT(*),
                        COUNT(CASE WHEN NOT EXISTS
                                       (SELECT 1 FROM assignment_leaves l WHERE l.machine = m.id)
                                   THEN 1 END),
                        COUNT(CASE WHEN m.mode <> 'manual'
                                    AND (s.interlock IS NULL OR s.interlock = 'unknown')
                                   THEN 1 END),
                        COUNT(CASE WHEN m.mode = 'manual' THEN 1 END),
                        COUNT(CASE WHEN m.mode = 'rehearse' THEN 1 END),
                        COUNT(CASE WHEN m.mode = 'active' THEN 1 END)
                 FROM machines m LEFT JOIN machine_status s ON s.machine = m.id
                 WHERE m.state = 'enrolled' GROUP BY m.unit ORDER BY m.unit",
                args![],
            )
            .await
    }
}
