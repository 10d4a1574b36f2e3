//! The agent's loop: connect, say hello, report, fetch orders, carry jobs, wait. The one
//! place of the agent that reads the clock and waits; what to do is decided elsewhere.

mod backoff;
mod carry;
mod report;

use crate::config::Settings;
use crate::credentials::{Credentials, CredentialsError};
use crate::enrol::{self, Asked, EnrolError, Myself};
use crate::fingerprint::fingerprint;
use crate::installer::{Installer, unexpected};
use crate::job::{Effect, Next};
use crate::link::{Identity, Link, LinkError};
use crate::outbox::Outbox;
use crate::state::StateError;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, OutboxId};
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::trust::check::Interlock;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::local::{self, Status};
use patchward_common::wire::machine::{
    Answer, Hello, InterlockWord, Refused, RefusedCode, Request, Stale,
};
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;

pub use report::Reporter;

/// Shortest and longest wait between two hellos, whatever the collector says.
const AGAIN_MS: std::ops::RangeInclusive<u64> = 1_000..=15 * MINUTE_MS as u64;
/// Longest absence that a collector may ask for.
const MAX_AWAY_MS: u64 = 10 * MINUTE_MS as u64;
/// A machine that is refused for good asks again so rarely: a person has to act first.
const REFUSED_MS: u64 = 5 * MINUTE_MS as u64;

/// The clock; read once per turn.
pub type Clock = fn() -> UtcMs;

