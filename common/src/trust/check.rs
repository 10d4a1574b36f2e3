//! The eleven checks between a document and a byte that runs, in their order.
//!
//! Each step is a function of values; the installer's `authorise` gathers the
//! values and calls them in this order, first all of *prepare*, and before a start
//! all of them again with what is true then. A refusal names its step, says why,
//! and names the attack that it stops.

mod prepare;
mod refusal;
mod start;

pub use prepare::{
    Authority, Measured, Place, applicability, approval, artifacts, assignment, charter_and_roster,
    placement, vendor,
};
pub use refusal::{Attack, Refusal, Step, Why};
pub use start::{Ask, Interlock, Stops, go, hold_and_stop, interlock, may_start_at, time};

#[cfg(test)]
mod tests;
