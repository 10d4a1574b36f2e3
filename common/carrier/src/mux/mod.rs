//! Streams over one connection that keeps bytes in order, as TLS over TCP is: what QUIC brings
//! along, for where UDP is blocked.

mod core;
mod drive;
mod half;
#[cfg(test)]
mod tests;

use crate::frame::Kind;
pub use crate::frame::Limits;
use crate::{Ended, StreamError};
use bytes::Bytes;
use core::{Core, Signals};
use half::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, Semaphore, mpsc, watch};

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who was connected to.
    Server,
}

/// How a connection is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// What is taken of the other side before it is read.
    pub limits: Limits,
    /// Nothing whole heard, or nothing taken, for so long: it is gone.
    pub idle: Duration,
    /// How often the other side is asked whether it is there.
    pub keep_alive: Option<Duration>,
}

/// A connection; clones share it. It is closed when the last of them, and of its streams, is
/// dropped.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    remote: SocketAddr,
    /// Streams that the other side opened and nobody took yet.
    arrived: [tokio::sync::Mutex<mpsc::UnboundedReceiver<u32>>; 2],
}

impl Drop for Handle {
    fn drop(&mut self) {
        let done = patchward_common::wire::machine::close::DONE;
        self.shared.core().close(done, b"");
    }
}

/// What the handles and the task that reads and writes have in common.
#[derive(Debug)]
struct Shared {
    core: Mutex<Core>,
    wake: Arc<Notify>,
    places: [Arc<Semaphore>; 2],
    /// Whether it ended.
    closed: watch::Receiver<bool>,
    /// Whether its socket was let go of.
    gone: watch::Sender<bool>,
}

impl Shared {
    /// A lock whose holder panicked still guards whole values.
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn closed(&self) {
        // The sender lives as long as this does.
        let _ = self.closed.clone().wait_for(|closed| *closed).await;
    }
}

impl Connection {
    /// Begins on a stream of bytes whose handshake is over. A task of its own reads and writes
    /// until it ends.
    pub fn begin<S>(io: S, remote: SocketAddr, side: Side, keeping: Keeping) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let wake = Arc::new(Notify::new());
        let places = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
        let (both, took_both) = mpsc::unbounded_channel();
        let (one, took_one) = mpsc::unbounded_channel();
        let (closing, closed) = watch::channel(false);
        let signals = Signals {
            wake: wake.clone(),
            places: places.clone(),
            arrived: Some([both, one]),
            closed: closing,
        };
        let core = Core::new(side == Side::Server, keeping.limits, signals);
        let shared = Arc::new(Shared {
            core: Mutex::new(core),
            wake,
            places,
            closed,
            gone: watch::Sender::new(false),
        });
        tokio::spawn(drive::run(io, shared.clone(), keeping));
        Self(Arc::new(Handle {
            shared,
            remote,
            arrived: [took_both, took_one].map(tokio::sync::Mutex::new),
        }))
    }

    /// Where the other side is.
    pub fn remote_address(&self) -> SocketAddr {
        self.0.remote
    }

    /// A number that no other connection has as long as this one is held.
    pub fn stable_id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// Opens a stream both ways, once the other side has a place for it.
    pub async fn open_bi(&self) -> Result<(SendStream, RecvStream), Ended> {
        let id = self.open(Kind::BothWays).await?;
        Ok((self.sending(id), self.receiving(id)))
    }

    /// Opens a stream one way, once the other side has a place for it.
    pub async fn open_uni(&self) -> Result<SendStream, Ended> {
        let id = self.open(Kind::OneWay).await?;
        Ok(self.sending(id))
    }

    async fn open(&self, kind: Kind) -> Result<u32, Ended> {
        let shared = &self.0.shared;
        match shared.places[kind.at()].acquire().await {
            // A place comes back with a word of the other side, not when the stream is dropped.
            Ok(place) => place.forget(),
            Err(_) => return Err(self.why()),
        }
        shared.core().open(kind)
    }

    /// The next stream both ways that the other side opens.
    pub async fn accept_bi(&self) -> Result<(SendStream, RecvStream), Ended> {
        let id = self.accept(Kind::BothWays).await?;
        Ok((self.sending(id), self.receiving(id)))
    }

    /// The next stream one way that the other side opens. What it sent before it closed is
    /// given out all the same.
    pub async fn accept_uni(&self) -> Result<RecvStream, Ended> {
        let id = self.accept(Kind::OneWay).await?;
        Ok(self.receiving(id))
    }

    async fn accept(&self, kind: Kind) -> Result<u32, Ended> {
        let mut arrived = self.0.arrived[kind.at()].lock().await;
        arrived.recv().await.ok_or_else(|| self.why())
    }

    fn sending(&self, id: u32) -> SendStream {
        let stream = self.0.shared.core().stream(id).map(|s| s.writable.clone());
        SendStream {
            handle: self.0.clone(),
            id,
            writable: stream.unwrap_or_default(),
        }
    }

    fn receiving(&self, id: u32) -> RecvStream {
        let stream = self.0.shared.core().stream(id).map(|s| s.readable.clone());
        RecvStream {
            handle: self.0.clone(),
            id,
            readable: stream.unwrap_or_default(),
        }
    }

    /// Ends it; the other side is told why.
    pub fn close(&self, code: u32, reason: &[u8]) {
        self.0.shared.core().close(code, reason);
    }

    /// Why it ended; `None` while it stands.
    pub fn close_reason(&self) -> Option<Ended> {
        self.0.shared.core().ended().cloned()
    }

    fn why(&self) -> Ended {
        let why = self.close_reason();
        why.unwrap_or_else(|| Ended::Lost("the connection is being closed".into()))
    }

    /// Waits until it ends.
    pub async fn closed(&self) -> Ended {
        self.0.shared.closed().await;
        self.why()
    }

    /// Waits until the other side was told that it ended, or will not hear it any more.
    pub async fn gone(&self) {
        let mut gone = self.0.shared.gone.subscribe();
        let _ = gone.wait_for(|gone| *gone).await;
    }
}

