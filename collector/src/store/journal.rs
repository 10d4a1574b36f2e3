//! Job events of machines, stored exactly once, many machines to one COMMIT
//! ([`super::queue`]). An acknowledgement means "on disk".

mod early;
mod group;

pub use early::{MAX_EARLY_EVENTS, MAX_EARLY_EVENTS_OF_JOB};

use super::value::{args, from_row};
use super::{Change, Engine, Store, StoreError, View, queue};
use patchward_common::id::{MachineId, OutboxId};
use patchward_common::time::UtcMs;
use serde_json::json;

/// Most appends of one transaction. A flush is worth some ten events; with far larger
/// groups everybody waits for the same COMMIT, and nobody verifies what comes next.
const MAX_GROUP: usize = 256;
/// Most events of one transaction, so that nobody waits for more than about 0.1 s of work.
const MAX_GROUP_EVENTS: usize = 8_192;
/// Largest event: a signed job event with its step's output.
pub const MAX_EVENT_BYTES: usize = 80 * 1024;
/// Most events of one append, as on the wire.
pub const MAX_APPEND_EVENTS: usize = 256;
/// How far beyond a gap an event may lie. Machines send in order; more is a machine that
/// wants to fill the disk.
pub const MAX_AHEAD: u64 = 4_096;
/// Most outboxes of one machine: it has a new one after each loss of its disk.
pub const MAX_OUTBOXES: u64 = 64;

/// Events of one machine, oldest first, without gaps among them.
#[derive(Clone, Debug)]
pub struct Append {
    /// The machine, by its certificate.
    pub machine: MachineId,
    /// Its outbox.
    pub outbox: OutboxId,
    /// The sequence of the first event, from 1.
    pub first: u64,
    /// The events' exact bytes.
    pub events: Vec<Vec<u8>>,
    /// When they came.
    pub received_at: UtcMs,
}

/// Why events were not acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The key is stored with other bytes. An alarm: an outbox never changes an event.
    #[error("event {sequence} of this outbox is stored with other bytes; raise an alarm")]
    Altered {
        /// The event's sequence.
        sequence: u64,
    },
    /// Too many or too large events, or too far beyond what is stored.
    #[error("not stored: {0}")]
    Refused(&'static str),
    /// The store failed; nothing was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its sequence.
    pub sequence: u64,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// When it came.
    pub received_at: UtcMs,
}
from_row!(StoredEvent {
    sequence,
    bytes,
    received_at
});

/// A stored event and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Its outbox, by [`Unconsumed::id`].
    pub outbox: u64,
    /// The event's sequence.
    pub sequence: u64,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
}
from_row!(JournalRow {
    outbox,
    sequence,
    bytes
});

/// An outbox with events that are stored and not yet turned into states of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unconsumed {
    /// The outbox's number in this store.
    pub id: u64,
    /// The machine.
    pub machine: MachineId,
    /// Its outbox.
    pub outbox: OutboxId,
    /// Up to here they are done.
    pub consumed: u64,
    /// Up to here they are stored without a gap.
    pub contiguous: u64,
}
from_row!(Unconsumed {
    id,
    machine,
    outbox,
    consumed,
    contiguous
});

impl queue::Entry for Append {
    /// The highest sequence of the outbox up to which nothing is missing.
    type Answer = u64;
    type Error = JournalError;
    const MAX_GROUP: usize = MAX_GROUP;
    const MAX_ROWS: usize = MAX_GROUP_EVENTS;

    fn rows(&self) -> usize {
        self.events.len()
    }

    async fn together(
        engine: &Engine,
        entries: &[Self],
    ) -> Result<queue::Results<Self>, StoreError> {
        group::store(engine, entries).await
    }
}

impl Store {
    /// Stores events and gives back, once they are on disk, the highest sequence of the
    /// outbox up to which nothing is missing. Events that are stored already, with the
    /// same bytes, are acknowledged again.
    pub async fn append_journal(&self, append: Append) -> Result<u64, JournalError> {
        check(&append).map_err(JournalError::Refused)?;
        self.journal.put(append).await
    }
}

impl View {
    /// The highest sequence of an outbox up to which nothing is missing; 0 for none.
    pub async fn journal_position(
        &mut self,
        machine: &MachineId,
        outbox: &OutboxId,
    ) -> Result<u64, StoreError> {
        let (contiguous, _) = self.outbox_ends(machine, outbox).await?;
        Ok(contiguous)
    }

    /// Up to which sequence an outbox's events were turned into states of jobs; 0 for none.
    pub async fn journal_consumed(
        &mut self,
        machine: &MachineId,
        outbox: &OutboxId,
    ) -> Result<u64, StoreError> {
        let (_, consumed) = self.outbox_ends(machine, outbox).await?;
        Ok(consumed)
    }

