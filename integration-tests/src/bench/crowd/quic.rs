//! QUIC as the agent has it, on sockets that stand for many machines.

use anyhow::Context as _;
use patchward_common::wire::machine::{ALPN, ALPN_ENROLL, Certificate};
use quinn::{ClientConfig, Endpoint, VarInt};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::kx_group;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// As the agent has it.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// As the agent has it.
const IDLE_MS: u32 = 60_000;
/// As the agent has it where it knows several collectors.
const SEVERAL: (Duration, u32) = (Duration::from_secs(2), 3_500);
/// Buffers of a socket that stands for many machines.
const SOCKET_BUFFER_BYTES: usize = 8 * 1024 * 1024;

pub(super) fn endpoint() -> anyhow::Result<Endpoint> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    // Less than asked for is what the system gives.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let config = quinn::EndpointConfig::default();
    let endpoint = Endpoint::new(config, None, socket, Arc::new(quinn::TokioRuntime));
    endpoint.context("opening a QUIC endpoint")
}

pub(super) fn client(
    authority: &CertificateDer<'static>,
    own: Option<(Certificate, &rcgen::KeyPair)>,
) -> anyhow::Result<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.clone())?;
    // Its key exchange is the agent's (ADR 0018).
    let provider = CryptoProvider {
        kx_groups: vec![kx_group::X25519],
        ..rustls::crypto::aws_lc_rs::default_provider()
    };
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots);
    let mut tls = match own {
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from(certificate.certificate.into_vec())];
            let key = PrivatePkcs8KeyDer::from(key.serialize_der());
            let mut tls = builder.with_client_auth_cert(chain, key.into())?;
            tls.alpn_protocols = vec![ALPN.to_vec()];
            tls
        }
        None => {
            let mut tls = builder.with_no_client_auth();
            tls.alpn_protocols = vec![ALPN_ENROLL.to_vec()];
            tls
        }
    };
    tls.resumption = rustls::client::Resumption::disabled();
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls)?;
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport(KEEP_ALIVE, IDLE_MS)));
    Ok(config)
}

/// Has a machine watch its connection as one that knows several collectors.
pub(super) fn watch_closely(config: &mut ClientConfig) {
    let (keep_alive, idle_ms) = SEVERAL;
    config.transport_config(Arc::new(transport(keep_alive, idle_ms)));
}

fn transport(keep_alive: Duration, idle_ms: u32) -> quinn::TransportConfig {
    let mut transport = quinn::TransportConfig::default();
    transport
        .max_idle_timeout(Some(VarInt::from_u32(idle_ms).into()))
        .keep_alive_interval(Some(keep_alive))
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(None);
    transport
}
