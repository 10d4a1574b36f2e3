//! What a collector says first: nudges. But for a stop they carry no orders; the machine asks.

use super::machine::Orders;
use serde::{Deserialize, Serialize};

/// Largest nudge: a stop with all the signatures that it may have fits.
pub const MAX_NUDGE_BYTES: usize = 8 * 1_024;

/// One unidirectional stream each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nudge {
    /// Ask for orders, and again for what was refused: something that forbade it is gone.
    OrdersChanged,
    /// A stop is in force: ask for orders at once.
    Stop,
    /// The stops that are all that a machine lacks, as the answer to `orders` would bring
    /// them. A machine that has other orders than their base asks.
    Stopped(Box<Orders>),
    /// Send hello and inventory now.
    ReportNow,
    /// The collector goes away; come again after so many milliseconds.
    GoingAway(u64),
}
