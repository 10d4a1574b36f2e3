//! Machines that say hello while something else is measured.

use crate::bench::crowd::{Crowd, Member};
use crate::bench::report::clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Connections that say hello; a large hospital's are 50,000, each of which says one in ten
/// seconds where machines are awake.
pub(super) const CONNECTIONS: usize = 500;
/// How often each of them does: 5,000 a second by all.
pub(super) const HELLO_EVERY: Duration = Duration::from_millis(100);

/// Machines that say hello until they are told to end.
pub(super) struct Hellos {
    running: JoinSet<anyhow::Result<()>>,
    ends: Arc<AtomicBool>,
    said: Arc<AtomicUsize>,
    begun: Instant,
}

impl Hellos {
    pub(super) fn begin(crowd: Crowd) -> Self {
        let (ends, said) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut running = JoinSet::new();
        for (number, member) in crowd.members.into_iter().enumerate() {
            let offset = HELLO_EVERY.mul_f64(number as f64 / CONNECTIONS as f64);
            running.spawn(say(member, offset, Arc::clone(&ends), Arc::clone(&said)));
        }
        Self {
            running,
            ends,
            said,
            begun: clock(),
        }
    }

    /// Ends them; gives back how many a second there were.
    pub(super) async fn end(mut self) -> anyhow::Result<f64> {
        let a_second =
            self.said.load(Ordering::Relaxed) as f64 / self.begun.elapsed().as_secs_f64();
        self.ends.store(true, Ordering::Relaxed);
        while let Some(ended) = self.running.join_next().await {
            ended??;
        }
        Ok(a_second)
    }
}

async fn say(
    mut member: Member,
    offset: Duration,
    ends: Arc<AtomicBool>,
    said: Arc<AtomicUsize>,
) -> anyhow::Result<()> {
    let mut timer = tokio::time::interval_at((clock() + offset).into(), HELLO_EVERY);
    // Where the computer is too slow fewer are said, and the report says how many.
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !ends.load(Ordering::Relaxed) {
        timer.tick().await;
        member.say_hello().await?;
        said.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
