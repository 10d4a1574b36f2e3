//! "Not now", said to the installer on this machine over its socket.

use crate::clock;
use anyhow::{Context as _, bail};
use patchward_common::codec;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::wire::local::{Answer, Hold, MAX_ANSWER_BYTES, Request};
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Longest wait for the installer, which has to be started first where nobody asked lately.
const PATIENCE: Duration = Duration::from_secs(20);

/// Holds this machine.
///
/// # Errors
/// In words for whoever said it.
pub(crate) fn hold(socket: &Path, until: UtcMs, reason: &str) -> anyhow::Result<()> {
    let reason = Name::new(reason)?;
    match ask(socket, &Request::Hold(Hold { until, reason }))? {
        Answer::Done => Ok(()),
        Answer::Error(problem) => bail!(problem),
        other => bail!("the installer gave another answer than was asked for: {other:?}"),
    }
}

fn ask(socket: &Path, request: &Request) -> anyhow::Result<Answer> {
    let mut stream = UnixStream::connect(socket)
        .with_context(|| format!("no installer listens on {}", socket.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut bytes = Vec::new();
    let answered = stream
        .write_all(&codec::encode(request))
        .and_then(|()| stream.shutdown(Shutdown::Write))
        .and_then(|()| {
            stream
                .take(MAX_ANSWER_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
        });
    // It hangs up on people that it does not know.
    if answered.is_err() || bytes.is_empty() {
        bail!(
            "the installer does not listen to this user; IT adds people of the ward to the group \
             that installer.toml names (ward_group)"
        );
    }
    codec::decode(&bytes, MAX_ANSWER_BYTES).context("the installer's answer cannot be read")
}

/// Until when "not now" holds that is said now: beyond the next start where a hold reaches it,
/// otherwise from now on.
pub(crate) fn until(screen: &patchward_common::notice::Screen, beyond_ms: i64) -> UtcMs {
    let now = clock::now();
    let due = screen.due(now);
    let latest = due
        .iter()
        .filter_map(|notice| notice.not_now(beyond_ms, now))
        .min();
    latest.unwrap_or_else(|| now.plus_ms(beyond_ms))
}
