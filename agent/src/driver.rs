//! The agent's loop: connect, say hello, report, fetch orders, carry jobs, wait. The one
//! place of the agent that reads the clock and waits; what to do is decided elsewhere.

pub mod backoff;
mod carry;
mod choice;
mod devices;
mod journal;
mod pulse;
mod report;
mod session;
mod way;
mod witness;

use crate::apart::Apart;
use crate::config::Settings;
use crate::credentials::{Credentials, CredentialsError};
use crate::device::Devices;
use crate::enrol::{self, Asked, EnrolError, Myself};
use crate::heads::Heads;
use crate::installer::{Installer, unexpected};
use crate::link::{Identity, Link, LinkError, Ways};
use crate::outbox::Outbox;
use crate::state::StateError;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, OutboxId};
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::trust::check::Interlock;
use patchward_common::wire::local::{self, Status};
use patchward_common::wire::machine::{Answer, Hello, InterlockWord, Refused, RefusedCode, close};
use sd_notify::NotifyState;
use std::future::Future;
use std::time::Duration;

pub use report::Reporter;

/// Longest absence that a collector may ask for.
const MAX_AWAY_MS: u64 = 10 * MINUTE_MS as u64;
/// How often a machine says hello that was not told.
const PACE_MS: u64 = 2 * MINUTE_MS as u64;

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
    #[error("a person has to accept this machine again at the collector")]
    Waits,
}

impl TurnError {
    /// Whether the next try will end in the same way until a person did something.
    fn needs_a_person(&self) -> bool {
        match self {
            Self::Link(link) => link.is_revoked() || link.is_closed_with(close::CLONE),
            Self::Refused(refused) => !is_busy(refused),
            Self::Waits => false,
        }
    }

    fn wait_ms(&self, failures: u32, chance: u64) -> u64 {
        match self.needs_a_person() {
            true => backoff::refused(chance),
            false => backoff::after(failures, chance),
        }
    }
}

