//! A collector that lies on the wire. It holds the real one's authority and a machine's
//! certificate, stands between that machine's agent and the real collector, and decides
//! about each request.

use crate::hospital::{Hospital, Machine};
use anyhow::Context as _;
use patchward_agent::credentials::Credentials;
use patchward_agent::link::{Identity, Link, Told};
use patchward_collector::folder::Folder;
use patchward_common::codec;
use patchward_common::wire::collector::{Held, MAX_HELD_BYTES};
use patchward_common::wire::machine::{Answer, MAX_REQUEST_BYTES, Request, SERVER_NAME, close};
use quinn::{Connection, Endpoint, RecvStream, SendStream, VarInt};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// What is passed on at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// What it does about a request.
pub enum Deed {
    /// The real collector answers.
    Honest,
    /// It says this instead.
    Says(Box<Answer>),
    /// The real answer, one byte a second.
    Drips,
    /// The real answer, and bytes after it without end.
    Floods,
}

type Script = dyn FnMut(&Request) -> Deed + Send;

/// The impostor; it is gone when it is dropped.
pub struct Impostor {
    /// Where it listens.
    pub address: String,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

struct Shared {
    script: Mutex<Box<Script>>,
    sent: AtomicU64,
    collector: String,
    credentials: Credentials,
}

impl Impostor {
    /// Stands between a machine and the collector, and is honest until it is told
    /// otherwise. `protocol` is the one name that it speaks in ALPN.
    ///
    /// # Errors
    /// Where a key cannot be read or no port is to be had.
    pub fn start(hospital: &Hospital, machine: &Machine, protocol: &[u8]) -> anyhow::Result<Self> {
        let authority = Folder::new(hospital.collector_folder()).authority();
        let config = config(&authority, protocol)?;
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(|_: &Request| Deed::Honest)),
            sent: AtomicU64::new(0),
            collector: hospital.address(),
            credentials: Credentials::load(&machine.path("agent"))?,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let endpoint = {
            let _inside = runtime.enter();
            Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into())?
        };
        let address = endpoint.local_addr()?.to_string();
        runtime.spawn(serve(endpoint, shared.clone()));
        Ok(Self {
            address,
            shared,
            _runtime: runtime,
        })
    }

    /// What it does from now on.
    pub fn does(&self, script: impl FnMut(&Request) -> Deed + Send + 'static) {
        *self.shared.script() = Box::new(script);
    }

    /// Bytes that it has dripped, or sent beyond the real answers, and that were taken.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn script(&self) -> std::sync::MutexGuard<'_, Box<Script>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A certificate by the real authority, and one protocol.
fn config(authority: &Path, protocol: &[u8]) -> anyhow::Result<quinn::ServerConfig> {
    let text = std::fs::read_to_string(authority.join("ca.key")).context("the authority's key")?;
    let certificate = CertificateDer::from_pem_file(authority.join("ca.crt"))?;
    let issuer = Issuer::from_ca_cert_der(&certificate, KeyPair::from_pem(&text)?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let own = params.signed_by(&key, &issuer)?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(
            vec![own.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )?;
    tls.alpn_protocols = vec![protocol.to_vec()];
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls)?;
    Ok(quinn::ServerConfig::with_crypto(Arc::new(tls)))
}

async fn serve(endpoint: Endpoint, shared: Arc<Shared>) {
    while let Some(incoming) = endpoint.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            if let Ok(connection) = incoming.await {
                // Whatever fails ends the connection; the machine comes again.
                let _ = stand_between(&shared, &connection).await;
                connection.close(VarInt::from_u32(close::GOING_AWAY), b"come again");
            }
        });
    }
}

async fn stand_between(shared: &Arc<Shared>, connection: &Connection) -> anyhow::Result<()> {
    let collector = std::slice::from_ref(&shared.collector);
    let link = Link::connect(collector, Identity::Machine(&shared.credentials)).await?;
    let mut running = JoinSet::new();
    running.spawn(nudges(link.clone(), connection.clone()));
    loop {
        let (send, receive) = connection.accept_bi().await?;
        running.spawn(answer(shared.clone(), link.clone(), send, receive));
    }
}

/// Passes on what the collector says for as long as it is there.
async fn nudges(link: Link, connection: Connection) -> anyhow::Result<()> {
    while let Ok(told) = link.told().await {
        match told {
            Told::Nudge(nudge) => {
                let mut stream = connection.open_uni().await?;
                stream.write_all(&codec::encode(&nudge)).await?;
                stream.finish()?;
            }
            Told::Stopped(orders, reply) => {
                let (mut send, mut receive) = connection.open_bi().await?;
                send.write_all(&codec::encode(&orders)).await?;
                send.finish()?;
                let held = receive.read_to_end(MAX_HELD_BYTES).await?;
                let held = codec::decode::<Held>(&held, MAX_HELD_BYTES);
                if held.is_ok_and(|held| held.orders == orders.digest.into()) {
                    reply.holds(orders.digest).await;
                }
            }
        }
    }
    connection.close(VarInt::from_u32(close::GOING_AWAY), b"come again");
    Ok(())
}

async fn answer(
    shared: Arc<Shared>,
    link: Link,
    mut send: SendStream,
    mut receive: RecvStream,
) -> anyhow::Result<()> {
    let bytes = receive.read_to_end(MAX_REQUEST_BYTES).await?;
    let request: Request = codec::decode(&bytes, MAX_REQUEST_BYTES)?;
    let deed = (shared.script())(&request);
    if let Deed::Says(answer) = &deed {
        send.write_all(&codec::encode(answer)).await?;
        return Ok(send.finish()?);
    }
    let mut real = link.send(&bytes).await?;
    let is_slow = matches!(deed, Deed::Drips);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let most = if is_slow { 1 } else { CHUNK_BYTES };
    while let Some(chunk) = real.read_chunk(most).await? {
        if is_slow {
            second.tick().await;
            shared.sent.fetch_add(1, Ordering::Relaxed);
        }
        send.write_all(&chunk).await?;
    }
    if matches!(deed, Deed::Floods) {
        // Until nobody takes it any more.
        loop {
            send.write_all(&[0; CHUNK_BYTES]).await?;
            shared.sent.fetch_add(CHUNK_BYTES as u64, Ordering::Relaxed);
        }
    }
    Ok(send.finish()?)
}
