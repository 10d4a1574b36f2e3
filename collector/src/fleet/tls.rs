//! TLS, and what QUIC and TCP take of a machine, at the collector's port.
//!
//! TLS 1.3 only, client certificates checked against the authorities and their revocation
//! lists. No session is ever resumed: resumption does not verify again, so a revoked
//! machine would come back by it, and it is no faster than a full handshake here.

use super::ca::ServerIdentity;
use super::{Authorities, FleetError};
use patchward_carrier::mux::{Keeping, Limits};
use patchward_common::wire::machine::{ALPN, ALPN_ENROLL, ALPN_RELAY, MAX_ARTIFACT_PACKET_BYTES};
use quinn::{IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, RootCertStore, SupportedCipherSuite};
use rustls_pki_types::CertificateRevocationListDer;
use std::sync::Arc;
use std::time::Duration;

/// A connection that says nothing for so long is gone. Machines send keep-alives well
/// within it.
const IDLE_MS: u32 = 60_000;
/// Streams that one machine may have open. Three times what is worked on at once
/// ([`super::session::REQUESTS`]): QUIC gives used ones back in eighths, in a packet that is
/// acknowledged, and eighths of 8 would be a packet for every second request.
const STREAMS: u32 = 24;
/// Unread bytes of one request that the collector holds for a machine.
const STREAM_WINDOW: u32 = 64 * 1024;
/// Unread bytes of all requests of one machine.
const CONNECTION_WINDOW: u32 = 192 * 1024;
/// Unacknowledged bytes of answers to one machine: 12 MB/s at 20 ms.
const SEND_WINDOW: u64 = 256 * 1024;
/// Handshakes that may wait to be looked at: what two cores bear while those who wait are let in in
/// turn ([`super::line`]), 1,300 a second for 7.5 s. quinn's default is 65,536.
const MAX_WAITING: usize = 10_000;
/// Bytes that one of them may send meanwhile; quinn's default is 10 MB.
const WAITING_BYTES: u64 = 16 * 1024;
/// Bytes of all of them together; quinn's default is 100 MB.
const ALL_WAITING_BYTES: u64 = 16 * 1024 * 1024;

/// TLS that admits machines of these authorities but those on their `lists`; the same over UDP
/// and TCP.
pub(super) fn server_config(
    authorities: &Authorities,
    identity: ServerIdentity,
    lists: Vec<CertificateRevocationListDer<'static>>,
) -> Result<rustls::ServerConfig, FleetError> {
    let provider = Arc::new(provider());
    let mut roots = RootCertStore::empty();
    for authority in authorities.trusted() {
        roots.add(authority.certificate().clone())?;
    }
    // Whoever comes without a certificate can only ask for one: the session looks at
    // the protocol's name and at the certificate once the handshake is over.
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .with_crls(lists)
        .only_check_end_entity_revocation()
        .clear_root_hint_subjects()
        .allow_unauthenticated()
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let chains = Chains::new(identity, &provider)?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(chains));
    // The collector's order counts, and not each machine's.
    tls.ignore_client_order = true;
    tls.alpn_protocols = [ALPN, ALPN_ENROLL, ALPN_RELAY].map(<[u8]>::to_vec).into();
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    tls.max_early_data_size = 0;
    Ok(tls)
}

/// What TLS is made of. AES with 128 bits comes first: it is as strong as the keys that machines
/// exchange and sign with (X25519, P-256), and what belongs to it is hashed with SHA-256, for which
/// processors have instructions.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let other =
        |suite: &SupportedCipherSuite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256;
    provider.cipher_suites.sort_by_key(other);
    provider
}

/// The same for QUIC, with its limits.
pub(super) fn quic(tls: rustls::ServerConfig) -> Result<quinn::ServerConfig, FleetError> {
    over_quic(tls, transport())
}

/// The same for a connection on which artifacts are fetched: packets as large as the way takes,
/// handed to the system in tens. It ends with the fetching, so what it costs is not kept.
pub(super) fn of_artifacts(tls: rustls::ServerConfig) -> Result<quinn::ServerConfig, FleetError> {
    let (mut transport, mut probing) = (transport(), MtuDiscoveryConfig::default());
    probing.upper_bound(MAX_ARTIFACT_PACKET_BYTES);
    transport
        .mtu_discovery_config(Some(probing))
        .enable_segmentation_offload(true);
    over_quic(tls, transport)
}

fn over_quic(
    tls: rustls::ServerConfig,
    transport: TransportConfig,
) -> Result<quinn::ServerConfig, FleetError> {
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let mut tokens = quinn::ValidationTokenConfig::default();
    // A machine holds its connection for months; what it could show with the next one is worth
    // nothing to a collector that was started anew, and costs each handshake two frames.
    tokens.sent(0);
    config
        .transport_config(Arc::new(transport))
        .validation_token_config(tokens)
        .max_incoming(MAX_WAITING)
        .incoming_buffer_size(WAITING_BYTES)
        .incoming_buffer_size_total(ALL_WAITING_BYTES);
    Ok(config)
}

/// The collector's certificate: with its authority's for a machine that enrols and knows
/// but the fingerprint, alone for all others, whose handshake then fits into one packet.
#[derive(Debug)]
struct Chains {
    alone: Arc<CertifiedKey>,
    with_authority: Arc<CertifiedKey>,
}

impl Chains {
    fn new(identity: ServerIdentity, provider: &CryptoProvider) -> Result<Self, rustls::Error> {
        let key = provider.key_provider.load_private_key(identity.key)?;
        let alone = identity.chain.iter().take(1).cloned().collect();
        Ok(Self {
            alone: Arc::new(CertifiedKey::new(alone, key.clone())),
            with_authority: Arc::new(CertifiedKey::new(identity.chain, key)),
        })
    }
}

impl ResolvesServerCert for Chains {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let enrols = hello
            .alpn()
            .into_iter()
            .flatten()
            .any(|name| name == ALPN_ENROLL);
        Some(Arc::clone(match enrols {
            true => &self.with_authority,
            false => &self.alone,
        }))
    }
}

/// The limits of QUIC for a connection over TCP. What it sends and nobody acknowledged waits in
/// the system's buffer, which is bounded in [`super::tcp`].
pub(super) fn keeping() -> Keeping {
    Keeping {
        limits: Limits {
            stream_window: STREAM_WINDOW,
            connection_window: CONNECTION_WINDOW,
            both_ways: STREAMS,
            one_way: 0,
        },
        idle: Duration::from_millis(IDLE_MS.into()),
        keep_alive: None,
    }
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        // Machines open none.
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .keep_alive_interval(None::<Duration>)
        .datagram_receive_buffer_size(None)
        // It triples what a cold connect costs, and a hello needs no large packets.
        .mtu_discovery_config(None)
        // Packets that are handed to the system in tens need a buffer of ten packets for
        // each connection, and it is kept: a third of what a held one costs.
        .enable_segmentation_offload(false);
    transport
}
