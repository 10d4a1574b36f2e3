//! The side of the control socket that a person's command runs.

use super::{Call, Failure, FailureKind, Output, Reply, frame};
use crate::command::Command;
use std::path::Path;
use tokio::net::UnixStream;

/// Sends `command` to the collector that listens on `socket`; calls `progress` with
/// what, done and total while it runs.
pub async fn call(
    socket: &Path,
    command: Command,
    mut progress: impl FnMut(&str, u64, u64),
) -> Result<Output, Failure> {
    let mut stream = UnixStream::connect(socket).await.map_err(|error| Failure {
        kind: FailureKind::Unavailable,
        text: format!(
            "no collector answers at {}: {error}. Start it with `patchward-collector serve`, \
             or name its folder with --folder.",
            socket.display()
        ),
    })?;
    let lost = |error: std::io::Error| Failure {
        kind: FailureKind::Unavailable,
        text: format!(
            "the connection to the collector broke: {error}. Look whether it still runs."
        ),
    };
    frame::write(&mut stream, &Call { command })
        .await
        .map_err(lost)?;
    loop {
        match frame::read(&mut stream).await.map_err(lost)? {
            Reply::Progress { what, done, total } => progress(&what, done, total),
            Reply::Done(output) => return Ok(output),
            Reply::Failed(failure) => return Err(failure),
        }
    }
}
