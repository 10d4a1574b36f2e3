//! Tasks that take no input: woken by a timer, they read the store and do what is
//! missing. One path for start, retry and recovery.

pub mod calendars;
pub mod counts;
pub mod custodian;
pub mod ending;
pub mod expiring;
pub mod follow;
pub mod limit;
pub mod matches;
pub mod notices;
pub mod opened;
pub mod outcomes;
pub mod probed;
pub mod sets;
mod signs;
pub mod unused;

use crate::app::App;
use crate::claims::Work;
use crate::clock;
use crate::deliver;
use crate::store::{Store, StoreError};
use follow::Follow;
use patchward_common::time::UtcMs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How often the tasks look: slots end on whole minutes.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What the return of one machine is counted as after a start, in milliseconds: fewer than 333 a
/// second were let in by no collector that was measured.
const A_MACHINE_MS: u64 = 3;
/// Longest wait for them: those of the largest hospital are connected with several collectors.
const MOST_RETURNING: Duration = Duration::from_secs(60);

/// Longest look at what other collectors wrote: one that is for the first time in a while reads
/// many rows, and one that takes longer waits for a database that does not answer.
const FOLLOW_TIME: Duration = Duration::from_secs(30);

/// When the tasks last came round. Tasks that stand still fail nobody's request: plans just do
/// not go on, and nothing says so.
#[derive(Debug)]
pub struct Pulse(AtomicI64);

impl Pulse {
    /// One that has just been felt.
    pub fn new(now: UtcMs) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// The tasks came round.
    pub fn beat(&self, now: UtcMs) {
        self.0.store(now.0, Ordering::Relaxed);
    }

    /// How long ago they last did, in milliseconds.
    pub fn age_ms(&self, now: UtcMs) -> i64 {
        now.since_ms(UtcMs(self.0.load(Ordering::Relaxed)))
    }
}

/// Whether it is this collector's to do some work now. Where it is not, what is remembered of it
/// is dropped: another does it meanwhile, and the store knows how far that is.
fn is_ours<T: Default>(app: &App, work: Work, remembered: &mut T) -> bool {
    let is_ours = app.claims.holds(work);
    if !is_ours {
        *remembered = T::default();
    }
    is_ours
}

/// When the machines of a hospital are back after a start: what goes through all of it waits until
/// then, so that they do not wait for it.
pub async fn calm(store: &Store) -> Result<Instant, StoreError> {
    let machines = store.view().await?.heard_machines().await?;
    Ok(Instant::now() + returning(machines))
}

/// How long so many machines are waited for; those of a small hospital not at all.
fn returning(machines: u64) -> Duration {
    let returns = Duration::from_millis(A_MACHINE_MS.saturating_mul(machines));
    match returns < LOOK_EVERY {
        true => Duration::ZERO,
        false => returns.min(MOST_RETURNING),
    }
}

/// Runs every task until the task is dropped. Calendars are read, and notices gathered and
/// delivered, beside the others: a server that answers slowly keeps nobody waiting.
/// What goes through the whole hospital begins when its machines are back.
pub async fn run(app: Arc<App>, follow: Follow, calm: Instant) {
    tokio::join!(
        tasks(&app, calm),
        signs::run(&app),
        follow_others(&app, follow),
        read_calendars(&app),
        notices(&app, calm),
        count(&app, calm),
        expiries(&app, calm),
        deliver::run(app.clone())
    );
}

async fn follow_others(app: &App, mut follow: Follow) {
    if !app.claims.is_shared() {
        return;
    }
    let mut timer = clock::every(follow::FOLLOW_EVERY);
    loop {
        timer.tick().await;
        let followed = follow.run(&app.store, &app.fleet, app.now());
        // Where the way to the database is gone nobody says so: the next look asks anew.
        let problem = match tokio::time::timeout(FOLLOW_TIME, followed).await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database does not answer".to_owned(),
        };
        tracing::warn!(problem, "what other collectors wrote is not followed yet");
    }
}

async fn read_calendars(app: &App) {
    let mut timer = clock::every(LOOK_EVERY);
    loop {
        timer.tick().await;
        if !app.claims.holds(Work::Calendars) {
            continue;
        }
        if let Err(error) = calendars::run(&app.store, app.now()).await {
            tracing::warn!(%error, "calendars were not read");
        }
    }
}

async fn notices(app: &Arc<App>, calm: Instant) {
    let mut timer = clock::every_from(calm, LOOK_EVERY);
    let mut notices = notices::Notices::default();
    loop {
        timer.tick().await;
        if !is_ours(app, Work::Notices, &mut notices) {
            continue;
        }
        if let Err(error) = notices.run(app, app.now()).await {
            tracing::warn!(error = error.text, "nobody is told yet of what is news");
        }
    }
}

