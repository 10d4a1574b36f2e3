//! Frames: how streams share one TCP connection. Pure.
//!
//! Eight bytes of header (kind, zero, length of the payload, stream; big-endian), then the
//! payload. Streams are numbered as QUIC numbers them (RFC 9000 §2.1): bit 0 says who opened
//! one, bit 1 whether it leads one way only. What frames mean is QUIC's too (§19): what is
//! different is that nothing is lost or comes twice, so nothing is acknowledged.

/// Length of a header.
pub(crate) const HEADER_BYTES: usize = 8;
/// Longest payload: with its header one record of TLS (RFC 8446 §5.1), so that no stream
/// waits for more than that of another.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 16 * 1024 - HEADER_BYTES;
/// Longest reason of a close: a sentence.
pub(crate) const MAX_REASON_BYTES: usize = 128;

/// What one side takes of the other before it has read any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Unread bytes of one stream.
    pub stream_window: u32,
    /// Unread bytes of all streams.
    pub connection_window: u32,
    /// Streams both ways that the other side may have open.
    pub both_ways: u32,
    /// Streams one way that it may have open.
    pub one_way: u32,
}

/// Whether a stream has an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BothWays,
    OneWay,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::BothWays, Self::OneWay];

    pub(crate) fn of(stream: u32) -> Self {
        Self::ALL[(stream >> 1 & 1) as usize]
    }

    pub(crate) fn at(self) -> usize {
        self as usize
    }
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Violation(pub(crate) &'static str);

/// The first bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    word: u8,
    length: usize,
    stream: u32,
}

impl Header {
    /// Reads one; what it announces is bounded.
    pub(crate) fn read(bytes: [u8; HEADER_BYTES]) -> Result<Self, Violation> {
        let [word, zero, high, low, stream @ ..] = bytes;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if zero != 0 {
            return Err(Violation("a header with a byte that is not used"));
        }
        if length > MAX_PAYLOAD_BYTES {
            return Err(Violation("a frame longer than 16 KiB"));
        }
        Ok(Self {
            word,
            length,
            stream: u32::from_be_bytes(stream),
        })
    }

    /// How many bytes follow.
    pub(crate) fn length(&self) -> usize {
        self.length
    }
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The first of each side: what it takes.
    Settings(Limits),
    /// Bytes of a stream, and whether they are its last.
    Data {
        stream: u32,
        bytes: Vec<u8>,
        is_end: bool,
    },
    /// The sender breaks a stream off.
    Reset { stream: u32, code: u32 },
    /// The receiver reads no more of a stream.
    Stop { stream: u32, code: u32 },
    /// So many bytes more may come on a stream.
    Credit { stream: u32, bytes: u32 },
    /// So many bytes more may come on all streams together.
    Room(u32),
    /// So many streams of a kind may be opened, counted from the beginning.
    Places { kind: Kind, count: u32 },
    /// To be sent back.
    Ping([u8; 8]),
    /// What was sent.
    Pong([u8; 8]),
    /// The end of the connection.
    Close { code: u32, reason: Vec<u8> },
}

mod word {
    pub(super) const SETTINGS: u8 = 0;
    pub(super) const DATA: u8 = 1;
    pub(super) const LAST: u8 = 2;
    pub(super) const RESET: u8 = 3;
    pub(super) const STOP: u8 = 4;
    pub(super) const CREDIT: u8 = 5;
    pub(super) const ROOM: u8 = 6;
    pub(super) const PLACES: u8 = 7;
    pub(super) const PING: u8 = 8;
    pub(super) const PONG: u8 = 9;
    pub(super) const CLOSE: u8 = 10;
}

impl Frame {
    /// Puts a header and its payload together.
    pub(crate) fn read(header: Header, payload: Vec<u8>) -> Result<Self, Violation> {
        let stream = header.stream;
        let frame = match header.word {
            word::DATA | word::LAST => Self::Data {
                stream,
                bytes: payload,
                is_end: header.word == word::LAST,
            },
            word::RESET => Self::Reset {
                stream,
                code: number(&payload)?,
            },
            word::STOP => Self::Stop {
                stream,
                code: number(&payload)?,
            },
            word::CREDIT => Self::Credit {
                stream,
                bytes: number(&payload)?,
            },
            word::PLACES => Self::Places {
                kind: *usize::try_from(stream)
                    .ok()
                    .and_then(|at| Kind::ALL.get(at))
                    .ok_or(Violation("places of an unknown kind"))?,
                count: number(&payload)?,
            },
            _ if stream != 0 => return Err(Violation("a stream where there is none")),
            word::SETTINGS => {
                let [stream_window, connection_window, both_ways, one_way] = numbers(&payload)?;
                Self::Settings(Limits {
                    stream_window,
                    connection_window,
                    both_ways,
                    one_way,
                })
            }
            word::ROOM => Self::Room(number(&payload)?),
            word::PING => Self::Ping(exactly(&payload)?),
            word::PONG => Self::Pong(exactly(&payload)?),
            word::CLOSE => {
                let (code, reason) = payload
                    .split_at_checked(4)
                    .filter(|(_, reason)| reason.len() <= MAX_REASON_BYTES)
                    .ok_or(Violation("a close that is too short or too long"))?;
                Self::Close {
                    code: number(code)?,
                    reason: reason.to_vec(),
                }
            }
            _ => return Err(Violation("a frame of an unknown kind")),
        };
        match &frame {
            Self::Data { bytes, is_end, .. } if bytes.is_empty() && !is_end => {
                Err(Violation("a frame with nothing in it"))
            }
            _ => Ok(frame),
        }
    }

