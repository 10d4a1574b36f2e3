//! Artifacts by a site relay: how fast machines get one that it holds, and what comes over the line
//! to it for each.

use super::download::{self, AGAIN, BYTES, MACHINES, RUNS, wait};
use super::relay::Relay as Line;
use super::report::{Figure, Reach, Report, Spread, clock};
use super::setting::{Setting, UNIT};
use crate::hospital::now;
use crate::process::Daemon;
use crate::programs::Program;
use anyhow::ensure;
use patchward_agent::credentials::Credentials;
use patchward_agent::link::{Identity, Link, Watch, Ways};
use patchward_carrier::Carrier;
use patchward_collector::fleet::Authority;
use patchward_common::id::MachineId;
use patchward_common::wire::machine::Certificate;
use rcgen::{CertificateParams, KeyPair};
use serde_bytes::ByteBuf;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Machines come rarely by themselves; none is here.
const PACE_SECONDS: u32 = 300;
/// What the collector calls the relay.
const NAME: &str = "bench";
/// A pause that ends a burst: longer than the relay waits for anything.
const PAUSE: Duration = Duration::from_secs(2);

/// Has the relay fetch it once, and then machines fetch it from the relay.
pub async fn run() -> anyhow::Result<Report> {
    let mut setting = Setting::found(PACE_SECONDS)?;
    let folder = tempfile::tempdir()?;
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    let relays = format!("[{{ name = {NAME:?}, address = \"{port}\", units = [{UNIT:?}] }}]");
    setting.change_setting("relays", &relays)?;
    setting.restart_collector()?;
    let sha256 = download::artifact(&setting)?;
    let line = Line::start(setting.address()?)?;
    let relay = relay(&setting, folder.path(), &port.to_string(), &line)?;
    let mut machines = Vec::new();
    for number in 1..=MACHINES {
        machines.push(machine(&setting, number, &port.to_string()).await?);
    }
    let began = clock();
    // All of them at once: the relay has nothing yet.
    download::by_all(&machines, sha256).await?;
    let first = BYTES as f64 / 1e6 / began.elapsed().as_secs_f64();
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let began = clock();
        download::by_all(&machines, sha256).await?;
        rates.push(download::mb_a_second(began));
    }
    // A burst that may still go on is left out.
    wait(2 * PAUSE).await;
    let bursts = line.bursts(began, PAUSE);
    let bytes: usize = bursts.iter().map(|burst| burst.bytes).sum();
    let upstream = bytes as f64 / BYTES as f64;
    drop(relay);
    Ok(Report {
        word: "relay",
        work: format!(
            "one artifact of {} MiB; {MACHINES} machines in one process fetch it at once from a relay \
             that has nothing, then {RUNS} times from one that holds it; what passes between relay and \
             collector is counted in IP, both ways and with what is sent again",
            BYTES >> 20
        ),
        figures: vec![
            Figure::median(
                "artifact by relay, all machines in sum",
                "MB/s",
                &Spread::of(rates)?,
                Reach::AtLeast(500.0),
            ),
            Figure::one(
                "line to the relay, part of the artifact for all of them",
                "",
                upstream,
                Reach::AtMost(1.1),
            ),
            Figure::one(
                "the same, while the relay fetches it itself",
                "MB/s",
                first,
                Reach::Shown,
            ),
        ],
    })
}

/// A relay that is certified and runs, with its line to the collector.
fn relay(setting: &Setting, folder: &Path, port: &str, line: &Line) -> anyhow::Result<Daemon> {
    let program = Program::Collector.path()?;
    let mut request = Command::new(&program);
    request.arg("--folder").arg(folder);
    let request = request.args(["relay", "--request"]).output()?;
    ensure!(request.status.success(), "no request: {request:?}");
    let file = folder.join("relay.csr");
    std::fs::write(&file, request.stdout)?;
    let ask = ["ca", "relay", NAME, &file.to_string_lossy()];
    std::fs::write(folder.join("relay.crt"), setting.hospital.ask(&ask)?)?;
    let settings = format!("listen = \"{port}\"\ncollectors = [\"{}\"]\n", line.address);
    std::fs::write(folder.join("relay.toml"), settings)?;
    let mut command = Command::new(program);
    command.arg("--folder").arg(folder).arg("relay");
    Daemon::start("relay", &mut command, &folder.join("relay.log"))
}

/// A machine with a certificate, connected to the relay once that answers.
async fn machine(setting: &Setting, number: u8, port: &str) -> anyhow::Result<Link> {
    let authority = Authority::open(&setting.hospital.collector_folder().join("ca"))?;
    let id = MachineId([number; 32]);
    let key = KeyPair::generate()?;
    let request = CertificateParams::new(Vec::new())?.serialize_request(&key)?;
    let issued = authority.issue(id, request.der(), [number; 16], now())?;
    let credentials = Credentials {
        addresses: vec![port.to_owned()],
        machine: id,
        key: ByteBuf::from(key.serialize_der()),
        certificate: Certificate {
            certificate: ByteBuf::from(issued.certificate),
            authorities: vec![ByteBuf::from(authority.certificate().to_vec())],
        },
        expires: issued.expires,
    };
    let only = Ways::only(Carrier::Quic);
    let began = clock();
    loop {
        let identity = Identity::AtRelay(&credentials);
        match Link::watched(&credentials.addresses, identity, Watch::Only, &only).await {
            Ok(link) => return Ok(link),
            Err(error) if began.elapsed() > crate::process::PATIENCE => return Err(error.into()),
            Err(_) => wait(AGAIN).await,
        }
    }
}
