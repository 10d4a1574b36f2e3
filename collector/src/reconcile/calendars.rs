//! Reads calendars again when it is time: each as often as its own minutes say.

use crate::calendar::{self, Empty, Outcome};
use crate::store::{Actor, Store, StoreError};
use patchward_common::time::UtcMs;

/// Reads every calendar that is due. One that fails keeps nobody else from being read.
pub async fn run(store: &Store, now: UtcMs) -> Result<(), StoreError> {
    let calendars = store.view().await?.calendars().await?;
    for due in calendars.iter().filter(|one| calendar::is_due(one, now)) {
        let name = &due.name;
        match calendar::read_again(store, Actor::Collector, due, Empty::Doubted, now).await {
            Ok(Outcome::Problem(problem)) => {
                tracing::warn!(calendar = %name, problem, "a calendar could not be read; its last good copy stays");
            }
            Ok(Outcome::New(said)) => {
                tracing::info!(calendar = %name, freezes = said.freezes.len(), "a calendar was read");
            }
            Ok(Outcome::Same(_)) => {}
            Err(error) => {
                tracing::warn!(calendar = %name, %error, "what a calendar says could not be stored");
            }
        }
    }
    Ok(())
}
