//! Holding stored advisories against what the hospital has: gathered here out of the store,
//! decided by `advisory`, kept as matches.

mod assets;
mod brought;
mod by_name;
mod decisions;
mod done;
mod exposed;
mod holders;
mod inventory;
mod kept;
mod only;
mod open;
mod refresh;

pub use assets::Answers;
pub use by_name::ByName;
pub use decisions::product_key;
pub use exposed::{Exposed, all_exposed, exposed};
pub use holders::{Holder, holders};
pub use inventory::aliases;
pub use kept::Kept;
pub use only::{Only, things_of_asset, things_of_machine};
pub use open::{OpenMatch, OpenMatches, open};
pub use refresh::{Outcome, Ran, Unreadable, prepared, refresh};

use crate::control::Failure;

/// Computes beside the tasks that serve machines: a run may take seconds.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure::unavailable("The matching was ended; try again."))
}
