//! What is known of a connection and its streams, without input or output: frames go in, and
//! frames come out. Everything that waits on either side is bounded by what was granted.

mod taking;

use super::half::{Read, Stream};
use crate::frame::{Frame, Kind, Limits, MAX_REASON_BYTES};
use crate::{Ended, StreamError};
use patchward_common::wire::machine::close;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore, mpsc, watch};

/// Most streams of a kind in the life of a connection: what a number has room for.
const MAX_STREAMS: u32 = u32::MAX >> 2;

/// Streams of a kind that the other side opens.
#[derive(Clone, Copy, Debug)]
struct Theirs {
    opened: u32,
    /// How many it may open, from the beginning.
    granted: u32,
    /// How many it has been told of.
    announced: u32,
}

/// Who is told of what.
#[derive(Debug)]
pub(super) struct Signals {
    /// There is something to send.
    pub(super) wake: Arc<Notify>,
    /// Streams that may be opened, by kind.
    pub(super) places: [Arc<Semaphore>; 2],
    /// Streams that the other side opened, by kind.
    pub(super) arrived: Option<[mpsc::UnboundedSender<u32>; 2]>,
    /// Whether it ended.
    pub(super) closed: watch::Sender<bool>,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Core {
    is_server: bool,
    own: Limits,
    peer: Option<Limits>,
    streams: HashMap<u32, Stream>,
    opened: [u32; 2],
    theirs: [Theirs; 2],
    /// Bytes that may be sent on all streams together.
    to_send: u64,
    /// Bytes that may still come, and those that were read since that was last said.
    room_left: u64,
    room_due: u64,
    /// Streams that have something to send, each once, in the order of their turns.
    ready: VecDeque<u32>,
    is_introduced: bool,
    pong: Option<[u8; 8]>,
    wants_ping: bool,
    bye: Option<Frame>,
    ended: Option<Ended>,
    signals: Signals,
}

impl Core {
    pub(super) fn new(is_server: bool, own: Limits, signals: Signals) -> Self {
        let theirs = |granted| Theirs {
            opened: 0,
            granted,
            announced: granted,
        };
        Self {
            is_server,
            own,
            peer: None,
            streams: HashMap::new(),
            opened: [0; 2],
            theirs: [theirs(own.both_ways), theirs(own.one_way)],
            to_send: 0,
            room_left: own.connection_window.into(),
            room_due: 0,
            ready: VecDeque::new(),
            is_introduced: false,
            pong: None,
            wants_ping: false,
            bye: None,
            ended: None,
            signals,
        }
    }

    pub(super) fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Opens a stream; a place was taken for it.
    pub(super) fn open(&mut self, kind: Kind) -> Result<u32, Ended> {
        if let Some(ended) = &self.ended {
            return Err(ended.clone());
        }
        let sequence = self.opened[kind.at()];
        if sequence >= MAX_STREAMS {
            self.close(close::DONE, b"all numbers of streams are used up");
            return Err(Ended::Lost("all numbers of streams are used up".into()));
        }
        self.opened[kind.at()] += 1;
        let id = self.number(sequence, kind, self.is_server);
        let credit = self.peer.map_or(0, |peer| peer.stream_window);
        let window = (kind == Kind::BothWays).then_some(self.own.stream_window);
        self.streams.insert(id, Stream::new(Some(credit), window));
        Ok(id)
    }

    pub(super) fn stream(&mut self, id: u32) -> Option<&mut Stream> {
        self.streams.get_mut(&id)
    }

    /// Takes bytes to be sent, as many as there is place for.
    pub(super) fn write(&mut self, id: u32, bytes: &[u8]) -> Result<usize, StreamError> {
        if let Some(ended) = &self.ended {
            return Err(StreamError::Lost(ended.to_string()));
        }
        let stream = self.streams.get_mut(&id);
        let taken = stream.ok_or(StreamError::Stopped)?.write(bytes)?;
        if taken > 0 {
            self.queue(id);
        }
        Ok(taken)
    }

    /// Takes up to `most` bytes that came.
    pub(super) fn read(&mut self, id: u32, most: usize) -> Result<Read, StreamError> {
        let found = self.streams.get_mut(&id).map(|stream| stream.read(most));
        match found.unwrap_or(Err(StreamError::Reset))? {
            Read::NotYet => match &self.ended {
                Some(ended) => Err(StreamError::Lost(ended.to_string())),
                None => Ok(Read::NotYet),
            },
            Read::Bytes(bytes) => {
                self.was_read(bytes.len());
                self.queue(id);
                Ok(Read::Bytes(bytes))
            }
            Read::End => Ok(Read::End),
        }
    }

