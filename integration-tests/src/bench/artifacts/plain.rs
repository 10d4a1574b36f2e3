//! A server of plain quinn with threads of its own, as the collector has them, and clients in the
//! benchmark's thread: ranges of one buffer, asked for by their length.

use crate::bench::download::{BYTES, MACHINES};
use anyhow::{Context as _, ensure};
use patchward_common::wire::machine::MAX_RANGE_BYTES;
use quinn::{ClientConfig, Connection, Endpoint, ServerConfig};
use rustls_pki_types::PrivatePkcs8KeyDer;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Bytes that are written at once.
static PIECE: [u8; 64 * 1024] = [7; 64 * 1024];
/// Bytes that are read at once, as the machines do.
const READ_BYTES: usize = 256 * 1024;

/// The server, and a connection for each machine.
pub(super) struct Plain {
    connections: Vec<Connection>,
    _endpoints: Vec<Endpoint>,
    server: Option<Runtime>,
}

impl Drop for Plain {
    fn drop(&mut self) {
        // Its threads may not be waited for by one that others' work runs on.
        if let Some(server) = self.server.take() {
            server.shutdown_background();
        }
    }
}

impl Plain {
    /// Starts the server and connects.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let key = rcgen::generate_simple_self_signed(vec!["localhost".into()])?;
        let certificate = key.cert.der().clone();
        let private = PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
        let config = ServerConfig::with_single_cert(vec![certificate.clone()], private.into())?;
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let server = { runtime }.enable_all().build()?;
        let entered = server.enter();
        let listening = Endpoint::server(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        drop(entered);
        let address = listening.local_addr()?;
        server.spawn(serve(listening));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate)?;
        let config = ClientConfig::with_root_certificates(Arc::new(roots))?;
        let (mut connections, mut endpoints) = (Vec::new(), Vec::new());
        for _ in 0..MACHINES {
            let endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            let connecting = endpoint.connect_with(config.clone(), address, "localhost")?;
            connections.push(connecting.await?);
            endpoints.push(endpoint);
        }
        Ok(Self {
            connections,
            _endpoints: endpoints,
            server: Some(server),
        })
    }

    /// All of them fetch as many bytes as an artifact has, range after range.
    pub(super) async fn fetched(&self) -> anyhow::Result<()> {
        let mut all = JoinSet::new();
        for connection in &self.connections {
            all.spawn(fetch(connection.clone()));
        }
        while let Some(one) = all.join_next().await {
            one??;
        }
        Ok(())
    }
}

async fn fetch(connection: Connection) -> anyhow::Result<()> {
    let mut at = 0;
    while at < BYTES {
        let length = MAX_RANGE_BYTES.min(BYTES - at);
        let (mut send, mut receive) = connection.open_bi().await?;
        send.write_all(&length.to_be_bytes()).await?;
        send.finish()?;
        let mut read = 0;
        while let Some(chunk) = receive.read_chunk(READ_BYTES, true).await? {
            read += chunk.bytes.len() as u64;
        }
        ensure!(read == length, "{read} bytes came");
        at += length;
    }
    Ok(())
}

async fn serve(endpoint: Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            let connection = incoming.await?;
            while let Ok((send, receive)) = connection.accept_bi().await {
                tokio::spawn(answer(send, receive));
            }
            anyhow::Ok(())
        });
    }
}

async fn answer(mut send: quinn::SendStream, mut receive: quinn::RecvStream) -> anyhow::Result<()> {
    let asked = receive.read_to_end(8).await?;
    let asked: [u8; 8] = asked[..].try_into().context("a length")?;
    let mut left = usize::try_from(u64::from_be_bytes(asked))?;
    while left > 0 {
        let piece = left.min(PIECE.len());
        send.write_all(&PIECE[..piece]).await?;
        left -= piece;
    }
    Ok(send.finish()?)
}
