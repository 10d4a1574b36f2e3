//! The side of the control socket that a person's command runs.

use super::{Call, Failure, FailureKind, Output, Reply, frame};
use crate::command::Command;
use crate::folder::SETTINGS;
use std::io::ErrorKind;
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
            "no collector answers at {}: {error}. {}",
            socket.display(),
            way_out(socket, error.kind())
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

/// What to do where nobody answers.
fn way_out(socket: &Path, kind: ErrorKind) -> &'static str {
    let settings = socket.with_file_name(SETTINGS);
    match kind {
        ErrorKind::PermissionDenied => "Only root and the collector's own user may ask it.",
        ErrorKind::NotFound if !settings.exists() => {
            "There is none yet: `patchward-collector init` makes it; or name its folder with \
             --folder."
        }
        _ => {
            "Start it (`systemctl start patchward-collector` where the package runs it, \
             `patchward-collector serve` elsewhere), or name its folder with --folder."
        }
    }
}
