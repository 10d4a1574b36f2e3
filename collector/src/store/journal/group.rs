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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    contiguous: u64,
    highest: u64,
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
    for append in appends {
        let position = positions.get(&(append.machine, append.outbox));
        let known = match position {
            Some(position) => Ok(*position),
            None => admit_outbox(&mut tx, append, &positions).await?,
        };
        results.push(known.and_then(|position| {
            positions.insert((append.machine, append.outbox), position);
            collect(append, position, &mut events)
        }));
    }
    let (inserted, altered) = insert_events(&mut tx, events).await?;
    for (outbox, sequences) in &inserted {
        if let Some(position) = positions.get_mut(outbox) {
            advance(&mut tx, outbox, position, sequences).await?;
        }
    }
    write_positions(&mut tx, &positions).await?;
    tx.commit().await?;
    let answer = |(append, result): (&Append, Result<(), JournalError>)| {
        result?;
        let outbox = (append.machine, append.outbox);
        let sequences = append.first..append.first + append.events.len() as u64;
        match altered
            .iter()
            .find(|(o, s)| *o == outbox && sequences.contains(s))
        {
            Some((_, sequence)) => Err(JournalError::Altered {
                sequence: *sequence,
            }),
            None => Ok(positions.get(&outbox).map_or(0, |p| p.contiguous)),
        }
    };
    Ok(appends.iter().zip(results).map(answer).collect())
}

type Events<'a> = BTreeMap<(MachineId, OutboxId, u64), (&'a [u8], UtcMs)>;

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
    let key = |sequence| (append.machine, append.outbox, sequence);
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

/// Lets a machine begin another outbox, up to its limit.
async fn admit_outbox(
    tx: &mut Tx,
    append: &Append,
    positions: &HashMap<Outbox, Position>,
) -> Result<Result<Position, JournalError>, StoreError> {
    let (stored,): (u64,) = tx
        .one(
            "SELECT COUNT(*) FROM outboxes WHERE machine = $1",
            args![append.machine],
        )
        .await?;
    let begun = positions
        .iter()
        .filter(|((machine, _), p)| *machine == append.machine && p.highest == 0)
        .count() as u64;
    Ok(if stored + begun < MAX_OUTBOXES {
        Ok(Position::default())
    } else {
        Err(JournalError::Refused("too many outboxes of this machine"))
    })
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
    let rows: Vec<(MachineId, OutboxId, u64, u64)> = tx
        .all_many(
            (
                "WITH wanted (m, o) AS (VALUES",
                ") SELECT machine, outbox, contiguous, highest
                 FROM wanted CROSS JOIN outboxes WHERE machine = m AND outbox = o",
            ),
            keys.collect(),
        )
        .await?;
    let position = |(machine, outbox, contiguous, highest)| {
        let position = Position {
            contiguous,
            highest,
        };
        ((machine, outbox), position)
    };
    Ok(rows.into_iter().map(position).collect())
}

/// What was new, by outbox and in order, and what is there with other bytes.
type Inserted = (BTreeMap<Outbox, Vec<u64>>, Vec<(Outbox, u64)>);

/// Stores events that are not there yet.
async fn insert_events(tx: &mut Tx, mut events: Events<'_>) -> Result<Inserted, StoreError> {
    let rows = events
        .iter()
        .map(|((m, o, s), (bytes, at))| args![m, o, s, bytes, at])
        .collect();
    let mut keys: Vec<(MachineId, OutboxId, u64)> = tx
        .all_many(
            (
                "INSERT INTO journal_events (machine, outbox, sequence, bytes, received_at) VALUES",
                "ON CONFLICT DO NOTHING RETURNING machine, outbox, sequence",
            ),
            rows,
        )
        .await?;
    keys.sort_unstable();
    let mut inserted = BTreeMap::<_, Vec<u64>>::new();
    for key in keys {
        events.remove(&key);
        inserted.entry((key.0, key.1)).or_default().push(key.2);
    }
    let there: Vec<(MachineId, OutboxId, u64, Vec<u8>)> = tx
        .all_many(
            (
                "WITH wanted (m, o, s) AS (VALUES",
                ") SELECT machine, outbox, sequence, bytes
                 FROM wanted CROSS JOIN journal_events
                 WHERE machine = m AND outbox = o AND sequence = s",
            ),
            events.keys().map(|(m, o, s)| args![m, o, s]).collect(),
        )
        .await?;
    let differs = |(m, o, s, bytes): (MachineId, OutboxId, u64, Vec<u8>)| {
        let (sent, _) = events.get(&(m, o, s))?;
        (*sent != bytes.as_slice()).then_some(((m, o), s))
    };
    Ok((inserted, there.into_iter().filter_map(differs).collect()))
}

/// Moves an outbox's position over the sequences that were stored now. Only where some
/// lay beyond a gap before, it has to be asked which.
async fn advance(
    tx: &mut Tx,
    (machine, outbox): &Outbox,
    position: &mut Position,
    new: &[u64],
) -> Result<(), StoreError> {
    let beyond: Vec<(u64,)> = if position.highest > position.contiguous {
        tx.all(
            "SELECT sequence FROM journal_events
             WHERE machine = $1 AND outbox = $2 AND sequence > $3 ORDER BY sequence",
            args![machine, outbox, position.contiguous],
        )
        .await?
    } else {
        new.iter().map(|sequence| (*sequence,)).collect()
    };
    for (sequence,) in beyond {
        if sequence == position.contiguous + 1 {
            position.contiguous = sequence;
        }
        position.highest = position.highest.max(sequence);
    }
    Ok(())
}

async fn write_positions(
    tx: &mut Tx,
    positions: &HashMap<Outbox, Position>,
) -> Result<(), StoreError> {
    // In one order for everybody, and never back: another collector on the same database
    // may have moved on.
    let begun: BTreeMap<_, _> = positions.iter().filter(|(_, p)| p.highest > 0).collect();
    let rows = begun
        .into_iter()
        .map(|((m, o), p)| args![m, o, p.contiguous, p.highest])
        .collect();
    tx.execute_many(
        (
            "INSERT INTO outboxes (machine, outbox, contiguous, highest) VALUES",
            "ON CONFLICT (machine, outbox) DO UPDATE SET contiguous = excluded.contiguous,
                highest = excluded.highest
             WHERE excluded.highest >= outboxes.highest
               AND excluded.contiguous >= outboxes.contiguous",
        ),
        rows,
    )
    .await?;
    Ok(())
}
