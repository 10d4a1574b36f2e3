//! What a frame of the other side changes, and what it must not do.

use super::Core;
use crate::Ended;
use crate::frame::{Frame, Kind, Limits, Violation};
use crate::mux::half::Stream;
use patchward_common::wire::machine::close;

/// Most streams that are granted to us at once, whatever the other side says.
const MAX_GRANTED: u32 = 4_096;
/// Most bytes that may be granted and not yet sent. What is more is a mistake.
const MAX_CREDIT: u64 = 1 << 31;

impl Core {
    /// Takes what came.
    pub(in crate::mux) fn take(&mut self, frame: Frame) {
        if self.ended.is_none()
            && let Err(Violation(what)) = self.taken(frame)
        {
            self.close(close::PROTOCOL, what.as_bytes());
        }
    }

    fn taken(&mut self, frame: Frame) -> Result<(), Violation> {
        match frame {
            Frame::Settings(limits) => return self.introduced(limits),
            _ if self.peer.is_none() => return Err(Violation("settings do not come first")),
            Frame::Data {
                stream,
                bytes,
                is_end,
            } => self.data(stream, &bytes, is_end)?,
            Frame::Reset { stream, .. } => {
                if let Some(stream) = self.of_peer(stream)? {
                    let unread = stream.was_reset();
                    self.was_read(unread);
                }
                self.retire(stream);
            }
            Frame::Stop { stream, code } => {
                if let Some(found) = self.of_own(stream)? {
                    found.was_stopped(code);
                    self.queue(stream);
                }
            }
            Frame::Credit { stream, bytes } => {
                if let Some(found) = self.of_own(stream)? {
                    found.credited(bytes, MAX_CREDIT)?;
                    self.queue(stream);
                }
            }
            Frame::Room(bytes) => {
                self.to_send += u64::from(bytes);
                if self.to_send > MAX_CREDIT {
                    return Err(Violation("more room than there can be"));
                }
                let waiting: Vec<u32> = self.streams.keys().copied().collect();
                waiting.into_iter().for_each(|id| self.queue(id));
            }
            Frame::Places { kind, count } => self.placed(kind, count)?,
            Frame::Ping(bytes) => {
                // One at a time: who pings faster than it reads gets the last one back.
                self.pong = Some(bytes);
                self.signals.wake.notify_one();
            }
            Frame::Pong(_) => {}
            Frame::Close { code, reason } => self.end(Ended::Closed {
                code,
                reason: String::from_utf8_lossy(&reason).into_owned(),
            }),
        }
        Ok(())
    }

    fn introduced(&mut self, limits: Limits) -> Result<(), Violation> {
        if self.peer.replace(limits).is_some() {
            return Err(Violation("settings come twice"));
        }
        self.to_send = limits.connection_window.into();
        for (places, granted) in self
            .signals
            .places
            .iter()
            .zip([limits.both_ways, limits.one_way])
        {
            places.add_permits(granted.min(MAX_GRANTED) as usize);
        }
        Ok(())
    }

    fn data(&mut self, id: u32, bytes: &[u8], is_end: bool) -> Result<(), Violation> {
        let length = bytes.len() as u64;
        let left = self.room_left.checked_sub(length);
        self.room_left = left.ok_or(Violation("more bytes than the connection has room for"))?;
        let kept = match self.of_peer(id)? {
            Some(stream) => stream.take(bytes, is_end)?,
            // It was forgotten: what was on its way is let go.
            None => false,
        };
        if !kept {
            self.was_read(bytes.len());
        }
        self.retire(id);
        Ok(())
    }

    fn placed(&mut self, kind: Kind, count: u32) -> Result<(), Violation> {
        let Some(peer) = &mut self.peer else {
            return Ok(());
        };
        let known = match kind {
            Kind::BothWays => &mut peer.both_ways,
            Kind::OneWay => &mut peer.one_way,
        };
        let more = count.checked_sub(*known);
        let more = more.filter(|more| *more <= MAX_GRANTED);
        let more = more.ok_or(Violation("places that go back, or too many at once"))?;
        *known = count;
        let places = &self.signals.places[kind.at()];
        if places.available_permits() + more as usize > MAX_GRANTED as usize {
            return Err(Violation("more places than there can be"));
        }
        places.add_permits(more as usize);
        Ok(())
    }

    /// The stream that the other side sends on; opened where it is new. `None` where it is over.
    fn of_peer(&mut self, id: u32) -> Result<Option<&mut Stream>, Violation> {
        let (kind, sequence) = (Kind::of(id), id >> 2);
        let is_ours = (id & 1 == 1) == self.is_server;
        if is_ours {
            let is_opened = sequence < self.opened[kind.at()];
            if kind == Kind::OneWay || !is_opened {
                return Err(Violation("a stream that was not opened"));
            }
            return Ok(self.streams.get_mut(&id));
        }
        let theirs = self.theirs[kind.at()];
        if sequence >= theirs.granted {
            return Err(Violation("more streams than were granted"));
        }
        // Those before it are opened with it: their first bytes are still to come.
        for before in theirs.opened..=sequence {
            let id = self.number(before, kind, !self.is_server);
            let peer = self.peer.map_or(0, |peer| peer.stream_window);
            let credit = (kind == Kind::BothWays).then_some(peer);
            let window = Some(self.own.stream_window);
            self.streams.insert(id, Stream::new(credit, window));
            if let Some(arrived) = &self.signals.arrived {
                // Nobody who accepts: the connection is being let go of.
                let _ = arrived[kind.at()].send(id);
            }
        }
        self.theirs[kind.at()].opened = theirs.opened.max(sequence + 1);
        Ok(self.streams.get_mut(&id))
    }

    /// The stream that this side sends on. `None` where it is over.
    fn of_own(&mut self, id: u32) -> Result<Option<&mut Stream>, Violation> {
        let is_ours = (id & 1 == 1) == self.is_server;
        match (is_ours, Kind::of(id)) {
            (true, kind) if id >> 2 >= self.opened[kind.at()] => {
                Err(Violation("a stream that was not opened"))
            }
            (false, Kind::OneWay) => Err(Violation("a stream that leads the other way")),
            (true, _) => Ok(self.streams.get_mut(&id)),
            (false, _) => self.of_peer(id),
        }
    }
}