    /// Whether any event of a machine is stored and not turned into states of jobs yet.
    pub(super) async fn is_unread(&mut self, machine: &MachineId) -> Result<bool, StoreError> {
        let row: Option<(u64,)> = self
            .tx
            .first(
                "SELECT contiguous FROM outboxes
                 WHERE machine = $1 AND consumed < contiguous LIMIT 1",
                args![machine],
            )
            .await?;
        Ok(row.is_some())
    }

    /// Up to where an outbox is stored without a gap, and up to where it is consumed.
    async fn outbox_ends(
        &mut self,
        machine: &MachineId,
        outbox: &OutboxId,
    ) -> Result<(u64, u64), StoreError> {
        let row: Option<(u64, u64)> = self
            .tx
            .first(
                "SELECT contiguous, consumed FROM outboxes WHERE machine = $1 AND outbox = $2",
                args![machine, outbox],
            )
            .await?;
        Ok(row.unwrap_or_default())
    }

    /// Up to `limit` events of an outbox after a sequence, in order.
    pub async fn journal_after(
        &mut self,
        machine: &MachineId,
        outbox: &OutboxId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.tx
            .all(
                "SELECT sequence, bytes, received_at
                 FROM outboxes CROSS JOIN journal_events
                 WHERE machine = $1 AND outboxes.outbox = $2
                   AND journal_events.outbox = outboxes.id AND sequence > $3
                 ORDER BY sequence LIMIT $4",
                args![machine, outbox, after, limit],
            )
            .await
    }

    /// Up to `limit` events of each of the outboxes that are stored without a gap and not
    /// turned into states of jobs, in order.
    pub async fn journal_to_consume(
        &mut self,
        waiting: &[Unconsumed],
        limit: u64,
    ) -> Result<Vec<JournalRow>, StoreError> {
        let wanted = waiting.iter().map(|from| {
            let up_to = from.contiguous.min(from.consumed.saturating_add(limit));
            args![from.id, from.consumed, up_to]
        });
        let mut rows: Vec<JournalRow> = self
            .tx
            .all_many(
                (
                    "WITH wanted (i, a, b) AS (VALUES",
                    ") SELECT outbox, sequence, bytes FROM wanted CROSS JOIN journal_events
                     WHERE outbox = i AND sequence > a AND sequence <= b",
                ),
                wanted.collect(),
            )
            .await?;
        rows.sort_unstable_by_key(|row| (row.outbox, row.sequence));
        Ok(rows)
    }

    /// Up to `limit` outboxes with events to turn into states of jobs, those with the most
    /// first: nobody waits for ever behind machines that never stop.
    pub async fn journal_unconsumed(&mut self, limit: u32) -> Result<Vec<Unconsumed>, StoreError> {
        self.tx
            .all(
                "SELECT id, machine, outbox, consumed, contiguous FROM outboxes
                 WHERE consumed < contiguous
                 ORDER BY contiguous - consumed DESC, id LIMIT $1",
                args![limit],
            )
            .await
    }
}

impl Change {
    /// Notes that events were turned into states, in the change that did it: of each
    /// outbox, up to which sequence.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody else did it first.
    pub async fn consume_journal(&mut self, done: &[(Unconsumed, u64)]) -> Result<(), StoreError> {
        let events: u64 = done.iter().map(|(from, up_to)| up_to - from.consumed).sum();
        let detail = json!({ "outboxes": done.len(), "events": events });
        let tx = self.step("journal.consume", "journal", detail);
        let rows = done
            .iter()
            .map(|(from, up_to)| args![from.id, from.consumed, up_to]);
        let changed = tx
            .execute_many(
                (
                    "WITH done (i, a, b) AS (VALUES",
                    ") UPDATE outboxes SET consumed = b FROM done
                     WHERE id = i AND consumed = a AND contiguous >= b",
                ),
                rows.collect(),
            )
            .await?;
        if changed != done.len() as u64 {
            return Err(StoreError::conflict(
                "these events were turned into states by somebody else",
            ));
        }
        self.done();
        Ok(())
    }
}

fn check(append: &Append) -> Result<(), &'static str> {
    if append.events.is_empty() || append.events.len() > MAX_APPEND_EVENTS {
        return Err("no events, or more than 256");
    }
    if append.events.iter().any(|e| e.len() > MAX_EVENT_BYTES) {
        return Err("an event above 80 KiB");
    }
    let last = append.first.checked_add(append.events.len() as u64);
    if append.first == 0 || last.is_none_or(|last| last > i64::MAX.cast_unsigned()) {
        return Err("a sequence that no outbox can have");
    }
    Ok(())
}
