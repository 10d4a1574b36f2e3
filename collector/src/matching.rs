//! Holding stored advisories against what the hospital has: gathered here out of the store,
//! decided by `advisory`, kept as matches.

mod holders;
mod inventory;
mod refresh;

pub use holders::{Holder, holders};
pub use inventory::{aliases, inventory};
pub use refresh::{Outcome, prepared, product_key, refresh};