    /// Appends the frame's bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut put = |word: u8, stream: u32, payload: &[u8]| {
            // Whoever makes frames keeps to the longest payload.
            let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&[word, 0]);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&stream.to_be_bytes());
            out.extend_from_slice(payload);
        };
        match self {
            Self::Settings(limits) => {
                let numbers = [
                    limits.stream_window,
                    limits.connection_window,
                    limits.both_ways,
                    limits.one_way,
                ];
                put(word::SETTINGS, 0, &numbers.map(u32::to_be_bytes).concat());
            }
            Self::Data {
                stream,
                bytes,
                is_end: true,
            } => put(word::LAST, *stream, bytes),
            Self::Data { stream, bytes, .. } => put(word::DATA, *stream, bytes),
            Self::Reset { stream, code } => put(word::RESET, *stream, &code.to_be_bytes()),
            Self::Stop { stream, code } => put(word::STOP, *stream, &code.to_be_bytes()),
            Self::Credit { stream, bytes } => put(word::CREDIT, *stream, &bytes.to_be_bytes()),
            Self::Room(bytes) => put(word::ROOM, 0, &bytes.to_be_bytes()),
            Self::Places { kind, count } => {
                put(word::PLACES, *kind as u32, &count.to_be_bytes());
            }
            Self::Ping(bytes) => put(word::PING, 0, bytes),
            Self::Pong(bytes) => put(word::PONG, 0, bytes),
            Self::Close { code, reason } => {
                let reason = &reason[..reason.len().min(MAX_REASON_BYTES)];
                put(word::CLOSE, 0, &[&code.to_be_bytes(), reason].concat());
            }
        }
    }
}

fn exactly<const N: usize>(payload: &[u8]) -> Result<[u8; N], Violation> {
    payload
        .try_into()
        .map_err(|_| Violation("a payload of another length than its kind has"))
}

fn number(payload: &[u8]) -> Result<u32, Violation> {
    exactly(payload).map(u32::from_be_bytes)
}

fn numbers(payload: &[u8]) -> Result<[u32; 4], Violation> {
    let bytes: [u8; 16] = exactly(payload)?;
    let mut numbers = [0; 4];
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = self::number(bytes)?;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Frame, Violation> {
        let (header, payload) = bytes.split_at(HEADER_BYTES);
        let header = Header::read(header.try_into().unwrap())?;
        assert_eq!(header.length(), payload.len());
        Frame::read(header, payload.to_vec())
    }

    #[test]
    fn frames_come_back_as_they_went() {
        let limits = Limits {
            stream_window: 1,
            connection_window: u32::MAX,
            both_ways: 3,
            one_way: 0,
        };
        let data = |bytes: &[u8], is_end| Frame::Data {
            stream: 7,
            bytes: bytes.to_vec(),
            is_end,
        };
        for frame in [
            Frame::Settings(limits),
            data(b"x", false),
            data(b"", true),
            data(&[9; MAX_PAYLOAD_BYTES], true),
            Frame::Reset { stream: 4, code: 5 },
            Frame::Stop { stream: 4, code: 0 },
            Frame::Credit {
                stream: 1,
                bytes: 9,
            },
            Frame::Room(77),
            Frame::Places {
                kind: Kind::OneWay,
                count: 12,
            },
            Frame::Ping([1; 8]),
            Frame::Pong([2; 8]),
            Frame::Close {
                code: 2,
                reason: b"revoked".to_vec(),
            },
        ] {
            let mut bytes = Vec::new();
            frame.write(&mut bytes);
            assert_eq!(read(&bytes), Ok(frame));
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for bad in [
            &[1, 1, 0, 1, 0, 0, 0, 0, 9][..],
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &[11, 0, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3],
            &[7, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 1],
            &[8, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[10, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3],
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        let long = (MAX_PAYLOAD_BYTES as u16 + 1).to_be_bytes();
        assert!(Header::read([1, 0, long[0], long[1], 0, 0, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_taken_for_a_frame_is_written_the_same(
            word in 0u8..14, stream in 0u32..9, payload in proptest::collection::vec(any::<u8>(), 0..24)
        ) {
            let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
            let mut bytes = vec![word, 0, length[0], length[1]];
            bytes.extend(stream.to_be_bytes());
            bytes.extend(&payload);
            if let Ok(frame) = read(&bytes) {
                let mut again = Vec::new();
                frame.write(&mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
