//! Exposure: how urgent each open match is, with the parts that make it so; what stands in
//! until a fix is verified; whom the hospital waits for. Values in, values out.
//!
//! [`Priority`] is four parts, compared one after the other and always shown with their
//! words; there is no number that adds them up. `docs/exposure.md` tells the order.

pub mod case;
pub mod exception;
pub mod letter;
mod line;
pub mod mitigation;
mod part;
mod priority;
mod rollup;
mod scope;
mod told;

pub use line::{Line, Open, Standing};
pub use part::{Criticality, Exploitation, NetworkReach, Severity};
pub use priority::Priority;
pub use rollup::{By, Counts, Group, rolled};
pub use scope::{Scope, covers};
pub use told::Told;
