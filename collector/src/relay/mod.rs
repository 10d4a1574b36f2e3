//! A site relay: it keeps artifacts near the machines of a site, so that each comes once over the
//! line to it. It decides nothing and nobody trusts it: what it hands out is checked by each agent,
//! and by each installer again, and where it does not, machines go to the collector.
//!
//! Its folder has `relay.toml`, `relay.key` and `relay.crt`, and the artifacts.

mod cache;
mod doctor;
mod expiring;
mod fetch;
mod identity;
mod serve;
mod settings;
mod upstream;

pub use doctor::{examine, is_one};
pub use settings::RelaySettings;

use crate::control::Failure;
use crate::folder::Folder;
use anyhow::{Context as _, bail};
use cache::Cache;
use fetch::Fetching;
use identity::Identity;
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use upstream::Upstream;

/// What the journal and people call it.
const PROGRAM: &str = "patchward-relay";

/// Files of the folder.
struct Files(PathBuf);

impl Files {
    fn of(folder: &Folder) -> Self {
        Self(folder.path().to_owned())
    }

    fn settings(&self) -> PathBuf {
        self.0.join("relay.toml")
    }

    fn key(&self) -> PathBuf {
        self.0.join("relay.key")
    }

    fn certificate(&self) -> PathBuf {
        self.0.join("relay.crt")
    }

    /// Whether a relay runs in the folder; `None` where that cannot be asked.
    fn is_in_use(&self) -> Option<bool> {
        let folder = File::open(&self.0).ok()?;
        is_held(&folder.try_lock_shared())
    }

    /// Locks the folder, as the collector does, until what is given back is closed.
    fn hold(&self) -> anyhow::Result<File> {
        let folder = File::open(&self.0);
        let folder = folder.with_context(|| format!("opening {}", self.0.display()))?;
        let tried = folder.try_lock();
        match is_held(&tried) {
            Some(true) => bail!("another relay runs in this folder; end it first"),
            Some(false) => {}
            None => {
                let folder = self.0.display();
                let error = tried.err().map(|error| error.to_string());
                tracing::warn!(%folder, error, "nothing keeps a second relay out of the folder");
            }
        }
        Ok(folder)
    }
}

/// Whether a lock that was tried is another's. Some file systems lock no folders, such as NFS: there
/// nobody knows.
fn is_held(tried: &Result<(), TryLockError>) -> Option<bool> {
    match tried {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// The request for a certificate, as text; with a new key where there is none.
pub fn request(folder: &Folder) -> anyhow::Result<String> {
    identity::request(&Files::of(folder).key())
}

/// What a relay is made of.
struct Relay {
    cache: Cache,
    fetching: Fetching,
}

/// A relay that runs, until it is closed.
pub struct Running {
    relay: Arc<Relay>,
    endpoint: quinn::Endpoint,
    /// Says when its certificate ends.
    warning: JoinHandle<()>,
    serving: JoinHandle<()>,
    _lock: File,
}

impl Running {
    /// Starts the relay in `folder`.
    ///
    /// # Errors
    /// Where its settings, its certificate or its port are not to be had.
    pub async fn start(folder: &Folder) -> anyhow::Result<Self> {
        let files = Files::of(folder);
        let settings = RelaySettings::load(&files.settings())?;
        let identity = Identity::load(&files.certificate(), &files.key())?;
        let lock = files.hold()?;
        let most_bytes = settings.most_megabytes.saturating_mul(settings::MEGABYTE);
        let cache = Cache::open(folder.path(), most_bytes)?;
        let upstream = Upstream::new(&identity, settings.collectors.clone())?;
        let relay = Arc::new(Relay {
            cache,
            fetching: Fetching::new(upstream),
        });
        let endpoint = serve::open(&identity, settings.listen)?;
        let serving = tokio::spawn(serve::accept(relay.clone(), endpoint.clone()));
        Ok(Self {
            relay,
            endpoint,
            warning: tokio::spawn(expiring::watch(identity.name(), identity.life())),
            serving,
            _lock: lock,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Ends it in order.
    pub async fn close(self) {
        self.warning.abort();
        self.serving.abort();
        serve::close(&self.endpoint).await;
        self.relay.fetching.close().await;
    }
}

/// Runs the relay in `folder` until it is told to end.
pub async fn run(folder: &Folder) -> anyhow::Result<()> {
    let settings = RelaySettings::load(&Files::of(folder).settings())?;
    patchward_log::start(settings.log, PROGRAM)
        .map_err(|error| Failure::unavailable(error.to_string()))
        .context("starting the log")?;
    let running = Running::start(folder).await?;
    // Before anybody is told that it runs: who is told may end it at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let version = env!("CARGO_PKG_VERSION");
    let listen = running.address()?;
    tracing::info!(%listen, version, "the relay is ready");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("the relay ends");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    running.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn only_a_lock_that_is_held_is_another_relays() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files(folder.path().to_owned());
        assert_eq!(files.is_in_use(), Some(false));
        let held = files.hold().unwrap();
        assert_eq!(files.is_in_use(), Some(true));
        let refused = files.hold().unwrap_err().to_string();
        assert!(refused.contains("another relay runs"), "{refused}");
        drop(held);
        assert_eq!(files.is_in_use(), Some(false));
        // What NFS says of a folder.
        for kind in [ErrorKind::Unsupported, ErrorKind::Other] {
            assert_eq!(is_held(&Err(TryLockError::Error(kind.into()))), None);
        }
    }
}
