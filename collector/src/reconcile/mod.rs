//! Tasks that take no input: woken by a timer, they read the store and do what is
//! missing. One path for start, retry and recovery.

pub mod ending;

use crate::app::App;
use std::sync::Arc;
use std::time::Duration;

/// How often the tasks look: slots end on whole minutes.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Runs every task until the task is dropped.
pub async fn run(app: Arc<App>) {
    let mut timer = tokio::time::interval(LOOK_EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        if let Err(failure) = ending::run(&app).await {
            tracing::warn!(problem = %failure.text, "plans could not be brought to their end");
        }
    }
}
