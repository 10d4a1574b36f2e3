//! How requests travel: streams over QUIC, or over TLS on TCP where UDP is blocked. Who sends and
//! receives knows no difference.

mod frame;
pub mod mux;

use bytes::Bytes;
use quinn::VarInt;
use std::fmt;
use std::net::SocketAddr;

/// What a connection goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    /// QUIC, over UDP.
    Quic,
    /// TLS over TCP.
    Tcp,
}

impl Carrier {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Quic, Self::Tcp];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// This side closed it.
    #[error("closed here")]
    Here,
    /// The other side closed it.
    #[error("closed by the other side: {reason} (code {code})")]
    Closed {
        /// Why, for programs.
        code: u32,
        /// Why, for people.
        reason: String,
    },
    /// The other side does not like our certificate: its alert (RFC 8446 §6).
    #[error("{problem}")]
    Alert {
        /// The alert.
        alert: u64,
        /// In words.
        problem: String,
    },
    /// It broke.
    #[error("{0}")]
    Lost(String),
}

impl From<quinn::ConnectionError> for Ended {
    fn from(error: quinn::ConnectionError) -> Self {
        match &error {
            quinn::ConnectionError::LocallyClosed => Self::Here,
            quinn::ConnectionError::ApplicationClosed(closed) => Self::Closed {
                code: u32::try_from(closed.error_code.into_inner()).unwrap_or(u32::MAX),
                reason: String::from_utf8_lossy(&closed.reason).into_owned(),
            },
            // The other side judges our certificate after our handshake is over.
            quinn::ConnectionError::ConnectionClosed(closed) => match alert(closed.error_code) {
                Some(alert) => Self::Alert {
                    alert,
                    problem: closed.to_string(),
                },
                None => Self::Lost(error.to_string()),
            },
            _ => Self::Lost(error.to_string()),
        }
    }
}

/// The TLS alert that a QUIC error carries (RFC 9001 §4.8).
pub fn alert(code: quinn::TransportErrorCode) -> Option<u64> {
    let code = u64::from(code);
    (0x100..0x200).contains(&code).then(|| code - 0x100)
}

/// The TLS alert that an error of reading or writing over TCP carries (RFC 8446 §6).
pub fn alert_of(error: &std::io::Error) -> Option<u64> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some(u8::from(*alert).into()),
        _ => None,
    }
}

/// Why nothing more is read or written on a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The other side reads no more of it.
    #[error("the other side reads no more of it")]
    Stopped,
    /// The other side broke it off.
    #[error("the other side broke it off")]
    Reset,
    /// More came than is taken.
    #[error("it is larger than {0} bytes")]
    TooLong(usize),
    /// The connection ended.
    #[error("{0}")]
    Lost(String),
}

impl From<quinn::WriteError> for StreamError {
    fn from(error: quinn::WriteError) -> Self {
        match error {
            quinn::WriteError::Stopped(_) => Self::Stopped,
            other => Self::Lost(other.to_string()),
        }
    }
}

impl From<quinn::ReadError> for StreamError {
    fn from(error: quinn::ReadError) -> Self {
        match error {
            quinn::ReadError::Reset(_) => Self::Reset,
            other => Self::Lost(other.to_string()),
        }
    }
}

/// A connection; clones share it.
#[derive(Clone, Debug)]
pub enum Connection {
    /// Over QUIC.
    Quic(quinn::Connection),
    /// Over TLS on TCP.
    Tcp(mux::Connection),
}

impl Connection {
    /// What it goes over.
    pub fn carrier(&self) -> Carrier {
        match self {
            Self::Quic(_) => Carrier::Quic,
            Self::Tcp(_) => Carrier::Tcp,
        }
    }

    /// Where the other side is.
    pub fn remote_address(&self) -> SocketAddr {
        match self {
            Self::Quic(quic) => quic.remote_address(),
            Self::Tcp(tcp) => tcp.remote_address(),
        }
    }

    /// A number that no other connection has as long as this one is held.
    pub fn stable_id(&self) -> usize {
        match self {
            Self::Quic(quic) => quic.stable_id(),
            Self::Tcp(tcp) => tcp.stable_id(),
        }
    }

    /// Opens a stream both ways, once the other side has a place for it.
    pub async fn open_bi(&self) -> Result<(SendStream, RecvStream), Ended> {
        Ok(match self {
            Self::Quic(quic) => both(quic.open_bi().await?),
            Self::Tcp(tcp) => {
                let (send, receive) = tcp.open_bi().await?;
                (SendStream::Tcp(send), RecvStream::Tcp(receive))
            }
        })
    }

    /// Opens a stream one way, once the other side has a place for it.
    pub async fn open_uni(&self) -> Result<SendStream, Ended> {
        Ok(match self {
            Self::Quic(quic) => SendStream::Quic(quic.open_uni().await?),
            Self::Tcp(tcp) => SendStream::Tcp(tcp.open_uni().await?),
        })
    }

