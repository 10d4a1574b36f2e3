//! Writing in groups: what many callers bring becomes one transaction.
//!
//! One task writes. It takes what has queued up while the COMMIT before was on its way to
//! the disk, stores all of it in one transaction, and answers each caller afterwards. An
//! answer therefore means "on disk", and a busy collector pays for one flush where it
//! would have paid for a thousand.

use super::{Engine, StoreError};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};

/// Entries that may wait; who comes beyond that waits at the door, not in memory.
const MAX_QUEUED: usize = 4_096;

/// Something that is stored together with others of its kind.
pub(super) trait Entry: Sized + Send + Sync + 'static {
    /// What its caller is told once it is on disk.
    type Stored: Send + 'static;
    /// Why it was not stored.
    type Error: From<StoreError> + Send + 'static;

    /// Most entries of one transaction: with far larger groups everybody waits for the
    /// same COMMIT.
    const MAX_GROUP: usize;
    /// Most [`Entry::rows`] of one transaction, so that nobody waits for too much of others'
    /// work.
    const MAX_ROWS: usize = Self::MAX_GROUP;

    /// How many rows it writes.
    fn rows(&self) -> usize {
        1
    }

    /// Stores entries in one transaction, with a result for each.
    fn store(
        engine: &Engine,
        entries: &[Self],
    ) -> impl Future<Output = Result<Results<Self>, StoreError>> + Send;
}

/// What became of each entry of a transaction.
pub(super) type Results<E> = Vec<Result<<E as Entry>::Stored, <E as Entry>::Error>>;

/// One entry and where its answer goes.
struct Waiting<E: Entry> {
    entry: E,
    answer: oneshot::Sender<Result<E::Stored, E::Error>>,
}

enum Message<E: Entry> {
    Entry(Waiting<E>),
    Close,
}

/// The way to the task that writes. Clones share it.
pub(super) struct Queue<E: Entry> {
    sender: mpsc::Sender<Message<E>>,
    task: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
}

impl<E: Entry> Clone for Queue<E> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            task: self.task.clone(),
        }
    }
}

impl<E: Entry> std::fmt::Debug for Queue<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl<E: Entry> Queue<E> {
    pub(super) fn start(engine: Engine) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED);
        let task = tokio::spawn(write_until_closed(engine, receiver));
        Self {
            sender,
            task: Arc::new(Mutex::new(Some(task))),
        }
    }

    /// Stores an entry; gives back its result once it is on disk.
    pub(super) async fn store(&self, entry: E) -> Result<E::Stored, E::Error> {
        let (answer, answered) = oneshot::channel();
        self.sender
            .send(Message::Entry(Waiting { entry, answer }))
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) async fn close(&self) {
        // Where the task has ended before, there is nothing to tell it.
        let _ = self.sender.send(Message::Close).await;
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

async fn write_until_closed<E: Entry>(engine: Engine, mut receiver: mpsc::Receiver<Message<E>>) {
    let mut messages = Vec::with_capacity(E::MAX_GROUP);
    while receiver.recv_many(&mut messages, E::MAX_GROUP).await > 0 {
        let mut group = Vec::new();
        let mut rows = 0;
        for message in messages.drain(..) {
            match message {
                Message::Entry(waiting) => {
                    rows += waiting.entry.rows();
                    group.push(waiting);
                    if rows >= E::MAX_ROWS {
                        write_group(&engine, std::mem::take(&mut group)).await;
                        rows = 0;
                    }
                }
                // What was sent before is written; nothing comes in any more.
                Message::Close => receiver.close(),
            }
        }
        write_group(&engine, group).await;
    }
}

/// Stores a group and answers. Where the group fails for a reason that may lie in one
/// entry, each is tried alone, so that nobody fails for his neighbour.
async fn write_group<E: Entry>(engine: &Engine, group: Vec<Waiting<E>>) {
    if group.is_empty() {
        return;
    }
    let (entries, answers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|w| (w.entry, w.answer)).unzip();
    let results = match E::store(engine, &entries).await {
        Ok(results) => results,
        Err(error) if entries.len() == 1 || is_everybodys(&error) => {
            entries.iter().map(|_| Err(error.clone().into())).collect()
        }
        Err(_) => {
            let mut results = Vec::with_capacity(entries.len());
            for entry in &entries {
                let alone = E::store(engine, std::slice::from_ref(entry)).await;
                results.push(
                    alone
                        .map_err(E::Error::from)
                        .and_then(|mut one| one.pop().unwrap_or(Err(StoreError::Closed.into()))),
                );
            }
            results
        }
    };
    for (answer, result) in answers.into_iter().zip(results) {
        // A caller that went away asks again.
        let _ = answer.send(result);
    }
}

fn is_everybodys(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Busy
            | StoreError::Unreachable(_)
            | StoreError::Full
            | StoreError::Corrupt(_)
            | StoreError::Closed
    )
}
