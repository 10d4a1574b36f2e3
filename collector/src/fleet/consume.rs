//! Turns stored events into states of jobs. Takes no input: reads what is stored and not
//! consumed, and does what is missing; the same after a crash as at once.

use super::Fleet;
use super::go::MAX_GO_BYTES;
use crate::store::jobs::Job;
use crate::store::journal::{JournalRow, MAX_EVENT_BYTES, Unconsumed};
use crate::store::{Actor, Change, Store, StoreError, View};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::job::{Event, JobEvent};
use patchward_common::time::UtcMs;
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Outboxes that are looked at in one go.
const OUTBOXES: u32 = 64;
/// Events in one change, shared by its outboxes: while it is open nobody else writes.
/// With the largest that machines may send they are 40 MB.
const EVENTS: u64 = 512;
/// Jobs whose early events are read in one go: with the largest that machines may send they
/// are 40 MB.
const EARLY_JOBS: u32 = 8;
/// How often it looks without being woken, for what a crash has left.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How much longer than it worked it rests: machines that wait for an acknowledgement
/// write to the same database, and what comes meanwhile is done together.
const REST: i64 = 3;
/// Longest rest; people look at states.
const MAX_REST_MS: i64 = 1_000;

/// Runs until the task is dropped.
pub(super) async fn run(fleet: Arc<Fleet>) {
    loop {
        let began = fleet.now();
        let is_more_left = match some_outboxes(fleet.store(), began).await {
            Ok(is_more_left) => is_more_left,
            Err(error) => {
                tracing::warn!(%error, "events were not turned into states; they are tried again");
                false
            }
        };
        let rest_ms = (fleet.now().since_ms(began) * REST).clamp(0, MAX_REST_MS);
        tokio::time::sleep(Duration::from_millis(rest_ms.unsigned_abs())).await;
        if !is_more_left {
            let _ = tokio::time::timeout(LOOK_EVERY, fleet.events.notified()).await;
        }
    }
}

/// Consumes events of as many outboxes as are looked at in one go, and says whether
/// something may be left.
async fn some_outboxes(store: &Store, now: UtcMs) -> Result<bool, StoreError> {
    let waiting = store.view().await?.journal_unconsumed(OUTBOXES).await?;
    if waiting.is_empty() {
        return early(store, now).await;
    }
    match some(store, &waiting, now).await {
        // Somebody else was faster at one of them: nobody waits for his neighbour.
        Err(StoreError::Conflict(_)) => each_alone(store, &waiting, now).await?,
        result => result?,
    }
    Ok(true)
}

async fn each_alone(store: &Store, waiting: &[Unconsumed], now: UtcMs) -> Result<(), StoreError> {
    let mut consumed = 0;
    let mut conflict = None;
    for from in waiting {
        match some(store, std::slice::from_ref(from), now).await {
            Ok(()) => consumed += 1,
            // The next look sees what is left.
            Err(error @ StoreError::Conflict(_)) => conflict = Some(error),
            Err(error) => return Err(error),
        }
    }
    // Nobody is faster at all of them: what cannot be consumed must not be tried without
    // end.
    match conflict {
        Some(conflict) if consumed == 0 => Err(conflict),
        _ => Ok(()),
    }
}

/// Turns events that came before their jobs into states, in the change that makes the jobs:
/// nothing is decided on jobs that seem not to have begun.
pub(crate) async fn apply_all_early(change: &mut Change) -> Result<(), StoreError> {
    while some_early(change).await? {}
    Ok(())
}

/// What a change that made jobs could not see: on PostgreSQL an event may be kept at the same
/// moment. Where something comes of the job afterwards, this is not waited for.
async fn early(store: &Store, now: UtcMs) -> Result<bool, StoreError> {
    let waiting = store.view().await?.jobs_with_early_events(1).await?;
    if waiting.is_empty() {
        return Ok(false);
    }
    let mut change = store.change(Actor::Collector, now).await?;
    some_early(&mut change).await?;
    change.commit().await?;
    Ok(true)
}

/// Applies the early events of some jobs, and says whether there were any.
async fn some_early(change: &mut Change) -> Result<bool, StoreError> {
    let jobs = change.view().jobs_with_early_events(EARLY_JOBS).await?;
    let mut jobs = change.view().jobs_by_id(jobs).await?;
    apply_early(change, &mut jobs).await?;
    Ok(!jobs.is_empty())
}

/// Consumes events of all of `waiting` in one change.
async fn some(store: &Store, waiting: &[Unconsumed], now: UtcMs) -> Result<(), StoreError> {
    let share = (EVENTS / waiting.len().max(1) as u64).max(1);
    let rows = store
        .view()
        .await?
        .journal_to_consume(waiting, share)
        .await?;
    let up_to: HashMap<u64, u64> = rows.iter().map(|row| (row.outbox, row.sequence)).collect();
    let events: Vec<_> = rows.iter().filter_map(Read::of).collect();
    let mut change = store.change(Actor::Collector, now).await?;
    let ids: BTreeSet<JobId> = events.iter().map(|read| read.event.job).collect();
    let mut jobs = change.view().jobs_by_id(ids).await?;
    apply_early(&mut change, &mut jobs).await?;
    for read in &events {
        change.act_as(Actor::Machine(read.event.machine));
        apply(&mut change, &mut jobs, read).await?;
    }
    change.act_as(Actor::Collector);
    let end_of = |from: &Unconsumed| Some((*from, *up_to.get(&from.id)?));
    let done: Vec<_> = waiting.iter().filter_map(end_of).collect();
    if done.is_empty() {
        return Err(StoreError::Corrupt(
            "events that an outbox has are not in the journal".into(),
        ));
    }
    change.consume_journal(&done).await?;
    change.commit().await?;
    Ok(())
}

