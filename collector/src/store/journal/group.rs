//! One transaction of the journal: the events of many machines.

use super::{Append, JournalError, MAX_AHEAD, MAX_OUTBOXES};
use crate::store::sql::Tx;
use crate::store::value::args;
use crate::store::{Engine, StoreError};
use patchward_common::id::{MachineId, OutboxId};
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, HashMap};

type Outbox = (MachineId, OutboxId);

/// How far an outbox is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    /// The outbox's number, by which events name it.
    id: u64,
    contiguous: u64,
    highest: u64,
    /// Whether it has a row already.
    is_stored: bool,
}

/// Stores appends in one transaction, with a result for each.
pub(super) async fn store(
    engine: &Engine,
    appends: &[Append],
) -> Result<Vec<Result<u64, JournalError>>, StoreError> {
    let mut tx = engine.begin().await?;
    let mut positions = read_positions(&mut tx, appends).await?;
    let mut results: Vec<Result<(), JournalError>> = Vec::with_capacity(appends.len());
    let mut events = BTreeMap::new();
    let is_new = |append: &Append| !positions.contains_key(&(append.machine, append.outbox));
    if appends.iter().any(is_new) {
        lock_numbers(&mut tx).await?;
    }
    for append in appends {
        let position = positions.get(&(append.machine, append.outbox));
        let known = match position {
            Some(position) => Ok(*position),
            None => admit_outbox(&mut tx, append, &positions).await?,
        };
        results.push(known.and_then(|position| {
            collect(append, position, &mut events)?;
            positions.insert((append.machine, append.outbox), position);
            Ok(())
        }));
    }
    begin_outboxes(&mut tx, &positions).await?;
    let (stored, altered) = insert_events(&mut tx, events).await?;
    let mut moved = Vec::new();
    for position in positions.values_mut() {
        if let Some(sequences) = stored.get(&position.id) {
            advance(&mut tx, position, sequences).await?;
            moved.push(*position);
        }
    }
    write_positions(&mut tx, moved).await?;
    tx.commit().await?;
    let answer = |(append, result): (&Append, Result<(), JournalError>)| {
        result?;
        let position = positions.get(&(append.machine, append.outbox));
        let position = position.ok_or(StoreError::Closed)?;
        let sequences = append.first..append.first + append.events.len() as u64;
        let is_altered = |(id, s): &&(u64, u64)| *id == position.id && sequences.contains(s);
        match altered.iter().find(is_altered) {
            Some((_, sequence)) => Err(JournalError::Altered {
                sequence: *sequence,
            }),
            None => Ok(position.contiguous),
        }
    };
    Ok(appends.iter().zip(results).map(answer).collect())
}

/// By outbox and sequence.
type Events<'a> = BTreeMap<(u64, u64), (&'a [u8], UtcMs)>;

/// Adds an append's events to those of its group. The same key twice in one group is
/// compared here, before the database sees either.
fn collect<'a>(
    append: &'a Append,
    position: Position,
    events: &mut Events<'a>,
) -> Result<(), JournalError> {
    if append.first > position.contiguous + MAX_AHEAD {
        return Err(JournalError::Refused(
            "too far beyond what is stored of this outbox",
        ));
    }
    let key = |sequence| (position.id, sequence);
    for (sequence, bytes) in (append.first..).zip(&append.events) {
        if events
            .get(&key(sequence))
            .is_some_and(|(there, _)| there != bytes)
        {
            return Err(JournalError::Altered { sequence });
        }
    }
    for (sequence, bytes) in (append.first..).zip(&append.events) {
        let event = (bytes.as_slice(), append.received_at);
        events.entry(key(sequence)).or_insert(event);
    }
    Ok(())
}

/// Collectors on one database give numbers to new outboxes one after the other: of two that take
/// the same at once one would fail, and each of its machines be told to come again. It is the first
/// lock that is taken and that of a row which nothing else writes, so nobody waits mutually.
async fn lock_numbers(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.is_shared() {
        let sql = "UPDATE meta SET value = value WHERE key = 'collector'";
        tx.execute(sql, args![]).await?;
    }
    Ok(())
}

/// Lets a machine begin another outbox, up to its limit.
async fn admit_outbox(
    tx: &mut Tx,
    append: &Append,
    positions: &HashMap<Outbox, Position>,
) -> Result<Result<Position, JournalError>, StoreError> {
    let (stored, last): (u64, u64) = tx
        .one(
            "SELECT (SELECT COUNT(*) FROM outboxes WHERE machine = $1),
                    (SELECT COALESCE(MAX(id), 0) FROM outboxes)",
            args![append.machine],
        )
        .await?;
    let new = || positions.iter().filter(|(_, p)| !p.is_stored);
    let begun = new().filter(|((machine, _), _)| *machine == append.machine);
    if stored + begun.count() as u64 >= MAX_OUTBOXES {
        let refused = JournalError::Refused("too many outboxes of this machine");
        return Ok(Err(refused));
    }
    let last = new().map(|(_, p)| p.id).fold(last, u64::max);
    Ok(Ok(Position {
        id: last + 1,
        contiguous: 0,
        highest: 0,
        is_stored: false,
    }))
}

