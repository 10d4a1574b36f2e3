//! One stream: what waits to be sent on it, and what came and was not read yet.

use crate::StreamError;
use crate::frame::{Frame, MAX_PAYLOAD_BYTES, Violation};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio::sync::Notify;

/// Bytes that wait on one stream for their turn: two frames, so that the next one is there when
/// the one before leaves. What is on its way waits in the system's buffer.
const MAX_WAITING_BYTES: usize = 2 * MAX_PAYLOAD_BYTES;

/// What reading found.
#[derive(Debug)]
pub(super) enum Read {
    Bytes(Bytes),
    End,
    NotYet,
}

#[derive(Debug, Default)]
struct Sending {
    waiting: BytesMut,
    credit: u64,
    is_finished: bool,
    reset: Option<u32>,
}

#[derive(Debug, Default)]
struct Receiving {
    unread: BytesMut,
    left: u64,
    due: u32,
    is_finished: bool,
    is_reset: bool,
    is_forsaken: bool,
    stop: Option<u32>,
}

/// Both halves of a stream; `None` where one is over, or never was.
#[derive(Debug)]
pub(super) struct Stream {
    send: Option<Sending>,
    receive: Option<Receiving>,
    pub(super) is_queued: bool,
    pub(super) readable: Arc<Notify>,
    pub(super) writable: Arc<Notify>,
}

