//! Tasks that take no input: woken by a timer, they read the store and do what is
//! missing. One path for start, retry and recovery.

pub mod ending;
pub mod limit;
pub mod sets;

use crate::app::App;
use std::sync::Arc;
use std::time::Duration;

/// How often the tasks look: slots end on whole minutes.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Runs every task until the task is dropped.
pub async fn run(app: Arc<App>) {
    let mut timer = tokio::time::interval(LOOK_EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sets = sets::Sets::default();
    loop {
        timer.tick().await;
        let (store, now) = (&app.store, app.now());
        // Before plans are brought to their end: one that ended is halted no more.
        if let Err(error) = limit::run(store, now).await {
            tracing::warn!(%error, "plans that reached their failure limit are not halted yet");
        }
        if let Err(error) = ending::run(store, now).await {
            tracing::warn!(%error, "plans could not be brought to their end");
        }
        if let Err(error) = sets.run(store, now).await {
            tracing::warn!(%error, "inventories that no machine has were not dropped");
        }
    }
}
