//! When a plan will be done: from the hours in which machines are idle and from what
//! became of their slots so far. Values in, values out; nothing is drawn by chance.

pub mod curve;
pub mod idle;
pub mod misses;
pub mod rehearsal;

pub use curve::{Hope, Point, Slot, curve, starving};
pub use idle::History;
pub use misses::{Counts, Outcome};
