//! mosquitto with TLS 1.3 and client certificates: how many machines connect in a second of its
//! processor. Each says one message, as ours say a hello.

use crate::bench::peers::{mqtt, port, small};
use crate::bench::process_costs::Processor;
use crate::process::Daemon;
use anyhow::{Context as _, bail, ensure};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const BROKER: &str = "/usr/sbin/mosquitto";
/// Connections; all stay open, as a fleet's do.
pub(super) const MACHINES: usize = 5_000;
/// Handshakes at once, as the crowd has them.
const AT_ONCE: usize = 64;
/// About as long as a hello.
const MESSAGE_BYTES: usize = 200;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// Machines that connect in a second of its processor.
pub(super) async fn connects(folder: &Path) -> anyhow::Result<f64> {
    ensure!(
        Path::new(BROKER).exists(),
        "mosquitto is missing; apt-get install mosquitto"
    );
    let issuer = issuer()?;
    let port = port()?;
    let broker = broker(folder, &issuer, port)?;
    let mut all = Vec::new();
    for number in 0..MACHINES {
        all.push((number, connector(&issuer)?));
    }
    let mut processor = Processor::of(broker.pid());
    // Until it listens, nobody comes in.
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::task::yield_now().await;
    }
    let before = processor.look()?;
    let (mut coming, mut there) = (JoinSet::new(), Vec::new());
    for (number, connector) in all {
        if coming.len() == AT_ONCE
            && let Some(came) = coming.join_next().await
        {
            there.push(came??);
        }
        coming.spawn(comes(number, connector, port));
    }
    while let Some(came) = coming.join_next().await {
        there.push(came??);
    }
    let busy = processor.look()? - before;
    ensure!(there.len() == MACHINES, "{} came", there.len());
    Ok(MACHINES as f64 / busy)
}

fn issuer() -> anyhow::Result<Issuer> {
    let mut params = CertificateParams::new(Vec::new())?;
    // A leaf without a name of its own has rcgen's, and would seem to be the authority itself.
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "broker's authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// A certificate as ours are: ECDSA with P-256.
fn leaf(
    issuer: &Issuer,
    names: &[&str],
    usage: ExtendedKeyUsagePurpose,
) -> anyhow::Result<(rcgen::Certificate, KeyPair)> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?, key))
}

fn broker(folder: &Path, issuer: &Issuer, port: u16) -> anyhow::Result<Daemon> {
    let (certificate, key) = leaf(issuer, &["localhost"], ExtendedKeyUsagePurpose::ServerAuth)?;
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("broker-ca.crt"), issuer.pem())?;
    std::fs::write(path("broker.crt"), certificate.pem())?;
    std::fs::write(path("broker.key"), key.serialize_pem())?;
    let text = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n\
         cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n",
        path("broker-ca.crt"),
        path("broker.crt"),
        path("broker.key")
    );
    std::fs::write(path("broker.conf"), text)?;
    let mut command = Command::new(BROKER);
    command.arg("-c").arg(path("broker.conf"));
    Daemon::start("mosquitto", &mut command, &folder.join("broker.log"))
}

fn connector(issuer: &Issuer) -> anyhow::Result<TlsConnector> {
    let (certificate, key) = leaf(issuer, &[], ExtendedKeyUsagePurpose::ClientAuth)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(issuer.der().clone())?;
    let provider = CryptoProvider {
        kx_groups: vec![kx_group::X25519],
        ..default_provider()
    };
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key.into())?;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn comes(
    number: usize,
    connector: TlsConnector,
    port: u16,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let stream = small(TcpStream::connect(("127.0.0.1", port)).await?)?;
    let name = ServerName::try_from("localhost")?;
    let mut stream = connector.connect(name, stream).await.context("TLS")?;
    mqtt::connect(&mut stream, &format!("machine-{number}")).await?;
    mqtt::publish(&mut stream, "hellos", &[7; MESSAGE_BYTES]).await?;
    if stream.get_ref().1.peer_certificates().is_none() {
        bail!("the broker showed no certificate");
    }
    Ok(stream)
}
