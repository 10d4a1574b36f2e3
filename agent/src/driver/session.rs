//! One connection: turn after turn, and what is waited for between them.

use super::carry::Carrier;
use super::{Driver, Ended, TurnError, backoff, is_busy, pulse, refused};
use crate::job::{Effect, Next};
use crate::link::{Link, Reply, Told};
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::local::Status;
use patchward_common::wire::machine::{Answer, HelloAnswer, Orders, Request, Stale};
use sd_notify::NotifyState;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;

/// Shortest and longest wait between two hellos, whatever the collector says.
const AGAIN_MS: std::ops::RangeInclusive<u64> = 1_000..=15 * MINUTE_MS as u64;
/// Shortest time from one turn to the next that a nudge causes: whoever nudges without end
/// gets one look at this machine a second.
const NUDGED_MS: u64 = 1_000;
/// What the collector says first waits in so many places while a turn is under way.
const NUDGES: usize = 4;

/// What the collector said of stops.
#[derive(Default)]
struct Stops {
    /// It said something else too.
    and_more: bool,
    /// There is one that has to be asked for.
    to_fetch: bool,
    /// Those that were brought last, and the way to answer.
    brought: Option<(Orders, Reply)>,
}

impl Driver {
    pub(super) async fn session(
        &mut self,
        link: &Link,
        failures: &mut u32,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended, TurnError> {
        let mut nudges = nudges(link.clone());
        let mut back = self.way_back(link);
        let mut rest_ms: Option<u64> = None;
        loop {
            let is_rested = rest_ms.is_some(); // Nobody puts off a turn twice.
            let again_ms = match rest_ms.take() {
                Some(ms) => ms,
                None if self.renews(link).await? => return Ok(Ended::Away(0)),
                None => self.turn(link).await?,
            };
            *failures = 0;
            self.worked(link);
            pulse::say(&[NotifyState::Status("in contact with the collector")]);
            // It begins here, not when it is waited for.
            let floor = tokio::time::sleep(Duration::from_millis(NUDGED_MS));
            let now = (self.clock)();
            let wait_ms = match self.carrier.next(now) {
                // Never cut short by a nudge: a go is answered once.
                Next::Do(effect) if effect != Effect::Fetch(effect.job()) => {
                    pulse::alive(pulse::WORK);
                    tokio::select! {
                        done = self.carrier.act(link, &self.installer, effect, now) => done?,
                        () = stop.as_mut() => return Ok(Ended::Stop),
                    }
                    continue;
                }
                Next::Do(_) => None,
                Next::Wait(ms) => Some(u64::try_from(ms).unwrap_or(0).min(again_ms)),
                Next::Nothing => Some(again_ms),
            };
            let wait = fetch_or_wait(&mut self.carrier, link, wait_ms, now);
            pulse::waits(again_ms);
            // Hello and nudges interrupt a download; it goes on from where it was. Without
            // a hello the machine would count as gone for as long as it lasts.
            let nudge = tokio::select! {
                done = wait => { done?; None }
                () = after(again_ms) => None,
                nudge = nudges.recv() => Some(nudge.ok_or_else(|| link.lost(&"closed"))?),
                Some(Ok(earlier)) = back.join_next() => {
                    if self.is_taken_by(&earlier).await { return Ok(Ended::Back(earlier)); }
                    back = self.way_back(link);
                    None
                }
                () = stop.as_mut() => return Ok(Ended::Stop),
            };
            let Some(nudge) = nudge else { continue };
            let mut stops = Stops::default();
            if let Some(ended) = self.nudged(nudge, &mut stops) {
                return Ok(ended);
            }
            tokio::select! {
                () = floor => {}
                () = stop.as_mut() => return Ok(Ended::Stop),
            }
            while let Ok(nudge) = nudges.try_recv() {
                if let Some(ended) = self.nudged(nudge, &mut stops) {
                    return Ok(ended);
                }
            }
            let rest = self.stopped(link, stops).await?;
            rest_ms = rest.filter(|_| !is_rested);
        }
    }

    /// There is a stop. Where it was brought and is here, that is said at once, and the next
    /// hello may wait for as long as this gives back. Otherwise orders are fetched without
    /// asking by a hello first whether there are others; the hello that follows says that they
    /// are here.
    async fn stopped(&mut self, link: &Link, stops: Stops) -> Result<Option<u64>, TurnError> {
        pulse::alive(pulse::STRETCH);
        let now = (self.clock)();
        let machine = self.credentials.machine;
        let mut is_missed = stops.to_fetch;
        let mut is_heard = false;
        // The newest brings what those before it brought, unless it adds to other orders.
        if let Some((orders, reply)) = stops.brought {
            let digest = orders.digest;
            let taken = self
                .carrier
                .take_stops(orders, &self.installer, machine, now);
            is_missed |= !taken.await;
            is_heard = self.carrier.has(digest) && reply.holds(digest).await;
        }
        if !is_missed {
            let may_rest = is_heard && !stops.and_more;
            return Ok(may_rest.then(|| backoff::stopped(rand::random())));
        }
        let status = self.status().await;
        self.carrier
            .fetch_orders(link, &self.installer, machine, status, now)
            .await?;
        Ok(None)
    }

    fn nudged(&mut self, told: Told, stops: &mut Stops) -> Option<Ended> {
        match told {
            Told::Nudge(Nudge::GoingAway(ms)) => return Some(Ended::Away(ms)),
            Told::Nudge(Nudge::ReportNow) => {
                self.reporter.look_again();
                stops.and_more = true;
            }
            Told::Nudge(Nudge::OrdersChanged) => {
                self.carrier.try_again();
                stops.and_more = true;
            }
            Told::Nudge(Nudge::Stop) => {
                self.carrier.try_again();
                stops.to_fetch = true;
            }
            Told::Stopped(orders, reply) => {
                self.carrier.try_again();
                stops.brought = Some((*orders, reply));
            }
        }
        None
    }

    /// Renews the certificate where it is time, and gives back whether there is a new one: with
    /// it the agent comes again at once, so that the collector sees that it has it.
    async fn renews(&mut self, link: &Link) -> Result<bool, TurnError> {
        let now = (self.clock)();
        if !self.credentials.is_due(now) {
            return Ok(false);
        }
        pulse::alive(pulse::STRETCH);
        self.renew(link, now).await
    }

    /// One turn; gives back when the next is due, in milliseconds.
    async fn turn(&mut self, link: &Link) -> Result<u64, TurnError> {
        let now = (self.clock)();
        pulse::alive(pulse::STRETCH);
        self.reporter.look(now).await;
        pulse::alive(pulse::STRETCH);
        if !self.reporter.knows_installer()
            && let Ok(identity) = self.installer.identity().await
        {
            self.reporter.set_installer(identity.version);
        }
        let status = self.status().await;
        let hello = self.hello(status.as_ref(), now).await;
        let answer = match link.ask(&Request::Hello(Box::new(hello))).await? {
            Answer::Hello(answer) => *answer,
            Answer::Refused(refused) if is_busy(&refused) => {
                let addresses = self.addresses();
                if self.busy.is_to_leave(link.name(), &addresses) {
                    return Err(TurnError::Refused(refused));
                }
                // A new connection would cost it more than a hello that it cannot answer.
                tracing::warn!(reason = refused.text, "the collector is busy");
                return Ok(self.pace_ms);
            }
            other => return Err(refused(other, "a hello")),
        };
        self.busy.none();
        self.pace_ms = answer.again_ms.clamp(*AGAIN_MS.start(), *AGAIN_MS.end());
        self.clock_told(answer.clock, now);
        self.carrier
            .relay_told(answer.relay.clone(), &self.credentials);
        self.audit_told(answer.audit, now);
        pulse::alive(pulse::STRETCH);
        self.answered(link, &answer, status, now).await?;
        Ok(self.pace_ms)
    }

    /// What follows from a hello's answer. Orders first: a stop among them must not wait
    /// for what cannot be reported or written. Only a collector that was put back to a backup
    /// hears before what is known here: its orders are older, and plans would be forgotten.
    async fn answered(
        &mut self,
        link: &Link,
        answer: &HelloAnswer,
        status: Option<Status>,
        now: UtcMs,
    ) -> Result<(), TurnError> {
        let newest = status.as_ref().map_or(0, |status| status.journal);
        let machine = self.credentials.machine;
        if answer.stale.has(Stale::WITNESS) {
            self.witness(link, status.as_ref()).await?;
        }
        self.carrier
            .turn(link, &self.installer, machine, answer, status, now)
            .await?;
        let is_stale = answer.stale.has(Stale::INVENTORY);
        self.reporter.report(link, is_stale, now).await?;
        if self
            .journal_seen
            .replace(newest)
            .is_some_and(|seen| newest > seen)
        {
            // The installer was at work: versions that only a probe knows may be others.
            self.reporter.look_again();
        }
        self.journal(link, newest, answer.journal).await?;
        self.devices(link).await
    }
}

/// Waits for so long, or fetches what is wanted next.
async fn fetch_or_wait(
    carrier: &mut Carrier,
    link: &Link,
    wait_ms: Option<u64>,
    now: UtcMs,
) -> Result<(), TurnError> {
    match wait_ms {
        None => carrier.fetch_next(link, now).await,
        Some(ms) => {
            after(ms).await;
            Ok(())
        }
    }
}

async fn after(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Reads what the collector says first apart from everything else, so that none is lost half
/// read. It ends with the connection, or when nobody listens any more: it must not keep the
/// connection.
fn nudges(link: Link) -> mpsc::Receiver<Told> {
    let (sender, receiver) = mpsc::channel(NUDGES);
    tokio::spawn(async move {
        loop {
            let nudge = tokio::select! {
                nudge = link.told() => nudge,
                () = sender.closed() => return,
            };
            let Ok(nudge) = nudge else { return };
            if sender.send(nudge).await.is_err() {
                return;
            }
        }
    });
    receiver
}
