//! Working in groups: what many callers bring becomes one transaction.
//!
//! One task works. It takes what has queued up while the transaction before was carried out,
//! does all of it in one, and answers each caller afterwards. To somebody who writes an
//! answer therefore means "on disk", and a busy collector pays for one flush where it
//! would have paid for a thousand; who reads shares a handful of statements with others.

use super::{Engine, StoreError};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};

/// Entries that may wait; who comes beyond that waits at the door, not in memory.
const MAX_QUEUED: usize = 4_096;

/// Something that is stored, or asked for, together with others of its kind.
pub(super) trait Entry: Sized + Send + Sync + 'static {
    /// What its caller is told, once it is on disk where it is stored.
    type Answer: Send + 'static;
    /// Why it was not done.
    type Error: From<StoreError> + Send + 'static;

    /// Most entries of one transaction: with far larger groups everybody waits for the
    /// same COMMIT.
    const MAX_GROUP: usize;
    /// Most [`Entry::rows`] of one transaction, so that nobody waits for too much of others'
    /// work.
    const MAX_ROWS: usize = Self::MAX_GROUP;

    /// Whether damage in the database may be of one entry: who reads is told of what is its own.
    const READS: bool = false;

    /// How many rows it takes.
    fn rows(&self) -> usize {
        1
    }

    /// Does them in one transaction, with a result for each.
    fn together(
        engine: &Engine,
        entries: &[Self],
    ) -> impl Future<Output = Result<Results<Self>, StoreError>> + Send;
}

/// What became of each entry of a transaction.
pub(super) type Results<E> = Vec<Result<<E as Entry>::Answer, <E as Entry>::Error>>;

/// One entry and where its answer goes.
struct Waiting<E: Entry> {
    entry: E,
    answer: oneshot::Sender<Result<E::Answer, E::Error>>,
}

enum Message<E: Entry> {
    Entry(Waiting<E>),
    Close,
}

/// The way to the task that works. Clones share it.
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
        let task = tokio::spawn(work_until_closed(engine, receiver));
        Self {
            sender,
            task: Arc::new(Mutex::new(Some(task))),
        }
    }

    /// Hands in an entry; gives back its result once that is there.
    pub(super) async fn put(&self, entry: E) -> Result<E::Answer, E::Error> {
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

async fn work_until_closed<E: Entry>(engine: Engine, mut receiver: mpsc::Receiver<Message<E>>) {
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
                        do_group(&engine, std::mem::take(&mut group)).await;
                        rows = 0;
                    }
                }
                // What was sent before is done; nothing comes in any more.
                Message::Close => receiver.close(),
            }
        }
        do_group(&engine, group).await;
    }
}

/// Does a group and answers. Where the group fails for a reason that may lie in one
/// entry, each is tried alone, so that nobody fails for his neighbour.
async fn do_group<E: Entry>(engine: &Engine, group: Vec<Waiting<E>>) {
    if group.is_empty() {
        return;
    }
    let (entries, answers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|w| (w.entry, w.answer)).unzip();
    let results = match E::together(engine, &entries).await {
        Ok(results) => results,
        Err(error) if entries.len() == 1 || is_everybodys::<E>(&error) => {
            entries.iter().map(|_| Err(error.clone().into())).collect()
        }
        Err(_) => {
            let mut results = Vec::with_capacity(entries.len());
            for entry in &entries {
                let alone = E::together(engine, std::slice::from_ref(entry)).await;
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

fn is_everybodys<E: Entry>(error: &StoreError) -> bool {
    match error {
        StoreError::Busy | StoreError::Unreachable(_) | StoreError::Full | StoreError::Closed => {
            true
        }
        StoreError::Corrupt(_) => !E::READS,
        _ => false,
    }
}
