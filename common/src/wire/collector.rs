//! What a collector says first: nudges, which carry no orders, so that the machine asks; and
//! stops.
//!
//! Stops come as the [`Orders`](super::machine::Orders) that an answer to `orders` would bring,
//! where they are all that a machine lacks: on a stream both ways, which it answers with
//! [`Held`]. A machine that has other orders than their base asks instead.

use super::machine::ShortDigest;
use serde::{Deserialize, Serialize};

/// Largest nudge.
pub const MAX_NUDGE_BYTES: usize = 64;
/// Largest stops that are brought: one with all the signatures that it may have fits.
pub const MAX_STOPPED_BYTES: usize = 8 * 1_024;
/// Largest answer to them.
pub const MAX_HELD_BYTES: usize = 64;

crate::int_map! {
    /// The answer to stops that were brought: the machine's installer has them.
    Held {
        /// What names all orders that the machine has, as its next hello would.
        0 => orders: ShortDigest,
    }
}

/// One unidirectional stream each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
