//! Gathering that nobody waits for.

use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Threads for what is gathered while nobody waits for it. One thing at a time is: together they
/// would hold every connection that reads, and whoever looks would wait for the last of them.
#[derive(Clone, Debug)]
pub struct Behind {
    threads: Handle,
    turns: Arc<Semaphore>,
}

impl Behind {
    /// On these threads.
    pub fn new(threads: Handle) -> Self {
        Self {
            threads,
            turns: Arc::new(Semaphore::new(1)),
        }
    }

    /// The threads, for tasks that go round. What is too old to be shown they gather out of turn, each
    /// of them one thing at a time.
    pub fn threads(&self) -> &Handle {
        &self.threads
    }

    /// Does `work` when its turn has come.
    pub(super) fn in_turn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let turns = Arc::clone(&self.turns);
        self.threads.spawn(async move {
            // Nobody closes it.
            let _turn = turns.acquire_owned().await;
            work.await;
        });
    }
}