/// The writing half of a stream; dropped, it is finished.
#[derive(Debug)]
pub struct SendStream {
    handle: Arc<Handle>,
    id: u32,
    writable: Arc<Notify>,
}

impl SendStream {
    /// Writes all of it, as fast as the other side takes it.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            let taken = self.handle.shared.core().write(self.id, bytes)?;
            bytes = &bytes[taken..];
            if taken == 0 {
                self.writable.notified().await;
            }
        }
        Ok(())
    }

    /// Nothing more comes.
    pub fn finish(&mut self) -> Result<(), StreamError> {
        let mut core = self.handle.shared.core();
        core.write(self.id, &[])?;
        core.finish(self.id, None);
        Ok(())
    }

    /// Breaks it off.
    pub fn reset(&mut self, code: u32) {
        self.handle.shared.core().finish(self.id, Some(code));
    }

    /// Waits until everything has left, or never will.
    pub async fn stopped(&mut self) {
        loop {
            {
                let mut core = self.handle.shared.core();
                let is_sent = core.stream(self.id).is_none_or(|stream| stream.is_sent());
                if is_sent || core.ended().is_some() {
                    return;
                }
            }
            self.writable.notified().await;
        }
    }
}

impl Drop for SendStream {
    fn drop(&mut self) {
        self.handle.shared.core().finish(self.id, None);
    }
}

/// The reading half of a stream; dropped, no more is read.
#[derive(Debug)]
pub struct RecvStream {
    handle: Arc<Handle>,
    id: u32,
    readable: Arc<Notify>,
}

impl RecvStream {
    /// What came, up to `most` bytes; `None` at the end.
    pub async fn read_chunk(&mut self, most: usize) -> Result<Option<Bytes>, StreamError> {
        loop {
            match self.handle.shared.core().read(self.id, most)? {
                Read::Bytes(bytes) => return Ok(Some(bytes)),
                Read::End => return Ok(None),
                Read::NotYet => {}
            }
            self.readable.notified().await;
        }
    }

    /// Reads no more of it.
    pub fn stop(&mut self, code: u32) {
        self.handle.shared.core().forsake(self.id, code);
    }
}

impl Drop for RecvStream {
    fn drop(&mut self) {
        self.stop(patchward_common::wire::machine::close::DONE);
    }
}
