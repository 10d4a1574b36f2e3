//! Gathering of what the running collector knows.

use super::{Behind, Gather};
use crate::app::App;
use crate::control::Failure;
use patchward_common::time::UtcMs;
use std::sync::Arc;

/// Gathers by a function of the collector.
pub struct By<F>(pub Arc<App>, pub F);

impl<T, F, W> Gather<T> for By<F>
where
    F: FnOnce(Arc<App>) -> W + Send + 'static,
    W: Future<Output = Result<T, Failure>> + Send,
{
    fn said(&self) -> u64 {
        self.0.store.said()
    }

    fn now(&self) -> UtcMs {
        self.0.now()
    }

    fn behind(&self) -> Behind {
        self.0.behind.clone()
    }

    fn ends(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.store.closing()
    }

    async fn gather(self) -> Result<T, Failure> {
        (self.1)(self.0).await
    }
}
