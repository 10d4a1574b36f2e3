//! The side of the control socket that the running collector serves.

use super::{Call, Failure, Reply, frame, request_id};
use crate::app::App;
use crate::command::{self, Caller};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tracing::Instrument as _;

/// How long a caller may take to send its command.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Commands that run at once; more wait in the socket's backlog.
const MAX_CALLS: usize = 32;

/// Opens the socket. Who may use it may do everything, so that is the collector's user
/// (and root) alone; others call `sudo -u patchward-collector patchward-collector …`.
///
/// # Errors
/// Where another collector listens there already, or the folder cannot be written.
pub fn bind(path: &Path) -> std::io::Result<UnixListener> {
    let in_the_way = |what: String| Err(Error::new(ErrorKind::AddrInUse, what));
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return in_the_way(format!(
                "{} is there and is no socket; move it away",
                path.display()
            ));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return in_the_way(format!("another collector listens at {}", path.display()));
        }
        // One that nobody listens on any more.
        Ok(_) => std::fs::remove_file(path)?,
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves commands until the task is dropped.
pub async fn serve(app: Arc<App>, listener: UnixListener) {
    let places = Arc::new(tokio::sync::Semaphore::new(MAX_CALLS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a command could not connect");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let app = app.clone();
        let span = tracing::info_span!("asked", request = request_id());
        let answered = async move {
            if let Err(error) = answer(&app, stream).await {
                tracing::debug!(%error, "a command's connection broke");
            }
            drop(place);
        };
        tokio::spawn(answered.instrument(span));
    }
}

async fn answer(app: &Arc<App>, mut stream: UnixStream) -> std::io::Result<()> {
    let caller = Caller::of_peer(&stream)?;
    let call: Call = match tokio::time::timeout(CALL_TIMEOUT, frame::read(&mut stream)).await {
        Ok(Ok(call)) => call,
        Ok(Err(error)) => {
            let failure = Failure::input(format!("the command cannot be read: {error}"));
            return frame::write(&mut stream, &Reply::Failed(failure)).await;
        }
        Err(_) => return Ok(()),
    };
    let (progress, mut steps) = mpsc::channel(16);
    let app = app.clone();
    let work = async move { command::run(&app, &caller, call.command, progress).await };
    let mut work = tokio::spawn(work.in_current_span());
    let outcome = loop {
        tokio::select! {
            Some(step) = steps.recv() => frame::write(&mut stream, &step).await?,
            outcome = &mut work => break outcome,
        }
    };
    let reply = match outcome {
        Ok(Ok(output)) => Reply::Done(output),
        Ok(Err(failure)) => Reply::Failed(failure),
        Err(panic) => {
            tracing::error!(%panic, "a command ended with a fault");
            Reply::Failed(Failure::fault())
        }
    };
    frame::write(&mut stream, &reply).await
}