    /// Nobody reads a stream any more.
    pub(super) fn forsake(&mut self, id: u32, code: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            let unread = stream.forsake(code);
            self.was_read(unread);
            self.queue(id);
            self.retire(id);
        }
    }

    /// Nobody writes a stream any more: it is finished, or broken off with a code.
    pub(super) fn finish(&mut self, id: u32, reset: Option<u32>) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.finish(reset);
            self.queue(id);
        }
    }

    pub(super) fn ping(&mut self) {
        self.wants_ping = true;
    }

    /// Ends it from this side; the other is told.
    pub(super) fn close(&mut self, code: u32, reason: &[u8]) {
        if self.ended.is_none() {
            self.bye = Some(Frame::Close {
                code,
                reason: reason[..reason.len().min(MAX_REASON_BYTES)].to_vec(),
            });
            self.end(Ended::Here);
        }
    }

    /// It has ended; the first reason counts.
    pub(super) fn end(&mut self, why: Ended) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(why);
        self.signals.arrived = None;
        for places in &self.signals.places {
            places.close();
        }
        for stream in self.streams.values() {
            stream.readable.notify_one();
            stream.writable.notify_one();
        }
        self.signals.closed.send_replace(true);
        self.signals.wake.notify_one();
    }

    /// The next frame to send; `None` where nothing is to be sent now.
    pub(super) fn next(&mut self) -> Option<Frame> {
        if !self.is_introduced {
            self.is_introduced = true;
            return Some(Frame::Settings(self.own));
        }
        if self.ended.is_some() {
            return self.bye.take();
        }
        if let Some(bytes) = self.pong.take() {
            return Some(Frame::Pong(bytes));
        }
        if std::mem::take(&mut self.wants_ping) {
            return Some(Frame::Ping([0; 8]));
        }
        if self.is_room_due() {
            let due = std::mem::take(&mut self.room_due);
            self.room_left += due;
            return Some(Frame::Room(u32::try_from(due).unwrap_or(u32::MAX)));
        }
        for kind in Kind::ALL {
            if self.are_places_due(kind) {
                let theirs = &mut self.theirs[kind.at()];
                theirs.announced = theirs.granted;
                let count = theirs.granted;
                return Some(Frame::Places { kind, count });
            }
        }
        while let Some(id) = self.ready.pop_front() {
            let Some(stream) = self.streams.get_mut(&id) else {
                continue;
            };
            stream.is_queued = false;
            let frame = stream.next(id, &mut self.to_send, self.own.stream_window);
            self.queue(id);
            self.retire(id);
            if frame.is_some() {
                return frame;
            }
        }
        None
    }

    fn number(&self, sequence: u32, kind: Kind, by_server: bool) -> u32 {
        sequence << 2 | (kind as u32) << 1 | u32::from(by_server)
    }

    /// Bytes left our hands, or were let go.
    fn was_read(&mut self, bytes: usize) {
        self.room_due += bytes as u64;
        if self.is_room_due() {
            self.signals.wake.notify_one();
        }
    }

    fn is_room_due(&self) -> bool {
        self.room_due > 0 && self.room_due >= u64::from(self.own.connection_window) / 2
    }

    /// Places are told in eighths, as QUIC does.
    fn are_places_due(&self, kind: Kind) -> bool {
        let theirs = self.theirs[kind.at()];
        let limit = match kind {
            Kind::BothWays => self.own.both_ways,
            Kind::OneWay => self.own.one_way,
        };
        theirs.granted - theirs.announced >= (limit / 8).max(1)
    }

    /// Gives a stream its turn, where it has something to send.
    fn queue(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id)
            && !stream.is_queued
            && stream.has_something(self.to_send, self.own.stream_window)
        {
            stream.is_queued = true;
            self.ready.push_back(id);
            self.signals.wake.notify_one();
        }
    }

    /// Forgets a stream that is over on both sides, and gives its place back.
    fn retire(&mut self, id: u32) {
        if !self.streams.get(&id).is_some_and(Stream::is_over) {
            return;
        }
        self.streams.remove(&id);
        let is_theirs = (id & 1 == 1) != self.is_server;
        if is_theirs {
            let kind = Kind::of(id);
            let theirs = &mut self.theirs[kind.at()];
            theirs.granted = (theirs.granted + 1).min(MAX_STREAMS);
            if self.are_places_due(kind) {
                self.signals.wake.notify_one();
            }
        }
    }

    /// Streams that are kept, and their unread bytes.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        let unread = self.streams.values().map(Stream::unread);
        (self.streams.len(), unread.sum())
    }
}
