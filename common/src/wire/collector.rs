//! What a collector says first: nudges. They carry no orders; the machine asks.

use serde::{Deserialize, Serialize};

/// Largest nudge.
pub const MAX_NUDGE_BYTES: usize = 64;

/// One unidirectional stream each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nudge {
    /// Ask for orders, and again for what was refused: something that forbade it is gone.
    OrdersChanged,
    /// A stop is in force: ask for orders at once.
    Stop,
    /// Send hello and inventory now.
    ReportNow,
    /// The collector goes away; come again after so many milliseconds.
    GoingAway(u64),
}
