//! Reading and writing: one task for each connection, small while nothing comes.

use super::{Keeping, Shared};
use crate::frame::{Frame, HEADER_BYTES, Header, Violation};
use crate::{Ended, alert_of};
use patchward_common::wire::machine::close;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How long the other side may take to hear that it ended: two round trips over a satellite.
const BYE_TIME: Duration = Duration::from_secs(2);
/// What is written at once: a few frames, so that small ones share a record of TLS.
const BATCH_BYTES: usize = 16 * 1024;

pub(super) async fn run<S>(io: S, shared: Arc<Shared>, keeping: Keeping)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (reading, writing) = tokio::io::split(io);
    let both = async {
        tokio::join!(
            read(reading, &shared, keeping.idle),
            write(writing, &shared, keeping)
        );
    };
    let over = async {
        shared.closed().await;
        tokio::time::sleep(BYE_TIME).await;
    };
    tokio::select! {
        () = both => {}
        () = over => {}
    }
    shared.gone.send_replace(true);
}

/// Reads frames until the other side ends its direction. After the connection's end they are
/// let go: a socket that is closed with something unread takes back what it said last.
async fn read(mut io: impl AsyncRead + Unpin, shared: &Shared, idle: Duration) {
    loop {
        match tokio::time::timeout(idle, frame(&mut io)).await {
            Ok(Ok(Ok(frame))) => shared.core().take(frame),
            Ok(Ok(Err(Violation(what)))) => {
                shared.core().close(close::PROTOCOL, what.as_bytes());
                // Where the next frame begins is not known any more.
                let _ = tokio::io::copy(&mut io, &mut tokio::io::sink()).await;
                return;
            }
            Ok(Err(error)) => return shared.core().end(of_io(&error)),
            Err(_) => {
                return shared
                    .core()
                    .end(Ended::Lost("nothing is heard any more".into()));
            }
        }
    }
}

async fn frame(io: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Result<Frame, Violation>> {
    let mut header = [0; HEADER_BYTES];
    io.read_exact(&mut header).await?;
    let header = match Header::read(header) {
        Ok(header) => header,
        Err(violation) => return Ok(Err(violation)),
    };
    let mut payload = vec![0; header.length()];
    io.read_exact(&mut payload).await?;
    Ok(Frame::read(header, payload))
}

/// Why reading failed; where the other side did not like our certificate, its alert.
fn of_io(error: &std::io::Error) -> Ended {
    match alert_of(error) {
        Some(alert) => Ended::Alert {
            alert,
            problem: error.to_string(),
        },
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Ended::Lost("the other side is gone".into())
        }
        None => Ended::Lost(error.to_string()),
    }
}

/// Writes what there is to write until the connection ends, and ends our direction.
async fn write(mut io: impl AsyncWrite + Unpin, shared: &Shared, keeping: Keeping) {
    loop {
        match tokio::time::timeout(keeping.idle, batch(&mut io, shared)).await {
            Ok(Ok(())) => {}
            // Who reads finds out why: there may be an alert before the end.
            Ok(Err(_)) => return,
            Err(_) => {
                return shared
                    .core()
                    .end(Ended::Lost("nothing is taken any more".into()));
            }
        }
        if shared.core().ended().is_some() {
            // Who is gone already does not hear it.
            let _ = io.shutdown().await;
            return;
        }
        match keeping.keep_alive {
            None => shared.wake.notified().await,
            Some(every) => {
                if tokio::time::timeout(every, shared.wake.notified())
                    .await
                    .is_err()
                {
                    shared.core().ping();
                }
            }
        }
    }
}

/// Writes all that is to be sent now.
async fn batch(io: &mut (impl AsyncWrite + Unpin), shared: &Shared) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        while bytes.len() < BATCH_BYTES {
            let Some(frame) = shared.core().next() else {
                break;
            };
            frame.write(&mut bytes);
        }
        if bytes.is_empty() {
            return io.flush().await;
        }
        io.write_all(&bytes).await?;
    }
}
