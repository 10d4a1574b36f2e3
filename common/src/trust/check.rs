//! The eleven checks between a document and a byte that runs, in their order.
//!
//! Each step is a function of values; the installer's `authorise` gathers the
//! values and calls them in this order, first all of *prepare*, and before a start
//! all of them again with what is true then. A refusal names its step, says why,
//! and names the attack that it stops.

mod approved;
mod artifacts;
mod authority;
mod fitness;
mod place;
mod refusal;
mod rule;
mod start;
mod stops;
mod vendor;

pub use approved::{approval, approvers, placement};
pub use artifacts::{artifacts, recipes};
pub use authority::{Authority, charter_and_roster, charters};
pub use fitness::{Measured, applicability};
pub use place::{Place, assignment};
pub use refusal::{Attack, Refusal, Step, Why};
pub use start::{Ask, Interlock, go, handover, interlock, may_start_at, time, time_reset};
pub use stops::{Stops, hold_and_stop};
pub use vendor::vendor;

#[cfg(test)]
mod tests;
