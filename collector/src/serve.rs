//! `serve`: starts everything, says that it is ready, and ends in order.

use crate::app::App;
use crate::config::Settings;
use crate::control::server;
use crate::fleet::{self, Authority, FleetContext, FleetSettings};
use crate::folder::Folder;
use crate::store::{Place, Store};
use crate::vendor::artifact::Artifacts;
use crate::{clock, init, reconcile};
use anyhow::{Context as _, bail};
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the collector in `folder` until it is told to end.
pub async fn serve(folder: &Folder) -> anyhow::Result<()> {
    let text = match std::fs::read_to_string(folder.settings()) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "{} is no collector's folder; make it with `patchward-collector init`",
            folder.path().display()
        ),
        Err(error) => {
            return Err(error).context(format!("reading {}", folder.settings().display()));
        }
    };
    let settings =
        Settings::parse(&text).with_context(|| format!("in {}", folder.settings().display()))?;
    // Before the port and the database: two collectors never share a folder.
    let listener = server::bind(&folder.socket()).context("opening the socket of the commands")?;
    let store = open_store(&init::place(folder, &settings)).await?;
    let go_key = init::go_key(&folder.go_key())?;
    let artifacts = Artifacts::in_folder(&folder.artifacts()).context("opening the artifacts")?;
    let fleet = fleet::serve(
        FleetContext {
            store: store.clone(),
            authority: Authority::open(&folder.authority())?,
            go_key: go_key.clone(),
            artifacts: artifacts.object_store(),
            clock: Arc::new(clock::now),
            settings: FleetSettings {
                addresses: hosts(&settings.addresses),
                hello_every_ms: u64::from(settings.pace_seconds) * 1_000,
                ..FleetSettings::default()
            },
        },
        settings.listen,
    )
    .await?;
    let app = Arc::new(App {
        folder: folder.clone(),
        settings,
        store,
        fleet,
        artifacts,
        go_signing_key: go_key,
    });
    tracing::info!(listen = %app.settings.listen, "the collector is ready");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let tasks = [
        tokio::spawn(server::serve(app.clone(), listener)),
        tokio::spawn(reconcile::run(app.clone())),
    ];
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("the collector ends");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    app.fleet.shutdown().await;
    app.store.close().await;
    // A socket that nobody serves would only confuse.
    let _ = std::fs::remove_file(app.folder.socket());
    Ok(())
}

async fn open_store(place: &Place) -> anyhow::Result<Store> {
    Store::open(place).await.context("opening the database")
}

/// The host parts of `host:port`: what goes into the certificate.
fn hosts(addresses: &[String]) -> Vec<String> {
    addresses
        .iter()
        .map(|address| {
            let host = address
                .rsplit_once(':')
                .map_or(&**address, |(host, _)| host);
            host.trim_matches(['[', ']']).to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_certificate_names_hosts_without_ports() {
        let addresses = ["c.example:9443", "[::1]:9443", "10.0.0.1:1"].map(String::from);
        assert_eq!(super::hosts(&addresses), ["c.example", "::1", "10.0.0.1"]);
    }
}
