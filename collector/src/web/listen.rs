//! The page's port: TLS 1.3 and 1.2 over TCP, and limits on those who are slow or many.

use super::shown::Shown;
use super::{Web, live, router};
use crate::app::App;
use crate::config::Settings;
use crate::fleet::Authority;
use crate::item::expiry::Life;
use anyhow::Context as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use patchward_common::time::UtcMs;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Connections at once: a browser opens six.
const MAX_CONNECTIONS: usize = 1_024;
/// How long a handshake, the head of a request, and what is read for nothing may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// How long a whole connection may live: a browser opens another.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The page's socket, open.
pub struct Door {
    listener: TcpListener,
    tls: TlsAcceptor,
    shown: Arc<Shown>,
}

impl Door {
    /// From when to when the certificate counts that browsers are shown, as long as they are. A
    /// newer one in the hospital's file is shown after the next start.
    pub fn life(&self) -> watch::Receiver<Option<Life>> {
        self.shown.life()
    }

    /// Where it is open.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Opens the port.
pub async fn open(
    listen: SocketAddr,
    settings: &Settings,
    authority: &Authority,
    now: UtcMs,
) -> anyhow::Result<Door> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let shown = Shown::open(settings, authority, provider.clone(), now)?;
    let shown = Arc::new(shown);
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(shown.clone());
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("opening the page's port {listen}"))?;
    Ok(Door {
        listener,
        tls: TlsAcceptor::from(Arc::new(tls)),
        shown,
    })
}

/// Serves pages until the task is dropped.
pub async fn serve(app: Arc<App>, door: Door) {
    let web = Web::new(app.clone());
    let shown = door.shown.clone();
    let mut behind = JoinSet::new();
    behind.spawn_on(web.kept.clone().keep(app.clone()), app.behind.threads());
    tokio::select! {
        () = shown.keep(&app) => {}
        () = live::watch(app.clone(), web.steps.clone()) => {}
        () = accept(router(web), door) => {}
    }
}

async fn accept(pages: axum::Router, door: Door) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let stream = match door.listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a browser could not connect");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (tls, pages) = (door.tls.clone(), pages.clone());
        tokio::spawn(async move {
            if let Err(error) = answer(tls, stream, pages).await {
                tracing::debug!(%error, "a browser's connection broke");
            }
            drop(place);
        });
    }
}

async fn answer(tls: TlsAcceptor, stream: TcpStream, pages: axum::Router) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(PATIENCE, tls.accept(stream)).await??;
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages))
        .with_upgrades();
    match tokio::time::timeout(LONGEST, serving).await {
        Ok(served) => served.context("serving"),
        // Its time is over; whoever is still there connects again.
        Err(_) => Ok(()),
    }
}