impl Stream {
    /// A stream that this side may send `credit` bytes on, and receive `window` bytes.
    pub(super) fn new(credit: Option<u32>, window: Option<u32>) -> Self {
        Self {
            send: credit.map(|credit| Sending {
                credit: credit.into(),
                ..Sending::default()
            }),
            receive: window.map(|window| Receiving {
                left: window.into(),
                ..Receiving::default()
            }),
            is_queued: false,
            readable: Arc::default(),
            writable: Arc::default(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.send.is_none() && self.receive.is_none()
    }

    /// Whether everything that was written has left, or never will.
    pub(super) fn is_sent(&self) -> bool {
        self.send.is_none()
    }

    #[cfg(test)]
    pub(super) fn unread(&self) -> usize {
        let receive = self.receive.as_ref();
        receive.map_or(0, |receive| receive.unread.len())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, StreamError> {
        let send = self.send.as_mut().ok_or(StreamError::Stopped)?;
        if send.is_finished || send.reset.is_some() {
            return Err(StreamError::Stopped);
        }
        let place = MAX_WAITING_BYTES.saturating_sub(send.waiting.len());
        let taken = bytes.len().min(place);
        send.waiting.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    pub(super) fn read(&mut self, most: usize) -> Result<Read, StreamError> {
        let receive = self.receive.as_mut().ok_or(StreamError::Reset)?;
        if receive.is_reset || receive.is_forsaken {
            return Err(StreamError::Reset);
        }
        if receive.unread.is_empty() {
            return Ok(match receive.is_finished {
                true => Read::End,
                false => Read::NotYet,
            });
        }
        let length = receive.unread.len().min(most);
        let bytes = receive.unread.split_to(length).freeze();
        receive.due = receive.due.saturating_add(length as u32);
        Ok(Read::Bytes(bytes))
    }

    /// Nobody reads it any more; gives back how many bytes were let go.
    pub(super) fn forsake(&mut self, code: u32) -> usize {
        let Some(receive) = &mut self.receive else {
            return 0;
        };
        let unread = std::mem::take(&mut receive.unread).len();
        if receive.is_finished || receive.is_reset {
            self.receive = None;
        } else if !receive.is_forsaken {
            receive.is_forsaken = true;
            receive.stop = Some(code);
        }
        unread
    }

    /// Nobody writes it any more.
    pub(super) fn finish(&mut self, reset: Option<u32>) {
        let Some(send) = &mut self.send else { return };
        match reset {
            Some(code) if send.reset.is_none() => {
                send.waiting = BytesMut::new();
                send.reset = Some(code);
            }
            _ => send.is_finished = true,
        }
    }

    /// Takes what came; whether it is kept until it is read.
    pub(super) fn take(&mut self, bytes: &[u8], is_end: bool) -> Result<bool, Violation> {
        let Some(receive) = &mut self.receive else {
            return Ok(false);
        };
        if receive.is_finished || receive.is_reset {
            return Err(Violation("bytes after the last ones"));
        }
        let left = receive.left.checked_sub(bytes.len() as u64);
        receive.left = left.ok_or(Violation("more bytes than the stream has room for"))?;
        if receive.is_forsaken {
            if is_end {
                self.receive = None;
            }
            return Ok(false);
        }
        // In one piece, whatever pieces it came in: many small ones cost no more.
        receive.unread.extend_from_slice(bytes);
        receive.is_finished = is_end;
        self.readable.notify_one();
        Ok(true)
    }

    /// The other side broke it off; gives back how many bytes were let go.
    pub(super) fn was_reset(&mut self) -> usize {
        let Some(receive) = &mut self.receive else {
            return 0;
        };
        let unread = std::mem::take(&mut receive.unread).len();
        if receive.is_forsaken {
            self.receive = None;
        } else if !receive.is_finished || unread > 0 {
            receive.is_reset = true;
        }
        self.readable.notify_one();
        unread
    }

    /// The other side reads no more of it.
    pub(super) fn was_stopped(&mut self, code: u32) {
        if let Some(send) = &mut self.send {
            send.waiting = BytesMut::new();
            send.reset.get_or_insert(code);
        }
        self.writable.notify_one();
    }

    /// The other side takes more of it.
    pub(super) fn credited(&mut self, bytes: u32, most: u64) -> Result<(), Violation> {
        if let Some(send) = &mut self.send {
            send.credit += u64::from(bytes);
            if send.credit > most {
                return Err(Violation("more credit than there can be"));
            }
        }
        Ok(())
    }

    /// The next frame of it, within what may be sent.
    pub(super) fn next(&mut self, id: u32, to_send: &mut u64, window: u32) -> Option<Frame> {
        if let Some(receive) = &mut self.receive {
            if let Some(code) = receive.stop.take() {
                return Some(Frame::Stop { stream: id, code });
            }
            if receive.is_credit_due(window) {
                let bytes = std::mem::take(&mut receive.due);
                receive.left += u64::from(bytes);
                return Some(Frame::Credit { stream: id, bytes });
            }
        }
        let send = self.send.as_mut()?;
        if let Some(code) = send.reset {
            self.send = None;
            self.writable.notify_one();
            return Some(Frame::Reset { stream: id, code });
        }
        let allowed = usize::try_from(send.credit.min(*to_send)).unwrap_or(usize::MAX);
        let length = send.waiting.len().min(allowed).min(MAX_PAYLOAD_BYTES);
        let is_end = send.is_finished && length == send.waiting.len();
        if length == 0 && !is_end {
            return None;
        }
        let bytes = send.waiting.split_to(length).to_vec();
        send.credit -= length as u64;
        *to_send -= length as u64;
        if is_end {
            self.send = None;
        }
        self.writable.notify_one();
        Some(Frame::Data {
            stream: id,
            bytes,
            is_end,
        })
    }

    /// Whether [`Self::next`] would give a frame.
    pub(super) fn has_something(&self, to_send: u64, window: u32) -> bool {
        let is_received = self
            .receive
            .as_ref()
            .is_some_and(|receive| receive.stop.is_some() || receive.is_credit_due(window));
        is_received
            || self.send.as_ref().is_some_and(|send| {
                let is_allowed = send.credit > 0 && to_send > 0;
                send.reset.is_some()
                    || (!send.waiting.is_empty() && is_allowed)
                    || (send.waiting.is_empty() && send.is_finished)
            })
    }
}

impl Receiving {
    fn is_credit_due(&self, window: u32) -> bool {
        let wants_more = !self.is_finished && !self.is_reset && !self.is_forsaken;
        wants_more && self.due > 0 && self.due >= window / 2
    }
}
