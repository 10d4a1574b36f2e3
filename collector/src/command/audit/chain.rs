//! Whether the log is whole, for who looks at its page: a long log is read whole once a day,
//! beside whoever looks, and for each look only what came since.

use super::{broken, verify};
use crate::app::App;
use crate::control::{Cell, Failure, Output};
use crate::store::audit::Head;
use patchward_common::time::{DAY_MS, UtcMs};
use std::sync::{Arc, Mutex, PoisonError};

/// A log of so many rows is read whole for each look: that takes a tenth of a second.
const READ_AT_ONCE: u64 = 10_000;

/// What came of reading the log whole.
#[derive(Clone, Debug)]
struct Read {
    /// When that was begun.
    at: UtcMs,
    /// Up to where it is known to be whole, or what is wrong.
    found: Result<Head, Failure>,
}

impl Read {
    fn is_old(&self, now: UtcMs) -> bool {
        let age = now.since_ms(self.at);
        // One from ahead is of a clock that was wrong.
        !(0..DAY_MS).contains(&age)
    }
}

/// What is known of the log since the collector started.
#[derive(Debug, Default)]
pub(in crate::command) struct Chain {
    read: Mutex<Option<Read>>,
    /// Held by who reads.
    reading: Arc<tokio::sync::Mutex<()>>,
}

impl Chain {
    fn known(&self) -> Option<Read> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.clone()
    }

    fn keep(&self, new: Read) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        *read = Some(new);
    }
}

/// Reads the log whole beside whoever looks, if nobody does.
fn read_beside(app: &Arc<App>) {
    let Ok(place) = app.snapshots.chain.reading.clone().try_lock_owned() else {
        return;
    };
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let at = app.now();
        let found = match app.store.view().await {
            Ok(mut view) => view.verify_audit(None).await.map_err(broken),
            Err(error) => Err(error.into()),
        };
        if let Err(failure) = &found {
            tracing::error!(%failure, "the audit log was read");
        }
        app.snapshots.chain.keep(Read { at, found });
        drop(place);
    });
}

/// What is said of the log to who looks.
pub(in crate::command) async fn told(app: &Arc<App>) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let head = view.audit_head().await?;
    if head.seq <= READ_AT_ONCE {
        return verify(&mut view, None).await;
    }
    let read = app.snapshots.chain.known();
    if read.as_ref().is_none_or(|read| read.is_old(app.now())) {
        read_beside(app);
    }
    let Some(read) = read else {
        let why = "not known yet: it is read for the first time since the collector started; \
                   look again in a minute";
        return Ok(record(head, Cell::of(why), Cell::Empty));
    };
    let known = read.found?;
    let head = view.verify_audit_after(known).await.map_err(broken)?;
    app.snapshots.chain.keep(Read {
        at: read.at,
        found: Ok(head),
    });
    Ok(record(head, Cell::Flag(true), Cell::of(read.at)))
}

fn record(head: Head, intact: Cell, read_whole: Cell) -> Output {
    Output::record([
        ("rows", Cell::Number(head.seq as i64)),
        ("head", Cell::of(head)),
        ("intact", intact),
        ("read_whole", read_whole),
    ])
}