    /// The next stream both ways that the other side opens.
    pub async fn accept_bi(&self) -> Result<(SendStream, RecvStream), Ended> {
        Ok(match self {
            Self::Quic(quic) => both(quic.accept_bi().await?),
            Self::Tcp(tcp) => {
                let (send, receive) = tcp.accept_bi().await?;
                (SendStream::Tcp(send), RecvStream::Tcp(receive))
            }
        })
    }

    /// The next stream one way that the other side opens.
    pub async fn accept_uni(&self) -> Result<RecvStream, Ended> {
        Ok(match self {
            Self::Quic(quic) => RecvStream::Quic(quic.accept_uni().await?),
            Self::Tcp(tcp) => RecvStream::Tcp(tcp.accept_uni().await?),
        })
    }

    /// Ends it; the other side is told why.
    pub fn close(&self, code: u32, reason: &[u8]) {
        match self {
            Self::Quic(quic) => quic.close(VarInt::from_u32(code), reason),
            Self::Tcp(tcp) => tcp.close(code, reason),
        }
    }

    /// Why it ended; `None` while it stands.
    pub fn close_reason(&self) -> Option<Ended> {
        match self {
            Self::Quic(quic) => quic.close_reason().map(Ended::from),
            Self::Tcp(tcp) => tcp.close_reason(),
        }
    }

    /// Waits until it ends.
    pub async fn closed(&self) -> Ended {
        match self {
            Self::Quic(quic) => quic.closed().await.into(),
            Self::Tcp(tcp) => tcp.closed().await,
        }
    }
}

fn both((send, receive): (quinn::SendStream, quinn::RecvStream)) -> (SendStream, RecvStream) {
    (SendStream::Quic(send), RecvStream::Quic(receive))
}

/// The writing half of a stream; dropped, it is finished.
#[derive(Debug)]
pub enum SendStream {
    /// Over QUIC.
    Quic(quinn::SendStream),
    /// Over TLS on TCP.
    Tcp(mux::SendStream),
}

impl SendStream {
    /// Writes all of it, as fast as the other side takes it.
    pub async fn write_all(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        match self {
            Self::Quic(quic) => Ok(quic.write_all(bytes).await?),
            Self::Tcp(tcp) => tcp.write_all(bytes).await,
        }
    }

    /// The same with bytes that need not be copied, where that spares anything.
    pub async fn write_chunk(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        match self {
            Self::Quic(quic) => Ok(quic.write_chunk(bytes).await?),
            Self::Tcp(tcp) => tcp.write_all(&bytes).await,
        }
    }

    /// Nothing more comes.
    pub fn finish(&mut self) -> Result<(), StreamError> {
        match self {
            Self::Quic(quic) => quic.finish().map_err(|_| StreamError::Stopped),
            Self::Tcp(tcp) => tcp.finish(),
        }
    }

    /// Breaks it off: the other side must not take it for whole.
    pub fn reset(&mut self, code: u32) {
        match self {
            // One that is over already stays so.
            Self::Quic(quic) => drop(quic.reset(VarInt::from_u32(code))),
            Self::Tcp(tcp) => tcp.reset(code),
        }
    }

    /// Waits until the other side has all of it or will not read it; over TCP, until it left.
    pub async fn stopped(&mut self) {
        match self {
            // Either way there is nothing more to wait for.
            Self::Quic(quic) => drop(quic.stopped().await),
            Self::Tcp(tcp) => tcp.stopped().await,
        }
    }
}

/// The reading half of a stream; dropped, no more is read.
#[derive(Debug)]
pub enum RecvStream {
    /// Over QUIC.
    Quic(quinn::RecvStream),
    /// Over TLS on TCP.
    Tcp(mux::RecvStream),
}

impl RecvStream {
    /// What came, up to `most` bytes; `None` at the end.
    pub async fn read_chunk(&mut self, most: usize) -> Result<Option<Bytes>, StreamError> {
        match self {
            Self::Quic(quic) => {
                let chunk = quic.read_chunk(most, true).await?;
                Ok(chunk.map(|chunk| chunk.bytes))
            }
            Self::Tcp(tcp) => tcp.read_chunk(most).await,
        }
    }

    /// All of it, where it is not larger than `limit`.
    pub async fn read_to_end(&mut self, limit: usize) -> Result<Vec<u8>, StreamError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.read_chunk(limit + 1).await? {
            if bytes.len() + chunk.len() > limit {
                return Err(StreamError::TooLong(limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Reads no more of it.
    pub fn stop(&mut self, code: u32) {
        match self {
            // One that is over already stays so.
            Self::Quic(quic) => drop(quic.stop(VarInt::from_u32(code))),
            Self::Tcp(tcp) => tcp.stop(code),
        }
    }
}
