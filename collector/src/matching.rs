//! Holding stored advisories against what the hospital has: gathered here out of the store,
//! decided by `advisory`, kept as matches.

mod done;
mod exposed;
mod holders;
mod inventory;
mod open;
mod refresh;

pub use exposed::{Exposed, exposed};
pub use holders::{Holder, holders};
pub use inventory::{aliases, inventory};
pub use open::{OpenMatch, OpenMatches, open};
pub use refresh::{Outcome, prepared, product_key, refresh};