/// Beside the others too: to see how each of many machines stands takes a while.
async fn count(app: &Arc<App>, calm: Instant) {
    let mut timer = clock::every_from(calm, LOOK_EVERY);
    let mut counts = counts::Counts::default();
    loop {
        timer.tick().await;
        if !is_ours(app, Work::Counts, &mut counts) {
            continue;
        }
        if let Err(error) = counts.run(app, app.now()).await {
            tracing::warn!(
                error = error.text,
                "the machines of today are not counted yet"
            );
        }
    }
}

/// A sign of life to systemd, of this loop alone: where the store hangs, plans and goes come
/// to no end and nobody is told, and a new process is better than that one.
fn alive() {
    // Without systemd nobody listens.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
}

async fn expiries(app: &App, calm: Instant) {
    let mut timer = clock::every_from(calm, LOOK_EVERY);
    let mut expiries = expiring::Expiries::default();
    loop {
        timer.tick().await;
        if !is_ours(app, Work::Expiries, &mut expiries) {
            continue;
        }
        if let Err(error) = expiries.run(app, app.now()).await {
            tracing::warn!(
                error = error.text,
                "the log does not tell yet what ends soon"
            );
        }
    }
}

async fn tasks(app: &App, calm: Instant) {
    let mut timer = clock::every(LOOK_EVERY);
    let mut sets = sets::Sets::default();
    let mut matches = matches::Matches::default();
    let mut outcomes = outcomes::Outcomes::default();
    let mut opened = opened::Opened::default();
    let mut unused = unused::Unused::default();
    loop {
        timer.tick().await;
        alive();
        let (store, now) = (&app.store, app.now());
        // Before plans are brought to their end: one that ended is halted no more.
        if app.claims.holds(Work::Plans)
            && let Err(error) = limit::run(store, now).await
        {
            tracing::warn!(%error, "plans that reached their failure limit are not halted yet");
        }
        // These two are every collector's: they are about the machines that are connected with it.
        if let Err(error) = opened.run(store, &app.fleet, now).await {
            tracing::warn!(%error, "machines whose wave has opened are not told yet");
        }
        // Before plans end, too: a job whose go counts no more may have been missed.
        if let Err(error) = unused.run(store, &app.fleet, now).await {
            tracing::warn!(%error, "goes that nobody used count as down still");
        }
        if is_ours(app, Work::Plans, &mut outcomes) {
            plans(store, &mut outcomes, now).await;
        }
        if app.claims.holds(Work::Custodian)
            && let Err(error) = custodian::run(app).await
        {
            tracing::warn!(%error, "the custodian repository was not renewed");
        }
        let is_calm = Instant::now() >= calm;
        if is_calm && is_ours(app, Work::Matching, &mut matches) {
            matching(app, &mut matches, now).await;
        }
        if is_calm
            && is_ours(app, Work::Sweeping, &mut sets)
            && let Err(error) = sets.run(store, now).await
        {
            tracing::warn!(%error, "inventories that no machine has were not dropped");
        }
        app.pulse.beat(app.now());
    }
}

async fn plans(store: &Store, outcomes: &mut outcomes::Outcomes, now: UtcMs) {
    if let Err(error) = ending::run(store, now).await {
        tracing::warn!(%error, "plans could not be brought to their end");
    }
    if let Err(error) = probed::run(store, now).await {
        tracing::warn!(%error, "manual jobs whose devices have answered are not ended yet");
    }
    alive();
    if let Err(error) = outcomes.run(store, now).await {
        tracing::warn!(%error, "what became of slots was not noted");
    }
}

async fn matching(app: &App, matches: &mut matches::Matches, now: UtcMs) {
    let store = &app.store;
    // Before advisories are matched: what is not known any more needs a person.
    if let Err(error) = store.lose_device_answers(now).await {
        tracing::warn!(%error, "devices that have been silent for long count as known still");
    }
    alive();
    if let Err(error) = matches.run(store, &app.matching, now).await {
        tracing::warn!(error = error.text, "advisories were not matched again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_hospital_is_gone_through_when_its_machines_are_back_and_a_small_one_at_once() {
        let seconds = |machines| returning(machines).as_secs();
        assert_eq!([10, 3_000].map(returning), [Duration::ZERO; 2]);
        assert_eq!([4_000, 20_000, 50_000].map(seconds), [12, 60, 60]);
        assert_eq!(returning(u64::MAX), MOST_RETURNING);
    }
}
