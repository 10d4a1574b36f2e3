//! Machines that fetch one artifact at once and throw it away: what `artifacts` and `relay` have in
//! common.

use super::setting::Setting;
use anyhow::{bail, ensure};
use patchward_agent::link::Link;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::wire::machine::{Answer, ArtifactAsked, MAX_RANGE_BYTES, Request};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Size of the artifact.
pub const BYTES: u64 = 128 * 1024 * 1024;
/// Machines that fetch it at once.
pub const MACHINES: u8 = 8;
/// Times that all of them fetch it.
pub const RUNS: usize = 5;
/// How often a machine asks while a relay fetches.
pub const AGAIN: Duration = Duration::from_millis(100);

/// An artifact that the collector has.
pub fn artifact(setting: &Setting) -> anyhow::Result<Digest> {
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

/// What all machines got since then, in MB a second.
pub fn mb_a_second(since: Instant) -> f64 {
    BYTES as f64 * f64::from(MACHINES) / 1e6 / since.elapsed().as_secs_f64()
}

/// Lets so much time pass: nobody says when the other side is ready.
pub async fn wait(time: Duration) {
    let mut timer = tokio::time::interval(time);
    timer.tick().await;
    timer.tick().await;
}

/// All of them fetch it at once.
pub async fn by_all(machines: &[Link], sha256: Digest) -> anyhow::Result<()> {
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