/// The clock of this machine.
pub fn system_clock() -> UtcMs {
    #[expect(clippy::disallowed_methods, reason = "the driver's clock")]
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock before 1970 is broken; 0 lies before every document.
    let ms = elapsed.map_or(0, |elapsed| elapsed.as_millis());
    UtcMs(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Why the agent cannot run at all.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Without credentials there is nobody to talk to.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The agent's folder is not usable.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why a turn ended early; the next one starts with a new connection.
#[derive(Debug, thiserror::Error)]
enum TurnError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the collector refused: {}", .0.text)]
    Refused(Refused),
    #[error(transparent)]
    State(#[from] StateError),
}

/// How a session ended.
enum Ended {
    /// We were told to end.
    Stop,
    /// The collector goes away for so many milliseconds.
    Away(u64),
}

/// The running agent.
pub struct Driver {
    settings: Settings,
    clock: Clock,
    installer: Installer,
    credentials: Credentials,
    reporter: Reporter,
    outbox: Outbox,
    carrier: carry::Carrier,
}

impl Driver {
    /// An agent with these settings, on an enrolled machine.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, DriverError> {
        let folder = &settings.state_dir;
        Ok(Self {
            credentials: Credentials::load(folder)?,
            reporter: Reporter::new(&settings),
            outbox: Outbox::open(folder, OutboxId(rand::random()))?,
            carrier: carry::Carrier::new(&settings),
            installer: Installer::new(&settings.installer_socket),
            clock,
            settings,
        })
    }

    /// Runs until `stop` is ready.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), DriverError> {
        let mut stop = std::pin::pin!(stop);
        let mut failures = 0;
        // It runs, whether the collector answers or not: a boot waits for neither.
        notify(sd_notify::NotifyState::Ready);
        loop {
            let wait_ms = match self.connected(&mut failures, stop.as_mut()).await {
                Ok(Ended::Stop) => return Ok(()),
                Ok(Ended::Away(ms)) => backoff::jitter(ms.min(MAX_AWAY_MS), rand::random()),
                Err(error) => {
                    tracing::warn!(%error, "no contact with the collector");
                    notify(sd_notify::NotifyState::Status(&error.to_string()));
                    failures += 1;
                    let wait_ms = backoff::after(failures, rand::random());
                    match &error {
                        TurnError::Refused(_) => wait_ms.max(REFUSED_MS),
                        TurnError::Link(link) if link.is_revoked() => wait_ms.max(REFUSED_MS),
                        _ => wait_ms,
                    }
                }
            };
            notify(sd_notify::NotifyState::Watchdog);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                () = stop.as_mut() => return Ok(()),
            }
        }
    }

    async fn connected(
        &mut self,
        failures: &mut u32,
        stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended, TurnError> {
        let now = (self.clock)();
        if self.credentials.is_expired(now) {
            let link =
                Link::connect(&self.addresses(), Identity::Expired(&self.credentials)).await?;
            self.renew(&link, now).await?;
            link.close().await;
        }
        let link = Link::connect(&self.addresses(), Identity::Machine(&self.credentials)).await?;
        let ended = self.session(&link, failures, stop).await;
        if let Ok(Ended::Stop) = ended {
            link.close().await;
        }
        ended
    }

    fn addresses(&self) -> Vec<String> {
        match &self.settings.collectors[..] {
            [] => self.credentials.addresses.clone(),
            set => set.to_vec(),
        }
    }

    async fn session(
        &mut self,
        link: &Link,
        failures: &mut u32,
        mut stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended, TurnError> {
        let mut nudges = nudges(link.clone());
        loop {
            let again_ms = self.turn(link).await?;
            *failures = 0;
            notify(sd_notify::NotifyState::Status(
                "in contact with the collector",
            ));
            let now = (self.clock)();
            let wait_ms = match self.carrier.next(now) {
                // Never cut short by a nudge: a go is answered once.
                Next::Do(effect) if effect != Effect::Fetch(effect.job()) => {
                    tokio::select! {
                        done = self.carrier.act(link, &self.installer, effect, now) => done?,
                        () = stop.as_mut() => return Ok(Ended::Stop),
                    }
                    continue;
                }
                Next::Do(_) => 0,
                Next::Wait(ms) => u64::try_from(ms).unwrap_or(0).min(again_ms),
                Next::Nothing => again_ms,
            };
            let wait = async {
                if wait_ms == 0 {
                    return self.carrier.fetch_next(link, now).await;
                }
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                Ok(())
            };
            // A nudge interrupts a download; it goes on from where it was.
            let nudge = tokio::select! {
                done = wait => { done?; None }
                nudge = nudges.recv() => Some(nudge.ok_or_else(|| link.lost(&"closed"))?),
                () = stop.as_mut() => return Ok(Ended::Stop),
            };
            match nudge {
                Some(Nudge::GoingAway(ms)) => return Ok(Ended::Away(ms)),
                Some(Nudge::ReportNow) => self.reporter.look_again(),
                Some(Nudge::OrdersChanged | Nudge::Stop) => self.carrier.try_again(),
                None => {}
            }
        }
    }

    /// One turn; gives back when the next is due, in milliseconds.
    async fn turn(&mut self, link: &Link) -> Result<u64, TurnError> {
        let now = (self.clock)();
        notify(sd_notify::NotifyState::Watchdog);
        if self.credentials.is_due(now) {
            self.renew(link, now).await?;
        }
        self.reporter.look(now).await;
        if !self.reporter.knows_installer()
            && let Ok(identity) = self.installer.identity().await
        {
            self.reporter.set_installer(identity.version);
        }
        let status = self.status().await;
        let hello = self.hello(status.as_ref(), now).await;
        let answer = match link.ask(&Request::Hello(Box::new(hello))).await? {
            Answer::Hello(answer) => *answer,
            other => return Err(refused(other, "a hello")),
        };
        let is_stale = answer.stale.has(Stale::INVENTORY);
        self.reporter.report(link, is_stale, now).await?;
        let newest = status.as_ref().map_or(0, |status| status.journal);
        if newest > self.outbox.acknowledged() {
            // The installer was at work: versions that only a probe knows may be others.
            self.reporter.look_again();
        }
        self.journal(link, newest, answer.journal).await?;
        let machine = self.credentials.machine;
        self.carrier
            .turn(link, &self.installer, machine, &answer, status)
            .await?;
        Ok(answer.again_ms.clamp(*AGAIN_MS.start(), *AGAIN_MS.end()))
    }

    async fn status(&self) -> Option<Status> {
        let asked = self.installer.ask(&local::Request::Status).await;
        let status = asked.and_then(|answer| match answer {
            local::Answer::Status(status) => Ok(*status),
            _ => Err(unexpected("a status")),
        });
        status
            .map_err(|error| tracing::warn!(%error, "the installer's status is not known"))
            .ok()
    }

    async fn hello(&self, status: Option<&Status>, now: UtcMs) -> Hello {
        let interlock = match status.map(|status| &status.interlock) {
            Some(Interlock::Idle) => InterlockWord::Idle,
            Some(Interlock::InUse(_)) => InterlockWord::InUse,
            Some(Interlock::Unknown(_)) | None => InterlockWord::Unknown,
        };
        Hello {
            version: env!("CARGO_PKG_VERSION").into(),
            boot: self.boot(),
            clock: now,
            inventory: self.reporter.accepted(),
            orders: self.carrier.orders(),
            watermark: status.map_or_else(Digest::default, |status| status.watermark),
            outbox: self.outbox.id(),
            journal: status.map_or(0, |status| status.journal),
            interlock,
            held_until: status.and_then(|status| status.hold.as_ref().map(|hold| hold.until)),
            ready: match self.reporter.is_ready().await {
                Some(ready) => Some(ready),
                None => status.and_then(|status| status.ready),
            },
            fingerprint: self.myself().fingerprint.into(),
        }
    }

    fn boot(&self) -> BootId {
        boot_id(&self.settings)
    }

    fn myself(&self) -> Myself {
        let facts = self.reporter.facts().clone();
        Myself {
            fingerprint: fingerprint(&self.settings.root_dir, &facts),
            boot: self.boot(),
            facts,
        }
    }

    async fn renew(&mut self, link: &Link, now: UtcMs) -> Result<(), TurnError> {
        let myself = self.myself();
        match enrol::renew(link, &self.installer, &self.credentials, &myself, now).await {
            Ok(Asked::Certified(credentials)) => {
                credentials.save(&self.settings.state_dir)?;
                self.credentials = *credentials;
                tracing::info!(expires = %self.credentials.expires, "the certificate was renewed");
                Ok(())
            }
            Ok(Asked::Wait(_)) => {
                tracing::warn!("a person has to accept this machine again");
                Ok(())
            }
            Err(EnrolError::Link(error)) => Err(error.into()),
            Err(EnrolError::Refused(refused)) => Err(TurnError::Refused(refused)),
            Err(error) => {
                tracing::warn!(%error, "the certificate was not renewed");
                Ok(())
            }
        }
    }
}

/// This boot, as the kernel tells it; zeros where it cannot be read, as in a container
/// without it.
pub fn boot_id(settings: &Settings) -> BootId {
    let text = std::fs::read_to_string(&settings.boot_id_file).unwrap_or_default();
    BootId::from_kernel(&text).unwrap_or(BootId([0; 16]))
}

/// What was answered instead of the expected.
fn refused(answer: Answer, wanted: &'static str) -> TurnError {
    match answer {
        Answer::Refused(refused) => TurnError::Refused(refused),
        _ => LinkError::Unexpected(wanted).into(),
    }
}

/// Whether a refusal means "not now" and not "never".
fn is_busy(refused: &Refused) -> bool {
    refused.code == RefusedCode::Busy
}

/// Reads nudges apart from everything else, so that none is lost half read. It ends with
/// the connection.
fn nudges(link: Link) -> mpsc::Receiver<Nudge> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        while let Ok(nudge) = link.nudge().await {
            if sender.send(nudge).await.is_err() {
                return;
            }
        }
    });
    receiver
}

fn notify(state: sd_notify::NotifyState<'_>) {
    // Without systemd nobody listens.
    let _ = sd_notify::notify(&[state]);
}