/// An event as it is stored, and what it says.
struct Read<'a> {
    row: &'a JournalRow,
    event: JobEvent,
}

impl<'a> Read<'a> {
    /// Reads one. Its signature was verified before it was stored.
    fn of(row: &'a JournalRow) -> Option<Self> {
        let signed = codec::decode::<Signed<JobEvent>>(&row.bytes, MAX_EVENT_BYTES).ok();
        let event = signed.and_then(|signed| signed.peek_stored().ok());
        if event.is_none() {
            let (outbox, sequence) = (row.outbox, row.sequence);
            tracing::error!(outbox, sequence, "a stored event cannot be read");
        }
        Some(Self { row, event: event? })
    }
}

/// Applies what came before these jobs were here: it comes before what came since.
async fn apply_early(
    change: &mut Change,
    jobs: &mut HashMap<JobId, Job>,
) -> Result<(), StoreError> {
    let ids: BTreeSet<JobId> = jobs.keys().copied().collect();
    let rows = change.view().early_events_of(ids).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let actor = change.actor().clone();
    for read in rows.iter().filter_map(Read::of) {
        change.act_as(Actor::Machine(read.event.machine));
        apply(change, jobs, &read).await?;
    }
    change.act_as(actor);
    change.end_early_events(&rows).await
}

async fn apply(
    change: &mut Change,
    jobs: &mut HashMap<JobId, Job>,
    read: &Read<'_>,
) -> Result<(), StoreError> {
    let Read { row, event } = read;
    let Some(job) = jobs.get_mut(&event.job) else {
        // A plan that this collector is given later, or a job that was made up: at least it is
        // one that this machine could have.
        let is_own = event.job == JobId::of(event.approval, event.machine);
        let kept = is_own
            && change
                .keep_early_event(&event.machine, &event.job, row)
                .await?;
        let detail =
            json!({ "sequence": event.sequence, "event": event.event.word(), "kept": kept });
        change.note("job.event_unknown", event.job, &detail);
        return Ok(());
    };
    if job.machine != event.machine {
        let detail = json!({ "sequence": event.sequence, "event": event.event.word() });
        change.note("job.event_foreign", event.job, &detail);
        return Ok(());
    }
    let state = match job.state.after(&event.event) {
        Ok(state) => state,
        Err(unexpected) => {
            // Reported, not guessed at: a replayed journal, or a mistake of ours.
            let detail = json!({ "problem": unexpected.to_string(), "sequence": event.sequence });
            change.note("job.event_unexpected", job.id, &detail);
            return Ok(());
        }
    };
    let begins = state.is_open() && !job.state.is_open();
    if begins
        && change
            .view()
            .at_work(&job.machine, &job.id)
            .await?
            .is_some()
    {
        // No installer does two jobs at once: a machine that says so lies, or its disk
        // was copied.
        let detail =
            json!({ "problem": "another job of the machine is open", "sequence": event.sequence });
        tracing::warn!(machine = %event.machine, job = %job.id, "it says that it started a second job");
        change.note("job.event_unexpected", job.id, &detail);
        return Ok(());
    }
    if is_evidence(&event.event) {
        change.add_evidence(&job.id, &row.bytes).await?;
    }
    let (slot, attempt) = match &event.event {
        Event::Started(start) => (Some(start.slot), job.attempt + 1),
        _ => (job.slot, job.attempt),
    };
    if state != job.state || attempt != job.attempt {
        *job = change.move_job(job, &state, slot, attempt).await?;
    }
    end_go(change, job, event).await
}

/// A go after which nothing runs: refused, rehearsed, stopped, or drawn back before
/// anything was changed. The machine does not count as down any more. Only the go that the
/// event itself names: one that is told late says nothing of a newer go.
async fn end_go(change: &mut Change, job: &Job, event: &JobEvent) -> Result<(), StoreError> {
    let ends = matches!(
        event.event,
        Event::Refused(_) | Event::WouldHaveStarted(_) | Event::Withdrawn(_) | Event::Stopped(_)
    );
    if !ends {
        return Ok(());
    }
    let Some((nonce, token)) = change.view().outstanding_go(&job.id).await? else {
        return Ok(());
    };
    let go = codec::decode::<Signed<Go>>(&token, MAX_GO_BYTES).ok();
    let go = go.map(|go| go.digest());
    let is_over = match &event.event {
        Event::Refused(refused) => refused.nonce == Some(nonce),
        Event::WouldHaveStarted(start) => Some(start.go) == go,
        Event::Withdrawn(_) => go.is_some() && last_go_used(change.view(), &job.id).await? == go,
        _ => true,
    };
    if is_over {
        change.end_go(&job.id, event.event.word()).await?;
    }
    Ok(())
}

/// The go of a job's newest start.
async fn last_go_used(view: &mut View, job: &JobId) -> Result<Option<Digest>, StoreError> {
    let events = view.evidence(job).await?.into_iter().filter_map(|kept| {
        let signed: Signed<JobEvent> = codec::decode(&kept.bytes, MAX_EVENT_BYTES).ok()?;
        signed.peek_stored().ok()
    });
    let starts = events.filter_map(|event| match event.event {
        Event::Started(start) => Some((event.sequence, start.go)),
        _ => None,
    });
    Ok(starts
        .max_by_key(|(sequence, _)| *sequence)
        .map(|(_, go)| go))
}

/// What proves an outcome: the start record and what was measured, as they were signed.
fn is_evidence(event: &Event) -> bool {
    matches!(
        event,
        Event::Started(_) | Event::WouldHaveStarted(_) | Event::Measured(_)
    )
}