async fn read_positions(
    tx: &mut Tx,
    appends: &[Append],
) -> Result<HashMap<Outbox, Position>, StoreError> {
    let mut outboxes: Vec<_> = appends.iter().map(|a| (a.machine, a.outbox)).collect();
    outboxes.sort_unstable();
    outboxes.dedup();
    let keys = outboxes
        .iter()
        .map(|(machine, outbox)| args![machine, outbox]);
    let rows: Vec<(u64, MachineId, OutboxId, u64, u64)> = tx
        .all_many(
            (
                "WITH wanted (m, o) AS (VALUES",
                ") SELECT id, machine, outbox, contiguous, highest
                 FROM wanted CROSS JOIN outboxes WHERE machine = m AND outbox = o",
            ),
            keys.collect(),
        )
        .await?;
    let position = |(id, machine, outbox, contiguous, highest)| {
        let position = Position {
            id,
            contiguous,
            highest,
            is_stored: true,
        };
        ((machine, outbox), position)
    };
    Ok(rows.into_iter().map(position).collect())
}

/// Gives a row to each outbox that is new. Where another collector on the same database began it
/// a moment ago, the transaction fails and is tried again.
async fn begin_outboxes(
    tx: &mut Tx,
    positions: &HashMap<Outbox, Position>,
) -> Result<(), StoreError> {
    let new = positions.iter().filter(|(_, p)| !p.is_stored);
    let rows = new.map(|((machine, outbox), p)| args![p.id, machine, outbox, 0u64, 0u64]);
    tx.execute_many(
        (
            "INSERT INTO outboxes (id, machine, outbox, contiguous, highest) VALUES",
            "",
        ),
        rows.collect(),
    )
    .await?;
    Ok(())
}

/// What is stored now, by outbox and in order, and what was there with other bytes.
type Stored = (BTreeMap<u64, Vec<u64>>, Vec<(u64, u64)>);

/// Stores events that are not there yet. Only where some were, it has to be asked with
/// which bytes.
async fn insert_events(tx: &mut Tx, mut events: Events<'_>) -> Result<Stored, StoreError> {
    let rows = events
        .iter()
        .map(|((o, s), (bytes, at))| args![o, s, bytes, at]);
    let new = tx
        .execute_many(
            (
                "INSERT INTO journal_events (outbox, sequence, bytes, received_at) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            rows.collect(),
        )
        .await?;
    let altered = match new == events.len() as u64 {
        true => Vec::new(),
        false => altered(tx, &events).await?,
    };
    for key in &altered {
        events.remove(key);
    }
    let mut stored = BTreeMap::<_, Vec<u64>>::new();
    for (outbox, sequence) in events.into_keys() {
        stored.entry(outbox).or_default().push(sequence);
    }
    Ok((stored, altered))
}

/// Which of the events are stored with other bytes.
async fn altered(tx: &mut Tx, events: &Events<'_>) -> Result<Vec<(u64, u64)>, StoreError> {
    let there: Vec<(u64, u64, Vec<u8>)> = tx
        .all_many(
            (
                "WITH wanted (o, s) AS (VALUES",
                ") SELECT outbox, sequence, bytes FROM wanted CROSS JOIN journal_events
                 WHERE outbox = o AND sequence = s",
            ),
            events.keys().map(|(o, s)| args![o, s]).collect(),
        )
        .await?;
    let differs = |(o, s, bytes): (u64, u64, Vec<u8>)| {
        let (sent, _) = events.get(&(o, s))?;
        (*sent != bytes.as_slice()).then_some((o, s))
    };
    Ok(there.into_iter().filter_map(differs).collect())
}

/// Moves an outbox's position over the sequences that are stored now. Only where some
/// lay beyond a gap before, it has to be asked which.
async fn advance(
    tx: &mut Tx,
    position: &mut Position,
    sequences: &[u64],
) -> Result<(), StoreError> {
    let beyond: Vec<(u64,)> = if position.highest > position.contiguous {
        tx.all(
            "SELECT sequence FROM journal_events
             WHERE outbox = $1 AND sequence > $2 ORDER BY sequence",
            args![position.id, position.contiguous],
        )
        .await?
    } else {
        sequences.iter().map(|sequence| (*sequence,)).collect()
    };
    for (sequence,) in beyond {
        if sequence == position.contiguous + 1 {
            position.contiguous = sequence;
        }
        position.highest = position.highest.max(sequence);
    }
    Ok(())
}

async fn write_positions(tx: &mut Tx, mut moved: Vec<Position>) -> Result<(), StoreError> {
    // In one order for everybody, and never back: another collector on the same database
    // may have moved on.
    moved.sort_unstable_by_key(|position| position.id);
    let rows = moved.iter().map(|p| args![p.id, p.contiguous, p.highest]);
    tx.execute_many(
        (
            "WITH moved (i, c, h) AS (VALUES",
            ") UPDATE outboxes SET contiguous = c, highest = h FROM moved
             WHERE id = i AND h >= highest AND c >= contiguous",
        ),
        rows.collect(),
    )
    .await?;
    Ok(())
}
