//! Artifacts by a site relay: how fast machines get one that it holds, and what comes over the line
//! to it for each.

use super::relay::Relay as Line;
use super::report::{Figure, Reach, Report, Spread, clock};
use super::setting::{Setting, UNIT};
use crate::hospital::now;
use crate::process::Daemon;
use crate::programs::Program;
use anyhow::{bail, ensure};
use patchward_agent::credentials::Credentials;
use patchward_agent::link::{Identity, Link, Watch, Ways};
use patchward_carrier::Carrier;
use patchward_collector::fleet::Authority;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::wire::machine::{
    Answer, ArtifactAsked, Certificate, MAX_RANGE_BYTES, Request,
};
use rcgen::{CertificateParams, KeyPair};
use serde_bytes::ByteBuf;
use std::fmt::Write as _;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::task::JoinSet;

/// Size of the artifact.
const BYTES: u64 = 128 * 1024 * 1024;
/// Machines that fetch it at once.
const MACHINES: u8 = 8;
/// Times that all of them fetch it.
const RUNS: usize = 5;
/// Machines come rarely by themselves; none is here.
const PACE_SECONDS: u32 = 300;
/// What the collector calls the relay.
const NAME: &str = "bench";
/// How often a machine asks while the relay fetches.
const AGAIN: Duration = Duration::from_millis(100);
/// A pause that ends a burst: longer than the relay waits for anything.
const PAUSE: Duration = Duration::from_secs(2);

/// Has the relay fetch it once, and then machines fetch it from the relay.
pub async fn run() -> anyhow::Result<Report> {
    let mut setting = Setting::found(PACE_SECONDS)?;
    let folder = tempfile::tempdir()?;
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    let settings = setting.hospital.collector_folder().join("collector.toml");
    let mut text = std::fs::read_to_string(&settings)?;
    writeln!(
        text,
        "[[relays]]\nname = \"{NAME}\"\naddress = \"{port}\"\nunits = [\"{UNIT}\"]"
    )?;
    std::fs::write(&settings, text)?;
    setting.restart_collector()?;
    let sha256 = artifact(&setting)?;
    let line = Line::start(setting.address()?)?;
    let relay = relay(&setting, folder.path(), &port.to_string(), &line)?;
    let mut machines = Vec::new();
    for number in 1..=MACHINES {
        machines.push(machine(&setting, number, &port.to_string()).await?);
    }
    let began = clock();
    // All of them at once: the relay has nothing yet.
    fetched(&machines, sha256).await?;
    let first = BYTES as f64 / 1e6 / began.elapsed().as_secs_f64();
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let began = clock();
        fetched(&machines, sha256).await?;
        let bytes = BYTES as f64 * f64::from(MACHINES);
        rates.push(bytes / 1e6 / began.elapsed().as_secs_f64());
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

/// An artifact that the collector has.
fn artifact(setting: &Setting) -> anyhow::Result<Digest> {
    let mut state = 1_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        // Nothing on the way compresses; it need only not be all alike.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    })
    .take(usize::try_from(BYTES)?)
    .collect();
    let sha256 = Digest::of(&bytes);
    let artifacts = setting.hospital.collector_folder().join("artifacts");
    std::fs::write(artifacts.join(sha256.to_string()), bytes)?;
    Ok(sha256)
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

/// Lets so much time pass: nobody says when the other side is ready.
async fn wait(time: Duration) {
    let mut timer = tokio::time::interval(time);
    timer.tick().await;
    timer.tick().await;
}

/// All of them fetch it at once.
async fn fetched(machines: &[Link], sha256: Digest) -> anyhow::Result<()> {
    let mut all = JoinSet::new();
    for link in machines {
        let link = link.clone();
        all.spawn(async move {
            let mut at = 0;
            while at < BYTES {
                at += range(&link, sha256, at).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(one) = all.join_next().await {
        one??;
    }
    Ok(())
}

/// One range, read and thrown away; how many bytes it had, none where the relay has none yet.
async fn range(link: &Link, sha256: Digest, at: u64) -> anyhow::Result<u64> {
    let asked = ArtifactAsked {
        sha256,
        offset: at,
        length: MAX_RANGE_BYTES.min(BYTES - at),
    };
    let wanted = asked.length;
    let request = codec::encode(&Request::Artifact(asked));
    let mut stream = link.send(&request).await?;
    let mut first = Vec::new();
    let mut read = 0;
    let mut header = 0;
    while let Some(bytes) = stream.read_chunk(256 * 1024).await? {
        read += bytes.len() as u64;
        if header == 0 {
            first.extend_from_slice(&bytes);
            let found = (1..=first.len().min(64)).find_map(|end| {
                let answer = codec::decode::<Answer>(&first[..end], 64).ok()?;
                Some((end as u64, answer))
            });
            match found {
                Some((end, Answer::Artifact(_))) => header = end,
                Some((_, Answer::NotNow(_))) => {
                    wait(AGAIN).await;
                    return Ok(0);
                }
                Some((_, other)) => bail!("the relay says {other:?}"),
                None => {}
            }
        }
    }
    ensure!(header > 0 && read == header + wanted, "{read} bytes came");
    Ok(wanted)
}
