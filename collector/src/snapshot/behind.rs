//! Gathering that nobody waits for.

use crate::control::Failure;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Threads for what is gathered while nobody waits for it. One thing at a time is: together they
/// would take the processor from whoever looks, and of a database that is a server every connection.
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

    /// Does there what somebody wants who is not in a hurry: the collector's own tasks.
    ///
    /// # Errors
    /// As `work`.
    pub async fn does<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.threads.spawn(work).await.map_err(|panic| {
            tracing::error!(%panic, "gathering for the collector's own tasks ended with a fault");
            Failure::fault()
        })?
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[tokio::test]
    async fn what_the_collector_wants_is_done_there_and_a_fault_is_told() {
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("behind")
            .build()
            .unwrap();
        let behind = Behind::new(threads.handle().clone());
        let place = behind.does(async { Ok(thread::current().name().map(str::to_owned)) });
        assert_eq!(place.await.unwrap().as_deref(), Some("behind"));
        let failure = Failure::input("no");
        let failed = behind.does(async { Err::<(), _>(failure) }).await;
        assert_eq!(failed.unwrap_err().text, "no");
        let panics = behind.does(async { panic!("a fault") as Result<(), Failure> });
        assert_eq!(panics.await.unwrap_err().text, Failure::fault().text);
        threads.shutdown_background();
    }
}