/// How a session ended.
enum Ended {
    /// We were told to end.
    Stop,
    /// The collector goes away for so many milliseconds.
    Away(u64),
    /// One that stands before it answers again, or its own by QUIC.
    Back(Link),
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
    /// When the collector last wanted the next hello, in milliseconds.
    pace_ms: u64,
    /// A clock that is too far from the collector's, as it was last noted.
    apart: Option<Apart>,
    /// Heads of the collector's audit log.
    heads: Heads,
    /// The newest event of the installer's journal at the last turn.
    journal_seen: Option<u64>,
    /// The medical devices beside this machine, once it runs.
    devices: Option<Devices>,
    /// The address of the collector whose connection was lost last.
    lost: Option<String>,
    /// The collectors that are busy.
    busy: choice::Busy,
    /// How long it stays with a collector that is not its first, or with TCP, in milliseconds.
    back_ms: u64,
    /// What its collectors answered by.
    ways: Ways,
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
            apart: Apart::load(folder),
            heads: Heads::load(folder),
            clock,
            pace_ms: PACE_MS,
            journal_seen: None,
            devices: None,
            lost: None,
            busy: choice::Busy::default(),
            back_ms: choice::BACK_MS,
            ways: Ways::load(folder),
            settings,
        })
    }

    /// The same with another time before it looks for the way back to its first collector, as
    /// tests have it.
    #[must_use]
    pub fn back_after(mut self, ms: u64) -> Self {
        self.back_ms = ms;
        self
    }

    /// Runs until `stop` is ready.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), DriverError> {
        let mut stop = std::pin::pin!(stop);
        let mut failures = 0;
        self.devices = Devices::begin(&self.settings, self.clock);
        let (machine, version) = (self.credentials.machine, env!("CARGO_PKG_VERSION"));
        tracing::info!(%machine, version, "the agent runs");
        // It runs, whether the collector answers or not: a boot waits for neither.
        pulse::say(&[NotifyState::Ready]);
        loop {
            pulse::alive(pulse::STRETCH);
            let wait_ms = match self.connected(&mut failures, stop.as_mut()).await {
                Ok(Ended::Stop) => break,
                // It has been followed already.
                Ok(Ended::Back(_)) => continue,
                Ok(Ended::Away(ms)) => backoff::away(ms.min(MAX_AWAY_MS), rand::random()),
                Err(error) => {
                    tracing::warn!(%error, "no contact with the collector");
                    pulse::say(&[NotifyState::Status(&error.to_string())]);
                    failures += 1;
                    error.wait_ms(failures, rand::random())
                }
            };
            pulse::waits(wait_ms);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                () = stop.as_mut() => break,
            }
        }
        pulse::say(&[NotifyState::Stopping]);
        Ok(())
    }

    async fn connected(
        &mut self,
        failures: &mut u32,
        mut stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended, TurnError> {
        let now = (self.clock)();
        if self.credentials.is_expired(now) {
            let (addresses, expired) = (self.addresses(), Identity::Expired(&self.credentials));
            let link = self.connect(&addresses, expired).await?;
            let renewed = self.renew(&link, now).await;
            link.close().await;
            renewed?;
            if self.credentials.is_expired(now) {
                return Err(TurnError::Waits);
            }
        }
        // It is asked last once: another is there at once where it is gone.
        let addresses = choice::order(self.addresses(), self.lost.take().as_deref(), &self.busy);
        let identity = Identity::Machine(&self.credentials);
        let mut link = self.connect(&addresses, identity).await?;
        loop {
            let ended = self.session(&link, failures, stop.as_mut()).await;
            if let Err(TurnError::Link(_)) = &ended {
                self.lost = Some(link.name().to_owned());
            }
            let name = link.name().to_owned();
            // However it ended: a connection that nobody uses is one too many at the collector.
            link.close().await;
            match ended {
                Ok(Ended::Back(earlier)) => {
                    let (to, carrier) = (earlier.name(), earlier.carrier());
                    tracing::info!(from = name, to, %carrier, "back to what answers again");
                    link = earlier;
                }
                ended => return ended,
            }
        }
    }

    fn addresses(&self) -> Vec<String> {
        match &self.settings.collectors[..] {
            [] => self.credentials.addresses.clone(),
            set => set.to_vec(),
        }
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
            ready: match status {
                // The installer has just asked the same probes.
                Some(status) => status.ready,
                None => self.reporter.is_ready().await,
            },
            fingerprint: self.reporter.fingerprint().into(),
        }
    }

    fn boot(&self) -> BootId {
        boot_id(&self.settings)
    }

    fn myself(&self) -> Myself {
        Myself {
            fingerprint: self.reporter.fingerprint(),
            boot: self.boot(),
            facts: self.reporter.facts().clone(),
        }
    }

    /// Notes a clock that is too far off, once for as long as it lasts.
    fn clock_told(&mut self, collector: UtcMs, now: UtcMs) {
        let apart = Apart::of(collector, now);
        if apart.is_some() == self.apart.is_some() {
            return;
        }
        if let Some(apart) = &apart {
            tracing::warn!(%apart, "the clock is off");
        }
        match Apart::save(apart, &self.settings.state_dir) {
            Ok(()) => self.apart = apart,
            Err(error) => tracing::warn!(%error, "how far the clock is off is not kept"),
        }
    }

    /// Keeps the head of the collector's audit log, once a day.
    fn audit_told(&mut self, head: Digest, now: UtcMs) {
        if let Err(error) = self.heads.note(head, now, &self.settings.state_dir) {
            tracing::warn!(%error, "the head of the collector's audit log is not kept");
        }
    }

    /// Asks for the next certificate, and gives back whether it came.
    async fn renew(&mut self, link: &Link, now: UtcMs) -> Result<bool, TurnError> {
        let myself = self.myself();
        match enrol::renew(link, &self.installer, &self.credentials, &myself, now).await {
            Ok(Asked::Certified(credentials)) => {
                if let Err(error) = credentials.save(&self.settings.state_dir) {
                    // It serves until the next start; the old one still does then.
                    tracing::warn!(%error, "the new certificate is not kept");
                }
                self.credentials = *credentials;
                tracing::info!(expires = %self.credentials.expires, "the certificate was renewed");
                Ok(!self.credentials.is_due(now))
            }
            Ok(Asked::Wait(_)) => {
                tracing::warn!("a person has to accept this machine again");
                Ok(false)
            }
            Err(EnrolError::Link(error)) => Err(error.into()),
            Err(EnrolError::Refused(refused)) if !is_busy(&refused) => {
                Err(TurnError::Refused(refused))
            }
            Err(error) => {
                tracing::warn!(%error, "the certificate was not renewed");
                Ok(false)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_needs_a_person_asks_rarely_and_others_soon() {
        let refused = |code| TurnError::Refused(Refused::new(code, "no"));
        let closed = |code| {
            TurnError::Link(LinkError::Closed {
                code,
                reason: String::new(),
            })
        };
        for rarely in [
            refused(RefusedCode::Clone),
            refused(RefusedCode::Forbidden),
            closed(close::CLONE),
            closed(close::REVOKED),
        ] {
            assert!(rarely.wait_ms(1, 0) >= 300_000, "{rarely}");
            assert_ne!(rarely.wait_ms(1, 1), rarely.wait_ms(1, 2), "{rarely}");
        }
        for soon in [
            refused(RefusedCode::Busy),
            closed(close::REPLACED),
            closed(close::GOING_AWAY),
            TurnError::Link(LinkError::Late),
            TurnError::Waits,
        ] {
            assert!(soon.wait_ms(1, u64::MAX) <= 1_000, "{soon}");
        }
    }
}
