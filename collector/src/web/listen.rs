//! The page's port: TLS 1.3 and 1.2 over TCP, and limits on those who are slow or many.

use super::{Web, live, router};
use crate::app::App;
use crate::config::host_of;
use crate::fleet::ca::{Authority, life_of};
use crate::item::expiry::Life;
use anyhow::Context as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
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
    life: Option<Life>,
}

impl Door {
    /// From when to when the certificate counts that browsers are shown. A newer one in its
    /// file is shown after the next start.
    pub fn life(&self) -> Option<Life> {
        self.life
    }
}

/// Opens the port.
pub async fn open(
    listen: SocketAddr,
    app_settings: &crate::config::Settings,
    authority: &Authority,
) -> anyhow::Result<Door> {
    let (chain, key) = match (&app_settings.web_certificate, &app_settings.web_key) {
        (Some(certificate), Some(key)) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
                .with_context(|| format!("reading {}", certificate.display()))?
                .collect();
            let chain = chain.with_context(|| format!("reading {}", certificate.display()))?;
            let key = PrivateKeyDer::from_pem_file(key)
                .with_context(|| format!("reading {}", key.display()))?;
            (chain, key)
        }
        _ => own(app_settings, authority)?,
    };
    let life = chain.first().and_then(life_of);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the page's certificate and key")?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("opening the page's port {listen}"))?;
    Ok(Door {
        listener,
        tls: TlsAcceptor::from(Arc::new(tls)),
        life,
    })
}

/// A certificate of the collector's own authority, for the hosts that the settings name.
fn own(
    settings: &crate::config::Settings,
    authority: &Authority,
) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let origin = settings.web_origin();
    let host = host_of(origin.trim_start_matches("https://"));
    let hosts = [host.to_owned(), "localhost".to_owned()];
    let issued = authority.server(&hosts, rand::random(), crate::clock::now());
    let issued = issued.context("issuing the page's certificate")?;
    Ok((issued.chain, issued.key))
}

/// Serves pages until the task is dropped.
pub async fn serve(app: Arc<App>, door: Door) {
    let web = Web::new(app.clone());
    tokio::select! {
        () = live::watch(app, web.steps.clone()) => {}
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
